//! The grants of one user: ending them, and which clients have any.
//!
//! An UPDATE cannot see a log-in that has not committed. But the foreign key of the log-in's grant has locked the
//! user's row. So a call that ends the grants of a user locks that row first: it waits for such log-ins, and then sees
//! them. Codes come before the user: a redemption holds its code while it waits for the user.

use pgrx::prelude::*;
use serde_json::json;

use crate::identity::user;
use crate::kernel::outcome::{Mistake, OrRaise, given};
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::value::argument;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::kernel::value::inet::Inet;
use crate::oauth::grant::of_user;
use crate::oauth::{client, code, device};
use crate::trail::{self, Context, Event};

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn user_grants_revoke(
    user_id: Option<pgrx::Uuid>,
    client_id: default!(Option<&str>, "NULL"),
    reason: default!(Option<&str>, "'revoked'"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> i32 {
    let now = clock::now();
    let context = Context { ip, user_agent };
    given(user_id, "user_id")
        .and_then(|user_id| {
            revoke_by_user(now, user_id.into(), client_id, argument::reason(reason)?, &context)
        })
        .or_raise()
}

/// Ends the live grants of a user, of one client or of all; returns how many.
fn revoke_by_user(
    now: Timestamp,
    user_id: Id,
    client_id: Option<&str>,
    reason: &str,
    context: &Context<'_>,
) -> Result<i32, Mistake> {
    let snapshot = Snapshot::writing()?;
    let user = user::find(&snapshot, user_id)?.ok_or(user::UNKNOWN)?;
    if let Some(client_id) = client_id {
        client::find(&snapshot, client_id)?.ok_or(client::UNKNOWN)?;
    }
    drop(snapshot);
    shut_out(now, user_id, &user.tenant_id, client_id)?;
    let count = of_user::revoke(now, user_id, client_id, reason)?;
    trail::record(
        now,
        &Event {
            event: "grants.revoked",
            tenant_id: &user.tenant_id,
            client_id,
            user_id: Some(user_id),
            context: Some(context),
            details: Some(json!({ "count": count, "reason": reason })),
            ..Event::default()
        },
    )?;
    Ok(i32::try_from(count).unwrap_or(i32::MAX))
}

/// Shuts out log-ins of the user until the end of the transaction, waits for those under way, and withdraws unredeemed
/// codes, of one client or of all. Returns how many codes.
pub fn shut_out(
    now: Timestamp,
    user_id: Id,
    tenant_id: &str,
    client_id: Option<&str>,
) -> Result<u64, Mistake> {
    let codes = code::withdraw(now, user_id, client_id)? + device::withdraw(now, user_id, client_id)?;
    user::lock_update(user_id, tenant_id)?;
    Ok(codes)
}
