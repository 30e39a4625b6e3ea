//! Hours, days and months of the Gregorian calendar in UTC, whatever the session's time zone.

use crate::kernel::value::clock::Timestamp;

/// How much time a partition holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Period {
    /// an hour
    Hour,
    /// a day of UTC
    Day,
    /// a month of the Gregorian calendar
    Month,
}

/// A period in UTC, counted from 1970 for hours and days; for months 12 × the year + the month, counted
/// from 0.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Slot {
    period: Period,
    number: i64,
}

const MICROS_PER_HOUR: i64 = 3_600_000_000;
const MICROS_PER_DAY: i64 = 24 * MICROS_PER_HOUR;
/// Days from 0000-03-01 to 1970-01-01.
const DAYS_TO_1970: i64 = 719_468;
const DAYS_PER_ERA: i64 = 146_097;

impl Slot {
    /// The period that this moment is in.
    pub fn of(period: Period, at: Timestamp) -> Self {
        let micros = at.micros_since(Timestamp::from_unix_millis(0));
        let number = match period {
            Period::Hour => micros.div_euclid(MICROS_PER_HOUR),
            Period::Day => micros.div_euclid(MICROS_PER_DAY),
            Period::Month => month_of(micros.div_euclid(MICROS_PER_DAY)),
        };
        Self { period, number }
    }

    /// The period so many periods later.
    pub fn plus(self, periods: i64) -> Self {
        Self { number: self.number.saturating_add(periods), ..self }
    }

    /// Its place among all of its length.
    pub fn number(self) -> i64 {
        self.number
    }

    /// When it begins.
    pub fn start(self) -> Timestamp {
        let micros = match self.period {
            Period::Hour => self.number.saturating_mul(MICROS_PER_HOUR),
            Period::Day => self.number.saturating_mul(MICROS_PER_DAY),
            Period::Month => first_day_of(self.number).saturating_mul(MICROS_PER_DAY),
        };
        Timestamp::from_unix_millis(0).plus_micros(micros)
    }

    /// Year, month, day and hour at which it starts; month and day from 1.
    pub fn parts(self) -> (i64, i64, i64, i64) {
        let (day, hour) = match self.period {
            Period::Hour => (self.number.div_euclid(24), self.number.rem_euclid(24)),
            Period::Day => (self.number, 0),
            Period::Month => (first_day_of(self.number), 0),
        };
        let month = month_of(day);
        (month.div_euclid(12), month.rem_euclid(12) + 1, day - first_day_of(month) + 1, hour)
    }

    /// Its name: `y2026m11`, `y2026m11d21`, `y2026m11d21h14`.
    pub fn name(self) -> String {
        let (year, month, day, hour) = self.parts();
        match self.period {
            Period::Hour => format!("y{year:04}m{month:02}d{day:02}h{hour:02}"),
            Period::Day => format!("y{year:04}m{month:02}d{day:02}"),
            Period::Month => format!("y{year:04}m{month:02}"),
        }
    }

    /// When it begins, as a text that every session's time zone reads alike.
    pub fn bound(self) -> String {
        let (year, month, day, hour) = self.parts();
        format!("{year:04}-{month:02}-{day:02} {hour:02}:00:00+00")
    }

    /// The period of that name; None where it is no name of one.
    pub fn from_name(period: Period, name: &str) -> Option<Self> {
        let numbers: Option<Vec<i64>> =
            name.strip_prefix('y')?.split(['m', 'd', 'h']).map(|part| part.parse().ok()).collect();
        let numbers = numbers?;
        let part = |n: usize, unless: i64| numbers.get(n).copied().unwrap_or(unless);
        let month = part(0, 0).checked_mul(12)?.checked_add(part(1, 1))?.checked_sub(1)?;
        let number = match period {
            Period::Month => month,
            Period::Day => first_day_of(month).checked_add(part(2, 1))?.checked_sub(1)?,
            Period::Hour => first_day_of(month)
                .checked_add(part(2, 1))?
                .checked_sub(1)?
                .checked_mul(24)?
                .checked_add(part(3, 0))?,
        };
        let slot = Self { period, number };
        (slot.name() == name).then_some(slot)
    }
}

/// The time in UTC to the millisecond, as RFC 3339 section 5.6 writes it: `2026-11-28T21:30:00.123Z`.
pub fn rfc3339(at: Timestamp) -> String {
    let hour = Slot::of(Period::Hour, at);
    let millis = at.micros_since(hour.start()).div_euclid(1000);
    let (minute, second, millis) = (millis / 60_000, millis / 1000 % 60, millis % 1000);
    let (year, month, day, hour) = hour.parts();
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

/// The start of the first day, in UTC, that begins at this moment or later.
pub fn day_ceiling(at: Timestamp) -> Timestamp {
    ceiling(Period::Day, at)
}

/// The start of the first month, in UTC, that begins at this moment or later.
pub fn month_ceiling(at: Timestamp) -> Timestamp {
    ceiling(Period::Month, at)
}

fn ceiling(period: Period, at: Timestamp) -> Timestamp {
    let slot = Slot::of(period, at);
    if slot.start() == at { at } else { slot.plus(1).start() }
}

/// The month of a day. Here a year begins in March, so that the leap day is its last.
fn month_of(day: i64) -> i64 {
    let days = day.saturating_add(DAYS_TO_1970);
    let (era, day) = (days.div_euclid(DAYS_PER_ERA), days.rem_euclid(DAYS_PER_ERA));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153 + 2;
    (era * 400 + year) * 12 + month
}

fn first_day_of(month: i64) -> i64 {
    // Far beyond what a timestamptz can say.
    let march_based = month.clamp(-12_000_000, 12_000_000) - 2;
    let (year, month) = (march_based.div_euclid(12), march_based.rem_euclid(12));
    let (era, year) = (year.div_euclid(400), year.rem_euclid(400));
    let day = 365 * year + year / 4 - year / 100 + (153 * month + 2) / 5;
    era * DAYS_PER_ERA + day - DAYS_TO_1970
}

#[cfg(test)]
mod tests {
    use super::{Period, Slot, day_ceiling, month_ceiling, rfc3339};
    use crate::kernel::value::clock::Timestamp;
    use proptest::prelude::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_unix_millis(seconds * 1000)
    }

    /// Seconds since 1970 as date(1) prints them for these moments in UTC.
    #[test]
    fn periods_begin_at_midnight_utc() {
        for (seconds, name) in [
            (951_782_399, "y2000m02d28h23"),   // 2000-02-28 23:59:59
            (951_868_799, "y2000m02d29h23"),   // 2000-02-29 23:59:59
            (951_868_800, "y2000m03d01h00"),   // 2000-03-01 00:00:00
            (1_735_689_599, "y2024m12d31h23"), // 2024-12-31 23:59:59
            (1_735_689_600, "y2025m01d01h00"), // 2025-01-01 00:00:00
            (4_107_542_399, "y2100m02d28h23"), // 2100-02-28 23:59:59
            (4_107_542_400, "y2100m03d01h00"), // 2100-03-01 00:00:00
        ] {
            assert_eq!(Slot::of(Period::Hour, at(seconds)).name(), name);
            assert_eq!(Slot::of(Period::Day, at(seconds)).name(), name[..11]);
            assert_eq!(Slot::of(Period::Month, at(seconds)).name(), name[..8]);
        }
        assert_eq!(Slot::of(Period::Month, at(951_868_800)).start().unix_seconds(), 951_868_800);
        assert_eq!(Slot::of(Period::Month, at(1_735_689_599)).plus(1).start().unix_seconds(), 1_735_689_600);
        assert_eq!(Slot::of(Period::Hour, at(951_868_799)).bound(), "2000-02-29 23:00:00+00");
    }

    /// As date(1) prints them.
    #[test]
    fn a_time_is_written_to_the_millisecond() {
        let written = |millis| rfc3339(Timestamp::from_unix_millis(millis));
        assert_eq!(written(951_868_799_999), "2000-02-29T23:59:59.999Z");
        assert_eq!(written(951_868_800_000), "2000-03-01T00:00:00.000Z");
        assert_eq!(written(1_735_692_130_070), "2025-01-01T00:42:10.070Z");
    }

    #[test]
    fn only_names_of_periods_are_periods() {
        let bound = |period, name| Slot::from_name(period, name).map(Slot::bound);
        assert_eq!(bound(Period::Month, "y2024m05").as_deref(), Some("2024-05-01 00:00:00+00"));
        assert_eq!(bound(Period::Day, "y2024m02d29").as_deref(), Some("2024-02-29 00:00:00+00"));
        assert_eq!(bound(Period::Hour, "y2024m02d29h07").as_deref(), Some("2024-02-29 07:00:00+00"));
        for name in
            ["y2024m13", "y2024m00", "y24m05", "y2024m5", "y2024m05d01", "y99999999999999999999m01", "y", ""]
        {
            assert_eq!(bound(Period::Month, name), None, "{name}");
        }
        for name in ["y2023m02d29", "y2024m05", "y2024m05d00", "y2024m05d32", "y9223372036854775807m01d01"] {
            assert_eq!(bound(Period::Day, name), None, "{name}");
        }
        for name in ["y2024m05d01h24", "y2024m05d01", "y2024m05d01h1", "y2024m05d01h-1"] {
            assert_eq!(bound(Period::Hour, name), None, "{name}");
        }
    }

    proptest! {
        #[test]
        fn every_moment_is_within_its_period(millis in 0u64..8_000_000_000_000) {
            let at = Timestamp::from_unix_millis(millis);
            for period in [Period::Hour, Period::Day, Period::Month] {
                let slot = Slot::of(period, at);
                prop_assert!(slot.start() <= at && at < slot.plus(1).start());
                prop_assert_eq!(Slot::of(period, slot.start()), slot);
                prop_assert_eq!(Slot::from_name(period, &slot.name()), Some(slot));
            }
        }

        #[test]
        fn a_ceiling_is_the_next_beginning(millis in 0u64..8_000_000_000_000) {
            let at = Timestamp::from_unix_millis(millis);
            for (ceiling, period) in [(day_ceiling(at), Period::Day), (month_ceiling(at), Period::Month)] {
                prop_assert!(ceiling >= at);
                prop_assert!(Slot::of(period, ceiling).start() == ceiling);
                prop_assert_eq!(ceiling == at || Slot::of(period, at).plus(1).start() == ceiling, true);
            }
        }

        #[test]
        fn no_text_is_too_strange_for_a_name(name in ".*") {
            for period in [Period::Hour, Period::Day, Period::Month] {
                prop_assert!(Slot::from_name(period, &name).is_none_or(|slot| slot.name() == name));
            }
        }
    }
}
