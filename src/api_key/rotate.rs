//! A key gets another secret.

use crate::api_key::new::{ApiKeySecret, handed_out};
use crate::api_key::{Named, constant, import, record};
use crate::kernel::crypto::token_text;
use crate::kernel::outcome::{Mistake, OrRaise, given};
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::kernel::value::inet::Inet;
use crate::kernel::value::interval;
use crate::trail::Context;
use pgrx::prelude::*;
use serde_json::json;

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn api_key_rotate(
    api_key_id: Option<pgrx::Uuid>,
    overlap: default!(Option<Interval>, "'0'"),
    user_id: default!(Option<pgrx::Uuid>, "NULL"),
    client_id: default!(Option<&str>, "NULL"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> ApiKeySecret {
    let now = clock::now();
    let context = Context { ip, user_agent };
    let of = Named::check(user_id.map(Id::from), client_id);
    of.and_then(|of| rotate(now, api_key_id.map(Id::from), overlap, of, &context)).or_raise()
}

// Of several rotations at once each replaces the one before it: a key has two live secrets at most.
static ROTATE: Statement = Statement::write(
    c"UPDATE auth_store.api_keys
         SET previous_digest = CASE WHEN $5 IS NOT NULL THEN digest END, previous_expires_at = $5,
             digest = $3, start = $6, rotated_at = $4
       WHERE id = $1 AND tenant_id = $2 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $4)
         AND ($7 IS NULL OR user_id = $7) AND ($8 IS NULL OR client_id = $8)",
);

const MAX_OVERLAP: i64 = 365 * 86_400;

fn rotate(
    now: Timestamp,
    id: Option<Id>,
    overlap: Option<Interval>,
    of: Named<'_>,
    context: &Context<'_>,
) -> Result<ApiKeySecret, Mistake> {
    let id = given(id, "api_key_id")?;
    let overlap = interval::seconds(overlap, 0, 0..=MAX_OVERLAP, "overlap", "0 to 365 days")?;
    let key = constant(id, of)?;
    let minted = token_text::mint_for(&key.prefix, id)?;
    let start = token_text::api_key_start(&key.prefix, &minted.text);
    let previous_end = (overlap > 0).then(|| now.plus_seconds(overlap));
    let tenant_id = key.tenant_id.as_str();
    let digest = minted.digest.as_slice();
    if ROTATE.run(&params![id, tenant_id, digest, now, previous_end, start, of.user_id, of.client_id])? == 0 {
        // The key's owner may have been deleted while the statement waited.
        constant(id, of)?;
        return Err(Mistake::WrongState {
            message: "the API key is revoked or has expired".into(),
            hint: "Create a new one.".into(),
        });
    }
    import::forget_replaced(id, tenant_id)?;
    let details = json!({ "overlap_seconds": overlap });
    record(now, "api_key.rotated", id, tenant_id, key.owner()?, details, Some(context))?;
    Ok(handed_out(minted))
}
