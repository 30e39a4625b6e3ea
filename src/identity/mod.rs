//! Who: tenants and users.

pub mod session;
pub mod session_revocation;
pub mod tenant;
pub mod user;
