//! Proof Key for Code Exchange (RFC 7636), method S256. The method `plain` is refused everywhere: it shows the verifier
//! to everybody who sees the authorization request (RFC 9700 section 2.1.1).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pgrx::prelude::*;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::kernel::outcome::{Mistake, OrRaise, given};

#[pg_extern(immutable, parallel_safe)]
fn pkce_challenge(verifier: Option<&str>) -> String {
    given(verifier, "verifier")
        .and_then(|verifier| {
            challenge(verifier).ok_or(Mistake::invalid(
                "verifier",
                "43 to 128 characters of A-Z a-z 0-9 - . _ ~ (RFC 7636 section 4.1)",
            ))
        })
        .or_raise()
}

#[pg_extern(immutable, parallel_safe)]
fn pkce_verify(
    verifier: Option<&str>,
    challenge: Option<&str>,
    method: default!(Option<&str>, "'S256'"),
) -> bool {
    match (verifier, challenge, method) {
        (Some(verifier), Some(challenge), Some("S256")) => matches(verifier, challenge),
        _ => false,
    }
}

/// The S256 challenge of a verifier; None where the verifier's form is not that of section 4.1.
pub fn challenge(verifier: &str) -> Option<String> {
    let unreserved = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~');
    let legal = (43..=128).contains(&verifier.len()) && verifier.bytes().all(unreserved);
    legal.then(|| URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes())))
}

/// True if the challenge is that of the verifier (section 4.6).
pub fn matches(verifier: &str, expected: &str) -> bool {
    challenge(verifier).is_some_and(|actual| actual.as_bytes().ct_eq(expected.as_bytes()).into())
}

/// Whether a text is the base64url form of a SHA-256: an S256 challenge or a JWK thumbprint.
pub fn is_sha256_base64url(text: &str) -> bool {
    let mut bytes = [0; 33];
    text.len() == 43 && URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).is_ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{challenge, is_sha256_base64url, matches};
    use proptest::prelude::*;

    /// RFC 7636 appendix B.
    #[test]
    fn the_vector_of_the_rfc() {
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let expected = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        assert_eq!(challenge(verifier).unwrap(), expected);
        assert!(matches(verifier, expected));
        assert!(is_sha256_base64url(expected));
    }

    /// RFC 7636 section 4.1.
    #[test]
    fn verifiers_have_43_to_128_unreserved_characters() {
        assert!(challenge(&"a".repeat(42)).is_none());
        assert!(challenge(&"a".repeat(43)).is_some());
        assert!(challenge(&"a".repeat(128)).is_some());
        assert!(challenge(&"a".repeat(129)).is_none());
        assert!(challenge(&format!("{}+", "a".repeat(43))).is_none());
        assert!(!matches("", ""));
    }

    proptest! {
        #[test]
        fn another_verifier_never_matches(a in "[A-Za-z0-9._~-]{43,128}", b in "[A-Za-z0-9._~-]{43,128}") {
            prop_assert_eq!(matches(&b, &challenge(&a).unwrap()), a == b);
        }
    }
}
