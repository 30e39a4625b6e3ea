//! OAuth 2 clients (RFC 6749 section 2).

pub mod authenticate;
pub mod changes;
pub mod keys;
pub mod limit;
pub mod metadata;
pub mod page;
pub mod profile;
pub mod registered;
pub mod registration;
pub mod secret;
pub mod subject;

use serde_json::Value;

use crate::identity::tenant::Status;
use crate::kernel::outcome::Mistake;
use crate::kernel::server::append::Referred;
use crate::kernel::server::hold::{Hold, Place};
use crate::kernel::server::lookup::{Key, Lookup, Snapshot};
use crate::kernel::server::row::row;
use crate::kernel::server::spi::{Param, Statement, params};
use crate::kernel::server::table::{By, Moves, OfUser, Published, Rows, Table, delete_by, exported};
use crate::kernel::value::clock::Timestamp;
use crate::oauth::client::metadata::{AuthMethod, ClientMetadata, ClientType};
use crate::rfc::choice::{SecurityProfile, SubjectType, TokenFormat};
use crate::trail::{self, Event};

row! {
    /// What other domains need to know of a client; times in seconds.
    pub struct Client in clients {
        /// The client_id (RFC 6749 section 2.2).
        pub id: String,
        /// The tenant.
        pub tenant_id: String,
        usability: Usability,
        client_type: ClientType,
        /// How it authenticates.
        pub token_endpoint_auth_method: AuthMethod,
        /// Whether a code needs a challenge.
        pub require_pkce: bool,
        /// Whether a refresh token is replaced at each use.
        pub refresh_rotation: bool,
        /// How long an access token lives.
        pub access_token_ttl: i32,
        /// How long a refresh token family lives.
        pub refresh_token_ttl: i32,
        /// How long an unused refresh token family lives.
        pub refresh_idle_ttl: i32,
        /// How long the previous refresh token works; None: the setting's.
        pub refresh_grace: Option<i32>,
        /// What it may be granted.
        pub scope: String,
        /// What it may use at the token endpoint.
        pub grant_types: Vec<String>,
        /// Where codes may be sent.
        pub redirect_uris: Vec<String>,
        /// Resource indicators it may name; none: any.
        pub resources: Vec<String>,
        /// How many requests the client may make in an hour; None: any number.
        pub rate_limit_per_hour: Option<i32>,
        /// The form of its access tokens; None: the issuer's.
        pub access_token_format: Option<TokenFormat>,
        profile: Option<SecurityProfile>,
        /// Whether it must push its authorization requests.
        pub require_par: bool,
        /// Whether its tokens must be bound to a key.
        pub dpop_bound: bool,
        /// Whether its tokens are bound to its certificate.
        pub certificate_bound: bool,
        /// What it knows users by.
        pub subject_type: SubjectType,
        /// The algorithm of its ID tokens; None: the issuer's.
        pub id_token_signed_response_alg: Option<String>,
        /// Until when its metadata document is used without fetching it anew; None: it has none.
        pub document_expires_at: Option<Timestamp>,
        /// Where it was found, for [`lock_key_share`].
        pub place: Option<Place>,
    }
}

impl Client {
    /// True if the client and its tenant are active.
    pub fn is_usable(&self) -> bool {
        self.usability.is_usable()
    }

    /// Whether it can keep a secret.
    pub fn is_confidential(&self) -> bool {
        self.client_type == ClientType::Confidential
    }

    /// Whether the rules of FAPI 2.0 bind it by its own profile; the tenant's issuer may have one for all.
    pub fn is_fapi2(&self) -> bool {
        self.profile == Some(SecurityProfile::Fapi2)
    }

    /// Whether what the client publishes at its client_id must be fetched anew before it is used.
    pub fn must_be_fetched(&self, now: Timestamp) -> bool {
        self.document_expires_at.is_some_and(|end| end <= now)
    }

    /// Whether the client may use this grant type.
    pub fn allows_grant_type(&self, grant_type: &str) -> bool {
        self.grant_types.iter().any(|allowed| allowed == grant_type)
    }
}

/// What a row that refers to a client refers to, see [`lock_key_share`].
pub const REFERRED: Referred = Referred { table: c"clients", key: [c"id", c"tenant_id"] };

/// The facts of the table `clients`.
pub static TABLE: Table = Table {
    name: "clients",
    key: &["id", "tenant_id"],
    ended: None,
    of_tenant: Rows::Deleted(delete_by!(latest "clients", "tenant_id")),
    of_client: Rows::None,
    of_user: Some(OfUser {
        by: By::User,
        // They stay: see metadata/owner.rs.
        erased: None,
        exported: exported!(
            "clients",
            "owner_id = $1",
            "id, tenant_id, status, client_type, token_endpoint_auth_method, require_pkce, refresh_rotation, \
             access_token_ttl, refresh_token_ttl, refresh_idle_ttl, refresh_grace, rate_limit_per_hour, scope, \
             grant_types, redirect_uris, resources, name, status_reason, metadata, created_at, updated_at, owner_id, \
             origin, jwks, jwks_uri, access_token_format, profile, require_par, dpop_bound, certificate_bound, \
             certificate_subject, subject_type, id_token_signed_response_alg, userinfo_signed_response_alg, \
             default_max_age, authorization_details_types, post_logout_redirect_uris, backchannel_logout_uri, \
             backchannel_logout_session_required, registration_expires_at",
            withheld "tenant_suspended, fetched_jwks, fetched_jwks_expires_at, registration_digest, \
                      document_expires_at"
        ),
    }),
    published: Published::Validation,
    moves: Moves::Shared,
    restored: true,
};

static CLIENT: Lookup<Client> = Lookup::by(c"clients_id_key");

/// The client with this id, of any status.
pub fn find(snapshot: &Snapshot, client_id: &str) -> Result<Option<Client>, Mistake> {
    CLIENT.find(snapshot, Key::Text(client_id))
}

row! {
    struct Usability in clients {
        status: Status,
        tenant_suspended: bool,
    }
}

impl Usability {
    fn is_usable(&self) -> bool {
        self.status == Status::Active && !self.tenant_suspended
    }
}

static USABLE: Lookup<Usability> = Lookup::by(c"clients_id_key").remembered();

/// Whether the client exists and works.
pub fn is_usable(snapshot: &Snapshot, client_id: &str) -> Result<bool, Mistake> {
    Ok(USABLE.find(snapshot, Key::Text(client_id))?.is_some_and(|client| client.is_usable()))
}

row! {
    struct Named in clients {
        name: String,
    }
}

static NAME: Lookup<Named> = Lookup::by(c"clients_id_key");

/// The client's name.
pub fn name(snapshot: &Snapshot, client_id: &str) -> Result<Option<String>, Mistake> {
    Ok(NAME.find(snapshot, Key::Text(client_id))?.map(|client| client.name))
}

/// What a client's status can be.
pub const STATUSES: [&str; 4] = ["active", "suspended", "revoked", "pending"];

/// No client has the id that the argument says.
pub const UNKNOWN: Mistake = Mistake::Unknown { what: "client", argument: "client_id" };

static INSERT: Statement = Statement::write(
    c"INSERT INTO auth_store.clients
        (id, tenant_id, tenant_suspended, created_at, updated_at, client_type,
         name, token_endpoint_auth_method, require_pkce, refresh_rotation, access_token_ttl,
         refresh_token_ttl, refresh_idle_ttl, refresh_grace, rate_limit_per_hour, scope, grant_types,
         redirect_uris, resources, metadata, owner_id, jwks, jwks_uri, access_token_format, profile, require_par,
         dpop_bound, certificate_bound, certificate_subject, subject_type, id_token_signed_response_alg,
         userinfo_signed_response_alg, default_max_age, authorization_details_types, post_logout_redirect_uris,
         backchannel_logout_uri, backchannel_logout_session_required, origin)
      VALUES ($1, $2, $3, $4, $4, $5, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22,
              $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $6)
      ON CONFLICT (id) DO NOTHING",
);

/// How a client came to be: the words of the column `origin`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Origin {
    /// An administrator made it.
    Administrator,
    /// A user made it, who owns it.
    Developer,
    /// It registered itself (RFC 7591).
    Registration,
    /// It publishes its metadata at its client_id.
    Document,
}

impl Origin {
    /// All words.
    pub const WORDS: [&str; 4] = ["administrator", "developer", "registration", "document"];

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Administrator => "administrator",
            Self::Developer => "developer",
            Self::Registration => "registration",
            Self::Document => "document",
        }
    }
}

/// Stores a new client; false where the id is taken.
pub fn insert(
    now: Timestamp,
    client_id: &str,
    tenant_id: &str,
    suspended: bool,
    origin: Origin,
    client: &ClientMetadata,
) -> Result<bool, Mistake> {
    let client_type = client.client_type.as_str();
    let mut parameters =
        Vec::from(params![client_id, tenant_id, suspended, now, client_type, origin.as_str()]);
    parameters.extend(columns(client));
    Ok(INSERT.run(&parameters)? == 1)
}

/// The values of the columns that the owner of a client chooses, in the order of the statements.
fn columns(client: &ClientMetadata) -> impl Iterator<Item = Param> {
    let first = params![
        client.name.as_str(),
        client.token_endpoint_auth_method.as_str(),
        client.require_pkce,
        client.refresh_rotation,
        client.access_token_ttl,
        client.refresh_token_ttl,
        client.refresh_idle_ttl,
        client.refresh_grace,
        client.rate_limit_per_hour,
        client.scope.as_str(),
        client.grant_types.clone(),
        client.redirect_uris.clone(),
        client.resources.clone(),
        client.metadata.clone(),
    ];
    first.into_iter().chain(client.protocol.columns())
}

row! {
    /// A client's tenant and metadata.
    pub struct Registered {
        pub tenant_id: String,
        pub metadata: ClientMetadata,
    }
}

static LOCK_METADATA: Statement<Registered> =
    Statement::write(c"SELECT {columns} FROM auth_store.clients WHERE id = $1 FOR NO KEY UPDATE");

/// A client's tenant and metadata, its row locked.
pub fn lock_metadata(client_id: &str) -> Result<Registered, Mistake> {
    LOCK_METADATA.one(&params![client_id])?.ok_or(UNKNOWN)
}

static REPLACE: Statement = Statement::write(
    c"UPDATE auth_store.clients
         SET updated_at = $2, name = $3, token_endpoint_auth_method = $4, require_pkce = $5,
             refresh_rotation = $6, access_token_ttl = $7, refresh_token_ttl = $8, refresh_idle_ttl = $9,
             refresh_grace = $10, rate_limit_per_hour = $11, scope = $12, grant_types = $13,
             redirect_uris = $14, resources = $15, metadata = $16, owner_id = $17, jwks = $18, jwks_uri = $19,
             access_token_format = $20, profile = $21, require_par = $22, dpop_bound = $23, certificate_bound = $24,
             certificate_subject = $25, subject_type = $26, id_token_signed_response_alg = $27,
             userinfo_signed_response_alg = $28, default_max_age = $29, authorization_details_types = $30,
             post_logout_redirect_uris = $31, backchannel_logout_uri = $32, backchannel_logout_session_required = $33,
             fetched_jwks = CASE WHEN jwks_uri = $19 THEN fetched_jwks END,
             fetched_jwks_expires_at = CASE WHEN jwks_uri = $19 THEN fetched_jwks_expires_at END
       WHERE id = $1",
);

/// Writes a client's changed metadata.
pub fn replace(now: Timestamp, client_id: &str, client: &ClientMetadata) -> Result<(), Mistake> {
    let mut parameters = Vec::from(params![client_id, now]);
    parameters.extend(columns(client));
    REPLACE.run(&parameters)?;
    Ok(())
}

// A revoked client stays revoked: a holder of one of its tokens must not see it work again.
static SET_STATUS: Statement<String> = Statement::write(
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
    SET_STATUS.one(&params![client_id, status, reason, now])
}

// No grant can be made for the client while its row is locked so, nor a client for a tenant: their
// foreign keys wait for it.
static LOCK_UPDATE: Statement<String> =
    Statement::write(c"SELECT tenant_id FROM auth_store.clients WHERE id = $1 FOR UPDATE");

/// Locks the client's row against everything that would refer to the client; returns the tenant.
pub fn lock_update(client_id: &str) -> Result<Option<String>, Mistake> {
    LOCK_UPDATE.one(&params![client_id])
}

static DELETE: Statement = Statement::write(c"DELETE FROM auth_store.clients WHERE id = $1");

/// Deletes the client's row, its secrets with it.
pub fn delete(client_id: &str) -> Result<(), Mistake> {
    DELETE.run(&params![client_id])?;
    Ok(())
}

static LOCK_KEY_SHARE: Hold =
    Hold::new(c"SELECT true FROM auth_store.clients WHERE id = $1 AND tenant_id = $2 FOR KEY SHARE");

/// Keeps the client from being deleted until the transaction ends; false if it is gone. Call it before you store a row
/// that refers to the client.
pub fn lock_key_share(client_id: &str, tenant_id: &str, place: Option<Place>) -> Result<bool, Mistake> {
    LOCK_KEY_SHARE.hold(place, &params![client_id, tenant_id])
}

static HOLD_IF_FREE: Statement<bool> = Statement::write(
    c"SELECT true FROM auth_store.clients WHERE id = $1 AND tenant_id = $2 FOR KEY SHARE SKIP LOCKED",
);

/// As [`lock_key_share`], for a call that may not wait; false also where the client is being deleted.
pub fn hold_if_free(client_id: &str, tenant_id: &str) -> Result<bool, Mistake> {
    Ok(HOLD_IF_FREE.one(&params![client_id, tenant_id])?.is_some())
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
