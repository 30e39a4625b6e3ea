//! The device authorization endpoint (RFC 8628 sections 3.1 and 3.2). What the user does with the user code is in
//! `device_decision.rs`, what the device gets for its device code in `device_redemption.rs`.

use pgrx::prelude::*;

use crate::audit::{self, Context, Event, Flag};
use crate::composite;
<<<<<<< ours
use crate::identity::{session, tenant, user};
=======
>>>>>>> theirs
use crate::kernel::clock::{self, Timestamp};
use crate::kernel::id::Bucket;
use crate::kernel::inet::Inet;
use crate::kernel::lookup::View;
use crate::kernel::outcome::{Code, Mistake, OrRaise, Refusal};
use crate::kernel::secret::{self, Kind};
use crate::kernel::{argument, settings};
use crate::oauth::client::Client;
use crate::oauth::client_secret::{self, Credentials};
use crate::oauth::code::Refused;
use crate::oauth::device_code::{self, GRANT_TYPE, New};
use crate::oauth::user_code::UserCode;
use crate::oauth::{resource, scope};

composite! {
    /// What the device authorization endpoint answers (RFC 8628 section 3.2), but for the verification URI,
    /// which is the application's.
    pub struct DeviceAuthorization = "auth_store.device_authorization" {
        pub device_code: Option<String>,
        pub user_code: Option<String>,
        pub expires_in: Option<i32>,
        pub interval: Option<i32>,
        pub scope: Option<String>,
        pub error: Option<&'static str>,
        pub error_description: Option<String>,
        pub retry_after: Option<i32>,
    }
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn device_authorize(
    client_id: Option<&str>,
    client_secret: default!(Option<&str>, "NULL"),
    client_authenticated: default!(Option<bool>, "false"),
    scope: default!(Option<&str>, "NULL"),
    resource: default!(Option<Vec<Option<String>>>, "NULL"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> DeviceAuthorization {
    let now = clock::now();
    let context = Context { ip, user_agent };
    let credentials =
        Credentials { client_id, secret: client_secret, authenticated: client_authenticated == Some(true) };
    authorize(now, &credentials, scope, resource, &context).or_raise()
}

/// How often a user code is drawn anew where another request has it: even among a million live ones a
/// second draw is rare.
const MAX_DRAWS: usize = 20;

fn authorize(
    now: Timestamp,
    credentials: &Credentials<'_>,
    requested_scope: Option<&str>,
    requested_resources: Option<Vec<Option<String>>>,
    context: &Context<'_>,
) -> Result<DeviceAuthorization, Mistake> {
    let view = View::writing()?;
    let client = match client_secret::admit(&view, now, "device.requested", credentials, context)? {
        Ok(client) => client,
        Err(refusal) => return Ok(DeviceAuthorization::refused(&refusal)),
    };
    drop(view);
    let mut event = Event {
        event: "device.requested",
        tenant_id: &client.tenant_id,
        client_id: Some(&client.id),
        context: Some(context),
        ..Event::default()
    };
    let answer = match decide_authorize(&client, requested_scope, requested_resources) {
        Ok((scope, resources)) => store(now, &client, scope, resources)?,
        Err(refused) => {
            event.error = Some(refused.refusal.code);
            event.flags = refused.flags;
            DeviceAuthorization::refused(&refused.refusal)
        }
    };
    audit::record(now, &event)?;
    Ok(answer)
}

fn decide_authorize(
    client: &Client,
    requested_scope: Option<&str>,
    requested_resources: Option<Vec<Option<String>>>,
) -> Result<(String, Option<Vec<String>>), Refused> {
    if !client.allows_grant_type(GRANT_TYPE) {
        return Err(Refused {
            refusal: Refusal::new(
                Code::UnauthorizedClient,
                "the client may not use the grant type device_code",
            ),
            flags: &[],
        });
    }
    let scope = scope::granted(requested_scope, &client.scope)
        .map_err(|refusal| Refused { refusal, flags: &[Flag::ScopeWidening] })?;
    let resources = resource::of_grant(requested_resources, &client.resources)
        .map_err(|refusal| Refused { refusal, flags: &[Flag::TargetWidening] })?;
    Ok((scope, resources))
}

fn store(
    now: Timestamp,
    client: &Client,
    scope: String,
    resources: Option<Vec<String>>,
) -> Result<DeviceAuthorization, Mistake> {
    let code = secret::mint(Kind::DeviceCode, now, Bucket::of(&[&client.id]))?;
    let (ttl, interval) = (settings::device_code_ttl(), settings::device_poll_interval());
    for _ in 0..MAX_DRAWS {
        let user_code = UserCode::draw()?;
        let new = New {
            tenant_id: &client.tenant_id,
            client_id: &client.id,
            user_code: user_code.digest(&client.tenant_id),
            expires_at: now.plus_seconds(ttl),
            interval,
            scope: &scope,
            resources: resources.clone(),
        };
        if device_code::insert(&code, new)? {
            return Ok(DeviceAuthorization {
                device_code: Some(code.text.to_string()),
                user_code: Some(user_code.text()),
                expires_in: i32::try_from(ttl).ok(),
                interval: Some(interval),
                scope: Some(scope),
                ..DeviceAuthorization::default()
            });
        }
    }
    Err(Mistake::WrongState {
        message: "no user code is free".into(),
        hint: "CALL auth_store.cleanup()".into(),
    })
}

<<<<<<< ours
fn look_up(
    now: Timestamp,
    text: Option<&str>,
    tenant_id: Option<&str>,
    context: &Context<'_>,
) -> Result<DeviceRequest, Mistake> {
    let view = View::writing()?;
    let tenant_id = tenant::resolve(&view, tenant_id)?;
    let entered = enter(now, &view, text, &tenant_id, context)?;
    let step = Step { event: "device.looked_up", tenant_id: &tenant_id, user_id: None, session_id: None };
    let answer = match &entered {
        Ok(code) => DeviceRequest {
            client_name: client::name(&view, &code.client_id)?,
            client_id: Some(code.client_id.clone()),
            scope: Some(code.scope.clone()),
            resource: code.resources.clone(),
            status: Some("pending"),
            expires_at: Some(code.expires_at),
            ..DeviceRequest::default()
        },
        Err(refused) => DeviceRequest {
            status: refused.status,
            error: Some(refused.refused.refusal.code.as_str()),
            error_description: Some(refused.refused.refusal.description.to_string()),
            retry_after: refused.refused.refusal.retry_after,
            ..DeviceRequest::default()
        },
    };
    drop(view);
    step.record(now, entered.as_ref(), context)?;
    Ok(answer)
}

fn approve(
    now: Timestamp,
    text: Option<&str>,
    user_id: Option<Id>,
    consent: Consent<'_>,
    context: &Context<'_>,
) -> Result<Outcome, Mistake> {
    let user_id = given(user_id, "user_id")?;
    token::check_object(consent.claims.as_ref(), "claims")?;
    let amr = argument::texts(consent.amr, "amr")?;
    let view = View::writing()?;
    let user = user::find(&view, user_id)?.ok_or(Mistake::Unknown { what: "user", argument: "user_id" })?;
    let entered = enter(now, &view, text, &user.tenant_id, context)?;
    let usable = match &entered {
        Ok(code) => client::is_usable(&view, &code.client_id)?,
        Err(_) => false,
    };
    let in_session = session::admits(now, &view, consent.session_id, user_id)?;
    drop(view);
    let step = Step {
        event: "device.approved",
        tenant_id: &user.tenant_id,
        user_id: Some(user_id),
        session_id: consent.session_id,
    };
    let code = match entered {
        Ok(code) => code,
        Err(unusable) => return step.refuse(now, None, unusable, context),
    };
    let user = Approver { active: user.active, in_session };
    let scope = match decide_approve(&code, usable, &user, consent.scope, consent.acr) {
        Ok(scope) => scope,
        Err(refused) => return step.refuse(now, Some(&code), refused.into(), context),
    };
    let approval = Approval {
        user_id,
        session_id: consent.session_id,
        scope: &scope,
        auth_time: consent.auth_time,
        acr: consent.acr,
        amr,
        claims: consent.claims,
    };
    if !device_code::approve(now, &code, approval)? {
        return step.refuse(now, Some(&code), DECIDED.refused(), context);
    }
    step.record(now, Ok(&code), context)?;
    Ok(Outcome::default())
}

/// Who approves: whether the account is active, and the session that is named has not ended.
struct Approver {
    active: bool,
    in_session: bool,
}

fn decide_approve(
    code: &DeviceCode,
    usable: bool,
    user: &Approver,
    requested_scope: Option<&str>,
    acr: Option<&str>,
) -> Result<String, Refused> {
    let refuse = |code, description, flags| Err(Refused { refusal: Refusal::new(code, description), flags });
    if !usable {
        return refuse(Code::UnauthorizedClient, "the client is not active", &[Flag::InactiveClient]);
    }
    if !user.active {
        return refuse(Code::AccessDenied, "the user is not active", &[Flag::InactiveUser]);
    }
    if !user.in_session {
        return refuse(Code::AccessDenied, "the session has ended", &[Flag::EndedSession]);
    }
    if acr.is_some_and(|acr| acr.len() > MAX_PARAMETER) {
        return refuse(Code::InvalidRequest, "acr has at most 2048 bytes", &[]);
    }
    scope::granted(requested_scope, &code.scope)
        .map_err(|refusal| Refused { refusal, flags: &[Flag::ScopeWidening] })
}

fn deny(
    now: Timestamp,
    text: Option<&str>,
    tenant_id: Option<&str>,
    context: &Context<'_>,
) -> Result<Outcome, Mistake> {
    let view = View::writing()?;
    let tenant_id = tenant::resolve(&view, tenant_id)?;
    let entered = enter(now, &view, text, &tenant_id, context)?;
    drop(view);
    let step = Step { event: "device.denied", tenant_id: &tenant_id, user_id: None, session_id: None };
    let code = match entered {
        Ok(code) => code,
        Err(unusable) => return step.refuse(now, None, unusable, context),
    };
    if !device_code::deny(now, &code)? {
        return step.refuse(now, Some(&code), DECIDED.refused(), context);
    }
    step.record(now, Ok(&code), context)?;
    Ok(Outcome::default())
}

/// A user code that leads to no pending request.
struct Unusable {
    refused: Refused,
    status: Option<&'static str>,
    /// Whether the audit trail is to have a row of it.
    is_told: bool,
}

impl From<Refused> for Unusable {
    fn from(refused: Refused) -> Self {
        Self { refused, status: None, is_told: true }
    }
}

/// A state that a request does not leave.
struct Final {
    code: Code,
    description: &'static str,
    status: Option<&'static str>,
    flags: &'static [Flag],
}

const DECIDED: Final = Final {
    code: Code::InvalidGrant,
    description: "the request was decided a moment ago",
    status: None,
    flags: &[Flag::CodeRetry],
};
const APPROVED: Final = Final {
    code: Code::InvalidGrant,
    description: "the request was approved before",
    status: Some("approved"),
    flags: &[Flag::CodeRetry],
};
const DENIED: Final = Final {
    code: Code::InvalidGrant,
    description: "the request was denied before",
    status: Some("denied"),
    flags: &[Flag::CodeRetry],
};
const EXPIRED: Final = Final {
    code: Code::ExpiredToken,
    description: "the user code has expired",
    status: Some("expired"),
    flags: &[Flag::ExpiredToken],
};

impl Final {
    fn refused(&self) -> Unusable {
        let refused = Refused { refusal: Refusal::new(self.code, self.description), flags: self.flags };
        Unusable { status: self.status, ..refused.into() }
    }
}

/// The pending request that a user code leads to. A wrong code is counted, and who is over the cap is
/// refused before it is looked for.
fn enter(
    now: Timestamp,
    view: &View,
    text: Option<&str>,
    tenant_id: &str,
    context: &Context<'_>,
) -> Result<Result<DeviceCode, Unusable>, Mistake> {
    const WRONG: Refusal = Refusal::new(Code::InvalidGrant, "the user code is not valid");
    // What can be no code is a typing error, and no guess.
    let Some(user_code) = UserCode::parse(text) else {
        return Ok(Err(Refused { refusal: WRONG, flags: &[] }.into()));
    };
    if let Some(wait) = user_code_limit::wait(now, tenant_id, context)? {
        let refusal = Refusal::over_limit("too many wrong user codes", wait);
        let is_told = user_code_limit::is_to_be_told(now, tenant_id, context)?;
        let refused = Refused { refusal, flags: &[Flag::RateLimited] };
        return Ok(Err(Unusable { refused, status: None, is_told }));
    }
    let Some(code) = device_code::find_by_user_code(view, &user_code.digest(tenant_id))? else {
        user_code_limit::count(now, tenant_id, context)?;
        return Ok(Err(Refused { refusal: WRONG, flags: &[Flag::UnknownToken] }.into()));
    };
    Ok(if code.approved_at.is_some() {
        Err(APPROVED.refused())
    } else if code.denied_at.is_some() {
        Err(DENIED.refused())
    } else if now >= code.expires_at {
        Err(EXPIRED.refused())
    } else {
        Ok(code)
    })
}

/// A step of the user's.
struct Step<'a> {
    event: &'a str,
    tenant_id: &'a str,
    user_id: Option<Id>,
    session_id: Option<Id>,
}

impl Step<'_> {
    fn refuse(
        &self,
        now: Timestamp,
        code: Option<&DeviceCode>,
        unusable: Unusable,
        context: &Context<'_>,
    ) -> Result<Outcome, Mistake> {
        if unusable.is_told {
            let event = self.row(code, context);
            let refused = &unusable.refused;
            audit::record(now, &Event { error: Some(refused.refusal.code), flags: refused.flags, ..event })?;
        }
        Ok(Outcome::refused(&unusable.refused.refusal))
    }

    fn record(
        &self,
        now: Timestamp,
        entered: Result<&DeviceCode, &Unusable>,
        context: &Context<'_>,
    ) -> Result<(), Mistake> {
        let event = match entered {
            Ok(code) => self.row(Some(code), context),
            Err(unusable) if unusable.is_told => Event {
                error: Some(unusable.refused.refusal.code),
                flags: unusable.refused.flags,
                ..self.row(None, context)
            },
            Err(_) => return Ok(()),
        };
        audit::record(now, &event)?;
        Ok(())
    }

    fn row<'b>(&'b self, code: Option<&'b DeviceCode>, context: &'b Context<'b>) -> Event<'b> {
        Event {
            event: self.event,
            tenant_id: self.tenant_id,
            client_id: code.map(|code| code.client_id.as_str()),
            user_id: self.user_id,
            session_id: self.session_id,
            context: Some(context),
            ..Event::default()
        }
    }
}

=======
>>>>>>> theirs
impl DeviceAuthorization {
    fn refused(refusal: &Refusal) -> Self {
        Self {
            error: Some(refusal.code.as_str()),
            error_description: Some(refusal.description.to_string()),
            retry_after: refusal.retry_after,
            ..Self::default()
        }
    }
}
