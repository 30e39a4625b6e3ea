//! Codes and pushed requests that may have been used in commits that are lost.

use crate::kernel::outcome::Mistake;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::value::id::Id;

static CODES: Statement = Statement::latest(
    c"WITH open AS (SELECT id, tenant_id FROM auth_store.authorization_codes
                     WHERE id < $1 AND redeemed_at IS NULL ORDER BY id FOR UPDATE)
      DELETE FROM auth_store.authorization_codes d USING open WHERE d.id = open.id AND d.tenant_id = open.tenant_id",
);

static REQUESTS: Statement = Statement::latest(
    c"WITH open AS (SELECT id, tenant_id FROM auth_store.pushed_requests
                     WHERE id < $1 ORDER BY id FOR UPDATE)
      DELETE FROM auth_store.pushed_requests d USING open WHERE d.id = open.id AND d.tenant_id = open.tenant_id",
);

/// Deletes the codes that were not redeemed and the requests, with an id before this one; returns how many.
pub fn end_before(before: Id) -> Result<u64, Mistake> {
    Ok(CODES.run(&params![before])? + REQUESTS.run(&params![before])?)
}
