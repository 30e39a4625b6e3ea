//! What every domain stands on. Nothing here knows a domain.

pub mod append;
pub mod argument;
pub mod caller;
pub mod catalog;
pub mod clock;
pub mod command;
pub mod hold;
pub mod id;
pub mod index;
pub mod inet;
pub mod interval;
pub mod jsonb;
pub mod library;
pub mod lock;
pub mod locked;
pub mod lookup;
pub mod outcome;
pub mod partition;
pub mod pin;
pub mod row;
pub mod seal;
pub mod secret;
pub mod settings;
pub mod shmem;
pub mod spi;
pub mod transaction;
