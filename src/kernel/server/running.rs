//! Which calls are under way: since when one that has not committed yet may have read the clock.

#![allow(unsafe_code)]

use pgrx::pg_sys;

use crate::kernel::outcome::Mistake;
use crate::kernel::server::spi::Statement;
use crate::kernel::server::state;
use crate::kernel::value::clock::{self, Timestamp};

/// No transaction of this database that is running now, but for prepared ones, has a time from before the returned one
/// in the rows that it has written or will write; at most `now`, which was read before. None: that can't be told,
/// because a session does not show what it does (`track_activities`).
///
/// A row's time is read while a statement runs. So a transaction that has written has times since its own start, and
/// one that has not has times since the start of its statement.
pub fn since(now: Timestamp) -> Option<Timestamp> {
    earliest(now, |entry| {
        let status = &entry.backendStatus;
        if !calls(status.st_backendType) {
            return Began::Nothing;
        }
        if entry.backend_xid != pg_sys::InvalidTransactionId {
            return Began::at(status.st_xact_start_timestamp).unwrap_or(Began::Unknown);
        }
        if entry.backend_xmin == pg_sys::InvalidTransactionId || is_idle(status.st_state) {
            return Began::Nothing;
        }
        let of_statement = Began::at(status.st_activity_start_timestamp);
        of_statement.or(Began::at(status.st_xact_start_timestamp)).unwrap_or(Began::Unknown)
    })
}

/// No transaction that is open by now, or begins later, but for prepared ones, began before this time. None: that can't
/// be told, because a session does not show what it does.
pub fn oldest_open() -> Option<Timestamp> {
    earliest(clock::now(), |entry| {
        let status = &entry.backendStatus;
        if status.st_state == pg_sys::BackendState::STATE_DISABLED {
            return Began::Unknown;
        }
        Began::at(status.st_xact_start_timestamp).unwrap_or(Began::Nothing)
    })
}

static PREPARED: Statement<bool> = Statement::read(
    c"SELECT EXISTS (SELECT FROM pg_catalog.pg_prepared_xacts p
                      WHERE p.database = pg_catalog.current_database()) AS prepared",
);

/// Whether a transaction of this database is prepared: it does not say when it began.
pub fn is_prepared() -> Result<bool, Mistake> {
    Ok(PREPARED.one(&[])?.unwrap_or(true))
}

/// When what a session does began.
enum Began {
    /// It does nothing that is asked about.
    Nothing,
    At(i64),
    /// It does not say so.
    Unknown,
}

impl Began {
    /// A time as a session reports it: 0 stands for none.
    fn at(micros: i64) -> Option<Self> {
        (micros != 0).then_some(Self::At(micros))
    }
}

/// The earliest time at which a session of this database began, at most `now`; None if one does not say so.
fn earliest(now: Timestamp, began: impl Fn(&pg_sys::LocalPgBackendStatus) -> Began) -> Option<Timestamp> {
    let mut earliest = Some(now.micros());
    each(|entry| {
        if entry.backendStatus.st_databaseid == state::database() {
            earliest = match began(entry) {
                Began::Nothing => earliest,
                Began::At(micros) => earliest.map(|earliest| earliest.min(micros)),
                Began::Unknown => None,
            };
        }
        earliest.is_some()
    });
    earliest.map(Timestamp::from_micros)
}

/// Shows the state of each session of the server, as it is now, until `visit` returns false.
pub fn each(mut visit: impl FnMut(&pg_sys::LocalPgBackendStatus) -> bool) {
    // SAFETY: the server's copy of all sessions' states, taken anew; an entry lives until the copy is cleared.
    unsafe {
        pg_sys::pgstat_clear_backend_activity_snapshot();
        for number in 1..=pg_sys::pgstat_fetch_stat_numbackends() {
            let Some(entry) = entry(number).as_ref() else { continue };
            if !visit(entry) {
                return;
            }
        }
    }
}

/// Whether such a process runs functions.
fn calls(kind: pg_sys::BackendType::Type) -> bool {
    kind == pg_sys::BackendType::B_BACKEND || kind == pg_sys::BackendType::B_BG_WORKER
}

/// Whether a session that has a snapshot waits for its next statement.
fn is_idle(state: pg_sys::BackendState::Type) -> bool {
    use pg_sys::BackendState::{STATE_IDLE, STATE_IDLEINTRANSACTION, STATE_IDLEINTRANSACTION_ABORTED};
    [STATE_IDLE, STATE_IDLEINTRANSACTION, STATE_IDLEINTRANSACTION_ABORTED].contains(&state)
}

/// # Safety
/// The number must be one of those that there are.
unsafe fn entry(number: std::ffi::c_int) -> *mut pg_sys::LocalPgBackendStatus {
    // SAFETY: as required of the caller.
    #[cfg(feature = "pg15")]
    unsafe {
        pg_sys::pgstat_fetch_stat_local_beentry(number)
    }
    // SAFETY: as required of the caller.
    #[cfg(not(feature = "pg15"))]
    unsafe {
        pg_sys::pgstat_get_local_beentry_by_index(number)
    }
}
