//! Deliveries that failed: those that are tried again, and the dead letters.

use crate::kernel::outcome::Mistake;
use crate::kernel::server::batch::delete_ended;
use crate::kernel::server::spi::{Statement, by_index, params};
use crate::kernel::server::table::{Ended, Moves, Published, Rows, Table, delete_by};
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::id::Id;
use crate::webhook::outbox::retention::{delivery_ended, oldest};

/// The facts of the table `webhook_retries`.
pub static TABLE: Table = Table {
    name: "webhook_retries",
    key: &["id", "tenant_id"],
    ended: Some(Ended {
        statement: delete_ended!("auth_store.webhook_retries", delivery_ended!("webhook_retries")),
        times: |now| Vec::from(params![oldest(now)]),
    }),
    of_tenant: Rows::Deleted(delete_by!(latest "webhook_retries", "tenant_id")),
    of_client: Rows::None,
    of_user: None,
    published: Published::TakeOver,
    moves: Moves::Stays,
    restored: true,
};

static WAITS: Statement = Statement::latest(
    c"SELECT FROM auth_store.webhook_retries
       WHERE tenant_id = $1 AND webhook_id = $2 AND due_at IS NOT NULL LIMIT 1",
);

/// Whether a delivery of the webhook waits to be tried again.
pub fn waits(tenant_id: &str, webhook_id: Id) -> Result<bool, Mistake> {
    Ok(by_index(|| WAITS.run(&params![tenant_id, webhook_id]))? > 0)
}

/// A delivery whose attempt failed.
pub struct Failed {
    pub id: Id,
    pub webhook_id: Id,
    pub event_id: Id,
    pub redelivery_of: Option<Id>,
    /// When it is tried again; None: it is dead.
    pub due_at: Option<Timestamp>,
    pub attempt: i32,
    pub http_status: Option<i32>,
    pub tenant_id: String,
    pub error: Option<String>,
}

static INSERT: Statement = Statement::write(
    c"INSERT INTO auth_store.webhook_retries
             (id, webhook_id, event_id, redelivery_of, failed_at, due_at, attempt, http_status, tenant_id, error)
      SELECT n.id, n.webhook_id, n.event_id, n.redelivery_of, $1, n.due_at, n.attempt, n.http_status, n.tenant_id,
             n.error
        FROM unnest($2, $3, $4, $5, $6, $7, $8, $9, $10)
             AS n (id, webhook_id, event_id, redelivery_of, due_at, attempt, http_status, tenant_id, error)",
);

/// Adds deliveries that are no longer in the queue.
pub fn add(now: Timestamp, failed: &[Failed]) -> Result<(), Mistake> {
    if failed.is_empty() {
        return Ok(());
    }
    fn column<T>(failed: &[Failed], of: impl Fn(&Failed) -> T) -> Vec<T> {
        failed.iter().map(of).collect()
    }
    INSERT.run(&params![
        now,
        column(failed, |failed| failed.id),
        column(failed, |failed| failed.webhook_id),
        column(failed, |failed| failed.event_id),
        column(failed, |failed| failed.redelivery_of),
        column(failed, |failed| failed.due_at),
        column(failed, |failed| failed.attempt),
        column(failed, |failed| failed.http_status),
        column(failed, |failed| failed.tenant_id.clone()),
        column(failed, |failed| failed.error.clone()),
    ])?;
    Ok(())
}
