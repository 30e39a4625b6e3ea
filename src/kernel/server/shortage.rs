//! What becomes of a session when the system has no memory for it: its statement ends with 53200, and where not even
//! that can be said, the session ends. The server and its other sessions never do.
//!
//! Without this they would, in three ways. Rust ends a process that gets no memory. The binding copies an error of the
//! server; where there is no memory for the copy, that is an error which it copies, and so on until the server panics.
//! And an error that it raises itself needs memory at a place from where no second error leads anywhere. The server
//! begins anew after each of them.
//!
//! So each session holds a reserve, which is given back when memory ends, and none of the three begins without room.
//! The linker leads the two calls of the server that the binding makes for it to this file: `build.rs`. That can go
//! when the binding copies and raises errors without new memory.

#![allow(unsafe_code)]

use std::ffi::c_void;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicPtr, Ordering::Relaxed};

/// A block of the server's memory contexts, which is 1 MiB at most when larger ones are not to be had, and then some
/// for what Rust and the system's allocator need. It is never written to, so it costs addresses, not memory.
const ROOM: usize = (1 << 20) + REST;

/// What is left of the room when the error that took it has been copied and is on its way to be raised again.
const REST: usize = 256 << 10;

static RESERVE: AtomicPtr<c_void> = AtomicPtr::new(ptr::null_mut());

/// Takes the reserve if the session does not hold it. Called when the library is loaded and at the end of each
/// transaction; without memory for it, the next end tries again.
pub fn hold_reserve() {
    if RESERVE.load(Relaxed).is_null()
        && let Some(room) = map(ROOM)
    {
        RESERVE.store(room.as_ptr(), Relaxed);
    }
}

/// Gives the reserve back to the system; false if it was gone already.
fn give_reserve() -> bool {
    let Some(room) = NonNull::new(RESERVE.swap(ptr::null_mut(), Relaxed)) else { return false };
    unmap(room, ROOM);
    true
}

/// Whether an error can be copied: there is room beside the reserve, or else the reserve becomes it.
fn has_room() -> bool {
    is_free(ROOM) || give_reserve()
}

fn is_free(size: usize) -> bool {
    map(size).map(|room| unmap(room, size)).is_some()
}

/// Straight from the system, so that the room is not one that its allocator keeps for small pieces.
fn map(size: usize) -> Option<NonNull<c_void>> {
    // SAFETY: a new mapping that nothing else knows.
    let mapped = unsafe {
        libc::mmap(
            ptr::null_mut(),
            size,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
            -1,
            0,
        )
    };
    if mapped == libc::MAP_FAILED { None } else { NonNull::new(mapped) }
}

fn unmap(room: NonNull<c_void>, size: usize) {
    // SAFETY: mapped with this length by map(), and used by nobody.
    unsafe { libc::munmap(room.as_ptr(), size) };
}

/// What others call: Rust for its memory, and the binding through the linker. The unit tests have no server to call.
#[cfg(all(target_os = "linux", not(test)))]
mod called {
    use std::alloc::{GlobalAlloc, Layout, System};
    use std::ffi::{c_char, c_int};
    use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

    use pgrx::pg_sys;
    use pgrx::prelude::*;

    use super::{REST, give_reserve, has_room, is_free};

    unsafe extern "C-unwind" {
        #[link_name = "__real_errstart"]
        fn errstart(level: c_int, domain: *const c_char) -> bool;
        fn errcode(code: c_int) -> c_int;
        fn errmsg(format: *const c_char, ...) -> c_int;
        fn errdetail(format: *const c_char, ...) -> c_int;
        fn errfinish(file: *const c_char, line: c_int, function: *const c_char);
        #[link_name = "__real_CopyErrorData"]
        fn copy_error_data() -> *mut pg_sys::ErrorData;
        // Declared here, because the binding for PostgreSQL 18 does not know that it never returns.
        fn proc_exit(code: c_int) -> !;
    }

    /// Ends the session, with what the server has for errors without memory; nothing unwinds.
    #[cold]
    fn end_session() -> ! {
        give_reserve();
        // SAFETY: as the server's ereport() does it. The texts are constant, and at this level the last call ends the
        // process. Nothing tells where it came from, because in the midst of an error that may be gone.
        unsafe {
            pg_sys::error_context_stack = std::ptr::null_mut();
            if errstart(PgLogLevel::FATAL as c_int, std::ptr::null()) {
                errcode(PgSqlErrorCode::ERRCODE_OUT_OF_MEMORY as c_int);
                errmsg(c"out of memory".as_ptr());
                errdetail(c"The session has none left to go on with.".as_ptr());
                errfinish(c"shortage.rs".as_ptr(), line!() as c_int, c"end_session".as_ptr());
            }
            // Not reached: the server reports this level always.
            proc_exit(1)
        }
    }

    /// The system's memory. A piece that it refuses comes out of the reserve; after that the session ends, because Rust
    /// knows no other way on from here. What may be large is asked for in ways that can be refused, and is
    /// `Mistake::OutOfMemory` then.
    struct Allocator;

    #[global_allocator]
    static ALLOCATOR: Allocator = Allocator;

    impl Allocator {
        fn insist(allocate: impl Fn() -> *mut u8) -> *mut u8 {
            let mut place = allocate();
            if place.is_null() {
                give_reserve();
                place = allocate();
            }
            if place.is_null() { end_session() } else { place }
        }
    }

    // SAFETY: the system's allocator, asked again only where it has done nothing. It does not unwind.
    unsafe impl GlobalAlloc for Allocator {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            // SAFETY: the caller's arguments.
            Self::insist(|| unsafe { System.alloc(layout) })
        }

        unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
            // SAFETY: the caller's arguments.
            Self::insist(|| unsafe { System.alloc_zeroed(layout) })
        }

        unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
            // SAFETY: the caller's arguments.
            Self::insist(|| unsafe { System.realloc(place, layout, size) })
        }

        unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
            // SAFETY: the caller's arguments, and memory of the system's allocator.
            unsafe { System.dealloc(place, layout) };
        }
    }

    /// The binding begins to report. From an error on it is past the place where another one would be caught.
    #[unsafe(no_mangle)]
    unsafe extern "C-unwind" fn __wrap_errstart(level: c_int, domain: *const c_char) -> bool {
        if level >= PgLogLevel::ERROR as c_int && !(has_room() || is_free(REST)) {
            end_session();
        }
        // SAFETY: as the binding calls it.
        unsafe { errstart(level, domain) }
    }

    static COPYING: AtomicBool = AtomicBool::new(false);

    /// The binding copies an error of the server that it has caught. The copy itself may fail, where the error's texts
    /// are larger than the room.
    #[unsafe(no_mangle)]
    unsafe extern "C-unwind" fn __wrap_CopyErrorData() -> *mut pg_sys::ErrorData {
        // SAFETY: the functions that would tell where the error came from have been left, and what they tell it from is
        // gone; the binding puts back its caller's when it has the copy. This frame has nothing to drop if the copy
        // raises.
        unsafe {
            pg_sys::error_context_stack = std::ptr::null_mut();
            if COPYING.swap(true, Relaxed) || !has_room() {
                end_session();
            }
            let copy = copy_error_data();
            COPYING.store(false, Relaxed);
            copy
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{give_reserve, has_room, hold_reserve};

    #[test]
    fn the_reserve_is_given_once_and_taken_again() {
        assert!(!give_reserve());
        for _ in 0..2 {
            hold_reserve();
            hold_reserve();
            assert!(has_room());
            assert!(give_reserve());
            assert!(!give_reserve());
        }
    }
}
