//! The state of a connection, and when its access token is due for a refresh.

use pgrx::prelude::*;

use crate::kernel::server::row::row;
use crate::kernel::value::clock::Timestamp;

#[pg_extern(immutable, parallel_safe)]
fn connection_status(
    at: Option<TimestampWithTimeZone>,
    refreshed_at: Option<TimestampWithTimeZone>,
    access_token_expires_at: Option<TimestampWithTimeZone>,
    failures: Option<i32>,
    revoked_at: Option<TimestampWithTimeZone>,
) -> Option<&'static str> {
    let life = Life {
        refreshed_at: refreshed_at?.into(),
        access_token_expires_at: access_token_expires_at.map(Timestamp::from),
    };
    Some(status(at?.into(), life, failures?, revoked_at.is_some()))
}

row! {
    /// The life of an access token.
    #[derive(Clone, Copy)]
    pub struct Life in connections {
        /// When the provider gave it.
        pub refreshed_at: Timestamp,
        /// Its end; None: it has none, or the end is unknown.
        pub access_token_expires_at: Option<Timestamp>,
    }
}

const MICROS_PER_DAY: i64 = 86_400_000_000;

/// When the token's last day begins, or the last tenth of its life if that is shorter: from then on it is due for a
/// refresh.
pub fn refresh_at(life: Life) -> Option<Timestamp> {
    let end = life.access_token_expires_at?;
    let margin = (end.micros_since(life.refreshed_at).max(0) / 10).min(MICROS_PER_DAY);
    Some(end.plus_micros(-margin))
}

/// The column `status`.
pub fn status(now: Timestamp, life: Life, failures: i32, revoked: bool) -> &'static str {
    if revoked {
        "revoked"
    } else if failures > 0 {
        "error"
    } else if life.access_token_expires_at.is_some_and(|end| now >= end) {
        "expired"
    } else if refresh_at(life).is_some_and(|from| now >= from) {
        "expiring"
    } else {
        "valid"
    }
}

/// Seconds until the next try of a refresh that has failed so many times in a row: 30 s, doubling to an hour.
pub fn backoff(failures: i32) -> i64 {
    let doublings = failures.clamp(1, 8) - 1;
    (30 << doublings).min(3600)
}

#[cfg(test)]
mod tests {
    use super::{Life, backoff, refresh_at, status};
    use crate::kernel::value::clock::Timestamp;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    const ENDLESS: Life = Life { refreshed_at: Timestamp::from_micros(0), access_token_expires_at: None };

    fn life(seconds: i64) -> Life {
        Life { refreshed_at: at(0), access_token_expires_at: Some(at(seconds)) }
    }

    #[test]
    fn the_last_tenth_of_a_life_is_for_refreshing_and_at_most_a_day() {
        assert!(refresh_at(life(3600)) == Some(at(3240)));
        assert!(refresh_at(life(10 * 86_400)) == Some(at(9 * 86_400)));
        assert!(refresh_at(life(60 * 86_400)) == Some(at(59 * 86_400)));
        assert!(refresh_at(life(-5)) == Some(at(-5)));
        assert!(refresh_at(ENDLESS).is_none());
    }

    #[test]
    fn a_status_follows_from_the_end_the_failures_and_the_revocation() {
        assert_eq!(status(at(3239), life(3600), 0, false), "valid");
        assert_eq!(status(at(3240), life(3600), 0, false), "expiring");
        assert_eq!(status(at(3600), life(3600), 0, false), "expired");
        assert_eq!(status(at(0), life(3600), 1, false), "error");
        assert_eq!(status(at(9999), life(3600), 1, true), "revoked");
        assert_eq!(status(at(9999), ENDLESS, 0, false), "valid");
    }

    #[test]
    fn failures_back_off_to_an_hour() {
        let waits: Vec<_> = [0, 1, 2, 3, 7, 8, 9, i32::MAX].map(backoff).to_vec();
        assert_eq!(waits, [30, 30, 60, 120, 1920, 3600, 3600, 3600]);
    }
}
