//! Authentication by a signed JWT (RFC 7523 section 3, OpenID Connect Core section 9): `private_key_jwt` with a key
//! that the client has published, `client_secret_jwt` with its secret.

use serde_json::Value;

use crate::kernel::outcome::Mistake;
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::jsonb::Jsonb;
use crate::oauth::client::authenticate::verdict::Verdict;
use crate::oauth::client::metadata::AuthMethod;
use crate::oauth::client::{Client, keys, secret};
use crate::oauth::proof::jti;
use crate::recovery;
use crate::rfc::jose::jwk;
use crate::rfc::jose::jws::{self, Jws};
use crate::trail::Flag;

/// The value of `client_assertion_type` (RFC 7523 section 2.2).
pub const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The longest assertion that is looked at, in bytes.
const MAX_ASSERTION: usize = 16_384;
/// The longest `jti`, in bytes.
const MAX_JTI: usize = 512;
/// Seconds by which the client's clock may differ.
const LEEWAY: i64 = 60;
/// Seconds that an assertion may live: Authlib's live an hour.
const MAX_LIFE: i64 = 3600;

/// An assertion that is read, and not verified yet.
pub struct Assertion<'a>(Jws<'a>);

impl<'a> Assertion<'a> {
    /// Reads the parameter `client_assertion`; None where it is no JWT.
    pub fn read(text: &'a str) -> Option<Self> {
        jws::parse(text, MAX_ASSERTION).ok().map(Self)
    }

    /// The client that it names.
    pub fn client_id(&self) -> Option<&str> {
        self.0.text("sub").filter(|sub| !sub.is_empty())
    }
}

/// Who takes assertions.
pub struct Audience<'a> {
    /// The issuer, which alone counts under FAPI 2.0.
    pub issuer: &'a str,
    /// The URL that the request was sent to.
    pub endpoint: &'a str,
    /// Whether the rules of FAPI 2.0 bind the client.
    pub fapi2: bool,
}

/// Whether the client has signed it, for us, now, and for the first time.
pub fn verify(
    snapshot: &Snapshot,
    now: Timestamp,
    client: &Client,
    Assertion(jws): &Assertion<'_>,
    audience: &Audience<'_>,
) -> Result<Verdict, Mistake> {
    const WRONG: Verdict = Verdict::Failed(&[Flag::WrongSecret]);
    let Some(Said { jti, made_at, expires_at }) = claims(now, &client.id, jws, audience) else {
        return Ok(WRONG);
    };
    let signed = match client.token_endpoint_auth_method {
        AuthMethod::PrivateKeyJwt => {
            let keys = keys::keys(snapshot, client)?;
            if let Some(url) = keys.as_ref().and_then(|keys| keys.fetching(now)) {
                return Ok(Verdict::Fetch(url.to_owned()));
            }
            let set = keys.as_ref().and_then(|keys| keys.set(now)).and_then(Jsonb::parse);
            set.and_then(|set| jwk::parse_set(&set).ok()).is_some_and(|keys| jws.verify(&keys).is_ok())
        }
        AuthMethod::ClientSecretJwt if !audience.fapi2 => {
            let secrets = secret::signing(snapshot, now, client)?;
            secrets.iter().any(|secret| jws.verify_secret(secret).is_ok())
        }
        _ => false,
    };
    if !signed {
        return Ok(WRONG);
    }
    if recovery::predates(made_at)? {
        return Ok(Verdict::Failed(&[Flag::ExpiredToken]));
    }
    // RFC 7523 section 3: an assertion counts once.
    let until = expires_at.plus_seconds(LEEWAY);
    if jti::claim_assertion(now, &client.tenant_id, [&client.id, jti], until)? {
        Ok(Verdict::Authentic)
    } else {
        Ok(Verdict::Failed(&[Flag::JtiReplay]))
    }
}

/// What an assertion says whose claims are right.
struct Said<'a> {
    jti: &'a str,
    /// Where it does not say when it was made, the earliest time that it can be.
    made_at: Timestamp,
    expires_at: Timestamp,
}

fn claims<'a>(
    now: Timestamp,
    client_id: &str,
    jws: &'a Jws<'_>,
    audience: &Audience<'_>,
) -> Option<Said<'a>> {
    // A JWT of another use says so by its type (RFC 8725 section 3.11).
    let plain = !jws.header.contains_key("typ")
        || jws.is_of_type("JWT")
        || jws.is_of_type("client-authentication+jwt");
    let own = jws.text("iss") == Some(client_id) && jws.text("sub") == Some(client_id);
    if !plain || !own || !is_for(jws.claims.get("aud")?, audience) {
        return None;
    }
    let expires_at = jws.claims.get("exp").and_then(time)?;
    let starts = |name| {
        jws.claims.get(name).is_none_or(|value| time(value).is_some_and(|at| at <= now.plus_seconds(LEEWAY)))
    };
    let lives = now < expires_at.plus_seconds(LEEWAY) && expires_at <= now.plus_seconds(MAX_LIFE + LEEWAY);
    let jti = jws.text("jti").filter(|jti| (1..=MAX_JTI).contains(&jti.len()) && !jti.contains('\0'))?;
    let made_at = jws.claims.get("iat").and_then(time).unwrap_or(expires_at.plus_seconds(-MAX_LIFE - LEEWAY));
    (lives && starts("iat") && starts("nbf")).then_some(Said { jti, made_at, expires_at })
}

/// FAPI 2.0 section 5.3.2.1: the issuer alone, as a text.
fn is_for(aud: &Value, audience: &Audience<'_>) -> bool {
    let own = |value: &Value| {
        value
            .as_str()
            .is_some_and(|aud| aud == audience.issuer || (!audience.fapi2 && aud == audience.endpoint))
    };
    match aud {
        Value::Array(several) => !audience.fapi2 && several.iter().any(own),
        one => own(one),
    }
}

/// Seconds since 1970, also with a fraction (RFC 7519 section 2).
fn time(value: &Value) -> Option<Timestamp> {
    const FURTHEST: f64 = 1e12;
    let seconds = value.as_f64().filter(|seconds| seconds.abs() <= FURTHEST)?;
    Some(Timestamp::from_unix_millis(0).plus_micros((seconds * 1e6) as i64))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{Audience, claims};
    use crate::kernel::value::clock::Timestamp;
    use crate::rfc::jose::jws;
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use serde_json::{Value, json};

    const NOW: i64 = 1_800_000_000;

    fn token(header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}.AA", part(header), part(claims))
    }

    /// Whether these claims count, under OAuth and under FAPI 2.0.
    fn count(header: Value, changes: Value) -> [bool; 2] {
        let mut all = json!({
            "iss": "c", "sub": "c", "aud": "https://id.example", "exp": NOW + 60, "jti": "j", "iat": NOW
        });
        for (name, value) in changes.as_object().unwrap() {
            all[name] = value.clone();
        }
        let text = token(&header, &all);
        let jws = jws::parse(&text, 4096).unwrap();
        let now = Timestamp::from_unix_millis(0).plus_seconds(NOW);
        [false, true].map(|fapi2| {
            let (issuer, endpoint) = ("https://id.example", "https://id.example/token");
            claims(now, "c", &jws, &Audience { issuer, endpoint, fapi2 }).is_some()
        })
    }

    /// RFC 7523 section 3.
    #[test]
    fn claims_are_the_rfcs() {
        let of = |changes| count(json!({"alg": "ES256"}), changes);
        for (changes, counts) in [
            (json!({}), [true, true]),
            (json!({"aud": ["https://id.example"]}), [true, false]),
            (json!({"aud": "https://id.example/token"}), [true, false]),
            (json!({"aud": ["x", "https://id.example/token"]}), [true, false]),
            (json!({"exp": NOW + 3660}), [true, true]),
            (json!({"exp": NOW - 59}), [true, true]),
            (json!({"exp": NOW as f64 + 0.5}), [true, true]),
            (json!({"iat": null, "nbf": NOW + 60}), [false, false]),
            (json!({"nbf": NOW + 60}), [true, true]),
            (json!({"jti": "j".repeat(512)}), [true, true]),
        ] {
            assert_eq!(of(changes.clone()), counts, "{changes}");
        }
        for wrong in [
            json!({"iss": "d"}),
            json!({"sub": "d"}),
            json!({"sub": null}),
            json!({"aud": "https://id.example/"}),
            json!({"aud": []}),
            json!({"aud": 7}),
            json!({"exp": NOW - 60}),
            json!({"exp": NOW + 3661}),
            json!({"exp": "1800000060"}),
            json!({"exp": null}),
            json!({"iat": NOW + 61}),
            json!({"nbf": NOW + 61}),
            json!({"jti": ""}),
            json!({"jti": 7}),
            json!({"jti": "j".repeat(513)}),
            json!({"jti": "\u{0}"}),
        ] {
            assert_eq!(of(wrong.clone()), [false, false], "{wrong}");
        }
    }

    /// RFC 8725 section 3.11: a DPoP proof or an access token is no assertion.
    #[test]
    fn a_jwt_of_another_use_is_none() {
        for (typ, counts) in [
            ("JWT", true),
            ("jwt", true),
            ("client-authentication+jwt", true),
            ("dpop+jwt", false),
            ("at+jwt", false),
        ] {
            assert_eq!(count(json!({"alg": "ES256", "typ": typ}), json!({})), [counts; 2], "{typ}");
        }
    }
}
