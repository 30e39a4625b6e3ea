//! The grants of one user: ending them, and which clients have any.
//!
//! An UPDATE cannot see a log-in that has not committed. But the foreign key of the log-in's grant has locked the
//! user's row. So a call that ends the grants of a user locks that row first: it waits for such log-ins, and then sees
//! them. Codes come before the user: a redemption holds its code while it waits for the user.

use pgrx::prelude::*;
use serde_json::json;

use crate::identity::user;
use crate::kernel::outcome::{Mistake, OrRaise, given};
use crate::kernel::server::lookup::View;
use crate::kernel::server::row::row;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::value::argument;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::kernel::value::inet::Inet;
use crate::oauth::{client, code, device};
use crate::trail::{self, Context, Event};

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn user_grants_revoke(
    user_id: Option<pgrx::Uuid>,
    client_id: default!(Option<&str>, "NULL"),
    reason: default!(Option<&str>, "'revoked'"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> i32 {
    let now = clock::now();
    let context = Context { ip, user_agent };
    given(user_id, "user_id")
        .and_then(|user_id| {
            revoke_by_user(now, user_id.into(), client_id, argument::reason(reason)?, &context)
        })
        .or_raise()
}

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
                     WHERE user_id = $1 AND ($2 IS NULL OR client_id = $2) AND revoked_at IS NULL
                       AND expires_at > $3
                     ORDER BY id FOR NO KEY UPDATE)
      UPDATE auth_store.grants g SET revoked_at = $3, revoked_reason = $4
        FROM live WHERE g.id = live.id AND g.tenant_id = live.tenant_id AND g.revoked_at IS NULL",
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

/// Ends the live grants of a user, of one client or of all; returns how many.
fn revoke_by_user(
    now: Timestamp,
    user_id: Id,
    client_id: Option<&str>,
    reason: &str,
    context: &Context<'_>,
) -> Result<i32, Mistake> {
    let view = View::writing()?;
    let user = user::find(&view, user_id)?.ok_or(Mistake::Unknown { what: "user", argument: "user_id" })?;
    if let Some(client_id) = client_id {
        client::find(&view, client_id)?.ok_or(Mistake::Unknown { what: "client", argument: "client_id" })?;
    }
    drop(view);
    shut_out(now, user_id, &user.tenant_id, client_id)?;
    let count = revoke_live(now, user_id, client_id, reason)?;
    trail::record(
        now,
        &Event {
            event: "grants.revoked",
            tenant_id: &user.tenant_id,
            client_id,
            user_id: Some(user_id),
            context: Some(context),
            details: Some(json!({ "count": count, "reason": reason })),
            ..Event::default()
        },
    )?;
    Ok(i32::try_from(count).unwrap_or(i32::MAX))
}

/// Shuts out log-ins of the user until the end of the transaction, waits for those under way, and withdraws unredeemed
/// codes, of one client or of all. Returns how many codes.
pub fn shut_out(
    now: Timestamp,
    user_id: Id,
    tenant_id: &str,
    client_id: Option<&str>,
) -> Result<u64, Mistake> {
    let codes = code::withdraw(now, user_id, client_id)? + device::withdraw(now, user_id, client_id)?;
    user::lock_update(user_id, tenant_id)?;
    Ok(codes)
}

/// Ends the live grants of a user who is locked out; returns how many.
pub fn revoke_live(
    now: Timestamp,
    user_id: Id,
    client_id: Option<&str>,
    reason: &str,
) -> Result<u64, Mistake> {
    REVOKE_BY_USER.run(&params![user_id, client_id, now, reason])
}

/// The clients that have live grants of the user.
pub fn holdings(now: Timestamp, user_id: Id) -> Result<Vec<Holding>, Mistake> {
    HOLDINGS.all(&params![user_id, now])
}
