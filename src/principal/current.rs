//! What policies ask of the one who is behind the transaction. All are STABLE: a plan that is kept, or an index
//! condition that is made of one, asks anew in each statement. They cost some nanoseconds a row.

use std::cell::RefCell;

use pgrx::prelude::*;

use crate::identity::role::{held as roles, permission};
use crate::kernel::outcome::{Mistake, OrRaise, given};
use crate::kernel::server::cell::BackendCell;
use crate::kernel::server::kept::{Kept, Unread};
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::server::principal as held;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::principal::{self, Numbers, Principal};

#[pg_extern(stable, parallel_safe)]
fn current_user_id() -> Kept<pgrx::Uuid> {
    Kept::new((), |()| with(|principal| principal.user_id).flatten().map(uuid))
}

/// The user behind the transaction.
pub fn user_id() -> Option<Id> {
    with(|principal| principal.user_id).flatten().map(Id::from)
}

#[pg_extern(stable, parallel_safe)]
fn current_tenant_id() -> Kept<String> {
    Kept::new((), |()| with(|principal| principal.tenant_id.clone()))
}

#[pg_extern(stable, parallel_safe)]
fn current_client_id() -> Kept<String> {
    Kept::new((), |()| with(|principal| principal.client_id.clone()).flatten())
}

#[pg_extern(stable, parallel_safe)]
fn current_session_id() -> Kept<pgrx::Uuid> {
    Kept::new((), |()| with(|principal| principal.session_id).flatten().map(uuid))
}

#[pg_extern(stable, parallel_safe)]
fn current_actor_id() -> Kept<pgrx::Uuid> {
    Kept::new((), |()| with(|principal| principal.actor_id).flatten().map(uuid))
}

#[pg_extern(stable, parallel_safe)]
fn current_acr() -> Kept<String> {
    Kept::new((), |()| with(|principal| principal.acr.clone()).flatten())
}

#[pg_extern(stable, parallel_safe)]
fn current_amr() -> Kept<Vec<String>> {
    Kept::new((), |()| with(|principal| principal.amr.clone()).flatten())
}

#[pg_extern(stable, parallel_safe)]
fn current_has_scope(scope: Option<Unread<'_>>) -> Kept<bool, Option<Unread<'_>>> {
    Kept::new(scope, |scope| {
        let asked = scope.and_then(Unread::read).unwrap_or_default();
        Some(!asked.is_empty() && with(|principal| principal.has_scope(asked)).unwrap_or(false))
    })
}

#[pg_extern(stable, parallel_safe)]
fn current_has_permission(permission: Option<Unread<'_>>) -> Kept<bool, Option<Unread<'_>>> {
    Kept::new(permission, |permission| match permission.and_then(Unread::read) {
        Some(permission) => Some(has_permission(permission).or_raise()),
        None => Some(false),
    })
}

#[pg_extern(stable, parallel_safe)]
fn principal_max_age(max_age: Option<Interval>) -> bool {
    is_younger(clock::now(), max_age).or_raise()
}

#[pg_extern(stable, parallel_safe)]
fn principal_recheck() -> Kept<bool> {
    Kept::new((), |()| Some(recheck(clock::now()).or_raise()))
}

fn uuid(id: Numbers) -> pgrx::Uuid {
    Id::from(id).into()
}

/// What is known while the held text stays as it is.
struct Known {
    changes: u64,
    principal: Option<(held::Holder, Principal)>,
    /// What the user may, and the statement in which it was looked up.
    permissions: Option<(Timestamp, Permissions)>,
    /// Whether the token still works, likewise.
    stands: Option<(Timestamp, bool)>,
}

struct Permissions {
    users: Vec<String>,
    /// Those of the user who acts as the other: what is allowed, both may.
    actors: Option<Vec<String>>,
}

impl Permissions {
    fn allow(&self, asked: &str) -> bool {
        permission::allow(&self.users, asked)
            && self.actors.as_ref().is_none_or(|held| permission::allow(held, asked))
    }
}

static KNOWN: BackendCell<RefCell<Known>> =
    BackendCell::new(RefCell::new(Known { changes: 0, principal: None, permissions: None, stands: None }));

/// Asks the one who is behind the transaction; None where nobody is, or the token has ended by the time that the
/// statement began.
fn with<T>(ask: impl FnOnce(&Principal) -> T) -> Option<T> {
    let now = held::state();
    if KNOWN.borrow().changes != now.changes {
        learn(now.changes);
    }
    let known = KNOWN.borrow();
    let (holder, principal) = known.principal.as_ref()?;
    // Whether this session and transaction hold it, and its end is still to come.
    let here = *holder == now.holder && principal.expires_at.is_none_or(|end| now.statement.micros() < end);
    here.then(|| ask(principal))
}

#[cold]
fn learn(changes: u64) {
    let principal = held::held().and_then(|held| Some((held.holder, serde_json::from_str(held.text).ok()?)));
    *KNOWN.borrow_mut() = Known { changes, principal, permissions: None, stands: None };
}

/// Whether one of the permissions that the user has in this statement covers what is asked for.
fn has_permission(asked: &str) -> Result<bool, Mistake> {
    let asked = permission::asked(asked)?;
    if with(|_| ()).is_none() {
        return Ok(false);
    }
    let statement = held::state().statement;
    if let Some((of, permissions)) = &KNOWN.borrow().permissions
        && *of == statement
    {
        return Ok(permissions.allow(asked));
    }
    let whose = with(|principal| (principal.user_id, principal.actor_id, principal.tenant_id.clone()));
    let Some((Some(user_id), actor_id, tenant_id)) = whose else { return Ok(false) };
    let (now, snapshot) = (clock::now(), Snapshot::reading());
    let of = |id| roles::permissions(now, &snapshot, Id::from(id), Some(&tenant_id));
    let permissions = Permissions { users: of(user_id)?, actors: actor_id.map(of).transpose()? };
    let allowed = permissions.allow(asked);
    KNOWN.borrow_mut().permissions = Some((statement, permissions));
    Ok(allowed)
}

fn is_younger(now: Timestamp, max_age: Option<Interval>) -> Result<bool, Mistake> {
    let seconds = principal::age(given(max_age, "max_age")?)?;
    Ok(with(|principal| principal.is_younger(now, seconds)).unwrap_or(false))
}

/// Looks once a statement; whoever asks again gets the same answer.
fn recheck(now: Timestamp) -> Result<bool, Mistake> {
    if with(|_| ()).is_none() {
        return Ok(false);
    }
    let statement = held::state().statement;
    if let Some((of, stands)) = KNOWN.borrow().stands
        && of == statement
    {
        return Ok(stands);
    }
    let stands = with(|principal| principal.stands(now)).transpose()?.unwrap_or(false);
    KNOWN.borrow_mut().stands = Some((statement, stands));
    Ok(stands)
}
