//! Locks on what has no row yet.

#![allow(unsafe_code)]

use crate::kernel::server::state;
use pgrx::pg_sys;

use crate::kernel::value::id::Id;

/// Locks a key until the end of the transaction, or until the savepoint in which this happens is undone: other sessions
/// that lock the same key in this database wait. When it returns, the session knows what others have committed
/// meanwhile and changed in the catalog. One entry of the server's lock table for each key.
///
/// An advisory lock of a class that no SQL function can take: for the locks of `pg_advisory_lock()` the last field is 1
/// or 2.
pub fn lock_key(key: Id) {
    let word = |at: usize| {
        key.bytes()
            .get(at..)
            .and_then(|bytes| bytes.first_chunk())
            .map_or(0, |bytes| u32::from_be_bytes(*bytes))
    };
    // SAFETY: a complete tag of a transaction's lock; the server unwinds with an error where the lock table is
    // full, or the wait is cancelled or a deadlock.
    unsafe {
        let tag = pg_sys::LOCKTAG {
            locktag_field1: state::database().to_u32(),
            locktag_field2: word(0),
            locktag_field3: word(4),
            locktag_field4: 3,
            locktag_type: pg_sys::LockTagType::LOCKTAG_ADVISORY as u8,
            locktag_lockmethodid: pg_sys::USER_LOCKMETHOD as u8,
        };
        pg_sys::LockAcquire(&tag, pg_sys::ExclusiveLock as i32, false, false);
        pg_sys::AcceptInvalidationMessages();
    }
}
