//! How a webhook's receiver has answered, and what follows from it.

use crate::kernel::server::table::{Published, Rows, Table};

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
