//! The log-in with an external identity: finds its user, or links it to one, or makes one, in one call.
//!
//! Whoever runs a mailbox's provider may say that somebody has an address. So an identity is linked to a user by the
//! address only where that is asked for, where both sides have verified the address, and where neither is the single
//! sign-on of an organisation. What was put into the account before its address was verified may be a stranger's, who
//! registered with it beforehand: it ends with the link.
//!
//! Lock order: the identity's key, codes, the user, then as in `mail_link/claim.rs`.

use pgrx::prelude::*;
use serde_json::json;

use crate::identity::external::link::{self, Said, insert, refresh};
use crate::identity::external::{Account, SINGLE_SIGN_ON, find};
use crate::identity::mail_link::claim::Claim;
use crate::identity::user::create::{self, NewUser};
use crate::identity::user::name::{Kind, Name};
use crate::identity::user::{self, verified};
use crate::identity::{policy, tenant};
use crate::kernel::outcome::{Answer, ErrorCode, Mistake, OrRaise, Refusal};
use crate::kernel::server::composite::composite;
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::kernel::value::inet::Inet;
use crate::kernel::value::jsonb::Jsonb;
use crate::oauth::consent::grants;
use crate::trail::{Context, Event, Flag};

composite! {
    /// What identity_login() returns.
    pub struct ExternalLogin = "auth_store.external_login" {
        pub user_id: Option<Id>,
        pub created: bool,
        pub linked: bool,
        pub error: Option<&'static str>,
        pub error_description: Option<String>,
    }
    refused { error, error_description }
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn identity_login(
    provider: Option<&str>,
    subject: Option<&str>,
    email: default!(Option<&str>, "NULL"),
    email_verified: default!(Option<bool>, "false"),
    profile: default!(Option<Jsonb>, "NULL"),
    link_by_email: default!(Option<bool>, "NULL"),
    tenant_id: default!(Option<&str>, "NULL"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> ExternalLogin {
    let context = Context { ip, user_agent };
    let run = || {
        let account = Account::check(provider, subject)?;
        let said = Said::check(email, email_verified, profile)?;
        log_in(clock::now(), &account, &said, link_by_email, tenant_id, &context)
    };
    match run().or_raise() {
        Ok(login) => login,
        Err(refusal) => ExternalLogin::refused(&refusal),
    }
}

fn log_in(
    now: Timestamp,
    account: &Account<'_>,
    said: &Said<'_>,
    link_by_email: Option<bool>,
    tenant_id: Option<&str>,
    context: &Context<'_>,
) -> Answer<ExternalLogin> {
    let snapshot = Snapshot::writing()?;
    let tenant_id = tenant::resolve(&snapshot, tenant_id)?;
    let by_email = match link_by_email {
        Some(asked) => asked,
        None => policy::of(&snapshot, &tenant_id)?.identity_link_by_email,
    };
    drop(snapshot);
    let mut locked = false;
    loop {
        pgrx::check_for_interrupts!();
        if let Some(id) = find(&Snapshot::latest(), &tenant_id, account)? {
            let Some(active) = user::lock_no_key_update(id, &tenant_id)? else {
                // The transaction's only snapshot does not show the user.
                if user::find(&Snapshot::latest(), id)?.is_some() {
                    return Err(Mistake::Changed);
                }
                continue;
            };
            if active && !refresh(&tenant_id, account, said, Some(now))? {
                continue;
            }
            return used(now, id, active, &tenant_id, account, context);
        }
        if !std::mem::replace(&mut locked, true) {
            account.lock(&tenant_id);
            continue;
        }
        let found = candidate(&tenant_id, account, said, by_email)?;
        let (id, created) = match found {
            Some((id, verified_at)) => {
                // No log-in of the user begins until the link is there, and codes come before the user.
                let codes = grants::shut_out(now, id, &tenant_id, None)?;
                if candidate(&tenant_id, account, said, by_email)? != found {
                    continue;
                }
                let claim = Claim { user_id: id, tenant_id: &tenant_id, by: "identity", context };
                claim.drop_before(now, Some(verified_at), codes)?;
                (id, false)
            }
            None => match make(now, &tenant_id, account, said, context)? {
                Ok(id) => (id, true),
                Err(refusal) => return Ok(Err(refusal)),
            },
        };
        if !insert(id, &tenant_id, account, said, now, Some(now))? {
            return Err(Mistake::Changed);
        }
        let event = Event { event: "identity.linked", ..Event::default() };
        let by = if created { "creation" } else { "email" };
        link::record(now, id, &tenant_id, account, event, json!({ "by": by }), context)?;
        return Ok(Ok(ExternalLogin {
            user_id: Some(id),
            created,
            linked: true,
            ..ExternalLogin::default()
        }));
    }
}

/// The answer to a log-in with an account that is linked.
fn used(
    now: Timestamp,
    id: Id,
    active: bool,
    tenant_id: &str,
    account: &Account<'_>,
    context: &Context<'_>,
) -> Answer<ExternalLogin> {
    let refusal = Refusal::new(ErrorCode::AccessDenied, "the user is not active");
    let (error, flags): (_, &[Flag]) =
        if active { (None, &[]) } else { (Some(refusal.code), &[Flag::InactiveUser]) };
    let event = Event { event: "identity.used", error, flags, ..Event::default() };
    link::record(now, id, tenant_id, account, event, json!({}), context)?;
    if active {
        Ok(Ok(ExternalLogin { user_id: Some(id), ..ExternalLogin::default() }))
    } else {
        Ok(Err(refusal))
    }
}

static BY_SINGLE_SIGN_ON: Statement<bool> = Statement::latest(
    c"SELECT true FROM auth_store.identities
       WHERE user_id = $1 AND tenant_id = $2 AND starts_with(provider, $3) LIMIT 1",
);

/// The user who gets the identity by the address, and when the user has proved it. In another spelling an address may
/// be another mailbox. Of several addresses the one that was proved first says whose the account is.
fn candidate(
    tenant_id: &str,
    account: &Account<'_>,
    said: &Said<'_>,
    by_email: bool,
) -> Result<Option<(Id, Timestamp)>, Mistake> {
    if !by_email || !said.email_verified || account.is_single_sign_on() {
        return Ok(None);
    }
    let Some(email) = said.email else { return Ok(None) };
    let Some(name) = Name::read(Kind::Email, email) else { return Ok(None) };
    let snapshot = Snapshot::latest();
    let Some(mailbox) = verified::mailbox(&snapshot, tenant_id, &name)? else { return Ok(None) };
    let Some(verified_at) = mailbox.verified_at else { return Ok(None) };
    let id = mailbox.user_id;
    let linkable = mailbox.name.eq_ignore_ascii_case(email)
        && user::active(&snapshot, id)?.is_some()
        && verified::is_first(id, tenant_id, verified_at)?
        && BY_SINGLE_SIGN_ON.one(&params![id, tenant_id, SINGLE_SIGN_ON])?.is_none();
    Ok(linkable.then_some((id, verified_at)))
}

/// A new user with the address, if the provider says one. The address of another user is that user's: whoever has both
/// logs in there first, and links the account then.
fn make(
    now: Timestamp,
    tenant_id: &str,
    account: &Account<'_>,
    said: &Said<'_>,
    context: &Context<'_>,
) -> Answer<Id> {
    let id = match said.email {
        Some(_) => None,
        None => Some(Id::mint(now, account.bucket(tenant_id))?),
    };
    let user = NewUser {
        id,
        email: said.email,
        external_id: None,
        first_name: None,
        last_name: None,
        metadata: None,
        tenant_id: Some(tenant_id),
    };
    let made = create::create(now, user, context)?;
    if let (Ok(id), Some(email), true) = (&made, said.email, said.email_verified) {
        verified::prove(now, *id, tenant_id, email)?;
    }
    Ok(made)
}
