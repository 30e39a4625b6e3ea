//! The log of attempts, in monthly partitions.

use crate::kernel::outcome::Mistake;
use crate::kernel::server::partition::Partitions;
use crate::kernel::server::table::{Published, Rows, Table, delete_by};
use crate::kernel::value::calendar::Period;
use crate::kernel::value::clock::Timestamp;
use crate::webhook::outbox::event::RETENTION;

/// The facts of the table `webhook_attempts`. Its months are dropped.
pub static TABLE: Table = Table {
    name: "webhook_attempts",
    key: &[],
    ended: None,
    of_tenant: Rows::Deleted(delete_by!("webhook_attempts", "tenant_id")),
    of_client: Rows::None,
    of_user: None,
    published: Published::Reports,
    restored: true,
};

static MONTHS: Partitions = Partitions::new(
    c"webhook_attempts",
    Period::Month,
    "CREATE INDEX {name}_idx ON auth_store.{name} (delivery_id){tablespace}",
);

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
