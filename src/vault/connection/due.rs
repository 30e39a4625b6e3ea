//! Which connections are to be refreshed, for a worker.

use std::collections::HashMap;

use pgrx::iter::SetOfIterator;
use pgrx::prelude::*;

use crate::identity::tenant;
use crate::kernel::outcome::{Mistake, OrRaise};
use crate::kernel::server::composite::composite;
use crate::kernel::server::lookup::View;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::kernel::value::jsonb::Jsonb;

composite! {
    /// A connection whose refresh is due.
    pub struct DueConnection = "auth_store.due_connection" {
        pub connection_id: Option<Id>,
        pub tenant_id: Option<String>,
        pub provider: Option<String>,
        pub actor_type: Option<String>,
        pub actor_id: Option<String>,
        pub scope: Option<String>,
        pub access_token_expires_at: Option<Timestamp>,
        pub failures: Option<i32>,
        pub metadata: Option<Jsonb>,
    }
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn connections_due(max_connections: default!(Option<i32>, 100)) -> SetOfIterator<'static, DueConnection> {
    SetOfIterator::new(due(clock::now(), max_connections).or_raise())
}

const CONNECTIONS: i32 = 100;
const MAX_CONNECTIONS: i32 = 10_000;

// Who holds a row is about to lease it, or has just had it.
static DUE: Statement = Statement::write(
    c"SELECT id, tenant_id, provider, actor_type, actor_id, scope, access_token_expires_at, failures, metadata, refresh_at
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
    let view = View::writing()?;
    let wanted = usize::try_from(max).unwrap_or(0);
    let mut active = HashMap::new();
    let mut found = Vec::new();
    let mut last = (Timestamp::from_micros(i64::MIN), Id::from_bytes([0; 16]));
    while found.len() < wanted {
        let page = DUE.all(&params![now, last.0, last.1, max], |row| {
            let refresh_at = row.get::<Timestamp>(9)?;
            let connection = DueConnection {
                connection_id: row.get(0),
                tenant_id: row.get(1),
                provider: row.get(2),
                actor_type: row.get(3),
                actor_id: row.get(4),
                scope: row.get(5),
                access_token_expires_at: row.get(6),
                failures: row.get(7),
                metadata: row.get(8),
            };
            Some((refresh_at, connection))
        })?;
        let is_last = page.len() < wanted;
        for (refresh_at, connection) in page.into_iter().flatten() {
            let (Some(id), Some(tenant_id)) = (connection.connection_id, connection.tenant_id.clone()) else {
                continue;
            };
            last = (refresh_at, id);
            // Nothing is done for a suspended tenant.
            let active = match active.get(&tenant_id) {
                Some(active) => *active,
                None => {
                    let is_active = tenant::is_active(&view, &tenant_id)?;
                    active.insert(tenant_id, is_active);
                    is_active
                }
            };
            if active {
                found.push(connection);
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
