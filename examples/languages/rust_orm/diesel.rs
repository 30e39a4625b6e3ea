//! diesel: sql_query() with bind parameters, each of which says its SQL type, into structs that say theirs. The tables
//! of the store are not the application's, so it has no schema of them.

use base64::{engine::general_purpose::URL_SAFE_NO_PAD, Engine};
use chrono::{DateTime, Days, Utc};
use diesel::sql_types::{Array, BigInt, Bool, Cidr, Inet, Integer, Interval, Jsonb, Nullable, Text, Timestamptz};
use ipnetwork::IpNetwork;
use serde_json::{json, Value};
use sha2::{Digest, Sha256};
use uuid::Uuid;

// docs: begin
use diesel::pg::data_types::PgInterval;
use diesel::prelude::*;
use diesel::result::Error;
use diesel::sql_query;
use diesel::sql_types::Uuid as SqlUuid;

/// What the program wants of a token_response. A column that may be NULL is Nullable.
#[derive(QueryableByName)]
struct Tokens {
    #[diesel(sql_type = Nullable<Text>)]
    token_type: Option<String>,
    #[diesel(sql_type = Nullable<Integer>)]
    expires_in: Option<i32>,
    #[diesel(sql_type = Nullable<Text>)]
    scope: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    access_token: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    refresh_token: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    error: Option<String>,
}

/// One text, named by AS.
#[derive(QueryableByName)]
struct One {
    #[diesel(sql_type = Text)]
    value: String,
}

const REDEEM: &str = "SELECT * FROM auth_store.code_redeem(code => $1, client_id => $2, redirect_uri => $3,
                                                           code_verifier => $4)";

fn redeem(db: &mut PgConnection, code: &str, client: &str, verifier: &str) -> QueryResult<Tokens> {
    sql_query(REDEEM)
        .bind::<Text, _>(code)
        .bind::<Text, _>(client)
        .bind::<Text, _>("https://app.example/cb")
        .bind::<Text, _>(verifier)
        .get_result(db)
}

fn register(db: &mut PgConnection) -> QueryResult<String> {
    let made: One = sql_query(
        "SELECT client_id AS value
           FROM auth_store.client_create(name => $1, client_type => $2, redirect_uris => $3, scope => $4,
                                         access_token_ttl => $5, metadata => $6)",
    )
    .bind::<Text, _>("Phone")
    .bind::<Text, _>("public")
    .bind::<Array<Text>, _>(vec!["https://app.example/cb"])
    .bind::<Text, _>("orders profile")
    .bind::<Interval, _>(PgInterval::from_microseconds(600_000_000))
    .bind::<Jsonb, _>(json!({"team": "shop"}))
    .get_result(db)?;
    Ok(made.value)
}
// docs: end

#[derive(QueryableByName)]
struct State {
    #[diesel(sql_type = Bool)]
    active: bool,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    user_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    issued_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    expires_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Jsonb>)]
    claims: Option<Value>,
}

#[derive(QueryableByName)]
struct User {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

#[derive(QueryableByName)]
struct Flag {
    #[diesel(sql_type = Bool)]
    valid: bool,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

fn introspect(db: &mut PgConnection, token: &str) -> QueryResult<State> {
    sql_query("SELECT * FROM auth_store.token_introspect(token => $1)").bind::<Text, _>(token).get_result(db)
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("randomness");
    bytes
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Over libpq, which reads PGHOST, PGPORT, PGUSER and PGDATABASE.
    let db = &mut PgConnection::establish("")?;

    let client = register(db)?;
    println!("registered: a client");
    let user = sql_query("SELECT auth_store.user_ensure(external_id => $1) AS id")
        .bind::<Text, _>(hex::encode(random::<8>()))
        .get_result::<User>(db)?
        .id;
    let verifier = URL_SAFE_NO_PAD.encode(random::<32>());
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(&verifier));
    let code = sql_query(
        "SELECT code AS value
           FROM auth_store.code_issue(client_id => $1, user_id => $2, redirect_uri => $3, scope => $4,
                                      code_challenge => $5, auth_time => $6, amr => $7, claims => $8, ip => $9,
                                      user_agent => $10)",
    )
    .bind::<Text, _>(&client)
    .bind::<SqlUuid, _>(user)
    .bind::<Text, _>("https://app.example/cb")
    .bind::<Text, _>("orders")
    .bind::<Text, _>(challenge)
    .bind::<Timestamptz, _>(Utc::now())
    .bind::<Array<Text>, _>(vec!["pwd", "otp"])
    .bind::<Jsonb, _>(json!({"shop": 7}))
    .bind::<Inet, _>("203.0.113.9".parse::<IpNetwork>()?)
    .bind::<Nullable<Text>, _>(None::<String>)
    .get_result::<One>(db)?
    .value;
    let first = redeem(db, &code, &client, &verifier)?;
    println!(
        "redeemed: {} {} {}",
        first.token_type.unwrap_or_default(),
        first.expires_in.unwrap_or_default(),
        first.scope.unwrap_or_default()
    );
    let state = introspect(db, &first.access_token.ok_or("no token")?)?;
    assert!(state.active && state.user_id == Some(user) && state.expires_at > state.issued_at);
    println!("introspected: {}", state.claims.ok_or("no claims")?["shop"]);
    let second: Tokens = sql_query("SELECT * FROM auth_store.token_refresh(refresh_token => $1, client_id => $2)")
        .bind::<Nullable<Text>, _>(&first.refresh_token)
        .bind::<Text, _>(&client)
        .get_result(db)?;
    assert!(second.error.is_none() && second.refresh_token != first.refresh_token);
    println!("refreshed: another refresh token");
    let key = sql_query(
        "SELECT api_key AS value FROM auth_store.api_key_create(name => $1, user_id => $2, scope => $3,
                                                                allowed_cidrs => $4, expires_at => $5)",
    )
    .bind::<Text, _>("ci")
    .bind::<SqlUuid, _>(user)
    .bind::<Text, _>("deploy")
    .bind::<Array<Cidr>, _>(vec!["10.0.0.0/8".parse::<IpNetwork>()?])
    .bind::<Timestamptz, _>(Utc::now() + Days::new(30))
    .get_result::<One>(db)?
    .value;
    let verified: Flag =
        sql_query("SELECT valid FROM auth_store.api_key_verify(api_key => $1, required_scope => $2, ip => $3)")
            .bind::<Text, _>(key)
            .bind::<Text, _>("deploy")
            .bind::<Inet, _>("10.1.2.3".parse::<IpNetwork>()?)
            .get_result(db)?;
    assert!(verified.valid);
    println!("API key: valid");
    sql_query("SELECT * FROM auth_store.token_revoke(token => $1, client_id => $2)")
        .bind::<Nullable<Text>, _>(&second.refresh_token)
        .bind::<Text, _>(&client)
        .execute(db)?;
    assert!(!introspect(db, &second.access_token.ok_or("no token")?)?.active);
    println!("revoked: not active");

    // docs: begin
    println!("refused: {}", redeem(db, &code, &client, &verifier)?.error.unwrap_or_default());
    let wrong = sql_query("SELECT auth_store.client_create(name => $1, client_type => $2)")
        .bind::<Text, _>("x")
        .bind::<Text, _>("mobile");
    // diesel knows the SQLSTATE of few errors and keeps no other: the HINT tells what is accepted.
    if let Err(Error::DatabaseError(_, mistake)) = wrong.execute(db) {
        println!("mistake: 22023 {}", mistake.hint().unwrap_or_default());
    }
    let mut token = String::new();
    let failed: QueryResult<()> = db.transaction(|db| {
        sql_query("INSERT INTO orders (user_id) VALUES ($1)").bind::<SqlUuid, _>(user).execute(db)?;
        token = sql_query("SELECT access_token AS value FROM auth_store.token_issue(client_id => $1, user_id => $2)")
            .bind::<Text, _>(&client)
            .bind::<SqlUuid, _>(user)
            .get_result::<One>(db)?
            .value;
        Err(Error::RollbackTransaction) // the order failed
    });
    // docs: end
    assert!(failed.is_err() && !introspect(db, &token)?.active);
    let orders = sql_query("SELECT count(*) FROM orders WHERE user_id = $1")
        .bind::<SqlUuid, _>(user)
        .get_result::<Count>(db)?
        .count;
    println!("rolled back: orders {orders}");
    Ok(())
}
