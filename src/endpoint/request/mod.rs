//! What is common to the requests of clients: where they come from, who sent them, and what they prove.

pub mod basic;
pub mod client;
pub mod form;

use crate::trail::Context;

/// The longest client certificate that is looked at, in bytes.
pub const MAX_CERTIFICATE: usize = 16_384;

/// What comes with a request beside its parameters.
#[derive(Default)]
pub struct Caller<'a> {
    /// Whose endpoint it was sent to.
    pub tenant_id: &'a str,
    /// The issuer's identifier, the realm of its challenges.
    pub issuer: &'a str,
    /// The header `Authorization`.
    pub authorization: Option<&'a str>,
    /// The header `DPoP` (RFC 9449 section 4.1).
    pub dpop: Option<&'a str>,
    /// The certificate that the client proved in its TLS handshake, DER (RFC 8705).
    pub certificate: Option<&'a [u8]>,
    /// The address and the user agent, for the audit trail.
    pub context: Context<'a>,
}
