//! How long a grant is kept after its end, and with it what ends with it or as it does.

use crate::kernel::server::settings::Setting;
use crate::kernel::value::clock::Timestamp;

/// `auth_store.grant_retention`
pub static RETENTION: Setting<i32> = Setting::minutes(
    c"auth_store.grant_retention",
    30 * 24 * 60,
    0..=36_500 * 24 * 60,
    c"How long a grant is kept after its end.",
    c"Until then a late reuse of its refresh token is still recognised.",
);

/// What ended then or before is kept no longer.
pub fn cutoff(now: Timestamp) -> Timestamp {
    now.plus_seconds(-RETENTION.in_seconds())
}
