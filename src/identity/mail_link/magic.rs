//! Magic links: a log-in by a mail to the user's address.
//!
//! Lock order: codes, the user, the token, then as in `claim.rs`.

use pgrx::prelude::*;

use crate::identity::mail_link::claim::Claim;
use crate::identity::one_time::recipient::{self, Addressee, OverLimit, inactive};
use crate::identity::one_time::{self, NewToken, OneTimeStart, OneTimeToken, OneTimeUse, Purpose, Step};
use crate::identity::user::name::{Kind, Name};
use crate::identity::user::{self, Held, verified};
use crate::identity::{mfa, policy, tenant};
use crate::kernel::crypto::token_text;
use crate::kernel::outcome::{Answer, ErrorCode, Mistake, OrRaise, Refusal, given};
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::kernel::value::inet::Inet;
use crate::kernel::value::jsonb::Jsonb;
use crate::oauth::consent::grants;
use crate::trail::refused::Refused;
use crate::trail::{Context, Flag};

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn magic_link_start(
    email: Option<&str>,
    tenant_id: default!(Option<&str>, "NULL"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> OneTimeStart {
    let step = Step { event: "magic_link.created", context: &Context { ip, user_agent } };
    start(clock::now(), Purpose::MagicLink, email, tenant_id, &step).or_raise()
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn magic_link_finish(
    token: Option<&str>,
    device_token: default!(Option<&str>, "NULL"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> OneTimeUse {
    finish(clock::now(), token, device_token, &Context { ip, user_agent }).or_raise()
}

/// Makes a token that lets in whoever reads the mail to an address. The answer about an address that gets none has the
/// same columns, with a token that leads nowhere, and nobody to mail it to.
pub fn start(
    now: Timestamp,
    purpose: Purpose,
    email: Option<&str>,
    tenant_id: Option<&str>,
    step: &Step<'_>,
) -> Result<OneTimeStart, Mistake> {
    let email = given(email, "email")?;
    let snapshot = Snapshot::writing()?;
    let tenant_id = tenant::resolve(&snapshot, tenant_id)?;
    let policy = policy::of(&snapshot, &tenant_id)?;
    drop(snapshot);
    let Some(name) = Name::read(Kind::Email, email) else {
        let refusal = Refusal::new(ErrorCode::InvalidRequest, Kind::Email.accepted());
        return Ok(OneTimeStart::refused(&refusal));
    };
    let over = recipient::count(now, &policy, &tenant_id, purpose.as_str(), &name.key)?;
    if let Some(OverLimit { refused, is_told }) = over {
        if is_told {
            step.record(now, &tenant_id, None, Some(&refused))?;
        }
        return Ok(OneTimeStart::refused(&refused.refusal));
    }
    let expires_at = now.plus_seconds(policy.one_time_ttl);
    let addressee = held(&tenant_id, recipient::addressee(now, &Snapshot::writing()?, &tenant_id, &name)?)?;
    let Some(Addressee { user_id, mail_to }) = addressee else {
        let nowhere = token_text::mint(token_text::Kind::OneTime, now, name.bucket(&tenant_id))?;
        step.record(now, &tenant_id, None, Some(&nobody()))?;
        return Ok(OneTimeStart {
            token: Some(nowhere.text.to_string()),
            expires_at: Some(expires_at),
            ..OneTimeStart::default()
        });
    };
    let new = NewToken {
        purpose,
        tenant_id: &tenant_id,
        user_id: Some(user_id),
        subject: "",
        email: Some(&mail_to),
        details: Jsonb::empty_object(),
        expires_at,
    };
    let minted = one_time::issue(now, new)?;
    step.record(now, &tenant_id, Some(user_id), None)?;
    Ok(OneTimeStart {
        token: Some(minted.text.to_string()),
        user_id: Some(user_id),
        mail_to: Some(mail_to),
        expires_at: Some(expires_at),
        ..OneTimeStart::default()
    })
}

/// What the trail says of an address that gets no mail.
fn nobody() -> Refused {
    let description = "no active user may be let in by a mail to this address";
    Refused { refusal: Refusal::new(ErrorCode::AccessDenied, description), flags: &[Flag::UnknownUser] }
}

/// The addressee, whose row is held and who is still active.
fn held(tenant_id: &str, addressee: Option<Addressee>) -> Result<Option<Addressee>, Mistake> {
    let Some(addressee) = addressee else { return Ok(None) };
    let held = user::lock_for_login(addressee.user_id, tenant_id, None)?;
    Ok((held == Held::Active).then_some(addressee))
}

fn finish(
    now: Timestamp,
    text: Option<&str>,
    device_token: Option<&str>,
    context: &Context<'_>,
) -> Result<OneTimeUse, Mistake> {
    let step = Step { event: "magic_link.used", context };
    let used = step.with_token(now, Purpose::MagicLink, text, |token, user_id, email| {
        if let Err(refused) = let_in(now, token, user_id, email, context)? {
            return Ok(Err(refused));
        }
        // The mail is one factor.
        mfa::demand_from(now, user_id, &token.tenant_id, device_token).map(Ok)
    })?;
    match used {
        Ok((token, demand)) => {
            step.done(now, &token)?;
            Ok(OneTimeUse {
                amr: Some(vec!["otp".into()]),
                mfa_required: Some(demand.is_required(now)),
                mfa_enrollment_due_at: demand.due_at(),
                ..OneTimeUse::of(token)
            })
        }
        Err(refusal) => Ok(OneTimeUse::refused(&refusal)),
    }
}

/// Uses the token; refused if the user may not be let in. Who is let in has proved the address, and so may claim the
/// account.
fn let_in(
    now: Timestamp,
    token: &OneTimeToken,
    user_id: Id,
    email: &str,
    context: &Context<'_>,
) -> Answer<(), Refused> {
    let tenant_id = token.tenant_id.as_str();
    let unproved = !verified::has_any(user_id, tenant_id)?;
    // Codes come before the user.
    let codes = if unproved { Some(grants::shut_out(now, user_id, tenant_id, None)?) } else { None };
    let active = user::lock_for_session(now, user_id, tenant_id)?.unwrap_or(false);
    if !active || !tenant::is_active(&Snapshot::writing()?, tenant_id)? {
        return Ok(Err(inactive()));
    }
    let claim = Claim { user_id, tenant_id, by: "magic_link", context };
    Ok(claim.enter(now, token, email, codes)?.map(|_| ()))
}
