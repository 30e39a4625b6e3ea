//! The connections that a worker should refresh.

use std::collections::HashMap;

use pgrx::iter::SetOfIterator;
use pgrx::prelude::*;

use crate::identity::tenant;
use crate::kernel::outcome::{Mistake, OrRaise};
use crate::kernel::server::composite::composite;
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::server::row::row;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::kernel::value::jsonb::Jsonb;

composite! {
    /// A connection whose refresh is due.
    pub struct DueConnection = "auth_store.due_connection" {
        pub connection_id: Option<Id>,
        pub due: Due,
    }
}

row! {
    struct Listed in connections {
        id: Id,
        refresh_at: Option<Timestamp>,
        due: Due,
    }
}

row! {
    /// What a worker needs to know of it.
    pub struct Due in connections {
        tenant_id: String,
        provider: String,
        actor_type: String,
        actor_id: String,
        scope: Option<String>,
        access_token_expires_at: Option<Timestamp>,
        failures: i32,
        metadata: Option<Jsonb>,
    }
    returned
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn connections_due(max_connections: default!(Option<i32>, 100)) -> SetOfIterator<'static, DueConnection> {
    SetOfIterator::new(due(clock::now(), max_connections).or_raise())
}

const CONNECTIONS: i32 = 100;
const MAX_CONNECTIONS: i32 = 10_000;

// The holder of a locked row is about to lease it, or has just had it.
static DUE: Statement<Listed> = Statement::write(
    c"SELECT {columns}
        FROM auth_store.connections
       WHERE refresh_at <= $1 AND (refresh_at, id) > ($2, $3) AND (leased_until IS NULL OR leased_until <= $1)
       ORDER BY refresh_at, id LIMIT $4
         FOR NO KEY UPDATE SKIP LOCKED",
);

fn due(now: Timestamp, max: Option<i32>) -> Result<Vec<DueConnection>, Mistake> {
    let max = max.unwrap_or(CONNECTIONS);
    if !(1..=MAX_CONNECTIONS).contains(&max) {
        return Err(Mistake::invalid("max_connections", "1 to 10000"));
    }
    let snapshot = Snapshot::writing()?;
    let wanted = usize::try_from(max).unwrap_or(0);
    let mut active = HashMap::new();
    let mut found = Vec::new();
    let mut last = (Timestamp::from_micros(i64::MIN), Id::from_bytes([0; 16]));
    while found.len() < wanted {
        let page = DUE.all(&params![now, last.0, last.1, max])?;
        let is_last = page.len() < wanted;
        for Listed { id, refresh_at, due } in page {
            let Some(refresh_at) = refresh_at else { continue };
            last = (refresh_at, id);
            // Nothing is done for a suspended tenant.
            let active = match active.get(&due.tenant_id) {
                Some(active) => *active,
                None => {
                    let is_active = tenant::is_active(&snapshot, &due.tenant_id)?;
                    active.insert(due.tenant_id.clone(), is_active);
                    is_active
                }
            };
            if active {
                found.push(DueConnection { connection_id: Some(id), due });
            }
        }
        if is_last {
            break;
        }
        pgrx::check_for_interrupts!();
    }
    found.truncate(wanted);
    Ok(found)
}
