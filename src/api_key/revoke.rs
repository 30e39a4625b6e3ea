//! A key ends.

use crate::api_key::{Named, constant, record};
use crate::kernel::outcome::{Mistake, OrRaise, given};
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::value::argument;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::kernel::value::inet::Inet;
use crate::trail::Context;
use pgrx::prelude::*;
use serde_json::json;

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn api_key_revoke(
    api_key_id: Option<pgrx::Uuid>,
    reason: default!(Option<&str>, "'revoked'"),
    user_id: default!(Option<pgrx::Uuid>, "NULL"),
    client_id: default!(Option<&str>, "NULL"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> bool {
    let now = clock::now();
    let context = Context { ip, user_agent };
    let of = Named::check(user_id.map(Id::from), client_id);
    of.and_then(|of| revoke(now, api_key_id.map(Id::from), reason, of, &context)).or_raise()
}

static REVOKE: Statement = Statement::write(
    c"UPDATE auth_store.api_keys SET revoked_at = $3, revoked_reason = $4
       WHERE id = $1 AND tenant_id = $2 AND revoked_at IS NULL
         AND ($5 IS NULL OR user_id = $5) AND ($6 IS NULL OR client_id = $6)",
);

// In the order of the ids, so that two of these never wait for each other in a circle.
static REVOKE_BY_USER: Statement = Statement::latest(
    c"WITH live AS (SELECT id, tenant_id FROM auth_store.api_keys
                     WHERE user_id = $1 AND tenant_id = $2 AND revoked_at IS NULL
                       AND (expires_at IS NULL OR expires_at > $3)
                     ORDER BY id FOR NO KEY UPDATE)
      UPDATE auth_store.api_keys k SET revoked_at = $3, revoked_reason = $4
        FROM live WHERE k.id = live.id AND k.tenant_id = live.tenant_id AND k.revoked_at IS NULL",
);

/// Ends the keys of a user whose row is locked FOR UPDATE, so that no key is made meanwhile; returns how many. The
/// caller writes the audit row.
pub fn revoke_by_user(now: Timestamp, user_id: Id, tenant_id: &str, reason: &str) -> Result<u64, Mistake> {
    REVOKE_BY_USER.run(&params![user_id, tenant_id, now, reason])
}

static REVOKE_SINCE: Statement = Statement::latest(
    c"WITH live AS (SELECT id, tenant_id FROM auth_store.api_keys
                     WHERE user_id = $1 AND tenant_id = $2 AND revoked_at IS NULL AND id >= $3
                     ORDER BY id FOR NO KEY UPDATE)
      UPDATE auth_store.api_keys k SET revoked_at = $4, revoked_reason = $5
        FROM live WHERE k.id = live.id AND k.tenant_id = live.tenant_id AND k.revoked_at IS NULL",
);

/// The same of the keys that were made since a time.
pub fn revoke_since(
    since: Timestamp,
    now: Timestamp,
    user_id: Id,
    tenant_id: &str,
    reason: &str,
) -> Result<u64, Mistake> {
    REVOKE_SINCE.run(&params![user_id, tenant_id, Id::lower_bound(since), now, reason])
}

static REVOKE_BEFORE: Statement = Statement::latest(
    c"WITH live AS (SELECT id, tenant_id FROM auth_store.api_keys
                     WHERE id < $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)
                     ORDER BY id FOR NO KEY UPDATE)
      UPDATE auth_store.api_keys k SET revoked_at = $2, revoked_reason = $3
        FROM live WHERE k.id = live.id AND k.tenant_id = live.tenant_id AND k.revoked_at IS NULL",
);

/// Ends the live keys with an id before this one; returns how many.
pub fn end_before(now: Timestamp, before: Id, reason: &str) -> Result<u64, Mistake> {
    REVOKE_BEFORE.run(&params![before, now, reason])
}

static LIVES: Statement<bool> = Statement::latest(
    c"SELECT EXISTS (SELECT FROM auth_store.api_keys
                      WHERE user_id = $1 AND tenant_id = $2 AND revoked_at IS NULL
                        AND (expires_at IS NULL OR expires_at > $3))",
);

/// Whether a key of the user lives.
pub fn lives(now: Timestamp, user_id: Id, tenant_id: &str) -> Result<bool, Mistake> {
    Ok(LIVES.one(&params![user_id, tenant_id, now])?.unwrap_or(true))
}

static LIVES_SINCE_BEFORE: Statement<bool> = Statement::latest(
    c"SELECT EXISTS (SELECT FROM auth_store.api_keys
                      WHERE user_id = $1 AND tenant_id = $2 AND id < $3 AND revoked_at IS NULL)",
);

/// Whether a key of the user has not been ended that was made before a time.
pub fn lives_since_before(at: Timestamp, user_id: Id, tenant_id: &str) -> Result<bool, Mistake> {
    Ok(LIVES_SINCE_BEFORE.one(&params![user_id, tenant_id, Id::lower_bound(at)])?.unwrap_or(true))
}

static OF_USER: Statement<Id> =
    Statement::latest(c"SELECT id FROM auth_store.api_keys WHERE user_id = $1 AND tenant_id = $2");

/// The keys of a user, also those that have ended.
pub fn of_user(user_id: Id, tenant_id: &str) -> Result<Vec<Id>, Mistake> {
    OF_USER.all(&params![user_id, tenant_id])
}

fn revoke(
    now: Timestamp,
    id: Option<Id>,
    reason: Option<&str>,
    of: Named<'_>,
    context: &Context<'_>,
) -> Result<bool, Mistake> {
    let id = given(id, "api_key_id")?;
    let reason = argument::reason(reason)?;
    let key = constant(id, of)?;
    let params = params![id, key.tenant_id.as_str(), now, reason, of.user_id, of.client_id];
    let ended = REVOKE.run(&params)? == 1;
    if ended {
        let details = json!({ "reason": reason });
        record(now, "api_key.revoked", id, &key.tenant_id, key.owner()?, details, Some(context))?;
    }
    Ok(ended)
}
