//! API keys of another store, of which only SHA-256 is known. The text of such a key does not name a row here, so the
//! key is found by its digest: a row of `imported_api_keys` says which key has it. The holder goes on using the key; a
//! rotation replaces it by a native one.

use pgrx::prelude::*;

use crate::api_key::new::{GivenKey, NewKey, insert};
use crate::kernel::crypto::token_text::{self, Digest};
use crate::kernel::outcome::{Mistake, OrRaise, given};
use crate::kernel::server::lookup::{Key, Lookup, Snapshot};
use crate::kernel::server::row::row;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::server::table::{Moves, Published, Rows, Table, delete_by};
use crate::kernel::value::argument;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::kernel::value::inet::Inets;
use crate::kernel::value::jsonb::Jsonb;

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn api_key_import(
    digest: Option<&str>,
    name: Option<&str>,
    user_id: default!(Option<pgrx::Uuid>, "NULL"),
    client_id: default!(Option<&str>, "NULL"),
    scope: default!(Option<&str>, "NULL"),
    expires_at: default!(Option<TimestampWithTimeZone>, "NULL"),
    start: default!(Option<&str>, "NULL"),
    allowed_cidrs: default!(Option<Inets>, "NULL"),
    rate_limit_per_hour: default!(Option<i32>, "NULL"),
    metadata: default!(Option<Jsonb>, "NULL"),
    tenant_id: default!(Option<&str>, "NULL"),
    prefix: default!(Option<&str>, "NULL"),
) -> pgrx::Uuid {
    let now = clock::now();
    let given = GivenKey {
        name,
        user_id: user_id.map(Id::from),
        client_id,
        scope,
        expires_at: expires_at.map(Timestamp::from),
        prefix,
        allowed_cidrs,
        rate_limit_per_hour,
        metadata,
        tenant_id,
    };
    import(now, digest, start, given).or_raise().into()
}

/// The longest start, in characters: more of a foreign text might be its secret.
const MAX_START: usize = 32;

/// The facts of the table `imported_api_keys`.
/// A row goes with its key.
pub static TABLE: Table = Table {
    name: "imported_api_keys",
    key: &["digest"],
    ended: None,
    of_tenant: Rows::Deleted(delete_by!("imported_api_keys", "tenant_id")),
    of_client: Rows::None,
    of_user: None,
    published: Published::Validation,
    moves: Moves::ByApiKey,
    restored: true,
};

static INSERT: Statement = Statement::write(
    c"INSERT INTO auth_store.imported_api_keys (digest, api_key_id, tenant_id) VALUES ($1, $2, $3)
      ON CONFLICT (digest) DO NOTHING",
);

fn import(
    now: Timestamp,
    digest: Option<&str>,
    start: Option<&str>,
    given_members: GivenKey<'_>,
) -> Result<Id, Mistake> {
    let digest = token_text::read_digest(given(digest, "digest")?).ok_or(Mistake::invalid(
        "digest",
        "SHA-256 of the key: 64 hexadecimal digits, or base64 or base64url of 32 bytes",
    ))?;
    let start = argument::optional_line(start, "start")?;
    if start.is_some_and(|start| start.chars().count() > MAX_START) {
        return Err(Mistake::invalid("start", "at most 32 characters"));
    }
    let new = NewKey::check(given_members)?;
    let id = Id::mint(now, new.owner.bucket())?;
    let tenant_id = new.tenant_id.clone();
    insert(now, id, &digest, start, "api_key.imported", new, None)?;
    if INSERT.run(&params![digest.as_slice(), id, tenant_id])? == 0 {
        return Err(Mistake::Duplicate { what: "API key", argument: "digest" });
    }
    Ok(id)
}

row! {
    struct Imported in imported_api_keys {
        api_key_id: Id,
    }
}

static BY_DIGEST: Lookup<Imported> = Lookup::by(c"imported_api_keys_pkey");

/// The key that was imported with this digest.
pub fn find(snapshot: &Snapshot, digest: &Digest) -> Result<Option<Id>, Mistake> {
    Ok(BY_DIGEST.find(snapshot, Key::Bytes(digest))?.map(|key| key.api_key_id))
}

static FORGET_REPLACED: Statement = Statement::write(
    c"DELETE FROM auth_store.imported_api_keys i USING auth_store.api_keys k
       WHERE i.api_key_id = $1 AND i.tenant_id = $2 AND k.id = $1 AND k.tenant_id = $2
         AND i.digest IS DISTINCT FROM k.digest AND i.digest IS DISTINCT FROM k.previous_digest",
);

/// Removes the way to a text that a rotation has replaced for good.
pub fn forget_replaced(id: Id, tenant_id: &str) -> Result<(), Mistake> {
    FORGET_REPLACED.run(&params![id, tenant_id])?;
    Ok(())
}
