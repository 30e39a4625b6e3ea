//! Subscriptions, for a page that shows them. Their secrets are not shown.

use pgrx::iter::SetOfIterator;
use pgrx::prelude::*;

use crate::kernel::outcome::{Mistake, OrRaise, given};
use crate::kernel::server::composite::composite;
use crate::kernel::server::datum::Word;
use crate::kernel::server::lookup::{Key, Lookup, Snapshot};
use crate::kernel::server::row::row;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::value::argument;
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::id::Id;
use crate::kernel::value::jsonb::Jsonb;
use crate::webhook::subscription::Status;
use crate::webhook::subscription::new::tenant_of;

composite! {
    /// A webhook without its secrets.
    pub struct WebhookProfile = "auth_store.webhook_profile" {
        pub webhook_id: Option<Id>,
        pub profile: Profile,
    }
}

row! {
    struct Listed in webhooks {
        id: Id,
        profile: Profile,
    }
}

row! {
    /// What is shown of a webhook beside its id.
    pub struct Profile in webhooks {
        tenant_id: Option<String>,
        client_id: Option<String>,
        status: Option<String>,
        status_reason: Option<String>,
        status_changed_at: Option<Timestamp>,
        target_url: Option<String>,
        event_types: Option<Vec<String>>,
        filters: Option<Jsonb>,
        max_attempts: Option<i32>,
        max_per_hour: Option<i32>,
        in_order: Option<bool>,
        deleted_when_gone: Option<bool>,
        created_at: Option<Timestamp>,
        updated_at: Option<Timestamp>,
        expires_at: Option<Timestamp>,
        metadata: Option<Jsonb>,
    }
    returned
}

impl From<Listed> for WebhookProfile {
    fn from(listed: Listed) -> Self {
        Self { webhook_id: Some(listed.id), profile: listed.profile }
    }
}

#[pg_extern(stable, parallel_safe)]
fn webhook_get(
    webhook_id: Option<pgrx::Uuid>,
    client_id: default!(Option<&str>, "NULL"),
) -> SetOfIterator<'static, WebhookProfile> {
    let found = given(webhook_id, "webhook_id").and_then(|id| get(id.into(), client_id));
    SetOfIterator::new(found.or_raise())
}

#[pg_extern(stable, parallel_safe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn webhook_list(
    tenant_id: default!(Option<&str>, "NULL"),
    client_id: default!(Option<&str>, "NULL"),
    status: default!(Option<&str>, "NULL"),
    after: default!(Option<pgrx::Uuid>, "NULL"),
    max_rows: default!(Option<i32>, "100"),
) -> SetOfIterator<'static, WebhookProfile> {
    SetOfIterator::new(page(tenant_id, client_id, status, after.map(Id::from), max_rows).or_raise())
}

static BY_ID: Lookup<Listed> = Lookup::by(c"webhooks_pkey");

fn get(id: Id, client_id: Option<&str>) -> Result<Option<WebhookProfile>, Mistake> {
    let found = BY_ID.find(&Snapshot::reading(), Key::Id(id))?;
    let found = found.filter(|webhook| argument::is_of(webhook.profile.client_id.as_deref(), client_id));
    Ok(found.map(WebhookProfile::from))
}

// In the order of the ids, which is that of the making: a page begins behind the last id of the one before, whatever
// was made or deleted meanwhile.
static PAGE: Statement<Listed> = Statement::read(
    c"SELECT {columns} FROM auth_store.webhooks
       WHERE tenant_id = $1 AND ($2 IS NULL OR status = $2) AND ($3 IS NULL OR id > $3)
       ORDER BY id LIMIT $4",
);

static PAGE_OF_CLIENT: Statement<Listed> = Statement::read(
    c"SELECT {columns} FROM auth_store.webhooks
       WHERE tenant_id = $1 AND ($2 IS NULL OR status = $2) AND ($3 IS NULL OR id > $3) AND client_id = $5
       ORDER BY id LIMIT $4",
);

fn page(
    tenant_id: Option<&str>,
    client_id: Option<&str>,
    status: Option<&str>,
    after: Option<Id>,
    max_rows: Option<i32>,
) -> Result<Vec<WebhookProfile>, Mistake> {
    let known = status.is_none_or(|status| Status::of(status).is_some());
    if !known {
        return Err(Mistake::invalid("status", "active, disabled, suspended"));
    }
    let max_rows = argument::max_rows(max_rows, 100)?;
    let tenant_id = tenant_of(&Snapshot::reading(), client_id, tenant_id)?;
    let webhooks = match client_id {
        None => PAGE.all(&params![tenant_id, status, after, max_rows])?,
        Some(client_id) => PAGE_OF_CLIENT.all(&params![tenant_id, status, after, max_rows, client_id])?,
    };
    Ok(webhooks.into_iter().map(WebhookProfile::from).collect())
}
