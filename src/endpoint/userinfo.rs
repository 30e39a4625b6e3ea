//! The userinfo endpoint (OpenID Connect Core section 5.3): what the holder of an access token may know of its user. It
//! is a protected resource (RFC 6750, RFC 9449 section 7), and reads alone unless a proof is presented.

use pgrx::prelude::*;
use serde_json::{Map, Value};

use crate::endpoint::request::form::Form;
use crate::endpoint::request::{self, Arguments, Caller, proof};
use crate::endpoint::response::{HttpResponse, Response, Teller};
use crate::kernel::outcome::{Answer, ErrorCode, Mistake, Refusal};
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::id::Id;
use crate::kernel::value::inet::Inet;
use crate::kernel::value::json::Object;
use crate::kernel::value::jsonb::Jsonb;
use crate::oauth::client::{self, Client, page, subject};
use crate::oauth::grant;
use crate::oauth::signing_key::sign;
use crate::oauth::token::introspect::{self, Need};
use crate::oauth::token::jwt::person;
use crate::oauth::token::standing::Active;
use crate::rfc::binding::Proof;
use crate::rfc::jose::alg::Alg;

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn http_userinfo(
    authorization: Option<&str>,
    dpop: default!(Option<&str>, "NULL"),
    method: default!(Option<&str>, "'GET'"),
    body: default!(Option<&[u8]>, "NULL"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
    client_certificate: default!(Option<&[u8]>, "NULL"),
    tenant_id: default!(Option<&str>, "NULL"),
) -> HttpResponse {
    let arguments = Arguments { authorization, dpop, ip, user_agent, client_certificate, tenant_id };
    let (method, body) = (method.unwrap_or("GET"), body.unwrap_or_default());
    arguments.respond(|| Ok(Snapshot::reading()), |now, caller| answer(now, method, body, caller))
}

/// The scope that a token needs here.
const SCOPE: &str = "openid";

/// An access token as it came (RFC 6750 section 2, RFC 9449 section 7.1).
struct Shown<'a> {
    token: &'a str,
    /// Whether it came with the scheme DPoP.
    dpop: bool,
}

/// Answers a request at the userinfo endpoint. `body` is the form of a POST.
pub fn answer(now: Timestamp, method: &str, body: &[u8], caller: &Caller<'_>) -> Result<Response, Mistake> {
    let form = match Form::read(body) {
        Ok(form) => form,
        Err(malformed) => return refuse(now, &invalid_request(malformed.description()), false, caller),
    };
    let shown = match shown(&form, caller) {
        Ok(Some(shown)) => shown,
        Ok(None) => {
            let response = Response::unauthorized(teller(caller, caller.dpop.is_some()));
            return caller.finish(now, response);
        }
        Err(refusal) => return refuse(now, &refusal, false, caller),
    };
    let jkt = match proven(now, method, &shown, caller)? {
        Ok(jkt) => jkt,
        Err(refusal) => return refuse(now, &refusal, true, caller),
    };
    let snapshot = request::reading()?;
    let active = match admitted(now, &snapshot, &shown, jkt.as_deref(), caller)? {
        Ok(active) => active,
        Err(refusal) => return refuse(now, &refusal, shown.dpop, caller),
    };
    let Some(Said { client, user_id, claims }) = said(&snapshot, &active)? else {
        return refuse(now, &NO_USER, shown.dpop, caller);
    };
    let response = written(now, &snapshot, &client, &claims, caller)?;
    caller.finish(now, response.of_client(&client.id).of_user(Some(user_id)))
}

const NO_USER: Refusal = Refusal::new(ErrorCode::InvalidToken, "the token is not one of a user");

fn invalid_request(description: &'static str) -> Refusal {
    Refusal::new(ErrorCode::InvalidRequest, description)
}

fn teller<'a>(caller: &'a Caller<'_>, dpop: bool) -> Teller<'a> {
    Teller::Resource { realm: &caller.issuer.issuer, scope: Some(SCOPE), dpop }
}

fn refuse(now: Timestamp, refusal: &Refusal, dpop: bool, caller: &Caller<'_>) -> Result<Response, Mistake> {
    caller.finish(now, Response::refusal(refusal, teller(caller, dpop)))
}

/// The token, in the header or the form, in one of them alone.
fn shown<'a>(form: &'a Form<'_>, caller: &Caller<'a>) -> Result<Option<Shown<'a>>, Refusal> {
    let in_form = form.get("access_token");
    let Some(header) = caller.authorization else {
        return Ok(in_form.map(|token| Shown { token, dpop: false }));
    };
    if in_form.is_some() {
        return Err(invalid_request("the request has more than one access token"));
    }
    let (scheme, token) = header.split_once(' ').unwrap_or((header, ""));
    let (bearer, dpop) = (scheme.eq_ignore_ascii_case("Bearer"), scheme.eq_ignore_ascii_case("DPoP"));
    let token = token.trim_matches(' ');
    if (bearer || dpop) && !token.is_empty() {
        return Ok(Some(Shown { token, dpop }));
    }
    Err(invalid_request("the Authorization header has no access token"))
}

/// The thumbprint of the key of the proof that came with the token. RFC 9449 section 7.1: with the scheme DPoP there
/// must be one, and with another it proves nothing.
fn proven(now: Timestamp, method: &str, shown: &Shown<'_>, caller: &Caller<'_>) -> Answer<Option<String>> {
    if !shown.dpop {
        return Ok(Ok(None));
    }
    let Some(proof) = caller.dpop else {
        return Ok(Err(Refusal::new(ErrorCode::InvalidDpopProof, "the proof is missing")));
    };
    let path = &caller.issuer.settings.paths.userinfo;
    Ok(proof::verify(now, proof, method, path, Some(shown.token), caller)?.map(Some))
}

/// The token, if it is one of the tenant for the provider itself with the scope that is needed.
fn admitted(
    now: Timestamp,
    snapshot: &Snapshot,
    shown: &Shown<'_>,
    jkt: Option<&str>,
    caller: &Caller<'_>,
) -> Answer<Active> {
    let x5t_s256 = caller.certificate.map(proof::thumbprint);
    let need = Need {
        required_scope: Some(SCOPE),
        resource: Some(&caller.issuer.issuer),
        proof: Proof { dpop_jkt: jkt, x5t_s256: x5t_s256.as_deref() },
    };
    let verdict = introspect::authorize(snapshot, now, Some(shown.token), &need)?;
    let refused = verdict.refusal;
    let active = verdict.into_active().filter(|active| active.token.tenant_id == caller.issuer.tenant_id);
    Ok(match (refused, active) {
        (None, Some(active)) => Ok(active),
        (Some((code, description)), Some(_)) => Err(Refusal::new(code, description)),
        (_, None) => Err(Refusal::new(ErrorCode::InvalidToken, "the token is not active")),
    })
}

/// A token's client and user, and what that client may know of the user.
struct Said {
    client: Client,
    user_id: Id,
    claims: Map<String, Value>,
}

/// What is said to the holder of this token; None where the token has no user.
fn said(snapshot: &Snapshot, active: &Active) -> Result<Option<Said>, Mistake> {
    let (Some(user_id), Some(client)) =
        (active.grant.user_id, client::find(snapshot, &active.grant.client_id)?)
    else {
        return Ok(None);
    };
    let request = grant::find(snapshot, active.token.grant_id)?.and_then(|grant| grant.claims_request);
    let request = request.and_then(|request| request.get("userinfo"));
    let asked: Vec<_> = request
        .as_ref()
        .and_then(Jsonb::members)
        .unwrap_or_default()
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    let Some(mut claims) = person::claims(snapshot, user_id, active.scope(), &asked)? else {
        return Ok(None);
    };
    claims.insert("sub".to_owned(), subject::of(snapshot, &client, user_id)?.into());
    Ok(Some(Said { client, user_id, claims }))
}

/// The claims as JSON, or signed where the client is registered so (section 5.3.2).
fn written(
    now: Timestamp,
    snapshot: &Snapshot,
    client: &Client,
    claims: &Map<String, Value>,
    caller: &Caller<'_>,
) -> Result<Response, Mistake> {
    let mut body = Object::new();
    for (name, value) in claims {
        body.json(name, &value.to_string());
    }
    let alg = page::find(snapshot, &client.id)?.and_then(|page| page.userinfo_signed_response_alg);
    let Some(alg) = alg.as_deref().and_then(Alg::parse) else {
        return Ok(Response::json(200, body.end()));
    };
    let issuer = caller.issuer;
    body.text("iss", &issuer.issuer).text("aud", &client.id).number("iat", now.unix_seconds());
    let jwt = sign::sign_text(now, snapshot, &issuer.tenant_id, Some(alg), "JWT", &body.end(), None)?;
    Ok(match jwt {
        Ok(jwt) => Response::document(200, "application/jwt", jwt),
        Err(_) => Response::unsigned(Teller::Client { realm: None }),
    })
}
