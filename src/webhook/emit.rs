//! What an application says to the outbox: what has happened, and for which tenants the store's own steps are events
//! too.

use pgrx::prelude::*;
use serde_json::json;

use crate::identity::{tenant, user};
use crate::kernel::outcome::{Mistake, OrRaise, given};
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::value::argument;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::kernel::value::jsonb::Jsonb;
use crate::trail;
use crate::webhook::event_type;
use crate::webhook::outbox::event::{self, Event};
use crate::webhook::outbox::switch;

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn webhook_emit(
    event_type: Option<&str>,
    payload: Option<Jsonb>,
    event_id: default!(Option<&str>, "NULL"),
    tenant_id: default!(Option<&str>, "NULL"),
    user_id: default!(Option<pgrx::Uuid>, "NULL"),
) -> i32 {
    emit(clock::now(), event_type, payload, event_id, tenant_id, user_id.map(Id::from)).or_raise()
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn webhook_own_events_set(tenant_id: Option<&str>, enabled: Option<bool>) -> bool {
    set_own_events(clock::now(), tenant_id, enabled).or_raise();
    true
}

/// The largest body, in bytes.
const MAX_BODY: usize = 256 * 1024;

fn emit(
    now: Timestamp,
    event_type: Option<&str>,
    payload: Option<Jsonb>,
    event_id: Option<&str>,
    tenant_id: Option<&str>,
    user_id: Option<Id>,
) -> Result<i32, Mistake> {
    let snapshot = Snapshot::writing()?;
    let (event_type, payload) = (given(event_type, "event_type")?, given(payload, "payload")?);
    let event_id = event_id.map(|id| argument::line(id, "event_id")).transpose()?;
    let schema = event_type::schema_of(&snapshot, event_type)?;
    event_type::check_payload(&payload, "payload", MAX_BODY)?;
    let body = event::body(now, event_type, &payload);
    if body.len() > MAX_BODY {
        return Err(Mistake::invalid("payload", "what makes a body of at most 256 kB"));
    }
    schema.map_or(Ok(()), |schema| schema.check(&payload, "payload"))?;
    let tenant_id = tenant::resolve(&snapshot, tenant_id)?;
    if let Some(id) = user_id {
        hold_user(&snapshot, id, &tenant_id)?;
    }
    let event =
        Event { event_type, tenant_id: &tenant_id, user_id, event_id, payload: &payload, body: &body };
    event::emit(now, &event)
}

/// Keeps the user from being erased until the event is committed, which the erasure deletes then.
fn hold_user(snapshot: &Snapshot, id: Id, tenant_id: &str) -> Result<(), Mistake> {
    let user = user::find(snapshot, id)?.filter(|user| user.tenant_id == tenant_id).ok_or(user::UNKNOWN)?;
    if user::lock_key_share(id, tenant_id, user.place_in(tenant_id))? { Ok(()) } else { Err(user::UNKNOWN) }
}

fn set_own_events(now: Timestamp, tenant_id: Option<&str>, enabled: Option<bool>) -> Result<(), Mistake> {
    let snapshot = Snapshot::writing()?;
    let enabled = given(enabled, "enabled")?;
    let tenant_id = tenant::resolve(&snapshot, Some(given(tenant_id, "tenant_id")?))?;
    if !tenant::lock_key_share(&tenant_id)? {
        return Err(tenant::UNKNOWN_ID);
    }
    switch::set(now, &tenant_id, enabled)?;
    trail::record(
        now,
        &trail::Event {
            event: "webhook.own_events_switched",
            tenant_id: &tenant_id,
            resource_type: Some("tenant"),
            resource_id: Some(&tenant_id),
            details: Some(json!({ "enabled": enabled })),
            ..trail::Event::default()
        },
    )?;
    Ok(())
}
