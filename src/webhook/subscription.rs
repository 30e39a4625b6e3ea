//! Subscriptions: the row of a webhook.

use crate::kernel::server::batch::delete_ended;
use crate::kernel::server::spi::params;
use crate::kernel::server::table::{Ended, Published, Rows, Table, delete_by};

/// The facts of the table `webhooks`. A subscription with an end ends.
pub static TABLE: Table = Table {
    name: "webhooks",
    key: &["id", "tenant_id"],
    ended: Some(Ended {
        statement: delete_ended!(sparse "auth_store.webhooks", "expires_at <= $3"),
        times: |now| Vec::from(params![now]),
    }),
    of_tenant: Rows::Deleted(delete_by!(latest "webhooks", "tenant_id")),
    of_client: Rows::Cascade,
    of_user: None,
    published: Published::TakeOver,
    restored: true,
};
