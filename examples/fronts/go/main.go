// An OAuth 2.1 and OpenID Connect provider: each request goes to auth_store in one call, whose answer goes back.
//
//	go run main.go [PORT]     Connects as psql does, as a role that has auth_store_app.
//
// The application logs its users in on pages of its own and keeps the session's token in the cookie "session". pgx is
// version 4 as Debian has it; of version 5 the import paths are github.com/jackc/pgx/v5 and …/v5/pgxpool.
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
func front(pool *pgxpool.Pool) http.HandlerFunc {
	return func(answer http.ResponseWriter, request *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(answer, request.Body, 65536))
		if err != nil {
			answer.WriteHeader(http.StatusRequestEntityTooLarge)
			return
		}
		headers := map[string]interface{}{}
		for name, all := range request.Header {
			headers[strings.ToLower(name)] = all
			if len(all) == 1 {
				headers[strings.ToLower(name)] = all[0]
			}
		}
		var session *string
		if cookie, err := request.Cookie("session"); err == nil {
			session = &cookie.Value
		}
		ip, _, _ := net.SplitHostPort(request.RemoteAddr)
		method, path, query := request.Method, request.URL.EscapedPath(), []byte(request.URL.RawQuery)
		call := "http(method => $1, path => $2, query => $3, headers => $4, body => $5, ip => $6, session_token => $7)"
		values := []interface{}{method, path, query, headers, body, ip, session}
		switch path { // the two endpoints that answer with more than a response
		case "/authorize":
			call = "http_authorize(method => $1, query => $2, body => $3, session_token => $4, ip => $5, " +
				"user_agent => $6)"
			values = []interface{}{method, query, body, session, ip, request.UserAgent()}
		case "/logout":
			if method == http.MethodPost {
				query = body
			}
			call = "http_end_session(query => $1, session_token => $2, ip => $3)"
			values = []interface{}{query, session, ip}
		}
		var status int
		var sent map[string]string
		var text *string
		err = pool.QueryRow(request.Context(), "SELECT status, headers, body FROM auth_store."+call, values...).
			Scan(&status, &sent, &text)
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
