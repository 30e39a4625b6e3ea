//! The rows of a query one after the other, through a cursor: for queries that return more rows than should be in
//! memory at once, and whose values are only looked at.

#![allow(unsafe_code)]

use std::ffi::CString;

use pgrx::pg_sys;

use crate::kernel::outcome::Mistake;
use crate::kernel::server::datum;
use crate::kernel::server::progress::Progress;
use crate::kernel::server::snapshot::Snapshot;
use crate::kernel::server::spi::{Param, with_row_security};
use crate::kernel::server::version;
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::id::Id;

/// Rows that are fetched at once.
const FETCHED: std::ffi::c_long = 1000;
/// Columns of a row, at most.
const MAX_COLUMNS: usize = 32;

/// Which rows a query sees.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Sees {
    /// Those that the calling query sees.
    Calling,
    /// Those that are committed by now, or of this transaction.
    Latest,
}

/// The row that a query is at.
pub struct Cells<'a> {
    values: &'a [pg_sys::Datum],
    nulls: &'a [bool],
    types: &'a [pg_sys::Oid],
}

/// A value of a row.
pub enum Cell<'a> {
    Null,
    Bool(bool),
    Real(f32),
    Id(Id),
    Time(Timestamp),
    /// Of a type of variable length: its bytes in memory, without the length word.
    Bytes(&'a [u8]),
}

impl<'a> Cells<'a> {
    /// The value of a column. The server's error (XX000) for a column of another type than those of [`Cell`].
    #[inline]
    pub fn cell(&self, column: usize) -> Result<Cell<'a>, Mistake> {
        let (Some(value), Some(false)) = (self.values.get(column), self.nulls.get(column)) else {
            return Ok(Cell::Null);
        };
        // SAFETY: each value is read as of the type that the query's description says, and lives as long as the row.
        unsafe {
            match self.types.get(column).copied() {
                Some(pg_sys::UUIDOID) => {
                    let bytes = value.cast_mut_ptr::<[u8; 16]>();
                    Ok(Cell::Id(Id::from_bytes(*bytes)))
                }
                Some(pg_sys::TIMESTAMPTZOID) => Ok(Cell::Time(Timestamp::from_micros(value.value() as i64))),
                Some(pg_sys::BOOLOID) => Ok(Cell::Bool(value.value() & 0xff != 0)),
                Some(pg_sys::FLOAT4OID) => Ok(Cell::Real(f32::from_bits(value.value() as u32))),
                Some(
                    pg_sys::TEXTOID
                    | pg_sys::BYTEAOID
                    | pg_sys::TEXTARRAYOID
                    | pg_sys::INETOID
                    | pg_sys::JSONBOID,
                ) => datum::bytes(*value).map(Cell::Bytes).ok_or_else(differs),
                _ => Err(differs()),
            }
        }
    }

    /// The uuid of a column.
    pub fn id(&self, column: usize) -> Result<Id, Mistake> {
        match self.cell(column)? {
            Cell::Id(id) => Ok(id),
            _ => Err(differs()),
        }
    }

    /// The time of a column.
    pub fn time(&self, column: usize) -> Result<Timestamp, Mistake> {
        match self.cell(column)? {
            Cell::Time(time) => Ok(time),
            _ => Err(differs()),
        }
    }
}

#[cold]
fn differs() -> Mistake {
    Mistake::TypeDiffers("a column of a streamed row has another type, or no value".into())
}

/// Shows the rows of a query one by one, until `take` returns false. The query is planned for these parameters; `take`
/// may run statements.
pub fn each(
    sql: &str,
    params: &[Param],
    sees: Sees,
    take: &mut dyn FnMut(&Cells<'_>) -> Result<bool, Mistake>,
) -> Result<(), Mistake> {
    each_counted(sql, params, sees, &Progress::none(), take)
}

/// The same in a call that shows how many rows it has seen, of as many as the planner expects where nobody has said.
pub fn each_counted(
    sql: &str,
    params: &[Param],
    sees: Sees,
    progress: &Progress,
    take: &mut dyn FnMut(&Cells<'_>) -> Result<bool, Mistake>,
) -> Result<(), Mistake> {
    version::ensure_ready()?;
    let Ok(sql) = CString::new(sql) else {
        return Err(Mistake::invalid("statement", "a text without NUL"));
    };
    let mut values: Vec<_> = params.iter().map(|p| p.datum.unwrap_or(pg_sys::Datum::null())).collect();
    let nulls: Vec<_> =
        params.iter().map(|p| if p.datum.is_none() { b'n' } else { b' ' } as std::ffi::c_char).collect();
    let mut types: Vec<_> = params.iter().map(|p| p.oid).collect();
    let snapshot = if sees == Sees::Latest { Snapshot::latest() } else { Snapshot::reading() };
    // SAFETY: values of the types that are named with them; one connection around one cursor, which keeps the snapshot
    // that is active while it is opened. Where the server raises an error, it unwinds this frame, and ending the
    // transaction or the subtransaction closes the cursor.
    unsafe {
        pg_sys::SPI_connect();
        let portal = with_row_security(|| {
            pg_sys::PushActiveSnapshot(snapshot.raw());
            let portal = pg_sys::SPI_cursor_open_with_args(
                std::ptr::null(),
                sql.as_ptr(),
                types.len() as i32,
                types.as_mut_ptr(),
                values.as_mut_ptr(),
                nulls.as_ptr(),
                true,
                0,
            );
            pg_sys::PopActiveSnapshot();
            portal
        });
        progress.expect_at_first(expected_rows(&*portal));
        // What `take` makes goes with the rows, or a long stream would gather it all.
        let memory = pg_sys::AllocSetContextCreateInternal(
            pg_sys::CurrentMemoryContext,
            c"auth_store stream".as_ptr(),
            pg_sys::ALLOCSET_DEFAULT_MINSIZE as usize,
            pg_sys::ALLOCSET_DEFAULT_INITSIZE as usize,
            pg_sys::ALLOCSET_DEFAULT_MAXSIZE as usize,
        );
        let mut result = Ok(true);
        while let Ok(true) = result {
            pgrx::check_for_interrupts!();
            pg_sys::SPI_cursor_fetch(portal, true, FETCHED);
            let table = pg_sys::SPI_tuptable;
            if table.is_null() || (*table).numvals == 0 {
                break;
            }
            let former = pg_sys::MemoryContextSwitchTo(memory);
            result = show(&*table, take);
            pg_sys::MemoryContextSwitchTo(former);
            pg_sys::MemoryContextReset(memory);
            progress.add(i64::try_from((*table).numvals).unwrap_or(0));
            pg_sys::SPI_freetuptable(table);
        }
        pg_sys::SPI_cursor_close(portal);
        pg_sys::SPI_finish();
        result.map(|_| ())
    }
}

/// How many rows the planner expects.
///
/// # Safety
/// The portal must be one of a single query.
unsafe fn expected_rows(portal: &pg_sys::PortalData) -> i64 {
    // SAFETY: as required of the caller: a list with one planned statement, which lives as long as the portal.
    unsafe {
        let Some(statements) = portal.stmts.as_ref().filter(|list| list.length > 0) else { return 0 };
        let statement = (*statements.elements).ptr_value.cast::<pg_sys::PlannedStmt>();
        (*statement).planTree.as_ref().map_or(0, |plan| plan.plan_rows as i64)
    }
}

/// # Safety
/// The table must be SPI's.
unsafe fn show(
    table: &pg_sys::SPITupleTable,
    take: &mut dyn FnMut(&Cells<'_>) -> Result<bool, Mistake>,
) -> Result<bool, Mistake> {
    let mut values = [pg_sys::Datum::null(); MAX_COLUMNS];
    let mut nulls = [true; MAX_COLUMNS];
    let mut types = [pg_sys::InvalidOid; MAX_COLUMNS];
    // SAFETY: as required of the caller; the description has as many columns as it says, each deformed into its place.
    unsafe {
        let count = usize::try_from((*table.tupdesc).natts).unwrap_or(usize::MAX);
        let Some(types) = types.get_mut(..count) else { return Err(differs()) };
        for (n, place) in types.iter_mut().enumerate() {
            *place = pg_sys::SPI_gettypeid(table.tupdesc, n as i32 + 1);
        }
        for tuple in std::slice::from_raw_parts(table.vals, table.numvals as usize) {
            pg_sys::heap_deform_tuple(*tuple, table.tupdesc, values.as_mut_ptr(), nulls.as_mut_ptr());
            if !take(&Cells { values: &values, nulls: &nulls, types })? {
                return Ok(false);
            }
        }
    }
    Ok(true)
}
