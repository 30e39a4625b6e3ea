//! Which server this is, and which of its histories: a promotion and a restore to a point in time begin another
//! timeline, and a dump comes to a server of another identifier.

#![allow(unsafe_code)]

use pgrx::pg_sys;

/// A server's history.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Lineage {
    /// The system identifier, as pg_control_system() shows it.
    pub system: i64,
    /// The timeline that is written.
    pub timeline: i32,
}

/// The present one; None on a standby, which writes none.
pub fn present() -> Option<Lineage> {
    // SAFETY: reads of shared memory that every backend is attached to. A server that has left recovery has set its
    // timeline before.
    unsafe {
        if pg_sys::RecoveryInProgress() {
            return None;
        }
        Some(Lineage {
            system: pg_sys::GetSystemIdentifier().cast_signed(),
            timeline: pg_sys::GetWALInsertionTimeLine().cast_signed(),
        })
    }
}
