//! The endpoints beside the token endpoint where a client authenticates: introspection (RFC 7662, RFC 9701), revocation
//! (RFC 7009), pushed authorization requests (RFC 9126) and device authorization (RFC 8628).

pub mod device_authorization;
pub mod introspect;
pub mod par;
pub mod revoke;
