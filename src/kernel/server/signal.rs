//! How backends tell each other that rows have changed which they remember. The message is an invalidation of a
//! relation's description, which the server sends with the commit and each backend takes in before it locks a table:
//! who begins after a commit knows of it. The relation is an index that no [`Lookup`] reads, so that nothing else is
//! looked up anew.
//!
//! [`Lookup`]: crate::kernel::server::lookup::Lookup

#![allow(unsafe_code)]

use std::ffi::CStr;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use pgrx::pg_sys;

use crate::kernel::outcome::Mistake;
use crate::kernel::server::catalog;

/// Something that backends remember.
pub struct Signal {
    index: &'static CStr,
    oid: AtomicU32,
    count: AtomicU32,
}

impl Signal {
    /// Sent as an invalidation of this index of the store.
    pub const fn of(index: &'static CStr) -> Self {
        Self { index, oid: AtomicU32::new(0), count: AtomicU32::new(0) }
    }

    /// Registers for the signal. Called once, when the library is loaded.
    pub fn watch(&'static self) {
        let argument = pg_sys::Datum::from(std::ptr::from_ref(self));
        // SAFETY: the callback matches the server's type, and its argument lives as long as the process.
        unsafe { pg_sys::CacheRegisterRelcacheCallback(Some(received), argument) };
    }

    /// What is remembered is true while this number stays as it was before the rows were read. Every change of the
    /// catalog that concerns the store changes the number too.
    pub fn moment(&self) -> (u32, u32) {
        (catalog::generation(), self.count.load(Relaxed))
    }

    /// From now on signals are received. To be called before the rows are read.
    pub fn listen(&self) -> Result<(), Mistake> {
        self.oid.store(self.relation()?.to_u32(), Relaxed);
        Ok(())
    }

    /// Tells every backend, at the commit, and this one at once. To be called before the rows are changed: if the
    /// change is undone, this backend is told again.
    pub fn send(&self) -> Result<(), Mistake> {
        let relation = self.relation()?;
        // SAFETY: a valid relation's oid; the server queues the invalidation for the commit.
        unsafe { pg_sys::CacheInvalidateRelcacheByRelid(relation) };
        self.count.fetch_add(1, Relaxed);
        Ok(())
    }

    fn relation(&self) -> Result<pg_sys::Oid, Mistake> {
        catalog::untracked(self.index).ok_or_else(|| catalog::missing(self.index))
    }
}

extern "C-unwind" fn received(argument: pg_sys::Datum, relation: pg_sys::Oid) {
    // SAFETY: the argument that watch() registered.
    let signal = unsafe { &*argument.cast_mut_ptr::<Signal>() };
    if relation == pg_sys::InvalidOid || relation.to_u32() == signal.oid.load(Relaxed) {
        signal.count.fetch_add(1, Relaxed);
    }
}
