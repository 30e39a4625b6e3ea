//! Deliveries that failed: those that are tried again, and the dead letters.

use crate::kernel::server::table::{Published, Rows, Table, delete_by};

/// The facts of the table `webhook_retries`.
pub static TABLE: Table = Table {
    name: "webhook_retries",
    key: &["id", "tenant_id"],
    ended: None,
    of_tenant: Rows::Deleted(delete_by!(latest "webhook_retries", "tenant_id")),
    of_client: Rows::None,
    of_user: None,
    published: Published::TakeOver,
    restored: true,
};
