//! Resource servers that want tokens of their own kind, or tell clients of themselves (RFC 9728). A resource without a
//! row works as well: any resource indicator (RFC 8707) does that a client may name.
//!
//! Lock order: the tenant, then its resource servers.

use pgrx::iter::SetOfIterator;
use pgrx::prelude::*;
use serde_json::json;

use crate::identity::tenant;
use crate::kernel::outcome::{Mistake, OrRaise, given};
use crate::kernel::server::composite::composite;
use crate::kernel::server::datum::Word;
use crate::kernel::server::lookup::{Key, Lookup, Snapshot};
use crate::kernel::server::row::row;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::server::table::{Moves, Published, Rows, Table, delete_by};
use crate::kernel::value::argument;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::interval;
use crate::kernel::value::jsonb::Jsonb;
use crate::oauth::issuer::settings::ALGS;
use crate::rfc::choice::TokenFormat;
use crate::rfc::{resource, scope};
use crate::trail::{self, Event};

composite! {
    /// A row of resource_list().
    pub struct ResourceServerRow = "auth_store.resource_server" {
        pub shown: Shown,
    }
}

row! {
    /// What is shown of a resource server.
    pub struct Shown in resource_servers {
        uri: Option<String>,
        name: Option<String>,
        scope: Option<String>,
        access_token_format: Option<String>,
        access_token_ttl: Option<i32>,
        alg: Option<String>,
        dpop_required: Option<bool>,
        metadata: Option<Jsonb>,
        tenant_id: Option<String>,
        created_at: Option<Timestamp>,
        updated_at: Option<Timestamp>,
    }
    returned
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn resource_set(
    uri: Option<&str>,
    scope: default!(Option<&str>, "NULL"),
    access_token_format: default!(Option<&str>, "NULL"),
    access_token_ttl: default!(Option<Interval>, "NULL"),
    alg: default!(Option<&str>, "NULL"),
    name: default!(Option<&str>, "NULL"),
    dpop_required: default!(Option<bool>, "false"),
    metadata: default!(Option<Jsonb>, "NULL"),
    tenant_id: default!(Option<&str>, "NULL"),
) -> bool {
    let given =
        GivenResource { scope, access_token_format, access_token_ttl, alg, name, dpop_required, metadata };
    set(clock::now(), uri, given, tenant_id).or_raise();
    true
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn resource_delete(uri: Option<&str>, tenant_id: default!(Option<&str>, "NULL")) -> bool {
    delete(clock::now(), uri, tenant_id).or_raise()
}

#[pg_extern(stable, parallel_safe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn resource_list(tenant_id: default!(Option<&str>, "NULL")) -> SetOfIterator<'static, ResourceServerRow> {
    let rows = tenant::resolve(&Snapshot::reading(), tenant_id)
        .and_then(|tenant_id| OF_TENANT.all(&params![tenant_id.as_str()]))
        .or_raise();
    SetOfIterator::new(rows.into_iter().map(|shown| ResourceServerRow { shown }))
}

/// The facts of the table `resource_servers`.
pub static TABLE: Table = Table {
    name: "resource_servers",
    key: &["tenant_id", "uri_key"],
    ended: None,
    of_tenant: Rows::Deleted(delete_by!("resource_servers", "tenant_id")),
    of_client: Rows::None,
    of_user: None,
    published: Published::Validation,
    moves: Moves::Shared,
    restored: true,
};

row! {
    /// What the issue of a token needs to know of a resource server; times in seconds.
    pub struct ResourceServer in resource_servers {
        /// What it wants; None: as the client and the issuer have it.
        pub access_token_format: Option<TokenFormat>,
        /// How long tokens for it live at most.
        pub access_token_ttl: Option<i32>,
        /// What signs JWTs for it; None: the issuer's.
        pub alg: Option<String>,
    }
}

row! {
    /// What its metadata document says (RFC 9728).
    pub struct Described in resource_servers {
        pub uri: String,
        pub name: Option<String>,
        pub scope: String,
        pub dpop_required: bool,
        pub metadata: Jsonb,
    }
}

static FOUND: Lookup<ResourceServer> = Lookup::by(c"resource_servers_pkey").remembered();
static DESCRIBED: Lookup<Described> = Lookup::by(c"resource_servers_pkey");

/// The registered resource server of this indicator.
pub fn find(snapshot: &Snapshot, tenant_id: &str, uri: &str) -> Result<Option<ResourceServer>, Mistake> {
    FOUND.find_by(snapshot, [Key::Text(tenant_id), Key::Text(&resource::normal(uri))])
}

/// What the registered resource server of this indicator says of itself.
pub fn describe(snapshot: &Snapshot, tenant_id: &str, uri: &str) -> Result<Option<Described>, Mistake> {
    DESCRIBED.find_by(snapshot, [Key::Text(tenant_id), Key::Text(&resource::normal(uri))])
}

static OF_TENANT: Statement<Shown> = Statement::read(
    c"SELECT {columns} FROM auth_store.resource_servers WHERE tenant_id = $1 ORDER BY uri_key COLLATE \"C\"",
);

static SET: Statement = Statement::write(
    c"INSERT INTO auth_store.resource_servers AS r
        (tenant_id, uri_key, uri, name, scope, access_token_format, access_token_ttl, alg, dpop_required, metadata,
         created_at, updated_at)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)
      ON CONFLICT (tenant_id, uri_key) DO UPDATE
         SET uri = excluded.uri, name = excluded.name, scope = excluded.scope,
             access_token_format = excluded.access_token_format, access_token_ttl = excluded.access_token_ttl,
             alg = excluded.alg, dpop_required = excluded.dpop_required, metadata = excluded.metadata,
             updated_at = excluded.updated_at",
);

static DELETE: Statement =
    Statement::write(c"DELETE FROM auth_store.resource_servers WHERE tenant_id = $1 AND uri_key = $2");

/// The arguments of resource_set(): all of a resource server is replaced.
struct GivenResource<'a> {
    scope: Option<&'a str>,
    access_token_format: Option<&'a str>,
    access_token_ttl: Option<Interval>,
    alg: Option<&'a str>,
    name: Option<&'a str>,
    dpop_required: Option<bool>,
    metadata: Option<Jsonb>,
}

fn set(
    now: Timestamp,
    uri: Option<&str>,
    new: GivenResource<'_>,
    tenant_id: Option<&str>,
) -> Result<(), Mistake> {
    let uri = indicator(uri)?;
    let scope = scope::normalize(new.scope.unwrap_or_default()).ok_or(Mistake::invalid(
        "scope",
        "space-separated scope tokens of RFC 6749 section 3.3, together at most 4096 bytes",
    ))?;
    if new.access_token_format.is_some_and(|word| TokenFormat::of(word).is_none()) {
        return Err(Mistake::one_of("access_token_format", TokenFormat::WORDS));
    }
    if new.alg.is_some_and(|alg| !ALGS.contains(&alg)) {
        return Err(Mistake::one_of("alg", &ALGS));
    }
    let ttl = match new.access_token_ttl {
        None => None,
        some => {
            let seconds = interval::seconds(some, 0, 1..=86_400, "access_token_ttl", "1 second to 24 hours")?;
            i32::try_from(seconds).ok()
        }
    };
    let name = new.name.map(|name| argument::line(name, "name")).transpose()?;
    let metadata = argument::document(new.metadata, "metadata")?;
    let tenant_id = held(tenant_id)?;
    SET.exactly_one(&params![
        tenant_id.as_str(),
        resource::normal(uri),
        uri,
        name,
        scope,
        new.access_token_format,
        ttl,
        new.alg,
        new.dpop_required.unwrap_or(false),
        metadata,
        now,
    ])?;
    record(now, &tenant_id, "resource_server.set", uri)
}

fn delete(now: Timestamp, uri: Option<&str>, tenant_id: Option<&str>) -> Result<bool, Mistake> {
    let uri = indicator(uri)?;
    let tenant_id = held(tenant_id)?;
    let deleted = DELETE.run(&params![tenant_id.as_str(), resource::normal(uri)])? == 1;
    if deleted {
        record(now, &tenant_id, "resource_server.deleted", uri)?;
    }
    Ok(deleted)
}

fn indicator(uri: Option<&str>) -> Result<&str, Mistake> {
    match given(uri, "uri")? {
        uri if resource::is_indicator(uri) => Ok(uri),
        _ => Err(Mistake::invalid(
            "uri",
            "an absolute URI of at most 2048 bytes without a fragment (RFC 8707)",
        )),
    }
}

/// The tenant that is meant, which stays until the transaction ends.
fn held(tenant_id: Option<&str>) -> Result<String, Mistake> {
    let tenant_id = tenant::resolve(&Snapshot::writing()?, tenant_id)?;
    if tenant::lock_key_share(&tenant_id)? { Ok(tenant_id) } else { Err(tenant::UNKNOWN_ID) }
}

fn record(now: Timestamp, tenant_id: &str, event: &str, uri: &str) -> Result<(), Mistake> {
    let details = Some(json!({ "uri": uri }));
    trail::record(now, &Event { event, tenant_id, details, ..Event::default() })?;
    Ok(())
}
