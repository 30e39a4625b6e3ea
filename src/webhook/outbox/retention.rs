//! How long events, their deliveries and the log are kept.

use crate::kernel::server::settings::Setting;
use crate::kernel::value::clock::Timestamp;

const DAY: i32 = 24 * 60;

/// How long events and the log of attempts are kept.
pub static RETENTION: Setting<i32> = Setting::minutes(
    c"auth_store.webhook_retention",
    30 * DAY,
    7 * DAY..=36_500 * DAY,
    c"How long events of webhooks and the log of their attempts are kept.",
    c"Cleanup deletes older events, and drops months of the log that ended before.",
);

/// Events from this time on are kept, and their deliveries. A time and no id, because a unit test that walks the tables
/// would need the server to link the id as a parameter.
pub fn oldest(now: Timestamp) -> Timestamp {
    now.plus_seconds(-RETENTION.in_seconds())
}

/// When a delivery in this table ends: with the retention, and with its webhook or its event, since nothing is sent to
/// the one or of the other any more.
macro_rules! delivery_ended {
    ($table:literal) => {
        concat!(
            "auth_store.id_time(id) < $3
             OR NOT EXISTS (SELECT FROM auth_store.webhooks w
                             WHERE w.id = ",
            $table,
            ".webhook_id AND w.tenant_id = ",
            $table,
            ".tenant_id)
             OR NOT EXISTS (SELECT FROM auth_store.webhook_events e
                             WHERE e.id = ",
            $table,
            ".event_id AND e.tenant_id = ",
            $table,
            ".tenant_id)"
        )
    };
}

pub(crate) use delivery_ended;
