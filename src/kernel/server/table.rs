//! The facts of a table, said once by its domain: when a row has ended, and what becomes of the rows of a tenant, a
//! client or a user that is deleted. `lifecycle/` goes by them, and so do the tests that prove that no table is left
//! out.

use super::batch::Batch;
use super::spi::{Param, Statement, params};
use crate::kernel::outcome::Mistake;
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::id::Id;

/// A table of the store.
#[cfg_attr(
    not(test),
    expect(dead_code, reason = "some facts are for the tests, which compare them with the catalog")
)]
pub struct Table {
    /// Its name, without the schema.
    pub name: &'static str,
    /// The columns that tell its rows apart; empty for a table that has no such key.
    pub key: &'static [&'static str],
    /// When a row has ended; None: no row ends by itself.
    pub ended: Option<Ended>,
    /// The rows of a tenant that is erased.
    pub of_tenant: Rows,
    /// The rows of a client that is deleted.
    pub of_client: Rows,
    /// The rows of a user.
    pub of_user: Rows,
    /// Which subscribers need the table.
    pub published: Published,
    /// Whether the rows of a dump, or of a server that crashed, are worth something.
    pub restored: bool,
}

/// What becomes of a table's rows when their tenant, client or user is deleted.
pub enum Rows {
    /// The table has no column for it.
    None,
    /// This statement deletes them; $1 is the id of what they belong to.
    Deleted(Statement),
    /// A foreign key takes them along.
    Cascade,
    /// A foreign key keeps what they belong to from being deleted as long as they are there.
    Held,
    /// They stay, and nothing is found by them.
    Stay,
}

/// When a row has ended.
pub struct Ended {
    /// Made by `delete_ended!`.
    pub statement: Statement<Batch>,
    /// Its parameters from $3 on.
    pub times: fn(Timestamp) -> Vec<Param>,
}

/// For whom logical replication carries a table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Published {
    /// For a server that validates tokens, sessions and keys elsewhere, and for one that takes over.
    Validation,
    /// Reports; and a server that takes over.
    Reports,
    /// For a server that opens the vault elsewhere, and for one that takes over.
    Vault,
    /// A server that takes over.
    TakeOver,
    /// Nobody: each server has its own.
    Never,
}

impl Table {
    /// Deletes what has ended among `size` rows behind the id `after`, in the order of the ids.
    pub fn cleanup(&self, now: Timestamp, after: Option<Id>, size: i32) -> Result<Batch, Mistake> {
        match &self.ended {
            Some(ended) => Batch::run(&ended.statement, after, size, (ended.times)(now)),
            None => Ok(Batch { deleted: 0, examined: 0, last: None }),
        }
    }
}

impl Rows {
    /// Deletes the rows of the tenant, client or user with this id, if a statement has to do so; returns how many.
    pub fn delete(&self, id: &str) -> Result<u64, Mistake> {
        match self {
            Self::Deleted(statement) => statement.run(&params![id]),
            Self::None | Self::Cascade | Self::Held | Self::Stay => Ok(0),
        }
    }
}

/// `DELETE` of the rows of one table that have `$1` in a column: of those that the call's snapshot shows, or of all
/// that are committed by now (`latest`).
macro_rules! delete_by {
    (latest $table:literal, $column:literal) => {
        $crate::kernel::server::spi::Statement::latest($crate::kernel::server::columns::terminated(concat!(
            "DELETE FROM auth_store.",
            $table,
            " WHERE ",
            $column,
            " = $1\0"
        )))
    };
    ($table:literal, $column:literal) => {
        $crate::kernel::server::spi::Statement::write($crate::kernel::server::columns::terminated(concat!(
            "DELETE FROM auth_store.",
            $table,
            " WHERE ",
            $column,
            " = $1\0"
        )))
    };
}

pub(crate) use delete_by;
