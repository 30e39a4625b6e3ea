//! What makes the subjects of a tenant's pairwise clients its own (OpenID Connect Core section 8.1): without it, two
//! clients that put together what they know of users could find which of their subjects are one user.

use crate::identity::tenant::{self, UNKNOWN_ID};
use crate::kernel::outcome::Mistake;
use crate::kernel::server::lookup::{Key, Lookup, Snapshot};
use crate::kernel::server::row::row;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::value::id::random;

const SALT: usize = 32;

row! {
    struct Salted in tenants {
        subject_salt: Option<Vec<u8>>,
    }
}

static SALTED: Lookup<Salted> = Lookup::by(c"tenants_pkey").tenant_in(c"id");

/// The tenant's salt; None if it never had a pairwise client.
pub fn find(snapshot: &Snapshot, tenant_id: &str) -> Result<Option<Vec<u8>>, Mistake> {
    Ok(SALTED.find(snapshot, Key::Text(tenant_id))?.and_then(|tenant| tenant.subject_salt))
}

static SET: Statement = Statement::write(
    c"UPDATE auth_store.tenants SET subject_salt = $2 WHERE id = $1 AND subject_salt IS NULL",
);

/// Makes the salt where the tenant has none. Call it before the tenant's row is locked in shared mode: two that would
/// both have to raise their lock would wait for each other.
pub fn ensure(tenant_id: &str) -> Result<(), Mistake> {
    let exists = || Ok::<_, Mistake>(find(&Snapshot::latest(), tenant_id)?.is_some());
    if exists()? {
        return Ok(());
    }
    let mut salt = vec![0; SALT];
    random(&mut salt)?;
    if !tenant::lock_key_share(tenant_id)? {
        return Err(UNKNOWN_ID);
    }
    SET.run(&params![tenant_id, salt])?;
    Ok(())
}
