//! The roles that every tenant has. Their rows are made by the first step that writes of the tenant's roles: a fresh
//! install has none, and a tenant that has no use for roles neither.

use crate::identity::tenant;
use crate::kernel::outcome::Mistake;
use crate::kernel::server::lookup::{Key, Lookup, Snapshot};
use crate::kernel::server::row::row;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::value::clock::Timestamp;

/// A role that every tenant has.
pub struct BuiltIn {
    pub name: &'static str,
    pub description: &'static str,
    pub permissions: &'static [&'static str],
    pub inherits: &'static [&'static str],
    pub effective: &'static [&'static str],
}

/// The role that is locked while roles of its tenant change.
pub const FIRST: &str = "admin";

/// In the order in which their rows are made.
pub const BUILT_IN: [BuiltIn; 3] = [
    BuiltIn {
        name: FIRST,
        description: "May do everything in the tenant.",
        permissions: &["*"],
        inherits: &[],
        effective: &["*"],
    },
    BuiltIn {
        name: "moderator",
        description: "Looks after what users have made, and sees who they are.",
        permissions: &["content:*", "users:read"],
        inherits: &["user"],
        effective: &["content:*", "profile:*", "users:read"],
    },
    BuiltIn {
        name: "user",
        description: "Looks after its own profile.",
        permissions: &["profile:*"],
        inherits: &[],
        effective: &["profile:*"],
    },
];

row! {
    struct AnyRole in roles {}
}

static BY_NAME: Lookup<AnyRole> = Lookup::by(c"roles_pkey");

/// Makes a role; nothing where it is there.
pub static INSERT: Statement = Statement::write(
    c"INSERT INTO auth_store.roles
        (tenant_id, name, description, permissions, inherits, effective, created_at, updated_at)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $7)
      ON CONFLICT (tenant_id, name) DO NOTHING",
);

/// Makes the rows of the built-in roles where the tenant has none yet, and keeps the tenant from being erased.
pub fn ensure(now: Timestamp, snapshot: &Snapshot, tenant_id: &str) -> Result<(), Mistake> {
    if !tenant::lock_key_share(tenant_id)? {
        return Err(tenant::UNKNOWN_ID);
    }
    let last = BUILT_IN.last().map_or(FIRST, |role| role.name);
    if BY_NAME.find_by(snapshot, [Key::Text(tenant_id), Key::Text(last)])?.is_none() {
        for role in &BUILT_IN {
            let [own, inherited, all] = [role.permissions, role.inherits, role.effective].map(texts);
            INSERT.run(&params![tenant_id, role.name, role.description, own, inherited, all, now])?;
        }
    }
    Ok(())
}

/// Whether the tenant has a role of this name, with a row or as every tenant has it.
pub fn exists(snapshot: &Snapshot, tenant_id: &str, name: &str) -> Result<bool, Mistake> {
    Ok(is_one(name) || BY_NAME.find_by(snapshot, [Key::Text(tenant_id), Key::Text(name)])?.is_some())
}

/// Whether a role of this name is one of them.
pub fn is_one(name: &str) -> bool {
    BUILT_IN.iter().any(|role| role.name == name)
}

/// As a column holds them.
pub fn texts(list: &[&str]) -> Vec<String> {
    list.iter().map(|text| (*text).to_owned()).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{BUILT_IN, BuiltIn, FIRST, texts};
    use crate::identity::role::inherit::{Roles, Stored, changed};

    #[test]
    fn the_built_in_roles_come_to_what_is_said_of_them() {
        let stored = |role: &BuiltIn| Stored {
            name: role.name.into(),
            permissions: texts(role.permissions),
            inherits: texts(role.inherits),
            effective: texts(role.effective),
        };
        let roles: Roles = BUILT_IN.iter().map(|role| (role.name.to_owned(), stored(role))).collect();
        assert!(changed(&roles).unwrap().is_empty());
        assert_eq!(BUILT_IN[0].name, FIRST);
    }
}
