//! Verifying the codes of authenticator apps: none is accepted twice.

use pgrx::prelude::*;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::identity::login::attempt::{Attempt, Kind, Whom};
use crate::identity::login::devices;
use crate::identity::mfa::totp::{Algorithm, Code, Scheme};
use crate::identity::mfa::{self, SECRET};
use crate::identity::policy;
use crate::kernel::outcome::{Answer, ErrorCode, Mistake, OrRaise, Refusal, given};
use crate::kernel::server::composite::composite;
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::server::row::row;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::kernel::value::inet::Inet;
use crate::trail::{self, Context, Event, Flag};
use crate::vault::key::{self, SealPlace, Unreadable};

composite! {
    /// What totp_verify() and totp_confirm() return.
    pub struct TotpVerdict = "auth_store.totp_verdict" {
        pub ok: bool,
        pub factor_id: Option<Id>,
        pub error: Option<&'static str>,
        pub error_description: Option<String>,
        pub retry_after: Option<i32>,
        pub trusted_until: Option<Timestamp>,
    }
    refused { error, error_description, retry_after }
}

impl TotpVerdict {
    /// Of a code that was accepted.
    pub fn accepted(factor: Id, trusted_until: Option<Timestamp>) -> Self {
        Self { ok: true, factor_id: Some(factor), trusted_until, ..Self::default() }
    }
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn totp_verify(
    user_id: Option<pgrx::Uuid>,
    code: Option<&str>,
    device_token: default!(Option<&str>, "NULL"),
    trust_device: default!(Option<bool>, false),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> TotpVerdict {
    let verified = given(user_id, "user_id").and_then(|user_id| {
        let shown = Shown { code, device_token, trust_device: trust_device == Some(true) };
        verify(clock::now(), user_id.into(), &shown, &Context { ip, user_agent })
    });
    verified.or_raise().unwrap_or_else(|refusal| TotpVerdict::refused(&refusal))
}

/// What a user shows at a log-in.
struct Shown<'a> {
    code: Option<&'a str>,
    device_token: Option<&'a str>,
    /// Whether the device shall need no second factor for a while.
    trust_device: bool,
}

row! {
    /// A factor whose codes are tried, locked.
    struct Totp {
        id: Id,
        key_id: Id,
        last_step: i64,
        digits: i32,
        period: i32,
        algorithm: Algorithm,
        secret: Vec<u8>,
    }
}

// Those that are confirmed; or the one that is to be, $3, where it still can be.
static LOCK: Statement<Totp> = Statement::write(
    c"SELECT {columns} FROM auth_store.mfa_factors
       WHERE user_id = $1 AND tenant_id = $2
         AND CASE WHEN $3 IS NULL THEN confirmed_at IS NOT NULL
                  ELSE id = $3 AND confirmed_at IS NULL AND expires_at > $4 END
       ORDER BY id FOR NO KEY UPDATE",
);

/// The one-time step: a step is accepted by the one call whose UPDATE finds only earlier ones used (RFC 6238 section
/// 5.2).
static ACCEPT: Statement = Statement::write(
    c"UPDATE auth_store.mfa_factors SET last_step = $3, used_at = $4
       WHERE id = $1 AND tenant_id = $2 AND last_step < $3",
);

impl Totp {
    fn open(&self, now: Timestamp, tenant_id: &str) -> Answer<Zeroizing<Vec<u8>>, Unreadable> {
        let place = SealPlace { table: "mfa_factors", row: self.id, column: SECRET };
        let key = key::open(now, &Snapshot::latest(), self.key_id, tenant_id)?;
        Ok(key.and_then(|key| key.open(place, &self.secret)))
    }

    fn scheme(&self) -> Scheme {
        Scheme { algorithm: self.algorithm, digits: self.digits, period: self.period }
    }
}

const NO_CODE: Refusal = Refusal::new(ErrorCode::InvalidGrant, "a code is 6 or 8 digits");
const NO_FACTOR: Refusal = Refusal::new(ErrorCode::InvalidGrant, "the user has no such authenticator app");
const WRONG: Refusal = Refusal::new(ErrorCode::InvalidGrant, "the code is not valid");
const USED: Refusal = Refusal::new(ErrorCode::InvalidGrant, "the code was used; the app's next one is good");

/// Why a code is refused.
pub struct Refused {
    pub refusal: Refusal,
    pub flags: Vec<Flag>,
    pub details: Option<Value>,
    /// Whether the trail tells it.
    pub audited: bool,
}

impl Refused {
    /// Of a code that was not looked at.
    pub fn unseen(refusal: Refusal, flags: &[Flag]) -> Self {
        Self { refusal, flags: flags.to_vec(), details: None, audited: true }
    }

    /// The audit row of the step that is refused.
    pub fn record(&self, now: Timestamp, event: Event<'_>) -> Result<(), Mistake> {
        if self.audited {
            let (error, details) = (Some(self.refusal.code), self.details.clone());
            trail::record(now, &Event { error, flags: &self.flags, details, ..event })?;
        }
        Ok(())
    }
}

/// Whose code it is, and where it comes from.
pub struct Presented<'a> {
    pub user_id: Id,
    pub tenant_id: &'a str,
    /// Whether both are active.
    pub active: bool,
    pub code: Option<Code>,
    /// A device of the user, whose token was shown.
    pub device: Option<Id>,
    /// The factor that is to be confirmed; None: any that was.
    pub unconfirmed: Option<Id>,
    pub context: &'a Context<'a>,
}

/// Tries a code on the user's confirmed factors, or on the one that is to be confirmed, and takes the step of the first
/// that it belongs to by `accept`; the factor's id. The rows are locked before the count of wrong codes is looked at:
/// codes that are tried at the same time are counted one after the other.
pub fn try_code(
    now: Timestamp,
    presented: &Presented<'_>,
    accept: impl Fn(Id, i64) -> Result<bool, Mistake>,
) -> Answer<Id, Refused> {
    let Presented { user_id, tenant_id, active, unconfirmed, .. } = *presented;
    if !active {
        return Ok(Err(Refused::unseen(mfa::INACTIVE, &[Flag::InactiveUser])));
    }
    let Some(code) = &presented.code else { return Ok(Err(Refused::unseen(NO_CODE, &[]))) };
    let factors = LOCK.all(&params![user_id, tenant_id, unconfirmed, now])?;
    if factors.is_empty() {
        return Ok(Err(Refused::unseen(NO_FACTOR, &[])));
    }
    let whom = Whom::User(user_id);
    let policy = policy::of(&Snapshot::deciding()?, tenant_id)?;
    let (device, context) = (presented.device, presented.context);
    let attempt = Attempt::new(Kind::SecondFactor, tenant_id, &policy, &whom, device, context);
    if let Err(refusal) = attempt.begin(now)? {
        let flag = if refusal.code == ErrorCode::AccountLocked { Flag::LockedOut } else { Flag::RateLimited };
        return Ok(Err(Refused { audited: attempt.audit_due(now)?, ..Refused::unseen(refusal, &[flag]) }));
    }
    let (mut used, mut unreadable) = (false, None);
    for factor in &factors {
        let secret = match factor.open(now, tenant_id)? {
            Ok(secret) => secret,
            Err(why) => {
                unreadable = Some(why);
                continue;
            }
        };
        let Some(step) = factor.scheme().step_of(&secret, code, now) else { continue };
        if step > factor.last_step {
            if let Err(lock) = attempt.pass(now)? {
                return Ok(Err(Refused::unseen(lock.refusal(now), &[Flag::LockedOut])));
            }
            if accept(factor.id, step)? {
                return Ok(Ok(factor.id));
            }
        }
        // Nor by another of the user's apps that has the same secret.
        used = true;
        break;
    }
    if let Some(unreadable) = unreadable.filter(|_| !used) {
        return Err(unreadable.into());
    }
    let failure = attempt.fail(now)?;
    let (wrong, flag) = if used { (USED, Flag::CodeRetry) } else { (WRONG, Flag::WrongSecret) };
    Ok(Err(Refused {
        refusal: failure.refusal(now, wrong),
        flags: [Some(flag), failure.flag].into_iter().flatten().collect(),
        details: Some(failure.details(now)),
        audited: true,
    }))
}

fn verify(now: Timestamp, user_id: Id, shown: &Shown<'_>, context: &Context<'_>) -> Answer<TotpVerdict> {
    let (tenant_id, active) = mfa::standing(user_id)?;
    let device = devices::known(now, &Snapshot::writing()?, shown.device_token, Some(user_id))?;
    let device = device.map(|device| device.id);
    let code = Code::read(shown.code);
    let presented =
        Presented { user_id, tenant_id: &tenant_id, active, code, device, unconfirmed: None, context };
    let verified = try_code(now, &presented, |factor, step| {
        Ok(ACCEPT.run(&params![factor, tenant_id.as_str(), step, now])? == 1)
    })?;
    let factor = verified.as_ref().ok().map(Id::to_string);
    let event = Event {
        event: "factor.used",
        tenant_id: &tenant_id,
        user_id: Some(user_id),
        resource_type: factor.as_ref().map(|_| "factor"),
        resource_id: factor.as_deref(),
        context: Some(context),
        ..Event::default()
    };
    match verified {
        Ok(id) => {
            let device = device.filter(|_| shown.trust_device);
            let trusted_until = match device {
                Some(device) => mfa::trust(now, device, user_id, &tenant_id)?,
                None => None,
            };
            let details = trusted_until.map(|until| json!({ "trusted_for": until.seconds_after(now) }));
            trail::record(now, &Event { details, ..event })?;
            Ok(Ok(TotpVerdict::accepted(id, trusted_until)))
        }
        Err(refused) => {
            refused.record(now, event)?;
            Ok(Err(refused.refusal))
        }
    }
}
