//! Tenants. A store with one uses `default` and never names it. That tenant always exists and is active; its row is
//! made by the first step that writes something of the tenant. A fresh install has no rows at all, so that the rows of
//! a dump or of a publisher collide with none.

pub mod salt;

use pgrx::prelude::*;

use crate::kernel::outcome::{Mistake, OrRaise, given};
use crate::kernel::server::datum::Word;
use crate::kernel::server::hold::Hold;
use crate::kernel::server::lookup::{Key, Lookup, Snapshot};
use crate::kernel::server::pin;
use crate::kernel::server::row::row;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::server::table::{Moves, Published, Rows, Table};
use crate::kernel::value::argument;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::jsonb::Jsonb;
use crate::rfc::redirect_uri;
use crate::trail::{self, Event};

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn tenant_create(
    id: Option<&str>,
    display_name: default!(Option<&str>, "NULL"),
    settings: default!(Option<Jsonb>, "NULL"),
    redirect_uri_schemes: default!(Option<Vec<Option<String>>>, "NULL"),
) -> String {
    let given = GivenTenant { display_name, settings, redirect_uri_schemes };
    create(clock::now(), id, given).or_raise()
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn tenant_update(
    id: Option<&str>,
    display_name: default!(Option<&str>, "NULL"),
    settings: default!(Option<Jsonb>, "NULL"),
    redirect_uri_schemes: default!(Option<Vec<Option<String>>>, "NULL"),
) -> bool {
    let given = GivenTenant { display_name, settings, redirect_uri_schemes };
    update(clock::now(), id, given).or_raise();
    true
}

/// The columns of a tenant. NULL means the default for a new tenant, and no change for an existing one.
struct GivenTenant<'a> {
    display_name: Option<&'a str>,
    settings: Option<Jsonb>,
    redirect_uri_schemes: Option<Vec<Option<String>>>,
}

impl GivenTenant<'_> {
    fn redirect_uri_schemes(&mut self) -> Result<Option<Vec<String>>, Mistake> {
        let schemes = argument::list(self.redirect_uri_schemes.take(), "redirect_uri_schemes")?;
        redirect_uri::check_schemes(schemes.as_deref().unwrap_or_default())?;
        Ok(schemes)
    }
}

/// The tenant of what names none.
pub const DEFAULT: &str = "default";

/// The tenant that the argument `id` names does not exist.
pub const UNKNOWN: Mistake = Mistake::Unknown { what: "tenant", argument: "id" };

/// The tenant that the argument `tenant_id` of another domain names does not exist.
pub const UNKNOWN_ID: Mistake = Mistake::Unknown { what: "tenant", argument: "tenant_id" };

/// The facts of the table `tenants`.
pub static TABLE: Table = Table {
    name: "tenants",
    key: &["id"],
    ended: None,
    of_tenant: Rows::None,
    of_client: Rows::None,
    of_user: None,
    published: Published::Validation,
    moves: Moves::Shared,
    restored: true,
};

/// The status of a tenant, a user or a client.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Status {
    /// It works.
    Active,
    /// It does not, whatever the word is.
    Inactive,
}

impl Word for Status {
    fn of(word: &str) -> Option<Self> {
        Some(if word == "active" { Self::Active } else { Self::Inactive })
    }
}

row! {
    struct Tenant in tenants {
        status: Status,
    }
}

static STATUS: Lookup<Tenant> = Lookup::by(c"tenants_pkey").tenant_in(c"id").remembered();

row! {
    struct Named in tenants {
        display_name: String,
    }
}

static NAMED: Lookup<Named> = Lookup::by(c"tenants_pkey").tenant_in(c"id");

/// What people call the tenant; None for the default one while it has no row.
pub fn display_name(snapshot: &Snapshot, id: &str) -> Result<Option<String>, Mistake> {
    Ok(NAMED.find(snapshot, Key::Text(id))?.map(|tenant| tenant.display_name))
}

fn stored_status(snapshot: &Snapshot, id: &str) -> Result<Option<bool>, Mistake> {
    Ok(STATUS.find(snapshot, Key::Text(id))?.map(|tenant| tenant.status == Status::Active))
}

/// True if the tenant is not suspended; None if it is unknown.
fn status(snapshot: &Snapshot, id: &str) -> Result<Option<bool>, Mistake> {
    // Nobody has suspended a default tenant that has no row.
    Ok(stored_status(snapshot, id)?.or_else(|| is_default(id).then_some(true)))
}

/// Whether this is the default tenant, and the session may see it.
fn is_default(id: &str) -> bool {
    id == DEFAULT && pin::tenant().is_none_or(|pin| pin == DEFAULT)
}

/// Makes the default tenant's row where it is missing, if `id` names that tenant; returns whether it does.
fn make_default(id: &str) -> Result<bool, Mistake> {
    let meant = is_default(id);
    if meant {
        let (settings, schemes) = (Jsonb::empty_object(), Vec::<String>::new());
        INSERT.run(&params![id, "Default tenant", settings, schemes, clock::now()])?;
    }
    Ok(meant)
}

row! {
    struct AnyClient in clients {}
}

row! {
    struct AnyUser in users {}
}

static CLIENT_OF: Lookup<AnyClient> = Lookup::by(c"clients_tenant_idx");
static USER_OF: Lookup<AnyUser> = Lookup::by(c"users_tenant_idx");

/// True if the default tenant has no row although it has a client or a user, as far as the session may see. Without
/// those the first call that needs the row makes it.
pub fn default_is_lost() -> Result<bool, Mistake> {
    let (snapshot, key) = (Snapshot::reading(), Key::Text(DEFAULT));
    Ok(STATUS.find_unready(&snapshot, key)?.is_none()
        && (CLIENT_OF.find_unready(&snapshot, key)?.is_some()
            || USER_OF.find_unready(&snapshot, key)?.is_some()))
}

/// Puts the default tenant's row back if it was lost.
pub fn restore_default() -> Result<(), Mistake> {
    if default_is_lost()? {
        make_default(DEFAULT)?;
    }
    Ok(())
}

row! {
    struct Schemes in tenants {
        redirect_uri_schemes: Vec<String>,
    }
}

static SCHEMES: Lookup<Schemes> = Lookup::by(c"tenants_pkey").tenant_in(c"id");

/// The private-use schemes without a dot that redirect URIs of the tenant's clients may have.
pub fn redirect_uri_schemes(snapshot: &Snapshot, id: &str) -> Result<Vec<String>, Mistake> {
    let found = SCHEMES.find(snapshot, Key::Text(id))?;
    Ok(found.map(|tenant| tenant.redirect_uri_schemes).unwrap_or_default())
}

/// Whether the tenant exists and is not suspended.
pub fn is_active(snapshot: &Snapshot, id: &str) -> Result<bool, Mistake> {
    Ok(status(snapshot, id)?.unwrap_or(false))
}

/// The tenant that an argument `tenant_id` means: the named one, otherwise the session's, otherwise the default.
pub fn resolve(snapshot: &Snapshot, tenant_id: Option<&str>) -> Result<String, Mistake> {
    Ok(resolve_with_status(snapshot, tenant_id)?.0)
}

/// As [`resolve`], and whether that tenant is not suspended.
pub fn resolve_with_status(snapshot: &Snapshot, tenant_id: Option<&str>) -> Result<(String, bool), Mistake> {
    let id = tenant_id.unwrap_or_else(own);
    let active = match stored_status(snapshot, id)? {
        Some(active) => active,
        // A writer's row may refer to the tenant, so it needs a row.
        None if snapshot.writes() && make_default(id)? => true,
        None if is_default(id) => true,
        None => return Err(UNKNOWN_ID),
    };
    Ok((id.to_owned(), active))
}

/// The tenant of a session that names none.
pub fn own<'a>() -> &'a str {
    pin::tenant().unwrap_or(DEFAULT)
}

static LOCK_SHARE: Statement<bool> =
    Statement::write(c"SELECT status = 'suspended' FROM auth_store.tenants WHERE id = $1 FOR SHARE");

/// True if the tenant is suspended; the status stays as it is until the transaction ends. None if it is unknown.
pub fn lock_share(id: &str) -> Result<Option<bool>, Mistake> {
    let lock = || LOCK_SHARE.one(&params![id]);
    match lock()? {
        None if make_default(id)? => lock(),
        found => Ok(found),
    }
}

static LOCK_KEY_SHARE: Hold = Hold::new(c"SELECT true FROM auth_store.tenants WHERE id = $1 FOR KEY SHARE");

static HOLD_IF_FREE: Statement<bool> =
    Statement::write(c"SELECT true FROM auth_store.tenants WHERE id = $1 FOR KEY SHARE SKIP LOCKED");

/// As [`lock_key_share`], for a call that may not wait; false also where the tenant is being erased.
pub fn hold_if_free(id: &str) -> Result<bool, Mistake> {
    Ok(HOLD_IF_FREE.one(&params![id])?.is_some())
}

/// Keeps the tenant from being erased until the transaction ends; false if it is gone. Call it before you store a row
/// that refers to the tenant; where the tenant's status decides, [`lock_share`] does this too.
pub fn lock_key_share(id: &str) -> Result<bool, Mistake> {
    LOCK_KEY_SHARE.hold(None, &params![id])
}

static INSERT: Statement = Statement::write(
    c"INSERT INTO auth_store.tenants (id, display_name, settings, redirect_uri_schemes, created_at, updated_at)
      VALUES ($1, $2, $3, $4, $5, $5)
      ON CONFLICT (id) DO NOTHING",
);

fn create(now: Timestamp, id: Option<&str>, mut given_members: GivenTenant<'_>) -> Result<String, Mistake> {
    let id = given(id, "id")?;
    if !is_tenant_id(id) {
        return Err(Mistake::invalid(
            "id",
            "1 to 63 letters, digits, dots, underscores and hyphens, the first a letter or digit",
        ));
    }
    let display_name = argument::line(given_members.display_name.unwrap_or(id), "display_name")?;
    let schemes = given_members.redirect_uri_schemes()?.unwrap_or_default();
    let settings = argument::document(given_members.settings, "settings")?;
    if pin::tenant().is_some_and(|pin| pin != id) {
        return Err(Mistake::NotAllowed("a session pinned to a tenant cannot create another".into()));
    }
    if id == DEFAULT || INSERT.run(&params![id, display_name, settings, schemes, now])? == 0 {
        return Err(Mistake::Duplicate { what: "tenant", argument: "id" });
    }
    record(now, id, "tenant.created", None)?;
    Ok(id.to_owned())
}

/// The shape that the table checks too.
fn is_tenant_id(id: &str) -> bool {
    (1..=63).contains(&id.len())
        && id.starts_with(|c: char| c.is_ascii_alphanumeric())
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

static UPDATE: Statement = Statement::write(
    c"UPDATE auth_store.tenants
         SET display_name = COALESCE($2, display_name), settings = COALESCE($3, settings),
             redirect_uri_schemes = COALESCE($4, redirect_uri_schemes), updated_at = $5
       WHERE id = $1",
);

fn update(now: Timestamp, id: Option<&str>, mut given_members: GivenTenant<'_>) -> Result<(), Mistake> {
    let id = given(id, "id")?;
    let schemes = given_members.redirect_uri_schemes()?;
    let GivenTenant { display_name, settings, .. } = given_members;
    let display_name = display_name.map(|name| argument::line(name, "display_name")).transpose()?;
    let settings = settings.map(|settings| argument::document(Some(settings), "settings")).transpose()?;
    let update = || UPDATE.run(&params![id, display_name, settings.clone(), schemes.clone(), now]);
    if update()? == 0 && !(make_default(id)? && update()? == 1) {
        return Err(UNKNOWN);
    }
    record(now, id, "tenant.updated", None)
}

static SET_STATUS: Statement = Statement::write(
    c"UPDATE auth_store.tenants SET status = $2, status_reason = $3, updated_at = $4 WHERE id = $1",
);

/// Stores the status. This waits for a call that is creating a client under the former status, see [`lock_share`].
pub fn store_status(now: Timestamp, id: &str, status: &str, reason: Option<&str>) -> Result<(), Mistake> {
    let set = || SET_STATUS.run(&params![id, status, reason, now]);
    if set()? == 0 && !(make_default(id)? && set()? == 1) {
        return Err(UNKNOWN);
    }
    Ok(())
}

static LOCK_UPDATE: Statement =
    Statement::write(c"SELECT true FROM auth_store.tenants WHERE id = $1 FOR UPDATE");

/// Locks the tenant's row, so that no new row can refer to the tenant; false if the tenant is unknown.
pub fn lock_update(id: &str) -> Result<bool, Mistake> {
    Ok(LOCK_UPDATE.run(&params![id])? == 1)
}

static DELETE: Statement = Statement::latest(c"DELETE FROM auth_store.tenants WHERE id = $1");

/// Deletes the tenant's row.
pub fn delete(id: &str) -> Result<u64, Mistake> {
    DELETE.run(&params![id])
}

/// Writes the audit row of an administrative step.
pub fn record(
    now: Timestamp,
    id: &str,
    event: &str,
    details: Option<serde_json::Value>,
) -> Result<(), Mistake> {
    trail::record(
        now,
        &Event {
            event,
            tenant_id: id,
            resource_type: Some("tenant"),
            resource_id: Some(id),
            details,
            ..Event::default()
        },
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::is_tenant_id;

    #[test]
    fn a_tenant_id_is_a_short_plain_name() {
        for id in ["a", "default", "Acme-1.eu_west", "0"] {
            assert!(is_tenant_id(id), "{id}");
        }
        for id in ["", "-a", ".a", "a b", "a/b", "é", "a\n", &"a".repeat(64)] {
            assert!(!is_tenant_id(id), "{id:?}");
        }
    }
}
