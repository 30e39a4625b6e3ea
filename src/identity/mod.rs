//! Who: tenants and users.

pub mod tenant;
pub mod user;
