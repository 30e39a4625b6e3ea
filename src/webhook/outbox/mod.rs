//! The outbox: events go to the webhooks that want them, in the transaction that caused them. It stands below the audit
//! trail, whose rows are events too.

pub mod event;
pub mod known;
pub mod queue;
pub mod route;
pub mod switch;
