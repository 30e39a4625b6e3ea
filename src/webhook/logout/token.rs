//! Logout tokens (OpenID Connect Back-Channel Logout 1.0 section 2.4), made when they are sent: so an attempt after
//! hours has one that is good.

use serde_json::{Map, Value, json};

use crate::kernel::outcome::{self, Mistake};
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::value::clock::Timestamp;
use crate::oauth::client;
use crate::oauth::issuer;
use crate::oauth::signing_key::sign::sign;
use crate::rfc::jose::alg::Alg;

/// Seconds that a token is good for: section 4 recommends two minutes at most.
const TTL: i64 = 120;

/// The member of `events` that makes a token one of these.
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// The body of a delivery (section 2.5), from the claims that its event has. None, with a warning, if nothing can be
/// signed: then the delivery is tried again.
pub fn body(
    now: Timestamp,
    snapshot: &Snapshot,
    tenant_id: &str,
    delivery_id: &str,
    event: &str,
) -> Result<Option<String>, Mistake> {
    let Ok(Value::Object(mut claims)) = serde_json::from_str::<Value>(event) else { return Ok(None) };
    let Some(issuer) = issuer::of_tenant(snapshot, tenant_id)? else { return Ok(None) };
    let client_id = claims.get("aud").and_then(Value::as_str).unwrap_or_default();
    let client = client::find(snapshot, client_id)?;
    let alg = client.and_then(|client| client.id_token_signed_response_alg);
    complete(&mut claims, &issuer.issuer, delivery_id, now.unix_seconds());
    let alg = alg.as_deref().and_then(Alg::parse);
    match sign(now, snapshot, &issuer.tenant_id, alg, "logout+jwt", &claims)? {
        Ok(token) => Ok(Some(format!("logout_token={token}"))),
        Err(_) => {
            outcome::warning(&format!(
                "auth_store: tenant {tenant_id} has no key to sign logout tokens with"
            ));
            Ok(None)
        }
    }
}

/// The claims of section 2.4. The delivery's id is the same in each attempt, so that a client knows a repetition.
fn complete(claims: &mut Map<String, Value>, issuer: &str, delivery_id: &str, now: i64) {
    let rest = json!({
        "iss": issuer,
        "iat": now,
        "exp": now + TTL,
        "jti": delivery_id,
        "events": { EVENT: {} },
    });
    if let Value::Object(rest) = rest {
        claims.extend(rest);
    }
}

#[cfg(test)]
mod tests {
    use super::complete;
    use serde_json::{Value, json};

    /// Back-Channel Logout section 2.4: no nonce, and the event.
    #[test]
    fn a_token_has_the_claims_of_the_specification() {
        let mut claims = serde_json::Map::from_iter([("sid".to_owned(), Value::from("s"))]);
        complete(&mut claims, "https://i.example", "d", 7);
        let expected = json!({"sid": "s", "iss": "https://i.example", "iat": 7, "exp": 127, "jti": "d",
            "events": {"http://schemas.openid.net/event/backchannel-logout": {}}});
        assert_eq!(Value::Object(claims), expected);
    }
}
