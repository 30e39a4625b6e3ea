//! Deliveries in the queue: those that are due come back into it, and those that a claim gives out are leased.

use crate::kernel::outcome::Mistake;
use crate::kernel::server::lookup::{Key, Lookup, Snapshot};
use crate::kernel::server::row::row;
use crate::kernel::server::spi::{Statement, by_index, params};
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::id::Id;

row! {
    /// A delivery in the queue.
    pub struct Queued in webhook_queue {
        pub id: Id,
        pub leased_until: Option<Timestamp>,
    }
}

impl Queued {
    /// Whether nobody sends it.
    pub fn is_free(&self, now: Timestamp) -> bool {
        self.leased_until.is_none_or(|until| until <= now)
    }
}

static IN_QUEUE: Lookup<Queued> = Lookup::by(c"webhook_queue_webhook_idx");

/// The oldest deliveries of a webhook that `wanted` takes.
pub fn in_queue(
    snapshot: &Snapshot,
    tenant_id: &str,
    webhook_id: Id,
    most: usize,
    wanted: impl Fn(&Queued) -> bool,
) -> Result<Vec<Queued>, Mistake> {
    let start = Id::from_bytes([0; 16]);
    IN_QUEUE.behind(snapshot, [Key::Text(tenant_id), Key::Id(webhook_id), Key::Id(start)], most, wanted)
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

/// Brings back what is to be tried again by now.
pub fn move_due(now: Timestamp) -> Result<(), Mistake> {
    by_index(|| MOVE_DUE.run(&params![now, DUE])).map(|_| ())
}

/// Deliveries of one webhook that may be leased.
pub struct Offer<'a> {
    pub tenant_id: &'a str,
    /// How many of them.
    pub most: usize,
    /// The oldest: more than `most`, since other claims may be about to lease the same.
    pub ids: &'a [Id],
}

row! {
    /// A delivery that is leased.
    pub struct Leased in webhook_queue {
        pub id: Id,
        pub webhook_id: Id,
        pub event_id: Id,
        pub attempt: i32,
        pub tenant_id: String,
    }
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

/// Leases deliveries of these webhooks until a time, at most so many; passes over what other transactions have locked.
pub fn take(
    now: Timestamp,
    until: Timestamp,
    offers: &[Offer<'_>],
    most: usize,
) -> Result<Vec<Leased>, Mistake> {
    let number = |number: usize| i32::try_from(number).unwrap_or(i32::MAX);
    let (mut first, mut last, mut ids) = (Vec::new(), Vec::new(), Vec::new());
    for offer in offers {
        first.push(number(ids.len() + 1));
        ids.extend_from_slice(offer.ids);
        last.push(number(ids.len()));
    }
    let tenants: Vec<_> = offers.iter().map(|offer| offer.tenant_id.to_owned()).collect();
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
