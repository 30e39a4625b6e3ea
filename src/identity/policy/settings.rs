//! What holds in a tenant that has no rule of its own: a setting for each member of the policy of which a default for
//! all tenants makes sense. Its bounds are those of the member too.

use crate::kernel::server::settings::Setting;

const HOUR: i32 = 3600;
const DAY: i32 = 24 * HOUR;
const YEAR: i32 = 365 * DAY;

/// The shortest password, in characters.
pub static PASSWORD_MIN_LENGTH: Setting<i32> = Setting::number(
    c"auth_store.password_min_length",
    8,
    8..=128,
    c"Characters that a new password has at least.",
    c"NIST SP 800-63B-4 section 3.1.1.2 wants 15 of a password that is the only factor, and 8 of one beside another.",
);

/// The least score of zxcvbn.
pub static PASSWORD_MIN_SCORE: Setting<i32> = Setting::number(
    c"auth_store.password_min_score",
    2,
    0..=4,
    c"Score of zxcvbn that a new password has at least.",
    c"2: a million guesses, which takes years against a lock-out. 3: a hundred million. 4: ten thousand million. \
      0: the score is not asked for.",
);

/// How many former passwords are refused.
pub static PASSWORD_HISTORY: Setting<i32> = Setting::number(
    c"auth_store.password_history",
    0,
    0..=24,
    c"How many former passwords of a user a new one may not be.",
    c"0: none is kept.",
);

/// How long a password lasts.
pub static PASSWORD_MAX_AGE: Setting<i32> = Setting::seconds(
    c"auth_store.password_max_age",
    0,
    0..=10 * YEAR,
    c"After how long a password has to be changed at the next log-in.",
    c"0: never, as NIST SP 800-63B-4 section 3.1.1.2 wants it: a change is for a password that is known to others.",
);

/// Whether common passwords are refused.
pub static PASSWORD_CHECK_COMMON: Setting<bool> = Setting::switch(
    c"auth_store.password_check_common",
    true,
    c"Refuses passwords that the table common_passwords has.",
    c"",
);

/// Whether breached passwords are refused.
pub static PASSWORD_CHECK_BREACHED: Setting<bool> = Setting::switch(
    c"auth_store.password_check_breached",
    true,
    c"Refuses passwords that the table breached_passwords has.",
    c"It is empty until somebody loads it.",
);

/// Whether passwords like the user's own names are refused.
pub static PASSWORD_CHECK_SIMILARITY: Setting<bool> = Setting::switch(
    c"auth_store.password_check_similarity",
    true,
    c"Refuses passwords that are like the user's own names.",
    c"",
);

/// Wrong passwords of a user from one network until they are locked out there.
pub static LOCKOUT_THRESHOLD: Setting<i32> = Setting::number(
    c"auth_store.lockout_threshold",
    5,
    1..=100,
    c"How many wrong passwords of a user lock out the network that they come from.",
    c"NIST SP 800-63B-4 section 3.2.2 allows 100.",
);

/// Wrong passwords of a user from all networks until the user is locked out.
pub static LOCKOUT_USER_THRESHOLD: Setting<i32> = Setting::number(
    c"auth_store.lockout_user_threshold",
    50,
    1..=100,
    c"How many wrong passwords of a user, from whatever networks, lock out all but known devices.",
    c"At least auth_store.lockout_threshold, whatever this says, so that one network does not lock out all others. \
      NIST SP 800-63B-4 section 3.2.2 allows 100.",
);

/// How long the first lock lasts.
pub static LOCKOUT_DURATION: Setting<i32> = Setting::seconds(
    c"auth_store.lockout_duration",
    15 * 60,
    1..=DAY,
    c"How long the first lock-out lasts; each that follows lasts twice as long.",
    c"",
);

/// How long a lock lasts at most.
pub static LOCKOUT_MAX: Setting<i32> = Setting::seconds(
    c"auth_store.lockout_max",
    DAY,
    1..=30 * DAY,
    c"How long a lock-out lasts at most.",
    c"At least auth_store.lockout_duration, whatever this says.",
);

/// Whether a lock is told to whoever asks.
pub static SHOW_LOCKED: Setting<bool> = Setting::switch(
    c"auth_store.show_locked",
    false,
    c"Tells whoever tries to log in that the account is locked.",
    c"Off: only who has given the right password is told. On: a stranger learns that the account exists.",
);

/// Whether everybody needs a second factor.
pub static MFA_REQUIRED: Setting<bool> = Setting::switch(
    c"auth_store.mfa_required",
    false,
    c"Wants a second factor of the users of tenants that say nothing of it.",
    c"Off: a user may have one.",
);

/// How long a user without a second factor gets in where one is required.
pub static MFA_GRACE: Setting<i32> = Setting::seconds(
    c"auth_store.mfa_grace",
    0,
    0..=YEAR,
    c"How long users without a second factor may still log in where one is required.",
    c"",
);

/// How long a device is trusted.
pub static TRUSTED_DEVICE_TTL: Setting<i32> = Setting::seconds(
    c"auth_store.trusted_device_ttl",
    30 * DAY,
    0..=YEAR,
    c"How long a second factor is not asked for again on a device that the user trusts.",
    c"0: it is always asked for.",
);

/// Whether passkeys work on the developer's own machine.
pub static PASSKEY_ALLOW_LOCALHOST: Setting<bool> = Setting::switch(
    c"auth_store.passkey_allow_localhost",
    false,
    c"Allows localhost as the home of passkeys, and origins of http://localhost.",
    c"For developing: any program on the user's machine can listen there.",
);

/// How long an anonymous user stays without being used.
pub static ANONYMOUS_TTL: Setting<i32> = Setting::seconds(
    c"auth_store.anonymous_ttl",
    30 * DAY,
    0..=10 * YEAR,
    c"After how long an anonymous user who was not seen is deleted.",
    c"0: never.",
);

/// Mails to one recipient an hour.
pub static MAIL_MAX_PER_HOUR: Setting<i32> = Setting::number(
    c"auth_store.mail_max_per_hour",
    5,
    1..=1000,
    c"How many mails and messages an hour are made for one recipient.",
    c"",
);

/// Mails to one recipient a day.
pub static MAIL_MAX_PER_DAY: Setting<i32> = Setting::number(
    c"auth_store.mail_max_per_day",
    20,
    1..=10_000,
    c"How many mails and messages a day are made for one recipient.",
    c"",
);

/// The time between two mails to one recipient.
pub static MAIL_INTERVAL: Setting<i32> = Setting::seconds(
    c"auth_store.mail_interval",
    60,
    0..=HOUR,
    c"How much time passes between two mails of one kind to one recipient.",
    c"",
);

/// How long a numeric code lives.
pub static OTP_TTL: Setting<i32> = Setting::seconds(
    c"auth_store.otp_ttl",
    600,
    30..=HOUR,
    c"How long a one-time code of digits can be used.",
    c"NIST SP 800-63B-4 section 3.1.3.2 allows 10 minutes.",
);

/// Tries of a numeric code.
pub static OTP_MAX_ATTEMPTS: Setting<i32> = Setting::number(
    c"auth_store.otp_max_attempts",
    5,
    1..=10,
    c"How many tries a one-time code of digits has.",
    c"",
);

/// How long a one-time token lives.
pub static ONE_TIME_TTL: Setting<i32> = Setting::seconds(
    c"auth_store.one_time_ttl",
    HOUR,
    60..=7 * DAY,
    c"How long a one-time token in a mail can be used.",
    c"",
);

/// How long an invitation lives.
pub static INVITATION_TTL: Setting<i32> = Setting::seconds(
    c"auth_store.invitation_ttl",
    7 * DAY,
    60..=90 * DAY,
    c"How long an invitation can be accepted.",
    c"",
);
