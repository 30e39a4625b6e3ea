//! The rows of one user in the trail. The index of a month finds them by Bloom filters: it names the blocks of 32 pages
//! that may have a row of the user, and those alone are read.

use crate::kernel::outcome::Mistake;
use crate::kernel::server::row::row;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::id::Id;
use crate::kernel::value::inet::Inet;

row! {
    struct Stored {
        id: Id,
        step: Step,
    }
}

row! {
    /// What a user is shown of a step.
    pub struct Step {
        occurred_at: Option<Timestamp>,
        event: Option<String>,
        success: Option<bool>,
        client_id: Option<String>,
        session_id: Option<Id>,
        ip: Option<Inet>,
        user_agent: Option<String>,
        from_application: Option<bool>,
    }
    returned
}

// The last condition says of the time what the one before says of the id, so that no later month is read.
static STEPS: Statement<Stored> = Statement::read(
    c"SELECT id, occurred_at, event, success, client_id, session_id, ip, user_agent,
             from_application IS TRUE AS from_application
        FROM auth_store.audit_log
       WHERE user_id = $1 AND tenant_id = $2 AND occurred_at >= $3
         AND ($4 IS NULL OR id < $4) AND ($5 IS NULL OR occurred_at < $5)
       ORDER BY id DESC LIMIT $6",
);

/// The newest steps of a user since a time and before another step.
pub fn steps(
    user_id: Id,
    tenant_id: &str,
    since: Timestamp,
    before: Option<Id>,
    max_rows: i32,
) -> Result<Vec<(Id, Step)>, Mistake> {
    // An id has the milliseconds of its time.
    let until = before.map(|before| before.time().plus_micros(1000));
    let rows = STEPS.all(&params![user_id, tenant_id, since, before, until, max_rows])?;
    Ok(rows.into_iter().map(|row| (row.id, row.step)).collect())
}
