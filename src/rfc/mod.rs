//! Texts and rules of the RFCs: no table, no clock, no statement.

pub mod authorization_details;
pub mod binding;
pub mod certificate;
pub mod choice;
pub mod client_id;
pub mod jose;
pub mod json;
pub mod parameter;
pub mod pkce;
pub mod redirect_uri;
pub mod resource;
pub mod scope;
pub mod webauthn;
