//! Where deliveries may be sent. Pure, but for the setting. Which address a host has, and whether that is one of a
//! private network, is looked at by the worker, each time it connects.

use url::Url;

use crate::kernel::outcome::Mistake;
use crate::kernel::server::settings::Setting;
use crate::rfc::redirect_uri::is_of_uri_characters;

/// Whether a target URL may be of the scheme http.
pub static ALLOW_HTTP: Setting<bool> = Setting::switch(
    c"auth_store.webhook_allow_http",
    false,
    c"Whether webhooks may have target URLs of the scheme http.",
    c"Such a delivery can be read on its way, and its answer be made up. For tests and for networks of one's own.",
);

/// The longest target URL, in bytes.
const MAX_LENGTH: usize = 2048;

const ARGUMENT: &str = "target_url";

/// The part behind a scheme that is allowed.
fn split(text: &str, http: bool) -> Option<&str> {
    text.strip_prefix("https://").or_else(|| text.strip_prefix("http://").filter(|_| http))
}

/// Refuses a URL that deliveries may not be sent to.
pub fn check(text: &str) -> Result<(), Mistake> {
    check_as(text, ALLOW_HTTP.get())
}

/// The host of a URL that was checked.
pub fn host(text: &str) -> &str {
    host_of(authority_of(split(text, true).unwrap_or_default()))
}

fn check_as(text: &str, http: bool) -> Result<(), Mistake> {
    let refuse = |accepted| Err(Mistake::invalid(ARGUMENT, accepted));
    if text.is_empty() || text.len() > MAX_LENGTH {
        return refuse("a URL of 1 to 2048 bytes");
    }
    if !is_of_uri_characters(text) {
        return refuse("a URL of the characters of RFC 3986");
    }
    if text.contains('#') {
        return refuse("a URL without a fragment: it would not be sent");
    }
    let Some(rest) = split(text, http) else {
        return refuse(if http {
            "an absolute URL, as in https://hooks.example/1"
        } else {
            "a URL that begins with https://; http:// only where auth_store.webhook_allow_http is on"
        });
    };
    let authority = authority_of(rest);
    if authority.contains('@') {
        return refuse("a URL without user name and password: the deliveries are signed");
    }
    let host = host_of(authority);
    // The parser reads 0x7f.1 as 127.0.0.1 and ex%61mple as example. Two programs that read a host in two ways would
    // look at one address and send to another.
    match Url::parse(text) {
        Ok(url) if url.host_str() == Some(host.to_ascii_lowercase().as_str()) && url.port() != Some(0) => {
            Ok(())
        }
        _ => refuse("a URL with a plain host name or address, as in https://hooks.example/1"),
    }
}

/// The text up to the path or query.
fn authority_of(rest: &str) -> &str {
    rest.split(['/', '?']).next().unwrap_or_default()
}

/// The authority without its port.
fn host_of(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => host,
        _ => authority,
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_LENGTH, check_as};
    use proptest::prelude::*;

    #[test]
    fn https_urls_with_a_plain_host_are_accepted() {
        for (url, host) in [
            ("https://hooks.example/1", "hooks.example"),
            ("https://hooks.zapier.com/hooks/standard/123/abc/", "hooks.zapier.com"),
            ("https://HOOKS.example", "HOOKS.example"),
            ("https://hooks.example:8443/a?b=c&d=%20", "hooks.example"),
            ("https://192.0.2.1/x", "192.0.2.1"),
            ("https://[2001:db8::1]:8443/x", "[2001:db8::1]"),
            ("https://localhost/x", "localhost"),
            ("https://hooks.example?a=@b", "hooks.example"),
        ] {
            assert!(check_as(url, false).is_ok(), "{url}");
            assert_eq!(super::host(url), host);
        }
    }

    #[test]
    fn http_is_a_setting() {
        assert!(check_as("http://127.0.0.1:8000/x", false).is_err());
        assert!(check_as("http://127.0.0.1:8000/x", true).is_ok());
    }

    #[test]
    fn nothing_else_is_accepted() {
        let long = format!("https://hooks.example/{}", "a".repeat(MAX_LENGTH));
        for url in [
            "",
            "hooks.example/1",
            "//hooks.example/1",
            "https:hooks.example",
            "https:/hooks.example",
            "https://",
            "https:///1",
            "HTTPS://hooks.example",
            "ftp://hooks.example",
            "file:///etc/passwd",
            "https://user@hooks.example/",
            "https://user:password@hooks.example/",
            "https://@hooks.example/",
            "https://hooks.example/#a",
            "https://hooks.example/#",
            "https://hooks.example\\@evil.example/",
            "https://hooks.example/a b",
            "https://hooks.example/a\nb",
            "https://hooks.example/\u{0}",
            "https://hööks.example/",
            "https://hooks.example/%zz",
            "https://0x7f.1/",
            "https://2130706433/",
            "https://127.1/",
            "https://ex%61mple.com/",
            "https://hooks.example:port/",
            "https://hooks.example:99999/",
            "https://hooks.example:0/",
            "https://[::1/",
            &long,
        ] {
            assert!(check_as(url, false).is_err() && check_as(url, true).is_err(), "{url:?}");
        }
    }

    proptest! {
        #[test]
        fn garbage_is_judged_without_a_panic(url in "(https?://)?\\PC*", http: bool) {
            let _ = check_as(&url, http);
        }
    }
}
