//! auth_store: a complete auth store inside PostgreSQL.
//!
//! This file is the index: the modules, the start of the library and the order of the install script.

use pgrx::prelude::*;

use crate::kernel::server::settings::Listed;
use crate::kernel::server::spi::Statement;

mod api_key;
mod audit;
mod developer;
mod endpoint;
mod identity;
mod kernel;
mod lifecycle;
mod limit;
mod oauth;
mod principal;
mod recovery;
mod report;
mod rfc;
mod router;
mod schema;
mod shard;
mod trail;
mod validator;
mod vault;
mod webhook;

pgrx::pg_module_magic!(name, version);

extension_sql_file!("../sql/type_comments.sql", name = "type_comments", requires = ["types"]);
extension_sql_file!("../sql/roles.sql", name = "roles");
extension_sql_file!("../sql/guard.sql", name = "guard", requires = [schema::guard_tables]);
extension_sql_file!("../sql/call.sql", name = "call");

/// The beginning of the install script. pgrx takes one file there; this gives it several.
mod types {
    const FILES: &str = concat!(
        include_str!("../sql/begin.sql"),
        include_str!("../sql/types/outcome.sql"),
        include_str!("../sql/types/issuer.sql"),
        include_str!("../sql/types/client.sql"),
        include_str!("../sql/types/policy.sql"),
        include_str!("../sql/types/user.sql"),
        include_str!("../sql/types/role.sql"),
        include_str!("../sql/types/password.sql"),
        include_str!("../sql/types/session.sql"),
        include_str!("../sql/types/login.sql"),
        include_str!("../sql/types/token.sql"),
        include_str!("../sql/types/code.sql"),
        include_str!("../sql/types/device.sql"),
        include_str!("../sql/types/consent.sql"),
        include_str!("../sql/types/passkey.sql"),
        include_str!("../sql/types/proof.sql"),
        include_str!("../sql/types/endpoint.sql"),
        include_str!("../sql/types/authorize.sql"),
        include_str!("../sql/types/principal.sql"),
        include_str!("../sql/types/connection.sql"),
        include_str!("../sql/types/provider.sql"),
        include_str!("../sql/types/key.sql"),
        include_str!("../sql/types/signing_key.sql"),
        include_str!("../sql/types/mfa.sql"),
        include_str!("../sql/types/api_key.sql"),
        include_str!("../sql/types/audit.sql"),
        include_str!("../sql/types/one_time.sql"),
        include_str!("../sql/types/mail_link.sql"),
        include_str!("../sql/types/invitation.sql"),
        include_str!("../sql/types/external.sql"),
        include_str!("../sql/types/webhook.sql"),
        include_str!("../sql/types/limit.sql"),
        include_str!("../sql/types/lifecycle.sql"),
        include_str!("../sql/types/developer.sql"),
        include_str!("../sql/types/report.sql"),
        include_str!("../sql/types/shard.sql"),
    );

    /// How `extension_sql_file!` asks for the text.
    macro_rules! include_str {
        ("../sql/types") => {
            FILES
        };
    }
    pgrx::extension_sql_file!("../sql/types", name = "types", bootstrap);
}

/// The end of the install script, several files likewise.
mod surface {
    const FILES: &str = concat!(
        include_str!("../sql/revoke.sql"),
        include_str!("../sql/surface/schema.sql"),
        include_str!("../sql/surface/call.sql"),
        include_str!("../sql/surface/tenant.sql"),
        include_str!("../sql/surface/policy.sql"),
        include_str!("../sql/surface/user.sql"),
        include_str!("../sql/surface/role.sql"),
        include_str!("../sql/surface/password.sql"),
        include_str!("../sql/surface/session.sql"),
        include_str!("../sql/surface/login.sql"),
        include_str!("../sql/surface/issuer.sql"),
        include_str!("../sql/surface/client.sql"),
        include_str!("../sql/surface/grant.sql"),
        include_str!("../sql/surface/token.sql"),
        include_str!("../sql/surface/code.sql"),
        include_str!("../sql/surface/device.sql"),
        include_str!("../sql/surface/consent.sql"),
        include_str!("../sql/surface/passkey.sql"),
        include_str!("../sql/surface/proof.sql"),
        include_str!("../sql/surface/endpoint.sql"),
        include_str!("../sql/surface/authorize.sql"),
        include_str!("../sql/surface/metadata.sql"),
        include_str!("../sql/surface/connection.sql"),
        include_str!("../sql/surface/provider.sql"),
        include_str!("../sql/surface/key.sql"),
        include_str!("../sql/surface/signing_key.sql"),
        include_str!("../sql/surface/validator.sql"),
        include_str!("../sql/surface/mfa.sql"),
        include_str!("../sql/surface/api_key.sql"),
        include_str!("../sql/surface/principal.sql"),
        include_str!("../sql/surface/one_time.sql"),
        include_str!("../sql/surface/mail_link.sql"),
        include_str!("../sql/surface/moving_in.sql"),
        include_str!("../sql/surface/invitation.sql"),
        include_str!("../sql/surface/external.sql"),
        include_str!("../sql/surface/webhook.sql"),
        include_str!("../sql/surface/limit.sql"),
        include_str!("../sql/surface/audit.sql"),
        include_str!("../sql/surface/lifecycle.sql"),
        include_str!("../sql/surface/developer.sql"),
        include_str!("../sql/surface/report.sql"),
        include_str!("../sql/surface/shard.sql"),
        include_str!("../sql/surface/router.sql"),
        include_str!("../sql/make_tables.sql"),
    );

    /// How `extension_sql_file!` asks for the text.
    macro_rules! include_str {
        ("../sql/surface") => {
            FILES
        };
    }
    pgrx::extension_sql_file!("../sql/surface", name = "surface", finalize);
}

/// Every setting, each beside what it decides.
static SETTINGS: &[&dyn Listed] = &[
    &kernel::server::pin::TENANT_ID,
    &kernel::server::sharded::SHARDED,
    &kernel::server::sharded::PASS_FENCED,
    &kernel::server::guard::ALLOW_DROP,
    &kernel::server::function_scan::ENABLED,
    &kernel::server::principal::PRINCIPAL,
    &kernel::server::progress::INTERVAL,
    &kernel::server::replica::MAX_LAG,
    &vault::key::master::FILE,
    &vault::key::master::COMMAND,
    &identity::policy::settings::PASSWORD_MIN_LENGTH,
    &identity::policy::settings::PASSWORD_MIN_SCORE,
    &identity::policy::settings::PASSWORD_HISTORY,
    &identity::policy::settings::PASSWORD_MAX_AGE,
    &identity::policy::settings::PASSWORD_CHECK_COMMON,
    &identity::policy::settings::PASSWORD_CHECK_BREACHED,
    &identity::policy::settings::PASSWORD_CHECK_SIMILARITY,
    &identity::policy::settings::LOCKOUT_THRESHOLD,
    &identity::policy::settings::LOCKOUT_USER_THRESHOLD,
    &identity::policy::settings::LOCKOUT_DURATION,
    &identity::policy::settings::LOCKOUT_MAX,
    &identity::policy::settings::SHOW_LOCKED,
    &identity::policy::settings::MFA_REQUIRED,
    &identity::policy::settings::MFA_GRACE,
    &identity::policy::settings::TRUSTED_DEVICE_TTL,
    &identity::policy::settings::PASSKEY_ALLOW_LOCALHOST,
    &identity::policy::settings::ANONYMOUS_TTL,
    &identity::policy::settings::MAIL_MAX_PER_HOUR,
    &identity::policy::settings::MAIL_MAX_PER_DAY,
    &identity::policy::settings::MAIL_INTERVAL,
    &identity::policy::settings::OTP_TTL,
    &identity::policy::settings::OTP_MAX_ATTEMPTS,
    &identity::policy::settings::ONE_TIME_TTL,
    &identity::policy::settings::INVITATION_TTL,
    &identity::password::cost::MEMORY,
    &identity::password::cost::PASSES,
    &identity::password::cost::LANES,
    &identity::password::cost::AT_ONCE,
    &identity::password::cost::WAIT,
    &identity::password::cost::PEPPER,
    &identity::session::create::TTL,
    &identity::session::create::IDLE_TTL,
    &identity::session::revoke::MAX_PER_USER,
    &identity::login::attempt::NETWORK_LIMIT,
    &identity::login::devices::RETENTION,
    &principal::impersonate::TTL,
    &oauth::signing_key::JWKS_MAX_AGE,
    &validator::KEYS_FILE,
    &validator::AUDIENCE,
    &validator::SCOPE,
    &validator::CLAIM,
    &oauth::code::TTL,
    &oauth::token::once::REPLAY_GRACE,
    &oauth::code::pushed::TTL,
    &oauth::device::authorize::TTL,
    &oauth::device::authorize::POLL_INTERVAL,
    &oauth::device::guesses::PER_NETWORK,
    &oauth::device::guesses::PER_TENANT,
    &oauth::grant::grace::GRACE,
    &oauth::grant::retention::RETENTION,
    &trail::retention::RETENTION,
    &lifecycle::cleanup::PAUSE,
    &vault::provider::ALLOW_UNKNOWN,
    &oauth::token::introspect::RECORDED,
    &webhook::outbox::retention::RETENTION,
    &webhook::state::FAILING_DAYS,
    &webhook::subscription::url::ALLOW_HTTP,
    &limit::shared::SLOTS,
    &limit::shared::ENABLED,
];

/// Every table with values that the vault's keys seal.
static SEALED: &[&vault::holder::Holder] = &[
    &vault::connection::HOLDER,
    &identity::mfa::HOLDER,
    &identity::password::pepper::HOLDER,
    &webhook::secret::HOLDER,
    &oauth::client::secret::HOLDER,
    &oauth::signing_key::HOLDER,
    &audit::seal::segment::HOLDER,
];

/// What counts the rows for which something was derived from a master key.
static DERIVED: &[&Statement<vault::holder::Derived>] = &[&identity::password::cost::PEPPERED];

/// Called by the server when it loads the library, preloaded or at the first call.
#[pg_guard]
#[allow(unsafe_code)]
pub extern "C-unwind" fn _PG_init() {
    // SAFETY: a backend is one thread, and the postmaster is when it preloads. With this variable set,
    // every error would carry a backtrace to the client.
    unsafe { std::env::remove_var("RUST_BACKTRACE") };
    kernel::server::shortage::hold_reserve();
    kernel::server::state::loaded();
    kernel::server::settings::define(SETTINGS);
    kernel::server::catalog::watch();
    kernel::server::transaction::watch();
    kernel::server::caller::watch();
    kernel::server::guard::watch(schema::is_own);
    kernel::server::function_scan::watch();
    webhook::outbox::CHANGED.watch();
    recovery::CHANGED.watch();
    vault::holder::list(SEALED, DERIVED);
    limit::shared::reserve();
    webhook::claim::turn::reserve();
    #[cfg(feature = "pg18")]
    kernel::server::oauth_module::decided_by(validator::decide);
}

/// What `cargo pgrx test` needs.
#[cfg(test)]
pub mod pg_test {
    /// Called once before the tests.
    pub fn setup(_options: Vec<&str>) {}

    /// Settings of the test server.
    #[must_use]
    pub fn postgresql_conf_options() -> Vec<&'static str> {
        vec![]
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::fs;
    use std::path::{Path, PathBuf};

    /// The Rust files of a folder and of those in it, one after the other.
    fn sources(folder: &Path) -> String {
        let paths = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
        let read = |path: PathBuf| match path.extension() {
            None => Some(sources(&path)),
            Some(suffix) => (suffix == "rs").then(|| fs::read_to_string(&path).unwrap_or_default()),
        };
        paths.filter_map(read).collect()
    }

    /// One that is not listed is no setting, and what a session says of it before the library is loaded is not proven.
    /// By the text: the list itself needs a server.
    #[test]
    fn every_setting_is_listed() {
        let (_, list) = include_str!("lib.rs").split_once("static SETTINGS").unwrap_or_default();
        let listed: HashSet<_> =
            list.lines().take_while(|line| *line != "];").filter(|line| line.starts_with("    &")).collect();
        let all = sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
        let defined = all.matches(concat!("= Setting", "::")).count();
        assert!(defined >= 40);
        assert_eq!(listed.len(), defined);
    }
}
