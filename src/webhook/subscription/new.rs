//! New subscriptions.

use pgrx::prelude::*;
use serde_json::json;

use crate::identity::tenant;
use crate::kernel::outcome::{Mistake, OrRaise, given};
use crate::kernel::server::composite::{WipedText, composite};
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::value::argument;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::{Bucket, Id};
use crate::kernel::value::inet::Inet;
use crate::kernel::value::jsonb::Jsonb;
use crate::oauth::client;
use crate::trail::Context;
use crate::vault::key;
use crate::webhook::outbox::route;
use crate::webhook::subscription::{Chosen, MAX_ATTEMPTS, record, url};
use crate::webhook::{secret, state};

composite! {
    /// A new webhook, and its secret, which only this answer has.
    pub struct WebhookMade = "auth_store.webhook_made" {
        pub webhook_id: Option<Id>,
        pub secret: Option<WipedText>,
        pub expires_at: Option<Timestamp>,
    }
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn webhook_create(
    target_url: Option<&str>,
    event_types: Option<Vec<Option<String>>>,
    filters: default!(Option<Jsonb>, "NULL"),
    client_id: default!(Option<&str>, "NULL"),
    max_attempts: default!(Option<i32>, 10),
    max_per_hour: default!(Option<i32>, "NULL"),
    metadata: default!(Option<Jsonb>, "NULL"),
    tenant_id: default!(Option<&str>, "NULL"),
    in_order: default!(Option<bool>, false),
    deleted_when_gone: default!(Option<bool>, false),
    expires_at: default!(Option<TimestampWithTimeZone>, "NULL"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> WebhookMade {
    let now = clock::now();
    let run = || {
        let chosen = Chosen {
            target_url: given(target_url, "target_url")?.to_owned(),
            event_types: given(argument::list(event_types, "event_types")?, "event_types")?,
            filters,
            max_attempts: max_attempts.unwrap_or(MAX_ATTEMPTS),
            max_per_hour,
            in_order: in_order.unwrap_or(false),
            deleted_when_gone: deleted_when_gone.unwrap_or(false),
            expires_at: expires_at.map(Timestamp::from),
            metadata: metadata.unwrap_or_else(Jsonb::empty_object),
        };
        create(now, chosen, client_id, tenant_id, &Context { ip, user_agent })
    };
    run().or_raise()
}

static INSERT: Statement = Statement::write(
    c"INSERT INTO auth_store.webhooks (id, created_at, updated_at, status_changed_at, tenant_id, client_id, status,
             target_url, event_types, filters, max_attempts, max_per_hour, in_order, deleted_when_gone, expires_at,
             metadata)
      VALUES ($1, $2, $2, $2, $3, $4, 'active', $5, $6, $7, $8, $9, $10, $11, $12, $13)",
);

fn create(
    now: Timestamp,
    mut chosen: Chosen,
    client_id: Option<&str>,
    tenant_id: Option<&str>,
    context: &Context<'_>,
) -> Result<WebhookMade, Mistake> {
    chosen.check(now, None)?;
    let tenant_id = tenant_of(&Snapshot::writing()?, client_id, tenant_id)?;
    // Before anything is locked: a key may have to be made.
    let key = key::current(now, &tenant_id)?;
    if tenant::lock_share(&tenant_id)?.ok_or(tenant::UNKNOWN_ID)? {
        return Err(Mistake::WrongState {
            message: "the tenant is suspended".into(),
            hint: "SELECT auth_store.tenant_set_status(id, 'active') lets it subscribe again.".into(),
        });
    }
    if let Some(client_id) = client_id
        && !client::lock_key_share(client_id, &tenant_id, None)?
    {
        return Err(client::UNKNOWN);
    }
    let id =
        Id::mint_ordered(now, client_id.map_or_else(|| Bucket::of(&[&tenant_id]), |id| Bucket::of(&[id])))?;
    let mut columns = Vec::from(params![id, now, tenant_id.as_str(), client_id]);
    columns.extend(chosen.columns());
    INSERT.run(&columns)?;
    state::insert(id, &tenant_id)?;
    route::put(id, &tenant_id, &chosen.event_types, chosen.filters.as_ref())?;
    let secret = secret::add(now, key, id, &tenant_id)?;
    let details = json!({ "host": url::host(&chosen.target_url), "event_types": chosen.event_types });
    record(now, "webhook.created", id, (&tenant_id, client_id), details, Some(context))?;
    Ok(WebhookMade { webhook_id: Some(id), secret: Some(WipedText(secret)), expires_at: chosen.expires_at })
}

/// The client's tenant, if there is a client; an explicit one must be the same.
pub fn tenant_of(
    snapshot: &Snapshot,
    client_id: Option<&str>,
    tenant_id: Option<&str>,
) -> Result<String, Mistake> {
    let Some(client_id) = client_id else { return tenant::resolve(snapshot, tenant_id) };
    let found = client::find(snapshot, client_id)?.ok_or(client::UNKNOWN)?.tenant_id;
    if tenant_id.is_some() && tenant::resolve(snapshot, tenant_id)? != found {
        return Err(client::UNKNOWN);
    }
    Ok(found)
}
