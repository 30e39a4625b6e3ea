//! Since when the oldest transaction of this database has been open.

#![allow(unsafe_code)]

use pgrx::pg_sys;

use crate::kernel::server::state;
use crate::kernel::value::clock::{self, Timestamp};

/// No transaction that is open by now, or begins later, began before this time. None: not known, because a session
/// reports nothing (`track_activities`), which only a superuser can have set.
pub fn oldest_open() -> Option<Timestamp> {
    let mut oldest = clock::now();
    // SAFETY: reads a copy of what sessions report, which is made anew here and stays until the end of the transaction;
    // entries are numbered from 1.
    unsafe {
        pg_sys::pgstat_clear_backend_activity_snapshot();
        for number in 1..=pg_sys::pgstat_fetch_stat_numbackends() {
            #[cfg(feature = "pg15")]
            let entry = pg_sys::pgstat_fetch_stat_local_beentry(number);
            #[cfg(not(feature = "pg15"))]
            let entry = pg_sys::pgstat_get_local_beentry_by_index(number);
            let Some(entry) = entry.as_ref() else { continue };
            let session = &entry.backendStatus;
            if session.st_databaseid != state::database() {
                continue;
            }
            if session.st_state == pg_sys::BackendState::STATE_DISABLED {
                return None;
            }
            if session.st_xact_start_timestamp != 0 {
                oldest = oldest.min(Timestamp::from_micros(session.st_xact_start_timestamp));
            }
        }
    }
    Some(oldest)
}
