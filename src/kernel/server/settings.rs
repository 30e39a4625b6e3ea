//! The settings `auth_store.*`. None of them can be set by an ordinary user: each loosens or pins
//! something.

#![allow(unsafe_code)]

use std::ffi::{CStr, CString};

use pgrx::prelude::*;
use pgrx::{GucContext, GucFlags, GucRegistry, GucSetting};

use crate::kernel::outcome;
use crate::kernel::server::state;

static TENANT_ID: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(None);
static MASTER_KEY_FILE: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(None);
static MASTER_KEY_COMMAND: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(None);
static CODE_TTL: GucSetting<i32> = GucSetting::<i32>::new(60);
/// Below a second: FAPI's conformance test presents a code again after one, and wants its tokens gone.
static CODE_REPLAY_GRACE: GucSetting<i32> = GucSetting::<i32>::new(500);
static PUSHED_REQUEST_TTL: GucSetting<i32> = GucSetting::<i32>::new(60);
static DEVICE_CODE_TTL: GucSetting<i32> = GucSetting::<i32>::new(15 * 60);
static DEVICE_POLL_INTERVAL: GucSetting<i32> = GucSetting::<i32>::new(5);
static USER_CODE_GUESSES_PER_NETWORK: GucSetting<i32> = GucSetting::<i32>::new(20);
static USER_CODE_GUESSES_PER_TENANT: GucSetting<i32> = GucSetting::<i32>::new(3600);
static REFRESH_GRACE: GucSetting<i32> = GucSetting::<i32>::new(10);
static SESSION_TTL: GucSetting<i32> = GucSetting::<i32>::new(30 * SECONDS_PER_DAY);
static SESSION_IDLE_TTL: GucSetting<i32> = GucSetting::<i32>::new(SECONDS_PER_DAY);
static MAX_SESSIONS_PER_USER: GucSetting<i32> = GucSetting::<i32>::new(50);
static AUDIT_RETENTION: GucSetting<i32> = GucSetting::<i32>::new(AUDIT_RETENTION_DAYS * MINUTES_PER_DAY);
static RATE_LIMIT_SLOTS: GucSetting<i32> = GucSetting::<i32>::new(65_536);
static ALLOW_DROP: GucSetting<bool> = GucSetting::<bool>::new(false);
static RATE_LIMIT_SHARED: GucSetting<bool> = GucSetting::<bool>::new(true);
static GRANT_RETENTION: GucSetting<i32> = GucSetting::<i32>::new(30 * MINUTES_PER_DAY);

/// The default of `auth_store.audit_retention`, in seconds.
pub const DEFAULT_AUDIT_RETENTION: i64 = AUDIT_RETENTION_DAYS as i64 * 86_400;

const AUDIT_RETENTION_DAYS: i32 = 90;
const MINUTES_PER_DAY: i32 = 24 * 60;
const SECONDS_PER_DAY: i32 = 24 * 60 * 60;

/// Registers the settings with the server. Called once, when the library is loaded.
pub fn define() {
    let placeholders = placeholders();
    outside_parallel_mode(define_all);
    // SAFETY: the prefix is a valid C string; the server copies it.
    unsafe { pg_sys::MarkGUCPrefixReserved(c"auth_store".as_ptr()) };
    for placeholder in placeholders {
        placeholder.prove();
    }
}

/// A session's first call may be made in a parallel query, in which the server changes no setting: it would not carry the
/// values over that the session began with, and that the leader and all its workers have. For that moment the mode
/// is left. Not in a server built with assertions, which checks that nobody does so while workers are about: there the
/// session ends, see [`Placeholder::prove`].
fn outside_parallel_mode(define: impl FnOnce()) {
    let mut left = 0;
    // SAFETY: levels of this backend's own, entered again as often as they were left; an error ends the transaction, and
    // with it the mode. No subtransaction is about, which would count levels of its own.
    unsafe {
        while pg_sys::IsInParallelMode()
            && pg_sys::GetCurrentTransactionNestLevel() == 1
            && !(pg_sys::ParallelContextActive() && has_assertions())
        {
            pg_sys::ExitParallelMode();
            left += 1;
        }
        define();
        for _ in 0..left {
            pg_sys::EnterParallelMode();
        }
    }
}

fn has_assertions() -> bool {
    // SAFETY: a setting of every server; its text is the server's own.
    unsafe {
        let value = pg_sys::GetConfigOption(c"debug_assertions".as_ptr(), true, false);
        !value.is_null() && CStr::from_ptr(value) != c"off"
    }
}

fn define_all() {
    GucRegistry::define_string_guc(
        c"auth_store.tenant_id",
        c"Pins the session to one tenant.",
        c"While set, every function and view of auth_store sees this tenant only. Set it with ALTER ROLE ... SET; only a superuser can.",
        &TENANT_ID,
        GucContext::Suset,
        GucFlags::default(),
    );
    define_master_keys();
    for (name, short, long, setting, min, max, unit) in [
        (
            c"auth_store.code_ttl",
            c"How long an authorization code lives by default.",
            c"RFC 6749 section 4.1.2 recommends at most 10 minutes.",
            &CODE_TTL,
            1,
            600,
            GucFlags::UNIT_S,
        ),
        (
            c"auth_store.code_replay_grace",
            c"How long after the redemption of a code a second presentation counts as a retry.",
            c"Later it is a replay and ends the grant of the first use (RFC 6749 section 4.1.2). What comes while the first runs is a retry whatever this is. FAPI's conformance test replays after 1 s.",
            &CODE_REPLAY_GRACE,
            0,
            60_000,
            GucFlags::UNIT_MS,
        ),
        (
            c"auth_store.pushed_request_ttl",
            c"How long a pushed authorization request lives.",
            c"RFC 9126 section 2.2 thinks of 5 to 600 seconds.",
            &PUSHED_REQUEST_TTL,
            5,
            600,
            GucFlags::UNIT_S,
        ),
        (
            c"auth_store.device_code_ttl",
            c"How long a device code and its user code live.",
            c"The user must find the other device, log in and agree within (RFC 8628 section 3.2).",
            &DEVICE_CODE_TTL,
            1,
            3600,
            GucFlags::UNIT_S,
        ),
        (
            c"auth_store.device_poll_interval",
            c"How long a device waits between its polls at first.",
            c"Each poll that comes before nine tenths of it are over adds 5 seconds (RFC 8628 section 3.5), up to a minute.",
            &DEVICE_POLL_INTERVAL,
            1,
            60,
            GucFlags::UNIT_S,
        ),
        (
            c"auth_store.user_code_guesses_per_network",
            c"How many wrong user codes an hour are answered to one network.",
            c"A network is a /24 of IPv4 or a /64 of IPv6 (RFC 8628 section 5.1).",
            &USER_CODE_GUESSES_PER_NETWORK,
            1,
            1_000_000,
            GucFlags::default(),
        ),
        (
            c"auth_store.user_code_guesses_per_tenant",
            c"How many wrong user codes an hour are answered in one tenant.",
            c"Against guesses from many networks (RFC 8628 section 5.1). Networks from which a user has approved a request within 30 days have as many more together.",
            &USER_CODE_GUESSES_PER_TENANT,
            1,
            1_000_000,
            GucFlags::default(),
        ),
        (
            c"auth_store.refresh_grace",
            c"How long after a rotation the previous refresh token is answered with the same successor.",
            c"Clients can have their own. 0 is strict: the second use is a reuse.",
            &REFRESH_GRACE,
            0,
            300,
            GucFlags::UNIT_S,
        ),
        (
            c"auth_store.session_ttl",
            c"How long a session lives by default, from the log-in.",
            c"session_create() can say otherwise.",
            &SESSION_TTL,
            1,
            3650 * SECONDS_PER_DAY,
            GucFlags::UNIT_S,
        ),
        (
            c"auth_store.session_idle_ttl",
            c"How long an unused session lives by default.",
            c"session_create() can say otherwise.",
            &SESSION_IDLE_TTL,
            120,
            3650 * SECONDS_PER_DAY,
            GucFlags::UNIT_S,
        ),
        (
            c"auth_store.max_sessions_per_user",
            c"How many sessions of one user live at the same time.",
            c"A further log-in ends the oldest. 0: any number.",
            &MAX_SESSIONS_PER_USER,
            0,
            1_000_000,
            GucFlags::default(),
        ),
        (
            c"auth_store.audit_retention",
            c"How long the audit trail is kept.",
            c"partitions_drop() drops months that ended before.",
            &AUDIT_RETENTION,
            MINUTES_PER_DAY,
            36_500 * MINUTES_PER_DAY,
            GucFlags::UNIT_MIN,
        ),
        (
            c"auth_store.grant_retention",
            c"How long a grant is kept after its end.",
            c"Until then a late reuse of its refresh token is still recognised.",
            &GRANT_RETENTION,
            0,
            36_500 * MINUTES_PER_DAY,
            GucFlags::UNIT_MIN,
        ),
    ] {
        GucRegistry::define_int_guc(name, short, long, setting, min, max, GucContext::Suset, unit);
    }
    GucRegistry::define_bool_guc(
        c"auth_store.allow_drop",
        c"Lets DDL drop tables and views of auth_store, columns and foreign keys.",
        c"Off: DROP TABLE, ALTER TABLE ... DROP COLUMN and whatever else would drop them is refused.",
        &ALLOW_DROP,
        GucContext::Suset,
        GucFlags::default(),
    );
    define_rate_limits();
}

/// In the server's configuration alone: a reload of it is what has the keys read again.
fn define_master_keys() {
    GucRegistry::define_string_guc(
        c"auth_store.master_key_file",
        c"The file with the vault's master keys.",
        c"Lines of key_id: base64, the last of which seals. Of mode 0600, owned by the server's user, outside of the data directory.",
        &MASTER_KEY_FILE,
        GucContext::Sighup,
        GucFlags::SUPERUSER_ONLY,
    );
    GucRegistry::define_string_guc(
        c"auth_store.master_key_command",
        c"The command that writes the vault's master keys to its standard output.",
        c"As in auth_store.master_key_file, for a key management service; run by the server's user in a shell.",
        &MASTER_KEY_COMMAND,
        GucContext::Sighup,
        GucFlags::SUPERUSER_ONLY,
    );
}

/// Where the library is not preloaded there is no shared memory to size. The setting is known all the same, so
/// that the line in postgresql.conf is none to complain about.
fn define_rate_limits() {
    let context = if state::is_preloading() { GucContext::Postmaster } else { GucContext::Sighup };
    GucRegistry::define_int_guc(
        c"auth_store.rate_limit_slots",
        c"How many keys of rate limits fit into shared memory.",
        c"Each takes 32 bytes. 0, and where the library is not in shared_preload_libraries: they are in a table.",
        &RATE_LIMIT_SLOTS,
        0,
        16_777_216,
        context,
        GucFlags::default(),
    );
    GucRegistry::define_bool_guc(
        c"auth_store.rate_limit_shared",
        c"Keeps rate limits in shared memory, where there is some.",
        c"Off: in the table, whose hits the caller's rollback takes back.",
        &RATE_LIMIT_SHARED,
        GucContext::Suset,
        GucFlags::default(),
    );
}

const NAMES: [&CStr; 19] = [
    c"auth_store.tenant_id",
    c"auth_store.master_key_file",
    c"auth_store.master_key_command",
    c"auth_store.code_ttl",
    c"auth_store.code_replay_grace",
    c"auth_store.pushed_request_ttl",
    c"auth_store.device_code_ttl",
    c"auth_store.device_poll_interval",
    c"auth_store.user_code_guesses_per_network",
    c"auth_store.user_code_guesses_per_tenant",
    c"auth_store.refresh_grace",
    c"auth_store.session_ttl",
    c"auth_store.session_idle_ttl",
    c"auth_store.max_sessions_per_user",
    c"auth_store.audit_retention",
    c"auth_store.grant_retention",
    c"auth_store.rate_limit_slots",
    c"auth_store.rate_limit_shared",
    c"auth_store.allow_drop",
];

/// A value that the session began with while the server did not know the setting yet.
struct Placeholder {
    name: &'static CStr,
    /// What RESET would have gone back to: the value of the role, the database or the server.
    value: Option<CString>,
    source: pg_sys::GucSource::Type,
    context: pg_sys::GucContext::Type,
}

/// Until the library is loaded the server takes any value for a setting that it does not know, also from
/// the options of a connection, where it hides the role's, the database's and the server's own: the
/// tenant pin. At the load it drops what the user may not set, and the hidden value is gone. So such a
/// session ends, as it does not begin where the library is preloaded.
fn placeholders() -> Vec<Placeholder> {
    let mut found = Vec::new();
    for name in NAMES {
        let Some(setting) = state::setting(name) else { continue };
        // SAFETY: the setting is the server's, and of a name that it does not know, so a text; the check reads
        // catalogs, and whoever can give connection options loads this library within a transaction.
        unsafe {
            let refused = matches!(
                (*setting).reset_scontext,
                pg_sys::GucContext::PGC_BACKEND | pg_sys::GucContext::PGC_USERSET
            ) && pg_sys::pg_parameter_aclcheck(
                name.as_ptr(),
                (*setting).reset_srole,
                pg_sys::ACL_SET as pg_sys::AclMode,
            ) != pg_sys::AclResult::ACLCHECK_OK;
            if refused {
                outcome::end_session(format!(
                    "permission denied to set parameter \"{}\"",
                    name.to_string_lossy()
                ));
            }
            found.push(Placeholder {
                name,
                value: reset_value(setting),
                source: (*setting).reset_source,
                context: (*setting).reset_scontext,
            });
        }
    }
    found
}

/// What RESET goes back to; None where that is nothing, or no text.
///
/// # Safety
/// The setting must be one of the server.
unsafe fn reset_value(setting: *mut pg_sys::config_generic) -> Option<CString> {
    // SAFETY: as required of the caller; a text's structure begins with the general one.
    unsafe {
        if (*setting).vartype != pg_sys::config_type::PGC_STRING {
            return None;
        }
        let value = (*setting.cast::<pg_sys::config_string>()).reset_val;
        (!value.is_null()).then(|| CStr::from_ptr(value).to_owned())
    }
}

impl Placeholder {
    /// Ends the session where the server did not carry the value over to the setting, as in a parallel query, where
    /// it changes none: a session that its administrator has pinned must not go on without the pin.
    fn prove(&self) {
        let Some(setting) = state::setting(self.name) else { return };
        // SAFETY: the setting was defined just now.
        let applied = unsafe {
            (*setting).reset_source == self.source
                && ((*setting).vartype != pg_sys::config_type::PGC_STRING
                    || reset_value(setting) == self.value)
        };
        if !applied && self.is_acceptable() {
            outcome::end_session(format!(
                "parameter \"{}\" could not be set to what the role, the database or the server says",
                self.name.to_string_lossy()
            ));
        }
    }

    /// Whether the server would take the value. What it would not, it has warned of, and goes on with the default, as
    /// it does where the library is preloaded.
    fn is_acceptable(&self) -> bool {
        let value = self.value.as_ref().map_or(std::ptr::null(), |value| value.as_ptr());
        // SAFETY: valid C strings; nothing is changed, and what is not accepted is not worth more than a debug
        // message.
        unsafe {
            pg_sys::set_config_option(
                self.name.as_ptr(),
                value,
                self.context,
                self.source,
                pg_sys::GucAction::GUC_ACTION_SET,
                false,
                PgLogLevel::DEBUG5 as i32,
                false,
            ) != 0
        }
    }
}

/// The tenant this session is pinned to; None: it sees all. The text is valid until the next statement.
pub fn tenant_pin<'a>() -> Option<&'a str> {
    // A value that is not UTF-8 must not read as "no pin": it is a pin to a tenant that is not there.
    text(&TENANT_ID).map(|text| text.to_str().unwrap_or("\u{fffd}"))
}

/// A setting's text; None where it is not set or empty.
fn text<'a>(setting: &GucSetting<Option<CString>>) -> Option<&'a CStr> {
    // SAFETY: the server keeps the setting's value as a C string until the setting changes, which
    // cannot happen while a function of this library runs.
    let value = unsafe { *setting.as_ptr() };
    if value.is_null() {
        return None;
    }
    // SAFETY: as above; it is not null.
    Some(unsafe { CStr::from_ptr(value) }).filter(|text| !text.is_empty())
}

/// The path of the file with the master keys, as the server's configuration has it.
pub fn master_key_file<'a>() -> Option<&'a CStr> {
    text(&MASTER_KEY_FILE)
}

/// The command that prints the master keys.
pub fn master_key_command<'a>() -> Option<&'a CStr> {
    text(&MASTER_KEY_COMMAND)
}

/// Seconds an authorization code lives by default.
pub fn code_ttl() -> i64 {
    i64::from(CODE_TTL.get())
}

/// Microseconds after a code's redemption in which a second presentation is a retry.
pub fn code_replay_grace_micros() -> i64 {
    i64::from(CODE_REPLAY_GRACE.get()) * 1000
}

/// Seconds a pushed authorization request lives.
pub fn pushed_request_ttl() -> i64 {
    i64::from(PUSHED_REQUEST_TTL.get())
}

/// Seconds a device code lives.
pub fn device_code_ttl() -> i64 {
    i64::from(DEVICE_CODE_TTL.get())
}

/// Seconds between the polls of a device, until one comes too early.
pub fn device_poll_interval() -> i32 {
    DEVICE_POLL_INTERVAL.get()
}

/// Wrong user codes an hour that one network is answered.
pub fn user_code_guesses_per_network() -> i32 {
    USER_CODE_GUESSES_PER_NETWORK.get()
}

/// Wrong user codes an hour that are answered in one tenant.
pub fn user_code_guesses_per_tenant() -> i32 {
    USER_CODE_GUESSES_PER_TENANT.get()
}

/// Seconds in which the previous refresh token still works.
pub fn refresh_grace() -> i64 {
    i64::from(REFRESH_GRACE.get())
}

/// Seconds a session lives by default.
pub fn session_ttl() -> i64 {
    i64::from(SESSION_TTL.get())
}

/// Seconds an unused session lives by default.
pub fn session_idle_ttl() -> i64 {
    i64::from(SESSION_IDLE_TTL.get())
}

/// How many sessions of one user live at the same time; None: any number.
pub fn max_sessions_per_user() -> Option<i64> {
    Some(i64::from(MAX_SESSIONS_PER_USER.get())).filter(|cap| *cap > 0)
}

/// Seconds the audit trail is kept.
pub fn audit_retention() -> i64 {
    i64::from(AUDIT_RETENTION.get()) * 60
}

fn audit_retention_source() -> pg_sys::GucSource::Type {
    match state::setting(c"auth_store.audit_retention") {
        // SAFETY: a setting of the server.
        Some(setting) => unsafe { (*setting).source },
        None => pg_sys::GucSource::PGC_S_DEFAULT,
    }
}

/// Whether somebody has said for this database, or in this session, how long the trail is kept. What the server says,
/// or a role for all its databases, was not said of this one.
pub fn audit_retention_is_meant() -> bool {
    use pg_sys::GucSource::{PGC_S_DATABASE, PGC_S_USER};
    let source = audit_retention_source();
    source >= PGC_S_DATABASE && source != PGC_S_USER
}

/// Whether it is everybody's in this database, not a role's or a session's own.
pub fn audit_retention_is_everybodys() -> bool {
    audit_retention_source() <= pg_sys::GucSource::PGC_S_DATABASE
}

/// Seconds a grant is kept after its end.
pub fn grant_retention() -> i64 {
    i64::from(GRANT_RETENTION.get()) * 60
}

/// How many keys of rate limits the shared memory is to hold, at the start of the server.
pub fn rate_limit_slots() -> usize {
    usize::try_from(RATE_LIMIT_SLOTS.get()).unwrap_or(0)
}

/// Whether DDL may drop what is the store's.
pub fn allow_drop() -> bool {
    ALLOW_DROP.get()
}

/// Whether rate limits are in shared memory, where there is some.
pub fn rate_limit_shared() -> bool {
    RATE_LIMIT_SHARED.get()
}
