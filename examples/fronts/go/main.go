// An OAuth 2.1 and OpenID Connect provider: each request goes to auth_store in one call, whose answer goes back.
//
//	go run main.go [PORT]     Connects as psql does, as a role that has auth_store_app.
//
// The application logs its users in on pages of its own and keeps the session's token in the cookie "session", see
// docs/how-to/fronts.md. pgx is version 4 as Debian has it; of version 5 the import paths are github.com/jackc/pgx/v5
// and …/v5/pgxpool.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"

	"github.com/jackc/pgx/v4/pgxpool"
)

// docs: begin
const call = `SELECT status, headers, body FROM auth_store.http(method => $1, path => $2, query => $3, headers => $4,
    body => $5, ip => $6, session_token => $7)`

func front(pool *pgxpool.Pool) http.HandlerFunc {
	return func(answer http.ResponseWriter, request *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(answer, request.Body, 65536))
		if err != nil {
			answer.WriteHeader(http.StatusRequestEntityTooLarge)
			return
		}
		headers := map[string][]string{}
		for name, all := range request.Header {
			headers[strings.ToLower(name)] = all
		}
		var session, text *string
		if cookie, err := request.Cookie("session"); err == nil {
			session = &cookie.Value
		}
		ip, _, _ := net.SplitHostPort(request.RemoteAddr)
		var status int
		var sent map[string]string
		err = pool.QueryRow(request.Context(), call, request.Method, request.URL.EscapedPath(),
			[]byte(request.URL.RawQuery), headers, body, ip, session).Scan(&status, &sent, &text)
		if err != nil {
			log.Print("the call failed: ", err)
			status = http.StatusInternalServerError
		}
		for name, value := range sent {
			answer.Header().Set(name, value)
		}
		answer.WriteHeader(status)
		if text != nil {
			io.WriteString(answer, *text)
		}
	}
}

// docs: end

func main() {
	port := "8000"
	if len(os.Args) > 1 {
		port = os.Args[1]
	}
	pool, err := pgxpool.Connect(context.Background(), "sslmode=disable") // and PGHOST, PGPORT, PGUSER, PGDATABASE
	if err != nil {
		log.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("http://%s\n", listener.Addr())
	log.Fatal(http.Serve(listener, front(pool)))
}
