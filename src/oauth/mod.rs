//! OAuth 2: clients, authorization codes, grants and their tokens.

pub mod client;
pub mod code;
pub mod consent;
pub mod device;
pub mod grant;
pub mod issuer;
pub mod proof;
pub mod token;
