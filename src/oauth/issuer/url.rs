//! The URLs that an issuer has: its own, those of its pages, and the paths of its endpoints. Pure.

use url::{Host, Url};

use crate::rfc::redirect_uri::is_of_uri_characters;

/// The longest URL, in bytes.
const MAX_LENGTH: usize = 2048;
/// The longest issuer, in bytes: every token has it.
const MAX_ISSUER: usize = 255;
/// The longest path, in bytes.
const MAX_PATH: usize = 128;
/// How many segments the path of an issuer has at most: a request tries so many.
pub const MAX_SEGMENTS: usize = 4;

/// What is accepted of pages and the like.
pub const ACCEPTED: &str = "an https URL of at most 2048 bytes without user name, password and fragment, or an http \
                            URL of the loopback interface";

/// Whether this is a URL that people are sent to: of https, or of http on the machine itself.
pub fn is_web(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let Some(authority) = rest.and_then(|rest| rest.split(['/', '?']).next()) else { return false };
    let Ok(url) = Url::parse(text) else { return false };
    let local = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => return false,
    };
    let host = url.host_str().unwrap_or_default();
    let plain = authority.strip_prefix(host).is_some_and(|port| port.is_empty() || port.starts_with(':'));
    text.len() <= MAX_LENGTH
        && is_of_uri_characters(text)
        && !text.contains('#')
        && plain
        && (url.scheme() == "https" || local)
}

/// The path of an issuer; None where it cannot be one: a URL as [`is_web`] takes it, in its normal form, without a
/// query, and without a slash at the end (RFC 8414 section 2).
pub fn issuer_path(text: &str) -> Option<&str> {
    if !is_web(text) || text.len() > MAX_ISSUER || text.contains('?') {
        return None;
    }
    let url = Url::parse(text).ok()?;
    let (_, rest) = text.split_once("://")?;
    let path = rest.find('/').map_or("", |at| rest.get(at..).unwrap_or_default());
    let whole = format!("{}{path}", url.origin().ascii_serialization());
    let fits = path.is_empty() || is_path(path) && path.split('/').skip(1).count() <= MAX_SEGMENTS;
    let reserved = path == "/.well-known" || path.starts_with("/.well-known/");
    (fits && !reserved && whole == text).then_some(path)
}

/// Whether this is a path: segments that a browser and a front leave as they are.
pub fn is_path(text: &str) -> bool {
    let legal = |b: u8| b.is_ascii_alphanumeric() || b"._~-".contains(&b);
    let segment = |segment: &str| !matches!(segment, "" | "." | "..") && segment.bytes().all(legal);
    text.len() <= MAX_PATH && text.strip_prefix('/').is_some_and(|rest| rest.split('/').all(segment))
}

#[cfg(test)]
mod tests {
    use super::{is_path, is_web, issuer_path};

    #[test]
    fn an_issuer_is_a_url_in_its_normal_form() {
        for (issuer, path) in [
            ("https://id.example", ""),
            ("https://id.example:8443", ""),
            ("https://id.example/acme", "/acme"),
            ("https://id.example/a/b/c/d", "/a/b/c/d"),
            ("http://127.0.0.1:8080", ""),
            ("http://[::1]:8080/x", "/x"),
            ("http://localhost", ""),
        ] {
            assert_eq!(issuer_path(issuer), Some(path), "{issuer}");
        }
        for issuer in [
            "",
            "id.example",
            "http://id.example",
            "https://id.example/",
            "https://id.example/acme/",
            "https://id.example/a//b",
            "https://id.example/a/../b",
            "https://id.example/a/b/c/d/e",
            "https://id.example?x",
            "https://id.example#x",
            "https://ID.example",
            "HTTPS://id.example",
            "https://id.example:443",
            "https://u@id.example",
            "https://id.example/.well-known",
            "https://id.example/.well-known/x",
            "https://id.example/%61",
            "https://bücher.example",
            "ftp://id.example",
            "http://127.1",
        ] {
            assert_eq!(issuer_path(issuer), None, "{issuer}");
        }
    }

    #[test]
    fn a_page_is_of_https_or_of_the_machine() {
        for url in
            ["https://a.example", "https://a.example/x?y=1", "http://localhost:3000/x", "http://127.0.0.1"]
        {
            assert!(is_web(url), "{url}");
        }
        for url in
            ["", "/x", "http://a.example", "https://a.example#x", "https://u:p@a.example", "javascript:x"]
        {
            assert!(!is_web(url), "{url}");
        }
    }

    #[test]
    fn a_path_has_plain_segments() {
        assert!(is_path("/token") && is_path("/oauth2/v1.0/token"));
        for path in ["", "/", "token", "/a/", "//a", "/a/..", "/a?b", "/ä", &format!("/{}", "a".repeat(128))]
        {
            assert!(!is_path(path), "{path}");
        }
    }
}
