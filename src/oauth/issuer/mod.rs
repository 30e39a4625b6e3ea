//! Who the store is for the clients of a tenant: the issuer and its settings (RFC 8414). A tenant without one is no
//! provider: the application makes its endpoints itself.
//!
//! Lock order: the tenant, then its issuer.

pub mod resource_server;
pub mod settings;
pub mod url;

use std::rc::Rc;

use pgrx::iter::SetOfIterator;
use pgrx::prelude::*;
use serde_json::{Map, Value, json};

use crate::identity::tenant;
use crate::kernel::outcome::{Mistake, OrRaise, given};
use crate::kernel::server::cache::Cache;
use crate::kernel::server::composite::composite;
use crate::kernel::server::lookup::{Key, Lookup, Snapshot};
use crate::kernel::server::row::row;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::server::table::{Moves, Published, Rows, Table, delete_by};
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::{Bucket, Id};
use crate::kernel::value::jsonb::Jsonb;
use crate::oauth::issuer::settings::Settings;

composite! {
    /// A row of issuer_list(), and what provider_get() returns.
    pub struct ProviderSettings = "auth_store.provider_settings" {
        pub tenant_id: Option<String>,
        pub issuer: Option<String>,
        pub settings: Option<Jsonb>,
        pub created_at: Option<Timestamp>,
        pub updated_at: Option<Timestamp>,
    }
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn provider_set(
    issuer: default!(Option<&str>, "NULL"),
    settings: default!(Option<Jsonb>, "NULL"),
    tenant_id: default!(Option<&str>, "NULL"),
) -> bool {
    set(clock::now(), issuer, settings, tenant_id).or_raise();
    true
}

#[pg_extern(stable, parallel_safe)]
fn provider_get(tenant_id: default!(Option<&str>, "NULL")) -> SetOfIterator<'static, ProviderSettings> {
    let snapshot = Snapshot::reading();
    let found = tenant::resolve(&snapshot, tenant_id).and_then(|id| stored(&snapshot, &id)).or_raise();
    SetOfIterator::new(found.map(|row| row.shown().or_raise()))
}

#[pg_extern(stable, parallel_safe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn issuer_list() -> SetOfIterator<'static, ProviderSettings> {
    let rows = ALL.all(&params![]).or_raise();
    SetOfIterator::new(rows.into_iter().map(|row| row.shown().or_raise()))
}

/// The facts of the table `issuers`.
pub static TABLE: Table = Table {
    name: "issuers",
    key: &["tenant_id"],
    ended: None,
    of_tenant: Rows::Deleted(delete_by!("issuers", "tenant_id")),
    of_client: Rows::None,
    of_user: None,
    published: Published::Validation,
    moves: Moves::Shared,
    restored: true,
};

/// The issuer of a tenant.
pub struct Issuer {
    /// The tenant whose clients it serves.
    pub tenant_id: String,
    /// The issuer identifier.
    pub issuer: String,
    /// Its path: empty, or beginning with a slash.
    pub path: String,
    /// How it answers.
    pub settings: Settings,
    /// Another one after each change.
    pub revision: Id,
}

impl Issuer {
    /// The URL of an endpoint.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.issuer)
    }
}

/// The tenant is no provider: it has no issuer.
pub fn missing() -> Mistake {
    Mistake::WrongState {
        message: "the tenant has no issuer".into(),
        hint: "SELECT auth_store.provider_set(issuer => 'https://…')".into(),
    }
}

row! {
    struct Stored in issuers {
        tenant_id: String,
        issuer: String,
        path: String,
        settings: Jsonb,
        revision: Id,
        created_at: Timestamp,
        updated_at: Timestamp,
    }
}

impl Stored {
    fn members(&self) -> Map<String, Value> {
        match self.settings.parse() {
            Some(Value::Object(members)) => members,
            _ => Map::new(),
        }
    }

    fn shown(self) -> Result<ProviderSettings, Mistake> {
        let settings = Settings::of(self.members())?.shown();
        Ok(ProviderSettings {
            settings: Jsonb::of(&settings),
            tenant_id: Some(self.tenant_id),
            issuer: Some(self.issuer),
            created_at: Some(self.created_at),
            updated_at: Some(self.updated_at),
        })
    }

    fn read(self) -> Result<Issuer, Mistake> {
        let settings = Settings::of(self.members())?;
        let Self { tenant_id, issuer, path, revision, .. } = self;
        Ok(Issuer { tenant_id, issuer, path, settings, revision })
    }
}

row! {
    struct Revision in issuers {
        revision: Id,
    }
}

static REVISION: Lookup<Revision> = Lookup::by(c"issuers_pkey").remembered();
static STORED: Lookup<Stored> = Lookup::by(c"issuers_pkey");
static BY_PATH: Lookup<OfTenant> = Lookup::by(c"issuers_path_idx");
static BY_ISSUER: Lookup<OfTenant> = Lookup::by(c"issuers_issuer_key");

row! {
    struct OfTenant in issuers {
        tenant_id: String,
    }
}

static ALL: Statement<Stored> =
    Statement::read(c"SELECT {columns} FROM auth_store.issuers ORDER BY tenant_id COLLATE \"C\"");

fn stored(snapshot: &Snapshot, tenant_id: &str) -> Result<Option<Stored>, Mistake> {
    STORED.find(snapshot, Key::Text(tenant_id))
}

/// The issuers that this backend has read, by tenant. The row says by its revision whether what is known still holds,
/// so that nothing has to be told to a backend when it changes.
static KNOWN: Cache<Rc<Issuer>> = Cache::new();

/// What an issuer takes beside its settings as they are stored: those that are not said in them.
const DEFAULTS: usize = 4096;

/// The issuer of a tenant; None where the tenant is no provider.
pub fn of_tenant(snapshot: &Snapshot, tenant_id: &str) -> Result<Option<Rc<Issuer>>, Mistake> {
    let Some(Revision { revision }) = REVISION.find(snapshot, Key::Text(tenant_id))? else { return Ok(None) };
    match KNOWN.get(tenant_id) {
        Some(known) if known.revision == revision => Ok(Some(known)),
        _ => read(snapshot, tenant_id),
    }
}

#[cold]
fn read(snapshot: &Snapshot, tenant_id: &str) -> Result<Option<Rc<Issuer>>, Mistake> {
    let Some(stored) = stored(snapshot, tenant_id)? else { return Ok(None) };
    let bytes = DEFAULTS + stored.settings.size();
    let issuer = Rc::new(stored.read()?);
    KNOWN.keep(tenant_id, Rc::clone(&issuer), bytes);
    Ok(Some(issuer))
}

static ANY: Statement<bool> = Statement::read(c"SELECT EXISTS (SELECT FROM auth_store.issuers)");

/// Whether there is an issuer at all.
pub fn is_any() -> Result<bool, Mistake> {
    Ok(ANY.one(&params![])? == Some(true))
}

/// The issuer with this identifier.
pub fn named(snapshot: &Snapshot, issuer: &str) -> Result<Option<Rc<Issuer>>, Mistake> {
    match BY_ISSUER.find(snapshot, Key::Text(issuer))? {
        Some(found) => of_tenant(snapshot, &found.tenant_id),
        None => Ok(None),
    }
}

/// The issuer whose path this is. Of several, which are on hosts of their own, it is the default tenant's: a front of
/// another host connects as a role that is pinned to its tenant, and then sees that tenant's issuer alone.
pub fn with_path(snapshot: &Snapshot, path: &str) -> Result<Option<Rc<Issuer>>, Mistake> {
    let found = BY_PATH.all_by(snapshot, [Key::Text(path)])?;
    let tenant = match found.as_slice() {
        [one] => Some(one),
        several => several.iter().find(|one| one.tenant_id == tenant::DEFAULT),
    };
    match tenant {
        Some(found) => of_tenant(snapshot, &found.tenant_id),
        None => Ok(None),
    }
}

/// The issuer that a request's path belongs to, and the rest of the path: that of the longest path of an issuer before
/// a slash of the request's.
pub fn of_path<'a>(snapshot: &Snapshot, path: &'a str) -> Result<Option<(Rc<Issuer>, &'a str)>, Mistake> {
    let slashes = path.bytes().enumerate().filter(|(_, byte)| *byte == b'/').map(|(at, _)| at);
    let ends: Vec<_> = slashes.take(url::MAX_SEGMENTS + 1).collect();
    for end in ends.into_iter().rev() {
        let (start, rest) = path.split_at(end);
        if let Some(issuer) = with_path(snapshot, start)? {
            return Ok(Some((issuer, rest)));
        }
    }
    Ok(None)
}

static INSERT: Statement = Statement::write(
    c"INSERT INTO auth_store.issuers (tenant_id, issuer, path, settings, revision, created_at, updated_at)
      VALUES ($1, $2, $3, $4, $5, $6, $6) ON CONFLICT DO NOTHING",
);

static LOCK: Statement<Stored> =
    Statement::write(c"SELECT {columns} FROM auth_store.issuers WHERE tenant_id = $1 FOR NO KEY UPDATE");

static UPDATE: Statement = Statement::write(
    c"UPDATE auth_store.issuers SET issuer = $2, path = $3, settings = $4, revision = $5, updated_at = $6
       WHERE tenant_id = $1
         AND NOT EXISTS (SELECT FROM auth_store.issuers o WHERE o.issuer = $2 AND o.tenant_id <> $1)",
);

fn set(
    now: Timestamp,
    issuer: Option<&str>,
    changes: Option<Jsonb>,
    tenant_id: Option<&str>,
) -> Result<(), Mistake> {
    let path = issuer.map(|issuer| url::issuer_path(issuer).ok_or(NO_ISSUER)).transpose()?;
    let changes = match changes.map(|changes| changes.parse()) {
        None => Map::new(),
        Some(Some(Value::Object(changes))) => changes,
        Some(_) => return Err(settings::refuse()),
    };
    let mut changed: Vec<_> = changes.keys().cloned().collect();
    changed.extend(issuer.map(|_| "issuer".to_owned()));
    settings::changed(Map::new(), changes.clone())?;
    let tenant_id = tenant::resolve(&Snapshot::writing()?, tenant_id)?;
    if !tenant::lock_key_share(&tenant_id)? {
        return Err(tenant::UNKNOWN_ID);
    }
    let stored = match LOCK.one(&params![tenant_id.as_str()])? {
        None => {
            let issuer = given(issuer, "issuer")?;
            insert(now, &tenant_id, (issuer, path.unwrap_or_default()), changes.clone())?
                || match LOCK.one(&params![tenant_id.as_str()])? {
                    // Another call was first.
                    Some(former) => replace(now, former, Some(issuer).zip(path), changes)?,
                    None => false,
                }
        }
        Some(former) => replace(now, former, issuer.zip(path), changes)?,
    };
    if !stored {
        return Err(Mistake::Duplicate { what: "issuer", argument: "issuer" });
    }
    tenant::record(now, &tenant_id, "tenant.provider_changed", Some(json!({ "changed": changed })))
}

/// Stores the issuer of a tenant that had none, with its path; false where it is another tenant's, or the tenant has
/// one by now.
fn insert(
    now: Timestamp,
    tenant_id: &str,
    (issuer, path): (&str, &str),
    changes: Map<String, Value>,
) -> Result<bool, Mistake> {
    let settings = document(Map::new(), changes)?;
    let revision = Id::mint(now, Bucket::of(&[tenant_id]))?;
    Ok(INSERT.run(&params![tenant_id, issuer, path, settings, revision, now])? == 1)
}

/// Changes a tenant's issuer, whose row is locked; false where the new one is another tenant's.
fn replace(
    now: Timestamp,
    former: Stored,
    issuer: Option<(&str, &str)>,
    changes: Map<String, Value>,
) -> Result<bool, Mistake> {
    let settings = document(former.members(), changes)?;
    let revision = Id::mint(now, Bucket::of(&[&former.tenant_id]))?;
    let (issuer, path) = issuer.unwrap_or((&former.issuer, &former.path));
    let tenant_id = former.tenant_id.as_str();
    Ok(UPDATE.run(&params![tenant_id, issuer, path, settings, revision, now])? == 1)
}

fn document(stored: Map<String, Value>, changes: Map<String, Value>) -> Result<Jsonb, Mistake> {
    let settings = settings::changed(stored, changes)?;
    Jsonb::of(&Value::Object(settings)).ok_or_else(settings::refuse)
}

const NO_ISSUER: Mistake = Mistake::invalid(
    "issuer",
    "an https URL of at most 255 bytes in its normal form, without query, fragment and a slash at the end, and with at \
     most 4 segments of letters, digits and ._~- in its path; http for the loopback interface alone",
);
