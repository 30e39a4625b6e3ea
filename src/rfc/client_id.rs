//! The form of a client_id (RFC 6749 section 2.2).

use url::Url;

use crate::kernel::outcome::Mistake;
use crate::rfc::redirect_uri;

/// The longest client_id, in bytes: a URL as long as a redirect URI, and with the tenant's id a key of an index.
const MAX_URL: usize = 2048;

/// The argument, if it has the form of a client_id.
pub fn check(client_id: &str) -> Result<&str, Mistake> {
    if is_client_id(client_id) {
        return Ok(client_id);
    }
    Err(Mistake::invalid(
        "client_id",
        "1 to 128 letters, digits and . _ ~ : / @ + -, or an https URL of at most 2048 bytes",
    ))
}

/// RFC 6749 appendix A.1 allows all printable characters; these need no quoting in a URL or a shell. A URL, which is
/// where a client publishes its own metadata, may be longer and have a query.
pub fn is_client_id(client_id: &str) -> bool {
    let legal = |b: u8| b.is_ascii_alphanumeric() || b"._~:/@+-".contains(&b);
    let is_name = (1..=128).contains(&client_id.len()) && client_id.bytes().all(legal);
    is_name || is_url(client_id)
}

/// Whether a text is an https URL that a program may fetch from or post to.
pub fn is_url(text: &str) -> bool {
    text.len() <= MAX_URL
        && text.starts_with("https://")
        && redirect_uri::is_of_uri_characters(text)
        && !text.contains('#')
        && Url::parse(text)
            .is_ok_and(|url| url.has_host() && url.username().is_empty() && url.password().is_none())
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn a_client_id_needs_no_quoting() {
        for id in ["a", "s6BhdRkqt3", "https://app.example/client", "com.example.app:ios", "a+b@c~d_e-f"] {
            assert!(check(id).is_ok(), "{id}");
        }
        for id in ["", "a b", "a\"b", "a'b", "a%b", "a?b", "a#b", "a&b", "é", "a\n", &"a".repeat(129)] {
            assert!(check(id).is_err(), "{id:?}");
        }
    }
}
