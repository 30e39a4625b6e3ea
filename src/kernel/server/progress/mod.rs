//! How far a long call is, for other sessions and for its caller.
//!
//! Other sessions read it in the view `progress`. A call leaves it in the place that every backend has for the progress
//! of a command: see [`place`]. Its caller gets a NOTICE every [`INTERVAL`].
//!
//! ```text
//! let progress = Progress::begin("tenant_erase", Some(tenant_id));
//! progress.step("sessions", 3, 24);
//! progress.add(rows);
//! ```

mod place;
mod told;

use std::cell::RefCell;

use pgrx::pg_sys;
use sha2::{Digest, Sha256};

use crate::kernel::outcome::{self, Mistake};
use crate::kernel::server::cell::BackendCell;
use crate::kernel::server::pin;
use crate::kernel::server::progress::place::{Shown, Words};
use crate::kernel::server::settings::Setting;
use crate::kernel::value::clock::{self, Timestamp};

/// How often a call tells its caller how far it is.
pub static INTERVAL: Setting<i32> = Setting::milliseconds(
    c"auth_store.progress_interval",
    5000,
    0..=3_600_000,
    c"How often a long call says in a NOTICE how far it is.",
    c"cleanup(), vault_rekey(), migrate(), audit_verify() and the others that the view progress shows. 0: after each \
      batch of rows. client_min_messages decides whether a session sees them.",
);

/// The call of this backend that is shown.
struct Call {
    /// When the client's statement began that makes the call.
    statement: pg_sys::TimestampTz,
    /// The level of the subtransaction in which it began.
    level: i32,
    told_at: Timestamp,
    shown: Shown,
}

static CALL: BackendCell<RefCell<Option<Call>>> = BackendCell::new(RefCell::new(None));

/// A part in the progress of a call.
pub struct Progress {
    /// Whether what it is told is shown.
    shows: bool,
    /// Whether the call is over with it.
    ends: bool,
}

impl Progress {
    /// A call of this function, which is shown until this is dropped, as it is where the call fails; a call that a call
    /// which is shown makes is a part of that one, and shows nothing of its own. Of a call that is about one tenant,
    /// that one's sessions see the row, of others only sessions that no tenant binds.
    pub fn begin(function: &'static str, tenant_id: Option<&str>) -> Self {
        if is_running(|_| true) {
            return Self::none();
        }
        open(function, tenant_id);
        Self { shows: true, ends: true }
    }

    /// A part of the call of this function, if that is what runs: for a step of a procedure.
    pub fn of(function: &str) -> Self {
        let shows = is_running(|call| call.shown.command.text() == function);
        Self { shows, ends: false }
    }

    /// A part of the call that runs, whichever it is.
    pub fn running() -> Self {
        Self { shows: is_running(|_| true), ends: false }
    }

    /// A part that nobody sees.
    pub const fn none() -> Self {
        Self { shows: false, ends: false }
    }

    /// Whether anybody sees what it is told, for what it costs something to find out.
    pub fn is_shown(&self) -> bool {
        self.shows
    }

    /// The call begins the step of this number, from 1, among so many.
    pub fn step(&self, phase: &str, step: usize, steps: usize) {
        self.change(|shown| {
            shown.phase = Words::of(phase);
            shown.step = i64::try_from(step).unwrap_or(0);
            shown.steps = i64::try_from(steps).unwrap_or(0);
        });
    }

    /// About so many rows are still to come.
    pub fn expect(&self, rows: i64) {
        self.change(|shown| shown.total = shown.done.saturating_add(rows.max(0)));
    }

    /// The same where nobody has said so before.
    pub fn expect_at_first(&self, rows: i64) {
        self.change(|shown| {
            if shown.total < 0 {
                shown.total = shown.done.saturating_add(rows.max(0));
            }
        });
    }

    /// Nobody knows how many rows are still to come.
    pub fn expect_any(&self) {
        self.change(|shown| shown.total = -1);
    }

    /// So many rows more are done. To be called for a batch of rows rather than for each.
    pub fn add(&self, rows: i64) {
        self.change(|shown| shown.done = shown.done.saturating_add(rows));
    }

    /// Shows a change to others.
    fn show(&self, change: impl FnOnce(&mut Shown)) {
        if self.shows
            && let Ok(mut call) = CALL.try_borrow_mut()
            && let Some(call) = call.as_mut()
        {
            change(&mut call.shown);
            place::show(&call.shown);
        }
    }

    /// … and tells the caller, where it is time.
    fn change(&self, change: impl FnOnce(&mut Shown)) {
        self.show(change);
        if self.shows {
            let due = CALL.try_borrow_mut().ok().and_then(|mut call| call.as_mut()?.due(clock::now()));
            due.iter().for_each(|sentence| outcome::notice(sentence));
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.ends {
            close();
        }
    }
}

impl Call {
    /// What is to be told by now.
    fn due(&mut self, now: Timestamp) -> Option<String> {
        if now.micros_since(self.told_at) < INTERVAL.in_micros() {
            return None;
        }
        self.told_at = now;
        Some(told::sentence(&self.shown, now))
    }
}

/// Begins to show a call: for a procedure, which runs in several transactions. The call is over when [`close`] is
/// called, when its transaction or the subtransaction in which it began fails, and when its statement is over.
pub fn open(function: &str, tenant_id: Option<&str>) {
    let now = clock::now();
    let call = Call {
        statement: statement(),
        level: level(),
        told_at: now,
        shown: Shown {
            started_at: now,
            tenant: pin::tenant().or(tenant_id).map_or(0, hash),
            step: 0,
            steps: 0,
            done: 0,
            total: -1,
            command: Words::of(function),
            phase: Words::of(""),
        },
    };
    place::show(&call.shown);
    CALL.replace(Some(call));
}

/// Shows the call no more.
pub fn close() {
    if CALL.try_borrow_mut().is_ok_and(|mut call| call.take().is_some()) {
        place::clear();
    }
}

/// What any call is at until this is dropped.
pub struct Phase {
    part: Progress,
    former: Words<8>,
}

/// Shows what the call, whichever it is, does for a while.
pub fn phase(phase: &str) -> Phase {
    let part = Progress::running();
    let mut former = Words::of("");
    part.change(|shown| former = std::mem::replace(&mut shown.phase, Words::of(phase)));
    Phase { part, former }
}

impl Drop for Phase {
    fn drop(&mut self) {
        self.part.show(|shown| shown.phase = self.former);
    }
}

/// Shows the call again, after a statement that may have taken its place: one that makes an index has.
pub fn show_again() {
    Progress::running().show(|_| {});
}

/// A transaction or a subtransaction is undone: the call that began in it is over. The server has cleared the place.
pub fn undone() {
    if let Ok(mut call) = CALL.try_borrow_mut()
        && call.as_ref().is_some_and(|call| call.level >= level())
    {
        *call = None;
    }
}

/// Whether such a call runs. One that began in another statement of the client is over.
fn is_running(such: impl FnOnce(&Call) -> bool) -> bool {
    CALL.try_borrow()
        .is_ok_and(|call| call.as_ref().is_some_and(|call| call.statement == statement() && such(call)))
}

fn level() -> i32 {
    // SAFETY: a read of this backend's own state.
    #[allow(unsafe_code)]
    unsafe {
        pg_sys::GetCurrentTransactionNestLevel()
    }
}

// Here a statement is identified by the time at which it began.
#[allow(clippy::disallowed_methods)]
fn statement() -> pg_sys::TimestampTz {
    // SAFETY: a read of this backend's own state.
    #[allow(unsafe_code)]
    unsafe {
        pg_sys::GetCurrentStatementStartTimestamp()
    }
}

/// Stands for a tenant; never 0.
fn hash(tenant_id: &str) -> i64 {
    let digest = Sha256::digest(tenant_id);
    digest.first_chunk().map_or(0, |bytes| i64::from_be_bytes(*bytes)) | 1
}

/// A call that runs now.
pub struct Running {
    pub pid: i32,
    /// The role that logged in.
    pub role: pg_sys::Oid,
    pub command: String,
    pub phase: Option<String>,
    /// The number of the step, from 1, and of how many.
    pub step: Option<(i32, i32)>,
    pub rows_done: i64,
    pub rows_total: Option<i64>,
    pub started_at: Timestamp,
    pub rows_per_second: Option<f64>,
    pub seconds_left: Option<i64>,
}

/// The calls that run in this database, as far as this session may see them.
pub fn running(now: Timestamp) -> Result<Vec<Running>, Mistake> {
    pin::prove()?;
    let own = pin::tenant().map(hash);
    let shown = place::all().into_iter().filter(|(_, _, shown)| own.is_none_or(|own| own == shown.tenant));
    Ok(shown.map(|(pid, role, shown)| Running::of(pid, role, &shown, now)).collect())
}

impl Running {
    fn of(pid: i32, role: pg_sys::Oid, shown: &Shown, now: Timestamp) -> Self {
        let number = |n: i64| i32::try_from(n).unwrap_or(i32::MAX);
        Self {
            pid,
            role,
            command: shown.command.text(),
            phase: Some(shown.phase.text()).filter(|phase| !phase.is_empty()),
            step: (shown.steps > 0).then(|| (number(shown.step), number(shown.steps))),
            rows_done: shown.done,
            rows_total: shown.total(),
            started_at: shown.started_at,
            rows_per_second: told::rate(shown, now),
            seconds_left: told::left(shown, now),
        }
    }
}
