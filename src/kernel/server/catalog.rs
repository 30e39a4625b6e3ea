//! The store's relations in the server's catalog, and when they have changed: names that were resolved under one
//! generation of the catalog must be resolved again under another.

#![allow(unsafe_code)]

use std::cell::Cell;
use std::ffi::CStr;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed};

use pgrx::prelude::*;

use crate::kernel::outcome::Mistake;
use crate::kernel::server::state;

/// The role that owns the tables and the SECURITY DEFINER functions.
pub const OWNER: &CStr = c"auth_store_owner";

const SCHEMA: &CStr = c"auth_store";

/// The table that has the version of all: it is there where the tables are.
pub const MARKER: &CStr = c"schema_version";

static GENERATION: AtomicU32 = AtomicU32::new(1);
/// The relations whose invalidation makes this backend look again. If there are more than fit, any invalidation does.
static TRACKED: [AtomicU32; 256] = [const { AtomicU32::new(0) }; 256];
static TRACKED_COUNT: AtomicUsize = AtomicUsize::new(0);

/// Registers for invalidations. Called once, when the library is loaded.
pub fn watch() {
    // SAFETY: the callback matches the server's type and only stores into atomics.
    unsafe { pg_sys::CacheRegisterRelcacheCallback(Some(invalidated), pg_sys::Datum::null()) };
}

extern "C-unwind" fn invalidated(_: pg_sys::Datum, relation: pg_sys::Oid) {
    let count = TRACKED_COUNT.load(Relaxed);
    let ours = relation == pg_sys::InvalidOid
        || count > TRACKED.len()
        || TRACKED.iter().take(count).any(|oid| oid.load(Relaxed) == relation.to_u32());
    if ours {
        GENERATION.fetch_add(1, Relaxed);
        TRACKED_COUNT.store(0, Relaxed);
    }
}

/// Counts invalidations: names that were resolved in another generation must be resolved again.
pub fn generation() -> u32 {
    GENERATION.load(Relaxed)
}

/// Makes this and every other backend look again. Called where the tables were changed.
pub fn invalidate() {
    if let Some(marker) = relation(MARKER) {
        // SAFETY: a valid relation's oid; the server queues the invalidation for commit.
        unsafe { pg_sys::CacheInvalidateRelcacheByRelid(marker) };
    }
    GENERATION.fetch_add(1, Relaxed);
}

/// The oid of the store's schema.
pub fn schema() -> Option<pg_sys::Oid> {
    // SAFETY: a catalog look-up by a valid C string.
    let oid = unsafe { pg_sys::get_namespace_oid(SCHEMA.as_ptr(), true) };
    (oid != pg_sys::InvalidOid).then_some(oid)
}

/// The oid of a relation of the store's schema, tracked from now on.
pub fn relation(name: &CStr) -> Option<pg_sys::Oid> {
    let oid = untracked(name)?;
    track(oid);
    Some(oid)
}

/// The oid of a relation of the store's schema.
pub fn untracked(name: &CStr) -> Option<pg_sys::Oid> {
    // SAFETY: a catalog look-up by a valid C string.
    let oid = unsafe { pg_sys::get_relname_relid(name.as_ptr(), schema()?) };
    (oid != pg_sys::InvalidOid).then_some(oid)
}

/// From now on an invalidation of this relation makes this backend look again.
pub fn track(oid: pg_sys::Oid) {
    let count = TRACKED_COUNT.load(Relaxed);
    let known = TRACKED.iter().take(count).any(|tracked| tracked.load(Relaxed) == oid.to_u32());
    if !known {
        if let Some(slot) = TRACKED.get(count) {
            slot.store(oid.to_u32(), Relaxed);
        }
        TRACKED_COUNT.store(count.saturating_add(1), Relaxed);
    }
}

/// Locks a relation until the end of the transaction; true if it had to wait. [`accept`] takes in what others have
/// changed until then.
pub fn lock(oid: pg_sys::Oid, mode: u32) -> bool {
    let mode = mode as i32;
    // SAFETY: the transaction holds the lock and gives it back; an oid that names nothing any more can be locked
    // too. The server unwinds with an error where the wait is cancelled or a deadlock.
    unsafe {
        let waited = !pg_sys::ConditionalLockRelationOid(oid, mode);
        if waited {
            pg_sys::LockRelationOid(oid, mode);
        }
        waited
    }
}

/// Takes in what others have changed in the catalog until now. Taking a lock does so too, but not if the transaction
/// has the lock already.
pub fn accept() {
    // SAFETY: within a transaction, as every call is.
    unsafe { pg_sys::AcceptInvalidationMessages() };
}

/// How often locks of this backend were given back: at the end of a transaction, or where a part of one was undone.
static RELEASES: AtomicU64 = AtomicU64::new(1);

/// Called where the transaction's locks, or some of them, are given back.
pub fn releases_locks() {
    RELEASES.fetch_add(1, Relaxed);
}

/// Whether [`lock_to_read`] has locked a relation, and the transaction has given back no lock since. The server finds
/// that out itself, by a search in its table of the locks of this backend; a statement over thousands of tokens has six
/// of these searches a token. It can go when look-ups ask once a statement.
pub struct Held(Cell<u64>);

impl Held {
    /// Not yet.
    pub const fn none() -> Self {
        Self(Cell::new(0))
    }
}

unsafe extern "C-unwind" {
    fn ConditionalLockRelationOid(relation: pg_sys::Oid, mode: pg_sys::LOCKMODE) -> bool;
    fn LockRelationOid(relation: pg_sys::Oid, mode: pg_sys::LOCKMODE);
    fn AcceptInvalidationMessages();
}

/// [`lock`] with the lock a SELECT takes, and [`accept`], of all these in one guarded call; true if one had to wait.
pub fn lock_to_read(relations: &[(pg_sys::Oid, &Held)]) -> bool {
    let mode = pg_sys::AccessShareLock as pg_sys::LOCKMODE;
    let releases = RELEASES.load(Relaxed);
    // SAFETY: as in lock() and accept(), whose errors are turned at the boundary.
    let waited = unsafe {
        pg_sys::ffi::pg_guard_ffi_boundary(|| {
            let mut waited = false;
            for (relation, held) in relations {
                if held.0.get() != releases && !ConditionalLockRelationOid(*relation, mode) {
                    LockRelationOid(*relation, mode);
                    waited = true;
                }
            }
            AcceptInvalidationMessages();
            waited
        })
    };
    for (_, held) in relations {
        held.0.set(releases);
    }
    waited
}

/// Gives back a lock of [`lock`], if the name stands for another relation by then.
pub fn unlock(oid: pg_sys::Oid, mode: u32) {
    // SAFETY: the caller holds the lock.
    unsafe { pg_sys::UnlockRelationOid(oid, mode as i32) };
}

/// Locks the relation of the store's schema that has this name once the lock is held; None if there is none.
pub fn lock_named(name: &CStr, mode: u32) -> Option<pg_sys::Oid> {
    loop {
        let oid = relation(name)?;
        lock(oid, mode);
        accept();
        if relation(name) == Some(oid) {
            return Some(oid);
        }
        unlock(oid, mode);
        pgrx::check_for_interrupts!();
    }
}

/// Takes a SHARE UPDATE EXCLUSIVE lock until the end of the transaction, as ATTACH PARTITION does. The lock conflicts
/// with itself, with VACUUM and with other DDL, but with no reader or writer. Without `wait`, returns false if another
/// session holds it.
pub fn lock_share_update_exclusive(table: &CStr, wait: bool) -> bool {
    let mode = pg_sys::ShareUpdateExclusiveLock;
    if wait {
        return lock_named(table, mode).is_some();
    }
    relation(table).is_some_and(|oid| {
        // SAFETY: as in lock(); a lock that is not free at once is not taken.
        let locked = unsafe { pg_sys::ConditionalLockRelationOid(oid, mode as i32) };
        accept();
        // The name stands for another table by now: another session is changing it.
        locked && relation(table) == Some(oid)
    })
}

/// The transaction that last changed the catalog's row of a relation, for example its storage.
pub fn changed_by(oid: pg_sys::Oid) -> pg_sys::TransactionId {
    with_class(oid, |tuple| {
        // SAFETY: a valid tuple of the catalog.
        unsafe { pg_sys::htup::HeapTupleHeaderGetXmin((*tuple).t_data) }
    })
    .unwrap_or(pg_sys::TransactionId::INVALID)
}

/// True if a relation, last changed by that transaction, got its present storage after the snapshot was taken: then the
/// snapshot does not see the relation's rows, although they existed before. Mostly a comparison of two numbers.
///
/// # Safety
/// The snapshot must be active or registered.
pub unsafe fn is_rewritten_after(
    oid: pg_sys::Oid,
    changed: pg_sys::TransactionId,
    snapshot: pg_sys::Snapshot,
) -> bool {
    // SAFETY: as required of the caller.
    let oldest = unsafe { (*snapshot).xmin }.into_inner();
    let special = changed < pg_sys::TransactionId::FIRST_NORMAL;
    if special || (changed.into_inner().wrapping_sub(oldest) as i32) < 0 {
        return false;
    }
    // SAFETY: as required of the caller; the others are look-ups of the transaction's own state.
    let unseen = unsafe {
        !pg_sys::TransactionIdIsCurrentTransactionId(changed) && pg_sys::XidInMVCCSnapshot(changed, snapshot)
    };
    unseen && storage_at(oid, snapshot) != storage(oid)
}

fn storage(oid: pg_sys::Oid) -> Option<pg_sys::Oid> {
    // SAFETY: a valid tuple of pg_class.
    with_class(oid, |tuple| unsafe { class_of(tuple).relfilenode })
}

/// The storage that a snapshot's transaction knows.
#[cold]
fn storage_at(oid: pg_sys::Oid, snapshot: pg_sys::Snapshot) -> Option<pg_sys::Oid> {
    let mut key = pg_sys::ScanKeyData::default();
    // SAFETY: a scan of pg_class by its key, closed below, or by the resource owner where an error unwinds.
    unsafe {
        pg_sys::ScanKeyInit(
            &mut key,
            pg_sys::Anum_pg_class_oid as i16,
            pg_sys::BTEqualStrategyNumber as u16,
            pg_sys::F_OIDEQ.into(),
            oid.into(),
        );
        let classes = pg_sys::table_open(pg_sys::RelationRelationId, pg_sys::AccessShareLock as i32);
        let scan =
            pg_sys::systable_beginscan(classes, pg_sys::ClassOidIndexId.into(), true, snapshot, 1, &mut key);
        let tuple = pg_sys::systable_getnext(scan);
        let storage = (!tuple.is_null()).then(|| class_of(tuple).relfilenode);
        pg_sys::systable_endscan(scan);
        pg_sys::table_close(classes, pg_sys::AccessShareLock as i32);
        storage
    }
}

/// # Safety
/// The tuple must be one of pg_class.
unsafe fn class_of<'a>(tuple: pg_sys::HeapTuple) -> &'a pg_sys::FormData_pg_class {
    // SAFETY: as required of the caller.
    unsafe { &*pg_sys::GETSTRUCT(tuple).cast() }
}

/// Whether the rows of a table are stored as the server's own heap stores them.
pub fn is_heap(oid: pg_sys::Oid) -> bool {
    // SAFETY: a valid tuple of pg_class.
    with_class(oid, |tuple| unsafe { class_of(tuple).relam }) == Some(pg_sys::HEAP_TABLE_AM_OID)
}

/// Whether a relation is a table with rows of its own: neither a partitioned one nor a view.
pub fn is_ordinary(oid: pg_sys::Oid) -> bool {
    // SAFETY: a valid tuple of pg_class.
    with_class(oid, |tuple| unsafe { class_of(tuple).relkind as u8 == pg_sys::RELKIND_RELATION })
        == Some(true)
}

/// Reads the row of pg_class; None if it is gone.
fn with_class<T>(oid: pg_sys::Oid, read: impl FnOnce(pg_sys::HeapTuple) -> T) -> Option<T> {
    // SAFETY: a look-up in the server's cache, given back at once.
    unsafe {
        let tuple = pg_sys::SearchSysCache1(pg_sys::SysCacheIdentifier::RELOID as i32, oid.into());
        (!tuple.is_null()).then(|| {
            let read = read(tuple);
            pg_sys::ReleaseSysCache(tuple);
            read
        })
    }
}

/// The name of a relation, without its schema.
pub fn name_of(oid: pg_sys::Oid) -> Option<String> {
    // SAFETY: a catalog look-up by oid; the name is a copy of the server's.
    unsafe {
        let name = pg_sys::get_rel_name(oid);
        (!name.is_null()).then(|| CStr::from_ptr(name).to_string_lossy().into_owned())
    }
}

/// The name of the database that this backend is connected to.
pub fn database_name() -> Option<String> {
    // SAFETY: a catalog look-up by oid; the name is a copy of the server's.
    unsafe {
        let name = pg_sys::get_database_name(state::database());
        (!name.is_null()).then(|| CStr::from_ptr(name).to_string_lossy().into_owned())
    }
}

/// About how many rows a table has, as the planner takes it: its size now, by the rows a page had at the last VACUUM or
/// ANALYZE. None if there is no such table, none that has rows of its own, or if its lock is not free.
pub fn estimated_rows(name: &CStr) -> Option<i64> {
    const MODE: i32 = pg_sys::AccessShareLock as i32;
    let oid = untracked(name).filter(|oid| is_heap(*oid))?;
    // SAFETY: the table is locked, and open for the time of the estimate; the places are there.
    unsafe {
        if !pg_sys::ConditionalLockRelationOid(oid, MODE) {
            return None;
        }
        let table = pg_sys::try_table_open(oid, pg_sys::NoLock as i32);
        if table.is_null() {
            pg_sys::UnlockRelationOid(oid, MODE);
            return None;
        }
        let (mut pages, mut rows, mut visible) = (0, 0.0, 0.0);
        // The planner takes an empty table for one that will have rows when the plan runs.
        if pg_sys::RelationGetNumberOfBlocksInFork(table, pg_sys::ForkNumber::MAIN_FORKNUM) > 0 {
            pg_sys::estimate_rel_size(table, std::ptr::null_mut(), &mut pages, &mut rows, &mut visible);
        }
        pg_sys::table_close(table, MODE);
        Some(rows as i64)
    }
}

/// The role [`OWNER`]; None if it is missing.
pub fn owner() -> Option<pg_sys::Oid> {
    // SAFETY: a catalog look-up by a valid C string.
    let owner = unsafe { pg_sys::get_role_oid(OWNER.as_ptr(), true) };
    (owner != pg_sys::InvalidOid).then_some(owner)
}

/// The role that owns the views; None if it is missing.
pub fn viewer() -> Option<pg_sys::Oid> {
    // SAFETY: a catalog look-up by a valid C string.
    let viewer = unsafe { pg_sys::get_role_oid(c"auth_store_view".as_ptr(), true) };
    (viewer != pg_sys::InvalidOid).then_some(viewer)
}

/// The role that owns a relation.
pub fn owner_of(relation: pg_sys::Oid) -> Option<pg_sys::Oid> {
    // SAFETY: a valid tuple of pg_class.
    with_class(relation, |tuple| unsafe { class_of(tuple).relowner })
}

/// The mistake where a table or an index is missing.
pub fn missing(name: &CStr) -> Mistake {
    Mistake::NotInstalled(
        format!("table or index of auth_store is missing: {}", name.to_string_lossy()).into(),
    )
}
