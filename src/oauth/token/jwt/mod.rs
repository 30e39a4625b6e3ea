//! Access tokens that are JWTs (RFC 9068). Each has a row as an opaque token has, found by its `jti`, with the digest
//! of the whole text: whatever is said of access tokens holds for both, and the store checks no signature of its own.

pub mod form;
pub mod id_token;
pub mod person;
pub mod verify;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use crate::kernel::crypto::token_text::{self, Presented};
use crate::kernel::outcome::Mistake;
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::id::Id;
use crate::kernel::value::json::Object;
use crate::kernel::value::jsonb::Jsonb;
use crate::oauth::client::{Client, subject};
use crate::oauth::issuer::Issuer;
use crate::oauth::signing_key::sign::Signer;
use crate::rfc::jose::alg::Alg;

/// The longest JWT that is made or looked at, in bytes: servers take about as much in all headers of a request.
pub const MAX_TEXT: usize = 16_384;

/// What the tokens of a log-in say of it.
#[derive(Clone, Copy)]
pub struct About<'a> {
    pub client: &'a Client,
    pub user_id: Option<Id>,
    pub session_id: Option<Id>,
    /// The scope of this token.
    pub scope: &'a str,
    /// The resources of this token; None: any.
    pub resources: Option<&'a [String]>,
    pub auth_time: Option<Timestamp>,
    pub acr: Option<&'a str>,
    pub amr: Option<&'a [String]>,
    /// What the application gave with the log-in.
    pub claims: Option<&'a Jsonb>,
    pub cnf: Option<&'a Jsonb>,
    /// RFC 9396
    pub authorization_details: Option<&'a Jsonb>,
    /// The claims that the client asked for by name (OpenID Connect Core section 5.5).
    pub claims_request: Option<&'a Jsonb>,
}

/// The claims of an access token that the store says itself, or nobody: what an application gives under these names
/// stays out.
const OWN: [&str; 15] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "nbf",
    "iat",
    "jti",
    "client_id",
    "scope",
    "auth_time",
    "acr",
    "amr",
    "sid",
    "cnf",
    "authorization_details",
];

/// A JWT access token with this id (RFC 9068 section 2.2).
pub fn access_token(
    now: Timestamp,
    snapshot: &Snapshot,
    issuer: &Issuer,
    alg: Option<Alg>,
    id: Id,
    expires_at: Timestamp,
    about: &About<'_>,
) -> Result<String, Mistake> {
    let mut claims = Object::with_capacity(512);
    claims.text("iss", &issuer.issuer).text("sub", &subject(snapshot, about)?);
    match about.resources {
        None | Some([]) => claims.text("aud", &issuer.issuer),
        Some([one]) => claims.text("aud", one),
        Some(several) => claims.texts("aud", several),
    };
    claims
        .text("client_id", &about.client.id)
        .number("iat", now.unix_seconds())
        .number("exp", expires_at.unix_seconds())
        .text("jti", &id.to_string())
        .text("scope", about.scope);
    log_in(&mut claims, about);
    for (name, value) in [("cnf", about.cnf), ("authorization_details", about.authorization_details)] {
        if let Some(value) = value {
            claims.json(name, &value.text());
        }
    }
    given(&mut claims, about.claims, &OWN)?;
    let signer = Signer::of(now, snapshot, &issuer.tenant_id, alg)?.map_err(Mistake::from)?;
    sign(now, snapshot, &signer, "at+jwt", &claims.end(), expires_at)
}

/// Who is meant: the user as the client knows the user, and a client that acts for itself.
fn subject(snapshot: &Snapshot, about: &About<'_>) -> Result<String, Mistake> {
    match about.user_id {
        Some(user_id) => subject::of(snapshot, about.client, user_id),
        None => Ok(about.client.id.clone()),
    }
}

/// What is known of the log-in.
fn log_in(claims: &mut Object, about: &About<'_>) {
    claims.some_number("auth_time", about.auth_time.map(Timestamp::unix_seconds)).some_text("acr", about.acr);
    if let Some(amr) = about.amr {
        claims.texts("amr", amr);
    }
    if let Some(session_id) = about.session_id {
        claims.text("sid", &session_id.to_string());
    }
}

/// The application's claims, but for these names. They are written as the server prints them: a detour through another
/// form could round a number.
fn given(claims: &mut Object, given: Option<&Jsonb>, own: &[&str]) -> Result<(), Mistake> {
    if let Some(given) = given.filter(|given| given.is_object()) {
        let rest = given.without_all(own).ok_or(TOO_LARGE)?;
        claims.members(&rest.text());
    }
    Ok(())
}

const TOO_LARGE: Mistake = Mistake::invalid("claims", "claims with which a JWT has at most 16384 bytes");

fn sign(
    now: Timestamp,
    snapshot: &Snapshot,
    signer: &Signer<'_>,
    typ: &str,
    claims: &str,
    expires_at: Timestamp,
) -> Result<String, Mistake> {
    let signed = signer.sign(now, snapshot, typ, claims, Some(expires_at))?;
    match signed.map_err(Mistake::from)? {
        token if token.len() > MAX_TEXT => Err(TOO_LARGE),
        token => Ok(token),
    }
}

/// Whether a text has the form of a JWT. No token of the store's own form has.
pub fn is_jwt(text: &str) -> bool {
    text.starts_with("eyJ") && text.contains('.')
}

#[derive(Deserialize)]
struct Named<'a> {
    jti: &'a str,
}

/// Reads which access token a JWT claims to be, and nothing else of it; None where it names none.
pub fn presented(text: &str) -> Option<Presented> {
    if text.len() > MAX_TEXT || !is_jwt(text) {
        return None;
    }
    let (_, rest) = text.split_once('.')?;
    let (claims, signature) = rest.split_once('.')?;
    if signature.contains('.') {
        return None;
    }
    let claims = URL_SAFE_NO_PAD.decode(claims).ok()?;
    let named: Named<'_> = serde_json::from_slice(&claims).ok()?;
    Some(Presented { id: Id::parse(named.jti)?, digest: token_text::digest(text) })
}

#[cfg(test)]
mod tests {
    use super::presented;
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use proptest::prelude::*;

    fn jwt(claims: &str) -> String {
        format!("eyJ.{}.x", URL_SAFE_NO_PAD.encode(claims))
    }

    #[test]
    fn a_jwt_is_found_by_its_jti() {
        let id = "018f6f2c-0000-8000-8000-000000000001";
        let found = presented(&jwt(&format!(r#"{{"iss": "x", "jti": "{id}", "cnf": {{"jkt": 1}}}}"#)));
        assert_eq!(found.map(|found| found.id.to_string()).as_deref(), Some(id));
        for claims in [
            "",
            "{}",
            "[]",
            r#"{"jti": 7}"#,
            r#"{"jti": null}"#,
            r#"{"jti": "x"}"#,
            r#"{"jti": "018f6f2c-0000-8000-8000-000000000001", "jti": "018f6f2c-0000-8000-8000-000000000001"}"#,
        ] {
            assert!(presented(&jwt(claims)).is_none(), "{claims}");
        }
        let good = jwt(&format!(r#"{{"jti": "{id}"}}"#));
        for text in
            ["eyJ", "eyJ.", "eyJ..", &format!("{good}.x"), good.trim_end_matches(".x"), &good.repeat(300)]
        {
            assert!(presented(text).is_none(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "(eyJ)?[a-zA-Z0-9_.=é-]{0,80}") {
            let _ = presented(&text);
        }
    }
}
