//! Changing a subscription: the JSON object `changes` of webhook_update().

use pgrx::prelude::*;
use serde_json::{Value, json};

use crate::kernel::outcome::{Mistake, OrRaise, given};
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::inet::Inet;
use crate::kernel::value::jsonb::Jsonb;
use crate::kernel::value::member::{text, texts};
use crate::trail::Context;
use crate::webhook::outbox::route;
use crate::webhook::state;
use crate::webhook::subscription::{Chosen, MAX_ATTEMPTS, Named, Status};

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn webhook_update(
    webhook_id: Option<pgrx::Uuid>,
    changes: Option<Jsonb>,
    client_id: default!(Option<&str>, "NULL"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> bool {
    let named = Named::new(webhook_id, client_id);
    update(clock::now(), named, changes, &Context { ip, user_agent }).or_raise();
    true
}

/// The members that can be changed. A webhook keeps its tenant and its client for life.
const MEMBERS: [&str; 9] = [
    "target_url",
    "event_types",
    "filters",
    "max_attempts",
    "max_per_hour",
    "in_order",
    "deleted_when_gone",
    "expires_at",
    "metadata",
];

static REPLACE: Statement = Statement::write(
    c"UPDATE auth_store.webhooks
         SET updated_at = $3, target_url = $4, event_types = $5, filters = $6, max_attempts = $7, max_per_hour = $8,
             in_order = $9, deleted_when_gone = $10, expires_at = $11, metadata = $12
       WHERE id = $1 AND tenant_id = $2",
);

fn update(
    now: Timestamp,
    named: Named<'_>,
    changes: Option<Jsonb>,
    context: &Context<'_>,
) -> Result<(), Mistake> {
    let changes = given(changes, "changes")?;
    let changed = names(&changes)?;
    let webhook = named.lock_no_key_update()?;
    let mut chosen = webhook.chosen.clone();
    for name in &changed {
        if let Some(value) = changes.get(name) {
            change(&mut chosen, name, value)?;
        }
    }
    chosen.check(now, Some(&webhook.chosen))?;
    let mut columns = Vec::from(params![webhook.id, webhook.tenant_id.as_str(), now]);
    columns.extend(chosen.columns());
    REPLACE.run(&columns)?;
    if chosen.target_url != webhook.chosen.target_url {
        // The failures were another receiver's.
        state::forgive(webhook.id, &webhook.tenant_id)?;
    }
    if webhook.status != Status::Disabled {
        route::put(webhook.id, &webhook.tenant_id, &chosen.event_types, chosen.filters.as_ref())?;
    }
    webhook.record(now, "webhook.updated", json!({ "changed": changed }), Some(context))
}

/// The names of the members that are there, none of them unknown.
fn names(changes: &Jsonb) -> Result<Vec<&'static str>, Mistake> {
    let others = changes.is_object().then(|| changes.without_all(&MEMBERS)).flatten();
    if others.is_none_or(|others| others != Jsonb::empty_object()) {
        let accepted = format!("an object with the keys {}", MEMBERS.join(", "));
        return Err(Mistake::InvalidArgument { argument: "changes", accepted: accepted.into() });
    }
    Ok(MEMBERS.into_iter().filter(|name| changes.get(name).is_some()).collect())
}

/// Changes one member; null is its default. The caller checks the whole afterwards.
fn change(chosen: &mut Chosen, member: &'static str, document: Jsonb) -> Result<(), Mistake> {
    // These two are stored as they are, and may hold what a Value cannot.
    match member {
        "filters" => {
            chosen.filters = Some(document).filter(|document| !document.is_null());
            return Ok(());
        }
        "metadata" => {
            chosen.metadata = if document.is_null() { Jsonb::empty_object() } else { document };
            return Ok(());
        }
        _ => {}
    }
    let value = document.parse().ok_or(Mistake::invalid(member, "a JSON value of its kind"))?;
    match member {
        "target_url" => chosen.target_url = text(&value, member)?.unwrap_or_default().to_owned(),
        "event_types" => chosen.event_types = texts(&value, member)?.unwrap_or_default(),
        "max_attempts" => chosen.max_attempts = number(&value, member)?.unwrap_or(MAX_ATTEMPTS),
        "max_per_hour" => chosen.max_per_hour = number(&value, member)?,
        "in_order" => chosen.in_order = boolean(&value, member)?,
        "deleted_when_gone" => chosen.deleted_when_gone = boolean(&value, member)?,
        "expires_at" => chosen.expires_at = text(&value, member)?.map(time).transpose()?,
        _ => {}
    }
    Ok(())
}

/// Both booleans of a webhook are false by default.
fn boolean(value: &Value, member: &'static str) -> Result<bool, Mistake> {
    match value {
        Value::Null => Ok(false),
        Value::Bool(value) => Ok(*value),
        _ => Err(Mistake::invalid(member, "a JSON boolean")),
    }
}

fn number(value: &Value, member: &'static str) -> Result<Option<i32>, Mistake> {
    if value.is_null() {
        return Ok(None);
    }
    let number = value.as_i64().and_then(|number| i32::try_from(number).ok());
    number.map(Some).ok_or(Mistake::invalid(member, "a whole number, 1 or more"))
}

fn time(text: &str) -> Result<Timestamp, Mistake> {
    let parsed = text.parse::<TimestampWithTimeZone>().ok().map(Timestamp::from);
    parsed.ok_or(Mistake::invalid("expires_at", "a time to come, as in 2030-01-31T12:00:00Z"))
}
