//! When a cron schedule is due next: the five fields as cron and pg_cron read them. Pure.

use crate::kernel::value::calendar::{Period, Slot};
use crate::kernel::value::clock::Timestamp;

/// One bit for each value that a field accepts.
pub struct Schedule {
    minutes: u64,
    hours: u64,
    /// From 1; bit 0 is the last day of the month, which pg_cron writes `$`.
    days: u64,
    months: u64,
    /// Sunday is 0.
    weekdays: u64,
    /// Where both the day and the weekday are named, one of them is enough; a field that begins with `*` names none.
    either_day: bool,
}

const LAST_DAY: u64 = 1;
const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
/// Two 29ths of February are at most eight years apart.
const DAYS_AHEAD: i64 = 8 * 366;
const MINUTES_A_DAY: i64 = 1440;

impl Schedule {
    /// None where the text is not of this kind: a number of seconds, `@reboot`, or wrong.
    pub fn read(text: &str) -> Option<Self> {
        let text = match text.trim().to_ascii_lowercase() {
            text if text == "@yearly" || text == "@annually" => "0 0 1 1 *".to_owned(),
            text if text == "@monthly" => "0 0 1 * *".to_owned(),
            text if text == "@weekly" => "0 0 * * 0".to_owned(),
            text if text == "@daily" || text == "@midnight" => "0 0 * * *".to_owned(),
            text if text == "@hourly" => "0 * * * *".to_owned(),
            text => text,
        };
        let mut fields = text.split_ascii_whitespace();
        let (minutes, hours, days) = (fields.next()?, fields.next()?, fields.next()?);
        let (months, weekdays) = (fields.next()?, fields.next()?);
        if fields.next().is_some() {
            return None;
        }
        let weekday_bits = field(weekdays, 0, 7, &WEEKDAYS, 0)?;
        Some(Self {
            minutes: field(minutes, 0, 59, &[], 0)?,
            hours: field(hours, 0, 23, &[], 0)?,
            days: if days == "$" { LAST_DAY } else { field(days, 1, 31, &[], 1)? },
            months: field(months, 1, 12, &MONTHS, 1)?,
            // 7 is Sunday too.
            weekdays: (weekday_bits | weekday_bits >> 7) & 0x7f,
            either_day: !days.starts_with('*') && !weekdays.starts_with('*'),
        })
    }

    /// The first minute that begins after this time, in UTC. None if no day of the next eight years is due.
    pub fn next(&self, after: Timestamp) -> Option<Timestamp> {
        let today = Slot::of(Period::Day, after);
        let passed = after.micros_since(today.start()).div_euclid(60_000_000);
        (0..=DAYS_AHEAD).find_map(|ahead| {
            let day = today.plus(ahead);
            let first = if ahead == 0 { passed + 1 } else { 0 };
            let minute = self.on(day).then(|| self.minute(first)).flatten()?;
            Some(day.start().plus_seconds(minute * 60))
        })
    }

    fn on(&self, day: Slot) -> bool {
        let (_, month, day_of_month, _) = day.parts();
        let is_last = day.plus(1).parts().1 != month;
        let by_day = holds(self.days, day_of_month) || is_last && self.days & LAST_DAY != 0;
        // 1970-01-01 was a Thursday.
        let by_weekday = holds(self.weekdays, (day.number() + 4).rem_euclid(7));
        let by_either = if self.either_day { by_day || by_weekday } else { by_day && by_weekday };
        holds(self.months, month) && by_either
    }

    /// The first minute of a due day, from this one on.
    fn minute(&self, first: i64) -> Option<i64> {
        (first..MINUTES_A_DAY)
            .find(|minute| holds(self.hours, minute / 60) && holds(self.minutes, minute % 60))
    }
}

fn holds(bits: u64, value: i64) -> bool {
    u32::try_from(value).ok().and_then(|value| bits.checked_shr(value)).is_some_and(|bits| bits & 1 != 0)
}

/// A list of values, ranges and steps: `*`, `5`, `1-5`, `*/10`, `0-30/5,45`, and names, of which the first has the
/// number `named_from`.
fn field(text: &str, least: u32, most: u32, names: &[&str], named_from: u32) -> Option<u64> {
    let value = |text: &str| -> Option<u32> {
        let named = names.iter().zip(named_from..).find(|(name, _)| **name == text).map(|(_, number)| number);
        named.or_else(|| text.parse().ok()).filter(|value| (least..=most).contains(value))
    };
    text.split(',').try_fold(0, |bits, part| {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, step.parse().ok().filter(|step| *step > 0)?),
            None => (part, 1),
        };
        let (from, to) = match range.split_once('-') {
            _ if range == "*" => (least, most),
            Some((from, to)) => (value(from)?, value(to)?),
            // As in `5/10`, which not every cron reads.
            None if part.contains('/') => (value(range)?, most),
            None => (value(range)?, value(range)?),
        };
        let values = (from..=to).step_by(usize::try_from(step).ok()?);
        (from <= to).then(|| values.fold(bits, |bits, value| bits | 1 << value))
    })
}

#[cfg(test)]
mod tests {
    use super::Schedule;
    use crate::kernel::value::calendar::rfc3339;
    use crate::kernel::value::clock::Timestamp;

    /// After Saturday, 2026-11-28T21:56:30Z.
    fn next(schedule: &str) -> Option<String> {
        let after = Timestamp::from_unix_millis(1_795_902_990_000);
        assert_eq!(rfc3339(after), "2026-11-28T21:56:30.000Z");
        Schedule::read(schedule)?.next(after).map(|at| rfc3339(at).replace(":00.000Z", ""))
    }

    #[test]
    fn the_next_run_is_the_first_due_minute() {
        for (schedule, due) in [
            ("*/5 * * * *", "2026-11-28T22:00"),
            ("* * * * *", "2026-11-28T21:57"),
            ("56 21 * * *", "2026-11-29T21:56"),
            ("7 * * * *", "2026-11-28T22:07"),
            ("0-10/5,58 21 * * *", "2026-11-28T21:58"),
            ("@hourly", "2026-11-28T22:00"),
            ("@yearly", "2027-01-01T00:00"),
            ("0 3 * * 0", "2026-11-29T03:00"),
            ("0 3 * * 7", "2026-11-29T03:00"),
            ("0 3 * * Mon-Fri", "2026-11-30T03:00"),
            ("0 0 29 feb *", "2028-02-29T00:00"),
            ("0 0 $ * *", "2026-11-30T00:00"),
            // Either the 15th or a Tuesday; with a star, both must hold.
            ("0 0 15 * 2", "2026-12-01T00:00"),
            ("0 0 */31 * 2", "2026-12-01T00:00"),
        ] {
            assert_eq!(next(schedule).as_deref(), Some(due), "{schedule}");
        }
    }

    #[test]
    fn what_is_no_such_schedule_has_no_next_run() {
        for schedule in [
            "",
            "* * * *",
            "* * * * * *",
            "60 * * * *",
            "5-1 * * * *",
            "*/0 * * * *",
            "0 0 31 2 *",
            "30 seconds",
            "@reboot",
            "a * * * *",
            "-1 * * * *",
            "1, * * * *",
        ] {
            assert_eq!(next(schedule), None, "{schedule}");
        }
    }
}
