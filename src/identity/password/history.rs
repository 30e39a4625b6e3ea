//! The former passwords of users, as many as the tenant's policy wants to keep a user from using again.

use crate::identity::password::Stored;
use crate::identity::password::verify::compare;
use crate::identity::policy::Policy;
use crate::kernel::crypto::password::{Typed, Verdict};
use crate::kernel::outcome::Mistake;
use crate::kernel::server::slot::Slot;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::server::table::{By, Moves, OfUser, Published, Rows, Table, delete_by, exported};
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::id::Id;

/// The facts of the table `former_passwords`.
pub static TABLE: Table = Table {
    name: "former_passwords",
    key: &["user_id", "tenant_id", "revision"],
    ended: None,
    of_tenant: Rows::Deleted(delete_by!(latest "former_passwords", "tenant_id")),
    of_client: Rows::None,
    of_user: Some(OfUser {
        by: By::User,
        erased: Some(delete_by!(latest "former_passwords", "user_id")),
        exported: exported!(
            "former_passwords",
            "user_id = $1",
            "user_id, replaced_at, revision, tenant_id",
            withheld "hash"
        ),
    }),
    published: Published::TakeOver,
    moves: Moves::ByUser,
    restored: true,
};

static FORMER: Statement<String> = Statement::latest(
    c"SELECT hash FROM auth_store.former_passwords
       WHERE user_id = $1 AND tenant_id = $2 ORDER BY revision DESC LIMIT $3",
);

/// Whether a new password is one of the user's last `depth` ones, with the present one.
pub fn has(
    now: Timestamp,
    _turn: &Slot,
    user_id: Id,
    present: Option<&Stored>,
    typed: &Typed,
    depth: i32,
) -> Result<bool, Mistake> {
    let Some(present) = present.filter(|_| depth > 0) else { return Ok(false) };
    let mut hashes = FORMER.all(&params![user_id, present.tenant_id.as_str(), depth - 1])?;
    hashes.insert(0, present.hash.clone());
    for hash in hashes {
        pgrx::check_for_interrupts!();
        if compare(now, &hash, typed)? != Verdict::Wrong {
            return Ok(true);
        }
    }
    Ok(false)
}

static KEEP: Statement = Statement::write(
    c"INSERT INTO auth_store.former_passwords (user_id, replaced_at, revision, tenant_id, hash)
      SELECT user_id, $3, revision, tenant_id, hash FROM auth_store.passwords WHERE user_id = $1 AND tenant_id = $2
      ON CONFLICT DO NOTHING",
);

static CUT: Statement = Statement::write(
    c"DELETE FROM auth_store.former_passwords h
       WHERE h.user_id = $1 AND h.tenant_id = $2
         AND h.revision <= (SELECT p.revision FROM auth_store.passwords p
                             WHERE p.user_id = $1 AND p.tenant_id = $2) - $3",
);

/// Keeps the hash of a password that is about to be replaced, and forgets those that nobody asks for any more. The
/// caller has locked the user against other calls that set a password.
pub fn keep(now: Timestamp, user_id: Id, tenant_id: &str, policy: &Policy) -> Result<(), Mistake> {
    let depth = policy.password_history;
    if depth > 1 {
        KEEP.run(&params![user_id, tenant_id, now])?;
    }
    // The present password of this revision becomes the first of the former ones, and counts as one.
    CUT.run(&params![user_id, tenant_id, i64::from((depth - 1).max(0))])?;
    Ok(())
}

static FORGET: Statement =
    Statement::latest(c"DELETE FROM auth_store.former_passwords WHERE user_id = $1 AND tenant_id = $2");

/// Forgets all former passwords of a user, whose next one is the first again.
pub fn forget(user_id: Id, tenant_id: &str) -> Result<(), Mistake> {
    FORGET.run(&params![user_id, tenant_id])?;
    Ok(())
}
