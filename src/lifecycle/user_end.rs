//! The end of what a user has: by a change of the status, which ends what only an active user may have, and in one call
//! for all of it.
//!
//! Lock order: codes, the user, sessions, grants, API keys, connections, each in the order of their ids.

use pgrx::prelude::*;
use serde_json::json;

use crate::api_key::revoke::revoke_by_user;
use crate::identity::one_time;
use crate::identity::user;
use crate::kernel::outcome::{Mistake, OrRaise, given};
use crate::kernel::server::composite::composite;
use crate::kernel::value::argument;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::kernel::value::inet::Inet;
use crate::oauth::consent::access::{Ended, actors, end_access, end_grants, end_sessions};
use crate::trail::{self, Context, Event};
use crate::vault::connection::end::revoke_by_actors;

composite! {
    /// How many things of a user have ended.
    pub struct UserEnded = "auth_store.user_ended" {
        pub codes: i32,
        pub sessions: i32,
        pub grants: i32,
        pub api_keys: i32,
        pub connections: i32,
    }
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn user_set_status(
    user_id: Option<pgrx::Uuid>,
    status: Option<&str>,
    reason: default!(Option<&str>, "NULL"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> bool {
    let context = Context { ip, user_agent };
    set_status(clock::now(), user_id.map(Id::from), status, reason, &context).or_raise();
    true
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn user_end(
    user_id: Option<pgrx::Uuid>,
    what: default!(Option<Vec<Option<String>>>, "NULL"),
    reason: default!(Option<&str>, "'revoked'"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> UserEnded {
    end(clock::now(), user_id.map(Id::from), what, reason, &Context { ip, user_agent }).or_raise()
}

/// Ends sessions and grants with any status but active. So a refresh, which finds its grant over, need not look at the
/// user: that would cost a look-up by index each time. API keys stay, because each use of one looks at the user.
fn set_status(
    now: Timestamp,
    user_id: Option<Id>,
    status: Option<&str>,
    reason: Option<&str>,
    context: &Context<'_>,
) -> Result<(), Mistake> {
    let id = given(user_id, "user_id")?;
    let status = given(status, "status")?;
    user::check_status(status)?;
    let reason = argument::optional_reason(reason)?;
    let tenant_id = user::tenant_of(id)?;
    let mut details = json!({ "status": status, "reason": reason });
    if status == "active" {
        user::lock_update(id, &tenant_id)?;
    } else {
        let ended_by = format!("user_{status}");
        details["ended"] = end_access(now, id, &tenant_id, None, &ended_by)?.details();
        one_time::end_all(id, &tenant_id)?;
    }
    if !user::store_status(now, id, &tenant_id, status, reason)? {
        return Err(user::UNKNOWN);
    }
    trail::record(
        now,
        &Event {
            event: "user.status_changed",
            tenant_id: &tenant_id,
            user_id: Some(id),
            details: Some(details),
            context: Some(context),
            ..Event::default()
        },
    )?;
    Ok(())
}

/// What a user has and user_end() ends.
const THINGS: [&str; 4] = ["sessions", "grants", "api_keys", "connections"];

fn end(
    now: Timestamp,
    user_id: Option<Id>,
    what: Option<Vec<Option<String>>>,
    reason: Option<&str>,
    context: &Context<'_>,
) -> Result<UserEnded, Mistake> {
    let id = given(user_id, "user_id")?;
    let what = argument::list(what, "what")?;
    if what.as_ref().is_some_and(|what| what.iter().any(|thing| !THINGS.contains(&thing.as_str()))) {
        return Err(Mistake::one_of("what", &THINGS));
    }
    let wanted = |thing: &str| what.as_ref().is_none_or(|what| what.iter().any(|wanted| wanted == thing));
    let reason = argument::reason(reason)?;
    let tenant_id = user::tenant_of(id)?;
    let access = match (wanted("sessions"), wanted("grants")) {
        (true, true) => end_access(now, id, &tenant_id, None, reason)?,
        (true, false) => end_sessions(now, id, &tenant_id, reason)?,
        (false, true) => end_grants(now, id, &tenant_id, reason)?,
        (false, false) => {
            user::lock_update(id, &tenant_id)?;
            Ended::default()
        }
    };
    if wanted("sessions") {
        one_time::end_all(id, &tenant_id)?;
    }
    let api_keys = if wanted("api_keys") { revoke_by_user(now, id, &tenant_id, reason)? } else { 0 };
    let connections = if wanted("connections") {
        revoke_by_actors(now, &tenant_id, actors(id, &tenant_id)?, reason)?
    } else {
        0
    };
    let mut ended = access.details();
    ended["api_keys"] = api_keys.into();
    ended["connections"] = connections.into();
    trail::record(
        now,
        &Event {
            event: "user.ended",
            tenant_id: &tenant_id,
            user_id: Some(id),
            details: Some(json!({ "what": what, "reason": reason, "ended": ended })),
            context: Some(context),
            ..Event::default()
        },
    )?;
    let count = |count: u64| i32::try_from(count).unwrap_or(i32::MAX);
    Ok(UserEnded {
        codes: count(access.codes),
        sessions: count(access.sessions),
        grants: count(access.grants),
        api_keys: count(api_keys),
        connections: count(connections),
    })
}
