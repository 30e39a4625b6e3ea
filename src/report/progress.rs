//! Long calls that run now: for other sessions, and for the procedures, which say themselves when they begin and end.

use pgrx::prelude::*;

use crate::kernel::outcome::{Mistake, OrRaise, given};
use crate::kernel::server::composite::composite;
use crate::kernel::server::progress::{self, Running};
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
fn progress_end() -> bool {
    progress::close();
    true
}

/// The procedures that show how far they are.
const PROCEDURES: [&str; 2] = ["cleanup", "vault_rekey"];

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
