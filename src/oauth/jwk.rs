//! Public keys as JWKs (RFC 7517): their thumbprint (RFC 7638) and what they signed (RFC 7515, RFC 7518,
//! RFC 8037). Verification only: nothing here handles a private key.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pgrx::prelude::*;
use ring::signature::{self, RsaPublicKeyComponents, UnparsedPublicKey};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::kernel::jsonb::Jsonb;
use crate::kernel::outcome::{Mistake, OrRaise, given};

#[pg_extern(immutable, parallel_safe)]
fn jwk_thumbprint(jwk: Option<Jsonb>) -> String {
    const ACCEPTED: &str = "a JWK of type EC, OKP or RSA with its public members (RFC 7638 section 3.2)";
    given(jwk, "jwk")
        .and_then(|jwk| {
            let jwk = jwk.parse().filter(|_| jwk.size() <= MAX_SIZE);
            jwk.as_ref().and_then(thumbprint).ok_or(Mistake::invalid("jwk", ACCEPTED))
        })
        .or_raise()
}

/// The largest document that is looked at, in bytes.
const MAX_SIZE: usize = 64 * 1024;

/// The members of private and of symmetric keys (RFC 7518 sections 6.2.2, 6.3.2 and 6.4.1).
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// A key that proofs are signed with.
pub enum PublicKey {
    /// P-256, uncompressed point (RFC 7518 section 6.2)
    Es256(Vec<u8>),
    /// Ed25519 (RFC 8037)
    EdDsa(Vec<u8>),
    /// RSA of 2048 to 4096 bits (RFC 7518 section 6.3)
    Rs256 {
        /// modulus
        n: Vec<u8>,
        /// exponent
        e: Vec<u8>,
    },
}

impl PublicKey {
    /// The key of a JWK; None where it is of no kind above, malformed or not a public one.
    pub fn of(jwk: &Value) -> Option<Self> {
        let members = jwk.as_object()?;
        if PRIVATE.iter().any(|name| members.contains_key(*name)) {
            return None;
        }
        let bytes = |name| decoded(jwk, name);
        match (jwk.get("kty")?.as_str()?, jwk.get("crv").and_then(Value::as_str)) {
            ("EC", Some("P-256")) => {
                let (x, y) = (bytes("x")?, bytes("y")?);
                (x.len() == 32 && y.len() == 32).then(|| Self::Es256([vec![4], x, y].concat()))
            }
            ("OKP", Some("Ed25519")) => bytes("x").filter(|x| x.len() == 32).map(Self::EdDsa),
            ("RSA", _) => {
                let (n, e) = (bytes("n")?, bytes("e")?);
                ((256..=512).contains(&n.len()) && e.len() <= 4).then_some(Self::Rs256 { n, e })
            }
            _ => None,
        }
    }

    /// The `alg` of its signatures (RFC 7518 section 3.1, RFC 8037 section 3.1).
    pub fn alg(&self) -> &'static str {
        match self {
            Self::Es256(_) => "ES256",
            Self::EdDsa(_) => "EdDSA",
            Self::Rs256 { .. } => "RS256",
        }
    }

    /// Whether it signed the message.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Es256(point) => UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_FIXED, point)
                .verify(message, signature)
                .is_ok(),
            Self::EdDsa(key) => {
                UnparsedPublicKey::new(&signature::ED25519, key).verify(message, signature).is_ok()
            }
            Self::Rs256 { n, e } => RsaPublicKeyComponents { n, e }
                .verify(&signature::RSA_PKCS1_2048_8192_SHA256, message, signature)
                .is_ok(),
        }
    }
}

/// The SHA-256 thumbprint of a key (RFC 7638), base64url; None for what is no public key. That of a symmetric
/// key would be a hash of a secret (section 7), so it has none.
pub fn thumbprint(jwk: &Value) -> Option<String> {
    let kty = jwk.get("kty")?.as_str()?;
    // The required members in the order of their names (section 3.2, RFC 8037 section 2).
    let names: &[&str] = match kty {
        "EC" => &["crv", "kty", "x", "y"],
        "OKP" => &["crv", "kty", "x"],
        "RSA" => &["e", "kty", "n"],
        _ => return None,
    };
    let mut canonical = String::from("{");
    for (n, name) in names.iter().enumerate() {
        let value = jwk.get(name)?;
        match *name {
            "kty" => {}
            "crv" => value.as_str().filter(|crv| !crv.is_empty()).map(|_| ())?,
            _ => decoded(jwk, name).map(|_| ())?,
        }
        let comma = if n > 0 { "," } else { "" };
        canonical.push_str(&format!("{comma}\"{name}\":{value}"));
    }
    canonical.push('}');
    Some(URL_SAFE_NO_PAD.encode(Sha256::digest(canonical.as_bytes())))
}

/// The bytes of a member, some, in base64url without padding.
fn decoded(jwk: &Value, name: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(jwk.get(name)?.as_str()?).ok().filter(|bytes| !bytes.is_empty())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{PublicKey, thumbprint};
    use proptest::prelude::*;
    use serde_json::json;

    const N: &str = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";

    #[test]
    fn thumbprints_are_those_of_the_rfcs() {
        for (jwk, expected) in [
            // RFC 7638 section 3.1: other members do not count, nor does their order
            (
                json!({"kty": "RSA", "n": N, "e": "AQAB", "alg": "RS256", "kid": "2011-04-29"}),
                "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
            ),
            // RFC 8037 appendix A.3
            (
                json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}),
                "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
            ),
            // RFC 9449 section 6.1
            (
                json!({"kty": "EC", "x": "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs",
                       "y": "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA", "crv": "P-256"}),
                "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I",
            ),
        ] {
            assert_eq!(thumbprint(&jwk).unwrap(), expected);
            assert!(PublicKey::of(&jwk).is_some());
        }
    }

    #[test]
    fn what_is_no_public_key_has_no_thumbprint() {
        for jwk in [
            json!({"kty": "oct", "k": "AAAA"}),
            json!({"kty": "RSA", "n": "AAAA"}),
            json!({"kty": "EC", "crv": "P-256", "x": "AAAA", "y": 7}),
            json!({"kty": "EC", "crv": "P-256", "x": "AA==", "y": "AAAA"}),
            json!({"kty": "OKP", "crv": "", "x": "AAAA"}),
            json!({"kty": ["EC"]}),
            json!([]),
            json!("EC"),
            json!(null),
        ] {
            assert!(thumbprint(&jwk).is_none(), "{jwk}");
            assert!(PublicKey::of(&jwk).is_none(), "{jwk}");
        }
    }

    #[test]
    fn a_private_key_is_not_taken() {
        let key = json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
                         "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"});
        assert!(PublicKey::of(&key).is_none());
        // RFC 7638 section 3.2.1: the thumbprint is that of the public key.
        assert_eq!(thumbprint(&key).unwrap(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    #[test]
    fn moduli_have_2048_to_4096_bits() {
        use base64::Engine;
        let rsa = |bytes: usize, e: &str| {
            let n = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(vec![0xff; bytes]);
            PublicKey::of(&json!({"kty": "RSA", "n": n, "e": e}))
        };
        assert!(rsa(255, "AQAB").is_none());
        assert!(rsa(256, "AQAB").is_some());
        assert!(rsa(512, "AQAB").is_some());
        assert!(rsa(513, "AQAB").is_none());
        assert!(rsa(256, "AQABAQAB").is_none());
    }

    proptest! {
        #[test]
        fn garbage_verifies_nothing(x: [u8; 32], y: [u8; 32], n in prop::collection::vec(any::<u8>(), 0..600),
                                    e in prop::collection::vec(any::<u8>(), 0..6), message: Vec<u8>, signature: Vec<u8>) {
            for key in [
                PublicKey::Es256([vec![4], x.to_vec(), y.to_vec()].concat()),
                PublicKey::Es256(n.clone()),
                PublicKey::EdDsa(x.to_vec()),
                PublicKey::EdDsa(n.clone()),
                PublicKey::Rs256 { n: n.clone(), e },
            ] {
                prop_assert!(!key.verify(&message, &signature));
                prop_assert!(!key.verify(&message, &[x, y].concat()));
            }
        }
    }
}
