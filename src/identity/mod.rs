//! Who: tenants and users.

pub mod session;
pub mod tenant;
pub mod user;
