//! Whose pin holds where the server runs a role's code in a session of another.

#![allow(unsafe_code)]

use std::cell::Cell;

use pgrx::pg_sys;

use super::outcome::Mistake;
use super::row::Row;
use super::{catalog, settings};

/// For whom the question was settled last, and in the statement that began when.
struct Proved(Cell<Option<(pg_sys::Oid, pg_sys::TimestampTz)>>);

// SAFETY: a backend is one thread; the server calls this library from that thread only.
unsafe impl Sync for Proved {}

static PROVED: Proved = Proved(Cell::new(None));

/// ANALYZE, REINDEX, REFRESH MATERIALIZED VIEW and autovacuum run what the owner of a table or view has put there (an
/// index's expression, a view's query) as that owner, but in a session that began without the owner's settings. Where
/// the owner is pinned to a tenant, the session does not know it, and the call is refused.
pub fn prove() -> Result<(), Mistake> {
    // SAFETY: reads of this backend's own state.
    if settings::tenant_pin().is_some() || !unsafe { pg_sys::InSecurityRestrictedOperation() } {
        return Ok(());
    }
    prove_restricted()
}

#[cold]
fn prove_restricted() -> Result<(), Mistake> {
    // SAFETY: reads of this backend's own state.
    let (user, login, statement) = unsafe {
        (pg_sys::GetUserId(), pg_sys::GetSessionUserId(), pg_sys::GetCurrentStatementStartTimestamp())
    };
    if user == login || PROVED.0.get() == Some((user, statement)) {
        return Ok(());
    }
    // Inside of a function of the store the caller can't be told any more: then no role may be pinned.
    let caller = (Some(user) != catalog::owner()).then_some(user);
    if is_any_pinned(caller) {
        return Err(Mistake::NotAllowed(
            "this operation runs as a role whose settings the session did not begin with, and a tenant pin may be among them"
                .into(),
        ));
    }
    PROVED.0.set(Some((user, statement)));
    Ok(())
}

/// Whether the administrator has pinned this role, or any, in this database. Asked of the catalog directly: a query's
/// operators would be looked up along the caller's search_path.
fn is_any_pinned(role: Option<pg_sys::Oid>) -> bool {
    const COLUMNS: usize = 3;
    let mut pinned = false;
    // SAFETY: a scan of a catalog by its own description, whose three columns are setdatabase oid, setrole oid and
    // setconfig text[]; closed below, or by the resource owner where an error unwinds.
    unsafe {
        let oid = pg_sys::get_relname_relid(
            c"pg_db_role_setting".as_ptr(),
            pg_sys::Oid::from_u32(pg_sys::PG_CATALOG_NAMESPACE),
        );
        let settings = pg_sys::table_open(oid, pg_sys::AccessShareLock as i32);
        let none = std::ptr::null_mut();
        let scan = pg_sys::systable_beginscan(settings, pg_sys::InvalidOid, false, none, 0, none.cast());
        loop {
            let tuple = pg_sys::systable_getnext(scan);
            if tuple.is_null() {
                break;
            }
            let (mut values, mut nulls) = ([pg_sys::Datum::null(); COLUMNS], [true; COLUMNS]);
            pg_sys::heap_deform_tuple(tuple, (*settings).rd_att, values.as_mut_ptr(), nulls.as_mut_ptr());
            let types = [pg_sys::OIDOID, pg_sys::OIDOID, pg_sys::TEXTARRAYOID];
            let row = Row::new(&values, &nulls, &types);
            let (database, whose) = (row.get::<pg_sys::Oid>(0), row.get::<pg_sys::Oid>(1));
            let here = [Some(pg_sys::InvalidOid), Some(pg_sys::MyDatabaseId)].contains(&database);
            let concerned = role.is_none() || whose == Some(pg_sys::InvalidOid) || whose == role;
            let config: Vec<String> = row.get(2).unwrap_or_default();
            pinned |= here && concerned && config.iter().any(|setting| is_pin(setting));
        }
        pg_sys::systable_endscan(scan);
        pg_sys::table_close(settings, pg_sys::AccessShareLock as i32);
    }
    pinned
}

/// Whether a role's `name=value` is a pin. Names of settings ignore case.
fn is_pin(setting: &str) -> bool {
    setting.split_once('=').is_some_and(|(name, _)| name.eq_ignore_ascii_case("auth_store.tenant_id"))
}
