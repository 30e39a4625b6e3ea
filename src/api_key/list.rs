//! The keys of a user, a client or a tenant, for a page that shows them.

use pgrx::iter::SetOfIterator;
use pgrx::prelude::*;

use crate::api_key::Owner;
use crate::identity::tenant;
use crate::kernel::outcome::{Mistake, OrRaise};
use crate::kernel::server::composite::composite;
use crate::kernel::server::lookup::View;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::id::Id;
use crate::kernel::value::inet::{Cidrs, Inet};
use crate::kernel::value::jsonb::Jsonb;

composite! {
    /// A key without its secret or a digest of it.
    pub struct ApiKeyProfile = "auth_store.api_key_profile" {
        pub api_key_id: Option<Id>,
        pub name: Option<String>,
        pub start: Option<String>,
        pub user_id: Option<Id>,
        pub client_id: Option<String>,
        pub tenant_id: Option<String>,
        pub scope: Option<String>,
        pub created_at: Option<Timestamp>,
        pub expires_at: Option<Timestamp>,
        pub revoked_at: Option<Timestamp>,
        pub revoked_reason: Option<String>,
        pub rotated_at: Option<Timestamp>,
        pub previous_expires_at: Option<Timestamp>,
        pub last_used_at: Option<Timestamp>,
        pub last_used_ip: Option<Inet>,
        pub allowed_cidrs: Option<Cidrs>,
        pub rate_limit_per_hour: Option<i32>,
        pub metadata: Option<Jsonb>,
    }
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

// Each part by its own index; those that do not apply cost nothing.
static LIST: Statement = Statement::read(
    c"SELECT id, name, start, user_id, client_id, tenant_id, scope, expires_at, revoked_at, revoked_reason,
             rotated_at, previous_expires_at, last_used_at, last_used_ip, allowed_cidrs, rate_limit_per_hour,
             metadata
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
    let view = View::reading();
    let tenant_id = match (user_id, client_id) {
        (None, None) => tenant::resolve(&view, tenant_id)?,
        _ => Owner::of(user_id, client_id)?.tenant(&view, tenant_id)?,
    };
    LIST.all(&params![tenant_id, user_id, client_id], |row| {
        let id: Option<Id> = row.get(0);
        ApiKeyProfile {
            api_key_id: id,
            name: row.get(1),
            start: row.get(2),
            user_id: row.get(3),
            client_id: row.get(4),
            tenant_id: row.get(5),
            scope: row.get(6),
            created_at: id.map(|id| id.time()),
            expires_at: row.get(7),
            revoked_at: row.get(8),
            revoked_reason: row.get(9),
            rotated_at: row.get(10),
            previous_expires_at: row.get(11),
            last_used_at: row.get(12),
            last_used_ip: row.get(13),
            allowed_cidrs: row.get(14),
            rate_limit_per_hour: row.get(15),
            metadata: row.get(16),
        }
    })
}
