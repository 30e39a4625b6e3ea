//! The homes of passkeys: the relying party's id and the origins of its pages (WebAuthn sections 5.1.2 and 13.4.9).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use url::{Host, Url};

/// What an Android app has for an origin: the SHA-256 of its certificate.
const ANDROID: &str = "android:apk-key-hash:";

/// Whether this is the id of a relying party: a domain in ASCII and lower case, as a browser writes it. An IP address
/// is none, and `localhost` one where that is allowed.
pub fn is_rp_id(text: &str, localhost: bool) -> bool {
    let named = Url::parse(&format!("https://{text}/"));
    let whole = named.as_ref().ok().and_then(Url::host) == Some(Host::Domain(text));
    whole && text.len() <= 253 && (text.contains('.') || localhost && text == "localhost")
}

/// Whether this is an origin as a browser writes it, without a slash at the end: of https, of an Android app, or of
/// http on `localhost` where that is allowed.
pub fn is_origin(text: &str, localhost: bool) -> bool {
    if let Some(hash) = text.strip_prefix(ANDROID) {
        return URL_SAFE_NO_PAD.decode(hash).is_ok_and(|hash| hash.len() == 32);
    }
    let Ok(url) = Url::parse(text) else { return false };
    let secure = match url.scheme() {
        "https" => url.host_str() != Some("localhost") || localhost,
        "http" => url.host_str() == Some("localhost") && localhost,
        _ => false,
    };
    // A browser sends no wildcard, and none is meant to match.
    secure && !text.contains('*') && url.origin().ascii_serialization() == text
}

#[cfg(test)]
mod tests {
    use super::{is_origin, is_rp_id};

    #[test]
    fn an_rp_id_is_a_domain() {
        for id in ["example.com", "login.example.com", "xn--bcher-kva.example", "a.b"] {
            assert!(is_rp_id(id, false), "{id}");
        }
        for id in [
            "",
            "com",
            "localhost",
            "Example.com",
            "bücher.example",
            "192.0.2.1",
            "[::1]",
            "a.example:443",
            "a.example/",
            "u@a.example",
            "a example.com",
            "https://a.example",
            "a.example?",
            "0x7f.1",
        ] {
            assert!(!is_rp_id(id, false), "{id}");
        }
        assert!(is_rp_id("localhost", true) && !is_rp_id("127.0.0.1", true));
    }

    #[test]
    fn an_origin_is_exact() {
        let android = "android:apk-key-hash:7d1R5cI__wf9H4jOVT97-9DhAhwQRw5i53zYT5fSeBk";
        for origin in
            ["https://example.com", "https://example.com:8443", "https://xn--bcher-kva.example", android]
        {
            assert!(is_origin(origin, false), "{origin}");
        }
        for origin in [
            "",
            "https://",
            "https://example.com/",
            "https://example.com:443",
            "https://Example.com",
            "https://bücher.example",
            "https://u@example.com",
            "http://example.com",
            "http://localhost:8080",
            "https://localhost",
            "null",
            "https://*.example.com",
            "android:apk-key-hash:short",
            "ftp://example.com",
        ] {
            assert!(!is_origin(origin, false), "{origin}");
        }
        assert!(is_origin("http://localhost:8080", true) && is_origin("https://localhost", true));
        assert!(!is_origin("http://127.0.0.1:8080", true) && !is_origin("http://localhost:8080/", true));
    }
}
