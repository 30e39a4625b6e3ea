//! The public keys of a tenant: as the JWKS (RFC 7517 section 5) that others fetch, and to verify with. A backend keeps
//! both for as long as the tenant's keys are the same.

use std::cell::RefCell;
use std::rc::Rc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pgrx::iter::SetOfIterator;
use pgrx::prelude::*;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::identity::tenant;
use crate::kernel::outcome::{Mistake, OrRaise};
use crate::kernel::server::cell::BackendCell;
use crate::kernel::server::composite::composite;
use crate::kernel::server::lookup::{Key, Lookup, Snapshot};
use crate::kernel::server::row::row;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::kernel::value::jsonb::Jsonb;
use crate::oauth::signing_key::{SigningKeyRow, of_tenant};
use crate::rfc::jose::jwk::{self, Jwk};

composite! {
    /// A row of signing_key_list().
    pub struct SigningKeyEntry = "auth_store.signing_key" {
        pub kid: Option<String>,
        pub alg: Option<&'static str>,
        pub state: Option<&'static str>,
        pub published_at: Option<Timestamp>,
        pub active_from: Option<Timestamp>,
        pub retired_at: Option<Timestamp>,
        pub removed_at: Option<Timestamp>,
        pub public_key: Option<Jsonb>,
    }
}

#[pg_extern(stable, parallel_safe)]
fn signing_key_list(tenant_id: default!(Option<&str>, "NULL")) -> SetOfIterator<'static, SigningKeyEntry> {
    SetOfIterator::new(list(clock::now(), tenant_id).or_raise())
}

row! {
    struct Public in signing_keys {
        public_key: Jsonb,
    }
}

static BY_ID: Lookup<Public> = Lookup::by(c"signing_keys_pkey");

fn list(now: Timestamp, tenant_id: Option<&str>) -> Result<Vec<SigningKeyEntry>, Mistake> {
    let snapshot = Snapshot::reading();
    let tenant_id = tenant::resolve(&snapshot, tenant_id)?;
    let keys = of_tenant(now, &snapshot, &tenant_id)?;
    let entry = |key: SigningKeyRow| {
        Ok(SigningKeyEntry {
            alg: Some(key.alg.as_str()),
            state: Some(key.state(now).as_str()),
            published_at: Some(key.published_at),
            active_from: Some(key.active_from),
            retired_at: key.retired_at,
            removed_at: key.removed_at(),
            public_key: BY_ID.find(&snapshot, Key::Id(key.id))?.map(|key| key.public_key),
            kid: Some(key.kid),
        })
    };
    keys.into_iter().map(entry).collect()
}

/// The keys that a tenant has published: the next ones, the active ones, and those that older tokens need.
pub struct KeySet {
    tenant_id: String,
    rows: Vec<Id>,
    /// The JWKS.
    pub text: String,
    /// What tells this text from any other: an entity-tag of HTTP without its quotes (RFC 9110 section 8.8.3).
    pub etag: String,
    /// The same to verify with.
    pub keys: Vec<Jwk>,
}

/// The sets of so many tenants are kept.
const MAX_KEPT: usize = 32;

static KEPT: BackendCell<RefCell<Vec<Rc<KeySet>>>> = BackendCell::new(RefCell::new(Vec::new()));

/// What a tenant has published. The caller is one of the tenant's issuer: where a tenant has none of its own, that is
/// the issuer's tenant.
pub fn jwks(now: Timestamp, snapshot: &Snapshot, tenant_id: &str) -> Result<Rc<KeySet>, Mistake> {
    let rows: Vec<_> = of_tenant(now, snapshot, tenant_id)?.into_iter().map(|key| key.id).collect();
    let kept = |set: &&Rc<KeySet>| set.tenant_id == tenant_id && set.rows == rows;
    if let Some(set) = KEPT.borrow().iter().find(kept) {
        return Ok(Rc::clone(set));
    }
    let set = Rc::new(KeySet::read(snapshot, tenant_id, rows)?);
    let mut sets = KEPT.borrow_mut();
    sets.retain(|set| set.tenant_id != tenant_id);
    if sets.len() >= MAX_KEPT {
        sets.remove(0);
    }
    sets.push(Rc::clone(&set));
    Ok(set)
}

impl KeySet {
    fn read(snapshot: &Snapshot, tenant_id: &str, rows: Vec<Id>) -> Result<Self, Mistake> {
        let mut list = Vec::with_capacity(rows.len());
        for id in &rows {
            let find = |snapshot: &Snapshot| BY_ID.find(snapshot, Key::Id(*id));
            list.extend(snapshot.newest(find)?.and_then(|key| key.public_key.parse()));
        }
        let set: Value = json!({ "keys": list });
        let text = set.to_string();
        let mut etag = URL_SAFE_NO_PAD.encode(Sha256::digest(text.as_bytes()));
        etag.truncate(22);
        let keys = jwk::parse_set(&set).unwrap_or_default();
        Ok(Self { tenant_id: tenant_id.to_owned(), rows, text, etag, keys })
    }
}
