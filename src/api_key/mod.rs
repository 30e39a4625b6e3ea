//! API keys: long-lived secrets of a user or a client, with a scope, an end, networks and a rate limit.
//!
//! A key is one row for life. Its text names the row, so a rotation replaces the digest and keeps the one
//! before until the end of the overlap. Keys of other stores are in `import.rs`, their verification in
//! `verify.rs`.

pub mod import;
pub mod list;
pub mod verify;

use pgrx::prelude::*;
use serde_json::json;

use crate::identity::{tenant, user};
use crate::kernel::crypto::token_text::{self, Digest, Kind, Minted};
use crate::kernel::outcome::{Mistake, OrRaise, given};
use crate::kernel::server::batch::{Batch, delete_ended};
use crate::kernel::server::lookup::{Key, Lookup, View};
use crate::kernel::server::row::composite;
use crate::kernel::server::settings;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::{Bucket, Id};
use crate::kernel::value::inet::{Cidrs, Inet, Inets};
use crate::kernel::value::jsonb::Jsonb;
use crate::kernel::value::{argument, interval};
use crate::oauth::client;
use crate::rfc::scope;
use crate::trail::{self, Context, Event};

composite! {
    /// A key's text, which only this answer has.
    pub struct ApiKeySecret = "auth_store.api_key_secret" {
        pub api_key_id: Option<Id>,
        pub api_key: Option<String>,
    }
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn api_key_create(
    name: Option<&str>,
    user_id: default!(Option<pgrx::Uuid>, "NULL"),
    client_id: default!(Option<&str>, "NULL"),
    scope: default!(Option<&str>, "NULL"),
    expires_at: default!(Option<TimestampWithTimeZone>, "NULL"),
    prefix: default!(Option<&str>, "NULL"),
    allowed_cidrs: default!(Option<Inets>, "NULL"),
    rate_limit_per_hour: default!(Option<i32>, "NULL"),
    metadata: default!(Option<Jsonb>, "NULL"),
    tenant_id: default!(Option<&str>, "NULL"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> ApiKeySecret {
    let now = clock::now();
    let given = Given {
        name,
        user_id: user_id.map(Id::from),
        client_id,
        scope,
        expires_at: expires_at.map(Timestamp::from),
        prefix,
        allowed_cidrs,
        rate_limit_per_hour,
        metadata,
        tenant_id,
    };
    create(now, given, &Context { ip, user_agent }).or_raise()
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn api_key_rotate(
    api_key_id: Option<pgrx::Uuid>,
    overlap: default!(Option<Interval>, "'0'"),
    user_id: default!(Option<pgrx::Uuid>, "NULL"),
    client_id: default!(Option<&str>, "NULL"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> ApiKeySecret {
    let now = clock::now();
    let context = Context { ip, user_agent };
    let of = Named::check(user_id.map(Id::from), client_id);
    of.and_then(|of| rotate(now, api_key_id.map(Id::from), overlap, of, &context)).or_raise()
}

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

/// What the creator of a key chooses.
struct Given<'a> {
    name: Option<&'a str>,
    user_id: Option<Id>,
    client_id: Option<&'a str>,
    scope: Option<&'a str>,
    expires_at: Option<Timestamp>,
    prefix: Option<&'a str>,
    allowed_cidrs: Option<Inets>,
    rate_limit_per_hour: Option<i32>,
    metadata: Option<Jsonb>,
    tenant_id: Option<&'a str>,
}

/// A new key, checked, whose owner stays until the transaction ends.
struct New<'a> {
    tenant_id: String,
    tenant_suspended: bool,
    owner: Owner<'a>,
    name: &'a str,
    scope: String,
    expires_at: Option<Timestamp>,
    prefix: &'a str,
    allowed_cidrs: Option<Cidrs>,
    rate_limit_per_hour: Option<i32>,
    metadata: Jsonb,
}

/// Whose key it is. One that belonged to both would have two who can end it and two log-ins to follow.
#[derive(Clone, Copy)]
enum Owner<'a> {
    User(Id),
    Client(&'a str),
}

impl<'a> Owner<'a> {
    fn of(user_id: Option<Id>, client_id: Option<&'a str>) -> Result<Self, Mistake> {
        match (user_id, client_id) {
            (Some(user_id), None) => Ok(Self::User(user_id)),
            (None, Some(client_id)) => Ok(Self::Client(client_id)),
            _ => Err(Mistake::invalid("user_id", ONE_OWNER)),
        }
    }

    fn user_id(self) -> Option<Id> {
        if let Self::User(id) = self { Some(id) } else { None }
    }

    fn client_id(self) -> Option<&'a str> {
        if let Self::Client(id) = self { Some(id) } else { None }
    }

    fn bucket(self) -> Bucket {
        match self {
            Self::User(id) => id.bucket(),
            Self::Client(id) => Bucket::of(&[id]),
        }
    }

    /// The owner's tenant; an explicit one must be the same.
    fn tenant(self, view: &View, tenant_id: Option<&str>) -> Result<String, Mistake> {
        let (found, unknown) = match self {
            Self::User(id) => (
                user::find(view, id)?.map(|user| user.tenant_id),
                Mistake::Unknown { what: "user", argument: "user_id" },
            ),
            Self::Client(id) => (
                client::find(view, id)?.map(|client| client.tenant_id),
                Mistake::Unknown { what: "client", argument: "client_id" },
            ),
        };
        let explicit = tenant_id.map(|_| tenant::resolve(view, tenant_id)).transpose()?;
        match found {
            Some(tenant) if explicit.is_none_or(|explicit| explicit == tenant) => Ok(tenant),
            _ => Err(unknown),
        }
    }

    /// Keeps the owner from being deleted until the transaction ends.
    fn hold(self, tenant_id: &str) -> Result<(), Mistake> {
        let (held, unknown) = match self {
            Self::User(id) => (
                user::lock_key_share(id, tenant_id, None)?,
                Mistake::Unknown { what: "user", argument: "user_id" },
            ),
            Self::Client(id) => (
                client::lock_key_share(id, tenant_id, None)?,
                Mistake::Unknown { what: "client", argument: "client_id" },
            ),
        };
        if held { Ok(()) } else { Err(unknown) }
    }
}

/// Whose a key must be that an argument names: of one of them or, where neither is given, anybody's.
#[derive(Clone, Copy)]
struct Named<'a> {
    user_id: Option<Id>,
    client_id: Option<&'a str>,
}

impl<'a> Named<'a> {
    fn check(user_id: Option<Id>, client_id: Option<&'a str>) -> Result<Self, Mistake> {
        if user_id.is_some() && client_id.is_some() {
            return Err(Mistake::invalid("user_id", ONE_OWNER));
        }
        Ok(Self { user_id, client_id })
    }
}

const ONE_OWNER: &str = "either user_id or client_id: a key has one owner";
const MAX_CIDRS: usize = 100;
const NETWORKS: Mistake = Mistake::invalid(
    "allowed_cidrs",
    "at most 100 networks, none of them NULL or with bits set behind its mask: 10.0.0.0/8, not 10.0.0.1/8",
);

impl<'a> New<'a> {
    fn check(given_members: Given<'a>) -> Result<Self, Mistake> {
        let view = View::writing()?;
        let name = argument::line(given(given_members.name, "name")?, "name")?;
        let owner = Owner::of(given_members.user_id, given_members.client_id)?;
        let tenant_id = owner.tenant(&view, given_members.tenant_id)?;
        drop(view);
        let scope = key_scope(given_members.scope.unwrap_or_default())?;
        let prefix = given_members.prefix.unwrap_or(Kind::ApiKey.prefix());
        if !token_text::is_api_key_prefix(prefix) {
            let accepted = "1 to 32 letters, digits, _ and -, the last of them _, and not the prefix of another kind of token";
            return Err(Mistake::invalid("prefix", accepted));
        }
        let allowed_cidrs = match given_members.allowed_cidrs {
            Some(list) if list.count() > MAX_CIDRS => return Err(NETWORKS),
            Some(list) if list.count() > 0 => Some(list.networks().ok_or(NETWORKS)?),
            _ => None,
        };
        if given_members.rate_limit_per_hour.is_some_and(|limit| limit < 1) {
            return Err(Mistake::invalid("rate_limit_per_hour", "1 or more"));
        }
        let metadata = argument::document(given_members.metadata, "metadata")?;
        let tenant_suspended = tenant::lock_share(&tenant_id)?
            .ok_or(Mistake::Unknown { what: "tenant", argument: "tenant_id" })?;
        owner.hold(&tenant_id)?;
        Ok(Self {
            tenant_id,
            tenant_suspended,
            owner,
            name,
            scope,
            expires_at: given_members.expires_at,
            prefix,
            allowed_cidrs,
            rate_limit_per_hour: given_members.rate_limit_per_hour,
            metadata,
        })
    }
}

/// Scope tokens, of which `*` and what ends with `:*` are wildcards. An asterisk elsewhere would look like one.
fn key_scope(text: &str) -> Result<String, Mistake> {
    match scope::parse(text) {
        Some(scope) if scope.wildcards_are_plain() => Ok(scope.text()),
        _ => Err(Mistake::invalid(
            "scope",
            "scope tokens of RFC 6749 section 3.3; an asterisk stands alone or last, behind a colon",
        )),
    }
}

static INSERT: Statement = Statement::write(
    c"INSERT INTO auth_store.api_keys (id, tenant_id, tenant_suspended, user_id, client_id, digest, start, name,
             scope, expires_at, prefix, allowed_cidrs, rate_limit_per_hour, metadata)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
);

/// Stores a key and writes its audit row.
fn insert(
    now: Timestamp,
    id: Id,
    digest: &Digest,
    start: Option<&str>,
    event: &str,
    new: New<'_>,
    context: Option<&Context<'_>>,
) -> Result<(), Mistake> {
    INSERT.run(&params![
        id,
        new.tenant_id.as_str(),
        new.tenant_suspended,
        new.owner.user_id(),
        new.owner.client_id(),
        digest.as_slice(),
        start,
        new.name,
        new.scope.as_str(),
        new.expires_at,
        new.prefix,
        new.allowed_cidrs,
        new.rate_limit_per_hour,
        new.metadata,
    ])?;
    record(
        now,
        event,
        id,
        &new.tenant_id,
        new.owner,
        json!({ "name": new.name, "scope": new.scope }),
        context,
    )
}

fn create(now: Timestamp, given_members: Given<'_>, context: &Context<'_>) -> Result<ApiKeySecret, Mistake> {
    if given_members.expires_at.is_some_and(|end| end <= now) {
        return Err(Mistake::invalid("expires_at", "a time to come"));
    }
    let new = New::check(given_members)?;
    let minted = token_text::mint_for(new.prefix, Id::mint(now, new.owner.bucket())?)?;
    let start = token_text::api_key_start(new.prefix, &minted.text);
    insert(now, minted.id, &minted.digest, Some(start), "api_key.created", new, Some(context))?;
    Ok(handed_out(minted))
}

fn handed_out(mut minted: Minted) -> ApiKeySecret {
    ApiKeySecret { api_key_id: Some(minted.id), api_key: Some(std::mem::take(&mut *minted.text)) }
}

/// What a change of a key needs to know beforehand: what never changes.
struct Constant {
    tenant_id: String,
    prefix: String,
    user_id: Option<Id>,
    client_id: Option<String>,
}

impl Constant {
    fn owner(&self) -> Result<Owner<'_>, Mistake> {
        Owner::of(self.user_id, self.client_id.as_deref())
    }

    fn is_of(&self, named: Named<'_>) -> bool {
        argument::is_of(self.user_id, named.user_id)
            && argument::is_of(self.client_id.as_deref(), named.client_id)
    }
}

static CONSTANT: Lookup =
    Lookup::new(c"api_keys", c"api_keys_pkey", &[c"tenant_id", c"prefix", c"user_id", c"client_id"]);

const UNKNOWN: Mistake = Mistake::Unknown { what: "API key", argument: "api_key_id" };

/// Another's is answered as one that is not there, before it is waited for.
fn constant(id: Id, of: Named<'_>) -> Result<Constant, Mistake> {
    let found = CONSTANT.find(&View::writing()?, Key::Id(id), |row| {
        Some(Constant {
            tenant_id: row.get(0)?,
            prefix: row.get(1)?,
            user_id: row.get(2),
            client_id: row.get(3),
        })
    })?;
    found.filter(|key| key.is_of(of)).ok_or(UNKNOWN)
}

// Of several rotations at once each takes the place of the one before it: two secrets live at most.
static ROTATE: Statement = Statement::write(
    c"UPDATE auth_store.api_keys
         SET previous_digest = CASE WHEN $5 IS NOT NULL THEN digest END, previous_expires_at = $5,
             digest = $3, start = $6, rotated_at = $4
       WHERE id = $1 AND tenant_id = $2 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $4)
         AND ($7 IS NULL OR user_id = $7) AND ($8 IS NULL OR client_id = $8)",
);

const MAX_OVERLAP: i64 = 365 * 86_400;

fn rotate(
    now: Timestamp,
    id: Option<Id>,
    overlap: Option<Interval>,
    of: Named<'_>,
    context: &Context<'_>,
) -> Result<ApiKeySecret, Mistake> {
    let id = given(id, "api_key_id")?;
    let overlap = interval::seconds(overlap, 0, 0..=MAX_OVERLAP, "overlap", "0 to 365 days")?;
    let key = constant(id, of)?;
    let minted = token_text::mint_for(&key.prefix, id)?;
    let start = token_text::api_key_start(&key.prefix, &minted.text);
    let previous_end = (overlap > 0).then(|| now.plus_seconds(overlap));
    let tenant_id = key.tenant_id.as_str();
    let digest = minted.digest.as_slice();
    if ROTATE.run(&params![id, tenant_id, digest, now, previous_end, start, of.user_id, of.client_id])? == 0 {
        // Its owner may have been deleted while the statement waited.
        constant(id, of)?;
        return Err(Mistake::WrongState {
            message: "the API key is revoked or has expired".into(),
            hint: "Create a new one.".into(),
        });
    }
    import::forget_replaced(id, tenant_id)?;
    let details = json!({ "overlap_seconds": overlap });
    record(now, "api_key.rotated", id, tenant_id, key.owner()?, details, Some(context))?;
    Ok(handed_out(minted))
}

static REVOKE: Statement = Statement::write(
    c"UPDATE auth_store.api_keys SET revoked_at = $3, revoked_reason = $4
       WHERE id = $1 AND tenant_id = $2 AND revoked_at IS NULL
         AND ($5 IS NULL OR user_id = $5) AND ($6 IS NULL OR client_id = $6)",
);

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

fn record(
    now: Timestamp,
    event: &str,
    id: Id,
    tenant_id: &str,
    owner: Owner<'_>,
    details: serde_json::Value,
    context: Option<&Context<'_>>,
) -> Result<(), Mistake> {
    let id = id.to_string();
    trail::record(
        now,
        &Event {
            event,
            tenant_id,
            client_id: owner.client_id(),
            user_id: owner.user_id(),
            resource_type: Some("api_key"),
            resource_id: Some(&id),
            context,
            details: Some(details),
            ..Event::default()
        },
    )?;
    Ok(())
}

static SET_TENANT_SUSPENDED: Statement = Statement::write(
    c"UPDATE auth_store.api_keys SET tenant_suspended = $2 WHERE tenant_id = $1 AND tenant_suspended <> $2",
);

/// Copies a tenant's suspension to its keys, so that verifying one reads no tenant.
pub fn set_tenant_suspended(tenant_id: &str, suspended: bool) -> Result<(), Mistake> {
    SET_TENANT_SUSPENDED.run(&params![tenant_id, suspended])?;
    Ok(())
}

static ERASE_BY_CLIENT: Statement =
    Statement::latest(c"DELETE FROM auth_store.api_keys WHERE client_id = $1");

/// Deletes the keys of a client that is being deleted.
pub fn erase_by_client(client_id: &str) -> Result<u64, Mistake> {
    ERASE_BY_CLIENT.run(&params![client_id])
}

static ERASE_TENANT: Statement = Statement::latest(c"DELETE FROM auth_store.api_keys WHERE tenant_id = $1");

/// Deletes the keys of a tenant.
pub fn erase_tenant(tenant_id: &str) -> Result<u64, Mistake> {
    Ok(import::erase_tenant(tenant_id)? + ERASE_TENANT.run(&params![tenant_id])?)
}

static DELETE_ENDED: Statement =
    delete_ended!(sparse "auth_store.api_keys", "LEAST(expires_at, revoked_at) <= $3");

/// Deletes keys of a batch that ended longer ago than the retention of grants.
pub fn cleanup_batch(now: Timestamp, after: Option<Id>, size: i32) -> Result<Batch, Mistake> {
    Batch::run(&DELETE_ENDED, after, size, params![now.plus_seconds(-settings::grant_retention())])
}

#[cfg(test)]
mod tests {
    use super::{Owner, key_scope};
    use crate::kernel::value::id::Id;

    #[test]
    fn a_key_has_one_owner() {
        let user = Id::from_bytes([1; 16]);
        assert!(Owner::of(Some(user), None).is_ok_and(|owner| owner.user_id() == Some(user)));
        assert!(Owner::of(None, Some("web")).is_ok_and(|owner| owner.client_id() == Some("web")));
        assert!(Owner::of(Some(user), Some("web")).is_err());
        assert!(Owner::of(None, None).is_err());
    }

    #[test]
    fn an_asterisk_that_would_be_no_wildcard_is_refused() {
        assert!(key_scope(" orders:*  users:read ").is_ok_and(|scope| scope == "orders:* users:read"));
        for text in ["ord*", "*:read", "a\"b", "orders:**"] {
            assert!(key_scope(text).is_err(), "{text}");
        }
    }
}
