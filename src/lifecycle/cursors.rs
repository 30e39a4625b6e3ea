//! How far cleanup has come in each table: a file of its own, because cleanup needs the list of all tables.

use crate::kernel::server::table::{Published, Rows, Table};

/// The facts of the table `cleanup_cursors`.
pub static TABLE: Table = Table {
    name: "cleanup_cursors",
    key: &["task"],
    ended: None,
    of_tenant: Rows::None,
    of_client: Rows::None,
    of_user: None,
    published: Published::Never,
    restored: true,
};
