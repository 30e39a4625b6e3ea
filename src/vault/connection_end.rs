//! The end of a connection: its tokens go, or all of it.

use pgrx::prelude::*;
use serde_json::json;

use super::connection::{Connection, lock, record, tenant_of};
use crate::kernel::argument;
use crate::kernel::clock::{self, Timestamp};
use crate::kernel::id::Id;
use crate::kernel::lookup::View;
use crate::kernel::outcome::{Mistake, OrRaise, given};
use crate::kernel::spi::Statement;
use crate::params;

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn connection_revoke(connection_id: Option<pgrx::Uuid>, reason: default!(Option<&str>, "NULL")) -> bool {
    revoke(clock::now(), connection_id.map(Id::from), reason).or_raise()
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn connection_delete(connection_id: Option<pgrx::Uuid>) {
    delete(clock::now(), connection_id.map(Id::from)).or_raise();
}

const UNKNOWN: Mistake = Mistake::Unknown { what: "connection", argument: "connection_id" };

/// Locks the connection that an argument names; 23503 where there is none.
fn lock_named(id: Option<Id>) -> Result<Connection, Mistake> {
    let id = given(id, "connection_id")?;
    let tenant_id = tenant_of(&View::writing()?, id)?.ok_or(UNKNOWN)?;
    lock(id, &tenant_id)?.ok_or(UNKNOWN)
}

static REVOKE: Statement = Statement::write(
    c"UPDATE auth_store.connections
         SET access_token = NULL, refresh_token = NULL, refresh_at = NULL, leased_until = NULL,
             revoked_at = $3, revoked_reason = $4
       WHERE id = $1 AND tenant_id = $2",
);

fn revoke(now: Timestamp, id: Option<Id>, reason: Option<&str>) -> Result<bool, Mistake> {
    let reason = argument::optional_reason(reason)?;
    let there = lock_named(id)?;
    if there.revoked {
        return Ok(false);
    }
    REVOKE.run(&params![there.id, there.tenant_id.as_str(), now, reason])?;
    let details = json!({ "reason": reason });
    record(now, "connection.revoked", &there.tenant_id, there.id, &there.actor(), details)?;
    Ok(true)
}

static DELETE: Statement =
    Statement::write(c"DELETE FROM auth_store.connections WHERE id = $1 AND tenant_id = $2");

fn delete(now: Timestamp, id: Option<Id>) -> Result<(), Mistake> {
    let there = lock_named(id)?;
    DELETE.run(&params![there.id, there.tenant_id.as_str()])?;
    record(now, "connection.deleted", &there.tenant_id, there.id, &there.actor(), json!({}))
}
