//! Where a function of the store puts its row when the caller wants values and no tuple. The call itself names the
//! place, as its `resultinfo`: nothing is left behind by a call that fails, and no call inside the call sees it.

#![allow(unsafe_code)]

use std::ffi::CStr;

use pgrx::prelude::*;

use crate::kernel::outcome::Mistake;
use crate::kernel::server::columns::{Column, differs};

/// By the address of this name a receiver is told from whatever else a caller passes.
static NAME: &CStr = c"auth_store receiver";

/// A column that the caller wants.
#[derive(Clone, Copy)]
pub struct Wanted {
    /// Its number, from 1; 0: the whole row as one value.
    attribute: i16,
    type_oid: pg_sys::Oid,
}

/// The place of one call's row, a node of the server's so that it can be a `resultinfo`.
#[repr(C)]
pub struct Receiver {
    node: pg_sys::ExtensibleNode,
    wanted: *const Wanted,
    count: usize,
    /// A bit for each column that is wanted, the first column's the lowest.
    mask: u64,
    pub values: *mut pg_sys::Datum,
    pub nulls: *mut bool,
    has_row: bool,
}

impl Receiver {
    /// Of these columns of a scan, each a column of the function's row; `allocate` gives memory full of zeros that
    /// lives as long as the receiver.
    ///
    /// # Safety
    /// The list must be one of target entries that are variables.
    pub unsafe fn new(columns: *mut pg_sys::List, allocate: unsafe fn(usize) -> *mut u8) -> Self {
        // SAFETY: as required of the caller; as much memory as is written.
        unsafe {
            let count = if columns.is_null() { 0 } else { (*columns).length as usize };
            let wanted = allocate(count * size_of::<Wanted>()).cast::<Wanted>();
            let mut mask = 0;
            for n in 0..count {
                let entry = (*(*columns).elements.add(n)).ptr_value.cast::<pg_sys::TargetEntry>();
                let column = (*entry).expr.cast::<pg_sys::Var>();
                let attribute = (*column).varattno;
                wanted.add(n).write(Wanted { attribute, type_oid: (*column).vartype });
                mask |= if attribute == 0 { u64::MAX } else { 1 << ((attribute - 1) as u64 & 63) };
            }
            Self {
                node: pg_sys::ExtensibleNode {
                    type_: pg_sys::NodeTag::T_ExtensibleNode,
                    extnodename: NAME.as_ptr(),
                },
                wanted,
                count,
                mask,
                values: allocate(count * size_of::<pg_sys::Datum>()).cast(),
                nulls: allocate(count).cast(),
                has_row: false,
            }
        }
    }

    /// The receiver that a call names; None: the caller wants a tuple.
    ///
    /// # Safety
    /// The call must be running.
    #[inline]
    pub unsafe fn of<'a>(call: pg_sys::FunctionCallInfo) -> Option<&'a mut Self> {
        // SAFETY: a `resultinfo` is a node of the server's, and one of this kind with this name is a receiver, which
        // its scan leaves alone while the call runs.
        unsafe {
            let node = (*call).resultinfo.cast::<pg_sys::ExtensibleNode>();
            let is_receiver = !node.is_null()
                && (*node).type_ == pg_sys::NodeTag::T_ExtensibleNode
                && (*node).extnodename == NAME.as_ptr();
            is_receiver.then(|| &mut *node.cast::<Self>())
        }
    }

    /// A bit for each column that is wanted, the first column's the lowest.
    pub fn mask(&self) -> u64 {
        self.mask
    }

    /// How many columns are wanted.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Whether the call has put a row.
    pub fn has_row(&self) -> bool {
        self.has_row
    }

    /// Makes room for another row.
    pub fn clear(&mut self) {
        self.has_row = false;
    }

    /// Takes a row of these columns.
    ///
    /// # Safety
    /// The descriptor must be that of the columns, and the values theirs.
    #[inline]
    pub unsafe fn put(
        &mut self,
        descriptor: pg_sys::TupleDesc,
        columns: &[Column],
        values: &mut [pg_sys::Datum],
        nulls: &mut [bool],
    ) -> Result<(), Mistake> {
        for n in 0..self.count {
            // SAFETY: there are so many of each.
            let (wanted, value, null) =
                unsafe { (*self.wanted.add(n), &mut *self.values.add(n), &mut *self.nulls.add(n)) };
            let Some(position) = usize::from(wanted.attribute.unsigned_abs()).checked_sub(1) else {
                // SAFETY: as required of the caller.
                (*value, *null) = unsafe { (tuple(descriptor, values, nulls), false) };
                continue;
            };
            // A plan that was made before the type was altered, and altered back.
            let Some(column) = columns.get(position) else { return Err(Mistake::DefinitionDiffers) };
            if column.type_oid != wanted.type_oid {
                return Err(differs(column.type_oid, wanted.type_oid));
            }
            if let (Some(of_row), Some(is_null)) = (values.get(position), nulls.get(position)) {
                (*value, *null) = (*of_row, *is_null);
            }
        }
        self.has_row = true;
        Ok(())
    }

    /// Takes a row of NULLs, which the server makes of a function's NULL.
    ///
    /// # Safety
    /// To be called in memory that lives as long as the row.
    #[cold]
    pub unsafe fn put_nulls(&mut self) {
        for n in 0..self.count {
            // SAFETY: there are so many of each. A whole row is of the type that its variable has.
            unsafe {
                let wanted = *self.wanted.add(n);
                self.nulls.add(n).write(wanted.attribute != 0);
                if wanted.attribute == 0 {
                    self.values.add(n).write(tuple_of_nulls(wanted.type_oid));
                }
            }
        }
        self.has_row = true;
    }

    /// Takes the row of a slot that has all columns of the function's row.
    ///
    /// # Safety
    /// The slot must hold such a row.
    #[cold]
    pub unsafe fn put_slot(&mut self, slot: *mut pg_sys::TupleTableSlot) {
        for n in 0..self.count {
            // SAFETY: as required of the caller.
            unsafe {
                let position = usize::from((*self.wanted.add(n)).attribute.unsigned_abs()).checked_sub(1);
                let (value, null) = match position {
                    Some(position) => (*(*slot).tts_values.add(position), *(*slot).tts_isnull.add(position)),
                    None => (pg_sys::ExecFetchSlotHeapTupleDatum(slot), false),
                };
                self.values.add(n).write(value);
                self.nulls.add(n).write(null);
            }
        }
    }
}

/// A row as one value.
///
/// # Safety
/// The values must be as many, and of the types, as the descriptor's columns.
#[inline]
pub unsafe fn tuple(
    descriptor: pg_sys::TupleDesc,
    values: &mut [pg_sys::Datum],
    nulls: &mut [bool],
) -> pg_sys::Datum {
    // SAFETY: as required of the caller.
    unsafe {
        let tuple = pg_sys::heap_form_tuple(descriptor, values.as_mut_ptr(), nulls.as_mut_ptr());
        pg_sys::HeapTupleHeaderGetDatum((*tuple).t_data)
    }
}

fn tuple_of_nulls(type_oid: pg_sys::Oid) -> pg_sys::Datum {
    // SAFETY: the type cache's description of a composite type, given back; as many NULLs as it has columns.
    unsafe {
        let descriptor = pg_sys::lookup_rowtype_tupdesc_copy(type_oid, -1);
        let count = (*descriptor).natts as usize;
        let datum = tuple(descriptor, &mut vec![pg_sys::Datum::null(); count], &mut vec![true; count]);
        pg_sys::FreeTupleDesc(descriptor);
        datum
    }
}
