//! The end of subscriptions, by their id or by where they send.

use pgrx::prelude::*;
use serde_json::json;

use crate::identity::tenant;
use crate::kernel::outcome::{Mistake, OrRaise};
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::inet::Inet;
use crate::trail::Context;
use crate::webhook::backlog;
use crate::webhook::outbox::route;
use crate::webhook::subscription::new::tenant_of;
use crate::webhook::subscription::{self, Named, Webhook};

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn webhook_delete(
    webhook_id: default!(Option<pgrx::Uuid>, "NULL"),
    target_url: default!(Option<&str>, "NULL"),
    tenant_id: default!(Option<&str>, "NULL"),
    client_id: default!(Option<&str>, "NULL"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> i64 {
    let (now, context) = (clock::now(), Context { ip, user_agent });
    let deleted = match (webhook_id, target_url) {
        (Some(_), None) => delete_named(now, Named::new(webhook_id, client_id), tenant_id, &context),
        (None, Some(url)) => delete_by_url(now, url, client_id, tenant_id, &context),
        _ => Err(Mistake::invalid("webhook_id", "either webhook_id or target_url")),
    };
    deleted.or_raise()
}

fn delete_named(
    now: Timestamp,
    named: Named<'_>,
    tenant_id: Option<&str>,
    context: &Context<'_>,
) -> Result<i64, Mistake> {
    let Some((id, tenant)) = named.find()? else { return Ok(0) };
    if tenant_id.is_some() && tenant::resolve(&Snapshot::writing()?, tenant_id)? != tenant {
        return Ok(0);
    }
    delete(now, subscription::lock_update(id, &tenant)?.into_iter().collect(), context)
}

// In the order of the ids, so that two of these never wait for each other in a circle.
static LOCK_UPDATE_BY_URL: Statement<Webhook> = Statement::latest(
    c"SELECT {columns} FROM auth_store.webhooks
       WHERE tenant_id = $1 AND target_url = $2 AND ($3 IS NULL OR client_id = $3) ORDER BY id FOR UPDATE",
);

fn delete_by_url(
    now: Timestamp,
    url: &str,
    client_id: Option<&str>,
    tenant_id: Option<&str>,
    context: &Context<'_>,
) -> Result<i64, Mistake> {
    let tenant = tenant_of(&Snapshot::writing()?, client_id, tenant_id)?;
    delete(now, LOCK_UPDATE_BY_URL.all(&params![tenant, url, client_id])?, context)
}

fn delete(now: Timestamp, webhooks: Vec<Webhook>, context: &Context<'_>) -> Result<i64, Mistake> {
    let mut deleted = 0;
    for webhook in webhooks {
        let deliveries = webhook.delete()?;
        webhook.record(now, "webhook.deleted", json!({ "deliveries": deliveries }), Some(context))?;
        deleted += 1;
    }
    Ok(deleted)
}

static DELETE: Statement =
    Statement::latest(c"DELETE FROM auth_store.webhooks WHERE id = $1 AND tenant_id = $2");

impl Webhook {
    /// Deletes it, its row locked FOR UPDATE, with its deliveries; returns how many these were. The caller writes the
    /// audit row.
    pub fn delete(&self) -> Result<u64, Mistake> {
        let tenant_id = self.tenant_id.as_str();
        route::drop(self.id, tenant_id)?;
        DELETE.run(&params![self.id, tenant_id])?;
        backlog::delete_all(self.id, tenant_id)
    }
}
