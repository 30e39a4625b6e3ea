//! Enrolling authenticator apps: a new secret and the first code of it, or a secret that another store had.

use pgrx::prelude::*;
use zeroize::Zeroizing;

use crate::identity::mfa::factor::{self, Step};
use crate::identity::mfa::totp::{Algorithm, Code, Scheme, USUAL};
use crate::identity::mfa::verify::{Presented, TotpVerdict, try_code};
use crate::identity::mfa::{self, SECRET, last, otpauth};
use crate::identity::{tenant, user};
use crate::kernel::outcome::{Answer, ErrorCode, Mistake, OrRaise, Refusal, given};
use crate::kernel::server::composite::{WipedText, composite};
use crate::kernel::server::datum::Word;
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::value::argument;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::{Id, random};
use crate::kernel::value::inet::Inet;
use crate::trail::{self, Context, Event, Flag};
use crate::vault::key::{self, DataKey, SealPlace};

composite! {
    /// What totp_enroll() returns.
    pub struct TotpEnrollment = "auth_store.totp_enrollment" {
        pub factor_id: Option<Id>,
        pub secret: Option<WipedText>,
        pub otpauth_uri: Option<WipedText>,
        pub error: Option<&'static str>,
        pub error_description: Option<String>,
    }
    refused { error, error_description }
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn totp_enroll(
    user_id: Option<pgrx::Uuid>,
    label: default!(Option<&str>, "NULL"),
    issuer: default!(Option<&str>, "NULL"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> TotpEnrollment {
    let enrolled = given(user_id, "user_id")
        .and_then(|user_id| enroll(clock::now(), user_id.into(), label, issuer, &Context { ip, user_agent }));
    enrolled.or_raise().unwrap_or_else(|refusal| TotpEnrollment::refused(&refusal))
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn totp_confirm(
    user_id: Option<pgrx::Uuid>,
    factor_id: Option<pgrx::Uuid>,
    code: Option<&str>,
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> TotpVerdict {
    let run = || {
        let (user_id, factor_id) = (given(user_id, "user_id")?.into(), given(factor_id, "factor_id")?.into());
        confirm(clock::now(), user_id, factor_id, code, &Context { ip, user_agent })
    };
    run().or_raise().unwrap_or_else(|refusal| TotpVerdict::refused(&refusal))
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn totp_import(
    user_id: Option<pgrx::Uuid>,
    secret: Option<&str>,
    label: default!(Option<&str>, "NULL"),
    algorithm: default!(Option<&str>, "'SHA1'"),
    digits: default!(Option<i32>, 6),
    period: default!(Option<i32>, 30),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> pgrx::Uuid {
    let run = || {
        let user_id = given(user_id, "user_id")?.into();
        let given = Given { secret: given(secret, "secret")?, label, algorithm, digits, period };
        let id = import(clock::now(), user_id, &given, MAX_APPS, &Context { ip, user_agent })?;
        id.ok_or_else(|| Mistake::WrongState {
            message: "the user has 10 authenticator apps already".into(),
            hint: "SELECT * FROM auth_store.factor_list(user_id) names them; factor_remove() removes one."
                .into(),
        })
    };
    run().or_raise().into()
}

/// Seconds within which a factor can be confirmed.
const CONFIRM_WITHIN: i64 = 3600;

/// How many apps a user has, at most.
const MAX_APPS: i64 = 10;

/// The bytes of a new secret (RFC 4226 section 4, R6: 160 bits).
const SECRET_LENGTH: usize = 20;

/// The bytes of a secret that another store had: from the 80 bits that some have.
const IMPORTED_LENGTH: std::ops::RangeInclusive<usize> = 10..=128;

static DELETE_UNCONFIRMED: Statement = Statement::latest(
    c"DELETE FROM auth_store.mfa_factors WHERE user_id = $1 AND tenant_id = $2 AND confirmed_at IS NULL",
);

static INSERT: Statement = Statement::write(
    c"INSERT INTO auth_store.mfa_factors (id, user_id, key_id, created_at, expires_at, confirmed_at, last_step, digits,
             period, tenant_id, algorithm, label, secret)
      VALUES ($1, $2, $3, $4, $5, $6, -1, $7, $8, $9, $10, $11, $12)",
);

/// A factor of a new secret, in place of one that was never confirmed.
fn enroll(
    now: Timestamp,
    user_id: Id,
    label: Option<&str>,
    issuer: Option<&str>,
    context: &Context<'_>,
) -> Answer<TotpEnrollment> {
    let label = label.map(otpauth::check_account).transpose()?;
    let issuer = issuer.map(otpauth::check_issuer).transpose()?;
    let (tenant_id, active) = mfa::standing(user_id)?;
    let event = || Event {
        event: "factor.enrolled",
        tenant_id: &tenant_id,
        user_id: Some(user_id),
        context: Some(context),
        ..Event::default()
    };
    let refuse = |refusal: Refusal, flags: &[Flag]| {
        trail::record(now, &Event { error: Some(refusal.code), flags, ..event() })?;
        Ok(Err(refusal))
    };
    if !active {
        return refuse(mfa::INACTIVE, &[Flag::InactiveUser]);
    }
    let (label, issuer) = {
        let snapshot = Snapshot::writing()?;
        (account(&snapshot, user_id, label)?, self::issuer(&snapshot, &tenant_id, issuer)?)
    };
    let mut secret = Zeroizing::new([0; SECRET_LENGTH]);
    random(secret.as_mut())?;
    let new = NewTotp {
        label: &label,
        scheme: USUAL,
        secret: secret.as_ref(),
        confirmed: false,
        max_apps: MAX_APPS,
    };
    let Some(id) = insert(now, user_id, &tenant_id, &new)? else {
        return refuse(
            Refusal::new(ErrorCode::AccessDenied, "the user has 10 authenticator apps already"),
            &[],
        );
    };
    let text = id.to_string();
    trail::record(now, &Event { resource_type: Some("factor"), resource_id: Some(&text), ..event() })?;
    let base32 = otpauth::to_base32(secret.as_ref());
    Ok(Ok(TotpEnrollment {
        factor_id: Some(id),
        otpauth_uri: Some(WipedText(otpauth::uri(&issuer, &label, &base32, USUAL))),
        secret: Some(WipedText(base32)),
        ..TotpEnrollment::default()
    }))
}

/// What the app calls the account: the user's address, or the id where that is none for a URI.
fn account(snapshot: &Snapshot, user_id: Id, label: Option<&str>) -> Result<String, Mistake> {
    if let Some(label) = label {
        return Ok(label.to_owned());
    }
    let email = user::shown_names(snapshot, user_id)?.and_then(|names| names.email);
    let fit = email.filter(|email| otpauth::check_account(email).is_ok());
    Ok(fit.unwrap_or_else(|| user_id.to_string()))
}

/// Who the app shows the account to be with: the tenant's name, or its id where that is none for a URI.
fn issuer(snapshot: &Snapshot, tenant_id: &str, issuer: Option<&str>) -> Result<String, Mistake> {
    if let Some(issuer) = issuer {
        return Ok(issuer.to_owned());
    }
    let name = tenant::display_name(snapshot, tenant_id)?.filter(|name| otpauth::check_issuer(name).is_ok());
    Ok(name.unwrap_or_else(|| tenant_id.to_owned()))
}

struct NewTotp<'a> {
    label: &'a str,
    scheme: Scheme,
    secret: &'a [u8],
    confirmed: bool,
    /// How many apps the user has then, at most.
    max_apps: i64,
}

/// Stores a factor, sealed; None if the user has as many as there may be. The user's row is locked, so that of two
/// enrollments at once the second sees the first.
fn insert(now: Timestamp, user_id: Id, tenant_id: &str, new: &NewTotp<'_>) -> Result<Option<Id>, Mistake> {
    // Before anything is locked: a key may have to be made.
    let mut key = key::current(now, tenant_id)?;
    user::lock_no_key_update(user_id, tenant_id)?.ok_or(user::UNKNOWN)?;
    if !new.confirmed {
        DELETE_UNCONFIRMED.run(&params![user_id, tenant_id])?;
    }
    if last::apps(user_id, tenant_id)? >= new.max_apps {
        return Ok(None);
    }
    while !key::lock_key_share(&key)? {
        // Rekeying has just deleted it.
        key = key::current(now, tenant_id)?;
        pgrx::check_for_interrupts!();
    }
    let id = Id::mint(now, user_id.bucket())?;
    INSERT.exactly_one(&params![
        id,
        user_id,
        key.id,
        now,
        (!new.confirmed).then(|| now.plus_seconds(CONFIRM_WITHIN)),
        new.confirmed.then_some(now),
        new.scheme.digits,
        new.scheme.period,
        tenant_id,
        new.scheme.algorithm.as_str(),
        new.label,
        seal(&key, id, new.secret)?,
    ])?;
    Ok(Some(id))
}

fn seal(key: &DataKey, id: Id, secret: &[u8]) -> Result<Vec<u8>, Mistake> {
    key.seal(SealPlace { table: "mfa_factors", row: id, column: SECRET }, secret)
}

/// The one-time step: the call whose UPDATE finds the factor unconfirmed has confirmed it. The step of the code is
/// used with it.
static CONFIRM: Statement = Statement::write(
    c"UPDATE auth_store.mfa_factors SET confirmed_at = $3, expires_at = NULL, used_at = $3, last_step = $4
       WHERE id = $1 AND tenant_id = $2 AND confirmed_at IS NULL AND expires_at > $3",
);

fn confirm(
    now: Timestamp,
    user_id: Id,
    id: Id,
    code: Option<&str>,
    context: &Context<'_>,
) -> Answer<TotpVerdict> {
    let (tenant_id, active) = mfa::standing(user_id)?;
    let (code, unconfirmed) = (Code::read(code), Some(id));
    let presented =
        Presented { user_id, tenant_id: &tenant_id, active, code, device: None, unconfirmed, context };
    let confirmed = try_code(now, &presented, |factor, step| {
        Ok(CONFIRM.run(&params![factor, tenant_id.as_str(), now, step])? == 1)
    })?;
    match confirmed {
        Ok(id) => {
            factor::record(now, user_id, &tenant_id, id, Step::Added, context)?;
            Ok(Ok(TotpVerdict::accepted(id, None)))
        }
        Err(refused) => {
            let text = id.to_string();
            let event = Event {
                event: "factor.added",
                tenant_id: &tenant_id,
                user_id: Some(user_id),
                resource_type: Some("factor"),
                resource_id: Some(&text),
                context: Some(context),
                ..Event::default()
            };
            refused.record(now, event)?;
            Ok(Err(refused.refusal))
        }
    }
}

/// A secret of another store, as its arguments say it.
pub struct Given<'a> {
    pub secret: &'a str,
    pub label: Option<&'a str>,
    pub algorithm: Option<&'a str>,
    pub digits: Option<i32>,
    pub period: Option<i32>,
}

impl Given<'_> {
    fn scheme(&self) -> Result<Scheme, Mistake> {
        let algorithm = Algorithm::of(self.algorithm.unwrap_or(USUAL.algorithm.as_str()))
            .ok_or(Mistake::one_of("algorithm", &["SHA1", "SHA256", "SHA512"]))?;
        let digits = self.digits.unwrap_or(USUAL.digits);
        if !matches!(digits, 6 | 8) {
            return Err(Mistake::one_of("digits", &["6", "8"]));
        }
        let period = self.period.unwrap_or(USUAL.period);
        if !(15..=300).contains(&period) {
            return Err(Mistake::invalid("period", "15 to 300 seconds"));
        }
        Ok(Scheme { algorithm, digits, period })
    }

    fn secret(&self) -> Result<Zeroizing<Vec<u8>>, Mistake> {
        otpauth::from_base32(self.secret)
            .filter(|secret| IMPORTED_LENGTH.contains(&secret.len()))
            .ok_or(Mistake::invalid("secret", "base32 of 10 to 128 bytes (RFC 4648 section 6)"))
    }
}

/// Stores a factor that the user has confirmed elsewhere; None if the user has as many apps already.
pub fn import(
    now: Timestamp,
    user_id: Id,
    given: &Given<'_>,
    max_apps: i64,
    context: &Context<'_>,
) -> Result<Option<Id>, Mistake> {
    let (scheme, secret) = (given.scheme()?, given.secret()?);
    let label = given.label.map(|label| argument::line(label, "label")).transpose()?;
    let tenant_id = user::tenant_of(user_id)?;
    let label = account(&Snapshot::writing()?, user_id, label)?;
    let new = NewTotp { label: &label, scheme, secret: secret.as_ref(), confirmed: true, max_apps };
    let id = insert(now, user_id, &tenant_id, &new)?;
    if let Some(id) = id {
        factor::record(now, user_id, &tenant_id, id, Step::Added, context)?;
    }
    Ok(id)
}
