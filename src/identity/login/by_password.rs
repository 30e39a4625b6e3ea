//! Logging in with a name and a password.
//!
//! The order: limits, the user, the hash, and then the count. The hash takes a slot and no lock, so that no attempt
//! waits for another's hash. One statement counts a failure afterwards, decides about a lock and finds one that began
//! meanwhile.
//!
//! Nobody learns from an answer whether a name is known: a user who is unknown, disabled or locked out is answered as
//! one who typed a wrong password, after the same work, with the same rows. Only who gives the right password is told
//! of a lock.
//!
//! Lock order: the user, the failures of the network and of all, the devices.

use pgrx::prelude::*;
use serde_json::json;

use crate::identity::login::attempt::{Attempt, Failure, Kind, Whom};
use crate::identity::login::devices::{self, Device, Seen};
use crate::identity::mfa;
use crate::identity::password::verify::{self, Right};
use crate::identity::policy::{self, Policy};
use crate::identity::tenant;
use crate::identity::user::name::{self, Name};
use crate::identity::user::{self, Admission, Held, names};
use crate::kernel::outcome::{ErrorCode, Mistake, OrRaise, Refusal, given};
use crate::kernel::server::composite::composite;
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::kernel::value::inet::Inet;
use crate::trail::{self, Context, Event, Flag};

composite! {
    /// What user_login() returns.
    pub struct Login = "auth_store.login" {
        pub ok: bool,
        pub user_id: Option<Id>,
        pub error: Option<&'static str>,
        pub error_description: Option<String>,
        pub locked_until: Option<Timestamp>,
        pub retry_after: Option<i32>,
        pub mfa_required: Option<bool>,
        pub email_verified: Option<bool>,
        pub must_change_password: Option<bool>,
        pub new_device: Option<bool>,
        pub device_id: Option<Id>,
        pub device_token: Option<String>,
        pub mfa_enrollment_due_at: Option<Timestamp>,
    }
    refused { error, error_description, retry_after }
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn user_login(
    email: Option<&str>,
    password: Option<&str>,
    device_token: default!(Option<&str>, "NULL"),
    remember_device: default!(Option<bool>, "false"),
    kind: default!(Option<&str>, "NULL"),
    tenant_id: default!(Option<&str>, "NULL"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> Login {
    let typed = Typed {
        name: email,
        password,
        device_token,
        remember: remember_device.unwrap_or(false),
        kind,
        tenant_id,
    };
    log_in(clock::now(), &typed, &Context { ip, user_agent }).or_raise()
}

/// The arguments of user_login().
struct Typed<'a> {
    name: Option<&'a str>,
    password: Option<&'a str>,
    device_token: Option<&'a str>,
    remember: bool,
    kind: Option<&'a str>,
    tenant_id: Option<&'a str>,
}

/// What was found under the name that was typed.
struct Found {
    tenant_id: String,
    tenant_active: bool,
    policy: Policy,
    /// What an attempt under this name is counted by.
    typed: String,
    user_id: Option<Id>,
    admission: Option<Admission>,
    device: Option<Device>,
}

/// The longest name that is told apart, in characters; no user has a longer one.
const MAX_NAME: usize = 320;

const WRONG: Refusal = Refusal::new(ErrorCode::InvalidCredentials, "the name or the password is not right");
const LOCKED: Refusal = Refusal::new(ErrorCode::AccountLocked, "an administrator has locked the user");

impl Found {
    fn under(now: Timestamp, typed: &Typed<'_>) -> Result<Self, Mistake> {
        let text = given(typed.name, "email")?;
        let kind = match typed.kind {
            Some(kind) => names::read_kind(kind)?,
            None => name::Kind::of_typed(text),
        };
        let snapshot = Snapshot::writing()?;
        let (tenant_id, tenant_active) = tenant::resolve_with_status(&snapshot, typed.tenant_id)?;
        let policy = policy::of(&Snapshot::deciding()?, &tenant_id)?;
        let name = Name::read(kind, text);
        let user_id = match &name {
            Some(name) => names::find(&snapshot, &tenant_id, name)?,
            None => None,
        };
        let admission = match user_id {
            Some(id) => user::admission(&snapshot, id)?,
            None => None,
        };
        let device = devices::known(now, &snapshot, typed.device_token, user_id)?;
        let key = name.as_ref().map_or_else(|| trail::cut(text, MAX_NAME), |name| &name.key);
        let typed = format!("{} {key}", kind.as_str());
        Ok(Self { tenant_id, tenant_active, policy, typed, user_id, admission, device })
    }

    fn attempt(&self, context: &Context<'_>) -> Attempt<'_> {
        let whom = Whom::Name(&self.typed, self.user_id);
        let device = self.device.as_ref().map(|device| device.id);
        Attempt::new(Kind::Password, &self.tenant_id, &self.policy, &whom, device, context)
    }

    fn event<'a>(&'a self, event: &'a str, context: &'a Context<'a>) -> Event<'a> {
        let (tenant_id, user_id) = (&self.tenant_id, self.user_id);
        Event { event, tenant_id, user_id, context: Some(context), ..Event::default() }
    }
}

fn log_in(now: Timestamp, typed: &Typed<'_>, context: &Context<'_>) -> Result<Login, Mistake> {
    let found = Found::under(now, typed)?;
    let attempt = found.attempt(context);
    if let Err(refusal) = attempt.begin(now)? {
        if attempt.audit_due(now)? {
            let flags = &[Flag::RateLimited];
            let event = found.event("user.login_failed", context);
            trail::record(now, &Event { error: Some(refusal.code), flags, ..event })?;
        }
        return Ok(Login::refused(&refusal));
    }
    let right = match verify::verify(now, found.user_id, typed.password.unwrap_or_default())? {
        Ok(right) => right,
        Err(busy) => return Ok(Login::refused(&busy)),
    };
    let flag = match (&right, &found.admission) {
        (_, None) => Flag::UnknownUser,
        (None, Some(_)) => Flag::WrongPassword,
        (Some(right), Some(admission)) => {
            match admit(now, &found, &attempt, admission, right, typed, context)? {
                Ok(login) => return Ok(login),
                Err(flag) => flag,
            }
        }
    };
    refuse(now, &found, attempt.fail(now)?, flag, context)
}

/// Counted, and answered as a wrong password, whatever was wrong.
fn refuse(
    now: Timestamp,
    found: &Found,
    failure: Failure,
    flag: Flag,
    context: &Context<'_>,
) -> Result<Login, Mistake> {
    let refusal = failure.refusal(now, WRONG);
    let flags: Vec<_> = std::iter::once(flag).chain(failure.flag.filter(|also| *also != flag)).collect();
    let event = Event {
        error: Some(refusal.code),
        flags: &flags,
        details: Some(failure.details(now)),
        ..found.event("user.login_failed", context)
    };
    trail::record(now, &event)?;
    Ok(Login { locked_until: failure.locked_until(), ..Login::refused(&refusal) })
}

/// What follows on the right password. The user is held first, so that a change of the status, of the password or a
/// lock that was under way has its effect. The flag says why this is no log-in, where it is to count as a failure.
fn admit(
    now: Timestamp,
    found: &Found,
    attempt: &Attempt<'_>,
    admission: &Admission,
    right: &Right,
    typed: &Typed<'_>,
    context: &Context<'_>,
) -> Result<Result<Login, Flag>, Mistake> {
    let Some(id) = found.user_id else { return Ok(Err(Flag::UnknownUser)) };
    if !(admission.is_active() && found.tenant_active) {
        return Ok(Err(Flag::InactiveUser));
    }
    if user::lock_for_login(id, &found.tenant_id, admission.place)? != Held::Active {
        return Ok(Err(Flag::InactiveUser));
    }
    let Some(admission) = user::admission(&Snapshot::latest(), id)? else {
        return Ok(Err(Flag::InactiveUser));
    };
    if !right.renew(now)? {
        return Ok(Err(Flag::WrongPassword));
    }
    let refused = |refusal: &Refusal, until: Timestamp| {
        let event = found.event("user.login_failed", context);
        let flags = &[Flag::LockedOut];
        trail::record(now, &Event { error: Some(refusal.code), flags, ..event })?;
        Ok(Ok(Login { locked_until: Some(until), ..Login::refused(refusal) }))
    };
    match attempt.pass(now)? {
        // Nothing is told any more, and the attempt counts.
        Err(lock) if lock.exhausted => return Ok(Err(Flag::LockedOut)),
        Err(lock) => return refused(&lock.refusal(now), lock.until),
        Ok(()) => {}
    }
    if let Some(until) = admission.locked_until(now) {
        let retry_after = until.is_finite().then(|| until.seconds_after(now));
        return refused(&Refusal { retry_after, ..LOCKED }, until);
    }
    welcome(now, found, id, &admission, right, typed, context).map(Ok)
}

fn welcome(
    now: Timestamp,
    found: &Found,
    id: Id,
    admission: &Admission,
    right: &Right,
    typed: &Typed<'_>,
    context: &Context<'_>,
) -> Result<Login, Mistake> {
    let seen = devices::see(now, id, &found.tenant_id, found.device.as_ref(), typed.remember, context)?;
    let demand = mfa::demand(now, id, &found.tenant_id, &found.policy, seen.trusted_until)?;
    let mfa_required = demand.is_required(now);
    let must_change = right.must_change(now, &found.policy);
    record_welcome(now, found, &seen, mfa_required, context)?;
    Ok(Login {
        ok: true,
        user_id: Some(id),
        mfa_required: Some(mfa_required),
        mfa_enrollment_due_at: demand.due_at(),
        email_verified: Some(admission.email_verified),
        must_change_password: Some(must_change),
        new_device: Some(seen.new),
        device_id: seen.id,
        device_token: seen.token.map(|token| token.text.to_string()),
        ..Login::default()
    })
}

fn record_welcome(
    now: Timestamp,
    found: &Found,
    seen: &Seen,
    mfa_required: bool,
    context: &Context<'_>,
) -> Result<(), Mistake> {
    let device = seen.id.map(|id| id.to_string());
    let flags: &[_] = if seen.new { &[Flag::NewDevice] } else { &[] };
    let resource_type = device.as_ref().map(|_| "device");
    let resource_id = device.as_deref();
    let about = |event| Event { resource_type, resource_id, flags, ..found.event(event, context) };
    let details = Some(json!({ "mfa_required": mfa_required }));
    trail::record(now, &Event { details, ..about("user.logged_in") })?;
    if seen.new {
        let details = Some(json!({ "first": seen.first }));
        trail::record(now, &Event { details, ..about("login.new_device") })?;
    }
    Ok(())
}
