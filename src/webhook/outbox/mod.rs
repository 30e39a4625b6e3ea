//! The outbox: events go to the webhooks that want them, in the transaction that caused them. It stands below the audit
//! trail, whose rows are events too.

pub mod event;
pub mod known;
pub mod queue;
pub mod retention;
pub mod route;
pub mod switch;

use crate::kernel::server::signal::Signal;

/// Sent when a webhook's routes or a tenant's switch change.
pub static CHANGED: Signal = Signal::of(c"webhook_routes_webhook_idx");
