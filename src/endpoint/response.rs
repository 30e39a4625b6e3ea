//! The answer of an endpoint: status, headers and body, which the front sends as they are. Which error has which status
//! and which headers is decided here alone.
//!
//! | error | status | because |
//! |---|---|---|
//! | `invalid_client` | 401, and WWW-Authenticate where the request had an Authorization | RFC 6749 section 5.2 |
//! | a rate limit | 429 with Retry-After | clients lose the error code of a 5xx |
//! | a rate limit while a device polls | 400 `slow_down` | libpq ends the log-in at 429 and 503 |
//! | nothing to sign with | 503 | the provider's fault, which passes |
//! | any other of a client's endpoint | 400 | RFC 6749 section 5.2 |
//! | `invalid_token`, a wrong proof, at a resource | 401 with WWW-Authenticate | RFC 6750 section 3.1, RFC 9449 7.1 |
//! | `insufficient_scope` at a resource | 403 with WWW-Authenticate | RFC 6750 section 3.1 |

use std::borrow::Cow;

use zeroize::Zeroizing;

use crate::kernel::outcome::{ErrorCode, Refusal};
use crate::kernel::server::composite::{WipedText, composite};
use crate::kernel::value::id::Id;
use crate::kernel::value::json::Object;
use crate::kernel::value::jsonb::Jsonb;

composite! {
    /// The answer of an endpoint, and what a front logs and counts.
    pub struct HttpResponse = "auth_store.http_response" {
        pub status: i32,
        pub headers: Option<Jsonb>,
        pub body: Option<WipedText>,
        pub error: Option<&'static str>,
        pub client_id: Option<String>,
        pub user_id: Option<Id>,
    }
}

impl From<Response> for HttpResponse {
    fn from(mut response: Response) -> Self {
        response.headers.sort_unstable_by_key(|(name, _)| (name.len(), *name));
        let headers: Vec<_> = response.headers.iter().map(|(name, value)| (*name, &**value)).collect();
        Self {
            status: i32::from(response.status),
            headers: Some(Jsonb::of_texts(&headers)),
            body: Some(WipedText(response.body)),
            error: response.error,
            client_id: response.client_id,
            user_id: response.user_id,
        }
    }
}

/// An answer that is being made.
pub struct Response {
    status: u16,
    /// Each name once, in lower case.
    headers: Vec<(&'static str, Cow<'static, str>)>,
    body: Zeroizing<String>,
    error: Option<&'static str>,
    client_id: Option<String>,
    user_id: Option<Id>,
}

/// Where an error is told, which decides how.
#[derive(Clone, Copy)]
pub enum Teller<'a> {
    /// An endpoint where a client authenticates (RFC 6749 section 5.2).
    Client {
        /// The realm of WWW-Authenticate; None: the request had no Authorization.
        realm: Option<&'a str>,
    },
    /// The token endpoint, asked by a device (RFC 8628 section 3.5).
    Device {
        /// As above.
        realm: Option<&'a str>,
    },
    /// A protected resource (RFC 6750 section 3, RFC 9449 section 7.1).
    Resource {
        /// The issuer.
        realm: &'a str,
        /// The scope that would suffice.
        scope: Option<&'a str>,
        /// Whether the token came with a proof, or has to.
        dpop: bool,
    },
}

/// The algorithms of a DPoP proof, as WWW-Authenticate and the metadata name them (RFC 9449 section 5.1).
pub const DPOP_ALGS: [&str; 6] = ["ES256", "ES384", "Ed25519", "EdDSA", "PS256", "RS256"];

impl Response {
    /// One without a body.
    pub fn empty(status: u16) -> Self {
        Self {
            status,
            headers: vec![("cache-control", "no-store".into())],
            body: Zeroizing::default(),
            error: None,
            client_id: None,
            user_id: None,
        }
    }

    /// A JSON document, which nobody may store (RFC 6749 section 5.1).
    pub fn json(status: u16, body: String) -> Self {
        let mut response = Self::empty(status);
        response.body = Zeroizing::new(body);
        response.with_header("content-type", "application/json").with_header("pragma", "no-cache")
    }

    /// A document of another type.
    pub fn document(status: u16, content_type: &'static str, body: String) -> Self {
        Self::json(status, body).with_header("content-type", content_type)
    }

    /// Sends the browser elsewhere. The URL's characters are those of a URL: what is not printable ASCII is escaped, so
    /// that no header can be begun in it.
    pub fn redirect(status: u16, location: &str) -> Self {
        Self::empty(status).with_header("location", visible(location))
    }

    /// An error that is no protocol's own.
    pub fn error(status: u16, code: &'static str, description: &str) -> Self {
        let mut body = Object::new();
        body.text("error", code).text("error_description", &described(description));
        let mut response = Self::json(status, body.end());
        response.error = Some(code);
        response
    }

    /// A refusal, as it is told there.
    pub fn refusal(refusal: &Refusal, teller: Teller<'_>) -> Self {
        Self::refused(refusal.code.as_str(), &refusal.description, refusal.retry_after, teller)
    }

    /// The same of the columns `error`, `error_description` and `retry_after` of a domain function's answer.
    pub fn refused(
        code: &'static str,
        description: &str,
        retry_after: Option<i32>,
        teller: Teller<'_>,
    ) -> Self {
        let over_limit = code == ErrorCode::TemporarilyUnavailable.as_str() && retry_after.is_some();
        if let (Teller::Device { .. }, true) = (teller, over_limit) {
            return Self::error(400, ErrorCode::SlowDown.as_str(), description);
        }
        let response = Self::error(status(code, over_limit, teller), code, description);
        let response = match retry_after {
            Some(seconds) if over_limit => response.with_header("retry-after", seconds.to_string()),
            _ => response,
        };
        match teller {
            Teller::Client { realm: Some(realm) } | Teller::Device { realm: Some(realm) }
                if response.status == 401 =>
            {
                response.with_header("www-authenticate", format!("Basic realm=\"{}\"", described(realm)))
            }
            Teller::Resource { .. } if !over_limit => {
                let challenge = challenge(Some((code, description)), teller);
                response.with_header("www-authenticate", challenge)
            }
            _ => response,
        }
    }

    /// The answer where something has to be signed and no key does it: that is for the operator, and passes.
    pub fn unsigned(teller: Teller<'_>) -> Self {
        let description = "the server has no key to sign with";
        Self::refused(ErrorCode::ServerError.as_str(), description, None, teller)
    }

    /// The answer of a resource to a request without a token: no error code (RFC 6750 section 3.1).
    pub fn unauthorized(teller: Teller<'_>) -> Self {
        Self::empty(401).with_header("www-authenticate", challenge(None, teller))
    }

    /// With this header, in the place of an earlier one of the name.
    pub fn with_header(mut self, name: &'static str, value: impl Into<Cow<'static, str>>) -> Self {
        let value = value.into();
        match self.headers.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => *known = value,
            None => self.headers.push((name, value)),
        }
        self
    }

    /// With the URL of what the front should fetch, keep for the tenant with client_document_store(), and ask again.
    pub fn fetching(self, url: &str, tenant_id: &str) -> Self {
        self.with_header("auth-store-fetch", visible(url)).of_tenant(tenant_id)
    }

    /// With the tenant, for what the front does next. A tenant's id is printable ASCII.
    pub fn of_tenant(self, tenant_id: &str) -> Self {
        self.with_header("auth-store-tenant", visible(tenant_id))
    }

    /// Says which error it tells of, where the body does not.
    pub fn with_error(mut self, code: &'static str) -> Self {
        self.error = Some(code);
        self
    }

    /// Says whose request it was.
    pub fn of_client(mut self, client_id: &str) -> Self {
        self.client_id = Some(client_id.to_owned());
        self
    }

    /// Says which user it is about.
    pub fn of_user(mut self, user_id: Option<Id>) -> Self {
        self.user_id = user_id;
        self
    }

    /// Whose request it was, if it is known.
    pub fn client_id(&self) -> Option<&str> {
        self.client_id.as_deref()
    }

    /// Without this header.
    pub fn without_header(mut self, name: &str) -> Self {
        self.headers.retain(|(known, _)| *known != name);
        self
    }

    /// Whether If-None-Match names its entity-tag, which is compared weakly (RFC 9110 section 13.1.2).
    pub fn has_etag(&self, if_none_match: &str) -> bool {
        let Some((_, etag)) = self.headers.iter().find(|(name, _)| *name == "etag") else { return false };
        if_none_match
            .split(',')
            .map(str::trim)
            .any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == etag)
    }

    /// The answer to whoever has it already.
    pub fn not_modified(mut self) -> Self {
        self.status = 304;
        self.without_header("content-type").without_body()
    }

    /// The same without its body: the answer to HEAD (RFC 9110 section 9.3.2).
    pub fn without_body(mut self) -> Self {
        self.body = Zeroizing::default();
        self
    }
}

fn status(code: &str, over_limit: bool, teller: Teller<'_>) -> u16 {
    match (code, teller) {
        ("temporarily_unavailable", _) if over_limit => 429,
        ("temporarily_unavailable" | "server_error", _) => 503,
        ("invalid_client", _) => 401,
        ("invalid_token" | "invalid_dpop_proof" | "use_dpop_nonce", Teller::Resource { .. }) => 401,
        ("insufficient_scope", Teller::Resource { .. }) => 403,
        _ => 400,
    }
}

/// The value of WWW-Authenticate at a resource.
fn challenge(error: Option<(&str, &str)>, teller: Teller<'_>) -> String {
    let Teller::Resource { realm, scope, dpop } = teller else { return String::new() };
    let mut text = format!("{} realm=\"{}\"", if dpop { "DPoP" } else { "Bearer" }, described(realm));
    if let Some((code, description)) = error {
        text.push_str(&format!(", error=\"{code}\", error_description=\"{}\"", described(description)));
    }
    if let Some(scope) = scope {
        text.push_str(&format!(", scope=\"{}\"", described(scope)));
    }
    if dpop {
        text.push_str(&format!(", algs=\"{}\"", DPOP_ALGS.join(" ")));
    }
    text
}

/// With the characters of RFC 6749 section 5.2 alone: printable ASCII but for the quote and the backslash.
fn described(text: &str) -> Cow<'_, str> {
    let allowed = |c: char| matches!(c, ' '..='~') && !matches!(c, '"' | '\\');
    if text.chars().all(allowed) {
        return text.into();
    }
    text.chars().map(|c| if allowed(c) { c } else { '?' }).collect::<String>().into()
}

/// A URL with everything escaped that is not printable ASCII.
fn visible(url: &str) -> String {
    let mut text = String::with_capacity(url.len());
    for byte in url.bytes() {
        match byte {
            b'!'..=b'~' => text.push(char::from(byte)),
            other => text.push_str(&format!("%{other:02X}")),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Response, Teller, described};
    use crate::kernel::outcome::{ErrorCode, Refusal};

    fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
        response.headers.iter().find(|(known, _)| *known == name).map(|(_, value)| &**value)
    }

    const PLAIN: Teller<'static> = Teller::Client { realm: None };
    const BASIC: Teller<'static> = Teller::Client { realm: Some("https://id.example") };

    fn told(code: ErrorCode, teller: Teller<'_>) -> (u16, Option<String>) {
        let response = Response::refusal(&Refusal::new(code, "why"), teller);
        (response.status, header(&response, "www-authenticate").map(str::to_owned))
    }

    /// RFC 6749 section 5.2.
    #[test]
    fn a_client_is_challenged_if_it_sent_a_header() {
        assert_eq!(told(ErrorCode::InvalidClient, PLAIN), (401, None));
        let basic = Some("Basic realm=\"https://id.example\"".to_owned());
        assert_eq!(told(ErrorCode::InvalidClient, BASIC), (401, basic.clone()));
        let device = Teller::Device { realm: Some("https://id.example") };
        assert_eq!(told(ErrorCode::InvalidClient, device), (401, basic));
        for code in [ErrorCode::InvalidGrant, ErrorCode::InvalidDpopProof, ErrorCode::UseDpopNonce] {
            assert_eq!(told(code, BASIC), (400, None));
        }
    }

    #[test]
    fn a_limit_is_429_and_slows_a_device() {
        let refusal = Refusal::over_limit("too many", 7);
        let response = Response::refusal(&refusal, PLAIN);
        assert_eq!((response.status, header(&response, "retry-after")), (429, Some("7")));
        assert_eq!(&*response.body, r#"{"error":"temporarily_unavailable","error_description":"too many"}"#);
        let response = Response::refusal(&refusal, Teller::Device { realm: None });
        assert_eq!((response.status, header(&response, "retry-after")), (400, None));
        assert_eq!(response.error, Some("slow_down"));
        assert_eq!(told(ErrorCode::TemporarilyUnavailable, PLAIN).0, 503);
    }

    /// RFC 6750 section 3, RFC 9449 section 7.1.
    #[test]
    fn a_resource_says_what_it_wants() {
        let resource = |scope, dpop| Teller::Resource { realm: "r", scope, dpop };
        let bearer = "Bearer realm=\"r\", error=\"invalid_token\", error_description=\"why\"";
        assert_eq!(told(ErrorCode::InvalidToken, resource(None, false)), (401, Some(bearer.into())));
        let (status, challenge) = told(ErrorCode::InsufficientScope, resource(Some("openid"), false));
        assert_eq!(status, 403);
        assert!(challenge.is_some_and(|text| text.ends_with("scope=\"openid\"")));
        let (status, challenge) = told(ErrorCode::UseDpopNonce, resource(None, true));
        assert_eq!(status, 401);
        assert!(challenge.is_some_and(|text| text.starts_with("DPoP realm=\"r\", error=\"use_dpop_nonce\"")
            && text.ends_with("algs=\"ES256 ES384 Ed25519 EdDSA PS256 RS256\"")));
        let response = Response::unauthorized(resource(None, false));
        assert_eq!(
            (response.status, header(&response, "www-authenticate")),
            (401, Some("Bearer realm=\"r\""))
        );
    }

    #[test]
    fn nothing_begins_a_header_of_its_own() {
        let response = Response::redirect(303, "https://a.example/?x=\r\nset-cookie: a=\u{e9}");
        assert_eq!(header(&response, "location"), Some("https://a.example/?x=%0D%0Aset-cookie:%20a=%C3%A9"));
        assert_eq!(described("a\"b\\c\n\u{e9}"), "a?b?c??");
    }

    #[test]
    fn a_header_comes_once() {
        let response = Response::json(200, "{}".into()).with_header("cache-control", "public");
        assert_eq!(response.headers.iter().filter(|(name, _)| *name == "cache-control").count(), 1);
        assert_eq!(header(&response, "cache-control"), Some("public"));
    }
}
