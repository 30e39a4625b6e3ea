//! Where rows were found that are looked up again and again, so that they are found without their index: that is a half
//! of what a look-up costs. What is remembered is a place, never a value. Whether a row is in it still, which the
//! snapshot sees, and whether it is the row that is looked for, the row itself says; where it does not, the index is
//! asked. So nothing has to be told to a backend when a row changes.
//!
//! It can go when the server finds a row by its key for less than twice what it takes to read it.

#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::RefCell;
use std::ptr::NonNull;

use pgrx::pg_sys;

use crate::kernel::server::cell::BackendCell;
use crate::kernel::server::index::Key;

/// The places of so many rows of one look-up. A key that comes to the same number takes the place of another.
pub struct Remembered(BackendCell<RefCell<&'static mut [Place]>>);

/// At 16 bytes each; the memory is the system's until a key comes to it.
const PLACES: usize = 16_384;

/// Where a row was.
#[derive(Clone, Copy)]
pub struct Place {
    /// The number of its key.
    number: u32,
    /// The shared buffer that its block was in; 0: nothing is remembered.
    pub buffer: pg_sys::Buffer,
    pub row: pg_sys::ItemPointerData,
}

impl Remembered {
    /// None yet.
    pub const fn none() -> Self {
        Self(BackendCell::new(RefCell::new(&mut [])))
    }

    /// Where the row with this key may be.
    pub fn place(&self, keys: &[Key<'_>]) -> Option<Place> {
        let number = number(keys);
        let places = self.0.borrow();
        places.get(slot(number)).copied().filter(|place| place.buffer > 0 && place.number == number)
    }

    /// Remembers where the row with this key is.
    pub fn note(&self, keys: &[Key<'_>], row: pg_sys::ItemPointerData, buffer: pg_sys::Buffer) {
        if buffer <= 0 {
            return;
        }
        let mut places = self.0.borrow_mut();
        if places.is_empty() {
            let Some(empty) = Place::zeros() else { return };
            *places = empty;
        }
        let number = number(keys);
        if let Some(place) = places.get_mut(slot(number)) {
            *place = Place { number, buffer, row };
        }
    }
}

impl Place {
    /// All places, with nothing remembered. None where there is no memory for them: a backend that gets none goes on
    /// without, instead of ending and taking the server's other sessions along.
    fn zeros() -> Option<&'static mut [Place]> {
        let layout = Layout::array::<Place>(PLACES).ok()?;
        // SAFETY: the layout is not of size zero.
        let places = NonNull::new(unsafe { System.alloc_zeroed(layout) })?.cast::<Place>();
        // SAFETY: allocated for so many places and never given back; one of zeros is valid, with nothing remembered.
        Some(unsafe { std::slice::from_raw_parts_mut(places.as_ptr(), PLACES) })
    }

    /// The block that the row was in.
    pub fn block(&self) -> pg_sys::BlockNumber {
        (u32::from(self.row.ip_blkid.bi_hi) << 16) | u32::from(self.row.ip_blkid.bi_lo)
    }
}

fn slot(number: u32) -> usize {
    usize::try_from(number).unwrap_or(0) % PLACES
}

fn number(keys: &[Key<'_>]) -> u32 {
    keys.iter().fold(0, |sum: u32, key| sum.wrapping_mul(31).wrapping_add(key.number()))
}
