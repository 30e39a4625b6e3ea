//! Which calls are under way: since when one that has not committed yet may have read the clock.

#![allow(unsafe_code)]

use pgrx::pg_sys;

use crate::kernel::server::state;
use crate::kernel::value::clock::Timestamp;

/// No transaction of this database that is running now, but for prepared ones, has a time from before the returned one
/// in the rows that it has written or will write; at most `now`, which was read before. None: that can't be told,
/// because a session does not show what it does (`track_activities`).
///
/// A row's time is read while a statement runs. So a transaction that has written has times since its own start, and
/// one that has not has times since the start of its statement.
pub fn since(now: Timestamp) -> Option<Timestamp> {
    let mut since = now.micros();
    // SAFETY: the server's copy of all sessions' states, taken anew; an entry lives until the copy is cleared.
    unsafe {
        pg_sys::pgstat_clear_backend_activity_snapshot();
        for number in 1..=pg_sys::pgstat_fetch_stat_numbackends() {
            let Some(entry) = entry(number).as_ref() else { continue };
            let status = &entry.backendStatus;
            if status.st_databaseid != state::database() || !calls(status.st_backendType) {
                continue;
            }
            let start = if entry.backend_xid != pg_sys::InvalidTransactionId {
                status.st_xact_start_timestamp
            } else if entry.backend_xmin != pg_sys::InvalidTransactionId && !is_idle(status.st_state) {
                match status.st_activity_start_timestamp {
                    0 => status.st_xact_start_timestamp,
                    start => start,
                }
            } else {
                continue;
            };
            if start == 0 {
                return None;
            }
            since = since.min(start);
        }
    }
    Some(Timestamp::from_micros(since))
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
