//! What is shown of clients: of one, to an authorization endpoint before it shows the user a page or sends the browser
//! anywhere; of all, to administrators.

use pgrx::prelude::*;

use crate::identity::tenant;
use crate::kernel::outcome::{Mistake, OrRaise, given};
use crate::kernel::server::composite::composite;
use crate::kernel::server::lookup::{Key, Lookup, Snapshot};
use crate::kernel::server::row::row;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::value::argument;
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::id::Id;
use crate::kernel::value::jsonb::Jsonb;
use crate::oauth::client::{self, Origin};
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
        owner_id: Option<Id>,
        origin: Option<String>,
        jwks: Option<Jsonb>,
        jwks_uri: Option<String>,
        access_token_format: Option<String>,
        profile: Option<String>,
        require_par: Option<bool>,
        dpop_bound: Option<bool>,
        certificate_bound: Option<bool>,
        certificate_subject: Option<Jsonb>,
        subject_type: Option<String>,
        id_token_signed_response_alg: Option<String>,
        userinfo_signed_response_alg: Option<String>,
        default_max_age: Option<i32>,
        authorization_details_types: Option<Vec<String>>,
        post_logout_redirect_uris: Option<Vec<String>>,
        backchannel_logout_uri: Option<String>,
        backchannel_logout_session_required: Option<bool>,
        registration_expires_at: Option<Timestamp>,
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

#[pg_extern(stable, parallel_safe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn client_list(
    owner_id: default!(Option<pgrx::Uuid>, "NULL"),
    status: default!(Option<&str>, "NULL"),
    origin: default!(Option<&str>, "NULL"),
    after: default!(Option<&str>, "NULL"),
    max_rows: default!(Option<i32>, "100"),
    tenant_id: default!(Option<&str>, "NULL"),
) -> SetOfIterator<'static, ClientProfile> {
    let wanted = Wanted { owner_id: owner_id.map(Id::from), status, origin };
    SetOfIterator::new(wanted.page(after, max_rows, tenant_id).or_raise())
}

/// Which clients a list has; None: any.
#[derive(Default)]
pub struct Wanted<'a> {
    pub owner_id: Option<Id>,
    pub status: Option<&'a str>,
    pub origin: Option<&'a str>,
}

row! {
    struct Listed {
        id: String,
        profile: Profile,
    }
}

static PAGE: Statement<Listed> = Statement::read(
    c"SELECT {columns} FROM auth_store.clients
       WHERE tenant_id = $1 AND ($2 IS NULL OR owner_id = $2) AND ($3 IS NULL OR status = $3)
         AND ($4 IS NULL OR origin = $4) AND ($5 IS NULL OR id > $5)
       ORDER BY id LIMIT $6",
);

impl Wanted<'_> {
    /// The clients behind this one, in the order of their ids.
    pub fn page(
        &self,
        after: Option<&str>,
        max_rows: Option<i32>,
        tenant_id: Option<&str>,
    ) -> Result<Vec<ClientProfile>, Mistake> {
        if self.status.is_some_and(|status| !client::STATUSES.contains(&status)) {
            return Err(Mistake::one_of("status", &client::STATUSES));
        }
        if self.origin.is_some_and(|origin| !Origin::WORDS.contains(&origin)) {
            return Err(Mistake::one_of("origin", &Origin::WORDS));
        }
        let max_rows = argument::max_rows(max_rows, 100)?;
        let tenant_id = tenant::resolve(&Snapshot::reading(), tenant_id)?;
        let parameters = params![tenant_id, self.owner_id, self.status, self.origin, after, max_rows];
        let shown = |row: Listed| ClientProfile { client_id: Some(row.id), profile: row.profile };
        Ok(PAGE.all(&parameters)?.into_iter().map(shown).collect())
    }
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
