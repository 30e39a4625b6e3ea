//! The header `Authorization` of a client (RFC 6749 section 2.3.1), as real clients send it. Four libraries form-encode
//! id and secret, as the RFC demands, and four do not; some of these send latin-1. So a header may have two readings.

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use zeroize::Zeroizing;

use crate::endpoint::request::form;

/// The longest header that is looked at, in bytes.
const MAX_HEADER: usize = 4096;

/// One reading of a header: the id, and the secret; an empty one is none.
pub struct Reading {
    /// The client_id.
    pub id: String,
    /// The client_secret.
    pub secret: Option<Zeroizing<String>>,
}

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The readings of a header, the one of the RFC first; None if it is malformed or of another scheme.
pub fn read(header: &str) -> Option<Vec<Reading>> {
    let (scheme, credentials) = header.split_once(' ').filter(|_| header.len() <= MAX_HEADER)?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let bytes = Zeroizing::new(BASE64.decode(credentials.trim_matches(' ')).ok()?);
    let colon = bytes.iter().position(|byte| *byte == b':')?;
    let (id, secret) = (bytes.get(..colon)?, bytes.get(colon + 1..)?);
    let raw = reading(id, secret)?;
    let unescaped = |bytes| form::unescaped(bytes).map(Zeroizing::new);
    let decoded = match (unescaped(id), unescaped(secret)) {
        (Some(id), Some(secret)) => reading(&id, &secret),
        _ => None,
    };
    Some(match decoded {
        Some(decoded) if decoded.id == raw.id && decoded.secret == raw.secret => vec![decoded],
        Some(decoded) => vec![decoded, raw],
        None => vec![raw],
    })
}

fn reading(id: &[u8], secret: &[u8]) -> Option<Reading> {
    let secret = Zeroizing::new(text(secret));
    let reading = Reading { id: text(id), secret: (!secret.is_empty()).then_some(secret) };
    // The server's texts have no NUL.
    let nul =
        reading.id.contains('\0') || reading.secret.as_ref().is_some_and(|secret| secret.contains('\0'));
    (!nul && !reading.id.is_empty()).then_some(reading)
}

/// Bytes that are no UTF-8 are latin-1.
fn text(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|byte| char::from(*byte)).collect(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{BASE64, read};
    use base64::Engine;
    use proptest::prelude::*;

    fn readings(bytes: &[u8]) -> Vec<(String, Option<String>)> {
        let header = format!("Basic {}", BASE64.encode(bytes));
        let all = read(&header).unwrap_or_default();
        all.into_iter().map(|one| (one.id, one.secret.map(|secret| secret.to_string()))).collect()
    }

    fn one(id: &str, secret: Option<&str>) -> (String, Option<String>) {
        (id.into(), secret.map(str::to_owned))
    }

    /// What oauth4webapi 3.8, libpq 18 and PyPI mcp 2.3 send for the secret `a-b_c.d~e*f g`, and for an é.
    #[test]
    fn a_form_encoded_header_is_decoded() {
        for (sent, secret) in [
            ("a%2Db%5Fc%2Ed%7Ee%2Af+g", "a-b_c.d~e*f g"),
            ("a-b_c.d~e%2Af+g", "a-b_c.d~e*f g"),
            ("a-b_c.d~e%2Af%20g", "a-b_c.d~e*f g"),
            ("%C3%A9", "\u{e9}"),
        ] {
            let all = readings(["my%20id:", sent].concat().as_bytes());
            assert_eq!(all, [one("my id", Some(secret)), one("my%20id", Some(sent))]);
        }
    }

    /// Authlib 1.9, requests-oauthlib 2.0 and the TypeScript MCP SDK 1.32 do not encode; Python's send latin-1.
    #[test]
    fn a_raw_header_is_the_second_reading() {
        assert_eq!(readings(b"id:plain_-secret"), [one("id", Some("plain_-secret"))]);
        assert_eq!(readings(b"id:a+b"), [one("id", Some("a b")), one("id", Some("a+b"))]);
        assert_eq!(readings(b"id:100%"), [one("id", Some("100%"))]);
        assert_eq!(readings(b"id:caf\xe9"), [one("id", Some("caf\u{e9}"))]);
        assert_eq!(readings(b"id:a:b"), [one("id", Some("a:b"))]);
    }

    /// requests-oauthlib and libpq send a public client so.
    #[test]
    fn an_empty_password_is_none() {
        assert_eq!(readings(b"c:"), [one("c", None)]);
        assert_eq!(read("Basic Yzo=").unwrap()[0].id, "c");
        assert_eq!(read("basic  Yzo").unwrap()[0].id, "c");
    }

    #[test]
    fn what_is_no_header_of_a_client_is_refused() {
        for header in [
            "",
            "Basic",
            "Basic ",
            "Basic Yw==",
            "Basic :::",
            "Bearer Yzo=",
            "Basic OnM=",
            "Basic Yzo=\u{e9}",
        ] {
            assert!(read(header).is_none(), "{header}");
        }
        assert!(
            readings(b"a\0b:c").is_empty() && readings(b"a:b\0").is_empty() && readings(b"%00:b").len() == 1
        );
        let header = |bytes: usize| format!("Basic {:Y<width$}YQ", "Yzpz", width = bytes - 8);
        assert!(read(&header(4096)).is_some() && read(&header(4097)).is_none());
    }

    proptest! {
        #[test]
        fn no_header_fails_otherwise(bytes in prop::collection::vec(any::<u8>(), 0..200), text: String) {
            prop_assert!(readings(&bytes).len() <= 2);
            let _ = read(&text);
        }
    }
}
