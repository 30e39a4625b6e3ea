//! How long deliveries wait that nothing keeps from being sent.

use crate::kernel::outcome::Mistake;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::id::Id;

// A bounded part of the queue is looked at, its oldest: behind those of webhooks that are held up there may be others.
static OLDEST: Statement<Id> = Statement::read(
    c"SELECT q.id
        FROM (SELECT id, webhook_id, tenant_id FROM auth_store.webhook_queue ORDER BY id LIMIT 20000) q
        JOIN auth_store.webhooks w ON w.id = q.webhook_id AND w.tenant_id = q.tenant_id
        LEFT JOIN auth_store.webhook_states s ON s.webhook_id = w.id AND s.tenant_id = w.tenant_id
       WHERE w.status = 'active' AND w.max_per_hour IS NULL AND NOT w.in_order
         AND (s.paused_until IS NULL OR s.paused_until <= $1) AND (s.open_until IS NULL OR s.open_until <= $1)
       ORDER BY q.id LIMIT 1",
);

/// When the oldest delivery was queued that could be sent now; None: none could.
pub fn since(now: Timestamp) -> Result<Option<Timestamp>, Mistake> {
    Ok(OLDEST.one(&params![now])?.map(|id| id.time()))
}
