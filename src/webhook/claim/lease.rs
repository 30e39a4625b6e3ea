//! Deliveries in the queue: those that are due come back into it, and those that a claim gives out are leased.

use std::cell::Cell;

use crate::kernel::outcome::Mistake;
use crate::kernel::server::change::{Change, Rows};
use crate::kernel::server::hold::Place;
use crate::kernel::server::lookup::{Key, Lookup, Snapshot};
use crate::kernel::server::pin;
use crate::kernel::server::row::row;
use crate::kernel::server::spi::{Statement, by_index, params};
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::id::Id;

row! {
    /// A delivery in the queue.
    pub struct Queued in webhook_queue {
        pub id: Id,
        pub event_id: Id,
        pub leased_until: Option<Timestamp>,
        pub attempt: i32,
        place: Place,
    }
}

impl Queued {
    /// Whether nobody sends it.
    pub fn is_free(&self, now: Timestamp) -> bool {
        self.leased_until.is_none_or(|until| until <= now)
    }
}

/// Before the oldest delivery.
pub const START: Id = Id::from_bytes([0; 16]);

static IN_QUEUE: Lookup<Queued> = Lookup::by(c"webhook_queue_webhook_idx");

/// The oldest delivery of a webhook.
pub fn oldest(snapshot: &Snapshot, tenant_id: &str, webhook_id: Id) -> Result<Option<Queued>, Mistake> {
    let keys = [Key::Text(tenant_id), Key::Id(webhook_id), Key::Id(START)];
    Ok(IN_QUEUE.behind(snapshot, keys, 1, |_| true)?.into_iter().next())
}

/// The oldest deliveries of a webhook behind this one that nobody sends, and how many before them somebody does.
pub fn free(
    now: Timestamp,
    snapshot: &Snapshot,
    (tenant_id, webhook_id): (&str, Id),
    behind: Id,
    most: usize,
) -> Result<(Vec<Queued>, usize), Mistake> {
    let keys = [Key::Text(tenant_id), Key::Id(webhook_id), Key::Id(behind)];
    let sent = Cell::new(0);
    let free = IN_QUEUE.behind(snapshot, keys, most, |queued: &Queued| {
        let free = queued.is_free(now);
        sent.set(sent.get() + usize::from(!free));
        free
    })?;
    Ok((free, sent.get()))
}

/// How many deliveries come back into the queue in one claim, at most.
const DUE: i32 = 500;

static MOVE_DUE: Statement = Statement::write(
    c"WITH due AS MATERIALIZED (
          SELECT ctid FROM auth_store.webhook_retries
           WHERE due_at <= $1 ORDER BY due_at, id LIMIT $2 FOR UPDATE SKIP LOCKED
      ), gone AS (
          DELETE FROM auth_store.webhook_retries WHERE ctid = ANY (ARRAY(SELECT d.ctid FROM due d))
          RETURNING id, webhook_id, event_id, redelivery_of, attempt, tenant_id
      )
      INSERT INTO auth_store.webhook_queue (id, webhook_id, event_id, redelivery_of, attempt, tenant_id)
      SELECT g.id, g.webhook_id, g.event_id, g.redelivery_of, g.attempt, g.tenant_id FROM gone g",
);

row! {
    struct Waiting in webhook_retries {
        due_at: Option<Timestamp>,
    }
}

static WAITING: Lookup<Waiting> = Lookup::by(c"webhook_retries_due_idx");

/// Brings back what is to be tried again by now.
pub fn move_due(now: Timestamp) -> Result<(), Mistake> {
    // A look is a small part of the statement. With a pin it would pass over all that is other tenants'.
    if pin::tenant().is_none() {
        let ever = Key::Time(Timestamp::from_micros(i64::MIN));
        let first = WAITING.behind(&Snapshot::writing()?, [ever], 1, |_| true)?;
        if first.iter().all(|waiting| waiting.due_at > Some(now)) {
            return Ok(());
        }
    }
    by_index(|| MOVE_DUE.run(&params![now, DUE])).map(|_| ())
}

/// Deliveries of one webhook that may be leased.
pub struct Offer<'a> {
    pub webhook: (&'a str, Id),
    /// How many of them.
    pub most: usize,
    /// The oldest.
    pub free: &'a [Queued],
    /// Whether none but these.
    pub in_order: bool,
}

row! {
    /// A delivery that is leased.
    pub struct Leased in webhook_queue {
        pub id: Id,
        pub webhook_id: Id,
        pub event_id: Id,
        pub attempt: i32,
    }
}

static LEASES: Change<2> = Change::new(c"webhook_queue", [c"attempt", c"leased_until"]);

/// Leases deliveries of these webhooks until a time, at most so many; passes over what other transactions have locked.
pub fn take(
    now: Timestamp,
    until: Timestamp,
    snapshot: &Snapshot,
    offers: &[Offer<'_>],
    most: usize,
) -> Result<Vec<Leased>, Mistake> {
    let Some(rows) = LEASES.open()? else { return take_by_statement(now, until, snapshot, offers, most) };
    let mut leased = Vec::new();
    for offer in offers {
        let wanted = offer.most.min(most.saturating_sub(leased.len()));
        leased.append(&mut take_of(now, until, snapshot, &rows, (offer, wanted))?);
    }
    rows.close();
    Ok(leased)
}

/// The same of one webhook. What other claims have leased first, those behind make up for.
fn take_of(
    now: Timestamp,
    until: Timestamp,
    snapshot: &Snapshot,
    rows: &Rows<2>,
    (offer, wanted): (&Offer<'_>, usize),
) -> Result<Vec<Leased>, Mistake> {
    let (_, webhook_id) = offer.webhook;
    let mut leased = Vec::with_capacity(wanted);
    let mut lease = |free: &[Queued]| {
        let before = leased.len();
        for queued in free.iter().take(wanted - before) {
            let attempt = queued.attempt.saturating_add(1);
            if rows.set_if_free(queued.place, &params![attempt, until]) {
                let (id, event_id) = (queued.id, queued.event_id);
                leased.push(Leased { id, webhook_id, event_id, attempt });
            }
        }
        let missing = wanted - leased.len();
        let lost = free.len().min(wanted - before) > leased.len() - before;
        free.last().filter(|_| lost && missing > 0 && !offer.in_order).map(|last| (last.id, missing))
    };
    let mut rest = lease(offer.free);
    while let Some((last, missing)) = rest {
        rest = lease(&free(now, snapshot, offer.webhook, last, missing)?.0);
    }
    Ok(leased)
}

// A webhook's ids are those from `first` to `last` of $5. The outer LIMIT ends the walk before a row too many is
// locked.
static LEASE: Statement<Leased> = Statement::write(
    c"WITH picked AS MATERIALIZED (
          SELECT l.place
            FROM unnest($1, $2, $3, $4) AS w (tenant_id, most, first, last)
           CROSS JOIN LATERAL (
                 SELECT q.ctid AS place FROM auth_store.webhook_queue q
                  WHERE q.id = ANY (($5)[w.first:w.last]) AND q.tenant_id = w.tenant_id
                    AND (q.leased_until IS NULL OR q.leased_until <= $6)
                  ORDER BY q.id LIMIT w.most FOR UPDATE SKIP LOCKED) l
           LIMIT $8
      )
      UPDATE auth_store.webhook_queue SET attempt = attempt + 1, leased_until = $7
       WHERE ctid = ANY (ARRAY(SELECT p.place FROM picked p))
      RETURNING {columns}",
);

/// How many times as many deliveries as it may lease the statement looks at: other claims may lease the same ones
/// first.
const SPARE: usize = 4;

/// The same where the rows can't be changed in their places.
fn take_by_statement(
    now: Timestamp,
    until: Timestamp,
    snapshot: &Snapshot,
    offers: &[Offer<'_>],
    most: usize,
) -> Result<Vec<Leased>, Mistake> {
    let number = |number: usize| i32::try_from(number).unwrap_or(i32::MAX);
    let (mut first, mut last, mut ids) = (Vec::new(), Vec::new(), Vec::new());
    for offer in offers {
        let more = match offer.in_order {
            true => Vec::new(),
            false => free(now, snapshot, offer.webhook, START, offer.most.saturating_mul(SPARE))?.0,
        };
        first.push(number(ids.len() + 1));
        ids.extend(if offer.in_order { offer.free } else { &more }.iter().map(|queued| queued.id));
        last.push(number(ids.len()));
    }
    let tenants: Vec<_> = offers.iter().map(|offer| offer.webhook.0.to_owned()).collect();
    let mosts: Vec<_> = offers.iter().map(|offer| number(offer.most)).collect();
    by_index(|| LEASE.all(&params![tenants, mosts, first, last, ids, now, until, number(most)]))
}

static DELETE: Statement = Statement::write(c"DELETE FROM auth_store.webhook_queue WHERE id = ANY ($1)");

/// Deletes deliveries that this transaction has leased.
pub fn delete(ids: Vec<Id>) -> Result<(), Mistake> {
    by_index(|| DELETE.run(&params![ids])).map(|_| ())
}

/// How many deliveries of a webhook that is gone one claim deletes, at most.
const ORPHANS: i32 = 1000;

static DELETE_OF: Statement = Statement::write(
    c"DELETE FROM auth_store.webhook_queue
       WHERE ctid = ANY (ARRAY(SELECT q.ctid FROM auth_store.webhook_queue q
                                WHERE q.tenant_id = $1 AND q.webhook_id = $2 LIMIT $3 FOR UPDATE SKIP LOCKED))",
);

/// Deletes deliveries of a webhook that is gone.
pub fn delete_of(tenant_id: &str, webhook_id: Id) -> Result<(), Mistake> {
    by_index(|| DELETE_OF.run(&params![tenant_id, webhook_id, ORPHANS])).map(|_| ())
}

static BURY: Statement = Statement::write(
    c"WITH gone AS (DELETE FROM auth_store.webhook_queue WHERE id = ANY ($1)
                    RETURNING id, webhook_id, event_id, redelivery_of, attempt, tenant_id)
      INSERT INTO auth_store.webhook_retries
             (id, webhook_id, event_id, redelivery_of, failed_at, attempt, tenant_id, error)
      SELECT g.id, g.webhook_id, g.event_id, g.redelivery_of, $2, g.attempt - 1, g.tenant_id, $3 FROM gone g",
);

/// Makes dead letters of deliveries that this transaction has leased: no worker has completed any attempt of them.
pub fn bury(now: Timestamp, ids: Vec<Id>) -> Result<(), Mistake> {
    by_index(|| BURY.run(&params![ids, now, "no attempt was completed before its lease ended"])).map(|_| ())
}
