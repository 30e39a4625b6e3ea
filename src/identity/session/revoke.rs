//! Ending sessions, and with each the grants that were made in it.
//!
//! Lock order: the user, then sessions in the order of their ids, then grants in the order of their ids.

use pgrx::prelude::*;
use serde_json::json;

use crate::identity::{session, user};
use crate::kernel::outcome::{Mistake, OrRaise, given};
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::server::settings::Setting;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::value::argument;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::kernel::value::inet::Inet;
use crate::oauth::grant::of_user;
use crate::trail::{self, Context, Event};
use crate::webhook::logout;

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn session_revoke(
    session_id: Option<pgrx::Uuid>,
    reason: default!(Option<&str>, "'revoked'"),
    user_id: default!(Option<pgrx::Uuid>, "NULL"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> bool {
    let context = Context { ip, user_agent };
    revoke_one(clock::now(), session_id.map(Id::from), reason, user_id.map(Id::from), &context).or_raise()
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn user_sessions_revoke(
    user_id: Option<pgrx::Uuid>,
    except_session_id: default!(Option<pgrx::Uuid>, "NULL"),
    reason: default!(Option<&str>, "'revoked'"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> i32 {
    let except = except_session_id.map(Id::from);
    let context = Context { ip, user_agent };
    given(user_id, "user_id")
        .and_then(|user_id| revoke_by_user(clock::now(), user_id.into(), except, reason, &context))
        .or_raise()
}

/// What an end of sessions ended.
#[derive(Default)]
pub struct EndedSessions {
    /// Sessions.
    pub sessions: usize,
    /// Grants that were made in them.
    pub grants: u64,
}

// Of the user who is locked.
static REVOKE: Statement<Id> = Statement::latest(
    c"UPDATE auth_store.sessions SET revoked_at = $3, revoked_reason = $4
       WHERE id = $1 AND tenant_id = $2 AND user_id = $5 AND revoked_at IS NULL
      RETURNING id",
);

// Includes sessions that have expired and still have a row: their grants are not over. In the order of their ids: the
// end of one who acts in some of them may be under way.
static REVOKE_BY_USER: Statement<Id> = Statement::latest(
    c"WITH doomed AS (SELECT id, tenant_id FROM auth_store.sessions
                       WHERE user_id = $1 AND tenant_id = $2 AND revoked_at IS NULL AND ($5 IS NULL OR id <> $5)
                       ORDER BY id FOR NO KEY UPDATE)
      UPDATE auth_store.sessions s SET revoked_at = $3, revoked_reason = $4
        FROM doomed WHERE s.id = doomed.id AND s.tenant_id = doomed.tenant_id AND s.revoked_at IS NULL
      RETURNING s.id",
);

// The sessions of other users, in the same order.
static REVOKE_BY_ACTOR: Statement = Statement::latest(
    c"WITH acted AS (SELECT id, tenant_id FROM auth_store.sessions
                      WHERE actor_id = $1 AND revoked_at IS NULL AND expires_at > $2
                      ORDER BY id FOR NO KEY UPDATE)
      UPDATE auth_store.sessions s SET revoked_at = $2, revoked_reason = $3
        FROM acted WHERE s.id = acted.id AND s.tenant_id = acted.tenant_id AND s.revoked_at IS NULL",
);

static COUNT_LIVE: Statement<i64> = Statement::latest(
    c"SELECT count(*) FROM auth_store.sessions
       WHERE user_id = $1 AND tenant_id = $2 AND revoked_at IS NULL AND expires_at > $3 AND idle_expires_at > $3",
);

static LIVES_SINCE_BEFORE: Statement<bool> = Statement::latest(
    c"SELECT EXISTS (SELECT FROM auth_store.sessions
                      WHERE user_id = $1 AND tenant_id = $2 AND id < $3 AND revoked_at IS NULL)",
);

/// Whether a session of the user has not been ended that began before a time.
pub fn lives_since_before(at: Timestamp, user_id: Id, tenant_id: &str) -> Result<bool, Mistake> {
    Ok(LIVES_SINCE_BEFORE.one(&params![user_id, tenant_id, Id::lower_bound(at)])?.unwrap_or(true))
}

static DELETE_OF: Statement =
    Statement::latest(c"DELETE FROM auth_store.sessions WHERE user_id = $1 AND tenant_id = $2");

/// Deletes the sessions of a user who is locked, unless one of them lives; false then.
pub fn delete_ended_of(now: Timestamp, user_id: Id, tenant_id: &str) -> Result<bool, Mistake> {
    if COUNT_LIVE.one(&params![user_id, tenant_id, now])?.unwrap_or(0) > 0 {
        return Ok(false);
    }
    DELETE_OF.run(&params![user_id, tenant_id])?;
    Ok(true)
}

static REVOKE_BEFORE: Statement = Statement::latest(
    c"WITH live AS (SELECT id, tenant_id FROM auth_store.sessions
                     WHERE id < $1 AND revoked_at IS NULL AND expires_at > $2
                     ORDER BY id FOR NO KEY UPDATE)
      UPDATE auth_store.sessions s SET revoked_at = $2, revoked_reason = $3
        FROM live WHERE s.id = live.id AND s.tenant_id = live.tenant_id AND s.revoked_at IS NULL",
);

/// Ends the live sessions with an id before this one; returns how many.
pub fn end_before(now: Timestamp, before: Id, reason: &str) -> Result<u64, Mistake> {
    REVOKE_BEFORE.run(&params![before, now, reason])
}

static REVOKE_OLDEST: Statement<Id> = Statement::latest(
    c"WITH oldest AS (SELECT id, tenant_id FROM auth_store.sessions
                       WHERE user_id = $1 AND tenant_id = $2 AND revoked_at IS NULL AND expires_at > $3
                         AND idle_expires_at > $3
                       ORDER BY id DESC OFFSET $4)
      UPDATE auth_store.sessions s SET revoked_at = $3, revoked_reason = 'too_many_sessions'
        FROM oldest WHERE s.id = oldest.id AND s.tenant_id = oldest.tenant_id AND s.revoked_at IS NULL
      RETURNING s.id",
);

/// `of_user`: the user whose it must be. Another owner's is answered as unknown, without waiting for its lock.
pub fn revoke_one(
    now: Timestamp,
    id: Option<Id>,
    reason: Option<&str>,
    of_user: Option<Id>,
    context: &Context<'_>,
) -> Result<bool, Mistake> {
    let id = given(id, "session_id")?;
    let reason = argument::reason(reason)?;
    let (user_id, tenant_id) = session::owner(&Snapshot::writing()?, id)?
        .filter(|(owner, _)| argument::is_of(Some(*owner), of_user))
        .ok_or(session::UNKNOWN)?;
    user::lock_update(user_id, &tenant_id)?;
    let params = params![id, tenant_id.as_str(), now, reason, user_id];
    let sessions = REVOKE.all(&params)?;
    let ended = end_grants(now, user_id, &tenant_id, sessions)?;
    if ended.sessions == 0 {
        return Ok(false);
    }
    trail::record(
        now,
        &Event {
            event: "session.revoked",
            tenant_id: &tenant_id,
            user_id: Some(user_id),
            session_id: Some(id),
            context: Some(context),
            details: Some(json!({ "reason": reason, "grants": ended.grants })),
            ..Event::default()
        },
    )?;
    Ok(true)
}

fn revoke_by_user(
    now: Timestamp,
    user_id: Id,
    except: Option<Id>,
    reason: Option<&str>,
    context: &Context<'_>,
) -> Result<i32, Mistake> {
    let reason = argument::reason(reason)?;
    let snapshot = Snapshot::writing()?;
    let user = user::find(&snapshot, user_id)?.ok_or(user::UNKNOWN)?;
    check_except(&snapshot, except, user_id)?;
    drop(snapshot);
    let ended = end_by_user(now, user_id, &user.tenant_id, except, reason)?;
    trail::record(
        now,
        &Event {
            event: "sessions.revoked",
            tenant_id: &user.tenant_id,
            user_id: Some(user_id),
            session_id: except,
            context: Some(context),
            details: Some(json!({ "reason": reason, "count": ended.sessions, "grants": ended.grants })),
            ..Event::default()
        },
    )?;
    Ok(i32::try_from(ended.sessions).unwrap_or(i32::MAX))
}

/// The argument except_session_id, which must name a session of the user.
pub fn check_except(snapshot: &Snapshot, except: Option<Id>, user_id: Id) -> Result<(), Mistake> {
    let Some(except) = except else { return Ok(()) };
    session::owner(snapshot, except)?
        .filter(|(owner, _)| *owner == user_id)
        .ok_or(Mistake::Unknown { what: "session", argument: "except_session_id" })?;
    Ok(())
}

/// Ends the sessions of a user, except one, with their grants, and those in which the user acts as another: these have
/// no grants. The caller writes the audit row.
pub fn end_by_user(
    now: Timestamp,
    user_id: Id,
    tenant_id: &str,
    except: Option<Id>,
    reason: &str,
) -> Result<EndedSessions, Mistake> {
    user::lock_update(user_id, tenant_id)?;
    let sessions = REVOKE_BY_USER.all(&params![user_id, tenant_id, now, reason, except])?;
    let acted = REVOKE_BY_ACTOR.run(&params![user_id, now, reason])?;
    let ended = end_grants(now, user_id, tenant_id, sessions)?;
    let sessions = ended.sessions.saturating_add(usize::try_from(acted).unwrap_or(usize::MAX));
    Ok(EndedSessions { sessions, ..ended })
}

/// How many sessions of one user live at the same time.
pub static MAX_PER_USER: Setting<i32> = Setting::number(
    c"auth_store.max_sessions_per_user",
    50,
    0..=1_000_000,
    c"How many sessions of one user live at the same time.",
    c"A further log-in ends the oldest. 0: any number.",
);

/// Ends the oldest sessions of a user, so that one more is within the cap. The user's row must be locked by
/// [`user::lock_for_session`]: no other session is made meanwhile.
pub fn make_room(now: Timestamp, user_id: Id, tenant_id: &str) -> Result<EndedSessions, Mistake> {
    let cap = i64::from(MAX_PER_USER.get());
    if cap == 0 {
        return Ok(EndedSessions::default());
    }
    let live = COUNT_LIVE.one(&params![user_id, tenant_id, now])?.unwrap_or(0);
    if live < cap {
        return Ok(EndedSessions::default());
    }
    user::lock_update(user_id, tenant_id)?;
    let sessions = REVOKE_OLDEST.all(&params![user_id, tenant_id, now, cap - 1])?;
    end_grants(now, user_id, tenant_id, sessions)
}

/// Ends the grants of ended sessions, and tells the clients that want to know.
fn end_grants(
    now: Timestamp,
    user_id: Id,
    tenant_id: &str,
    sessions: Vec<Id>,
) -> Result<EndedSessions, Mistake> {
    if sessions.is_empty() {
        return Ok(EndedSessions::default());
    }
    let count = sessions.len();
    let ended = of_user::revoke_by_sessions(now, user_id, sessions, "session_ended")?;
    let grants = u64::try_from(ended.len()).unwrap_or(u64::MAX);
    logout::announce(now, tenant_id, user_id, ended)?;
    Ok(EndedSessions { sessions: count, grants })
}
