//! OAuth 2 clients (RFC 6749 section 2).

pub mod changes;
pub mod limit;
pub mod metadata;
pub mod profile;
pub mod registration;
pub mod secret;

use serde_json::Value;

use crate::kernel::outcome::Mistake;
use crate::kernel::server::hold::{self, Hold, Place};
use crate::kernel::server::lookup::{Key, Lookup, View};
use crate::kernel::server::row::Row;
use crate::kernel::server::spi::{Param, Statement, params};
use crate::kernel::server::table::{Published, Rows, Table, delete_by};
use crate::kernel::value::clock::Timestamp;
use crate::oauth::client::metadata::{AuthMethod, ClientMetadata};
use crate::trail::{self, Event};

/// What other domains need to know of a client.
pub struct Client {
    /// The client_id (RFC 6749 section 2.2).
    pub id: String,
    /// The tenant.
    pub tenant_id: String,
    /// Whether it works: it is active, and so is its tenant.
    pub usable: bool,
    /// Whether it can keep a secret.
    pub confidential: bool,
    /// How it authenticates.
    pub auth_method: AuthMethod,
    /// Whether a code needs a challenge.
    pub require_pkce: bool,
    /// Whether a refresh token is replaced at each use.
    pub refresh_rotation: bool,
    /// Seconds an access token lives.
    pub access_token_ttl: i64,
    /// Seconds a refresh token family lives.
    pub refresh_token_ttl: i64,
    /// Seconds an unused refresh token family lives.
    pub refresh_idle_ttl: i64,
    /// Seconds the previous refresh token works; None: the setting's.
    pub refresh_grace: Option<i64>,
    /// What it may be granted.
    pub scope: String,
    /// What it may use at the token endpoint.
    pub grant_types: Vec<String>,
    /// Where codes may be sent.
    pub redirect_uris: Vec<String>,
    /// Resource indicators it may name; none: any.
    pub resources: Vec<String>,
    /// How many requests it may make in an hour; None: any number.
    pub rate_limit_per_hour: Option<i32>,
    /// Where it was found, for [`hold`].
    pub place: Option<Place>,
}

impl Client {
    /// Whether the client may use this grant type.
    pub fn allows_grant_type(&self, grant_type: &str) -> bool {
        self.grant_types.iter().any(|allowed| allowed == grant_type)
    }
}

/// What is true of the table `clients`.
pub static TABLE: Table = Table {
    name: "clients",
    key: &["id", "tenant_id"],
    ended: None,
    of_tenant: Rows::Deleted(delete_by!(latest "clients", "tenant_id")),
    of_client: Rows::None,
    of_user: Rows::None,
    published: Published::Validation,
    restored: true,
};

static CLIENT: Lookup = Lookup::new(
    c"clients",
    c"clients_id_key",
    &[
        c"tenant_id",
        c"status",
        c"tenant_suspended",
        c"client_type",
        c"token_endpoint_auth_method",
        c"require_pkce",
        c"refresh_rotation",
        c"access_token_ttl",
        c"refresh_token_ttl",
        c"refresh_idle_ttl",
        c"refresh_grace",
        c"scope",
        c"grant_types",
        c"redirect_uris",
        c"resources",
        c"rate_limit_per_hour",
    ],
);

/// The client with this id, of any status.
pub fn find(view: &View, client_id: &str) -> Result<Option<Client>, Mistake> {
    CLIENT.find(view, Key::Text(client_id), |row| {
        Some(Client {
            id: client_id.to_owned(),
            tenant_id: row.get(0)?,
            usable: row.get::<&str>(1)? == "active" && !row.get::<bool>(2)?,
            confidential: row.get::<&str>(3)? == "confidential",
            auth_method: AuthMethod::of(row.get(4)?)?,
            require_pkce: row.get(5)?,
            refresh_rotation: row.get(6)?,
            access_token_ttl: seconds(row, 7)?,
            refresh_token_ttl: seconds(row, 8)?,
            refresh_idle_ttl: seconds(row, 9)?,
            refresh_grace: seconds(row, 10),
            scope: row.get(11)?,
            grant_types: row.get(12)?,
            redirect_uris: row.get(13)?,
            resources: row.get(14)?,
            rate_limit_per_hour: row.get(15),
            place: hold::seen(),
        })
    })
}

static USABLE: Lookup = Lookup::new(c"clients", c"clients_id_key", &[c"status", c"tenant_suspended"]);

/// Whether the client exists and works.
pub fn is_usable(view: &View, client_id: &str) -> Result<bool, Mistake> {
    let usable = USABLE.find(view, Key::Text(client_id), |row| {
        Some(row.get::<&str>(0)? == "active" && !row.get::<bool>(1)?)
    })?;
    Ok(usable.unwrap_or(false))
}

static NAME: Lookup = Lookup::new(c"clients", c"clients_id_key", &[c"name"]);

/// The client's name.
pub fn name(view: &View, client_id: &str) -> Result<Option<String>, Mistake> {
    NAME.find(view, Key::Text(client_id), |row| row.get(0))
}

/// No client has the id that the argument says.
pub const UNKNOWN: Mistake = Mistake::Unknown { what: "client", argument: "client_id" };

static INSERT: Statement = Statement::write(
    c"INSERT INTO auth_store.clients
        (id, tenant_id, tenant_suspended, created_at, updated_at, client_type,
         name, token_endpoint_auth_method, require_pkce, refresh_rotation, access_token_ttl,
         refresh_token_ttl, refresh_idle_ttl, refresh_grace, rate_limit_per_hour, scope, grant_types,
         redirect_uris, resources, metadata)
      VALUES ($1, $2, $3, $4, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)
      ON CONFLICT (id) DO NOTHING",
);

/// Stores a new client; false where the id is taken.
pub fn insert(
    now: Timestamp,
    client_id: &str,
    tenant_id: &str,
    suspended: bool,
    client: &ClientMetadata,
) -> Result<bool, Mistake> {
    let mut parameters = Vec::from(params![client_id, tenant_id, suspended, now, client.client_type()]);
    parameters.extend(columns(client));
    Ok(INSERT.run(&parameters)? == 1)
}

/// The values of the columns that the owner of a client chooses, in the order of the statements.
fn columns(client: &ClientMetadata) -> [Param; 14] {
    let seconds = |seconds: i64| i32::try_from(seconds).unwrap_or(i32::MAX);
    params![
        client.name.as_str(),
        client.auth_method.as_str(),
        client.require_pkce,
        client.refresh_rotation,
        seconds(client.access_token_ttl),
        seconds(client.refresh_token_ttl),
        seconds(client.refresh_idle_ttl),
        client.refresh_grace.map(seconds),
        client.rate_limit_per_hour,
        client.scope.as_str(),
        client.grant_types.clone(),
        client.redirect_uris.clone(),
        client.resources.clone(),
        client.metadata.clone(),
    ]
}

static LOCK_METADATA: Statement = Statement::write(
    c"SELECT tenant_id, client_type, name, token_endpoint_auth_method, require_pkce, refresh_rotation,
             access_token_ttl, refresh_token_ttl, refresh_idle_ttl, refresh_grace, rate_limit_per_hour,
             scope, grant_types, redirect_uris, resources, metadata
        FROM auth_store.clients WHERE id = $1 FOR NO KEY UPDATE",
);

/// A client's tenant and metadata, its row locked.
pub fn lock_metadata(client_id: &str) -> Result<(String, ClientMetadata), Mistake> {
    let load = |row: &Row<'_>| {
        let client = ClientMetadata {
            confidential: row.get::<&str>(1)? == "confidential",
            name: row.get(2)?,
            auth_method: AuthMethod::of(row.get(3)?)?,
            require_pkce: row.get(4)?,
            refresh_rotation: row.get(5)?,
            access_token_ttl: seconds(row, 6)?,
            refresh_token_ttl: seconds(row, 7)?,
            refresh_idle_ttl: seconds(row, 8)?,
            refresh_grace: seconds(row, 9),
            rate_limit_per_hour: row.get(10),
            scope: row.get(11)?,
            grant_types: row.get(12)?,
            redirect_uris: row.get(13)?,
            resources: row.get(14)?,
            metadata: row.get(15)?,
        };
        Some((row.get(0)?, client))
    };
    LOCK_METADATA.one(&params![client_id], load)?.ok_or(UNKNOWN)
}

static REPLACE: Statement = Statement::write(
    c"UPDATE auth_store.clients
         SET updated_at = $2, name = $3, token_endpoint_auth_method = $4, require_pkce = $5,
             refresh_rotation = $6, access_token_ttl = $7, refresh_token_ttl = $8, refresh_idle_ttl = $9,
             refresh_grace = $10, rate_limit_per_hour = $11, scope = $12, grant_types = $13,
             redirect_uris = $14, resources = $15, metadata = $16
       WHERE id = $1",
);

/// Writes a client's changed metadata.
pub fn replace(now: Timestamp, client_id: &str, client: &ClientMetadata) -> Result<(), Mistake> {
    let mut parameters = Vec::from(params![client_id, now]);
    parameters.extend(columns(client));
    REPLACE.run(&parameters)?;
    Ok(())
}

// A revoked client stays so: whoever holds one of its tokens must not see it work again.
static SET_STATUS: Statement = Statement::write(
    c"UPDATE auth_store.clients
         SET status = $2, status_reason = $3, updated_at = $4
       WHERE id = $1 AND (status <> 'revoked' OR $2 = 'revoked')
      RETURNING tenant_id",
);

/// Stores the status and returns the tenant; None: there is no such client, or it is revoked for good.
pub fn store_status(
    now: Timestamp,
    client_id: &str,
    status: &str,
    reason: Option<&str>,
) -> Result<Option<String>, Mistake> {
    SET_STATUS.one(&params![client_id, status, reason, now], |row| row.get(0))
}

// No grant can be made for the client while its row is locked so, nor a client for a tenant: their
// foreign keys wait for it.
static LOCK_UPDATE: Statement =
    Statement::write(c"SELECT tenant_id FROM auth_store.clients WHERE id = $1 FOR UPDATE");

/// Locks the client's row against everything that would refer to the client; returns the tenant.
pub fn lock_update(client_id: &str) -> Result<Option<String>, Mistake> {
    LOCK_UPDATE.one(&params![client_id], |row| row.get(0))
}

static DELETE: Statement = Statement::write(c"DELETE FROM auth_store.clients WHERE id = $1");

/// Deletes the client's row, its secrets with it.
pub fn delete(client_id: &str) -> Result<(), Mistake> {
    DELETE.run(&params![client_id])?;
    Ok(())
}

static LOCK_KEY_SHARE: Hold =
    Hold::new(c"SELECT true FROM auth_store.clients WHERE id = $1 AND tenant_id = $2 FOR KEY SHARE");

/// Keeps the client from being deleted until the transaction ends; false where it is gone. To be called before
/// what refers to the client is stored.
pub fn lock_key_share(client_id: &str, tenant_id: &str, place: Option<Place>) -> Result<bool, Mistake> {
    LOCK_KEY_SHARE.hold(place, &params![client_id, tenant_id])
}

static LOCK_UPDATE_BY_TENANT: Statement =
    Statement::write(c"SELECT id FROM auth_store.clients WHERE tenant_id = $1 ORDER BY id FOR UPDATE");

/// Locks the clients of a tenant, so that nothing more is granted to them.
pub fn lock_update_by_tenant(tenant_id: &str) -> Result<(), Mistake> {
    LOCK_UPDATE_BY_TENANT.run(&params![tenant_id])?;
    Ok(())
}

static SET_TENANT_SUSPENDED: Statement = Statement::write(
    c"UPDATE auth_store.clients SET tenant_suspended = $2 WHERE tenant_id = $1 AND tenant_suspended <> $2",
);

/// Copies a tenant's suspension to its clients, so that validating a token reads no tenant.
pub fn set_tenant_suspended(tenant_id: &str, suspended: bool) -> Result<(), Mistake> {
    SET_TENANT_SUSPENDED.run(&params![tenant_id, suspended])?;
    Ok(())
}

/// Writes the audit row of an administrative step.
pub fn record(
    now: Timestamp,
    event: &str,
    tenant_id: &str,
    client_id: &str,
    details: Value,
) -> Result<(), Mistake> {
    trail::record(
        now,
        &Event { event, tenant_id, client_id: Some(client_id), details: Some(details), ..Event::default() },
    )?;
    Ok(())
}

fn seconds(row: &Row<'_>, column: usize) -> Option<i64> {
    row.get::<i32>(column).map(i64::from)
}
