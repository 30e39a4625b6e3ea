//! By what an event finds the webhooks that may want it.

use crate::kernel::server::table::{Published, Rows, Table};

/// The facts of the table `webhook_routes`.
pub static TABLE: Table = Table {
    name: "webhook_routes",
    key: &["tenant_id", "pattern", "member", "value", "webhook_id"],
    ended: None,
    of_tenant: Rows::Cascade,
    of_client: Rows::None,
    of_user: None,
    published: Published::TakeOver,
    restored: true,
};
