//! To whom mail goes, and how often.
//!
//! Mail goes to the address that is stored, never to what somebody typed: two addresses that are one name may be two
//! mailboxes. Of a user who has proved an address, an address that nobody has proved gets no mail that lets in.

use crate::identity::policy::Policy;
use crate::identity::user::name::Name;
use crate::identity::user::verified;
use crate::identity::{tenant, user};
use crate::kernel::outcome::{ErrorCode, Mistake, Refusal};
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::id::Id;
use crate::limit::{self, HOUR};
use crate::trail::Flag;
use crate::trail::refused::Refused;

/// A refusal, and whether the trail tells it.
pub struct OverLimit {
    /// The answer.
    pub refused: Refused,
    /// True once a minute for each recipient.
    pub is_told: bool,
}

const DAY: i64 = 86_400;

/// Counts a mail or message of this kind for a recipient: refused if the last one of the kind is too recent, or there
/// were too many of all kinds. An address that no user has is counted too, so that the answer does not tell. Call it
/// first: where the limits are in a table, its row is locked before the user's.
pub fn count(
    now: Timestamp,
    policy: &Policy,
    tenant_id: &str,
    kind: &str,
    recipient: &str,
) -> Result<Option<OverLimit>, Mistake> {
    let all = format!("mail:{recipient}");
    let limits = [
        (format!("{all}:{kind}"), 1, i64::from(policy.mail_interval)),
        (format!("{all}:hour"), policy.mail_max_per_hour, HOUR),
        (format!("{all}:day"), policy.mail_max_per_day, DAY),
    ];
    for (key, max_hits, period) in limits.iter().filter(|(_, _, period)| *period > 0) {
        let verdict = limit::hit(now, tenant_id, key, *max_hits, *period, 1)?;
        if !verdict.allowed {
            let description =
                "there were too many messages for this recipient, or the last one is too recent";
            let refusal = Refusal::over_limit(description, verdict.retry_after);
            let refused = Refused { refusal, flags: &[Flag::RateLimited] };
            return Ok(Some(OverLimit { refused, is_told: limit::audit_due(now, tenant_id, &all)? }));
        }
    }
    Ok(None)
}

/// A user to whom mail is sent that lets in.
pub struct Addressee {
    /// Who.
    pub user_id: Id,
    /// The address as it is stored.
    pub mail_to: String,
}

/// The user who has this address and may log in, if mail to it may let in.
pub fn addressee(
    now: Timestamp,
    snapshot: &Snapshot,
    tenant_id: &str,
    name: &Name<'_>,
) -> Result<Option<Addressee>, Mistake> {
    let Some(mailbox) = verified::mailbox(snapshot, tenant_id, name)? else { return Ok(None) };
    if !may_enter(now, snapshot, mailbox.user_id, tenant_id)?
        || (mailbox.verified_at.is_none() && verified::has_any(mailbox.user_id, tenant_id)?)
    {
        return Ok(None);
    }
    Ok(Some(Addressee { user_id: mailbox.user_id, mail_to: mailbox.name }))
}

/// Whether user and tenant are active, and no administrator has locked the user. A lock that follows from failed
/// attempts does not count: a mail gets through it.
pub fn may_enter(now: Timestamp, snapshot: &Snapshot, user_id: Id, tenant_id: &str) -> Result<bool, Mistake> {
    let user = user::admission(snapshot, user_id)?;
    Ok(user.is_some_and(|user| user.is_active() && user.locked_until(now).is_none())
        && tenant::is_active(snapshot, tenant_id)?)
}

/// The refusal of a user who may not enter.
pub fn inactive() -> Refused {
    Refused {
        refusal: Refusal::new(ErrorCode::AccessDenied, "the user is not active, or locked"),
        flags: &[Flag::InactiveUser],
    }
}
