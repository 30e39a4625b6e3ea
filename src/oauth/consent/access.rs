//! The end of a user's access: unredeemed codes, sessions and grants, in one step.
//!
//! Lock order: codes, the user, sessions, grants in the order of their ids.

use serde_json::{Value, json};

use crate::api_key;
use crate::identity::session::revoke;
use crate::identity::user::names;
use crate::kernel::outcome::Mistake;
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::id::Id;
use crate::oauth::consent::grants;
use crate::oauth::grant::of_user;

/// How much has ended.
#[derive(Default)]
pub struct Ended {
    pub codes: u64,
    pub sessions: u64,
    pub grants: u64,
}

impl Ended {
    /// What the trail says of it.
    pub fn details(&self) -> Value {
        json!({ "codes": self.codes, "sessions": self.sessions, "grants": self.grants })
    }
}

/// Ends the codes, sessions and grants of a user, all but one session and the grants that were made in it. The user is
/// locked until the end of the transaction: no log-in begins meanwhile. The caller writes the audit row.
pub fn end_access(
    now: Timestamp,
    user_id: Id,
    tenant_id: &str,
    except_session: Option<Id>,
    ended_by: &str,
) -> Result<Ended, Mistake> {
    let codes = grants::shut_out(now, user_id, tenant_id, None)?;
    end_shut_out(now, user_id, tenant_id, codes, except_session, ended_by)
}

/// The same of a user whom [`grants::shut_out`] has shut out already, which withdrew so many codes.
pub fn end_shut_out(
    now: Timestamp,
    user_id: Id,
    tenant_id: &str,
    codes: u64,
    except_session: Option<Id>,
    ended_by: &str,
) -> Result<Ended, Mistake> {
    let ended = revoke::end_by_user(now, user_id, tenant_id, except_session, ended_by)?;
    let others = of_user::revoke_except(now, user_id, except_session, ended_by)?;
    Ok(Ended { codes, sessions: count(ended.sessions), grants: ended.grants + others })
}

/// Ends the sessions of a user and the grants that were made in them; locks and trail as for [`end_access`].
pub fn end_sessions(now: Timestamp, user_id: Id, tenant_id: &str, ended_by: &str) -> Result<Ended, Mistake> {
    let ended = revoke::end_by_user(now, user_id, tenant_id, None, ended_by)?;
    Ok(Ended { codes: 0, sessions: count(ended.sessions), grants: ended.grants })
}

/// Ends the grants of a user and the codes that would become grants; locks and trail as for [`end_access`].
pub fn end_grants(now: Timestamp, user_id: Id, tenant_id: &str, ended_by: &str) -> Result<Ended, Mistake> {
    let codes = grants::shut_out(now, user_id, tenant_id, None)?;
    Ok(Ended { codes, sessions: 0, grants: of_user::revoke(now, user_id, None, ended_by)? })
}

/// Those whose connections are the user's: the user, by the store's id and by the application's keys, and the user's
/// API keys.
pub fn actors(id: Id, tenant_id: &str) -> Result<Vec<(&'static str, String)>, Mistake> {
    let mut actors = vec![("user", id.to_string())];
    actors.extend(names::external_keys(id, tenant_id)?.into_iter().map(|key| ("user", key)));
    actors
        .extend(api_key::revoke::of_user(id, tenant_id)?.into_iter().map(|key| ("api_key", key.to_string())));
    Ok(actors)
}

fn count(rows: usize) -> u64 {
    u64::try_from(rows).unwrap_or(u64::MAX)
}
