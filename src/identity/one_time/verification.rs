//! The proof that an e-mail address is the user's.
//!
//! Lock order: the user, the token, then the user's names.

use pgrx::prelude::*;

use crate::identity::one_time::recipient::{self, OverLimit};
use crate::identity::one_time::{self, NewToken, OneTimeStart, OneTimeUse, Purpose, Step};
use crate::identity::policy;
use crate::identity::user::name::{Kind, Name};
use crate::identity::user::verified::{self, Proof};
use crate::identity::user::{self, names};
use crate::kernel::outcome::{Mistake, OrRaise, given};
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::kernel::value::inet::Inet;
use crate::kernel::value::jsonb::Jsonb;
use crate::trail::Context;
use crate::trail::refused::{Refused, invalid_grant, invalid_request};

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn email_verification_start(
    user_id: Option<pgrx::Uuid>,
    email: default!(Option<&str>, "NULL"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> OneTimeStart {
    start(clock::now(), user_id.map(Id::from), email, &Context { ip, user_agent }).or_raise()
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn email_verification_finish(
    token: Option<&str>,
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> OneTimeUse {
    finish(clock::now(), token, &Context { ip, user_agent }).or_raise()
}

fn start(
    now: Timestamp,
    user_id: Option<Id>,
    email: Option<&str>,
    context: &Context<'_>,
) -> Result<OneTimeStart, Mistake> {
    let user_id = given(user_id, "user_id")?;
    let step = Step { event: "email.verification_started", context };
    let snapshot = Snapshot::writing()?;
    let user = user::find(&snapshot, user_id)?.ok_or(user::UNKNOWN)?;
    let email = match email {
        Some(email) => Some(email.to_owned()),
        None => verified::shown(&snapshot, user_id)?,
    };
    let policy = policy::of(&snapshot, &user.tenant_id)?;
    drop(snapshot);
    let refuse = |refused: &Refused, is_told: bool| {
        if is_told {
            step.record(now, &user.tenant_id, Some(user_id), Some(refused))?;
        }
        Ok(OneTimeStart::refused(&refused.refusal))
    };
    let name = match email.as_deref().map(|email| Name::read(Kind::Email, email)) {
        Some(Some(name)) => name,
        Some(None) => return refuse(&invalid_request(Kind::Email.accepted()), true),
        None => return refuse(&invalid_request(NO_SUCH), true),
    };
    let purpose = Purpose::EmailVerification;
    let over = recipient::count(now, &policy, &user.tenant_id, purpose.as_str(), &name.key)?;
    if let Some(OverLimit { refused, is_told }) = over {
        return refuse(&refused, is_told);
    }
    if !user::lock_key_share(user_id, &user.tenant_id, user.place_in(&user.tenant_id))? {
        return Err(user::UNKNOWN);
    }
    let mail_to = match verified::mailbox(&Snapshot::writing()?, &user.tenant_id, &name)? {
        Some(mailbox) if mailbox.user_id == user_id => mailbox.name,
        Some(_) => return refuse(&taken(), true),
        None => return refuse(&invalid_request(NO_SUCH), true),
    };
    let expires_at = now.plus_seconds(policy.one_time_ttl);
    let new = NewToken {
        purpose,
        tenant_id: &user.tenant_id,
        user_id: Some(user_id),
        subject: &name.key,
        email: Some(&mail_to),
        details: Jsonb::empty_object(),
        expires_at,
    };
    let minted = one_time::issue(now, new)?;
    step.record(now, &user.tenant_id, Some(user_id), None)?;
    Ok(OneTimeStart {
        token: Some(minted.text.to_string()),
        user_id: Some(user_id),
        mail_to: Some(mail_to),
        expires_at: Some(expires_at),
        ..OneTimeStart::default()
    })
}

const NO_SUCH: &str = "the user has no such e-mail address";

/// The refusal of an address that another user has.
pub fn taken() -> Refused {
    Refused { refusal: names::taken(Kind::Email), flags: &[] }
}

fn finish(now: Timestamp, text: Option<&str>, context: &Context<'_>) -> Result<OneTimeUse, Mistake> {
    let step = Step { event: "email.verified", context };
    let proved = step.with_token(now, Purpose::EmailVerification, text, |token, user_id, email| {
        if user::lock_no_key_update(user_id, &token.tenant_id)?.is_none() {
            return Ok(Err(one_time::not_valid()));
        }
        if let Err(refused) = token.consume(now)? {
            return Ok(Err(refused));
        }
        Ok(proved(verified::prove(now, user_id, &token.tenant_id, email)?))
    })?;
    match proved {
        Ok((token, ())) => {
            step.done(now, &token)?;
            Ok(OneTimeUse::of(token))
        }
        Err(refusal) => Ok(OneTimeUse::refused(&refusal)),
    }
}

/// Whether a token that came back in time has proved the address.
pub fn proved(proof: Proof) -> Result<(), Refused> {
    match proof {
        Proof::First | Proof::Again => Ok(()),
        Proof::Taken => Err(taken()),
        Proof::Gone => Err(invalid_grant("the user has this e-mail address no longer", &[])),
    }
}
