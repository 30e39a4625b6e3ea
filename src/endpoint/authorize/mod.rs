//! The authorization endpoint (RFC 6749 section 3.1, OpenID Connect Core section 3.1.2) in two steps: a request is
//! answered at once where a log-in and a consent are there, else it waits for its user as an interaction.
//!
//! Locks: the pushed request or the interaction, then as a consent and a code.

pub mod begin;
pub mod case;
mod decide;
pub mod reply;
pub mod request;
pub mod respond;
pub mod shown;
mod standing;

use pgrx::prelude::*;

use crate::endpoint::response::{HttpResponse, Response};
use crate::kernel::outcome::OrRaise;
use crate::kernel::server::composite::composite;
use crate::kernel::value::clock;
use crate::kernel::value::id::Id;
use crate::kernel::value::inet::Inet;
use crate::kernel::value::jsonb::Jsonb;
use crate::trail::Context;

composite! {
    /// The answer of an endpoint that a browser asks, and what the front does with it.
    pub struct AuthorizeResponse = "auth_store.authorize_response" {
        pub http: HttpResponse,
        pub next: Option<&'static str>,
        pub interaction_id: Option<Id>,
        pub request: Option<Jsonb>,
    }
}

/// What the front does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Next {
    /// It sends the answer: the request is over.
    Redirect,
    /// It shows an error.
    Page,
    /// It lets the user log in.
    Login,
    /// It asks the user.
    Consent,
    /// It has the user enter the code of a device.
    Enter,
    /// It asks the user whether to log out.
    Confirm,
    /// It calls interaction_accept(): nothing is left to ask.
    Accept,
    /// It fetches a document, calls client_document_store() and then this again.
    Fetch,
}

impl Next {
    /// The column `next`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Redirect => "redirect",
            Self::Page => "page",
            Self::Login => "login",
            Self::Consent => "consent",
            Self::Enter => "enter",
            Self::Confirm => "confirm",
            Self::Accept => "accept",
            Self::Fetch => "fetch",
        }
    }
}

/// An answer that is being made.
pub struct Answer {
    pub response: Response,
    pub next: Next,
    pub interaction_id: Option<Id>,
    pub request: Option<Jsonb>,
}

impl Answer {
    /// One that has no interaction.
    pub fn of(response: Response, next: Next) -> Self {
        Self { response, next, interaction_id: None, request: None }
    }

    /// Says which user it is about.
    fn of_user(mut self, user_id: Option<Id>) -> Self {
        self.response = self.response.of_user(user_id);
        self
    }
}

impl From<Answer> for AuthorizeResponse {
    fn from(answer: Answer) -> Self {
        Self {
            http: answer.response.into(),
            next: Some(answer.next.as_str()),
            interaction_id: answer.interaction_id,
            request: answer.request,
        }
    }
}

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
