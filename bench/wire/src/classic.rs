//! The classic flow as a careful application writes it: statements prepared once, one transaction per operation, tokens
//! made and hashed here, each row written by its own statement.

use sha2::{Digest, Sha256};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Row, Statement, Transaction};

use crate::{IP, Outcome, Plan, REDIRECT_URI, USER_AGENT, VERIFIER, Work, random, random_below};

pub struct Classic {
    plan: Plan,
    statements: Statements,
    /// The refresh token in hand, its client and how often it may still be rotated.
    family: Option<(String, i64, u32)>,
    /// The next code and how many of its list are left.
    code: Option<(i64, u32)>,
}

struct Statements {
    introspect: Statement,
    redeem: Statement,
    rotate: Statement,
    client: Statement,
    client_with_secret: Statement,
    user: Statement,
    access: Statement,
    refresh: Statement,
    audit: Statement,
    event: Statement,
    next_family: Statement,
    next_code: Statement,
}

fn hash(text: &str) -> Vec<u8> {
    Sha256::digest(text.as_bytes()).to_vec()
}

/// A token: 32 random bytes in hexadecimal.
fn mint() -> Outcome<String> {
    Ok(random::<32>()?.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The one row a statement has to return.
async fn one(
    transaction: &Transaction<'_>,
    statement: &Statement,
    values: &[&(dyn ToSql + Sync)],
) -> Outcome<Row> {
    transaction.query_opt(statement, values).await?.ok_or_else(|| "refused".into())
}

const INTROSPECT: &str =
    "SELECT t.scope, c.client_id, t.user_id, t.created_at::text, t.expires_at::text, t.claims::text
       FROM classic.access_tokens t JOIN classic.clients c ON c.id = t.client_id
      WHERE t.token_hash = $1 AND t.revoked_at IS NULL AND t.expires_at > clock_timestamp()
        AND c.status = 'active'";
const REDEEM: &str = "UPDATE classic.authorization_codes k SET redeemed_at = clock_timestamp()
       FROM classic.clients c, classic.users u
      WHERE k.code_hash = $1 AND c.client_id = $2 AND k.redirect_uri = $3
        AND k.redeemed_at IS NULL AND k.expires_at > clock_timestamp()
        AND c.id = k.client_id AND c.status = 'active' AND u.id = k.user_id AND u.status = 'active'
  RETURNING k.client_id, k.user_id, k.scope, k.code_challenge";
const ROTATE: &str = "UPDATE classic.refresh_tokens r SET used_at = clock_timestamp()
       FROM classic.clients c
      WHERE r.token_hash = $1 AND r.used_at IS NULL AND r.revoked_at IS NULL
        AND r.expires_at > clock_timestamp()
        AND c.id = r.client_id AND c.client_id = $2 AND c.status = 'active'
  RETURNING r.client_id, r.user_id, r.family_id::text, r.scope";
const CLIENT: &str = "SELECT id FROM classic.clients WHERE client_id = $1 AND status = 'active'";
const CLIENT_WITH_SECRET: &str =
    "SELECT id, secret_hash FROM classic.clients WHERE client_id = $1 AND status = 'active'";
const USER: &str = "SELECT id FROM classic.users WHERE id = $1 AND status = 'active'";
const ACCESS: &str = "INSERT INTO classic.access_tokens
            (token_hash, client_id, user_id, family_id, scope, created_at, expires_at)
     VALUES ($1, $2, $3, $4::text::uuid, $5, clock_timestamp(), clock_timestamp() + interval '1 hour')";
const REFRESH: &str = "INSERT INTO classic.refresh_tokens
            (token_hash, client_id, user_id, family_id, scope, created_at, expires_at)
     VALUES ($1, $2, $3, $4::text::uuid, $5, clock_timestamp(),
             clock_timestamp() + interval '30 days')";
const AUDIT: &str = "INSERT INTO classic.audit_log
            (occurred_at, success, user_id, grant_id, tenant_id, event, client_id, ip, user_agent)
     VALUES (clock_timestamp(), true, bench.user_id($1), $2::text::uuid, 'default', $3, $4,
             $5::text::inet, $6)";
const EVENT: &str =
    "INSERT INTO classic.audit_log (occurred_at, success, user_id, tenant_id, event, client_id,
                                    resource_type, resource_id, ip, user_agent, details)
     VALUES (clock_timestamp(), true, bench.user_id($1), 'default', 'order.paid', $2, 'order', $3,
             $4::text::inet, $5, '{\"amount\": 1290}')";
const NEXT_FAMILY: &str = "SELECT 1 + (nextval('bench.classic_refresh_next') * 618033) % $1";
const NEXT_CODE: &str = "SELECT 1 + 50 * (nextval('bench.classic_code_next') - 1)";

impl Classic {
    pub async fn prepare(plan: Plan, _n: usize, client: Client) -> Outcome<(Self, Client)> {
        let statements = Statements {
            introspect: client.prepare(INTROSPECT).await?,
            redeem: client.prepare(REDEEM).await?,
            rotate: client.prepare(ROTATE).await?,
            client: client.prepare(CLIENT).await?,
            client_with_secret: client.prepare(CLIENT_WITH_SECRET).await?,
            user: client.prepare(USER).await?,
            access: client.prepare(ACCESS).await?,
            refresh: client.prepare(REFRESH).await?,
            audit: client.prepare(AUDIT).await?,
            event: client.prepare(EVENT).await?,
            next_family: client.prepare(NEXT_FAMILY).await?,
            next_code: client.prepare(NEXT_CODE).await?,
        };
        Ok((Self { plan, statements, family: None, code: None }, client))
    }

    fn token(&self, n: i64) -> String {
        if self.plan.spoil { format!("never{n}") } else { n.to_string() }
    }

    async fn introspect(&self, client: &Client) -> Outcome<()> {
        let token = self.token(1 + random_below(self.plan.tokens)?);
        let row = client.query_opt(&self.statements.introspect, &[&hash(&token)]).await?;
        row.map(drop).ok_or_else(|| "refused".into())
    }

    async fn redeem(&mut self, client: &mut Client) -> Outcome<()> {
        let (code, left) = match self.code.take() {
            Some(code) => code,
            None => (client.query_one(&self.statements.next_code, &[]).await?.get(0), 50),
        };
        let client_id = (100 + (code - 1) / 50 % 100).to_string();
        let s = &self.statements;
        let transaction = client.transaction().await?;
        let row =
            one(&transaction, &s.redeem, &[&hash(&self.token(code)), &client_id, &REDIRECT_URI]).await?;
        let challenge: &str = row.get(3);
        if base64url(&Sha256::digest(VERIFIER.as_bytes())) != challenge {
            return Err("wrong verifier".into());
        }
        pair(s, &transaction, row.get(0), row.get(1), &uuid()?, row.get(2), "code.redeemed", &client_id)
            .await?;
        transaction.commit().await?;
        self.code = (left > 1).then_some((code + 1, left - 1));
        Ok(())
    }

    async fn refresh(&mut self, client: &mut Client) -> Outcome<()> {
        let (token, client_id, left) = match self.family.take() {
            Some(family) => family,
            None => {
                let n: i64 =
                    client.query_one(&self.statements.next_family, &[&self.plan.tokens]).await?.get(0);
                (self.token(n), 100 + n % 100, 20)
            }
        };
        let s = &self.statements;
        let transaction = client.transaction().await?;
        let name = client_id.to_string();
        let row = one(&transaction, &s.rotate, &[&hash(&token), &name]).await?;
        let next =
            pair(s, &transaction, row.get(0), row.get(1), row.get(2), row.get(3), "token.refreshed", &name)
                .await?;
        transaction.commit().await?;
        self.family = (left > 1).then_some((next, client_id, left - 1));
        Ok(())
    }

    async fn issue(&self, client: &mut Client) -> Outcome<()> {
        let s = &self.statements;
        let name = self.token(100 + random_below(100)?);
        let user = 1 + random_below(self.plan.users)?;
        let transaction = client.transaction().await?;
        let id = one(&transaction, &s.client, &[&name]).await?.get(0);
        one(&transaction, &s.user, &[&user]).await?;
        pair(s, &transaction, id, user, &uuid()?, "openid profile", "token.issued", &name).await?;
        transaction.commit().await?;
        Ok(())
    }

    async fn client_credentials(&self, client: &mut Client) -> Outcome<()> {
        let s = &self.statements;
        let name = (200 + random_below(100)?).to_string();
        let secret = if self.plan.spoil { "wrong".to_string() } else { format!("secret{name}") };
        let transaction = client.transaction().await?;
        let row = one(&transaction, &s.client_with_secret, &[&name]).await?;
        let stored: Vec<u8> = row.get(1);
        if stored != hash(&secret) {
            return Err("wrong secret".into());
        }
        let id: i64 = row.get(0);
        let none: Option<i64> = None;
        let family: Option<String> = None;
        transaction.execute(&s.access, &[&hash(&mint()?), &id, &none, &family, &"openid profile"]).await?;
        transaction.execute(&s.audit, &[&none, &family, &"token.issued", &name, &IP, &USER_AGENT]).await?;
        transaction.commit().await?;
        Ok(())
    }

    async fn audit(&self, client: &Client) -> Outcome<()> {
        let user = 1 + random_below(self.plan.users)?;
        let name = (100 + random_below(100)?).to_string();
        let resource = if self.plan.spoil { "\0".to_string() } else { user.to_string() };
        client.execute(&self.statements.event, &[&user, &name, &resource, &IP, &USER_AGENT]).await?;
        Ok(())
    }
}

/// Both token rows and the audit row; returns the refresh token.
#[allow(clippy::too_many_arguments)]
async fn pair(
    s: &Statements,
    transaction: &Transaction<'_>,
    client: i64,
    user: i64,
    family: &str,
    scope: &str,
    event: &str,
    client_id: &str,
) -> Outcome<String> {
    let (access, refresh) = (mint()?, mint()?);
    transaction.execute(&s.access, &[&hash(&access), &client, &user, &family, &scope]).await?;
    transaction.execute(&s.refresh, &[&hash(&refresh), &client, &user, &family, &scope]).await?;
    transaction.execute(&s.audit, &[&user, &family, &event, &client_id, &IP, &USER_AGENT]).await?;
    Ok(refresh)
}

/// A random UUID as text.
fn uuid() -> Outcome<String> {
    Ok(random::<16>()?.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// RFC 4648 section 5, without padding.
fn base64url(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0_usize, |word, &byte| word << 8 | usize::from(byte))
            << (8 * (3 - chunk.len()));
        for n in 0..=chunk.len() {
            text.push(char::from(ALPHABET[word >> (18 - 6 * n) & 63]));
        }
    }
    text
}

impl Work for Classic {
    async fn call(&mut self, client: &mut Client) -> Outcome<()> {
        match self.plan.operation.as_str() {
            "introspect" => self.introspect(client).await,
            "redeem" => self.redeem(client).await,
            "refresh" => self.refresh(client).await,
            "issue" => self.issue(client).await,
            "client_credentials" => self.client_credentials(client).await,
            "audit" => self.audit(client).await,
            other => Err(format!("unknown operation {other}").into()),
        }
    }
}
