//! Which answers a page of another origin may read (the Fetch standard, section 3.2). No answer depends on a cookie, so
//! a page that may read one learns no more than its own server could ask.
//!
//! What is public is everybody's. The answer to a client is for the pages of the client's registered redirect URIs. A
//! preflight does not say which client it is for, so it is answered to any page: it lets the page ask, as a form could
//! without it, and does not let it read.

use url::Url;

use crate::endpoint::response::Response;
use crate::kernel::outcome::Mistake;
use crate::kernel::server::lookup::Snapshot;
use crate::oauth::client;

/// The longest origin that is looked at, in bytes.
const MAX_ORIGIN: usize = 512;

/// The headers that a page may read beside the usual ones.
const EXPOSED: &str = "dpop-nonce, retry-after, www-authenticate";

/// For any page.
pub fn public(response: Response) -> Response {
    response
        .with_header("access-control-allow-origin", "*")
        .with_header("access-control-expose-headers", EXPOSED)
}

/// For the pages of the client whose request it was.
pub fn of_client(snapshot: &Snapshot, origin: Option<&str>, response: Response) -> Result<Response, Mistake> {
    let Some(origin) = origin.filter(|origin| is_origin(origin)) else { return Ok(response) };
    let response = response.with_header("vary", "origin");
    let client = match response.client_id() {
        Some(client_id) => client::find(snapshot, client_id)?,
        None => None,
    };
    let own = client.is_some_and(|client| client.redirect_uris.iter().any(|uri| is_of(uri, origin)));
    Ok(if own { allowed(response, origin) } else { response })
}

/// The answer to a preflight (section 3.2.4) for an endpoint with these methods.
pub fn preflight(origin: Option<&str>, methods: &'static str) -> Response {
    let response = Response::empty(204).with_header("allow", methods);
    let Some(origin) = origin.filter(|origin| is_origin(origin)) else { return response };
    allowed(response, origin)
        .with_header("vary", "origin")
        .with_header("access-control-allow-methods", methods)
        .with_header("access-control-allow-headers", "authorization, content-type, dpop")
        .with_header("access-control-max-age", "3600")
}

fn allowed(response: Response, origin: &str) -> Response {
    response
        .with_header("access-control-allow-origin", origin.to_owned())
        .with_header("access-control-expose-headers", EXPOSED)
}

/// What can stand in a header as it came.
fn is_origin(origin: &str) -> bool {
    origin.len() <= MAX_ORIGIN && origin.bytes().all(|byte| byte.is_ascii_graphic()) && origin.contains("://")
}

fn is_of(redirect_uri: &str, origin: &str) -> bool {
    let web = Url::parse(redirect_uri).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    web.is_some_and(|url| url.origin().ascii_serialization() == origin)
}

#[cfg(test)]
mod tests {
    use super::{is_of, is_origin};

    #[test]
    fn a_page_is_of_the_origin_of_a_redirect_uri() {
        assert!(is_of("https://spa.example/cb?x=1", "https://spa.example"));
        assert!(is_of("https://spa.example:443/cb", "https://spa.example"));
        assert!(is_of("http://127.0.0.1:3000/cb", "http://127.0.0.1:3000"));
        for origin in
            ["https://spa.example.evil", "http://spa.example", "https://spa.example:8443", "null", ""]
        {
            assert!(!is_of("https://spa.example/cb", origin), "{origin}");
        }
        // Opaque origins are nobody's.
        assert!(
            !is_of("com.example.app:/cb", "null") && !is_of("com.example.app://x/cb", "com.example.app://x")
        );
    }

    #[test]
    fn only_an_origin_is_sent_back() {
        assert!(is_origin("https://spa.example") && !is_origin("null") && !is_origin("https://a\r\nx: y"));
        assert!(!is_origin(&format!("https://{}", "a".repeat(512))));
    }
}
