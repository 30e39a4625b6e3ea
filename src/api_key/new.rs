//! New keys.

use crate::api_key::{Owner, record};
use crate::identity::tenant;
use crate::kernel::crypto::token_text::{self, Digest, Kind, Minted};
use crate::kernel::outcome::{Mistake, OrRaise, given};
use crate::kernel::server::composite::composite;
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::value::argument;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::kernel::value::inet::{Cidrs, Inet, Inets};
use crate::kernel::value::jsonb::Jsonb;
use crate::rfc::scope;
use crate::trail::Context;
use pgrx::prelude::*;
use serde_json::json;

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
    let given = GivenKey {
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

/// What the creator of a key chooses.
pub struct GivenKey<'a> {
    pub name: Option<&'a str>,
    pub user_id: Option<Id>,
    pub client_id: Option<&'a str>,
    pub scope: Option<&'a str>,
    pub expires_at: Option<Timestamp>,
    pub prefix: Option<&'a str>,
    pub allowed_cidrs: Option<Inets>,
    pub rate_limit_per_hour: Option<i32>,
    pub metadata: Option<Jsonb>,
    pub tenant_id: Option<&'a str>,
}

/// A new key, checked, whose owner stays until the transaction ends.
pub struct NewKey<'a> {
    pub tenant_id: String,
    pub tenant_suspended: bool,
    pub owner: Owner<'a>,
    pub name: &'a str,
    pub scope: String,
    pub expires_at: Option<Timestamp>,
    pub prefix: &'a str,
    pub allowed_cidrs: Option<Cidrs>,
    pub rate_limit_per_hour: Option<i32>,
    pub metadata: Jsonb,
}

const MAX_CIDRS: usize = 100;
const NETWORKS: Mistake = Mistake::invalid(
    "allowed_cidrs",
    "at most 100 networks, none of them NULL or with bits set behind its mask: 10.0.0.0/8, not 10.0.0.1/8",
);

impl<'a> NewKey<'a> {
    /// Checked arguments.
    pub fn check(given_members: GivenKey<'a>) -> Result<Self, Mistake> {
        let snapshot = Snapshot::writing()?;
        let name = argument::line(given(given_members.name, "name")?, "name")?;
        let owner = Owner::of(given_members.user_id, given_members.client_id)?;
        let tenant_id = owner.tenant(&snapshot, given_members.tenant_id)?;
        drop(snapshot);
        let scope = key_scope(given_members.scope.unwrap_or_default())?;
        let prefix = given_members.prefix.unwrap_or(Kind::ApiKey.prefix());
        if !token_text::is_api_key_prefix(prefix) {
            let accepted = "1 to 32 letters, digits, _ and -, the last of them _, and not the prefix of another kind \
                            of token";
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
        let tenant_suspended = tenant::lock_share(&tenant_id)?.ok_or(tenant::UNKNOWN_ID)?;
        owner.lock_key_share(&tenant_id)?;
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

/// Scope tokens; `*` and a token that ends with `:*` are wildcards. An asterisk elsewhere would look like a wildcard.
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
pub fn insert(
    now: Timestamp,
    id: Id,
    digest: &Digest,
    start: Option<&str>,
    event: &str,
    new: NewKey<'_>,
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

fn create(
    now: Timestamp,
    given_members: GivenKey<'_>,
    context: &Context<'_>,
) -> Result<ApiKeySecret, Mistake> {
    if given_members.expires_at.is_some_and(|end| end <= now) {
        return Err(Mistake::invalid("expires_at", "a time to come"));
    }
    let new = NewKey::check(given_members)?;
    let minted = token_text::mint_for(new.prefix, Id::mint(now, new.owner.bucket())?)?;
    let start = token_text::api_key_start(new.prefix, &minted.text);
    insert(now, minted.id, &minted.digest, Some(start), "api_key.created", new, Some(context))?;
    Ok(handed_out(minted))
}

/// The row that shows a new key, this once.
pub fn handed_out(mut minted: Minted) -> ApiKeySecret {
    ApiKeySecret { api_key_id: Some(minted.id), api_key: Some(std::mem::take(&mut *minted.text)) }
}

#[cfg(test)]
mod tests {
    use super::key_scope;

    #[test]
    fn an_asterisk_that_would_be_no_wildcard_is_refused() {
        assert!(key_scope(" orders:*  users:read ").is_ok_and(|scope| scope == "orders:* users:read"));
        for text in ["ord*", "*:read", "a\"b", "orders:**"] {
            assert!(key_scope(text).is_err(), "{text}");
        }
    }
}
