//! The state of limits in an unlogged table, where the library is not preloaded. A hit is one statement that
//! decides while it holds the key's row, and goes on holding it until the caller's transaction ends.

use pgrx::prelude::*;
use sha2::{Digest, Sha256};

use crate::kernel::outcome::Mistake;
use crate::kernel::server::batch::delete_ended;
use crate::kernel::server::lookup::{Key, Lookup, Snapshot};
use crate::kernel::server::row::row;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::server::table::{Ended, Moves, Published, Rows, Table, delete_by};
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::id::Id;
use crate::limit::gcra::{Decision, PERIOD, Rate};

/// The facts of the table `rate_limits`.
/// Its ids are hashes: a pass goes over the whole table, in their order.
pub static TABLE: Table = Table {
    name: "rate_limits",
    key: &["id", "tenant_id"],
    ended: Some(Ended {
        statement: delete_ended!("auth_store.rate_limits", "expires_at <= $3"),
        times: |now| Vec::from(params![now]),
    }),
    of_tenant: Rows::Deleted(delete_by!("rate_limits", "tenant_id")),
    of_client: Rows::None,
    of_user: None,
    published: Published::Never,
    moves: Moves::Stays,
    restored: false,
};

row! {
    struct Hit {
        allowed: bool,
        expires_at: Timestamp,
    }
}

// $3 is now, $4 the latest state that leaves room for the hit, $5 the price of the hit, $6 the span. A refused hit
// costs nothing, but takes back a state that lies too far ahead because the clock went back. Whether it lies too far
// ahead is decided by the clock once the row is locked, because $3 may be from before a long wait.
static HIT: Statement<Hit> = Statement::write(
    c"INSERT INTO auth_store.rate_limits AS r (id, tenant_id, expires_at, allowed)
      VALUES ($1, $2, $3 + $5, true)
      ON CONFLICT (id, tenant_id) DO UPDATE
         SET allowed = r.expires_at <= $4,
             expires_at = CASE WHEN r.expires_at <= $4 THEN GREATEST(r.expires_at, $3) + $5
                               ELSE LEAST(r.expires_at, pg_catalog.clock_timestamp() + $6) END
      RETURNING allowed, expires_at",
);

/// Decides a hit; `cost` is at most the rate's.
pub fn hit(now: Timestamp, tenant_id: &str, key: &str, rate: Rate, cost: i32) -> Result<Decision, Mistake> {
    let latest = now.plus_micros(rate.span().saturating_sub(rate.price(cost)));
    let row = params![
        id_of(tenant_id, key),
        tenant_id,
        now,
        latest,
        interval(rate.price(cost))?,
        interval(rate.span())?,
    ];
    let decided =
        HIT.one(&row)?.map(|hit| Decision { allowed: hit.allowed, arrival: hit.expires_at.micros() });
    // Only a foreign trigger can keep the row from being written; then the state is unknown.
    Ok(decided.unwrap_or(Decision { allowed: false, arrival: now.micros() }))
}

static NOTE: Statement = Statement::write(
    c"INSERT INTO auth_store.rate_limits (id, tenant_id, expires_at, allowed) VALUES ($1, $2, $3, true)
      ON CONFLICT (id, tenant_id) DO UPDATE SET expires_at = $3, allowed = true",
);

/// Keeps a key until a time.
pub fn note(tenant_id: &str, key: &str, until: Timestamp) -> Result<(), Mistake> {
    NOTE.run(&params![id_of(tenant_id, key), tenant_id, until]).map(|_| ())
}

row! {
    struct LimitState in rate_limits {
        expires_at: Timestamp,
    }
}

static STATE: Lookup<LimitState> = Lookup::by(c"rate_limits_pkey");

/// The state of a key.
pub fn find(snapshot: &Snapshot, tenant_id: &str, key: &str) -> Result<Option<i64>, Mistake> {
    let state = STATE.find(snapshot, Key::Id(id_of(tenant_id, key)))?;
    Ok(state.map(|state| state.expires_at.micros()))
}

static DELETE: Statement<Timestamp> = Statement::write(
    c"DELETE FROM auth_store.rate_limits WHERE id = $1 AND tenant_id = $2 RETURNING expires_at",
);

/// Forgets a key and returns the state that it had.
pub fn forget(tenant_id: &str, key: &str) -> Result<Option<i64>, Mistake> {
    let state = DELETE.one(&params![id_of(tenant_id, key), tenant_id])?;
    Ok(state.map(Timestamp::micros))
}

fn id_of(tenant_id: &str, key: &str) -> Id {
    let digest = Sha256::new().chain_update(tenant_id).chain_update([0]).chain_update(key).finalize();
    let mut id = [0; 16];
    id.copy_from_slice(&digest[..16]);
    Id::from_bytes(id)
}

fn interval(micros: i64) -> Result<Interval, Mistake> {
    Interval::new(0, 0, micros).map_err(|_| Mistake::invalid("period", PERIOD))
}
