//! Steps that reach over domains: the ends of tenants and clients, and cleanup.

pub mod cleanup;
pub mod client_end;
pub mod tables;
pub mod tenant_end;
