//! A tenant's suspension, and its end with everything it has.
//!
//! Lock order: the tenant, the cursor of the counting, then codes, clients, users, webhooks with their states, the
//! segments of the trail, sessions, consents, grants and what hangs on those.

use pgrx::prelude::*;
use serde_json::json;

use crate::api_key;
use crate::audit::seal::erased;
use crate::identity::{tenant, user};
use crate::kernel::outcome::{Mistake, OrRaise, given};
use crate::kernel::server::progress::Progress;
use crate::kernel::server::table::Table;
use crate::kernel::value::argument;
use crate::kernel::value::clock::{self, Timestamp};
use crate::lifecycle::{cursors, tables};
use crate::oauth::client;
use crate::webhook::subscription;

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn tenant_set_status(id: Option<&str>, status: Option<&str>, reason: default!(Option<&str>, "NULL")) -> bool {
    set_status(clock::now(), id, status, reason).or_raise();
    true
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn tenant_erase(id: Option<&str>, confirm: Option<&str>) -> i64 {
    erase(clock::now(), id, confirm).or_raise()
}

fn set_status(
    now: Timestamp,
    id: Option<&str>,
    status: Option<&str>,
    reason: Option<&str>,
) -> Result<(), Mistake> {
    let id = given(id, "id")?;
    let status = given(status, "status")?;
    let suspended = match status {
        "active" => false,
        "suspended" => true,
        _ => return Err(Mistake::invalid("status", "active, suspended")),
    };
    let reason = argument::optional_reason(reason)?;
    tenant::store_status(now, id, status, reason)?;
    client::set_tenant_suspended(id, suspended)?;
    api_key::set_tenant_suspended(id, suspended)?;
    tenant::record(now, id, "tenant.status_changed", Some(json!({ "status": status, "reason": reason })))
}

/// The tables that may have rows of a tenant.
const STEPS: usize = tables::BEFORE_CLIENTS.len() + tables::AFTER_USERS.len();

/// Deletes a tenant with all it has and returns the number of rows.
fn erase(now: Timestamp, id: Option<&str>, confirm: Option<&str>) -> Result<i64, Mistake> {
    let id = given(id, "id")?;
    if given(confirm, "confirm")? != id {
        return Err(Mistake::invalid("confirm", "the tenant's id once more"));
    }
    if id == tenant::DEFAULT {
        return Err(Mistake::WrongState {
            message: "the default tenant cannot be erased".into(),
            hint: "SELECT auth_store.uninstall(confirm => pg_catalog.current_database())".into(),
        });
    }
    let progress = Progress::begin("tenant_erase", Some(id));
    if !tenant::lock_update(id)? {
        return Err(tenant::UNKNOWN);
    }
    cursors::stop_counting()?;
    // No new row can refer to the locked tenant, clients and users.
    let mut rows = 0;
    let mut step = 0;
    let mut delete = |table: &Table| -> Result<(), Mistake> {
        step += 1;
        progress.step(table.name, step, STEPS);
        let deleted = table.of_tenant.delete(id)?;
        progress.add(i64::try_from(deleted).unwrap_or(i64::MAX));
        rows += deleted;
        Ok(())
    };
    tables::BEFORE_CLIENTS.into_iter().try_for_each(&mut delete)?;
    client::lock_update_by_tenant(id)?;
    user::lock_update_by_tenant(id)?;
    subscription::lock_update_by_tenant(id)?;
    let (sealed, erasures) = erased::remove(id)?;
    tables::AFTER_USERS.into_iter().try_for_each(delete)?;
    rows += tenant::delete(id)?;
    let mut details = json!({ "rows": rows });
    if !sealed.is_empty() {
        details["sealed"] = sealed.told();
    }
    if let Some(erasures) = erasures.told() {
        details["erasures"] = erasures;
    }
    tenant::record(now, id, "tenant.erased", Some(details))?;
    Ok(i64::try_from(rows).unwrap_or(i64::MAX))
}
