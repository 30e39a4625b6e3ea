//! One user acts as another: support sees what the user sees. The session says who acts, and so does every row of the
//! trail that is written in its transactions. It ends by itself, no tokens are issued in it, and it says of no log-in,
//! so that what wants a fresh one refuses it.
//!
//! Locks: the user's row, as a log-in, and the actor's, so that an end of the actor's sessions waits and finds this
//! one; in the order of their ids.

use pgrx::prelude::*;
use serde_json::json;

use crate::identity::role::{held as roles, permission};
use crate::identity::session::SessionToken;
use crate::identity::session::create;
use crate::identity::{tenant, user};
use crate::kernel::outcome::{ErrorCode, Mistake, OrRaise, Refusal, given};
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::server::settings::Setting;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::kernel::value::inet::Inet;
use crate::kernel::value::{argument, interval};
use crate::trail::{self, Context, Event};

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn user_impersonate(
    user_id: Option<pgrx::Uuid>,
    actor_id: Option<pgrx::Uuid>,
    reason: default!(Option<&str>, "NULL"),
    ttl: default!(Option<Interval>, "NULL"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> SessionToken {
    let context = Context { ip, user_agent };
    impersonate(clock::now(), user_id.map(Id::from), actor_id.map(Id::from), reason, ttl, &context).or_raise()
}

/// How long a user may act as another.
pub static TTL: Setting<i32> = Setting::seconds(
    c"auth_store.impersonation_ttl",
    3600,
    60..=86_400,
    c"How long a session of user_impersonate() lives, at most.",
    c"It is the default of the argument ttl too. Using the session does not make it longer.",
);

/// Whoever has it in the tenant of a user may act as that user; nobody acts as one who has it.
const PERMISSION: &str = "users:impersonate";

fn impersonate(
    now: Timestamp,
    user_id: Option<Id>,
    actor_id: Option<Id>,
    reason: Option<&str>,
    ttl: Option<Interval>,
    context: &Context<'_>,
) -> Result<SessionToken, Mistake> {
    let user_id = given(user_id, "user_id")?;
    let actor_id = given(actor_id, "actor_id")?;
    let reason = argument::optional_reason(reason)?;
    let longest = TTL.in_seconds();
    let accepted = "an interval from 1 second to auth_store.impersonation_ttl";
    let ttl = interval::seconds(ttl, longest, 1..=longest, "ttl", accepted)?;
    let tenant_id = user::tenant_of(user_id)?;
    if actor_id < user_id {
        hold(actor_id)?;
    }
    // The status as it is under the lock: a change of the status waits, and then finds this session.
    let active = user::lock_no_key_update(user_id, &tenant_id)?.ok_or(user::UNKNOWN)?;
    if actor_id > user_id {
        hold(actor_id)?;
    }
    let event = Event {
        event: "user.impersonated",
        tenant_id: &tenant_id,
        user_id: Some(user_id),
        actor_id: Some(actor_id),
        context: Some(context),
        ..Event::default()
    };
    // Behind the locks, which may have been waited for: a role that was taken away meanwhile is gone.
    let snapshot = Snapshot::deciding()?;
    let refused = if !(active && tenant::is_active(&snapshot, &tenant_id)?) {
        Some("the user is not active")
    } else {
        refused(now, &snapshot, user_id, actor_id, &tenant_id)?
    };
    drop(snapshot);
    if let Some(description) = refused {
        let refusal = Refusal::new(ErrorCode::AccessDenied, description);
        let details = Some(json!({ "reason": reason }));
        trail::record(now, &Event { error: Some(refusal.code), details, ..event })?;
        return Ok(SessionToken::refused(&refusal));
    }
    let (token, expires_at) = create::begin_as(now, (user_id, &tenant_id), actor_id, ttl, context)?;
    let details = Some(json!({ "reason": reason, "expires_at": expires_at.unix_seconds() }));
    trail::record(now, &Event { session_id: Some(token.id), details, ..event })?;
    Ok(SessionToken::new(&token, expires_at))
}

/// Holds the actor, if there is one whom the session's tenant pin shows.
fn hold(actor_id: Id) -> Result<(), Mistake> {
    if let Some(actor) = user::find(&Snapshot::writing()?, actor_id)? {
        user::lock_key_share(actor_id, &actor.tenant_id, actor.place_in(&actor.tenant_id))?;
    }
    Ok(())
}

/// Why the actor may not act as the user. An unknown actor may nothing.
fn refused(
    now: Timestamp,
    snapshot: &Snapshot,
    user_id: Id,
    actor_id: Id,
    tenant_id: &str,
) -> Result<Option<&'static str>, Mistake> {
    let may = |id| -> Result<bool, Mistake> {
        Ok(permission::allow(&roles::permissions(now, snapshot, id, Some(tenant_id))?, PERMISSION))
    };
    Ok(if user_id == actor_id {
        Some("nobody acts as oneself")
    } else if !may(actor_id)? {
        Some("the actor may not act as others")
    } else if may(user_id)? {
        Some("the user may act as others too")
    } else {
        None
    })
}
