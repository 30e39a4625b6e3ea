//! The authorization endpoint (RFC 6749 section 3.1, OpenID Connect Core section 3.1.2) in two steps: a request is
//! answered at once where a log-in and a consent are there, else it waits for its user as an interaction.
//!
//! Locks: the pushed request or the interaction, then as a consent and a code.

pub mod answer;
pub mod begin;
pub mod case;
mod decide;
pub mod reply;
pub mod request;
pub mod respond;
pub mod shown;
mod standing;

use pgrx::prelude::*;

use crate::endpoint::authorize::answer::AuthorizeResponse;
use crate::kernel::outcome::OrRaise;
use crate::kernel::value::clock;
use crate::kernel::value::id::Id;
use crate::kernel::value::inet::Inet;
use crate::kernel::value::jsonb::Jsonb;
use crate::trail::Context;

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn http_authorize(
    method: Option<&str>,
    query: default!(Option<&[u8]>, "NULL"),
    body: default!(Option<&[u8]>, "NULL"),
    session_token: default!(Option<&str>, "NULL"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
    tenant_id: default!(Option<&str>, "NULL"),
) -> AuthorizeResponse {
    let sent = begin::Sent { method, query, body, session_token, tenant_id };
    begin::authorize(clock::now(), &sent, &Context { ip, user_agent }).or_raise().into()
}

#[pg_extern(stable, parallel_safe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn interaction_get(
    interaction_id: Option<pgrx::Uuid>,
    session_token: default!(Option<&str>, "NULL"),
) -> AuthorizeResponse {
    decide::get(clock::now(), interaction_id.map(Id::from), session_token).or_raise().into()
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn interaction_accept(
    interaction_id: Option<pgrx::Uuid>,
    session_token: Option<&str>,
    scope: default!(Option<&str>, "NULL"),
    claims: default!(Option<Jsonb>, "NULL"),
    authorization_details: default!(Option<Jsonb>, "NULL"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> AuthorizeResponse {
    let agreed = decide::Agreed { scope, claims, authorization_details };
    let context = Context { ip, user_agent };
    decide::accept(clock::now(), interaction_id.map(Id::from), session_token, agreed, &context)
        .or_raise()
        .into()
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn interaction_deny(
    interaction_id: Option<pgrx::Uuid>,
    error: default!(Option<&str>, "'access_denied'"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> AuthorizeResponse {
    let context = Context { ip, user_agent };
    decide::deny(clock::now(), interaction_id.map(Id::from), error, &context).or_raise().into()
}
