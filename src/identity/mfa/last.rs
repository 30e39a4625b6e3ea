//! The end of a factor of any kind: the last one does not go unasked, and what somebody may hold who has got hold of
//! the account goes with it. It stands below passkeys, which end here too.

use serde_json::{Value, json};

use crate::identity::login::devices;
use crate::identity::one_time;
use crate::identity::policy::{self, Mfa};
use crate::identity::session::revoke;
use crate::kernel::outcome::{Answer, ErrorCode, Mistake, Refusal};
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::id::Id;

static COUNT: Statement<i64> = Statement::latest(
    c"SELECT count(*) FROM auth_store.mfa_factors
       WHERE user_id = $1 AND tenant_id = $2 AND confirmed_at IS NOT NULL",
);

/// The number of authenticator apps of a user.
pub fn apps(user_id: Id, tenant_id: &str) -> Result<i64, Mistake> {
    Ok(COUNT.one(&params![user_id, tenant_id])?.unwrap_or(0))
}

const LAST: &str = "it is the user's only second factor";
const NEEDED: &str = "it is the user's only second factor, and the tenant requires one";

/// Whether a factor may go that leaves so many of the user's; `asked`: even if it is the last. The caller has locked
/// the user, so that of two factors that go at once one is the last.
pub fn may_go(tenant_id: &str, left: i64, asked: bool) -> Answer<()> {
    if left > 0 {
        return Ok(Ok(()));
    }
    let needed = policy::of(&Snapshot::deciding()?, tenant_id)?.mfa == Mfa::Required;
    if needed || !asked {
        return Ok(Err(Refusal::new(ErrorCode::LastFactor, if needed { NEEDED } else { LAST })));
    }
    Ok(Ok(()))
}

static DELETE_CODES: Statement =
    Statement::latest(c"DELETE FROM auth_store.recovery_codes WHERE user_id = $1 AND tenant_id = $2");

/// Deletes the recovery codes of a user who is locked.
pub fn delete_codes(user_id: Id, tenant_id: &str) -> Result<(), Mistake> {
    DELETE_CODES.run(&params![user_id, tenant_id])?;
    Ok(())
}

static DELETE_CODES_SINCE: Statement = Statement::latest(
    c"DELETE FROM auth_store.recovery_codes WHERE user_id = $1 AND tenant_id = $2 AND created_at >= $3",
);

/// Deletes the recovery codes of a user who is locked that were made since a time; returns how many.
pub fn delete_codes_since(since: Timestamp, user_id: Id, tenant_id: &str) -> Result<u64, Mistake> {
    DELETE_CODES_SINCE.run(&params![user_id, tenant_id, since])
}

/// Ends the sessions of a user with their grants, all but one, and the one-time tokens, and trusts no device any more;
/// without a factor the recovery codes end too. What the trail says of it.
pub fn end_with(
    now: Timestamp,
    user_id: Id,
    tenant_id: &str,
    left: i64,
    except_session: Option<Id>,
) -> Result<Value, Mistake> {
    let ended = revoke::end_by_user(now, user_id, tenant_id, except_session, "factor_removed")?;
    devices::distrust(user_id, tenant_id)?;
    let one_time_tokens = one_time::end_all(user_id, tenant_id)?;
    if left == 0 {
        delete_codes(user_id, tenant_id)?;
    }
    Ok(json!({ "sessions": ended.sessions, "grants": ended.grants, "one_time_tokens": one_time_tokens }))
}
