//! A table in the server's shared memory: from a name to a time until which the entry means something.
//! It is made where the library is preloaded, has a fixed number of slots, and forgets at a restart.
//!
//! An entry is in one of the [`WAYS`] slots of its set. Where they are all taken by entries that still mean
//! something, the one that was used least recently gives way, and is counted. Which set a name has is known to
//! nobody: the hash is keyed with a secret of the running server, so that nobody can choose names that drive
//! out another's. Every access holds the lock of the set's partition for some ten nanoseconds.

#![allow(unsafe_code)]

use std::cell::Cell;
use std::ffi::CStr;
use std::sync::atomic::{AtomicI64, AtomicPtr, Ordering::Relaxed};

use pgrx::pg_sys::submodules::ffi::pg_guard_ffi_boundary;
use pgrx::prelude::*;
use sha2::{Digest, Sha256};

use super::outcome::OrRaise;
use super::{id, settings};

/// Also the name of the locks in `pg_stat_activity.wait_event`.
const NAME: &CStr = c"auth_store_rate_limits";
const PARTITIONS: usize = 64;
const WAYS: usize = 16;

#[repr(C, align(64))]
struct Header {
    /// The hash's key; never leaves the server.
    secret: [u8; 32],
    sets: usize,
    evicted: AtomicI64,
}

#[repr(C)]
#[derive(Clone, Copy)]
struct Slot {
    name: [u8; 16],
    /// Until when it means something, in microseconds since 2000-01-01; an empty slot never did.
    until: i64,
    /// When it was used last.
    used: i64,
}

type Set = [Slot; WAYS];

const EMPTY: Slot = Slot { name: [0; 16], until: i64::MIN, used: i64::MIN };

static HEADER: AtomicPtr<Header> = AtomicPtr::new(std::ptr::null_mut());
static LOCKS: AtomicPtr<pg_sys::LWLockPadded> = AtomicPtr::new(std::ptr::null_mut());

struct Previous {
    request: Cell<Option<unsafe extern "C-unwind" fn()>>,
    startup: Cell<Option<unsafe extern "C-unwind" fn()>>,
}

// SAFETY: the postmaster is one thread.
unsafe impl Sync for Previous {}

static PREVIOUS: Previous = Previous { request: Cell::new(None), startup: Cell::new(None) };

/// Whether the server is loading shared_preload_libraries.
pub fn is_preloading() -> bool {
    // SAFETY: a flag of the server, set by the one thread that there is.
    unsafe { pg_sys::process_shared_preload_libraries_in_progress }
}

/// Asks the server for the memory, where it is still giving some. Called once, when the library is loaded.
pub fn request() {
    if !is_preloading() {
        return;
    }
    // SAFETY: the hooks are chained as the server wants it, by the one thread that there is.
    unsafe {
        PREVIOUS.request.set(pg_sys::shmem_request_hook);
        PREVIOUS.startup.set(pg_sys::shmem_startup_hook);
        pg_sys::shmem_request_hook = Some(requesting);
        pg_sys::shmem_startup_hook = Some(starting);
    }
}

fn sets() -> usize {
    settings::rate_limit_slots().div_ceil(WAYS)
}

fn size(sets: usize) -> usize {
    size_of::<Header>() + sets * size_of::<Set>()
}

#[pg_guard]
unsafe extern "C-unwind" fn requesting() {
    // SAFETY: the previous hook is the server's or another library's; requests are made in this hook alone.
    unsafe {
        if let Some(previous) = PREVIOUS.request.get() {
            pg_guard_ffi_boundary(|| previous());
        }
        if sets() > 0 {
            pg_sys::RequestAddinShmemSpace(size(sets()));
            pg_sys::RequestNamedLWLockTranche(NAME.as_ptr(), PARTITIONS as i32);
        }
    }
}

/// Runs in the postmaster, before there is any other process that could use the memory: at the start, and
/// again after a crash.
#[pg_guard]
unsafe extern "C-unwind" fn starting() {
    // SAFETY: the previous hook is the server's or another library's. ShmemInitStruct gives as many bytes as
    // were requested, aligned to a cache line, or raises; nobody else sees them yet.
    unsafe {
        if let Some(previous) = PREVIOUS.startup.get() {
            pg_guard_ffi_boundary(|| previous());
        }
        let sets = sets();
        if sets == 0 {
            return;
        }
        let mut found = false;
        let header = pg_sys::ShmemInitStruct(NAME.as_ptr(), size(sets), &mut found).cast::<Header>();
        if !found {
            let mut secret = [0; 32];
            id::random(&mut secret).or_raise();
            header.write(Header { secret, sets, evicted: AtomicI64::new(0) });
            let first = header.add(1).cast::<Slot>();
            for n in 0..sets * WAYS {
                first.add(n).write(EMPTY);
            }
        }
        LOCKS.store(pg_sys::GetNamedLWLockTranche(NAME.as_ptr()), Relaxed);
        HEADER.store(header, Relaxed);
    }
}

/// The table; None: this server has none.
pub fn shared() -> Option<Shared> {
    let (header, locks) = (HEADER.load(Relaxed), LOCKS.load(Relaxed));
    if header.is_null() || locks.is_null() {
        return None;
    }
    Some(Shared { header, locks })
}

/// The table in shared memory.
#[derive(Clone, Copy)]
pub struct Shared {
    header: *mut Header,
    locks: *mut pg_sys::LWLockPadded,
}

/// How full the table is.
#[derive(Default)]
pub struct Statistics {
    /// Slots there are.
    pub slots: i64,
    /// Slots with an entry that still means something.
    pub used: i64,
    /// Entries that still meant something and gave way, since the server's start.
    pub evicted: i64,
}

/// Where a name's entry is, if there is one.
struct Place {
    name: [u8; 16],
    set: usize,
}

/// The lock of a partition, held.
struct Held(*mut pg_sys::LWLock);

impl Drop for Held {
    fn drop(&mut self) {
        // SAFETY: taken in Shared::lock by this process; nothing that could raise runs in between.
        unsafe { pg_sys::LWLockRelease(self.0) };
    }
}

impl Shared {
    /// Changes the entry of a name: `change` gets its time, if it has one, and returns the new one. It runs under
    /// the partition's lock, so it must be short and must not raise.
    pub fn update<T>(self, name: &[&str], now: i64, change: impl FnOnce(Option<i64>) -> (i64, T)) -> T {
        let place = self.place(name);
        let _held = self.lock(place.set, pg_sys::LWLockMode::LW_EXCLUSIVE);
        // SAFETY: the set's lock is held exclusively.
        let set = unsafe { &mut *self.set(place.set) };
        let (slot, found) = choose(set, &place.name, now);
        let (until, result) = change(found.then_some(slot.until));
        if !found && slot.until > now {
            self.header().evicted.fetch_add(1, Relaxed);
        }
        *slot = Slot { name: place.name, until, used: now };
        result
    }

    /// The time of a name's entry.
    pub fn find(self, name: &[&str]) -> Option<i64> {
        let place = self.place(name);
        let _held = self.lock(place.set, pg_sys::LWLockMode::LW_SHARED);
        // SAFETY: the set's lock is held.
        let set = unsafe { &*self.set(place.set) };
        set.iter().find(|slot| slot.name == place.name && slot.until != i64::MIN).map(|slot| slot.until)
    }

    /// Removes the entry of a name and returns its time.
    pub fn forget(self, name: &[&str]) -> Option<i64> {
        let place = self.place(name);
        let _held = self.lock(place.set, pg_sys::LWLockMode::LW_EXCLUSIVE);
        // SAFETY: the set's lock is held exclusively.
        let set = unsafe { &mut *self.set(place.set) };
        let slot = set.iter_mut().find(|slot| slot.name == place.name && slot.until != i64::MIN)?;
        Some(std::mem::replace(slot, EMPTY).until)
    }

    /// Counts the entries, a partition at a time.
    pub fn statistics(self, now: i64) -> Statistics {
        let mut used = 0;
        let sets = self.header().sets;
        for partition in 0..PARTITIONS.min(sets) {
            pgrx::check_for_interrupts!();
            let _held = self.lock(partition, pg_sys::LWLockMode::LW_SHARED);
            for set in (partition..sets).step_by(PARTITIONS) {
                // SAFETY: the lock of the partition that all these sets are of is held.
                let set = unsafe { &*self.set(set) };
                used += set.iter().filter(|slot| slot.until > now).count();
            }
        }
        Statistics {
            slots: i64::try_from(sets * WAYS).unwrap_or(i64::MAX),
            used: i64::try_from(used).unwrap_or(i64::MAX),
            evicted: self.header().evicted.load(Relaxed),
        }
    }

    fn place(self, name: &[&str]) -> Place {
        let mut hash = Sha256::new_with_prefix(self.header().secret);
        for (n, part) in name.iter().enumerate() {
            if n > 0 {
                hash.update([0]);
            }
            hash.update(part);
        }
        let digest = hash.finalize();
        let (mut name, mut number) = ([0; 16], [0; 8]);
        name.copy_from_slice(&digest[..16]);
        number.copy_from_slice(&digest[16..24]);
        Place { name, set: (u64::from_be_bytes(number) % self.header().sets as u64) as usize }
    }

    fn lock(self, set: usize, mode: pg_sys::LWLockMode::Type) -> Held {
        // SAFETY: there are PARTITIONS locks in the tranche.
        unsafe {
            let lock = &raw mut (*self.locks.add(set % PARTITIONS)).lock;
            pg_sys::LWLockAcquire(lock, mode);
            Held(lock)
        }
    }

    /// A set. Its lock must be held while the pointer is used.
    fn set(self, set: usize) -> *mut Set {
        self.header.wrapping_add(1).cast::<Set>().wrapping_add(set)
    }

    fn header(&self) -> &Header {
        // SAFETY: made by starting(), and there as long as this process is. But for the counter nothing changes.
        unsafe { &*self.header }
    }
}

/// The slot of a name, and whether its entry is in it. Where it has none: a slot that means nothing any more, else
/// the one that was used least recently.
fn choose<'a>(set: &'a mut Set, name: &[u8; 16], now: i64) -> (&'a mut Slot, bool) {
    let found = set.iter().position(|slot| slot.name == *name && slot.until != i64::MIN);
    let worth = |slot: &Slot| if slot.until > now { slot.used } else { i64::MIN };
    let n = found.or_else(|| (0..WAYS).min_by_key(|n| worth(&set[*n]))).unwrap_or(0);
    (&mut set[n], found.is_some())
}

#[cfg(test)]
mod tests {
    use super::{EMPTY, Set, Slot, WAYS, choose};

    fn name(n: usize) -> [u8; 16] {
        [n as u8 + 1; 16]
    }

    /// All slots taken until 100, used one after the other from 10 on.
    fn full() -> Set {
        let mut set = [EMPTY; WAYS];
        for (n, slot) in set.iter_mut().enumerate() {
            *slot = Slot { name: name(n), until: 100, used: 10 + n as i64 };
        }
        set
    }

    #[test]
    fn an_entry_is_found_wherever_it_is() {
        let mut set = full();
        for n in 0..WAYS {
            let (slot, found) = choose(&mut set, &name(n), 50);
            assert!(found && slot.name == name(n));
        }
    }

    #[test]
    fn the_least_recently_used_gives_way() {
        let mut set = full();
        set[0].used = 60;
        let (slot, found) = choose(&mut set, &name(99), 50);
        assert!(!found && slot.name == name(1));
    }

    #[test]
    fn what_means_nothing_any_more_gives_way_first() {
        let mut set = full();
        set[7].until = 50;
        set[7].used = 99;
        let (slot, found) = choose(&mut set, &name(99), 50);
        assert!(!found && slot.name == name(7));
        set[3] = EMPTY;
        let (slot, found) = choose(&mut set, &EMPTY.name, 50);
        assert!(!found && slot.until <= 50);
    }

    #[test]
    fn an_entry_stays_in_its_slot_when_its_time_is_over() {
        let mut set = full();
        let (slot, found) = choose(&mut set, &name(5), 1000);
        assert!(found && slot.until == 100);
    }
}
