//! The client registration endpoint (RFC 7591), and the client configuration endpoint where a client manages what it
//! has registered (RFC 7592).

pub mod answer;
pub mod manage;
pub mod sent;

use pgrx::prelude::*;

use crate::endpoint::registration::answer::Answered;
use crate::endpoint::registration::sent::{bearer, read};
use crate::endpoint::request::{Caller, issuer_of, limit as network};
use crate::endpoint::response::{HttpResponse, Response, Teller};
use crate::kernel::outcome::{ErrorCode, Mistake, OrRaise, Refusal, given};
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::kernel::value::inet::Inet;
use crate::limit::{self, HOUR};
use crate::oauth::client::registered::{self};
use crate::oauth::issuer::Issuer;
use crate::oauth::token::standing;
use crate::rfc::choice::Registration;
use crate::rfc::scope;
use crate::trail::Context;

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn http_register(
    method: Option<&str>,
    client_id: default!(Option<&str>, "NULL"),
    body: default!(Option<&[u8]>, "NULL"),
    authorization: default!(Option<&str>, "NULL"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
    tenant_id: default!(Option<&str>, "NULL"),
) -> HttpResponse {
    let now = clock::now();
    let answer = || {
        let method = given(method, "method")?;
        let issuer = issuer_of(&Snapshot::writing()?, tenant_id)?;
        let context = Context { ip, user_agent };
        let caller = Caller { issuer: &issuer, authorization, dpop: None, certificate: None, context };
        register(now, method, client_id, body.unwrap_or_default(), &caller)
    };
    answer().or_raise().into()
}

/// The scope of an initial access token (RFC 7591 section 3).
const SCOPE: &str = "client:register";

/// Answers a request at the registration endpoint, or at the configuration endpoint of a client.
pub fn register(
    now: Timestamp,
    method: &str,
    client_id: Option<&str>,
    body: &[u8],
    caller: &Caller<'_>,
) -> Result<Response, Mistake> {
    let issuer = caller.issuer;
    if issuer.settings.registration == Registration::Off {
        return Ok(Response::error(404, "not_found", "clients do not register themselves here"));
    }
    match (method, client_id) {
        ("POST", None) => add(now, issuer, body, caller),
        ("GET" | "HEAD", Some(client_id)) => manage::show(issuer, client_id, caller),
        ("PUT", Some(client_id)) => manage::replace(now, issuer, client_id, body, caller),
        ("DELETE", Some(client_id)) => manage::withdraw(now, issuer, client_id, caller),
        (_, client_id) => {
            let allowed = if client_id.is_some() { "GET, HEAD, PUT, DELETE" } else { "POST" };
            let response = Response::error(405, "invalid_request", "the method is not one of this endpoint");
            Ok(response.with_header("allow", allowed))
        }
    }
}

fn teller(issuer: &Issuer) -> Teller<'_> {
    Teller::Resource { realm: &issuer.issuer, scope: Some(SCOPE), dpop: false }
}

fn add(now: Timestamp, issuer: &Issuer, body: &[u8], caller: &Caller<'_>) -> Result<Response, Mistake> {
    let most = issuer.settings.registration_max_per_network;
    let too_many = |refusal: &Refusal| Ok(Response::refusal(refusal, Teller::Client { realm: None }));
    if let Some(refusal) = network::over(now, issuer, &caller.context, "registration", most)? {
        return too_many(&refusal);
    }
    let sponsor = match (caller.authorization, issuer.settings.registration) {
        (None, Registration::Open) => None,
        (None, _) => return Ok(Response::unauthorized(teller(issuer))),
        (Some(_), _) => match sponsor(now, issuer, bearer(caller))? {
            Ok(sponsor) => Some(sponsor),
            Err(refusal) => return Ok(Response::refusal(&refusal, teller(issuer))),
        },
    };
    let mut client = match read(issuer, body, sponsor.is_some())? {
        Ok(client) => client,
        Err(response) => return Ok(response),
    };
    // Last: what is refused anyhow takes nothing from those who may register.
    if let Some(refusal) = over_limit(now, issuer)? {
        return too_many(&refusal);
    }
    client.protocol.owner_id = sponsor.flatten();
    let Some(made) = registered::register(now, issuer, &client)? else {
        let refusal = Refusal::over_limit("the provider takes no more clients at present", FULL_FOR);
        return Ok(Response::refusal(&refusal, Teller::Client { realm: None }));
    };
    let answered = Answered {
        issuer,
        client_id: &made.client_id,
        client: &client,
        issued_at: now,
        secret: made.client_secret.as_deref(),
        access_token: &made.access_token,
    };
    Ok(answered.response(201).of_user(client.protocol.owner_id))
}

/// Seconds until another client may fit, as far as anybody knows.
const FULL_FOR: i32 = 3600;

/// Counts a client against the tenant's limit; the refusal where that is reached.
fn over_limit(now: Timestamp, issuer: &Issuer) -> Result<Option<Refusal>, Mistake> {
    let most = issuer.settings.registration_max_per_hour;
    let verdict = limit::hit(now, &issuer.tenant_id, "registration", most, HOUR, 1)?;
    let refusal = || Refusal::over_limit("too many registrations", verdict.retry_after);
    Ok((!verdict.allowed).then(refusal))
}

/// Who answers for a client by an initial access token: its user, if it is a user's. A token that is bound to a key is
/// for another purpose.
fn sponsor(
    now: Timestamp,
    issuer: &Issuer,
    token: Option<&str>,
) -> Result<Result<Option<Id>, Refusal>, Mistake> {
    let active = standing::active(&Snapshot::deciding()?, now, token)?;
    let active =
        active.filter(|active| active.token.tenant_id == issuer.tenant_id && active.grant.cnf.is_none());
    let Some(active) = active else {
        return Ok(Err(Refusal::new(ErrorCode::InvalidToken, "the token is not active")));
    };
    let enough = scope::parse(active.scope())
        .zip(scope::parse(SCOPE))
        .is_some_and(|(held, wanted)| wanted.is_subset_of(&held));
    if !enough {
        return Ok(Err(Refusal::new(
            ErrorCode::InsufficientScope,
            "the token lacks the scope client:register",
        )));
    }
    Ok(Ok(active.grant.user_id))
}
