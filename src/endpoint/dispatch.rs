//! All endpoints behind one call: which issuer and endpoint a path belongs to, which methods it has, and who may read
//! the answer.

use std::rc::Rc;

use pgrx::prelude::*;

use crate::endpoint::authorize::begin;
use crate::endpoint::client::{device_authorization, introspect, par, revoke};
use crate::endpoint::request::Caller;
use crate::endpoint::request::form::MAX_FORM;
use crate::endpoint::request::headers::{self, Headers};
use crate::endpoint::response::{HttpResponse, Response};
use crate::endpoint::{cors, end_session, metadata, registration, token, userinfo};
use crate::kernel::outcome::{Mistake, OrRaise};
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::inet::Inet;
use crate::kernel::value::jsonb::Jsonb;
use crate::oauth::issuer::settings::Paths;
use crate::oauth::issuer::{self, Issuer};
use crate::trail::Context;

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn http(
    method: Option<&str>,
    path: Option<&str>,
    query: default!(Option<&[u8]>, "NULL"),
    headers: default!(Option<Jsonb>, "NULL"),
    body: default!(Option<&[u8]>, "NULL"),
    ip: default!(Option<Inet>, "NULL"),
    client_certificate: default!(Option<&[u8]>, "NULL"),
    session_token: default!(Option<&str>, "NULL"),
) -> HttpResponse {
    let now = clock::now();
    let request = Incoming {
        method: method.unwrap_or_default(),
        path: path.unwrap_or_default(),
        query: query.unwrap_or_default(),
        headers: headers.unwrap_or_else(Jsonb::empty_object),
        body: body.unwrap_or_default(),
        ip,
        certificate: client_certificate,
        session_token,
    };
    answer(now, &request).or_raise().into()
}

/// A request as it came.
struct Incoming<'a> {
    method: &'a str,
    path: &'a str,
    query: &'a [u8],
    headers: Jsonb,
    body: &'a [u8],
    ip: Option<Inet>,
    certificate: Option<&'a [u8]>,
    session_token: Option<&'a str>,
}

/// The longest path and certificate that are looked at, in bytes.
const MAX_PATH: usize = 2048;
const MAX_CERTIFICATE: usize = 16_384;

/// Of an endpoint that leads to pages.
const NO_PAGE: &str = "the issuer's settings name no page for this: login_url and consent_url, or logout_url";

/// What a public document has.
const DOCUMENT_METHODS: &str = "GET, HEAD, OPTIONS";

/// An endpoint of an issuer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Endpoint {
    /// Where the application has pages of its own; a front with pages calls http_authorize().
    Authorization,
    /// The same, and http_end_session().
    EndSession,
    Token,
    Introspection,
    Revocation,
    PushedRequest,
    DeviceAuthorization,
    Userinfo,
    Registration,
    /// Of one client (RFC 7592).
    Configuration,
}

impl Endpoint {
    /// The endpoint at this path below an issuer.
    fn at(path: &str, issuer: &Issuer) -> Option<Self> {
        let settings = &issuer.settings;
        let paths = &settings.paths;
        match path.strip_prefix(&paths.registration).map(str::as_bytes) {
            Some([]) => return Some(Self::Registration),
            Some([b'/', _, ..]) => return Some(Self::Configuration),
            _ => {}
        }
        let found = [
            (&paths.authorization, Self::Authorization),
            (&paths.end_session, Self::EndSession),
            (&paths.token, Self::Token),
            (&paths.introspection, Self::Introspection),
            (&paths.revocation, Self::Revocation),
            (&paths.pushed_authorization_request, Self::PushedRequest),
            (&paths.device_authorization, Self::DeviceAuthorization),
            (&paths.userinfo, Self::Userinfo),
        ]
        .into_iter()
        .find_map(|(known, endpoint)| (known == path).then_some(endpoint))?;
        let has_pages = match found {
            Self::Authorization => settings.login_url.is_some() && settings.consent_url.is_some(),
            Self::EndSession => settings.logout_url.is_some(),
            _ => true,
        };
        has_pages.then_some(found)
    }

    fn methods(self) -> &'static str {
        match self {
            Self::Authorization | Self::EndSession => "GET, HEAD, POST",
            Self::Userinfo => "GET, HEAD, POST, OPTIONS",
            Self::Configuration => "GET, HEAD, PUT, DELETE, OPTIONS",
            _ => "POST, OPTIONS",
        }
    }

    /// The type of its requests.
    fn media_type(self) -> &'static str {
        match self {
            Self::Registration | Self::Configuration => "application/json",
            // RFC 6749 section 4: parameters come as a form, in the body alone.
            _ => "application/x-www-form-urlencoded",
        }
    }

    /// Whether a browser goes there itself. No page of another origin reads its answers.
    fn is_for_browsers(self) -> bool {
        matches!(self, Self::Authorization | Self::EndSession)
    }
}

fn answer(now: Timestamp, request: &Incoming<'_>) -> Result<Response, Mistake> {
    if request.path.len() > MAX_PATH {
        return Ok(Response::error(414, "invalid_request", "the path has more than 2048 bytes"));
    }
    let headers = match Headers::read(&request.headers) {
        Ok(headers) => headers,
        Err(why) => return Ok(Response::error(400, "invalid_request", why)),
    };
    let snapshot = Snapshot::reading();
    if let Some(response) = metadata::place::at(now, &snapshot, request.path)? {
        return Ok(document(request.method, &headers, response));
    }
    let nothing = || Response::error(404, "not_found", "there is no endpoint at this path");
    let Some((issuer, path)) = route(&snapshot, request.path)? else { return Ok(nothing()) };
    if path == issuer.settings.paths.jwks {
        return Ok(document(request.method, &headers, metadata::jwks(now, &snapshot, &issuer)?));
    }
    let page = page_at(path, &issuer.settings.paths);
    if let Some(name) = page.filter(|_| headers.has_pages) {
        return Ok(nothing().with_header("auth-store-endpoint", name).of_tenant(&issuer.tenant_id));
    }
    let endpoint = match (Endpoint::at(path, &issuer), page) {
        (Some(endpoint), _) => endpoint,
        (None, Some(_)) => return Ok(Response::error(404, "not_found", NO_PAGE)),
        (None, None) => return Ok(nothing()),
    };
    let methods = endpoint.methods();
    if request.method == "OPTIONS" && !endpoint.is_for_browsers() {
        return Ok(cors::preflight(headers.origin, methods));
    }
    if !methods.split(", ").any(|method| method == request.method) {
        let response = Response::error(405, "invalid_request", "the endpoint does not have this method");
        return Ok(response.with_header("allow", methods));
    }
    let certificate = request.certificate.filter(|der| !der.is_empty());
    if certificate.is_some_and(|der| der.len() > MAX_CERTIFICATE) {
        return Ok(Response::error(400, "invalid_request", "the certificate has more than 16 kB"));
    }
    if request.body.len() > MAX_FORM {
        return Ok(Response::error(413, "invalid_request", "the body has more than 64 kB"));
    }
    let caller = Caller {
        issuer: &issuer,
        authorization: headers.authorization,
        dpop: headers.dpop,
        certificate,
        context: Context { ip: request.ip.clone(), user_agent: headers.user_agent },
    };
    let response = ask(now, endpoint, request, &headers, &caller)?;
    let response = if request.method == "HEAD" { response.without_body() } else { response };
    if endpoint.is_for_browsers() {
        return Ok(response);
    }
    cors::of_client(&snapshot, headers.origin, response)
}

/// What a front with pages of its own answers at this path below an issuer, by its name among those of the settings.
fn page_at(path: &str, paths: &Paths) -> Option<&'static str> {
    [
        (&paths.authorization, "authorization"),
        (&paths.end_session, "end_session"),
        (&paths.device_verification, "device_verification"),
    ]
    .into_iter()
    .find_map(|(known, name)| (known == path).then_some(name))
}

/// A public document: everybody may read it, and whoever has it already is told so (RFC 9110 section 13.1.2).
fn document(method: &str, headers: &Headers<'_>, response: Response) -> Response {
    match method {
        "OPTIONS" => cors::preflight(headers.origin, DOCUMENT_METHODS),
        "GET" if headers.if_none_match.is_some_and(|known| response.has_etag(known)) => {
            cors::public(response.not_modified())
        }
        "GET" => cors::public(response),
        "HEAD" => cors::public(response.without_body()),
        _ => Response::error(405, "invalid_request", "the document has only GET and HEAD")
            .with_header("allow", DOCUMENT_METHODS),
    }
}

fn ask(
    now: Timestamp,
    endpoint: Endpoint,
    request: &Incoming<'_>,
    headers: &Headers<'_>,
    caller: &Caller<'_>,
) -> Result<Response, Mistake> {
    // Some clients name a type with every request, and a request without a body has none.
    let has_body = matches!(request.method, "POST" | "PUT") && !request.body.is_empty();
    if has_body && headers.media_type().is_some_and(|media_type| media_type != endpoint.media_type()) {
        let description = format!("the body must be {}", endpoint.media_type());
        return caller.finish(now, caller.malformed(&description));
    }
    match endpoint {
        Endpoint::Authorization => {
            let sent = begin::Sent {
                method: Some(request.method),
                query: Some(request.query),
                body: Some(request.body),
                session_token: request.session_token,
                tenant_id: Some(&caller.issuer.tenant_id),
            };
            Ok(begin::authorize(now, &sent, &caller.context)?.response)
        }
        Endpoint::EndSession => {
            let query = if request.method == "POST" { request.body } else { request.query };
            let tenant_id = Some(caller.issuer.tenant_id.as_str());
            let sent = end_session::Sent { query, confirmed: false, tenant_id };
            let token = request.session_token;
            Ok(end_session::end_session(now, &sent, token, &caller.context)?.response)
        }
        Endpoint::Registration => registration::register(now, request.method, None, request.body, caller),
        Endpoint::Configuration => {
            let client_id = request.path.rsplit('/').next();
            registration::register(now, request.method, client_id, request.body, caller)
        }
        Endpoint::Token => token::answer(now, request.body, caller),
        Endpoint::Introspection => {
            let as_jwt = headers::accepts(headers.accept, introspect::MEDIA_TYPE);
            introspect::answer(now, request.body, as_jwt, caller)
        }
        Endpoint::Revocation => revoke::answer(now, request.body, caller),
        Endpoint::PushedRequest => par::answer(now, request.body, caller),
        Endpoint::DeviceAuthorization => device_authorization::answer(now, request.body, caller),
        Endpoint::Userinfo => {
            let body = if request.method == "POST" { request.body } else { &[] };
            userinfo::answer(now, request.method, body, caller)
        }
    }
}

/// The issuer of a path, and the path below it.
fn route<'a>(snapshot: &Snapshot, path: &'a str) -> Result<Option<(Rc<Issuer>, &'a str)>, Mistake> {
    match issuer::of_path(snapshot, path)? {
        // Whoever has not set an issuer yet is told so.
        None if !issuer::is_any()? => Err(issuer::missing()),
        found => Ok(found),
    }
}
