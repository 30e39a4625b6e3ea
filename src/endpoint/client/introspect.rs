//! The introspection endpoint (RFC 7662), and its answer as a signed JWT (RFC 9701). A right request writes nothing, so
//! that a standby answers it too.

use pgrx::prelude::*;
use serde_json::Value;

use crate::endpoint::request::form::Form;
use crate::endpoint::request::{self, Arguments, Caller, client, headers};
use crate::endpoint::response::{HttpResponse, Response};
use crate::kernel::outcome::{ErrorCode, Mistake};
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::inet::Inet;
use crate::kernel::value::json::Object;
use crate::kernel::value::jsonb::Jsonb;
use crate::oauth::client::{self as oauth_client, secret, subject};
use crate::oauth::signing_key::sign;
use crate::oauth::token::introspect::{self, TokenState};
use crate::rfc::choice::SubjectType;

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn http_introspect(
    body: Option<&[u8]>,
    authorization: default!(Option<&str>, "NULL"),
    dpop: default!(Option<&str>, "NULL"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
    client_certificate: default!(Option<&[u8]>, "NULL"),
    tenant_id: default!(Option<&str>, "NULL"),
    accept: default!(Option<&str>, "NULL"),
) -> HttpResponse {
    let arguments = Arguments { authorization, dpop, ip, user_agent, client_certificate, tenant_id };
    let as_jwt = headers::accepts(accept, MEDIA_TYPE);
    let body = body.unwrap_or_default();
    arguments.respond(|| Ok(Snapshot::reading()), |now, caller| answer(now, body, as_jwt, caller))
}

/// The media type of a signed answer (RFC 9701 section 4).
pub const MEDIA_TYPE: &str = "application/token-introspection+jwt";

/// Answers a request at the introspection endpoint, with a signed JWT where the client wants one.
pub fn answer(now: Timestamp, body: &[u8], as_jwt: bool, caller: &Caller<'_>) -> Result<Response, Mistake> {
    let form = match Form::read(body) {
        Ok(form) => form,
        Err(malformed) => return caller.finish(now, caller.malformed(malformed.description())),
    };
    let snapshot = request::reading()?;
    let teller = caller.teller();
    let path = &caller.issuer.settings.paths.introspection;
    let client =
        match client::authenticate(&snapshot, now, secret::AUTHENTICATED, path, &form, caller, teller)? {
            Ok(client) => client,
            Err(response) => return caller.finish(now, response),
        };
    drop(snapshot);
    let finish = |response: Response| caller.finish(now, response.of_client(&client.id));
    // Section 2.1: whoever asks has to be authorized, so that nobody can try tokens.
    if !client.is_confidential() {
        let code = ErrorCode::InvalidClient.as_str();
        return finish(Response::refused(code, "a public client may not introspect tokens", None, teller));
    }
    let Some(token) = form.get("token") else { return finish(caller.malformed("token is missing")) };
    let issuer = caller.issuer;
    let state = introspect::introspect(now, Some(token), Some(&client.id), &caller.context)?
        .filter(|state| state.tenant_id.as_deref() == Some(issuer.tenant_id.as_str()));
    let user_id = state.as_ref().and_then(|state| state.user_id);
    let answer = said(state, &issuer.issuer)?;
    let response = if as_jwt {
        signed(now, &client.id, &answer.text(), caller)?
    } else {
        Response::json(200, answer.text())
    };
    finish(response.of_user(user_id))
}

/// What a client may know of a token: of its user what the token's own client may, whoever asks. That is the subject by
/// which it knows the user (OpenID Connect Core section 8), and the address where the scope has it (RFC 7662
/// section 5).
fn said(state: Option<TokenState>, issuer: &str) -> Result<Jsonb, Mistake> {
    let Some(mut state) = state else {
        return introspect::to_json(None, None).ok_or(introspect::TOO_LARGE);
    };
    if !state.scope.as_deref().unwrap_or_default().split(' ').any(|token| token == "email") {
        state.username = None;
    }
    let subject = match (state.user_id, state.client_id.as_deref()) {
        (Some(user_id), Some(client_id)) => {
            let snapshot = request::reading()?;
            let client = oauth_client::find(&snapshot, client_id)?;
            let client = client.filter(|client| client.subject_type == SubjectType::Pairwise);
            client.map(|client| subject::of(&snapshot, &client, user_id)).transpose()?
        }
        _ => None,
    };
    let answer = introspect::to_json(Some(state), Some(issuer));
    let answer = match subject.map(Value::from) {
        Some(subject) => answer.zip(Jsonb::of(&subject)).and_then(|(answer, sub)| answer.with("sub", &sub)),
        None => answer,
    };
    answer.ok_or(introspect::TOO_LARGE)
}

/// The answer as a JWT (RFC 9701 section 5) for the client that asked.
fn signed(now: Timestamp, client_id: &str, answer: &str, caller: &Caller<'_>) -> Result<Response, Mistake> {
    let issuer = caller.issuer;
    let mut claims = Object::with_capacity(128 + answer.len());
    claims
        .text("iss", &issuer.issuer)
        .text("aud", client_id)
        .number("iat", now.unix_seconds())
        .json("token_introspection", answer);
    let snapshot = request::reading()?;
    let (tenant_id, alg) = (issuer.tenant_id.as_str(), issuer.settings.default_alg());
    let jwt =
        sign::sign_text(now, &snapshot, tenant_id, alg, "token-introspection+jwt", &claims.end(), None)?;
    Ok(match jwt {
        Ok(jwt) => Response::document(200, MEDIA_TYPE, jwt),
        Err(_) => Response::unsigned(caller.teller()),
    })
}
