//! The main job over several databases behind pgbouncer, with tokio-postgres: each call goes to the shard of what it is
//! about. PGHOST, PGPORT and PGUSER lead to pgbouncer, where each shard is a database of its name; SHARD_MAP is the
//! file of the map. A statement is prepared once on a connection, and pgbouncer keeps it.

use std::collections::{HashMap, HashSet};
use std::{env::var, error::Error, time::Duration};

use base64::{engine::general_purpose::URL_SAFE_NO_PAD, Engine};
use sha2::{Digest, Sha256};
use tokio_postgres::{types::ToSql, Client, NoTls, Row, Statement};
use uuid::Uuid;

mod routing;
use routing::{compare, id_bucket, token_bucket, user_bucket, Shards};

const CLIENT: &str = "phone";
const REDIRECT: &str = "https://app.example/cb";

type Args<'a> = &'a [(&'a str, &'a (dyn ToSql + Sync))];

/// A connection to a shard, with what is prepared on it.
struct Connection {
    client: Client,
    statements: HashMap<String, Statement>,
}

struct Store {
    shards: Shards,
    open: HashMap<String, Connection>,
}

impl Store {
    async fn on(&mut self, bucket: u16) -> Result<&mut Connection, Box<dyn Error>> {
        let name = self.shards.name(bucket);
        if !self.open.contains_key(name) {
            let [host, port, user] = ["PGHOST", "PGPORT", "PGUSER"].map(var);
            let address = format!("host={} port={} user={} dbname={name}", host?, port?, user?);
            let (client, connection) = tokio_postgres::connect(&address, NoTls).await?;
            tokio::spawn(connection);
            self.open.insert(name.to_owned(), Connection { client, statements: HashMap::new() });
        }
        Ok(self.open.get_mut(name).expect("just opened"))
    }

    /// The row of auth_store.function() on the bucket's shard.
    async fn call(
        &mut self,
        bucket: u16,
        function: &str,
        arguments: Args<'_>,
    ) -> Result<Row, Box<dyn Error>> {
        let names: Vec<_> =
            (1..).zip(arguments).map(|(number, (name, _))| format!("\"{name}\" => ${number}")).collect();
        let text = format!("SELECT * FROM auth_store.{function}({})", names.join(", "));
        let values: Vec<_> = arguments.iter().map(|(_, value)| *value).collect();
        loop {
            let shard = self.on(bucket).await?;
            if !shard.statements.contains_key(&text) {
                shard.statements.insert(text.clone(), shard.client.prepare(&text).await?);
            }
            match shard.client.query_one(&shard.statements[&text], &values).await {
                // The bucket is moving to another shard.
                Err(error) if error.code().is_some_and(|code| code.code() == "55006") => {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    self.shards = Shards::read(&var("SHARD_MAP")?)?;
                }
                answer => return Ok(answer?),
            }
        }
    }

    /// One user's way; returns the shard, and what a program would show.
    async fn log_in(&mut self, external_id: &str) -> Result<(String, String), Box<dyn Error>> {
        let at = user_bucket("default", external_id, Some("external")).expect("no kind that is folded");
        let user: Uuid = self.call(at, "user_ensure", &[("external_id", &external_id)]).await?.get(0);
        let home = id_bucket(user);
        let verifier = URL_SAFE_NO_PAD.encode(random::<32>());
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(&verifier));
        let issue: Args = &[
            ("client_id", &CLIENT),
            ("user_id", &user),
            ("redirect_uri", &REDIRECT),
            ("scope", &"orders"),
            ("code_challenge", &challenge),
        ];
        let code: String = self.call(home, "code_issue", issue).await?.get("code");
        let redeem: Args = &[
            ("code", &code),
            ("client_id", &CLIENT),
            ("redirect_uri", &REDIRECT),
            ("code_verifier", &verifier),
        ];
        let first = self.call(token_bucket(&code), "code_redeem", redeem).await?;
        let mut said = format!(
            "redeemed: {} {} {}\n",
            first.get::<_, &str>("token_type"),
            first.get::<_, i32>("expires_in"),
            first.get::<_, &str>("scope")
        );
        let access: &str = first.get("access_token");
        let state = self.call(token_bucket(access), "token_introspect", &[("token", &access)]).await?;
        assert!(state.get::<_, bool>("active") && state.get::<_, Uuid>("user_id") == user);
        let refresh: &str = first.get("refresh_token");
        let second = self
            .call(
                token_bucket(refresh),
                "token_refresh",
                &[("refresh_token", &refresh), ("client_id", &CLIENT)],
            )
            .await?;
        assert!(second.get::<_, Option<&str>>("error").is_none());
        let (access, refresh): (&str, &str) = (second.get("access_token"), second.get("refresh_token"));
        said += "refreshed: another refresh token\n";
        let session: String =
            self.call(home, "session_create", &[("user_id", &user)]).await?.get("session_token");
        let state =
            self.call(token_bucket(&session), "session_validate", &[("session_token", &session)]).await?;
        assert!(state.get::<_, bool>("valid"));
        said += "session: valid\n";
        let key: Args = &[("name", &"ci"), ("user_id", &user), ("scope", &"deploy"), ("prefix", &"shop_")];
        let key: String = self.call(home, "api_key_create", key).await?.get("api_key");
        let verify: Args = &[("api_key", &key), ("required_scope", &"deploy")];
        assert!(self.call(token_bucket(&key), "api_key_verify", verify).await?.get::<_, bool>("valid"));
        said += "API key: valid\n";
        self.call(token_bucket(refresh), "token_revoke", &[("token", &refresh), ("client_id", &CLIENT)])
            .await?;
        for ended in [access, "another store's token"] {
            let state = self.call(token_bucket(ended), "token_introspect", &[("token", &ended)]).await?;
            assert!(!state.get::<_, bool>("active"));
        }
        let refused = self.call(token_bucket(&code), "code_redeem", redeem).await?;
        said += &format!("revoked: not active\nrefused: {}\n", refused.get::<_, &str>("error"));
        Ok((self.shards.name(home).to_owned(), said))
    }
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("randomness");
    bytes
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    compare(&var("VECTORS")?)?;
    let mut store = Store { shards: Shards::read(&var("SHARD_MAP")?)?, open: HashMap::new() };
    let (mut used, mut told) = (HashSet::new(), HashSet::new());
    for number in 0..30 {
        let (shard, said) = store.log_in(&format!("{} {number}", hex::encode(random::<8>()))).await?;
        used.insert(shard);
        told.insert(said);
    }
    println!("users: 30 on {} shards", used.len());
    for said in told {
        print!("{said}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn buckets_are_those_that_the_store_says() {
        super::compare(concat!(env!("CARGO_MANIFEST_DIR"), "/../vectors.json")).expect("the file");
    }
}
