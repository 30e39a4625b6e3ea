//! The factors of a user, of whatever kind: the list, their names, and their end.

use pgrx::iter::SetOfIterator;
use pgrx::prelude::*;
use serde_json::{Value, json};

use crate::identity::mfa::last;
use crate::identity::passkey::manage::{self, PasskeyEntry, Removal};
use crate::identity::session::revoke;
use crate::identity::user;
use crate::kernel::outcome::{Answer, Mistake, OrRaise, Refusal, given};
use crate::kernel::server::composite::composite;
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::server::row::row;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::value::argument;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::kernel::value::inet::Inet;
use crate::trail::refused::Outcome;
use crate::trail::{self, Context, Event, Flag};

row! {
    struct Listed {
        id: Id,
        label: String,
        created_at: Timestamp,
        confirmed_at: Timestamp,
        used_at: Option<Timestamp>,
    }
}

composite! {
    /// A row of factor_list().
    pub struct FactorEntry = "auth_store.factor_entry" {
        pub factor_id: Option<Id>,
        pub kind: Option<&'static str>,
        pub label: Option<String>,
        pub created_at: Option<Timestamp>,
        pub confirmed_at: Option<Timestamp>,
        pub last_used_at: Option<Timestamp>,
    }
}

#[pg_extern(stable, parallel_safe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn factor_list(user_id: Option<pgrx::Uuid>) -> SetOfIterator<'static, FactorEntry> {
    SetOfIterator::new(given(user_id, "user_id").and_then(|user_id| list(user_id.into())).or_raise())
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn factor_rename(
    user_id: Option<pgrx::Uuid>,
    factor_id: Option<pgrx::Uuid>,
    label: Option<&str>,
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> bool {
    let run = || {
        let (user_id, factor_id) = (given(user_id, "user_id")?.into(), given(factor_id, "factor_id")?.into());
        let label = argument::line(given(label, "label")?, "label")?;
        rename(clock::now(), user_id, factor_id, label, &Context { ip, user_agent })
    };
    run().or_raise();
    true
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn factor_remove(
    user_id: Option<pgrx::Uuid>,
    factor_id: Option<pgrx::Uuid>,
    last: default!(Option<bool>, false),
    except_session_id: default!(Option<pgrx::Uuid>, "NULL"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> Outcome {
    let run = || {
        let (user_id, factor_id) = (given(user_id, "user_id")?.into(), given(factor_id, "factor_id")?.into());
        let removal = Removal { asked: last == Some(true), except_session: except_session_id.map(Id::from) };
        remove(clock::now(), user_id, factor_id, &removal, &Context { ip, user_agent })
    };
    run().or_raise().into()
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn mfa_reset(
    user_id: Option<pgrx::Uuid>,
    reason: default!(Option<&str>, "NULL"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> i32 {
    given(user_id, "user_id")
        .and_then(|user_id| reset(clock::now(), user_id.into(), reason, &Context { ip, user_agent }))
        .or_raise()
}

static LIST: Statement<Listed> = Statement::read(
    c"SELECT {columns} FROM auth_store.mfa_factors WHERE user_id = $1 AND confirmed_at IS NOT NULL",
);

/// The factors of a user, the oldest first.
fn list(user_id: Id) -> Result<Vec<FactorEntry>, Mistake> {
    let app = |Listed { id, label, created_at, confirmed_at, used_at }| FactorEntry {
        factor_id: Some(id),
        kind: Some("totp"),
        label: Some(label),
        created_at: Some(created_at),
        confirmed_at: Some(confirmed_at),
        last_used_at: used_at,
    };
    let passkey = |passkey: PasskeyEntry| FactorEntry {
        factor_id: passkey.passkey_id,
        kind: Some("passkey"),
        label: passkey.name,
        created_at: passkey.created_at,
        confirmed_at: passkey.created_at,
        last_used_at: passkey.rest.last_used_at,
    };
    let apps = LIST.all(&params![user_id])?.into_iter().map(app);
    let mut entries: Vec<_> = apps.chain(manage::list(user_id)?.into_iter().map(passkey)).collect();
    entries.sort_by_key(|entry| (entry.created_at, entry.factor_id));
    Ok(entries)
}

/// The factor of a user that the argument says does not exist.
pub const UNKNOWN: Mistake = Mistake::Unknown { what: "factor", argument: "factor_id" };

static RENAME: Statement = Statement::write(
    c"UPDATE auth_store.mfa_factors SET label = $4
       WHERE id = $1 AND tenant_id = $2 AND user_id = $3 AND confirmed_at IS NOT NULL",
);

fn rename(now: Timestamp, user_id: Id, id: Id, label: &str, context: &Context<'_>) -> Result<(), Mistake> {
    let tenant_id = user::tenant_of(user_id)?;
    if RENAME.run(&params![id, tenant_id.as_str(), user_id, label])? == 1 {
        return record(now, user_id, &tenant_id, id, Step::Renamed, context);
    }
    if manage::rename(now, user_id, id, label, context)? { Ok(()) } else { Err(UNKNOWN) }
}

static OF_USER: Statement<Id> = Statement::latest(
    c"SELECT id FROM auth_store.mfa_factors
       WHERE user_id = $1 AND tenant_id = $2 AND confirmed_at IS NOT NULL ORDER BY id FOR UPDATE",
);

static DELETE: Statement =
    Statement::write(c"DELETE FROM auth_store.mfa_factors WHERE id = $1 AND tenant_id = $2 AND user_id = $3");

static DROP_BEFORE: Statement = Statement::latest(
    c"DELETE FROM auth_store.mfa_factors
       WHERE user_id = $1 AND tenant_id = $2 AND ($3 IS NULL OR created_at < $3)",
);

/// Drops the apps of a user who is locked that were enrolled before a time, or all; returns how many.
pub fn drop_before(before: Option<Timestamp>, user_id: Id, tenant_id: &str) -> Result<u64, Mistake> {
    DROP_BEFORE.run(&params![user_id, tenant_id, before])
}

static DROP_SINCE: Statement = Statement::latest(
    c"DELETE FROM auth_store.mfa_factors
       WHERE user_id = $1 AND tenant_id = $2 AND GREATEST(created_at, confirmed_at) >= $3",
);

/// Drops the apps of a user who is locked that were enrolled or confirmed since a time; returns how many.
pub fn drop_since(since: Timestamp, user_id: Id, tenant_id: &str) -> Result<u64, Mistake> {
    DROP_SINCE.run(&params![user_id, tenant_id, since])
}

/// Removes a factor. The user's row is locked first: of two removals at once one finds its factor to be the last.
fn remove(now: Timestamp, user_id: Id, id: Id, removal: &Removal, context: &Context<'_>) -> Answer<()> {
    let tenant_id = user::tenant_of(user_id)?;
    if manage::exists(id, &tenant_id, user_id)? {
        return manage::remove(now, user_id, id, removal, context);
    }
    revoke::check_except(&Snapshot::writing()?, removal.except_session, user_id)?;
    user::lock_update(user_id, &tenant_id)?;
    let apps = OF_USER.all(&params![user_id, tenant_id.as_str()])?;
    if !apps.contains(&id) {
        return Err(UNKNOWN);
    }
    let left = last::apps(user_id, &tenant_id)? + manage::count(user_id, &tenant_id)? - 1;
    if let Err(refusal) = last::may_go(&tenant_id, left, removal.asked)? {
        record(now, user_id, &tenant_id, id, Step::Refused(&refusal), context)?;
        return Ok(Err(refusal));
    }
    let ended = last::end_with(now, user_id, &tenant_id, left, removal.except_session)?;
    DELETE.exactly_one(&params![id, tenant_id.as_str(), user_id])?;
    record(now, user_id, &tenant_id, id, Step::Removed(ended), context)?;
    Ok(Ok(()))
}

/// Removes every factor of a user who has lost them, for the help desk; returns how many there were.
fn reset(now: Timestamp, user_id: Id, reason: Option<&str>, context: &Context<'_>) -> Result<i32, Mistake> {
    let reason = argument::optional_reason(reason)?;
    let tenant_id = user::tenant_of(user_id)?;
    user::lock_update(user_id, &tenant_id)?;
    let apps = OF_USER.all(&params![user_id, tenant_id.as_str()])?;
    let ended = last::end_with(now, user_id, &tenant_id, 0, None)?;
    drop_before(None, user_id, &tenant_id)?;
    let passkeys = manage::remove_all(user_id, &tenant_id)?;
    let removed =
        apps.into_iter().map(|id| (id, "totp")).chain(passkeys.into_iter().map(|id| (id, "passkey")));
    let mut count = 0;
    for (id, kind) in removed {
        let step = Step::Reset { kind, ended: ended.clone(), reason };
        record(now, user_id, &tenant_id, id, step, context)?;
        count += 1;
    }
    Ok(count)
}

/// What became of a factor: an app, but for those that a help desk removes.
pub enum Step<'a> {
    Added,
    Renamed,
    Refused(&'a Refusal),
    /// With what ended.
    Removed(Value),
    Reset {
        kind: &'static str,
        ended: Value,
        reason: Option<&'a str>,
    },
}

/// Writes the audit row of a step with a factor.
pub fn record(
    now: Timestamp,
    user_id: Id,
    tenant_id: &str,
    id: Id,
    step: Step<'_>,
    context: &Context<'_>,
) -> Result<(), Mistake> {
    let id = id.to_string();
    let event = match step {
        Step::Added => "factor.added",
        Step::Renamed => "factor.renamed",
        Step::Refused(_) | Step::Removed(_) | Step::Reset { .. } => "factor.removed",
    };
    let flags: &[Flag] = match step {
        Step::Reset { .. } => &[Flag::FactorReset],
        _ => &[],
    };
    let error = match step {
        Step::Refused(refusal) => Some(refusal.code),
        _ => None,
    };
    let details = match step {
        Step::Added | Step::Renamed | Step::Refused(_) => json!({ "kind": "totp" }),
        Step::Removed(ended) => json!({ "kind": "totp", "ended": ended }),
        Step::Reset { kind, ended, reason } => json!({ "kind": kind, "ended": ended, "reason": reason }),
    };
    trail::record(
        now,
        &Event {
            event,
            tenant_id,
            user_id: Some(user_id),
            resource_type: Some("factor"),
            resource_id: Some(&id),
            error,
            flags,
            context: Some(context),
            details: Some(details),
            ..Event::default()
        },
    )?;
    Ok(())
}

static SKIP_STEPS: Statement = Statement::latest(
    c"WITH held AS (SELECT id, tenant_id FROM auth_store.mfa_factors
                     WHERE last_step < $1 / period ORDER BY id FOR NO KEY UPDATE)
      UPDATE auth_store.mfa_factors f SET last_step = $1 / period
        FROM held WHERE f.id = held.id AND f.tenant_id = held.tenant_id",
);

/// No code of a time step until this moment is accepted, of nobody: it may have been before.
pub fn skip_steps(until: Timestamp) -> Result<(), Mistake> {
    SKIP_STEPS.run(&params![until.unix_seconds()]).map(|_| ())
}
