//! Accepting an invitation: a user becomes a member of the tenant, with the role that it names.
//!
//! Lock order: the user, the role, the token.

use pgrx::prelude::*;
use serde_json::json;

use crate::identity::invitation::Terms;
use crate::identity::one_time::{self, OneTimeToken, Purpose};
use crate::identity::role::assign::{self, Assignment};
use crate::identity::tenant;
use crate::identity::user::name::{Kind, Name};
use crate::identity::user::{self, verified};
use crate::kernel::outcome::{ErrorCode, Mistake, OrRaise, Refusal, given};
use crate::kernel::server::composite::composite;
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::kernel::value::inet::Inet;
use crate::trail::refused::{Refused, invalid_grant};
use crate::trail::{self, Context, Event};

composite! {
    /// What the use of an invitation comes to.
    pub struct Membership = "auth_store.membership" {
        pub user_id: Option<Id>,
        pub tenant_id: Option<String>,
        pub role: Option<String>,
        pub error: Option<&'static str>,
        pub error_description: Option<String>,
    }
    refused { error, error_description }
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn invitation_accept(
    token: Option<&str>,
    user_id: Option<pgrx::Uuid>,
    any_address: default!(Option<bool>, "false"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> Membership {
    let context = Context { ip, user_agent };
    accept(clock::now(), token, user_id.map(Id::from), any_address, &context).or_raise()
}

fn accept(
    now: Timestamp,
    text: Option<&str>,
    user_id: Option<Id>,
    any_address: Option<bool>,
    context: &Context<'_>,
) -> Result<Membership, Mistake> {
    let user_id = given(user_id, "user_id")?;
    let home = user::tenant_of(user_id)?;
    let (token, refused) = match one_time::find(now, &Snapshot::writing()?, &[Purpose::Invitation], text)? {
        Ok(token) => {
            let refused = admit(now, &token, (user_id, &home), any_address.unwrap_or(false), context)?;
            (Some(token), refused)
        }
        Err(unusable) => (unusable.token.map(|token| *token), Some(unusable.refused)),
    };
    let terms = token.as_ref().and_then(|token| Terms::read(&token.details));
    let id = token.as_ref().map(|token| token.id.to_string());
    trail::record(
        now,
        &Event {
            event: "invitation.accepted",
            tenant_id: token.as_ref().map_or_else(tenant::own, |token| &token.tenant_id),
            user_id: Some(user_id),
            resource_type: id.as_ref().map(|_| "invitation"),
            resource_id: id.as_deref(),
            error: refused.as_ref().map(|refused| refused.refusal.code),
            flags: refused.as_ref().map_or(&[], |refused| refused.flags),
            context: Some(context),
            details: terms.as_ref().map(|terms| json!({ "role": terms.role })),
            ..Event::default()
        },
    )?;
    Ok(match refused {
        Some(refused) => Membership::refused(&refused.refusal),
        None => Membership {
            user_id: Some(user_id),
            tenant_id: token.map(|token| token.tenant_id),
            role: terms.map(|terms| terms.role),
            ..Membership::default()
        },
    })
}

/// Uses the token, once, and makes the user a member, or says why the user may not be.
fn admit(
    now: Timestamp,
    token: &OneTimeToken,
    (user_id, home): (Id, &str),
    any_address: bool,
    context: &Context<'_>,
) -> Result<Option<Refused>, Mistake> {
    let denied = |description| {
        Ok(Some(Refused { refusal: Refusal::new(ErrorCode::AccessDenied, description), flags: &[] }))
    };
    if user::lock_no_key_update(user_id, home)? != Some(true) {
        return denied("the user is not active");
    }
    let snapshot = Snapshot::latest();
    if !tenant::is_active(&snapshot, &token.tenant_id)? {
        return denied("the tenant is not active");
    }
    if !any_address && !has_proved(&snapshot, user_id, home, token.email.as_deref())? {
        return denied("the invitation is for an address that the user has not proved");
    }
    let Some(terms) = Terms::read(&token.details) else {
        return Ok(Some(one_time::not_valid()));
    };
    if !assign::hold_role(now, &snapshot, &token.tenant_id, &terms.role)? {
        return Ok(Some(invalid_grant("the tenant has the role no longer", &[])));
    }
    if let Err(refused) = token.consume(now)? {
        return Ok(Some(refused));
    }
    join(now, token, &terms, user_id, context)?;
    Ok(None)
}

/// Whether the user has the address and has proved it. The token alone proves nothing: the one who invites may have
/// seen it too.
fn has_proved(snapshot: &Snapshot, user_id: Id, home: &str, email: Option<&str>) -> Result<bool, Mistake> {
    let Some(name) = email.and_then(|email| Name::read(Kind::Email, email)) else { return Ok(false) };
    let mailbox = verified::mailbox(snapshot, home, &name)?;
    Ok(mailbox.is_some_and(|mailbox| mailbox.user_id == user_id && mailbox.verified_at.is_some()))
}

fn join(
    now: Timestamp,
    token: &OneTimeToken,
    terms: &Terms,
    user_id: Id,
    context: &Context<'_>,
) -> Result<(), Mistake> {
    // Whoever has invited may be gone by now.
    let assigned_by = match terms.invited_by {
        Some(inviter) => user::find(&Snapshot::writing()?, inviter)?.map(|_| inviter),
        None => None,
    };
    let assignment = Assignment { expires_at: None, assigned_by };
    assign::assign(now, Some(user_id), Some(&terms.role), Some(&token.tenant_id), &assignment, context)?;
    Ok(())
}
