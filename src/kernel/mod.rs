//! What every domain stands on. Nothing here knows a domain.

pub mod crypto;
pub mod outcome;
pub mod server;
pub mod value;
