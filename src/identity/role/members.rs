//! Organisations: who has a role in a tenant is a member of it, whose own tenant may be another. `role_assign()` makes
//! one.

use pgrx::iter::SetOfIterator;
use pgrx::prelude::*;
use serde_json::json;

use crate::identity::{tenant, user};
use crate::kernel::outcome::{Mistake, OrRaise, given};
use crate::kernel::server::composite::composite;
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::server::row::row;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::value::argument;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::kernel::value::inet::Inet;
use crate::trail::{self, Context, Event};

composite! {
    /// A row of member_list().
    pub struct Member = "auth_store.member" {
        pub user_id: Option<Id>,
        pub email: Option<String>,
        pub external_id: Option<String>,
        pub roles: Option<Vec<String>>,
        pub member_since: Option<Timestamp>,
        pub own: Option<bool>,
    }
}

composite! {
    /// A row of user_tenants().
    pub struct UserTenant = "auth_store.user_tenant" {
        pub tenant_id: Option<String>,
        pub display_name: Option<String>,
        pub roles: Option<Vec<String>>,
        pub member_since: Option<Timestamp>,
        pub own: Option<bool>,
    }
}

#[pg_extern(stable, parallel_safe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn member_list(
    role: default!(Option<&str>, "NULL"),
    after: default!(Option<pgrx::Uuid>, "NULL"),
    max_rows: default!(Option<i32>, "100"),
    tenant_id: default!(Option<&str>, "NULL"),
) -> SetOfIterator<'static, Member> {
    SetOfIterator::new(page(clock::now(), role, after.map(Id::from), max_rows, tenant_id).or_raise())
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn member_remove(
    user_id: Option<pgrx::Uuid>,
    tenant_id: default!(Option<&str>, "NULL"),
    reason: default!(Option<&str>, "NULL"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> bool {
    let context = Context { ip, user_agent };
    remove(clock::now(), user_id.map(Id::from), tenant_id, reason, &context).or_raise()
}

#[pg_extern(stable, parallel_safe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn user_tenants(user_id: Option<pgrx::Uuid>) -> SetOfIterator<'static, UserTenant> {
    SetOfIterator::new(tenants(clock::now(), user_id.map(Id::from)).or_raise())
}

row! {
    struct Held {
        user_id: Id,
        roles: Vec<String>,
        since: Timestamp,
    }
}

// In the order of the ids, as user_list().
static PAGE: Statement<Held> = Statement::read(
    c"SELECT user_id, array_agg(role ORDER BY role) AS roles, min(assigned_at) AS since
        FROM auth_store.user_roles
       WHERE tenant_id = $1 AND (expires_at IS NULL OR expires_at > $2) AND ($3 IS NULL OR user_id > $3)
       GROUP BY user_id
      HAVING $4 IS NULL OR bool_or(role = $4)
       ORDER BY user_id LIMIT $5",
);

/// The members of a tenant, or those with this role. What a user is called is not shown where the session's tenant pin
/// hides the user.
fn page(
    now: Timestamp,
    role: Option<&str>,
    after: Option<Id>,
    max_rows: Option<i32>,
    tenant_id: Option<&str>,
) -> Result<Vec<Member>, Mistake> {
    let max_rows = argument::max_rows(max_rows, 100)?;
    let snapshot = Snapshot::reading();
    let tenant_id = tenant::resolve(&snapshot, tenant_id)?;
    let held = PAGE.all(&params![tenant_id.as_str(), now, after, role, max_rows])?;
    let member = |held: Held| {
        let user = user::listed(&snapshot, held.user_id)?;
        let own = user.as_ref().is_some_and(|user| user.tenant_id == tenant_id);
        let (email, external_id) = user.map_or((None, None), |user| (user.email, user.external_id));
        Ok(Member {
            user_id: Some(held.user_id),
            email,
            external_id,
            roles: Some(held.roles),
            member_since: Some(held.since),
            own: Some(own),
        })
    };
    held.into_iter().map(member).collect()
}

row! {
    struct Belongs {
        tenant_id: String,
        roles: Vec<String>,
        since: Timestamp,
    }
}

static TENANTS: Statement<Belongs> = Statement::read(
    c"SELECT tenant_id, array_agg(role ORDER BY role) AS roles, min(assigned_at) AS since
        FROM auth_store.user_roles
       WHERE user_id = $1 AND (expires_at IS NULL OR expires_at > $2)
       GROUP BY tenant_id ORDER BY tenant_id",
);

/// The tenants that a user may act in: the user's own, and those in which the user has a role. Of an active user, and
/// those that are active.
fn tenants(now: Timestamp, user_id: Option<Id>) -> Result<Vec<UserTenant>, Mistake> {
    let user_id = given(user_id, "user_id")?;
    let snapshot = Snapshot::reading();
    if !user::is_active_anywhere(&snapshot, user_id)? {
        return Ok(Vec::new());
    }
    let home = user::find(&snapshot, user_id)?;
    let mut all: Vec<(String, Vec<String>, Timestamp)> = TENANTS
        .all(&params![user_id, now])?
        .into_iter()
        .map(|belongs| (belongs.tenant_id, belongs.roles, belongs.since))
        .collect();
    if let Some(home) = &home
        && !all.iter().any(|(tenant_id, ..)| *tenant_id == home.tenant_id)
    {
        all.push((home.tenant_id.clone(), Vec::new(), user_id.time()));
        all.sort_unstable_by(|one, other| one.0.cmp(&other.0));
    }
    let mut shown = Vec::with_capacity(all.len());
    for (tenant_id, roles, since) in all {
        if !tenant::is_active(&snapshot, &tenant_id)? {
            continue;
        }
        shown.push(UserTenant {
            display_name: tenant::display_name(&snapshot, &tenant_id)?,
            own: Some(home.as_ref().is_some_and(|home| home.tenant_id == tenant_id)),
            tenant_id: Some(tenant_id),
            roles: Some(roles),
            member_since: Some(since),
        });
    }
    Ok(shown)
}

static REMOVE: Statement<String> = Statement::latest(
    c"DELETE FROM auth_store.user_roles WHERE user_id = $1 AND tenant_id = $2 RETURNING role",
);

/// Takes every role in a tenant from a user; false where the user has none there.
fn remove(
    now: Timestamp,
    user_id: Option<Id>,
    tenant_id: Option<&str>,
    reason: Option<&str>,
    context: &Context<'_>,
) -> Result<bool, Mistake> {
    let user_id = given(user_id, "user_id")?;
    let reason = argument::optional_reason(reason)?;
    let tenant_id = tenant::resolve(&Snapshot::writing()?, tenant_id)?;
    let mut roles = REMOVE.all(&params![user_id, tenant_id.as_str()])?;
    if roles.is_empty() {
        return Ok(false);
    }
    roles.sort_unstable();
    trail::record(
        now,
        &Event {
            event: "member.removed",
            tenant_id: &tenant_id,
            user_id: Some(user_id),
            context: Some(context),
            details: Some(json!({ "reason": reason, "roles": roles })),
            ..Event::default()
        },
    )?;
    Ok(true)
}
