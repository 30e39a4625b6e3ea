//! How far cleanup has come in each table: a file of its own, because cleanup needs the list of all tables.

use crate::kernel::outcome::Mistake;
use crate::kernel::server::row::row;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::server::table::{Moves, Published, Rows, Table};
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::id::Id;

/// The cursor of the counting of the trail: see `trail/usage/`.
pub const USAGE: &str = "client_usage";

static LOCK: Statement =
    Statement::write(c"SELECT true FROM auth_store.cleanup_cursors WHERE task = $1 FOR NO KEY UPDATE");

/// Waits for a step of the counting that is under way, and keeps others off until the end of the transaction: what is
/// deleted from the trail and the counts is not counted meanwhile.
pub fn stop_counting() -> Result<(), Mistake> {
    LOCK.run(&params![USAGE]).map(|_| ())
}

/// The facts of the table `cleanup_cursors`.
pub static TABLE: Table = Table {
    name: "cleanup_cursors",
    key: &["task"],
    ended: None,
    of_tenant: Rows::None,
    of_client: Rows::None,
    of_user: None,
    published: Published::Never,
    moves: Moves::Stays,
    restored: true,
};

row! {
    /// What cleanup has done.
    pub struct LastRun {
        /// When a task last moved; None: never.
        pub updated_at: Option<Timestamp>,
        /// Up to which id the trail is counted; None: it never was.
        pub counted: Option<Id>,
    }
}

// The row audit_log is written by steps too.
static LAST_RUN: Statement<LastRun> = Statement::read(
    c"SELECT {columns}
        FROM (SELECT max(updated_at) AS updated_at,
                     (SELECT position FROM auth_store.cleanup_cursors WHERE task = 'client_usage') AS counted
                FROM auth_store.cleanup_cursors WHERE task <> 'audit_log') c",
);

/// How recent the work of cleanup is.
pub fn last_run() -> Result<LastRun, Mistake> {
    Ok(LAST_RUN.one(&[])?.unwrap_or(LastRun { updated_at: None, counted: None }))
}
