//! What the authorization endpoint must know of a client before it shows the user a page or sends the
//! browser anywhere.

use pgrx::prelude::*;

use crate::kernel::outcome::{Mistake, OrRaise, given};
use crate::kernel::server::composite::composite;
use crate::kernel::server::lookup::{Key, Lookup, View};
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::jsonb::Jsonb;
use crate::oauth::client;
use crate::rfc::redirect_uri;

composite! {
    /// A client without its secrets; lifetimes in seconds.
    pub struct ClientProfile = "auth_store.client_profile" {
        pub client_id: Option<String>,
        pub tenant_id: Option<String>,
        pub name: Option<String>,
        pub status: Option<String>,
        pub status_reason: Option<String>,
        pub client_type: Option<String>,
        pub token_endpoint_auth_method: Option<String>,
        pub require_pkce: Option<bool>,
        pub refresh_rotation: Option<bool>,
        pub access_token_ttl: Option<i32>,
        pub refresh_token_ttl: Option<i32>,
        pub refresh_idle_ttl: Option<i32>,
        pub scope: Option<String>,
        pub grant_types: Option<Vec<String>>,
        pub redirect_uris: Option<Vec<String>>,
        pub resources: Option<Vec<String>>,
        pub metadata: Option<Jsonb>,
        pub created_at: Option<Timestamp>,
        pub updated_at: Option<Timestamp>,
    }
}

#[pg_extern(stable, parallel_safe)]
fn client_get(client_id: Option<&str>) -> SetOfIterator<'static, ClientProfile> {
    let profile = given(client_id, "client_id").and_then(|id| profile(&View::reading(), id));
    SetOfIterator::new(profile.or_raise())
}

#[pg_extern(stable, parallel_safe)]
fn client_allows_redirect_uri(client_id: Option<&str>, redirect_uri: Option<&str>) -> bool {
    allows_redirect_uri(client_id, redirect_uri).or_raise()
}

static PROFILE: Lookup = Lookup::new(
    c"clients",
    c"clients_id_key",
    &[
        c"id",
        c"tenant_id",
        c"name",
        c"status",
        c"status_reason",
        c"client_type",
        c"token_endpoint_auth_method",
        c"require_pkce",
        c"refresh_rotation",
        c"access_token_ttl",
        c"refresh_token_ttl",
        c"refresh_idle_ttl",
        c"scope",
        c"grant_types",
        c"redirect_uris",
        c"resources",
        c"metadata",
        c"created_at",
        c"updated_at",
    ],
);

fn profile(view: &View, client_id: &str) -> Result<Option<ClientProfile>, Mistake> {
    PROFILE.find(view, Key::Text(client_id), |row| {
        Some(ClientProfile {
            client_id: row.get(0),
            tenant_id: row.get(1),
            name: row.get(2),
            status: row.get(3),
            status_reason: row.get(4),
            client_type: row.get(5),
            token_endpoint_auth_method: row.get(6),
            require_pkce: row.get(7),
            refresh_rotation: row.get(8),
            access_token_ttl: row.get(9),
            refresh_token_ttl: row.get(10),
            refresh_idle_ttl: row.get(11),
            scope: row.get(12),
            grant_types: row.get(13),
            redirect_uris: row.get(14),
            resources: row.get(15),
            metadata: row.get(16),
            created_at: row.get(17),
            updated_at: row.get(18),
        })
    })
}

/// Fails closed: false for NULL, for an unknown client and for one that is not active.
fn allows_redirect_uri(client_id: Option<&str>, uri: Option<&str>) -> Result<bool, Mistake> {
    let (Some(client_id), Some(uri)) = (client_id, uri) else { return Ok(false) };
    let client = client::find(&View::reading(), client_id)?.filter(|client| client.usable);
    Ok(client
        .is_some_and(|client| client.redirect_uris.iter().any(|known| redirect_uri::matches(known, uri))))
}
