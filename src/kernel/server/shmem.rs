//! Memory that all processes of the server share: a header and an array behind it, each entry under one of the
//! segment's locks. The server gives it at its start alone, to a library that it preloads, and all of it is empty after
//! a restart.

#![allow(unsafe_code)]

use std::cell::{Cell, RefCell};
use std::ffi::CStr;
use std::sync::atomic::{AtomicI64, AtomicPtr, Ordering::Relaxed};

use pgrx::pg_sys::submodules::ffi::pg_guard_ffi_boundary;
use pgrx::prelude::*;

use crate::kernel::outcome::{Mistake, OrRaise};
use crate::kernel::server::cell::BackendCell;
use crate::kernel::server::state;

/// A segment: a `static` beside its only user. Header and entries are `Copy`, so that they have nothing of one process.
pub struct Segment<H: 'static, E: 'static> {
    /// Also the name of the locks in `pg_stat_activity.wait_event`.
    name: &'static CStr,
    locks: usize,
    length: fn() -> usize,
    header: fn() -> Result<H, Mistake>,
    empty: E,
    block: AtomicPtr<Block<H>>,
    tranche: AtomicPtr<pg_sys::LWLockPadded>,
}

/// What the entries follow.
#[repr(C, align(64))]
struct Block<H> {
    header: H,
    length: usize,
    counter: AtomicI64,
}

impl<H: Copy + Sync, E: Copy + Sync> Segment<H, E> {
    /// A segment of `length` entries (none if that is 0) with so many locks. `length` and `header` are called at the
    /// server's start, in the postmaster.
    pub const fn new(
        name: &'static CStr,
        locks: usize,
        length: fn() -> usize,
        header: fn() -> Result<H, Mistake>,
        empty: E,
    ) -> Self {
        const { assert!(align_of::<E>() <= align_of::<Block<H>>()) };
        let (block, tranche) = (AtomicPtr::new(std::ptr::null_mut()), AtomicPtr::new(std::ptr::null_mut()));
        Self { name, locks, length, header, empty, block, tranche }
    }

    /// Requests the memory from the server, if it still takes requests. Called once, when the library is loaded.
    pub fn reserve(&'static self) {
        if !state::is_preloading() {
            return;
        }
        if SEGMENTS.borrow().is_empty() {
            watch();
        }
        SEGMENTS.borrow_mut().push(self);
    }

    /// The segment as this process has it; None: this server has none.
    pub fn mapped(&'static self) -> Option<Mapped<H, E>> {
        let (block, tranche) = (self.block.load(Relaxed), self.tranche.load(Relaxed));
        if block.is_null() || tranche.is_null() {
            return None;
        }
        Some(Mapped { segment: self, block, tranche })
    }

    fn size(&self, length: usize) -> usize {
        size_of::<Block<H>>() + length * size_of::<E>()
    }
}

/// A segment of any type, for the server's hooks.
trait Reserved {
    fn request(&self);
    fn start(&self);
}

impl<H: Copy + Sync, E: Copy + Sync> Reserved for Segment<H, E> {
    fn request(&self) {
        let length = (self.length)();
        if length == 0 {
            return;
        }
        // SAFETY: called in the server's hook for requests; the name is a valid C string that stays.
        unsafe {
            pg_sys::RequestAddinShmemSpace(self.size(length));
            pg_sys::RequestNamedLWLockTranche(self.name.as_ptr(), self.locks as i32);
        }
    }

    fn start(&self) {
        let length = (self.length)();
        if length == 0 {
            return;
        }
        let mut found = false;
        // SAFETY: called in the server's hook for the start. As many bytes as were requested, aligned to a cache line,
        // or an error.
        let block = unsafe { pg_sys::ShmemInitStruct(self.name.as_ptr(), self.size(length), &mut found) }
            .cast::<Block<H>>();
        if !found {
            let header = (self.header)().or_raise();
            // SAFETY: there is room for the header and the entries, and nobody else sees them yet.
            unsafe {
                block.write(Block { header, length, counter: AtomicI64::new(0) });
                let first = block.add(1).cast::<E>();
                for n in 0..length {
                    first.add(n).write(self.empty);
                }
            }
        }
        // SAFETY: the locks were requested by this name.
        self.tranche.store(unsafe { pg_sys::GetNamedLWLockTranche(self.name.as_ptr()) }, Relaxed);
        self.block.store(block, Relaxed);
    }
}

static SEGMENTS: BackendCell<RefCell<Vec<&'static dyn Reserved>>> =
    BackendCell::new(RefCell::new(Vec::new()));

struct Previous {
    request: Cell<Option<unsafe extern "C-unwind" fn()>>,
    startup: Cell<Option<unsafe extern "C-unwind" fn()>>,
}

static PREVIOUS: BackendCell<Previous> =
    BackendCell::new(Previous { request: Cell::new(None), startup: Cell::new(None) });

fn watch() {
    // SAFETY: the hooks are chained as the server wants it, by the one thread that there is.
    unsafe {
        PREVIOUS.request.set(pg_sys::shmem_request_hook);
        PREVIOUS.startup.set(pg_sys::shmem_startup_hook);
        pg_sys::shmem_request_hook = Some(requesting);
        pg_sys::shmem_startup_hook = Some(starting);
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn requesting() {
    if let Some(previous) = PREVIOUS.request.get() {
        // SAFETY: the server's hook or another library's, called as the server calls this one.
        unsafe { pg_guard_ffi_boundary(|| previous()) };
    }
    SEGMENTS.borrow().iter().for_each(|segment| segment.request());
}

/// Runs in the postmaster, before there is any other process that could use the memory: at the start, and
/// again after a crash.
#[pg_guard]
unsafe extern "C-unwind" fn starting() {
    if let Some(previous) = PREVIOUS.startup.get() {
        // SAFETY: as in requesting().
        unsafe { pg_guard_ffi_boundary(|| previous()) };
    }
    SEGMENTS.borrow().iter().for_each(|segment| segment.start());
}

/// A segment that is there.
#[derive(Clone, Copy)]
pub struct Mapped<H: 'static, E: 'static> {
    segment: &'static Segment<H, E>,
    block: *mut Block<H>,
    tranche: *mut pg_sys::LWLockPadded,
}

/// A lock, held.
struct Held(*mut pg_sys::LWLock);

impl Drop for Held {
    fn drop(&mut self) {
        // SAFETY: taken in Mapped::lock by this process; nothing that could raise runs in between.
        unsafe { pg_sys::LWLockRelease(self.0) };
    }
}

impl<H: Copy + Sync, E: Copy + Sync> Mapped<H, E> {
    /// What was said at the start.
    pub fn header(&self) -> &'static H {
        &self.block().header
    }

    /// How many entries there are.
    pub fn length(&self) -> usize {
        self.block().length
    }

    /// A number for the user to count by, 0 at the start.
    pub fn counter(&self) -> &'static AtomicI64 {
        &self.block().counter
    }

    /// Reads the entry that this number falls on, under its lock: `read` must be short and must not raise.
    pub fn read<T>(self, number: u64, read: impl FnOnce(&E) -> T) -> T {
        let n = self.entry_of(number);
        let _held = self.lock(n, pg_sys::LWLockMode::LW_SHARED);
        // SAFETY: there is such an entry, and its lock is held.
        read(unsafe { &*self.entry(n) })
    }

    /// Changes the entry that this number falls on, under its lock: `change` must be short and must not raise.
    pub fn change<T>(self, number: u64, change: impl FnOnce(&mut E) -> T) -> T {
        let n = self.entry_of(number);
        let _held = self.lock(n, pg_sys::LWLockMode::LW_EXCLUSIVE);
        // SAFETY: there is such an entry, and its lock is held exclusively.
        change(unsafe { &mut *self.entry(n) })
    }

    /// Reads all entries, those of a lock at a time.
    pub fn read_all(self, mut read: impl FnMut(&E)) {
        let (length, locks) = (self.length(), self.segment.locks);
        for lock in 0..locks.min(length) {
            pgrx::check_for_interrupts!();
            let _held = self.lock(lock, pg_sys::LWLockMode::LW_SHARED);
            for n in (lock..length).step_by(locks) {
                // SAFETY: there is such an entry, and the lock that it shares with these others is held.
                read(unsafe { &*self.entry(n) });
            }
        }
    }

    fn entry_of(&self, number: u64) -> usize {
        (number % self.length() as u64) as usize
    }

    fn lock(&self, n: usize, mode: pg_sys::LWLockMode::Type) -> Held {
        // SAFETY: there are so many locks in the tranche.
        unsafe {
            let lock = &raw mut (*self.tranche.add(n % self.segment.locks)).lock;
            pg_sys::LWLockAcquire(lock, mode);
            Held(lock)
        }
    }

    /// An entry. Its lock must be held while the pointer is used.
    fn entry(&self, n: usize) -> *mut E {
        self.block.wrapping_add(1).cast::<E>().wrapping_add(n)
    }

    fn block(&self) -> &'static Block<H> {
        // SAFETY: made by start(), and there as long as this process is. But for the counter nothing changes.
        unsafe { &*self.block }
    }
}
