//! The ground of every domain. Nothing here knows a domain.

pub mod crypto;
pub mod outcome;
pub mod server;
pub mod value;
