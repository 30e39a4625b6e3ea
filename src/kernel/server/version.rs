//! Whether the tables exist, who owns them and which version they have. Looked up once in a backend, and again after a
//! change of one of them in the catalog; a call in between compares two numbers.

#![allow(unsafe_code)]

use std::ffi::CStr;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use pgrx::pg_sys;

use crate::kernel::outcome::Mistake;
use crate::kernel::server::index::{self, Index, Key};
use crate::kernel::server::row::row;
use crate::kernel::server::snapshot::Snapshot;
use crate::kernel::server::{catalog, pin, replica};

/// The version of the tables that this library works on.
pub const TABLES_VERSION: i32 = 14;

/// The unique index of the table that has the version.
const KEY: &CStr = c"schema_version_pkey";

/// The generation of the catalog in which the tables were looked at; 0: none yet.
static READY: AtomicU32 = AtomicU32::new(0);

/// Checks that the tables exist, are ours and have this library's version, that the session sees every row if it is not
/// pinned to a tenant, and that a standby is near enough to its primary.
pub fn ensure_ready() -> Result<(), Mistake> {
    pin::prove()?;
    replica::ensure_fresh()?;
    let generation = catalog::generation();
    if READY.load(Relaxed) == generation {
        return Ok(());
    }
    look()?;
    // The next call notices a change that came meanwhile.
    READY.store(generation, Relaxed);
    Ok(())
}

#[cold]
fn look() -> Result<(), Mistake> {
    let marker = catalog::relation(catalog::MARKER).ok_or_else(|| {
        Mistake::NotInstalled("the tables of auth_store are not installed in this database".into())
    })?;
    if catalog::owner_of(marker) != catalog::owner() {
        return Err(Mistake::NotInstalled(
            "the tables of auth_store belong to another role than auth_store_owner".into(),
        ));
    }
    if has_version(TABLES_VERSION)? && !has_version(TABLES_VERSION + 1)? {
        return Ok(());
    }
    // A restore of the schema alone leaves it out.
    for version in 1..=TABLES_VERSION + 1 {
        if has_version(version)? {
            definitions_fit()?;
            return Err(Mistake::WrongVersion);
        }
    }
    Err(no_version())
}

/// Refuses where the extension is of another version than this library, as after a newer library was installed: its
/// definitions come before its tables.
pub fn definitions_fit() -> Result<(), Mistake> {
    // SAFETY: a look-up by name, which may find none.
    let own = unsafe { pg_sys::get_extension_oid(c"auth_store".as_ptr(), true) };
    let mut fit = true;
    pin::read_catalog(c"pg_extension", |row: Extension| {
        fit = fit && (row.oid != own || row.extversion == env!("CARGO_PKG_VERSION"));
    })?;
    if fit { Ok(()) } else { Err(Mistake::DefinitionDiffers) }
}

row! {
    struct Extension {
        oid: pg_sys::Oid,
        extversion: String,
    }
}

/// True if the tables, which must exist, have or had this version.
pub fn has_version(version: i32) -> Result<bool, Mistake> {
    let snapshot = Snapshot::reading();
    loop {
        let generation = catalog::generation();
        let table = catalog::relation(catalog::MARKER).ok_or_else(missing)?;
        let key = catalog::relation(KEY).ok_or_else(missing)?;
        let describe = || {
            // SAFETY: both were found by their names, and are locked.
            let index =
                unsafe { Index::describe(table, key, &[Key::Integer(version)]) }?.ok_or_else(missing)?;
            Ok((index, catalog::changed_by(table)))
        };
        if let Some(found) =
            index::exists(&snapshot, generation, table, key, Key::Integer(version), describe)?
        {
            return Ok(found);
        }
        pgrx::check_for_interrupts!();
    }
}

/// The mistake for tables without a version.
pub fn no_version() -> Mistake {
    Mistake::NotInstalled("schema_version has no row, as after a restore of the schema alone".into())
}

fn missing() -> Mistake {
    catalog::missing(KEY)
}
