//! Names that users of other shards have: the directory over several databases. A name has a bucket, and the shard of
//! that bucket decides who gets it, also where the user lives on another one: a claim there keeps everybody else from
//! the name, and leads to the user.
//!
//! A claim is a row of its own and not one of `user_names`, because a user who is moved to the shard of the claim
//! brings the names along, and both rows then stand side by side.
//!
//! [`moved`] keeps the claims right when buckets move to another database.
//!
//! Lock order: the user, if the user lives here, then the claim's key, which is locked before anybody looks who has the
//! name. On a store that is not spread nothing here is called but by the functions of claims.

pub mod moved;

use crate::identity::user::name::Name;
use crate::kernel::outcome::Mistake;
use crate::kernel::server::batch::delete_ended;
use crate::kernel::server::lock;
use crate::kernel::server::lookup::{Key, Lookup, Snapshot};
use crate::kernel::server::row::row;
use crate::kernel::server::sharded::SHARDED;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::server::table::{By, Ended, Moves, OfUser, Published, Rows, Table, delete_by, exported};
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::id::{Bucket, Id};

/// The facts of the table `user_name_claims`.
pub static TABLE: Table = Table {
    name: "user_name_claims",
    key: &["id", "tenant_id"],
    ended: Some(Ended {
        statement: delete_ended!(sparse "auth_store.user_name_claims", "pending_until <= $3"),
        times: |now| Vec::from(params![now]),
    }),
    of_tenant: Rows::Deleted(delete_by!(latest "user_name_claims", "tenant_id")),
    of_client: Rows::None,
    of_user: Some(OfUser {
        by: By::User,
        erased: Some(delete_by!(latest "user_name_claims", "user_id")),
        exported: exported!(
            "user_name_claims",
            "user_id = $1",
            "id, user_id, claimed_at, pending_until, tenant_id, kind",
            withheld ""
        ),
    }),
    published: Published::TakeOver,
    moves: Moves::ById,
    restored: true,
};

/// What a name is claimed by.
pub struct ClaimKey<'a> {
    id: Id,
    tenant_id: &'a str,
    kind: &'static str,
}

impl<'a> ClaimKey<'a> {
    /// The key of the name that these parts make, as they are compared.
    pub fn of(tenant_id: &'a str, kind: &'static str, bucket: Bucket, parts: &[&str]) -> Self {
        Self { id: Id::of_parts(bucket, &[&["name", tenant_id, kind], parts].concat()), tenant_id, kind }
    }

    /// The key of a name that a user is found by.
    pub fn of_name(tenant_id: &'a str, name: &Name<'_>) -> Self {
        Self::of(tenant_id, name.kind.as_str(), name.bucket(tenant_id), &[&name.key])
    }

    /// The tenant of the name.
    pub fn tenant_id(&self) -> &'a str {
        self.tenant_id
    }

    /// What kind of name it is.
    pub fn kind(&self) -> &'static str {
        self.kind
    }

    /// Until the end of the transaction nobody else claims the name, or gives it to a user of this shard.
    pub fn lock(&self) {
        lock::lock_key(self.id);
    }
}

row! {
    /// Whose a name is that was claimed.
    #[derive(Clone, Copy)]
    pub struct Claim in user_name_claims {
        /// The user, who lives elsewhere.
        pub user_id: Id,
        /// Until when the claim waits for its confirmation; None: it was confirmed.
        pub pending_until: Option<Timestamp>,
    }
}

static BY_KEY: Lookup<Claim> = Lookup::by(c"user_name_claims_pkey");

/// The claim of a name, unless it was not confirmed in time.
pub fn find(now: Timestamp, snapshot: &Snapshot, key: &ClaimKey<'_>) -> Result<Option<Claim>, Mistake> {
    Ok(BY_KEY
        .find(snapshot, Key::Id(key.id))?
        .filter(|claim| claim.pending_until.is_none_or(|until| until > now)))
}

/// The claim that keeps a user of this shard from a name: that of anybody else. From now on nobody claims the name
/// until the end of the transaction. None on a store that is not spread.
pub fn of_other<'a>(
    now: Timestamp,
    key: impl FnOnce() -> ClaimKey<'a>,
    user_id: Option<Id>,
) -> Result<Option<Claim>, Mistake> {
    if !SHARDED.get() {
        return Ok(None);
    }
    let key = key();
    key.lock();
    let claim = find(now, &Snapshot::latest(), &key)?;
    Ok(claim.filter(|claim| Some(claim.user_id) != user_id))
}

static TAKE: Statement<Claim> = Statement::latest(
    c"INSERT INTO auth_store.user_name_claims AS c (id, user_id, claimed_at, pending_until, tenant_id, kind)
      VALUES ($1, $2, $3, $4, $5, $6)
      ON CONFLICT (id, tenant_id) DO UPDATE
         SET user_id = EXCLUDED.user_id,
             claimed_at = CASE WHEN c.user_id = EXCLUDED.user_id THEN c.claimed_at ELSE EXCLUDED.claimed_at END,
             pending_until = CASE WHEN c.user_id = EXCLUDED.user_id AND c.pending_until IS NULL THEN NULL
                                  ELSE EXCLUDED.pending_until END
       WHERE c.user_id = EXCLUDED.user_id OR c.pending_until <= $3
      RETURNING user_id, pending_until",
);

/// Claims a name, whose key is locked, for a user: until a time, or for good. None where it is claimed for another. A
/// claim that was confirmed stays so.
pub fn take(
    now: Timestamp,
    key: &ClaimKey<'_>,
    user_id: Id,
    pending_until: Option<Timestamp>,
) -> Result<Option<Claim>, Mistake> {
    TAKE.one(&params![key.id, user_id, now, pending_until, key.tenant_id, key.kind])
}

static RELEASE: Statement = Statement::latest(
    c"DELETE FROM auth_store.user_name_claims WHERE id = $1 AND tenant_id = $2 AND user_id = $3",
);

/// Gives up the claim of a user; false if it is none.
pub fn release(key: &ClaimKey<'_>, user_id: Id) -> Result<bool, Mistake> {
    Ok(RELEASE.run(&params![key.id, key.tenant_id, user_id])? == 1)
}

static RELEASE_ALL: Statement<String> = Statement::latest(
    c"DELETE FROM auth_store.user_name_claims WHERE user_id = $1 AND tenant_id = $2 RETURNING kind",
);

/// Gives up the claims of a user; returns their kinds.
pub fn release_all(user_id: Id, tenant_id: &str) -> Result<Vec<String>, Mistake> {
    RELEASE_ALL.all(&params![user_id, tenant_id])
}

/// Whether any name is claimed.
pub fn any() -> Result<bool, Mistake> {
    let least = Key::Id(Id::from_bytes([0; 16]));
    Ok(!BY_KEY.behind(&Snapshot::reading(), [least], 1, |_| true)?.is_empty())
}
