//! sqlx. It sends each value with the type that its Rust type says: Uuid, PgInterval, IpNetwork, DateTime, serde_json's
//! Value. What has no such type goes as text or as a list, with a cast.

use base64::{engine::general_purpose::URL_SAFE_NO_PAD, Engine};
use chrono::{DateTime, Days, Utc};
use serde_json::{json, Value};
use sha2::{Digest, Sha256};
use std::error::Error;
use uuid::Uuid;

// docs: begin
use sqlx::postgres::types::PgInterval;
use sqlx::postgres::{PgConnectOptions, PgDatabaseError, PgPoolOptions};
use sqlx::types::ipnetwork::IpNetwork;
use sqlx::{FromRow, PgExecutor, Row};

/// What the program wants of a token_response. A column that may be NULL is an Option.
#[derive(FromRow)]
struct Tokens {
    token_type: Option<String>,
    expires_in: Option<i32>,
    scope: Option<String>,
    access_token: Option<String>,
    refresh_token: Option<String>,
    error: Option<String>,
}

const REDEEM: &str = "SELECT * FROM auth_store.code_redeem(code => $1, client_id => $2, redirect_uri => $3,
                                                           code_verifier => $4)";

async fn redeem(db: impl PgExecutor<'_>, code: &str, client: &str, verifier: &str) -> sqlx::Result<Tokens> {
    sqlx::query_as(REDEEM)
        .bind(code)
        .bind(client)
        .bind("https://app.example/cb")
        .bind(verifier)
        .fetch_one(db)
        .await
}

async fn register(db: impl PgExecutor<'_>) -> sqlx::Result<String> {
    sqlx::query_scalar(
        "SELECT client_id FROM auth_store.client_create(name => $1, client_type => $2, redirect_uris => $3,
                                                        scope => $4, access_token_ttl => $5, metadata => $6)",
    )
    .bind("Phone")
    .bind("public")
    .bind(vec!["https://app.example/cb"])
    .bind("orders profile")
    .bind(PgInterval { months: 0, days: 0, microseconds: 600_000_000 })
    .bind(json!({"team": "shop"}))
    .fetch_one(db)
    .await
}
// docs: end

async fn is_active(db: impl PgExecutor<'_>, token: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar("SELECT active FROM auth_store.token_introspect(token => $1)").bind(token).fetch_one(db).await
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("randomness");
    bytes
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    // Of PGHOST, PGPORT, PGUSER and PGDATABASE, as libpq does.
    let db = PgPoolOptions::new().max_connections(4).connect_with(PgConnectOptions::new()).await?;

    let client = register(&db).await?;
    println!("registered: a client");
    let user: Uuid = sqlx::query_scalar("SELECT auth_store.user_ensure(external_id => $1)")
        .bind(hex::encode(random::<8>()))
        .fetch_one(&db)
        .await?;
    let verifier = URL_SAFE_NO_PAD.encode(random::<32>());
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(&verifier));
    let code: String = sqlx::query_scalar(
        "SELECT code FROM auth_store.code_issue(client_id => $1, user_id => $2, redirect_uri => $3, scope => $4,
                                                code_challenge => $5, auth_time => $6, amr => $7, claims => $8,
                                                ip => $9, user_agent => $10)",
    )
    .bind(&client)
    .bind(user)
    .bind("https://app.example/cb")
    .bind("orders")
    .bind(challenge)
    .bind(Utc::now())
    .bind(vec!["pwd", "otp"])
    .bind(json!({"shop": 7}))
    .bind("203.0.113.9".parse::<IpNetwork>()?)
    .bind(None::<String>)
    .fetch_one(&db)
    .await?;
    let first = redeem(&db, &code, &client, &verifier).await?;
    println!(
        "redeemed: {} {} {}",
        first.token_type.unwrap_or_default(),
        first.expires_in.unwrap_or_default(),
        first.scope.unwrap_or_default()
    );
    let access = first.access_token.ok_or("no token")?;
    let state =
        sqlx::query("SELECT * FROM auth_store.token_introspect(token => $1)").bind(&access).fetch_one(&db).await?;
    assert!(state.get::<bool, _>("active") && state.get::<Uuid, _>("user_id") == user);
    assert!(state.get::<DateTime<Utc>, _>("expires_at") > state.get::<DateTime<Utc>, _>("issued_at"));
    println!("introspected: {}", state.get::<Value, _>("claims")["shop"]);
    let second: Tokens =
        sqlx::query_as("SELECT * FROM auth_store.token_refresh(refresh_token => $1, client_id => $2)")
            .bind(&first.refresh_token)
            .bind(&client)
            .fetch_one(&db)
            .await?;
    assert!(second.error.is_none() && second.refresh_token != first.refresh_token);
    println!("refreshed: another refresh token");
    let key: String = sqlx::query_scalar(
        "SELECT api_key FROM auth_store.api_key_create(name => $1, user_id => $2, scope => $3,
                                                       allowed_cidrs => $4::text[]::cidr[], expires_at => $5)",
    )
    .bind("ci")
    .bind(user)
    .bind("deploy")
    .bind(vec!["10.0.0.0/8"])
    .bind(Utc::now() + Days::new(30))
    .fetch_one(&db)
    .await?;
    let valid: bool = sqlx::query_scalar(
        "SELECT valid FROM auth_store.api_key_verify(api_key => $1, required_scope => $2, ip => $3)",
    )
    .bind(key)
    .bind("deploy")
    .bind("10.1.2.3".parse::<IpNetwork>()?)
    .fetch_one(&db)
    .await?;
    assert!(valid);
    println!("API key: valid");
    sqlx::query("SELECT * FROM auth_store.token_revoke(token => $1, client_id => $2)")
        .bind(&second.refresh_token)
        .bind(&client)
        .execute(&db)
        .await?;
    assert!(!is_active(&db, &second.access_token.ok_or("no token")?).await?);
    println!("revoked: not active");

    // docs: begin
    println!("refused: {}", redeem(&db, &code, &client, &verifier).await?.error.unwrap_or_default());
    let wrong = sqlx::query("SELECT auth_store.client_create(name => $1, client_type => $2)").bind("x").bind("mobile");
    if let Err(sqlx::Error::Database(error)) = wrong.execute(&db).await {
        let mistake = error.downcast_ref::<PgDatabaseError>();
        println!("mistake: {} {}", mistake.code(), mistake.hint().unwrap_or_default());
    }
    let mut transaction = db.begin().await?;
    sqlx::query("INSERT INTO orders (user_id) VALUES ($1)").bind(user).execute(&mut *transaction).await?;
    let token: String =
        sqlx::query_scalar("SELECT access_token FROM auth_store.token_issue(client_id => $1, user_id => $2)")
            .bind(&client)
            .bind(user)
            .fetch_one(&mut *transaction)
            .await?;
    transaction.rollback().await?; // the order failed
                                   // docs: end
    assert!(!is_active(&db, &token).await?);
    let orders: i64 =
        sqlx::query_scalar("SELECT count(*) FROM orders WHERE user_id = $1").bind(user).fetch_one(&db).await?;
    println!("rolled back: orders {orders}");
    Ok(())
}
