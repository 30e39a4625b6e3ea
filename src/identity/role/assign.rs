//! Giving a role to a user, until an end or for good, and taking it away. The role is one of a tenant, which need not
//! be the user's own: who belongs to several organisations has a role in each.
//!
//! Locks: the user, then the role, so that neither goes away meanwhile.

use pgrx::prelude::*;
use serde_json::json;

use crate::identity::role::built_in;
use crate::identity::{tenant, user};
use crate::kernel::outcome::{Mistake, OrRaise, given};
use crate::kernel::server::batch::delete_ended;
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::server::table::{By, Ended, Moves, OfUser, Published, Rows, Table, delete_by, exported};
use crate::kernel::value::argument;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::kernel::value::inet::Inet;
use crate::trail::{self, Context, Event};

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn role_assign(
    user_id: Option<pgrx::Uuid>,
    role: Option<&str>,
    expires_at: default!(Option<TimestampWithTimeZone>, "NULL"),
    assigned_by: default!(Option<pgrx::Uuid>, "NULL"),
    tenant_id: default!(Option<&str>, "NULL"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> bool {
    let now = clock::now();
    let assignment =
        Assignment { expires_at: expires_at.map(Timestamp::from), assigned_by: assigned_by.map(Id::from) };
    let context = Context { ip, user_agent };
    assign(now, user_id.map(Id::from), role, tenant_id, &assignment, &context).or_raise()
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn role_unassign(
    user_id: Option<pgrx::Uuid>,
    role: Option<&str>,
    tenant_id: default!(Option<&str>, "NULL"),
    reason: default!(Option<&str>, "NULL"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> bool {
    let context = Context { ip, user_agent };
    unassign(clock::now(), user_id.map(Id::from), role, tenant_id, reason, &context).or_raise()
}

/// How a role is given.
#[derive(Default)]
pub struct Assignment {
    /// Its end; None: until it is taken away.
    pub expires_at: Option<Timestamp>,
    /// The user who gives it; None: the application itself.
    pub assigned_by: Option<Id>,
}

/// The facts of the table `user_roles`.
pub static TABLE: Table = Table {
    name: "user_roles",
    key: &["id", "tenant_id"],
    ended: Some(Ended {
        statement: delete_ended!(sparse "auth_store.user_roles", "expires_at <= $3"),
        times: |now| Vec::from(params![now]),
    }),
    of_tenant: Rows::Deleted(delete_by!(latest "user_roles", "tenant_id")),
    of_client: Rows::None,
    of_user: Some(OfUser {
        by: By::User,
        // Roles that the user has given to others stay, given by nobody.
        erased: Some(Statement::latest(
            c"WITH given AS (UPDATE auth_store.user_roles SET assigned_by = NULL
                              WHERE assigned_by = $1 AND user_id <> $1)
              DELETE FROM auth_store.user_roles WHERE user_id = $1",
        )),
        exported: exported!(
            "user_roles",
            "user_id = $1",
            "id, user_id, assigned_at, expires_at, tenant_id, role",
            withheld "assigned_by"
        ),
    }),
    published: Published::Validation,
    moves: Moves::ById,
    restored: true,
};

static LOCK_ROLE: Statement<bool> =
    Statement::write(c"SELECT true FROM auth_store.roles WHERE tenant_id = $1 AND name = $2 FOR KEY SHARE");

static ASSIGN: Statement<bool> = Statement::write(
    c"INSERT INTO auth_store.user_roles AS u (id, user_id, tenant_id, role, assigned_at, assigned_by, expires_at)
      VALUES ($1, $2, $3, $4, $5, $6, $7)
      ON CONFLICT (user_id, tenant_id, role)
      DO UPDATE SET assigned_at = EXCLUDED.assigned_at, assigned_by = EXCLUDED.assigned_by,
                    expires_at = EXCLUDED.expires_at
      RETURNING u.id = $1",
);

static UNASSIGN: Statement = Statement::latest(
    c"DELETE FROM auth_store.user_roles WHERE user_id = $1 AND tenant_id = $2 AND role = $3",
);

static TAKE_FROM_ALL: Statement = Statement::latest(
    c"WITH doomed AS (SELECT id, tenant_id FROM auth_store.user_roles
                       WHERE tenant_id = $1 AND role = $2 ORDER BY id FOR UPDATE)
      DELETE FROM auth_store.user_roles u USING doomed WHERE u.id = doomed.id AND u.tenant_id = doomed.tenant_id",
);

/// Gives the role; false where the user had it already, which then has the new end and giver.
pub fn assign(
    now: Timestamp,
    user_id: Option<Id>,
    role: Option<&str>,
    tenant_id: Option<&str>,
    assignment: &Assignment,
    context: &Context<'_>,
) -> Result<bool, Mistake> {
    let Assignment { expires_at, assigned_by } = *assignment;
    if expires_at.is_some_and(|end| end <= now) {
        return Err(Mistake::invalid("expires_at", "a time to come, or NULL"));
    }
    let snapshot = Snapshot::writing()?;
    let (user_id, home, tenant_id) = place(&snapshot, user_id, tenant_id)?;
    let role = given(role, "role")?;
    if let Some(giver) = assigned_by
        && user::find(&snapshot, giver)?.is_none()
    {
        return Err(Mistake::Unknown { what: "user", argument: "assigned_by" });
    }
    if !user::lock_key_share(user_id, &home, None)? {
        return Err(user::UNKNOWN);
    }
    if !hold_role(now, &snapshot, &tenant_id, role)? {
        return Err(Mistake::Unknown { what: "role", argument: "role" });
    }
    let id = Id::mint(now, user_id.bucket())?;
    let row = params![id, user_id, tenant_id.as_str(), role, now, assigned_by, expires_at];
    let fresh = ASSIGN.one(&row)?.unwrap_or(false);
    let assigned_by = assigned_by.map(|giver| giver.to_string());
    let until = expires_at.filter(|end| end.is_finite()).map(Timestamp::unix_seconds);
    let details = json!({ "assigned_by": assigned_by, "expires_at": until, "renewed": !fresh });
    record(now, "role.assigned", &tenant_id, (user_id, role), details, context)?;
    Ok(fresh)
}

/// Keeps a role from being deleted until the transaction ends, and its tenant from being erased; false if the tenant
/// has none of this name. The caller has locked the user who gets the role.
pub fn hold_role(now: Timestamp, snapshot: &Snapshot, tenant_id: &str, role: &str) -> Result<bool, Mistake> {
    built_in::ensure(now, snapshot, tenant_id)?;
    Ok(LOCK_ROLE.one(&params![tenant_id, role])?.is_some())
}

/// Takes the role away; false where the user did not have it.
fn unassign(
    now: Timestamp,
    user_id: Option<Id>,
    role: Option<&str>,
    tenant_id: Option<&str>,
    reason: Option<&str>,
    context: &Context<'_>,
) -> Result<bool, Mistake> {
    let reason = argument::optional_reason(reason)?;
    let (user_id, _, tenant_id) = place(&Snapshot::writing()?, user_id, tenant_id)?;
    let role = given(role, "role")?;
    let taken = UNASSIGN.run(&params![user_id, tenant_id.as_str(), role])? == 1;
    if taken {
        let details = json!({ "reason": reason });
        record(now, "role.unassigned", &tenant_id, (user_id, role), details, context)?;
    }
    Ok(taken)
}

/// The user with the user's own tenant, and the tenant of the role: the named one, otherwise the user's.
fn place(
    snapshot: &Snapshot,
    user_id: Option<Id>,
    tenant_id: Option<&str>,
) -> Result<(Id, String, String), Mistake> {
    let user_id = given(user_id, "user_id")?;
    let home = user::find(snapshot, user_id)?.ok_or(user::UNKNOWN)?.tenant_id;
    let tenant_id = match tenant_id {
        Some(_) => tenant::resolve(snapshot, tenant_id)?,
        None => home.clone(),
    };
    Ok((user_id, home, tenant_id))
}

/// Takes a role that is locked from all who have it; returns from how many.
pub fn take_from_all(tenant_id: &str, role: &str) -> Result<u64, Mistake> {
    TAKE_FROM_ALL.run(&params![tenant_id, role])
}

fn record(
    now: Timestamp,
    event: &str,
    tenant_id: &str,
    (user_id, role): (Id, &str),
    details: serde_json::Value,
    context: &Context<'_>,
) -> Result<(), Mistake> {
    trail::record(
        now,
        &Event {
            event,
            tenant_id,
            user_id: Some(user_id),
            resource_type: Some("role"),
            resource_id: Some(role),
            context: Some(context),
            details: Some(details),
            ..Event::default()
        },
    )?;
    Ok(())
}
