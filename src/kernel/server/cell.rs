//! Values that a backend keeps from one call to the next.

#![allow(unsafe_code)]

use std::ops::Deref;

/// A `static` that may be changed, as a `Cell` or `RefCell` in it allows: one thread alone ever sees it.
pub struct BackendCell<T>(T);

// SAFETY: a backend is one thread, and so is the postmaster; the server calls this library from that thread only. What
// a backend inherits from the postmaster is a copy.
unsafe impl<T> Sync for BackendCell<T> {}

impl<T> BackendCell<T> {
    /// With its first value.
    pub const fn new(value: T) -> Self {
        Self(value)
    }
}

impl<T> Deref for BackendCell<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}
