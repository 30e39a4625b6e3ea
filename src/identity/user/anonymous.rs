//! Users whom nobody knows yet: made at the first visit, and named when they sign up, with the same id and all they
//! have.

use std::borrow::Cow;

use pgrx::prelude::*;
use serde_json::json;

use crate::identity::tenant;
use crate::kernel::outcome::{Mistake, OrRaise};
use crate::kernel::server::lookup::{Key, Lookup, Snapshot};
use crate::kernel::server::row::row;
use crate::kernel::server::sharded::SHARDED;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::value::argument;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::{Bucket, Id, random};
use crate::kernel::value::inet::Inet;
use crate::kernel::value::jsonb::Jsonb;
use crate::trail::{self, Context, Event};

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn user_create_anonymous(
    metadata: default!(Option<Jsonb>, "NULL"),
    id: default!(Option<pgrx::Uuid>, "NULL"),
    tenant_id: default!(Option<&str>, "NULL"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> pgrx::Uuid {
    create(clock::now(), metadata, id.map(Id::from), tenant_id, &Context { ip, user_agent }).or_raise().into()
}

static INSERT: Statement = Statement::write(
    c"INSERT INTO auth_store.users (id, tenant_id, metadata, created_at, updated_at, anonymous)
      VALUES ($1, $2, $3, $4, $4, true)
      ON CONFLICT DO NOTHING",
);

/// A bucket that is drawn may be another shard's.
const NO_ID: Mistake = Mistake::WrongState {
    message: Cow::Borrowed("an anonymous user has no name that leads to a shard"),
    hint: Cow::Borrowed("id => user_id_new() of a random name, on the shard of id_bucket() of the id"),
};

fn create(
    now: Timestamp,
    metadata: Option<Jsonb>,
    id: Option<Id>,
    tenant_id: Option<&str>,
    context: &Context<'_>,
) -> Result<Id, Mistake> {
    let tenant_id = tenant::resolve(&Snapshot::writing()?, tenant_id)?;
    let metadata = argument::document(metadata, "metadata")?;
    if !tenant::lock_key_share(&tenant_id)? {
        return Err(tenant::UNKNOWN_ID);
    }
    let id = match id {
        Some(id) => id,
        None if SHARDED.get() => return Err(NO_ID),
        None => {
            // There is no name to find them by, so that they may be anywhere: the bucket spreads them.
            let mut name = [0; 16];
            random(&mut name)?;
            Id::mint(now, Bucket::of(&[&tenant_id, &Id::from_bytes(name).to_string()]))?
        }
    };
    if INSERT.run(&params![id, tenant_id.as_str(), metadata, now])? == 0 {
        return Err(Mistake::Duplicate { what: "user", argument: "id" });
    }
    record(now, "user.created", id, &tenant_id, json!({ "anonymous": true }), context)?;
    Ok(id)
}

fn record(
    now: Timestamp,
    event: &str,
    id: Id,
    tenant_id: &str,
    details: serde_json::Value,
    context: &Context<'_>,
) -> Result<(), Mistake> {
    let details = Some(details);
    trail::record(
        now,
        &Event { event, tenant_id, user_id: Some(id), details, context: Some(context), ..Event::default() },
    )?;
    Ok(())
}

row! {
    struct Stored in users {
        anonymous: bool,
    }
}

static STORED: Lookup<Stored> = Lookup::by(c"users_id_key");

static UPGRADE: Statement = Statement::latest(
    c"UPDATE auth_store.users SET anonymous = false, updated_at = $3 WHERE id = $1 AND tenant_id = $2 AND anonymous",
);

/// A user has got a name or a credential: `by` says what. Whoever was anonymous is not any more.
pub fn upgrade(
    now: Timestamp,
    id: Id,
    tenant_id: &str,
    by: &str,
    context: &Context<'_>,
) -> Result<(), Mistake> {
    let found = STORED.find(&Snapshot::latest(), Key::Id(id))?;
    if found.is_some_and(|user| user.anonymous) && UPGRADE.run(&params![id, tenant_id, now])? == 1 {
        record(now, "user.upgraded", id, tenant_id, json!({ "by": by }), context)?;
    }
    Ok(())
}

row! {
    /// An anonymous user.
    pub struct Anonymous in users {
        pub id: Id,
        pub tenant_id: String,
        pub created_at: Timestamp,
    }
}

static NEXT: Statement<Anonymous> = Statement::write(
    c"SELECT id, tenant_id, created_at FROM auth_store.users WHERE anonymous AND id > $1 ORDER BY id LIMIT $2",
);

/// The next anonymous users behind an id, in the order of their ids.
pub fn next(after: Id, max_rows: i32) -> Result<Vec<Anonymous>, Mistake> {
    NEXT.all(&params![after, max_rows])
}

static LOCK: Statement<bool> = Statement::write(
    c"SELECT true FROM auth_store.users WHERE id = $1 AND tenant_id = $2 AND anonymous FOR UPDATE SKIP LOCKED",
);

/// Locks an anonymous user against everything that would refer to it; false if somebody holds it, or knows it by now.
pub fn lock_update(user: &Anonymous) -> Result<bool, Mistake> {
    Ok(LOCK.one(&params![user.id, user.tenant_id.as_str()])?.is_some())
}

/// Writes the audit row of an anonymous user who is purged.
pub fn record_purged(now: Timestamp, user: &Anonymous) -> Result<(), Mistake> {
    record(now, "user.purged", user.id, &user.tenant_id, json!({}), &Context::default())
}
