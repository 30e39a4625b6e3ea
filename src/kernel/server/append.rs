//! Rows that are only ever added, put straight into the heap and its indexes, without the executor: about a third of a
//! kept INSERT's cost. The statement remains. It makes the first row of a backend and tells into which table (or
//! partition) the row went. It also makes every row where more is needed than a row and its index entries: with a
//! trigger, a rule, a CHECK or a partial index on the table, and in a session with a tenant pin.

#![allow(unsafe_code)]

use std::cell::Cell;
use std::ffi::{CStr, CString};

use pgrx::pg_sys;

use crate::kernel::outcome::Mistake;
use crate::kernel::server::cell::BackendCell;
use crate::kernel::server::columns::attribute;
use crate::kernel::server::spi::{Param, Statement};
use crate::kernel::server::{catalog, pin, state, version};

/// An INSERT of one row.
pub struct Append {
    table: &'static str,
    statement: Statement<pg_sys::Oid>,
    /// The column of each parameter, in order.
    columns: &'static [&'static CStr],
    target: BackendCell<Cell<Option<Target>>>,
}

/// Where the rows go as long as the catalog does not change.
#[derive(Clone, Copy)]
struct Target {
    generation: u32,
    period: i64,
    table: pg_sys::Oid,
    /// The attribute number - 1 of each parameter's column; None if only the statement may write there.
    positions: Option<[u8; MAX_COLUMNS]>,
}

const MAX_COLUMNS: usize = 24;

impl Append {
    /// The rows of a table, whose parameters are those of the columns, in order.
    pub const fn new(table: &'static str, columns: &'static [&'static CStr]) -> Self {
        Self { table, statement: Statement::write(c""), columns, target: BackendCell::new(Cell::new(None)) }
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
        let known = self
            .target
            .get()
            .filter(|place| place.generation == catalog::generation() && place.period == period);
        let direct = known.is_some_and(|place| {
            place.positions.is_some_and(|positions| {
                pin::tenant().is_none()
                    && self.statement.takes(params)
                    // SAFETY: the positions were resolved for this table in this generation of the catalog, and for
                    // parameters of these types.
                    && unsafe { put(&place, &positions, params) }
            })
        });
        if direct {
            return Ok(());
        }
        let table = self.statement.all_of(params, &|| self.sql())?.into_iter().next();
        if let (None, Some(table)) = (known, table) {
            catalog::track(table);
            let generation = catalog::generation();
            let positions = self.positions(table, params);
            self.target.set(Some(Target { generation, period, table, positions }));
        }
        Ok(())
    }

    /// The positions of the columns, if a row of the table is only a heap tuple with its entries in plain indexes.
    fn positions(&self, oid: pg_sys::Oid, params: &[Param]) -> Option<[u8; MAX_COLUMNS]> {
        // SAFETY: the statement has just written into the table, whose lock the transaction still holds.
        let table = unsafe { pg_sys::table_open(oid, pg_sys::NoLock as i32) };
        // SAFETY: it is open.
        let positions = unsafe { self.positions_in(table, params) };
        // SAFETY: opened above; the lock is kept.
        unsafe { pg_sys::table_close(table, pg_sys::NoLock as i32) };
        positions
    }

    /// # Safety
    /// The table must be open.
    unsafe fn positions_in(&self, table: pg_sys::Relation, params: &[Param]) -> Option<[u8; MAX_COLUMNS]> {
        // SAFETY: as required of the caller.
        let plain = unsafe { is_plain(table) };
        if !plain || self.columns.len() != params.len() || params.len() > MAX_COLUMNS {
            return None;
        }
        // SAFETY: an open table's own data.
        let (oid, descriptor, count) = unsafe {
            let descriptor = (*table).rd_att;
            ((*table).rd_id, descriptor, (*descriptor).natts)
        };
        let (mut positions, mut named) = ([0; MAX_COLUMNS], [false; 64]);
        for ((column, param), place) in self.columns.iter().zip(params).zip(&mut positions) {
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
        rest.then_some(positions)
    }
}

/// Puts a row into the heap and its indexes; does nothing and returns false if only the statement may.
///
/// # Safety
/// `place` must have been resolved for these parameters in the present generation of the catalog.
unsafe fn put(place: &Target, positions: &[u8; MAX_COLUMNS], params: &[Param]) -> bool {
    // SAFETY: opened if it still exists, with the lock an INSERT takes, which the transaction keeps.
    let table = unsafe { pg_sys::try_table_open(place.table, pg_sys::RowExclusiveLock as i32) };
    if table.is_null() {
        return false;
    }
    // Taking the lock may have brought in an invalidation, after which nothing resolved holds.
    let resolved = catalog::generation() == place.generation;
    // SAFETY: the table is open, and in this generation of the catalog the positions are those of its columns.
    let added = resolved && unsafe { add(table, positions, params) };
    // SAFETY: opened above, and kept locked. Where an error unwinds, the resource owner closes it.
    unsafe { pg_sys::table_close(table, pg_sys::NoLock as i32) };
    added
}

/// # Safety
/// The table must be open and locked for writing, and the positions be those of columns of the parameters' types.
unsafe fn add(table: pg_sys::Relation, positions: &[u8; MAX_COLUMNS], params: &[Param]) -> bool {
    // SAFETY: an open table's own data.
    let (descriptor, count) = unsafe { ((*table).rd_att, (*(*table).rd_att).natts) };
    if count > 64 {
        return false;
    }
    let (mut values, mut nulls) = ([pg_sys::Datum::null(); 64], [true; 64]);
    for (param, position) in params.iter().zip(positions) {
        let position = usize::from(*position);
        match param.datum {
            Some(datum) => (values[position], nulls[position]) = (datum, false),
            // The statement says which column must not be NULL. SAFETY: as required of the caller.
            None if unsafe { (*attribute(descriptor, position as i32)).attnotnull } => return false,
            None => {}
        }
    }
    // SAFETY: a value or NULL for each column; the values outlive the tuple's forming.
    let tuple = unsafe { pg_sys::heap_form_tuple(descriptor, values.as_mut_ptr(), nulls.as_mut_ptr()) };
    // In spite of its name CatalogTupleInsert works for any heap whose indexes are plain: the row first, then an entry
    // in each index. SAFETY: as required of the caller; the tuple is nobody else's.
    unsafe {
        pg_sys::CatalogTupleInsert(table, tuple);
        pg_sys::heap_freetuple(tuple);
        pg_sys::CommandCounterIncrement();
    }
    true
}

/// True if a row of the table is only a heap tuple with its entries in plain indexes.
///
/// # Safety
/// The table must be open.
unsafe fn is_plain(table: pg_sys::Relation) -> bool {
    // SAFETY: an open relation's own data; each index is opened and closed with its lock kept.
    unsafe {
        let form = &*(*table).rd_rel;
        let constraints = (*(*table).rd_att).constr;
        let constrained =
            !constraints.is_null() && ((*constraints).num_check > 0 || (*constraints).has_generated_stored);
        let heap = pg_sys::get_table_am_oid(c"heap".as_ptr(), true);
        let bare = form.relam == heap
            && (*table).trigdesc.is_null()
            && (*table).rd_rules.is_null()
            && !constrained
            && (*(*table).rd_att).natts <= 64;
        let list = pg_sys::RelationGetIndexList(table);
        let count = if list.is_null() { 0 } else { (*list).length };
        let plain = bare
            && (0..count).all(|n| {
                let oid = (*(*list).elements.add(n as usize)).oid_value;
                let index = pg_sys::index_open(oid, pg_sys::RowExclusiveLock as i32);
                let info = &*pg_sys::BuildIndexInfo(index);
                let plain = info.ii_Expressions.is_null()
                    && info.ii_Predicate.is_null()
                    && info.ii_ExclusionOps.is_null()
                    && (*(*index).rd_index).indimmediate;
                pg_sys::index_close(index, pg_sys::NoLock as i32);
                plain
            });
        pg_sys::list_free(list);
        plain
    }
}
