//! The facts of a table, said once by its domain: when a row has ended, what becomes of the rows of a tenant or a
//! client that is deleted, and what it holds of a user. `lifecycle/` goes by them, and so do the tests that prove that
//! no table is left out.

use std::ffi::CString;

use super::batch::Batch;
use super::catalog;
use super::spi::{Param, Statement, params};
use crate::kernel::outcome::Mistake;
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::id::Id;
use crate::kernel::value::jsonb::Jsonb;

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
    /// What it holds of a user; None: nothing.
    pub of_user: Option<OfUser>,
    /// Which subscribers need the table.
    pub published: Published,
    /// What becomes of its rows when their buckets move to another database.
    pub moves: Moves,
    /// Whether the rows of a dump, or of a server that crashed, are worth something.
    pub restored: bool,
}

/// What becomes of a table's rows when their tenant or client is deleted.
pub enum Rows {
    /// The table has no column for it.
    None,
    /// This statement deletes them; $1 is the id of what they belong to.
    Deleted(Statement),
    /// A foreign key takes them along.
    Cascade,
    /// They stay, and nothing is found by them.
    Stay,
}

/// The rows that a table has of a user: what user_export() shows of them, and how user_erase() removes them.
pub struct OfUser {
    /// By what they are found: $1 of the statements.
    pub by: By,
    /// None: they stay, and their domain makes nobody's of them.
    pub erased: Option<Statement>,
    /// Made by `exported!`.
    pub exported: Exported,
}

/// By what the rows of a user are found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum By {
    /// The user's id.
    User,
    /// The ids of the user's grants.
    Grants,
    /// The types and the ids of the actors that are the user; $3 is the tenant.
    Actors,
    /// The user's id, or the keys of the user's addresses: $2 is the tenant, $3 all of them, $4 those that the user has
    /// proved, which are the user's in every tenant.
    UserOrAddress,
}

/// A user whose data are wanted, and what the data are found by.
pub struct Whose {
    pub user_id: Id,
    pub tenant_id: String,
    pub grants: Vec<Id>,
    pub actors: Vec<(&'static str, String)>,
    pub addresses: Vec<Address>,
}

/// An e-mail address of a user.
pub struct Address {
    /// As it is compared.
    pub key: String,
    pub proved: bool,
}

/// What is shown of rows, as a JSON array.
pub struct Exported {
    pub statement: Statement<Jsonb>,
    /// The columns that are shown.
    #[cfg_attr(not(test), expect(dead_code, reason = "a test compares them with the catalog"))]
    pub shown: &'static str,
    /// The columns that are not: secrets, what they are compared with, and what says nothing of the user.
    #[cfg_attr(not(test), expect(dead_code, reason = "a test compares them with the catalog"))]
    pub withheld: &'static str,
}

impl Whose {
    fn params(&self, by: By) -> Vec<Param> {
        match by {
            By::User => Vec::from(params![self.user_id]),
            By::Grants => Vec::from(params![self.grants.clone()]),
            By::Actors => {
                let (types, ids): (Vec<_>, Vec<_>) = self.actors.iter().cloned().unzip();
                Vec::from(params![types, ids, self.tenant_id.as_str()])
            }
            By::UserOrAddress => {
                let keys = |wanted: fn(&Address) -> bool| -> Vec<String> {
                    self.addresses.iter().filter(|one| wanted(one)).map(|one| one.key.clone()).collect()
                };
                let (all, proved) = (keys(|_| true), keys(|address| address.proved));
                Vec::from(params![self.user_id, self.tenant_id.as_str(), all, proved])
            }
        }
    }
}

impl OfUser {
    /// Deletes the rows; returns how many. None where they are not deleted.
    pub fn erase(&self, whose: &Whose) -> Result<Option<u64>, Mistake> {
        self.erased.as_ref().map(|statement| statement.run(&whose.params(self.by))).transpose()
    }

    /// The rows as a JSON array.
    pub fn export(&self, whose: &Whose) -> Result<Option<Jsonb>, Mistake> {
        self.exported.statement.one(&whose.params(self.by))
    }
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

/// What becomes of rows when buckets move to another database.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Moves {
    /// They move with the bucket in their id.
    ById,
    /// With the bucket of the user that they name.
    ByUser,
    /// With the bucket of the grant that they name.
    ByGrant,
    /// With the bucket of the API key that they name.
    ByApiKey,
    /// With the bucket of their actor, which is in the ids of new rows only.
    ByActor,
    /// With the bucket of the user that they name. While buckets are fenced, names of one stay with who has them.
    ByUserAndName,
    /// With the bucket of the text whose SHA-256 they have.
    ByDigest,
    /// All are copied, because they only refuse and do not say their bucket.
    Along,
    /// Those that the other database lacks are copied: what moves may be sealed by them.
    Keys,
    /// They stay where they were written.
    Stays,
    /// Every database has them.
    Shared,
}

/// SQL for the bucket of a column that is a uuid.
macro_rules! bucket_of {
    ($column:literal) => {
        concat!(
            "(get_byte(uuid_send(%1$s",
            $column,
            "), 6) & 15) * 256 + get_byte(uuid_send(%1$s",
            $column,
            "), 7)"
        )
    };
}

/// SQL for a text's bytes, by functions that a row filter of a publication may have.
macro_rules! bytes_of {
    ($column:literal) => {
        concat!("decode(replace(%1$s", $column, ", E'\\\\', E'\\\\\\\\'), 'escape')")
    };
}

/// SQL for the bucket of a connection, as `Bucket::of_actor()` has it.
const BY_ACTOR: &str = concat!(
    "CASE WHEN %1$sactor_id ~* '^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$'",
    " THEN get_byte(decode('0' || substr(%1$sactor_id, 16, 3), 'hex'), 0) * 256",
    " + get_byte(decode('0' || substr(%1$sactor_id, 16, 3), 'hex'), 1)",
    " ELSE get_byte(sha256(",
    bytes_of!("tenant_id"),
    " || '\\x00' || ",
    bytes_of!("actor_id"),
    "), 0) * 16 + get_byte(sha256(",
    bytes_of!("tenant_id"),
    " || '\\x00' || ",
    bytes_of!("actor_id"),
    "), 1) / 16 END"
);

impl Moves {
    /// As tests/tables.txt and shard_tables() have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ById => "id",
            Self::ByUser => "user_id",
            Self::ByGrant => "grant_id",
            Self::ByApiKey => "api_key_id",
            Self::ByActor => "actor_id",
            Self::ByUserAndName => "user_id and name",
            Self::ByDigest => "digest",
            Self::Along => "along",
            Self::Keys => "keys",
            Self::Stays => "stays",
            Self::Shared => "shared",
        }
    }

    /// SQL for the bucket with which a row moves, and for another one whose fence holds it too. `format()` puts `NEW.`,
    /// `OLD.` or nothing before the columns.
    pub fn buckets(self) -> &'static [&'static str] {
        match self {
            Self::ById => &[bucket_of!("id")],
            Self::ByUser => &[bucket_of!("user_id")],
            Self::ByGrant => &[bucket_of!("grant_id")],
            Self::ByApiKey => &[bucket_of!("api_key_id")],
            Self::ByActor => &[BY_ACTOR],
            Self::ByUserAndName => &[bucket_of!("user_id"), "%1$sbucket"],
            Self::ByDigest => &["get_byte(%1$sdigest, 0) * 16 + get_byte(%1$sdigest, 1) / 16"],
            Self::Along | Self::Keys | Self::Stays | Self::Shared => &[],
        }
    }
}

impl Table {
    /// Whether the key alone does not say the buckets of a row, so that a publication by them needs the whole row.
    pub fn moves_by_whole_rows(&self) -> bool {
        match self.moves {
            Moves::ByActor | Moves::ByUserAndName | Moves::ByDigest => true,
            Moves::ByUser => !self.key.contains(&"user_id"),
            // The identity of imported_api_keys is the whole row anyway.
            _ => false,
        }
    }

    /// Deletes what has ended among `size` rows behind the id `after`, in the order of the ids.
    pub fn cleanup(&self, now: Timestamp, after: Option<Id>, size: i32) -> Result<Batch, Mistake> {
        match &self.ended {
            Some(ended) => Batch::run(&ended.statement, after, size, (ended.times)(now)),
            None => Ok(Batch { deleted: 0, examined: 0, last: None }),
        }
    }

    /// About how many rows it has; None where there is no such table.
    pub fn estimated_rows(&self) -> Option<i64> {
        catalog::estimated_rows(&CString::new(self.name).ok()?)
    }
}

impl Rows {
    /// Deletes the rows of the tenant or client with this id, if a statement has to do so; returns how many.
    pub fn delete(&self, id: &str) -> Result<u64, Mistake> {
        match self {
            Self::Deleted(statement) => statement.run(&params![id]),
            Self::None | Self::Cascade | Self::Stay => Ok(0),
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

/// The columns of a table that are shown of the rows for which the condition holds, and those that are withheld.
macro_rules! exported {
    ($table:literal, $where:literal, $shown:literal, withheld $withheld:literal) => {
        $crate::kernel::server::table::Exported {
            statement: $crate::kernel::server::spi::Statement::read(
                $crate::kernel::server::columns::terminated(concat!(
                    "SELECT COALESCE(jsonb_agg(to_jsonb(e)), '[]') AS rows FROM (SELECT ",
                    $shown,
                    " FROM auth_store.",
                    $table,
                    " WHERE ",
                    $where,
                    " ORDER BY 1) e\0"
                )),
            ),
            shown: $shown,
            withheld: $withheld,
        }
    };
}

pub(crate) use exported;
