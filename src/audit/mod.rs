//! The audit trail as the application and the DBA see it: rows of their own, and the months it is kept in.

pub mod activity;
pub mod partitions;
pub mod seal;
pub mod trail;
pub mod write;
