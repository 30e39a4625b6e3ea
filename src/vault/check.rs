//! For which values the vault's keys are needed, and which values do not open: after a restore, before an old key goes.

use std::collections::BTreeMap;

use pgrx::iter::SetOfIterator;
use pgrx::prelude::*;

use crate::kernel::outcome::{Mistake, OrRaise};
use crate::kernel::server::composite::composite;
use crate::kernel::server::spi::params;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::vault::connection;
use crate::vault::holder::{self, Holder};
use crate::vault::key::{self, DataKey, Unreadable, WrappedKey, master};

composite! {
    /// A key of the vault, or what does not open.
    pub struct VaultState = "auth_store.vault_state" {
        pub kind: Option<&'static str>,
        pub id: Option<String>,
        pub tenant_id: Option<String>,
        pub state: Option<String>,
        pub readable: bool,
        pub data_keys: Option<i64>,
        pub connections: Option<i64>,
        pub sealed_rows: Option<i64>,
    }
}

#[pg_extern(stable, parallel_safe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn vault_check() -> SetOfIterator<'static, VaultState> {
    SetOfIterator::new(check(clock::now()).or_raise())
}

const PAGE: i32 = 1000;
const START: Id = Id::from_bytes([0; 16]);

/// What depends on a key.
#[derive(Default, Clone, Copy)]
struct Needed {
    data_keys: i64,
    connections: i64,
    /// Rows of any table, connections too, and passwords with a pepper of the key.
    sealed_rows: i64,
}

impl Needed {
    fn add(&mut self, holder: &Holder, rows: i64) {
        self.sealed_rows += rows;
        if std::ptr::eq(holder, &connection::HOLDER) {
            self.connections += rows;
        }
    }
}

fn check(now: Timestamp) -> Result<Vec<VaultState>, Mistake> {
    let names = master::names()?;
    let mut needed: BTreeMap<String, Needed> = BTreeMap::new();
    let mut unreadable = Vec::new();
    let mut after = START;
    loop {
        let keys = key::after(after, PAGE)?;
        for key in &keys {
            pgrx::check_for_interrupts!();
            let of_key = look_into(now, key, &mut unreadable)?;
            let needed = needed.entry(key.master_key_id.clone()).or_default();
            needed.data_keys += 1;
            needed.connections += of_key.connections;
            needed.sealed_rows += of_key.sealed_rows;
        }
        match keys.last() {
            Some(last) => after = last.id,
            None => break,
        }
    }
    for statement in holder::derived() {
        for derived in statement.all(&[])? {
            needed.entry(derived.master_key_id).or_default().sealed_rows += derived.rows;
        }
    }
    let mut states: Vec<_> = names
        .iter()
        .rev()
        .enumerate()
        .map(|(n, name)| {
            let needed = needed.remove(name).unwrap_or_default();
            let state = match (n, needed.data_keys, needed.sealed_rows) {
                (0, _, _) => "seals",
                (_, 0, 0) => "not needed",
                _ => "needed",
            };
            master(name, state, true, &needed)
        })
        .collect();
    states.extend(needed.iter().map(|(name, needed)| master(name, "missing", false, needed)));
    states.append(&mut unreadable);
    Ok(states)
}

fn master(name: &str, state: &str, readable: bool, needed: &Needed) -> VaultState {
    VaultState {
        kind: Some("master key"),
        id: Some(name.into()),
        tenant_id: None,
        state: Some(state.into()),
        readable,
        data_keys: Some(needed.data_keys),
        connections: Some(needed.connections),
        sealed_rows: Some(needed.sealed_rows),
    }
}

/// What a data key has sealed; adds to the findings what it does not open, or the key itself.
fn look_into(now: Timestamp, key: &WrappedKey, unreadable: &mut Vec<VaultState>) -> Result<Needed, Mistake> {
    let mut needed = Needed::default();
    let why = match key.open(now)? {
        Ok(opened) => {
            for holder in holder::all() {
                needed.add(holder, look_through(holder, &opened, &key.tenant_id, unreadable)?);
            }
            return Ok(needed);
        }
        Err(Unreadable::NoMasterKey(_)) => "its master key is missing",
        Err(_) => "does not open with its master key",
    };
    for holder in holder::all() {
        needed.add(holder, holder.count.one(&params![key.id, key.tenant_id.as_str()])?.unwrap_or(0));
    }
    unreadable.push(VaultState {
        kind: Some("data key"),
        id: Some(key.id.to_string()),
        tenant_id: Some(key.tenant_id.clone()),
        state: Some(why.into()),
        readable: false,
        data_keys: None,
        connections: Some(needed.connections),
        sealed_rows: Some(needed.sealed_rows),
    });
    Ok(needed)
}

/// The number of rows of a table that a data key has sealed; adds to the findings the values that it does not open.
fn look_through(
    holder: &Holder,
    key: &DataKey,
    tenant_id: &str,
    unreadable: &mut Vec<VaultState>,
) -> Result<i64, Mistake> {
    let (mut count, mut after) = (0, START);
    loop {
        let rows = holder.page.all(&params![key.id, tenant_id, after, PAGE])?;
        for row in &rows {
            pgrx::check_for_interrupts!();
            let mut found = Needed::default();
            found.add(holder, 1);
            for column in holder.unreadable(key, row) {
                unreadable.push(VaultState {
                    kind: Some(holder.kind),
                    id: Some(row.id.to_string()),
                    tenant_id: Some(tenant_id.into()),
                    state: Some(format!("{column} does not open")),
                    readable: false,
                    data_keys: None,
                    connections: Some(found.connections),
                    sealed_rows: Some(found.sealed_rows),
                });
            }
            count += 1;
            after = row.id;
        }
        if rows.is_empty() {
            return Ok(count);
        }
    }
}
