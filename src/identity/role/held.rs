//! What a user may by the roles that the user has: look-ups by index, without the executor.

use std::borrow::Cow;
use std::collections::BTreeSet;

use pgrx::iter::SetOfIterator;
use pgrx::prelude::*;

use crate::identity::role::permission;
use crate::identity::tenant;
use crate::identity::user::{self, User};
use crate::kernel::outcome::{Mistake, OrRaise, given};
use crate::kernel::server::composite::composite;
use crate::kernel::server::lookup::{Key, Lookup, Snapshot};
use crate::kernel::server::pin;
use crate::kernel::server::row::row;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;

composite! {
    /// A row of user_roles().
    pub struct UserRole = "auth_store.user_role" {
        pub listed: Listed,
    }
}

row! {
    /// A role that a user has.
    pub struct Listed {
        tenant_id: Option<String>,
        role: Option<String>,
        permissions: Option<Vec<String>>,
        assigned_at: Option<Timestamp>,
        assigned_by: Option<Id>,
        expires_at: Option<Timestamp>,
    }
    returned
}

#[pg_extern(stable, parallel_safe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn user_roles(
    user_id: Option<pgrx::Uuid>,
    tenant_id: default!(Option<&str>, "NULL"),
) -> SetOfIterator<'static, UserRole> {
    let now = clock::now();
    let listed = given(user_id, "user_id").and_then(|id| LIST.all(&params![Id::from(id), tenant_id, now]));
    SetOfIterator::new(listed.or_raise().into_iter().map(|listed| UserRole { listed }))
}

#[pg_extern(stable, parallel_safe)]
fn user_permissions(user_id: Option<pgrx::Uuid>, tenant_id: default!(Option<&str>, "NULL")) -> Vec<String> {
    let now = clock::now();
    given(user_id, "user_id")
        .and_then(|id| permissions(now, &Snapshot::reading(), id.into(), tenant_id))
        .or_raise()
}

#[pg_extern(stable, parallel_safe)]
fn user_has_permission(
    user_id: Option<pgrx::Uuid>,
    permission: Option<&str>,
    tenant_id: default!(Option<&str>, "NULL"),
) -> bool {
    has_permission(clock::now(), user_id.map(Id::from), permission, tenant_id).or_raise()
}

row! {
    struct Held in user_roles {
        role: String,
        expires_at: Option<Timestamp>,
    }
}

row! {
    struct Effective in roles {
        effective: Vec<String>,
    }
}

static HELD: Lookup<Held> = Lookup::by(c"user_roles_key");
static EFFECTIVE: Lookup<Effective> = Lookup::by(c"roles_pkey").remembered();

static LIST: Statement<Listed> = Statement::read(
    c"SELECT u.tenant_id, u.role, r.effective AS permissions, u.assigned_at, u.assigned_by, u.expires_at
        FROM auth_store.user_roles u JOIN auth_store.roles r ON r.tenant_id = u.tenant_id AND r.name = u.role
       WHERE u.user_id = $1 AND ($2 IS NULL OR u.tenant_id = $2) AND (u.expires_at IS NULL OR u.expires_at > $3)
       ORDER BY u.tenant_id, u.role",
);

/// Walks what the live roles of an active user come to, until one is enough.
fn any(
    now: Timestamp,
    snapshot: &Snapshot,
    user_id: Id,
    tenant_id: Option<&str>,
    mut enough: impl FnMut(Vec<String>) -> bool,
) -> Result<bool, Mistake> {
    // Whoever is pinned to an organisation does not see the users of others, but sees its members.
    let tenant_id = match tenant_id.or_else(pin::tenant) {
        Some(named) => user::is_active_anywhere(snapshot, user_id)?.then_some(Cow::Borrowed(named)),
        None => user::find(snapshot, user_id)?.filter(User::is_active).map(|user| user.tenant_id.into()),
    };
    let Some(tenant_id) = tenant_id.as_deref() else { return Ok(false) };
    if !tenant::is_active(snapshot, tenant_id)? {
        return Ok(false);
    }
    for held in HELD.all_by(snapshot, [Key::Id(user_id), Key::Text(tenant_id)])? {
        if held.expires_at.is_some_and(|end| end <= now) {
            continue;
        }
        let keys = [Key::Text(tenant_id), Key::Text(&held.role)];
        if EFFECTIVE.find_by(snapshot, keys)?.is_some_and(|role| enough(role.effective)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether the user has a role in the tenant, whatever it allows, and the tenant is active.
pub fn is_member(now: Timestamp, snapshot: &Snapshot, user_id: Id, tenant_id: &str) -> Result<bool, Mistake> {
    let held = HELD.all_by(snapshot, [Key::Id(user_id), Key::Text(tenant_id)])?;
    let has_one = held.iter().any(|held| held.expires_at.is_none_or(|end| now < end));
    Ok(has_one && tenant::is_active(snapshot, tenant_id)?)
}

fn has_permission(
    now: Timestamp,
    user_id: Option<Id>,
    asked: Option<&str>,
    tenant_id: Option<&str>,
) -> Result<bool, Mistake> {
    let user_id = given(user_id, "user_id")?;
    let asked = permission::asked(given(asked, "permission")?)?;
    any(now, &Snapshot::reading(), user_id, tenant_id, |held| permission::allow(&held, asked))
}

/// The permissions of an active user in a tenant, of the user's own where none is named; none of another.
pub fn permissions(
    now: Timestamp,
    snapshot: &Snapshot,
    user_id: Id,
    tenant_id: Option<&str>,
) -> Result<Vec<String>, Mistake> {
    let mut all = BTreeSet::new();
    any(now, snapshot, user_id, tenant_id, |held| {
        all.extend(held);
        false
    })?;
    Ok(permission::reduced(all))
}
