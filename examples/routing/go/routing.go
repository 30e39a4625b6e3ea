// Which of several databases with auth_store has what a call is about: its bucket, 0 to 4095, and the map.
package main

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"sort"
	"strconv"
	"strings"
)

var native = regexp.MustCompile(`^(?:asrt_([\w-]{86})|[\w-]{0,31}_([\w-]{64}))$`)

func hashed(parts ...string) int { // the first 12 bits of SHA-256
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return int(binary.BigEndian.Uint16(sum[:]) >> 4)
}

func idBucket(id string) int { // 01b8dac5-b422-8abc-8a33-1fdde7032f33: abc
	bucket, _ := strconv.ParseUint(id[15:18], 16, 16)
	return int(bucket)
}

func tokenBucket(text string) int { // one of the store begins with its id, behind a prefix; another's has its digest
	if found := native.FindStringSubmatch(text); found != nil {
		front, _ := base64.RawURLEncoding.DecodeString((found[1] + found[2])[8:12])
		if front[0]>>4 == 8 && front[2]>>6 == 2 {
			return int(binary.BigEndian.Uint16(front) & 0xfff)
		}
	}
	return jwtBucket(text)
}

var own = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

// jti is the id that the middle of a JWT says, whoever signed it.
func jti(text string) string {
	var claims struct{ Jti string }
	if parts := strings.Split(text, "."); len(parts) == 3 {
		if body, err := base64.RawURLEncoding.DecodeString(parts[1]); err == nil {
			_ = json.Unmarshal(body, &claims)
		}
	}
	return claims.Jti
}

// An access token that is a JWT of the store has its id as jti.
func jwtBucket(text string) int {
	if id := jti(text); own.MatchString(id) {
		return idBucket(id)
	}
	return hashed(text)
}

// askTheStore: names beyond ASCII are folded by Unicode's rules: SELECT auth_store.user_bucket(…) on any shard says the
// bucket.
const askTheStore = -1

func userBucket(tenantID, name, kind string) int {
	if kind == "" {
		kind = "username"
		if strings.Contains(name, "@") {
			kind = "email"
		} else if strings.HasPrefix(strings.TrimLeft(name, " "), "+") {
			kind = "phone"
		}
	}
	ascii := strings.IndexFunc(name, func(r rune) bool { return r > 127 }) < 0
	switch {
	case kind == "email" && !strings.Contains(name, "@"):
		return 0
	case (kind == "email" || kind == "username") && !ascii:
		return askTheStore
	case kind == "email" || kind == "username":
		return hashed(tenantID, strings.ToLower(name))
	case kind == "phone":
		return hashed(tenantID, regexp.MustCompile(`[^0-9]`).ReplaceAllString(name, ""))
	case kind == "identity": // a provider and the user's name there
		return hashed(append([]string{tenantID}, strings.SplitN(name, " ", 2)...)...)
	case kind == "external":
		return hashed(tenantID, name)
	}
	return 0
}

// A user of the store, else an id of the application's own.
func actorBucket(tenantID, actorID string) int {
	if own.MatchString(strings.ToLower(actorID)) {
		return idBucket(actorID)
	}
	return hashed(tenantID, actorID)
}

// The first three of eleven letters, as digits.
func userCodeBucket(userCode string) (bucket int) {
	letters := strings.ToUpper(regexp.MustCompile(`[^\p{L}\p{N}]`).ReplaceAllString(userCode, ""))
	if !regexp.MustCompile(`^[BCDFGHJKLMNPQRSTVWXZ]{11}$`).MatchString(letters) {
		return 0
	}
	for _, letter := range letters[:3] {
		bucket = bucket*20 + strings.IndexRune("BCDFGHJKLMNPQRSTVWXZ", letter)
	}
	if bucket >= 4096 {
		return 0
	}
	return
}

func dpopBucket(proof string) int {
	if id := jti(proof); id != "" {
		return hashed(id)
	}
	return 0
}

// bucket is as the store says it: 0 where what decides is missing, and no tenant is the tenant default.
func bucket(function string, values []*string) int {
	texts := make([]string, len(values))
	for i, value := range values {
		if value != nil {
			texts[i] = *value
		} else if i == 0 && (function == "user_bucket" || function == "actor_bucket") {
			texts[i] = "default"
		} else if function != "user_bucket" || i == 1 {
			return 0
		}
	}
	switch {
	case texts[0] == "" || len(texts) > 1 && texts[1] == "":
		return 0
	case function == "token_bucket" || function == "key_bucket":
		return tokenBucket(texts[0])
	case function == "id_bucket":
		return idBucket(texts[0])
	case function == "user_bucket":
		return userBucket(texts[0], texts[1], texts[2])
	case function == "actor_bucket":
		return actorBucket(texts[0], texts[1])
	case function == "user_code_bucket":
		return userCodeBucket(texts[0])
	case function == "dpop_bucket":
		return dpopBucket(texts[0])
	}
	return hashed(texts...)
}

// shards is the map, a JSON file [[first bucket of a range, name of its shard], …].
type shards struct {
	first []int
	names []string
}

func readShards(file string) (found shards) {
	var ranges [][2]interface{}
	body, err := os.ReadFile(file)
	must(err)
	must(json.Unmarshal(body, &ranges))
	for _, one := range ranges {
		found.first = append(found.first, int(one[0].(float64)))
		found.names = append(found.names, one[1].(string))
	}
	return
}

func (s shards) name(bucket int) string {
	return s.names[sort.SearchInts(s.first, bucket+1)-1]
}

// compare compares the functions here with what the store says.
func compare(file string) {
	var vectors []struct {
		Function  string
		Arguments []*string
		Bucket    int
	}
	body, err := os.ReadFile(file)
	must(err)
	must(json.Unmarshal(body, &vectors))
	alike, asked := 0, 0
	for _, vector := range vectors {
		switch bucket(vector.Function, vector.Arguments) {
		case vector.Bucket:
			alike++
		case askTheStore:
			asked++
		default:
			panic(fmt.Sprintf("%v: %d", vector, bucket(vector.Function, vector.Arguments)))
		}
	}
	fmt.Printf("vectors: %d alike, %d for the store to answer\n", alike, asked)
}
