//! A limited number of places for work that takes much memory and time, shared by all backends of the server, whatever
//! their databases.

#![allow(unsafe_code)]

use std::time::{Duration, Instant};

use pgrx::pg_sys;

/// A place, taken until it is dropped, or until the transaction fails.
pub struct Slot(pg_sys::LOCKTAG);

impl Slot {
    /// Takes one of `count` places; None if none became free in this time. Raises if the statement is cancelled
    /// meanwhile. A place is an advisory lock of a class that no SQL function can take: the server frees it with the
    /// transaction, also of a backend that was killed. Whoever holds one waits for nothing, so no wait is a deadlock.
    pub fn take(count: u32, wait: Duration) -> Option<Self> {
        // The length of a wait does not depend on the wall clock.
        #[allow(clippy::disallowed_methods)]
        let started = Instant::now();
        let mut pause = 1;
        loop {
            // SAFETY: a variable of the server. Backends begin with different places, so that the first try is good.
            let first = unsafe { pg_sys::MyProcPid }.unsigned_abs();
            for n in 0..count {
                let tag = tag(first.wrapping_add(n) % count);
                if try_lock(&tag) {
                    return Some(Self(tag));
                }
            }
            if started.elapsed() >= wait {
                return None;
            }
            wait_for(pause);
            pause = (pause * 2).min(MAX_PAUSE);
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        // SAFETY: taken in try_lock() by this backend and this resource owner.
        unsafe { pg_sys::LockRelease(&self.0, pg_sys::ExclusiveLock as i32, false) };
    }
}

/// In milliseconds: shorter than a hash takes.
const MAX_PAUSE: i64 = 8;

/// The fourth field says which class of locks it is: see `lock.rs`.
fn tag(n: u32) -> pg_sys::LOCKTAG {
    pg_sys::LOCKTAG {
        locktag_field1: 0,
        locktag_field2: 0,
        locktag_field3: n,
        locktag_field4: 4,
        locktag_type: pg_sys::LockTagType::LOCKTAG_ADVISORY as u8,
        locktag_lockmethodid: pg_sys::USER_LOCKMETHOD as u8,
    }
}

fn try_lock(tag: &pg_sys::LOCKTAG) -> bool {
    // SAFETY: a complete tag of a transaction's lock, which is not waited for; the server unwinds with an error where
    // the lock table is full.
    let taken = unsafe { pg_sys::LockAcquire(tag, pg_sys::ExclusiveLock as i32, false, true) };
    taken == pg_sys::LockAcquireResult::LOCKACQUIRE_OK
}

/// Waits so many milliseconds. Raises if the statement is cancelled.
pub fn wait_for(milliseconds: i64) {
    let events = pg_sys::WL_LATCH_SET | pg_sys::WL_TIMEOUT | pg_sys::WL_EXIT_ON_PM_DEATH;
    // SAFETY: the backend's own latch.
    unsafe {
        let happened =
            pg_sys::WaitLatch(pg_sys::MyLatch, events as i32, milliseconds, pg_sys::PG_WAIT_EXTENSION);
        if happened & pg_sys::WL_LATCH_SET as i32 != 0 {
            pg_sys::ResetLatch(pg_sys::MyLatch);
        }
    }
    pgrx::check_for_interrupts!();
}
