//! Redirect URIs: which may be registered, and which registered URI a presented URI stands for. Pure.
//!
//! A presented URI must equal a registered one character by character (RFC 9700 section 2.1), except for the port of a
//! loopback URI, which a native application learns only when it starts (RFC 8252 section 7.3).

use url::Url;

use crate::kernel::outcome::Mistake;

/// The longest redirect URI, in bytes.
const MAX_LENGTH: usize = 2048;

/// The hosts of an `http` URI that stay on the machine. `localhost` is not recommended (RFC 8252
/// section 8.3), but in wide use.
const LOOPBACK_HOSTS: [&str; 3] = ["127.0.0.1", "[::1]", "localhost"];

const ARGUMENT: &str = "redirect_uris";

/// Refuses a URI that may not be registered. `schemes` are the private-use schemes without a dot that the tenant
/// allows.
pub fn check(uri: &str, schemes: &[String]) -> Result<(), Mistake> {
    let refuse = |accepted| Err(Mistake::invalid(ARGUMENT, accepted));
    if uri.is_empty() || uri.len() > MAX_LENGTH {
        return refuse("redirect URIs of 1 to 2048 bytes each");
    }
    if !is_of_uri_characters(uri) {
        return refuse("redirect URIs of the characters of RFC 3986 only, without *");
    }
    if uri.contains('#') {
        return refuse("redirect URIs without a fragment (RFC 6749 section 3.1.2)");
    }
    let Some((scheme, rest)) = uri.split_once(':') else {
        return refuse("absolute redirect URIs, as in https://app.example/callback");
    };
    let Ok(url) = Url::parse(uri) else {
        return refuse("redirect URIs as RFC 3986 defines them");
    };
    let hierarchical = rest.strip_prefix("//");
    if hierarchical.is_some_and(|rest| authority_of(rest).contains('@')) {
        return refuse("redirect URIs without user name and password");
    }
    match (scheme, hierarchical) {
        ("https", Some(rest)) => check_web(&url, rest),
        ("http", Some(rest)) if LOOPBACK_HOSTS.contains(&host_of(authority_of(rest))) => {
            check_web(&url, rest)
        }
        _ if is_private_use(scheme) => Ok(()),
        _ if is_plain(scheme) && schemes.iter().any(|allowed| allowed == scheme) => Ok(()),
        _ => refuse(
            "https, http to a loopback address (RFC 8252 section 7.3), a private-use scheme in reverse domain order, \
             as in com.example.app:/callback (RFC 8252 section 7.1), or one of the tenant's redirect_uri_schemes",
        ),
    }
}

/// The part after `https://` or `http://`: an authority that can be read in one way only, and a path that a browser
/// leaves as it is.
fn check_web(url: &Url, rest: &str) -> Result<(), Mistake> {
    let authority = authority_of(rest);
    // The parser reads 0x7f.1 as 127.0.0.1 and ex%61mple as example; a registration must spell out the host.
    if url.host_str() != Some(host_of(authority).to_ascii_lowercase().as_str()) {
        return Err(Mistake::invalid(ARGUMENT, "redirect URIs with a plain host name or address"));
    }
    let path = rest.get(authority.len()..).unwrap_or_default();
    let path = path.split('?').next().unwrap_or_default().to_ascii_lowercase().replace("%2e", ".");
    if path.split('/').any(|segment| matches!(segment, "." | "..")) {
        return Err(Mistake::invalid(ARGUMENT, "redirect URIs without . and .. in the path"));
    }
    Ok(())
}

/// Whether the URI that a request presents is this registered one.
pub fn matches(registered: &str, presented: &str) -> bool {
    if registered == presented {
        return true;
    }
    match (without_loopback_port(registered), without_loopback_port(presented)) {
        (Some(registered), Some(presented)) => registered == presented,
        _ => false,
    }
}

/// Host and path of a loopback URI; None of any other.
fn without_loopback_port(uri: &str) -> Option<(&str, &str)> {
    let rest = uri.strip_prefix("http://")?;
    let authority = authority_of(rest);
    let host = host_of(authority);
    let port = authority.get(host.len()..)?;
    let port_is_one = port.is_empty()
        || port.strip_prefix(':').is_some_and(|port| {
            port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0)
        });
    (LOOPBACK_HOSTS.contains(&host) && port_is_one)
        .then(|| (host, rest.get(authority.len()..).unwrap_or_default()))
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

/// RFC 8252 section 7.1: a scheme is a domain name in reverse order and so has a dot; this also keeps out `javascript`,
/// `data` and the like.
fn is_private_use(scheme: &str) -> bool {
    scheme.contains('.') && scheme.split('.').all(|label| !label.is_empty()) && is_scheme(scheme)
}

/// Lower case, as RFC 3986 section 3.1 asks producers for.
fn is_scheme(scheme: &str) -> bool {
    scheme.starts_with(|c: char| c.is_ascii_lowercase())
        && scheme.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"+-.".contains(&b))
}

/// Schemes that a browser runs, shows or loads by itself instead of handing the code to another program; and `http` and
/// `https`, which have rules of their own.
const NEVER: [&str; 48] = [
    "about",
    "blob",
    "brave",
    "chrome",
    "chrome-extension",
    "content",
    "data",
    "devtools",
    "edge",
    "feed",
    "file",
    "filesystem",
    "ftp",
    "googlechrome",
    "googlechromes",
    "gopher",
    "http",
    "https",
    "intent",
    "its",
    "jar",
    "javascript",
    "jscript",
    "ldap",
    "ldaps",
    "livescript",
    "mailto",
    "mhtml",
    "microsoft-edge",
    "mk",
    "mocha",
    "moz-extension",
    "ms-its",
    "ms-msdt",
    "opera",
    "res",
    "resource",
    "search-ms",
    "smb",
    "tel",
    "urn",
    "vbs",
    "vbscript",
    "view-source",
    "ws",
    "wss",
    "x-safari-http",
    "x-safari-https",
];

const MAX_SCHEMES: usize = 50;
const MAX_SCHEME: usize = 63;

/// True if a tenant may allow this scheme, which some program uses although it has no dot: well formed, and not one
/// that a browser opens itself.
fn is_plain(scheme: &str) -> bool {
    is_scheme(scheme) && scheme.len() <= MAX_SCHEME && !NEVER.contains(&scheme)
}

/// Refuses what no tenant may allow.
pub fn check_schemes(schemes: &[String]) -> Result<(), Mistake> {
    if schemes.len() <= MAX_SCHEMES && schemes.iter().all(|scheme| is_plain(scheme)) {
        return Ok(());
    }
    Err(Mistake::invalid(
        "redirect_uri_schemes",
        "at most 50 private-use schemes in lower case and without the colon, as in vscode; none that a browser opens \
         itself, as http, javascript, data, file, blob, vbscript or about",
    ))
}

/// The scheme of a registered URI.
pub fn scheme(uri: &str) -> Option<&str> {
    uri.split_once(':').map(|(scheme, _)| scheme)
}

/// The host that all of these have, the sector identifier of OpenID Connect Core section 8.1; None if they have
/// several, or none.
pub fn host_of_all(uris: &[String]) -> Option<String> {
    let host = |uri: &String| Url::parse(uri).ok().and_then(|url| url.host_str().map(str::to_owned));
    let mut hosts = uris.iter().map(host);
    let first = hosts.next()??;
    hosts.all(|host| host.as_deref() == Some(&first)).then_some(first)
}

/// RFC 3986 section 2: reserved, unreserved and percent-encoded characters. The asterisk is among them but is refused:
/// it looks like a pattern, and there are no patterns.
pub fn is_of_uri_characters(uri: &str) -> bool {
    let mut bytes = uri.bytes();
    while let Some(byte) = bytes.next() {
        let legal = match byte {
            b'%' => [bytes.next(), bytes.next()].iter().all(|b| b.is_some_and(|b| b.is_ascii_hexdigit())),
            _ => byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()+,;=".contains(&byte),
        };
        if !legal {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::{MAX_LENGTH, NEVER, check, check_schemes, matches};
    use proptest::prelude::*;

    #[test]
    fn a_sector_is_one_host() {
        let host =
            |uris: &[&str]| super::host_of_all(&uris.iter().map(|uri| (*uri).to_owned()).collect::<Vec<_>>());
        assert_eq!(host(&["https://a.example/1", "https://A.example:8443/2"]).as_deref(), Some("a.example"));
        assert!(host(&["https://a.example/", "https://b.example/"]).is_none());
        assert!(host(&["https://a.example/", "com.example.app:/cb"]).is_none());
        assert!(host(&[]).is_none());
    }

    #[test]
    fn https_loopback_and_private_use_uris_may_be_registered() {
        for uri in [
            "https://client.example.com/cb", // RFC 6749 section 4.1.1
            "https://app.example",
            "https://app.example:8443/a/b?c=d&e=%20",
            "https://[2001:db8::1]/cb",
            "https://192.0.2.1/cb",
            "http://127.0.0.1/oauth2redirect/example-provider",
            "http://127.0.0.1:51004/oauth2redirect/example-provider", // RFC 8252 section 7.3
            "http://[::1]:61023/oauth2redirect/example-provider",     // RFC 8252 section 7.3
            "http://localhost:3000/callback",
            "com.example.app:/oauth2redirect/example-provider", // RFC 8252 section 7.1
            "com.example.app://callback",
        ] {
            assert!(check(uri, &[]).is_ok(), "{uri}");
        }
    }

    #[test]
    fn nothing_else_may_be_registered() {
        let long = format!("https://app.example/{}", "a".repeat(MAX_LENGTH));
        for uri in [
            "",
            "callback",
            "/callback",
            "//app.example/cb",
            "https://app.example/cb#fragment",
            "https://app.example/cb#",
            "https://user@app.example/cb",
            "https://user:password@app.example/cb",
            "https://@app.example/cb",
            "https://*.example.com/cb",
            "https://app.example/*",
            "https://app.example/a b",
            "https://app.example/a\nb",
            "https://app.example/\u{0}",
            "https://app.example/é",
            "https://app.example\\@evil.example/",
            "https://app.example/%",
            "https://app.example/%4",
            "https://app.example/%zz",
            "https:///cb",
            "https:app.example/cb",
            "https:/app.example/cb",
            "HTTPS://app.example/cb",
            "https://app.example:port/cb",
            "https://app.example:99999/cb",
            "https://0x7f.1/cb",
            "https://ex%61mple.com/cb",
            "https://app.example/a/../b",
            "https://app.example/a/%2E./b",
            "http://app.example/cb",
            "http://127.0.0.2/cb",
            "http://127.0.0.1.evil.example/cb",
            "http://127.0.0.1@evil.example/cb",
            "http://localhost.evil.example/cb",
            "http://[::1",
            "http://",
            "javascript:alert(1)",
            "data:text/html,x",
            "myapp:/cb",
            ".app:/cb",
            "com..app:/cb",
            "com.example.app",
            "com.example.app://user@callback",
            "1com.example:/cb",
            &long,
        ] {
            assert!(check(uri, &[]).is_err(), "{uri:?}");
        }
    }

    #[test]
    fn a_scheme_without_a_dot_is_the_tenants_to_allow() {
        let schemes = ["cursor".to_owned(), "vscode".to_owned(), "x-1+a".to_owned()];
        assert!(check_schemes(&schemes).is_ok() && check_schemes(&[]).is_ok());
        for uri in [
            "cursor://anysphere.cursor-retrieval/oauth/callback",
            "vscode://vendor.extension/cb?a=b",
            "vscode:/cb",
            "x-1+a:/cb",
        ] {
            assert!(check(uri, &schemes).is_ok(), "{uri}");
            assert!(check(uri, &[]).is_err(), "{uri}");
        }
        for uri in [
            "windsurf://cb",
            "Cursor://cb",
            "cursor://cb#f",
            "cursor://user@cb",
            "cursor://a b",
            "cursor//cb",
            "cursor",
            "cursors://cb",
            "cursor.://cb",
            "http://app.example/cb",
            "https:cb",
            "javascript:alert(1)",
        ] {
            assert!(check(uri, &schemes).is_err(), "{uri}");
        }
    }

    #[test]
    fn no_tenant_allows_what_a_browser_opens_itself() {
        for scheme in NEVER.into_iter().chain([
            "",
            "JavaScript",
            "Vscode",
            "vs code",
            "vscode:",
            "vscode://",
            "1a",
            "-a",
            "é",
            "a\n",
        ]) {
            let schemes = [scheme.to_owned()];
            assert!(check_schemes(&schemes).is_err(), "{scheme}");
            // Not even if the URI came into the table past the functions.
            assert!(check(&format!("{scheme}:alert(1)"), &schemes).is_err(), "{scheme}");
            assert!(
                check(&format!("{scheme}://app.example/cb"), &schemes).is_err() || scheme == "https",
                "{scheme}"
            );
        }
        assert!(check_schemes(&["a".repeat(64)]).is_err());
        assert!(check_schemes(&vec!["a".to_owned(); 51]).is_err());
    }

    /// RFC 9700 section 2.1 and RFC 3986 section 6.2.1: simple string comparison.
    #[test]
    fn a_presented_uri_equals_the_registered_one() {
        let registered = "https://app.example/cb";
        assert!(matches(registered, registered));
        for presented in [
            "",
            "https://app.example/cb/",
            "https://app.example/cb?x=1",
            "https://app.example/CB",
            "https://APP.example/cb",
            "https://app.example:443/cb",
            "https://app.example/%63b",
            "http://app.example/cb",
            "https://app.example.evil.example/cb",
        ] {
            assert!(!matches(registered, presented), "{presented}");
        }
    }

    /// RFC 8252 section 7.3: the port of a loopback URI, and only that, may vary.
    #[test]
    fn the_port_of_a_loopback_uri_is_free() {
        for host in ["127.0.0.1", "[::1]", "localhost"] {
            let registered = format!("http://{host}/cb");
            assert!(matches(&registered, &format!("http://{host}:51004/cb")));
            assert!(matches(&format!("http://{host}:3000/cb"), &format!("http://{host}:51004/cb")));
            assert!(matches(&format!("http://{host}:3000/cb"), &registered));
            for presented in [
                format!("http://{host}:51004/other"),
                format!("http://{host}:51004/cb?x=1"),
                format!("http://{host}:51004/cb#x"),
                format!("https://{host}:51004/cb"),
                format!("http://{host}:0/cb"),
                format!("http://{host}:65536/cb"),
                format!("http://{host}:+80/cb"),
                format!("http://{host}:/cb"),
                format!("http://{host}:80@evil.example/cb"),
                format!("http://{host}.evil.example:80/cb"),
                format!("http://user@{host}:80/cb"),
            ] {
                assert!(!matches(&registered, &presented), "{presented}");
            }
        }
        assert!(!matches("http://127.0.0.1/cb", "http://localhost/cb"));
        assert!(!matches("https://127.0.0.1/cb", "https://127.0.0.1:8443/cb"));
    }

    proptest! {
        #[test]
        fn garbage_is_judged_without_a_panic(uri in "\\PC*") {
            let _ = check(&uri, &[]);
            let _ = matches(&uri, "http://127.0.0.1/cb");
        }

        #[test]
        fn what_may_be_registered_is_plain(uri in "(https://a|http://localhost|com\\.example:/)[ -~&&[^b-z]]{0,8}") {
            if check(&uri, &[]).is_ok() {
                let plain = |b: u8| b.is_ascii_graphic() && !b"*#\\\"<>^`{|}".contains(&b);
                prop_assert!(uri.bytes().all(plain));
                prop_assert!(matches(&uri, &uri));
                let url = url::Url::parse(&uri);
                prop_assert!(url.is_ok_and(|url| url.username().is_empty() && url.password().is_none()));
            }
        }

        #[test]
        fn any_port_of_a_loopback_matches_and_no_other_change_does(
            a in 1u16.., b in 1u16.., path in "(/[a-z]{1,8}){0,3}", other in "(/[a-z]{1,8}){0,3}",
        ) {
            let registered = format!("http://127.0.0.1:{a}{path}");
            prop_assert!(check(&registered, &[]).is_ok());
            let presented = format!("http://127.0.0.1:{b}{other}");
            prop_assert_eq!(matches(&registered, &presented), path == other);
        }

        #[test]
        fn a_web_uri_matches_itself_only(a in "[a-z]{1,3}", b in "[a-z]{1,3}") {
            let (a, b) = (format!("https://app.example/{a}"), format!("https://app.example/{b}"));
            prop_assert_eq!(matches(&a, &b), a == b);
        }
    }
}
