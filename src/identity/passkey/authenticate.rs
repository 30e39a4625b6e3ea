//! A log-in or step-up with a passkey (Web Authentication level 3 section 7.2).

use base64::Engine;
use pgrx::prelude::*;
use serde_json::json;

use crate::identity::mfa::{self, Demand};
use crate::identity::passkey::challenge::{self, Ceremony};
use crate::identity::passkey::{self, INACTIVE, NO_CHALLENGE, Passkey, RelyingParty, refused};
use crate::identity::{tenant, user};
use crate::kernel::outcome::{Answer, ErrorCode, Mistake, OrRaise, Refusal, given};
use crate::kernel::server::composite::composite;
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::kernel::value::inet::Inet;
use crate::kernel::value::jsonb::Jsonb;
use crate::rfc::webauthn::cose::Key;
use crate::rfc::webauthn::{self, Assertion, BASE64URL};
use crate::trail::refused::Refused;
use crate::trail::{self, Context, Event, Flag};

composite! {
    /// Whom a passkey has let in.
    pub struct PasskeyLogin = "auth_store.passkey_login" {
        pub ok: bool,
        pub user_id: Option<Id>,
        pub tenant_id: Option<String>,
        pub passkey_id: Option<Id>,
        pub credential_id: Option<String>,
        pub user_verified: Option<bool>,
        pub backed_up: Option<bool>,
        pub amr: Option<Vec<String>>,
        pub locked_until: Option<Timestamp>,
        pub error: Option<&'static str>,
        pub error_description: Option<String>,
        pub retry_after: Option<i32>,
        pub mfa_required: Option<bool>,
        pub mfa_enrollment_due_at: Option<Timestamp>,
    }
    refused { error, error_description, retry_after }
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn passkey_authenticate(
    credential: Option<Jsonb>,
    ceremony: default!(Option<&str>, "'login'"),
    user_id: default!(Option<pgrx::Uuid>, "NULL"),
    challenge: default!(Option<&str>, "NULL"),
    tenant_id: default!(Option<&str>, "NULL"),
    device_token: default!(Option<&str>, "NULL"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> PasskeyLogin {
    let presented = Presented { credential, challenge, device_token };
    let whose = Whose { user_id: user_id.map(Id::from), tenant_id };
    let context = Context { ip, user_agent };
    authenticate(clock::now(), ceremony.unwrap_or("login"), whose, presented, &context).or_raise()
}

/// What came from the browser.
struct Presented<'a> {
    credential: Option<Jsonb>,
    challenge: Option<&'a str>,
    device_token: Option<&'a str>,
}

/// Who is to be authenticated.
struct Whose<'a> {
    user_id: Option<Id>,
    tenant_id: Option<&'a str>,
}

/// A credential that is not known, is another user's or has not signed: all the same to who presents it.
const NOT_ACCEPTED: Refusal = Refusal::new(ErrorCode::InvalidCredentials, "the passkey is not accepted");

/// An administrator has locked the user. Failed attempts lock nobody out who has a passkey.
const LOCKED: Refused = Refused {
    refusal: Refusal::new(ErrorCode::AccountLocked, "the user is locked"),
    flags: &[Flag::LockedOut],
};

/// A log-in that has come as far as its passkey.
struct Proved {
    passkey: Passkey,
    assertion: Assertion,
}

fn authenticate(
    now: Timestamp,
    ceremony: &str,
    whose: Whose<'_>,
    presented: Presented<'_>,
    context: &Context<'_>,
) -> Result<PasskeyLogin, Mistake> {
    let ceremony = Ceremony::of(ceremony, &[Ceremony::Login, Ceremony::StepUp])?;
    if ceremony == Ceremony::StepUp {
        given(whose.user_id, "user_id")?;
    }
    let snapshot = Snapshot::writing()?;
    let tenant_id = match whose.user_id {
        Some(user_id) => user::find(&snapshot, user_id)?.ok_or(user::UNKNOWN)?.tenant_id,
        None => tenant::resolve(&snapshot, whose.tenant_id)?,
    };
    let party = RelyingParty::of(&snapshot, &tenant_id)?;
    drop(snapshot);
    let mut step = Step {
        ceremony,
        tenant_id: &tenant_id,
        user_id: whose.user_id,
        passkey_id: None,
        locked_until: None,
        context,
    };
    let Presented { credential, challenge, device_token } = presented;
    let answer = match passkey::read(credential, challenge) {
        Ok(answer) => answer,
        Err(refused) => return step.refuse(now, &refused),
    };
    let credential_id = BASE64URL.encode(&answer.answer.credential_id);
    let Some(due) = challenge::spend(now, &answer.challenge, &tenant_id, ceremony, whose.user_id)? else {
        return step.refuse(now, &NO_CHALLENGE);
    };
    let proved = match prove(now, &mut step, &party, due, answer.answer)? {
        Ok(proved) => proved,
        Err(refused) => return step.refuse(now, &refused),
    };
    if let Err(refused) = use_once(now, &proved)? {
        return step.refuse(now, &refused);
    }
    let Proved { passkey, assertion } = proved;
    let changed = passkey.backed_up != assertion.backed_up;
    step.record(now, None, changed.then_some(assertion.backed_up))?;
    // With a user, the application has asked after another factor.
    let demand = match (ceremony, whose.user_id) {
        (Ceremony::Login, None) if assertion.user_verified => Some(Demand::Nothing),
        (Ceremony::Login, None) => {
            Some(mfa::demand_beside_passkey(now, passkey.user_id, &tenant_id, device_token)?)
        }
        _ => None,
    };
    Ok(PasskeyLogin {
        mfa_required: demand.map(|demand| demand.is_required(now)),
        mfa_enrollment_due_at: demand.and_then(Demand::due_at),
        ok: true,
        user_id: Some(passkey.user_id),
        passkey_id: Some(passkey.id),
        tenant_id: Some(passkey.tenant_id),
        credential_id: Some(credential_id),
        user_verified: Some(assertion.user_verified),
        backed_up: Some(assertion.backed_up),
        amr: Some(methods(&assertion)),
        ..PasskeyLogin::default()
    })
}

/// The authentication methods (RFC 8176 section 2). A key that may leave its authenticator is in software somewhere.
fn methods(assertion: &Assertion) -> Vec<String> {
    let key = if assertion.backup_eligible { "swk" } else { "hwk" };
    let several = assertion.user_verified.then_some("mfa");
    [Some(key), Some("user"), several].into_iter().flatten().map(str::to_owned).collect()
}

/// The passkey that has signed the answer, for the user `due` where the challenge was made for one.
fn prove(
    now: Timestamp,
    step: &mut Step<'_>,
    party: &RelyingParty,
    due: Option<Id>,
    answer: webauthn::Answer,
) -> Answer<Proved, Refused> {
    let not_accepted = |flags| Ok(Err(Refused { refusal: NOT_ACCEPTED, flags }));
    let credential_id = answer.credential_id.clone();
    let assertion = match answer.assertion(&party.expected()) {
        Ok(assertion) => assertion,
        Err(problem) => return Ok(Err(refused(problem))),
    };
    let snapshot = Snapshot::deciding()?;
    let Some(passkey) = passkey::find(&snapshot, step.tenant_id, &party.id, &credential_id)? else {
        return not_accepted(&[Flag::UnknownToken]);
    };
    step.user_id = Some(passkey.user_id);
    step.passkey_id = Some(passkey.id);
    // Without allowCredentials the answer must say whose it is.
    let is_owners = match &assertion.user_handle {
        Some(handle) => handle.as_slice() == passkey.user_id.bytes(),
        None => due.is_some(),
    };
    if !is_owners || due.is_some_and(|due| due != passkey.user_id) {
        return not_accepted(&[Flag::WrongSecret]);
    }
    let key = Key::of(&passkey.public_key);
    if !key.is_ok_and(|key| assertion.is_signed_by(&key)) {
        return not_accepted(&[Flag::WrongSecret]);
    }
    if assertion.backup_eligible != passkey.backup_eligible {
        return not_accepted(&[Flag::WrongBinding]);
    }
    let tenant_active = tenant::is_active(&snapshot, step.tenant_id)?;
    let user = user::admission(&snapshot, passkey.user_id)?.filter(user::Admission::is_active);
    let Some(user) = user.filter(|_| tenant_active) else { return Ok(Err(INACTIVE)) };
    if let Some(until) = user.locked_until(now) {
        step.locked_until = Some(until);
        return Ok(Err(LOCKED));
    }
    Ok(Ok(Proved { passkey, assertion }))
}

/// Of log-ins with one counter one is taken. Two that have none at all are both.
static USE: Statement = Statement::write(
    c"UPDATE auth_store.passkeys SET sign_count = $3, backed_up = $4, last_used_at = $5
       WHERE id = $1 AND tenant_id = $2 AND (sign_count < $3 OR sign_count = 0 AND $3 = 0)",
);

static SUSPECT: Statement = Statement::write(
    c"UPDATE auth_store.passkeys SET clone_suspected_at = $3 WHERE id = $1 AND tenant_id = $2",
);

/// Notes the use. A counter that is not higher than the stored one was seen before: a copy of the authenticator has
/// signed then or now (section 6.1.1). The passkey lives, because nobody can say which of the two is its owner's.
fn use_once(now: Timestamp, proved: &Proved) -> Answer<(), Refused> {
    let Proved { passkey, assertion } = proved;
    let (id, tenant_id) = (passkey.id, passkey.tenant_id.as_str());
    let counter = i64::from(assertion.sign_count);
    if USE.run(&params![id, tenant_id, counter, assertion.backed_up, now])? == 1 {
        return Ok(Ok(()));
    }
    if SUSPECT.run(&params![id, tenant_id, now])? == 0 {
        return Ok(Err(Refused { refusal: NOT_ACCEPTED, flags: &[Flag::UnknownToken] }));
    }
    Ok(Err(Refused { refusal: NOT_ACCEPTED, flags: &[Flag::PasskeyCloneSuspected] }))
}

/// What the trail says.
struct Step<'a> {
    ceremony: Ceremony,
    tenant_id: &'a str,
    user_id: Option<Id>,
    passkey_id: Option<Id>,
    locked_until: Option<Timestamp>,
    context: &'a Context<'a>,
}

impl Step<'_> {
    fn refuse(&self, now: Timestamp, refused: &Refused) -> Result<PasskeyLogin, Mistake> {
        self.record(now, Some(refused), None)?;
        Ok(PasskeyLogin { locked_until: self.locked_until, ..PasskeyLogin::refused(&refused.refusal) })
    }

    fn record(
        &self,
        now: Timestamp,
        refused: Option<&Refused>,
        backed_up: Option<bool>,
    ) -> Result<(), Mistake> {
        let mut details = json!({ "ceremony": self.ceremony.as_str() });
        if let Some(backed_up) = backed_up {
            details["backed_up"] = json!(backed_up);
        }
        let passkey_id = self.passkey_id.map(|id| id.to_string());
        let flags = refused.map_or(&[] as &[_], |refused| refused.flags);
        let is_clone = flags.contains(&Flag::PasskeyCloneSuspected);
        trail::record(
            now,
            &Event {
                event: if is_clone { "passkey_clone_suspected" } else { "passkey.authenticated" },
                tenant_id: self.tenant_id,
                user_id: self.user_id,
                resource_type: passkey_id.as_ref().map(|_| "passkey"),
                resource_id: passkey_id.as_deref(),
                error: refused.map(|refused| refused.refusal.code),
                flags,
                context: Some(self.context),
                details: Some(details),
                ..Event::default()
            },
        )?;
        Ok(())
    }
}
