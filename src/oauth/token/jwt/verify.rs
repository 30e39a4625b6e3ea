//! JWT access tokens for resource servers in SQL: the signature, and what the store knows of the token beside it.

use pgrx::prelude::*;
use serde_json::Value;

use crate::identity::user;
use crate::kernel::outcome::{Answer, ErrorCode, Mistake, OrRaise, Refusal, given};
use crate::kernel::server::composite::composite;
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::kernel::value::jsonb::Jsonb;
use crate::oauth::issuer::{self, Issuer};
use crate::oauth::proof::jti;
use crate::oauth::signing_key::published;
use crate::oauth::token::jwt::{MAX_TEXT, presented};
use crate::oauth::token::standing;
use crate::oauth::{client, token};
use crate::rfc::jose::jws::{self, Jws};
use crate::rfc::resource;

composite! {
    /// What jwt_verify() says of a token.
    pub struct JwtVerification = "auth_store.jwt_verification" {
        pub active: bool,
        pub client_id: Option<String>,
        pub user_id: Option<Id>,
        pub subject: Option<String>,
        pub scope: Option<String>,
        pub audience: Option<Vec<String>>,
        pub issued_at: Option<Timestamp>,
        pub expires_at: Option<Timestamp>,
        pub jti: Option<Id>,
        pub issuer: Option<String>,
        pub tenant_id: Option<String>,
        pub cnf: Option<Jsonb>,
        pub claims: Option<Jsonb>,
        pub error: Option<&'static str>,
        pub error_description: Option<String>,
    }
}

#[pg_extern(stable, parallel_safe)]
fn jwt_verify(token: Option<&str>, audience: Option<&str>) -> JwtVerification {
    let now = clock::now();
    verify(&Snapshot::reading(), now, token, audience)
        .map(|verified| match verified {
            Ok(verification) => verification,
            Err(refusal) => JwtVerification {
                error: refusal.error(),
                error_description: refusal.error_description(),
                ..JwtVerification::default()
            },
        })
        .or_raise()
}

const fn invalid(description: &'static str) -> Refusal {
    Refusal::new(ErrorCode::InvalidToken, description)
}

/// One text for whatever is no token of the store's: who made it up learns nothing.
const NOT_ACTIVE: Refusal = invalid("the token is not active");

fn verify(
    snapshot: &Snapshot,
    now: Timestamp,
    text: Option<&str>,
    audience: Option<&str>,
) -> Answer<JwtVerification> {
    let audience = given(audience, "audience")?;
    let Some(jws) = text.and_then(|text| jws::parse(text, MAX_TEXT).ok()) else { return Ok(Err(NOT_ACTIVE)) };
    if !jws.is_of_type("at+jwt") {
        return Ok(Err(NOT_ACTIVE));
    }
    let issuer = jws.text("iss").unwrap_or_default();
    let Some(issuer) = issuer::named(snapshot, issuer)? else { return Ok(Err(NOT_ACTIVE)) };
    let published = published::jwks(now, snapshot, &issuer.tenant_id)?;
    if jws.verify(&published.keys).is_err() {
        return Ok(Err(NOT_ACTIVE));
    }
    let Some(said) = Said::of(&jws) else { return Ok(Err(NOT_ACTIVE)) };
    if said.expires_at <= now || !stands(snapshot, now, &issuer, &said, text.unwrap_or_default())? {
        return Ok(Err(NOT_ACTIVE));
    }
    if !said.audience.iter().any(|known| resource::same(known, audience)) {
        return Ok(Err(invalid("the token is for another resource")));
    }
    Ok(Ok(said.verification(&issuer, jws)))
}

/// The claims that decide.
struct Said {
    id: Id,
    client_id: String,
    subject: String,
    audience: Vec<String>,
    issued_at: Timestamp,
    expires_at: Timestamp,
}

impl Said {
    /// None where one is missing, or is not what the store would have said.
    fn of(jws: &Jws<'_>) -> Option<Self> {
        let time = |name: &str| {
            let seconds = jws.claims.get(name).and_then(Value::as_u64)?;
            Some(Timestamp::from_unix_millis(seconds.checked_mul(1000)?))
        };
        let audience = match jws.claims.get("aud")? {
            Value::String(one) => vec![one.clone()],
            Value::Array(several) => {
                several.iter().map(|one| one.as_str().map(str::to_owned)).collect::<Option<_>>()?
            }
            _ => return None,
        };
        Some(Self {
            id: Id::parse(jws.text("jti")?)?,
            client_id: jws.text("client_id")?.to_owned(),
            subject: jws.text("sub")?.to_owned(),
            audience,
            issued_at: time("iat")?,
            expires_at: time("exp")?,
        })
    }

    fn verification(self, issuer: &Issuer, jws: Jws<'_>) -> JwtVerification {
        let user_id = (self.subject != self.client_id).then(|| Id::parse(&self.subject)).flatten();
        JwtVerification {
            active: true,
            user_id,
            scope: jws.text("scope").map(str::to_owned),
            cnf: jws.claims.get("cnf").and_then(Jsonb::of),
            claims: Jsonb::of(&Value::Object(jws.claims)),
            client_id: Some(self.client_id),
            subject: Some(self.subject),
            audience: Some(self.audience),
            issued_at: Some(self.issued_at),
            expires_at: Some(self.expires_at),
            jti: Some(self.id),
            issuer: Some(issuer.issuer.clone()),
            tenant_id: Some(issuer.tenant_id.clone()),
            ..JwtVerification::default()
        }
    }
}

/// Whether the token is still good: by its row, where that is here. Where it is not (a subscriber has the keys, and not
/// the tokens; an erasure has taken the row along), its client and its user must be there and active.
fn stands(
    snapshot: &Snapshot,
    now: Timestamp,
    issuer: &Issuer,
    said: &Said,
    text: &str,
) -> Result<bool, Mistake> {
    if jti::is_revoked_in(snapshot, now, &said.id.to_string(), &issuer.tenant_id)? {
        return Ok(false);
    }
    if token::find_by_id(snapshot, said.id)?.is_some() {
        let Some(presented) = presented(text) else { return Ok(false) };
        return Ok(match token::find(snapshot, &presented)? {
            Some(token) => standing::is_active(snapshot, now, token.id)?,
            None => false,
        });
    }
    if !client::is_usable(snapshot, &said.client_id)? {
        return Ok(false);
    }
    if said.subject == said.client_id {
        return Ok(true);
    }
    match Id::parse(&said.subject) {
        Some(user_id) => Ok(user::active(snapshot, user_id)?.is_some()),
        None => Ok(false),
    }
}
