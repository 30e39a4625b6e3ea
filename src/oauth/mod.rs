//! OAuth 2: clients, authorization codes, grants and their tokens.

pub mod authorization_request;
pub mod binding;
pub mod client;
pub mod client_changes;
mod client_limit;
pub mod client_metadata;
pub mod client_profile;
pub mod client_secret;
pub mod code;
mod device;
pub mod device_code;
mod device_decision;
mod device_redemption;
pub mod grant;
pub mod introspection;
pub mod pkce;
pub mod pushed_request;
pub mod redemption;
pub mod redirect_uri;
pub mod refresh;
pub mod resource;
pub mod revocation;
pub mod scope;
pub mod secret_hash;
pub mod token;
mod user_code;
mod user_code_limit;
