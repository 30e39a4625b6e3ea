//! Whether a webhook gets events, and what becomes of those that waited.

use pgrx::prelude::*;
use serde_json::json;

use crate::kernel::outcome::{Mistake, OrRaise, given};
use crate::kernel::server::datum::Word;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::value::argument;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::inet::Inet;
use crate::trail::Context;
use crate::webhook::outbox::{queue, route};
use crate::webhook::subscription::{Named, Status, Webhook};
use crate::webhook::{backlog, state};

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn webhook_set_status(
    webhook_id: Option<pgrx::Uuid>,
    status: Option<&str>,
    reason: default!(Option<&str>, "NULL"),
    backlog: default!(Option<&str>, "NULL"),
    client_id: default!(Option<&str>, "NULL"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> bool {
    let named = Named::new(webhook_id, client_id);
    set(clock::now(), named, status, reason, backlog, &Context { ip, user_agent }).or_raise();
    true
}

/// What becomes of the deliveries that waited while a webhook was not active.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Backlog {
    /// They are sent at once.
    Redrive,
    /// They are deleted.
    Skip,
}

impl Backlog {
    fn check(word: Option<&str>, status: Status) -> Result<Option<Self>, Mistake> {
        match word {
            None => Ok(None),
            Some("redrive") if status == Status::Active => Ok(Some(Self::Redrive)),
            Some("skip") if status == Status::Active => Ok(Some(Self::Skip)),
            Some(_) => Err(Mistake::invalid("backlog", "redrive or skip, with the status active")),
        }
    }
}

fn set(
    now: Timestamp,
    named: Named<'_>,
    status: Option<&str>,
    reason: Option<&str>,
    backlog: Option<&str>,
    context: &Context<'_>,
) -> Result<(), Mistake> {
    let status = Status::of(given(status, "status")?);
    let status = status.ok_or(Mistake::invalid("status", "active, disabled, suspended"))?;
    let reason = argument::optional_reason(reason)?;
    let backlog = Backlog::check(backlog, status)?;
    let webhook = named.lock_no_key_update()?;
    let mut skipped = 0;
    if status == Status::Active && webhook.status != Status::Active {
        skipped = end_wait(now, &webhook, backlog)?;
    }
    webhook.store_status(now, status, reason)?;
    let mut details = json!({ "status": status.as_str(), "reason": reason });
    if backlog == Some(Backlog::Skip) {
        details["skipped"] = skipped.into();
    }
    webhook.record(now, "webhook.status_changed", details, Some(context))
}

/// Does with the deliveries that wait what was chosen; returns how many it deleted.
fn end_wait(now: Timestamp, webhook: &Webhook, chosen: Option<Backlog>) -> Result<u64, Mistake> {
    let (id, tenant_id) = (webhook.id, webhook.tenant_id.as_str());
    state::forgive(id, tenant_id)?;
    match chosen {
        Some(Backlog::Skip) => return backlog::skip(id, tenant_id),
        Some(Backlog::Redrive) => backlog::hasten(now, id, tenant_id)?,
        None if backlog::waits(id, tenant_id)? => {
            return Err(Mistake::WrongState {
                message: "deliveries of the webhook are waiting".into(),
                hint: "Choose with backlog => 'redrive' to have them sent, or 'skip' to have them deleted."
                    .into(),
            });
        }
        None => {}
    }
    queue::wake();
    Ok(0)
}

static SET: Statement = Statement::write(
    c"UPDATE auth_store.webhooks
         SET status = $3, status_reason = $4, updated_at = $5,
             status_changed_at = CASE WHEN status = $3 THEN status_changed_at ELSE $5 END
       WHERE id = $1 AND tenant_id = $2",
);

impl Webhook {
    /// Stores a status, and lets events find the webhook, or no longer. The caller writes the audit row.
    pub fn store_status(&self, now: Timestamp, status: Status, reason: Option<&str>) -> Result<(), Mistake> {
        let tenant_id = self.tenant_id.as_str();
        SET.run(&params![self.id, tenant_id, status.as_str(), reason, now])?;
        match (self.status, status) {
            (_, Status::Disabled) => route::drop(self.id, tenant_id),
            (Status::Disabled, _) => {
                route::put(self.id, tenant_id, &self.chosen.event_types, self.chosen.filters.as_ref())
            }
            _ => Ok(()),
        }
    }
}
