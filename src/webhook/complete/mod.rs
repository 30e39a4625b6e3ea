//! What became of a delivery: one or many, in few statements. A completion counts as long as nobody else was given the
//! delivery, also after its lease.
//!
//! Locks: the webhooks that end or are suspended, the states of all of them, their deliveries, each in the order of
//! their ids.

pub mod end;
pub mod outcome;
pub mod result;
pub mod schedule;

use std::collections::{BTreeMap, HashMap, HashSet};

use pgrx::prelude::*;

use crate::kernel::outcome::{Mistake, OrRaise, given};
use crate::kernel::server::change::Change;
use crate::kernel::server::composite::composite;
use crate::kernel::server::hold::Place;
use crate::kernel::server::lookup::{Key, Lookup, Snapshot};
use crate::kernel::server::row::row;
use crate::kernel::server::rows::SetOfIterator;
use crate::kernel::server::spi::{Statement, by_index, params};
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::{self, Id};
use crate::kernel::value::jsonb::Jsonb;
use crate::webhook::attempt;
use crate::webhook::complete::outcome::{Fate, Outcome};
use crate::webhook::complete::result::{Attempted, Given};
use crate::webhook::retry::{self, Failed};
use crate::webhook::state::{self, Noted};

composite! {
    /// What webhook_complete_batch() returns.
    pub struct WebhookCompletion = "auth_store.webhook_completion" {
        pub delivery_id: Option<Id>,
        pub status: Option<&'static str>,
    }
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn webhook_complete(
    delivery_id: Option<pgrx::Uuid>,
    attempt: Option<i32>,
    http_status: default!(Option<i32>, "NULL"),
    response_body: default!(Option<&str>, "NULL"),
    duration_ms: default!(Option<i32>, "NULL"),
    error: default!(Option<&str>, "NULL"),
    response_headers: default!(Option<Jsonb>, "NULL"),
) -> &'static str {
    let now = clock::now();
    let run = || {
        let delivery_id = delivery_id.map(Id::from);
        let given =
            Given { delivery_id, attempt, http_status, response_body, duration_ms, error, response_headers };
        let statuses = complete(now, vec![given.check(now)?])?;
        Ok(statuses.first().copied().unwrap_or(IGNORED))
    };
    run().or_raise()
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn webhook_complete_batch(results: Option<Jsonb>) -> SetOfIterator<'static, WebhookCompletion> {
    let now = clock::now();
    let run = || {
        let results = result::read(&given(results, "results")?, now)?;
        let ids: Vec<_> = results.iter().map(|result| result.delivery_id).collect();
        let statuses = complete(now, results)?;
        let rows = ids.into_iter().zip(statuses);
        Ok(rows.map(|(id, status)| WebhookCompletion { delivery_id: Some(id), status: Some(status) }))
    };
    SetOfIterator::new(run().or_raise())
}

const IGNORED: &str = "ignored";

row! {
    /// A delivery in the queue.
    #[derive(Clone)]
    struct Queued in webhook_queue {
        id: Id,
        webhook_id: Id,
        event_id: Id,
        redelivery_of: Option<Id>,
        leased_until: Option<Timestamp>,
        attempt: i32,
        tenant_id: String,
    }
}

impl Queued {
    /// Whether the result is of the attempt that is being made. Where none is, as after its time to be tried again has
    /// come, that number's is over.
    fn is_of(&self, result: &Attempted) -> bool {
        self.attempt == result.attempt && self.leased_until.is_some()
    }
}

row! {
    /// The same where a look-up has found it.
    struct Seen in webhook_queue {
        queued: Queued,
        place: Place,
    }
}

static QUEUED: Lookup<Seen> = Lookup::by(c"webhook_queue_pkey");

row! {
    /// What a webhook's owner has chosen.
    struct Chosen in webhooks {
        max_attempts: i32,
    }
}

static CHOSEN: Lookup<Chosen> = Lookup::by(c"webhooks_pkey").remembered();

row! {
    struct Typed in webhook_events {
        event_type: String,
    }
}

static TYPED: Lookup<Typed> = Lookup::by(c"webhook_events_pkey");

/// A result with its place in the call.
type Placed = (usize, Attempted);

/// Completes attempts; returns what became of each, in their order. A delivery that is named more than once is
/// completed as often, one after the other.
fn complete(now: Timestamp, results: Vec<Attempted>) -> Result<Vec<&'static str>, Mistake> {
    let mut statuses = vec![IGNORED; results.len()];
    let mut rest: Vec<Placed> = results.into_iter().enumerate().collect();
    while !rest.is_empty() {
        let mut seen = HashSet::new();
        let (once, again) = rest.into_iter().partition(|(_, result)| seen.insert(result.delivery_id));
        complete_once(now, once, &mut statuses)?;
        rest = again;
    }
    Ok(statuses)
}

static TAKE: Statement<Queued> = Statement::write(
    c"DELETE FROM auth_store.webhook_queue
       WHERE id = ANY ($1) AND attempt = ($2)[pg_catalog.array_position($1, id)] AND leased_until IS NOT NULL
      RETURNING {columns}",
);

/// The same of different deliveries.
fn complete_once(now: Timestamp, results: Vec<Placed>, statuses: &mut [&'static str]) -> Result<(), Mistake> {
    let snapshot = Snapshot::writing()?;
    let found = Found::of(&snapshot, &results)?;
    let mut ends = end::lock(now, &snapshot, &found.webhooks)?;
    let mut states = state::lock_no_key_update(found.webhooks.keys().copied().collect())?;
    let mut taken = take(&found.matching)?;
    for webhook_id in found.lost {
        states.entry(webhook_id).and_modify(|state| state.lost_count += 1);
    }
    let mut written = Written::default();
    let types = types(&snapshot, &taken)?;
    let mut known = Known::default();
    for (place, result) in results {
        let Some(webhook_id) = found.matching.get(&result.delivery_id).map(|seen| &seen.queued.webhook_id)
        else {
            continue;
        };
        let Some(delivery) = taken.remove(&result.delivery_id) else {
            if given_to_another(&Snapshot::latest(), &result)?.is_some() {
                states.entry(*webhook_id).and_modify(|state| state.lost_count += 1);
            }
            continue;
        };
        let chosen = known.max_attempts(&snapshot, *webhook_id, &delivery.tenant_id)?;
        let event_type = types.get(&delivery.id).cloned().unwrap_or_default();
        let outcome = decide(now, &result, chosen)?;
        if let Some(status) = statuses.get_mut(place) {
            *status = outcome.status();
        }
        if let Some(state) = states.get_mut(webhook_id) {
            state.note(now, &noted(&outcome, &delivery, &result));
        }
        if let (Some(end), Some(ending)) = (outcome.end, ends.get_mut(webhook_id)) {
            ending.end = Some(end);
        }
        written.add(delivery, result, outcome.fate, chosen.is_some(), event_type);
    }
    attempt::add(now, written.attempts)?;
    retry::add(now, &written.failed)?;
    end::finish(now, ends, &mut states)?;
    state::store(&states)
}

/// The deliveries of results before anything is locked.
struct Found {
    /// The webhooks of all of them, with their tenants and whether an answer ends the webhook.
    webhooks: BTreeMap<Id, (String, bool)>,
    /// The deliveries that are in the queue with the attempt of their result, in the order in which they are locked.
    matching: BTreeMap<Id, Seen>,
    /// The webhooks of those whose lease another worker was given: once for each result.
    lost: Vec<Id>,
}

impl Found {
    fn of(snapshot: &Snapshot, results: &[Placed]) -> Result<Self, Mistake> {
        let mut found = Self { webhooks: BTreeMap::new(), matching: BTreeMap::new(), lost: Vec::new() };
        let keys: Vec<_> = results.iter().map(|(_, result)| Key::Id(result.delivery_id)).collect();
        let queued = QUEUED.find_each(snapshot, &keys)?;
        for ((_, result), seen) in results.iter().zip(queued) {
            let (webhook_id, tenant_id) = match seen {
                Some(seen) if seen.queued.is_of(result) => {
                    let webhook = (seen.queued.webhook_id, seen.queued.tenant_id.clone());
                    found.matching.insert(seen.queued.id, seen);
                    webhook
                }
                _ => match given_to_another(snapshot, result)? {
                    Some((webhook_id, tenant_id)) => {
                        found.lost.push(webhook_id);
                        (webhook_id, tenant_id)
                    }
                    None => continue,
                },
            };
            let ends = outcome::ends_webhook(&result.answer);
            found.webhooks.entry(webhook_id).or_insert((tenant_id, false)).1 |= ends;
        }
        Ok(found)
    }
}

/// The webhook and the tenant of a delivery that another worker was given later, and may have completed.
fn given_to_another(snapshot: &Snapshot, result: &Attempted) -> Result<Option<(Id, String)>, Mistake> {
    match QUEUED.find(snapshot, Key::Id(result.delivery_id))?.map(|seen| seen.queued) {
        Some(queued) if queued.attempt > result.attempt => Ok(Some((queued.webhook_id, queued.tenant_id))),
        Some(_) => Ok(None),
        None => attempt::completed_by_another(result.delivery_id, result.attempt),
    }
}

static QUEUE: Change<0> = Change::new(c"webhook_queue", []);

/// Takes deliveries out of the queue, those that have the attempts of their results still.
fn take(matching: &BTreeMap<Id, Seen>) -> Result<HashMap<Id, Queued>, Mistake> {
    if matching.is_empty() {
        return Ok(HashMap::new());
    }
    let taken = match QUEUE.open()? {
        Some(rows) => {
            let taken = matching.values().filter(|seen| rows.delete(seen.place));
            let taken = taken.map(|seen| seen.queued.clone()).collect();
            rows.close();
            taken
        }
        None => {
            let ids: Vec<_> = matching.keys().copied().collect();
            let attempts: Vec<_> = matching.values().map(|seen| seen.queued.attempt).collect();
            by_index(|| TAKE.all(&params![ids, attempts]))?
        }
    };
    Ok(taken.into_iter().map(|taken| (taken.id, taken)).collect())
}

/// The types of the events of deliveries, by delivery, but of those that are gone.
fn types(snapshot: &Snapshot, taken: &HashMap<Id, Queued>) -> Result<HashMap<Id, String>, Mistake> {
    let keys: Vec<_> = taken.values().map(|taken| Key::Id(taken.event_id)).collect();
    let events = TYPED.find_each(snapshot, &keys)?;
    let typed = taken.keys().zip(events).filter_map(|(id, event)| Some((*id, event?.event_type)));
    Ok(typed.collect())
}

/// What was read of webhooks.
#[derive(Default)]
struct Known(HashMap<Id, Option<i32>>);

impl Known {
    /// How often a webhook's deliveries are tried; None if it is gone.
    fn max_attempts(
        &mut self,
        snapshot: &Snapshot,
        webhook_id: Id,
        tenant_id: &str,
    ) -> Result<Option<i32>, Mistake> {
        if let Some(known) = self.0.get(&webhook_id) {
            return Ok(*known);
        }
        let keys = [Key::Id(webhook_id), Key::Text(tenant_id)];
        let found = CHOSEN.find_by(snapshot, keys)?.map(|chosen| chosen.max_attempts);
        self.0.insert(webhook_id, found);
        Ok(found)
    }
}

/// What follows from a result. `max_attempts` is None where the webhook is gone, and with it what was not delivered.
fn decide(now: Timestamp, result: &Attempted, max_attempts: Option<i32>) -> Result<Outcome, Mistake> {
    let mut entropy = [0; 4];
    id::random(&mut entropy)?;
    let entropy = u32::from_ne_bytes(entropy);
    let mut outcome = outcome::of(now, &result.answer, result.attempt, max_attempts.unwrap_or(0), entropy);
    if max_attempts.is_none() && outcome.fate != Fate::Delivered {
        outcome.fate = Fate::Gone;
    }
    Ok(outcome)
}

fn noted(outcome: &Outcome, delivery: &Queued, result: &Attempted) -> Noted {
    let told = || match result.answer.http_status {
        Some(status) => format!("HTTP status {status}"),
        None => "no answer".to_owned(),
    };
    Noted {
        delivered: outcome.fate == Fate::Delivered,
        leased_until: delivery.leased_until,
        pause: outcome.pause,
        error: Some(result.error.clone().unwrap_or_else(told)),
    }
}

/// The rows that completions leave.
#[derive(Default)]
struct Written {
    attempts: Vec<attempt::Attempt>,
    failed: Vec<Failed>,
}

impl Written {
    fn add(&mut self, delivery: Queued, result: Attempted, fate: Fate, is_known: bool, event_type: String) {
        let due_at = match fate {
            Fate::Retrying(due) => Some(due),
            _ => None,
        };
        let http_status = result.answer.http_status;
        if is_known && fate != Fate::Delivered {
            self.failed.push(Failed {
                id: delivery.id,
                webhook_id: delivery.webhook_id,
                event_id: delivery.event_id,
                redelivery_of: delivery.redelivery_of,
                due_at,
                attempt: delivery.attempt,
                http_status,
                tenant_id: delivery.tenant_id.clone(),
                error: result.error.clone(),
            });
        }
        self.attempts.push(attempt::Attempt {
            delivery_id: delivery.id,
            webhook_id: delivery.webhook_id,
            event_id: delivery.event_id,
            attempt: delivery.attempt,
            duration_ms: result.duration_ms,
            http_status,
            tenant_id: delivery.tenant_id,
            event_type,
            outcome: fate.as_str(),
            error: result.error,
            response_headers: result.headers,
            response_body: result.body,
        });
    }
}
