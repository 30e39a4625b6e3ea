//! Invitations to a tenant with a role: a one-time token in a mail to somebody who may be no user yet. Accepting one is
//! in `accept.rs`.

pub mod accept;

use pgrx::iter::SetOfIterator;
use pgrx::prelude::*;
use serde_json::json;

use crate::identity::one_time::invited::{self, Invited};
use crate::identity::one_time::recipient::{self, OverLimit};
use crate::identity::one_time::{self, NewToken, OneTimeStart, OneTimeToken, Purpose};
use crate::identity::role;
use crate::identity::user::name::{Kind, Name};
use crate::identity::user::verified;
use crate::identity::{policy, tenant, user};
use crate::kernel::outcome::{ErrorCode, Mistake, OrRaise, Refusal, given};
use crate::kernel::server::composite::composite;
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::value::argument;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::kernel::value::inet::Inet;
use crate::kernel::value::jsonb::Jsonb;
use crate::trail::refused::{Refused, invalid_request};
use crate::trail::{self, Context, Event};

composite! {
    /// An invitation, as invitation_show() and invitation_list() return it.
    pub struct Invitation = "auth_store.invitation" {
        pub invitation_id: Option<Id>,
        pub tenant_id: Option<String>,
        pub tenant_name: Option<String>,
        pub email: Option<String>,
        pub role: Option<String>,
        pub invited_by: Option<Id>,
        pub created_at: Option<Timestamp>,
        pub expires_at: Option<Timestamp>,
        pub error: Option<&'static str>,
        pub error_description: Option<String>,
    }
    refused { error, error_description }
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn invitation_create(
    email: Option<&str>,
    role: Option<&str>,
    tenant_id: default!(Option<&str>, "NULL"),
    expires_at: default!(Option<TimestampWithTimeZone>, "NULL"),
    invited_by: default!(Option<pgrx::Uuid>, "NULL"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> OneTimeStart {
    let new = NewInvitation {
        email,
        role,
        tenant_id,
        expires_at: expires_at.map(Timestamp::from),
        invited_by: invited_by.map(Id::from),
    };
    create(clock::now(), new, &Context { ip, user_agent }).or_raise()
}

#[pg_extern(stable, parallel_safe)]
fn invitation_show(token: Option<&str>) -> Invitation {
    show(clock::now(), token).or_raise()
}

#[pg_extern(stable, parallel_safe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn invitation_list(
    after: default!(Option<pgrx::Uuid>, "NULL"),
    max_rows: default!(Option<i32>, "100"),
    tenant_id: default!(Option<&str>, "NULL"),
) -> SetOfIterator<'static, Invitation> {
    SetOfIterator::new(page(clock::now(), after.map(Id::from), max_rows, tenant_id).or_raise())
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn invitation_revoke(
    invitation_id: Option<pgrx::Uuid>,
    reason: default!(Option<&str>, "NULL"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> bool {
    let context = Context { ip, user_agent };
    revoke(clock::now(), invitation_id.map(Id::from), reason, &context).or_raise()
}

/// The arguments of invitation_create().
struct NewInvitation<'a> {
    email: Option<&'a str>,
    role: Option<&'a str>,
    tenant_id: Option<&'a str>,
    expires_at: Option<Timestamp>,
    invited_by: Option<Id>,
}

/// What an invitation keeps beside its address.
pub struct Terms {
    /// The role that it gives.
    pub role: String,
    /// The user who invites; None: the application itself.
    pub invited_by: Option<Id>,
}

impl Terms {
    fn stored(role: &str, invited_by: Option<Id>) -> Option<Jsonb> {
        Jsonb::of(&json!({ "role": role, "invited_by": invited_by.map(|id| id.to_string()) }))
    }

    /// None where somebody has changed them.
    pub fn read(details: &Jsonb) -> Option<Self> {
        let details = details.parse()?;
        let invited_by = details.get("invited_by").and_then(|id| Id::parse(id.as_str()?));
        Some(Self { role: details.get("role")?.as_str()?.to_owned(), invited_by })
    }
}

const UNKNOWN_ROLE: Mistake = Mistake::Unknown { what: "role", argument: "role" };

fn create(now: Timestamp, new: NewInvitation<'_>, context: &Context<'_>) -> Result<OneTimeStart, Mistake> {
    let (email, role) = (given(new.email, "email")?, given(new.role, "role")?);
    let snapshot = Snapshot::writing()?;
    let (tenant_id, active) = tenant::resolve_with_status(&snapshot, new.tenant_id)?;
    let policy = policy::of(&snapshot, &tenant_id)?;
    let expires_at = new.expires_at.unwrap_or(now.plus_seconds(i64::from(policy.invitation_ttl)));
    if expires_at <= now || !expires_at.is_finite() {
        return Err(Mistake::invalid("expires_at", "a time to come, or NULL"));
    }
    if !role::exists(&snapshot, &tenant_id, role)? {
        return Err(UNKNOWN_ROLE);
    }
    if let Some(inviter) = new.invited_by
        && user::find(&snapshot, inviter)?.is_none()
    {
        return Err(Mistake::Unknown { what: "user", argument: "invited_by" });
    }
    drop(snapshot);
    let event = Event {
        event: "invitation.created",
        tenant_id: &tenant_id,
        resource_type: Some("invitation"),
        context: Some(context),
        details: Some(json!({ "role": role, "invited_by": new.invited_by.map(|id| id.to_string()) })),
        ..Event::default()
    };
    let refuse = |refused: &Refused, is_told: bool, event: Event<'_>| {
        if is_told {
            let error = Some(refused.refusal.code);
            trail::record(now, &Event { error, flags: refused.flags, ..event })?;
        }
        Ok(OneTimeStart::refused(&refused.refusal))
    };
    let Some(name) = Name::read(Kind::Email, email) else {
        return refuse(&invalid_request(Kind::Email.accepted()), true, event);
    };
    if !active {
        let refusal = Refusal::new(ErrorCode::AccessDenied, "the tenant is not active");
        return refuse(&Refused { refusal, flags: &[] }, true, event);
    }
    let purpose = Purpose::Invitation;
    let over = recipient::count(now, &policy, &tenant_id, purpose.as_str(), &name.key)?;
    if let Some(OverLimit { refused, is_told }) = over {
        return refuse(&refused, is_told, event);
    }
    if !tenant::lock_key_share(&tenant_id)? {
        return Err(tenant::UNKNOWN_ID);
    }
    // Where a user has the address, mail goes to it as it is stored.
    let mailbox = verified::mailbox(&Snapshot::writing()?, &tenant_id, &name)?;
    let mail_to = mailbox.map_or_else(|| name.text.to_owned(), |mailbox| mailbox.name);
    let minted = one_time::issue(
        now,
        NewToken {
            purpose,
            tenant_id: &tenant_id,
            user_id: None,
            subject: &name.key,
            email: Some(&mail_to),
            details: Terms::stored(role, new.invited_by).ok_or(UNKNOWN_ROLE)?,
            expires_at,
        },
    )?;
    let id = minted.id.to_string();
    trail::record(now, &Event { resource_id: Some(&id), ..event })?;
    Ok(OneTimeStart {
        token: Some(minted.text.to_string()),
        mail_to: Some(mail_to),
        expires_at: Some(expires_at),
        ..OneTimeStart::default()
    })
}

fn show(now: Timestamp, text: Option<&str>) -> Result<Invitation, Mistake> {
    let snapshot = Snapshot::reading();
    let token = match one_time::find(now, &snapshot, &[Purpose::Invitation], text)? {
        Ok(token) => token,
        Err(unusable) => return Ok(Invitation::refused(&unusable.refused.refusal)),
    };
    let terms = Terms::read(&token.details);
    let OneTimeToken { id, tenant_id, email, expires_at, .. } = token;
    Ok(Invitation {
        invitation_id: Some(id),
        tenant_name: tenant::display_name(&snapshot, &tenant_id)?,
        tenant_id: Some(tenant_id),
        email,
        invited_by: terms.as_ref().and_then(|terms| terms.invited_by),
        role: terms.map(|terms| terms.role),
        created_at: Some(id.time()),
        expires_at: Some(expires_at),
        ..Invitation::default()
    })
}

fn page(
    now: Timestamp,
    after: Option<Id>,
    max_rows: Option<i32>,
    tenant_id: Option<&str>,
) -> Result<Vec<Invitation>, Mistake> {
    let max_rows = argument::max_rows(max_rows, 100)?;
    let snapshot = Snapshot::reading();
    let tenant_id = tenant::resolve(&snapshot, tenant_id)?;
    let tenant_name = tenant::display_name(&snapshot, &tenant_id)?;
    let shown = |invited: Invited| {
        let terms = Terms::read(&invited.details);
        Invitation {
            invitation_id: Some(invited.id),
            tenant_id: Some(tenant_id.clone()),
            tenant_name: tenant_name.clone(),
            email: invited.email,
            invited_by: terms.as_ref().and_then(|terms| terms.invited_by),
            role: terms.map(|terms| terms.role),
            created_at: Some(invited.created_at),
            expires_at: Some(invited.expires_at),
            ..Invitation::default()
        }
    };
    Ok(invited::waiting(now, &tenant_id, after, max_rows)?.into_iter().map(shown).collect())
}

/// Takes an invitation back; false where none of this id waits.
fn revoke(
    now: Timestamp,
    id: Option<Id>,
    reason: Option<&str>,
    context: &Context<'_>,
) -> Result<bool, Mistake> {
    let reason = argument::optional_reason(reason)?;
    let id = given(id, "invitation_id")?;
    let Some(tenant_id) = invited::end(id)? else { return Ok(false) };
    trail::record(
        now,
        &Event {
            event: "invitation.revoked",
            tenant_id: &tenant_id,
            resource_type: Some("invitation"),
            resource_id: Some(&id.to_string()),
            context: Some(context),
            details: Some(json!({ "reason": reason })),
            ..Event::default()
        },
    )?;
    Ok(true)
}
