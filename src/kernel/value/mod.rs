//! The values of columns and arguments.

pub mod argument;
pub mod calendar;
pub mod clock;
pub mod hex;
pub mod http_date;
pub mod id;
pub mod inet;
pub mod interval;
pub mod json;
pub mod jsonb;
pub mod member;
pub mod memory;
pub mod varlena;
