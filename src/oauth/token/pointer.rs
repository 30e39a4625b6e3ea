//! Where the refresh tokens and API keys of another store are found once users are spread over several databases. Their
//! texts say no bucket, so a call of such a text goes to the database of the text's digest; a row there points to what
//! the import made beside its owner.

use pgrx::prelude::*;

use crate::api_key;
use crate::identity::tenant;
use crate::kernel::crypto::token_text;
use crate::kernel::outcome::{Mistake, OrRaise, given};
use crate::kernel::server::batch::delete_ended;
use crate::kernel::server::lookup::{Key, Lookup, Snapshot};
use crate::kernel::server::row::row;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::server::table::{Ended, Moves, Published, Rows, Table, delete_by};
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::id::Id;
use crate::oauth::token::imported;

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn imported_point(
    digest: Option<&str>,
    id: Option<pgrx::Uuid>,
    kind: Option<&str>,
    expires_at: default!(Option<TimestampWithTimeZone>, "NULL"),
    tenant_id: default!(Option<&str>, "NULL"),
) -> bool {
    point(digest, id.map(Id::from), kind, expires_at.map(Timestamp::from), tenant_id).or_raise();
    true
}

#[pg_extern(stable, parallel_safe)]
fn imported_locate(secret: Option<&str>) -> Option<pgrx::Uuid> {
    locate(secret).or_raise().map(pgrx::Uuid::from)
}

const KINDS: [&str; 2] = ["api_key", "refresh_token"];

/// The facts of the table `imported_pointers`.
pub static TABLE: Table = Table {
    name: "imported_pointers",
    key: &["id", "tenant_id"],
    ended: Some(Ended {
        statement: delete_ended!("auth_store.imported_pointers", "expires_at <= $3"),
        times: |now| Vec::from(params![now]),
    }),
    of_tenant: Rows::Deleted(delete_by!("imported_pointers", "tenant_id")),
    of_client: Rows::None,
    of_user: None,
    published: Published::TakeOver,
    moves: Moves::ByDigest,
    restored: true,
};

row! {
    struct Pointer in imported_pointers {
        id: Id,
    }
}

static BY_DIGEST: Lookup<Pointer> = Lookup::by(c"imported_pointers_digest_key");

static STORE: Statement = Statement::write(
    c"INSERT INTO auth_store.imported_pointers (id, expires_at, tenant_id, kind, digest) VALUES ($1, $2, $3, $4, $5)
      ON CONFLICT (digest) DO UPDATE SET expires_at = EXCLUDED.expires_at
       WHERE imported_pointers.id = EXCLUDED.id AND imported_pointers.tenant_id = EXCLUDED.tenant_id
         AND imported_pointers.kind = EXCLUDED.kind",
);

static STANDS: Statement<bool> = Statement::latest(
    c"SELECT EXISTS (SELECT FROM auth_store.imported_pointers WHERE id = $1 AND tenant_id = $2 AND digest <> $3)",
);

/// Stores a pointer, or another end of it.
fn point(
    digest: Option<&str>,
    id: Option<Id>,
    kind: Option<&str>,
    expires_at: Option<Timestamp>,
    tenant_id: Option<&str>,
) -> Result<(), Mistake> {
    let digest = token_text::read_digest(given(digest, "digest")?).ok_or(Mistake::invalid(
        "digest",
        "SHA-256 of the token or key: 64 hexadecimal digits, or base64 or base64url of 32 bytes",
    ))?;
    let (id, kind) = (given(id, "id")?, given(kind, "kind")?);
    // Any other uuid has no bucket that leads to it.
    if !id.is_own() {
        return Err(Mistake::invalid("id", "what refresh_token_import() or api_key_import() returned"));
    }
    if !KINDS.contains(&kind) {
        return Err(Mistake::one_of("kind", &KINDS));
    }
    let tenant_id = tenant::resolve(&Snapshot::writing()?, tenant_id)?;
    tenant::lock_share(&tenant_id)?.ok_or(tenant::UNKNOWN_ID)?;
    if STANDS.one(&params![id, tenant_id.as_str(), digest.as_slice()])? == Some(true) {
        return Err(Mistake::Duplicate { what: "pointer", argument: "id" });
    }
    match STORE.run(&params![id, expires_at, tenant_id.as_str(), kind, digest.as_slice()])? {
        0 => Err(Mistake::Duplicate { what: "pointer", argument: "digest" }),
        _ => Ok(()),
    }
}

/// The grant or API key of an imported text: of one that is here, or of one that a pointer leads to.
fn locate(secret: Option<&str>) -> Result<Option<Id>, Mistake> {
    let snapshot = Snapshot::reading();
    let Some((text, digest)) = secret.and_then(|text| Some((text, imported::digest(text)?))) else {
        return Ok(None);
    };
    if let Some((grant_id, _)) = imported::find(&snapshot, text)? {
        return Ok(Some(grant_id));
    }
    if let Some(api_key_id) = api_key::import::find(&snapshot, &digest)? {
        return Ok(Some(api_key_id));
    }
    Ok(BY_DIGEST.find(&snapshot, Key::Bytes(&digest))?.map(|pointer| pointer.id))
}
