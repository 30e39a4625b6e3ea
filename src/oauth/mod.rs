//! OAuth 2: clients, authorization codes, grants and their tokens.

pub mod client;
pub mod client_secret;
pub mod pkce;
pub mod redirect_uri;
pub mod scope;
