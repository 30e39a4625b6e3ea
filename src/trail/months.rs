//! The months of `audit_log`: one partition each, bounds in UTC whatever the session's time zone.
//! A month is known by its partition's name, `audit_log_y2024m05`.

use crate::kernel::outcome::Mistake;
use crate::kernel::server::partition::Partitions;
use crate::kernel::server::partition::drop::Dropped;
use crate::kernel::value::calendar::Period;
use crate::kernel::value::clock::Timestamp;
/// The first index is BRIN: a btree on the user or the grant would write a page to the WAL for almost every step
/// after a checkpoint, because neither comes in order. Bloom filters for each 16 pages (some 600 rows) find the rows of
/// a user, a grant, a client, a tenant, an address or a rare event by reading a few hundredths of the month. The
/// others are of the few rows that were refused, or have flags or details, and cost the rest nothing.
static MONTHS: Partitions = Partitions::new(
    c"audit_log",
    Period::Month,
    "CREATE INDEX {name}_idx ON auth_store.{name} USING brin (
        occurred_at,
        id,
        user_id uuid_bloom_ops (n_distinct_per_range = 600, false_positive_rate = 0.01),
        grant_id uuid_bloom_ops (n_distinct_per_range = 600, false_positive_rate = 0.01),
        client_id text_bloom_ops (n_distinct_per_range = 100, false_positive_rate = 0.01),
        event text_bloom_ops (n_distinct_per_range = 50, false_positive_rate = 0.01),
        ip inet_bloom_ops (n_distinct_per_range = 600, false_positive_rate = 0.01),
        tenant_id text_bloom_ops (n_distinct_per_range = 50, false_positive_rate = 0.01)
    ) WITH (pages_per_range = 16, autosummarize = on){tablespace};
CREATE INDEX {name}_refused_idx ON auth_store.{name} (occurred_at){tablespace} WHERE NOT success;
CREATE INDEX {name}_flags_idx ON auth_store.{name} USING gin (flags COLLATE \"C\")
    WITH (gin_pending_list_limit = 256){tablespace} WHERE flags IS NOT NULL;
CREATE INDEX {name}_details_idx ON auth_store.{name} USING gin (details jsonb_path_ops)
    WITH (gin_pending_list_limit = 256){tablespace} WHERE details IS NOT NULL",
);

/// Makes sure that a row of this moment has its partition, and the next month its own; returns when the month
/// began. Costs two searches once they are known.
pub fn ensure_month_of(now: Timestamp) -> Result<i64, Mistake> {
    MONTHS.ensure(now, true)
}

/// Makes the missing ones of this month's partition and those of the months ahead; returns how many.
pub fn ensure(now: Timestamp, months_ahead: i32) -> Result<i32, Mistake> {
    MONTHS.ensure_ahead(now, months_ahead)
}

/// Has the index of this moment's month say what was written last.
pub fn summarize(at: Timestamp) -> Result<(), Mistake> {
    MONTHS.summarize(at)
}

/// Drops the months that ended before `cutoff`, but never the current month; returns them.
pub fn drop_before(now: Timestamp, cutoff: Timestamp, patient: bool) -> Result<Vec<Dropped>, Mistake> {
    MONTHS.drop_before(cutoff.min(now), patient)
}

/// When the first month begins; None: there is none.
pub fn first() -> Result<Option<Timestamp>, Mistake> {
    MONTHS.first()
}

/// Whether this is the name of a month of the trail.
pub fn names(name: &str) -> bool {
    MONTHS.names(name)
}

/// Makes those of the named partitions that are months and missing; returns how many.
pub fn ensure_named(names: &[&str]) -> Result<i32, Mistake> {
    MONTHS.ensure_named(names)
}
