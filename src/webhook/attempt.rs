//! The log of attempts, in monthly partitions.

use pgrx::prelude::*;

use crate::kernel::outcome::{Mistake, OrRaise};
use crate::kernel::server::append::Append;
use crate::kernel::server::partition::Partitions;
use crate::kernel::server::spi::{self, Statement, params};
use crate::kernel::server::table::{Moves, Published, Rows, Table, delete_by};
use crate::kernel::server::{pin, state, version};
use crate::kernel::value::calendar::Period;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::kernel::value::jsonb::Jsonb;
use crate::webhook::outbox::retention::RETENTION;

/// The facts of the table `webhook_attempts`. Its months are dropped.
pub static TABLE: Table = Table {
    name: "webhook_attempts",
    key: &[],
    ended: None,
    of_tenant: Rows::Deleted(delete_by!("webhook_attempts", "tenant_id")),
    of_client: Rows::None,
    of_user: None,
    published: Published::Reports,
    moves: Moves::Stays,
    restored: true,
};

/// The index is BRIN, as that of the audit trail is: a btree would write more to the WAL than a third of a row. Ids
/// come in about the order of time, so that of a delivery few ranges are read: those from its id's time on whose Bloom
/// filter may have it.
static MONTHS: Partitions = Partitions::new(
    c"webhook_attempts",
    Period::Month,
    "CREATE INDEX {name}_idx ON auth_store.{name} USING brin (
        attempted_at,
        delivery_id uuid_bloom_ops (n_distinct_per_range = 1200, false_positive_rate = 0.01),
        webhook_id uuid_bloom_ops (n_distinct_per_range = 1200, false_positive_rate = 0.01)
    ) WITH (pages_per_range = 32, autosummarize = on){tablespace}",
);

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn cleanup_webhook_logs(days: default!(Option<i32>, 30)) -> i64 {
    cleanup(clock::now(), days.unwrap_or(DAYS)).or_raise()
}

const DAYS: i32 = 30;
const MAX_DAYS: i32 = 36_500;
const SECONDS_PER_DAY: i64 = 86_400;

static DELETE_OLD: Statement =
    Statement::write(c"DELETE FROM auth_store.webhook_attempts WHERE attempted_at < $1");

// What another transaction has locked, it redrives or deletes.
static DELETE_DEAD: Statement = Statement::write(
    c"DELETE FROM auth_store.webhook_retries
       WHERE ctid = ANY (ARRAY(SELECT r.ctid FROM auth_store.webhook_retries r
                                WHERE r.due_at IS NULL AND r.failed_at < $1 FOR UPDATE SKIP LOCKED))",
);

/// Deletes attempts and dead letters that are older than so many days; returns how many. Months that are empty then are
/// dropped, but not by a session that is pinned to one tenant: they belong to all.
fn cleanup(now: Timestamp, days: i32) -> Result<i64, Mistake> {
    if !(1..=MAX_DAYS).contains(&days) {
        return Err(Mistake::invalid("days", "1 to 36500"));
    }
    version::ensure_ready()?;
    state::writable()?;
    let cutoff = now.plus_seconds(-i64::from(days) * SECONDS_PER_DAY);
    let deleted = DELETE_OLD.run(&params![cutoff])? + DELETE_DEAD.run(&params![cutoff])?;
    if pin::tenant().is_none() {
        MONTHS.drop_before(cutoff, true)?;
    }
    Ok(i64::try_from(deleted).unwrap_or(i64::MAX))
}

/// An attempt that is over.
pub struct Attempt {
    pub delivery_id: Id,
    pub webhook_id: Id,
    pub event_id: Id,
    pub attempt: i32,
    pub duration_ms: Option<i32>,
    pub http_status: Option<i32>,
    pub tenant_id: String,
    pub event_type: String,
    pub outcome: &'static str,
    pub error: Option<String>,
    /// A JSON object.
    pub response_headers: Option<Jsonb>,
    pub response_body: Option<String>,
}

static INSERT: Append = Append::new(
    "webhook_attempts",
    &[
        c"attempted_at",
        c"delivery_id",
        c"webhook_id",
        c"event_id",
        c"attempt",
        c"duration_ms",
        c"http_status",
        c"tenant_id",
        c"event_type",
        c"outcome",
        c"error",
        c"response_headers",
        c"response_body",
    ],
);

/// Adds the rows of attempts that were completed now.
pub fn add(now: Timestamp, attempts: Vec<Attempt>) -> Result<(), Mistake> {
    if attempts.is_empty() {
        return Ok(());
    }
    let month = MONTHS.ensure(now, true)?;
    let rows = attempts.into_iter().map(|attempt| {
        params![
            now,
            attempt.delivery_id,
            attempt.webhook_id,
            attempt.event_id,
            attempt.attempt,
            attempt.duration_ms,
            attempt.http_status,
            attempt.tenant_id,
            attempt.event_type,
            attempt.outcome,
            attempt.error,
            attempt.response_headers,
            attempt.response_body,
        ]
    });
    INSERT.run_all(month, &rows.collect::<Vec<_>>())
}

/// Runs a statement that reads attempts by the index of each month, however small the month was when the statement was
/// planned. The months have no index but that.
pub fn by_time<T>(work: impl FnOnce() -> T) -> T {
    spi::with_settings(&[(c"enable_seqscan", c"off")], work)
}

static OTHERS: Statement<(Id, String, bool)> = Statement::write(
    c"SELECT webhook_id, tenant_id, bool_or(attempt = $2) FROM auth_store.webhook_attempts
       WHERE delivery_id = $1 AND attempted_at >= $3 GROUP BY webhook_id, tenant_id",
);

/// The webhook and the tenant of a delivery of which another attempt was completed, and not this one.
pub fn completed_by_another(delivery_id: Id, attempt: i32) -> Result<Option<(Id, String)>, Mistake> {
    let others = by_time(|| OTHERS.one(&params![delivery_id, attempt, delivery_id.time()]))?;
    Ok(others.filter(|(_, _, same)| !same).map(|(webhook_id, tenant_id, _)| (webhook_id, tenant_id)))
}

/// Makes the missing ones of this month's partition and those of the months ahead; returns how many.
pub fn ensure(now: Timestamp, months_ahead: i32) -> Result<i32, Mistake> {
    MONTHS.ensure_ahead(now, months_ahead)
}

/// Drops the months that ended longer ago than events are kept; returns how many. One that can't be dropped is left to
/// the next run.
pub fn drop_old(now: Timestamp) -> Result<i32, Mistake> {
    let dropped = MONTHS.drop_before(now.plus_seconds(-RETENTION.in_seconds()), true)?.len();
    Ok(i32::try_from(dropped).unwrap_or(i32::MAX))
}

/// Whether this is the name of a month of the log.
pub fn names(name: &str) -> bool {
    MONTHS.names(name)
}

/// Makes those of the named partitions that are months of the log and missing; returns how many.
pub fn ensure_named(names: &[&str]) -> Result<i32, Mistake> {
    MONTHS.ensure_named(names)
}
