//! A lock by an administrator, which nothing but its end or an administrator opens, and the end of all locks.

use pgrx::prelude::*;
use serde_json::json;

use crate::identity::login::failures;
use crate::identity::user;
use crate::kernel::outcome::{Mistake, OrRaise, given};
use crate::kernel::value::argument;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::kernel::value::inet::Inet;
use crate::trail::{self, Context, Event};

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn user_lock(
    user_id: Option<pgrx::Uuid>,
    until: default!(Option<TimestampWithTimeZone>, "NULL"),
    reason: default!(Option<&str>, "NULL"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> bool {
    let context = Context { ip, user_agent };
    let until = until.map(Timestamp::from);
    lock(clock::now(), user_id.map(Id::from), until, reason, &context).or_raise()
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn user_unlock(
    user_id: Option<pgrx::Uuid>,
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> bool {
    unlock(clock::now(), user_id.map(Id::from), &Context { ip, user_agent }).or_raise()
}

fn lock(
    now: Timestamp,
    user_id: Option<Id>,
    until: Option<Timestamp>,
    reason: Option<&str>,
    context: &Context<'_>,
) -> Result<bool, Mistake> {
    let id = given(user_id, "user_id")?;
    let until = until.unwrap_or(Timestamp::from_micros(i64::MAX));
    if until <= now {
        return Err(Mistake::invalid("until", "a time that is not past, or NULL"));
    }
    let reason = argument::optional_reason(reason)?;
    let tenant_id = user::tenant_of(id)?;
    if !user::lock_out(now, id, &tenant_id, until, reason)? {
        return Err(user::UNKNOWN);
    }
    let seconds = until.is_finite().then(|| until.seconds_after(now));
    let details = json!({ "reason": reason, "locked_for": seconds });
    trail::record(
        now,
        &Event { event: "user.locked", details: Some(details), ..told(id, &tenant_id, context) },
    )?;
    Ok(true)
}

/// True where there was a lock, or a failure that was counted.
fn unlock(now: Timestamp, user_id: Option<Id>, context: &Context<'_>) -> Result<bool, Mistake> {
    let id = given(user_id, "user_id")?;
    let tenant_id = user::tenant_of(id)?;
    let unlocked = user::let_in(now, id, &tenant_id)?;
    let failures = failures::forget(id, &tenant_id)?;
    if !unlocked && failures == 0 {
        return Ok(false);
    }
    trail::record(now, &Event { event: "user.unlocked", ..told(id, &tenant_id, context) })?;
    Ok(true)
}

fn told<'a>(id: Id, tenant_id: &'a str, context: &'a Context<'a>) -> Event<'a> {
    Event { tenant_id, user_id: Some(id), context: Some(context), ..Event::default() }
}
