//! The log-in with an external identity: finds its user, or links it to one, or makes one, in one call.
//!
//! Whoever runs a mailbox's provider may say that somebody has an address. So an identity is linked to a user by the
//! address only where that is asked for, where both sides have verified the address, and where neither is the single
//! sign-on of an organisation. What was put into the account before its address was verified may be a stranger's, who
//! registered with it beforehand: it ends with the link.
//!
//! Lock order: the identity's key, codes, the user, then as in `mail_link/claim.rs`.

use std::borrow::Cow;

use pgrx::prelude::*;
use serde_json::json;

use crate::identity::external::link::{self, Said, insert, refresh};
use crate::identity::external::{Account, SINGLE_SIGN_ON, find};
use crate::identity::mail_link::claim::Claim;
use crate::identity::user::create::{self, NewUser};
use crate::identity::user::elsewhere;
use crate::identity::user::name::Kind;
use crate::identity::user::{self, names, verified};
use crate::identity::{mfa, policy, tenant};
use crate::kernel::outcome::{Answer, ErrorCode, Mistake, OrRaise, Refusal};
use crate::kernel::server::composite::composite;
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::server::sharded::SHARDED;
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
        pub retry_after: Option<i32>,
        pub locked_until: Option<Timestamp>,
        pub mfa_required: Option<bool>,
        pub mfa_enrollment_due_at: Option<Timestamp>,
    }
    refused { error, error_description, retry_after }
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
    device_token: default!(Option<&str>, "NULL"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> ExternalLogin {
    let context = Context { ip, user_agent };
    let run = || {
        let account = Account::check(provider, subject)?;
        let said = Said::check(email, email_verified, profile)?;
        let asked = Asked { link_by_email, tenant_id, device_token };
        log_in(clock::now(), &account, &said, &asked, &context)
    };
    match run().or_raise() {
        Ok(login) => login,
        Err(refusal) => ExternalLogin::refused(&refusal),
    }
}

/// What the application says of the log-in.
struct Asked<'a> {
    link_by_email: Option<bool>,
    tenant_id: Option<&'a str>,
    device_token: Option<&'a str>,
}

const ELSEWHERE: Mistake = Mistake::WrongState {
    message: Cow::Borrowed("the account is a user's of another shard"),
    hint: Cow::Borrowed("ask user_locate() for the user, and call this on the user's shard"),
};

/// Whose the address is, or whether anybody's, another shard may decide.
const ADDRESS_ELSEWHERE: Mistake = Mistake::WrongState {
    message: Cow::Borrowed("the account is nobody's, and the address has another bucket"),
    hint: Cow::Borrowed(
        "ask user_locate(email, 'email') on the shard of the address, user_name_claim() the account for that user or \
         for a new one's id, and go on at that user's shard",
    ),
};

const INACTIVE: Refusal = Refusal::new(ErrorCode::AccessDenied, "the user or the tenant is not active");
const LOCKED: Refusal = Refusal::new(ErrorCode::AccountLocked, "an administrator has locked the user");

fn log_in(
    now: Timestamp,
    account: &Account<'_>,
    said: &Said<'_>,
    asked: &Asked<'_>,
    context: &Context<'_>,
) -> Answer<ExternalLogin> {
    let snapshot = Snapshot::writing()?;
    let (tenant_id, tenant_active) = tenant::resolve_with_status(&snapshot, asked.tenant_id)?;
    let by_email = match asked.link_by_email {
        Some(asked) => asked,
        None => policy::of(&snapshot, &tenant_id)?.identity_link_by_email,
    };
    drop(snapshot);
    if !tenant_active {
        let user_id = find(&Snapshot::latest(), &tenant_id, account)?;
        return refuse(now, user_id, &tenant_id, account, INACTIVE, context).map(Ok);
    }
    let mut locked = false;
    loop {
        pgrx::check_for_interrupts!();
        if let Some(id) = find(&Snapshot::latest(), &tenant_id, account)? {
            match used(now, id, &tenant_id, account, said, asked, context)? {
                Some(login) => return Ok(Ok(login)),
                None => continue,
            }
        }
        if !std::mem::replace(&mut locked, true) {
            account.lock(&tenant_id);
            continue;
        }
        if let Some(claim) = elsewhere::of_other(now, || account.claim_key(&tenant_id), None)?
            && holder(&tenant_id, said)? != Some(claim.user_id)
        {
            return Err(ELSEWHERE);
        }
        let found = candidate(now, &tenant_id, account, said, by_email)?;
        let (id, created) = match found {
            Some((id, verified_at)) => {
                // No log-in of the user begins until the link is there, and codes come before the user.
                let codes = grants::shut_out(now, id, &tenant_id, None)?;
                if candidate(now, &tenant_id, account, said, by_email)? != found {
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
        link::record(now, Some(id), &tenant_id, account, event, json!({ "by": by }), context)?;
        let login = welcome(now, id, &tenant_id, asked)?;
        return Ok(Ok(ExternalLogin { created, linked: true, ..login }));
    }
}

/// A log-in with an account that was linked; None if it is not any more.
fn used(
    now: Timestamp,
    id: Id,
    tenant_id: &str,
    account: &Account<'_>,
    said: &Said<'_>,
    asked: &Asked<'_>,
    context: &Context<'_>,
) -> Result<Option<ExternalLogin>, Mistake> {
    let Some(active) = user::lock_no_key_update(id, tenant_id)? else {
        // The transaction's only snapshot does not show the user.
        if user::find(&Snapshot::latest(), id)?.is_some() {
            return Err(Mistake::Changed);
        }
        return Ok(None);
    };
    let refused = |refusal| refuse(now, Some(id), tenant_id, account, refusal, context);
    if !active {
        return refused(INACTIVE).map(Some);
    }
    let admission = user::admission(&Snapshot::latest(), id)?;
    if let Some(until) = admission.and_then(|user| user.locked_until(now)) {
        let retry_after = until.is_finite().then(|| until.seconds_after(now));
        let login = refused(Refusal { retry_after, ..LOCKED })?;
        return Ok(Some(ExternalLogin { locked_until: Some(until), ..login }));
    }
    if !refresh(tenant_id, account, said, Some(now))? {
        return Ok(None);
    }
    let login = welcome(now, id, tenant_id, asked)?;
    let event = Event { event: "identity.used", ..Event::default() };
    let details = json!({ "mfa_required": login.mfa_required });
    link::record(now, Some(id), tenant_id, account, event, details, context)?;
    Ok(Some(login))
}

/// The answer to a log-in of a user who is held: the account is one factor.
fn welcome(now: Timestamp, id: Id, tenant_id: &str, asked: &Asked<'_>) -> Result<ExternalLogin, Mistake> {
    let demand = mfa::demand_from(now, id, tenant_id, asked.device_token)?;
    Ok(ExternalLogin {
        user_id: Some(id),
        mfa_required: Some(demand.is_required(now)),
        mfa_enrollment_due_at: demand.due_at(),
        ..ExternalLogin::default()
    })
}

/// Refuses the log-in with an account, which is the user's if there is one.
fn refuse(
    now: Timestamp,
    user_id: Option<Id>,
    tenant_id: &str,
    account: &Account<'_>,
    refusal: Refusal,
    context: &Context<'_>,
) -> Result<ExternalLogin, Mistake> {
    let flags = if refusal.code == LOCKED.code { &[Flag::LockedOut] } else { &[Flag::InactiveUser] };
    let event = Event { event: "identity.used", error: Some(refusal.code), flags, ..Event::default() };
    link::record(now, user_id, tenant_id, account, event, json!({}), context)?;
    Ok(ExternalLogin::refused(&refusal))
}

static BY_SINGLE_SIGN_ON: Statement<bool> = Statement::latest(
    c"SELECT true FROM auth_store.identities
       WHERE user_id = $1 AND tenant_id = $2 AND starts_with(provider, $3) LIMIT 1",
);

/// The user who gets the identity by the address, and when the user has proved it. In another spelling an address may
/// be another mailbox. Of several addresses the one that was proved first says whose the account is.
fn candidate(
    now: Timestamp,
    tenant_id: &str,
    account: &Account<'_>,
    said: &Said<'_>,
    by_email: bool,
) -> Result<Option<(Id, Timestamp)>, Mistake> {
    if !by_email || !said.email_verified || account.is_single_sign_on() {
        return Ok(None);
    }
    let Some(email) = said.email else { return Ok(None) };
    let Some(name) = said.address() else { return Ok(None) };
    let snapshot = Snapshot::latest();
    let Some(mailbox) = verified::mailbox(&snapshot, tenant_id, &name)? else { return Ok(None) };
    let Some(verified_at) = mailbox.verified_at else { return Ok(None) };
    let id = mailbox.user_id;
    let linkable = mailbox.name.eq_ignore_ascii_case(email)
        && user::admission(&snapshot, id)?
            .is_some_and(|user| user.is_active() && user.locked_until(now).is_none())
        && verified::is_first(id, tenant_id, verified_at)?
        && BY_SINGLE_SIGN_ON.one(&params![id, tenant_id, SINGLE_SIGN_ON])?.is_none();
    Ok(linkable.then_some((id, verified_at)))
}

/// The user of this shard who has the address that the provider says.
fn holder(tenant_id: &str, said: &Said<'_>) -> Result<Option<Id>, Mistake> {
    match said.address() {
        Some(name) => names::find(&Snapshot::latest(), tenant_id, &name),
        None => Ok(None),
    }
}

/// A new user with the address, if the provider says one. The address of another user is that user's: whoever has both
/// logs in there first, and links the account then.
///
/// Where the store is spread the call goes by the account, so that the id has to lead here too, and the address only
/// belongs to the user if it has the same bucket: nobody can have claimed it for an id that is just being made.
fn make(
    now: Timestamp,
    tenant_id: &str,
    account: &Account<'_>,
    said: &Said<'_>,
    context: &Context<'_>,
) -> Answer<Id> {
    let address = said.address();
    let bucket = account.bucket(tenant_id);
    if SHARDED.get() && address.as_ref().is_some_and(|name| name.bucket(tenant_id) != bucket) {
        return match holder(tenant_id, said)? {
            Some(_) => create::refuse(now, tenant_id, names::taken(Kind::Email), context),
            None => Err(ADDRESS_ELSEWHERE),
        };
    }
    let id = match address {
        Some(_) if !SHARDED.get() => None,
        _ => Some(Id::mint(now, bucket)?),
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
