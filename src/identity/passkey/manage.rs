//! The passkeys of a user, on the user's own page: list, rename, remove.

use base64::Engine;
use pgrx::iter::SetOfIterator;
use pgrx::prelude::*;
use serde_json::json;

use crate::identity::user;
use crate::kernel::outcome::{Mistake, OrRaise, given};
use crate::kernel::server::composite::composite;
use crate::kernel::server::row::row;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::value::argument;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::kernel::value::inet::Inet;
use crate::oauth::consent::access;
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
        last_used_at: Option<Timestamp>,
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
    let context = Context { ip, user_agent };
    rename(clock::now(), user_id.map(Id::from), passkey_id.map(Id::from), name, &context).or_raise();
    true
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn passkey_remove(
    user_id: Option<pgrx::Uuid>,
    passkey_id: Option<pgrx::Uuid>,
    except_session_id: default!(Option<pgrx::Uuid>, "NULL"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> Outcome {
    let context = Context { ip, user_agent };
    let except = except_session_id.map(Id::from);
    remove(clock::now(), user_id.map(Id::from), passkey_id.map(Id::from), except, &context).or_raise()
}

/// The user has no passkey of the id that the argument says.
const UNKNOWN: Mistake = Mistake::Unknown { what: "passkey", argument: "passkey_id" };

static LIST: Statement<Listed> =
    Statement::read(c"SELECT {columns} FROM auth_store.passkeys WHERE user_id = $1 ORDER BY id DESC");

fn list(user_id: Id) -> Result<Vec<PasskeyEntry>, Mistake> {
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

fn rename(
    now: Timestamp,
    user_id: Option<Id>,
    passkey_id: Option<Id>,
    name: Option<&str>,
    context: &Context<'_>,
) -> Result<(), Mistake> {
    let (user_id, passkey_id) = (given(user_id, "user_id")?, given(passkey_id, "passkey_id")?);
    let name = argument::line(given(name, "name")?, "name")?;
    let tenant_id = RENAME.one(&params![passkey_id, user_id, name])?.ok_or(UNKNOWN)?;
    record(now, "passkey.renamed", user_id, passkey_id, &tenant_id, None, context)
}

static REMOVE: Statement =
    Statement::latest(c"DELETE FROM auth_store.passkeys WHERE id = $1 AND tenant_id = $2 AND user_id = $3");

/// Ends the user's other sessions and grants too: who removes a passkey may have lost it.
fn remove(
    now: Timestamp,
    user_id: Option<Id>,
    passkey_id: Option<Id>,
    except_session: Option<Id>,
    context: &Context<'_>,
) -> Result<Outcome, Mistake> {
    let (user_id, passkey_id) = (given(user_id, "user_id")?, given(passkey_id, "passkey_id")?);
    let tenant_id = user::tenant_of(user_id)?;
    let ended = access::end_access(now, user_id, &tenant_id, except_session, "factor_removed")?;
    if REMOVE.run(&params![passkey_id, tenant_id.as_str(), user_id])? == 0 {
        return Err(UNKNOWN);
    }
    let details = json!({ "kind": "passkey", "ended": ended.details() });
    record(now, "factor.removed", user_id, passkey_id, &tenant_id, Some(details), context)?;
    Ok(Outcome::default())
}

fn record(
    now: Timestamp,
    event: &str,
    user_id: Id,
    passkey_id: Id,
    tenant_id: &str,
    details: Option<serde_json::Value>,
    context: &Context<'_>,
) -> Result<(), Mistake> {
    let resource_id = passkey_id.to_string();
    trail::record(
        now,
        &Event {
            event,
            tenant_id,
            user_id: Some(user_id),
            resource_type: Some("passkey"),
            resource_id: Some(&resource_id),
            details,
            context: Some(context),
            ..Event::default()
        },
    )?;
    Ok(())
}
