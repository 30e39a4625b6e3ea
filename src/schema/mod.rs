//! The tables as a whole: made, migrated, checked, dropped.
//!
//! The extension owns code only. Its tables are ordinary tables made by [`install`], so that dumps
//! keep every row and DROP EXTENSION loses none.

pub mod check;
pub mod health;
pub mod install;
pub mod migrate;
pub mod released;
pub mod uninstall;

use std::ffi::CStr;

use pgrx::prelude::*;

use crate::kernel::outcome::{Mistake, OrRaise};
use crate::kernel::server::{guard, lock, pin, spi, state};
use crate::kernel::value::id::Id;

/// For the end of the install script.
#[pg_extern(stable, parallel_restricted)]
fn restoring() -> bool {
    state::is_restoring()
}

/// For the event trigger.
#[pg_extern(volatile, parallel_unsafe)]
fn guard_tables(tag: Option<&str>) -> bool {
    guard::command_begins(tag.unwrap_or_default());
    true
}

/// Runs once a row in every policy.
#[pg_extern(
    stable,
    parallel_safe,
    sql = "
CREATE FUNCTION auth_store.tenant_visible(tenant_id text) RETURNS boolean
    STABLE LEAKPROOF PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';
"
)]
fn tenant_visible(tenant_id: Option<&str>) -> bool {
    pin::prove().or_raise();
    match pin::tenant() {
        None => true,
        Some(pin) => tenant_id == Some(pin),
    }
}

#[pg_extern(immutable, parallel_safe)]
fn id_time(id: Option<pgrx::Uuid>) -> Option<TimestampWithTimeZone> {
    // Every 48 bits of milliseconds are a valid timestamp.
    TimestampWithTimeZone::try_from(Id::from(id?).time().micros()).ok()
}

/// Settings of the caller that would change the text of definitions, which check() compares.
pub const PRINTING: &[(&CStr, &CStr)] = &[
    (c"quote_all_identifiers", c"off"),
    (c"standard_conforming_strings", c"on"),
    (c"DateStyle", c"ISO, YMD"),
    (c"IntervalStyle", c"postgres"),
    (c"TimeZone", c"UTC"),
    (c"extra_float_digits", c"1"),
    (c"bytea_output", c"hex"),
    // Compiling such a query takes seconds.
    (c"jit", c"off"),
];

/// … and, beside these, in what is made.
const MAKING: &[(&CStr, &CStr)] = &[
    (c"array_nulls", c"on"),
    (c"transform_null_equals", c"off"),
    (c"default_table_access_method", c"heap"),
    (c"session_replication_role", c"origin"),
    (c"row_security", c"on"),
];

/// Who makes or migrates the tables changes the privileges of the schema first, and two at a time would change one row
/// of the catalog.
const LOCK: [u8; 16] = *b"auth_store:table";

/// Waits for another who makes or migrates the tables.
pub fn one_at_a_time() {
    lock::lock_key(Id::from_bytes(LOCK));
}

/// Runs work that makes tables, under settings that the caller cannot have changed.
pub fn making<T>(work: impl FnOnce() -> T) -> T {
    spi::with_settings(PRINTING, || spi::with_settings(MAKING, work))
}

/// The findings of sql/shape.sql in a fresh install, as scripts/shape wrote them: one fact a line, in three columns.
const SHAPE: &str = include_str!("../../sql/shape.txt");

/// The three columns of these findings.
pub fn shape() -> [Vec<&'static str>; 3] {
    let column = |n| SHAPE.lines().map(|line| line.split('\t').nth(n).unwrap_or_default()).collect();
    [column(0), column(1), column(2)]
}

/// Whether a fresh install has this object, as `table users`, or this part of it, as `column email`.
pub fn is_own(object: &str, part: Option<&str>) -> bool {
    SHAPE.lines().any(|line| {
        let mut columns = line.split('\t');
        columns.next() == Some(object) && part.is_none_or(|part| columns.next() == Some(part))
    })
}

/// Refuses a caller who is no superuser.
pub fn superuser_only(function: &str) -> Result<(), Mistake> {
    if state::is_superuser() {
        Ok(())
    } else {
        Err(Mistake::NotAllowed(format!("auth_store.{function}() must be called by a superuser").into()))
    }
}
