//! New clients.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pgrx::prelude::*;
use serde_json::json;

use crate::identity::tenant;
use crate::kernel::outcome::{Mistake, OrRaise, given};
use crate::kernel::server::composite::composite;
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::{Bucket, Id};
use crate::kernel::value::jsonb::Jsonb;
use crate::oauth::client::metadata::{ClientMetadata, GivenClient};
use crate::oauth::client::{self, secret};
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
) -> ClientRegistration {
    let given = GivenClient {
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
    let client_id = match client_id {
        Some(id) => client_id::check(id)?.to_owned(),
        None => URL_SAFE_NO_PAD.encode(Id::mint(now, Bucket::of(&[&tenant_id]))?.bytes()),
    };
    let suspended = tenant::lock_share(&tenant_id)?.ok_or(tenant::UNKNOWN_ID)?;
    if !client::insert(now, &client_id, &tenant_id, suspended, &client)? {
        return Err(Mistake::Duplicate { what: "client", argument: "client_id" });
    }
    let client_secret = if client.token_endpoint_auth_method.uses_secret() {
        Some(secret::add(now, &tenant_id, &client_id)?)
    } else {
        None
    };
    let details = json!({ "name": client.name, "client_type": client.client_type.as_str() });
    client::record(now, "client.created", &tenant_id, &client_id, details)?;
    Ok(ClientRegistration { client_id: Some(client_id), client_secret })
}
