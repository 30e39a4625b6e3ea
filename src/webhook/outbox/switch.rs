//! For which tenants the steps of the store itself are events.

use crate::kernel::outcome::Mistake;
use crate::kernel::server::lookup::{Key, Lookup, Snapshot};
use crate::kernel::server::row::row;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::server::table::{Moves, Published, Rows, Table, delete_by};
use crate::kernel::value::clock::Timestamp;
use crate::webhook::outbox::CHANGED;

/// The facts of the table `webhook_switches`.
pub static TABLE: Table = Table {
    name: "webhook_switches",
    key: &["tenant_id"],
    ended: None,
    of_tenant: Rows::Deleted(delete_by!(latest "webhook_switches", "tenant_id")),
    of_client: Rows::None,
    of_user: None,
    published: Published::TakeOver,
    moves: Moves::Shared,
    restored: true,
};

row! {
    struct Switch in webhook_switches {
        own_events: bool,
    }
}

static SWITCH: Lookup<Switch> = Lookup::by(c"webhook_switches_pkey");

/// Whether the store's own steps of the tenant are events.
pub fn own_events(snapshot: &Snapshot, tenant_id: &str) -> Result<bool, Mistake> {
    Ok(SWITCH.find(snapshot, Key::Text(tenant_id))?.is_some_and(|switch| switch.own_events))
}

static SET: Statement = Statement::write(
    c"INSERT INTO auth_store.webhook_switches (tenant_id, own_events, changed_at) VALUES ($1, $2, $3)
      ON CONFLICT (tenant_id) DO UPDATE SET own_events = excluded.own_events, changed_at = excluded.changed_at",
);

/// Switches the store's own events of the tenant, whose row is held.
pub fn set(now: Timestamp, tenant_id: &str, own_events: bool) -> Result<(), Mistake> {
    CHANGED.send()?;
    SET.exactly_one(&params![tenant_id, own_events, now])
}
