// The main job over several databases behind pgbouncer, with pgx: each call goes to the shard of what it is about. PGHOST,
// PGPORT and PGUSER lead to pgbouncer, where each shard is a database of its name; SHARD_MAP is the file of the map. pgx
// prepares each statement once on a connection, and pgbouncer keeps it.
//
//	routing VECTORS.json     only compares the functions here with what the store says
package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"sort"
	"strings"
	"time"

	"github.com/jackc/pgconn"
	"github.com/jackc/pgx/v4"
)

const clientID, redirectURI = "phone", "https://app.example/cb"

type args map[string]interface{}

var (
	ctx  = context.Background()
	home shards
	open = map[string]*pgx.Conn{}
)

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func on(bucket int) *pgx.Conn {
	name := home.name(bucket)
	if open[name] == nil {
		db, err := pgx.Connect(ctx, "sslmode=disable dbname="+name)
		must(err)
		open[name] = db
	}
	return open[name]
}

// call scans columns of the row of auth_store.function() on the bucket's shard.
func call(bucket int, columns, function string, arguments args, into ...interface{}) {
	names := make([]string, 0, len(arguments))
	for name := range arguments {
		names = append(names, name)
	}
	sort.Strings(names)
	list, values := []string{}, []interface{}{}
	for i, name := range names {
		list = append(list, fmt.Sprintf("%q => $%d", name, i+1))
		values = append(values, arguments[name])
	}
	statement := "SELECT " + columns + " FROM auth_store." + function + "(" + strings.Join(list, ", ") + ")"
	err := on(bucket).QueryRow(ctx, statement, values...).Scan(into...)
	for problem := (*pgconn.PgError)(nil); errors.As(err, &problem) && problem.Code == "55006"; {
		time.Sleep(50 * time.Millisecond) // the bucket is moving to another shard
		home = readShards(os.Getenv("SHARD_MAP"))
		err = on(bucket).QueryRow(ctx, statement, values...).Scan(into...)
	}
	must(err)
}

func assert(good bool) {
	if !good {
		panic("not as it should be")
	}
}

func random(n int) []byte {
	bytes := make([]byte, n)
	_, err := rand.Read(bytes)
	must(err)
	return bytes
}

// logIn is one user's way; returns the shard, and what a program would show.
func logIn(externalID string) (string, string) {
	var userID, code, access, refresh, second, tokenType, scope, who, session, key, refusal string
	var expiresIn int
	var active, valid bool
	var problem *string
	call(userBucket("default", externalID, "external"), "user_ensure::text", "user_ensure",
		args{"external_id": externalID}, &userID)
	at := idBucket(userID)
	verifier := base64.RawURLEncoding.EncodeToString(random(32))
	challenge := sha256.Sum256([]byte(verifier))
	call(at, "code", "code_issue", args{"client_id": clientID, "user_id": userID, "redirect_uri": redirectURI,
		"scope": "orders", "code_challenge": base64.RawURLEncoding.EncodeToString(challenge[:])}, &code)
	redeem := args{"code": code, "client_id": clientID, "redirect_uri": redirectURI, "code_verifier": verifier}
	call(tokenBucket(code), "access_token, refresh_token, token_type, expires_in, scope", "code_redeem", redeem,
		&access, &refresh, &tokenType, &expiresIn, &scope)
	said := fmt.Sprintln("redeemed:", tokenType, expiresIn, scope)
	call(tokenBucket(access), "active, user_id::text", "token_introspect", args{"token": access}, &active, &who)
	assert(active && who == userID)
	call(tokenBucket(refresh), "error, access_token, refresh_token", "token_refresh",
		args{"refresh_token": refresh, "client_id": clientID}, &problem, &access, &second)
	assert(problem == nil && second != refresh)
	said += fmt.Sprintln("refreshed: another refresh token")
	call(at, "session_token", "session_create", args{"user_id": userID}, &session)
	call(tokenBucket(session), "valid", "session_validate", args{"session_token": session}, &valid)
	assert(valid)
	said += fmt.Sprintln("session: valid")
	call(at, "api_key", "api_key_create",
		args{"name": "ci", "user_id": userID, "scope": "deploy", "prefix": "shop_"}, &key)
	call(tokenBucket(key), "valid", "api_key_verify", args{"api_key": key, "required_scope": "deploy"}, &valid)
	assert(valid)
	said += fmt.Sprintln("API key: valid")
	call(tokenBucket(second), "error", "token_revoke", args{"token": second, "client_id": clientID}, &problem)
	call(tokenBucket(access), "active", "token_introspect", args{"token": access}, &active)
	assert(!active)
	said += fmt.Sprintln("revoked: not active")
	call(tokenBucket(code), "error", "code_redeem", redeem, &refusal)
	said += fmt.Sprintln("refused:", refusal)
	foreign := "another store's token"
	call(tokenBucket(foreign), "active", "token_introspect", args{"token": foreign}, &active)
	assert(!active)
	return home.name(at), said
}

func main() {
	if len(os.Args) > 1 {
		compare(os.Args[1])
		return
	}
	compare(os.Getenv("VECTORS"))
	home = readShards(os.Getenv("SHARD_MAP"))
	users, used, told := 30, map[string]bool{}, map[string]bool{}
	for n := 0; n < users; n++ {
		shard, said := logIn(fmt.Sprint(hex.EncodeToString(random(8)), n))
		used[shard], told[said] = true, true
	}
	fmt.Println("users:", users, "on", len(used), "shards")
	for said := range told {
		fmt.Print(said)
	}
}
