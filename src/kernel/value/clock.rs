//! The wall clock, read once a call and passed down.
//!
//! `now()` is the start of the transaction: in a long one an expired token would look alive.

use pgrx::prelude::*;
use pgrx::{FromDatum, IntoDatum};

/// Microseconds between 1970-01-01 and 2000-01-01, PostgreSQL's own epoch.
const UNIX_TO_POSTGRES_MICROS: i64 = 946_684_800_000_000;

const MICROS_PER_SECOND: i64 = 1_000_000;

/// A point in time: microseconds since 2000-01-01 UTC, as `timestamptz` stores it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(i64);

#[allow(unsafe_code)]
unsafe extern "C-unwind" {
    // Called without the guard that other calls of the server have, because each function calls it; it raises nothing.
    fn GetCurrentTimestamp() -> pg_sys::TimestampTz;
}

/// Reads the wall clock. Call it once, at the top of a SQL function.
pub fn now() -> Timestamp {
    // SAFETY: GetCurrentTimestamp has no preconditions; it reads the system clock.
    #[allow(unsafe_code)]
    Timestamp(unsafe { GetCurrentTimestamp() })
}

impl Timestamp {
    /// The time `seconds` later, at most the largest `timestamptz`.
    pub fn plus_seconds(self, seconds: impl Into<i64>) -> Self {
        self.plus_micros(seconds.into().saturating_mul(MICROS_PER_SECOND))
    }

    /// The time `micros` microseconds later, at most the largest `timestamptz`.
    pub fn plus_micros(self, micros: i64) -> Self {
        Self(self.0.saturating_add(micros))
    }

    /// Microseconds from `earlier` to this time; negative where `earlier` is later.
    pub fn micros_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Whether less than `micros` microseconds have passed since `start`, for a grace that begins there and was looked
    /// at by a call of `now`. A start that is later than the call belongs to another call that this one has waited for,
    /// or the clock was set back since. In the second case the grace is over, however long the clock takes to reach its
    /// end again.
    pub fn is_within(now: Self, start: Self, micros: i64) -> bool {
        Self::is_within_by(self::now, now, start, micros)
    }

    fn is_within_by(clock: impl FnOnce() -> Self, now: Self, start: Self, micros: i64) -> bool {
        micros > 0 && now.micros_since(start) < micros && (start <= now || start <= clock())
    }

    /// Whole seconds from now on until this time, rounded up, never below 0.
    pub fn seconds_after(self, now: Self) -> i32 {
        let micros = self.micros_since(now).max(0);
        i32::try_from(micros.saturating_add(MICROS_PER_SECOND - 1) / MICROS_PER_SECOND).unwrap_or(i32::MAX)
    }

    /// Whether it is neither 'infinity' nor '-infinity'.
    pub fn is_finite(self) -> bool {
        self.0 != i64::MAX && self.0 != i64::MIN
    }

    /// Whether it is a finite time that `timestamptz` has: from 4714 BC on and before the year 294277.
    pub fn is_valid(self) -> bool {
        (-211_813_488_000_000_000..9_223_371_331_200_000_000).contains(&self.0)
    }

    /// Milliseconds since 1970, as an id carries them.
    pub fn unix_millis(self) -> u64 {
        let micros = self.0.saturating_add(UNIX_TO_POSTGRES_MICROS).max(0);
        u64::try_from(micros / 1000).unwrap_or(0)
    }

    /// Seconds since 1970, as a JWT's NumericDate (RFC 7519 section 2).
    pub fn unix_seconds(self) -> i64 {
        self.0.saturating_add(UNIX_TO_POSTGRES_MICROS).div_euclid(MICROS_PER_SECOND)
    }

    /// The time that an id's milliseconds say.
    pub fn from_unix_millis(millis: u64) -> Self {
        let millis = i64::try_from(millis).unwrap_or(i64::MAX);
        Self(millis.saturating_mul(1000).saturating_sub(UNIX_TO_POSTGRES_MICROS))
    }

    /// The time so many microseconds after 2000-01-01 UTC.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since 2000-01-01 UTC.
    pub fn micros(self) -> i64 {
        self.0
    }
}

impl From<TimestampWithTimeZone> for Timestamp {
    fn from(value: TimestampWithTimeZone) -> Self {
        Self(value.into())
    }
}

impl IntoDatum for Timestamp {
    fn into_datum(self) -> Option<pg_sys::Datum> {
        Some(pg_sys::Datum::from(self.0))
    }

    fn type_oid() -> pg_sys::Oid {
        pg_sys::TIMESTAMPTZOID
    }
}

impl FromDatum for Timestamp {
    #[allow(unsafe_code)]
    unsafe fn from_polymorphic_datum(datum: pg_sys::Datum, is_null: bool, _: pg_sys::Oid) -> Option<Self> {
        (!is_null).then(|| Self(datum.value() as i64))
    }
}

#[cfg(test)]
mod tests {
    use super::Timestamp;
    use pgrx::pg_sys;

    #[test]
    fn an_id_time_round_trips_to_the_millisecond() {
        let t = Timestamp::from_unix_millis(1_562_262_616_123);
        assert_eq!(t.unix_millis(), 1_562_262_616_123);
        assert_eq!(t.unix_seconds(), 1_562_262_616);
    }

    #[test]
    fn remaining_seconds_round_up_and_stop_at_zero() {
        let now = Timestamp(0);
        assert_eq!(Timestamp(1).seconds_after(now), 1);
        assert_eq!(Timestamp(1_000_001).seconds_after(now), 2);
        assert_eq!(Timestamp(-5).seconds_after(now), 0);
    }

    #[test]
    fn a_grace_has_a_start_and_an_end() {
        let start = Timestamp(100);
        let within =
            |clock, now, micros| Timestamp::is_within_by(|| Timestamp(clock), Timestamp(now), start, micros);
        assert!(within(100, 100, 10) && within(109, 109, 10));
        assert!(!within(110, 110, 10) && !within(100, 100, 0));
        // A call that began before another call's step, and waited for it.
        assert!(within(101, 90, 10) && !within(101, 90, 0));
        // The clock was set back, and has not reached the start again.
        assert!(!within(91, 90, 10));
    }

    /// IS_VALID_TIMESTAMP of datatype/timestamp.h.
    #[test]
    fn the_range_is_that_of_timestamptz() {
        let julian = |day: u32| {
            let days = i64::from(day) - i64::from(pg_sys::POSTGRES_EPOCH_JDATE);
            days * i64::from(pg_sys::SECS_PER_DAY) * 1_000_000
        };
        let (first, end) = (julian(pg_sys::DATETIME_MIN_JULIAN), julian(pg_sys::TIMESTAMP_END_JULIAN));
        assert!(Timestamp(first).is_valid() && Timestamp(end - 1).is_valid());
        assert!(!Timestamp(first - 1).is_valid() && !Timestamp(end).is_valid());
        assert!(!Timestamp(i64::MIN + 1).is_valid() && !Timestamp(i64::MAX - 1).is_valid());
        assert!(!Timestamp(i64::MIN).is_valid() && !Timestamp(i64::MAX).is_valid());
    }

    #[test]
    fn absurd_lifetimes_saturate() {
        let t = Timestamp(5).plus_seconds(i64::MAX);
        assert_eq!(t.micros(), i64::MAX);
    }
}
