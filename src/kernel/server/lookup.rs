//! Rows by key, straight through an index, without the executor: about a quarter of a prepared
//! SELECT's cost. It runs no SQL and so needs neither SECURITY DEFINER nor a search_path; what row-level
//! security would do for a tenant pin is done here.

#![allow(unsafe_code)]

use std::cell::RefCell;
use std::ffi::CStr;
use std::marker::PhantomData;

use pgrx::pg_sys;

use crate::kernel::outcome::Mistake;
use crate::kernel::server::index::{self, Index};
use crate::kernel::server::row::{Column, Row, TableRow, differs};
use crate::kernel::server::{catalog, hold, settings};

pub use crate::kernel::server::index::{Key, View};

/// A unique index of a table, and what is read through it: a struct that `row!` made.
pub struct Lookup<R = ()> {
    table: &'static CStr,
    index: &'static CStr,
    columns: Columns,
    /// The column that names the row's tenant; None for a table that belongs to all.
    tenant: Option<&'static CStr>,
    resolved: Resolved,
    row: PhantomData<fn() -> R>,
}

#[derive(Clone, Copy)]
enum Columns {
    Named(&'static [&'static CStr]),
    Typed(&'static [Column]),
}

struct Resolved(RefCell<Option<Places>>);

// SAFETY: a backend is one thread; the server calls this library from that thread only.
unsafe impl Sync for Resolved {}

/// What is known of table and index while nothing of the catalog changes.
struct Places {
    generation: u32,
    table: pg_sys::Oid,
    index: Index,
    /// The transaction that last changed the table in the catalog.
    changed: pg_sys::TransactionId,
    /// Position of each column, by attribute number - 1; the tenant's last.
    positions: [u16; MAX_COLUMNS + 1],
    types: [pg_sys::Oid; MAX_COLUMNS + 1],
    /// The highest attribute number needed: no column behind it is deformed.
    highest: i32,
}

const MAX_COLUMNS: usize = 24;

impl<R: TableRow> Lookup<R> {
    /// A look-up in a table with a column `tenant_id`.
    pub const fn by(index: &'static CStr) -> Self {
        const { assert!(R::COLUMNS.len() <= MAX_COLUMNS) };
        Self {
            table: R::TABLE,
            index,
            columns: Columns::Typed(R::COLUMNS),
            tenant: Some(c"tenant_id"),
            resolved: Resolved(RefCell::new(None)),
            row: PhantomData,
        }
    }

    /// The same in a table whose row's tenant is in another column.
    pub const fn tenant_in(mut self, column: &'static CStr) -> Self {
        self.tenant = Some(column);
        self
    }

    /// The same in a table that belongs to no tenant.
    pub const fn shared(mut self) -> Self {
        self.tenant = None;
        self
    }

    /// The row with this value in the key's first column; None where there is none, or where the session's tenant
    /// pin hides it.
    pub fn find(&self, view: &View, key: Key<'_>) -> Result<Option<R>, Mistake> {
        self.find_by(view, [key])
    }

    /// As [`Lookup::find`], by the key's first columns.
    pub fn find_by<const N: usize>(&self, view: &View, keys: [Key<'_>; N]) -> Result<Option<R>, Mistake> {
        self.load(true, view, keys)
    }

    /// [`Lookup::find`] before the tables were checked.
    pub fn find_unready(&self, view: &View, key: Key<'_>) -> Result<Option<R>, Mistake> {
        self.load(false, view, [key])
    }

    fn load<const N: usize>(
        &self,
        check: bool,
        view: &View,
        keys: [Key<'_>; N],
    ) -> Result<Option<R>, Mistake> {
        // SAFETY: the columns are where the row says, and of the types that R reads: see places().
        match self.find_in(check, view, keys, |row| Some(unsafe { R::load(row, 0) }))? {
            Some(None) => Err(lacks(self.table)),
            found => Ok(found.flatten()),
        }
    }
}

/// The mistake of a row with a value that its table does not allow: somebody has altered the table.
#[cold]
fn lacks(table: &CStr) -> Mistake {
    let what = format!("a row of {} lacks a value that it must have", table.to_string_lossy());
    Mistake::TypeDiffers(what.into())
}

impl Lookup {
    /// A look-up in a table with a column `tenant_id`.
    pub const fn new(table: &'static CStr, index: &'static CStr, columns: &'static [&'static CStr]) -> Self {
        let columns = Columns::Named(columns);
        let tenant = Some(c"tenant_id");
        Self { table, index, columns, tenant, resolved: Resolved(RefCell::new(None)), row: PhantomData }
    }

    /// A look-up whose row's tenant is in another column.
    pub const fn with_tenant_in(
        column: &'static CStr,
        table: &'static CStr,
        index: &'static CStr,
        columns: &'static [&'static CStr],
    ) -> Self {
        let columns = Columns::Named(columns);
        let tenant = Some(column);
        Self { table, index, columns, tenant, resolved: Resolved(RefCell::new(None)), row: PhantomData }
    }

    /// A look-up in a table that belongs to no tenant.
    pub const fn only_shared(
        table: &'static CStr,
        index: &'static CStr,
        columns: &'static [&'static CStr],
    ) -> Self {
        let columns = Columns::Named(columns);
        Self { table, index, columns, tenant: None, resolved: Resolved(RefCell::new(None)), row: PhantomData }
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
        self.find_in(true, view, keys, load)
    }

    /// [`Lookup::find`] before the tables were checked.
    pub fn find_unready<T>(
        &self,
        view: &View,
        key: Key<'_>,
        load: impl FnOnce(&Row<'_>) -> Option<T>,
    ) -> Result<Option<T>, Mistake> {
        self.find_in(false, view, [key], load)
    }
}

impl<R> Lookup<R> {
    fn find_in<T, const N: usize>(
        &self,
        check: bool,
        view: &View,
        keys: [Key<'_>; N],
        load: impl FnOnce(&Row<'_>) -> Option<T>,
    ) -> Result<Option<T>, Mistake> {
        let waited = self.lock(check, &keys)?;
        let resolved = self.resolved.0.borrow();
        let Some(places) = &*resolved else { return Err(self.missing()) };
        view.settle(places.table, places.changed, waited)?;
        // SAFETY: table and index are locked, and are what was resolved. The table is closed below, or by the
        // resource owner where an error unwinds. The values a Row refers to live as long as the slot.
        unsafe {
            let table = pg_sys::table_open(places.table, pg_sys::NoLock as i32);
            let found = index::scan(table, &places.index, view, &keys, |slot| {
                hold::note(table, slot);
                pg_sys::slot_getsomeattrs_int(slot, places.highest);
                let valid = usize::try_from((*slot).tts_nvalid).unwrap_or(0);
                let row = Row::placed(
                    std::slice::from_raw_parts((*slot).tts_values, valid),
                    std::slice::from_raw_parts((*slot).tts_isnull, valid),
                    &places.types,
                    &places.positions,
                );
                if self.visible(&row) { load(&row) } else { None }
            });
            pg_sys::table_close(table, pg_sys::NoLock as i32);
            Ok(found?.flatten())
        }
    }

    fn visible(&self, row: &Row<'_>) -> bool {
        match (self.tenant, settings::tenant_pin()) {
            (None, _) | (_, None) => true,
            (Some(_), Some(pin)) => row.get::<&str>(MAX_COLUMNS) == Some(pin),
        }
    }

    /// Locks table and index with the lock a SELECT takes. What the names stand for may change while a lock is
    /// waited for (REINDEX CONCURRENTLY, a key dropped and made again, a migration), so it is compared again after
    /// that, until nothing has changed. Returns whether there was a wait.
    fn lock(&self, check: bool, keys: &[Key<'_>]) -> Result<bool, Mistake> {
        let mode = pg_sys::AccessShareLock;
        let mut waited = false;
        loop {
            if check {
                catalog::ensure_ready()?;
            }
            let (table, index) = self.names()?;
            waited |= catalog::lock(table, mode) | catalog::lock(index, mode);
            catalog::accept();
            if self.knows(table, index) {
                return Ok(waited);
            }
            let generation = catalog::generation();
            if self.look_up()? == (table, index) {
                let places = self.places(generation, table, index, keys)?;
                *self.resolved.0.borrow_mut() = Some(places);
                return Ok(waited);
            }
            catalog::unlock(index, mode);
            catalog::unlock(table, mode);
            pgrx::check_for_interrupts!();
        }
    }

    fn knows(&self, table: pg_sys::Oid, index: pg_sys::Oid) -> bool {
        self.resolved.0.borrow().as_ref().is_some_and(|places| {
            places.generation == catalog::generation() && (places.table, places.index.oid) == (table, index)
        })
    }

    /// Table and index, as known or looked up.
    fn names(&self) -> Result<(pg_sys::Oid, pg_sys::Oid), Mistake> {
        match &*self.resolved.0.borrow() {
            Some(places) if places.generation == catalog::generation() => {
                Ok((places.table, places.index.oid))
            }
            _ => self.look_up(),
        }
    }

    fn look_up(&self) -> Result<(pg_sys::Oid, pg_sys::Oid), Mistake> {
        let table = catalog::relation(self.table).ok_or_else(|| self.missing())?;
        let index = catalog::relation(self.index).ok_or_else(|| self.missing())?;
        Ok((table, index))
    }

    fn missing(&self) -> Mistake {
        Mistake::NotInstalled(
            format!("table or index of auth_store is missing: {}", self.index.to_string_lossy()).into(),
        )
    }

    /// Reads the catalog; table and index are locked.
    #[cold]
    fn places(
        &self,
        generation: u32,
        table: pg_sys::Oid,
        index: pg_sys::Oid,
        keys: &[Key<'_>],
    ) -> Result<Places, Mistake> {
        // SAFETY: both were found by their names, and are locked.
        let index = unsafe { Index::describe(table, index, keys) }?.ok_or_else(|| self.missing())?;
        let mut places = Places {
            generation,
            table,
            index,
            changed: catalog::changed_by(table),
            positions: [u16::MAX; MAX_COLUMNS + 1],
            types: [pg_sys::InvalidOid; MAX_COLUMNS + 1],
            highest: 0,
        };
        let tenant = self.tenant.map(|column| (MAX_COLUMNS, (column, Some(pg_sys::TEXTOID))));
        let columns: Vec<_> = match self.columns {
            Columns::Named(names) => names.iter().map(|name| (*name, None)).collect(),
            Columns::Typed(columns) => {
                columns.iter().map(|column| (column.name, Some(column.type_oid))).collect()
            }
        };
        for (n, (column, wanted)) in columns.into_iter().enumerate().chain(tenant) {
            // SAFETY: catalog look-ups by oid and valid C string.
            let (attribute, type_oid) = unsafe {
                let attribute = pg_sys::get_attnum(table, column.as_ptr());
                (attribute, pg_sys::get_atttype(table, attribute))
            };
            let position =
                u16::try_from(attribute).ok().and_then(|n| n.checked_sub(1)).ok_or_else(|| self.missing())?;
            if let Some(wanted) = wanted
                && wanted != type_oid
            {
                return Err(differs(type_oid, wanted));
            }
            *places.positions.get_mut(n).ok_or_else(|| self.missing())? = position;
            *places.types.get_mut(n).ok_or_else(|| self.missing())? = type_oid;
            places.highest = places.highest.max(i32::from(attribute));
        }
        Ok(places)
    }
}
