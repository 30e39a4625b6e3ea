//! Public keys as JWKs (RFC 7517) and sets of them: their thumbprint (RFC 7638) and what they signed (RFC 7515,
//! RFC 7518, RFC 8037, RFC 9864). Verification only: nothing here handles a private key.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pgrx::prelude::*;
use ring::signature::{self, RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::kernel::outcome::{Mistake, OrRaise, given};
use crate::kernel::value::jsonb::Jsonb;
use crate::rfc::jose::Problem;
use crate::rfc::jose::alg::Alg;

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
    P256(Vec<u8>),
    /// P-384, uncompressed point (RFC 7518 section 6.2)
    P384(Vec<u8>),
    /// Ed25519 (RFC 8037)
    Ed25519(Vec<u8>),
    /// RSA of 2048 to 4096 bits (RFC 7518 section 6.3)
    Rsa {
        /// modulus
        n: Vec<u8>,
        /// exponent
        e: Vec<u8>,
    },
}

impl PublicKey {
    /// The key of a JWK; None if it is of another kind, malformed or not public.
    pub fn of(jwk: &Value) -> Option<Self> {
        let members = jwk.as_object()?;
        if PRIVATE.iter().any(|name| members.contains_key(*name)) {
            return None;
        }
        let bytes = |name| decoded(jwk, name);
        let point = |size| {
            let (x, y) = (bytes("x")?, bytes("y")?);
            (x.len() == size && y.len() == size).then(|| [vec![4], x, y].concat())
        };
        match (jwk.get("kty")?.as_str()?, jwk.get("crv").and_then(Value::as_str)) {
            ("EC", Some("P-256")) => point(32).map(Self::P256),
            ("EC", Some("P-384")) => point(48).map(Self::P384),
            ("OKP", Some("Ed25519")) => bytes("x").filter(|x| x.len() == 32).map(Self::Ed25519),
            ("RSA", _) => {
                let (n, e) = (bytes("n")?, bytes("e")?);
                ((256..=512).contains(&n.len()) && e.len() <= 4).then_some(Self::Rsa { n, e })
            }
            _ => None,
        }
    }

    /// The algorithm that this `alg` names; None where the key does not sign so.
    pub fn algorithm(&self, alg: &str) -> Option<Alg> {
        Alg::of_proof(alg).filter(|alg| self.signs_by(*alg))
    }

    /// Whether it is of the kind that signs so.
    pub fn signs_by(&self, alg: Alg) -> bool {
        match self {
            Self::P256(_) => alg == Alg::Es256,
            Self::P384(_) => alg == Alg::Es384,
            Self::Ed25519(_) => alg == Alg::EdDsa,
            Self::Rsa { .. } => matches!(alg, Alg::Ps256 | Alg::Rs256),
        }
    }

    /// Whether it signed the message in this way.
    pub fn verify(&self, alg: Alg, message: &[u8], signature: &[u8]) -> bool {
        let plain = |how: &'static dyn VerificationAlgorithm, key: &[u8]| {
            UnparsedPublicKey::new(how, key).verify(message, signature).is_ok()
        };
        let rsa =
            |how, n: &[u8], e: &[u8]| RsaPublicKeyComponents { n, e }.verify(how, message, signature).is_ok();
        match (self, alg) {
            (Self::P256(point), Alg::Es256) => plain(&signature::ECDSA_P256_SHA256_FIXED, point),
            (Self::P384(point), Alg::Es384) => plain(&signature::ECDSA_P384_SHA384_FIXED, point),
            (Self::Ed25519(key), Alg::EdDsa) => plain(&signature::ED25519, key),
            (Self::Rsa { n, e }, Alg::Ps256) => rsa(&signature::RSA_PSS_2048_8192_SHA256, n, e),
            (Self::Rsa { n, e }, Alg::Rs256) => rsa(&signature::RSA_PKCS1_2048_8192_SHA256, n, e),
            _ => false,
        }
    }
}

/// The SHA-256 thumbprint of a key (RFC 7638), base64url; None for anything but a public key. The thumbprint of a
/// symmetric key would be a hash of a secret (section 7), so there is none.
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

/// The bytes of a member in base64url without padding; None if there is not even one.
fn decoded(jwk: &Value, name: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(jwk.get(name)?.as_str()?).ok().filter(|bytes| !bytes.is_empty())
}

/// A key of a set: of a client, or one of the store's own.
pub struct Jwk {
    /// Its name in the set (RFC 7517 section 4.5).
    pub kid: Option<String>,
    /// The algorithm that it is for; None: any of its kind.
    alg: Option<Alg>,
    /// What verifies.
    pub key: PublicKey,
}

/// How many keys a set has at most, those of other kinds included.
const MAX_KEYS: usize = 32;

impl Jwk {
    /// Reads a key that verifies JWTs: of P-256, Ed25519 or RSA, and not for encryption.
    pub fn parse(jwk: &Value) -> Result<Self, Problem> {
        let members = jwk.as_object().ok_or(Problem::Key)?;
        if PRIVATE.iter().any(|name| members.contains_key(*name)) {
            return Err(Problem::PrivateKey);
        }
        let key = PublicKey::of(jwk).filter(|key| !matches!(key, PublicKey::P384(_))).ok_or(Problem::Key)?;
        let kid = match members.get("kid") {
            None => None,
            Some(Value::String(kid)) => Some(kid.clone()),
            Some(_) => return Err(Problem::Key),
        };
        let alg = match members.get("alg") {
            None => None,
            Some(alg) => Some(alg.as_str().and_then(Alg::parse).ok_or(Problem::Key)?),
        };
        let verifies = |operations: &Value| {
            operations.as_array().is_some_and(|list| list.iter().any(|one| one.as_str() == Some("verify")))
        };
        if alg.is_some_and(|alg| !key.signs_by(alg))
            || members.get("use").is_some_and(|purpose| purpose.as_str() != Some("sig"))
            || members.get("key_ops").is_some_and(|operations| !verifies(operations))
        {
            return Err(Problem::Key);
        }
        Ok(Self { kid, alg, key })
    }

    /// Whether it may have signed a token with this `kid` and `alg`.
    pub fn fits(&self, kid: Option<&str>, alg: Alg) -> bool {
        let named = match (kid, &self.kid) {
            (Some(kid), Some(own)) => kid == own,
            _ => true,
        };
        named && self.alg.is_none_or(|own| own == alg) && self.key.signs_by(alg)
    }
}

/// The keys of a set that verify JWTs (RFC 7517 section 5, which has others passed over). A private key among them is
/// refused: whoever sent it has lost it.
pub fn parse_set(set: &Value) -> Result<Vec<Jwk>, Problem> {
    let list = set.get("keys").and_then(Value::as_array).ok_or(Problem::Malformed)?;
    if list.len() > MAX_KEYS {
        return Err(Problem::TooManyKeys);
    }
    let mut keys = Vec::new();
    for jwk in list {
        match Jwk::parse(jwk) {
            Ok(key) => keys.push(key),
            Err(Problem::PrivateKey) => return Err(Problem::PrivateKey),
            Err(_) => {}
        }
    }
    Ok(keys)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{Jwk, PublicKey, parse_set, thumbprint};
    use crate::rfc::jose::Problem;
    use crate::rfc::jose::alg::Alg;
    use proptest::prelude::*;
    use serde_json::json;

    const N: &str = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";

    #[test]
    fn thumbprints_are_those_of_the_rfcs() {
        for (jwk, expected) in [
            // RFC 7638 section 3.1: other members and the order of members do not count
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

    /// RFC 7518 section 3.1, RFC 8037 section 3.1, RFC 9864 section 2.2.
    #[test]
    fn a_key_signs_by_the_algorithms_of_its_kind_alone() {
        let rsa = || PublicKey::Rsa { n: vec![0xff; 256], e: vec![1, 0, 1] };
        for (key, own) in [
            (PublicKey::P256(vec![]), &["ES256"][..]),
            (PublicKey::P384(vec![]), &["ES384"]),
            (PublicKey::Ed25519(vec![]), &["EdDSA", "Ed25519"]),
            (rsa(), &["PS256", "RS256"]),
        ] {
            for alg in [
                "ES256", "ES384", "PS256", "RS256", "EdDSA", "Ed25519", "ES512", "PS384", "RS384", "HS256",
                "Ed448", "none", "", "es256", "ed25519",
            ] {
                assert_eq!(key.algorithm(alg).is_some(), own.contains(&alg), "{alg}");
            }
        }
        assert_eq!(rsa().algorithm("PS256"), Some(Alg::Ps256));
        assert_eq!(rsa().algorithm("RS256"), Some(Alg::Rs256));
    }

    /// RFC 7518 section 6.2.1.2: coordinates have the size of the field, leading zeros included.
    #[test]
    fn coordinates_have_the_size_of_their_curve() {
        use base64::Engine;
        let ec = |crv: &str, bytes: usize| {
            let n = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(vec![1; bytes]);
            PublicKey::of(&json!({"kty": "EC", "crv": crv, "x": n, "y": n})).is_some()
        };
        assert!(ec("P-256", 32) && ec("P-384", 48));
        assert!(!ec("P-256", 31) && !ec("P-256", 48) && !ec("P-384", 32) && !ec("P-384", 47));
        assert!(!ec("P-521", 66) && !ec("secp256k1", 32));
    }

    fn ed25519() -> serde_json::Value {
        json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})
    }

    fn with(mut jwk: serde_json::Value, name: &str, value: serde_json::Value) -> serde_json::Value {
        jwk.as_object_mut().unwrap().insert(name.into(), value);
        jwk
    }

    #[test]
    fn a_key_of_a_set_says_what_it_is_for() {
        for (name, value) in [
            ("kid", json!("a")),
            ("alg", json!("EdDSA")),
            ("alg", json!("Ed25519")),
            ("use", json!("sig")),
            ("key_ops", json!(["verify"])),
            ("x5t", json!(7)),
        ] {
            assert!(Jwk::parse(&with(ed25519(), name, value)).is_ok(), "{name}");
        }
        for (name, value, problem) in [
            ("kid", json!(7), Problem::Key),
            ("alg", json!("ES256"), Problem::Key),
            ("alg", json!("HS256"), Problem::Key),
            ("alg", json!(null), Problem::Key),
            ("use", json!("enc"), Problem::Key),
            ("key_ops", json!(["sign"]), Problem::Key),
            ("crv", json!("X25519"), Problem::Key),
            ("d", json!("AAAA"), Problem::PrivateKey),
            ("k", json!("AAAA"), Problem::PrivateKey),
        ] {
            assert_eq!(Jwk::parse(&with(ed25519(), name, value)).err(), Some(problem), "{name}");
        }
        let p384 = json!({"kty": "EC", "crv": "P-384", "x": "A".repeat(64), "y": "A".repeat(64)});
        assert_eq!(Jwk::parse(&p384).err(), Some(Problem::Key));
    }

    #[test]
    fn kid_and_alg_choose_among_keys() {
        let key = |jwk| Jwk::parse(&jwk).ok().unwrap();
        let named = key(with(ed25519(), "kid", json!("a")));
        assert!(named.fits(Some("a"), Alg::EdDsa) && named.fits(None, Alg::EdDsa));
        assert!(!named.fits(Some("b"), Alg::EdDsa) && !named.fits(Some("a"), Alg::Es256));
        assert!(key(ed25519()).fits(Some("b"), Alg::EdDsa));
        let rsa = key(json!({"kty": "RSA", "n": N, "e": "AQAB", "alg": "PS256"}));
        assert!(rsa.fits(None, Alg::Ps256) && !rsa.fits(None, Alg::Rs256));
    }

    /// RFC 7517 section 5: keys of other kinds are passed over.
    #[test]
    fn a_set_has_keys_that_verify() {
        let set = json!({"keys": [
            ed25519(), {"kty": "AKP", "alg": "ML-DSA-44", "pub": "AAAA"},
            {"kty": "RSA", "n": N, "e": "AQAB", "use": "enc"}, null, {"kty": "RSA", "n": N, "e": "AQAB"}
        ]});
        assert_eq!(parse_set(&set).ok().unwrap().len(), 2);
        assert_eq!(parse_set(&json!({"keys": []})).ok().unwrap().len(), 0);
        let of = |count: usize| parse_set(&json!({"keys": vec![ed25519(); count]})).map(|keys| keys.len());
        assert_eq!((of(32), of(33)), (Ok(32), Err(Problem::TooManyKeys)));
        assert_eq!(
            parse_set(&json!({"keys": [with(ed25519(), "d", json!("AAAA"))]})).err(),
            Some(Problem::PrivateKey)
        );
        for set in [json!({}), json!([]), json!(null), json!({"keys": {}})] {
            assert_eq!(parse_set(&set).err(), Some(Problem::Malformed));
        }
    }

    proptest! {
        #[test]
        fn garbage_verifies_nothing(
            x: [u8; 32], y: [u8; 32], n in prop::collection::vec(any::<u8>(), 0..600),
            e in prop::collection::vec(any::<u8>(), 0..6), message: Vec<u8>, signature: Vec<u8>
        ) {
            for key in [
                PublicKey::P256([vec![4], x.to_vec(), y.to_vec()].concat()),
                PublicKey::P256(n.clone()),
                PublicKey::P384([vec![4], x.to_vec(), y.to_vec(), x.to_vec()].concat()),
                PublicKey::P384(n.clone()),
                PublicKey::Ed25519(x.to_vec()),
                PublicKey::Ed25519(n.clone()),
                PublicKey::Rsa { n: n.clone(), e },
            ] {
                let algorithms = ["ES256", "ES384", "PS256", "RS256", "Ed25519"].map(Alg::of_proof);
                for algorithm in algorithms.into_iter().flatten() {
                    prop_assert!(!key.verify(algorithm, &message, &signature));
                    prop_assert!(!key.verify(algorithm, &message, &[x, y].concat()));
                }
            }
        }
    }
}
