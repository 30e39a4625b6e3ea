//! Claims when buckets move to another database: names and their users may part then. While both are in one database
//! the row of `user_names` says whose a name is, and there may be no claim yet. Before one of them leaves there has to
//! be one.

use std::collections::HashSet;

use crate::identity::user::elsewhere::{ClaimKey, take};
use crate::identity::user::name::Kind;
use crate::kernel::outcome::Mistake;
use crate::kernel::server::row::row;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::id::{Bucket, Id};

/// Sets of buckets, as texts of the type int4multirange: those of users, and those of their names.
#[derive(Clone, Copy)]
pub struct Buckets<'a> {
    pub users: &'a str,
    pub names: &'a str,
}

row! {
    #[derive(PartialEq, Eq, Hash)]
    struct Confirmed {
        id: Id,
        user_id: Id,
    }
}

static CONFIRMED: Statement<Confirmed> = Statement::latest(
    c"SELECT {columns} FROM auth_store.user_name_claims
       WHERE pending_until IS NULL
         AND $1::pg_catalog.int4multirange OPERATOR(pg_catalog.@>) auth_store.id_bucket(user_id)
         AND $2::pg_catalog.int4multirange OPERATOR(pg_catalog.@>) auth_store.id_bucket(id)",
);

/// What is claimed for good already, so that a second run has little to do.
pub struct Claims(HashSet<Confirmed>);

impl Claims {
    /// The claims of these users to these names.
    pub fn of(buckets: Buckets<'_>) -> Result<Self, Mistake> {
        Ok(Self(CONFIRMED.all(&params![buckets.users, buckets.names])?.into_iter().collect()))
    }

    /// Claims for good what a user of this database has; false if it was claimed before.
    pub fn add(&self, now: Timestamp, key: &ClaimKey<'_>, user_id: Id) -> Result<bool, Mistake> {
        if self.0.contains(&Confirmed { id: key.id, user_id }) {
            return Ok(false);
        }
        let taken = take(now, key, user_id, None)?;
        taken.map(|_| true).ok_or_else(|| Mistake::WrongState {
            message: format!("a name of user {user_id} is claimed for another one").into(),
            hint: "user_name_release() of one of them".into(),
        })
    }
}

row! {
    struct Held {
        user_id: Id,
        bucket: i32,
        tenant_id: String,
        kind: String,
        name_key: String,
    }
}

// Nobody loses a name, and releases it, between this and the claim.
static NAMES: Statement<Held> = Statement::latest(
    c"SELECT {columns} FROM auth_store.user_names
       WHERE $1::pg_catalog.int4multirange OPERATOR(pg_catalog.@>) auth_store.id_bucket(user_id)
         AND $2::pg_catalog.int4multirange OPERATOR(pg_catalog.@>) bucket
         FOR KEY SHARE",
);

/// Claims the names of users of this database who are about to be in another one; returns how many were not claimed.
pub fn claim_names(now: Timestamp, buckets: Buckets<'_>, claims: &Claims) -> Result<u64, Mistake> {
    let mut claimed = 0;
    for held in NAMES.all(&params![buckets.users, buckets.names])? {
        let (Some(kind), Some(bucket)) = (Kind::read(&held.kind), numbered(held.bucket)) else { continue };
        let key = ClaimKey::of(&held.tenant_id, kind.as_str(), bucket, &[&held.name_key]);
        claimed += u64::from(claims.add(now, &key, held.user_id)?);
    }
    Ok(claimed)
}

/// The bucket with the number that a row has.
pub fn numbered(number: i32) -> Option<Bucket> {
    u16::try_from(number).ok().and_then(Bucket::numbered)
}
