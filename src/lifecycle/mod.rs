//! Steps that reach over domains: the ends of tenants, clients and users, and cleanup.

pub mod cleanup;
pub mod client_end;
pub mod cursors;
pub mod recovered;
pub mod tables;
pub mod tenant_end;
pub mod user_end;
pub mod user_erase;
pub mod user_export;
