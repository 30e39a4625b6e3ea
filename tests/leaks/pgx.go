package main

import (
	"context"
	"fmt"
	"os"

	"github.com/jackc/pgx/v4"
)

func main() {
	config, err := pgx.ParseConfig("sslmode=disable")
	if err != nil {
		panic(err)
	}
	config.PreferSimpleProtocol = os.Args[1] != "cured"
	db, err := pgx.ConnectConfig(context.Background(), config)
	if err != nil {
		panic(err)
	}
	var id string
	fmt.Println(db.QueryRow(context.Background(), "SELECT client_id FROM auth_store.client_create(name => $1, client_type => $2)",
		os.Getenv("SECRET"), "mobile").Scan(&id))
}
