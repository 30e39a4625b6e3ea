//! What the pages of a provider need of a client, and its userinfo endpoint: what they show the user, and what the
//! client wants of a log-in.

use crate::kernel::outcome::Mistake;
use crate::kernel::server::lookup::{Key, Lookup, Snapshot};
use crate::kernel::server::row::row;
use crate::kernel::value::jsonb::Jsonb;

row! {
    /// A client for a page.
    pub struct Page in clients {
        pub name: String,
        /// The members of RFC 7591 that the store does not read, such as `logo_uri`.
        pub metadata: Jsonb,
        /// Seconds since the log-in, at most, where a request says nothing else.
        pub default_max_age: Option<i32>,
        /// The types of authorization details (RFC 9396) that it may ask for.
        pub authorization_details_types: Vec<String>,
        /// Where the browser may go after a log-out.
        pub post_logout_redirect_uris: Vec<String>,
        /// What signs its userinfo answers; None: they are not signed.
        pub userinfo_signed_response_alg: Option<String>,
    }
}

static PAGE: Lookup<Page> = Lookup::by(c"clients_id_key");

/// Of the client with this id.
pub fn find(snapshot: &Snapshot, client_id: &str) -> Result<Option<Page>, Mistake> {
    PAGE.find(snapshot, Key::Text(client_id))
}

row! {
    struct Backchannel in clients {
        backchannel_logout_uri: Option<String>,
    }
}

static BACKCHANNEL: Lookup<Backchannel> = Lookup::by(c"clients_id_key");

/// Where the client is told of log-outs; None: nowhere.
pub fn backchannel_logout_uri(snapshot: &Snapshot, client_id: &str) -> Result<Option<String>, Mistake> {
    Ok(BACKCHANNEL.find(snapshot, Key::Text(client_id))?.and_then(|client| client.backchannel_logout_uri))
}
