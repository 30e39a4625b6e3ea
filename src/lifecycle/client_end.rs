//! A client's suspension and revocation, and its end with everything it has.
//!
//! Lock order: codes, the client, webhooks with their states, consents, grants and what hangs on those.

use pgrx::prelude::*;
use serde_json::{Map, json};

use crate::api_key;
use crate::kernel::outcome::{Mistake, OrRaise, given};
use crate::kernel::server::batch::Batch;
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::server::table::Table;
use crate::kernel::value::argument;
use crate::kernel::value::clock::{self, Timestamp};
use crate::lifecycle::tables;
use crate::oauth::client::registered::unused::{self, Due};
use crate::oauth::code::pushed;
use crate::oauth::{client, code, consent, device, grant};
use crate::webhook::subscription;

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn client_set_status(
    client_id: Option<&str>,
    status: Option<&str>,
    reason: default!(Option<&str>, "NULL"),
) -> bool {
    set_status(clock::now(), client_id, status, reason).or_raise();
    true
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn client_delete(client_id: Option<&str>) -> bool {
    given(client_id, "client_id").and_then(|client_id| delete(clock::now(), client_id)).or_raise();
    true
}

fn set_status(
    now: Timestamp,
    client_id: Option<&str>,
    status: Option<&str>,
    reason: Option<&str>,
) -> Result<(), Mistake> {
    let client_id = given(client_id, "client_id")?;
    let status = given(status, "status")?;
    if !client::STATUSES.contains(&status) {
        return Err(Mistake::one_of("status", &client::STATUSES));
    }
    let reason = argument::optional_reason(reason)?;
    let changed = client::store_status(now, client_id, status, reason)?;
    let Some(tenant_id) = changed else {
        return Err(match client::find(&Snapshot::writing()?, client_id)? {
            Some(_) if status != "revoked" => Mistake::WrongState {
                message: "the client is revoked, which is final".into(),
                hint: "Create a new client.".into(),
            },
            _ => client::UNKNOWN,
        });
    };
    let details = json!({ "status": status, "reason": reason });
    client::record(now, "client.status_changed", &tenant_id, client_id, details)?;
    if status == "revoked" {
        grant::revoke_by_client(now, client_id, "client_revoked", None)?;
    }
    Ok(())
}

/// The rows of a deleted client that the trail counts, and its words for them.
static TOLD: [(&Table, &str); 3] =
    [(&code::TABLE, "codes"), (&grant::TABLE, "grants"), (&api_key::TABLE, "api_keys")];

/// Deletes a client with everything it has.
pub fn delete(now: Timestamp, client_id: &str) -> Result<(), Mistake> {
    let mut gone = Map::new();
    let mut end = |table: &Table| {
        let rows = table.of_client.delete(client_id)?;
        if let Some((_, told)) = TOLD.into_iter().find(|(counted, _)| std::ptr::eq(*counted, table)) {
            gone.insert(told.to_owned(), rows.into());
        }
        Ok::<_, Mistake>(())
    };
    tables::BEFORE_CLIENTS.into_iter().try_for_each(&mut end)?;
    let tenant_id = client::lock_update(client_id)?.ok_or(client::UNKNOWN)?;
    subscription::lock_update_by_client(client_id)?;
    tables::AFTER_USERS.into_iter().try_for_each(&mut end)?;
    client::delete(client_id)?;
    client::record(now, "client.deleted", &tenant_id, client_id, gone.into())
}

/// Ends what strangers have registered and nobody has used in time, at most so many clients, and those that have ended
/// their registration themselves. A client stays to which a user has consented. Whoever holds a client is not waited
/// for: the next run comes to it.
pub fn purge_unused(now: Timestamp, size: i32) -> Result<Batch, Mistake> {
    let due = unused::due(now, size)?;
    let examined = i64::try_from(due.len()).unwrap_or(i64::MAX);
    let mut deleted = 0;
    for client in due {
        if purge(now, &client)? {
            deleted += 1;
        }
        pgrx::check_for_interrupts!();
    }
    Ok(Batch { deleted, examined, last: None })
}

/// False where the client stays for now. It is locked before its codes, which other transactions lock first: so it is
/// deleted only once it has none.
fn purge(now: Timestamp, client: &Due) -> Result<bool, Mistake> {
    let client_id = client.id.as_str();
    if !unused::lock_due(now, client_id)? {
        return Ok(false);
    }
    if !client.revoked && (grant::any_of_client(client_id)? || consent::any_of_client(client_id)?) {
        unused::keep(client_id)?;
        return Ok(false);
    }
    if code::any_of_client(client_id)?
        || pushed::any_of_client(client_id)?
        || device::any_of_client(client_id)?
    {
        return Ok(false);
    }
    delete(now, client_id)?;
    Ok(true)
}
