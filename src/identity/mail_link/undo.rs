//! The former e-mail address takes a change back, within a week: the account was in other hands. Everything that those
//! hands may have got ends: sessions, grants, tokens, and what they may have added since the change began, to come in
//! by later: addresses and phone numbers, passkeys, apps, recovery codes, accounts at other providers, API keys.
//!
//! Lock order: as in `mail_link/change.rs`, then API keys.

use pgrx::prelude::*;
use serde_json::json;

use crate::api_key;
use crate::identity::external::link;
use crate::identity::mail_link::change::{self, Change};
use crate::identity::mfa::{factor, last};
use crate::identity::one_time::{self, NewToken, Purpose, Step, verification};
use crate::identity::passkey::manage;
use crate::identity::policy;
use crate::identity::user::name::{Kind, Name};
use crate::identity::user::{names, verified};
use crate::kernel::outcome::{Answer, Mistake, OrRaise};
use crate::kernel::server::composite::composite;
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::kernel::value::inet::Inet;
use crate::kernel::value::jsonb::Jsonb;
use crate::oauth::consent::access::end_shut_out;
use crate::oauth::consent::grants;
use crate::trail::refused::Refused;
use crate::trail::{self, Context, Event};

composite! {
    /// A change that was taken back.
    pub struct EmailUndo = "auth_store.email_undo" {
        pub user_id: Option<Id>,
        pub tenant_id: Option<String>,
        pub email: Option<String>,
        pub reset_token: Option<String>,
        pub reset_expires_at: Option<Timestamp>,
        pub error: Option<&'static str>,
        pub error_description: Option<String>,
    }
    refused { error, error_description }
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn email_change_undo(
    token: Option<&str>,
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> EmailUndo {
    undo(clock::now(), token, &Context { ip, user_agent }).or_raise()
}

fn undo(now: Timestamp, text: Option<&str>, context: &Context<'_>) -> Result<EmailUndo, Mistake> {
    let step = Step { event: "email.change_undone", context };
    let undone = match change::open(now, &[Purpose::EmailUndo], text)? {
        Ok(change) => take_back(now, &change, context)?.map_err(|refused| change.token.unusable(refused)),
        Err(unusable) => Err(unusable),
    };
    Ok(step.answer(now, undone)?.unwrap_or_else(|refusal| EmailUndo::refused(&refusal)))
}

/// Why what was there ends.
const ENDED_BY: &str = "email_change_undone";

fn take_back(now: Timestamp, change: &Change, context: &Context<'_>) -> Answer<EmailUndo, Refused> {
    let Change { token, user_id, old, .. } = change;
    let (user_id, tenant_id) = (*user_id, token.tenant_id.as_str());
    let codes = grants::shut_out(now, user_id, tenant_id, None)?;
    // Before the token is used: it can be tried again once the other user has given up the address.
    if let Some(name) = Name::read(Kind::Email, old)
        && names::find(&Snapshot::latest(), tenant_id, &name)?.is_some_and(|owner| owner != user_id)
    {
        return Ok(Err(verification::taken()));
    }
    if let Err(refused) = token.consume(now)? {
        return Ok(Err(refused));
    }
    if !verified::show_another(now, user_id, tenant_id, old)? {
        return Ok(Err(verification::taken()));
    }
    let ttl = policy::of(&Snapshot::latest(), tenant_id)?.one_time_ttl;
    // The token is as old as the end of the change, whose own tokens live that long.
    let since = token.id.time().plus_seconds(-ttl);
    let addresses = verified::take_away_since(since, user_id, tenant_id, old)?;
    let passkeys = manage::drop_since(since, user_id, tenant_id)?;
    let apps = factor::drop_since(since, user_id, tenant_id)?;
    let recovery_codes = last::delete_codes_since(since, user_id, tenant_id)?;
    let identities = link::drop_since(since, user_id, tenant_id)?;
    let ended = end_shut_out(now, user_id, tenant_id, codes, None, ENDED_BY)?;
    let api_keys = api_key::revoke::revoke_since(since, now, user_id, tenant_id, ENDED_BY)?;
    one_time::end_all(user_id, tenant_id)?;
    one_time::end_undo(user_id, tenant_id, Some(token.id))?;
    let expires_at = now.plus_seconds(ttl);
    let reset = NewToken {
        purpose: Purpose::PasswordReset,
        tenant_id,
        user_id: Some(user_id),
        subject: "",
        email: Some(old),
        details: Jsonb::empty_object(),
        expires_at,
    };
    let reset = one_time::issue(now, reset)?;
    trail::record(
        now,
        &Event {
            event: "email.change_undone",
            tenant_id,
            user_id: Some(user_id),
            context: Some(context),
            details: Some(json!({
                "ended": ended.details(), "addresses": addresses, "passkeys": passkeys, "apps": apps,
                "recovery_codes": recovery_codes, "identities": identities, "api_keys": api_keys
            })),
            ..Event::default()
        },
    )?;
    Ok(Ok(EmailUndo {
        user_id: Some(user_id),
        tenant_id: Some(tenant_id.to_owned()),
        email: Some(old.clone()),
        reset_token: Some(reset.text.to_string()),
        reset_expires_at: Some(expires_at),
        ..EmailUndo::default()
    }))
}
