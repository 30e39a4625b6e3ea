//! The keys that deliveries are signed with.

use crate::kernel::server::batch::delete_ended;
use crate::kernel::server::spi::params;
use crate::kernel::server::table::{Ended, Published, Rows, Table};
use crate::vault::holder::{Holder, holder};

/// The facts of the table `webhook_secrets`. A key that a rotation replaced ends.
pub static TABLE: Table = Table {
    name: "webhook_secrets",
    key: &["id", "tenant_id"],
    ended: Some(Ended {
        statement: delete_ended!("auth_store.webhook_secrets", "expires_at <= $3"),
        times: |now| Vec::from(params![now]),
    }),
    of_tenant: Rows::Cascade,
    of_client: Rows::None,
    of_user: None,
    published: Published::TakeOver,
    restored: true,
};

/// The sealed values of the table `webhook_secrets`.
pub static HOLDER: Holder = holder!("webhook_secrets", "webhook secret", "secret");
