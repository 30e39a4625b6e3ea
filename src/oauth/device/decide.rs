//! The page where the user types the user code, sees who asks for what, and decides (RFC 8628 section 3.3).

use pgrx::prelude::*;

use crate::identity::user::{self, User};
use crate::identity::{session, tenant};
use crate::kernel::outcome::{Answer, ErrorCode, Mistake, OrRaise, Refusal, given};
use crate::kernel::server::composite::composite;
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::server::sharded::SHARDED;
use crate::kernel::value::argument;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::kernel::value::inet::Inet;
use crate::kernel::value::jsonb::Jsonb;
use crate::oauth::client;
use crate::oauth::code::request::MAX_PARAMETER;
use crate::oauth::device::user_code::UserCode;
use crate::oauth::device::{self, Approval, DeviceCode, guesses};
use crate::rfc::scope;
use crate::trail::refused::Outcome;
use crate::trail::refused::Refused;
use crate::trail::{self, Context, Event, Flag};

composite! {
    /// What the user is asked to agree to.
    pub struct DeviceRequest = "auth_store.device_request" {
        pub client_id: Option<String>,
        pub client_name: Option<String>,
        pub scope: Option<String>,
        pub resource: Option<Vec<String>>,
        pub status: Option<&'static str>,
        pub expires_at: Option<Timestamp>,
        pub error: Option<&'static str>,
        pub error_description: Option<String>,
        pub retry_after: Option<i32>,
    }
    refused { error, error_description, retry_after }
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn device_lookup(
    user_code: Option<&str>,
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
    tenant_id: default!(Option<&str>, "NULL"),
) -> DeviceRequest {
    look_up(clock::now(), user_code, tenant_id, &Context { ip, user_agent }).or_raise()
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn device_approve(
    user_code: Option<&str>,
    user_id: Option<pgrx::Uuid>,
    session_id: default!(Option<pgrx::Uuid>, "NULL"),
    scope: default!(Option<&str>, "NULL"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
    auth_time: default!(Option<TimestampWithTimeZone>, "NULL"),
    acr: default!(Option<&str>, "NULL"),
    amr: default!(Option<Vec<Option<String>>>, "NULL"),
    claims: default!(Option<Jsonb>, "NULL"),
) -> Outcome {
    let now = clock::now();
    let context = Context { ip, user_agent };
    let consent = ApproveRequest {
        session_id: session_id.map(Id::from),
        scope,
        auth_time: auth_time.map(Timestamp::from),
        acr,
        amr,
        claims,
    };
    approve(now, user_code, user_id.map(Id::from), consent, &context).or_raise()
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn device_approve_elsewhere(
    user_code: Option<&str>,
    user_id: Option<pgrx::Uuid>,
    session_id: default!(Option<pgrx::Uuid>, "NULL"),
    scope: default!(Option<&str>, "NULL"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
    auth_time: default!(Option<TimestampWithTimeZone>, "NULL"),
    acr: default!(Option<&str>, "NULL"),
    amr: default!(Option<Vec<Option<String>>>, "NULL"),
    claims: default!(Option<Jsonb>, "NULL"),
    tenant_id: default!(Option<&str>, "NULL"),
) -> Outcome {
    let now = clock::now();
    let context = Context { ip, user_agent };
    let consent = ApproveRequest {
        session_id: session_id.map(Id::from),
        scope,
        auth_time: auth_time.map(Timestamp::from),
        acr,
        amr,
        claims,
    };
    let approve = || {
        let user_id = given(user_id, "user_id")?.into();
        let snapshot = Snapshot::writing()?;
        let tenant_id = tenant::resolve(&snapshot, tenant_id)?;
        user::check_tenant_of_any(&snapshot, user_id, &tenant_id)?;
        drop(snapshot);
        approve_as(now, user_code, Agreeing { user_id, tenant_id: &tenant_id, user: None }, consent, &context)
    };
    approve().or_raise()
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn device_deny(
    user_code: Option<&str>,
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
    tenant_id: default!(Option<&str>, "NULL"),
) -> Outcome {
    deny(clock::now(), user_code, tenant_id, &Context { ip, user_agent }).or_raise()
}

/// What the user agreed to, and the log-in it came with.
struct ApproveRequest<'a> {
    session_id: Option<Id>,
    scope: Option<&'a str>,
    auth_time: Option<Timestamp>,
    acr: Option<&'a str>,
    amr: Option<Vec<Option<String>>>,
    claims: Option<Jsonb>,
}

/// The request that a user code leads to. Counts a wrong code, and records the step.
pub fn look_up(
    now: Timestamp,
    text: Option<&str>,
    tenant_id: Option<&str>,
    context: &Context<'_>,
) -> Result<DeviceRequest, Mistake> {
    let snapshot = Snapshot::deciding()?;
    let tenant_id = tenant::resolve(&snapshot, tenant_id)?;
    let entered = enter(now, &snapshot, text, &tenant_id, context)?;
    let step = Step { event: "device.looked_up", tenant_id: &tenant_id, user_id: None, session_id: None };
    let answer = match &entered {
        Ok(code) => DeviceRequest {
            client_name: client::name(&snapshot, &code.client_id)?,
            client_id: Some(code.client_id.clone()),
            scope: Some(code.scope.clone()),
            resource: code.resources.clone(),
            status: Some("pending"),
            expires_at: Some(code.expires_at),
            ..DeviceRequest::default()
        },
        Err(unusable) => {
            DeviceRequest { status: unusable.status, ..DeviceRequest::refused(&unusable.refused.refusal) }
        }
    };
    drop(snapshot);
    step.record(now, entered.as_ref(), context)?;
    Ok(answer)
}

fn approve(
    now: Timestamp,
    text: Option<&str>,
    user_id: Option<Id>,
    consent: ApproveRequest<'_>,
    context: &Context<'_>,
) -> Result<Outcome, Mistake> {
    let user_id = given(user_id, "user_id")?;
    let snapshot = Snapshot::writing()?;
    let user = snapshot.newest(|snapshot| user::find(snapshot, user_id))?.ok_or(user::UNKNOWN)?;
    drop(snapshot);
    let agreeing = Agreeing { user_id, tenant_id: &user.tenant_id, user: Some(&user) };
    approve_as(now, text, agreeing, consent, context)
}

/// Who agrees. No user: one of another shard, whose account and session the application has looked at there.
struct Agreeing<'a> {
    user_id: Id,
    tenant_id: &'a str,
    user: Option<&'a User>,
}

fn approve_as(
    now: Timestamp,
    text: Option<&str>,
    Agreeing { user_id, tenant_id, user }: Agreeing<'_>,
    consent: ApproveRequest<'_>,
    context: &Context<'_>,
) -> Result<Outcome, Mistake> {
    argument::object(consent.claims.as_ref(), "claims")?;
    let auth_time = argument::finite(consent.auth_time, "auth_time")?;
    let amr = argument::texts(consent.amr, "amr")?;
    let snapshot = Snapshot::writing()?;
    let entered = enter(now, &snapshot, text, tenant_id, context)?;
    drop(snapshot);
    let newest = Snapshot::deciding()?;
    let usable = match &entered {
        Ok(code) => client::is_usable(&newest, &code.client_id)?,
        Err(_) => false,
    };
    let in_session = match user {
        Some(_) => session::allows(now, &newest, consent.session_id, user_id)?,
        None => true,
    };
    drop(newest);
    let step =
        Step { event: "device.approved", tenant_id, user_id: Some(user_id), session_id: consent.session_id };
    let code = match entered {
        Ok(code) => code,
        Err(unusable) => return step.refuse(now, None, unusable, context),
    };
    let user = Approver { active: user.is_none_or(User::is_active), in_session };
    let scope = match decide_approve(&code, usable, &user, consent.scope, consent.acr) {
        Ok(scope) => scope,
        Err(refused) => return step.refuse(now, Some(&code), refused.into(), context),
    };
    let approval = Approval {
        user_id,
        session_id: consent.session_id,
        scope: &scope,
        auth_time,
        acr: consent.acr,
        amr,
        claims: consent.claims,
    };
    if !device::approve(now, &code, approval)? {
        return step.refuse(now, Some(&code), DECIDED.refused(), context);
    }
    guesses::know(now, step.tenant_id, context)?;
    step.record(now, Ok(&code), context)?;
    Ok(Outcome::default())
}

/// The user who approves; refused if the account is not active or the named session has ended.
struct Approver {
    active: bool,
    in_session: bool,
}

fn decide_approve(
    code: &DeviceCode,
    usable: bool,
    user: &Approver,
    requested_scope: Option<&str>,
    acr: Option<&str>,
) -> Result<String, Refused> {
    let refuse = |code, description, flags| Err(Refused { refusal: Refusal::new(code, description), flags });
    if !usable {
        return refuse(ErrorCode::UnauthorizedClient, "the client is not active", &[Flag::InactiveClient]);
    }
    if !user.active {
        return refuse(ErrorCode::AccessDenied, "the user is not active", &[Flag::InactiveUser]);
    }
    if !user.in_session {
        return refuse(ErrorCode::AccessDenied, "the session has ended", &[Flag::EndedSession]);
    }
    if acr.is_some_and(|acr| acr.len() > MAX_PARAMETER) {
        return refuse(ErrorCode::InvalidRequest, "acr has at most 2048 bytes", &[]);
    }
    scope::granted(requested_scope, &code.scope)
        .map_err(|refusal| Refused { refusal, flags: &[Flag::ScopeWidening] })
}

fn deny(
    now: Timestamp,
    text: Option<&str>,
    tenant_id: Option<&str>,
    context: &Context<'_>,
) -> Result<Outcome, Mistake> {
    let snapshot = Snapshot::writing()?;
    let tenant_id = tenant::resolve(&snapshot, tenant_id)?;
    let entered = enter(now, &snapshot, text, &tenant_id, context)?;
    drop(snapshot);
    let step = Step { event: "device.denied", tenant_id: &tenant_id, user_id: None, session_id: None };
    let code = match entered {
        Ok(code) => code,
        Err(unusable) => return step.refuse(now, None, unusable, context),
    };
    if !device::deny(now, &code)? {
        return step.refuse(now, Some(&code), DECIDED.refused(), context);
    }
    step.record(now, Ok(&code), context)?;
    Ok(Outcome::default())
}

/// A user code that leads to no pending request.
struct RefusedDecision {
    refused: Refused,
    status: Option<&'static str>,
    /// Whether to write an audit row.
    is_told: bool,
}

impl From<Refused> for RefusedDecision {
    fn from(refused: Refused) -> Self {
        Self { refused, status: None, is_told: true }
    }
}

/// A state that a request does not leave.
struct Final {
    code: ErrorCode,
    description: &'static str,
    status: Option<&'static str>,
    flags: &'static [Flag],
}

const DECIDED: Final = Final {
    code: ErrorCode::InvalidGrant,
    description: "the request was decided a moment ago",
    status: None,
    flags: &[Flag::CodeRetry],
};
const APPROVED: Final = Final {
    code: ErrorCode::InvalidGrant,
    description: "the request was approved before",
    status: Some("approved"),
    flags: &[Flag::CodeRetry],
};
const DENIED: Final = Final {
    code: ErrorCode::InvalidGrant,
    description: "the request was denied before",
    status: Some("denied"),
    flags: &[Flag::CodeRetry],
};
const EXPIRED: Final = Final {
    code: ErrorCode::ExpiredToken,
    description: "the user code has expired",
    status: Some("expired"),
    flags: &[Flag::ExpiredToken],
};

impl Final {
    fn refused(&self) -> RefusedDecision {
        let refused = Refused { refusal: Refusal::new(self.code, self.description), flags: self.flags };
        RefusedDecision { status: self.status, ..refused.into() }
    }
}

/// The pending request that a user code leads to. Counts a wrong code; over the cap the call is refused before it looks
/// for the code.
fn enter(
    now: Timestamp,
    snapshot: &Snapshot,
    text: Option<&str>,
    tenant_id: &str,
    context: &Context<'_>,
) -> Answer<DeviceCode, RefusedDecision> {
    const WRONG: Refusal = Refusal::new(ErrorCode::InvalidGrant, "the user code is not valid");
    // A text that cannot be a code is a typing error and does not count as a guess.
    let Some(user_code) = UserCode::parse(text, SHARDED.get()) else {
        return Ok(Err(Refused { refusal: WRONG, flags: &[] }.into()));
    };
    if let Some(wait) = guesses::wait(now, tenant_id, context)? {
        let refusal = Refusal::over_limit("too many wrong user codes", wait);
        let is_told = guesses::audit_due(now, tenant_id, context)?;
        let refused = Refused { refusal, flags: &[Flag::RateLimited] };
        return Ok(Err(RefusedDecision { refused, status: None, is_told }));
    }
    let Some(code) = device::find_by_user_code(snapshot, &user_code.digest(tenant_id))? else {
        guesses::count(now, tenant_id, context)?;
        return Ok(Err(Refused { refusal: WRONG, flags: &[Flag::UnknownToken] }.into()));
    };
    Ok(if code.approved_at.is_some() {
        Err(APPROVED.refused())
    } else if code.denied_at.is_some() {
        Err(DENIED.refused())
    } else if now >= code.expires_at {
        Err(EXPIRED.refused())
    } else {
        Ok(code)
    })
}

/// A step of the user's.
struct Step<'a> {
    event: &'a str,
    tenant_id: &'a str,
    user_id: Option<Id>,
    session_id: Option<Id>,
}

impl Step<'_> {
    fn refuse(
        &self,
        now: Timestamp,
        code: Option<&DeviceCode>,
        unusable: RefusedDecision,
        context: &Context<'_>,
    ) -> Result<Outcome, Mistake> {
        if unusable.is_told {
            let event = self.row(code, context);
            let refused = &unusable.refused;
            trail::record(now, &Event { error: Some(refused.refusal.code), flags: refused.flags, ..event })?;
        }
        Ok(Outcome::refused(&unusable.refused.refusal))
    }

    fn record(
        &self,
        now: Timestamp,
        entered: Result<&DeviceCode, &RefusedDecision>,
        context: &Context<'_>,
    ) -> Result<(), Mistake> {
        let event = match entered {
            Ok(code) => self.row(Some(code), context),
            Err(unusable) if unusable.is_told => Event {
                error: Some(unusable.refused.refusal.code),
                flags: unusable.refused.flags,
                ..self.row(None, context)
            },
            Err(_) => return Ok(()),
        };
        trail::record(now, &event)?;
        Ok(())
    }

    fn row<'b>(&'b self, code: Option<&'b DeviceCode>, context: &'b Context<'b>) -> Event<'b> {
        Event {
            event: self.event,
            tenant_id: self.tenant_id,
            client_id: code.map(|code| code.client_id.as_str()),
            user_id: self.user_id,
            session_id: self.session_id,
            context: Some(context),
            ..Event::default()
        }
    }
}
