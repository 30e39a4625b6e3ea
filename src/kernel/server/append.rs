//! Rows that are only ever added, put straight into the heap and its indexes, without the executor: about a third of a
//! kept INSERT's cost. The statement remains. It makes the first row of a backend and tells into which table (or
//! partition) the row went. It also makes every row where more is needed than a row and its index entries: with a
//! trigger, a rule or a CHECK on the table, with an index of an expression or of a part of the table that [`Part`] does
//! not know, and in a session with a tenant pin.

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
    /// None if only the statement may write there.
    places: Option<Places>,
}

/// Attribute numbers - 1.
#[derive(Clone, Copy)]
struct Places {
    /// Of each parameter's column.
    columns: [u8; MAX_COLUMNS],
    /// Which rows each partial index holds, in the order of the indexes.
    partial: [Option<Part>; MAX_PARTIAL],
}

/// The rows that a partial index holds, by a column's attribute number - 1.
#[derive(Clone, Copy)]
enum Part {
    NotNull(u8),
    False(u8),
}

impl Part {
    fn holds(self, values: &[pg_sys::Datum], nulls: &[bool]) -> bool {
        let is_null = |place: u8| nulls.get(usize::from(place)).copied().unwrap_or(true);
        match self {
            Self::NotNull(place) => !is_null(place),
            Self::False(place) => {
                !is_null(place) && values.get(usize::from(place)).is_some_and(|value| value.value() == 0)
            }
        }
    }
}

const MAX_COLUMNS: usize = 24;
const MAX_PARTIAL: usize = 4;
/// Rows that are put into a table at once, at most.
const MAX_ROWS: usize = 64;

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
        let known = self.known(period);
        if self.put_all(period, &[params]) {
            return Ok(());
        }
        let table = self.statement.all_of(params, &|| self.sql())?.into_iter().next();
        if let (None, Some(table)) = (known, table) {
            catalog::track(table);
            let generation = catalog::generation();
            let places = self.places(table, params);
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
            while !rows.is_empty() && !self.put_all(period, &rows) {
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

    /// Adds rows without the statement; false if it must be the statement.
    fn put_all(&self, period: i64, rows: &[&[Param]]) -> bool {
        self.known(period).is_some_and(|place| {
            place.places.is_some_and(|places| {
                pin::tenant().is_none()
                    && rows.iter().all(|params| self.statement.takes(params))
                    // SAFETY: the positions were resolved for this table in this generation of the catalog, and for
                    // parameters of these types.
                    && unsafe { put(&place, &places, rows) }
            })
        })
    }

    /// Where the columns are, if a row of the table is only a heap tuple with its entries in plain indexes.
    fn places(&self, oid: pg_sys::Oid, params: &[Param]) -> Option<Places> {
        // SAFETY: the statement has just written into the table, whose lock the transaction still holds.
        let table = unsafe { pg_sys::table_open(oid, pg_sys::NoLock as i32) };
        // SAFETY: it is open.
        let places = unsafe { self.places_in(table, params) };
        // SAFETY: opened above; the lock is kept.
        unsafe { pg_sys::table_close(table, pg_sys::NoLock as i32) };
        places
    }

    /// # Safety
    /// The table must be open.
    unsafe fn places_in(&self, table: pg_sys::Relation, params: &[Param]) -> Option<Places> {
        // SAFETY: as required of the caller.
        let partial = unsafe { if (*table).trigdesc.is_null() { plain(table) } else { None } }?;
        if self.columns.len() != params.len() || params.len() > MAX_COLUMNS {
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
        rest.then_some(Places { columns: positions, partial })
    }
}

/// Puts rows into the heap and its indexes; does nothing and returns false if only the statement may.
///
/// # Safety
/// `place` must have been resolved for these parameters in the present generation of the catalog.
unsafe fn put(place: &Target, places: &Places, rows: &[&[Param]]) -> bool {
    // SAFETY: opened if it still exists, with the lock an INSERT takes, which the transaction keeps.
    let table = unsafe { pg_sys::try_table_open(place.table, pg_sys::RowExclusiveLock as i32) };
    if table.is_null() {
        return false;
    }
    // Taking the lock may have brought in an invalidation, after which nothing resolved holds.
    let resolved = catalog::generation() == place.generation;
    // SAFETY: the table is open, and in this generation of the catalog the positions are those of its columns.
    let added = resolved && unsafe { add(table, places, rows) };
    // SAFETY: opened above, and kept locked. Where an error unwinds, the resource owner closes it.
    unsafe { pg_sys::table_close(table, pg_sys::NoLock as i32) };
    added
}

/// # Safety
/// The table must be open and locked for writing, and the positions be those of columns of the parameters' types.
unsafe fn add(table: pg_sys::Relation, places: &Places, rows: &[&[Param]]) -> bool {
    let (mut tuples, mut in_part) = ([std::ptr::null_mut(); MAX_ROWS], [false; MAX_PARTIAL]);
    for (params, tuple) in rows.iter().zip(&mut tuples) {
        // SAFETY: as required of the caller.
        match unsafe { form(table, places, params) } {
            // Several rows have the indexes of all of them.
            Some((_, parts)) if rows.len() > 1 && parts.contains(&true) => return false,
            Some((formed, parts)) => (*tuple, in_part) = (formed, parts),
            None => return false,
        }
    }
    let Some(tuples) = tuples.get(..rows.len()) else { return false };
    // SAFETY: as required of the caller; the tuples are nobody else's, the indexes' descriptions neither.
    unsafe {
        let indexes = pg_sys::CatalogOpenIndexes(table);
        if places.partial[0].is_some() {
            choose_partial(indexes, in_part);
        }
        match tuples {
            // In spite of its name it works for any heap whose indexes are plain: the row first, then an entry in each
            // index.
            [tuple] => {
                pg_sys::CatalogTupleInsertWithInfo(table, *tuple, indexes);
                pg_sys::heap_freetuple(*tuple);
            }
            _ => add_all(table, indexes, tuples),
        }
        pg_sys::CatalogCloseIndexes(indexes);
        pg_sys::CommandCounterIncrement();
    }
    true
}

/// A row of these values, and whether each partial index holds it; None if it is one that only the statement may add.
///
/// # Safety
/// As of [`add`].
unsafe fn form(
    table: pg_sys::Relation,
    places: &Places,
    params: &[Param],
) -> Option<(pg_sys::HeapTuple, [bool; MAX_PARTIAL])> {
    // SAFETY: an open table's own data.
    let (descriptor, count) = unsafe { ((*table).rd_att, (*(*table).rd_att).natts) };
    if count > 64 {
        return None;
    }
    let (mut values, mut nulls) = ([pg_sys::Datum::null(); 64], [true; 64]);
    for (param, position) in params.iter().zip(&places.columns) {
        let position = usize::from(*position);
        match param.datum {
            Some(datum) => (values[position], nulls[position]) = (datum, false),
            // The statement says which column must not be NULL. SAFETY: as required of the caller.
            None if unsafe { (*attribute(descriptor, position as i32)).attnotnull } => return None,
            None => {}
        }
    }
    let parts = places.partial.map(|part| part.is_some_and(|part| part.holds(&values, &nulls)));
    // SAFETY: a value or NULL for each column; the values outlive the tuple's forming.
    let tuple = unsafe { pg_sys::heap_form_tuple(descriptor, values.as_mut_ptr(), nulls.as_mut_ptr()) };
    Some((tuple, parts))
}

/// # Safety
/// The table and its indexes must be open, and the tuples be new rows of it.
unsafe fn add_all(table: pg_sys::Relation, indexes: pg_sys::CatalogIndexState, tuples: &[pg_sys::HeapTuple]) {
    let mut slots = [std::ptr::null_mut(); MAX_ROWS];
    // SAFETY: as required of the caller; the slots own the tuples, and are dropped here. Where an error unwinds, they
    // go with the call's memory.
    unsafe {
        for (tuple, slot) in tuples.iter().zip(&mut slots) {
            *slot = pg_sys::MakeSingleTupleTableSlot((*table).rd_att, &raw const pg_sys::TTSOpsHeapTuple);
            pg_sys::ExecStoreHeapTuple(*tuple, *slot, true);
        }
        pg_sys::table_multi_insert(
            table,
            slots.as_mut_ptr(),
            tuples.len() as i32,
            pg_sys::GetCurrentCommandId(true),
            0,
            std::ptr::null_mut(),
        );
        for slot in slots.iter().take(tuples.len()) {
            index_row(table, indexes, *slot, false);
            pg_sys::ExecDropSingleTupleTableSlot(*slot);
        }
    }
}

/// Adds the entries of a row to the indexes.
///
/// # Safety
/// The table and its indexes must be open, and the slot have a row that was just put into it: its first version, or a
/// further one with the same keys.
pub(super) unsafe fn index_row(
    table: pg_sys::Relation,
    indexes: pg_sys::CatalogIndexState,
    slot: *mut pg_sys::TupleTableSlot,
    same_keys: bool,
) {
    let (mut values, mut nulls) = ([pg_sys::Datum::null(); 32], [true; 32]);
    // SAFETY: as required of the caller; the indexes' descriptions are as many as it says.
    unsafe {
        for n in 0..usize::try_from((*indexes).ri_NumIndices).unwrap_or(0) {
            let info = *(*indexes).ri_IndexRelationInfo.add(n);
            if !(*info).ii_ReadyForInserts {
                continue;
            }
            let (values, nulls) = (values.as_mut_ptr(), nulls.as_mut_ptr());
            pg_sys::FormIndexDatum(info, slot, std::ptr::null_mut(), values, nulls);
            let unique = if (*info).ii_Unique {
                pg_sys::IndexUniqueCheck::UNIQUE_CHECK_YES
            } else {
                pg_sys::IndexUniqueCheck::UNIQUE_CHECK_NO
            };
            let (index, row) = (*(*indexes).ri_IndexRelationDescs.add(n), &raw mut (*slot).tts_tid);
            pg_sys::index_insert(index, values, nulls, row, table, unique, same_keys, info);
        }
    }
}

/// Leaves out the partial indexes that do not hold the row. `holds` says it of each, in the order of the indexes, which
/// is that of [`plain`].
///
/// # Safety
/// The indexes must be open.
unsafe fn choose_partial(indexes: pg_sys::CatalogIndexState, holds: [bool; MAX_PARTIAL]) {
    let mut holds = holds.into_iter();
    // SAFETY: the descriptions are as many as it says, and this call's own.
    unsafe {
        for n in 0..usize::try_from((*indexes).ri_NumIndices).unwrap_or(0) {
            let info = *(*indexes).ri_IndexRelationInfo.add(n);
            if !(*info).ii_Predicate.is_null() {
                (*info).ii_ReadyForInserts &= holds.next().unwrap_or(false);
                // Decided here. The server expects none where it only adds entries.
                (*info).ii_Predicate = std::ptr::null_mut();
            }
        }
    }
}

/// Whether a change of a row, but of no column of a foreign key, changes only a heap tuple with its entries in plain
/// indexes, none of them partial.
///
/// # Safety
/// The table must be open.
pub(super) unsafe fn is_plain(table: pg_sys::Relation) -> bool {
    // SAFETY: as required of the caller; the triggers are as many as it says.
    unsafe {
        let triggers = (*table).trigdesc;
        let checks = triggers.is_null()
            || (0..usize::try_from((*triggers).numtriggers).unwrap_or(0)).all(|n| {
                let function = (*(*triggers).triggers.add(n)).tgfoid.to_u32();
                matches!(function, pg_sys::F_RI_FKEY_CHECK_INS | pg_sys::F_RI_FKEY_CHECK_UPD)
            });
        checks && plain(table).is_some_and(|parts| parts.iter().all(Option::is_none))
    }
}

/// Which rows each partial index holds, if a row of the table is only a heap tuple with its entries in indexes,
/// triggers apart.
///
/// # Safety
/// The table must be open.
unsafe fn plain(table: pg_sys::Relation) -> Option<[Option<Part>; MAX_PARTIAL]> {
    // SAFETY: an open relation's own data; each index is opened and closed with its lock kept.
    unsafe {
        let form = &*(*table).rd_rel;
        let constraints = (*(*table).rd_att).constr;
        let constrained =
            !constraints.is_null() && ((*constraints).num_check > 0 || (*constraints).has_generated_stored);
        let heap = pg_sys::get_table_am_oid(c"heap".as_ptr(), true);
        let bare = form.relam == heap
            && (*table).rd_rules.is_null()
            && !constrained
            && (*(*table).rd_att).natts <= 64;
        let list = pg_sys::RelationGetIndexList(table);
        let count = if list.is_null() { 0 } else { (*list).length };
        let (mut parts, mut partial) = ([None; MAX_PARTIAL], 0);
        let plain = bare
            && (0..count).all(|n| {
                let oid = (*(*list).elements.add(n as usize)).oid_value;
                let index = pg_sys::index_open(oid, pg_sys::RowExclusiveLock as i32);
                let info = &*pg_sys::BuildIndexInfo(index);
                let mut plain = info.ii_Expressions.is_null()
                    && info.ii_ExclusionOps.is_null()
                    && (*(*index).rd_index).indimmediate;
                if !info.ii_Predicate.is_null() {
                    let part = part_of(info.ii_Predicate);
                    plain = plain && part.is_some() && partial < MAX_PARTIAL;
                    if let Some(place) = parts.get_mut(partial) {
                        *place = part;
                    }
                    partial += 1;
                }
                pg_sys::index_close(index, pg_sys::NoLock as i32);
                plain
            });
        pg_sys::list_free(list);
        plain.then_some(parts)
    }
}

/// The rows of a partial index whose predicate is `column IS NOT NULL` or `NOT column`.
///
/// # Safety
/// The list must be an index's predicate.
unsafe fn part_of(predicate: *mut pg_sys::List) -> Option<Part> {
    // SAFETY: a list of expressions, each of which has its type in front.
    unsafe {
        if (*predicate).length != 1 {
            return None;
        }
        let condition = (*(*predicate).elements).ptr_value.cast::<pg_sys::Node>();
        match (*condition).type_ {
            pg_sys::NodeTag::T_NullTest => {
                let test = condition.cast::<pg_sys::NullTest>();
                let is_not_null = (*test).nulltesttype == pg_sys::NullTestType::IS_NOT_NULL;
                column_of((*test).arg.cast()).filter(|_| is_not_null).map(Part::NotNull)
            }
            pg_sys::NodeTag::T_BoolExpr => {
                let not = condition.cast::<pg_sys::BoolExpr>();
                let is_not = (*not).boolop == pg_sys::BoolExprType::NOT_EXPR;
                column_of((*(*(*not).args).elements).ptr_value.cast()).filter(|_| is_not).map(Part::False)
            }
            _ => None,
        }
    }
}

/// The attribute number - 1 of the column that an expression is; None: it is something else.
///
/// # Safety
/// It must be an expression.
unsafe fn column_of(expression: *mut pg_sys::Node) -> Option<u8> {
    // SAFETY: an expression has its type in front.
    unsafe {
        if (*expression).type_ != pg_sys::NodeTag::T_Var {
            return None;
        }
        u8::try_from((*expression.cast::<pg_sys::Var>()).varattno).ok()?.checked_sub(1)
    }
}
