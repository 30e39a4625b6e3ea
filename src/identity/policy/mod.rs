//! The rules that a tenant has for its users' log-ins: what passwords, locks, second factors, passkeys and mails are
//! like. A member that the tenant does not say is the setting's of the same name.

pub mod breached;
pub mod change;
pub mod common;
pub mod origin;
pub mod password;
pub mod settings;
mod similar;

use pgrx::IntoDatum;
use pgrx::prelude::*;

use crate::identity::tenant;
use crate::kernel::outcome::{Mistake, OrRaise};
use crate::kernel::server::composite::composite;
use crate::kernel::server::datum::Word;
use crate::kernel::server::lookup::{Key, Lookup, Snapshot};
use crate::kernel::server::row::row;
use crate::kernel::server::table::{Moves, Published, Rows, Table, delete_by};
use crate::kernel::value::clock::Timestamp;

composite! {
    /// What holds in a tenant: its own rules, and the settings' where it has none. Times are seconds.
    pub struct Policy = "auth_store.policy" {
        pub password_min_length: i32,
        pub password_min_score: i32,
        pub password_history: i32,
        pub password_max_age: i32,
        pub password_check_common: bool,
        pub password_check_breached: bool,
        pub password_check_similarity: bool,
        pub lockout_threshold: i32,
        pub lockout_user_threshold: i32,
        pub lockout_duration: i32,
        pub lockout_max: i32,
        pub show_locked: bool,
        pub mfa: Mfa,
        pub mfa_required_at: Option<Timestamp>,
        pub mfa_grace: i32,
        pub trusted_device_ttl: i32,
        pub passkey_rp_id: Option<String>,
        pub passkey_rp_name: Option<String>,
        pub passkey_origins: Vec<String>,
        pub passkey_user_verification: UserVerification,
        pub passkey_allow_cross_origin: bool,
        pub identity_link_by_email: bool,
        pub anonymous_ttl: i32,
        pub mail_max_per_hour: i32,
        pub mail_max_per_day: i32,
        pub mail_interval: i32,
        pub otp_ttl: i32,
        pub otp_max_attempts: i32,
        pub one_time_ttl: i32,
        pub invitation_ttl: i32,
    }
}

#[pg_extern(stable, parallel_safe)]
fn tenant_policy(tenant_id: default!(Option<&str>, "NULL")) -> Policy {
    let snapshot = Snapshot::reading();
    tenant::resolve(&snapshot, tenant_id).and_then(|tenant_id| of(&snapshot, &tenant_id)).or_raise()
}

/// The facts of the table `tenant_policies`.
pub static TABLE: Table = Table {
    name: "tenant_policies",
    key: &["tenant_id"],
    ended: None,
    of_tenant: Rows::Deleted(delete_by!("tenant_policies", "tenant_id")),
    of_client: Rows::None,
    of_user: None,
    published: Published::TakeOver,
    moves: Moves::Shared,
    restored: true,
};

/// One of a few words, which the table checks too.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
        pub enum $name {
            $($(#[$variant_meta])* $variant,)+
        }

        impl $name {
            /// The words.
            pub const WORDS: &[&str] = &[$($word),+];

            /// The word.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }

        impl Word for $name {
            fn of(word: &str) -> Option<Self> {
                match word {
                    $($word => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }

        impl IntoDatum for $name {
            fn into_datum(self) -> Option<pg_sys::Datum> {
                self.as_str().into_datum()
            }

            fn type_oid() -> pg_sys::Oid {
                pg_sys::TEXTOID
            }
        }
    };
}

words! {
    /// Whether users of a tenant have a second factor.
    Mfa {
        /// None is asked for, also of those who have one.
        Off = "off",
        /// Those who have one are asked for it.
        #[default]
        Optional = "optional",
        /// Everybody needs one.
        Required = "required",
    }
}

words! {
    /// Whether a passkey has to verify its user (WebAuthn section 5.8.6).
    UserVerification {
        /// It has to.
        Required = "required",
        /// It is asked to.
        #[default]
        Preferred = "preferred",
        /// It is asked not to.
        Discouraged = "discouraged",
    }
}

row! {
    /// What a tenant says itself; None: nothing.
    struct Own in tenant_policies {
        password_min_length: Option<i32>,
        password_min_score: Option<i32>,
        password_history: Option<i32>,
        password_max_age: Option<i32>,
        password_check_common: Option<bool>,
        password_check_breached: Option<bool>,
        password_check_similarity: Option<bool>,
        lockout_threshold: Option<i32>,
        lockout_user_threshold: Option<i32>,
        lockout_duration: Option<i32>,
        lockout_max: Option<i32>,
        show_locked: Option<bool>,
        mfa: Option<Mfa>,
        mfa_required_at: Option<Timestamp>,
        mfa_grace: Option<i32>,
        trusted_device_ttl: Option<i32>,
        passkey_rp_id: Option<String>,
        passkey_rp_name: Option<String>,
        passkey_origins: Option<Vec<String>>,
        passkey_user_verification: Option<UserVerification>,
        passkey_allow_cross_origin: Option<bool>,
        identity_link_by_email: Option<bool>,
        anonymous_ttl: Option<i32>,
        mail_max_per_hour: Option<i32>,
        mail_max_per_day: Option<i32>,
        mail_interval: Option<i32>,
        otp_ttl: Option<i32>,
        otp_max_attempts: Option<i32>,
        one_time_ttl: Option<i32>,
        invitation_ttl: Option<i32>,
    }
    returned
}

static OWN: Lookup<Own> = Lookup::by(c"tenant_policies_pkey");

/// What holds in a tenant, by one look-up.
pub fn of(snapshot: &Snapshot, tenant_id: &str) -> Result<Policy, Mistake> {
    Ok(OWN.find(snapshot, Key::Text(tenant_id))?.unwrap_or_default().filled())
}

impl Own {
    /// With the settings where nothing is said.
    fn filled(self) -> Policy {
        let lockout_threshold = self.lockout_threshold.unwrap_or_else(|| settings::LOCKOUT_THRESHOLD.get());
        let lockout_duration = self.lockout_duration.unwrap_or_else(|| settings::LOCKOUT_DURATION.get());
        let common = || settings::PASSWORD_CHECK_COMMON.get();
        let breached = || settings::PASSWORD_CHECK_BREACHED.get();
        let similarity = || settings::PASSWORD_CHECK_SIMILARITY.get();
        let user_threshold = || settings::LOCKOUT_USER_THRESHOLD.get();
        let mfa = || if settings::MFA_REQUIRED.get() { Mfa::Required } else { Mfa::Optional };
        Policy {
            password_min_length: self
                .password_min_length
                .unwrap_or_else(|| settings::PASSWORD_MIN_LENGTH.get()),
            password_min_score: self.password_min_score.unwrap_or_else(|| settings::PASSWORD_MIN_SCORE.get()),
            password_history: self.password_history.unwrap_or_else(|| settings::PASSWORD_HISTORY.get()),
            password_max_age: self.password_max_age.unwrap_or_else(|| settings::PASSWORD_MAX_AGE.get()),
            password_check_common: self.password_check_common.unwrap_or_else(common),
            password_check_breached: self.password_check_breached.unwrap_or_else(breached),
            password_check_similarity: self.password_check_similarity.unwrap_or_else(similarity),
            lockout_threshold,
            lockout_user_threshold: self
                .lockout_user_threshold
                .unwrap_or_else(user_threshold)
                .max(lockout_threshold),
            lockout_duration,
            lockout_max: self
                .lockout_max
                .unwrap_or_else(|| settings::LOCKOUT_MAX.get())
                .max(lockout_duration),
            show_locked: self.show_locked.unwrap_or_else(|| settings::SHOW_LOCKED.get()),
            mfa: self.mfa.unwrap_or_else(mfa),
            mfa_required_at: self.mfa_required_at,
            mfa_grace: self.mfa_grace.unwrap_or_else(|| settings::MFA_GRACE.get()),
            trusted_device_ttl: self.trusted_device_ttl.unwrap_or_else(|| settings::TRUSTED_DEVICE_TTL.get()),
            passkey_rp_id: self.passkey_rp_id,
            passkey_rp_name: self.passkey_rp_name,
            passkey_origins: self.passkey_origins.unwrap_or_default(),
            passkey_user_verification: self.passkey_user_verification.unwrap_or_default(),
            passkey_allow_cross_origin: self.passkey_allow_cross_origin.unwrap_or(false),
            identity_link_by_email: self.identity_link_by_email.unwrap_or(false),
            anonymous_ttl: self.anonymous_ttl.unwrap_or_else(|| settings::ANONYMOUS_TTL.get()),
            mail_max_per_hour: self.mail_max_per_hour.unwrap_or_else(|| settings::MAIL_MAX_PER_HOUR.get()),
            mail_max_per_day: self.mail_max_per_day.unwrap_or_else(|| settings::MAIL_MAX_PER_DAY.get()),
            mail_interval: self.mail_interval.unwrap_or_else(|| settings::MAIL_INTERVAL.get()),
            otp_ttl: self.otp_ttl.unwrap_or_else(|| settings::OTP_TTL.get()),
            otp_max_attempts: self.otp_max_attempts.unwrap_or_else(|| settings::OTP_MAX_ATTEMPTS.get()),
            one_time_ttl: self.one_time_ttl.unwrap_or_else(|| settings::ONE_TIME_TTL.get()),
            invitation_ttl: self.invitation_ttl.unwrap_or_else(|| settings::INVITATION_TTL.get()),
        }
    }
}
