//! The rows of one user in the trail. The index of a month finds them by Bloom filters: it names the blocks of 16 pages
//! that may have a row of the user, and those alone are read.
//!
//! For a column whose order has nothing to do with that of the rows, such as the user, the planner takes it that a row
//! may be in every block, and reads the whole month instead. So each statement says something of the time too.

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
        actor_id: Option<Id>,
    }
    returned
}

// The last condition says of the time what the one before says of the id, so that no later month is read.
static STEPS: Statement<Stored> = Statement::read(
    c"SELECT id, occurred_at, event, success, client_id, session_id, ip, user_agent,
             from_application IS TRUE AS from_application, actor_id
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

row! {
    struct Changed {
        rows: i64,
        tenant_id: Option<String>,
    }
}

// The step of an erasure has nobody's id but the pseudonym, by which audit_verify() knows the rows.
// What an application wrote into a row's resource and details may say anything; what the store says there, the reasons
// that people gave and the names of keys.
static PSEUDONYMISE: Statement<Changed> = Statement::latest(
    c"WITH changed AS (
          UPDATE auth_store.audit_log
             SET user_id = $2, session_id = NULL, ip = NULL, user_agent = NULL, details = NULL,
                 resource_id = CASE WHEN from_application IS TRUE THEN NULL ELSE resource_id END
           WHERE user_id = $1 AND occurred_at >= '-infinity'
             AND NOT (event = 'user.erased' AND from_application IS NOT TRUE)
          RETURNING tenant_id)
      SELECT count(*) AS rows, min(tenant_id COLLATE \"C\") AS tenant_id FROM changed",
);

/// Makes the rows of a user those of a pseudonym, without address, user agent, session and details. Returns how many
/// rows, and their tenant.
pub fn pseudonymise(user_id: Id, pseudonym: Id) -> Result<(u64, Option<String>), Mistake> {
    let changed = PSEUDONYMISE.one(&params![user_id, pseudonym])?;
    Ok(changed.map_or((0, None), |changed| (u64::try_from(changed.rows).unwrap_or(0), changed.tenant_id)))
}

// No index finds them: every row of the trail is read. Who has acted was where the row says, with that browser.
static FORGET_MENTIONS: Statement = Statement::latest(
    c"UPDATE auth_store.audit_log
         SET details = replace(details::text, $1::text, $2::text)::jsonb,
             resource_id = CASE WHEN resource_id = $1::text THEN $2::text ELSE resource_id END,
             actor_id = CASE WHEN actor_id = $1 THEN $2 ELSE actor_id END,
             ip = NULL, user_agent = NULL
       WHERE strpos(details::text, $1::text) > 0 OR resource_id = $1::text OR actor_id = $1",
);

/// Puts the pseudonym where the rows of others name a user: who gave them a role, who acted for them. The address and
/// the user agent, which may be those of the user, go. Returns how many rows.
pub fn forget_mentions(user_id: Id, pseudonym: Id) -> Result<u64, Mistake> {
    FORGET_MENTIONS.run(&params![user_id, pseudonym])
}
