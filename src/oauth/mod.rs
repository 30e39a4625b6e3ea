//! OAuth 2: clients, authorization codes, grants and their tokens, and the keys that sign some of them.

pub mod client;
pub mod code;
pub mod consent;
pub mod device;
pub mod grant;
pub mod interaction;
pub mod issuer;
pub mod proof;
pub mod signing_key;
pub mod token;
