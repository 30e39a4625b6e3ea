//! Who: tenants and users.

pub mod session;
pub mod session_revocation;
pub mod session_use;
pub mod tenant;
pub mod user;
