//! The queue: deliveries that are ready or being sent.

use crate::kernel::server::table::{Published, Rows, Table, delete_by};

/// The facts of the table `webhook_queue`.
pub static TABLE: Table = Table {
    name: "webhook_queue",
    key: &["id", "tenant_id"],
    ended: None,
    of_tenant: Rows::Deleted(delete_by!(latest "webhook_queue", "tenant_id")),
    of_client: Rows::None,
    of_user: None,
    published: Published::TakeOver,
    restored: true,
};
