//! What an authenticator app is given: the secret in base32 (RFC 4648 section 6), and the URI in its QR code
//! (`otpauth://totp/…`, the Key URI Format). Pure.

use zeroize::Zeroizing;

use crate::identity::mfa::totp::Scheme;
use crate::kernel::outcome::Mistake;
use crate::kernel::value::argument;

const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// The base32 of a secret, without padding: some apps refuse it in a URI.
pub fn to_base32(secret: &[u8]) -> Zeroizing<String> {
    // In full at once: a string that grows leaves copies behind.
    let mut text = Zeroizing::new(String::with_capacity(secret.len() * 8 / 5 + 1));
    let (mut bits, mut held) = (0_u32, 0);
    for byte in secret {
        bits = (bits << 8 | u32::from(*byte)) & 0xffff;
        held += 8;
        while held >= 5 {
            held -= 5;
            text.push(letter(bits >> held));
        }
    }
    if held > 0 {
        text.push(letter(bits << (5 - held)));
    }
    text
}

fn letter(bits: u32) -> char {
    let at = usize::try_from(bits & 31).unwrap_or(0);
    char::from(ALPHABET[at])
}

/// The secret of a base32 text, of any case, with or without padding; spaces and hyphens do not count. None for
/// anything else, bits behind the last whole byte that are not zero among them.
pub fn from_base32(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let mut secret = Zeroizing::new(Vec::with_capacity(text.len() * 5 / 8 + 1));
    let (mut bits, mut held) = (0_u32, 0);
    let (mut letters, mut padding) = (0_usize, 0_usize);
    for byte in text.bytes().filter(|byte| !matches!(byte, b' ' | b'-')) {
        if byte == b'=' {
            padding += 1;
            continue;
        }
        let known = ALPHABET.iter().position(|letter| *letter == byte.to_ascii_uppercase())?;
        if padding > 0 {
            return None;
        }
        letters += 1;
        bits = (bits << 5 | u32::try_from(known).ok()?) & 0xfff;
        held += 5;
        if held >= 8 {
            held -= 8;
            secret.push(u8::try_from(bits >> held & 0xff).ok()?);
        }
    }
    let whole = matches!(letters % 8, 0 | 2 | 4 | 5 | 7);
    let padded = padding == 0 || padding < 8 && (letters + padding).is_multiple_of(8);
    (whole && padded && bits & ((1 << held) - 1) == 0).then_some(secret)
}

/// The longest issuer, in characters.
const MAX_ISSUER: usize = 64;

/// The argument `issuer`: who the app shows the account to be with.
pub fn check_issuer(issuer: &str) -> Result<&str, Mistake> {
    let accepted = Mistake::invalid("issuer", "1 to 64 characters, no colon, no control characters");
    match argument::line(issuer, "issuer") {
        Ok(issuer) if !issuer.contains(':') && issuer.chars().count() <= MAX_ISSUER => Ok(issuer),
        _ => Err(accepted),
    }
}

/// The argument `label` where it goes into a URI: a colon would end the issuer.
pub fn check_account(label: &str) -> Result<&str, Mistake> {
    match argument::line(label, "label") {
        Ok(label) if !label.contains(':') => Ok(label),
        _ => Err(Mistake::invalid("label", "1 to 200 characters, no colon, no control characters")),
    }
}

/// The URI of a secret in base32. A space is %20: in a path + is itself, and some apps show it.
pub fn uri(issuer: &str, account: &str, base32: &str, scheme: Scheme) -> Zeroizing<String> {
    let (issuer, account) = (escape(issuer), escape(account));
    let Scheme { algorithm, digits, period } = scheme;
    Zeroizing::new(format!(
        "otpauth://totp/{issuer}:{account}?secret={base32}&issuer={issuer}&algorithm={}&digits={digits}&period={period}",
        algorithm.as_str()
    ))
}

/// All but the unreserved characters of RFC 3986 section 2.3, and the @ of an address.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() * 3);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~@".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{check_account, check_issuer, from_base32, to_base32, uri};
    use crate::identity::mfa::totp::{Algorithm, Scheme, USUAL};
    use proptest::prelude::*;

    /// RFC 4648 section 10.
    #[test]
    fn base32_is_the_rfcs() {
        for (plain, text) in [
            ("", ""),
            ("f", "MY======"),
            ("fo", "MZXQ===="),
            ("foo", "MZXW6==="),
            ("foob", "MZXW6YQ="),
            ("fooba", "MZXW6YTB"),
            ("foobar", "MZXW6YTBOI======"),
        ] {
            assert_eq!(*to_base32(plain.as_bytes()), text.trim_end_matches('='));
            for written in [text, text.trim_end_matches('='), &text.to_lowercase()] {
                assert_eq!(from_base32(written).unwrap().as_slice(), plain.as_bytes(), "{written}");
            }
        }
        let seed = from_base32("gezd gnbv-gy3t qojq GEZD GNBV GY3T QOJQ").unwrap();
        assert_eq!(seed.as_slice(), b"12345678901234567890");
    }

    #[test]
    fn what_is_no_base32_is_none() {
        for text in [
            "A",
            "AAA",
            "AAAAAA",
            "MZ",
            "MY=",
            "MY=====",
            "MY=======",
            "M=Y",
            "0A",
            "1A",
            "ÄA",
            "M\nY",
            "========",
        ] {
            assert!(from_base32(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_uri_has_no_plus_and_no_padding() {
        assert_eq!(
            *uri("Acme & Söhne+", "ann lee@example.com", "MZXW6YTBOI", USUAL),
            "otpauth://totp/Acme%20%26%20S%C3%B6hne%2B:ann%20lee@example.com?secret=MZXW6YTBOI\
             &issuer=Acme%20%26%20S%C3%B6hne%2B&algorithm=SHA1&digits=6&period=30"
        );
        let other = Scheme { algorithm: Algorithm::Sha256, digits: 8, period: 60 };
        assert!(uri("a", "b", "MY", other).ends_with("&algorithm=SHA256&digits=8&period=60"));
    }

    #[test]
    fn a_colon_would_end_the_issuer() {
        assert!(check_issuer("Acme").is_ok() && check_issuer(&"é".repeat(64)).is_ok());
        for issuer in ["", " ", "a:b", "a\nb", &"é".repeat(65)] {
            assert!(check_issuer(issuer).is_err(), "{issuer:?}");
        }
        assert!(check_account("ann@example.com").is_ok());
        for label in ["", "a:b", "\u{7}", &"x".repeat(201)] {
            assert!(check_account(label).is_err(), "{label:?}");
        }
    }

    proptest! {
        #[test]
        fn base32_comes_back(secret: Vec<u8>) {
            let back = from_base32(&to_base32(&secret)).unwrap();
            prop_assert_eq!(back.as_slice(), secret.as_slice());
        }

        #[test]
        fn garbage_never_panics(text in "\\PC{0,80}") {
            let _ = from_base32(&text);
        }
    }
}
