//! A step as an event for webhooks, where the tenant has switched that on. Without the address and the user agent,
//! which tell of a person more than a receiver needs.

use serde_json::json;

use crate::kernel::outcome::{ErrorCode, Mistake};
use crate::kernel::server::principal;
use crate::kernel::value::calendar::rfc3339;
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::id::Id;
use crate::kernel::value::jsonb::Jsonb;
use crate::trail::{Event, risk};
use crate::webhook::outbox::{event, known};

/// Emits the step whose row has this id, if webhooks of the tenant may want it.
pub fn publish(now: Timestamp, id: Id, step: &Event<'_>) -> Result<(), Mistake> {
    if known::wanted(now, step.tenant_id)?.own_events { emit(now, id, step) } else { Ok(()) }
}

#[cold]
fn emit(now: Timestamp, id: Id, step: &Event<'_>) -> Result<(), Mistake> {
    let text = |id: Option<Id>| id.map(|id| id.to_string());
    let data = json!({
        "id": id.to_string(),
        "occurred_at": rfc3339(now),
        "success": step.error.is_none(),
        "error": step.error.map(ErrorCode::as_str),
        "risk_score": (f64::from(risk::of(step.flags)) * 100.0).round() / 100.0,
        "flags": step.flags.iter().map(|flag| flag.as_str()).collect::<Vec<_>>(),
        "tenant_id": step.tenant_id,
        "client_id": step.client_id,
        "user_id": text(step.user_id),
        "grant_id": text(step.grant_id),
        "session_id": text(step.session_id),
        "actor_id": text(step.actor_id.or_else(principal::actor)),
        "resource_type": step.resource_type,
        "resource_id": step.resource_id,
        "details": step.details,
    });
    // The server's texts have no NUL, so that this is always a document.
    let Some(payload) = Jsonb::of(&data) else { return Ok(()) };
    let body = event::body(now, step.event, &payload);
    event::emit(
        now,
        &event::Event {
            event_type: step.event,
            tenant_id: step.tenant_id,
            user_id: step.user_id,
            event_id: None,
            payload: &payload,
            body: &body,
        },
    )?;
    Ok(())
}
