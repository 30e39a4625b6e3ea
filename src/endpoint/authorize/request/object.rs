//! Request objects (RFC 9101): the parameters as a JWT that the client has signed. What stands beside one is ignored.

use serde_json::Value;

use crate::endpoint::authorize::request::Asked;
use crate::kernel::outcome::{ErrorCode, Mistake, Refusal};
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::value::clock::Timestamp;
use crate::oauth::client::{Client, keys};
use crate::oauth::issuer::Issuer;
use crate::rfc::jose::jws::Jws;
use crate::rfc::jose::{Problem, jwk, jws};

/// The largest one, in bytes.
const MAX_BYTES: usize = 65_536;
/// Seconds by which the clocks of client and store may differ.
const LEEWAY: i64 = 60;

/// What a request object turned out to be.
pub enum Read {
    /// These parameters.
    Asked(Asked),
    /// The client's keys must be fetched from this URL first.
    Fetch(String),
    /// Nothing.
    Refused(Refusal),
}

/// Reads a request object of a client, who has named itself beside it.
pub fn read(
    now: Timestamp,
    snapshot: &Snapshot,
    issuer: &Issuer,
    client: &Client,
    object: &str,
) -> Result<Read, Mistake> {
    if !issuer.settings.request_objects {
        let refusal = Refusal::new(ErrorCode::RequestNotSupported, "request objects are not supported");
        return Ok(Read::Refused(refusal));
    }
    let known = keys::keys(snapshot, client)?;
    if let Some(url) = known.as_ref().and_then(|keys| keys.fetching(now)) {
        return Ok(Read::Fetch(url.to_owned()));
    }
    let set = known.as_ref().and_then(|keys| keys.set(now)).and_then(|set| set.parse());
    let Some(set) = set else {
        return Ok(Read::Refused(invalid("the client has no keys to verify a request object with")));
    };
    let verify = || -> Result<Jws<'_>, Problem> {
        let jws = jws::parse(object, MAX_BYTES)?;
        jws.verify(&jwk::parse_set(&set)?)?;
        Ok(jws)
    };
    let jws = match verify() {
        Ok(jws) => jws,
        Err(problem) => return Ok(Read::Refused(invalid(problem.as_str()))),
    };
    let party = Party {
        client_id: &client.id,
        issuer: &issuer.issuer,
        endpoint: &issuer.url(&issuer.settings.paths.authorization),
        is_fapi2: client.is_fapi2() || issuer.settings.is_fapi2(),
    };
    Ok(match check(&jws, &party, now.unix_seconds()) {
        Ok(()) => Read::Asked(Asked::of_members(jws.claims)),
        Err(description) => Read::Refused(invalid(description)),
    })
}

const fn invalid(description: &'static str) -> Refusal {
    Refusal::new(ErrorCode::InvalidRequestObject, description)
}

/// Who made an object, and for whom.
struct Party<'a> {
    client_id: &'a str,
    issuer: &'a str,
    endpoint: &'a str,
    is_fapi2: bool,
}

/// The demands on the claims of a verified object (RFC 9101 sections 4, 5 and 10.8, FAPI 2.0 Security Profile section
/// 5.4).
fn check(jws: &Jws<'_>, party: &Party<'_>, now: i64) -> Result<(), &'static str> {
    // Other JWTs of the client, such as its assertions, are none.
    let typ = jws.header.get("typ");
    if typ.is_some() && !jws.is_of_type("oauth-authz-req+jwt") && !jws.is_of_type("JWT") {
        return Err("the typ of a request object is oauth-authz-req+jwt");
    }
    if party.is_fapi2 && jws.alg() == "RS256" {
        return Err("the algorithm of a request object must be PS256, ES256 or EdDSA");
    }
    if jws.text("client_id") != Some(party.client_id) {
        return Err("client_id must be in the request object, and the same as beside it");
    }
    if jws.claims.contains_key("iss") && jws.text("iss") != Some(party.client_id) {
        return Err("iss of a request object is the client_id");
    }
    if jws.text("sub") == Some(party.client_id) {
        return Err("a request object must not have the client_id as sub (RFC 9101 section 10.8)");
    }
    if let Some(audience) = jws.claims.get("aud") {
        let is_meant = |one: &Value| one == party.issuer || one == party.endpoint;
        if !(is_meant(audience) || audience.as_array().is_some_and(|several| several.iter().any(is_meant))) {
            return Err("aud of a request object is the issuer");
        }
    }
    if jws.claims.contains_key("request") || jws.claims.contains_key("request_uri") {
        return Err("a request object must not refer to another one");
    }
    let time = |name: &str| match jws.claims.get(name) {
        None => Ok(None),
        Some(value) => value.as_i64().map(Some).ok_or("exp and nbf of a request object are numbers"),
    };
    if time("exp")?.is_some_and(|exp| now >= exp.saturating_add(LEEWAY)) {
        return Err("the request object has expired");
    }
    if time("nbf")?.is_some_and(|nbf| now < nbf.saturating_sub(LEEWAY)) {
        return Err("the request object is not valid yet");
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{Party, check};
    use crate::rfc::jose::jws::parse;
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use serde_json::{Value, json};

    const NOW: i64 = 1_800_000_000;

    fn refused(header: &Value, claims: &Value, is_fapi2: bool) -> Option<&'static str> {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let token = format!("{}.{}.AA", part(header), part(claims));
        let jws = parse(&token, 10_000).unwrap();
        let party =
            Party { client_id: "c", issuer: "https://i.example", endpoint: "https://i.example/a", is_fapi2 };
        check(&jws, &party, NOW).err()
    }

    fn with(name: &str, value: Value) -> Option<&'static str> {
        let mut claims = json!({"client_id": "c"});
        claims[name] = value;
        refused(&json!({"alg": "ES256"}), &claims, false)
    }

    /// RFC 9101 sections 4 and 5.
    #[test]
    fn an_object_is_of_its_client_and_for_this_issuer() {
        assert!(refused(&json!({"alg": "ES256"}), &json!({}), false).is_some());
        assert_eq!(with("iss", json!("c")), None);
        assert_eq!(with("aud", json!("https://i.example")), None);
        assert_eq!(with("aud", json!(["x", "https://i.example/a"])), None);
        assert_eq!(with("sub", json!("somebody")), None);
        for (name, value) in [
            ("client_id", json!("d")),
            ("client_id", json!(1)),
            ("iss", json!("d")),
            ("sub", json!("c")),
            ("aud", json!("https://other.example")),
            ("aud", json!(["x"])),
            ("aud", json!(null)),
            ("request", json!("x")),
            ("request_uri", json!("urn:x")),
        ] {
            assert!(with(name, value).is_some(), "{name}");
        }
    }

    #[test]
    fn an_object_has_its_time() {
        assert_eq!(with("exp", json!(NOW - 59)), None);
        assert!(with("exp", json!(NOW - 60)).is_some() && with("exp", json!("1")).is_some());
        assert_eq!(with("nbf", json!(NOW + 60)), None);
        assert!(with("nbf", json!(NOW + 61)).is_some());
        assert!(with("exp", json!(i64::MIN)).is_some() && with("nbf", json!(i64::MAX)).is_some());
    }

    #[test]
    fn another_kind_of_jwt_is_none() {
        let claims = json!({"client_id": "c"});
        for typ in ["oauth-authz-req+jwt", "application/oauth-authz-req+jwt", "JWT", "jwt"] {
            assert_eq!(refused(&json!({"alg": "ES256", "typ": typ}), &claims, false), None, "{typ}");
        }
        for typ in [json!("at+jwt"), json!("dpop+jwt"), json!(1)] {
            assert!(refused(&json!({"alg": "ES256", "typ": typ}), &claims, false).is_some());
        }
        assert!(refused(&json!({"alg": "RS256"}), &claims, true).is_some());
        assert_eq!(refused(&json!({"alg": "PS256"}), &claims, true), None);
    }
}
