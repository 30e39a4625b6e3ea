//! ID tokens that come back as a hint (OpenID Connect Core section 3.1.2.1, RP-Initiated Logout section 2): whom, and
//! which of its sessions, a client means.

use serde_json::Value;

use crate::kernel::outcome::Mistake;
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::value::clock::Timestamp;
use crate::oauth::issuer::Issuer;
use crate::oauth::signing_key::published;
use crate::rfc::jose::jws;

/// The largest one, in bytes.
const MAX_BYTES: usize = 16_384;

/// What an ID token of this issuer says.
pub struct Hint {
    /// The user, by the client's name.
    pub sub: String,
    /// Whom it was issued to.
    pub client_id: String,
}

/// Reads a hint, which may have expired; None if it is not one of the issuer's, or from before the oldest of its keys.
pub fn read(
    now: Timestamp,
    snapshot: &Snapshot,
    issuer: &Issuer,
    hint: &str,
) -> Result<Option<Hint>, Mistake> {
    let Ok(jws) = jws::parse(hint, MAX_BYTES) else { return Ok(None) };
    // Of the issuer's JWTs only ID tokens have no type of their own.
    let is_id_token = jws.header.get("typ").is_none() || jws.is_of_type("JWT");
    if !is_id_token || jws.text("iss") != Some(&issuer.issuer) {
        return Ok(None);
    }
    let keys = published::jwks(now, snapshot, &issuer.tenant_id)?;
    if jws.verify(&keys.keys).is_err() {
        return Ok(None);
    }
    let audience = match jws.claims.get("aud") {
        Some(Value::Array(several)) => several.first(),
        other => other,
    };
    Ok(jws
        .text("sub")
        .zip(audience.and_then(Value::as_str))
        .map(|(sub, client_id)| Hint { sub: sub.to_owned(), client_id: client_id.to_owned() }))
}
