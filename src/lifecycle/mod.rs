//! What reaches over domains: the ends of tenants and clients, and cleanup.

pub mod cleanup;
