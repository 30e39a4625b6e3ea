//! Who is behind a transaction, for the application's own row-level security: `authenticate()` finds out whose a token
//! is and holds the answer until the transaction ends; `current.rs` tells it to policies, once a statement or once a
//! row. `impersonate.rs` lets one user act as another.
//!
//! Nothing is written, so all of it works in a read-only transaction and on a standby. How the answer is held, so that
//! no statement of the application can forge it, is in `kernel/server/principal.rs`.

pub mod current;
pub mod impersonate;

use pgrx::prelude::*;
use serde::{Deserialize, Serialize};

use crate::api_key::verify::{self, ApiKeyState};
use crate::identity::role::held as roles;
use crate::identity::session;
use crate::kernel::crypto::token_text::Kind;
use crate::kernel::outcome::{Answer, ErrorCode, Mistake, OrRaise, Refusal};
use crate::kernel::server::composite::composite;
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::server::principal as held;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::kernel::value::inet::Inet;
use crate::kernel::value::interval;
use crate::kernel::value::jsonb::Jsonb;
use crate::oauth::grant::login;
use crate::oauth::token::introspect::{self, Need};
use crate::oauth::token::jwt;
use crate::oauth::token::standing::{self, Active};
use crate::rfc::binding::Proof;
use crate::rfc::scope;

composite! {
    /// What authenticate() returns. Every column but `ok` and the error is NULL where it is false.
    pub struct PrincipalState = "auth_store.principal" {
        pub ok: bool,
        pub kind: Option<&'static str>,
        pub user_id: Option<Id>,
        pub client_id: Option<String>,
        pub tenant_id: Option<String>,
        pub session_id: Option<Id>,
        pub scope: Option<String>,
        pub expires_at: Option<Timestamp>,
        pub auth_time: Option<Timestamp>,
        pub acr: Option<String>,
        pub amr: Option<Vec<String>>,
        pub error: Option<&'static str>,
        pub error_description: Option<String>,
        pub actor_id: Option<Id>,
    }
    refused { error, error_description }
}

#[pg_extern(volatile, parallel_unsafe)]
fn authenticate(
    token: Option<&str>,
    required_scope: default!(Option<&str>, "NULL"),
    resource: default!(Option<&str>, "NULL"),
    dpop_jkt: default!(Option<&str>, "NULL"),
    x5t_s256: default!(Option<&str>, "NULL"),
    ip: default!(Option<Inet>, "NULL"),
    tenant_id: default!(Option<&str>, "NULL"),
    max_age: default!(Option<Interval>, "NULL"),
    acr_values: default!(Option<&str>, "NULL"),
) -> PrincipalState {
    let now = clock::now();
    let need = Need { required_scope, resource, proof: Proof { dpop_jkt, x5t_s256 } };
    let demand = Demand { need, ip, tenant_id, max_age, acr_values };
    match admit(now, token, demand).or_raise() {
        Ok(principal) => {
            principal.hold().or_raise();
            principal.into()
        }
        // The one before is not kept. Nor is it where this raises: then all is as it was before the statement.
        Err(refusal) => {
            held::clear();
            PrincipalState::refused(&refusal)
        }
    }
}

/// What is asked of a token, and of the log-in behind it.
struct Demand<'a> {
    need: Need<'a>,
    ip: Option<Inet>,
    /// The tenant to act in; None: the token's own.
    tenant_id: Option<&'a str>,
    /// How long ago the log-in may be.
    max_age: Option<Interval>,
    /// Which kinds of it are enough, with spaces between them.
    acr_values: Option<&'a str>,
}

/// What was presented.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Presented {
    AccessToken,
    Session,
    ApiKey,
}

/// An id in JSON, as two numbers: sixteen bytes, or a text, take several times as long to write and to read.
#[derive(Clone, Copy, Serialize, Deserialize)]
struct Numbers(u64, u64);

impl From<Id> for Numbers {
    fn from(id: Id) -> Self {
        let number = u128::from_be_bytes(*id.bytes());
        Self((number >> 64) as u64, number as u64)
    }
}

impl From<Numbers> for Id {
    fn from(Numbers(high, low): Numbers) -> Self {
        Self::from_bytes((u128::from(high) << 64 | u128::from(low)).to_be_bytes())
    }
}

/// Who is behind the transaction, and by what. Times are microseconds since 2000.
#[derive(Serialize, Deserialize)]
struct Principal {
    kind: Presented,
    /// Of the access token, the session or the API key.
    id: Numbers,
    user_id: Option<Numbers>,
    client_id: Option<String>,
    tenant_id: String,
    /// Whether the tenant is another one than the token's own.
    elsewhere: bool,
    session_id: Option<Numbers>,
    scope: Option<String>,
    expires_at: Option<i64>,
    auth_time: Option<i64>,
    acr: Option<String>,
    amr: Option<Vec<String>>,
    /// The user who acts as the other.
    actor_id: Option<Numbers>,
}

impl Principal {
    fn new(kind: Presented, id: Id, tenant_id: String) -> Self {
        Self {
            kind,
            id: id.into(),
            user_id: None,
            client_id: None,
            tenant_id,
            elsewhere: false,
            session_id: None,
            scope: None,
            expires_at: None,
            auth_time: None,
            acr: None,
            amr: None,
            actor_id: None,
        }
    }

    /// Tells the server to keep it.
    fn hold(&self) -> Result<(), Mistake> {
        let held =
            serde_json::to_string(self).is_ok_and(|text| held::hold(self.actor_id.map(Id::from), &text));
        if held { Ok(()) } else { Err(Mistake::invalid("token", "a token whose log-in is text without NUL")) }
    }

    /// Whether what was presented still works.
    fn stands(&self, now: Timestamp) -> Result<bool, Mistake> {
        let (snapshot, id) = (Snapshot::reading(), Id::from(self.id));
        let stands = match self.kind {
            Presented::AccessToken => standing::is_active(&snapshot, now, id)?,
            Presented::Session => session::is_valid(now, &snapshot, id)?,
            Presented::ApiKey => verify::is_active(&snapshot, now, id)?,
        };
        Ok(stands && (!self.elsewhere || self.is_member_of(now, &snapshot, &self.tenant_id)?))
    }

    fn is_member_of(&self, now: Timestamp, snapshot: &Snapshot, tenant_id: &str) -> Result<bool, Mistake> {
        match self.user_id {
            Some(user_id) => roles::is_member(now, snapshot, Id::from(user_id), tenant_id),
            None => Ok(false),
        }
    }

    /// Whether the log-in is no longer ago than so many seconds.
    fn is_younger(&self, now: Timestamp, seconds: i64) -> bool {
        self.auth_time.is_some_and(|at| now <= Timestamp::from_micros(at).plus_seconds(seconds))
    }

    /// Whether the scope has each of these tokens: a key's by its wildcards. A session has no scope.
    fn has_scope(&self, required: &str) -> bool {
        let (Some(held), Some(required)) =
            (self.scope.as_deref().and_then(scope::parse), scope::parse(required))
        else {
            return false;
        };
        match self.kind {
            Presented::ApiKey => held.covers(&required),
            Presented::AccessToken | Presented::Session => required.is_subset_of(&held),
        }
    }
}

impl From<Principal> for PrincipalState {
    fn from(principal: Principal) -> Self {
        Self {
            ok: true,
            kind: Some(match principal.kind {
                Presented::AccessToken => "access_token",
                Presented::Session => "session",
                Presented::ApiKey => "api_key",
            }),
            user_id: principal.user_id.map(Id::from),
            client_id: principal.client_id,
            tenant_id: Some(principal.tenant_id),
            session_id: principal.session_id.map(Id::from),
            scope: principal.scope,
            expires_at: principal.expires_at.map(Timestamp::from_micros),
            auth_time: principal.auth_time.map(Timestamp::from_micros),
            acr: principal.acr,
            amr: principal.amr,
            error: None,
            error_description: None,
            actor_id: principal.actor_id.map(Id::from),
        }
    }
}

/// Who is behind the transaction from now on, if the token and its log-in are good for what is demanded.
fn admit(now: Timestamp, text: Option<&str>, demand: Demand<'_>) -> Answer<Principal> {
    let max_age = demand.max_age.map(age).transpose()?;
    let accepted = demand.acr_values.map(|values| values.split(' ').collect::<Vec<_>>());
    if accepted.as_ref().is_some_and(|values| values.contains(&"")) {
        return Err(Mistake::invalid("acr_values", "one value, or several with a space between them"));
    }
    let snapshot = Snapshot::reading();
    let mut principal = match identify(&snapshot, now, text, &demand.need, demand.ip.as_ref())? {
        Ok(principal) => principal,
        Err(refusal) => return Ok(Err(refusal)),
    };
    if let Some(tenant_id) = demand.tenant_id.filter(|tenant_id| *tenant_id != principal.tenant_id) {
        // An actor was let act in the user's own tenant alone.
        if principal.actor_id.is_some() || !principal.is_member_of(now, &snapshot, tenant_id)? {
            let description = "the user is not a member of the tenant";
            return Ok(Err(Refusal::new(ErrorCode::AccessDenied, description)));
        }
        (principal.tenant_id, principal.elsewhere) = (tenant_id.into(), true);
    }
    if max_age.is_some_and(|seconds| !principal.is_younger(now, seconds)) {
        return Ok(Err(Refusal::new(ErrorCode::StepUpRequired, "the log-in is too long ago")));
    }
    let acr = principal.acr.as_deref();
    if accepted.is_some_and(|accepted| !acr.is_some_and(|acr| accepted.contains(&acr))) {
        return Ok(Err(Refusal::new(ErrorCode::StepUpRequired, "another kind of log-in is needed")));
    }
    Ok(Ok(principal))
}

/// The seconds of an argument `max_age`.
fn age(max_age: Interval) -> Result<i64, Mistake> {
    interval::seconds(Some(max_age), 0, 0..=i64::from(i32::MAX), "max_age", "0 to 68 years")
}

/// Whose the token is, if it is good for what is needed.
fn identify(
    snapshot: &Snapshot,
    now: Timestamp,
    text: Option<&str>,
    need: &Need<'_>,
    address: Option<&Inet>,
) -> Answer<Principal> {
    let begins = |kind: Kind| text.is_some_and(|text| text.starts_with(kind.prefix()));
    if begins(Kind::AccessToken) || text.is_some_and(jwt::is_jwt) {
        by_access_token(snapshot, now, text, need)
    } else if begins(Kind::Session) {
        by_session(snapshot, now, text, need)
    } else {
        by_api_key(snapshot, now, text, need, address)
    }
}

const NOT_ACTIVE: Refusal = Refusal::new(ErrorCode::InvalidToken, "the token is not active");

fn by_access_token(
    snapshot: &Snapshot,
    now: Timestamp,
    text: Option<&str>,
    need: &Need<'_>,
) -> Answer<Principal> {
    let verdict = introspect::authorize(snapshot, now, text, need)?;
    if let Some((code, description)) = verdict.refusal {
        return Ok(Err(Refusal::new(code, description)));
    }
    let Some(Active { token, grant, .. }) = verdict.into_active() else { return Ok(Err(NOT_ACTIVE)) };
    let Some(login) = login::find(snapshot, token.grant_id)? else { return Ok(Err(NOT_ACTIVE)) };
    Ok(Ok(Principal {
        user_id: grant.user_id.map(Numbers::from),
        client_id: Some(grant.client_id),
        session_id: grant.session_id.map(Numbers::from),
        scope: Some(token.scope.unwrap_or(grant.scope)),
        expires_at: Some(token.expires_at.micros()),
        auth_time: login.auth_time.map(Timestamp::micros),
        acr: login.acr,
        amr: login.amr,
        actor_id: grant.claims.as_ref().and_then(actor).map(Numbers::from),
        ..Principal::new(Presented::AccessToken, token.id, token.tenant_id)
    }))
}

/// The user who acts, by the claim `act` of a token that was exchanged (RFC 8693 section 4.1). A client that acts by
/// itself is no user.
fn actor(claims: &Jsonb) -> Option<Id> {
    Id::parse(claims.get("act")?.parse()?.get("sub")?.as_str()?)
}

/// A session is the user's own log-in: it has no scope, and is good for none that is required. Where another user acts
/// in it, nobody has logged in.
fn by_session(snapshot: &Snapshot, now: Timestamp, text: Option<&str>, need: &Need<'_>) -> Answer<Principal> {
    let session = match session::examine(now, snapshot, text)? {
        Ok(examined) => examined.session,
        Err(unusable) => return Ok(Err(Refusal::new(ErrorCode::InvalidToken, unusable.description))),
    };
    if need.required_scope.is_some() {
        return Ok(Err(Refusal::new(ErrorCode::InsufficientScope, "a session has no scope")));
    }
    if !need.proof.satisfies(None) {
        return Ok(Err(Refusal::new(ErrorCode::InvalidToken, "a session is bound to no key")));
    }
    let own = session.actor_id.is_none();
    Ok(Ok(Principal {
        user_id: Some(session.user_id.into()),
        session_id: Some(session.id.into()),
        expires_at: Some(session.expires_at.min(session.idle_expires_at).micros()),
        auth_time: own.then(|| session.authenticated_at().micros()),
        acr: session.acr.filter(|_| own),
        amr: session.amr.filter(|_| own),
        actor_id: session.actor_id.map(Numbers::from),
        ..Principal::new(Presented::Session, session.id, session.tenant_id)
    }))
}

fn by_api_key(
    snapshot: &Snapshot,
    now: Timestamp,
    text: Option<&str>,
    need: &Need<'_>,
    address: Option<&Inet>,
) -> Answer<Principal> {
    let verdict = verify::verify(snapshot, now, text, need.required_scope, address)?;
    if let Some((code, description)) = verdict.refusal {
        return Ok(Err(Refusal::new(code, description)));
    }
    if !need.proof.satisfies(None) {
        return Ok(Err(Refusal::new(ErrorCode::InvalidToken, "an API key is bound to no key")));
    }
    let ends = verdict.ends();
    let state = ApiKeyState::from(verdict);
    let (Some(id), Some(tenant_id)) = (state.api_key_id, state.tenant_id) else { return Ok(Err(NOT_ACTIVE)) };
    Ok(Ok(Principal {
        user_id: state.user_id.map(Numbers::from),
        client_id: state.client_id,
        scope: state.scope,
        expires_at: ends.map(Timestamp::micros),
        ..Principal::new(Presented::ApiKey, id, tenant_id)
    }))
}
