//! Changing a tenant's rules: the JSON object `changes` of tenant_policy_set().
//!
//! Lock order: the tenant, then its rules.

use pgrx::prelude::*;
use serde_json::{Map, Value, json};

use crate::identity::policy::{Mfa, Own, UserVerification, origin, settings};
use crate::identity::tenant;
use crate::kernel::outcome::{Mistake, OrRaise, given};
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::server::settings::Setting;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::jsonb::Jsonb;
use crate::kernel::value::{argument, interval, member};

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn tenant_policy_set(tenant_id: Option<&str>, changes: Option<Jsonb>) -> bool {
    set(clock::now(), tenant_id, changes).or_raise();
    true
}

/// What a member is.
enum Rule {
    /// A number within the bounds of the setting.
    Number(&'static Setting<i32>),
    /// A time within the bounds of the setting.
    Seconds(&'static Setting<i32>),
    /// True or false.
    Switch,
    /// One of these words.
    Word(&'static [&'static str]),
    /// What people read.
    Line,
    /// The id of a relying party.
    RpId,
    /// Origins of web pages.
    Origins,
}

/// The members, in the order of the table.
static MEMBERS: [(&str, Rule); 29] = [
    ("password_min_length", Rule::Number(&settings::PASSWORD_MIN_LENGTH)),
    ("password_min_score", Rule::Number(&settings::PASSWORD_MIN_SCORE)),
    ("password_history", Rule::Number(&settings::PASSWORD_HISTORY)),
    ("password_max_age", Rule::Seconds(&settings::PASSWORD_MAX_AGE)),
    ("password_check_common", Rule::Switch),
    ("password_check_breached", Rule::Switch),
    ("password_check_similarity", Rule::Switch),
    ("lockout_threshold", Rule::Number(&settings::LOCKOUT_THRESHOLD)),
    ("lockout_user_threshold", Rule::Number(&settings::LOCKOUT_USER_THRESHOLD)),
    ("lockout_duration", Rule::Seconds(&settings::LOCKOUT_DURATION)),
    ("lockout_max", Rule::Seconds(&settings::LOCKOUT_MAX)),
    ("show_locked", Rule::Switch),
    ("mfa", Rule::Word(Mfa::WORDS)),
    ("mfa_grace", Rule::Seconds(&settings::MFA_GRACE)),
    ("trusted_device_ttl", Rule::Seconds(&settings::TRUSTED_DEVICE_TTL)),
    ("passkey_rp_id", Rule::RpId),
    ("passkey_rp_name", Rule::Line),
    ("passkey_origins", Rule::Origins),
    ("passkey_user_verification", Rule::Word(UserVerification::WORDS)),
    ("passkey_allow_cross_origin", Rule::Switch),
    ("identity_link_by_email", Rule::Switch),
    ("anonymous_ttl", Rule::Seconds(&settings::ANONYMOUS_TTL)),
    ("mail_max_per_hour", Rule::Number(&settings::MAIL_MAX_PER_HOUR)),
    ("mail_max_per_day", Rule::Number(&settings::MAIL_MAX_PER_DAY)),
    ("mail_interval", Rule::Seconds(&settings::MAIL_INTERVAL)),
    ("otp_ttl", Rule::Seconds(&settings::OTP_TTL)),
    ("otp_max_attempts", Rule::Number(&settings::OTP_MAX_ATTEMPTS)),
    ("one_time_ttl", Rule::Seconds(&settings::ONE_TIME_TTL)),
    ("invitation_ttl", Rule::Seconds(&settings::INVITATION_TTL)),
];

/// The most origins of one tenant.
const MAX_ORIGINS: usize = 20;

static INSERT: Statement = Statement::write(
    c"INSERT INTO auth_store.tenant_policies (tenant_id, updated_at) VALUES ($1, $2) ON CONFLICT DO NOTHING",
);

// $2 has the members that change; a null of it is one that the tenant says nothing of any more.
static UPDATE: Statement<Own> = Statement::write(
    c"UPDATE auth_store.tenant_policies p
         SET (password_min_length, password_min_score, password_history, password_max_age, password_check_common,
              password_check_breached, password_check_similarity, lockout_threshold, lockout_user_threshold,
              lockout_duration, lockout_max, show_locked, mfa, mfa_required_at, mfa_grace, trusted_device_ttl,
              passkey_rp_id, passkey_rp_name, passkey_origins, passkey_user_verification, passkey_allow_cross_origin,
              identity_link_by_email, anonymous_ttl, mail_max_per_hour, mail_max_per_day, mail_interval, otp_ttl,
              otp_max_attempts, one_time_ttl, invitation_ttl, updated_at)
           = (SELECT r.password_min_length, r.password_min_score, r.password_history, r.password_max_age,
                     r.password_check_common, r.password_check_breached, r.password_check_similarity,
                     r.lockout_threshold, r.lockout_user_threshold, r.lockout_duration, r.lockout_max, r.show_locked,
                     r.mfa, CASE r.mfa WHEN 'required' THEN COALESCE(p.mfa_required_at, $3) END, r.mfa_grace,
                     r.trusted_device_ttl, r.passkey_rp_id, r.passkey_rp_name, r.passkey_origins,
                     r.passkey_user_verification, r.passkey_allow_cross_origin, r.identity_link_by_email,
                     r.anonymous_ttl, r.mail_max_per_hour, r.mail_max_per_day, r.mail_interval, r.otp_ttl,
                     r.otp_max_attempts, r.one_time_ttl, r.invitation_ttl, $3
                FROM pg_catalog.jsonb_populate_record(p, $2) r)
       WHERE p.tenant_id = $1
      RETURNING {columns}",
);

fn set(now: Timestamp, tenant_id: Option<&str>, changes: Option<Jsonb>) -> Result<(), Mistake> {
    let id = given(tenant_id, "tenant_id")?;
    let changes = read(&given(changes, "changes")?)?;
    let changed: Vec<_> =
        MEMBERS.iter().map(|(name, _)| *name).filter(|name| changes.contains_key(*name)).collect();
    let tenant_id = tenant::resolve(&Snapshot::writing()?, Some(id))?;
    if !tenant::lock_key_share(&tenant_id)? {
        return Err(tenant::UNKNOWN_ID);
    }
    INSERT.run(&params![tenant_id.as_str(), now])?;
    let document = Jsonb::of(&Value::Object(changes)).ok_or_else(refuse)?;
    let own = UPDATE.one(&params![tenant_id.as_str(), document, now])?.ok_or(tenant::UNKNOWN_ID)?;
    own.check()?;
    tenant::record(now, &tenant_id, "tenant.policy_changed", Some(json!({ "changed": changed })))
}

fn refuse() -> Mistake {
    let names: Vec<_> = MEMBERS.iter().map(|(name, _)| *name).collect();
    let accepted = format!("an object with the keys {}", names.join(", "));
    Mistake::InvalidArgument { argument: "changes", accepted: accepted.into() }
}

/// The changes as the table has them.
fn read(changes: &Jsonb) -> Result<Map<String, Value>, Mistake> {
    let Some(Value::Object(mut object)) = changes.is_object().then(|| changes.parse()).flatten() else {
        return Err(refuse());
    };
    let mut read = Map::new();
    for (name, rule) in &MEMBERS {
        if let Some(value) = object.remove(*name) {
            read.insert((*name).to_owned(), rule.read(name, &value)?);
        }
    }
    if object.is_empty() { Ok(read) } else { Err(refuse()) }
}

impl Rule {
    /// A value as the table has it; null stays null.
    fn read(&self, name: &'static str, value: &Value) -> Result<Value, Mistake> {
        if value.is_null() {
            return Ok(Value::Null);
        }
        let localhost = settings::PASSKEY_ALLOW_LOCALHOST.get();
        match self {
            Self::Number(setting) => number(setting, name, value),
            Self::Seconds(setting) => seconds(setting, name, value),
            Self::Switch if value.is_boolean() => Ok(value.clone()),
            Self::Switch => Err(Mistake::invalid(name, "a JSON boolean")),
            Self::Word(words) if value.as_str().is_some_and(|word| words.contains(&word)) => {
                Ok(value.clone())
            }
            Self::Word(words) => Err(Mistake::one_of(name, words)),
            Self::Line => {
                let text = member::text(value, name)?.unwrap_or_default();
                argument::line(text, name).map(Value::from)
            }
            Self::RpId if value.as_str().is_some_and(|id| origin::is_rp_id(id, localhost)) => {
                Ok(value.clone())
            }
            Self::RpId => Err(Mistake::invalid(
                name,
                "a domain in lower case and ASCII; localhost where auth_store.passkey_allow_localhost is on",
            )),
            Self::Origins => {
                let list = member::texts(value, name)?.unwrap_or_default();
                if list.len() <= MAX_ORIGINS && list.iter().all(|text| origin::is_origin(text, localhost)) {
                    return Ok(value.clone());
                }
                Err(Mistake::invalid(
                    name,
                    "at most 20 origins without a slash at the end, as https://login.example.com or \
                     android:apk-key-hash:…; http://localhost where auth_store.passkey_allow_localhost is on",
                ))
            }
        }
    }
}

fn number(setting: &Setting<i32>, name: &'static str, value: &Value) -> Result<Value, Mistake> {
    let bounds = setting.bounds();
    match value.as_i64() {
        Some(number) if bounds.contains(&number) => Ok(number.into()),
        _ => {
            let accepted = format!("{} to {}", bounds.start(), bounds.end());
            Err(Mistake::InvalidArgument { argument: name, accepted: accepted.into() })
        }
    }
}

fn seconds(setting: &Setting<i32>, name: &'static str, value: &Value) -> Result<Value, Mistake> {
    let bounds = setting.bounds();
    let accepted = || {
        let accepted =
            format!("{} to {} seconds, as a number or the text of an interval", bounds.start(), bounds.end());
        Mistake::InvalidArgument { argument: name, accepted: accepted.into() }
    };
    let duration = member::duration(value, name).map_err(|_| accepted())?;
    let seconds = interval::seconds(duration, 0, bounds.clone(), name, "").map_err(|_| accepted())?;
    Ok(seconds.into())
}

impl Own {
    /// Members that depend on each other.
    fn check(&self) -> Result<(), Mistake> {
        if self.lockout_max.zip(self.lockout_duration).is_some_and(|(most, first)| most < first) {
            return Err(Mistake::invalid("lockout_max", "at least lockout_duration"));
        }
        if self.lockout_user_threshold.zip(self.lockout_threshold).is_some_and(|(user, one)| user < one) {
            return Err(Mistake::invalid("lockout_user_threshold", "at least lockout_threshold"));
        }
        if self.mail_max_per_day.zip(self.mail_max_per_hour).is_some_and(|(day, hour)| day < hour) {
            return Err(Mistake::invalid("mail_max_per_day", "at least mail_max_per_hour"));
        }
        Ok(())
    }
}
