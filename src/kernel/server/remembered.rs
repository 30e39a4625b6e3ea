//! Where rows were found that are looked up again and again, so that they are found without their index: that is a half
//! of what a look-up costs. What is remembered is a place, never a value. Whether a row is in it still, which the
//! snapshot sees, and whether it is the row that is looked for, the row itself says; where it does not, the index is
//! asked. So nothing has to be told to a backend when a row changes.
//!
//! It can go when the server finds a row by its key for less than twice what it takes to read it.

#![allow(unsafe_code)]

use std::cell::RefCell;

use pgrx::pg_sys;

use crate::kernel::server::cell::BackendCell;
use crate::kernel::server::index::{Index, Key};
use crate::kernel::server::snapshot::Snapshot;

/// The places of so many rows of one look-up. A key that comes to the same number takes the place of another.
pub struct Remembered(BackendCell<RefCell<Vec<Option<Place>>>>);

const PLACES: usize = 512;

/// Where a row was, and the shared buffer that its block was in.
#[derive(Clone, Copy)]
pub struct Place {
    row: pg_sys::ItemPointerData,
    block: pg_sys::BlockNumber,
    buffer: pg_sys::Buffer,
}

#[cfg(feature = "pg15")]
type File = pg_sys::RelFileNode;
#[cfg(not(feature = "pg15"))]
type File = pg_sys::RelFileLocator;

// Each of these would be guarded by itself, and the guards cost as much as the functions.
unsafe extern "C-unwind" {
    fn ReadRecentBuffer(
        file: File,
        fork: pg_sys::ForkNumber::Type,
        block: pg_sys::BlockNumber,
        buffer: pg_sys::Buffer,
    ) -> bool;
    fn ReleaseBuffer(buffer: pg_sys::Buffer);
    fn table_slot_create(
        table: pg_sys::Relation,
        slots: *mut *mut pg_sys::List,
    ) -> *mut pg_sys::TupleTableSlot;
    fn slot_getsomeattrs_int(slot: *mut pg_sys::TupleTableSlot, column: std::ffi::c_int);
    fn ExecDropSingleTupleTableSlot(slot: *mut pg_sys::TupleTableSlot);
}

impl Remembered {
    /// None yet.
    pub const fn none() -> Self {
        Self(BackendCell::new(RefCell::new(Vec::new())))
    }

    /// Where the row with this key may be.
    pub fn place(&self, keys: &[Key<'_>]) -> Option<Place> {
        self.0.borrow().get(number(keys)).copied().flatten()
    }

    /// Remembers where the row with this key is.
    ///
    /// # Safety
    /// The slot must have a row of the table.
    pub unsafe fn note(&self, keys: &[Key<'_>], slot: *const pg_sys::TupleTableSlot) {
        // SAFETY: as required of the caller; a slot with these operations is of this type.
        let buffer = unsafe {
            if (*slot).tts_ops != &raw const pg_sys::TTSOpsBufferHeapTuple {
                return;
            }
            (*slot.cast::<pg_sys::BufferHeapTupleTableSlot>()).buffer
        };
        if buffer <= 0 {
            return;
        }
        // SAFETY: as required of the caller.
        let row = unsafe { (*slot).tts_tid };
        let block = (u32::from(row.ip_blkid.bi_hi) << 16) | u32::from(row.ip_blkid.bi_lo);
        let mut places = self.0.borrow_mut();
        if places.is_empty() {
            places.resize(PLACES, None);
        }
        if let Some(place) = places.get_mut(number(keys)) {
            *place = Some(Place { row, block, buffer });
        }
    }
}

impl Place {
    /// What `read` makes of the row that has this key, if it is here; otherwise None. The row's columns are at hand up
    /// to number `last`, those of the key among them.
    ///
    /// # Safety
    /// The table must be open, and the index be its own and fit the keys.
    pub unsafe fn find<T>(
        mut self,
        table: pg_sys::Relation,
        index: &Index,
        snapshot: &Snapshot,
        keys: &[Key<'_>],
        last: i32,
        read: impl FnOnce(*mut pg_sys::TupleTableSlot) -> Option<T>,
    ) -> Option<T> {
        // SAFETY: as required of the caller.
        unsafe {
            let slot = self.fetch(table, snapshot, last)?;
            let there = (*slot).tts_nvalid > 0 && index.is_key_of(slot, keys);
            let found = if there { read(slot) } else { None };
            pg_sys::ffi::pg_guard_ffi_boundary(|| {
                ExecDropSingleTupleTableSlot(slot);
                ReleaseBuffer(self.buffer);
            });
            found
        }
    }

    /// A slot, with the row if the snapshot sees one here; None if the block is not in its buffer any more: then it may
    /// have been cut off the table, or is slower to read than the index.
    ///
    /// # Safety
    /// The table must be open. The caller gives back slot and buffer.
    unsafe fn fetch(
        &mut self,
        table: pg_sys::Relation,
        snapshot: &Snapshot,
        last: i32,
    ) -> Option<*mut pg_sys::TupleTableSlot> {
        let (block, buffer, snapshot) = (self.block, self.buffer, snapshot.raw());
        let row = &raw mut self.row;
        // SAFETY: as required of the caller. The block is pinned before the row is fetched, by a function that each
        // kind of table has. Pin and slot are given back by the caller, or by the resource owner where an error
        // unwinds.
        unsafe {
            #[cfg(feature = "pg15")]
            let file = (*table).rd_node;
            #[cfg(not(feature = "pg15"))]
            let file = (*table).rd_locator;
            let fetch = (*(*table).rd_tableam).tuple_fetch_row_version?;
            pg_sys::ffi::pg_guard_ffi_boundary(|| {
                if !ReadRecentBuffer(file, pg_sys::ForkNumber::MAIN_FORKNUM, block, buffer) {
                    return None;
                }
                let slot = table_slot_create(table, std::ptr::null_mut());
                if fetch(table, row, snapshot, slot) {
                    slot_getsomeattrs_int(slot, last);
                }
                Some(slot)
            })
        }
    }
}

fn number(keys: &[Key<'_>]) -> usize {
    let number = |sum: u32, key: &Key<'_>| sum.wrapping_mul(31).wrapping_add(key.number());
    usize::try_from(keys.iter().fold(0, number)).unwrap_or(0) % PLACES
}
