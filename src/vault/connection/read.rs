//! Connections for whoever uses them, and for a page that shows them.

use pgrx::iter::SetOfIterator;
use pgrx::prelude::*;

use crate::identity::tenant;
use crate::kernel::outcome::{Code, Mistake, OrRaise};
use crate::kernel::server::composite::{WipedText, composite};
use crate::kernel::server::lookup::{Key, Lookup, View};
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::kernel::value::jsonb::Jsonb;
use crate::vault::connection::account::{Actor, check_actor};
use crate::vault::connection::status::{Life, status};
use crate::vault::connection::{ACCESS_TOKEN, REFRESH_TOKEN, Sealed, open_key};

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
        pub provider_account_id: Option<String>,
        pub team_id: Option<String>,
        pub provider_tenant_id: Option<String>,
        pub scope: Option<String>,
        pub access_token_expires_at: Option<Timestamp>,
        pub has_refresh_token: Option<bool>,
        pub created_at: Option<Timestamp>,
        pub refreshed_at: Option<Timestamp>,
        pub last_error: Option<String>,
        pub last_error_at: Option<Timestamp>,
        pub failures: Option<i32>,
        pub revoked_at: Option<Timestamp>,
        pub revoked_reason: Option<String>,
        pub metadata: Option<Jsonb>,
    }
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

static GET: Lookup = Lookup::new(
    c"connections",
    c"connections_key",
    &[
        c"id",
        c"access_token",
        c"refresh_token",
        c"key_id",
        c"scope",
        c"refreshed_at",
        c"access_token_expires_at",
        c"failures",
        c"revoked_at",
        c"metadata",
    ],
);

fn get(
    now: Timestamp,
    actor: &Actor<'_>,
    tenant_id: Option<&str>,
) -> Result<Option<ConnectionTokens>, Mistake> {
    let view = View::reading();
    let (tenant_id, active) = tenant::resolve_with_status(&view, tenant_id)?;
    let key = [
        Key::Text(&tenant_id),
        Key::Text(actor.actor_type),
        Key::Text(actor.actor_id),
        Key::Text(actor.provider),
    ];
    let found = GET.find_by(&view, key, |row| {
        let sealed = Sealed::load(row)?;
        let life = Life { since: row.get(5)?, end: row.get(6) };
        let answer = ConnectionTokens {
            connection_id: Some(sealed.id),
            scope: row.get(4),
            access_token_expires_at: life.end,
            status: Some(status(now, life, row.get(7)?, row.get::<Timestamp>(8).is_some())),
            metadata: row.get(9),
            ..ConnectionTokens::default()
        };
        Some((sealed, row.get(3)?, answer))
    })?;
    let Some((Sealed { id, access_token, refresh_token }, key_id, mut answer)) = found else {
        return Ok(None);
    };
    if !active {
        answer.error = Some(Code::AccessDenied.as_str());
        answer.error_description = Some("the tenant is suspended".into());
        return Ok(Some(answer));
    }
    // Once revoked it has none.
    if let Some(access_token) = access_token {
        let key = open_key(now, &view, key_id, &tenant_id)??;
        answer.access_token = Some(WipedText(ACCESS_TOKEN.open(&key, id, &access_token)?));
        if let Some(refresh_token) = refresh_token {
            answer.refresh_token = Some(WipedText(REFRESH_TOKEN.open(&key, id, &refresh_token)?));
        }
    }
    Ok(Some(answer))
}

static LIST: Statement = Statement::read(
    c"SELECT id, provider, provider_account_id, team_id, provider_tenant_id, scope, access_token_expires_at,
             refresh_token IS NOT NULL, created_at, refreshed_at, last_error, last_error_at, failures, revoked_at,
             revoked_reason, metadata
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
    let tenant_id = tenant::resolve(&View::reading(), tenant_id)?;
    let rows = LIST.all(&params![tenant_id.as_str(), actor_type, actor_id], |row| {
        let life = Life { since: row.get(9)?, end: row.get(6) };
        let revoked_at = row.get::<Timestamp>(13);
        Some(ConnectionProfile {
            connection_id: row.get(0),
            provider: row.get(1),
            status: Some(status(now, life, row.get(12)?, revoked_at.is_some())),
            provider_account_id: row.get(2),
            team_id: row.get(3),
            provider_tenant_id: row.get(4),
            scope: row.get(5),
            access_token_expires_at: life.end,
            has_refresh_token: row.get(7),
            created_at: row.get(8),
            refreshed_at: row.get(9),
            last_error: row.get(10),
            last_error_at: row.get(11),
            failures: row.get(12),
            revoked_at,
            revoked_reason: row.get(14),
            metadata: row.get(15),
        })
    })?;
    Ok(rows.into_iter().flatten().collect())
}
