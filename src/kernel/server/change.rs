//! Rows that a look-up has just found, changed or deleted where they were found, without the executor. As in `append`,
//! statements remain for what needs more: at REPEATABLE READ and above, in a session with a tenant pin, and where
//! somebody has altered the table.

#![allow(unsafe_code)]

use std::cell::Cell;
use std::ffi::CStr;

use pgrx::pg_sys;

use crate::kernel::outcome::Mistake;
use crate::kernel::server::append::{index_row, is_plain};
use crate::kernel::server::cell::BackendCell;
use crate::kernel::server::hold::Place;
use crate::kernel::server::spi::Param;
use crate::kernel::server::{catalog, pin, state, version};

/// The columns of a table that are changed: none that an index or a foreign key has.
pub struct Change<const N: usize> {
    table: &'static CStr,
    columns: [&'static CStr; N],
    known: BackendCell<Cell<Option<Known<N>>>>,
}

#[derive(Clone, Copy)]
struct Known<const N: usize> {
    generation: u32,
    table: pg_sys::Oid,
    /// The position of each column; None if only statements may write there.
    positions: Option<[u8; N]>,
}

const MAX_COLUMNS: usize = 64;

impl<const N: usize> Change<N> {
    /// Of these columns.
    pub const fn new(table: &'static CStr, columns: [&'static CStr; N]) -> Self {
        Self { table, columns, known: BackendCell::new(Cell::new(None)) }
    }

    /// The table, if rows of it can be changed in their places now; None: by statements only.
    pub fn open(&self) -> Result<Option<Rows<N>>, Mistake> {
        version::ensure_ready()?;
        state::writable()?;
        if pin::tenant().is_some() || state::has_one_snapshot() {
            return Ok(None);
        }
        let oid = match self.known.get() {
            Some(known) if known.generation == catalog::generation() => Some(known.table),
            _ => catalog::relation(self.table),
        };
        let Some(oid) = oid else { return Err(catalog::missing(self.table)) };
        // SAFETY: opened if it still exists, with the lock that an UPDATE takes, which the transaction keeps.
        let table = unsafe { pg_sys::try_table_open(oid, pg_sys::RowExclusiveLock as i32) };
        if table.is_null() {
            return Ok(None);
        }
        let generation = catalog::generation();
        let known = self.known.get().filter(|known| known.generation == generation && known.table == oid);
        let known = known.unwrap_or_else(|| {
            // SAFETY: the table is open.
            let positions = unsafe { self.positions(table) };
            Known { generation, table: oid, positions }
        });
        self.known.set(Some(known));
        match known.positions {
            // SAFETY: the table is open; slots are dropped with it.
            Some(positions) => Ok(Some(unsafe { Rows::new(table, generation, positions) })),
            None => {
                // SAFETY: opened above.
                unsafe { pg_sys::table_close(table, pg_sys::NoLock as i32) };
                Ok(None)
            }
        }
    }

    /// Where the columns are, if a row of the table is only a heap tuple with its entries in btrees that have none of
    /// them.
    ///
    /// # Safety
    /// The table must be open.
    unsafe fn positions(&self, table: pg_sys::Relation) -> Option<[u8; N]> {
        let mut positions = [0; N];
        // SAFETY: as required of the caller; an open relation's own data.
        unsafe {
            if !is_plain(table) {
                return None;
            }
            for (column, position) in self.columns.iter().zip(&mut positions) {
                let number = pg_sys::get_attnum((*table).rd_id, column.as_ptr());
                *position = u8::try_from(number).ok()?.checked_sub(1)?;
            }
            let indexes = pg_sys::RelationGetIndexList(table);
            let count = if indexes.is_null() { 0 } else { (*indexes).length };
            let apart = (0..count).all(|n| {
                let oid = (*(*indexes).elements.add(n as usize)).oid_value;
                let index = pg_sys::index_open(oid, pg_sys::RowExclusiveLock as i32);
                let form = &*(*index).rd_index;
                let columns = form.indkey.values.as_ptr();
                let apart = (*(*index).rd_rel).relam == pg_sys::BTREE_AM_OID
                    && (0..usize::try_from(form.indnatts).unwrap_or(0)).all(|n| {
                        let number = i32::from(*columns.add(n));
                        positions.iter().all(|position| i32::from(*position) + 1 != number)
                    });
                pg_sys::index_close(index, pg_sys::NoLock as i32);
                apart
            });
            pg_sys::list_free(indexes);
            apart.then_some(positions)
        }
    }
}

/// A table that is open for changes, until the end of the call.
pub struct Rows<const N: usize> {
    table: pg_sys::Relation,
    generation: u32,
    positions: [u8; N],
    /// For the row as it is, and as it becomes.
    slots: [*mut pg_sys::TupleTableSlot; 2],
}

impl<const N: usize> Rows<N> {
    /// # Safety
    /// The table must be open and locked for writing, and the positions be those of its columns.
    unsafe fn new(table: pg_sys::Relation, generation: u32, positions: [u8; N]) -> Self {
        // SAFETY: as required of the caller.
        let slots = unsafe {
            let own = pg_sys::MakeSingleTupleTableSlot((*table).rd_att, &raw const pg_sys::TTSOpsHeapTuple);
            [pg_sys::table_slot_create(table, std::ptr::null_mut()), own]
        };
        Self { table, generation, positions, slots }
    }

    /// Whether a row is still where a look-up of this call has found it.
    fn has(&self, place: Place) -> bool {
        // SAFETY: an open table's own data.
        place.is_of(self.generation, unsafe { (*self.table).rd_id })
    }

    /// Changes the columns of a row, whose parameters are of their types; false, without waiting, if another
    /// transaction has changed the row since, or is about to.
    pub fn set_if_free(&self, place: Place, params: &[Param; N]) -> bool {
        // SAFETY: the table is open and was not changed since the row was seen.
        self.has(place) && unsafe { self.update(place.row(), params, false) }
    }

    /// The same of a row that this transaction has locked.
    pub fn set_locked(&self, place: Place, params: &[Param; N]) -> bool {
        // SAFETY: the table is open and was not changed since the row was seen.
        self.has(place) && unsafe { self.update(place.row(), params, true) }
    }

    /// # Safety
    /// The place must be that of a row which the transaction's snapshots keep.
    unsafe fn update(&self, mut row: pg_sys::ItemPointerData, params: &[Param; N], locked: bool) -> bool {
        let [former, own] = self.slots;
        let (mut values, mut nulls) = ([pg_sys::Datum::null(); MAX_COLUMNS], [true; MAX_COLUMNS]);
        let mut failure = pg_sys::TM_FailureData::default();
        let (mut mode, mut indexed) = (Default::default(), Default::default());
        // SAFETY: as required of the caller; a value or NULL for each column. The row is copied before its page is let
        // go.
        unsafe {
            // An update that does not wait for others is not foreseen: it must have the row's lock.
            let there = if locked {
                let any = &raw mut pg_sys::SnapshotAnyData;
                pg_sys::table_tuple_fetch_row_version(self.table, &mut row, any, former)
            } else {
                let result = pg_sys::table_tuple_lock(
                    self.table,
                    &mut row,
                    pg_sys::GetActiveSnapshot(),
                    former,
                    pg_sys::GetCurrentCommandId(true),
                    pg_sys::LockTupleMode::LockTupleNoKeyExclusive,
                    pg_sys::LockWaitPolicy::LockWaitSkip,
                    0,
                    &mut failure,
                );
                result == pg_sys::TM_Result::TM_Ok
            };
            if !there {
                return false;
            }
            pg_sys::slot_getallattrs(former);
            let count = usize::try_from((*former).tts_nvalid).unwrap_or(0).min(MAX_COLUMNS);
            values[..count].copy_from_slice(std::slice::from_raw_parts((*former).tts_values, count));
            nulls[..count].copy_from_slice(std::slice::from_raw_parts((*former).tts_isnull, count));
            for (param, position) in params.iter().zip(self.positions) {
                let position = usize::from(position);
                (values[position], nulls[position]) =
                    (param.datum.unwrap_or(pg_sys::Datum::null()), param.datum.is_none());
            }
            let tuple =
                pg_sys::heap_form_tuple((*self.table).rd_att, values.as_mut_ptr(), nulls.as_mut_ptr());
            pg_sys::ExecClearTuple(former);
            pg_sys::ExecForceStoreHeapTuple(tuple, own, true);
            let result = pg_sys::table_tuple_update(
                self.table,
                &mut row,
                own,
                pg_sys::GetCurrentCommandId(true),
                std::ptr::null_mut(),
                std::ptr::null_mut(),
                true,
                &mut failure,
                &mut mode,
                &mut indexed,
            );
            let changed = result == pg_sys::TM_Result::TM_Ok;
            // The page had no room for another version of the row.
            if changed && u32::from(indexed) != 0 {
                let indexes = pg_sys::CatalogOpenIndexes(self.table);
                index_row(self.table, indexes, own, true);
                pg_sys::CatalogCloseIndexes(indexes);
            }
            pg_sys::ExecClearTuple(own);
            changed
        }
    }

    /// Deletes a row, after waiting for another transaction that is changing it; false if the row was changed or
    /// deleted since it was seen.
    pub fn delete(&self, place: Place) -> bool {
        // SAFETY: the table is open and was not changed since the row was seen.
        self.has(place) && unsafe { self.remove(place.row(), true) }
    }

    /// The same without waiting; false also if another transaction has the row locked.
    pub fn delete_if_free(&self, place: Place) -> bool {
        // SAFETY: the table is open and was not changed since the row was seen.
        self.has(place) && unsafe { self.remove(place.row(), false) }
    }

    /// # Safety
    /// The place must be that of a row which the transaction's snapshots keep.
    unsafe fn remove(&self, mut row: pg_sys::ItemPointerData, wait: bool) -> bool {
        let mut failure = pg_sys::TM_FailureData::default();
        // SAFETY: as required of the caller.
        let result = unsafe {
            pg_sys::table_tuple_delete(
                self.table,
                &mut row,
                pg_sys::GetCurrentCommandId(true),
                std::ptr::null_mut(),
                std::ptr::null_mut(),
                wait,
                &mut failure,
                false,
            )
        };
        result == pg_sys::TM_Result::TM_Ok
    }

    /// Ends the changes: the next look-up sees them.
    pub fn close(self) {
        // SAFETY: made and opened in open(). Where an error unwinds, the resource owner closes them.
        unsafe {
            for slot in self.slots {
                pg_sys::ExecDropSingleTupleTableSlot(slot);
            }
            pg_sys::table_close(self.table, pg_sys::NoLock as i32);
            pg_sys::CommandCounterIncrement();
        }
    }
}
