//! The tenant a session is pinned to, and whose pin holds where the server runs a role's code in a session of another.

#![allow(unsafe_code)]

use std::cell::Cell;
use std::ffi::{CStr, CString};

use pgrx::pg_sys;

use crate::kernel::outcome::Mistake;
use crate::kernel::server::cell::BackendCell;
use crate::kernel::server::columns::find_columns;
use crate::kernel::server::row::{FromRow, Row, row};
use crate::kernel::server::settings::Setting;
use crate::kernel::server::{catalog, state};

/// The tenant that a session sees, and no other.
pub static TENANT_ID: Setting<Option<CString>> = Setting::text(
    c"auth_store.tenant_id",
    c"Pins the session to one tenant.",
    c"While set, every function and view of auth_store sees this tenant only. Set it with ALTER ROLE ... SET; only a \
      superuser can.",
);

/// The tenant that this session is pinned to; None: the session sees all tenants. The text is valid until the next
/// statement.
pub fn tenant<'a>() -> Option<&'a str> {
    // A value that is not UTF-8 must not read as "no pin": it pins to a tenant that does not exist.
    TENANT_ID.get().map(|text| text.to_str().unwrap_or("\u{fffd}"))
}

/// The statement, identified by its start time, in which no role was pinned.
static UNPINNED: BackendCell<Cell<Option<pg_sys::TimestampTz>>> = BackendCell::new(Cell::new(None));

unsafe extern "C-unwind" {
    // Called without the guard that other calls of the server have, because each look-up calls it; it reads a variable
    // and raises nothing.
    fn InSecurityRestrictedOperation() -> bool;
}

/// ANALYZE, REINDEX, REFRESH MATERIALIZED VIEW and autovacuum run what the owner of a table or view has put there (an
/// index's expression, a view's query) as that owner, but in a session that began without the owner's settings. If the
/// owner is pinned to a tenant, or if a pinned role may act as the owner (SET ROLE), the session does not know of the
/// pin, so the call is refused.
pub fn prove() -> Result<(), Mistake> {
    // SAFETY: a read of this backend's own state.
    if tenant().is_some() || !unsafe { InSecurityRestrictedOperation() } {
        return Ok(());
    }
    prove_restricted()
}

// Here a statement is identified by the time at which it began.
#[allow(clippy::disallowed_methods)]
#[cold]
fn prove_restricted() -> Result<(), Mistake> {
    // SAFETY: reads of this backend's own state.
    let (user, login, statement) = unsafe {
        (pg_sys::GetUserId(), pg_sys::GetSessionUserId(), pg_sys::GetCurrentStatementStartTimestamp())
    };
    if user == login || UNPINNED.get() == Some(statement) {
        return Ok(());
    }
    let pins = Pins::of_this_database()?;
    if !pins.everybody && pins.roles.is_empty() {
        UNPINNED.set(Some(statement));
        return Ok(());
    }
    // Inside a function of the store the caller is unknown, but the relation that the operation is about is known: the
    // backend has locked it.
    let refused =
        if Some(user) == catalog::owner() { pins.bind_owner_of_locked(login)? } else { pins.bind(user) };
    if refused {
        return Err(Mistake::NotAllowed(
            "this operation runs as a role whose settings the session did not begin with, and a tenant pin may be \
             among them"
                .into(),
        ));
    }
    Ok(())
}

/// Whom the administrator has pinned in a database.
struct Pins {
    /// The setting of the database or of all roles: it holds for every role that has no other value, as this session's
    /// does.
    everybody: bool,
    roles: Vec<pg_sys::Oid>,
}

impl Pins {
    /// Reads the catalog directly: the operators of a query would be looked up along the caller's search_path.
    fn of_this_database() -> Result<Self, Mistake> {
        let mut pins = Self { everybody: false, roles: Vec::new() };
        read_catalog(c"pg_db_role_setting", |row: RoleSetting| {
            let here = [pg_sys::InvalidOid, state::database()].contains(&row.setdatabase);
            let config = row.setconfig.unwrap_or_default();
            if here && config.iter().any(|setting| is_pin(setting)) {
                match row.setrole {
                    pg_sys::InvalidOid => pins.everybody = true,
                    role => pins.roles.push(role),
                }
            }
        })?;
        Ok(pins)
    }

    /// True if code that runs as this role may come from a pinned role.
    fn bind(&self, role: pg_sys::Oid) -> bool {
        // SAFETY: look-ups of memberships by oid.
        self.everybody
            || self
                .roles
                .iter()
                .any(|pinned| *pinned == role || unsafe { pg_sys::is_member_of_role_nosuper(*pinned, role) })
    }

    /// Whether this backend has locked a relation whose owner is such a role, and not `login`.
    fn bind_owner_of_locked(&self, login: pg_sys::Oid) -> Result<bool, Mistake> {
        let mut bound = self.everybody;
        read_catalog(c"pg_class", |class: Class| {
            let owner = class.relowner;
            bound = bound || (owner != login && is_locked(class.oid) && self.bind(owner));
        })?;
        Ok(bound)
    }
}

row! {
    struct RoleSetting {
        setdatabase: pg_sys::Oid,
        setrole: pg_sys::Oid,
        setconfig: Option<Vec<String>>,
    }
}

row! {
    struct Class {
        oid: pg_sys::Oid,
        relowner: pg_sys::Oid,
    }
}

/// Whether this backend has any lock on a relation.
fn is_locked(relation: pg_sys::Oid) -> bool {
    let tag = pg_sys::LOCKTAG {
        locktag_field1: state::database().to_u32(),
        locktag_field2: relation.to_u32(),
        locktag_field3: 0,
        locktag_field4: 0,
        locktag_type: pg_sys::LockTagType::LOCKTAG_RELATION as u8,
        locktag_lockmethodid: pg_sys::DEFAULT_LOCKMETHOD as u8,
    };
    let modes = pg_sys::AccessShareLock as i32..=pg_sys::AccessExclusiveLock as i32;
    // SAFETY: a complete tag of a relation's lock; a look-up in this backend's own table.
    modes.into_iter().any(|mode| unsafe {
        #[cfg(any(feature = "pg15", feature = "pg16"))]
        let held = pg_sys::LockHeldByMe(&tag, mode);
        #[cfg(not(any(feature = "pg15", feature = "pg16")))]
        let held = pg_sys::LockHeldByMe(&tag, mode, false);
        held
    })
}

/// Reads all of a catalog.
pub(super) fn read_catalog<R: FromRow>(name: &CStr, mut read: impl FnMut(R)) -> Result<(), Mistake> {
    const MAX_COLUMNS: usize = 64;
    let mut positions = [u16::MAX; MAX_COLUMNS];
    let unreadable = || Mistake::TypeDiffers(format!("{} is another one", name.to_string_lossy()).into());
    // SAFETY: a scan of a catalog by its own description, which has fewer columns than there is room for; closed below,
    // or by the resource owner where an error unwinds. The columns are of R's types.
    unsafe {
        let schema = pg_sys::Oid::from_u32(pg_sys::PG_CATALOG_NAMESPACE);
        let oid = pg_sys::get_relname_relid(name.as_ptr(), schema);
        find_columns(oid, R::COLUMNS, &mut positions)?.ok_or_else(unreadable)?;
        let catalog = pg_sys::table_open(oid, pg_sys::AccessShareLock as i32);
        let none = std::ptr::null_mut();
        let scan = pg_sys::systable_beginscan(catalog, pg_sys::InvalidOid, false, none, 0, none.cast());
        loop {
            let tuple = pg_sys::systable_getnext(scan);
            if tuple.is_null() {
                break;
            }
            let (mut values, mut nulls) = ([pg_sys::Datum::null(); MAX_COLUMNS], [true; MAX_COLUMNS]);
            pg_sys::heap_deform_tuple(tuple, (*catalog).rd_att, values.as_mut_ptr(), nulls.as_mut_ptr());
            if let Some(row) = R::load(&Row::placed(&values, &nulls, &positions), 0) {
                read(row);
            }
        }
        pg_sys::systable_endscan(scan);
        pg_sys::table_close(catalog, pg_sys::AccessShareLock as i32);
        Ok(())
    }
}

/// Whether a role's `name=value` is a pin. Names of settings ignore case.
fn is_pin(setting: &str) -> bool {
    setting
        .split_once('=')
        .is_some_and(|(name, value)| name.eq_ignore_ascii_case("auth_store.tenant_id") && !value.is_empty())
}
