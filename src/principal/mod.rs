//! Who is behind a transaction, for the application's own row-level security: `authenticate()` finds out whose a token
//! is and holds the answer until the transaction ends; `current.rs` tells it to policies, once a statement or once a
//! row.
//!
//! Nothing is written, so all of it works in a read-only transaction and on a standby. How the answer is held, so that
//! no statement of the application can forge it, is in `kernel/server/principal.rs`.

pub mod current;

use std::ffi::CString;

use pgrx::prelude::*;
use serde::{Deserialize, Serialize};

use crate::api_key::verify::{self, ApiKeyState};
use crate::identity::session;
use crate::kernel::crypto::token_text::Kind;
use crate::kernel::outcome::{Answer, ErrorCode, Mistake, OrRaise, Refusal};
use crate::kernel::server::composite::composite;
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::server::principal as held;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::kernel::value::inet::Inet;
use crate::oauth::grant::login;
use crate::oauth::token::introspect::{self, Need};
use crate::oauth::token::standing;
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
) -> PrincipalState {
    // Whatever happens below, the one before is not kept.
    held::hold(c"");
    let now = clock::now();
    let need = Need { required_scope, resource, proof: Proof { dpop_jkt, x5t_s256 } };
    match identify(now, token, &need, ip.as_ref()).or_raise() {
        Ok(principal) => {
            principal.hold().or_raise();
            principal.into()
        }
        Err(refusal) => PrincipalState::refused(&refusal),
    }
}

/// What was presented.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Presented {
    AccessToken,
    Session,
    ApiKey,
}

/// Who is behind the transaction, and by what. Times are microseconds since 2000, ids as their bytes.
#[derive(Serialize, Deserialize)]
struct Principal {
    /// In another session's or transaction's hands it is nobody's.
    session_user: u32,
    began: i64,
    kind: Presented,
    /// Of the access token, the session or the API key.
    id: [u8; 16],
    user_id: Option<[u8; 16]>,
    client_id: Option<String>,
    tenant_id: String,
    session_id: Option<[u8; 16]>,
    scope: Option<String>,
    expires_at: Option<i64>,
    auth_time: Option<i64>,
    acr: Option<String>,
    amr: Option<Vec<String>>,
}

impl Principal {
    fn new(kind: Presented, id: Id, tenant_id: String) -> Self {
        let held::Holder { session_user, began } = held::holder();
        Self {
            session_user,
            began,
            kind,
            id: *id.bytes(),
            user_id: None,
            client_id: None,
            tenant_id,
            session_id: None,
            scope: None,
            expires_at: None,
            auth_time: None,
            acr: None,
            amr: None,
        }
    }

    /// Tells the server to keep it.
    fn hold(&self) -> Result<(), Mistake> {
        let text = serde_json::to_string(self).ok().and_then(|text| CString::new(text).ok());
        held::hold(&text.ok_or(Mistake::invalid("token", "a token whose log-in is text without NUL"))?);
        Ok(())
    }

    /// Whether what was presented still works.
    fn stands(&self, now: Timestamp) -> Result<bool, Mistake> {
        let (snapshot, id) = (Snapshot::reading(), Id::from_bytes(self.id));
        match self.kind {
            Presented::AccessToken => standing::is_active(&snapshot, now, id),
            Presented::Session => session::is_valid(now, &snapshot, id),
            Presented::ApiKey => verify::is_active(&snapshot, now, id),
        }
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
            user_id: principal.user_id.map(Id::from_bytes),
            client_id: principal.client_id,
            tenant_id: Some(principal.tenant_id),
            session_id: principal.session_id.map(Id::from_bytes),
            scope: principal.scope,
            expires_at: principal.expires_at.map(Timestamp::from_micros),
            auth_time: principal.auth_time.map(Timestamp::from_micros),
            acr: principal.acr,
            amr: principal.amr,
            error: None,
            error_description: None,
        }
    }
}

/// Whose the token is, if it is good for what is needed.
fn identify(
    now: Timestamp,
    text: Option<&str>,
    need: &Need<'_>,
    address: Option<&Inet>,
) -> Answer<Principal> {
    let snapshot = Snapshot::reading();
    let begins = |kind: Kind| text.is_some_and(|text| text.starts_with(kind.prefix()));
    if begins(Kind::AccessToken) {
        by_access_token(&snapshot, now, text, need)
    } else if begins(Kind::Session) {
        by_session(&snapshot, now, text, need)
    } else {
        by_api_key(&snapshot, now, text, need, address)
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
    let Some(state) = verdict.into_state() else { return Ok(Err(NOT_ACTIVE)) };
    let (Some(id), Some(tenant_id), Some(grant_id)) = (state.jti, state.tenant_id, state.grant_id) else {
        return Ok(Err(NOT_ACTIVE));
    };
    let Some(login) = login::find(snapshot, grant_id)? else { return Ok(Err(NOT_ACTIVE)) };
    Ok(Ok(Principal {
        user_id: state.user_id.map(|id| *id.bytes()),
        client_id: state.client_id,
        session_id: state.session_id.map(|id| *id.bytes()),
        scope: state.scope,
        expires_at: state.expires_at.map(Timestamp::micros),
        auth_time: login.auth_time.map(Timestamp::micros),
        acr: login.acr,
        amr: login.amr,
        ..Principal::new(Presented::AccessToken, id, tenant_id)
    }))
}

/// A session is the user's own log-in: it has no scope, and is good for none that is required.
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
    Ok(Ok(Principal {
        user_id: Some(*session.user_id.bytes()),
        session_id: Some(*session.id.bytes()),
        expires_at: Some(session.expires_at.min(session.idle_expires_at).micros()),
        auth_time: Some(session.id.time().micros()),
        acr: session.acr,
        amr: session.amr,
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
        user_id: state.user_id.map(|id| *id.bytes()),
        client_id: state.client_id,
        scope: state.scope,
        expires_at: ends.map(Timestamp::micros),
        ..Principal::new(Presented::ApiKey, id, tenant_id)
    }))
}
