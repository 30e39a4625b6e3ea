//! Rows that a look-up has just found, changed or deleted where they were found, without the executor: a fraction of a
//! kept UPDATE's cost. As in `append`, statements remain for what needs more: at REPEATABLE READ and above, in a
//! session with a tenant pin, and where somebody has altered the table.

#![allow(unsafe_code)]

use std::cell::Cell;
use std::ffi::CStr;

use pgrx::pg_sys;

use crate::kernel::outcome::Mistake;
use crate::kernel::server::append::plain;
use crate::kernel::server::cell::BackendCell;
use crate::kernel::server::columns::attribute;
use crate::kernel::server::entries::Indexes;
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
    /// None if only statements may write there.
    places: Option<Places<N>>,
}

#[derive(Clone, Copy)]
struct Places<const N: usize> {
    /// The attribute number of each column.
    columns: [i32; N],
    indexes: Indexes,
}

/// Of the table.
const MAX_WIDTH: usize = 64;

unsafe extern "C-unwind" {
    // Each of these would be guarded by itself, where one guard is enough for a row.
    fn heap_fetch(
        table: pg_sys::Relation,
        snapshot: pg_sys::Snapshot,
        row: pg_sys::HeapTuple,
        buffer: *mut pg_sys::Buffer,
        keep_buffer: bool,
    ) -> bool;
    fn heap_lock_tuple(
        table: pg_sys::Relation,
        row: pg_sys::HeapTuple,
        command: pg_sys::CommandId,
        mode: pg_sys::LockTupleMode::Type,
        policy: pg_sys::LockWaitPolicy::Type,
        follow_updates: bool,
        buffer: *mut pg_sys::Buffer,
        failure: *mut pg_sys::TM_FailureData,
    ) -> pg_sys::TM_Result::Type;
    fn heap_modify_tuple_by_cols(
        row: pg_sys::HeapTuple,
        descriptor: pg_sys::TupleDesc,
        count: std::ffi::c_int,
        columns: *const std::ffi::c_int,
        values: *const pg_sys::Datum,
        nulls: *const bool,
    ) -> pg_sys::HeapTuple;
    fn heap_update(
        table: pg_sys::Relation,
        former: pg_sys::ItemPointer,
        row: pg_sys::HeapTuple,
        command: pg_sys::CommandId,
        crosscheck: pg_sys::Snapshot,
        wait: bool,
        failure: *mut pg_sys::TM_FailureData,
        mode: *mut pg_sys::LockTupleMode::Type,
        #[cfg(not(feature = "pg15"))] indexed: *mut pg_sys::TU_UpdateIndexes::Type,
    ) -> pg_sys::TM_Result::Type;
    fn heap_deform_tuple(
        row: pg_sys::HeapTuple,
        descriptor: pg_sys::TupleDesc,
        values: *mut pg_sys::Datum,
        nulls: *mut bool,
    );
    fn heap_freetuple(row: pg_sys::HeapTuple);
    fn ReleaseBuffer(buffer: pg_sys::Buffer);
    fn GetCurrentCommandId(used: bool) -> pg_sys::CommandId;
    fn CommandCounterIncrement();
    fn table_close(table: pg_sys::Relation, mode: pg_sys::LOCKMODE);
}

impl<const N: usize> Change<N> {
    /// Of these columns.
    pub const fn new(table: &'static CStr, columns: [&'static CStr; N]) -> Self {
        Self { table, columns, known: BackendCell::new(Cell::new(None)) }
    }

    /// The one-time step without the statement. Changes the columns of a row that a look-up has found, whose parameters
    /// are of their types, if it is still the row that was found: what the caller has read in it holds when it changes.
    /// Waits for another transaction that is changing the row. False: it was changed or deleted since, or only a
    /// statement may change it; the statement decides.
    ///
    /// The server does the same for an UPDATE whose row nobody has changed since the statement's snapshot.
    pub fn set(&self, place: Option<Place>, params: &[Param; N]) -> Result<bool, Mistake> {
        let Some(place) = place else { return Ok(false) };
        let Some(rows) = self.open()? else { return Ok(false) };
        let changed = rows.set_locked(place, params);
        rows.close();
        Ok(changed)
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
            let places = unsafe { self.places(table) };
            Known { generation, table: oid, places }
        });
        self.known.set(Some(known));
        match known.places {
            Some(places) => Ok(Some(Rows { table, generation, places })),
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
    /// The table must be open, and locked for writing.
    unsafe fn places(&self, table: pg_sys::Relation) -> Option<Places<N>> {
        let (mut columns, mut positions) = ([0; N], [0; N]);
        // SAFETY: as required of the caller; an open relation's own data.
        unsafe {
            for ((name, column), position) in self.columns.iter().zip(&mut columns).zip(&mut positions) {
                let number = pg_sys::get_attnum((*table).rd_id, name.as_ptr());
                *column = i32::from(number);
                *position = u8::try_from(number).ok()?.checked_sub(1)?;
            }
            if !fires_nothing(table) || has_foreign_key_of(table, &columns) {
                return None;
            }
            // What is published must say which row was changed: the statement's own check, and its error.
            pg_sys::CheckCmdReplicaIdentity(table, pg_sys::CmdType::CMD_UPDATE);
            let indexes = plain(table)?;
            indexes.are_btrees_without(&positions).then_some(Places { columns, indexes })
        }
    }
}

/// Whether no trigger of the table would do something where a row is changed, but no column of a foreign key.
///
/// # Safety
/// The table must be open.
unsafe fn fires_nothing(table: pg_sys::Relation) -> bool {
    // SAFETY: as required of the caller; the triggers are as many as it says.
    unsafe {
        let triggers = (*table).trigdesc;
        triggers.is_null()
            || (0..usize::try_from((*triggers).numtriggers).unwrap_or(0)).all(|n| {
                let function = (*(*triggers).triggers.add(n)).tgfoid.to_u32();
                matches!(function, pg_sys::F_RI_FKEY_CHECK_INS | pg_sys::F_RI_FKEY_CHECK_UPD)
            })
    }
}

/// Whether a foreign key of the table has one of these columns, by their attribute numbers.
///
/// # Safety
/// The table must be open.
unsafe fn has_foreign_key_of(table: pg_sys::Relation, columns: &[i32]) -> bool {
    // SAFETY: as required of the caller. The list of the table's foreign keys belongs to its description.
    unsafe {
        let keys = pg_sys::RelationGetFKeyList(table);
        let count = if keys.is_null() { 0 } else { usize::try_from((*keys).length).unwrap_or(0) };
        (0..count).any(|n| {
            let key = &*(*(*keys).elements.add(n)).ptr_value.cast::<pg_sys::ForeignKeyCacheInfo>();
            let numbers = key.conkey.iter().take(usize::try_from(key.nkeys).unwrap_or(0));
            numbers.map(|number| i32::from(*number)).any(|number| columns.contains(&number))
        })
    }
}

/// A table that is open for changes, until the end of the call.
pub struct Rows<const N: usize> {
    table: pg_sys::Relation,
    generation: u32,
    places: Places<N>,
}

impl<const N: usize> Rows<N> {
    /// Whether a row is still where a look-up of this call has found it.
    fn has(&self, place: Place) -> bool {
        // SAFETY: an open table's own data.
        place.is_of(self.generation, unsafe { (*self.table).rd_id })
    }

    /// Changes the columns of a row, whose parameters are of their types; false, without waiting, if another
    /// transaction has changed the row since, or is about to.
    pub fn set_if_free(&self, place: Place, params: &[Param; N]) -> bool {
        self.has(place) && self.guarded(place.row(), params, false)
    }

    /// The same of a row that this transaction has locked.
    pub fn set_locked(&self, place: Place, params: &[Param; N]) -> bool {
        self.has(place) && self.guarded(place.row(), params, true)
    }

    fn guarded(&self, row: pg_sys::ItemPointerData, params: &[Param; N], locked: bool) -> bool {
        // SAFETY: the table is open and was not changed since the row was seen. Nothing in it has a destructor.
        unsafe { pg_sys::ffi::pg_guard_ffi_boundary(|| self.update(row, params, locked)) }
    }

    /// # Safety
    /// The place must be that of a row which the transaction's snapshots keep. To be called within a guard.
    unsafe fn update(&self, mut place: pg_sys::ItemPointerData, params: &[Param; N], locked: bool) -> bool {
        let (mut values, mut nulls) = ([pg_sys::Datum::null(); N], [true; N]);
        for (((value, null), param), number) in
            values.iter_mut().zip(&mut nulls).zip(params).zip(&self.places.columns)
        {
            // SAFETY: a column of the table.
            let column = unsafe { &*attribute((*self.table).rd_att, number - 1) };
            // Somebody has altered the column: the statement says what is wrong.
            if column.atttypid != param.oid || (param.datum.is_none() && column.attnotnull) {
                return false;
            }
            (*value, *null) = (param.datum.unwrap_or(pg_sys::Datum::null()), param.datum.is_none());
        }
        // SAFETY: as required of the caller; a value or NULL for each column.
        unsafe {
            let row = self.changed(place, &values, &nulls, locked);
            if row.is_null() {
                return false;
            }
            let command = GetCurrentCommandId(true);
            let (crosscheck, mut failure) = (std::ptr::null_mut(), pg_sys::TM_FailureData::default());
            let mut mode = Default::default();
            #[cfg(feature = "pg15")]
            let result =
                heap_update(self.table, &mut place, row, command, crosscheck, true, &mut failure, &mut mode);
            #[cfg(not(feature = "pg15"))]
            let result = {
                let (table, mut indexed) = (self.table, Default::default());
                heap_update(
                    table,
                    &mut place,
                    row,
                    command,
                    crosscheck,
                    true,
                    &mut failure,
                    &mut mode,
                    &mut indexed,
                )
            };
            let changed = result == pg_sys::TM_Result::TM_Ok;
            // The page had no room for another version of the row.
            if changed && u32::from((*(*row).t_data).t_infomask2) & pg_sys::HEAP_ONLY_TUPLE == 0 {
                self.index(row);
            }
            heap_freetuple(row);
            changed
        }
    }

    /// The row as it becomes, where nobody can have changed it since it was seen; otherwise null. An update that does
    /// not wait for others is not foreseen by the server: it must have the row's lock.
    ///
    /// # Safety
    /// As of [`Rows::update`].
    unsafe fn changed(
        &self,
        place: pg_sys::ItemPointerData,
        values: &[pg_sys::Datum; N],
        nulls: &[bool; N],
        locked: bool,
    ) -> pg_sys::HeapTuple {
        let (mut buffer, mut failure) =
            (pg_sys::InvalidBuffer as pg_sys::Buffer, pg_sys::TM_FailureData::default());
        let mut former = pg_sys::HeapTupleData { t_self: place, ..pg_sys::HeapTupleData::default() };
        // SAFETY: as required of the caller. The row is copied before its page is let go.
        unsafe {
            let there = if locked {
                heap_fetch(self.table, &raw mut pg_sys::SnapshotAnyData, &mut former, &mut buffer, false)
            } else {
                let result = heap_lock_tuple(
                    self.table,
                    &mut former,
                    GetCurrentCommandId(true),
                    pg_sys::LockTupleMode::LockTupleNoKeyExclusive,
                    pg_sys::LockWaitPolicy::LockWaitSkip,
                    false,
                    &mut buffer,
                    &mut failure,
                );
                result == pg_sys::TM_Result::TM_Ok
            };
            let row = if there {
                let (descriptor, count) = ((*self.table).rd_att, N as i32);
                let columns = self.places.columns.as_ptr();
                heap_modify_tuple_by_cols(
                    &mut former,
                    descriptor,
                    count,
                    columns,
                    values.as_ptr(),
                    nulls.as_ptr(),
                )
            } else {
                std::ptr::null_mut()
            };
            if buffer != pg_sys::InvalidBuffer as pg_sys::Buffer {
                ReleaseBuffer(buffer);
            }
            row
        }
    }

    /// Adds the entries of a further version of a row.
    ///
    /// # Safety
    /// As of [`Rows::update`].
    unsafe fn index(&self, row: pg_sys::HeapTuple) {
        let (mut values, mut nulls) = ([pg_sys::Datum::null(); MAX_WIDTH], [true; MAX_WIDTH]);
        // SAFETY: as required of the caller: the table has no more columns than that.
        unsafe {
            heap_deform_tuple(row, (*self.table).rd_att, values.as_mut_ptr(), nulls.as_mut_ptr());
            self.places.indexes.add(self.table, (*row).t_self, &values, &nulls, true);
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
        // SAFETY: opened in open(). Where an error unwinds, the resource owner closes it.
        unsafe {
            pg_sys::ffi::pg_guard_ffi_boundary(|| {
                table_close(self.table, pg_sys::NoLock as i32);
                CommandCounterIncrement();
            });
        }
    }
}
