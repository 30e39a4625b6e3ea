//! Proofs of possession (RFC 9449) and JWT ids that are used once.

pub mod dpop;
pub mod jti;
