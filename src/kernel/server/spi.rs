//! Statements with kept plans, run by intent: a read works on a standby, a write raises 25006 there. Parsing and
//! planning costs more than most statements here; a kept plan does it once in a backend.
//!
//! This file and `stream.rs`, for rows that are too many to be read at once, alone reach SPI.

#![allow(unsafe_code)]

use std::cell::{Cell, RefCell};
use std::ffi::{CStr, CString};
use std::marker::PhantomData;

use pgrx::IntoDatum;
use pgrx::prelude::*;

use crate::kernel::outcome::Mistake;
use crate::kernel::server::cell::BackendCell;
use crate::kernel::server::columns::{fits, with_columns};
use crate::kernel::server::row::{FromRow, Row};
use crate::kernel::server::snapshot::Snapshot;
use crate::kernel::server::{catalog, guard, state, version};

/// A parameter of a statement.
pub struct Param {
    pub(super) datum: Option<pg_sys::Datum>,
    pub(super) oid: pg_sys::Oid,
}

/// Makes a parameter of a value; an `Option` may be NULL.
pub fn param<T: IntoDatum>(value: T) -> Param {
    Param { datum: value.into_datum(), oid: T::type_oid() }
}

/// The parameters of a statement, in order.
macro_rules! params {
    ($($value:expr),* $(,)?) => { [$($crate::kernel::server::spi::param($value)),*] };
}

pub(crate) use params;

/// A statement with its kept plan: a `static` in the file of the domain that owns the table.
///
/// `R` is what it returns: a struct that `row!` made, a value, or a tuple of values; nothing by default. In its text
/// `{columns}` stands for the columns of the struct.
pub struct Statement<R = ()> {
    kept: Kept,
    row: PhantomData<fn() -> R>,
}

/// A statement, whatever it returns.
struct Kept {
    sql: &'static CStr,
    intent: Intent,
    plan: Plan,
    /// The types of the parameters that it was prepared for.
    types: BackendCell<RefCell<Vec<pg_sys::Oid>>>,
    /// Whether the names of the result's columns, which are the text's, are those that are read.
    compared: BackendCell<Cell<bool>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Intent {
    Read,
    Write,
    WriteLatest,
}

type Plan = BackendCell<Cell<pg_sys::SPIPlanPtr>>;

const MAX_COLUMNS: usize = 64;

impl<R> Statement<R> {
    /// A statement that reads, with the snapshot of the calling query.
    pub const fn read(sql: &'static CStr) -> Self {
        Self::new(sql, Intent::Read)
    }

    /// A statement that writes, or must see what the same transaction just wrote.
    pub const fn write(sql: &'static CStr) -> Self {
        Self::new(sql, Intent::Write)
    }

    /// A statement that writes and must reach every row that is committed by now, whatever the isolation level: for
    /// example the end of all grants of a user. At REPEATABLE READ and above it raises 40001 if it would change a row
    /// that the transaction's own snapshot does not show.
    pub const fn latest(sql: &'static CStr) -> Self {
        Self::new(sql, Intent::WriteLatest)
    }

    const fn new(sql: &'static CStr, intent: Intent) -> Self {
        Self {
            kept: Kept {
                sql,
                intent,
                plan: Plan::new(Cell::new(std::ptr::null_mut())),
                types: BackendCell::new(RefCell::new(Vec::new())),
                compared: BackendCell::new(Cell::new(false)),
            },
            row: PhantomData,
        }
    }
}

impl<R: FromRow> Statement<R> {
    /// Runs it and reads the first row.
    pub fn one(&self, params: &[Param]) -> Result<Option<R>, Mistake> {
        self.all(params).map(|rows| rows.into_iter().next())
    }

    /// Runs it and reads every row.
    pub fn all(&self, params: &[Param]) -> Result<Vec<R>, Mistake> {
        self.all_of(params, &|| with_columns(self.kept.sql, R::COLUMNS))
    }

    /// The same with another text, which must never change.
    pub(super) fn all_of(&self, params: &[Param], text: &dyn Fn() -> CString) -> Result<Vec<R>, Mistake> {
        // Until they were found right, the names of the columns are compared too, which come from the text.
        let compared = &self.kept.compared;
        let mut found = Vec::new();
        self.kept.execute(params, text, &mut || {
            // SAFETY: SPI has just executed.
            found = unsafe { rows(!compared.get()) }?;
            compared.set(true);
            Ok(())
        })?;
        Ok(found)
    }
}

impl Statement {
    /// Runs it where it always writes one row; another number is a mistake, with which the call's work is undone.
    pub fn exactly_one(&self, params: &[Param]) -> Result<(), Mistake> {
        let actual = self.run(params)?;
        if actual == 1 {
            return Ok(());
        }
        let text = self.kept.sql.to_string_lossy();
        let statement = text.split('(').next().unwrap_or_default().trim();
        Err(Mistake::TypeDiffers(format!("{statement} wrote {actual} rows, not 1").into()))
    }

    /// Runs it and returns how many rows it touched.
    pub fn run(&self, params: &[Param]) -> Result<u64, Mistake> {
        let mut count = 0;
        self.kept.execute(params, &|| self.kept.sql.to_owned(), &mut || {
            // SAFETY: a variable of the server that this backend alone writes.
            count = unsafe { pg_sys::SPI_processed };
            Ok(())
        })?;
        Ok(count)
    }
}

impl<R> Statement<R> {
    /// Whether the parameters are of the types that the statement was prepared for.
    pub(super) fn takes(&self, params: &[Param]) -> bool {
        self.kept.takes(params)
    }
}

impl Kept {
    /// Whether the parameters are of the types that the statement was prepared for.
    fn takes(&self, params: &[Param]) -> bool {
        let types = self.types.borrow();
        types.len() == params.len() && types.iter().zip(params).all(|(oid, param)| *oid == param.oid)
    }

    /// `text` is asked for where the statement is prepared, `read` reads the result.
    fn execute(
        &self,
        params: &[Param],
        text: &dyn Fn() -> CString,
        read: &mut dyn FnMut() -> Result<(), Mistake>,
    ) -> Result<(), Mistake> {
        version::ensure_ready()?;
        if self.intent != Intent::Read {
            state::writable()?;
        }
        if !self.plan.get().is_null() && !self.takes(params) {
            return Err(Mistake::DefinitionDiffers);
        }
        let mut values: Vec<_> = params.iter().map(|p| p.datum.unwrap_or(pg_sys::Datum::null())).collect();
        let nulls: Vec<_> =
            params.iter().map(|p| if p.datum.is_none() { b'n' } else { b' ' } as std::ffi::c_char).collect();
        // SAFETY: the values are of the types the plan was prepared for; one connection around one execution. Where
        // the server raises an error, it unwinds this frame and closes the connection itself.
        unsafe {
            pg_sys::SPI_connect();
            // Preparing a statement already waits for its tables.
            let prepared = self.plan.get().is_null();
            let result = with_row_security(|| {
                let plan = self.plan(params, text);
                self.execute_plan(plan, prepared, values.as_mut_ptr(), nulls.as_ptr())
            });
            let result = result.and_then(|()| read());
            pg_sys::SPI_finish();
            result
        }
    }

    /// # Safety
    /// SPI must be connected, and the values be as many as the plan's parameters.
    unsafe fn execute_plan(
        &self,
        plan: pg_sys::SPIPlanPtr,
        prepared: bool,
        values: *mut pg_sys::Datum,
        nulls: *const std::ffi::c_char,
    ) -> Result<(), Mistake> {
        // A write at READ COMMITTED takes its locks and then its snapshot by itself.
        let snapshot = match self.intent {
            Intent::Read => Snapshot::reading(),
            _ if state::has_one_snapshot() => Snapshot::writing()?,
            _ => {
                // SAFETY: as required of the caller.
                unsafe { pg_sys::SPI_execute_plan(plan, values, nulls, false, 0) };
                return Ok(());
            }
        };
        // SAFETY: as required of the caller; the snapshots live as long as their owners here.
        unsafe {
            settle(plan, prepared, &snapshot)?;
            match self.intent {
                Intent::Read => {
                    pg_sys::PushActiveSnapshot(snapshot.raw());
                    pg_sys::SPI_execute_plan(plan, values, nulls, true, 0);
                    pg_sys::PopActiveSnapshot();
                }
                Intent::Write => {
                    pg_sys::SPI_execute_plan(plan, values, nulls, false, 0);
                }
                Intent::WriteLatest => {
                    // As the server's own foreign key actions do.
                    let (latest, own) = (Snapshot::latest(), snapshot.raw());
                    pg_sys::SPI_execute_snapshot(plan, values, nulls, latest.raw(), own, false, true, 0);
                }
            }
        }
        Ok(())
    }

    /// # Safety
    /// SPI must be connected.
    unsafe fn plan(&self, params: &[Param], text: &dyn Fn() -> CString) -> pg_sys::SPIPlanPtr {
        let kept = self.plan.get();
        if !kept.is_null() {
            return kept;
        }
        let mut types: Vec<_> = params.iter().map(|p| p.oid).collect();
        let sql = text();
        // SAFETY: a valid C string and as many types as parameters; keepplan moves the plan to memory
        // that lives as long as the backend.
        unsafe {
            let plan = pg_sys::SPI_prepare(sql.as_ptr(), types.len() as i32, types.as_mut_ptr());
            pg_sys::SPI_keepplan(plan);
            self.plan.set(plan);
            *self.types.borrow_mut() = types;
            plan
        }
    }
}

/// Locks the tables that a statement reads, and takes a newer snapshot if this one can't read them: see
/// [`Snapshot::settle`].
///
/// # Safety
/// SPI must be connected, and the plan be a kept one of a single statement.
unsafe fn settle(plan: pg_sys::SPIPlanPtr, mut waited: bool, snapshot: &Snapshot) -> Result<(), Mistake> {
    // SAFETY: as required of the caller; the plan's list of relations is the server's and stays while the plan is
    // held, which is given back to the owner that it was taken for.
    unsafe {
        let sources = pg_sys::SPI_plan_get_plan_sources(plan);
        if let Some(source) = pointers::<pg_sys::CachedPlanSource>(sources).next() {
            // The server locks these tables itself below, but does not tell whether it had to wait.
            for table in oids((*source).relationOids) {
                waited |= catalog::lock(table, pg_sys::AccessShareLock);
            }
        }
        let cached = pg_sys::SPI_plan_get_cached_plan(plan);
        if cached.is_null() {
            return Ok(());
        }
        let mut result = Ok(());
        for statement in pointers::<pg_sys::PlannedStmt>((*cached).stmt_list) {
            for table in oids((*statement).relationOids) {
                result = result.and_then(|()| snapshot.settle(table, catalog::changed_by(table), waited));
                // Once is enough: a snapshot taken now is newer than all the locks.
                waited = false;
            }
        }
        pg_sys::ReleaseCachedPlan(cached, pg_sys::CurrentResourceOwner);
        result
    }
}

/// # Safety
/// The list must be NIL or one of oids, and stay.
unsafe fn oids(list: *mut pg_sys::List) -> impl Iterator<Item = pg_sys::Oid> {
    // SAFETY: as required of the caller.
    unsafe { (0..length(list)).map(move |n| (*(*list).elements.add(n)).oid_value) }
}

/// # Safety
/// The list must be NIL or one of pointers to values of this type, and stay.
unsafe fn pointers<T>(list: *mut pg_sys::List) -> impl Iterator<Item = *mut T> {
    // SAFETY: as required of the caller.
    unsafe { (0..length(list)).map(move |n| (*(*list).elements.add(n)).ptr_value.cast()) }
}

/// # Safety
/// The list must be NIL or valid.
unsafe fn length(list: *mut pg_sys::List) -> usize {
    // SAFETY: as required of the caller.
    if list.is_null() { 0 } else { usize::try_from(unsafe { (*list).length }).unwrap_or(0) }
}

/// Runs a script of several statements whose rows do not matter: the tables' own DDL.
pub fn run_script(sql: &str) -> Result<(), Mistake> {
    state::writable()?;
    let Ok(sql) = CString::new(sql) else {
        return Err(Mistake::invalid("script", "a text without NUL"));
    };
    // SAFETY: as in Statement::execute.
    unsafe {
        pg_sys::SPI_connect();
        with_row_security(|| guard::own(|| pg_sys::SPI_execute(sql.as_ptr(), false, 0)));
        pg_sys::SPI_finish();
    }
    Ok(())
}

/// The same for a script whose statements may take long: `done` is called after each of them.
pub fn run_long_script(script: &str, done: fn()) -> Result<(), Mistake> {
    statements(script)?.into_iter().try_for_each(|statement| run_script(statement).map(|()| done()))
}

/// The statements of a script, as the server parts them.
fn statements(script: &str) -> Result<Vec<&str>, Mistake> {
    let unreadable = || Mistake::invalid("script", "a text without NUL");
    let text = CString::new(script).map_err(|_| unreadable())?;
    // SAFETY: a valid C string; the list is the server's, of raw statements that say where in the text they are.
    let places: Vec<_> = unsafe {
        pointers::<pg_sys::RawStmt>(pg_sys::pg_parse_query(text.as_ptr()))
            .map(|statement| ((*statement).stmt_location, (*statement).stmt_len))
            .collect()
    };
    let of = |(location, length): (i32, i32)| {
        let rest = script.get(usize::try_from(location).ok()?..)?;
        // The length of one that reaches to the end is 0.
        if length == 0 { Some(rest) } else { rest.get(..usize::try_from(length).ok()?) }
    };
    places.into_iter().map(|place| of(place).ok_or_else(unreadable)).collect()
}

/// Runs `work` without the server's notices, as CREATE EXTENSION runs its script.
pub fn quietly<T>(work: impl FnOnce() -> Result<T, Mistake>) -> Result<T, Mistake> {
    with_settings(&[(c"client_min_messages", c"warning")], work)
}

/// Runs `work` with row-level security on, whatever the session has set. With it off, as in pg_dump and pg_restore, the
/// server refuses every statement that a policy would filter, with a hint that would remove the tenant pin.
pub fn with_row_security<T>(work: impl FnOnce() -> T) -> T {
    // SAFETY: a read of server state.
    if unsafe { pg_sys::row_security } { work() } else { with_settings(&[(c"row_security", c"on")], work) }
}

/// Runs `work`, statements that find their rows by keys, so that each is planned with the index of the key. A plan that
/// was made while a table was small would read all of the table after it has grown, until the next ANALYZE.
pub fn by_index<T>(work: impl FnOnce() -> T) -> T {
    const WAYS: [(&CStr, &CStr); 4] = [
        (c"enable_seqscan", c"off"),
        (c"enable_bitmapscan", c"off"),
        (c"enable_hashjoin", c"off"),
        (c"enable_mergejoin", c"off"),
    ];
    with_settings(&WAYS, work)
}

/// Runs `work` under these settings of the server, and restores the caller's afterwards.
pub fn with_settings<T>(settings: &[(&CStr, &CStr)], work: impl FnOnce() -> T) -> T {
    let context =
        if state::is_superuser() { pg_sys::GucContext::PGC_SUSET } else { pg_sys::GucContext::PGC_USERSET };
    with_settings_as(context, settings, work)
}

/// The same with settings of the store's own, which its callers may not set.
pub fn with_own_settings<T>(settings: &[(&CStr, &CStr)], work: impl FnOnce() -> T) -> T {
    with_settings_as(pg_sys::GucContext::PGC_SUSET, settings, work)
}

fn with_settings_as<T>(
    context: pg_sys::GucContext::Type,
    settings: &[(&CStr, &CStr)],
    work: impl FnOnce() -> T,
) -> T {
    // SAFETY: a level of settings around the work, with valid C strings. Where the server raises an error,
    // ending the transaction or the subtransaction ends the level. A parallel worker may do so too.
    unsafe {
        let level = pg_sys::NewGUCNestLevel();
        for (name, value) in settings {
            pg_sys::set_config_option(
                name.as_ptr(),
                value.as_ptr(),
                context,
                pg_sys::GucSource::PGC_S_SESSION,
                pg_sys::GucAction::GUC_ACTION_SAVE,
                true,
                0,
                false,
            );
        }
        let result = work();
        pg_sys::AtEOXact_GUC(true, level);
        result
    }
}

/// Runs a rare statement, without keeping its plan, and returns its rows.
pub fn run_once<R: FromRow>(sql: &str, params: &[Param]) -> Result<Vec<R>, Mistake> {
    // SAFETY: SPI has just executed.
    once(sql, params, false, || unsafe { rows(true) })
}

/// Runs a rare query, without keeping its plan, also on a standby.
pub fn read_once<R: FromRow>(sql: &str, params: &[Param]) -> Result<Vec<R>, Mistake> {
    // SAFETY: SPI has just executed.
    once(sql, params, true, || unsafe { rows(true) })
}

/// Runs a rare statement that returns no rows, without keeping its plan.
pub fn change_once(sql: &str, params: &[Param]) -> Result<(), Mistake> {
    once(sql, params, false, || Ok(()))
}

fn once<T>(
    sql: &str,
    params: &[Param],
    read_only: bool,
    read: impl FnOnce() -> Result<T, Mistake>,
) -> Result<T, Mistake> {
    let Ok(sql) = CString::new(sql) else {
        return Err(Mistake::invalid("statement", "a text without NUL"));
    };
    let mut values: Vec<_> = params.iter().map(|p| p.datum.unwrap_or(pg_sys::Datum::null())).collect();
    let nulls: Vec<_> =
        params.iter().map(|p| if p.datum.is_none() { b'n' } else { b' ' } as std::ffi::c_char).collect();
    let mut types: Vec<_> = params.iter().map(|p| p.oid).collect();
    // SAFETY: as in Statement::execute.
    unsafe {
        pg_sys::SPI_connect();
        with_row_security(|| {
            pg_sys::SPI_execute_with_args(
                sql.as_ptr(),
                types.len() as i32,
                types.as_mut_ptr(),
                values.as_mut_ptr(),
                nulls.as_ptr(),
                read_only,
                0,
            )
        });
        let result = read();
        pg_sys::SPI_finish();
        result
    }
}

/// The rows of the statement that was just executed. Their columns are compared with R's, the types at each execution,
/// because a plan made anew after ALTER TABLE may have others.
///
/// # Safety
/// SPI must be connected and have just executed.
unsafe fn rows<R: FromRow>(named: bool) -> Result<Vec<R>, Mistake> {
    const { assert!(R::COLUMNS.len() <= MAX_COLUMNS) };
    // SAFETY: the tuple table is SPI's own until SPI_finish; the values a Row refers to are in it. Its columns are
    // as many as R's, and of the same types.
    unsafe {
        let table = pg_sys::SPI_tuptable;
        if table.is_null() {
            return Ok(Vec::new());
        }
        let descriptor = (*table).tupdesc;
        fits(descriptor, R::COLUMNS, named)?;
        let tuples = std::slice::from_raw_parts((*table).vals, (*table).numvals as usize);
        let mut values = [pg_sys::Datum::null(); MAX_COLUMNS];
        let mut nulls = [true; MAX_COLUMNS];
        let mut rows = Vec::with_capacity(tuples.len());
        for tuple in tuples {
            pg_sys::heap_deform_tuple(*tuple, descriptor, values.as_mut_ptr(), nulls.as_mut_ptr());
            let row = Row::new(&values, &nulls);
            rows.push(R::load(&row, 0).ok_or_else(lacks)?);
        }
        Ok(rows)
    }
}

#[cold]
fn lacks() -> Mistake {
    Mistake::TypeDiffers("a row lacks a value that it must have".into())
}
