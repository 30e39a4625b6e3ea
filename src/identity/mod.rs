//! Who: tenants and users.

pub mod email_key;
pub mod name;
pub mod session;
pub mod session_revocation;
pub mod session_use;
pub mod tenant;
pub mod user;
