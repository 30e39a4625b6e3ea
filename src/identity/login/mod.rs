//! Logging in: failures are counted and answered by locks, and a browser that was here before is known.
//!
//! Everything here but the log-in itself, `by_password.rs`, stands below passwords, second factors and one-time codes,
//! which count their failures here: see `src/floors.txt`.

pub mod attempt;
pub mod by_password;
pub mod devices;
pub mod failures;
pub mod list;
pub mod lock;
