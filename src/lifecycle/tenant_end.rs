//! A tenant's suspension, and its end with everything it has.
//!
//! Lock order: the tenant, then codes, clients, users, sessions, consents, grants and what hangs on those.

use pgrx::prelude::*;
use serde_json::json;

use crate::audit::partitions;
use crate::identity::session::revoke;
use crate::identity::{tenant, user};
use crate::kernel::outcome::{Mistake, OrRaise, given};
use crate::kernel::value::argument;
use crate::kernel::value::clock::{self, Timestamp};
use crate::oauth::code::{self, pushed};
use crate::oauth::proof::jti;
use crate::oauth::token::{self, imported};
use crate::oauth::{client, consent, device, grant};
use crate::vault::{connection, key};
use crate::{api_key, limit};

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
    if !tenant::lock_update(id)? {
        return Err(tenant::UNKNOWN);
    }
    // Codes first: whoever redeems one holds it and waits for its client. What the locked tenant, clients
    // and users are referred to by cannot grow any more.
    let mut rows = code::erase_tenant(id)?;
    rows += device::erase_tenant(id)?;
    rows += pushed::erase_tenant(id)?;
    client::lock_update_by_tenant(id)?;
    user::lock_update_by_tenant(id)?;
    rows += revoke::erase_tenant(id)?;
    rows += consent::erase_tenant(id)?;
    rows += grant::erase_tenant(id)?;
    rows += imported::erase_tenant(id)?;
    rows += token::erase_tenant(id)?;
    rows += api_key::erase_tenant(id)?;
    rows += connection::erase_tenant(id)?;
    rows += key::erase_tenant(id)?;
    rows += jti::erase_tenant(id)?;
    rows += user::erase_tenant(id)?;
    rows += client::erase_tenant(id)?;
    rows += limit::erase_tenant(id)?;
    rows += partitions::erase_tenant(id)?;
    rows += tenant::delete(id)?;
    tenant::record(now, id, "tenant.erased", Some(json!({ "rows": rows })))?;
    Ok(i64::try_from(rows).unwrap_or(i64::MAX))
}
