//! A new password for a user who has forgotten the former one, by a mail to the user's address. It ends what the former
//! one gave access to, and every lock that followed from failed attempts: the mail gets through it.
//!
//! Lock order: codes, the user, the token, then as in `claim.rs`, the password, sessions, grants, counts of failures,
//! devices.

use pgrx::prelude::*;
use serde_json::json;

use crate::identity::login::{devices, failures};
use crate::identity::mail_link::claim::Claim;
use crate::identity::mail_link::magic;
use crate::identity::one_time::recipient::{inactive, may_enter};
use crate::identity::one_time::{self, OneTimeStart, OneTimeToken, OneTimeUse, Purpose, Step};
use crate::identity::password::{history, set};
use crate::identity::policy;
use crate::identity::user::{self, names};
use crate::kernel::outcome::{Answer, Mistake, OrRaise, given};
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::kernel::value::inet::Inet;
use crate::oauth::consent::access::{Ended, end_shut_out};
use crate::oauth::consent::grants;
use crate::trail::refused::Refused;
use crate::trail::{self, Context, Event};

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn password_reset_start(
    email: Option<&str>,
    tenant_id: default!(Option<&str>, "NULL"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> OneTimeStart {
    let step = Step { event: "password.reset_started", context: &Context { ip, user_agent } };
    magic::start(clock::now(), Purpose::PasswordReset, email, tenant_id, &step).or_raise()
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn password_reset_finish(
    token: Option<&str>,
    new_password: Option<&str>,
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> OneTimeUse {
    finish(clock::now(), token, new_password, &Context { ip, user_agent }).or_raise()
}

fn finish(
    now: Timestamp,
    text: Option<&str>,
    password: Option<&str>,
    context: &Context<'_>,
) -> Result<OneTimeUse, Mistake> {
    let password = given(password, "new_password")?;
    let step = Step { event: "password.changed", context };
    let done = step.with_token(now, Purpose::PasswordReset, text, |token, user_id, email| {
        reset(now, token, user_id, email, password, context)
    })?;
    match done {
        Ok((token, ended)) => {
            trail::record(
                now,
                &Event {
                    event: step.event,
                    tenant_id: &token.tenant_id,
                    user_id: token.user_id,
                    details: Some(json!({ "by": "reset", "ended": ended.details() })),
                    context: Some(context),
                    ..Event::default()
                },
            )?;
            Ok(OneTimeUse::of(token))
        }
        Err(refusal) => Ok(OneTimeUse::refused(&refusal)),
    }
}

/// A password that the policy refuses leaves the token as it is: the user chooses another one.
fn reset(
    now: Timestamp,
    token: &OneTimeToken,
    user_id: Id,
    email: &str,
    password: &str,
    context: &Context<'_>,
) -> Answer<Ended, Refused> {
    let tenant_id = token.tenant_id.as_str();
    if !may_enter(now, &Snapshot::writing()?, user_id, tenant_id)? {
        return Ok(Err(inactive()));
    }
    // With no lock: it takes long.
    let names = names::all_of(user_id, tenant_id)?;
    let policy = policy::of(&Snapshot::latest(), tenant_id)?;
    let hash = match set::accepted_hash(now, Some(user_id), &policy, &names, password)? {
        Ok(hash) => hash,
        Err(refusal) => return Ok(Err(Refused { refusal, flags: &[] })),
    };
    let codes = grants::shut_out(now, user_id, tenant_id, None)?;
    if user::lock_for_session(now, user_id, tenant_id)? != Some(true) {
        return Ok(Err(inactive()));
    }
    let claim = Claim { user_id, tenant_id, by: "reset", context };
    let claimed = match claim.enter(now, token, email, Some(codes))? {
        Ok(claimed) => claimed,
        Err(refused) => return Ok(Err(refused)),
    };
    history::keep(now, user_id, tenant_id, &policy)?;
    set::put(now, user_id, tenant_id, &hash, false)?;
    one_time::end_all(user_id, tenant_id)?;
    let ended = match claimed {
        Some(ended) => ended,
        None => end_shut_out(now, user_id, tenant_id, codes, None, set::ENDED_BY)?,
    };
    failures::forget(user_id, tenant_id)?;
    devices::forget(user_id, tenant_id)?;
    Ok(Ok(ended))
}
