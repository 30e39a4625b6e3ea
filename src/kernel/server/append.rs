//! Rows that are only ever added, put straight into the heap and its indexes, without the executor: about a third of a
//! kept INSERT's cost. The statement remains. It makes the first row of a backend and tells into which table (or
//! partition) the row went. It also makes every row where more is needed than a row and its index entries: with a
//! trigger, a rule or a CHECK on the table, with an index that [`Indexes`] does not know, and in a session with a
//! tenant pin.
//!
//! A foreign key is a trigger too, but what it does is done where the caller has held the row that is referred to: see
//! [`Reference`].

#![allow(unsafe_code)]

use std::cell::Cell;
use std::ffi::{CStr, CString};

use pgrx::pg_sys;

use crate::kernel::outcome::Mistake;
use crate::kernel::server::cell::BackendCell;
use crate::kernel::server::columns::attribute;
use crate::kernel::server::entries::Indexes;
use crate::kernel::server::spi::{Param, Statement};
use crate::kernel::server::{catalog, pin, state, version};

/// An INSERT of one row.
pub struct Append {
    table: &'static str,
    statement: Statement<pg_sys::Oid>,
    /// The column of each parameter, in order.
    columns: &'static [&'static CStr],
    references: &'static [Reference],
    target: BackendCell<Cell<Option<Target>>>,
}

/// A foreign key of two columns, whose row the caller has held (see `hold`) in this transaction under the very values
/// that the new row has in them. The foreign key's trigger would look that row up and lock it once more, and find it:
/// that is most of what it costs to add a row with foreign keys.
pub struct Reference {
    pub columns: [&'static CStr; 2],
    pub to: Referred,
}

/// The key of a table, to which others refer.
#[derive(Clone, Copy)]
pub struct Referred {
    pub table: &'static CStr,
    pub key: [&'static CStr; 2],
}

/// Where the rows go as long as the catalog does not change.
#[derive(Clone, Copy)]
struct Target {
    generation: u32,
    period: i64,
    table: pg_sys::Oid,
    /// None if only the statement may write there.
    places: Option<Places>,
}

#[derive(Clone, Copy)]
struct Places {
    /// Of each parameter's column: its attribute number - 1.
    columns: [u8; MAX_COLUMNS],
    indexes: Indexes,
}

const MAX_COLUMNS: usize = 24;
/// Of the table.
const MAX_WIDTH: usize = 64;
/// Rows that are put into a table at once, at most.
const MAX_ROWS: usize = 64;

unsafe extern "C-unwind" {
    // Each of these would be guarded by itself, where one guard is enough for a row.
    fn try_table_open(table: pg_sys::Oid, mode: pg_sys::LOCKMODE) -> pg_sys::Relation;
    fn table_close(table: pg_sys::Relation, mode: pg_sys::LOCKMODE);
    fn heap_form_tuple(
        descriptor: pg_sys::TupleDesc,
        values: *const pg_sys::Datum,
        nulls: *const bool,
    ) -> pg_sys::HeapTuple;
    fn heap_freetuple(tuple: pg_sys::HeapTuple);
    fn heap_insert(
        table: pg_sys::Relation,
        tuple: pg_sys::HeapTuple,
        command: pg_sys::CommandId,
        options: std::ffi::c_int,
        state: pg_sys::BulkInsertState,
    );
    fn heap_multi_insert(
        table: pg_sys::Relation,
        slots: *mut *mut pg_sys::TupleTableSlot,
        count: std::ffi::c_int,
        command: pg_sys::CommandId,
        options: std::ffi::c_int,
        state: pg_sys::BulkInsertState,
    );
    fn MakeSingleTupleTableSlot(
        descriptor: pg_sys::TupleDesc,
        operations: *const pg_sys::TupleTableSlotOps,
    ) -> *mut pg_sys::TupleTableSlot;
    fn ExecStoreHeapTuple(
        tuple: pg_sys::HeapTuple,
        slot: *mut pg_sys::TupleTableSlot,
        owned: bool,
    ) -> *mut pg_sys::TupleTableSlot;
    fn ExecDropSingleTupleTableSlot(slot: *mut pg_sys::TupleTableSlot);
    fn GetCurrentCommandId(used: bool) -> pg_sys::CommandId;
    fn CommandCounterIncrement();
}

impl Append {
    /// The rows of a table, whose parameters are those of the columns, in order.
    pub const fn new(table: &'static str, columns: &'static [&'static CStr]) -> Self {
        Self {
            table,
            statement: Statement::write(c""),
            columns,
            references: &[],
            target: BackendCell::new(Cell::new(None)),
        }
    }

    /// The same of a table with these foreign keys.
    pub const fn referring(mut self, references: &'static [Reference]) -> Self {
        self.references = references;
        self
    }

    fn sql(&self) -> CString {
        let names: Vec<_> = self.columns.iter().map(|name| name.to_string_lossy()).collect();
        let values: Vec<_> = (1..=names.len()).map(|n| format!("${n}")).collect();
        let (names, values) = (names.join(", "), values.join(", "));
        let table = self.table;
        let sql = format!("INSERT INTO auth_store.{table} ({names}) VALUES ({values}) RETURNING tableoid");
        CString::new(sql).unwrap_or_default()
    }

    /// Adds a row. `period` names the partition: rows of one period go to the same one.
    pub fn run(&self, period: i64, params: &[Param]) -> Result<(), Mistake> {
        version::ensure_ready()?;
        state::writable()?;
        let known = self.known(period);
        if self.put_all(known, &[params]) {
            return Ok(());
        }
        let table = self.statement.all_of(params, &|| self.sql())?.into_iter().next();
        if let (None, Some(table)) = (known, table) {
            let parent = CString::new(self.table).ok().and_then(|name| catalog::relation(&name));
            catalog::track(table);
            let generation = catalog::generation();
            let places = parent.and_then(|parent| self.places(parent, table, params));
            self.target.set(Some(Target { generation, period, table, places }));
        }
        Ok(())
    }

    /// Adds rows of one period. A page that gets several of them is one record in the WAL.
    pub fn run_all<const N: usize>(&self, period: i64, rows: &[[Param; N]]) -> Result<(), Mistake> {
        version::ensure_ready()?;
        state::writable()?;
        for rows in rows.chunks(MAX_ROWS) {
            let mut rows: Vec<_> = rows.iter().map(<[Param; N]>::as_slice).collect();
            while !rows.is_empty() && !self.put_all(self.known(period), &rows) {
                // By the statement, which tells where the others go.
                self.run(period, rows.remove(0))?;
            }
        }
        Ok(())
    }

    fn known(&self, period: i64) -> Option<Target> {
        let known = self.target.get();
        known.filter(|place| place.generation == catalog::generation() && place.period == period)
    }

    /// Adds rows without the statement; false if it must be the statement. At REPEATABLE READ a foreign key compares
    /// what it finds with the transaction's snapshot.
    fn put_all(&self, known: Option<Target>, rows: &[&[Param]]) -> bool {
        known.is_some_and(|place| {
            place.places.is_some_and(|places| {
                pin::tenant().is_none()
                    && (self.references.is_empty() || !state::has_one_snapshot())
                    && rows.iter().all(|params| self.statement.takes(params))
                    // SAFETY: the positions were resolved for this table in this generation of the catalog, and for
                    // parameters of these types. Nothing in it has a destructor.
                    && unsafe { pg_sys::ffi::pg_guard_ffi_boundary(|| put(&place, &places, rows)) }
            })
        })
    }

    /// Where the columns are, if a row of the table is only a heap tuple with its entries in plain indexes. The parent
    /// is the table that the statement names: the same one, or one that it is a partition of.
    fn places(&self, parent: pg_sys::Oid, oid: pg_sys::Oid, params: &[Param]) -> Option<Places> {
        // SAFETY: the statement has just written into the tables, whose locks the transaction still holds; each is
        // closed with its lock kept.
        unsafe {
            if parent != oid {
                let table = pg_sys::table_open(parent, pg_sys::NoLock as i32);
                let bare = (*table).rd_rules.is_null() && self.fires_nothing(table);
                pg_sys::table_close(table, pg_sys::NoLock as i32);
                if !bare {
                    return None;
                }
            }
            let table = pg_sys::table_open(oid, pg_sys::NoLock as i32);
            let places = self.places_in(table, params);
            pg_sys::table_close(table, pg_sys::NoLock as i32);
            places
        }
    }

    /// # Safety
    /// The table must be open.
    unsafe fn places_in(&self, table: pg_sys::Relation, params: &[Param]) -> Option<Places> {
        // SAFETY: as required of the caller.
        let indexes = unsafe { if self.fires_nothing(table) { plain(table) } else { None } }?;
        if self.columns.len() != params.len() || params.len() > MAX_COLUMNS {
            return None;
        }
        // SAFETY: an open table's own data.
        let (oid, descriptor, count) = unsafe {
            let descriptor = (*table).rd_att;
            ((*table).rd_id, descriptor, (*descriptor).natts)
        };
        let (mut columns, mut named) = ([0; MAX_COLUMNS], [false; MAX_WIDTH]);
        for ((column, param), place) in self.columns.iter().zip(params).zip(&mut columns) {
            // SAFETY: a catalog look-up by oid and a valid C string.
            let number = unsafe { pg_sys::get_attnum(oid, column.as_ptr()) };
            let position = usize::try_from(number).ok()?.checked_sub(1)?;
            *place = u8::try_from(position).ok()?;
            *named.get_mut(position)? = true;
            // SAFETY: the table has a column of this number.
            if unsafe { (*attribute(descriptor, i32::from(number) - 1)).atttypid } != param.oid {
                return None;
            }
        }
        // A column without a parameter must be NULL by default.
        let rest = (0..count).all(|n| {
            // SAFETY: one of the columns there are.
            let attribute = unsafe { &*attribute(descriptor, n) };
            let filled = usize::try_from(n).ok().and_then(|n| named.get(n)).is_some_and(|seen| *seen);
            filled || attribute.attisdropped || !(attribute.atthasdef || attribute.attnotnull)
        });
        rest.then_some(Places { columns, indexes })
    }

    /// Whether no trigger of the table would do something at an INSERT, beside those of the foreign keys whose rows are
    /// held.
    ///
    /// # Safety
    /// The table must be open.
    unsafe fn fires_nothing(&self, table: pg_sys::Relation) -> bool {
        // SAFETY: as required of the caller; the triggers are as many as it says.
        unsafe {
            let triggers = (*table).trigdesc;
            triggers.is_null()
                || (0..usize::try_from((*triggers).numtriggers).unwrap_or(0)).all(|n| {
                    let trigger = &*(*triggers).triggers.add(n);
                    !at_insert(trigger)
                        || (trigger.tgisinternal
                            && trigger.tgfoid.to_u32() == pg_sys::F_RI_FKEY_CHECK_INS
                            && self.is_held(table, trigger.tgconstraint))
                })
        }
    }

    /// Whether this is one of the foreign keys whose rows are held.
    ///
    /// # Safety
    /// The table must be open.
    unsafe fn is_held(&self, table: pg_sys::Relation, constraint: pg_sys::Oid) -> bool {
        // SAFETY: as required of the caller. The list has the foreign keys of the table; it belongs to its description
        // and stays while that is open, in which nothing is looked up that could change it.
        unsafe {
            let keys = pg_sys::RelationGetFKeyList(table);
            let count = if keys.is_null() { 0 } else { usize::try_from((*keys).length).unwrap_or(0) };
            (0..count)
                .map(|n| *(*(*keys).elements.add(n)).ptr_value.cast::<pg_sys::ForeignKeyCacheInfo>())
                .filter(|key| key.conoid == constraint)
                .any(|key| self.references.iter().any(|reference| reference.is(&key)))
        }
    }
}

impl Reference {
    /// Whether it is this foreign key.
    fn is(&self, key: &pg_sys::ForeignKeyCacheInfo) -> bool {
        let are = |table, numbers: &[i16; 32], names: &[&CStr; 2]| {
            names.iter().zip(numbers).all(|(name, number)| {
                // SAFETY: a catalog look-up by oid and a valid C string.
                *number > 0 && unsafe { pg_sys::get_attnum(table, name.as_ptr()) } == *number
            })
        };
        key.nkeys == 2
            && catalog::relation(self.to.table) == Some(key.confrelid)
            && are(key.conrelid, &key.conkey, &self.columns)
            && are(key.confrelid, &key.confkey, &self.to.key)
    }
}

/// Whether it fires at an INSERT.
fn at_insert(trigger: &pg_sys::Trigger) -> bool {
    u32::from(trigger.tgtype.cast_unsigned()) & pg_sys::TRIGGER_TYPE_INSERT != 0
}

/// Puts rows into the heap and its indexes; does nothing and returns false if only the statement may.
///
/// # Safety
/// `place` must have been resolved for these parameters in the present generation of the catalog. To be called within a
/// guard.
unsafe fn put(place: &Target, places: &Places, rows: &[&[Param]]) -> bool {
    // SAFETY: opened if it still exists, with the lock an INSERT takes, which the transaction keeps. In this generation
    // of the catalog the positions are those of its columns; taking the lock may have brought in an invalidation, after
    // which nothing resolved holds. Where an error unwinds, the resource owner closes it.
    unsafe {
        let table = try_table_open(place.table, pg_sys::RowExclusiveLock as i32);
        if table.is_null() {
            return false;
        }
        let added = catalog::generation() == place.generation && add(table, places, rows);
        table_close(table, pg_sys::NoLock as i32);
        if added {
            CommandCounterIncrement();
        }
        added
    }
}

/// # Safety
/// The table must be open and locked for writing, and the positions be those of columns of the parameters' types.
unsafe fn add(table: pg_sys::Relation, places: &Places, rows: &[&[Param]]) -> bool {
    // SAFETY: an open table's own data.
    let (descriptor, width) = unsafe { ((*table).rd_att, (*(*table).rd_att).natts) };
    let required = |place: u8| {
        // SAFETY: as required of the caller: one of its columns.
        unsafe { (*attribute(descriptor, i32::from(place))).attnotnull }
    };
    // The statement says which column must not be NULL.
    let lacks = |params: &&[Param]| {
        params.iter().zip(&places.columns).any(|(param, place)| param.datum.is_none() && required(*place))
    };
    if usize::try_from(width).is_ok_and(|width| width > MAX_WIDTH) || rows.iter().any(lacks) {
        return false;
    }
    // SAFETY: as required of the caller; a value or NULL for each column, and the tuple is nobody else's.
    unsafe {
        let [params] = rows else {
            add_all(table, places, rows);
            return true;
        };
        let (values, nulls) = spread(places, params);
        let tuple = heap_form_tuple(descriptor, values.as_ptr(), nulls.as_ptr());
        heap_insert(table, tuple, GetCurrentCommandId(true), 0, std::ptr::null_mut());
        places.indexes.add(table, (*tuple).t_self, &values, &nulls, false);
        heap_freetuple(tuple);
    }
    true
}

/// The values of a row, and which are NULL.
fn spread(places: &Places, params: &[Param]) -> ([pg_sys::Datum; MAX_WIDTH], [bool; MAX_WIDTH]) {
    let (mut values, mut nulls) = ([pg_sys::Datum::null(); MAX_WIDTH], [true; MAX_WIDTH]);
    for (param, place) in params.iter().zip(&places.columns) {
        if let (Some(datum), place) = (param.datum, usize::from(*place)) {
            (values[place], nulls[place]) = (datum, false);
        }
    }
    (values, nulls)
}

/// # Safety
/// As of [`add`].
unsafe fn add_all(table: pg_sys::Relation, places: &Places, rows: &[&[Param]]) {
    let mut slots = [std::ptr::null_mut(); MAX_ROWS];
    // SAFETY: as required of the caller; the slots own the tuples, and are dropped here. Where an error unwinds, they
    // go with the call's memory.
    unsafe {
        let descriptor = (*table).rd_att;
        for (params, slot) in rows.iter().zip(&mut slots) {
            let (values, nulls) = spread(places, params);
            *slot = MakeSingleTupleTableSlot(descriptor, &raw const pg_sys::TTSOpsHeapTuple);
            ExecStoreHeapTuple(heap_form_tuple(descriptor, values.as_ptr(), nulls.as_ptr()), *slot, true);
        }
        let (count, command) = (rows.len() as i32, GetCurrentCommandId(true));
        heap_multi_insert(table, slots.as_mut_ptr(), count, command, 0, std::ptr::null_mut());
        for (params, slot) in rows.iter().zip(&slots) {
            let (values, nulls) = spread(places, params);
            places.indexes.add(table, (**slot).tts_tid, &values, &nulls, false);
            ExecDropSingleTupleTableSlot(*slot);
        }
    }
}

/// The indexes, if a row of the table is only a heap tuple with its entries in them, triggers apart.
///
/// # Safety
/// The table must be open, and locked for writing.
pub(super) unsafe fn plain(table: pg_sys::Relation) -> Option<Indexes> {
    // SAFETY: an open relation's own data.
    unsafe {
        let constraints = (*(*table).rd_att).constr;
        let constrained =
            !constraints.is_null() && ((*constraints).num_check > 0 || (*constraints).has_generated_stored);
        let bare = (*(*table).rd_rel).relam == pg_sys::HEAP_TABLE_AM_OID
            && (*table).rd_rules.is_null()
            && !constrained
            && usize::try_from((*(*table).rd_att).natts).is_ok_and(|width| width <= MAX_WIDTH);
        if bare { Indexes::of(table) } else { None }
    }
}
