//! The keys of a user, a client or a tenant, for a page that shows them.

use pgrx::iter::SetOfIterator;
use pgrx::prelude::*;

use crate::api_key::Owner;
use crate::identity::tenant;
use crate::kernel::outcome::{Mistake, OrRaise};
use crate::kernel::server::composite::composite;
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::server::row::row;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::id::Id;
use crate::kernel::value::inet::{Cidrs, Inet};
use crate::kernel::value::jsonb::Jsonb;

composite! {
    /// A key without its secret or a digest of it.
    pub struct ApiKeyProfile = "auth_store.api_key_profile" {
        pub api_key_id: Option<Id>,
        pub about: About,
        pub created_at: Option<Timestamp>,
        pub state: KeyState,
    }
}

row! {
    struct Listed in api_keys {
        id: Id,
        about: About,
        state: KeyState,
    }
}

row! {
    /// What a key is.
    pub struct About in api_keys {
        name: Option<String>,
        start: Option<String>,
        user_id: Option<Id>,
        client_id: Option<String>,
        tenant_id: Option<String>,
        scope: Option<String>,
    }
    returned
}

row! {
    /// What has become of a key, and what it is for.
    pub struct KeyState in api_keys {
        expires_at: Option<Timestamp>,
        revoked_at: Option<Timestamp>,
        revoked_reason: Option<String>,
        rotated_at: Option<Timestamp>,
        previous_expires_at: Option<Timestamp>,
        last_used_at: Option<Timestamp>,
        last_used_ip: Option<Inet>,
        allowed_cidrs: Option<Cidrs>,
        rate_limit_per_hour: Option<i32>,
        metadata: Option<Jsonb>,
    }
    returned
}

#[pg_extern(stable, parallel_safe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn api_key_list(
    user_id: default!(Option<pgrx::Uuid>, "NULL"),
    client_id: default!(Option<&str>, "NULL"),
    tenant_id: default!(Option<&str>, "NULL"),
) -> SetOfIterator<'static, ApiKeyProfile> {
    SetOfIterator::new(list(user_id.map(Id::from), client_id, tenant_id).or_raise())
}

// Each part of the query uses its own index; a part that does not apply costs nothing.
static LIST: Statement<Listed> = Statement::read(
    c"SELECT {columns}
        FROM auth_store.api_keys
       WHERE tenant_id = $1 AND id = ANY (ARRAY(
             SELECT k.id FROM auth_store.api_keys k WHERE k.tenant_id = $1 AND k.user_id = $2
             UNION ALL
             SELECT k.id FROM auth_store.api_keys k WHERE k.tenant_id = $1 AND k.client_id = $3
             UNION ALL
             SELECT k.id FROM auth_store.api_keys k WHERE k.tenant_id = $1 AND $2 IS NULL AND $3 IS NULL))
       ORDER BY id",
);

fn list(
    user_id: Option<Id>,
    client_id: Option<&str>,
    tenant_id: Option<&str>,
) -> Result<Vec<ApiKeyProfile>, Mistake> {
    let snapshot = Snapshot::reading();
    let tenant_id = match (user_id, client_id) {
        (None, None) => tenant::resolve(&snapshot, tenant_id)?,
        _ => Owner::of(user_id, client_id)?.tenant(&snapshot, tenant_id)?,
    };
    let keys = LIST.all(&params![tenant_id, user_id, client_id])?.into_iter();
    Ok(keys
        .map(|Listed { id, about, state }| ApiKeyProfile {
            api_key_id: Some(id),
            about,
            created_at: Some(id.time()),
            state,
        })
        .collect())
}
