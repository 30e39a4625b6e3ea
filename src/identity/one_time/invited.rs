//! Invitations that wait: tokens without a user, as a tenant's page lists and ends them.

use crate::kernel::outcome::Mistake;
use crate::kernel::server::row::row;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::id::Id;
use crate::kernel::value::jsonb::Jsonb;

row! {
    /// An invitation that waits.
    pub struct Invited {
        pub id: Id,
        pub email: Option<String>,
        pub details: Jsonb,
        pub created_at: Timestamp,
        pub expires_at: Timestamp,
    }
}

static WAITING: Statement<Invited> = Statement::read(
    c"SELECT id, email, details, created_at, expires_at FROM auth_store.one_time_tokens
       WHERE user_id IS NULL AND tenant_id = $1 AND purpose = 'invitation' AND used_at IS NULL AND expires_at > $2
         AND ($3 IS NULL OR id > $3)
       ORDER BY id LIMIT $4",
);

/// The invitations of a tenant that wait, behind this one.
pub fn waiting(
    now: Timestamp,
    tenant_id: &str,
    after: Option<Id>,
    max_rows: i32,
) -> Result<Vec<Invited>, Mistake> {
    WAITING.all(&params![tenant_id, now, after, max_rows])
}

static FORGET_INVITER: Statement = Statement::latest(
    c"UPDATE auth_store.one_time_tokens SET details = details - 'invited_by'
       WHERE user_id IS NULL AND purpose = 'invitation' AND details ->> 'invited_by' = $1::text",
);

/// Says of no invitation any more that this user has made it; returns of how many.
pub fn forget_inviter(user_id: Id) -> Result<u64, Mistake> {
    FORGET_INVITER.run(&params![user_id])
}

static END: Statement<String> = Statement::latest(
    c"DELETE FROM auth_store.one_time_tokens WHERE id = $1 AND purpose = 'invitation' AND used_at IS NULL
      RETURNING tenant_id",
);

/// Ends an invitation that was not used; returns whose it was.
pub fn end(id: Id) -> Result<Option<String>, Mistake> {
    END.one(&params![id])
}
