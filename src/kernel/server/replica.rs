//! How old the answers of a standby may be, and a guard that refuses answers which may be too old.

#![allow(unsafe_code)]

use std::cell::Cell;
use std::ptr::{addr_of, read_volatile};
use std::sync::atomic::{Ordering, fence};

use pgrx::pg_sys;

use crate::kernel::outcome::Mistake;
use crate::kernel::server::cell::BackendCell;
use crate::kernel::server::settings::Setting;
use crate::kernel::value::clock::{self, Timestamp};

/// How old an answer of a standby may be.
pub static MAX_LAG: Setting<i32> = Setting::milliseconds(
    c"auth_store.max_replica_lag",
    0,
    0..=3_600_000,
    c"How far a standby may be behind the primary and still answer.",
    c"A function that reads on a standby raises 55000 while replica_lag() is more. 0: it always answers.",
);

/// Whether answers of any age are wanted.
static REGARDLESS: BackendCell<Cell<bool>> = BackendCell::new(Cell::new(false));

/// Refuses to answer on a standby that may be too far behind.
#[inline]
pub fn ensure_fresh() -> Result<(), Mistake> {
    if MAX_LAG.get() == 0 { Ok(()) } else { look() }
}

#[cold]
fn look() -> Result<(), Mistake> {
    match lag(clock::now()) {
        Some(lag) if lag > MAX_LAG.in_micros() && !REGARDLESS.get() => Err(Mistake::WrongState {
            message: "this standby is further behind the primary than auth_store.max_replica_lag allows"
                .into(),
            hint: "Ask the primary, or another standby: SELECT auth_store.replica_lag()".into(),
        }),
        _ => Ok(()),
    }
}

/// Looks at the server as it is, however old what it shows.
pub fn regardless<T>(look: impl FnOnce() -> T) -> T {
    struct Before(bool);
    impl Drop for Before {
        fn drop(&mut self) {
            REGARDLESS.set(self.0);
        }
    }
    let _before = Before(REGARDLESS.replace(true));
    look()
}

/// Microseconds for which a commit may have been durable on the primary without being seen here; None on the primary.
pub fn lag(now: Timestamp) -> Option<i64> {
    // SAFETY: a read of the server's state.
    if !unsafe { pg_sys::RecoveryInProgress() } {
        return None;
    }
    Some(now.micros_since(current_at()).max(0))
}

/// As of when this standby shows everything: the time of the newest commit that was replayed; or, if all is replayed
/// that the primary had, the time at which the primary said so last.
fn current_at() -> Timestamp {
    // SAFETY: the receiver's shared memory, which every backend is attached to for its life, is written field by field
    // under a spinlock. These fields are written whole. The times are read before the position that they belong to: a
    // message between the two makes the position later, which only asks for more.
    let (sent, received, end) = unsafe {
        let receiver = pg_sys::WalRcv;
        if receiver.is_null() {
            (0, 0, 0)
        } else {
            let sent = read_volatile(addr_of!((*receiver).lastMsgSendTime));
            let received = read_volatile(addr_of!((*receiver).lastMsgReceiptTime));
            fence(Ordering::Acquire);
            (sent, received, read_volatile(addr_of!((*receiver).latestWalEnd)))
        }
    };
    // SAFETY: reads of the recovery's shared memory.
    let (replayed, newest) =
        unsafe { (pg_sys::GetXLogReplayRecPtr(std::ptr::null_mut()), pg_sys::GetLatestXTime()) };
    // Of two clocks the one that says less is believed.
    let told = if end != 0 && replayed >= end { sent.min(received) } else { 0 };
    Timestamp::from_micros(newest.max(told))
}
