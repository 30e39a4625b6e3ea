//! The types of events.

use crate::kernel::server::table::{Published, Rows, Table};

/// The facts of the table `webhook_event_types`.
pub static TABLE: Table = Table {
    name: "webhook_event_types",
    key: &["name"],
    ended: None,
    of_tenant: Rows::None,
    of_client: Rows::None,
    of_user: None,
    published: Published::TakeOver,
    restored: true,
};
