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
