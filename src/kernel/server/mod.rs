//! Code that reaches into the server: statements, look-ups, locks, settings, memory. All unsafe code is here or beside
//! it.

pub mod append;
pub mod batch;
pub mod cache;
pub mod caller;
pub mod catalog;
pub mod cell;
pub mod change;
pub mod columns;
pub mod command;
pub mod composite;
pub mod datum;
pub mod entries;
pub mod function_scan;
pub mod guard;
pub mod hold;
pub mod index;
pub mod kept;
pub mod lineage;
pub mod lock;
pub mod locked;
pub mod lookup;
pub mod many;
#[cfg(feature = "pg18")]
pub mod oauth_module;
pub mod partition;
pub mod pin;
pub mod placeholder;
pub mod principal;
pub mod reader;
pub mod remembered;
pub mod row;
pub mod rows;
pub mod running;
#[cfg(test)]
pub mod scripts;
pub mod settings;
pub mod shmem;
pub mod signal;
pub mod slot;
pub mod snapshot;
pub mod spi;
pub mod state;
pub mod table;
pub mod transaction;
pub mod version;
