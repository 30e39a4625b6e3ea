//! For which tenants the steps of the store itself are events.

use crate::kernel::server::table::{Published, Rows, Table, delete_by};

/// The facts of the table `webhook_switches`.
pub static TABLE: Table = Table {
    name: "webhook_switches",
    key: &["tenant_id"],
    ended: None,
    of_tenant: Rows::Deleted(delete_by!(latest "webhook_switches", "tenant_id")),
    of_client: Rows::None,
    of_user: None,
    published: Published::TakeOver,
    restored: true,
};
