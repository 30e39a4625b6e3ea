//! The keys that deliveries are signed with: Standard Webhooks, 32 random bytes each. The vault seals them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pgrx::prelude::*;
use serde_json::json;
use zeroize::Zeroizing;

use crate::kernel::outcome::{Mistake, OrRaise};
use crate::kernel::server::batch::delete_ended;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::server::table::{Ended, Moves, Published, Rows, Table};
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::{Id, random};
use crate::kernel::value::inet::Inet;
use crate::kernel::value::interval;
use crate::trail::Context;
use crate::vault::holder::{Holder, holder};
use crate::vault::key::{self, DataKey, SealPlace};
use crate::webhook::subscription::{Named, UNKNOWN};

/// The facts of the table `webhook_secrets`. A key that a rotation replaced ends.
pub static TABLE: Table = Table {
    name: "webhook_secrets",
    key: &["id", "tenant_id"],
    ended: Some(Ended {
        statement: delete_ended!("auth_store.webhook_secrets", "expires_at <= $3"),
        times: |now| Vec::from(params![now]),
    }),
    of_tenant: Rows::Cascade,
    of_client: Rows::None,
    of_user: None,
    published: Published::TakeOver,
    moves: Moves::Shared,
    restored: true,
};

/// The sealed column, as its values are bound to it.
const SECRET: &str = "secret";

/// The sealed values of the table `webhook_secrets`.
pub static HOLDER: Holder = holder!("webhook_secrets", "webhook secret", "secret");

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn webhook_secret_rotate(
    webhook_id: Option<pgrx::Uuid>,
    overlap: default!(Option<Interval>, "'24 hours'"),
    client_id: default!(Option<&str>, "NULL"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> String {
    let named = Named::new(webhook_id, client_id);
    let mut text = rotate(clock::now(), named, overlap, &Context { ip, user_agent }).or_raise();
    std::mem::take(&mut *text)
}

static INSERT: Statement = Statement::write(
    c"INSERT INTO auth_store.webhook_secrets (id, webhook_id, key_id, tenant_id, secret) VALUES ($1, $2, $3, $4, $5)",
);

/// Makes a secret of a webhook, which is locked or new, and returns its text. `key` is the tenant's of before the lock.
pub fn add(
    now: Timestamp,
    mut key: DataKey,
    webhook_id: Id,
    tenant_id: &str,
) -> Result<Zeroizing<String>, Mistake> {
    while !key::lock_key_share(&key)? {
        // Rekeying has just deleted it.
        key = key::current(now, tenant_id)?;
        pgrx::check_for_interrupts!();
    }
    let id = Id::mint_ordered(now, webhook_id.bucket())?;
    let mut secret = Zeroizing::new([0; 32]);
    random(secret.as_mut())?;
    let sealed =
        key.seal(SealPlace { table: "webhook_secrets", row: id, column: SECRET }, secret.as_ref())?;
    INSERT.exactly_one(&params![id, webhook_id, key.id, tenant_id, sealed])?;
    Ok(text(&secret))
}

/// What the receiver's library takes: padded standard base64, of which some of them refuse every other form.
fn text(secret: &[u8; 32]) -> Zeroizing<String> {
    const PREFIX: &str = "whsec_";
    let mut text = Zeroizing::new(String::with_capacity(PREFIX.len() + 44));
    text.push_str(PREFIX);
    STANDARD.encode_string(secret, &mut text);
    text
}

/// How many of a webhook's secrets sign a delivery at most: each is one more signature in its header.
const MAX_LIVE: i32 = 3;
const OVERLAP: i64 = 86_400;
const MAX_OVERLAP: i64 = 365 * 86_400;

// Of those that were replaced before, as many stay as make room for the present one and the new one.
static SWEEP: Statement = Statement::latest(
    c"DELETE FROM auth_store.webhook_secrets
       WHERE webhook_id = $1 AND tenant_id = $2 AND expires_at IS NOT NULL
         AND (expires_at <= $3 OR id NOT IN (SELECT s.id FROM auth_store.webhook_secrets s
                                              WHERE s.webhook_id = $1 AND s.tenant_id = $2
                                                AND s.expires_at IS NOT NULL
                                              ORDER BY s.expires_at DESC, s.id DESC LIMIT $4))",
);

static RETIRE: Statement = Statement::latest(
    c"UPDATE auth_store.webhook_secrets SET expires_at = LEAST(expires_at, $3)
       WHERE webhook_id = $1 AND tenant_id = $2",
);

fn rotate(
    now: Timestamp,
    named: Named<'_>,
    overlap: Option<Interval>,
    context: &Context<'_>,
) -> Result<Zeroizing<String>, Mistake> {
    let overlap = interval::seconds(overlap, OVERLAP, 0..=MAX_OVERLAP, "overlap", "0 to 365 days")?;
    let (_, tenant_id) = named.find()?.ok_or(UNKNOWN)?;
    // Before anything is locked: a key may have to be made.
    let key = key::current(now, &tenant_id)?;
    let webhook = named.lock_no_key_update()?;
    let (id, tenant_id) = (webhook.id, webhook.tenant_id.as_str());
    RETIRE.run(&params![id, tenant_id, now.plus_seconds(overlap)])?;
    SWEEP.run(&params![id, tenant_id, now, MAX_LIVE - 1])?;
    let text = add(now, key, id, tenant_id)?;
    webhook.record(now, "webhook.secret_rotated", json!({ "overlap_seconds": overlap }), Some(context))?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn a_text_is_padded_standard_base64() {
        assert_eq!(text(&[0; 32]).as_str(), format!("whsec_{}=", "A".repeat(43)));
        assert_eq!(text(&[0xff; 32]).as_str(), format!("whsec_{}8=", "/".repeat(42)));
    }
}
