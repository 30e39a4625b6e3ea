//! Authentication by the certificate of the TLS connection (RFC 8705 section 2). The TLS server has verified that the
//! client holds its key, and for `tls_client_auth` who issued it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::kernel::outcome::Mistake;
use crate::kernel::server::lookup::{Key, Lookup, Snapshot};
use crate::kernel::server::row::row;
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::jsonb::Jsonb;
use crate::oauth::client::Client;
use crate::oauth::client::keys;
use crate::rfc::certificate::{Certificate, Subject};

row! {
    struct Named in clients {
        certificate_subject: Option<Jsonb>,
    }
}

static NAMED: Lookup<Named> = Lookup::by(c"clients_id_key");

/// Whether the certificate names the client as it is registered (section 2.1.2).
pub fn names(snapshot: &Snapshot, client: &Client, der: &[u8]) -> Result<bool, Mistake> {
    let found = NAMED.find(snapshot, Key::Text(&client.id))?;
    let subject = found.and_then(|named| named.certificate_subject);
    let Some(certificate) = Certificate::read(der) else { return Ok(false) };
    Ok(subject.as_ref().and_then(Jsonb::members).is_some_and(|members| {
        members.iter().any(|(name, value)| {
            value.text().and_then(|text| Subject::of(name, text)).is_some_and(|one| certificate.names(one))
        })
    }))
}

/// Whether the certificate is one of those that the client registered with its keys, as `x5c` (section 2.2.2).
pub fn is_registered(
    snapshot: &Snapshot,
    now: Timestamp,
    client: &Client,
    der: &[u8],
) -> Result<bool, Mistake> {
    let keys = keys::keys(snapshot, client)?;
    let set = keys.as_ref().and_then(|keys| keys.set(now)).and_then(Jsonb::parse);
    let own = STANDARD.encode(der);
    let first =
        |key: &Value| key.get("x5c").and_then(|chain| chain.get(0)).and_then(Value::as_str) == Some(&own);
    let keys = set.as_ref().and_then(|set| set.get("keys")).and_then(Value::as_array);
    Ok(keys.is_some_and(|keys| keys.iter().any(first)))
}
