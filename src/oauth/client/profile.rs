//! The facts of a client that the authorization endpoint needs before it shows the user a page or sends the browser
//! anywhere.

use pgrx::prelude::*;

use crate::kernel::outcome::{Mistake, OrRaise, given};
use crate::kernel::server::composite::composite;
use crate::kernel::server::lookup::{Key, Lookup, Snapshot};
use crate::kernel::server::row::row;
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::jsonb::Jsonb;
use crate::oauth::client;
use crate::rfc::redirect_uri;

row! {
    /// What is shown of a client beside its id.
    pub struct Profile in clients {
        tenant_id: Option<String>,
        name: Option<String>,
        status: Option<String>,
        status_reason: Option<String>,
        client_type: Option<String>,
        token_endpoint_auth_method: Option<String>,
        require_pkce: Option<bool>,
        refresh_rotation: Option<bool>,
        access_token_ttl: Option<i32>,
        refresh_token_ttl: Option<i32>,
        refresh_idle_ttl: Option<i32>,
        scope: Option<String>,
        grant_types: Option<Vec<String>>,
        redirect_uris: Option<Vec<String>>,
        resources: Option<Vec<String>>,
        metadata: Option<Jsonb>,
        created_at: Option<Timestamp>,
        updated_at: Option<Timestamp>,
    }
    returned
}

composite! {
    /// A client without its secrets; lifetimes in seconds.
    pub struct ClientProfile = "auth_store.client_profile" {
        pub client_id: Option<String>,
        pub profile: Profile,
    }
}

#[pg_extern(stable, parallel_safe)]
fn client_get(client_id: Option<&str>) -> SetOfIterator<'static, ClientProfile> {
    let profile = given(client_id, "client_id").and_then(|id| profile(&Snapshot::reading(), id));
    SetOfIterator::new(profile.or_raise())
}

#[pg_extern(stable, parallel_safe)]
fn client_allows_redirect_uri(client_id: Option<&str>, redirect_uri: Option<&str>) -> bool {
    allows_redirect_uri(client_id, redirect_uri).or_raise()
}

static PROFILE: Lookup<Profile> = Lookup::by(c"clients_id_key");

fn profile(snapshot: &Snapshot, client_id: &str) -> Result<Option<ClientProfile>, Mistake> {
    let found = PROFILE.find(snapshot, Key::Text(client_id))?;
    Ok(found.map(|profile| ClientProfile { client_id: Some(client_id.to_owned()), profile }))
}

/// Fails closed: false for NULL, for an unknown client and for one that is not active.
fn allows_redirect_uri(client_id: Option<&str>, uri: Option<&str>) -> Result<bool, Mistake> {
    let (Some(client_id), Some(uri)) = (client_id, uri) else { return Ok(false) };
    let client = client::find(&Snapshot::reading(), client_id)?.filter(|client| client.is_usable());
    Ok(client
        .is_some_and(|client| client.redirect_uris.iter().any(|known| redirect_uri::matches(known, uri))))
}
