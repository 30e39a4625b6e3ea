//! Webhooks that end by their receiver's answer, and those that fail for days.

use std::collections::{BTreeMap, HashMap};

use serde_json::json;

use crate::kernel::outcome::Mistake;
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::id::Id;
use crate::webhook::complete::outcome::End;
use crate::webhook::state::{self, FAILING_DAYS, Failing, State};
use crate::webhook::subscription::{self, Status, Webhook};

/// A webhook that may end, or be warned of or suspended: its row is locked.
pub struct Ending {
    webhook: Webhook,
    /// How it ends, if it does.
    pub end: Option<End>,
}

/// Locks those of these webhooks that may change, before their states are locked: those that an answer ends, and those
/// that fail for long. Each has its tenant, and whether an answer ends it.
pub fn lock(
    now: Timestamp,
    snapshot: &Snapshot,
    webhooks: &BTreeMap<Id, (String, bool)>,
) -> Result<HashMap<Id, Ending>, Mistake> {
    let mut locked = HashMap::new();
    for (id, (tenant_id, ends)) in webhooks {
        if !ends && !state::find(snapshot, *id)?.is_failing_long(now, FAILING_DAYS.get()) {
            continue;
        }
        if let Some(webhook) = subscription::lock_update(*id, tenant_id)? {
            locked.insert(*id, Ending { webhook, end: None });
        }
    }
    Ok(locked)
}

/// Ends, suspends or warns of webhooks. The states are those after the attempts, and lose what is deleted.
pub fn finish(
    now: Timestamp,
    endings: HashMap<Id, Ending>,
    states: &mut HashMap<Id, State>,
) -> Result<(), Mistake> {
    for (id, state) in states.iter_mut() {
        match state.failing(now, FAILING_DAYS.get()) {
            Some(Failing::Suspended) => {
                if let Some(Ending { webhook, end: None }) = endings.get(id) {
                    suspend(now, webhook, state)?;
                }
            }
            Some(Failing::Warned) => {
                if let Some(webhook) = subscription::find(*id)? {
                    webhook.record(now, "webhook.failing", facts(state), None)?;
                }
            }
            None => {}
        }
    }
    for (id, Ending { webhook, end }) in endings {
        match end {
            Some(End::Gone) if webhook.chosen.deleted_when_gone => {
                let deliveries = webhook.delete()?;
                states.remove(&id);
                let details = json!({ "reason": "gone", "deliveries": deliveries });
                webhook.record(now, "webhook.deleted", details, None)?;
            }
            Some(End::Gone) => disable(now, &webhook, "gone")?,
            Some(End::Disabled) => disable(now, &webhook, "receiver")?,
            None => {}
        }
    }
    Ok(())
}

fn disable(now: Timestamp, webhook: &Webhook, reason: &str) -> Result<(), Mistake> {
    if webhook.status == Status::Disabled {
        return Ok(());
    }
    webhook.store_status(now, Status::Disabled, Some(reason))?;
    webhook.record(now, "webhook.disabled", json!({ "reason": reason }), None)
}

fn suspend(now: Timestamp, webhook: &Webhook, state: &State) -> Result<(), Mistake> {
    if webhook.status != Status::Active {
        return Ok(());
    }
    webhook.store_status(now, Status::Suspended, Some("failing"))?;
    webhook.record(now, "webhook.suspended", facts(state), None)
}

fn facts(state: &State) -> serde_json::Value {
    json!({
        "failing_since": state.failing_since.map(Timestamp::unix_seconds),
        "last_error": state.last_error,
    })
}
