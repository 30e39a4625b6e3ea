//! Connections for the application that uses them, and for a page that shows them.

use pgrx::iter::SetOfIterator;
use pgrx::prelude::*;

use crate::identity::tenant;
use crate::kernel::outcome::{ErrorCode, Mistake, OrRaise};
use crate::kernel::server::composite::{WipedText, composite};
use crate::kernel::server::lookup::{Key, Lookup, Snapshot};
use crate::kernel::server::row::row;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::kernel::value::jsonb::Jsonb;
use crate::vault::connection::account::{Actor, check_actor};
use crate::vault::connection::status::{Life, status};
use crate::vault::connection::{ACCESS_TOKEN, REFRESH_TOKEN, Sealed};
use crate::vault::key;

composite! {
    /// A connection with its tokens.
    pub struct ConnectionTokens = "auth_store.connection_tokens" {
        pub connection_id: Option<Id>,
        pub access_token: Option<WipedText>,
        pub refresh_token: Option<WipedText>,
        pub scope: Option<String>,
        pub access_token_expires_at: Option<Timestamp>,
        pub status: Option<&'static str>,
        pub metadata: Option<Jsonb>,
        pub error: Option<&'static str>,
        pub error_description: Option<String>,
    }
}

composite! {
    /// A connection without its tokens.
    pub struct ConnectionProfile = "auth_store.connection_profile" {
        pub connection_id: Option<Id>,
        pub provider: Option<String>,
        pub status: Option<&'static str>,
        pub rest: Rest,
    }
}

row! {
    struct Listed {
        id: Id,
        provider: String,
        rest: Rest,
    }
}

row! {
    /// What is shown of a connection as it is stored.
    pub struct Rest {
        provider_account_id: Option<String>,
        team_id: Option<String>,
        provider_tenant_id: Option<String>,
        scope: Option<String>,
        access_token_expires_at: Option<Timestamp>,
        has_refresh_token: bool,
        created_at: Option<Timestamp>,
        refreshed_at: Option<Timestamp>,
        last_error: Option<String>,
        last_error_at: Option<Timestamp>,
        failures: i32,
        revoked_at: Option<Timestamp>,
        revoked_reason: Option<String>,
        metadata: Option<Jsonb>,
    }
    returned
}

#[pg_extern(stable, parallel_safe)]
fn connection_get(
    provider: Option<&str>,
    actor_id: Option<&str>,
    actor_type: default!(Option<&str>, "'user'"),
    tenant_id: default!(Option<&str>, "NULL"),
) -> SetOfIterator<'static, ConnectionTokens> {
    let now = clock::now();
    let found = Actor::check(provider, actor_type, actor_id).and_then(|actor| get(now, &actor, tenant_id));
    SetOfIterator::new(found.or_raise())
}

#[pg_extern(stable, parallel_safe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn connection_list(
    actor_id: Option<&str>,
    actor_type: default!(Option<&str>, "'user'"),
    tenant_id: default!(Option<&str>, "NULL"),
) -> SetOfIterator<'static, ConnectionProfile> {
    let now = clock::now();
    SetOfIterator::new(list(now, actor_type, actor_id, tenant_id).or_raise())
}

row! {
    struct Stored in connections {
        sealed: Sealed,
        key_id: Id,
        scope: Option<String>,
        life: Life,
        failures: i32,
        revoked_at: Option<Timestamp>,
        metadata: Jsonb,
    }
}

static GET: Lookup<Stored> = Lookup::by(c"connections_key");

fn get(
    now: Timestamp,
    actor: &Actor<'_>,
    tenant_id: Option<&str>,
) -> Result<Option<ConnectionTokens>, Mistake> {
    let snapshot = Snapshot::reading();
    let (tenant_id, active) = tenant::resolve_with_status(&snapshot, tenant_id)?;
    let key = [
        Key::Text(&tenant_id),
        Key::Text(actor.actor_type),
        Key::Text(actor.actor_id),
        Key::Text(actor.provider),
    ];
    let Some(stored) = GET.find_by(&snapshot, key)? else { return Ok(None) };
    let Sealed { id, access_token, refresh_token } = stored.sealed;
    let mut answer = ConnectionTokens {
        connection_id: Some(id),
        scope: stored.scope,
        access_token_expires_at: stored.life.access_token_expires_at,
        status: Some(status(now, stored.life, stored.failures, stored.revoked_at.is_some())),
        metadata: Some(stored.metadata),
        ..ConnectionTokens::default()
    };
    if !active {
        answer.error = Some(ErrorCode::AccessDenied.as_str());
        answer.error_description = Some("the tenant is suspended".into());
        return Ok(Some(answer));
    }
    // Once revoked it has none.
    if let Some(access_token) = access_token {
        let key = key::open(now, &snapshot, stored.key_id, &tenant_id)?.map_err(Mistake::from)?;
        answer.access_token = Some(WipedText(ACCESS_TOKEN.open(&key, id, &access_token)?));
        if let Some(refresh_token) = refresh_token {
            answer.refresh_token = Some(WipedText(REFRESH_TOKEN.open(&key, id, &refresh_token)?));
        }
    }
    Ok(Some(answer))
}

impl Rest {
    fn life(&self) -> Option<Life> {
        let access_token_expires_at = self.access_token_expires_at;
        self.refreshed_at.map(|refreshed_at| Life { refreshed_at, access_token_expires_at })
    }
}

static LIST: Statement<Listed> = Statement::read(
    c"SELECT id, provider, provider_account_id, team_id, provider_tenant_id, scope, access_token_expires_at,
             refresh_token IS NOT NULL AS has_refresh_token, created_at, refreshed_at, last_error, last_error_at,
             failures, revoked_at, revoked_reason, metadata
        FROM auth_store.connections
       WHERE tenant_id = $1 AND actor_type = $2 AND actor_id = $3
       ORDER BY provider",
);

fn list(
    now: Timestamp,
    actor_type: Option<&str>,
    actor_id: Option<&str>,
    tenant_id: Option<&str>,
) -> Result<Vec<ConnectionProfile>, Mistake> {
    let (actor_type, actor_id) = check_actor(actor_type, actor_id)?;
    let tenant_id = tenant::resolve(&Snapshot::reading(), tenant_id)?;
    let connections = LIST.all(&params![tenant_id.as_str(), actor_type, actor_id])?.into_iter();
    Ok(connections
        .map(|Listed { id, provider, rest }| ConnectionProfile {
            connection_id: Some(id),
            provider: Some(provider),
            status: rest.life().map(|life| status(now, life, rest.failures, rest.revoked_at.is_some())),
            rest,
        })
        .collect())
}
