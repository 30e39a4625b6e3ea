//! Rows by key, straight through an index, without the executor: about a quarter of a prepared SELECT's cost. It runs
//! no SQL and so needs neither SECURITY DEFINER nor a search_path; the check that row-level security would make for a
//! tenant pin is made here.

#![allow(unsafe_code)]

use std::cell::RefCell;
use std::ffi::CStr;
use std::marker::PhantomData;

use pgrx::pg_sys;

use crate::kernel::outcome::Mistake;
use crate::kernel::server::catalog::Held;
use crate::kernel::server::cell::BackendCell;
use crate::kernel::server::columns::{Column, find_columns};
use crate::kernel::server::index::{self, Index};
use crate::kernel::server::reader::{Found, Reader};
use crate::kernel::server::remembered::Remembered;
use crate::kernel::server::row::{Row, TableRow};
use crate::kernel::server::{catalog, datum, hold, pin, version};

pub use crate::kernel::server::index::Key;
pub use crate::kernel::server::snapshot::Snapshot;

/// An index of a table, and what is read through it: a struct that `row!` made.
pub struct Lookup<R> {
    way: Way,
    row: PhantomData<fn() -> R>,
}

/// How a row is found, and which columns of it are read.
struct Way {
    table: &'static CStr,
    index: &'static CStr,
    columns: &'static [Column],
    /// The column that names the row's tenant; None for a table that belongs to all.
    tenant: Option<&'static CStr>,
    /// Whether its rows are looked up again and again, and where they were found before.
    remembers: bool,
    remembered: Remembered,
    resolved: BackendCell<RefCell<Option<Places>>>,
}

/// The descriptions of table and index, valid as long as the catalog does not change.
struct Places {
    generation: u32,
    table: pg_sys::Oid,
    index: Index,
    table_held: Held,
    index_held: Held,
    /// Whether the table is a heap, as a [`Reader`] needs.
    heap: bool,
    reader: RefCell<Option<Reader>>,
    /// The transaction that last changed the table in the catalog.
    changed: pg_sys::TransactionId,
    /// Position of each column, by attribute number - 1; the tenant's last.
    positions: [u16; MAX_COLUMNS + 1],
    /// The highest attribute number needed: no column behind it is deformed.
    highest: i32,
}

const MAX_COLUMNS: usize = 48;

impl<R: TableRow> Lookup<R> {
    /// A look-up in a table with a column `tenant_id`.
    pub const fn by(index: &'static CStr) -> Self {
        const { assert!(R::COLUMNS.len() <= MAX_COLUMNS) };
        let resolved = BackendCell::new(RefCell::new(None));
        let tenant = Some(c"tenant_id");
        let way = Way {
            table: R::TABLE,
            index,
            columns: R::COLUMNS,
            tenant,
            remembers: false,
            remembered: Remembered::none(),
            resolved,
        };
        Self { way, row: PhantomData }
    }

    /// The same in a table whose row's tenant is in another column.
    pub const fn tenant_in(mut self, column: &'static CStr) -> Self {
        self.way.tenant = Some(column);
        self
    }

    /// The same in a table that belongs to no tenant.
    pub const fn shared(mut self) -> Self {
        self.way.tenant = None;
        self
    }

    /// The same of rows that are looked up again and again, by a unique index and its whole key or the row's id.
    pub const fn remembered(mut self) -> Self {
        self.way.remembers = true;
        self
    }

    /// The row with this value in the key's first column; None if there is no such row, or if the session's tenant pin
    /// hides it.
    pub fn find(&self, snapshot: &Snapshot, key: Key<'_>) -> Result<Option<R>, Mistake> {
        self.find_by(snapshot, [key])
    }

    /// As [`Lookup::find`], by the key's first columns.
    pub fn find_by<const N: usize>(
        &self,
        snapshot: &Snapshot,
        keys: [Key<'_>; N],
    ) -> Result<Option<R>, Mistake> {
        self.load(true, snapshot, keys)
    }

    /// As [`Lookup::find`], for each of these values: what a look-up costs beside the search is paid once.
    pub fn find_each(&self, snapshot: &Snapshot, keys: &[Key<'_>]) -> Result<Vec<Option<R>>, Mistake> {
        // SAFETY: as in load().
        let load = |row: Option<&Row<'_>>| Some(row.map(|row| unsafe { R::load(row, 0) }));
        let found = self.way.find_each(snapshot, keys, load)?;
        let row = |found: Option<Option<Option<R>>>| match found.flatten() {
            Some(None) => Err(lacks(self.way.table)),
            found => Ok(found.flatten()),
        };
        found.into_iter().map(row).collect()
    }

    /// Every row with these values in the key's first columns, in the order of the key, of those that the session's
    /// tenant pin shows.
    pub fn all_by<const N: usize>(&self, snapshot: &Snapshot, keys: [Key<'_>; N]) -> Result<Vec<R>, Mistake> {
        let mut rows = Vec::new();
        let altered = self.way.find(true, false, snapshot, keys, |row| {
            // SAFETY: as in load().
            match row.map(|row| unsafe { R::load(row, 0) }) {
                None => None,
                Some(None) => Some(()),
                Some(Some(row)) => {
                    rows.push(row);
                    None
                }
            }
        })?;
        if altered.is_some() { Err(lacks(self.way.table)) } else { Ok(rows) }
    }

    /// The rows with these values in the key's first columns but the last, in which they have a greater one: at most
    /// `most` of those that `wanted` takes and the session's tenant pin shows, in the order of the key.
    pub fn behind<const N: usize>(
        &self,
        snapshot: &Snapshot,
        keys: [Key<'_>; N],
        most: usize,
        wanted: impl Fn(&R) -> bool,
    ) -> Result<Vec<R>, Mistake> {
        let mut rows = Vec::new();
        let altered = self.way.find(true, true, snapshot, keys, |row| {
            // SAFETY: as in load().
            match row.map(|row| unsafe { R::load(row, 0) }) {
                None => {}
                Some(None) => return Some(false),
                Some(Some(row)) if wanted(&row) => rows.push(row),
                Some(Some(_)) => {}
            }
            (rows.len() >= most).then_some(true)
        })?;
        if altered == Some(false) { Err(lacks(self.way.table)) } else { Ok(rows) }
    }

    /// [`Lookup::find`] before the tables were checked.
    pub fn find_unready(&self, snapshot: &Snapshot, key: Key<'_>) -> Result<Option<R>, Mistake> {
        self.load(false, snapshot, [key])
    }

    fn load<const N: usize>(
        &self,
        check: bool,
        snapshot: &Snapshot,
        keys: [Key<'_>; N],
    ) -> Result<Option<R>, Mistake> {
        // SAFETY: the columns are where the row says, and of the types that R reads: see places().
        let load = |row: Option<&Row<'_>>| row.map(|row| unsafe { R::load(row, 0) });
        match self.way.first(check, snapshot, keys, load)?.flatten() {
            Some(None) => Err(lacks(self.way.table)),
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

impl Way {
    /// What `take` makes of the first row; None stands for a row that the tenant pin hides.
    fn first<T, const N: usize>(
        &self,
        check: bool,
        snapshot: &Snapshot,
        keys: [Key<'_>; N],
        take: impl Fn(Option<&Row<'_>>) -> T,
    ) -> Result<Option<T>, Mistake> {
        let mut waited = false;
        if self.remembers
            && let Some(found) = self.first_where_it_was(check, snapshot, &keys, &mut waited, &take)?
        {
            return Ok(Some(found));
        }
        waited |= self.lock(check, &keys)?;
        let resolved = self.resolved.borrow();
        let Some(places) = &*resolved else { return Err(self.missing()) };
        snapshot.settle(places.table, places.changed, waited)?;
        if !places.heap || !places.index.is_usable() {
            drop(resolved);
            return self.find(check, false, snapshot, keys, |row| Some(take(row)));
        }
        let mut reader = places.reader.borrow_mut();
        // SAFETY: table and index are locked, and are what was resolved.
        unsafe {
            let found =
                Reader::first(&mut reader, places.table, &places.index, snapshot, &keys, places.highest);
            Ok(found.map(|Found { slot, buffer }| {
                if self.remembers && places.index.is_unique_in(&keys) {
                    self.remembered.note(&keys, (*slot).tts_tid, buffer);
                }
                self.read(places, slot, take)
            }))
        }
    }

    /// The same of the row that was found with this key before, if it is in its place. The index is not touched, and so
    /// not locked. If it had to wait for the table, `waited` becomes true.
    fn first_where_it_was<T>(
        &self,
        check: bool,
        snapshot: &Snapshot,
        keys: &[Key<'_>],
        waited: &mut bool,
        take: impl Fn(Option<&Row<'_>>) -> T,
    ) -> Result<Option<T>, Mistake> {
        if check {
            version::ensure_ready()?;
        }
        let resolved = self.resolved.borrow();
        let Some(places) = &*resolved else { return Ok(None) };
        let Some(place) = self.remembered.place(keys) else { return Ok(None) };
        let known = || places.generation == catalog::generation();
        if !known() || !places.index.is_unique_in(keys) {
            return Ok(None);
        }
        *waited = catalog::lock_to_read(&[(places.table, &places.table_held)]);
        if !known() {
            return Ok(None);
        }
        snapshot.settle(places.table, places.changed, *waited)?;
        let mut reader = places.reader.borrow_mut();
        let Some(reader) = &mut *reader else { return Ok(None) };
        // SAFETY: the table is locked, and is what was resolved.
        unsafe {
            let row = reader.in_place(places.table, snapshot, place, places.highest);
            let row = row.filter(|row| places.index.is_key_of(*row, keys));
            Ok(row.map(|row| self.read(places, row, take)))
        }
    }

    /// Shows the rows one by one, until one is taken; None stands for a row that the tenant pin hides.
    fn find<T, const N: usize>(
        &self,
        check: bool,
        behind: bool,
        snapshot: &Snapshot,
        keys: [Key<'_>; N],
        mut take: impl FnMut(Option<&Row<'_>>) -> Option<T>,
    ) -> Result<Option<T>, Mistake> {
        let waited = self.lock(check, &keys)?;
        let resolved = self.resolved.borrow();
        let Some(places) = &*resolved else { return Err(self.missing()) };
        snapshot.settle(places.table, places.changed, waited)?;
        // SAFETY: table and index are locked, and are what was resolved. The table is closed below, or by the
        // resource owner where an error unwinds.
        unsafe {
            let table = pg_sys::table_open(places.table, pg_sys::NoLock as i32);
            let read = |slot| self.read(places, slot, &mut take);
            let found = index::scan(table, &places.index, snapshot, &keys, behind, read);
            pg_sys::table_close(table, pg_sys::NoLock as i32);
            found
        }
    }

    /// The same for each of these values in the key's first column.
    fn find_each<T>(
        &self,
        snapshot: &Snapshot,
        keys: &[Key<'_>],
        mut take: impl FnMut(Option<&Row<'_>>) -> Option<T>,
    ) -> Result<Vec<Option<T>>, Mistake> {
        let Some(first) = keys.first() else { return Ok(Vec::new()) };
        let waited = self.lock(true, std::slice::from_ref(first))?;
        let resolved = self.resolved.borrow();
        let Some(places) = &*resolved else { return Err(self.missing()) };
        snapshot.settle(places.table, places.changed, waited)?;
        // SAFETY: as in find().
        unsafe {
            let table = pg_sys::table_open(places.table, pg_sys::NoLock as i32);
            let read = |slot| self.read(places, slot, &mut take);
            let found = index::scan_each(table, &places.index, snapshot, keys, read);
            pg_sys::table_close(table, pg_sys::NoLock as i32);
            found
        }
    }

    /// What `take` makes of a row.
    ///
    /// # Safety
    /// The table must be locked and as it was resolved, and the slot have a row of it.
    unsafe fn read<T>(
        &self,
        places: &Places,
        slot: *mut pg_sys::TupleTableSlot,
        take: impl FnOnce(Option<&Row<'_>>) -> T,
    ) -> T {
        // SAFETY: as required of the caller. The values a Row refers to live as long as the slot.
        unsafe {
            hold::note(places.table, slot);
            if places.highest > i32::from((*slot).tts_nvalid) {
                pg_sys::slot_getsomeattrs_int(slot, places.highest);
            }
            let valid = usize::try_from((*slot).tts_nvalid).unwrap_or(0);
            let row = Row::placed(
                std::slice::from_raw_parts((*slot).tts_values, valid),
                std::slice::from_raw_parts((*slot).tts_isnull, valid),
                &places.positions,
            );
            take(self.shows(&row).then_some(&row))
        }
    }

    /// Whether the session's tenant pin shows the row.
    fn shows(&self, row: &Row<'_>) -> bool {
        let (Some(_), Some(pin)) = (self.tenant, pin::tenant()) else { return true };
        // SAFETY: places() has put the tenant's column there, which is of type text.
        row.datum(MAX_COLUMNS).is_some_and(|own| unsafe { datum::text(own) } == Some(pin))
    }

    /// Locks table and index with the lock a SELECT takes. The names may stand for other relations after a wait for a
    /// lock (REINDEX CONCURRENTLY, a key dropped and made again, a migration), so they are compared again after it,
    /// until nothing has changed. Returns true if there was a wait.
    fn lock(&self, check: bool, keys: &[Key<'_>]) -> Result<bool, Mistake> {
        let mode = pg_sys::AccessShareLock;
        let mut waited = false;
        if check {
            version::ensure_ready()?;
        }
        if let Some(places) = &*self.resolved.borrow()
            && places.generation == catalog::generation()
        {
            let (table, index) = (places.table, places.index.oid);
            waited = catalog::lock_to_read(&[(table, &places.table_held), (index, &places.index_held)]);
            if places.generation == catalog::generation() {
                return Ok(waited);
            }
        }
        loop {
            if check {
                version::ensure_ready()?;
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
                *self.resolved.borrow_mut() = Some(places);
                return Ok(waited);
            }
            catalog::unlock(index, mode);
            catalog::unlock(table, mode);
            pgrx::check_for_interrupts!();
        }
    }

    fn knows(&self, table: pg_sys::Oid, index: pg_sys::Oid) -> bool {
        self.resolved.borrow().as_ref().is_some_and(|places| {
            places.generation == catalog::generation() && (places.table, places.index.oid) == (table, index)
        })
    }

    /// Table and index, as known or looked up.
    fn names(&self) -> Result<(pg_sys::Oid, pg_sys::Oid), Mistake> {
        match &*self.resolved.borrow() {
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
        catalog::missing(self.index)
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
            table_held: Held::none(),
            index_held: Held::none(),
            heap: catalog::is_heap(table),
            reader: RefCell::new(None),
            changed: catalog::changed_by(table),
            positions: [u16::MAX; MAX_COLUMNS + 1],
            highest: 0,
        };
        let (columns, tenant) = places.positions.split_at_mut(MAX_COLUMNS);
        let own = self.tenant.map(|name| Column { name, type_oid: pg_sys::TEXTOID, nullable: false });
        find_columns(table, self.columns, columns)?.ok_or_else(|| self.missing())?;
        find_columns(table, &own, tenant)?.ok_or_else(|| self.missing())?;
        let known = places.positions.iter().filter(|position| **position != u16::MAX);
        places.highest = known.map(|position| i32::from(*position) + 1).max().unwrap_or(0);
        if self.remembers {
            places.highest = places.highest.max(places.index.last_column());
        }
        Ok(places)
    }
}
