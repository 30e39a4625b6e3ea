//! Webhooks: who wants which events, and the way of each event to its receiver.
//!
//! An event goes into the queue in the transaction that caused it (`outbox/`). A worker outside the database claims
//! deliveries, sends them and completes them; nothing here opens a connection.
//!
//! Locks: the client, the webhook, its state, its deliveries in the order of their ids, the vault's data key.

pub mod attempt;
pub mod backlog;
pub mod claim;
pub mod complete;
mod emit;
pub mod event_type;
pub mod logout;
pub mod outbox;
pub mod redrive;
pub mod retry;
pub mod secret;
pub mod state;
pub mod subscription;
pub mod waiting;
