//! Clients that strangers register (RFC 7591) and manage (RFC 7592), and those that publish their metadata at their
//! client_id.

pub mod document;
pub mod information;
pub mod members;
pub mod terms;
pub mod unused;

use serde_json::json;

use crate::identity::tenant::Status;
use crate::kernel::crypto::token_text::{self, Digest, Kind};
use crate::kernel::outcome::Mistake;
use crate::kernel::server::lock;
use crate::kernel::server::lookup::{Key, Lookup, Snapshot};
use crate::kernel::server::row::row;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::id::{Bucket, Id};
use crate::oauth::client::metadata::ClientMetadata;
use crate::oauth::client::registration::NewClient;
use crate::oauth::client::{self, Origin, secret};
use crate::oauth::issuer::Issuer;

/// A client that has just been registered.
pub struct Registered {
    pub client_id: String,
    /// Where it authenticates with one.
    pub client_secret: Option<String>,
    /// What it manages its registration with (RFC 7592 section 3).
    pub access_token: String,
}

static COUNT: Statement<i64> = Statement::latest(
    c"SELECT pg_catalog.count(*)
        FROM (SELECT FROM auth_store.clients WHERE tenant_id = $1 AND origin = $2 LIMIT $3) c",
);

/// Whether the tenant takes another client of strangers. Others that ask wait for the end of this transaction, so that
/// no two take the last place.
fn has_room(issuer: &Issuer, origin: Origin) -> Result<bool, Mistake> {
    let digest = token_text::digest(&format!("registration\0{}", issuer.tenant_id));
    let mut key = [0; 16];
    key.copy_from_slice(digest.split_at(16).0);
    lock::lock_key(Id::from_bytes(key));
    let most = i64::from(issuer.settings.registration_max_clients);
    let there = COUNT.one(&params![issuer.tenant_id.as_str(), origin.as_str(), most])?;
    Ok(there.unwrap_or(0) < most)
}

static MANAGE: Statement = Statement::write(
    c"UPDATE auth_store.clients SET registration_digest = $2, registration_expires_at = $3 WHERE id = $1",
);

/// Registers a client; None where the tenant has as many as it takes. A client that gets tokens for itself is never
/// consented to, so that nothing says whether it is used: it stays.
pub fn register(
    now: Timestamp,
    issuer: &Issuer,
    metadata: &ClientMetadata,
) -> Result<Option<Registered>, Mistake> {
    if !has_room(issuer, Origin::Registration)? {
        return Ok(None);
    }
    let tenant_id = issuer.tenant_id.as_str();
    let new = NewClient { tenant_id, client_id: None, origin: Origin::Registration, metadata };
    let Some(made) = new.add(now)? else { return Ok(None) };
    let mut minted = token_text::mint(Kind::Registration, now, Bucket::of(&[&made.client_id]))?;
    let lasting = metadata.grant_types.iter().any(|name| name == "client_credentials");
    let ends = (!lasting).then(|| now.plus_seconds(issuer.settings.registration_unused_ttl));
    MANAGE.exactly_one(&params![made.client_id.as_str(), minted.digest.as_slice(), ends])?;
    Ok(Some(Registered {
        client_id: made.client_id,
        client_secret: made.client_secret,
        access_token: std::mem::take(&mut *minted.text),
    }))
}

row! {
    /// A client that manages its own registration.
    pub struct Managed in clients {
        tenant_id: String,
        status: Status,
        registration_digest: Option<Digest>,
        /// When it registered.
        pub created_at: Timestamp,
        /// What it registered.
        pub metadata: ClientMetadata,
    }
}

static MANAGED: Lookup<Managed> = Lookup::by(c"clients_id_key");

static LOCK: Statement<Managed> =
    Statement::latest(c"SELECT {columns} FROM auth_store.clients WHERE id = $1 FOR NO KEY UPDATE");

/// The client of the tenant that this registration access token manages; None if the token is of no such client, or if
/// the client is not active.
pub fn managed(
    snapshot: &Snapshot,
    tenant_id: &str,
    client_id: &str,
    token: &str,
) -> Result<Option<Managed>, Mistake> {
    let found = MANAGED.find(snapshot, Key::Text(client_id))?;
    Ok(found.filter(|client| client.is_managed_with(tenant_id, token)))
}

/// The same, its row locked.
pub fn lock_managed(tenant_id: &str, client_id: &str, token: &str) -> Result<Option<Managed>, Mistake> {
    let found = LOCK.one(&params![client_id])?;
    Ok(found.filter(|client| client.is_managed_with(tenant_id, token)))
}

impl Managed {
    fn is_managed_with(&self, tenant_id: &str, token: &str) -> bool {
        let presented = token_text::parse(Kind::Registration, Some(token));
        let stored = self.registration_digest.as_ref();
        self.tenant_id == tenant_id
            && self.status == Status::Active
            && presented
                .zip(stored)
                .is_some_and(|(presented, stored)| token_text::digest_matches(&presented.digest, stored))
    }
}

/// Replaces what a client has registered, its row locked; returns its secret where it has had none before.
pub fn replace(
    now: Timestamp,
    tenant_id: &str,
    client_id: &str,
    former: &ClientMetadata,
    metadata: &ClientMetadata,
    keeper: Option<secret::Keeper>,
) -> Result<Option<String>, Mistake> {
    client::replace(now, client_id, metadata)?;
    let had = former.token_endpoint_auth_method;
    let needs = metadata.token_endpoint_auth_method;
    let new_secret = match keeper {
        // A secret that was not sealed signs nothing.
        Some(keeper) if !had.has_secret() || (needs.is_sealed() && !had.is_sealed()) => {
            Some(secret::replace(now, tenant_id, client_id, keeper)?)
        }
        _ => None,
    };
    let details = json!({ "changed": "registration", "secret": new_secret.is_some() });
    client::record(now, "client.updated", tenant_id, client_id, details)?;
    Ok(new_secret)
}

static WITHDRAW: Statement = Statement::write(
    c"UPDATE auth_store.clients SET registration_digest = NULL, registration_expires_at = $2 WHERE id = $1",
);

/// Ends a registration, its row locked. The client works no more, and the next cleanup deletes it.
pub fn withdraw(now: Timestamp, tenant_id: &str, client_id: &str) -> Result<(), Mistake> {
    const REASON: &str = "registration_deleted";
    client::store_status(now, client_id, "revoked", Some(REASON))?;
    WITHDRAW.exactly_one(&params![client_id, now])?;
    let details = json!({ "status": "revoked", "reason": REASON });
    client::record(now, "client.status_changed", tenant_id, client_id, details)
}
