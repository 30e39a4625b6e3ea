//! A delivery by which the owner of a webhook tries it: the sample of an event type, sent whatever the webhook wants.

use pgrx::prelude::*;
use serde_json::json;

use crate::kernel::outcome::{Mistake, OrRaise, given};
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::kernel::value::inet::Inet;
use crate::trail::Context;
use crate::webhook::event_type;
use crate::webhook::outbox::event::{self, Event};
use crate::webhook::outbox::queue;
use crate::webhook::subscription::{Named, Status};

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn webhook_test(
    webhook_id: Option<pgrx::Uuid>,
    event_type: Option<&str>,
    client_id: default!(Option<&str>, "NULL"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> pgrx::Uuid {
    let named = Named::new(webhook_id, client_id);
    send(clock::now(), named, event_type, &Context { ip, user_agent }).or_raise().into()
}

fn send(
    now: Timestamp,
    named: Named<'_>,
    event_type: Option<&str>,
    context: &Context<'_>,
) -> Result<Id, Mistake> {
    let event_type = given(event_type, "event_type")?;
    let sample = event_type::sample(&Snapshot::writing()?, event_type)?;
    let payload = sample.ok_or_else(|| event_type::unknown("event_type"))?;
    let webhook = named.lock_no_key_update()?;
    if webhook.status != Status::Active || webhook.chosen.expires_at.is_some_and(|end| end <= now) {
        return Err(Mistake::WrongState {
            message: "the webhook is not active".into(),
            hint: "SELECT auth_store.webhook_set_status(webhook_id, 'active') lets it get deliveries.".into(),
        });
    }
    let tenant_id = webhook.tenant_id.as_str();
    let body = event::body(now, event_type, &payload);
    let event =
        Event { event_type, tenant_id, user_id: None, event_id: None, payload: &payload, body: &body };
    let stored = event::store(now, &event, true)?;
    let event_id = stored.ok_or(Mistake::Duplicate { what: "event", argument: "event_id" })?;
    let delivery = queue::add(now, webhook.id, tenant_id, event_id, None)?;
    queue::wake();
    let details = json!({ "event_type": event_type, "delivery_id": delivery.to_string() });
    webhook.record(now, "webhook.tested", details, Some(context))?;
    Ok(delivery)
}
