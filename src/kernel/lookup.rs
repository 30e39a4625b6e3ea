//! Rows by key, straight through an index, without the executor: about a quarter of a prepared
//! SELECT's cost. It runs no SQL and so needs neither SECURITY DEFINER nor a search_path; what row-level
//! security would do for a tenant pin is done here.

#![allow(unsafe_code)]

use std::cell::RefCell;
use std::ffi::CStr;

use pgrx::{IntoDatum, pg_sys};

use super::catalog;
use super::id::Id;
use super::outcome::Mistake;
use super::row::Row;
use super::settings;

/// Which rows are visible.
pub struct View {
    snapshot: pg_sys::Snapshot,
    registered: bool,
}

impl View {
    /// What the calling query sees: for functions that only read.
    pub fn reading() -> Self {
        // SAFETY: a function is always called with an active snapshot, which outlives the call.
        Self { snapshot: unsafe { pg_sys::GetActiveSnapshot() }, registered: false }
    }

    /// What a statement begun now would see, as each statement of a volatile function does. Refuses
    /// read-only transactions and standbys, because what follows is going to write.
    pub fn writing() -> Result<Self, Mistake> {
        super::spi::writable()?;
        // SAFETY: the snapshot is registered with the current resource owner and given back when dropped, or
        // by the owner where an error unwinds.
        unsafe {
            pg_sys::CommandCounterIncrement();
            let snapshot = pg_sys::RegisterSnapshot(pg_sys::GetTransactionSnapshot());
            Ok(Self { snapshot, registered: true })
        }
    }

    /// What is committed by now, or of this transaction, whatever the isolation level: for a writer that has
    /// just taken a lock under which what it looks at cannot change.
    pub fn latest() -> Self {
        // SAFETY: as in writing(); a function runs in a transaction, and never in a parallel worker if it
        // writes.
        unsafe {
            pg_sys::CommandCounterIncrement();
            let snapshot = pg_sys::RegisterSnapshot(pg_sys::GetLatestSnapshot());
            Self { snapshot, registered: true }
        }
    }
}

impl View {
    /// Whether it is a writer's.
    pub fn writes(&self) -> bool {
        self.registered
    }
}

impl Drop for View {
    fn drop(&mut self) {
        if self.registered && !std::thread::panicking() {
            // SAFETY: registered in writing() with the same resource owner.
            unsafe { pg_sys::UnregisterSnapshot(self.snapshot) };
        }
    }
}

/// The value of a key's column.
pub enum Key<'a> {
    /// of type uuid
    Id(Id),
    /// of type text COLLATE "C"
    Text(&'a str),
    /// of type integer
    Integer(i32),
    /// of type bytea
    Bytes(&'a [u8]),
}

/// A unique index and the columns read through it.
pub struct Lookup {
    table: &'static CStr,
    index: &'static CStr,
    columns: &'static [&'static CStr],
    /// The column that names the row's tenant; None for a table that belongs to all.
    tenant: Option<&'static CStr>,
    resolved: Resolved,
}

struct Resolved(RefCell<Option<Places>>);

// SAFETY: a backend is one thread; the server calls this library from that thread only.
unsafe impl Sync for Resolved {}

#[derive(Clone, Copy)]
struct Places {
    generation: u32,
    table: pg_sys::Oid,
    index: pg_sys::Oid,
    /// Position of each column, by attribute number - 1; the tenant's last.
    positions: [usize; MAX_COLUMNS + 1],
    /// The highest attribute number needed: no column behind it is deformed.
    highest: i32,
}

const MAX_COLUMNS: usize = 24;

impl Lookup {
    /// A look-up in a table with a column `tenant_id`.
    pub const fn new(table: &'static CStr, index: &'static CStr, columns: &'static [&'static CStr]) -> Self {
        Self { table, index, columns, tenant: Some(c"tenant_id"), resolved: Resolved(RefCell::new(None)) }
    }

    /// A look-up whose row's tenant is in another column.
    pub const fn with_tenant_in(
        column: &'static CStr,
        table: &'static CStr,
        index: &'static CStr,
        columns: &'static [&'static CStr],
    ) -> Self {
        Self { table, index, columns, tenant: Some(column), resolved: Resolved(RefCell::new(None)) }
    }

    /// A look-up in a table that belongs to no tenant.
    pub const fn shared(
        table: &'static CStr,
        index: &'static CStr,
        columns: &'static [&'static CStr],
    ) -> Self {
        Self { table, index, columns, tenant: None, resolved: Resolved(RefCell::new(None)) }
    }

    /// The row with this value in the key's first column, read by `load`; None where there is none, where the
    /// session's tenant pin hides it, or where `load` says so.
    pub fn find<T>(
        &self,
        view: &View,
        key: Key<'_>,
        load: impl FnOnce(&Row<'_>) -> Option<T>,
    ) -> Result<Option<T>, Mistake> {
        self.find_by(view, [key], load)
    }

    /// As [`Lookup::find`], by the key's first columns.
    pub fn find_by<T, const N: usize>(
        &self,
        view: &View,
        keys: [Key<'_>; N],
        load: impl FnOnce(&Row<'_>) -> Option<T>,
    ) -> Result<Option<T>, Mistake> {
        catalog::ensure_ready()?;
        self.find_in(view, keys, load)
    }

    /// [`Lookup::find`] before the tables were checked.
    pub fn find_unready<T>(
        &self,
        view: &View,
        key: Key<'_>,
        load: impl FnOnce(&Row<'_>) -> Option<T>,
    ) -> Result<Option<T>, Mistake> {
        self.find_in(view, [key], load)
    }

    fn find_in<T, const N: usize>(
        &self,
        view: &View,
        keys: [Key<'_>; N],
        load: impl FnOnce(&Row<'_>) -> Option<T>,
    ) -> Result<Option<T>, Mistake> {
        let places = self.places()?;
        // SAFETY: the relations exist (they were resolved in this generation of the catalog) and are
        // opened with the lock a SELECT takes, the table to be closed below, or by the resource owner where
        // an error unwinds. The values a Row refers to live as long as the slot.
        unsafe {
            let table = pg_sys::table_open(places.table, pg_sys::AccessShareLock as i32);
            let found = scan(table, places.index, view, keys, |slot| {
                pg_sys::slot_getsomeattrs_int(slot, places.highest);
                let valid = usize::try_from((*slot).tts_nvalid).unwrap_or(0);
                let row = Row::new(
                    std::slice::from_raw_parts((*slot).tts_values, valid),
                    std::slice::from_raw_parts((*slot).tts_isnull, valid),
                    Some(&places.positions),
                );
                if self.visible(&row) { load(&row) } else { None }
            });
            pg_sys::table_close(table, pg_sys::NoLock as i32);
            Ok(found.flatten())
        }
    }

    fn visible(&self, row: &Row<'_>) -> bool {
        match (self.tenant, settings::tenant_pin()) {
            (None, _) | (_, None) => true,
            (Some(_), Some(pin)) => row.get::<&str>(MAX_COLUMNS) == Some(pin),
        }
    }

    fn places(&self) -> Result<Places, Mistake> {
        let generation = catalog::generation();
        if let Some(places) = *self.resolved.0.borrow()
            && places.generation == generation
        {
            return Ok(places);
        }
        let missing = || {
            Mistake::NotInstalled(
                format!("table or index of auth_store is missing: {}", self.index.to_string_lossy()).into(),
            )
        };
        let table = catalog::relation(self.table).ok_or_else(missing)?;
        let index = catalog::relation(self.index).ok_or_else(missing)?;
        let mut places =
            Places { generation, table, index, positions: [usize::MAX; MAX_COLUMNS + 1], highest: 0 };
        let tenant = self.tenant.map(|column| (MAX_COLUMNS, column));
        for (n, column) in self.columns.iter().copied().enumerate().chain(tenant) {
            // SAFETY: a catalog look-up by oid and valid C string.
            let attribute = unsafe { pg_sys::get_attnum(table, column.as_ptr()) };
            let position =
                usize::try_from(attribute).ok().and_then(|n| n.checked_sub(1)).ok_or_else(missing)?;
            *places.positions.get_mut(n).ok_or_else(missing)? = position;
            places.highest = places.highest.max(i32::from(attribute));
        }
        *self.resolved.0.borrow_mut() = Some(places);
        Ok(places)
    }
}

/// Whether a table, known by its oid in the present generation of the catalog, has a row with this key. Of a
/// tenant pin it knows nothing: the key must tell the tenants apart. None where the catalog has changed by
/// the time the table is locked: it, or the index, may be another now.
pub fn exists(view: &View, table: pg_sys::Oid, index: pg_sys::Oid, key: Key<'_>) -> Option<bool> {
    let generation = catalog::generation();
    // SAFETY: the table is opened if it still exists, with the lock a SELECT takes, and closed below, or by the
    // resource owner where an error unwinds. Taking the lock brings in what invalidates it or the index.
    unsafe {
        let table = pg_sys::try_table_open(table, pg_sys::AccessShareLock as i32);
        if table.is_null() {
            return None;
        }
        let found =
            (catalog::generation() == generation).then(|| scan(table, index, view, [key], |_| ()).is_some());
        pg_sys::table_close(table, pg_sys::NoLock as i32);
        found
    }
}

/// Reads a visible row with these values in the first columns of its key, if there is one.
///
/// # Safety
/// The table must be open, the index be one of its, and its first columns of the keys' types.
unsafe fn scan<T, const N: usize>(
    table: pg_sys::Relation,
    index: pg_sys::Oid,
    view: &View,
    keys: [Key<'_>; N],
    read: impl FnOnce(*mut pg_sys::TupleTableSlot) -> T,
) -> Option<T> {
    // SAFETY: as required of the caller; the scan, its slot and the index are closed below, or by the resource
    // owner where an error unwinds.
    unsafe {
        let index = pg_sys::index_open(index, pg_sys::AccessShareLock as i32);
        let slot = pg_sys::table_slot_create(table, std::ptr::null_mut());
        #[cfg(not(feature = "pg18"))]
        let scan = pg_sys::index_beginscan(table, index, view.snapshot, N as i32, 0);
        #[cfg(feature = "pg18")]
        let scan = pg_sys::index_beginscan(table, index, view.snapshot, std::ptr::null_mut(), N as i32, 0);
        let mut scan_keys = [pg_sys::ScanKeyData::default(); N];
        for (n, key) in keys.into_iter().enumerate() {
            if let Some(scan_key) = scan_keys.get_mut(n) {
                key.init(n as i16 + 1, scan_key);
            }
        }
        pg_sys::index_rescan(scan, scan_keys.as_mut_ptr(), N as i32, std::ptr::null_mut(), 0);
        let found = pg_sys::index_getnext_slot(scan, pg_sys::ScanDirection::ForwardScanDirection, slot)
            .then(|| read(slot));
        pg_sys::index_endscan(scan);
        pg_sys::ExecDropSingleTupleTableSlot(slot);
        pg_sys::index_close(index, pg_sys::NoLock as i32);
        found
    }
}

impl Key<'_> {
    /// # Safety
    /// The index's column of that number must be of the key's type.
    unsafe fn init(self, column: i16, scan_key: &mut pg_sys::ScanKeyData) {
        let (function, datum) = match self {
            Self::Id(id) => (pg_sys::F_UUID_EQ, id.into_datum()),
            Self::Text(text) => (pg_sys::F_TEXTEQ, text.into_datum()),
            Self::Integer(number) => (pg_sys::F_INT4EQ, number.into_datum()),
            Self::Bytes(bytes) => (pg_sys::F_BYTEAEQ, bytes.into_datum()),
        };
        // SAFETY: ScanKeyInit takes collation "C", which the text columns have.
        unsafe {
            pg_sys::ScanKeyInit(
                scan_key,
                column,
                pg_sys::BTEqualStrategyNumber as u16,
                function.into(),
                datum.unwrap_or(pg_sys::Datum::null()),
            );
        }
    }
}
