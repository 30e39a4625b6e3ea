//! Second factors: authenticator apps (TOTP), recovery codes, and what is common to every kind of factor.
//!
//! Locks: the user before the user's factors and codes, and those before the vault's data key. A verification locks
//! nothing but the factors or codes that it looks at, so that of several at once each knows what the one before it
//! found.

pub mod enroll;
pub mod factor;
pub mod last;
pub mod otpauth;
pub mod recovery;
pub mod totp;
pub mod verify;

use pgrx::prelude::*;

use crate::identity::login::devices;
use crate::identity::policy::{self, Mfa, Policy};
use crate::identity::{passkey, password, tenant, user};
use crate::kernel::outcome::{ErrorCode, Mistake, OrRaise, Refusal, given};
use crate::kernel::server::batch::delete_ended;
use crate::kernel::server::composite::composite;
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::server::table::{By, Ended, Moves, OfUser, Published, Rows, Table, delete_by, exported};
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::vault::holder::{Holder, holder};

/// The facts of the table `mfa_factors`. A factor that was never confirmed ends.
pub static TABLE: Table = Table {
    name: "mfa_factors",
    key: &["id", "tenant_id"],
    ended: Some(Ended {
        statement: delete_ended!("auth_store.mfa_factors", "expires_at <= $3"),
        times: |now| Vec::from(params![now]),
    }),
    of_tenant: Rows::Deleted(delete_by!(latest "mfa_factors", "tenant_id")),
    of_client: Rows::None,
    of_user: Some(OfUser {
        by: By::User,
        erased: Some(delete_by!(latest "mfa_factors", "user_id")),
        exported: exported!(
            "mfa_factors",
            "user_id = $1",
            "id, user_id, created_at, expires_at, confirmed_at, used_at, last_step, digits, period, tenant_id, \
             algorithm, label",
            withheld "key_id, secret"
        ),
    }),
    published: Published::TakeOver,
    moves: Moves::ById,
    restored: true,
};

/// The facts of the table `recovery_codes`.
pub static RECOVERY_TABLE: Table = Table {
    name: "recovery_codes",
    key: &["id", "tenant_id"],
    ended: None,
    of_tenant: Rows::Deleted(delete_by!(latest "recovery_codes", "tenant_id")),
    of_client: Rows::None,
    of_user: Some(OfUser {
        by: By::User,
        erased: Some(delete_by!(latest "recovery_codes", "user_id")),
        exported: exported!(
            "recovery_codes",
            "user_id = $1",
            "id, user_id, created_at, used_at, tenant_id",
            withheld "digest"
        ),
    }),
    published: Published::TakeOver,
    moves: Moves::ById,
    restored: true,
};

/// The sealed column, as its values are bound to it.
const SECRET: &str = "secret";

/// The sealed values of the table `mfa_factors`.
pub static HOLDER: Holder = holder!("mfa_factors", "factor", "secret");

const INACTIVE: Refusal = Refusal::new(ErrorCode::AccessDenied, "the user is not active");

/// The tenant of a user, and whether both are active.
fn standing(user_id: Id) -> Result<(String, bool), Mistake> {
    let snapshot = Snapshot::writing()?;
    let user = user::find(&snapshot, user_id)?.ok_or(user::UNKNOWN)?;
    let active = user.is_active() && tenant::is_active(&snapshot, &user.tenant_id)?;
    Ok((user.tenant_id, active))
}

static APPS: Statement<i64> = Statement::read(
    c"SELECT count(*) FROM auth_store.mfa_factors
       WHERE user_id = $1 AND tenant_id = $2 AND confirmed_at IS NOT NULL",
);

static CODES_LEFT: Statement<i64> = Statement::read(
    c"SELECT count(*) FROM auth_store.recovery_codes
       WHERE user_id = $1 AND tenant_id = $2 AND used_at IS NULL",
);

/// The kinds of factors that a user has.
fn kinds(user_id: Id, tenant_id: &str) -> Result<Vec<String>, Mistake> {
    let apps = APPS.one(&params![user_id, tenant_id])?.unwrap_or(0);
    let passkeys = passkey::manage::count_read(user_id, tenant_id)?;
    let kinds = [("passkey", passkeys), ("totp", apps)];
    Ok(kinds.into_iter().filter(|(_, count)| *count > 0).map(|(kind, _)| kind.to_owned()).collect())
}

/// What a log-in needs beside the one factor that was shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Demand {
    Nothing,
    /// One of the user's factors.
    Factor,
    /// The user has none and needs one: until this time the log-in is good without.
    Enrollment(Timestamp),
}

/// What a user needs who logs in with a device that is trusted until then.
pub fn demand(
    now: Timestamp,
    user_id: Id,
    tenant_id: &str,
    policy: &Policy,
    trusted_until: Option<Timestamp>,
) -> Result<Demand, Mistake> {
    let has_factor = last::apps(user_id, tenant_id)? > 0 || passkey::manage::has_any(user_id, tenant_id)?;
    demand_of(now, &Snapshot::latest(), user_id, policy, has_factor, trusted_until)
}

/// The same for a log-in by something else than the password, with the device whose token is shown.
pub fn demand_from(
    now: Timestamp,
    user_id: Id,
    tenant_id: &str,
    device_token: Option<&str>,
) -> Result<Demand, Mistake> {
    let (policy, trusted_until) = rules(now, &Snapshot::deciding()?, user_id, tenant_id, device_token)?;
    demand(now, user_id, tenant_id, &policy, trusted_until)
}

/// The same for a log-in with a passkey that has not verified its user. Beside it another passkey is the same factor
/// again: what counts is an app, or the password.
pub fn demand_beside_passkey(
    now: Timestamp,
    user_id: Id,
    tenant_id: &str,
    device_token: Option<&str>,
) -> Result<Demand, Mistake> {
    let snapshot = Snapshot::deciding()?;
    let (policy, trusted_until) = rules(now, &snapshot, user_id, tenant_id, device_token)?;
    let has_other = last::apps(user_id, tenant_id)? > 0 || password::find(&snapshot, user_id)?.is_some();
    demand_of(now, &snapshot, user_id, &policy, has_other, trusted_until)
}

/// The tenant's policy, and until when the device whose token is shown is trusted.
fn rules(
    now: Timestamp,
    snapshot: &Snapshot,
    user_id: Id,
    tenant_id: &str,
    device_token: Option<&str>,
) -> Result<(Policy, Option<Timestamp>), Mistake> {
    let policy = policy::of(snapshot, tenant_id)?;
    let device = devices::known(now, snapshot, device_token, Some(user_id))?;
    Ok((policy, device.and_then(|device| device.trusted_until)))
}

impl Demand {
    /// Whether a log-in needs a second factor, or the enrollment of one, before it is good for anything.
    pub fn is_required(self, now: Timestamp) -> bool {
        match self {
            Self::Nothing => false,
            Self::Factor => true,
            Self::Enrollment(until) => until <= now,
        }
    }

    /// Until when the user is to enroll a factor.
    pub fn due_at(self) -> Option<Timestamp> {
        match self {
            Self::Enrollment(until) => Some(until),
            Self::Nothing | Self::Factor => None,
        }
    }
}

fn demand_of(
    now: Timestamp,
    snapshot: &Snapshot,
    user_id: Id,
    policy: &Policy,
    has_factor: bool,
    trusted_until: Option<Timestamp>,
) -> Result<Demand, Mistake> {
    let trusted = trusted_until.is_some_and(|until| until > now) && policy.trusted_device_ttl > 0;
    Ok(match policy.mfa {
        Mfa::Off => Demand::Nothing,
        _ if has_factor => {
            if trusted {
                Demand::Nothing
            } else {
                Demand::Factor
            }
        }
        Mfa::Optional => Demand::Nothing,
        Mfa::Required => {
            let since = user::created_at(snapshot, user_id)?.max(policy.mfa_required_at);
            Demand::Enrollment(since.unwrap_or(now).plus_seconds(policy.mfa_grace))
        }
    })
}

composite! {
    /// What mfa_status() returns.
    pub struct MfaState = "auth_store.mfa_state" {
        pub required: bool,
        pub enrolled: bool,
        pub enrollment_due_at: Option<Timestamp>,
        pub kinds: Option<Vec<String>>,
        pub codes_left: Option<i32>,
    }
}

#[pg_extern(stable, parallel_safe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn mfa_status(user_id: Option<pgrx::Uuid>, device_token: default!(Option<&str>, "NULL")) -> MfaState {
    given(user_id, "user_id").and_then(|id| status(clock::now(), id.into(), device_token)).or_raise()
}

fn status(now: Timestamp, user_id: Id, device_token: Option<&str>) -> Result<MfaState, Mistake> {
    let snapshot = Snapshot::reading();
    let user = user::find(&snapshot, user_id)?.ok_or(user::UNKNOWN)?;
    let policy = policy::of(&snapshot, &user.tenant_id)?;
    let device = devices::known(now, &snapshot, device_token, Some(user_id))?;
    let kinds = kinds(user_id, &user.tenant_id)?;
    let enrolled = !kinds.is_empty();
    let codes_left = CODES_LEFT.one(&params![user_id, user.tenant_id.as_str()])?.unwrap_or(0);
    let trusted_until = device.and_then(|device| device.trusted_until);
    let demand = demand_of(now, &snapshot, user_id, &policy, enrolled, trusted_until)?;
    Ok(MfaState {
        required: demand.is_required(now),
        enrolled,
        enrollment_due_at: demand.due_at(),
        kinds: enrolled.then_some(kinds),
        codes_left: i32::try_from(codes_left).ok(),
    })
}

/// Trusts a device of a user who has just shown a second factor, as long as the tenant's policy says; None where it
/// trusts none.
pub fn trust(now: Timestamp, device: Id, user_id: Id, tenant_id: &str) -> Result<Option<Timestamp>, Mistake> {
    let ttl = policy::of(&Snapshot::deciding()?, tenant_id)?.trusted_device_ttl;
    if ttl == 0 {
        return Ok(None);
    }
    let until = now.plus_seconds(ttl);
    Ok(devices::trust(device, user_id, tenant_id, until)?.then_some(until))
}
