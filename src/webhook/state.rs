//! How a webhook's receiver has answered, and what follows from it.

use crate::kernel::outcome::Mistake;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::server::table::{Published, Rows, Table};
use crate::kernel::value::id::Id;

/// The facts of the table `webhook_states`.
pub static TABLE: Table = Table {
    name: "webhook_states",
    key: &["webhook_id", "tenant_id"],
    ended: None,
    of_tenant: Rows::Cascade,
    of_client: Rows::None,
    of_user: None,
    published: Published::TakeOver,
    restored: true,
};

static INSERT: Statement =
    Statement::write(c"INSERT INTO auth_store.webhook_states (webhook_id, tenant_id) VALUES ($1, $2)");

/// The state of a new webhook.
pub fn insert(webhook_id: Id, tenant_id: &str) -> Result<(), Mistake> {
    INSERT.exactly_one(&params![webhook_id, tenant_id])
}

static FORGIVE: Statement = Statement::latest(
    c"UPDATE auth_store.webhook_states
         SET paused_until = NULL, open_until = NULL, failing_since = NULL, warned_at = NULL, failures_in_row = 0
       WHERE webhook_id = $1 AND tenant_id = $2",
);

/// Lets nothing follow from the failures up to now, because somebody has mended the receiver or named another.
pub fn forgive(webhook_id: Id, tenant_id: &str) -> Result<(), Mistake> {
    FORGIVE.run(&params![webhook_id, tenant_id])?;
    Ok(())
}
