//! Values for the server, in the memory of the calling function: each column of a result is one.

#![allow(unsafe_code)]

use std::ffi::{c_int, c_void};

use pgrx::{IntoDatum, pg_sys};

unsafe extern "C-unwind" {
    // Called without the guard that other calls of the server have, which costs twice as much: with the flag it raises
    // nothing, where the size is a possible one. It can go when the binding guards no function that raises nothing.
    fn palloc_extended(size: usize, flags: c_int) -> *mut c_void;
}

/// Longer values take the server's way, which says what is wrong with them.
const MOST: usize = 1 << 29;

/// These bytes as a value of fixed length; None if there is no memory.
pub fn fixed(bytes: &[u8]) -> Option<pg_sys::Datum> {
    let place = allocate(bytes.len())?;
    // SAFETY: as many bytes as were allocated.
    unsafe { place.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
    Some(place.into())
}

/// These bytes as a value of variable length.
pub fn varlena(bytes: &[u8]) -> Option<pg_sys::Datum> {
    let Some(place) = allocate(bytes.len() + pg_sys::VARHDRSZ) else { return bytes.into_datum() };
    // SAFETY: as many bytes as were allocated: the length, and these.
    unsafe {
        pgrx::set_varsize_4b(place.cast(), (bytes.len() + pg_sys::VARHDRSZ) as i32);
        place.add(pg_sys::VARHDRSZ).copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
    }
    Some(place.into())
}

fn allocate(size: usize) -> Option<*mut u8> {
    if size > MOST {
        return None;
    }
    // SAFETY: a possible size. The server answers null where there is no memory.
    let place = unsafe { palloc_extended(size, pg_sys::MCXT_ALLOC_NO_OOM as c_int) };
    (!place.is_null()).then_some(place.cast())
}
