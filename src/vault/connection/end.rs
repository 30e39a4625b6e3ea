//! The end of a connection: its tokens are deleted, or the whole row.

use pgrx::prelude::*;
use serde_json::json;

use crate::kernel::outcome::{Mistake, OrRaise, given};
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::value::argument;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::kernel::value::inet::Inet;
use crate::trail::{Context, Event};
use crate::vault::connection::account::Owner;
use crate::vault::connection::{Connection, lock_no_key_update, tenant_of_owned};

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn connection_revoke(
    connection_id: Option<pgrx::Uuid>,
    reason: default!(Option<&str>, "NULL"),
    actor_id: default!(Option<&str>, "NULL"),
    actor_type: default!(Option<&str>, "NULL"),
    tenant_id: default!(Option<&str>, "NULL"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> bool {
    let of = Named { id: connection_id.map(Id::from), actor_id, actor_type, tenant_id };
    revoke(clock::now(), &of, reason, &Context { ip, user_agent }).or_raise()
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn connection_delete(
    connection_id: Option<pgrx::Uuid>,
    actor_id: default!(Option<&str>, "NULL"),
    actor_type: default!(Option<&str>, "NULL"),
    tenant_id: default!(Option<&str>, "NULL"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> bool {
    let of = Named { id: connection_id.map(Id::from), actor_id, actor_type, tenant_id };
    delete(clock::now(), &of, &Context { ip, user_agent }).or_raise();
    true
}

/// A connection by its id, and the owner that it must have.
struct Named<'a> {
    id: Option<Id>,
    actor_id: Option<&'a str>,
    actor_type: Option<&'a str>,
    tenant_id: Option<&'a str>,
}

const UNKNOWN: Mistake = Mistake::Unknown { what: "connection", argument: "connection_id" };

/// Locks the connection that an argument names; 23503 if there is none, or if it is another owner's, without waiting
/// for its lock. The owner never changes.
fn lock_named(named: &Named<'_>) -> Result<Connection, Mistake> {
    let id = given(named.id, "connection_id")?;
    let snapshot = Snapshot::writing()?;
    let owner = Owner::check(&snapshot, named.actor_id, named.actor_type, named.tenant_id)?;
    let tenant_id = tenant_of_owned(&snapshot, id, owner.as_ref())?.ok_or(UNKNOWN)?;
    drop(snapshot);
    lock_no_key_update(id, &tenant_id)?.ok_or(UNKNOWN)
}

static REVOKE: Statement = Statement::write(
    c"UPDATE auth_store.connections
         SET access_token = NULL, refresh_token = NULL, refresh_at = NULL, leased_until = NULL,
             revoked_at = $3, revoked_reason = $4
       WHERE id = $1 AND tenant_id = $2",
);

fn revoke(
    now: Timestamp,
    named: &Named<'_>,
    reason: Option<&str>,
    context: &Context<'_>,
) -> Result<bool, Mistake> {
    let reason = argument::optional_reason(reason)?;
    let there = lock_named(named)?;
    if there.revoked_at.is_some() {
        return Ok(false);
    }
    REVOKE.run(&params![there.id, there.tenant_id.as_str(), now, reason])?;
    let details = Some(json!({ "reason": reason }));
    let context = Some(context);
    there.record(now, Event { event: "connection.revoked", context, details, ..Event::default() })?;
    Ok(true)
}

// In the order of the ids, so that two of these never wait for each other in a circle.
static REVOKE_BY_ACTORS: Statement = Statement::latest(
    c"WITH live AS (SELECT id, tenant_id FROM auth_store.connections
                     WHERE tenant_id = $1 AND (actor_type, actor_id) IN (SELECT * FROM unnest($2, $3))
                       AND revoked_at IS NULL
                     ORDER BY id FOR NO KEY UPDATE)
      UPDATE auth_store.connections c
         SET access_token = NULL, refresh_token = NULL, refresh_at = NULL, leased_until = NULL,
             revoked_at = $4, revoked_reason = $5
        FROM live WHERE c.id = live.id AND c.tenant_id = live.tenant_id AND c.revoked_at IS NULL",
);

/// Revokes the connections of these actors, each a type and an id; returns how many. The caller writes the audit row.
pub fn revoke_by_actors(
    now: Timestamp,
    tenant_id: &str,
    actors: Vec<(&'static str, String)>,
    reason: &str,
) -> Result<u64, Mistake> {
    let (types, ids): (Vec<_>, Vec<_>) = actors.into_iter().unzip();
    REVOKE_BY_ACTORS.run(&params![tenant_id, types, ids, now, reason])
}

static DELETE: Statement =
    Statement::write(c"DELETE FROM auth_store.connections WHERE id = $1 AND tenant_id = $2");

fn delete(now: Timestamp, named: &Named<'_>, context: &Context<'_>) -> Result<(), Mistake> {
    let there = lock_named(named)?;
    DELETE.run(&params![there.id, there.tenant_id.as_str()])?;
    there.record(now, Event { event: "connection.deleted", context: Some(context), ..Event::default() })
}
