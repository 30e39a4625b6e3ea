//! What a client is told of its registration (RFC 7591 section 3.2.1, RFC 7592 section 3).

use crate::endpoint::response::Response;
use crate::kernel::value::clock::Timestamp;
use crate::oauth::client::metadata::ClientMetadata;
use crate::oauth::client::registered::information;
use crate::oauth::issuer::Issuer;

/// A registration.
pub struct Answered<'a> {
    pub issuer: &'a Issuer,
    pub client_id: &'a str,
    pub client: &'a ClientMetadata,
    pub issued_at: Timestamp,
    /// Shown the one time that it is made; the store keeps a digest.
    pub secret: Option<&'a str>,
    /// As it was made, or as the client has sent it.
    pub access_token: &'a str,
}

impl Answered<'_> {
    /// The answer.
    pub fn response(&self, status: u16) -> Response {
        let mut object = information::of(self.client_id, self.client);
        object
            .number("client_id_issued_at", self.issued_at.unix_seconds())
            .some_text("client_secret", self.secret)
            // Clients want a number beside a secret, and nothing without one.
            .some_number("client_secret_expires_at", self.secret.map(|_| 0))
            .text("registration_access_token", self.access_token)
            .text("registration_client_uri", &self.uri());
        Response::json(status, object.end()).of_client(self.client_id)
    }

    /// Where the client manages its registration. The ids of registered clients are of characters that a path has.
    fn uri(&self) -> String {
        let endpoint = self.issuer.url(&self.issuer.settings.paths.registration);
        format!("{endpoint}/{}", self.client_id)
    }
}
