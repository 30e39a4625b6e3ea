//! A row that must not be deleted until the transaction ends: locked as a foreign key check locks it (FOR KEY SHARE). A
//! row that refers to it afterwards finds it: the check of the foreign key takes the same lock once more, or is left
//! out because of this one (see `append::Reference`). If the row is gone the caller gets an answer and not the server's
//! error.
//!
//! A row that a look-up has just found is locked where it was found, without the executor, which costs a fraction of
//! the statement and next to nothing more than the foreign key's own lock. The statement runs where that does not
//! suffice: if the row was changed or deleted meanwhile or was not looked up, and at REPEATABLE READ and above, where
//! the statement raises 40001.

#![allow(unsafe_code)]

use std::cell::Cell;

use pgrx::pg_sys;

use crate::kernel::outcome::Mistake;
use crate::kernel::server::cell::BackendCell;
use crate::kernel::server::columns::Column;
use crate::kernel::server::row::{FromRow, Row};
use crate::kernel::server::spi::{Param, Statement};
use crate::kernel::server::{catalog, state, version};

/// Where a look-up found a row. Valid until the function that the server has called returns: until then the snapshot of
/// the calling query keeps the row from being removed, and the look-up's lock keeps the table from being rewritten.
#[derive(Clone, Copy)]
pub struct Place {
    generation: u32,
    table: pg_sys::Oid,
    row: pg_sys::ItemPointerData,
}

impl Place {
    /// Whether it is in this table, and the catalog has not changed since the row was seen.
    pub(super) fn is_of(self, generation: u32, table: pg_sys::Oid) -> bool {
        (self.generation, self.table) == (generation, table) && catalog::generation() == generation
    }

    /// The row's own part of it.
    pub(super) fn row(self) -> pg_sys::ItemPointerData {
        self.row
    }
}

static SEEN: BackendCell<Cell<Option<Place>>> = BackendCell::new(Cell::new(None));

/// Notes where a look-up found its row.
///
/// # Safety
/// The slot must have a row of the table.
pub unsafe fn note(table: pg_sys::Oid, slot: *const pg_sys::TupleTableSlot) {
    // SAFETY: as required of the caller.
    let row = unsafe { (*slot).tts_tid };
    // A slot with a copy of a row does not know the row's place.
    let known = row.ip_posid != 0;
    SEEN.set(known.then(|| Place { generation: catalog::generation(), table, row }));
}

// SAFETY: no column is read.
unsafe impl FromRow for Place {
    const COLUMNS: &'static [Column] = &[];

    /// Where the look-up that is reading has found the row: not for the rows of a statement.
    unsafe fn load(_: &Row<'_>, _: usize) -> Option<Self> {
        SEEN.get()
    }
}

/// How the rows of a table are held.
pub struct Hold(Statement);

impl Hold {
    /// `SELECT true FROM table WHERE key = $1 … FOR KEY SHARE`.
    pub const fn new(sql: &'static std::ffi::CStr) -> Self {
        Self(Statement::write(sql))
    }

    /// Keeps the row with this key, which was seen in that place, from being deleted until the transaction ends; false
    /// if it is gone. Waits for a transaction that is deleting it.
    pub fn hold(&self, place: Option<Place>, key: &[Param]) -> Result<bool, Mistake> {
        version::ensure_ready()?;
        state::writable()?;
        if place.is_some_and(lock) {
            return Ok(true);
        }
        Ok(self.0.run(key)? == 1)
    }
}

unsafe extern "C-unwind" {
    // Each of these would be guarded by itself, where one guard is enough for a row.
    fn try_table_open(table: pg_sys::Oid, mode: pg_sys::LOCKMODE) -> pg_sys::Relation;
    fn table_close(table: pg_sys::Relation, mode: pg_sys::LOCKMODE);
    fn table_slot_create(
        table: pg_sys::Relation,
        slots: *mut *mut pg_sys::List,
    ) -> *mut pg_sys::TupleTableSlot;
    fn ExecDropSingleTupleTableSlot(slot: *mut pg_sys::TupleTableSlot);
    fn GetActiveSnapshot() -> pg_sys::Snapshot;
    fn GetCurrentCommandId(used: bool) -> pg_sys::CommandId;
}

/// Locks a row in its place, waiting for other holders; false if it is no longer there as it was.
fn lock(place: Place) -> bool {
    if state::has_one_snapshot() {
        return false;
    }
    let locked = || {
        // SAFETY: opened if it still exists, with the lock a SELECT … FOR KEY SHARE takes. If the table was not
        // changed, the row is still in its place, see [`Place`]. Where an error unwinds, the resource owner closes it.
        unsafe {
            let table = try_table_open(place.table, pg_sys::RowShareLock as i32);
            if table.is_null() {
                return false;
            }
            let locked = catalog::generation() == place.generation && lock_row(table, place.row);
            table_close(table, pg_sys::NoLock as i32);
            locked
        }
    };
    // SAFETY: nothing in it has a destructor.
    unsafe { pg_sys::ffi::pg_guard_ffi_boundary(locked) }
}

/// As SELECT … FOR KEY SHARE does: where another transaction is just changing the row, but not its key, the version
/// that it makes is locked too.
///
/// # Safety
/// The table must be open, and this be the place of one of its rows. To be called within a guard.
unsafe fn lock_row(table: pg_sys::Relation, mut row: pg_sys::ItemPointerData) -> bool {
    const FLAGS: u32 =
        pg_sys::TUPLE_LOCK_FLAG_FIND_LAST_VERSION | pg_sys::TUPLE_LOCK_FLAG_LOCK_UPDATE_IN_PROGRESS;
    let mut failure = pg_sys::TM_FailureData::default();
    // SAFETY: as required of the caller. A function is always called with an active snapshot. The slot is dropped here,
    // or by the resource owner if an error unwinds.
    unsafe {
        let Some(tuple_lock) = (*(*table).rd_tableam).tuple_lock else { return false };
        let slot = table_slot_create(table, std::ptr::null_mut());
        let result = tuple_lock(
            table,
            &mut row,
            GetActiveSnapshot(),
            slot,
            GetCurrentCommandId(true),
            pg_sys::LockTupleMode::LockTupleKeyShare,
            pg_sys::LockWaitPolicy::LockWaitBlock,
            FLAGS as u8,
            &mut failure,
        );
        ExecDropSingleTupleTableSlot(slot);
        result == pg_sys::TM_Result::TM_Ok && !failure.traversed
    }
}
