//! A change of the e-mail address that is shown. Both addresses agree, in either order; then the new one takes the
//! place of the former one, which can take the change back for a week.
//!
//! Lock order: the user's key, codes, the user, tokens, the user's names, sessions, grants. The key has the two sides
//! wait for each other: only the second one to agree ends sessions, and codes come before the user.

use pgrx::prelude::*;
use serde_json::{Value, json};

use crate::identity::one_time::recipient::{self, OverLimit};
use crate::identity::one_time::verification::taken;
use crate::identity::one_time::{self, NewToken, OneTimeToken, Purpose, RefusedToken, Step};
use crate::identity::policy;
use crate::identity::user::name::{Kind, Name};
use crate::identity::user::{self, names, verified};
use crate::kernel::outcome::{Answer, ErrorCode, Mistake, OrRaise, Refusal, given};
use crate::kernel::server::composite::composite;
use crate::kernel::server::lock;
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::kernel::value::inet::Inet;
use crate::kernel::value::jsonb::Jsonb;
use crate::oauth::consent::access::end_shut_out;
use crate::oauth::consent::grants;
use crate::trail::refused::{Refused, invalid_grant, invalid_request};
use crate::trail::{self, Context, Event, Flag};

composite! {
    /// The two tokens of a change that is to be confirmed.
    pub struct EmailChange = "auth_store.email_change" {
        pub old_token: Option<String>,
        pub old_mail_to: Option<String>,
        pub new_token: Option<String>,
        pub new_mail_to: Option<String>,
        pub expires_at: Option<Timestamp>,
        pub error: Option<&'static str>,
        pub error_description: Option<String>,
        pub retry_after: Option<i32>,
    }
    refused { error, error_description, retry_after }
}

composite! {
    /// How far a change is.
    pub struct EmailChangeState = "auth_store.email_change_state" {
        pub user_id: Option<Id>,
        pub tenant_id: Option<String>,
        pub changed: Option<bool>,
        pub email: Option<String>,
        pub undo_token: Option<String>,
        pub undo_mail_to: Option<String>,
        pub undo_expires_at: Option<Timestamp>,
        pub error: Option<&'static str>,
        pub error_description: Option<String>,
    }
    refused { error, error_description }
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn email_change_start(
    user_id: Option<pgrx::Uuid>,
    new_email: Option<&str>,
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> EmailChange {
    let step = Step { event: "email.change_started", context: &Context { ip, user_agent } };
    start(clock::now(), user_id.map(Id::from), new_email, &step).or_raise()
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn email_change_confirm(
    token: Option<&str>,
    session_id: default!(Option<pgrx::Uuid>, "NULL"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> EmailChangeState {
    let context = Context { ip, user_agent };
    confirm(clock::now(), token, session_id.map(Id::from), &context).or_raise()
}

/// Seconds for which the former address can take a change back.
const UNDO_TTL: i64 = 7 * 86_400;

fn start(
    now: Timestamp,
    user_id: Option<Id>,
    new_email: Option<&str>,
    step: &Step<'_>,
) -> Result<EmailChange, Mistake> {
    let user_id = given(user_id, "user_id")?;
    let new_email = given(new_email, "new_email")?;
    let snapshot = Snapshot::writing()?;
    let user = user::find(&snapshot, user_id)?.ok_or(user::UNKNOWN)?;
    let former = verified::shown(&snapshot, user_id)?;
    let policy = policy::of(&snapshot, &user.tenant_id)?;
    drop(snapshot);
    let refuse = |refused: &Refused, is_told: bool| {
        if is_told {
            step.record(now, &user.tenant_id, Some(user_id), Some(refused))?;
        }
        Ok(EmailChange::refused(&refused.refusal))
    };
    if !user.is_active() {
        return refuse(&inactive(), true);
    }
    let old = former.as_deref().and_then(|email| Name::read(Kind::Email, email));
    let (old, new) = match (old, Name::read(Kind::Email, new_email)) {
        (Some(old), Some(new)) if old.text != new.text => (old, new),
        (_, None) => return refuse(&invalid_request(Kind::Email.accepted()), true),
        (None, _) => return refuse(&invalid_request("the user has no e-mail address"), true),
        _ => return refuse(&invalid_request("this is the user's present e-mail address"), true),
    };
    // In one order, so that two changes never wait for each other in a circle where the limits are in a table.
    let mut names = [&old, &new];
    names.sort_by_key(|name| &name.key);
    for name in names {
        let over = recipient::count(now, &policy, &user.tenant_id, "email_change", &name.key)?;
        if let Some(OverLimit { refused, is_told }) = over {
            return refuse(&refused, is_told);
        }
    }
    if !user::lock_key_share(user_id, &user.tenant_id, user.place_in(&user.tenant_id))? {
        return Err(user::UNKNOWN);
    }
    let owner = names::find(&Snapshot::writing()?, &user.tenant_id, &new)?;
    if owner.is_some_and(|owner| owner != user_id) {
        return refuse(&taken(), true);
    }
    let expires_at = now.plus_seconds(policy.one_time_ttl);
    let side = |purpose, email| {
        let new = NewToken {
            purpose,
            tenant_id: &user.tenant_id,
            user_id: Some(user_id),
            subject: "",
            email: Some(email),
            details: addresses(old.text, new.text),
            expires_at,
        };
        one_time::issue(now, new)
    };
    let of_old = side(Purpose::EmailChangeOld, old.text)?;
    let of_new = side(Purpose::EmailChangeNew, new.text)?;
    step.record(now, &user.tenant_id, Some(user_id), None)?;
    Ok(EmailChange {
        old_token: Some(of_old.text.to_string()),
        old_mail_to: Some(old.text.to_owned()),
        new_token: Some(of_new.text.to_string()),
        new_mail_to: Some(new.text.to_owned()),
        expires_at: Some(expires_at),
        ..EmailChange::default()
    })
}

fn addresses(old: &str, new: &str) -> Jsonb {
    Jsonb::of(&json!({ "old": old, "new": new })).unwrap_or_else(Jsonb::empty_object)
}

fn inactive() -> Refused {
    Refused {
        refusal: Refusal::new(ErrorCode::AccessDenied, "the user is not active"),
        flags: &[Flag::InactiveUser],
    }
}

/// A token of a change, with what it says.
pub struct Change {
    pub token: OneTimeToken,
    pub user_id: Id,
    pub old: String,
    pub new: String,
}

/// The live token, with the user's key locked: what happens to the token from now on, happens here.
pub fn open(
    now: Timestamp,
    purposes: &[Purpose],
    text: Option<&str>,
) -> Result<Result<Change, RefusedToken>, Mistake> {
    let first = match one_time::find(now, &Snapshot::writing()?, purposes, text)? {
        Ok(token) => token,
        refused => return Ok(refused.and_then(Change::of)),
    };
    if let Some(user_id) = first.user_id {
        lock::lock_key(user_id);
    }
    Ok(one_time::find(now, &Snapshot::writing()?, purposes, text)?.and_then(Change::of))
}

impl Change {
    fn of(token: OneTimeToken) -> Result<Self, RefusedToken> {
        let text = |member| match token.details.get(member)?.parse() {
            Some(Value::String(text)) => Some(text),
            _ => None,
        };
        match (token.user_id, text("old"), text("new")) {
            (Some(user_id), Some(old), Some(new)) => Ok(Self { token, user_id, old, new }),
            _ => Err(token.unusable(one_time::not_valid())),
        }
    }
}

fn confirm(
    now: Timestamp,
    text: Option<&str>,
    session_id: Option<Id>,
    context: &Context<'_>,
) -> Result<EmailChangeState, Mistake> {
    let step = Step { event: "email.change_confirmed", context };
    let confirmed = match open(now, &[Purpose::EmailChangeOld, Purpose::EmailChangeNew], text)? {
        Ok(change) => with_other(now, change, session_id, &step)?,
        Err(unusable) => Err(unusable),
    };
    Ok(step.answer(now, confirmed)?.unwrap_or_else(|refusal| EmailChangeState::refused(&refusal)))
}

/// One side agrees; if the other one has too, the address changes.
fn with_other(
    now: Timestamp,
    change: Change,
    session_id: Option<Id>,
    step: &Step<'_>,
) -> Answer<EmailChangeState, RefusedToken> {
    let other = match change.token.purpose {
        Purpose::EmailChangeOld => Purpose::EmailChangeNew,
        _ => Purpose::EmailChangeOld,
    };
    let is_second = one_time::was_used(change.user_id, &change.token.tenant_id, other)?;
    let agreed = if is_second {
        finish(now, &change, session_id, step.context)?
    } else {
        agree(now, &change)?
            .map(|()| EmailChangeState { changed: Some(false), ..EmailChangeState::default() })
    };
    match agreed {
        Ok(state) => {
            if !is_second {
                step.done(now, &change.token)?;
            }
            Ok(Ok(EmailChangeState {
                user_id: Some(change.user_id),
                tenant_id: Some(change.token.tenant_id),
                email: Some(if is_second { change.new } else { change.old }),
                ..state
            }))
        }
        Err(refused) => Ok(Err(change.token.unusable(refused))),
    }
}

/// One side agrees, the other has not yet.
fn agree(now: Timestamp, change: &Change) -> Result<Result<(), Refused>, Mistake> {
    match user::lock_no_key_update(change.user_id, &change.token.tenant_id)? {
        Some(true) => change.token.consume(now),
        _ => Ok(Err(inactive())),
    }
}

/// Both sides have agreed.
fn finish(
    now: Timestamp,
    change: &Change,
    session_id: Option<Id>,
    context: &Context<'_>,
) -> Result<Result<EmailChangeState, Refused>, Mistake> {
    let (user_id, tenant_id) = (change.user_id, change.token.tenant_id.as_str());
    let codes = grants::shut_out(now, user_id, tenant_id, None)?;
    if user::lock_no_key_update(user_id, tenant_id)? != Some(true) {
        return Ok(Err(inactive()));
    }
    if let Err(refused) = change.token.consume(now)? {
        return Ok(Err(refused));
    }
    if verified::shown(&Snapshot::writing()?, user_id)?.as_deref() != Some(&change.old) {
        return Ok(Err(invalid_grant("the user's e-mail address has changed meanwhile", &[])));
    }
    if !verified::show_another(now, user_id, tenant_id, &change.new)? {
        return Ok(Err(taken()));
    }
    let ended = end_shut_out(now, user_id, tenant_id, codes, session_id, "email_changed")?;
    one_time::end_all(user_id, tenant_id)?;
    let expires_at = now.plus_seconds(UNDO_TTL);
    let former = Name::read(Kind::Email, &change.old);
    let undo = NewToken {
        purpose: Purpose::EmailUndo,
        tenant_id,
        user_id: Some(user_id),
        subject: former.as_ref().map_or("", |name| &name.key),
        email: Some(&change.old),
        details: addresses(&change.old, &change.new),
        expires_at,
    };
    let undo = one_time::issue(now, undo)?;
    trail::record(
        now,
        &Event {
            event: "email.changed",
            tenant_id,
            user_id: Some(user_id),
            session_id,
            context: Some(context),
            details: Some(json!({ "ended": ended.details() })),
            ..Event::default()
        },
    )?;
    Ok(Ok(EmailChangeState {
        changed: Some(true),
        undo_token: Some(undo.text.to_string()),
        undo_mail_to: Some(change.old.clone()),
        undo_expires_at: Some(expires_at),
        ..EmailChangeState::default()
    }))
}
