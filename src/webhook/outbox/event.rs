//! Events: what has happened, as it is sent.

use crate::kernel::server::batch::delete_ended;
use crate::kernel::server::settings::Setting;
use crate::kernel::server::spi::params;
use crate::kernel::server::table::{By, Ended, OfUser, Published, Rows, Table, delete_by, exported};
use crate::kernel::value::id::Id;

const DAY: i32 = 24 * 60;

/// How long events and the log of attempts are kept.
pub static RETENTION: Setting<i32> = Setting::minutes(
    c"auth_store.webhook_retention",
    30 * DAY,
    7 * DAY..=36_500 * DAY,
    c"How long events of webhooks and the log of their attempts are kept.",
    c"Cleanup deletes older events, and drops months of the log that ended before.",
);

/// The facts of the table `webhook_events`. An event ends with the retention, by the time in its id.
pub static TABLE: Table = Table {
    name: "webhook_events",
    key: &["id", "tenant_id"],
    ended: Some(Ended {
        statement: delete_ended!("auth_store.webhook_events", "id < $3"),
        times: |now| {
            let oldest = now.plus_seconds(-RETENTION.in_seconds());
            Vec::from(params![Id::lower_bound(oldest)])
        },
    }),
    of_tenant: Rows::Deleted(delete_by!(latest "webhook_events", "tenant_id")),
    of_client: Rows::None,
    of_user: Some(OfUser {
        by: By::User,
        erased: Some(delete_by!(latest "webhook_events", "user_id")),
        exported: exported!(
            "webhook_events",
            "user_id = $1",
            "id, user_id, test, tenant_id, event_type, event_id, body",
            withheld ""
        ),
    }),
    published: Published::TakeOver,
    restored: true,
};
