//! The providers that connections are to: their names and endpoints. Those that every store knows need no row; a row is
//! made where a provider is registered.

mod built_in;

use pgrx::iter::SetOfIterator;
use pgrx::pg_sys::errcodes::PgSqlErrorCode;
use pgrx::prelude::*;

use crate::identity::tenant;
use crate::kernel::outcome::{Mistake, OrRaise, given};
use crate::kernel::server::composite::composite;
use crate::kernel::server::lookup::{Key, Lookup, Snapshot};
use crate::kernel::server::pin;
use crate::kernel::server::row::row;
use crate::kernel::server::settings::Setting;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::server::table::{Moves, Published, Rows, Table};
use crate::kernel::value::argument;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::jsonb::Jsonb;
use crate::rfc::redirect_uri::is_of_uri_characters;
use crate::trail;
use crate::vault::connection::account;
use crate::vault::provider::built_in::BUILT_IN;

/// Whether a connection may be to a provider that nobody registered.
pub static ALLOW_UNKNOWN: Setting<bool> = Setting::switch(
    c"auth_store.allow_unknown_providers",
    true,
    c"Whether connections may be to providers that are not registered.",
    c"Off: connection_store() and connection_import_fernet() refuse a name that provider_list() lacks, so that no \
      misspelt name gets tokens that nobody refreshes.",
);

composite! {
    /// A row of provider_list().
    pub struct Provider = "auth_store.provider" {
        pub shown: Shown,
    }
}

row! {
    /// What is shown of a provider.
    pub struct Shown in providers {
        name: Option<String>,
        display_name: Option<String>,
        authorization_endpoint: Option<String>,
        token_endpoint: Option<String>,
        revocation_endpoint: Option<String>,
        metadata: Option<Jsonb>,
        created_at: Option<Timestamp>,
        updated_at: Option<Timestamp>,
    }
    returned
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn provider_register(
    name: Option<&str>,
    display_name: default!(Option<&str>, "NULL"),
    token_endpoint: default!(Option<&str>, "NULL"),
    authorization_endpoint: default!(Option<&str>, "NULL"),
    revocation_endpoint: default!(Option<&str>, "NULL"),
    metadata: default!(Option<Jsonb>, "NULL"),
) -> bool {
    let endpoints = [
        ("authorization_endpoint", authorization_endpoint),
        ("token_endpoint", token_endpoint),
        ("revocation_endpoint", revocation_endpoint),
    ];
    register(clock::now(), name, display_name, endpoints, metadata).or_raise();
    true
}

#[pg_extern(stable, parallel_safe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn provider_list() -> SetOfIterator<'static, Provider> {
    SetOfIterator::new(list().or_raise())
}

/// The facts of the table `providers`.
pub static TABLE: Table = Table {
    name: "providers",
    key: &["name"],
    ended: None,
    of_tenant: Rows::None,
    of_client: Rows::None,
    of_user: None,
    published: Published::TakeOver,
    moves: Moves::Shared,
    restored: true,
};

row! {
    struct Registered in providers {
        name: String,
    }
}

static BY_NAME: Lookup<Registered> = Lookup::by(c"providers_pkey").shared();

/// Refuses a provider that is not registered, where the setting says so.
pub fn ensure_known(snapshot: &Snapshot, name: &str) -> Result<(), Mistake> {
    if ALLOW_UNKNOWN.get()
        || BUILT_IN.iter().any(|one| one.name == name)
        || BY_NAME.find(snapshot, Key::Text(name))?.is_some_and(|registered| registered.name == name)
    {
        return Ok(());
    }
    Err(Mistake::Failed {
        code: PgSqlErrorCode::ERRCODE_FOREIGN_KEY_VIOLATION,
        message: "provider named by argument \"provider\" does not exist".into(),
        hint: Some(
            "SELECT auth_store.provider_register('name', …), or see auth_store.provider_list(); \
             auth_store.allow_unknown_providers is off"
                .into(),
        ),
    })
}

/// Whether a text is an https URL that a request can be sent to.
fn is_endpoint(url: &str) -> bool {
    let rest = url.strip_prefix("https://").unwrap_or_default();
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    url.len() <= 2048
        && is_of_uri_characters(url)
        && !authority.is_empty()
        && !authority.contains('@')
        && !url.contains('#')
}

static REGISTER: Statement = Statement::write(
    c"INSERT INTO auth_store.providers AS p
        (name, display_name, authorization_endpoint, token_endpoint, revocation_endpoint, metadata, created_at,
         updated_at)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $7)
      ON CONFLICT (name) DO UPDATE
         SET display_name = excluded.display_name, authorization_endpoint = excluded.authorization_endpoint,
             token_endpoint = excluded.token_endpoint, revocation_endpoint = excluded.revocation_endpoint,
             metadata = excluded.metadata,
             updated_at = greatest(excluded.updated_at, p.updated_at + '1 microsecond'::interval)",
);

fn register(
    now: Timestamp,
    name: Option<&str>,
    display_name: Option<&str>,
    endpoints: [(&'static str, Option<&str>); 3],
    metadata: Option<Jsonb>,
) -> Result<(), Mistake> {
    let _ = Snapshot::writing()?;
    let name = given(name, "name")?;
    if pin::tenant().is_some() {
        return Err(Mistake::NotAllowed(
            "providers belong to all tenants, and the session is pinned to one".into(),
        ));
    }
    if !account::is_provider(name) {
        return Err(Mistake::invalid("name", account::PROVIDER));
    }
    let display_name = argument::line(display_name.unwrap_or(name), "display_name")?;
    for (argument, url) in endpoints {
        if url.is_some_and(|url| !is_endpoint(url)) {
            return Err(Mistake::invalid(
                argument,
                "an https URL of at most 2048 bytes, without user name, password and fragment",
            ));
        }
    }
    let metadata = argument::document(metadata, "metadata")?;
    let [(_, authorization), (_, token), (_, revocation)] = endpoints;
    REGISTER.exactly_one(&params![name, display_name, authorization, token, revocation, metadata, now])?;
    trail::record(
        now,
        &trail::Event {
            event: "provider.registered",
            tenant_id: tenant::DEFAULT,
            resource_type: Some("provider"),
            resource_id: Some(name),
            ..trail::Event::default()
        },
    )?;
    Ok(())
}

static ALL: Statement<Shown> = Statement::read(c"SELECT {columns} FROM auth_store.providers");

/// Every provider by its name.
fn list() -> Result<Vec<Provider>, Mistake> {
    let mut providers = ALL.all(&params![])?;
    let registered: Vec<_> = providers.iter().filter_map(|one| one.name.clone()).collect();
    let rest = BUILT_IN.iter().filter(|one| !registered.iter().any(|name| name == one.name));
    providers.extend(rest.map(|one| Shown {
        name: Some(one.name.to_owned()),
        display_name: Some(one.display_name.to_owned()),
        authorization_endpoint: one.authorization_endpoint.map(str::to_owned),
        token_endpoint: one.token_endpoint.map(str::to_owned),
        revocation_endpoint: one.revocation_endpoint.map(str::to_owned),
        metadata: Some(Jsonb::empty_object()),
        ..Shown::default()
    }));
    providers.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(providers.into_iter().map(|shown| Provider { shown }).collect())
}
