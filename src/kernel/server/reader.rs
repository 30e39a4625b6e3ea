//! What reading one row takes, made once and kept until the catalog changes: a search of the index, and slots for what
//! is found. A look-up that makes them anew, each server function behind a guard of its own, takes twice as long. It
//! can go when the server begins and ends a search in a tenth of the time that the search takes.
//!
//! What is kept holds no lock, pin or reference: between two look-ups it is memory that nobody else knows. The
//! relations are opened anew in each look-up, which finds them in the server's cache; where those are not the ones that
//! the search was made for, it is made again. The row is copied into the memory of the calling function, and table and
//! index are given back before it is read.

#![allow(unsafe_code)]

use std::ffi::c_int;
use std::mem::offset_of;

use pgrx::pg_sys;
use pgrx::pg_sys::ffi::pg_guard_ffi_boundary;

use crate::kernel::server::index::{self, Index, Key, MAX_KEYS};
use crate::kernel::server::remembered::Place;
use crate::kernel::server::snapshot::Snapshot;

/// Reads rows of one table, by one of its indexes or where they were found before.
pub struct Reader {
    /// The memory of all that is kept.
    memory: pg_sys::MemoryContext,
    table: pg_sys::Relation,
    index: pg_sys::Relation,
    scan: pg_sys::IndexScanDesc,
    keys: [pg_sys::ScanKeyData; MAX_KEYS],
    count: usize,
    /// For a row in its buffer.
    found: *mut pg_sys::TupleTableSlot,
    /// For the row's copy.
    row: *mut pg_sys::TupleTableSlot,
    /// A look-up is under way, or an error has ended one.
    busy: bool,
}

/// Where a row was found.
pub struct Found {
    /// A copy of the row, which lives as long as the calling function's memory.
    pub slot: *mut pg_sys::TupleTableSlot,
    /// The buffer that the row is in.
    pub buffer: pg_sys::Buffer,
}

#[cfg(feature = "pg15")]
type File = pg_sys::RelFileNode;
#[cfg(not(feature = "pg15"))]
type File = pg_sys::RelFileLocator;

// Each of these would be guarded by itself, and the guards cost as much as the functions.
unsafe extern "C-unwind" {
    fn table_open(oid: pg_sys::Oid, lock: pg_sys::LOCKMODE) -> pg_sys::Relation;
    fn table_close(table: pg_sys::Relation, lock: pg_sys::LOCKMODE);
    fn index_open(oid: pg_sys::Oid, lock: pg_sys::LOCKMODE) -> pg_sys::Relation;
    fn index_close(index: pg_sys::Relation, lock: pg_sys::LOCKMODE);
    fn index_rescan(
        scan: pg_sys::IndexScanDesc,
        keys: pg_sys::ScanKey,
        count: c_int,
        order: pg_sys::ScanKey,
        order_count: c_int,
    );
    fn index_getnext_slot(
        scan: pg_sys::IndexScanDesc,
        direction: pg_sys::ScanDirection::Type,
        slot: *mut pg_sys::TupleTableSlot,
    ) -> bool;
    fn TransactionStartedDuringRecovery() -> bool;
    fn heap_copytuple(tuple: pg_sys::HeapTuple) -> pg_sys::HeapTuple;
    fn LockBuffer(buffer: pg_sys::Buffer, mode: c_int);
    fn HeapTupleSatisfiesVisibility(
        tuple: pg_sys::HeapTuple,
        snapshot: pg_sys::Snapshot,
        buffer: pg_sys::Buffer,
    ) -> bool;
    fn PredicateLockTID(
        table: pg_sys::Relation,
        row: pg_sys::ItemPointer,
        snapshot: pg_sys::Snapshot,
        writer: pg_sys::TransactionId,
    );
    fn HeapCheckForSerializableConflictOut(
        visible: bool,
        table: pg_sys::Relation,
        tuple: pg_sys::HeapTuple,
        buffer: pg_sys::Buffer,
        snapshot: pg_sys::Snapshot,
    );
    fn ReadRecentBuffer(
        file: File,
        fork: pg_sys::ForkNumber::Type,
        block: pg_sys::BlockNumber,
        buffer: pg_sys::Buffer,
    ) -> bool;
    fn ReleaseBuffer(buffer: pg_sys::Buffer);
    fn ExecStoreHeapTuple(
        tuple: pg_sys::HeapTuple,
        slot: *mut pg_sys::TupleTableSlot,
        free: bool,
    ) -> *mut pg_sys::TupleTableSlot;
    fn slot_getsomeattrs_int(slot: *mut pg_sys::TupleTableSlot, column: c_int);
}

const NO_LOCK: pg_sys::LOCKMODE = pg_sys::NoLock as pg_sys::LOCKMODE;

impl Reader {
    /// What reading by this index takes.
    ///
    /// # Safety
    /// The table must be a heap, and both be locked and belong together, and the index fit the keys.
    #[cold]
    unsafe fn new(table: pg_sys::Oid, index: &Index, snapshot: &Snapshot, keys: &[Key<'_>]) -> Self {
        let mut scan_keys = [pg_sys::ScanKeyData::default(); MAX_KEYS];
        // SAFETY: as required of the caller. What is made is in a memory of its own. The search keeps no reference to
        // the index: each look-up has its own while it uses the search.
        unsafe {
            let memory = pg_sys::AllocSetContextCreateInternal(
                pg_sys::TopMemoryContext,
                c"auth_store look-up".as_ptr(),
                pg_sys::ALLOCSET_SMALL_MINSIZE as usize,
                pg_sys::ALLOCSET_SMALL_INITSIZE as usize,
                pg_sys::ALLOCSET_SMALL_MAXSIZE as usize,
            );
            let former = pg_sys::MemoryContextSwitchTo(memory);
            Index::init(keys, &mut scan_keys);
            let relation = pg_sys::table_open(table, NO_LOCK);
            let key = pg_sys::index_open(index.oid, NO_LOCK);
            // With the values of columns that rows from before the column do not have.
            let columns = pg_sys::CreateTupleDescCopyConstr((*relation).rd_att);
            let found = pg_sys::MakeTupleTableSlot(columns, &raw const pg_sys::TTSOpsBufferHeapTuple);
            let row = pg_sys::MakeTupleTableSlot(columns, &raw const pg_sys::TTSOpsHeapTuple);
            let scan = index::begin(relation, key, snapshot, keys.len() as i32);
            pg_sys::RelationDecrementReferenceCount(key);
            pg_sys::index_close(key, NO_LOCK);
            pg_sys::table_close(relation, NO_LOCK);
            pg_sys::MemoryContextSwitchTo(former);
            let (table, index, count) = (relation, key, keys.len());
            Self { memory, table, index, scan, keys: scan_keys, count, found, row, busy: false }
        }
    }

    /// The first visible row with these values in the first columns of the index's key; its columns are at hand up to
    /// number `last`. A reader that is missing, or no longer fits, is made.
    ///
    /// # Safety
    /// As of [`Reader::new`]; a reader that is there must have been made for this table and index.
    pub unsafe fn first(
        kept: &mut Option<Self>,
        table: pg_sys::Oid,
        index: &Index,
        snapshot: &Snapshot,
        keys: &[Key<'_>],
        last: i32,
    ) -> Option<Found> {
        loop {
            kept.take_if(|reader| reader.busy || reader.count != keys.len());
            // SAFETY: as required of the caller.
            unsafe {
                let reader = kept.get_or_insert_with(|| Self::new(table, index, snapshot, keys));
                match reader.by_index((table, index.oid), snapshot, keys, last) {
                    Some(found) => return found,
                    None => *kept = None,
                }
            }
        }
    }

    /// None if the search is not one of this table and index any more.
    ///
    /// # Safety
    /// As of [`Reader::first`].
    unsafe fn by_index(
        &mut self,
        (table, index): (pg_sys::Oid, pg_sys::Oid),
        snapshot: &Snapshot,
        keys: &[Key<'_>],
        last: i32,
    ) -> Option<Option<Found>> {
        for (scan_key, key) in self.keys.iter_mut().zip(keys) {
            scan_key.sk_argument = key.argument();
        }
        self.busy = true;
        let (scan, found, row, memory) = (self.scan, self.found, self.row, self.memory);
        let (keys, count) = (self.keys.as_mut_ptr(), self.count as c_int);
        let (own_table, own_index) = (self.table, self.index);
        let (snapshot, none) = (snapshot.raw(), std::ptr::null_mut());
        let mut buffer = 0;
        // SAFETY: as required of the caller: with these relations the search is what the server would make anew, but
        // for what it takes of the transaction, which is set here. Where an error unwinds, the resource owner gives
        // back pins and references, and the reader stays busy and is not used any more.
        let seen = unsafe {
            pg_guard_ffi_boundary(|| {
                let table = table_open(table, NO_LOCK);
                let index = index_open(index, NO_LOCK);
                let own = (table, index) == (own_table, own_index);
                let mut copy = std::ptr::null_mut();
                if own {
                    let caller = pg_sys::CurrentMemoryContext;
                    pg_sys::CurrentMemoryContext = memory;
                    (*scan).xs_snapshot = snapshot;
                    (*scan).xactStartedInRecovery = TransactionStartedDuringRecovery();
                    (*scan).ignore_killed_tuples = !(*scan).xactStartedInRecovery;
                    index_rescan(scan, keys, count, none, 0);
                    if index_getnext_slot(scan, pg_sys::ScanDirection::ForwardScanDirection, found) {
                        let row = found.cast::<pg_sys::BufferHeapTupleTableSlot>();
                        buffer = (*row).buffer;
                        pg_sys::CurrentMemoryContext = caller;
                        copy = heap_copytuple((*row).base.tuple);
                        pg_sys::CurrentMemoryContext = memory;
                        if let Some(clear) = (*(*found).tts_ops).clear {
                            clear(found);
                        }
                    }
                    // Gives back the pins.
                    index_rescan(scan, keys, count, none, 0);
                    pg_sys::CurrentMemoryContext = caller;
                }
                index_close(index, NO_LOCK);
                table_close(table, NO_LOCK);
                if !copy.is_null() {
                    ExecStoreHeapTuple(copy, row, false);
                    slot_getsomeattrs_int(row, last);
                }
                own.then_some(!copy.is_null())
            })
        };
        self.busy = false;
        seen.map(|seen| seen.then_some(Found { slot: row, buffer }))
    }

    /// The row in this place, if the snapshot sees one there, its columns at hand up to number `last`. None also if the
    /// block is not in its buffer any more: then it may have been cut off the table, or is slower to read than the
    /// index.
    ///
    /// # Safety
    /// As of [`Reader::first`]; the index is not used.
    pub unsafe fn in_place(
        &mut self,
        table: pg_sys::Oid,
        snapshot: &Snapshot,
        place: Place,
        last: i32,
    ) -> Option<*mut pg_sys::TupleTableSlot> {
        let (row, snapshot) = (self.row, snapshot.raw());
        let (block, buffer) = (place.block(), place.buffer);
        let mut tuple = pg_sys::HeapTupleData { t_self: place.row, ..Default::default() };
        let tuple = &raw mut tuple;
        // SAFETY: as required of the caller. The block is pinned before the row is fetched. Where an error unwinds, the
        // resource owner gives back pins and reference.
        let seen = unsafe {
            pg_guard_ffi_boundary(|| {
                let table = table_open(table, NO_LOCK);
                #[cfg(feature = "pg15")]
                let file = (*table).rd_node;
                #[cfg(not(feature = "pg15"))]
                let file = (*table).rd_locator;
                let mut copy = std::ptr::null_mut();
                if ReadRecentBuffer(file, pg_sys::ForkNumber::MAIN_FORKNUM, block, buffer) {
                    if fetch(table, snapshot, buffer, tuple) {
                        copy = heap_copytuple(tuple);
                    }
                    ReleaseBuffer(buffer);
                }
                table_close(table, NO_LOCK);
                if !copy.is_null() {
                    ExecStoreHeapTuple(copy, row, false);
                    slot_getsomeattrs_int(row, last);
                }
                !copy.is_null()
            })
        };
        seen.then_some(row)
    }
}

/// As the server's heap_fetch(), which would look for the buffer once more: the row in the place `t_self`, if the
/// snapshot sees one there. A row that has become one of another version is not seen.
///
/// # Safety
/// To be called inside a guard, with an open heap and a pinned buffer of it.
unsafe fn fetch(
    table: pg_sys::Relation,
    snapshot: pg_sys::Snapshot,
    buffer: pg_sys::Buffer,
    tuple: pg_sys::HeapTuple,
) -> bool {
    // SAFETY: as required of the caller. The item is looked at under the buffer's lock; the row stays where it is as
    // long as the buffer is pinned.
    unsafe {
        LockBuffer(buffer, pg_sys::BUFFER_LOCK_SHARE as c_int);
        let mut seen = false;
        if let Some((header, length)) = item(buffer, (*tuple).t_self.ip_posid) {
            (*tuple).t_data = header;
            (*tuple).t_len = length;
            (*tuple).t_tableOid = (*table).rd_id;
            seen = HeapTupleSatisfiesVisibility(tuple, snapshot, buffer);
            if seen {
                PredicateLockTID(table, &raw mut (*tuple).t_self, snapshot, writer(header));
            }
            HeapCheckForSerializableConflictOut(seen, table, tuple, buffer, snapshot);
        }
        LockBuffer(buffer, pg_sys::BUFFER_LOCK_UNLOCK as c_int);
        seen
    }
}

/// The row with this number in its page, and its length; None if there is none, or only a way to another.
///
/// # Safety
/// The buffer must be pinned and locked, and have a page of a heap.
unsafe fn item(buffer: pg_sys::Buffer, number: u16) -> Option<(pg_sys::HeapTupleHeader, u32)> {
    // SAFETY: as required of the caller: the page says how many items it has, and where each is. The server's own
    // functions for it would be guarded each.
    unsafe {
        let page = pg_sys::BufferGetPage(buffer).cast::<pg_sys::PageHeaderData>();
        let items = usize::from((*page).pd_lower).saturating_sub(offset_of!(pg_sys::PageHeaderData, pd_linp));
        let place = usize::from(number).checked_sub(1)?;
        if place >= items / size_of::<pg_sys::ItemIdData>() {
            return None;
        }
        let item = (*page).pd_linp.as_ptr().add(place).read();
        (item.lp_flags() == pg_sys::LP_NORMAL)
            .then(|| (page.byte_add(item.lp_off() as usize).cast(), item.lp_len()))
    }
}

/// The transaction that made a row.
///
/// # Safety
/// The row must be valid.
unsafe fn writer(row: pg_sys::HeapTupleHeader) -> pg_sys::TransactionId {
    let frozen = pg_sys::HEAP_XMIN_FROZEN as u16;
    // SAFETY: as required of the caller; the fields of a row in a table.
    unsafe {
        if (*row).t_infomask & frozen == frozen {
            pg_sys::TransactionId::FROZEN
        } else {
            (*row).t_choice.t_heap.t_xmin
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        // SAFETY: made in new(), and known to nobody else. What an error left in it is the resource owner's.
        unsafe { pg_sys::MemoryContextDelete(self.memory) };
    }
}
