//! The queue: deliveries that are ready or being sent.

use crate::kernel::outcome::Mistake;
use crate::kernel::server::append::Append;
use crate::kernel::server::batch::delete_ended;
use crate::kernel::server::spi::params;
use crate::kernel::server::table::{Ended, Moves, Published, Rows, Table, delete_by};
use crate::kernel::server::transaction;
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::id::Id;
use crate::webhook::outbox::retention::{delivery_ended, oldest};

/// The facts of the table `webhook_queue`. A claim that comes upon a row that has ended deletes it too, but none comes
/// to a webhook that is suspended.
pub static TABLE: Table = Table {
    name: "webhook_queue",
    key: &["id", "tenant_id"],
    ended: Some(Ended {
        statement: delete_ended!("auth_store.webhook_queue", delivery_ended!("webhook_queue")),
        times: |now| Vec::from(params![oldest(now)]),
    }),
    of_tenant: Rows::Deleted(delete_by!(latest "webhook_queue", "tenant_id")),
    of_client: Rows::None,
    of_user: None,
    published: Published::TakeOver,
    moves: Moves::Stays,
    restored: true,
};

static INSERT: Append = Append::new(
    "webhook_queue",
    &[c"id", c"webhook_id", c"event_id", c"redelivery_of", c"attempt", c"tenant_id"],
);

/// Puts a delivery of an event to a webhook into the queue; returns its id. Those of one webhook have the order in
/// which the calls were made. [`wake`] follows.
pub fn add(
    now: Timestamp,
    webhook_id: Id,
    tenant_id: &str,
    event_id: Id,
    redelivery_of: Option<Id>,
) -> Result<Id, Mistake> {
    let id = Id::mint_ordered(now, webhook_id.bucket())?;
    INSERT.run(0, &params![id, webhook_id, event_id, redelivery_of, 0_i32, tenant_id])?;
    Ok(id)
}

/// Wakes the workers when the transaction commits.
pub fn wake() {
    transaction::notify(c"auth_store_webhooks");
}
