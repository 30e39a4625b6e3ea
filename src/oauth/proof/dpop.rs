//! DPoP proofs (RFC 9449): the checks of section 4.3 in one call, the replay of a proof among them.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pgrx::prelude::*;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use url::Url;

use crate::identity::tenant;
use crate::kernel::outcome::{Answer, ErrorCode, Mistake, OrRaise, Refusal, given};
use crate::kernel::server::composite::composite;
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::inet::Inet;
use crate::kernel::value::interval;
use crate::oauth::proof::jti;
use crate::recovery;
use crate::rfc::jose::jwk::{self, PublicKey};
use crate::rfc::jose::{Problem, jws};
use crate::trail::{self, Context, Event, Flag};

composite! {
    /// What a DPoP proof proves, or why it proves nothing.
    pub struct DpopProof = "auth_store.dpop_proof" {
        pub jkt: Option<String>,
        pub jti: Option<String>,
        pub error: Option<&'static str>,
        pub error_description: Option<String>,
    }
    refused { error, error_description }
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn dpop_verify(
    proof: Option<&str>,
    htm: Option<&str>,
    htu: Option<&str>,
    access_token: default!(Option<&str>, "NULL"),
    max_age: default!(Option<Interval>, "'5 minutes'"),
    nonce: default!(Option<&str>, "NULL"),
    tenant_id: default!(Option<&str>, "NULL"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> DpopProof {
    let now = clock::now();
    let request = ProofRequest { htm, htu, access_token, max_age, nonces: nonce.map(|nonce| [nonce, nonce]) };
    verify(now, proof, request, tenant_id, &Context { ip, user_agent }).or_raise()
}

/// The request that came with the proof, as the application saw it.
pub struct ProofRequest<'a> {
    /// Its method.
    pub htm: Option<&'a str>,
    /// Its URI.
    pub htu: Option<&'a str>,
    /// The access token that came with it.
    pub access_token: Option<&'a str>,
    /// How old the proof may be; None: 5 minutes.
    pub max_age: Option<Interval>,
    /// The nonces of which the proof must have one; None: any or none.
    pub nonces: Option<[&'a str; 2]>,
}

/// What a proof must say.
struct Expected<'a> {
    htm: &'a str,
    /// normalized
    htu: String,
    access_token: Option<&'a str>,
    nonces: Option<[&'a str; 2]>,
    /// seconds
    max_age: i64,
}

/// A proof that is right, if it was not presented before.
struct Proven {
    jkt: String,
    jti: String,
    made_at: Timestamp,
    /// Until then it would be accepted.
    until: Timestamp,
}

/// Seconds a proof lives that names no other.
const MAX_AGE: i64 = 300;
/// Seconds by which the client's clock may be ahead.
const AHEAD: i64 = 60;
/// The longest proof, URI and `jti` that are looked at, in bytes.
const MAX_PROOF: usize = 8192;
const MAX_URI: usize = 2048;
const MAX_JTI: usize = 512;

fn verify(
    now: Timestamp,
    proof: Option<&str>,
    request: ProofRequest<'_>,
    tenant_id: Option<&str>,
    context: &Context<'_>,
) -> Result<DpopProof, Mistake> {
    let tenant_id = tenant::resolve(&Snapshot::writing()?, tenant_id)?;
    Ok(match prove_once(now, proof, request, &tenant_id, context)? {
        Ok(Proven { jkt, jti, .. }) => DpopProof { jkt: Some(jkt), jti: Some(jti), ..DpopProof::default() },
        Err(refusal) => DpopProof::refused(&refusal),
    })
}

/// The thumbprint of the key of a proof that is right and was not presented before.
pub fn prove(
    now: Timestamp,
    proof: Option<&str>,
    request: ProofRequest<'_>,
    tenant_id: &str,
    context: &Context<'_>,
) -> Answer<String> {
    Ok(prove_once(now, proof, request, tenant_id, context)?.map(|proven| proven.jkt))
}

fn prove_once(
    now: Timestamp,
    proof: Option<&str>,
    request: ProofRequest<'_>,
    tenant_id: &str,
    context: &Context<'_>,
) -> Answer<Proven> {
    let expected = Expected {
        htm: given(request.htm, "htm")?,
        htu: normalized(given(request.htu, "htu")?)
            .ok_or(Mistake::invalid("htu", "an http or https URI of at most 2048 bytes"))?,
        access_token: request.access_token,
        nonces: request.nonces,
        max_age: interval::seconds(
            request.max_age,
            MAX_AGE,
            1..=86_400,
            "max_age",
            "an interval from 1 second to 1 day",
        )?,
    };
    let (refusal, jti, flags): (_, _, &[Flag]) = match check(now, proof, &expected) {
        Ok(proven) if recovery::predates(proven.made_at)? => {
            (invalid("the proof was made before a recovery of the store"), None, &[Flag::ExpiredToken])
        }
        Ok(proven) => {
            let of = [proven.jkt.as_str(), expected.htu.as_str(), proven.jti.as_str()];
            if jti::claim_proof(now, tenant_id, of, proven.until)? {
                return Ok(Ok(proven));
            }
            (invalid("the proof was presented before"), Some(proven.jti), &[Flag::JtiReplay])
        }
        Err(refusal) => (refusal, None, &[]),
    };
    trail::record(
        now,
        &Event {
            event: "dpop.verified",
            tenant_id,
            resource_type: jti.as_ref().map(|_| "jti"),
            resource_id: jti.as_deref(),
            error: Some(refusal.code),
            flags,
            context: Some(context),
            details: Some(json!({ "description": refusal.description })),
            ..Event::default()
        },
    )?;
    Ok(Err(refusal))
}

#[derive(Deserialize)]
struct Named {
    jti: String,
}

/// The `jti` that a proof names, and nothing else of it; None where it names none. No signature is looked at.
pub fn jti_named(proof: &str) -> Option<String> {
    if proof.len() > MAX_PROOF {
        return None;
    }
    let (signed, _) = proof.rsplit_once('.')?;
    let (_, claims) = signed.split_once('.')?;
    let named: Named = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()?;
    (1..=MAX_JTI).contains(&named.jti.len()).then_some(named.jti)
}

const fn invalid(description: &'static str) -> Refusal {
    Refusal::new(ErrorCode::InvalidDpopProof, description)
}

const ALG: Refusal = invalid("alg must be ES256, ES384, PS256, RS256, Ed25519 or EdDSA, and fit the key");

/// All checks of section 4.3 except replay; writes nothing.
fn check(now: Timestamp, proof: Option<&str>, expected: &Expected<'_>) -> Result<Proven, Refusal> {
    let proof = proof.filter(|text| !text.is_empty()).ok_or(invalid("the proof is missing"))?;
    let jws = jws::parse(proof, MAX_PROOF).map_err(|problem| match problem {
        Problem::Critical => invalid(Problem::Critical.as_str()),
        Problem::Algorithm => ALG,
        _ => invalid("the proof is no signed JWT"),
    })?;
    let (header, claims) = (&jws.header, &jws.claims);
    let text =
        |object: &Map<String, Value>, name| object.get(name).and_then(Value::as_str).map(str::to_owned);
    if text(header, "typ").as_deref() != Some("dpop+jwt") {
        return Err(invalid("typ must be dpop+jwt"));
    }
    let jwk = header.get("jwk").ok_or(invalid("jwk is missing"))?;
    let key = PublicKey::of(jwk)
        .ok_or(invalid("jwk must be a public key: P-256, P-384, Ed25519, or RSA of 2048 to 4096 bits"))?;
    let algorithm = text(header, "alg").and_then(|alg| key.algorithm(&alg)).ok_or(ALG)?;
    let jkt = jwk::thumbprint(jwk).ok_or(invalid("jwk is malformed"))?;
    let (signed, signature) = jws.signed();
    if !key.verify(algorithm, signed, signature) {
        return Err(invalid("the signature is wrong"));
    }
    let jti = text(claims, "jti")
        .filter(|jti| !jti.is_empty() && jti.len() <= MAX_JTI && !jti.chars().any(char::is_control))
        .ok_or(invalid("jti must be a text of 1 to 512 bytes"))?;
    if text(claims, "htm").as_deref() != Some(expected.htm) {
        return Err(invalid("htm is not the method of the request"));
    }
    if text(claims, "htu").and_then(|htu| normalized(&htu)).as_ref() != Some(&expected.htu) {
        return Err(invalid("htu is not the URI of the request"));
    }
    let issued = claims.get("iat").and_then(numeric_date).ok_or(invalid("iat must be a NumericDate"))?;
    let until = issued.plus_seconds(expected.max_age);
    if issued > now.plus_seconds(AHEAD) {
        return Err(invalid("iat is in the future"));
    }
    if now >= until {
        return Err(invalid("iat is too long ago"));
    }
    if let Some(token) = expected.access_token {
        let hash = URL_SAFE_NO_PAD.encode(Sha256::digest(token.as_bytes()));
        let same = text(claims, "ath").is_some_and(|ath| ath.as_bytes().ct_eq(hash.as_bytes()).into());
        if !same {
            return Err(invalid("ath is not the hash of the access token"));
        }
    }
    if let Some(nonces) = expected.nonces {
        let is = |own: &str| nonces.iter().any(|nonce| own.as_bytes().ct_eq(nonce.as_bytes()).into());
        if !text(claims, "nonce").as_deref().is_some_and(is) {
            return Err(Refusal::new(ErrorCode::UseDpopNonce, "nonce is not the one provided"));
        }
    }
    Ok(Proven { jkt, jti, made_at: issued, until })
}

/// Seconds since 1970, also with a fraction (RFC 7519 section 2); None beyond the year 33000 or so.
fn numeric_date(value: &Value) -> Option<Timestamp> {
    const FURTHEST: f64 = 1e12;
    let seconds = value.as_f64().filter(|seconds| seconds.abs() <= FURTHEST)?;
    Some(Timestamp::from_unix_millis(0).plus_micros((seconds * 1e6) as i64))
}

/// A URI without query and fragment, in the normal form of RFC 3986 sections 6.2.2 and 6.2.3: scheme and host
/// in lower case, no default port, no dot segments, escapes in upper case and only where they are needed.
fn normalized(uri: &str) -> Option<String> {
    let odd = |c: char| c.is_control() || c.is_whitespace() || c == '\\';
    if uri.len() > MAX_URI || uri.contains(odd) {
        return None;
    }
    let mut url = Url::parse(uri).ok()?;
    if !matches!(url.scheme(), "http" | "https") || !url.username().is_empty() || url.password().is_some() {
        return None;
    }
    url.set_query(None);
    url.set_fragment(None);
    unescaped(url.as_str())
}

/// The text with the escapes of unreserved characters resolved, and the others in upper case; None where one is
/// malformed.
fn unescaped(text: &str) -> Option<String> {
    let mut parts = text.split('%');
    let mut result = parts.next()?.to_owned();
    for part in parts {
        let hex = part.get(..2).filter(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()))?;
        let byte = u8::from_str_radix(hex, 16).ok()?;
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            result.push(char::from(byte));
        } else {
            result.push_str(&format!("%{byte:02X}"));
        }
        result.push_str(part.get(2..)?);
    }
    Some(result)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::rfc::jose::sign::tests::RSA;
    use proptest::prelude::*;
    use ring::rand::SystemRandom;
    use ring::signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
        KeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaKeyPair,
    };

    /// RFC 9449 section 4.1, issued at 1562262616.
    const OF_THE_RFC: &str = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg";
    const AT: i64 = 1_562_262_616;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix_millis(0).plus_seconds(seconds)
    }

    fn expected() -> Expected<'static> {
        Expected {
            htm: "POST",
            htu: normalized("https://server.example.com/token").unwrap(),
            access_token: None,
            nonces: None,
            max_age: MAX_AGE,
        }
    }

    fn refused(result: Result<Proven, Refusal>) -> String {
        match result {
            Ok(_) => "accepted".into(),
            Err(refusal) => refusal.description.to_string(),
        }
    }

    #[allow(clippy::large_enum_variant)]
    enum Signer {
        Ec(EcdsaKeyPair),
        Ed(Ed25519KeyPair),
        Rsa(RsaKeyPair),
    }

    impl Signer {
        fn all() -> [Self; 4] {
            let random = SystemRandom::new();
            let ec = |algorithm| {
                let pair = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
                Self::Ec(EcdsaKeyPair::from_pkcs8(algorithm, pair.as_ref(), &random).unwrap())
            };
            let rsa = base64::engine::general_purpose::STANDARD.decode(RSA).unwrap();
            [
                ec(&ECDSA_P256_SHA256_FIXED_SIGNING),
                Self::Ed(Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap()),
                Self::Rsa(RsaKeyPair::from_der(&rsa).unwrap()),
                ec(&ECDSA_P384_SHA384_FIXED_SIGNING),
            ]
        }

        /// The algorithms of the key.
        fn algorithms(&self) -> &'static [&'static str] {
            match self {
                Self::Ec(pair) if pair.public_key().as_ref().len() == 65 => &["ES256"],
                Self::Ec(_) => &["ES384"],
                Self::Ed(_) => &["EdDSA", "Ed25519"],
                Self::Rsa(_) => &["RS256", "PS256"],
            }
        }

        fn header(&self) -> Value {
            let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
            let jwk = match self {
                Self::Ec(pair) => {
                    let point = &pair.public_key().as_ref()[1..];
                    let (x, y) = point.split_at(point.len() / 2);
                    let crv = if x.len() == 32 { "P-256" } else { "P-384" };
                    json!({"kty": "EC", "crv": crv, "x": text(x), "y": text(y)})
                }
                Self::Ed(pair) => {
                    json!({"kty": "OKP", "crv": "Ed25519", "x": text(pair.public_key().as_ref())})
                }
                Self::Rsa(pair) => {
                    let key: ring::rsa::PublicKeyComponents<Vec<u8>> = pair.public_key().into();
                    json!({"kty": "RSA", "n": text(&key.n), "e": text(&key.e)})
                }
            };
            json!({"typ": "dpop+jwt", "alg": self.algorithms()[0], "jwk": jwk})
        }

        fn sign(&self, header: &Value, claims: &Value) -> String {
            let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
            let signed = format!("{}.{}", part(header), part(claims));
            let random = SystemRandom::new();
            let signature = match self {
                Self::Ec(pair) => pair.sign(&random, signed.as_bytes()).unwrap().as_ref().to_vec(),
                Self::Ed(pair) => pair.sign(signed.as_bytes()).as_ref().to_vec(),
                Self::Rsa(pair) => {
                    let mut signature = vec![0; pair.public().modulus_len()];
                    let padding: &dyn ring::signature::RsaEncoding =
                        if header["alg"] == "PS256" { &RSA_PSS_SHA256 } else { &RSA_PKCS1_SHA256 };
                    pair.sign(padding, &random, signed.as_bytes(), &mut signature).unwrap();
                    signature
                }
            };
            format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
        }
    }

    fn claims() -> Value {
        json!({"jti": "j", "htm": "POST", "htu": "https://server.example.com/token", "iat": AT})
    }

    /// A JSON object with a member replaced, or removed by null.
    fn with(mut object: Value, name: &str, value: Value) -> Value {
        let members = object.as_object_mut().unwrap();
        if value.is_null() {
            members.remove(name)
        } else {
            members.insert(name.into(), value)
        };
        object
    }

    #[test]
    fn the_proof_of_the_rfc_is_accepted() {
        let proven = check(at(AT + 1), Some(OF_THE_RFC), &expected()).ok().unwrap();
        assert_eq!(proven.jkt, "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
        assert_eq!(proven.jti, "-BwC3ESc6acc2lTc");
        assert!(proven.until == at(AT + MAX_AGE));
    }

    #[test]
    fn every_algorithm_is_verified() {
        for signer in Signer::all() {
            let mut keys = Vec::new();
            for alg in signer.algorithms() {
                let header = with(signer.header(), "alg", json!(alg));
                let proof = signer.sign(&header, &claims());
                keys.push(check(at(AT), Some(&proof), &expected()).ok().map(|proven| proven.jkt));
                assert!(keys[0].is_some(), "{header}");
                let (signed, signature) = proof.rsplit_once('.').unwrap();
                let other = signer.sign(&header, &with(claims(), "jti", json!("k")));
                let (_, other) = other.rsplit_once('.').unwrap();
                for wrong in [other, "", "AA", &signature[..signature.len() - 4]] {
                    let forged = format!("{signed}.{wrong}");
                    assert!(check(at(AT), Some(&forged), &expected()).is_err(), "{wrong}");
                }
            }
            // RFC 7638 section 3: the thumbprint is the key's, whatever signs with it.
            assert!(keys.iter().all(|jkt| *jkt == keys[0]));
        }
    }

    /// RFC 8725 section 3.1: a signature by one algorithm does not count for another one.
    #[test]
    fn the_paddings_of_rsa_are_not_mistaken_for_each_other() {
        let signer = &Signer::all()[2];
        let by = |alg: &str| signer.sign(&with(signer.header(), "alg", json!(alg)), &claims());
        let (pkcs1, pss) = (by("RS256"), by("PS256"));
        for (head, tail) in [(&pkcs1, &pss), (&pss, &pkcs1)] {
            let (signed, _) = head.rsplit_once('.').unwrap();
            let (_, signature) = tail.rsplit_once('.').unwrap();
            let mixed = format!("{signed}.{signature}");
            assert_eq!(refused(check(at(AT), Some(&mixed), &expected())), "the signature is wrong");
        }
    }

    /// RFC 9449 section 4.3, number by number.
    #[test]
    fn each_check_refuses_alone() {
        let signer = &Signer::all()[1];
        let rsa = &Signer::all()[2];
        let of = |header: Value, claims: Value| {
            refused(check(at(AT), Some(&signer.sign(&header, &claims)), &expected()))
        };
        let header = |name, value| of(with(signer.header(), name, value), claims());
        let claim = |name, value| of(signer.header(), with(claims(), name, value));
        const ALG: &str = "alg must be ES256, ES384, PS256, RS256, Ed25519 or EdDSA, and fit the key";
        for typ in [json!(null), json!("JWT"), json!("DPoP+JWT"), json!(7)] {
            assert_eq!(header("typ", typ), "typ must be dpop+jwt");
        }
        for alg in
            [json!(null), json!("none"), json!("HS256"), json!("ES256"), json!("Ed448"), json!(["EdDSA"])]
        {
            assert_eq!(header("alg", alg), ALG);
        }
        assert_eq!(header("jwk", json!(null)), "jwk is missing");
        for jwk in [
            json!({"kty": "oct", "k": "AAAA"}),
            with(signer.header()["jwk"].clone(), "d", json!("AAAA")),
            with(signer.header()["jwk"].clone(), "crv", json!("X25519")),
            json!("jwk"),
        ] {
            assert!(header("jwk", jwk).starts_with("jwk must be a public key"));
        }
        assert_eq!(
            header(
                "jwk",
                Signer::Ed(Ed25519KeyPair::from_seed_unchecked(&[8; 32]).unwrap()).header()["jwk"].clone()
            ),
            "the signature is wrong"
        );
        assert_eq!(header("jwk", rsa.header()["jwk"].clone()), ALG);
        assert_eq!(header("crit", json!(["exp"])), "crit names an extension that is not supported");
        for jti in [json!(null), json!(""), json!(7), json!("a\u{0}b"), json!("j".repeat(513))] {
            assert_eq!(claim("jti", jti), "jti must be a text of 1 to 512 bytes");
        }
        for htm in [json!(null), json!("GET"), json!("post")] {
            assert_eq!(claim("htm", htm), "htm is not the method of the request");
        }
        for htu in [
            json!(null),
            json!("https://server.example.com/"),
            json!("http://server.example.com/token"),
            json!("/token"),
        ] {
            assert_eq!(claim("htu", htu), "htu is not the URI of the request");
        }
        assert_eq!(claim("htu", json!("HTTPS://Server.example.com:443/a/../token?x=1#y")), "accepted");
        for iat in [json!(null), json!("1562262616"), json!(1e300), json!(true)] {
            assert_eq!(claim("iat", iat), "iat must be a NumericDate");
        }
        assert_eq!(claim("iat", json!(AT - MAX_AGE)), "iat is too long ago");
        assert_eq!(claim("iat", json!(AT - MAX_AGE + 1)), "accepted");
        assert_eq!(claim("iat", json!(AT + AHEAD)), "accepted");
        assert_eq!(claim("iat", json!(AT as f64 + AHEAD as f64 + 0.5)), "iat is in the future");
        assert_eq!(claim("iat", json!(-1)), "iat is too long ago");
    }

    /// RFC 9449 section 7.1: the token and the hash of the example.
    #[test]
    fn the_proof_names_the_access_token() {
        let signer = &Signer::all()[0];
        let token = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU";
        let of = |ath, token| {
            let proof = signer.sign(&signer.header(), &with(claims(), "ath", ath));
            refused(check(at(AT), Some(&proof), &Expected { access_token: token, ..expected() }))
        };
        let ath = json!("fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo");
        assert_eq!(of(ath.clone(), Some(token)), "accepted");
        assert_eq!(of(ath.clone(), None), "accepted");
        assert_eq!(of(ath, Some("another")), "ath is not the hash of the access token");
        assert_eq!(of(json!(null), Some(token)), "ath is not the hash of the access token");
    }

    #[test]
    fn a_nonce_that_was_provided_must_come_back() {
        let signer = &Signer::all()[1];
        let of = |nonce| {
            let proof = signer.sign(&signer.header(), &with(claims(), "nonce", nonce));
            check(at(AT), Some(&proof), &Expected { nonces: Some(["n1", "n0"]), ..expected() })
                .map_err(|refusal| refusal.code)
        };
        assert!(of(json!("n1")).is_ok());
        for nonce in [json!(null), json!("n2"), json!(1)] {
            assert_eq!(of(nonce).err().unwrap(), ErrorCode::UseDpopNonce);
        }
    }

    /// RFC 3986 sections 6.2.2 and 6.2.3.
    #[test]
    fn uris_are_compared_in_their_normal_form() {
        let same = |a: &str, b: &str| normalized(a).is_some() && normalized(a) == normalized(b);
        assert!(same("HTTP://Example.COM:80", "http://example.com/"));
        assert!(same("https://a.example/%7Esmith/%c3%a9", "https://a.example/~smith/%C3%A9"));
        assert!(same("https://a.example/a/./b/../c?q#f", "https://a.example/a/c"));
        assert!(!same("https://a.example/a", "https://a.example/a/"));
        assert!(!same("https://a.example/a%2Fb", "https://a.example/a/b"));
        assert!(!same("https://a.example/A", "https://a.example/a"));
        assert!(!same("https://a.example:8443/", "https://a.example/"));
        for uri in [
            "",
            "/token",
            "urn:a:b",
            "ftp://a.example/",
            "https://u@a.example/",
            "https://a.example/a b",
            "https:\\\\a.example",
            "https://a.example/%zz",
            "https://a.example/%4",
        ] {
            assert!(normalized(uri).is_none(), "{uri}");
        }
    }

    #[test]
    fn what_is_no_jws_is_refused() {
        assert_eq!(refused(check(at(AT), None, &expected())), "the proof is missing");
        assert_eq!(refused(check(at(AT), Some(""), &expected())), "the proof is missing");
        let long = "a".repeat(MAX_PROOF + 1);
        let deep = URL_SAFE_NO_PAD.encode("[".repeat(3000));
        for proof in [
            "a",
            "..",
            "a.b.c",
            "e30.e30",
            "e30.e30.e30.e30",
            "W10.e30.",
            long.as_str(),
            &format!("{deep}.{deep}."),
        ] {
            assert_eq!(
                refused(check(at(AT), Some(proof), &expected())),
                "the proof is no signed JWT",
                "{proof}"
            );
        }
    }

    fn json_values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            ".*".prop_map(Value::from),
            prop::sample::select(vec![
                "dpop+jwt", "ES256", "EC", "P-256", "P-384", "OKP", "Ed25519", "RSA", "PS256", "POST", "AQAB"
            ])
            .prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 16, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                members(inner).prop_map(Value::Object),
            ]
        })
    }

    fn members(value: impl Strategy<Value = Value>) -> impl Strategy<Value = Map<String, Value>> {
        let names = vec![
            "typ", "alg", "jwk", "kty", "crv", "x", "y", "n", "e", "d", "jti", "htm", "htu", "iat", "ath",
            "nonce",
        ];
        prop::collection::vec((prop::sample::select(names), value), 0..12)
            .prop_map(|pairs| pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }

    proptest! {
        #[test]
        fn garbage_is_refused(proof in ".*", bytes: [Vec<u8>; 3]) {
            prop_assert!(check(at(AT), Some(&proof), &expected()).is_err());
            let parts = bytes.map(|part| URL_SAFE_NO_PAD.encode(part)).join(".");
            prop_assert!(check(at(AT), Some(&parts), &expected()).is_err());
        }

        #[test]
        fn objects_of_all_sorts_are_refused(
            header in members(json_values()), claims in members(json_values()), signature: Vec<u8>
        ) {
            let part = |object| URL_SAFE_NO_PAD.encode(Value::Object(object).to_string());
            let proof = format!("{}.{}.{}", part(header), part(claims), URL_SAFE_NO_PAD.encode(signature));
            prop_assert!(check(at(AT), Some(&proof), &expected()).is_err());
        }

        #[test]
        fn signed_claims_of_all_sorts_are_no_panic(claims in members(json_values())) {
            let signer = Signer::Ed(Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap());
            let proof = signer.sign(&signer.header(), &Value::Object(claims));
            let _ = check(at(AT), Some(&proof), &expected());
        }

        #[test]
        fn normal_forms_stay(uri in "https?://[a-z]{1,9}\\.example/[ -~é]{0,40}") {
            if let Some(once) = normalized(&uri) {
                prop_assert_eq!(normalized(&once), Some(once.clone()));
            }
        }
    }
}
