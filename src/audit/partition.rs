//! The months of `audit_log`: one partition each, bounds in UTC whatever the session's time zone.
//! A month is known by its partition's name, `audit_log_y2024m05`.

use std::sync::atomic::{AtomicI64, AtomicU32, Ordering::Relaxed};

use crate::kernel::catalog;
use crate::kernel::clock::Timestamp;
use crate::kernel::outcome::{self, Mistake};
use crate::kernel::spi;
use crate::params;

/// The month that this backend knows to have its partition, and under which state of the catalog.
static KNOWN_FROM: AtomicI64 = AtomicI64::new(0);
static KNOWN_UNTIL: AtomicI64 = AtomicI64::new(0);
static KNOWN_GENERATION: AtomicU32 = AtomicU32::new(0);

/// Makes sure that a row of this moment has its partition; returns when that month began. Costs three
/// comparisons once it is known.
pub fn ensure_month_of(now: Timestamp) -> Result<i64, Mistake> {
    let at = now.micros();
    let known = KNOWN_GENERATION.load(Relaxed) == catalog::generation()
        && (KNOWN_FROM.load(Relaxed)..KNOWN_UNTIL.load(Relaxed)).contains(&at);
    if !known {
        ensure_and_remember(now)?;
    }
    Ok(KNOWN_FROM.load(Relaxed))
}

/// Makes the next month too, unless somebody else is at it: then the first step of a month finds its
/// partition made, long before, by one that did not have to wait.
#[cold]
fn ensure_and_remember(now: Timestamp) -> Result<(), Mistake> {
    catalog::ensure_ready()?;
    let month = Month::of(now);
    make(&[month], true)?;
    make(&[month.plus(1)], false)?;
    // Making a partition invalidates its parent. The parent must be tracked from here on, so that undoing
    // the transaction which made it undoes what is remembered.
    let _ = catalog::relation(c"audit_log");
    KNOWN_FROM.store(month.start().micros(), Relaxed);
    KNOWN_UNTIL.store(month.plus(1).start().micros(), Relaxed);
    KNOWN_GENERATION.store(catalog::generation(), Relaxed);
    Ok(())
}

/// Makes what is missing of this month's partition and those of the months ahead; returns how many.
pub fn ensure(now: Timestamp, months_ahead: i32) -> Result<i32, Mistake> {
    let months: Vec<_> = (0..=months_ahead).map(|n| Month::of(now).plus(n)).collect();
    make(&months, true)
}

fn make(months: &[Month], wait: bool) -> Result<i32, Mistake> {
    spi::writable()?;
    let mut missing = Vec::new();
    for month in months {
        if !matches!(state(*month)?, State::Attached) {
            missing.push(*month);
        }
    }
    if missing.is_empty() || !catalog::lock_share_update_exclusive(c"audit_log", wait) {
        return Ok(0);
    }
    let mut made = 0;
    for month in missing {
        match state(month)? {
            // by another session, whose lock this one waited for
            State::Attached => {}
            State::Absent => {
                spi::run_script(&ddl(month))?;
                made += 1;
            }
            State::Foreign => {
                return Err(Mistake::WrongState {
                    message: format!("auth_store.{} is no partition of auth_store.audit_log", month.name())
                        .into(),
                    hint: "Attach it, or rename it: the store needs the name for the month".into(),
                });
            }
        }
    }
    Ok(made)
}

/// Drops the months that ended before `cutoff`, the current one never; returns how many.
pub fn drop_before(now: Timestamp, cutoff: Timestamp) -> Result<i32, Mistake> {
    let current = Month::of(now);
    let names = spi::run_once(
        "SELECT c.relname::text
           FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid
          WHERE i.inhparent = 'auth_store.audit_log'::pg_catalog.regclass
          ORDER BY c.relname",
        &[],
        |row| row.get::<String>(0),
    )?;
    let mut dropped = 0;
    for month in names.iter().flatten().filter_map(|name| Month::from_name(name)) {
        if month >= current || month.plus(1).start() > cutoff {
            continue;
        }
        pgrx::check_for_interrupts!();
        spi::run_script(&DETACH_AND_DROP.replace("{name}", &month.name()))?;
        if matches!(state(month)?, State::Absent) {
            dropped += 1;
        } else {
            outcome::notice(&format!("auth_store.{} is in use and stays until the next run", month.name()));
        }
    }
    Ok(dropped)
}

/// DETACH takes an ACCESS EXCLUSIVE lock on the parent: every step of the store would queue behind it
/// for as long as it waits for a long query. So it waits a fifth of a second at most, five times.
const DETACH_AND_DROP: &str = "
DO $$
DECLARE
    waits constant text := pg_catalog.current_setting('lock_timeout');
BEGIN
    FOR attempt IN 1 .. 5 LOOP
        BEGIN
            PERFORM pg_catalog.set_config('lock_timeout', '200ms', true);
            ALTER TABLE auth_store.audit_log DETACH PARTITION auth_store.{name};
            DROP TABLE auth_store.{name};
            PERFORM pg_catalog.set_config('lock_timeout', waits, true);
            RETURN;
        EXCEPTION
            WHEN lock_not_available THEN
                PERFORM pg_catalog.pg_sleep(0.1);
            WHEN object_in_use OR dependent_objects_still_exist THEN
                RETURN; -- a cursor of this session reads it, or somebody built a view on it
        END;
    END LOOP;
END
$$";

enum State {
    Absent,
    Attached,
    /// A relation of that name that is no partition of ours.
    Foreign,
}

/// Asks the catalog as it is now, not as the transaction's snapshot has it: another session may have made
/// the partition since.
fn state(month: Month) -> Result<State, Mistake> {
    let found = spi::run_once(
        "SELECT pg_catalog.pg_partition_root(r.relation) IS NOT DISTINCT FROM 'auth_store.audit_log'::pg_catalog.regclass
           FROM (SELECT pg_catalog.to_regclass('auth_store.' || $1)) AS r (relation)
          WHERE r.relation IS NOT NULL",
        &params![month.name()],
        |row| row.get::<bool>(0),
    )?;
    Ok(match found.into_iter().next().flatten() {
        None => State::Absent,
        Some(true) => State::Attached,
        Some(false) => State::Foreign,
    })
}

/// A table of its own first, attached last: CREATE TABLE … PARTITION OF would lock the parent against
/// every writer. The index is BRIN: a btree on the user or the grant would write a page to the WAL for almost
/// every step after a checkpoint, because neither comes in order. Bloom filters for each 32 pages (some
/// 1200 rows) find a user's or a grant's rows by reading a few hundredths of the month.
fn ddl(month: Month) -> String {
    DDL.replace("{name}", &month.name())
        .replace("{from}", &month.bound())
        .replace("{until}", &month.plus(1).bound())
}

const DDL: &str = "
CREATE TABLE auth_store.{name}
    (LIKE auth_store.audit_log INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE INCLUDING COMPRESSION);
ALTER TABLE auth_store.{name} OWNER TO auth_store_owner;
REVOKE ALL ON TABLE auth_store.{name} FROM PUBLIC;
CREATE INDEX {name}_idx ON auth_store.{name} USING brin (
        occurred_at,
        id,
        user_id uuid_bloom_ops (n_distinct_per_range = 1200, false_positive_rate = 0.01),
        grant_id uuid_bloom_ops (n_distinct_per_range = 1200, false_positive_rate = 0.01)
    ) WITH (pages_per_range = 32, autosummarize = on);
ALTER TABLE auth_store.{name} ENABLE ROW LEVEL SECURITY;
ALTER TABLE auth_store.{name} FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_pin ON auth_store.{name} USING (auth_store.tenant_visible(tenant_id));
ALTER TABLE auth_store.audit_log ATTACH PARTITION auth_store.{name} FOR VALUES FROM ('{from}') TO ('{until}');
";

/// A month of the Gregorian calendar in UTC: 12 × the year + the month, counted from 0.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Month(i32);

const MICROS_PER_DAY: i64 = 86_400_000_000;
/// Days from 0000-03-01 to 1970-01-01.
const DAYS_TO_1970: i64 = 719_468;
const DAYS_PER_ERA: i64 = 146_097;

impl Month {
    /// The month of that moment. The years are taken to begin in March, so that the leap day ends one.
    fn of(at: Timestamp) -> Self {
        let micros = at.micros_since(Timestamp::from_unix_millis(0));
        let days = micros.div_euclid(MICROS_PER_DAY) + DAYS_TO_1970;
        let (era, day) = (days.div_euclid(DAYS_PER_ERA), days.rem_euclid(DAYS_PER_ERA));
        let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
        let day_of_year = day - (365 * year + year / 4 - year / 100);
        let month = (5 * day_of_year + 2) / 153 + 2;
        Self(i32::try_from((era * 400 + year) * 12 + month).unwrap_or(i32::MAX))
    }

    fn plus(self, months: i32) -> Self {
        Self(self.0.saturating_add(months))
    }

    /// Year, and month from 1 to 12.
    fn parts(self) -> (i32, i32) {
        (self.0.div_euclid(12), self.0.rem_euclid(12) + 1)
    }

    fn start(self) -> Timestamp {
        let march_based = i64::from(self.0) - 2;
        let (year, month) = (march_based.div_euclid(12), march_based.rem_euclid(12));
        let (era, year) = (year.div_euclid(400), year.rem_euclid(400));
        let day = 365 * year + year / 4 - year / 100 + (153 * month + 2) / 5;
        let days = era * DAYS_PER_ERA + day - DAYS_TO_1970;
        Timestamp::from_unix_millis(0).plus_micros(days.saturating_mul(MICROS_PER_DAY))
    }

    fn name(self) -> String {
        let (year, month) = self.parts();
        format!("audit_log_y{year:04}m{month:02}")
    }

    fn bound(self) -> String {
        let (year, month) = self.parts();
        format!("{year:04}-{month:02}-01 00:00:00+00")
    }

    fn from_name(name: &str) -> Option<Self> {
        let (year, month) = name.strip_prefix("audit_log_y")?.split_once('m')?;
        let month =
            Self(year.parse::<i32>().ok()?.checked_mul(12)?.checked_add(month.parse::<i32>().ok()? - 1)?);
        (month.name() == name).then_some(month)
    }
}

#[cfg(test)]
mod tests {
    use super::Month;
    use crate::kernel::clock::Timestamp;
    use proptest::prelude::*;

    /// Seconds since 1970 as date(1) prints them for these moments in UTC.
    #[test]
    fn months_begin_at_midnight_utc() {
        for (seconds, name) in [
            (951_782_399, "audit_log_y2000m02"),   // 2000-02-28 23:59:59
            (951_868_799, "audit_log_y2000m02"),   // 2000-02-29 23:59:59
            (951_868_800, "audit_log_y2000m03"),   // 2000-03-01 00:00:00
            (1_735_689_599, "audit_log_y2024m12"), // 2024-12-31 23:59:59
            (1_735_689_600, "audit_log_y2025m01"), // 2025-01-01 00:00:00
            (4_107_542_399, "audit_log_y2100m02"), // 2100-02-28 23:59:59
            (4_107_542_400, "audit_log_y2100m03"), // 2100-03-01 00:00:00
        ] {
            let month = Month::of(Timestamp::from_unix_millis(seconds * 1000));
            assert_eq!(month.name(), name);
        }
        assert_eq!(
            Month::of(Timestamp::from_unix_millis(951_868_800_000)).start().unix_seconds(),
            951_868_800
        );
        assert_eq!(
            Month::of(Timestamp::from_unix_millis(1_735_689_599_000)).plus(1).start().unix_seconds(),
            1_735_689_600
        );
    }

    #[test]
    fn only_names_of_months_are_months() {
        assert_eq!(
            Month::from_name("audit_log_y2024m05").map(Month::bound).as_deref(),
            Some("2024-05-01 00:00:00+00")
        );
        for name in [
            "audit_log_y2024m13",
            "audit_log_y2024m00",
            "audit_log_y24m05",
            "audit_log_y2024m5",
            "audit_log",
            "",
        ] {
            assert_eq!(Month::from_name(name), None, "{name}");
        }
    }

    proptest! {
        #[test]
        fn every_moment_is_within_its_month(millis in 0u64..8_000_000_000_000) {
            let at = Timestamp::from_unix_millis(millis);
            let month = Month::of(at);
            prop_assert!(month.start() <= at && at < month.plus(1).start());
            prop_assert_eq!(Month::of(month.start()), month);
            prop_assert_eq!(Month::from_name(&month.name()), Some(month));
        }
    }
}
