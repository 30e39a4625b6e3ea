//! When a delivery that failed is tried again.

use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::http_date;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Seconds to wait after the first attempt, the second …, and after all further ones the last. The first attempt is
/// made at once.
const DELAYS: [i64; 9] =
    [5, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, DAY];

/// When to try again after the attempt of this number. `entropy` moves it by up to a fifth of the time, so that what
/// failed at once does not come back at once.
pub fn due(now: Timestamp, attempt: i32, entropy: u32) -> Timestamp {
    let made = usize::try_from(attempt.max(1)).unwrap_or(usize::MAX).min(DELAYS.len());
    let micros = DELAYS.get(made - 1).copied().unwrap_or(DAY) * 1_000_000;
    let fifth = micros / 5;
    let moved =
        i64::try_from(i128::from(2 * fifth) * i128::from(entropy) / i128::from(u32::MAX)).unwrap_or(0);
    now.plus_micros(micros - fifth + moved)
}

/// What a header Retry-After says (RFC 9110 section 10.2.3), as seconds or as a date: from one second to a day from
/// now, whatever it says. None for a text that says nothing.
pub fn retry_after(header: &str, now: Timestamp) -> Option<Timestamp> {
    let header = header.trim();
    let digits = !header.is_empty() && header.bytes().all(|byte| byte.is_ascii_digit());
    // A number that is too large to be read is longer than a day.
    let at = if digits {
        now.plus_seconds(header.parse::<i64>().unwrap_or(DAY))
    } else {
        http_date::parse(header, now)?
    };
    Some(at.clamp(now.plus_seconds(1), now.plus_seconds(DAY)))
}

#[cfg(test)]
mod tests {
    use super::{due, retry_after};
    use crate::kernel::value::clock::Timestamp;
    use proptest::prelude::*;

    const NOW: Timestamp = Timestamp::from_micros(-162_573_023_000_000);

    fn wait(attempt: i32, entropy: u32) -> i64 {
        due(NOW, attempt, entropy).micros_since(NOW) / 1_000_000
    }

    #[test]
    fn the_waits_grow_and_spread_by_a_fifth() {
        const HALF: u32 = u32::MAX / 2 + 1;
        let waits: Vec<_> = (1..=11).map(|attempt| wait(attempt, HALF)).collect();
        let hours = |hours: i64| hours * 3600;
        let expected = [5, 300, 1800, hours(2), hours(5), hours(10), hours(14), hours(20)];
        assert_eq!(waits[..8], expected);
        assert_eq!(waits[8..], [hours(24); 3]);
        assert_eq!((wait(1, 0), wait(1, u32::MAX)), (4, 6));
        assert_eq!((wait(2, 0), wait(2, u32::MAX)), (240, 360));
        assert_eq!((wait(0, HALF), wait(i32::MIN, HALF), wait(i32::MAX, HALF)), (5, 5, hours(24)));
    }

    /// RFC 9110 section 10.2.3: delay-seconds or an HTTP-date.
    #[test]
    fn retry_after_is_seconds_or_a_date_within_a_day() {
        let after = |header| retry_after(header, NOW).map(|at| at.micros_since(NOW) / 1_000_000);
        assert_eq!(after("120"), Some(120));
        assert_eq!(after(" 120 "), Some(120));
        assert_eq!(after("0"), Some(1));
        assert_eq!(after("86401"), Some(86_400));
        assert_eq!(after("99999999999999999999999"), Some(86_400));
        assert_eq!(after("Sun, 06 Nov 1994 08:51:37 GMT"), Some(120));
        assert_eq!(after("Sun, 06 Nov 1994 08:49:30 GMT"), Some(1));
        assert_eq!(after("Sun, 06 Nov 2094 08:49:30 GMT"), Some(86_400));
        for header in ["", "soon", "-1", "1.5", "1 h", "+5"] {
            assert_eq!(after(header), None, "{header}");
        }
    }

    proptest! {
        #[test]
        fn a_wait_is_within_a_fifth(attempt in 1i32..20, entropy: u32) {
            let middle = wait(attempt, u32::MAX / 2 + 1);
            let wait = wait(attempt, entropy);
            prop_assert!(wait * 10 >= middle * 8 - 10 && wait * 10 <= middle * 12);
        }
    }
}
