//! New clients.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pgrx::prelude::*;
use serde_json::json;

use crate::identity::tenant;
use crate::kernel::outcome::{Mistake, OrRaise, given};
use crate::kernel::server::composite::composite;
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::value::argument;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::{Bucket, Id};
use crate::kernel::value::jsonb::Jsonb;
use crate::oauth::client::metadata::owner;
use crate::oauth::client::metadata::protocol::{self, Protocol};
use crate::oauth::client::metadata::{ClientMetadata, GivenClient};
use crate::oauth::client::{self, Origin, secret};
use crate::rfc::client_id;

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
    jwks: default!(Option<Jsonb>, "NULL"),
    jwks_uri: default!(Option<String>, "NULL"),
    access_token_format: default!(Option<&str>, "NULL"),
    profile: default!(Option<&str>, "NULL"),
    post_logout_redirect_uris: default!(Option<Vec<Option<String>>>, "NULL"),
    backchannel_logout_uri: default!(Option<String>, "NULL"),
    require_par: default!(Option<bool>, "NULL"),
    dpop_bound: default!(Option<bool>, "NULL"),
    default_max_age: default!(Option<i32>, "NULL"),
    subject_type: default!(Option<&str>, "NULL"),
    backchannel_logout_session_required: default!(Option<bool>, "NULL"),
    id_token_signed_response_alg: default!(Option<String>, "NULL"),
    userinfo_signed_response_alg: default!(Option<String>, "NULL"),
    certificate_bound: default!(Option<bool>, "NULL"),
    certificate_subject: default!(Option<Jsonb>, "NULL"),
    authorization_details_types: default!(Option<Vec<Option<String>>>, "NULL"),
    owner_id: default!(Option<pgrx::Uuid>, "NULL"),
) -> ClientRegistration {
    let protocol = || {
        Ok::<_, Mistake>(Protocol {
            owner_id: owner_id.map(Id::from),
            jwks,
            jwks_uri,
            access_token_format: protocol::token_format(access_token_format)?,
            profile: protocol::profile(profile)?,
            require_par: require_par.unwrap_or(false),
            dpop_bound: dpop_bound.unwrap_or(false),
            certificate_bound: certificate_bound.unwrap_or(false),
            certificate_subject,
            subject_type: protocol::subject_type(subject_type)?,
            id_token_signed_response_alg,
            userinfo_signed_response_alg,
            default_max_age,
            authorization_details_types: list(authorization_details_types, "authorization_details_types")?,
            post_logout_redirect_uris: list(post_logout_redirect_uris, "post_logout_redirect_uris")?,
            backchannel_logout_uri,
            backchannel_logout_session_required: backchannel_logout_session_required.unwrap_or(false),
        })
    };
    let given = GivenClient {
        protocol: protocol().or_raise(),
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

/// A list of texts; NULL is an empty one.
fn list(value: Option<Vec<Option<String>>>, argument: &'static str) -> Result<Vec<String>, Mistake> {
    Ok(argument::list(value, argument)?.unwrap_or_default())
}

fn create(
    now: Timestamp,
    name: Option<&str>,
    client_id: Option<&str>,
    tenant_id: Option<&str>,
    given_members: GivenClient<'_>,
) -> Result<ClientRegistration, Mistake> {
    let snapshot = Snapshot::writing()?;
    let tenant_id = tenant::resolve(&snapshot, tenant_id)?;
    let schemes = tenant::redirect_uri_schemes(&snapshot, &tenant_id)?;
    drop(snapshot);
    let client = ClientMetadata::new(given(name, "name")?, given_members, &schemes)?;
    client.protocol.check_jwks()?;
    let client_id = client_id.map(client_id::check).transpose()?;
    let new =
        NewClient { tenant_id: &tenant_id, client_id, origin: Origin::Administrator, metadata: &client };
    let made = new.add(now)?.ok_or(Mistake::Duplicate { what: "client", argument: "client_id" })?;
    Ok(ClientRegistration { client_id: Some(made.client_id), client_secret: made.client_secret })
}

/// A client that is to be made, its metadata checked.
pub struct NewClient<'a> {
    pub tenant_id: &'a str,
    /// None: a new one.
    pub client_id: Option<&'a str>,
    pub origin: Origin,
    pub metadata: &'a ClientMetadata,
}

/// A client that was made.
pub struct MadeClient {
    pub client_id: String,
    /// Where it authenticates with one.
    pub client_secret: Option<String>,
}

impl NewClient<'_> {
    /// Stores the client, its secret and the audit row; None where the client_id is taken.
    pub fn add(&self, now: Timestamp) -> Result<Option<MadeClient>, Mistake> {
        let Self { tenant_id, origin, metadata: client, .. } = *self;
        let client_id = match self.client_id {
            Some(id) => id.to_owned(),
            None => URL_SAFE_NO_PAD.encode(Id::mint(now, Bucket::of(&[tenant_id]))?.bytes()),
        };
        client.protocol.prepare(tenant_id)?;
        let suspended = tenant::lock_share(tenant_id)?.ok_or(tenant::UNKNOWN_ID)?;
        // A data key may have to be made, which comes before the locks of rows.
        let keeper = secret::Keeper::of(now, tenant_id, client.token_endpoint_auth_method)?;
        owner::check(&client.protocol, tenant_id)?;
        if !client::insert(now, &client_id, tenant_id, suspended, origin, client)? {
            return Ok(None);
        }
        let client_secret = match keeper {
            Some(keeper) => Some(keeper.add(now, tenant_id, &client_id)?),
            None => None,
        };
        let details = json!({
            "name": client.name, "client_type": client.client_type.as_str(), "origin": origin.as_str(),
        });
        client::record(now, "client.created", tenant_id, &client_id, details)?;
        Ok(Some(MadeClient { client_id, client_secret }))
    }
}
