//! Secrets: their text, their digests, what seals them.

pub mod merkle;
pub mod password;
pub mod seal;
pub mod token_text;
