//! Which rows a look by an index sees. Locks come first, the snapshot after them: see [`Snapshot::settle`].

#![allow(unsafe_code)]

use std::cell::Cell;

use pgrx::pg_sys;

use crate::kernel::outcome::Mistake;
use crate::kernel::server::{catalog, state};

/// Which rows are visible.
pub struct Snapshot {
    raw: Cell<pg_sys::Snapshot>,
    registered: Cell<bool>,
    /// Taken with GetLatestSnapshot().
    latest: bool,
    /// Taken for a call that writes.
    writes: bool,
    /// Taken with GetLatestSnapshot(), for a transaction that may still take its own snapshot later.
    decides: bool,
}

unsafe extern "C-unwind" {
    // Called without the guard that other calls of the server have, because each reader calls it; it raises nothing.
    fn GetActiveSnapshot() -> pg_sys::Snapshot;
}

impl Snapshot {
    /// The rows that the calling query sees: for functions that only read.
    pub fn reading() -> Self {
        // SAFETY: a function is always called with an active snapshot, which outlives the call.
        let snapshot = unsafe { GetActiveSnapshot() };
        Self {
            raw: Cell::new(snapshot),
            registered: Cell::new(false),
            latest: false,
            writes: false,
            decides: false,
        }
    }

    /// The rows that a statement begun now would see, as for each statement of a volatile function. Refuses read-only
    /// transactions and standbys, because the caller is going to write.
    pub fn writing() -> Result<Self, Mistake> {
        state::writable()?;
        // SAFETY: a function runs in a transaction.
        unsafe { pg_sys::CommandCounterIncrement() };
        Ok(Self::registered(false))
    }

    /// The rows that are committed by now, or of this transaction, whatever the isolation level: for a writer that has
    /// just taken a lock under which the rows it looks at cannot change.
    pub fn latest() -> Self {
        // SAFETY: a function runs in a transaction, and never in a parallel worker if it writes.
        unsafe { pg_sys::CommandCounterIncrement() };
        Self::registered(true)
    }

    /// The same for a call that decides only by the rows it looks up and changes none of them: no conditional UPDATE
    /// would tell it that its transaction's snapshot is out of date. Refuses read-only transactions and standbys, for
    /// its audit row.
    pub fn deciding() -> Result<Self, Mistake> {
        state::writable()?;
        let mut snapshot = Self::latest();
        snapshot.decides = true;
        Ok(snapshot)
    }

    /// For rows that a writer looks up and does not change: at REPEATABLE READ they are read as they are committed by
    /// now, since no UPDATE of the row would tell the writer of a change. A row that is gone by now is found if the
    /// transaction's snapshot still has it: holding it raises 40001.
    pub fn newest<T>(
        &self,
        find: impl Fn(&Self) -> Result<Option<T>, Mistake>,
    ) -> Result<Option<T>, Mistake> {
        if self.writes
            && state::has_one_snapshot()
            && let Some(found) = find(&Self::deciding()?)?
        {
            return Ok(Some(found));
        }
        find(self)
    }

    fn registered(latest: bool) -> Self {
        let raw = Cell::new(take_snapshot(latest));
        Self { raw, registered: Cell::new(true), latest, writes: true, decides: false }
    }

    /// Whether it is a writer's.
    pub fn writes(&self) -> bool {
        self.writes
    }

    /// The server's own, for its functions.
    pub fn raw(&self) -> pg_sys::Snapshot {
        self.raw.get()
    }

    /// Makes this the snapshot of a table that is locked by now. A snapshot from before the lock may be too old: the
    /// former holder of the lock may have changed the table's rows, and a rewrite of the table (ALTER TABLE, VACUUM
    /// FULL) gives every row a transaction that the snapshot does not see, so that the table looks empty. So the
    /// snapshot is taken again. Where the isolation level allows only one, the transaction can't go on (40001), because
    /// a revoked id must not pass for a valid one.
    pub fn settle(
        &self,
        table: pg_sys::Oid,
        changed: pg_sys::TransactionId,
        waited: bool,
    ) -> Result<(), Mistake> {
        let only_one = !self.latest && state::has_one_snapshot();
        // A deciding view may read such a table; the statements of its transaction no longer can.
        let bound = only_one || (self.decides && state::has_one_snapshot());
        // SAFETY: the snapshot is active or registered, or the transaction's, which has one for its life.
        let hidden = unsafe {
            let followed = if bound && !only_one { pg_sys::GetTransactionSnapshot() } else { self.raw.get() };
            catalog::is_rewritten_after(table, changed, followed)
        };
        if !hidden && (only_one || !waited) {
            return Ok(());
        }
        if hidden && bound {
            return Err(Mistake::Changed);
        }
        let former = self.raw.replace(take_snapshot(self.latest));
        if self.registered.replace(true) {
            // SAFETY: registered by this one with the same resource owner.
            unsafe { pg_sys::UnregisterSnapshot(former) };
        }
        Ok(())
    }
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        if self.registered.get() && !std::thread::panicking() {
            // SAFETY: registered by this one with the same resource owner.
            unsafe { pg_sys::UnregisterSnapshot(self.raw.get()) };
        }
    }
}

fn take_snapshot(latest: bool) -> pg_sys::Snapshot {
    // SAFETY: the snapshot is registered with the current resource owner and given back by its drop, or by the
    // owner where an error unwinds.
    unsafe {
        pg_sys::RegisterSnapshot(if latest {
            pg_sys::GetLatestSnapshot()
        } else {
            pg_sys::GetTransactionSnapshot()
        })
    }
}
