//! Who: tenants, users, their roles and their sessions.

pub mod role;
pub mod session;
pub mod tenant;
pub mod user;
