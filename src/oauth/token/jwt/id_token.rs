//! ID tokens (OpenID Connect Core section 2): who has logged in, for the client that asked with the scope `openid`.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest;
use serde_json::{Map, Value};

use crate::kernel::outcome::Mistake;
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::id::Id;
use crate::kernel::value::json::Object;
use crate::kernel::value::jsonb::Jsonb;
use crate::oauth::issuer::Issuer;
use crate::oauth::signing_key::sign::Signer;
use crate::oauth::token::jwt::{About, given, log_in, person, sign, subject};
use crate::rfc::jose::alg::Alg;

/// The claims that the store says itself, or nobody; and those that are an access token's alone.
const OWN: [&str; 21] = [
    "iss",
    "sub",
    "aud",
    "azp",
    "exp",
    "nbf",
    "iat",
    "jti",
    "nonce",
    "at_hash",
    "c_hash",
    "auth_time",
    "acr",
    "amr",
    "sid",
    "act",
    "may_act",
    "cnf",
    "scope",
    "client_id",
    "authorization_details",
];

/// The ID token beside this access token; None where the client did not ask for it, or nobody has logged in.
pub fn id_token(
    now: Timestamp,
    snapshot: &Snapshot,
    issuer: Option<&Issuer>,
    about: &About<'_>,
    nonce: Option<&str>,
    access_token: &str,
) -> Result<Option<String>, Mistake> {
    let (Some(issuer), Some(user_id)) = (issuer, about.user_id) else { return Ok(None) };
    if !about.scope.split(' ').any(|token| token == "openid") {
        return Ok(None);
    }
    let said = about.client.id_token_signed_response_alg.as_deref().and_then(Alg::parse);
    let alg = said.or(issuer.settings.default_alg());
    let signer = Signer::of(now, snapshot, &issuer.tenant_id, alg)?.map_err(Mistake::from)?;
    let expires_at = now.plus_seconds(issuer.settings.id_token_ttl);
    let mut claims = Object::with_capacity(512);
    claims
        .text("iss", &issuer.issuer)
        .text("sub", &subject(snapshot, about)?)
        .text("aud", &about.client.id)
        .number("iat", now.unix_seconds())
        .number("exp", expires_at.unix_seconds())
        .text("at_hash", &hash(signer.alg(), access_token))
        .some_text("nonce", nonce);
    log_in(&mut claims, about);
    let asked = asked(snapshot, user_id, about.claims_request)?;
    for (name, value) in &asked {
        claims.json(name, &value.to_string());
    }
    let own: Vec<_> = OWN.into_iter().chain(asked.keys().map(String::as_str)).collect();
    given(&mut claims, about.claims, &own)?;
    sign(now, snapshot, &signer, "JWT", &claims.end(), expires_at).map(Some)
}

/// What is known of the user that the client asked for by name for its ID token: the member `id_token` of the parameter
/// `claims` (OpenID Connect Core section 5.5).
fn asked(snapshot: &Snapshot, user_id: Id, request: Option<&Jsonb>) -> Result<Map<String, Value>, Mistake> {
    let Some(request) = request.and_then(|request| request.get("id_token")) else { return Ok(Map::new()) };
    let names: Vec<_> = request.members().unwrap_or_default().into_iter().map(|(name, _)| name).collect();
    Ok(person::claims(snapshot, user_id, "", &names)?.unwrap_or_default())
}

/// The left half of the text's hash, by the hash of the algorithm (OpenID Connect Core section 3.1.3.6). Of Ed25519
/// that is SHA-512 (RFC 8032 section 5.1).
fn hash(alg: Alg, text: &str) -> String {
    let (algorithm, half) = match alg {
        Alg::EdDsa => (&digest::SHA512, 32),
        _ => (&digest::SHA256, 16),
    };
    let digest = digest::digest(algorithm, text.as_bytes());
    URL_SAFE_NO_PAD.encode(digest.as_ref().get(..half).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::hash;
    use crate::rfc::jose::alg::Alg;

    /// The example of OpenID Connect Core appendix A.3.
    #[test]
    fn a_hash_is_the_left_half() {
        let token = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y";
        assert_eq!(hash(Alg::Rs256, token), "77QmUPtjPfzWtF2AnpK9RQ");
        assert_eq!(hash(Alg::Es256, token), "77QmUPtjPfzWtF2AnpK9RQ");
        assert_eq!(hash(Alg::EdDsa, token).len(), 43);
    }
}
