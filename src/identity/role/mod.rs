//! Roles: named sets of permissions of a tenant, and who has them. What a role inherits is in `inherit.rs`, giving one
//! to a user in `assign.rs`, what a user may by them in `held.rs`.
//!
//! Every tenant has the roles of `built_in.rs`.
//!
//! Locks: the role `admin` stands for all of a tenant whose definitions change, and comes before the others.

pub mod assign;
mod built_in;
pub mod held;
mod inherit;
pub mod members;
pub mod permission;

use pgrx::iter::SetOfIterator;
use pgrx::prelude::*;
use serde_json::{Map, json};

pub use crate::identity::role::built_in::exists;
use crate::identity::role::built_in::{BUILT_IN, BuiltIn, FIRST, INSERT, texts};
use crate::identity::role::inherit::{Roles, Stored};
use crate::identity::tenant;
use crate::kernel::outcome::{Mistake, OrRaise, given};
use crate::kernel::server::composite::composite;
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::server::row::row;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::server::table::{Moves, Published, Rows, Table, delete_by};
use crate::kernel::value::argument;
use crate::kernel::value::clock::{self, Timestamp};
use crate::trail::{self, Event};

row! {
    /// What is shown of a role.
    pub struct Shown in roles {
        name: Option<String>,
        description: Option<String>,
        permissions: Option<Vec<String>>,
        inherits: Option<Vec<String>>,
        effective: Option<Vec<String>>,
        created_at: Option<Timestamp>,
        updated_at: Option<Timestamp>,
    }
    returned
}

composite! {
    /// A row of role_list().
    pub struct RoleProfile = "auth_store.role_profile" {
        pub shown: Shown,
        pub built_in: bool,
    }
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn role_create(
    name: Option<&str>,
    permissions: default!(Option<Vec<Option<String>>>, "'{}'"),
    description: default!(Option<&str>, "NULL"),
    tenant_id: default!(Option<&str>, "NULL"),
    inherits: default!(Option<Vec<Option<String>>>, "'{}'"),
) -> String {
    let definition = Definition { permissions, description, inherits };
    create(clock::now(), name, definition, tenant_id).or_raise()
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn role_update(
    name: Option<&str>,
    permissions: default!(Option<Vec<Option<String>>>, "NULL"),
    description: default!(Option<&str>, "NULL"),
    tenant_id: default!(Option<&str>, "NULL"),
    inherits: default!(Option<Vec<Option<String>>>, "NULL"),
) -> bool {
    let definition = Definition { permissions, description, inherits };
    update(clock::now(), name, definition, tenant_id).or_raise();
    true
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn role_delete(name: Option<&str>, tenant_id: default!(Option<&str>, "NULL")) -> i64 {
    delete(clock::now(), name, tenant_id).or_raise()
}

#[pg_extern(stable, parallel_safe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn role_list(tenant_id: default!(Option<&str>, "NULL")) -> SetOfIterator<'static, RoleProfile> {
    SetOfIterator::new(list(tenant_id).or_raise())
}

/// The arguments that say what a role is. NULL means the default for a new role, and no change for an existing one.
struct Definition<'a> {
    permissions: Option<Vec<Option<String>>>,
    description: Option<&'a str>,
    inherits: Option<Vec<Option<String>>>,
}

/// There is no role such as the argument `name` says.
const UNKNOWN: Mistake = Mistake::Unknown { what: "role", argument: "name" };

/// The facts of the table `roles`.
pub static TABLE: Table = Table {
    name: "roles",
    key: &["tenant_id", "name"],
    ended: None,
    of_tenant: Rows::Deleted(delete_by!(latest "roles", "tenant_id")),
    of_client: Rows::None,
    of_user: None,
    published: Published::Validation,
    moves: Moves::Shared,
    restored: true,
};

static LOCK_ALL: Statement =
    Statement::write(c"SELECT FROM auth_store.roles WHERE tenant_id = $1 AND name = $2 FOR NO KEY UPDATE");

// Waits for whoever is giving the role to a user, and keeps it from others.
static LOCK_UPDATE: Statement =
    Statement::write(c"SELECT FROM auth_store.roles WHERE tenant_id = $1 AND name = $2 FOR UPDATE");

// What is committed by now: whoever changed a role before has given the lock back.
static ALL: Statement<Stored> =
    Statement::latest(c"SELECT {columns} FROM auth_store.roles WHERE tenant_id = $1 ORDER BY name");

static UPDATE: Statement = Statement::latest(
    c"UPDATE auth_store.roles
         SET permissions = $3, inherits = $4, description = COALESCE($5, description), updated_at = $6
       WHERE tenant_id = $1 AND name = $2",
);

static SET_EFFECTIVE: Statement =
    Statement::latest(c"UPDATE auth_store.roles SET effective = $3 WHERE tenant_id = $1 AND name = $2");

static DELETE: Statement =
    Statement::latest(c"DELETE FROM auth_store.roles WHERE tenant_id = $1 AND name = $2");

static LIST: Statement<Shown> =
    Statement::read(c"SELECT {columns} FROM auth_store.roles WHERE tenant_id = $1 ORDER BY name");

/// Keeps the definitions of the tenant's roles as they are until the end of the transaction, and reads them.
fn lock_all(now: Timestamp, tenant_id: Option<&str>) -> Result<(String, Roles), Mistake> {
    let snapshot = Snapshot::writing()?;
    let tenant_id = tenant::resolve(&snapshot, tenant_id)?;
    built_in::ensure(now, &snapshot, &tenant_id)?;
    LOCK_ALL.run(&params![tenant_id.as_str(), FIRST])?;
    let roles = ALL.all(&params![tenant_id.as_str()])?;
    Ok((tenant_id, roles.into_iter().map(|role| (role.name.clone(), role)).collect()))
}

/// Stores what the roles come to by now.
fn store_effective(tenant_id: &str, roles: &Roles) -> Result<(), Mistake> {
    for (name, effective) in inherit::changed(roles)? {
        SET_EFFECTIVE.run(&params![tenant_id, name, effective])?;
    }
    Ok(())
}

fn create(
    now: Timestamp,
    name: Option<&str>,
    definition: Definition<'_>,
    tenant_id: Option<&str>,
) -> Result<String, Mistake> {
    let name = role_name(given(name, "name")?)?;
    let permissions = permission::list(definition.permissions, "permissions")?.unwrap_or_default();
    let inherits = role_names(definition.inherits)?.unwrap_or_default();
    let description = argument::optional_line(definition.description, "description")?;
    let (tenant_id, mut roles) = lock_all(now, tenant_id)?;
    let none = Vec::<String>::new();
    let row = params![
        tenant_id.as_str(),
        name,
        description,
        permissions.clone(),
        inherits.clone(),
        none.clone(),
        now
    ];
    if roles.contains_key(name) || INSERT.run(&row)? == 0 {
        return Err(Mistake::Duplicate { what: "role", argument: "name" });
    }
    let details = json!({ "permissions": permissions, "inherits": inherits });
    roles.insert(name.into(), Stored { name: name.into(), permissions, inherits, effective: none });
    store_effective(&tenant_id, &roles)?;
    record(now, "role.created", &tenant_id, name, details)?;
    Ok(name.to_owned())
}

fn update(
    now: Timestamp,
    name: Option<&str>,
    definition: Definition<'_>,
    tenant_id: Option<&str>,
) -> Result<(), Mistake> {
    let name = given(name, "name")?;
    let permissions = permission::list(definition.permissions, "permissions")?;
    let inherits = role_names(definition.inherits)?;
    let description = argument::optional_line(definition.description, "description")?;
    let (tenant_id, mut roles) = lock_all(now, tenant_id)?;
    let role = roles.get_mut(name).ok_or(UNKNOWN)?;
    let mut details = Map::new();
    if let Some(permissions) = permissions {
        details.insert("permissions".into(), json!({ "from": role.permissions, "to": permissions }));
        role.permissions = permissions;
    }
    if let Some(inherits) = inherits {
        details.insert("inherits".into(), json!({ "from": role.inherits, "to": inherits }));
        role.inherits = inherits;
    }
    let (own, inherited) = (role.permissions.clone(), role.inherits.clone());
    UPDATE.run(&params![tenant_id.as_str(), name, own, inherited, description, now])?;
    store_effective(&tenant_id, &roles)?;
    record(now, "role.updated", &tenant_id, name, details.into())
}

/// Deletes a role, and takes it from everybody who has it; returns from how many.
fn delete(now: Timestamp, name: Option<&str>, tenant_id: Option<&str>) -> Result<i64, Mistake> {
    let name = given(name, "name")?;
    let (tenant_id, roles) = lock_all(now, tenant_id)?;
    if !roles.contains_key(name) {
        return Err(UNKNOWN);
    }
    if built_in::is_one(name) {
        return Err(Mistake::WrongState {
            message: format!("the role {name} is one that every tenant has").into(),
            hint: "role_update() changes what it may.".into(),
        });
    }
    if let Some(heir) = roles.values().find(|role| role.inherits.iter().any(|inherited| inherited == name)) {
        return Err(Mistake::WrongState {
            message: format!("the role {} inherits from it", heir.name).into(),
            hint: "Take it out with role_update(inherits => ...) first.".into(),
        });
    }
    LOCK_UPDATE.run(&params![tenant_id.as_str(), name])?;
    let taken = assign::take_from_all(&tenant_id, name)?;
    DELETE.run(&params![tenant_id.as_str(), name])?;
    record(now, "role.deleted", &tenant_id, name, json!({ "users": taken }))?;
    Ok(i64::try_from(taken).unwrap_or(i64::MAX))
}

fn list(tenant_id: Option<&str>) -> Result<Vec<RoleProfile>, Mistake> {
    let tenant_id = tenant::resolve(&Snapshot::reading(), tenant_id)?;
    let mut found = LIST.all(&params![tenant_id])?;
    if found.is_empty() {
        found.extend(BUILT_IN.iter().map(shown));
    }
    let profile = |shown: Shown| {
        let built_in = shown.name.as_deref().is_some_and(built_in::is_one);
        RoleProfile { shown, built_in }
    };
    Ok(found.into_iter().map(profile).collect())
}

/// How a role that every tenant has is shown where the tenant has no row of it yet.
fn shown(role: &BuiltIn) -> Shown {
    Shown {
        name: Some(role.name.into()),
        description: Some(role.description.into()),
        permissions: Some(texts(role.permissions)),
        inherits: Some(texts(role.inherits)),
        effective: Some(texts(role.effective)),
        created_at: None,
        updated_at: None,
    }
}

/// The names of the argument `inherits`, in order and each once.
fn role_names(names: Option<Vec<Option<String>>>) -> Result<Option<Vec<String>>, Mistake> {
    let Some(mut names) = argument::texts(names, "inherits")? else { return Ok(None) };
    names.sort_unstable();
    names.dedup();
    Ok(Some(names))
}

/// The shape that the table checks too.
fn role_name(name: &str) -> Result<&str, Mistake> {
    let legal = |b: u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-');
    if (1..=63).contains(&name.len()) && name.bytes().all(legal) {
        return Ok(name);
    }
    Err(Mistake::invalid("name", "1 to 63 bytes: a-z, 0-9, dots, underscores and hyphens"))
}

/// Writes the audit row of a change of a role.
fn record(
    now: Timestamp,
    event: &str,
    tenant_id: &str,
    name: &str,
    details: serde_json::Value,
) -> Result<(), Mistake> {
    trail::record(
        now,
        &Event {
            event,
            tenant_id,
            resource_type: Some("role"),
            resource_id: Some(name),
            details: Some(details),
            ..Event::default()
        },
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::role_name;

    #[test]
    fn a_role_has_a_short_plain_name() {
        for name in ["a", "org.owner", "0-1_2"] {
            assert!(role_name(name).is_ok(), "{name}");
        }
        for name in ["", "A", "a b", "a:b", "a*", "é", &"a".repeat(64)] {
            assert!(role_name(name).is_err(), "{name:?}");
        }
    }
}
