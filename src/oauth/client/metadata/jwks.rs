//! The public keys of a client: which JWK sets are taken (RFC 7517 section 5).

use serde_json::Value;

use crate::kernel::outcome::Mistake;
use crate::kernel::value::jsonb::Jsonb;
use crate::rfc::json::depth;

/// The largest set, in bytes.
const MAX_SIZE: usize = 64 * 1024;
const MAX_KEYS: usize = 32;
/// How deep a set may be nested: itself, its list, a key, its list of certificates.
const MAX_DEPTH: usize = 4;

/// The members of private and of symmetric keys (RFC 7518 sections 6.2.2, 6.3.2 and 6.4.1).
const PRIVATE: [&str; 9] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"];

/// Refuses what is no set of public keys. Keys of kinds that the store does not verify with are kept: a client may use
/// them elsewhere.
pub fn check(set: &Jsonb) -> Result<(), Mistake> {
    let parsed = if set.size() <= MAX_SIZE { set.parse() } else { None };
    if parsed.as_ref().is_some_and(is_public_set) {
        return Ok(());
    }
    Err(refuse())
}

/// What `jwks` must be.
pub fn refuse() -> Mistake {
    Mistake::invalid(
        "jwks",
        "a JWK set (RFC 7517 section 5) of at most 32 public keys and 64 kB, without private or symmetric keys",
    )
}

/// Whether this is a JWK set of public keys alone, within the bounds.
pub fn is_public_set(set: &Value) -> bool {
    let keys = set.get("keys").and_then(Value::as_array);
    depth(set) <= MAX_DEPTH && keys.is_some_and(|keys| keys.len() <= MAX_KEYS && keys.iter().all(is_public))
}

fn is_public(key: &Value) -> bool {
    let named = |key: &serde_json::Map<String, Value>| key.get("kty").and_then(Value::as_str).is_some();
    key.as_object().is_some_and(|key| named(key) && !PRIVATE.iter().any(|name| key.contains_key(*name)))
}

#[cfg(test)]
mod tests {
    use super::is_public_set;
    use serde_json::{Value, json};

    fn set(keys: Vec<Value>) -> Value {
        json!({ "keys": keys })
    }

    #[test]
    fn a_set_has_public_keys_alone() {
        let ec = || json!({"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "x5c": ["AA"]});
        assert!(is_public_set(&set(vec![])));
        assert!(is_public_set(&set(vec![ec(), json!({"kty": "AKP", "pub": "AA"})])));
        for name in ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"] {
            let mut key = ec();
            key[name] = json!("AA");
            assert!(!is_public_set(&set(vec![ec(), key])), "{name}");
        }
    }

    #[test]
    fn what_is_no_set_is_refused() {
        for value in [
            json!(null),
            json!([]),
            json!({}),
            json!({"keys": {}}),
            set(vec![json!(null)]),
            set(vec![json!({})]),
            set(vec![json!({"kty": 1})]),
            set(vec![json!({"kty": "EC", "x": [[[]]]})]),
        ] {
            assert!(!is_public_set(&value), "{value}");
        }
    }

    #[test]
    fn a_set_has_at_most_32_keys() {
        let of = |count| set(vec![json!({"kty": "EC"}); count]);
        assert!(is_public_set(&of(32)));
        assert!(!is_public_set(&of(33)));
    }
}
