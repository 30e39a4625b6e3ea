//! Passwords that are too common: those of a table that the operator loads with a list of words, one a row.

use crate::kernel::outcome::Mistake;
use crate::kernel::server::lookup::{Key, Lookup, Snapshot};
use crate::kernel::server::row::row;
use crate::kernel::server::table::{Moves, Published, Rows, Table};

/// The facts of the table `common_passwords`.
pub static TABLE: Table = Table {
    name: "common_passwords",
    key: &["password"],
    ended: None,
    of_tenant: Rows::None,
    of_client: Rows::None,
    of_user: None,
    published: Published::TakeOver,
    moves: Moves::Shared,
    restored: true,
};

row! {
    struct Common in common_passwords {}
}

static COMMON: Lookup<Common> = Lookup::by(c"common_passwords_pkey").shared();

/// Whether the table has the password, as it is or in lower case: lists are mostly in lower case, and are loaded as
/// they are.
pub fn has(snapshot: &Snapshot, password: &str) -> Result<bool, Mistake> {
    let lower = password.to_lowercase();
    Ok(COMMON.find(snapshot, Key::Text(password))?.is_some()
        || lower != password && COMMON.find(snapshot, Key::Text(&lower))?.is_some())
}
