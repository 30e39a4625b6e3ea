//! Long calls that run now: for other sessions, and for the procedures, which say themselves when they begin and end.

use pgrx::prelude::*;

use crate::kernel::outcome::{Mistake, OrRaise, given};
use crate::kernel::server::composite::composite;
use crate::kernel::server::progress::{self, Progress, Running};
use crate::kernel::server::rows::SetOfIterator;
use crate::kernel::server::{caller, catalog, state};
use crate::kernel::value::clock::{self, Timestamp};

composite! {
    /// A long call that runs now.
    pub struct CallProgress = "auth_store.call_progress" {
        pub pid: Option<i32>,
        pub datid: Option<pg_sys::Oid>,
        pub datname: Option<String>,
        pub role: Option<String>,
        pub command: Option<String>,
        pub phase: Option<String>,
        pub step: Option<i32>,
        pub steps: Option<i32>,
        pub rows_done: Option<i64>,
        pub rows_total: Option<i64>,
        pub started_at: Option<Timestamp>,
        pub rows_per_second: Option<f64>,
        pub seconds_left: Option<i64>,
    }
}

#[pg_extern(stable, parallel_safe)]
fn progress_list() -> SetOfIterator<'static, CallProgress> {
    let running = progress::running(clock::now()).or_raise();
    let datname = catalog::database_name();
    SetOfIterator::new(running.into_iter().map(|call| CallProgress::of(call, datname.clone())))
}

#[pg_extern(volatile, parallel_unsafe)]
fn progress_begin(command: Option<&str>) -> bool {
    let begin = || {
        let command = given(command, "command")?;
        if !PROCEDURES.contains(&command) {
            return Err(Mistake::one_of("command", &PROCEDURES));
        }
        progress::open(command, None);
        Ok(true)
    };
    begin().or_raise()
}

#[pg_extern(volatile, parallel_unsafe)]
fn progress_add(
    rows: Option<i64>,
    phase: Option<&str>,
    step: Option<i32>,
    steps: Option<i32>,
    rows_total: default!(Option<i64>, "NULL"),
) -> bool {
    let add = || {
        let rows = natural(given(rows, "rows")?, "rows")?;
        let phase = given(phase, "phase")?;
        let step = natural(given(step, "step")?.into(), "step")?;
        let steps = natural(given(steps, "steps")?.into(), "steps")?;
        let rows_total = rows_total.map(|rows| natural(rows, "rows_total")).transpose()?;
        let part = Progress::running();
        part.step(phase, step, steps);
        if let Some(rows) = rows_total {
            part.expect_at_first(rows);
        }
        part.add(rows);
        Ok(part.is_shown())
    };
    add().or_raise()
}

fn natural<T: TryFrom<i64>>(number: i64, argument: &'static str) -> Result<T, Mistake> {
    if number < 0 {
        return Err(Mistake::invalid(argument, "0 or more"));
    }
    T::try_from(number).map_err(|_| Mistake::invalid(argument, "a smaller number"))
}

#[pg_extern(volatile, parallel_unsafe)]
fn progress_end() -> bool {
    progress::close();
    true
}

/// The procedures that show how far they are.
const PROCEDURES: [&str; 3] = ["cleanup", "shard_forget", "vault_rekey"];

impl CallProgress {
    fn of(call: Running, datname: Option<String>) -> Self {
        let (step, steps) = call.step.unzip();
        Self {
            pid: Some(call.pid),
            datid: Some(state::database()),
            datname,
            role: Some(caller::name(call.role).to_string()),
            command: Some(call.command),
            phase: call.phase,
            step,
            steps,
            rows_done: Some(call.rows_done),
            rows_total: call.rows_total,
            started_at: Some(call.started_at),
            rows_per_second: call.rows_per_second,
            seconds_left: call.seconds_left,
        }
    }
}
