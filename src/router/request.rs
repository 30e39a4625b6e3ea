//! Which shard can answer a request over HTTP: that of the token, code or session that it presents, else that of its
//! client. Nothing is verified here; the shard does that.

use pgrx::prelude::*;

use crate::endpoint::request::basic;
use crate::endpoint::request::form::Form;
use crate::endpoint::request::headers::Headers;
use crate::kernel::value::jsonb::Jsonb;
use crate::oauth::device;
use crate::oauth::token::exchange;
use crate::rfc::jose::jws;
use crate::shard::bucket::{client_bucket, token_bucket};

/// The parameters that name a row by a secret where no grant type says which of them is meant, the first that is there
/// before the others: introspection and revocation present a token, and ignore whatever else is sent along.
const SECRETS: [&str; 6] = ["token", "access_token", "code", "refresh_token", "device_code", "subject_token"];
/// The prefix of registration access tokens (RFC 7592): clients are the registry's.
const REGISTRATION: &str = "asrg_";
/// The longest assertion that is looked at, in bytes.
const MAX_ASSERTION: usize = 16_384;

#[pg_extern(immutable, parallel_safe)]
fn http_bucket(
    body: default!(Option<&[u8]>, "NULL"),
    authorization: default!(Option<&str>, "NULL"),
    query: default!(Option<&[u8]>, "NULL"),
    headers: default!(Option<Jsonb>, "NULL"),
    session_token: default!(Option<&str>, "NULL"),
) -> i32 {
    let headers = headers.unwrap_or_else(Jsonb::empty_object);
    let authorization = authorization.or_else(|| Headers::read(&headers).ok()?.authorization);
    // A part that cannot be read is an answer of any shard's.
    let forms: Vec<_> =
        [body, query].into_iter().flatten().filter_map(|bytes| Form::read(bytes).ok()).collect();
    let parameter = |name: &str| forms.iter().find_map(|form| form.get(name));
    let named: &[&str] = match parameter("grant_type") {
        Some("authorization_code") => &["code"],
        Some("refresh_token") => &["refresh_token"],
        Some(device::GRANT_TYPE) => &["device_code"],
        Some(exchange::GRANT_TYPE) => &["subject_token"],
        Some(_) => &[],
        None => &SECRETS,
    };
    let secret = named
        .iter()
        .copied()
        .find_map(parameter)
        .or_else(|| authorization.and_then(bearer))
        .or(session_token);
    match secret {
        Some(token) if token.starts_with(REGISTRATION) => client_bucket(None),
        Some(token) => token_bucket(Some(token)),
        None => {
            let named = parameter("client_id").map(str::to_owned);
            let by_header =
                || authorization.and_then(basic::read)?.into_iter().next().map(|reading| reading.id);
            let by_assertion = || {
                let jws = jws::parse(parameter("client_assertion")?, MAX_ASSERTION).ok()?;
                jws.text("sub").or_else(|| jws.text("iss")).map(str::to_owned)
            };
            client_bucket(named.or_else(by_header).or_else(by_assertion).as_deref())
        }
    }
}

/// The access token of a header `Authorization` (RFC 6750 section 2.1, RFC 9449 section 7.1).
fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    let known = scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("dpop");
    known.then(|| token.trim_start_matches(' '))
}
