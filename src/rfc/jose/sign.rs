//! Private keys, and what they sign.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::rsa::PublicKeyComponents;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::kernel::outcome::Mistake;
use crate::rfc::jose::alg::Alg;
use crate::rfc::jose::jwk;

/// A private key that is open.
pub struct SigningKey {
    kid: String,
    pair: Pair,
}

enum Pair {
    Es256(EcdsaKeyPair),
    EdDsa(Ed25519KeyPair),
    Rs256(RsaKeyPair),
}

/// Makes a key, in PKCS #8; None for an algorithm whose keys are imported.
pub fn generate(alg: Alg) -> Result<Option<Zeroizing<Vec<u8>>>, Mistake> {
    let random = SystemRandom::new();
    let document = match alg {
        Alg::Es256 => EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random),
        Alg::EdDsa => Ed25519KeyPair::generate_pkcs8(&random),
        Alg::Es384 | Alg::Rs256 | Alg::Ps256 => return Ok(None),
    };
    let document = document.map_err(|_| Mistake::NoRandomness)?;
    Ok(Some(Zeroizing::new(document.as_ref().to_vec())))
}

impl SigningKey {
    /// Opens a key in PKCS #8 of whatever kind; None if it is malformed, or none to sign with.
    pub fn of(pkcs8: &[u8]) -> Option<Self> {
        Alg::SIGNING.into_iter().find_map(|alg| Self::open(alg, pkcs8))
    }

    /// Opens a key in PKCS #8 of the kind for an algorithm: RSA has 2048 to 4096 bits.
    pub fn open(alg: Alg, pkcs8: &[u8]) -> Option<Self> {
        let pair = match alg {
            Alg::Es256 => Pair::Es256(
                EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8, &SystemRandom::new())
                    .ok()?,
            ),
            Alg::EdDsa => Pair::EdDsa(Ed25519KeyPair::from_pkcs8_maybe_unchecked(pkcs8).ok()?),
            Alg::Rs256 => Pair::Rs256(RsaKeyPair::from_pkcs8(pkcs8).ok()?),
            Alg::Es384 | Alg::Ps256 => return None,
        };
        let mut key = Self { kid: String::new(), pair };
        key.kid = jwk::thumbprint(&key.members()?)?;
        Some(key)
    }

    /// How it signs.
    pub fn alg(&self) -> Alg {
        match self.pair {
            Pair::Es256(_) => Alg::Es256,
            Pair::EdDsa(_) => Alg::EdDsa,
            Pair::Rs256(_) => Alg::Rs256,
        }
    }

    /// Its name: the thumbprint (RFC 7638) of its public key.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The public key, as a set has it: with `kid`, `use` and `alg`, which some libraries look for.
    pub fn public_jwk(&self) -> Option<Value> {
        let mut jwk = self.members()?;
        let members = jwk.as_object_mut()?;
        members.insert("kid".to_owned(), self.kid.as_str().into());
        members.insert("use".to_owned(), "sig".into());
        members.insert("alg".to_owned(), self.alg().as_str().into());
        Some(jwk)
    }

    fn members(&self) -> Option<Value> {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        Some(match &self.pair {
            Pair::Es256(pair) => {
                let (x, y) = pair.public_key().as_ref().get(1..)?.split_at_checked(32)?;
                json!({ "kty": "EC", "crv": "P-256", "x": text(x), "y": text(y) })
            }
            Pair::EdDsa(pair) => {
                json!({ "kty": "OKP", "crv": "Ed25519", "x": text(pair.public_key().as_ref()) })
            }
            Pair::Rs256(pair) => {
                let public = PublicKeyComponents::<Vec<u8>>::from(pair.public_key());
                json!({ "kty": "RSA", "n": text(&public.n), "e": text(&public.e) })
            }
        })
    }

    /// A JWS in compact form of claims, which are the text of a JSON object; `typ` says what it is (RFC 8725 section
    /// 3.11) and is a plain word.
    pub fn sign(&self, typ: &str, claims: &str) -> Result<String, Mistake> {
        let (alg, kid) = (self.alg().as_str(), &self.kid);
        let header = format!(r#"{{"typ":"{typ}","alg":"{alg}","kid":"{kid}"}}"#);
        let mut token = String::with_capacity((header.len() + claims.len()) * 4 / 3 + 96);
        URL_SAFE_NO_PAD.encode_string(header, &mut token);
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(claims, &mut token);
        let message = token.as_bytes();
        let random = SystemRandom::new();
        let signature = match &self.pair {
            Pair::Es256(pair) => pair.sign(&random, message).map_err(|_| Mistake::NoRandomness)?,
            Pair::EdDsa(pair) => pair.sign(message),
            Pair::Rs256(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)
                    .map_err(|_| Mistake::NoRandomness)?;
                token.push('.');
                URL_SAFE_NO_PAD.encode_string(signature, &mut token);
                return Ok(token);
            }
        };
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Ok(token)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
pub mod tests {
    use super::{SigningKey, generate};
    use crate::rfc::jose::alg::Alg;
    use crate::rfc::jose::jwk::{Jwk, PublicKey, parse_set, thumbprint};
    use crate::rfc::jose::jws::{self, parse};
    use crate::rfc::jose::{Problem, private};
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use proptest::prelude::*;
    use ring::hmac;
    use serde_json::{Value, json};

    /// A key of these tests alone, PKCS #1.
    pub const RSA: &str = "MIIEogIBAAKCAQEA4dI9BCT2UKC3smtlRyxJM1oWOYMQh4ZbjdfsldXuOPR7XHm3/kZDcnNlnX0tFnM0ltvm4nnbRft/BEimdfGqV4JcUrOkUTgOOcmiZU3ym+1FG+o6bvZ3p/usMNpwb3gmlbukVE82fDbg0DgPNWEbQnBkidZY3ryikDpZ6EyeOZocIa3qzM5QtGjXUs0HpVJ7jX4+gsJIXRtcp+sRwSKCgaFPESIJbpkLGCrLuLVzjLaRtjSQhFHHIaaO6Xnt6YsmUuYqEvzXdKXCBmdrTXr/z2U3qONaemO1K1111dUaS80+O8F+NsU/OPgg/W3mH06cT6N9o4Tg2jiZK3OV3fqzWwIDAQABAoIBAFUfauClDjRWYOhgk0zA5Nb2nmoPfauYeep9+jCA88uEXPv+5dxzn/kEhslW5igQRUKYoe+8/2rh4n8644SSFCPof+Ss0sPK3ZHq78xAFbOxPNvI7z3kqjYoKEBCFx/tqp3GnasqMN+h0BytBQ6aDCx/MWbD5bwQXzb+x+VI/Fu5hpOdtEE+wH9hYu+6D7flt6+ZagoZOU1djDmI4LUvQs7g+bPXPbrhRrIMQtVhHtVoqUODWP6MixZuCvpPtaZ/CIQodllbCRcKx5X5P2fCJRQvd/3yMT9/hswQqFvyyIstDiCR/LHo5HDVgpAN4oOJ4q91Y9IJz4itttQOpR0dOAECgYEA9T73uJ0Bl5nR3OWDktDAb2rfpsFSQqRMRszHX4Nn/m7vwGGXjTr/odKXnGHXYoRbitMqgdz2bLKaaUqu0av655H9n66bqpsBtdew6qZgd/tbJJYdCJ+UCXvpAPwNJ4hmLoJA3E3LFQMjOTBkyc2h8bxHWjkilX5AR2h6b3UHn/kCgYEA67k3cN8FvcQFYQwoTS7gegHx5FH77Mh9PrxpuY55mqQ6wN/HpnWZZRed6Vp5YWEl+9FVXjg2HQ5KJIn1DxPl+b8TCwlW3rxA6VsjtgfqpXEB/WFCg75zazvQGYdC7XqOl4q+q9FgEWeiocY7p2nA1G1OrJ+hnWfvs+YRGLE3KvMCgYAShBKH6bK5E2/40YtBhmlBADyqhmYDigwIPGXBHFa5qv6G89dRXmb2fMPdlrWARqXysUbAT0J7qnBmCrFwOx/SY/9WEwTFuLZEWGiPDsixxlR3Sq4efI3cuXI6FM2Zcn7kfAkRmP4ANCBwrOqvIctcSO7KLQ4jY0jPG2BDEf7lYQKBgB2E2UOCOkbUWFQZ4KYhu6yrt63+8kxpov2LPLYm+GV8MXtbyrW2vlnhhj3lvZOLReVuBoHBCk3DL1e6Cv0zYbZPzkOwjLdh3cMbTbKK9UB4kWY4msrCu9Nu7xVzUddJZLfngQ8lLiGf18boeynw3Vv8wEBv0R5UGLlvky6DasQvAoGAOdpoXGcJrAvKUmT64H6Co4UuztTo1Lxl28TmlFYO2S0GTopg0owoMBbK3DfXBP4I5TqUQ7Zwi+RK/dZ7jPz3LyAlFvnZqwhAhlQCsRq+SY8e7QGv6XlRQXfDkktKJfD/A2eIfZSOnW/HZ4moUGWdI9Yn/EEWjDqzFzdk2ZohX0g=";

    fn keys() -> Vec<SigningKey> {
        let made = [Alg::Es256, Alg::EdDsa].map(|alg| (alg, generate(alg).unwrap().unwrap()));
        let all = made.into_iter().chain([(Alg::Rs256, private::read(RSA).unwrap())]);
        all.map(|(alg, pkcs8)| SigningKey::open(alg, &pkcs8).unwrap()).collect()
    }

    fn public(key: &SigningKey) -> Vec<Jwk> {
        parse_set(&json!({ "keys": [key.public_jwk().unwrap()] })).unwrap()
    }

    /// A token of any header and claims, with this signature.
    fn token(header: &Value, claims: &Value, signature: &[u8]) -> String {
        let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let (header, claims) = (header.to_string(), claims.to_string());
        format!("{}.{}.{}", part(header.as_bytes()), part(claims.as_bytes()), part(signature))
    }

    #[test]
    fn what_a_key_signs_its_public_key_verifies() {
        let keys = keys();
        for (n, key) in keys.iter().enumerate() {
            let token = key.sign("at+jwt", r#"{"sub":"a"}"#).unwrap();
            let jws = parse(&token, 8192).unwrap();
            assert_eq!(
                jws.header,
                *json!({"typ": "at+jwt", "alg": key.alg().as_str(), "kid": key.kid()}).as_object().unwrap()
            );
            assert!(jws.is_of_type("at+jwt") && !jws.is_of_type("jwt"));
            assert_eq!(jws.text("sub"), Some("a"));
            for (m, other) in keys.iter().enumerate() {
                assert_eq!(
                    jws.verify(&public(other)),
                    if n == m { Ok(()) } else { Err(Problem::UnknownKey) }
                );
            }
            assert_eq!(jws.verify_secret(b"secret"), Err(Problem::Algorithm));
            assert_eq!(Some(key.kid().to_owned()), thumbprint(&key.public_jwk().unwrap()));
        }
    }

    #[test]
    fn a_changed_token_does_not_verify() {
        for key in keys() {
            let token = key.sign("JWT", r#"{"sub":"a"}"#).unwrap();
            for (n, at) in token.char_indices().filter(|(_, at)| *at != '.') {
                let other = if at == 'A' { "B" } else { "A" };
                let changed = format!("{}{other}{}", &token[..n], &token[n + 1..]);
                assert!(parse(&changed, 8192).and_then(|jws| jws.verify(&public(&key))).is_err(), "{n}");
            }
        }
    }

    /// RFC 7515 appendix A.1 to A.3, with the keys of the RFC.
    #[test]
    fn the_tokens_of_rfc_7515_verify() {
        let claims =
            "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let hs256 = format!(
            "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.{claims}.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
        );
        let secret = URL_SAFE_NO_PAD
            .decode("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow")
            .unwrap();
        let jws = parse(&hs256, 8192).unwrap();
        assert_eq!(jws.verify_secret(&secret), Ok(()));
        assert_eq!(jws.verify_secret(&secret[1..]), Err(Problem::Signature));
        assert_eq!((jws.text("iss"), jws.claims.get("exp")), (Some("joe"), Some(&json!(1_300_819_380))));
        let rs256 = format!(
            "eyJhbGciOiJSUzI1NiJ9.{claims}.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"
        );
        let n = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";
        let rsa = [Jwk::parse(&json!({"kty": "RSA", "n": n, "e": "AQAB"})).unwrap()];
        assert_eq!(parse(&rs256, 8192).unwrap().verify(&rsa), Ok(()));
        let es256 = format!(
            "eyJhbGciOiJFUzI1NiJ9.{claims}.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
        );
        let ec = [Jwk::parse(
            &json!({"kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
                                     "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}),
        )
        .unwrap()];
        assert_eq!(parse(&es256, 8192).unwrap().verify(&ec), Ok(()));
        assert_eq!(parse(&es256, 8192).unwrap().verify(&rsa), Err(Problem::UnknownKey));
    }

    /// RFC 7515 appendix A.5 and RFC 7519 section 6.1; RFC 8725 section 2.1.
    #[test]
    fn none_is_no_algorithm() {
        for alg in [json!("none"), json!("None"), json!("NONE"), json!(""), json!(null), json!(["ES256"])] {
            let unsigned = token(&json!({ "alg": alg }), &json!({"sub": "a"}), b"");
            assert_eq!(parse(&unsigned, 8192).err(), Some(Problem::Algorithm), "{alg}");
        }
        assert_eq!(parse(&token(&json!({}), &json!({}), b""), 8192).err(), Some(Problem::Algorithm));
    }

    /// RFC 8037 appendix A.4 and A.5: the payload there is no JSON.
    #[test]
    fn the_signature_of_rfc_8037_verifies() {
        let key = PublicKey::of(
            &json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}),
        );
        let signature =
            "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
        let message = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
        assert!(key.unwrap().verify(Alg::EdDsa, message, &URL_SAFE_NO_PAD.decode(signature).unwrap()));
    }

    /// RFC 7515 section 4.1.11, RFC 7797 section 6.
    #[test]
    fn extensions_are_refused() {
        for header in [
            json!({"alg": "ES256", "crit": ["exp"]}),
            json!({"alg": "ES256", "crit": []}),
            json!({"alg": "ES256", "b64": false, "crit": ["b64"]}),
            json!({"alg": "ES256", "b64": true}),
        ] {
            assert_eq!(parse(&token(&header, &json!({}), b"s"), 8192).err(), Some(Problem::Critical));
        }
    }

    /// RFC 8725 section 2.1: the public key of another kind is no secret, and none is chosen by the token.
    #[test]
    fn algorithms_are_not_confused() {
        for key in keys() {
            let jwk = key.public_jwk().unwrap();
            // Signed by HMAC with the public key as the secret, in each form that it is found in.
            for secret in
                [jwk.to_string(), jwk["x"].as_str().unwrap_or_default().to_owned(), jwk["n"].to_string()]
            {
                let mac = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
                let header = json!({"alg": "HS256", "kid": key.kid()});
                let head = token(&header, &json!({"sub": "a"}), b"");
                let tag = hmac::sign(&mac, head.trim_end_matches('.').as_bytes());
                let forged = token(&header, &json!({"sub": "a"}), tag.as_ref());
                assert_eq!(parse(&forged, 8192).unwrap().verify(&public(&key)), Err(Problem::Algorithm));
            }
            // The signature of one algorithm under the name of another.
            let genuine = key.sign("JWT", r#"{"sub":"a"}"#).unwrap();
            let (_, signature) = genuine.rsplit_once('.').unwrap();
            for alg in Alg::VERIFIED.into_iter().filter(|alg| Alg::parse(alg) != Some(key.alg())) {
                let header = json!({"typ": "JWT", "alg": alg, "kid": key.kid()});
                let forged =
                    token(&header, &json!({"sub": "a"}), &URL_SAFE_NO_PAD.decode(signature).unwrap());
                assert!(parse(&forged, 8192).unwrap().verify(&public(&key)).is_err(), "{alg}");
            }
        }
    }

    /// A key that comes with the token, or that it points to, is no key (RFC 8725 section 3.10).
    #[test]
    fn a_token_brings_no_key() {
        let (mine, yours) = (&keys()[0], &keys()[0]);
        let jwk = yours.public_jwk().unwrap();
        for (name, value) in [
            ("jwk", jwk.clone()),
            ("jku", json!("https://evil.example/jwks")),
            ("x5u", json!("https://evil.example/chain")),
            ("x5c", json!(["AAAA"])),
            ("kid", json!("../../dev/null")),
            ("kid", json!("' OR 1=1 --")),
            ("kid", json!(mine.kid())),
            ("kid", json!(7)),
        ] {
            let mut header = json!({"alg": "ES256"});
            header.as_object_mut().unwrap().insert(name.into(), value);
            let signed = yours.sign("JWT", "{}").unwrap();
            let (_, signature) = signed.rsplit_once('.').unwrap();
            let forged = token(&header, &json!({}), &URL_SAFE_NO_PAD.decode(signature).unwrap());
            assert!(parse(&forged, 8192).unwrap().verify(&public(mine)).is_err(), "{name}");
        }
    }

    #[test]
    fn eight_keys_are_tried_at_most() {
        let signer = &keys()[0];
        let own = signer.public_jwk().unwrap();
        let others = |count: usize| -> Vec<Value> {
            let other = keys()[0].public_jwk().unwrap();
            let unnamed = |mut jwk: Value| {
                jwk.as_object_mut().unwrap().remove("kid");
                jwk
            };
            vec![unnamed(other); count]
        };
        let token = signer.sign("JWT", "{}").unwrap();
        for (count, result) in [(7, Ok(())), (8, Err(Problem::Signature))] {
            let keys: Vec<_> =
                others(count).into_iter().chain([own.clone()]).map(|jwk| Jwk::parse(&jwk).unwrap()).collect();
            assert_eq!(parse(&token, 8192).unwrap().verify(&keys), result, "{count}");
        }
        assert_eq!(parse(&token, 8192).unwrap().verify(&[]), Err(Problem::UnknownKey));
    }

    #[test]
    fn members_occur_once_and_texts_are_bounded() {
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let twice = format!("{}.{}.AAAA", part(r#"{"alg":"ES256","alg":"HS256"}"#), part("{}"));
        assert_eq!(parse(&twice, 8192).err(), Some(Problem::Malformed));
        let twice = format!("{}.{}.AAAA", part(r#"{"alg":"ES256"}"#), part(r#"{"sub":"a","sub":"b"}"#));
        assert_eq!(parse(&twice, 8192).err(), Some(Problem::Malformed));
        let token = keys()[0].sign("JWT", "{}").unwrap();
        assert!(parse(&token, token.len()).is_ok());
        assert_eq!(parse(&token, token.len() - 1).err(), Some(Problem::Malformed));
        for odd in [
            "",
            ".",
            "..",
            "...",
            "e30.e30",
            &format!("{token}."),
            &format!("{token}="),
            &format!(" {token}"),
        ] {
            assert!(parse(odd, 8192).and_then(|jws| jws.verify(&public(&keys()[0]))).is_err(), "{odd}");
        }
    }

    /// RFC 7515 section 4.1.9.
    #[test]
    fn types_are_compared_as_media_types() {
        for (typ, same) in [
            ("at+jwt", true),
            ("AT+JWT", true),
            ("application/at+jwt", true),
            ("Application/at+JWT", true),
            ("jwt", false),
            ("", false),
            ("text/at+jwt", false),
        ] {
            let text = token(&json!({"alg": "ES256", "typ": typ}), &json!({}), b"s");
            assert_eq!(jws::parse(&text, 8192).unwrap().is_of_type("at+jwt"), same, "{typ}");
        }
    }

    proptest! {
        #[test]
        fn garbage_is_no_token(text in ".*", parts: [Vec<u8>; 3]) {
            let keys: Vec<_> = keys().iter().flat_map(public).collect();
            let parts = parts.map(|part| URL_SAFE_NO_PAD.encode(part)).join(".");
            for text in [text.as_str(), parts.as_str()] {
                prop_assert!(parse(text, 8192).and_then(|jws| jws.verify(&keys)).is_err());
            }
        }

        #[test]
        fn any_claims_come_back(sub in ".*", number: i64) {
            let claims = json!({"sub": sub, "n": number, "list": [1, null]});
            let key = SigningKey::open(Alg::EdDsa, &generate(Alg::EdDsa).unwrap().unwrap()).unwrap();
            let token = key.sign("JWT", &claims.to_string()).unwrap();
            let jws = parse(&token, usize::MAX).unwrap();
            prop_assert_eq!(jws.verify(&public(&key)), Ok(()));
            prop_assert_eq!(Value::Object(jws.claims), claims);
        }
    }
}
