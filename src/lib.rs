//! auth_store: a complete auth store inside PostgreSQL.
//!
//! This file is the index: the modules, the start of the library and the order of the install script.

use pgrx::prelude::*;

mod api_key;
mod audit;
mod identity;
mod kernel;
mod lifecycle;
mod limit;
mod oauth;
mod rfc;
mod schema;
mod trail;
mod vault;

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
        include_str!("../sql/types/client.sql"),
        include_str!("../sql/types/user.sql"),
        include_str!("../sql/types/session.sql"),
        include_str!("../sql/types/token.sql"),
        include_str!("../sql/types/code.sql"),
        include_str!("../sql/types/device.sql"),
        include_str!("../sql/types/consent.sql"),
        include_str!("../sql/types/proof.sql"),
        include_str!("../sql/types/connection.sql"),
        include_str!("../sql/types/key.sql"),
        include_str!("../sql/types/api_key.sql"),
        include_str!("../sql/types/limit.sql"),
        include_str!("../sql/types/lifecycle.sql"),
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
        include_str!("../sql/surface/user.sql"),
        include_str!("../sql/surface/session.sql"),
        include_str!("../sql/surface/client.sql"),
        include_str!("../sql/surface/grant.sql"),
        include_str!("../sql/surface/token.sql"),
        include_str!("../sql/surface/code.sql"),
        include_str!("../sql/surface/device.sql"),
        include_str!("../sql/surface/consent.sql"),
        include_str!("../sql/surface/proof.sql"),
        include_str!("../sql/surface/connection.sql"),
        include_str!("../sql/surface/key.sql"),
        include_str!("../sql/surface/api_key.sql"),
        include_str!("../sql/surface/limit.sql"),
        include_str!("../sql/surface/audit.sql"),
        include_str!("../sql/surface/lifecycle.sql"),
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

/// Called by the server when it loads the library, preloaded or at the first call.
#[pg_guard]
#[allow(unsafe_code)]
pub extern "C-unwind" fn _PG_init() {
    // SAFETY: a backend is one thread, and the postmaster is when it preloads. With this variable set,
    // every error would carry a backtrace to the client.
    unsafe { std::env::remove_var("RUST_BACKTRACE") };
    kernel::server::state::loaded();
    kernel::server::settings::define();
    kernel::server::catalog::watch();
    kernel::server::transaction::watch();
    kernel::server::caller::watch();
    kernel::server::guard::watch(schema::is_own);
    kernel::server::shmem::request();
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
