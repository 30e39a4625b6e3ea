//! Linking an identity to a user, and ending the link.

use pgrx::prelude::*;
use serde_json::{Value, json};

use crate::identity::external::{Account, find};
use crate::identity::passkey::manage;
use crate::identity::user::anonymous;
use crate::identity::user::elsewhere;
use crate::identity::user::name::{self, Name};
use crate::identity::{password, user};
use crate::kernel::outcome::{Answer, ErrorCode, Mistake, OrRaise, Refusal, given};
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::value::argument;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::kernel::value::inet::Inet;
use crate::kernel::value::jsonb::Jsonb;
use crate::trail::refused::Outcome;
use crate::trail::{self, Context, Event};

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn identity_link(
    user_id: Option<pgrx::Uuid>,
    provider: Option<&str>,
    subject: Option<&str>,
    email: default!(Option<&str>, "NULL"),
    profile: default!(Option<Jsonb>, "NULL"),
    email_verified: default!(Option<bool>, "false"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> Outcome {
    let context = Context { ip, user_agent };
    let run = || {
        let account = Account::check(provider, subject)?;
        let said = Said::check(email, email_verified, profile)?;
        link(clock::now(), user_id.map(Id::from), &account, said, &context)
    };
    run().or_raise().into()
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn identity_unlink(
    user_id: Option<pgrx::Uuid>,
    provider: Option<&str>,
    subject: Option<&str>,
    allow_last: default!(Option<bool>, "false"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> Outcome {
    let context = Context { ip, user_agent };
    let run = || {
        let account = Account::check(provider, subject)?;
        let allow_last = allow_last.unwrap_or(false);
        unlink(clock::now(), user_id.map(Id::from), &account, allow_last, &context)
    };
    run().or_raise().into()
}

/// What a provider says of an account.
pub struct Said<'a> {
    /// None where it says none, or something else.
    pub email: Option<&'a str>,
    pub email_verified: bool,
    /// None: as before.
    pub profile: Option<Jsonb>,
}

impl<'a> Said<'a> {
    /// The arguments that say it. What is no address is none: it is not the end user who wrote it.
    pub fn check(
        email: Option<&'a str>,
        email_verified: Option<bool>,
        profile: Option<Jsonb>,
    ) -> Result<Self, Mistake> {
        let email = email.filter(|email| Name::read(name::Kind::Email, email).is_some());
        let profile = profile.map(|profile| argument::document(Some(profile), "profile")).transpose()?;
        Ok(Self { email, email_verified: email_verified.unwrap_or(false) && email.is_some(), profile })
    }

    /// The address as a name of a user.
    pub fn address(&self) -> Option<Name<'a>> {
        self.email.and_then(|email| Name::read(name::Kind::Email, email))
    }
}

static INSERT: Statement = Statement::write(
    c"INSERT INTO auth_store.identities (user_id, linked_at, last_used_at, bucket, email_verified, tenant_id, provider,
             subject, email, profile)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, COALESCE($10, '{}'))
      ON CONFLICT DO NOTHING",
);

static REFRESH: Statement = Statement::latest(
    c"UPDATE auth_store.identities
         SET email = $4, email_verified = $5, profile = COALESCE($6, profile),
             last_used_at = COALESCE($7, last_used_at)
       WHERE tenant_id = $1 AND provider = $2 AND subject = $3",
);

/// Gives an account to a user who is locked against deletion; false if somebody has it. Whoever is just getting it is
/// waited for. `used_at`: the log-in, if this is one.
pub fn insert(
    user_id: Id,
    tenant_id: &str,
    account: &Account<'_>,
    said: &Said<'_>,
    now: Timestamp,
    used_at: Option<Timestamp>,
) -> Result<bool, Mistake> {
    let rows = INSERT.run(&params![
        user_id,
        now,
        used_at,
        account.bucket(tenant_id).number(),
        said.email_verified,
        tenant_id,
        account.provider,
        account.subject,
        said.email,
        said.profile.clone(),
    ])?;
    Ok(rows == 1)
}

/// Notes what the provider says now; false if nobody has the account any more.
pub fn refresh(
    tenant_id: &str,
    account: &Account<'_>,
    said: &Said<'_>,
    used_at: Option<Timestamp>,
) -> Result<bool, Mistake> {
    let rows = REFRESH.run(&params![
        tenant_id,
        account.provider,
        account.subject,
        said.email,
        said.email_verified,
        said.profile.clone(),
        used_at,
    ])?;
    Ok(rows == 1)
}

/// The refusal of an account of another user.
pub const TAKEN: Refusal =
    Refusal::new(ErrorCode::IdentityTaken, "another user logs in with this account of the provider");

fn link(
    now: Timestamp,
    user_id: Option<Id>,
    account: &Account<'_>,
    said: Said<'_>,
    context: &Context<'_>,
) -> Answer<()> {
    let id = given(user_id, "user_id")?;
    let tenant_id = user::tenant_of(id)?;
    account.lock(&tenant_id);
    user::lock_no_key_update(id, &tenant_id)?.ok_or(user::UNKNOWN)?;
    let outcome = loop {
        match find(&Snapshot::latest(), &tenant_id, account)? {
            Some(owner) if owner != id => break Err(TAKEN),
            Some(_) if refresh(&tenant_id, account, &said, None)? => return Ok(Ok(())),
            None if elsewhere::of_other(now, || account.claim_key(&tenant_id), Some(id))?.is_some() => {
                break Err(TAKEN);
            }
            None if insert(id, &tenant_id, account, &said, now, None)? => break Ok(()),
            // The account was unlinked, or linked, meanwhile.
            Some(_) | None => {}
        }
        pgrx::check_for_interrupts!();
    };
    let event =
        Event { event: "identity.linked", error: outcome.as_ref().err().map(|r| r.code), ..Event::default() };
    record(now, Some(id), &tenant_id, account, event, json!({ "by": "call" }), context)?;
    if outcome.is_ok() {
        anonymous::upgrade(now, id, &tenant_id, "identity", context)?;
    }
    Ok(outcome)
}

/// Gives an account that the caller has locked to a user who is moved in. Where the user has it, what the provider said
/// last stays.
pub fn import(
    now: Timestamp,
    id: Id,
    tenant_id: &str,
    account: &Account<'_>,
    said: &Said<'_>,
    context: &Context<'_>,
) -> Answer<()> {
    match find(&Snapshot::latest(), tenant_id, account)? {
        Some(owner) if owner != id => return Ok(Err(TAKEN)),
        Some(_) => return Ok(Ok(())),
        None => {}
    }
    user::lock_no_key_update(id, tenant_id)?.ok_or(user::UNKNOWN)?;
    if elsewhere::of_other(now, || account.claim_key(tenant_id), Some(id))?.is_some() {
        return Ok(Err(TAKEN));
    }
    if !insert(id, tenant_id, account, said, now, None)? {
        return Err(Mistake::Changed);
    }
    let event = Event { event: "identity.linked", ..Event::default() };
    record(now, Some(id), tenant_id, account, event, json!({ "by": "import" }), context)?;
    anonymous::upgrade(now, id, tenant_id, "identity", context)?;
    Ok(Ok(()))
}

/// The audit row of a step with an identity. The account there says who somebody is, and stays out of the trail.
pub fn record(
    now: Timestamp,
    user_id: Option<Id>,
    tenant_id: &str,
    account: &Account<'_>,
    event: Event<'_>,
    mut details: Value,
    context: &Context<'_>,
) -> Result<(), Mistake> {
    details["provider"] = account.provider.into();
    let details = Some(details);
    trail::record(now, &Event { tenant_id, user_id, details, context: Some(context), ..event })?;
    Ok(())
}

static DROP_BEFORE: Statement = Statement::latest(
    c"DELETE FROM auth_store.identities
       WHERE user_id = $1 AND tenant_id = $2 AND ($3 IS NULL OR linked_at < $3)",
);

/// Takes the accounts away from a user who is locked that were linked before a time, or all; returns how many.
pub fn drop_before(before: Option<Timestamp>, user_id: Id, tenant_id: &str) -> Result<u64, Mistake> {
    DROP_BEFORE.run(&params![user_id, tenant_id, before])
}

static DROP_SINCE: Statement = Statement::latest(
    c"DELETE FROM auth_store.identities WHERE user_id = $1 AND tenant_id = $2 AND linked_at >= $3",
);

/// Takes the accounts away from a user who is locked that were linked since a time; returns how many.
pub fn drop_since(since: Timestamp, user_id: Id, tenant_id: &str) -> Result<u64, Mistake> {
    DROP_SINCE.run(&params![user_id, tenant_id, since])
}

static COUNT_OTHERS: Statement<i64> = Statement::latest(
    c"SELECT count(*) FROM auth_store.identities
       WHERE user_id = $1 AND tenant_id = $2 AND (provider, subject) IS DISTINCT FROM ($3, $4)",
);

/// Whether the user can log in by something else. An address alone is none: whether it leads to a log-in is up to the
/// application.
fn is_last(id: Id, tenant_id: &str, account: &Account<'_>) -> Result<bool, Mistake> {
    if password::find(&Snapshot::latest(), id)?.is_some() || manage::has_any(id, tenant_id)? {
        return Ok(false);
    }
    let others = COUNT_OTHERS.one(&params![id, tenant_id, account.provider, account.subject])?;
    Ok(others.unwrap_or(0) == 0)
}

static DELETE: Statement = Statement::latest(
    c"DELETE FROM auth_store.identities
       WHERE tenant_id = $1 AND provider = $2 AND subject = $3 AND user_id = $4",
);

// Two calls for one user wait for each other by the user's row, so that they do not take away two links of which each
// believes that the other is left.
fn unlink(
    now: Timestamp,
    user_id: Option<Id>,
    account: &Account<'_>,
    allow_last: bool,
    context: &Context<'_>,
) -> Answer<()> {
    let id = given(user_id, "user_id")?;
    let tenant_id = user::tenant_of(id)?;
    user::lock_no_key_update(id, &tenant_id)?.ok_or(user::UNKNOWN)?;
    if find(&Snapshot::latest(), &tenant_id, account)? != Some(id) {
        return Err(Mistake::Unknown { what: "identity of the user", argument: "subject" });
    }
    let last = is_last(id, &tenant_id, account)?;
    let outcome = if last && !allow_last {
        Err(Refusal::new(ErrorCode::LastCredential, "the user could not log in any more"))
    } else {
        DELETE.run(&params![tenant_id.as_str(), account.provider, account.subject, id])?;
        Ok(())
    };
    let error = outcome.as_ref().err().map(|refusal| refusal.code);
    let event = Event { event: "identity.unlinked", error, ..Event::default() };
    record(now, Some(id), &tenant_id, account, event, json!({ "last": last }), context)?;
    Ok(outcome)
}
