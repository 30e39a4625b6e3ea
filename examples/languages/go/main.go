// pgx, version 4 as Debian has it; of version 5 the import paths are github.com/jackc/pgx/v5 and …/v5/pgconn. It asks the server for each
// argument's type: strings, time.Time, time.Duration, []string and maps go as they are.
package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"sort"
	"strings"
	"time"

	"github.com/jackc/pgconn"
	"github.com/jackc/pgx/v4"
)

// docs: begin
type args map[string]interface{}

type querier interface {
	QueryRow(ctx context.Context, statement string, values ...interface{}) pgx.Row
}

// call scans columns of the row of auth_store.function(); db is a connection, a pool or a transaction. Names and columns are the
// program's own, never input. A uuid scans into a string as uuid::text.
func call(ctx context.Context, db querier, columns, function string, arguments args, into ...interface{}) error {
	names := make([]string, 0, len(arguments))
	for name := range arguments {
		names = append(names, name)
	}
	sort.Strings(names) // one text for one set of arguments, so one prepared statement
	values := make([]interface{}, 0, len(names))
	list := make([]string, 0, len(names))
	for i, name := range names {
		list = append(list, fmt.Sprintf("%q => $%d", name, i+1))
		values = append(values, arguments[name])
	}
	statement := "SELECT " + columns + " FROM auth_store." + function + "(" + strings.Join(list, ", ") + ")"
	return db.QueryRow(ctx, statement, values...).Scan(into...)
}

func register(ctx context.Context, db querier) (clientID string, err error) {
	err = call(ctx, db, "client_id", "client_create", args{"name": "Phone", "client_type": "public",
		"redirect_uris": []string{"https://app.example/cb"}, "scope": "orders profile", "access_token_ttl": 10 * time.Minute,
		"metadata": map[string]string{"team": "shop"}}, &clientID)
	return
}

// docs: end

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func random(n int) []byte {
	bytes := make([]byte, n)
	_, err := rand.Read(bytes)
	must(err)
	return bytes
}

func main() {
	ctx := context.Background()
	// docs: begin
	db, err := pgx.Connect(ctx, "sslmode=disable") // and PGHOST, PGPORT, PGUSER, PGDATABASE
	// docs: end
	must(err)
	clientID, err := register(ctx, db)
	must(err)
	fmt.Println("registered: a client")
	var userID, code, access, refresh, tokenType, scope, key string
	must(call(ctx, db, "user_ensure::text", "user_ensure", args{"external_id": hex.EncodeToString(random(8))}, &userID))
	verifier := base64.RawURLEncoding.EncodeToString(random(32))
	challenge := sha256.Sum256([]byte(verifier))
	must(call(ctx, db, "code", "code_issue", args{"client_id": clientID, "user_id": userID, "redirect_uri": "https://app.example/cb",
		"scope": "orders", "code_challenge": base64.RawURLEncoding.EncodeToString(challenge[:]), "auth_time": time.Now(),
		"amr": []string{"pwd", "otp"}, "claims": map[string]int{"shop": 7}, "ip": "203.0.113.9", "user_agent": nil}, &code))
	redeem := args{"code": code, "client_id": clientID, "redirect_uri": "https://app.example/cb", "code_verifier": verifier}
	var expiresIn int
	must(call(ctx, db, "access_token, refresh_token, token_type, expires_in, scope", "code_redeem", redeem,
		&access, &refresh, &tokenType, &expiresIn, &scope))
	fmt.Println("redeemed:", tokenType, expiresIn, scope)
	var active, valid bool
	var who string
	var claims struct{ Shop int }
	var issued, expires time.Time
	must(call(ctx, db, "active, user_id::text, claims, issued_at, expires_at", "token_introspect", args{"token": access},
		&active, &who, &claims, &issued, &expires))
	if !active || who != userID || !expires.After(issued) {
		panic("not as it should be")
	}
	fmt.Println("introspected:", claims.Shop)
	var second string
	// docs: begin
	var problem *string // what may be NULL is a pointer
	must(call(ctx, db, "error, access_token, refresh_token", "token_refresh", args{"refresh_token": refresh, "client_id": clientID},
		&problem, &access, &second))
	// docs: end
	if problem != nil || second == refresh {
		panic("not as it should be")
	}
	fmt.Println("refreshed: another refresh token")
	_, network, err := net.ParseCIDR("10.0.0.0/8")
	must(err)
	must(call(ctx, db, "api_key", "api_key_create", args{"name": "ci", "user_id": userID, "scope": "deploy",
		"allowed_cidrs": []*net.IPNet{network}, "expires_at": time.Now().AddDate(0, 0, 30)}, &key))
	must(call(ctx, db, "valid", "api_key_verify", args{"api_key": key, "required_scope": "deploy", "ip": net.ParseIP("10.1.2.3")}, &valid))
	if !valid {
		panic("not as it should be")
	}
	fmt.Println("API key: valid")
	must(call(ctx, db, "error", "token_revoke", args{"token": second, "client_id": clientID}, &problem))
	must(call(ctx, db, "active", "token_introspect", args{"token": access}, &active))
	if active {
		panic("not as it should be")
	}
	fmt.Println("revoked: not active")

	// docs: begin
	must(call(ctx, db, "error", "code_redeem", redeem, &problem))
	fmt.Println("refused:", *problem)
	var mistake *pgconn.PgError
	if err := call(ctx, db, "client_id", "client_create", args{"name": "x", "client_type": "mobile"}, &clientID); errors.As(err, &mistake) {
		fmt.Println("mistake:", mistake.Code, mistake.Hint)
	}
	var token string
	tx, err := db.Begin(ctx)
	must(err)
	_, err = tx.Exec(ctx, "INSERT INTO orders (user_id) VALUES ($1)", userID)
	must(err)
	must(call(ctx, tx, "access_token", "token_issue", args{"client_id": clientID, "user_id": userID}, &token))
	must(tx.Rollback(ctx)) // the order failed
	// docs: end
	must(call(ctx, db, "active", "token_introspect", args{"token": token}, &active))
	var orders int
	must(db.QueryRow(ctx, "SELECT count(*) FROM orders WHERE user_id = $1", userID).Scan(&orders))
	if active {
		panic("not as it should be")
	}
	fmt.Println("rolled back: orders", orders)
}
