//! What the trail says of clients and of flags, counted: tables that reports read in the place of the trail.

pub mod roll_up;

use crate::kernel::server::spi::{Statement, params};
use crate::kernel::server::table::{By, Ended, Moves, OfUser, Published, Rows, Table, delete_by, exported};
use crate::trail::retention::RETENTION;

// Each server counts the trail that it has: a subscriber that got the counts too would count twice.

/// The facts of the table `client_usage`. The counting deletes its old days.
pub static TABLE: Table = Table {
    name: "client_usage",
    key: &["day", "tenant_id", "client_id"],
    ended: None,
    of_tenant: Rows::Deleted(delete_by!(latest "client_usage", "tenant_id")),
    // It lives as long as the trail, which outlives the client.
    of_client: Rows::Stay,
    of_user: None,
    published: Published::Never,
    moves: Moves::Stays,
    restored: true,
};

/// The facts of the table `client_users`. Its ids are those of users: rows of one user are examined together.
pub static USERS_TABLE: Table = Table {
    name: "client_users",
    key: &["user_id", "tenant_id", "client_id"],
    ended: Some(Ended {
        // As `delete_ended!` does it, but the key is not unique: WITH TIES takes the last user's other rows too.
        statement: Statement::write(
            c"WITH examined AS MATERIALIZED (
                  SELECT ctid, user_id AS key, last_seen_at < $3 AS ended FROM auth_store.client_users
                   WHERE user_id > $1 ORDER BY user_id FETCH FIRST $2 ROWS WITH TIES
              ), victims AS MATERIALIZED (
                  SELECT ctid FROM auth_store.client_users
                   WHERE ctid = ANY (ARRAY(SELECT e.ctid FROM examined e WHERE e.ended)) AND last_seen_at < $3
                     FOR UPDATE SKIP LOCKED
              ), gone AS (
                  DELETE FROM auth_store.client_users WHERE ctid = ANY (ARRAY(SELECT v.ctid FROM victims v)) RETURNING 1
              )
              SELECT (SELECT count(*) FROM gone) AS deleted, (SELECT count(*) FROM examined) AS examined,
                     (SELECT key FROM examined ORDER BY key DESC LIMIT 1) AS last",
        ),
        times: |now| Vec::from(params![now.plus_seconds(-RETENTION.in_seconds())]),
    }),
    of_tenant: Rows::Deleted(delete_by!(latest "client_users", "tenant_id")),
    of_client: Rows::Stay,
    of_user: Some(OfUser {
        by: By::User,
        erased: Some(delete_by!(latest "client_users", "user_id")),
        exported: exported!(
            "client_users",
            "user_id = $1",
            "user_id, first_seen_at, last_seen_at, tenant_id, client_id",
            withheld ""
        ),
    }),
    published: Published::Never,
    moves: Moves::Stays,
    restored: true,
};

/// The facts of the table `flag_counts`. The counting deletes its old hours.
pub static FLAGS_TABLE: Table = Table {
    name: "flag_counts",
    key: &["hour", "tenant_id", "flag"],
    ended: None,
    of_tenant: Rows::Deleted(delete_by!(latest "flag_counts", "tenant_id")),
    of_client: Rows::None,
    of_user: None,
    published: Published::Never,
    moves: Moves::Stays,
    restored: true,
};
