//! Whether an access token logs in to the server (RFC 9068 section 4): a JWT of the issuer in the file, for this
//! server, that lives. Whether it was revoked is not known here, so such tokens live shortly.

use serde_json::Value;

use crate::kernel::value::clock::Timestamp;
use crate::rfc::jose::jws;
use crate::validator::keys::Keys;

/// What the operator asks of a token.
pub struct Rules<'a> {
    pub audience: &'a str,
    pub scope: &'a str,
    pub claim: &'a str,
}

/// What is said of a token.
#[derive(Default, PartialEq, Eq, Debug)]
pub struct Verdict {
    /// Whether its bearer may connect.
    pub authorized: bool,
    /// Who that is; None: not known.
    pub name: Option<String>,
}

/// The same, and why it is refused, for the server's log.
#[derive(PartialEq, Eq, Debug)]
pub struct Judged {
    pub verdict: Verdict,
    pub refused: Option<&'static str>,
}

/// The longest token that is looked at, in bytes.
const MAX_TOKEN: usize = 16 * 1024;

/// Seconds by which the issuer's clock may be ahead.
const AHEAD: i64 = 60;

/// Says whether the bearer of a token may connect. Who it is, is said of every token that the issuer has signed.
pub fn judge(now: Timestamp, token: &str, keys: &Keys, rules: &Rules<'_>) -> Judged {
    let refused = |why, name| Judged { verdict: Verdict { authorized: false, name }, refused: Some(why) };
    let jws = match jws::parse(token, MAX_TOKEN) {
        Ok(jws) => jws,
        Err(problem) => return refused(problem.as_str(), None),
    };
    // Before the signature: a token of another issuer has its keys elsewhere.
    if !jws.is_of_type("at+jwt") {
        return refused("typ is not at+jwt: it is no access token (RFC 9068)", None);
    }
    if jws.text("iss") != Some(&keys.issuer) {
        return refused("iss is not the issuer of the keys", None);
    }
    if let Err(problem) = jws.verify(&keys.keys) {
        return refused(problem.as_str(), None);
    }
    let name =
        jws.text(rules.claim).filter(|name| !name.is_empty() && !name.contains('\0')).map(str::to_owned);
    match check(now, &jws.claims, rules) {
        Ok(()) if name.is_none() => refused("it lacks the claim that names the user", None),
        Ok(()) => Judged { verdict: Verdict { authorized: true, name }, refused: None },
        Err(why) => refused(why, name),
    }
}

fn check(
    now: Timestamp,
    claims: &serde_json::Map<String, Value>,
    rules: &Rules<'_>,
) -> Result<(), &'static str> {
    let seconds = |name: &str| claims.get(name).and_then(Value::as_i64);
    let expires_at = seconds("exp").ok_or("exp is missing")?;
    if expires_at <= now.unix_seconds() {
        return Err("it has expired");
    }
    let ahead =
        |name: &str| seconds(name).is_some_and(|time| time > now.unix_seconds().saturating_add(AHEAD));
    if ahead("iat") || ahead("nbf") {
        return Err("it is not valid yet");
    }
    let is_meant = match claims.get("aud") {
        Some(Value::String(one)) => one == rules.audience,
        Some(Value::Array(all)) => all.iter().any(|one| one.as_str() == Some(rules.audience)),
        _ => false,
    };
    if !is_meant {
        return Err("aud is not what auth_store.oauth_audience says");
    }
    let scope = claims.get("scope").and_then(Value::as_str).unwrap_or_default();
    let has = |word: &str| scope.split(' ').any(|own| own == word);
    if !rules.scope.split_ascii_whitespace().all(has) {
        return Err("it lacks auth_store.oauth_scope");
    }
    // libpq sends no proof of the key (RFC 9449, RFC 8705).
    if claims.contains_key("cnf") {
        return Err("it is bound to a key, and libpq proves none");
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{Judged, Rules, Verdict, judge};
    use crate::kernel::value::clock::Timestamp;
    use crate::rfc::jose::alg::Alg;
    use crate::rfc::jose::jwk::Jwk;
    use crate::rfc::jose::sign::{SigningKey, generate};
    use crate::validator::keys::Keys;
    use serde_json::{Value, json};

    const AT: i64 = 1_800_000_000;

    fn key() -> SigningKey {
        SigningKey::open(Alg::EdDsa, &generate(Alg::EdDsa).unwrap().unwrap()).unwrap()
    }

    fn claims() -> Value {
        json!({"iss": "https://id.example", "sub": "u", "aud": "postgresql://db.example", "client_id": "psql",
               "iat": AT - 1, "exp": AT + 300, "jti": "j", "scope": "openid db"})
    }

    fn judged(key: &SigningKey, signer: &SigningKey, typ: &str, claims: &Value) -> Judged {
        let keys = Keys {
            issuer: "https://id.example".into(),
            keys: vec![Jwk::parse(&key.public_jwk().unwrap()).unwrap()],
        };
        let rules = Rules { audience: "postgresql://db.example", scope: "db", claim: "sub" };
        let now = Timestamp::from_unix_millis(0).plus_seconds(AT);
        judge(now, &signer.sign(typ, &claims.to_string()).unwrap(), &keys, &rules)
    }

    #[test]
    fn a_token_for_the_server_logs_in() {
        let key = key();
        for aud in [json!("postgresql://db.example"), json!(["other", "postgresql://db.example"])] {
            let mut claims = claims();
            claims["aud"] = aud;
            let verdict = Verdict { authorized: true, name: Some("u".into()) };
            assert_eq!(judged(&key, &key, "at+jwt", &claims), Judged { verdict, refused: None });
        }
    }

    #[test]
    fn each_claim_refuses_alone() {
        let key = key();
        for (name, value, why) in [
            ("exp", json!(AT), "it has expired"),
            ("exp", json!(null), "exp is missing"),
            ("iat", json!(AT + 61), "it is not valid yet"),
            ("nbf", json!(AT + 61), "it is not valid yet"),
            ("aud", json!("postgresql://other.example"), "aud is not what auth_store.oauth_audience says"),
            ("aud", json!(null), "aud is not what auth_store.oauth_audience says"),
            ("aud", json!(["other"]), "aud is not what auth_store.oauth_audience says"),
            ("scope", json!("openid dbx"), "it lacks auth_store.oauth_scope"),
            ("scope", json!(null), "it lacks auth_store.oauth_scope"),
            ("cnf", json!({"jkt": "k"}), "it is bound to a key, and libpq proves none"),
            ("sub", json!(""), "it lacks the claim that names the user"),
            ("sub", json!(7), "it lacks the claim that names the user"),
            ("iss", json!("https://evil.example"), "iss is not the issuer of the keys"),
        ] {
            let mut claims = claims();
            claims[name] = value;
            let judged = judged(&key, &key, "at+jwt", &claims);
            assert_eq!((judged.verdict.authorized, judged.refused), (false, Some(why)), "{name}");
        }
    }

    /// An ID token, or any JWT of another kind, is no access token (RFC 9068 section 4, RFC 8725 section 3.11).
    #[test]
    fn other_tokens_and_other_keys_are_refused() {
        let (key, other) = (key(), key());
        for typ in ["JWT", "logout+jwt", ""] {
            assert!(!judged(&key, &key, typ, &claims()).verdict.authorized, "{typ}");
        }
        let forged = judged(&key, &other, "at+jwt", &claims());
        assert_eq!(forged.verdict, Verdict::default());
    }
}
