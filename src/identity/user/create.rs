//! Making users, with the names that they are found by.
//!
//! Lock order: the tenant, the user, then the user's names in the order of their kinds, so that two calls that want the
//! same names wait for each other in no circle.

use std::borrow::Cow;

use pgrx::prelude::*;

use crate::identity::tenant;
use crate::identity::user::elsewhere::{self, ClaimKey};
use crate::identity::user::name::{Kind, Name};
use crate::identity::user::names;
use crate::kernel::outcome::{Answer, ErrorCode, Mistake, OrRaise, Refusal, given};
use crate::kernel::server::composite::composite;
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::value::argument;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::{Bucket, Id};
use crate::kernel::value::inet::Inet;
use crate::kernel::value::jsonb::Jsonb;
use crate::trail::{self, Context, Event};

composite! {
    /// What user_create() returns.
    pub struct UserRegistration = "auth_store.user_registration" {
        pub user_id: Option<Id>,
        pub error: Option<&'static str>,
        pub error_description: Option<String>,
        pub retry_after: Option<i32>,
    }
    refused { error, error_description, retry_after }
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn user_ensure(
    external_id: Option<&str>,
    tenant_id: default!(Option<&str>, "NULL"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> pgrx::Uuid {
    ensure(clock::now(), external_id, tenant_id, &Context { ip, user_agent }).or_raise().into()
}

/// The arguments of user_create().
pub struct NewUser<'a> {
    pub id: Option<Id>,
    pub email: Option<&'a str>,
    pub external_id: Option<&'a str>,
    pub first_name: Option<&'a str>,
    pub last_name: Option<&'a str>,
    pub metadata: Option<Jsonb>,
    pub tenant_id: Option<&'a str>,
}

/// A user's row.
struct NewRow<'a> {
    id: Id,
    tenant_id: &'a str,
    first_name: Option<&'a str>,
    last_name: Option<&'a str>,
    metadata: Jsonb,
}

/// What a user's row and names come to.
enum Made {
    /// They are there.
    Whole,
    /// Another user has the id.
    IdTaken,
    /// Another user has got one of the names meanwhile. Nothing is there.
    Overtaken,
}

static INSERT: Statement = Statement::write(
    c"INSERT INTO auth_store.users
        (id, tenant_id, email, external_id, first_name, last_name, metadata, created_at, updated_at)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)
      ON CONFLICT DO NOTHING",
);

static TAKE_BACK: Statement =
    Statement::write(c"DELETE FROM auth_store.users WHERE id = $1 AND tenant_id = $2");

/// Makes a user with names that nobody had a moment ago. Whoever is making one of them is waited for.
fn insert(now: Timestamp, row: NewRow<'_>, given: &[Name<'_>]) -> Result<Made, Mistake> {
    let shown = |kind| given.iter().find(|name| name.kind == kind).map(|name| name.text);
    let inserted = INSERT.run(&params![
        row.id,
        row.tenant_id,
        shown(Kind::Email),
        shown(Kind::External),
        row.first_name,
        row.last_name,
        row.metadata,
        now
    ])?;
    if inserted == 0 {
        return Ok(Made::IdTaken);
    }
    for name in given {
        if !names::insert(now, row.id, row.tenant_id, name)? {
            TAKE_BACK.run(&params![row.id, row.tenant_id])?;
            return Ok(Made::Overtaken);
        }
    }
    Ok(Made::Whole)
}

/// Makes a user.
pub fn create(now: Timestamp, user: NewUser<'_>, context: &Context<'_>) -> Answer<Id> {
    let tenant_id = tenant::resolve(&Snapshot::writing()?, user.tenant_id)?;
    let external = user.external_id.map(names::external).transpose()?;
    let first_name = argument::optional_line(user.first_name, "first_name")?;
    let last_name = argument::optional_line(user.last_name, "last_name")?;
    let metadata = argument::document(user.metadata, "metadata")?;
    let email = user.email.map(|email| Name::read(Kind::Email, email));
    let outcome = if matches!(email, Some(None)) {
        Err(Refusal::new(ErrorCode::InvalidRequest, Kind::Email.accepted()))
    } else if !tenant::lock_key_share(&tenant_id)? {
        return Err(tenant::UNKNOWN_ID);
    } else {
        let given: Vec<_> = email.flatten().into_iter().chain(external).collect();
        let id = match user.id {
            Some(id) => id,
            None => Id::mint(now, bucket(&tenant_id, &given))?,
        };
        loop {
            if let Some(taken) = taken(now, &tenant_id, &given, id)? {
                break Err(taken);
            }
            let row = NewRow { id, tenant_id: &tenant_id, first_name, last_name, metadata: metadata.clone() };
            match insert(now, row, &given)? {
                Made::Whole => break Ok(id),
                Made::IdTaken => return Err(Mistake::Duplicate { what: "user", argument: "id" }),
                Made::Overtaken => {
                    pgrx::check_for_interrupts!();
                }
            }
        }
    };
    record_created(now, &tenant_id, &outcome, context)?;
    Ok(outcome)
}

/// The answer to who may not be made a user, with the row of the trail.
pub fn refuse(now: Timestamp, tenant_id: &str, refusal: Refusal, context: &Context<'_>) -> Answer<Id> {
    let outcome = Err(refusal);
    record_created(now, tenant_id, &outcome, context)?;
    Ok(outcome)
}

/// The bucket of a user, by which a router finds the user's database: that of the first name, for life.
fn bucket(tenant_id: &str, given: &[Name<'_>]) -> Bucket {
    match given.first() {
        Some(first) => first.bucket(tenant_id),
        None => Bucket::of(&[tenant_id]),
    }
}

/// What is said where one of the names is another user's. A taken address is a refusal to the end user; a taken
/// external key is a mistake of the calling program.
fn taken(now: Timestamp, tenant_id: &str, given: &[Name<'_>], id: Id) -> Result<Option<Refusal>, Mistake> {
    let snapshot = Snapshot::writing()?;
    for name in given {
        let key = || ClaimKey::of_name(tenant_id, name);
        if names::find(&snapshot, tenant_id, name)?.is_none()
            && elsewhere::of_other(now, key, Some(id))?.is_none()
        {
            continue;
        }
        return match name.kind {
            Kind::External => Err(Mistake::Duplicate { what: "user", argument: "external_id" }),
            _ => Ok(Some(names::taken(name.kind))),
        };
    }
    Ok(None)
}

/// Whether there will be a user is decided on another shard.
const PENDING: Mistake = Mistake::WrongState {
    message: Cow::Borrowed("a user of another shard is getting this \"external_id\""),
    hint: Cow::Borrowed("call again in a moment, or after user_name_claim() has lapsed"),
};

fn ensure(
    now: Timestamp,
    external_id: Option<&str>,
    tenant_id: Option<&str>,
    context: &Context<'_>,
) -> Result<Id, Mistake> {
    let tenant_id = tenant::resolve(&Snapshot::writing()?, tenant_id)?;
    let given = [names::external(given(external_id, "external_id")?)?];
    // If another session makes the user first, the insert waits for it and does nothing, and the next look finds that
    // user, unless it is gone again. A user who was there stays unlocked.
    loop {
        if let Some(id) = names::find(&Snapshot::writing()?, &tenant_id, &given[0])? {
            return Ok(id);
        }
        let key = || ClaimKey::of_name(&tenant_id, &given[0]);
        if let Some(claim) = elsewhere::of_other(now, key, None)? {
            return if claim.pending_until.is_none() { Ok(claim.user_id) } else { Err(PENDING) };
        }
        if !tenant::lock_key_share(&tenant_id)? {
            return Err(tenant::UNKNOWN_ID);
        }
        let id = Id::mint(now, bucket(&tenant_id, &given))?;
        let row = NewRow {
            id,
            tenant_id: &tenant_id,
            first_name: None,
            last_name: None,
            metadata: Jsonb::empty_object(),
        };
        if let Made::Whole = insert(now, row, &given)? {
            record_created(now, &tenant_id, &Ok(id), context)?;
            return Ok(id);
        }
        pgrx::check_for_interrupts!();
    }
}

fn record_created(
    now: Timestamp,
    tenant_id: &str,
    outcome: &Result<Id, Refusal>,
    context: &Context<'_>,
) -> Result<(), Mistake> {
    trail::record(
        now,
        &Event {
            event: "user.created",
            tenant_id,
            user_id: outcome.as_ref().ok().copied(),
            error: outcome.as_ref().err().map(|refusal| refusal.code),
            context: Some(context),
            ..Event::default()
        },
    )?;
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::bucket;
    use crate::identity::user::name::{Kind, Name};
    use crate::kernel::value::id::Bucket;

    #[test]
    fn a_bucket_follows_the_first_name() {
        let email = || Name::read(Kind::Email, "Ann@example.com").unwrap();
        let external = || Name::read(Kind::External, "7").unwrap();
        assert!(bucket("t", &[email(), external()]) == Bucket::of(&["t", "ann@example.com"]));
        assert!(bucket("t", &[external()]) == Bucket::of(&["t", "7"]));
        assert!(bucket("t", &[]) == Bucket::of(&["t"]));
    }
}
