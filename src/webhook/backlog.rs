//! The deliveries of one webhook that have not been made: in the queue, to be tried again, and dead letters.

use crate::kernel::outcome::Mistake;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::id::Id;

static WAITS: Statement<bool> = Statement::latest(
    c"SELECT EXISTS (SELECT FROM auth_store.webhook_queue WHERE tenant_id = $2 AND webhook_id = $1)
          OR EXISTS (SELECT FROM auth_store.webhook_retries
                      WHERE tenant_id = $2 AND webhook_id = $1 AND due_at IS NOT NULL)",
);

/// Whether any is going to be sent.
pub fn waits(webhook_id: Id, tenant_id: &str) -> Result<bool, Mistake> {
    Ok(WAITS.one(&params![webhook_id, tenant_id])?.unwrap_or(true))
}

static HASTEN: Statement = Statement::latest(
    c"WITH waiting AS (SELECT id, tenant_id FROM auth_store.webhook_retries
                        WHERE tenant_id = $2 AND webhook_id = $1 AND due_at > $3 ORDER BY id FOR NO KEY UPDATE)
      UPDATE auth_store.webhook_retries r SET due_at = $3
        FROM waiting WHERE r.id = waiting.id AND r.tenant_id = waiting.tenant_id",
);

/// Makes those due that are to be tried again later.
pub fn hasten(now: Timestamp, webhook_id: Id, tenant_id: &str) -> Result<(), Mistake> {
    HASTEN.run(&params![webhook_id, tenant_id, now])?;
    Ok(())
}

static DELETE_QUEUED: Statement = Statement::latest(
    c"WITH doomed AS (SELECT id, tenant_id FROM auth_store.webhook_queue
                       WHERE tenant_id = $2 AND webhook_id = $1 ORDER BY id FOR UPDATE)
      DELETE FROM auth_store.webhook_queue q USING doomed
       WHERE q.id = doomed.id AND q.tenant_id = doomed.tenant_id",
);

// $3: whether dead letters are among them.
static DELETE_FAILED: Statement = Statement::latest(
    c"WITH doomed AS (SELECT id, tenant_id FROM auth_store.webhook_retries
                       WHERE tenant_id = $2 AND webhook_id = $1 AND (due_at IS NOT NULL OR $3)
                       ORDER BY id FOR UPDATE)
      DELETE FROM auth_store.webhook_retries r USING doomed
       WHERE r.id = doomed.id AND r.tenant_id = doomed.tenant_id",
);

/// Deletes those that are going to be sent, those that are being sent too; returns how many.
pub fn skip(webhook_id: Id, tenant_id: &str) -> Result<u64, Mistake> {
    delete(webhook_id, tenant_id, false)
}

/// Deletes all; returns how many.
pub fn delete_all(webhook_id: Id, tenant_id: &str) -> Result<u64, Mistake> {
    delete(webhook_id, tenant_id, true)
}

fn delete(webhook_id: Id, tenant_id: &str, dead_letters: bool) -> Result<u64, Mistake> {
    let queued = DELETE_QUEUED.run(&params![webhook_id, tenant_id])?;
    Ok(queued + DELETE_FAILED.run(&params![webhook_id, tenant_id, dead_letters])?)
}
