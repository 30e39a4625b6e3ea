//! The months of the trail: made ahead, and dropped when they are older than it is kept.

use pgrx::prelude::*;

use crate::audit::seal::chunk;
use crate::identity::tenant;
use crate::kernel::outcome::{Mistake, OrRaise};
use crate::kernel::server::partition::drop::Dropped;
use crate::kernel::server::progress::Progress;
use crate::kernel::server::{caller, pin, state, version};
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::interval;
use crate::trail::{Event, months, record, retention};
use crate::webhook::attempt;

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn partitions_ensure(months_ahead: default!(Option<i32>, 2)) -> i32 {
    let now = clock::now();
    let ensure = || {
        let months_ahead = months_ahead.unwrap_or(MONTHS_AHEAD);
        if !(0..=MAX_MONTHS_AHEAD).contains(&months_ahead) {
            return Err(Mistake::invalid("months_ahead", "0 to 120 months"));
        }
        version::ensure_ready()?;
        let _shown = Progress::begin("partitions_ensure", None);
        make(now, months_ahead)
    };
    ensure().or_raise()
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn partitions_drop(older_than: default!(Option<Interval>, "NULL")) -> i32 {
    let _shown = Progress::begin("partitions_drop", None);
    drop_older(clock::now(), older_than, false).or_raise()
}

const MAX_MONTHS_AHEAD: i32 = 120;
/// Months that are made beside the current one where the caller does not say how many.
const MONTHS_AHEAD: i32 = 2;

/// Makes the partitions of this month and the next two; returns how many were missing.
pub fn ensure_ahead(now: Timestamp) -> Result<i32, Mistake> {
    make(now, MONTHS_AHEAD)
}

fn make(now: Timestamp, months_ahead: i32) -> Result<i32, Mistake> {
    Ok(months::ensure(now, months_ahead)? + attempt::ensure(now, months_ahead)?)
}

/// Drops the months that ended longer ago than `older_than`, or the retention, each with a row that says so; returns
/// how many. Only a superuser may drop them sooner than the retention: the trail is there to watch the other roles.
pub fn drop_older(now: Timestamp, older_than: Option<Interval>, patient: bool) -> Result<i32, Mistake> {
    const FOREVER: i64 = 1_000_000 * 86_400;
    let accepted = "an interval that is not negative";
    version::ensure_ready()?;
    state::writable()?;
    if pin::tenant().is_some() {
        return Err(Mistake::NotAllowed(
            "a month of the audit trail belongs to all tenants, this session to one".into(),
        ));
    }
    let retention = retention::in_force(now)?;
    let seconds = interval::seconds(older_than, retention, 0..=FOREVER, "older_than", accepted)?;
    if seconds < retention && !caller::is_superuser() {
        return Err(Mistake::NotAllowed(
            "only a superuser may drop months of the audit trail sooner than auth_store.audit_retention has them kept"
                .into(),
        ));
    }
    let dropped = months::drop_before(now, now.plus_seconds(-seconds), patient)?;
    for month in &dropped {
        record_dropped(now, month, seconds)?;
    }
    // What is in use stays, with what it is compared with.
    if let Some(first) = months::first()? {
        chunk::drop_before(first.min(now), patient)?;
    }
    Ok(i32::try_from(dropped.len()).unwrap_or(i32::MAX))
}

fn record_dropped(now: Timestamp, month: &Dropped, seconds: i64) -> Result<(), Mistake> {
    record(
        now,
        &Event {
            event: "audit.month_dropped",
            tenant_id: tenant::DEFAULT,
            resource_type: Some("partition"),
            resource_id: Some(&month.name),
            details: Some(serde_json::json!({
                "from": month.from,
                "until": month.until,
                "older_than_seconds": seconds,
                "estimated_rows": month.rows,
                "bytes": month.bytes,
            })),
            ..Event::default()
        },
    )?;
    Ok(())
}
