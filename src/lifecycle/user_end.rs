//! A change of a user's status, with the end of what only an active user may have.
//!
//! Lock order: codes, the user, sessions, grants in the order of their ids.

use pgrx::prelude::*;
use serde_json::json;

use crate::identity::user;
use crate::kernel::outcome::{Mistake, OrRaise, given};
use crate::kernel::value::argument;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::kernel::value::inet::Inet;
use crate::oauth::consent::access::end_access;
use crate::trail::{self, Context, Event};

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
