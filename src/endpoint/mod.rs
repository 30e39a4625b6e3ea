//! The endpoints of an OAuth and OpenID provider, each one SQL call: parsers of requests and writers of answers over
//! the domain functions that the plain functions call too. A protocol error is an answer here as well.

pub mod authorize;
pub mod client;
pub mod cors;
mod device;
pub mod dispatch;
mod end_session;
mod id_token_hint;
pub mod metadata;
pub mod registration;
pub mod request;
pub mod response;
pub mod token;
pub mod userinfo;
