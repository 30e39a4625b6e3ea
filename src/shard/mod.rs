//! The store over several databases, its shards: what a router in front of them needs. Which bucket lives on which
//! shard is the router's; the store says which bucket a call belongs to.

pub mod bucket;
pub mod moving;
pub mod names;
