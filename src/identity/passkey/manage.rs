//! The passkeys of a user, on the user's own page: list, rename, remove.

use base64::Engine;
use pgrx::iter::SetOfIterator;
use pgrx::prelude::*;
use serde_json::json;

use crate::identity::mfa::last;
use crate::identity::session::revoke;
use crate::identity::user;
use crate::kernel::outcome::{Answer, Mistake, OrRaise, given};
use crate::kernel::server::composite::composite;
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::server::row::row;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::value::argument;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::kernel::value::inet::Inet;
use crate::rfc::webauthn::BASE64URL;
use crate::trail::refused::Outcome;
use crate::trail::{self, Context, Event};

composite! {
    /// A row of passkey_list().
    pub struct PasskeyEntry = "auth_store.passkey_entry" {
        pub passkey_id: Option<Id>,
        pub created_at: Option<Timestamp>,
        pub name: Option<String>,
        pub credential_id: Option<String>,
        pub rest: Rest,
    }
}

row! {
    struct Listed {
        id: Id,
        name: Option<String>,
        credential_id: Vec<u8>,
        rest: Rest,
    }
}

row! {
    /// What is shown of a passkey as it is stored.
    pub struct Rest {
        pub last_used_at: Option<Timestamp>,
        user_verified: Option<bool>,
        backup_eligible: Option<bool>,
        backed_up: Option<bool>,
        transports: Option<Vec<String>>,
        aaguid: Option<Id>,
        attestation_format: Option<String>,
        algorithm: Option<i32>,
        rp_id: Option<String>,
        sign_count: Option<i64>,
        clone_suspected_at: Option<Timestamp>,
    }
    returned
}

#[pg_extern(stable, parallel_safe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn passkey_list(user_id: Option<pgrx::Uuid>) -> SetOfIterator<'static, PasskeyEntry> {
    SetOfIterator::new(given(user_id, "user_id").and_then(|user_id| list(user_id.into())).or_raise())
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn passkey_rename(
    user_id: Option<pgrx::Uuid>,
    passkey_id: Option<pgrx::Uuid>,
    name: Option<&str>,
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> bool {
    let run = || {
        let (user_id, passkey_id) =
            (given(user_id, "user_id")?.into(), given(passkey_id, "passkey_id")?.into());
        let name = argument::line(given(name, "name")?, "name")?;
        let found = rename(clock::now(), user_id, passkey_id, name, &Context { ip, user_agent })?;
        if found { Ok(true) } else { Err(UNKNOWN) }
    };
    run().or_raise()
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn passkey_remove(
    user_id: Option<pgrx::Uuid>,
    passkey_id: Option<pgrx::Uuid>,
    last: default!(Option<bool>, false),
    except_session_id: default!(Option<pgrx::Uuid>, "NULL"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> Outcome {
    let run = || {
        let (user_id, passkey_id) =
            (given(user_id, "user_id")?.into(), given(passkey_id, "passkey_id")?.into());
        let removal = Removal { asked: last == Some(true), except_session: except_session_id.map(Id::from) };
        remove(clock::now(), user_id, passkey_id, &removal, &Context { ip, user_agent })
    };
    run().or_raise().into()
}

/// The user has no passkey of the id that the argument says.
const UNKNOWN: Mistake = Mistake::Unknown { what: "passkey", argument: "passkey_id" };

static HAS_ANY: Statement<bool> = Statement::latest(
    c"SELECT EXISTS (SELECT FROM auth_store.passkeys WHERE user_id = $1 AND tenant_id = $2)",
);

/// Whether the user has a passkey.
pub fn has_any(user_id: Id, tenant_id: &str) -> Result<bool, Mistake> {
    Ok(HAS_ANY.one(&params![user_id, tenant_id])?.unwrap_or(false))
}

static DROP_BEFORE: Statement = Statement::latest(
    c"DELETE FROM auth_store.passkeys WHERE user_id = $1 AND tenant_id = $2 AND ($3 IS NULL OR id < $3)",
);

/// Drops the passkeys of a user who is locked that were registered before a time, or all; returns how many.
pub fn drop_before(before: Option<Timestamp>, user_id: Id, tenant_id: &str) -> Result<u64, Mistake> {
    DROP_BEFORE.run(&params![user_id, tenant_id, before.map(Id::lower_bound)])
}

static DROP_SINCE: Statement =
    Statement::latest(c"DELETE FROM auth_store.passkeys WHERE user_id = $1 AND tenant_id = $2 AND id >= $3");

/// Drops the passkeys of a user who is locked that were registered since a time; returns how many.
pub fn drop_since(since: Timestamp, user_id: Id, tenant_id: &str) -> Result<u64, Mistake> {
    DROP_SINCE.run(&params![user_id, tenant_id, Id::lower_bound(since)])
}

static LIST: Statement<Listed> =
    Statement::read(c"SELECT {columns} FROM auth_store.passkeys WHERE user_id = $1 ORDER BY id DESC");

/// The passkeys of a user, the newest first.
pub fn list(user_id: Id) -> Result<Vec<PasskeyEntry>, Mistake> {
    let entry = |Listed { id, name, credential_id, rest }| PasskeyEntry {
        passkey_id: Some(id),
        created_at: Some(id.time()),
        name,
        credential_id: Some(BASE64URL.encode(credential_id)),
        rest,
    };
    Ok(LIST.all(&params![user_id])?.into_iter().map(entry).collect())
}

static RENAME: Statement<String> = Statement::write(
    c"UPDATE auth_store.passkeys SET name = $3 WHERE id = $1 AND user_id = $2 RETURNING tenant_id",
);

/// Gives a passkey of a user another name; false if the user has no such passkey.
pub fn rename(
    now: Timestamp,
    user_id: Id,
    passkey_id: Id,
    name: &str,
    context: &Context<'_>,
) -> Result<bool, Mistake> {
    let Some(tenant_id) = RENAME.one(&params![passkey_id, user_id, name])? else { return Ok(false) };
    let event = Event { event: "passkey.renamed", ..Event::default() };
    record(now, event, user_id, passkey_id, &tenant_id, context)?;
    Ok(true)
}

static COUNT: Statement<i64> =
    Statement::latest(c"SELECT count(*) FROM auth_store.passkeys WHERE user_id = $1 AND tenant_id = $2");

/// The number of passkeys of a user.
pub fn count(user_id: Id, tenant_id: &str) -> Result<i64, Mistake> {
    Ok(COUNT.one(&params![user_id, tenant_id])?.unwrap_or(0))
}

static COUNT_READ: Statement<i64> =
    Statement::read(c"SELECT count(*) FROM auth_store.passkeys WHERE user_id = $1 AND tenant_id = $2");

/// The same as the calling query sees it, also on a standby.
pub fn count_read(user_id: Id, tenant_id: &str) -> Result<i64, Mistake> {
    Ok(COUNT_READ.one(&params![user_id, tenant_id])?.unwrap_or(0))
}

static REMOVE: Statement<Id> = Statement::latest(
    c"DELETE FROM auth_store.passkeys WHERE user_id = $1 AND tenant_id = $2 AND ($3 IS NULL OR id = $3)
      RETURNING id",
);

/// Removes every passkey of a user who has lost them; their ids. The caller has locked the user.
pub fn remove_all(user_id: Id, tenant_id: &str) -> Result<Vec<Id>, Mistake> {
    REMOVE.all(&params![user_id, tenant_id, None::<Id>])
}

/// How a passkey is to be removed.
pub struct Removal {
    /// Though it is the user's last factor.
    pub asked: bool,
    /// The session that does not end.
    pub except_session: Option<Id>,
}

/// Ends the user's other sessions too: who removes a passkey may have lost it.
pub fn remove(
    now: Timestamp,
    user_id: Id,
    passkey_id: Id,
    removal: &Removal,
    context: &Context<'_>,
) -> Answer<()> {
    let tenant_id = user::tenant_of(user_id)?;
    revoke::check_except(&Snapshot::writing()?, removal.except_session, user_id)?;
    user::lock_update(user_id, &tenant_id)?;
    if !exists(passkey_id, &tenant_id, user_id)? {
        return Err(UNKNOWN);
    }
    let left = last::apps(user_id, &tenant_id)? + count(user_id, &tenant_id)? - 1;
    let step = |details, error| {
        let event = Event { event: "factor.removed", details: Some(details), error, ..Event::default() };
        record(now, event, user_id, passkey_id, &tenant_id, context)
    };
    if let Err(refusal) = last::may_go(&tenant_id, left, removal.asked)? {
        step(json!({ "kind": "passkey" }), Some(refusal.code))?;
        return Ok(Err(refusal));
    }
    let ended = last::end_with(now, user_id, &tenant_id, left, removal.except_session)?;
    REMOVE.all(&params![user_id, tenant_id.as_str(), Some(passkey_id)])?;
    step(json!({ "kind": "passkey", "ended": ended }), None)?;
    Ok(Ok(()))
}

static EXISTS: Statement<bool> = Statement::latest(
    c"SELECT EXISTS (SELECT FROM auth_store.passkeys WHERE id = $1 AND tenant_id = $2 AND user_id = $3)",
);

/// Whether the user has a passkey of this id.
pub fn exists(id: Id, tenant_id: &str, user_id: Id) -> Result<bool, Mistake> {
    Ok(EXISTS.one(&params![id, tenant_id, user_id])?.unwrap_or(false))
}

fn record(
    now: Timestamp,
    event: Event<'_>,
    user_id: Id,
    passkey_id: Id,
    tenant_id: &str,
    context: &Context<'_>,
) -> Result<(), Mistake> {
    let resource_id = passkey_id.to_string();
    trail::record(
        now,
        &Event {
            tenant_id,
            user_id: Some(user_id),
            resource_type: Some("passkey"),
            resource_id: Some(&resource_id),
            context: Some(context),
            ..event
        },
    )?;
    Ok(())
}
