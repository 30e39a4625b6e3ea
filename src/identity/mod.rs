//! Who: tenants and their rules, users, their roles and their sessions.

pub mod external;
pub mod invitation;
pub mod login;
pub mod mail_link;
pub mod mfa;
pub mod moving_in;
pub mod one_time;
pub mod passkey;
pub mod password;
pub mod policy;
pub mod role;
pub mod session;
pub mod tenant;
pub mod user;
