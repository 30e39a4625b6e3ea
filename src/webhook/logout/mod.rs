//! Back-channel log-out (OpenID Connect Back-Channel Logout 1.0): the end of a session is told to the clients that have
//! grants of it and a URI for that. It goes the way of webhooks, so that a client that does not answer is asked again;
//! what is sent is a logout token, made when it is sent: see `token.rs`.
//!
//! A client's webhook for it is made at its first log-out. The session's end holds the user by then, whom the deletion
//! of the tenant or the client waits for: so tenant and client are held without waiting, and without them nobody is
//! told.

pub mod token;

use serde_json::json;

use crate::identity::tenant;
use crate::kernel::outcome::Mistake;
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::server::row::row;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::id::{Bucket, Id};
use crate::kernel::value::jsonb::Jsonb;
use crate::oauth::client::{self, Client, page, subject};
use crate::oauth::issuer;
use crate::webhook::outbox::event::{self, Event};
use crate::webhook::outbox::queue;
use crate::webhook::state;

/// The type of these events; no application emits one.
const EVENT: &str = "session.logged_out";

/// How often a client is asked.
const MAX_ATTEMPTS: i32 = 5;

row! {
    struct Known {
        id: Id,
        target_url: String,
        is_disabled: bool,
    }
}

static KNOWN: Statement<Known> = Statement::latest(
    c"SELECT id, target_url, status = 'disabled' AS is_disabled FROM auth_store.webhooks
       WHERE client_id = $1 AND tenant_id = $2 AND logout ORDER BY id LIMIT 1",
);

static MOVE: Statement = Statement::latest(
    c"UPDATE auth_store.webhooks SET target_url = $3, updated_at = $4 WHERE id = $1 AND tenant_id = $2",
);

static INSERT: Statement = Statement::write(
    c"INSERT INTO auth_store.webhooks (id, created_at, updated_at, status_changed_at, tenant_id, client_id, status,
             target_url, event_types, max_attempts, in_order, deleted_when_gone, metadata, logout)
      VALUES ($1, $2, $2, $2, $3, $4, 'active', $5, ARRAY[$6], $7, false, false, '{}', true)",
);

/// Tells the clients that had grants of a user's ended sessions.
pub fn announce(
    now: Timestamp,
    tenant_id: &str,
    user_id: Id,
    mut ended: Vec<(String, Id)>,
) -> Result<(), Mistake> {
    ended.sort_unstable();
    ended.dedup();
    let snapshot = Snapshot::latest();
    let mut is_told = false;
    for (client_id, session_id) in ended {
        let Some(uri) = page::backchannel_logout_uri(&snapshot, &client_id)? else { continue };
        let client = client::find(&snapshot, &client_id)?.filter(Client::is_usable);
        let (Some(client), true) = (client, issuer::of_tenant(&snapshot, tenant_id)?.is_some()) else {
            continue;
        };
        let Some(webhook_id) = webhook_of(now, &client, &uri)? else { continue };
        let claims = json!({
            "aud": client_id,
            "sub": subject::of(&snapshot, &client, user_id)?,
            "sid": session_id.to_string(),
        });
        let (Some(payload), body) = (Jsonb::of(&claims), claims.to_string()) else { continue };
        let event = Event {
            event_type: EVENT,
            tenant_id,
            user_id: Some(user_id),
            event_id: None,
            payload: &payload,
            body: &body,
        };
        if let Some(event_id) = event::store(now, &event, false)? {
            queue::add(now, webhook_id, tenant_id, event_id, None)?;
            is_told = true;
        }
    }
    if is_told {
        queue::wake();
    }
    Ok(())
}

/// The webhook by which a client is told; None if it wants nothing by now, or is being deleted.
fn webhook_of(now: Timestamp, client: &Client, uri: &str) -> Result<Option<Id>, Mistake> {
    let (client_id, tenant_id) = (client.id.as_str(), client.tenant_id.as_str());
    if let Some(known) = KNOWN.one(&params![client_id, tenant_id])? {
        if known.target_url != uri {
            MOVE.run(&params![known.id, tenant_id, uri, now])?;
        }
        return Ok((!known.is_disabled).then_some(known.id));
    }
    if !tenant::hold_if_free(tenant_id)? || !client::hold_if_free(client_id, tenant_id)? {
        return Ok(None);
    }
    let id = Id::mint_ordered(now, Bucket::of(&[client_id]))?;
    INSERT.exactly_one(&params![id, now, tenant_id, client_id, uri, EVENT, MAX_ATTEMPTS])?;
    state::insert(id, tenant_id)?;
    Ok(Some(id))
}
