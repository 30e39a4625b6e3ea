//! For which values the vault's keys are needed, and which values do not open: after a restore, before an old key goes.

use std::collections::BTreeMap;

use pgrx::iter::SetOfIterator;
use pgrx::prelude::*;

use crate::kernel::outcome::{Mistake, OrRaise};
use crate::kernel::server::composite::composite;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::vault::connection::{ACCESS_TOKEN, REFRESH_TOKEN, Sealed};
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
    }
}

#[pg_extern(stable, parallel_safe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn vault_check() -> SetOfIterator<'static, VaultState> {
    SetOfIterator::new(check(clock::now()).or_raise())
}

const PAGE: i32 = 1000;
const START: Id = Id::from_bytes([0; 16]);

#[derive(Default)]
struct Needed {
    data_keys: i64,
    connections: i64,
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
            let connections = look_into(now, key, &mut unreadable)?;
            let needed = needed.entry(key.master_key_id.clone()).or_default();
            needed.data_keys += 1;
            needed.connections += connections;
        }
        match keys.last() {
            Some(last) => after = last.id,
            None => break,
        }
    }
    let mut states: Vec<_> = names
        .iter()
        .rev()
        .enumerate()
        .map(|(n, name)| {
            let needed = needed.remove(name).unwrap_or_default();
            let state = match (n, needed.data_keys) {
                (0, _) => "seals",
                (_, 0) => "not needed",
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
    }
}

static COUNT: Statement<i64> =
    Statement::read(c"SELECT count(*) FROM auth_store.connections WHERE key_id = $1 AND tenant_id = $2");

/// How many connections a data key has sealed; adds to the findings those that it does not open, or the key itself.
fn look_into(now: Timestamp, key: &WrappedKey, unreadable: &mut Vec<VaultState>) -> Result<i64, Mistake> {
    let why = match key.open(now)? {
        Ok(opened) => return look_through(&opened, &key.tenant_id, unreadable),
        Err(Unreadable::NoMasterKey(_)) => "its master key is missing",
        Err(_) => "does not open with its master key",
    };
    let count = COUNT.one(&params![key.id, key.tenant_id.as_str()])?;
    unreadable.push(VaultState {
        kind: Some("data key"),
        id: Some(key.id.to_string()),
        tenant_id: Some(key.tenant_id.clone()),
        state: Some(why.into()),
        readable: false,
        data_keys: None,
        connections: count,
    });
    Ok(count.unwrap_or(0))
}

static OF_KEY: Statement<Sealed> = Statement::read(
    c"SELECT {columns} FROM auth_store.connections
       WHERE key_id = $1 AND tenant_id = $2 AND id > $3 ORDER BY id LIMIT $4",
);

fn look_through(key: &DataKey, tenant_id: &str, unreadable: &mut Vec<VaultState>) -> Result<i64, Mistake> {
    let (mut count, mut after) = (0, START);
    loop {
        let rows = OF_KEY.all(&params![key.id, tenant_id, after, PAGE])?;
        for row in &rows {
            pgrx::check_for_interrupts!();
            for (column, sealed) in [(ACCESS_TOKEN, &row.access_token), (REFRESH_TOKEN, &row.refresh_token)] {
                let opens = |sealed: &Vec<u8>| column.open(key, row.id, sealed).is_ok();
                if !sealed.as_ref().is_none_or(opens) {
                    unreadable.push(VaultState {
                        kind: Some("connection"),
                        id: Some(row.id.to_string()),
                        tenant_id: Some(tenant_id.into()),
                        state: Some(format!("{} does not open", column.0)),
                        readable: false,
                        data_keys: None,
                        connections: Some(1),
                    });
                }
            }
            count += 1;
            after = row.id;
        }
        if rows.is_empty() {
            return Ok(count);
        }
    }
}
