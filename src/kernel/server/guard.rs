//! Guards the tables against tools that drop what they do not know: migration tools that find the store's tables in a
//! database but not in their own models, and drop them unasked.
//!
//! Two things of the server work together. An event trigger (sql/guard.sql) tells that a command begins that may drop
//! something. It fires in every session, and loads the library in one that has never called the store. The hook for
//! access to objects then sees each object before it is dropped, whatever the command and by whatever cascade, even
//! `DROP SCHEMA … CASCADE`, which drops the event trigger too.

#![allow(unsafe_code)]

use std::cell::Cell;
use std::ffi::{CStr, c_int, c_void};
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering::Relaxed};

use pgrx::prelude::*;

use crate::kernel::outcome::{Mistake, OrRaise};
use crate::kernel::server::cell::BackendCell;
use crate::kernel::server::settings::Setting;
use crate::kernel::server::{catalog, state};

/// Whether DDL may drop what is the store's.
pub static ALLOW_DROP: Setting<bool> = Setting::switch(
    c"auth_store.allow_drop",
    false,
    c"Lets DDL drop tables and views of auth_store, columns and foreign keys.",
    c"Off: DROP TABLE, ALTER TABLE ... DROP COLUMN and whatever else would drop them is refused.",
);

/// True if `table users`, or its part `column email`, is the store's own.
type Owns = fn(object: &str, part: Option<&str>) -> bool;

struct Hooks {
    previous: Cell<pg_sys::object_access_hook_type>,
    owns: Cell<Option<Owns>>,
}

static HOOKS: BackendCell<Hooks> =
    BackendCell::new(Hooks { previous: Cell::new(None), owns: Cell::new(None) });

/// The transaction in which the last such command began, identified by the transaction's start time; 0: none.
static GUARDED: AtomicI64 = AtomicI64::new(0);

/// How many scripts of the store itself are running.
static OWN: AtomicU32 = AtomicU32::new(0);

/// Registers the hook for access to objects. Called once, when the library is loaded.
pub fn watch(owns: Owns) {
    HOOKS.owns.set(Some(owns));
    // SAFETY: the hook is chained as the server wants it, by the one thread that there is.
    unsafe {
        HOOKS.previous.set(pg_sys::object_access_hook);
        pg_sys::object_access_hook = Some(accessed);
    }
}

/// A command begins that may drop something. DROP EXTENSION drops no table, because tables are not members of the
/// extension. Without the extension no trigger tells of the next command, so the guard ends with it.
pub fn command_begins(tag: &str) {
    GUARDED.store(if tag == "DROP EXTENSION" { 0 } else { transaction() }, Relaxed);
}

/// The start time of a transaction, which tells this session's transactions apart before they have an id.
#[allow(clippy::disallowed_methods)]
fn transaction() -> i64 {
    // SAFETY: a read of the transaction's state.
    unsafe { pg_sys::GetCurrentTransactionStartTimestamp() }
}

/// Runs a script of the store itself, which may drop the store's objects.
pub fn own<T>(script: impl FnOnce() -> T) -> T {
    struct Level;
    impl Drop for Level {
        fn drop(&mut self) {
            OWN.fetch_sub(1, Relaxed);
        }
    }
    OWN.fetch_add(1, Relaxed);
    let _level = Level;
    script()
}

#[pg_guard]
unsafe extern "C-unwind" fn accessed(
    access: pg_sys::ObjectAccessType::Type,
    class: pg_sys::Oid,
    object: pg_sys::Oid,
    part: c_int,
    argument: *mut c_void,
) {
    // SAFETY: the previous hook is another library's, called as the server calls this one.
    unsafe {
        if let Some(previous) = HOOKS.previous.get() {
            pg_sys::ffi::pg_guard_ffi_boundary(|| previous(access, class, object, part, argument));
        }
    }
    if access != pg_sys::ObjectAccessType::OAT_DROP || !is_guarded() {
        return;
    }
    if class == pg_sys::RelationRelationId {
        refuse_relation(object, part).or_raise();
    } else if class == CONSTRAINTS {
        refuse_foreign_key(object).or_raise();
    }
}

/// The oid of the catalog pg_constraint, in every version of the server.
const CONSTRAINTS: pg_sys::Oid = pg_sys::Oid::from_u32(2606);

/// pg_restore --clean drops the tables before it makes them anew. Only a superuser, or one who has become the owner,
/// may do so, because anybody can set what a restore sets.
fn is_guarded() -> bool {
    // SAFETY: a look-up of the role that has logged in.
    let by_superuser = || unsafe { pg_sys::superuser_arg(pg_sys::GetSessionUserId()) };
    GUARDED.load(Relaxed) == transaction()
        && OWN.load(Relaxed) == 0
        && !ALLOW_DROP.get()
        && !(state::is_restoring() && by_superuser())
}

fn owns(object: &str, part: Option<&str>) -> bool {
    HOOKS.owns.get().is_some_and(|owns| owns(object, part))
}

fn refused(what: &str) -> Mistake {
    Mistake::WrongState {
        message: format!("{what} is the auth store's and is not dropped").into(),
        hint: "Tell a migration tool to leave the schema auth_store alone (docs/how-to/migration_tools.md). To drop \
               the store with every row: SELECT auth_store.uninstall(). Who means this alone: SET \
               auth_store.allow_drop = on, as a superuser"
            .into(),
    }
}

#[cold]
fn refuse_relation(relation: pg_sys::Oid, part: c_int) -> Result<(), Mistake> {
    let Some(Relation { kind, table, name }) = relation_of_the_store(relation) else { return Ok(()) };
    let object = format!("{kind} {table}");
    if part == 0 {
        return if owns(&object, None) { Err(refused(&format!("{kind} auth_store.{name}"))) } else { Ok(()) };
    }
    let Some(column) = i16::try_from(part).ok().and_then(|number| column(relation, number)) else {
        return Ok(());
    };
    if owns(&object, Some(&format!("column {column}"))) {
        return Err(refused(&format!("column {column} of {kind} auth_store.{name}")));
    }
    Ok(())
}

/// Some tools begin with the foreign keys, each in a transaction of its own, and would drop all of them.
#[cold]
fn refuse_foreign_key(constraint: pg_sys::Oid) -> Result<(), Mistake> {
    let Some((relation, key)) = foreign_key(constraint) else { return Ok(()) };
    let Some(Relation { kind, table, name }) = relation_of_the_store(relation) else { return Ok(()) };
    if owns(&format!("{kind} {table}"), Some(&format!("constraint {key}"))) {
        return Err(refused(&format!("foreign key {key} of {kind} auth_store.{name}")));
    }
    Ok(())
}

struct Relation {
    kind: &'static str,
    /// The table that it is, or is a partition of.
    table: String,
    name: String,
}

/// Kind and table of a relation of the store's schema; None if it is in another schema.
fn relation_of_the_store(relation: pg_sys::Oid) -> Option<Relation> {
    let schema = catalog::schema()?;
    // SAFETY: catalog look-ups by oid.
    unsafe {
        if pg_sys::get_rel_namespace(relation) != schema {
            return None;
        }
        let kind = match pg_sys::get_rel_relkind(relation) as u8 {
            pg_sys::RELKIND_RELATION | pg_sys::RELKIND_PARTITIONED_TABLE => "table",
            pg_sys::RELKIND_VIEW => "view",
            _ => return None,
        };
        let name = catalog::name_of(relation)?;
        // A partition is named after its table: audit_log_y2026m11.
        let parent = name.rsplit_once("_y").filter(|_| pg_sys::get_rel_relispartition(relation));
        Some(Relation { kind, table: parent.map_or(name.as_str(), |(table, _)| table).to_owned(), name })
    }
}

/// The table that refers, and the foreign key's name; None for another constraint.
fn foreign_key(constraint: pg_sys::Oid) -> Option<(pg_sys::Oid, String)> {
    // SAFETY: the row of a constraint that is there until the hook returns; its columns are found by their names, none
    // of the three is ever NULL, and what is kept of them is copied.
    unsafe {
        let cache = pg_sys::SysCacheIdentifier::CONSTROID as i32;
        let row = pg_sys::SearchSysCache1(cache, constraint.into());
        if row.is_null() {
            return None;
        }
        let column = |name: &CStr| {
            let mut is_null = false;
            pg_sys::SysCacheGetAttr(cache, row, pg_sys::get_attnum(CONSTRAINTS, name.as_ptr()), &mut is_null)
        };
        let found = (column(c"contype").value() as u8 == b'f').then(|| {
            let name = CStr::from_ptr(column(c"conname").cast_mut_ptr());
            (pg_sys::Oid::from(column(c"conrelid").value() as u32), name.to_string_lossy().into_owned())
        });
        pg_sys::ReleaseSysCache(row);
        found
    }
}

fn column(relation: pg_sys::Oid, number: i16) -> Option<String> {
    // SAFETY: a catalog look-up that does not raise; the text is copied.
    unsafe {
        let name = pg_sys::get_attname(relation, number, true);
        (!name.is_null()).then(|| CStr::from_ptr(name).to_string_lossy().into_owned())
    }
}
