//! Deliveries for a worker to send: signed, ready to send, and given to that worker alone for a while. A claim waits
//! for nobody: it passes over what other transactions have locked.
//!
//! Locks: the states of webhooks that have a limit, an order or a probe, then deliveries.

pub mod gate;
pub mod lease;
pub mod signature;
pub mod turn;

use std::collections::HashMap;

use pgrx::prelude::*;

use crate::kernel::outcome::{Mistake, OrRaise};
use crate::kernel::server::composite::composite;
use crate::kernel::server::lookup::{Key, Lookup, Snapshot};
use crate::kernel::server::row::row;
use crate::kernel::server::rows::SetOfIterator;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::kernel::value::jsonb::Jsonb;
use crate::kernel::value::{argument, interval};
use crate::webhook::claim::gate::{Busy, Gate, Open};
use crate::webhook::claim::lease::{Leased, Offer, Queued};
use crate::webhook::claim::signature::{DataKeys, Signer};
use crate::webhook::claim::turn::Turns;
use crate::webhook::logout::token;
use crate::webhook::state;

composite! {
    /// A delivery to send.
    pub struct WebhookRequest = "auth_store.webhook_request" {
        pub delivery_id: Option<Id>,
        pub webhook_id: Option<Id>,
        pub attempt: Option<i32>,
        pub url: Option<String>,
        pub headers: Option<Jsonb>,
        pub body: Option<String>,
    }
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn webhook_claim(
    max_deliveries: default!(Option<i32>, 50),
    lease: default!(Option<Interval>, "'1 min'"),
    per_webhook: default!(Option<i32>, 10),
    busy_hosts: default!(Option<Vec<Option<String>>>, "NULL"),
) -> SetOfIterator<'static, WebhookRequest> {
    let now = clock::now();
    let run = || {
        let most = within(max_deliveries.unwrap_or(DELIVERIES), "max_deliveries")?;
        let seconds = interval::seconds(lease, LEASE, 1..=3600, "lease", "1 second to 1 hour")?;
        let per_webhook = within(per_webhook.unwrap_or(PER_WEBHOOK), "per_webhook")?;
        let busy = argument::list(busy_hosts, "busy_hosts")?.unwrap_or_default();
        if busy.len() > MAX_DELIVERIES {
            return Err(Mistake::invalid("busy_hosts", "at most 1000 names of hosts"));
        }
        claim(now, now.plus_seconds(seconds), most, per_webhook, Busy::new(busy))
    };
    SetOfIterator::new(run().or_raise())
}

const DELIVERIES: i32 = 50;
const MAX_DELIVERIES: usize = 1000;
/// Seconds of a lease.
const LEASE: i64 = 60;
const PER_WEBHOOK: i32 = 10;

fn within(value: i32, argument: &'static str) -> Result<usize, Mistake> {
    let value = usize::try_from(value).ok().filter(|value| (1..=MAX_DELIVERIES).contains(value));
    value.ok_or(Mistake::invalid(argument, "1 to 1000"))
}

/// A webhook whose turn it is, with what may be sent to it.
struct Turn {
    webhook_id: Id,
    tenant_id: String,
    open: Box<Open>,
    /// None: its deliveries are signed in themselves.
    signer: Option<Signer>,
    /// The oldest that nobody sends.
    free: Vec<Queued>,
}

impl Turn {
    fn offer(&self) -> Offer<'_> {
        Offer {
            webhook: (&self.tenant_id, self.webhook_id),
            most: self.open.most,
            free: &self.free,
            in_order: self.open.target.in_order,
        }
    }
}

/// What a claim goes by.
struct Claim<'a> {
    now: Timestamp,
    snapshot: &'a Snapshot,
    /// The most deliveries of one webhook that are sent at a time.
    per_webhook: usize,
    busy: Busy,
    keys: DataKeys,
}

fn claim(
    now: Timestamp,
    until: Timestamp,
    most: usize,
    per_webhook: usize,
    busy: Busy,
) -> Result<Vec<WebhookRequest>, Mistake> {
    lease::move_due(now)?;
    let snapshot = Snapshot::writing()?;
    let mut turns = Turns::new(&snapshot);
    let mut claim = Claim { now, snapshot: &snapshot, per_webhook, busy, keys: DataKeys::new() };
    let mut claimed = Vec::new();
    while claimed.len() < most {
        pgrx::check_for_interrupts!();
        let missing = most - claimed.len();
        let mut found = claim.gather(&mut turns, missing)?;
        if found.is_empty() {
            break;
        }
        let offers: Vec<_> = found.iter().map(Turn::offer).collect();
        let leased = lease::take(now, until, &snapshot, &offers, missing)?;
        begin(now, until, &mut found, &leased)?;
        claimed.append(&mut claim.requests(&found, leased)?);
    }
    Ok(claimed)
}

impl Claim<'_> {
    /// The next webhooks that are likely to give so many deliveries.
    fn gather(&mut self, turns: &mut Turns<'_>, missing: usize) -> Result<Vec<Turn>, Mistake> {
        let (mut found, mut expected) = (Vec::new(), 0);
        while expected < missing {
            let Some((tenant_id, webhook_id)) = turns.next()? else { break };
            if let Some(turn) = self.look(tenant_id, webhook_id)? {
                expected += turn.open.most.min(turn.free.len());
                found.push(turn);
            }
        }
        Ok(found)
    }

    /// What may be sent to a webhook; None: nothing.
    fn look(&mut self, tenant_id: String, webhook_id: Id) -> Result<Option<Turn>, Mistake> {
        let (now, snapshot) = (self.now, self.snapshot);
        let mut open = match gate::of(now, snapshot, (&tenant_id, webhook_id), self.per_webhook, &self.busy)?
        {
            Gate::Open(open) => open,
            Gate::Shut => return Ok(None),
            Gate::Gone => {
                lease::delete_of(&tenant_id, webhook_id)?;
                return Ok(None);
            }
        };
        let free = match open.only.take() {
            Some(only) => vec![only],
            None => {
                let most = open.most;
                let (free, sent) = lease::free(now, snapshot, (&tenant_id, webhook_id), lease::START, most)?;
                // Or a slow receiver would get all that the workers can send at once.
                open.most = most.min(self.per_webhook.saturating_sub(sent));
                free
            }
        };
        if free.is_empty() || open.most == 0 {
            return Ok(None);
        }
        let mut signer = None;
        if !open.target.logout {
            signer = signature::of(now, snapshot, webhook_id, &tenant_id, &mut self.keys)?;
            if signer.is_none() {
                return Ok(None);
            }
        }
        Ok(Some(Turn { webhook_id, tenant_id, open, signer, free }))
    }

    /// What is sent for the leased deliveries, those of a webhook in their order. Deliveries whose event is gone are
    /// deleted, and those that were leased too often are dead.
    fn requests(&self, turns: &[Turn], mut leased: Vec<Leased>) -> Result<Vec<WebhookRequest>, Mistake> {
        leased.sort_by_key(|leased| leased.id);
        let (mut requests, mut orphans, mut dead) =
            (Vec::with_capacity(leased.len()), Vec::new(), Vec::new());
        let keys: Vec<_> = leased.iter().map(|delivery| Key::Id(delivery.event_id)).collect();
        let events = EVENT.find_each(self.snapshot, &keys)?;
        for (delivery, event) in leased.into_iter().zip(events) {
            let Some(turn) = turns.iter().find(|turn| turn.webhook_id == delivery.webhook_id) else {
                continue;
            };
            if delivery.attempt > turn.open.target.max_attempts.saturating_add(LOST) {
                dead.push(delivery.id);
                continue;
            }
            match event {
                Some(event) => requests.extend(request(self.now, self.snapshot, &delivery, turn, event)?),
                None => orphans.push(delivery.id),
            }
        }
        if !orphans.is_empty() {
            lease::delete(orphans)?;
        }
        if !dead.is_empty() {
            lease::bury(self.now, dead)?;
        }
        Ok(requests)
    }
}

/// Counts what was leased where there is a limit, and keeps others from a webhook that is probed.
fn begin(now: Timestamp, until: Timestamp, turns: &mut [Turn], leased: &[Leased]) -> Result<(), Mistake> {
    let mut changed = HashMap::new();
    for turn in turns {
        let count = leased.iter().filter(|leased| leased.webhook_id == turn.webhook_id).count();
        let (Some(state), true) = (&mut turn.open.state, count > 0) else { continue };
        let is_probe = state.is_probed(now);
        if turn.open.target.max_per_hour.is_none() && !is_probe {
            continue;
        }
        state.begin(now, i32::try_from(count).unwrap_or(i32::MAX));
        if is_probe {
            state.open_until = Some(until);
        }
        changed.insert(turn.webhook_id, state.clone());
    }
    state::store(&changed)
}

row! {
    struct Stored in webhook_events {
        test: bool,
        body: String,
    }
}

static EVENT: Lookup<Stored> = Lookup::by(c"webhook_events_pkey");

/// Leases that a delivery may have had beyond the webhook's attempts without a completion of any: workers die too.
const LOST: i32 = 2;

const USER_AGENT: &str = concat!("auth_store/", env!("CARGO_PKG_VERSION"));

/// What is sent for a delivery; None: it cannot be signed.
fn request(
    now: Timestamp,
    snapshot: &Snapshot,
    delivery: &Leased,
    turn: &Turn,
    event: Stored,
) -> Result<Option<WebhookRequest>, Mistake> {
    let (id, seconds) = (delivery.id.to_string(), now.unix_seconds());
    let made = |headers: &[(&str, &str)], body| WebhookRequest {
        delivery_id: Some(delivery.id),
        webhook_id: Some(delivery.webhook_id),
        attempt: Some(delivery.attempt),
        url: Some(turn.open.target.target_url.clone()),
        headers: Some(Jsonb::of_texts(headers)),
        body: Some(body),
    };
    let Some(signer) = &turn.signer else {
        let body = token::body(now, snapshot, &turn.tenant_id, &id, &event.body)?;
        let headers = [("user-agent", USER_AGENT), ("content-type", "application/x-www-form-urlencoded")];
        return Ok(body.map(|body| made(&headers, body)));
    };
    let signature = signer.sign(&id, seconds, &event.body);
    let seconds = seconds.to_string();
    let mut headers =
        vec![("user-agent", USER_AGENT), ("webhook-id", &id), ("content-type", "application/json")];
    if event.test {
        headers.push(("webhook-test", "true"));
    }
    headers.extend([("webhook-signature", signature.as_str()), ("webhook-timestamp", &seconds)]);
    Ok(Some(made(&headers, event.body)))
}
