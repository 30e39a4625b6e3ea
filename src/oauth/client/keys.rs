//! The public keys of a client, by which its assertions and request objects are verified.

use crate::kernel::outcome::Mistake;
use crate::kernel::server::lookup::{Key, Lookup, Snapshot};
use crate::kernel::server::row::row;
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::jsonb::Jsonb;
use crate::oauth::client::Client;

row! {
    /// The keys of a client, registered or fetched.
    pub struct ClientKeys in clients {
        jwks: Option<Jsonb>,
        jwks_uri: Option<String>,
        fetched_jwks: Option<Jsonb>,
        fetched_jwks_expires_at: Option<Timestamp>,
    }
}

impl ClientKeys {
    /// The JWK set; None if none is known, or if there is only one that must be fetched anew.
    pub fn set(&self, now: Timestamp) -> Option<&Jsonb> {
        match self.jwks_uri {
            None => self.jwks.as_ref(),
            Some(_) => self.fetched_jwks.as_ref().filter(|_| self.is_current(now)),
        }
    }

    /// Where the keys must be fetched; None where they are known.
    pub fn fetching(&self, now: Timestamp) -> Option<&str> {
        self.jwks_uri.as_deref().filter(|_| !self.is_current(now))
    }

    fn is_current(&self, now: Timestamp) -> bool {
        self.fetched_jwks_expires_at.is_some_and(|end| now < end)
    }
}

static KEYS: Lookup<ClientKeys> = Lookup::by(c"clients_id_key");

/// The client's keys; None for a client that is gone.
pub fn keys(snapshot: &Snapshot, client: &Client) -> Result<Option<ClientKeys>, Mistake> {
    KEYS.find(snapshot, Key::Text(&client.id))
}
