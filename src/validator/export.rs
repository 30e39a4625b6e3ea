//! The public keys of an issuer as a file, for a server that has no database open when it needs them.

use pgrx::prelude::*;
use serde_json::{Value, json};

use crate::identity::tenant;
use crate::kernel::outcome::{Mistake, OrRaise};
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::value::clock::{self, Timestamp};
use crate::oauth::issuer;
use crate::oauth::signing_key::published;
use crate::oauth::signing_key::sign::NoKey;

#[pg_extern(stable, parallel_safe)]
fn signing_keys_export(tenant_id: default!(Option<&str>, "NULL")) -> String {
    export(clock::now(), tenant_id).or_raise()
}

fn export(now: Timestamp, tenant_id: Option<&str>) -> Result<String, Mistake> {
    let snapshot = Snapshot::reading();
    let tenant_id = tenant::resolve(&snapshot, tenant_id)?;
    let issuer = issuer::of_tenant(&snapshot, &tenant_id)?.ok_or_else(issuer::missing)?;
    let set = published::jwks(now, &snapshot, &issuer.tenant_id)?;
    if set.keys.is_empty() {
        return Err(NoKey::None.into());
    }
    let mut document: Value = serde_json::from_str(&set.text).unwrap_or_default();
    if let Some(members) = document.as_object_mut() {
        members.insert("issuer".to_owned(), json!(issuer.issuer));
    }
    Ok(document.to_string())
}
