//! Rekeying: everything sealed moves to data keys that the newest master key wraps, online, a batch at a time.

use pgrx::prelude::*;
use serde_json::json;

use crate::kernel::outcome::{Mistake, OrRaise};
use crate::kernel::server::composite::composite;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::server::state;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::trail::{self, Event};
use crate::vault::connection::{ACCESS_TOKEN, REFRESH_TOKEN, Sealed};
use crate::vault::key::{self, DataKey, Unreadable, WrappedKey};

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
    rekey_batch(clock::now(), batch, after_key.map(Id::from), after.map(Id::from)).or_raise()
}

const BATCH: i32 = 1000;
const MAX_BATCH: i32 = 10_000;
const START: Id = Id::from_bytes([0; 16]);

static TOTAL: Statement<i64> = Statement::write(
    c"SELECT count(*) FROM auth_store.connections c
       WHERE EXISTS (SELECT FROM auth_store.vault_keys k
                      WHERE k.id = c.key_id AND k.tenant_id = c.tenant_id AND k.retired_at IS NOT NULL)",
);

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
    let mut progress = RekeyProgress { after_key, after, ..RekeyProgress::default() };
    // In a batch of their own, because no key can be made while connections are locked.
    let stale = key::stale(batch)?;
    for key in &stale {
        key::renew(now, key)?;
        progress.keys_renewed += 1;
    }
    if !stale.is_empty() {
        return Ok(progress);
    }
    if after_key.is_none() && after.is_none() {
        progress.total = TOTAL.one(&[])?;
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

// A locked connection is being stored into; it is left for the next pass.
static OF_KEY: Statement<Sealed> = Statement::write(
    c"SELECT {columns} FROM auth_store.connections
       WHERE key_id = $1 AND tenant_id = $2 AND id > $3 ORDER BY id LIMIT $4
         FOR NO KEY UPDATE SKIP LOCKED",
);

static RESEAL: Statement = Statement::write(
    c"UPDATE auth_store.connections SET key_id = $3, access_token = $4, refresh_token = $5
       WHERE id = $1 AND tenant_id = $2",
);

/// Moves connections of a retired key to the tenant's present one and returns how many it looked at. If that key has
/// just been replaced, the connections are left: the next batch makes another key.
fn move_from(
    now: Timestamp,
    old: &WrappedKey,
    after: Id,
    limit: i32,
    progress: &mut RekeyProgress,
) -> Result<i32, Mistake> {
    let tenant_id = old.tenant_id.as_str();
    let rows = OF_KEY.all(&params![old.id, tenant_id, after, limit])?;
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
    for row in &rows {
        pgrx::check_for_interrupts!();
        match opened.as_ref().ok().map(|opened| reseal(opened, &new, row)) {
            Some(Ok((access_token, refresh_token))) => {
                RESEAL.run(&params![row.id, tenant_id, new.id, access_token, refresh_token])?;
                rekeyed += 1;
            }
            Some(Err(Failed::Mistake(mistake))) => return Err(mistake),
            Some(Err(Failed::Unreadable)) | None => unreadable += 1,
        }
        examined += 1;
        progress.after = Some(row.id);
    }
    progress.rekeyed += rekeyed;
    progress.unreadable += unreadable;
    let details = json!({
        "connections": rekeyed,
        "unreadable": unreadable,
        "from": old.id.to_string(),
        "from_master_key_id": old.master_key_id,
    });
    record(now, tenant_id, new.id, details)?;
    Ok(examined)
}

enum Failed {
    Unreadable,
    Mistake(Mistake),
}

impl From<Unreadable> for Failed {
    fn from(_: Unreadable) -> Self {
        Self::Unreadable
    }
}

impl From<Mistake> for Failed {
    fn from(mistake: Mistake) -> Self {
        Self::Mistake(mistake)
    }
}

type SealedTokens = (Option<Vec<u8>>, Option<Vec<u8>>);

fn reseal(old: &DataKey, new: &DataKey, row: &Sealed) -> Result<SealedTokens, Failed> {
    let mut moved = (None, None);
    for (column, from, to) in
        [(ACCESS_TOKEN, &row.access_token, &mut moved.0), (REFRESH_TOKEN, &row.refresh_token, &mut moved.1)]
    {
        if let Some(sealed) = from {
            *to = Some(column.seal(new, row.id, &column.open(old, row.id, sealed)?)?);
        }
    }
    Ok(moved)
}

static COUNT: Statement<i64> =
    Statement::latest(c"SELECT count(*) FROM auth_store.connections WHERE key_id = $1 AND tenant_id = $2");

/// Deletes a retired key that nothing needs any more.
fn finish(now: Timestamp, key: &WrappedKey, progress: &mut RekeyProgress) -> Result<(), Mistake> {
    let tenant_id = key.tenant_id.as_str();
    if !key::lock_retired(key.id, tenant_id)? {
        // Somebody is storing with it.
        progress.left_behind += 1;
        return Ok(());
    }
    match COUNT.one(&params![key.id, tenant_id])? {
        Some(0) => {
            key::delete(now, key.id, tenant_id, &key.master_key_id)?;
            progress.keys_deleted += 1;
        }
        left => progress.left_behind += left.unwrap_or(0),
    }
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
