//! The grants of one user, which end together.

use crate::kernel::outcome::Mistake;
use crate::kernel::server::row::row;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::id::Id;

row! {
    /// What a client has of a user.
    pub struct Holding {
        pub client_id: String,
        /// Live grants.
        pub live: i32,
        /// The first and the last of them.
        pub first: Id,
        pub last: Id,
        rotated_at: Option<Timestamp>,
        /// The scopes of the live grants.
        pub scopes: Vec<String>,
    }
}

impl Holding {
    /// The time of the last grant or refresh.
    pub fn last_used_at(&self) -> Timestamp {
        let last = self.last.time();
        self.rotated_at.map_or(last, |rotated| rotated.max(last))
    }
}

// The rows are locked in id order, so that two such statements never wait for each other in a circle.
static REVOKE_BY_USER: Statement = Statement::latest(
    c"WITH live AS (SELECT id, tenant_id FROM auth_store.grants
                     WHERE user_id = $1 AND ($2 IS NULL OR client_id = $2)
                       AND ($5 IS NULL OR session_id IS DISTINCT FROM $5) AND revoked_at IS NULL AND expires_at > $3
                     ORDER BY id FOR NO KEY UPDATE)
      UPDATE auth_store.grants g SET revoked_at = $3, revoked_reason = $4
        FROM live WHERE g.id = live.id AND g.tenant_id = live.tenant_id AND g.revoked_at IS NULL",
);

// Uses the index on the user: an index on the session would cost every log-in WAL.
static REVOKE_BY_SESSIONS: Statement<(String, Id)> = Statement::latest(
    c"WITH live AS (SELECT id, tenant_id FROM auth_store.grants
                     WHERE user_id = $1 AND session_id = ANY ($2) AND revoked_at IS NULL AND expires_at > $3
                     ORDER BY id FOR NO KEY UPDATE)
      UPDATE auth_store.grants g SET revoked_at = $3, revoked_reason = $4
        FROM live WHERE g.id = live.id AND g.tenant_id = live.tenant_id AND g.revoked_at IS NULL
      RETURNING g.client_id, g.session_id",
);

// The first and the last of the ids, which are in order of time: as text, but not in the order of a language, where
// "aa" may come after "z".
static HOLDINGS: Statement<Holding> = Statement::read(
    c"SELECT client_id, count(*)::integer AS live, min(id::text COLLATE \"C\")::uuid AS first,
             max(id::text COLLATE \"C\")::uuid AS last, max(rotated_at) AS rotated_at,
             array_agg(DISTINCT scope COLLATE \"C\") AS scopes
        FROM auth_store.grants
       WHERE user_id = $1 AND revoked_at IS NULL AND expires_at > $2
         AND (idle_expires_at IS NULL OR idle_expires_at > $2)
       GROUP BY client_id",
);

/// Ends the live grants of a user who is locked out; returns how many.
pub fn revoke(now: Timestamp, user_id: Id, client_id: Option<&str>, reason: &str) -> Result<u64, Mistake> {
    REVOKE_BY_USER.run(&params![user_id, client_id, now, reason, None::<Id>])
}

/// Ends the live grants of a user who is locked out, except those that were made in one session; returns how many.
pub fn revoke_except(
    now: Timestamp,
    user_id: Id,
    session_id: Option<Id>,
    reason: &str,
) -> Result<u64, Mistake> {
    REVOKE_BY_USER.run(&params![user_id, None::<&str>, now, reason, session_id])
}

// As above; waits for a grant that is being refreshed.
/// Ends the live grants that were made in sessions of a user who is locked out; returns the client and the session of
/// each.
pub fn revoke_by_sessions(
    now: Timestamp,
    user_id: Id,
    sessions: Vec<Id>,
    reason: &str,
) -> Result<Vec<(String, Id)>, Mistake> {
    REVOKE_BY_SESSIONS.all(&params![user_id, sessions, now, reason])
}

static LIVES: Statement<bool> = Statement::latest(
    c"SELECT EXISTS (SELECT FROM auth_store.grants
                      WHERE user_id = $1 AND revoked_at IS NULL AND expires_at > $2
                        AND (idle_expires_at IS NULL OR idle_expires_at > $2))",
);

static LIVES_SINCE_BEFORE: Statement<bool> = Statement::latest(
    c"SELECT EXISTS (SELECT FROM auth_store.grants WHERE user_id = $1 AND id < $2 AND revoked_at IS NULL)",
);

/// Whether a grant of the user has not been ended that is from before a time.
pub fn lives_since_before(at: Timestamp, user_id: Id) -> Result<bool, Mistake> {
    Ok(LIVES_SINCE_BEFORE.one(&params![user_id, Id::lower_bound(at)])?.unwrap_or(true))
}

static DELETE_OF: Statement = Statement::latest(c"DELETE FROM auth_store.grants WHERE user_id = $1");

/// Deletes the grants of a user who is locked, unless one of them lives; false then.
pub fn delete_ended_of(now: Timestamp, user_id: Id) -> Result<bool, Mistake> {
    if LIVES.one(&params![user_id, now])?.unwrap_or(true) {
        return Ok(false);
    }
    DELETE_OF.run(&params![user_id])?;
    Ok(true)
}

static IDS: Statement<Id> = Statement::latest(c"SELECT id FROM auth_store.grants WHERE user_id = $1");

/// All grants of the user, also those that are over.
pub fn ids(user_id: Id) -> Result<Vec<Id>, Mistake> {
    IDS.all(&params![user_id])
}

/// The clients that have live grants of the user.
pub fn holdings(now: Timestamp, user_id: Id) -> Result<Vec<Holding>, Mistake> {
    HOLDINGS.all(&params![user_id, now])
}
