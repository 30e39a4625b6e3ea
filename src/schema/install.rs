//! Making the tables, and putting back what belongs to them.

use crate::audit::partitions;
use crate::identity::tenant;
use crate::kernel::outcome::{self, Mistake, OrRaise};
use crate::kernel::server::spi::{self, params};
use crate::kernel::server::version::{TABLES_VERSION, definitions_fit};
use crate::kernel::server::{catalog, state};
use crate::kernel::value::clock::{self, Timestamp};
use crate::recovery;
use crate::schema::{making, one_at_a_time, shape, superuser_only};
use pgrx::prelude::*;
use std::collections::HashSet;

#[pg_extern(volatile, parallel_unsafe)]
#[search_path(pg_catalog, pg_temp)]
fn install() -> i32 {
    spi::quietly(|| making(|| tables_install(clock::now()))).or_raise()
}

/// The tables in the order of their foreign keys. All statements are idempotent.
const TABLES: &[&str] = &[
    include_str!("../../sql/tables/schema.sql"),
    include_str!("../../sql/tables/tenant.sql"),
    include_str!("../../sql/tables/policy.sql"),
    include_str!("../../sql/tables/issuer.sql"),
    include_str!("../../sql/tables/user.sql"),
    include_str!("../../sql/tables/key.sql"),
    include_str!("../../sql/tables/signing_key.sql"),
    include_str!("../../sql/tables/client.sql"),
    include_str!("../../sql/tables/role.sql"),
    include_str!("../../sql/tables/external.sql"),
    include_str!("../../sql/tables/session.sql"),
    include_str!("../../sql/tables/login.sql"),
    include_str!("../../sql/tables/consent.sql"),
    include_str!("../../sql/tables/grant.sql"),
    include_str!("../../sql/tables/token.sql"),
    include_str!("../../sql/tables/code.sql"),
    include_str!("../../sql/tables/interaction.sql"),
    include_str!("../../sql/tables/api_key.sql"),
    include_str!("../../sql/tables/password.sql"),
    include_str!("../../sql/tables/provider.sql"),
    include_str!("../../sql/tables/connection.sql"),
    include_str!("../../sql/tables/mfa.sql"),
    include_str!("../../sql/tables/proof.sql"),
    include_str!("../../sql/tables/device.sql"),
    include_str!("../../sql/tables/passkey.sql"),
    include_str!("../../sql/tables/one_time.sql"),
    include_str!("../../sql/tables/webhook.sql"),
    include_str!("../../sql/tables/audit.sql"),
    include_str!("../../sql/tables/usage.sql"),
    include_str!("../../sql/tables/limit.sql"),
    include_str!("../../sql/tables/lifecycle.sql"),
    include_str!("../../sql/tables/recovery.sql"),
];

const VIEWS: &[&str] = &[
    include_str!("../../sql/views/recent_activity.sql"),
    include_str!("../../sql/views/failed_actions.sql"),
    include_str!("../../sql/views/token_activity.sql"),
    include_str!("../../sql/views/security_events.sql"),
    include_str!("../../sql/views/provider_connections.sql"),
    include_str!("../../sql/views/active_clients.sql"),
    include_str!("../../sql/views/client_stats.sql"),
    include_str!("../../sql/views/active_webhooks_by_event.sql"),
    include_str!("../../sql/views/webhook_health.sql"),
    include_str!("../../sql/views/recent_webhook_deliveries.sql"),
    include_str!("../../sql/views/stats.sql"),
    include_str!("../../sql/views/audit_heads.sql"),
    include_str!("../../sql/views/alerts.sql"),
    include_str!("../../sql/views/jobs.sql"),
    include_str!("../../sql/views/progress.sql"),
];

/// Makes the roles that are missing.
pub const ROLES: &str = include_str!("../../sql/roles.sql");
/// Turns on row-level security and makes the policies.
pub const POLICIES: &str = include_str!("../../sql/policies.sql");
/// Gives tables and views to their owners, and takes back what others were granted.
pub const OWNERSHIP: &str = include_str!("../../sql/ownership.sql");
/// Grants the owner the tablespaces of the tables.
pub const TABLESPACES: &str = include_str!("../../sql/tablespaces.sql");
const PRIVILEGES: &str =
    concat!(include_str!("../../sql/shape.sql"), include_str!("../../sql/privileges.sql"));

fn tables_install(now: Timestamp) -> Result<i32, Mistake> {
    superuser_only("install")?;
    one_at_a_time();
    definitions_fit()?;
    spi::run_script(ROLES)?;
    refuse_foreign_tables()?;
    let version = recorded_version()?.unwrap_or(TABLES_VERSION);
    // install() does not change tables of another version: migrate() brings them to the library's version, step by
    // step.
    let own = version == TABLES_VERSION;
    if own {
        run_tables()?;
    }
    add_missing_row(version)?;
    remember_version(version)?;
    spi::run_script(POLICIES)?;
    if own {
        run_views()?;
    }
    spi::run_script(OWNERSHIP)?;
    spi::run_script(TABLESPACES)?;
    catalog::invalidate();
    if own {
        tenant::restore_default()?;
        partitions::ensure_ahead(now)?;
        recovery::begin(now)?;
        spi::run_script(OWNERSHIP)?;
    }
    privileges_restore()?;
    if !own {
        outcome::warning(&format!(
            "auth_store: the tables are of version {version}, the library of {TABLES_VERSION}: \
             SELECT auth_store.migrate()"
        ));
    }
    Ok(version)
}

/// Makes the tables and indexes that are missing, and says again what each is for.
pub fn run_tables() -> Result<(), Mistake> {
    spi::quietly(|| {
        let (tables, comments): (Vec<_>, Vec<_>) = TABLES.iter().map(|script| parted(script)).unzip();
        tables.iter().try_for_each(|script| spi::run_script(script))?;
        let present: HashSet<String> = spi::run_once::<String>(
            "SELECT pg_catalog.format('%I ON auth_store.%I', n.conname, c.relname)
               FROM pg_catalog.pg_constraint n JOIN pg_catalog.pg_class c ON c.oid = n.conrelid
              WHERE n.connamespace = 'auth_store'::pg_catalog.regnamespace",
            &[],
        )?
        .into_iter()
        .collect();
        let comments: String = comments
            .into_iter()
            .flatten()
            .filter(|comment| named(comment).is_some_and(|name| present.contains(name)))
            .collect();
        spi::run_script(&comments)
    })
}

/// A script of tables without its comments on constraints, and those. A constraint that somebody dropped is no reason
/// not to put back the rest: check() reports it.
fn parted(script: &str) -> (String, Vec<&str>) {
    let (comments, rest): (Vec<_>, Vec<_>) =
        script.split_inclusive(";\n").partition(|statement| named(statement).is_some());
    (rest.concat(), comments)
}

/// What a statement that comments on a constraint calls it: `grants_pkey ON auth_store.grants`.
fn named(statement: &str) -> Option<&str> {
    Some(statement.strip_prefix("COMMENT ON CONSTRAINT ")?.split_once(" IS")?.0)
}

/// Makes the views.
pub fn run_views() -> Result<(), Mistake> {
    VIEWS.iter().try_for_each(|script| spi::run_script(script))
}

/// The version of the present tables; None if there are none. If the schema was restored without rows, the version is
/// the default of the column, which version 1 did not have.
pub fn recorded_version() -> Result<Option<i32>, Mistake> {
    if catalog::relation(c"schema_version").is_none() {
        return Ok(None);
    }
    if let Some(version) = newest_version()? {
        return Ok(Some(version));
    }
    let default = spi::run_once::<Option<String>>(
        "SELECT pg_catalog.pg_get_expr(d.adbin, d.adrelid)
           FROM pg_catalog.pg_attrdef d
           JOIN pg_catalog.pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum AND a.attname = 'version'
          WHERE d.adrelid = 'auth_store.schema_version'::pg_catalog.regclass",
        &[],
    )?;
    Ok(Some(default.into_iter().next().flatten().and_then(|text| text.parse().ok()).unwrap_or(1)))
}

/// Notes the version where no row does, as after a restore of the schema alone.
pub fn add_missing_row(version: i32) -> Result<(), Mistake> {
    spi::change_once(
        "INSERT INTO auth_store.schema_version (version, name)
         SELECT $1, 'install' WHERE NOT EXISTS (SELECT FROM auth_store.schema_version)",
        &params![version],
    )
}

/// Keeps the version in the place that a dump of the schema alone carries.
pub fn remember_version(version: i32) -> Result<(), Mistake> {
    let change = if version > 1 { format!("SET DEFAULT {version}") } else { "DROP DEFAULT".to_owned() };
    spi::run_script(&format!("ALTER TABLE auth_store.schema_version ALTER COLUMN version {change}"))
}

/// Puts the privileges on functions, types and the schema back. The extension's script grants its own, and so defines
/// the shipped privileges.
pub fn privileges_restore() -> Result<(), Mistake> {
    if state::is_in_extension_script() {
        return Ok(());
    }
    let [keys, parts, definitions] = shape();
    for statement in spi::run_once::<String>(PRIVILEGES, &params![keys, parts, definitions])? {
        spi::run_script(&statement)?;
    }
    Ok(())
}

fn newest_version() -> Result<Option<i32>, Mistake> {
    let versions = spi::run_once("SELECT max(version) FROM auth_store.schema_version", &[])?;
    Ok(versions.into_iter().next().flatten())
}

/// Another owner's table in the schema could carry a trigger that sees every row with a secret.
fn refuse_foreign_tables() -> Result<(), Mistake> {
    let foreign = spi::run_once::<String>(
        "SELECT pg_catalog.format('%s belongs to %s', c.oid::pg_catalog.regclass, r.rolname)
           FROM pg_catalog.pg_class c JOIN pg_catalog.pg_roles r ON r.oid = c.relowner
          WHERE c.relnamespace = 'auth_store'::pg_catalog.regnamespace AND c.relkind NOT IN ('i', 'I', 'c')
            AND NOT r.rolsuper AND r.rolname NOT IN ('auth_store_owner', 'auth_store_view')
          LIMIT 1",
        &[],
    )?;
    match foreign.into_iter().next() {
        None => Ok(()),
        Some(text) => Err(Mistake::NotAllowed(
            format!("{text}, who is neither auth_store_owner nor a superuser").into(),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::{TABLES, named, parted};

    #[test]
    fn comments_on_constraints_run_apart() {
        let script =
            "CREATE TABLE t ();\nCOMMENT ON CONSTRAINT k ON s.t IS\n    'One; of two.';\nCREATE INDEX i;\n";
        let (tables, comments) = parted(script);
        assert_eq!(tables, "CREATE TABLE t ();\nCREATE INDEX i;\n");
        assert_eq!(comments.iter().filter_map(|comment| named(comment)).collect::<Vec<_>>(), ["k ON s.t"]);
    }

    #[test]
    fn every_comment_on_a_constraint_is_found() {
        for script in TABLES {
            let (tables, comments) = parted(script);
            assert!(!tables.contains("COMMENT ON CONSTRAINT"));
            assert_eq!(comments.len(), script.matches("COMMENT ON CONSTRAINT").count());
        }
    }
}
