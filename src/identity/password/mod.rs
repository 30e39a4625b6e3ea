//! The passwords of users: a row for each user who has one, with its hash.
//!
//! Lock order: the user, then the user's password. A hash is computed with no row locked: what it was computed from is
//! compared again once the user is locked, see `version()`.

pub mod advice;
pub mod cost;
pub mod history;
pub mod import;
pub mod pepper;
pub mod set;
pub mod verify;

use crate::kernel::outcome::Mistake;
use crate::kernel::server::lookup::{Key, Lookup, Snapshot};
use crate::kernel::server::row::row;
use crate::kernel::server::table::{By, Moves, OfUser, Published, Rows, Table, delete_by, exported};
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::id::Id;

/// The facts of the table `passwords`.
pub static TABLE: Table = Table {
    name: "passwords",
    key: &["user_id", "tenant_id"],
    ended: None,
    of_tenant: Rows::Deleted(delete_by!(latest "passwords", "tenant_id")),
    of_client: Rows::None,
    of_user: Some(OfUser {
        by: By::User,
        erased: Some(delete_by!(latest "passwords", "user_id")),
        exported: exported!(
            "passwords",
            "user_id = $1",
            "user_id, changed_at, revision, must_change, tenant_id",
            withheld "hash"
        ),
    }),
    published: Published::TakeOver,
    moves: Moves::ByUser,
    restored: true,
};

row! {
    /// A user's password as it is stored.
    pub struct Stored in passwords {
        /// The tenant.
        pub tenant_id: String,
        hash: String,
        revision: i64,
        changed_at: Timestamp,
        must_change: bool,
    }
}

impl Stored {
    /// What tells a password from those before and after it: a revision alone begins anew where one was dropped.
    fn version(&self) -> (i64, Timestamp) {
        (self.revision, self.changed_at)
    }
}

static BY_USER: Lookup<Stored> = Lookup::by(c"passwords_pkey");

/// The password of a user; None if the user has none.
pub fn find(snapshot: &Snapshot, user_id: Id) -> Result<Option<Stored>, Mistake> {
    BY_USER.find(snapshot, Key::Id(user_id))
}
