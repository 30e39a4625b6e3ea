//! What the operator sees and schedules: the store's jobs, and reports over all domains. A report is one SQL
//! statement.

use pgrx::prelude::*;

use crate::kernel::value::clock::Timestamp;
use crate::report::schedule::Schedule;

pub mod compliance;
pub mod progress;
pub mod schedule;

extension_sql_file!("../../sql/procedures/jobs.sql", name = "jobs", requires = [job_next_run]);

#[pg_extern(immutable, parallel_safe)]
fn job_next_run(
    schedule: Option<&str>,
    after: Option<TimestampWithTimeZone>,
) -> Option<TimestampWithTimeZone> {
    let after = Some(Timestamp::from(after?)).filter(|after| after.is_finite())?;
    let next = Schedule::read(schedule?)?.next(after)?;
    TimestampWithTimeZone::try_from(next.micros()).ok()
}
