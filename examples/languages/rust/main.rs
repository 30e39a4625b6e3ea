//! tokio-postgres. It asks the server for each argument's type and wants a value of that type: Uuid, IpAddr, DateTime,
//! serde_json's Value. What has no Rust type there (interval, cidr[]) goes as text, with a cast.

use base64::{engine::general_purpose::URL_SAFE_NO_PAD, Engine};
use chrono::{DateTime, Days, Utc};
use serde_json::{json, Value};
use sha2::{Digest, Sha256};
use std::{env::var, error::Error, net::IpAddr};
use uuid::Uuid;

// docs: begin
use tokio_postgres::{types::ToSql, GenericClient, NoTls, Row};

type Args<'a> = &'a [(&'a str, &'a (dyn ToSql + Sync))];

/// The row of auth_store.function(); db is a client or a transaction. The names are the program's own, never input; the
/// values are bind parameters.
async fn call(
    db: &impl GenericClient,
    function: &str,
    arguments: Args<'_>,
) -> Result<Row, tokio_postgres::Error> {
    let cast = |name: &str| match name {
        "ttl" | "overlap" | "idle_ttl" | "access_token_ttl" | "refresh_token_ttl" => "::text::interval",
        "allowed_cidrs" => "::text[]::cidr[]",
        _ => "",
    };
    let names: Vec<_> = (1..)
        .zip(arguments)
        .map(|(number, (name, _))| format!("\"{name}\" => ${number}{}", cast(name)))
        .collect();
    let values: Vec<_> = arguments.iter().map(|(_, value)| *value).collect();
    db.query_one(&format!("SELECT * FROM auth_store.{function}({})", names.join(", ")), &values).await
}

async fn register(db: &impl GenericClient) -> Result<String, tokio_postgres::Error> {
    let client: Args = &[
        ("name", &"Phone"),
        ("client_type", &"public"),
        ("redirect_uris", &["https://app.example/cb"].as_slice()),
        ("scope", &"orders profile"),
        ("access_token_ttl", &"10 minutes"),
        ("metadata", &json!({"team": "shop"})),
    ];
    Ok(call(db, "client_create", client).await?.get("client_id"))
}
// docs: end

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("randomness");
    bytes
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = format!(
        "host={} port={} user={} dbname={}",
        var("PGHOST")?,
        var("PGPORT")?,
        var("PGUSER")?,
        var("PGDATABASE")?
    );
    let (mut db, connection) = tokio_postgres::connect(&address, NoTls).await?;
    tokio::spawn(connection);

    let client = register(&db).await?;
    println!("registered: a client");
    let user: Uuid = call(&db, "user_ensure", &[("external_id", &hex::encode(random::<8>()))]).await?.get(0);
    let verifier = URL_SAFE_NO_PAD.encode(random::<32>());
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(&verifier));
    let ip: IpAddr = "203.0.113.9".parse()?;
    let code: String = call(
        &db,
        "code_issue",
        &[
            ("client_id", &client),
            ("user_id", &user),
            ("redirect_uri", &"https://app.example/cb"),
            ("scope", &"orders"),
            ("code_challenge", &challenge),
            ("auth_time", &Utc::now()),
            ("amr", &["pwd", "otp"].as_slice()),
            ("claims", &json!({"shop": 7})),
            ("ip", &ip),
            ("user_agent", &None::<&str>),
        ],
    )
    .await?
    .get("code");
    let redeem: Args = &[
        ("code", &code),
        ("client_id", &client),
        ("redirect_uri", &"https://app.example/cb"),
        ("code_verifier", &verifier),
    ];
    let first = call(&db, "code_redeem", redeem).await?;
    println!(
        "redeemed: {} {} {}",
        first.get::<_, &str>("token_type"),
        first.get::<_, i32>("expires_in"),
        first.get::<_, &str>("scope")
    );
    let state = call(&db, "token_introspect", &[("token", &first.get::<_, &str>("access_token"))]).await?;
    assert!(state.get::<_, bool>("active") && state.get::<_, Uuid>("user_id") == user);
    assert!(state.get::<_, DateTime<Utc>>("expires_at") > state.get::<_, DateTime<Utc>>("issued_at"));
    println!("introspected: {}", state.get::<_, Value>("claims")["shop"]);
    let refresh: &str = first.get("refresh_token");
    let second = call(&db, "token_refresh", &[("refresh_token", &refresh), ("client_id", &client)]).await?;
    // docs: begin
    assert_eq!(second.get::<_, Option<&str>>("error"), None); // what may be NULL is an Option
                                                              // docs: end
    assert_ne!(second.get::<_, &str>("refresh_token"), refresh);
    println!("refreshed: another refresh token");
    let end = Utc::now() + Days::new(30);
    let key: String = call(
        &db,
        "api_key_create",
        &[
            ("name", &"ci"),
            ("user_id", &user),
            ("scope", &"deploy"),
            ("allowed_cidrs", &["10.0.0.0/8"].as_slice()),
            ("expires_at", &end),
        ],
    )
    .await?
    .get("api_key");
    let ip: IpAddr = "10.1.2.3".parse()?;
    assert!(call(&db, "api_key_verify", &[("api_key", &key), ("required_scope", &"deploy"), ("ip", &ip)])
        .await?
        .get::<_, bool>("valid"));
    println!("API key: valid");
    call(&db, "token_revoke", &[("token", &second.get::<_, &str>("refresh_token")), ("client_id", &client)])
        .await?;
    assert!(!call(&db, "token_introspect", &[("token", &second.get::<_, &str>("access_token"))])
        .await?
        .get::<_, bool>("active"));
    println!("revoked: not active");

    // docs: begin
    println!("refused: {}", call(&db, "code_redeem", redeem).await?.get::<_, &str>("error"));
    if let Err(error) = call(&db, "client_create", &[("name", &"x"), ("client_type", &"mobile")]).await {
        let mistake = error.as_db_error().ok_or("no answer of the server")?;
        println!("mistake: {} {}", mistake.code().code(), mistake.hint().unwrap_or_default());
    }
    let transaction = db.transaction().await?;
    transaction.execute("INSERT INTO orders (user_id) VALUES ($1)", &[&user]).await?;
    let token: String = call(&transaction, "token_issue", &[("client_id", &client), ("user_id", &user)])
        .await?
        .get("access_token");
    transaction.rollback().await?; // the order failed
                                   // docs: end
    assert!(!call(&db, "token_introspect", &[("token", &token)]).await?.get::<_, bool>("active"));
    let orders: i64 = db.query_one("SELECT count(*) FROM orders WHERE user_id = $1", &[&user]).await?.get(0);
    println!("rolled back: orders {orders}");
    Ok(())
}
