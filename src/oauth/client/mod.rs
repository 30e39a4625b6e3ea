//! OAuth 2 clients (RFC 6749 section 2).

pub mod changes;
pub mod limit;
pub mod metadata;
pub mod profile;
pub mod secret;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pgrx::prelude::*;
use serde_json::{Value, json};

use crate::api_key;
use crate::identity::tenant;
use crate::kernel::outcome::{Mistake, OrRaise, given};
use crate::kernel::server::hold::{self, Hold, Place};
use crate::kernel::server::lookup::{Key, Lookup, View};
use crate::kernel::server::row::{Row, composite};
use crate::kernel::server::spi::{Param, Statement, params};
use crate::kernel::value::argument;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::{Bucket, Id};
use crate::kernel::value::jsonb::Jsonb;
use crate::oauth::client::metadata::{AuthMethod, ClientMetadata, Given};
use crate::oauth::code::{self, pushed};
use crate::oauth::token::imported;
use crate::oauth::{consent, device, grant};
use crate::rfc::client_id;
use crate::trail::{self, Event};

composite! {
    /// What client_create() returns.
    pub struct ClientRegistration = "auth_store.client_registration" {
        pub client_id: Option<String>,
        pub client_secret: Option<String>,
    }
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn client_create(
    name: Option<&str>,
    redirect_uris: default!(Option<Vec<Option<String>>>, "NULL"),
    client_type: default!(Option<&str>, "'confidential'"),
    grant_types: default!(Option<Vec<Option<String>>>, "NULL"),
    scope: default!(Option<&str>, "NULL"),
    client_id: default!(Option<&str>, "NULL"),
    token_endpoint_auth_method: default!(Option<&str>, "NULL"),
    require_pkce: default!(Option<bool>, "NULL"),
    access_token_ttl: default!(Option<Interval>, "NULL"),
    refresh_token_ttl: default!(Option<Interval>, "NULL"),
    refresh_idle_ttl: default!(Option<Interval>, "NULL"),
    rate_limit_per_hour: default!(Option<i32>, "NULL"),
    resources: default!(Option<Vec<Option<String>>>, "NULL"),
    metadata: default!(Option<Jsonb>, "NULL"),
    tenant_id: default!(Option<&str>, "NULL"),
    refresh_rotation: default!(Option<bool>, "NULL"),
    refresh_grace: default!(Option<Interval>, "NULL"),
) -> ClientRegistration {
    let given = Given {
        redirect_uris,
        client_type,
        grant_types,
        scope,
        token_endpoint_auth_method,
        require_pkce,
        access_token_ttl,
        refresh_token_ttl,
        refresh_idle_ttl,
        rate_limit_per_hour,
        resources,
        metadata,
        refresh_rotation,
        refresh_grace,
    };
    create(clock::now(), name, client_id, tenant_id, given).or_raise()
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn client_set_status(
    client_id: Option<&str>,
    status: Option<&str>,
    reason: default!(Option<&str>, "NULL"),
) -> bool {
    set_status(clock::now(), client_id, status, reason).or_raise();
    true
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn client_delete(client_id: Option<&str>) -> bool {
    delete(clock::now(), client_id).or_raise();
    true
}

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

fn create(
    now: Timestamp,
    name: Option<&str>,
    client_id: Option<&str>,
    tenant_id: Option<&str>,
    given_members: Given<'_>,
) -> Result<ClientRegistration, Mistake> {
    let view = View::writing()?;
    let tenant_id = tenant::resolve(&view, tenant_id)?;
    let schemes = tenant::redirect_uri_schemes(&view, &tenant_id)?;
    drop(view);
    let client = ClientMetadata::new(given(name, "name")?, given_members, &schemes)?;
    let client_id = match client_id {
        Some(id) => client_id::check(id)?.to_owned(),
        None => URL_SAFE_NO_PAD.encode(Id::mint(now, Bucket::of(&[&tenant_id]))?.bytes()),
    };
    let suspended = tenant::share(&tenant_id)?.ok_or(tenant::UNKNOWN_ID)?;
    let client_type = if client.confidential { "confidential" } else { "public" };
    let mut parameters =
        Vec::from(params![client_id.as_str(), tenant_id.as_str(), suspended, now, client_type]);
    parameters.extend(columns(&client));
    if INSERT.run(&parameters)? == 0 {
        return Err(Mistake::Duplicate { what: "client", argument: "client_id" });
    }
    let client_secret =
        if client.auth_method.uses_secret() { Some(secret::add(now, &tenant_id, &client_id)?) } else { None };
    let details = json!({ "name": client.name, "client_type": client_type });
    record(now, "client.created", &tenant_id, &client_id, details)?;
    Ok(ClientRegistration { client_id: Some(client_id), client_secret })
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

const STATUSES: [&str; 4] = ["active", "suspended", "revoked", "pending"];

// A revoked client stays so: whoever holds one of its tokens must not see it work again.
static SET_STATUS: Statement = Statement::write(
    c"UPDATE auth_store.clients
         SET status = $2, status_reason = $3, updated_at = $4
       WHERE id = $1 AND (status <> 'revoked' OR $2 = 'revoked')
      RETURNING tenant_id",
);

fn set_status(
    now: Timestamp,
    client_id: Option<&str>,
    status: Option<&str>,
    reason: Option<&str>,
) -> Result<(), Mistake> {
    let client_id = given(client_id, "client_id")?;
    let status = given(status, "status")?;
    if !STATUSES.contains(&status) {
        return Err(Mistake::invalid("status", "active, suspended, revoked, pending"));
    }
    let reason = argument::optional_reason(reason)?;
    let changed = SET_STATUS.one(&params![client_id, status, reason, now], |row| row.get::<String>(0))?;
    let Some(tenant_id) = changed else {
        return Err(match find(&View::writing()?, client_id)? {
            Some(_) if status != "revoked" => Mistake::WrongState {
                message: "the client is revoked, which is final".into(),
                hint: "Create a new client.".into(),
            },
            _ => UNKNOWN,
        });
    };
    let details = json!({ "status": status, "reason": reason });
    record(now, "client.status_changed", &tenant_id, client_id, details)?;
    if status == "revoked" {
        grant::revoke_by_client(now, client_id, "client_revoked", None)?;
    }
    Ok(())
}

// No grant can be made for the client while its row is locked so, nor a client for a tenant: their
// foreign keys wait for it.
static LOCK: Statement =
    Statement::write(c"SELECT tenant_id FROM auth_store.clients WHERE id = $1 FOR UPDATE");
static DELETE: Statement = Statement::write(c"DELETE FROM auth_store.clients WHERE id = $1");

fn delete(now: Timestamp, client_id: Option<&str>) -> Result<(), Mistake> {
    let client_id = given(client_id, "client_id")?;
    // Codes first: whoever redeems one holds it and waits for the client.
    let codes = code::erase_by_client(client_id)?;
    device::erase_by_client(client_id)?;
    pushed::erase_by_client(client_id)?;
    let tenant_id = LOCK.one(&params![client_id], |row| row.get::<String>(0))?.ok_or(UNKNOWN)?;
    consent::erase_by_client(client_id)?;
    let grants = grant::erase_by_client(client_id)?;
    let api_keys = api_key::erase_by_client(client_id)?;
    imported::erase_by_client(client_id)?;
    DELETE.run(&params![client_id])?;
    let details = json!({ "grants": grants, "codes": codes, "api_keys": api_keys });
    record(now, "client.deleted", &tenant_id, client_id, details)
}

static HOLD: Hold =
    Hold::new(c"SELECT true FROM auth_store.clients WHERE id = $1 AND tenant_id = $2 FOR KEY SHARE");

/// Keeps the client from being deleted until the transaction ends; false where it is gone. To be called before
/// what refers to the client is stored.
pub fn hold(client_id: &str, tenant_id: &str, place: Option<Place>) -> Result<bool, Mistake> {
    HOLD.hold(place, &params![client_id, tenant_id])
}

static LOCK_TENANT: Statement =
    Statement::write(c"SELECT id FROM auth_store.clients WHERE tenant_id = $1 ORDER BY id FOR UPDATE");

/// Locks the clients of a tenant, so that nothing more is granted to them.
pub fn lock_tenant(tenant_id: &str) -> Result<(), Mistake> {
    LOCK_TENANT.run(&params![tenant_id])?;
    Ok(())
}

static ERASE_TENANT: Statement = Statement::latest(c"DELETE FROM auth_store.clients WHERE tenant_id = $1");

/// Deletes the clients of a tenant with their secrets.
pub fn erase_tenant(tenant_id: &str) -> Result<u64, Mistake> {
    ERASE_TENANT.run(&params![tenant_id])
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
