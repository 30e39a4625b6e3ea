//! Rekeying: everything sealed moves to data keys that the newest master key wraps, online, a batch at a time.

use pgrx::prelude::*;
use serde_json::json;

use crate::kernel::outcome::{Mistake, OrRaise};
use crate::kernel::server::composite::composite;
use crate::kernel::server::progress::Progress;
use crate::kernel::server::sharded;
use crate::kernel::server::spi::params;
use crate::kernel::server::state;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::trail::{self, Event};
use crate::vault::holder::{self, Holder, SealedRow};
use crate::vault::key::{self, WrappedKey};

extension_sql_file!("../../../sql/procedures/vault.sql", name = "vault", requires = [vault_rekey_batch]);

composite! {
    /// How far a rekeying has come.
    pub struct RekeyProgress = "auth_store.vault_rekey_progress" {
        pub keys_renewed: i64,
        pub keys_deleted: i64,
        pub rekeyed: i64,
        pub unreadable: i64,
        pub left_behind: i64,
        pub total: Option<i64>,
        pub after_key: Option<Id>,
        pub after: Option<Id>,
        pub done: bool,
    }
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn vault_rekey_batch(
    batch: default!(Option<i32>, 1000),
    after_key: default!(Option<pgrx::Uuid>, "NULL"),
    after: default!(Option<pgrx::Uuid>, "NULL"),
) -> RekeyProgress {
    let done = rekey_batch(clock::now(), batch, after_key.map(Id::from), after.map(Id::from)).or_raise();
    done.show(&Progress::of("vault_rekey"));
    done
}

impl RekeyProgress {
    fn show(&self, progress: &Progress) {
        if self.keys_renewed > 0 {
            progress.step("vault_keys", 1, 2);
            return;
        }
        progress.step("sealed rows", 2, 2);
        if let Some(total) = self.total {
            progress.expect(total);
        }
        progress.add(self.rekeyed + self.unreadable);
    }
}

const BATCH: i32 = 1000;
const MAX_BATCH: i32 = 10_000;
const START: Id = Id::from_bytes([0; 16]);

fn rekey_batch(
    now: Timestamp,
    batch: Option<i32>,
    after_key: Option<Id>,
    after: Option<Id>,
) -> Result<RekeyProgress, Mistake> {
    let batch = batch.unwrap_or(BATCH);
    if !(1..=MAX_BATCH).contains(&batch) {
        return Err(Mistake::invalid("batch", "1 to 10000"));
    }
    state::writable()?;
    unfenced()?;
    let mut progress = RekeyProgress { after_key, after, ..RekeyProgress::default() };
    // In a batch of their own, because no key can be made while rows with sealed values are locked.
    let stale = key::stale(batch)?;
    for key in &stale {
        key::renew(now, key)?;
        progress.keys_renewed += 1;
    }
    let keyless = key::tenants_without(batch)?;
    for tenant_id in &keyless {
        key::current(now, tenant_id)?;
        progress.keys_renewed += 1;
    }
    if !(stale.is_empty() && keyless.is_empty()) {
        return Ok(progress);
    }
    if after_key.is_none() && after.is_none() {
        let mut total = 0;
        for holder in holder::all() {
            total += holder.to_move.one(&[])?.unwrap_or(0);
        }
        progress.total = Some(total);
    }
    let mut left = batch;
    let keys = key::retired(after_key.unwrap_or(START), batch)?;
    for key in &keys {
        pgrx::check_for_interrupts!();
        left -= move_from(now, key, progress.after.unwrap_or(START), left, &mut progress)?;
        if left == 0 {
            return Ok(progress);
        }
        finish(now, key, &mut progress)?;
        progress.after_key = Some(key.id);
        progress.after = None;
    }
    progress.done = i32::try_from(keys.len()).unwrap_or(0) < batch;
    Ok(progress)
}

/// While buckets move, a retired key may be here before the rows that it opens, and rows cannot be sealed anew.
fn unfenced() -> Result<(), Mistake> {
    if sharded::is_fenced()? {
        return Err(Mistake::WrongState {
            message: "buckets are fenced here, so what the vault has sealed may be on its way".into(),
            hint: "Call vault_rekey() when the move of the buckets is over".into(),
        });
    }
    Ok(())
}

/// The rows that a key has sealed behind the id `after`, in the order of their ids and locked. Rows that others have
/// locked are being stored into, and are left for the next pass.
fn rows_of(key: &WrappedKey, after: Id, limit: i32) -> Result<Vec<(&'static Holder, SealedRow)>, Mistake> {
    let mut rows = Vec::new();
    for holder in holder::all() {
        let of_table = holder.lock.all(&params![key.id, key.tenant_id.as_str(), after, limit])?;
        rows.extend(of_table.into_iter().map(|row| (holder, row)));
    }
    rows.sort_by_key(|(_, row)| row.id);
    rows.truncate(usize::try_from(limit).unwrap_or(0));
    Ok(rows)
}

/// Moves what a retired key has sealed to the tenant's present key and returns how many rows it looked at. If that key
/// has just been replaced, the rows are left: the next batch makes another key.
fn move_from(
    now: Timestamp,
    old: &WrappedKey,
    after: Id,
    limit: i32,
    progress: &mut RekeyProgress,
) -> Result<i32, Mistake> {
    let tenant_id = old.tenant_id.as_str();
    let rows = rows_of(old, after, limit)?;
    if rows.is_empty() {
        return Ok(0);
    }
    let new = key::current_if_fresh(now, tenant_id)?;
    let Some(new) = new.filter(|new| new.id != old.id) else { return Ok(0) };
    if !key::lock_key_share(&new)? {
        return Ok(0);
    }
    let opened = old.open(now)?;
    let (mut rekeyed, mut unreadable, mut examined) = (0, 0, 0);
    for (holder, row) in &rows {
        pgrx::check_for_interrupts!();
        let moved = match &opened {
            Ok(opened) => holder.move_row(opened, &new, tenant_id, row)?.is_ok(),
            Err(_) => false,
        };
        if moved {
            rekeyed += 1;
        } else {
            unreadable += 1;
        }
        examined += 1;
        progress.after = Some(row.id);
    }
    progress.rekeyed += rekeyed;
    progress.unreadable += unreadable;
    let details = json!({
        "rows": rekeyed,
        "unreadable": unreadable,
        "from": old.id.to_string(),
        "from_master_key_id": old.master_key_id,
    });
    record(now, tenant_id, new.id, details)?;
    Ok(examined)
}

/// Deletes a retired key that nothing needs any more.
fn finish(now: Timestamp, key: &WrappedKey, progress: &mut RekeyProgress) -> Result<(), Mistake> {
    let tenant_id = key.tenant_id.as_str();
    if !key::lock_retired(key.id, tenant_id)? {
        // Somebody is storing with it.
        progress.left_behind += 1;
        return Ok(());
    }
    // A copy that locks the keys after this key was locked, or before, has its fence seen here, or the key is gone.
    unfenced()?;
    let mut left = 0;
    for holder in holder::all() {
        left += holder.count_latest.one(&params![key.id, tenant_id])?.unwrap_or(0);
    }
    if left == 0 {
        key::delete(now, key.id, tenant_id, &key.master_key_id)?;
        progress.keys_deleted += 1;
    }
    progress.left_behind += left;
    Ok(())
}

fn record(now: Timestamp, tenant_id: &str, key: Id, details: serde_json::Value) -> Result<(), Mistake> {
    let id = key.to_string();
    trail::record(
        now,
        &Event {
            event: "vault.rekeyed",
            tenant_id,
            resource_type: Some("vault_key"),
            resource_id: Some(&id),
            details: Some(details),
            ..Event::default()
        },
    )?;
    Ok(())
}
