//! How long deliveries wait that nothing keeps from being sent.

use crate::kernel::outcome::Mistake;
use crate::kernel::server::columns::terminated;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::value::clock::Timestamp;

/// The oldest delivery of a subquery, in whose order it looks, that could be sent now: when its wait began.
macro_rules! oldest {
    ($deliveries:literal) => {
        concat!(
            "(SELECT d.since FROM (",
            $deliveries,
            ") d JOIN auth_store.webhooks w ON w.id = d.webhook_id AND w.tenant_id = d.tenant_id
                LEFT JOIN auth_store.webhook_states s ON s.webhook_id = w.id AND s.tenant_id = w.tenant_id
               WHERE w.status = 'active' AND w.max_per_hour IS NULL AND NOT w.in_order
                 AND (s.paused_until IS NULL OR s.paused_until <= $1) AND (s.open_until IS NULL OR s.open_until <= $1)
               ORDER BY d.place LIMIT 1)"
        )
    };
}

// A bounded part of the queue and of the retries is looked at, the oldest: behind those of webhooks that are held up
// there may be others. A delivery that came back from the retries does not say when; one that was claimed waits since
// its lease ended.
static SINCE: Statement<Option<Timestamp>> = Statement::read(terminated(concat!(
    "SELECT LEAST(",
    oldest!(
        "SELECT auth_store.id_time(id) AS since, id AS place, webhook_id, tenant_id FROM auth_store.webhook_queue
          WHERE attempt = 0 ORDER BY id LIMIT 20000"
    ),
    ",",
    oldest!(
        "SELECT q.leased_until AS since, q.id AS place, q.webhook_id, q.tenant_id
           FROM (SELECT id, webhook_id, tenant_id, leased_until FROM auth_store.webhook_queue ORDER BY id LIMIT 1000) q
          WHERE q.leased_until <= $1"
    ),
    ",",
    oldest!(
        "SELECT due_at AS since, due_at AS place, webhook_id, tenant_id FROM auth_store.webhook_retries
          WHERE due_at <= $1 ORDER BY due_at LIMIT 20000"
    ),
    ") AS since\0"
)));

/// Since when the delivery waits that has waited the longest of those that could be sent now; None: none could.
pub fn since(now: Timestamp) -> Result<Option<Timestamp>, Mistake> {
    Ok(SINCE.one(&params![now])?.flatten())
}
