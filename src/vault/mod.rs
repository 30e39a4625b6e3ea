//! Other providers' tokens.

pub mod fernet;
