//! The tables as a whole: made, migrated, checked, dropped.
//!
//! The extension owns code only. Its tables are ordinary tables made by [`install`], so that dumps
//! keep every row and DROP EXTENSION loses none.

use std::ffi::CStr;

use pgrx::prelude::*;

use crate::audit::partitions;
use crate::identity::tenant;
use crate::identity::user::email_key;
use crate::kernel::outcome::{self, Mistake, OrRaise, given};
use crate::kernel::server::catalog::{self, TABLES_VERSION};
use crate::kernel::server::spi::{self, params};
use crate::kernel::server::table::Published;
use crate::kernel::server::{guard, library, pin, settings};
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::lifecycle::tables;
use crate::trail::retention;

#[pg_extern(volatile, parallel_unsafe)]
#[search_path(pg_catalog, pg_temp)]
fn install() -> i32 {
    spi::quietly(|| making(|| tables_install(clock::now()))).or_raise()
}

#[pg_extern(volatile, parallel_unsafe)]
#[search_path(pg_catalog, pg_temp)]
fn migrate(to_version: default!(Option<i32>, "NULL")) -> i32 {
    let target = to_version.unwrap_or(TABLES_VERSION);
    making(|| tables_migrate(target, MIGRATIONS)).or_raise()
}

#[pg_extern(stable, parallel_safe)]
#[search_path(pg_catalog, pg_temp)]
#[allow(clippy::type_complexity)]
fn check() -> TableIterator<
    'static,
    (name!(object, String), name!(problem, String), name!(hint, String), name!(severity, String)),
> {
    TableIterator::new(spi::with_settings(PRINTING, tables_check).or_raise())
}

#[pg_extern(volatile, parallel_unsafe)]
#[search_path(pg_catalog, pg_temp)]
fn uninstall(confirm: Option<&str>) -> bool {
    tables_uninstall(confirm).or_raise();
    true
}

/// For the end of the install script.
#[pg_extern(stable, parallel_restricted)]
fn restoring() -> bool {
    catalog::is_restoring()
}

/// For the event trigger.
#[pg_extern(volatile, parallel_unsafe)]
fn guard_tables(tag: Option<&str>) -> bool {
    guard::command_begins(tag.unwrap_or_default());
    true
}

/// Runs once a row in every policy.
#[pg_extern(
    stable,
    parallel_safe,
    sql = "
CREATE FUNCTION auth_store.tenant_visible(tenant_id text) RETURNS boolean
    STABLE LEAKPROOF PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';
"
)]
fn tenant_visible(tenant_id: Option<&str>) -> bool {
    pin::prove().or_raise();
    match settings::tenant_pin() {
        None => true,
        Some(pin) => tenant_id == Some(pin),
    }
}

#[pg_extern(immutable, parallel_safe)]
fn id_time(id: Option<pgrx::Uuid>) -> Option<TimestampWithTimeZone> {
    // Every 48 bits of milliseconds are a valid timestamp.
    TimestampWithTimeZone::try_from(Id::from(id?).time().micros()).ok()
}

/// The tables in the order of their foreign keys. All statements are idempotent.
const TABLES: &[&str] = &[
    include_str!("../../sql/tables/schema.sql"),
    include_str!("../../sql/tables/tenant.sql"),
    include_str!("../../sql/tables/client.sql"),
    include_str!("../../sql/tables/user.sql"),
    include_str!("../../sql/tables/session.sql"),
    include_str!("../../sql/tables/consent.sql"),
    include_str!("../../sql/tables/grant.sql"),
    include_str!("../../sql/tables/token.sql"),
    include_str!("../../sql/tables/code.sql"),
    include_str!("../../sql/tables/api_key.sql"),
    include_str!("../../sql/tables/key.sql"),
    include_str!("../../sql/tables/connection.sql"),
    include_str!("../../sql/tables/proof.sql"),
    include_str!("../../sql/tables/device.sql"),
    include_str!("../../sql/tables/audit.sql"),
    include_str!("../../sql/tables/limit.sql"),
    include_str!("../../sql/tables/lifecycle.sql"),
];

const VIEWS: &[&str] = &[
    include_str!("../../sql/views/recent_activity.sql"),
    include_str!("../../sql/views/failed_actions.sql"),
    include_str!("../../sql/views/token_activity.sql"),
    include_str!("../../sql/views/security_events.sql"),
    include_str!("../../sql/views/provider_connections.sql"),
];

/// Settings of the caller that would change the text of definitions, which check() compares.
const PRINTING: &[(&CStr, &CStr)] = &[
    (c"quote_all_identifiers", c"off"),
    (c"standard_conforming_strings", c"on"),
    (c"DateStyle", c"ISO, YMD"),
    (c"IntervalStyle", c"postgres"),
    (c"TimeZone", c"UTC"),
    (c"extra_float_digits", c"1"),
    (c"bytea_output", c"hex"),
    // Compiling such a query takes seconds.
    (c"jit", c"off"),
];

/// … and, beside these, in what is made.
const MAKING: &[(&CStr, &CStr)] = &[
    (c"array_nulls", c"on"),
    (c"transform_null_equals", c"off"),
    (c"default_table_access_method", c"heap"),
    (c"session_replication_role", c"origin"),
    (c"row_security", c"on"),
];

fn making<T>(work: impl FnOnce() -> T) -> T {
    spi::with_settings(PRINTING, || spi::with_settings(MAKING, work))
}

const ROLES: &str = include_str!("../../sql/roles.sql");
const POLICIES: &str = include_str!("../../sql/policies.sql");
const OWNERSHIP: &str = include_str!("../../sql/ownership.sql");
const TABLESPACES: &str = include_str!("../../sql/tablespaces.sql");
const CHECK: &str = concat!(include_str!("../../sql/shape.sql"), include_str!("../../sql/check.sql"));
const PRIVILEGES: &str =
    concat!(include_str!("../../sql/shape.sql"), include_str!("../../sql/privileges.sql"));

/// The findings of sql/shape.sql in a fresh install, as scripts/shape wrote them: one fact a line, in three columns.
const SHAPE: &str = include_str!("../../sql/shape.txt");

fn shape() -> [Vec<&'static str>; 3] {
    let column = |n| SHAPE.lines().map(|line| line.split('\t').nth(n).unwrap_or_default()).collect();
    [column(0), column(1), column(2)]
}

/// Whether a fresh install has this object, as `table users`, or this part of it, as `column email`.
pub fn is_own(object: &str, part: Option<&str>) -> bool {
    SHAPE.lines().any(|line| {
        let mut columns = line.split('\t');
        columns.next() == Some(object) && part.is_none_or(|part| columns.next() == Some(part))
    })
}

/// A change of the tables after the first release, with the way back.
struct Migration {
    /// The version the tables have after `up`, one more than before.
    version: i32,
    name: &'static str,
    up: &'static str,
    down: &'static str,
}

/// `sql/migrations/NNNN_name.{up,down}.sql`.
macro_rules! migration {
    ($version:literal, $number:literal, $name:literal) => {
        Migration {
            version: $version,
            name: $name,
            up: include_str!(concat!("../../sql/migrations/", $number, "_", $name, ".up.sql")),
            down: include_str!(concat!("../../sql/migrations/", $number, "_", $name, ".down.sql")),
        }
    };
}

/// All changes since version 1, in order.
const MIGRATIONS: &[Migration] = &[
    migration!(2, "0002", "audit_callers"),
    migration!(3, "0003", "email_key"),
    migration!(4, "0004", "schemes_and_keys"),
    migration!(5, "0005", "audit_retention"),
];

fn tables_install(now: Timestamp) -> Result<i32, Mistake> {
    superuser_only("install")?;
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
        spi::run_script(OWNERSHIP)?;
    }
    privileges_restore()?;
    if !own {
        outcome::warning(&format!(
            "auth_store: the tables are of version {version}, the library of {TABLES_VERSION}: SELECT auth_store.migrate()"
        ));
    }
    Ok(version)
}

fn run_tables() -> Result<(), Mistake> {
    spi::quietly(|| TABLES.iter().try_for_each(|script| spi::run_script(script)))
}

fn run_views() -> Result<(), Mistake> {
    VIEWS.iter().try_for_each(|script| spi::run_script(script))
}

/// The version of the present tables; None if there are none. If the schema was restored without rows, the version is
/// the default of the column, which version 1 did not have.
fn recorded_version() -> Result<Option<i32>, Mistake> {
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

fn add_missing_row(version: i32) -> Result<(), Mistake> {
    spi::change_once(
        "INSERT INTO auth_store.schema_version (version, name)
         SELECT $1, 'install' WHERE NOT EXISTS (SELECT FROM auth_store.schema_version)",
        &params![version],
    )
}

/// Keeps the version in the place that a dump of the schema alone carries.
fn remember_version(version: i32) -> Result<(), Mistake> {
    let change = if version > 1 { format!("SET DEFAULT {version}") } else { "DROP DEFAULT".to_owned() };
    spi::run_script(&format!("ALTER TABLE auth_store.schema_version ALTER COLUMN version {change}"))
}

/// Puts the privileges on functions, types and the schema back. The extension's script grants its own, and so defines
/// the shipped privileges.
fn privileges_restore() -> Result<(), Mistake> {
    if library::is_in_extension_script() {
        return Ok(());
    }
    let [keys, parts, definitions] = shape();
    for statement in spi::run_once::<String>(PRIVILEGES, &params![keys, parts, definitions])? {
        spi::run_script(&statement)?;
    }
    Ok(())
}

fn tables_migrate(target: i32, migrations: &[Migration]) -> Result<i32, Mistake> {
    superuser_only("migrate")?;
    if catalog::relation(c"schema_version").is_none() {
        return Err(Mistake::NotInstalled(
            "the tables of auth_store are not installed in this database".into(),
        ));
    }
    spi::run_script(ROLES)?;
    // One migration at a time, and nobody reads the version in between.
    spi::run_script("LOCK TABLE auth_store.schema_version IN ACCESS EXCLUSIVE MODE")?;
    let from = recorded_version()?.unwrap_or(TABLES_VERSION);
    let steps = steps(from, target, migrations)?;
    add_missing_row(from)?;
    for step in steps {
        match step {
            Step::Up(migration) => {
                spi::run_script(migration.up)?;
                spi::change_once(
                    "INSERT INTO auth_store.schema_version (version, name) VALUES ($1, $2)",
                    &params![migration.version, migration.name],
                )?;
            }
            Step::Down(migration) => {
                spi::run_script(migration.down)?;
                // A fresh install has recorded its own version only.
                spi::change_once(
                    "INSERT INTO auth_store.schema_version (version, name)
                     SELECT $1 - 1, 'install'
                      WHERE NOT EXISTS (SELECT FROM auth_store.schema_version WHERE version = $1 - 1)",
                    &params![migration.version],
                )?;
                spi::change_once(
                    "DELETE FROM auth_store.schema_version WHERE version = $1",
                    &params![migration.version],
                )?;
            }
        }
    }
    remember_version(target)?;
    spi::run_script(POLICIES)?;
    if target == TABLES_VERSION {
        email_key::fill()?;
        // Puts back what a migration did not name: comments, an index that was lost.
        run_tables()?;
        run_views()?;
    }
    spi::run_script(OWNERSHIP)?;
    spi::run_script(TABLESPACES)?;
    privileges_restore()?;
    catalog::invalidate();
    Ok(target)
}

enum Step<'a> {
    Up(&'a Migration),
    Down(&'a Migration),
}

/// The migrations to run, in order, from one version to another.
fn steps(from: i32, to: i32, migrations: &[Migration]) -> Result<Vec<Step<'_>>, Mistake> {
    let newest = migrations.last().map_or(1, |migration| migration.version);
    for (argument, version) in [("to_version", to), ("schema_version", from)] {
        if !(1..=newest).contains(&version) {
            return Err(Mistake::InvalidArgument {
                argument,
                accepted: format!("a version this library knows, 1 to {newest}").into(),
            });
        }
    }
    let within =
        |low: i32, high: i32| migrations.iter().filter(move |m| m.version > low && m.version <= high);
    Ok(if to >= from {
        within(from, to).map(Step::Up).collect()
    } else {
        let mut back: Vec<_> = within(to, from).map(Step::Down).collect();
        back.reverse();
        back
    })
}

fn newest_version() -> Result<Option<i32>, Mistake> {
    let versions = spi::run_once("SELECT max(version) FROM auth_store.schema_version", &[])?;
    Ok(versions.into_iter().next().flatten())
}

/// Object, problem, hint and severity.
type Finding = (String, String, String, String);

fn tables_check() -> Result<Vec<Finding>, Mistake> {
    let [keys, parts, definitions] = shape();
    let mut found: Vec<Finding> =
        spi::read_once(CHECK, &params![keys, parts, definitions, library::is_preloaded()])?;
    // The rows are read past the executor, because the roles that may call check() may not read the tables. A table
    // that differs from the shipped one is not read.
    let sound = |found: &[Finding], table: &str| {
        !found.iter().any(|(object, _, _, severity)| object == table && severity == "problem")
    };
    // A version that cannot be read is in an altered table, which the findings above name.
    if let Ok(Some((problem, hint))) = version_problem() {
        found.push(("table schema_version".into(), problem, hint.into(), "problem".into()));
    }
    if ["tenants", "clients", "users"].iter().all(|table| sound(&found, &format!("table {table}")))
        && tenant::default_is_lost()?
    {
        let problem = format!("has no tenant {}, whose clients and users there are", tenant::DEFAULT);
        found.push(("table tenants".into(), problem, "SELECT auth_store.install()".into(), "problem".into()));
    }
    if sound(&found, "table users") {
        let problems = email_key::problems()?.into_iter();
        found.extend(problems.map(|(object, problem, hint)| (object, problem, hint, "problem".into())));
    }
    if sound(&found, "table cleanup_cursors")
        && let Some(problem) = retention::problem()?
    {
        let hint =
            "ALTER DATABASE … SET auth_store.audit_retention, to what it was or to less, and reconnect";
        found.push(("setting auth_store.audit_retention".into(), problem, hint.into(), "problem".into()));
    }
    found.extend(publications()?);
    found.sort();
    Ok(found)
}

/// Publications whose subscribers would answer wrongly.
fn publications() -> Result<Vec<Finding>, Mistake> {
    let validation: Vec<_> = tables::all()
        .filter(|table| table.published == Published::Validation)
        .map(|table| table.name)
        .collect();
    let found: Vec<(String, String, String)> =
        spi::read_once(include_str!("../../sql/publications.sql"), &params![validation])?;
    Ok(found
        .into_iter()
        .map(|(name, carried, missing)| {
            (
                format!("publication {name}"),
                format!("carries {carried}, but not {missing}: its subscriber takes dead for live, or live for dead"),
                "ALTER PUBLICATION … ADD TABLE, or a publication for each purpose".to_owned(),
                "note".to_owned(),
            )
        })
        .collect())
}

/// Versions this far from the library's are looked for.
const FAR: i32 = 1000;

fn version_problem() -> Result<Option<(String, &'static str)>, Mistake> {
    if !catalog::has_version(TABLES_VERSION)? {
        return Ok(Some((
            format!("the tables' version is not {TABLES_VERSION}, the library's"),
            "SELECT auth_store.migrate()",
        )));
    }
    for version in (-FAR..1).chain(TABLES_VERSION + 1..TABLES_VERSION + FAR) {
        if catalog::has_version(version)? {
            return Ok(Some((
                format!(
                    "says version {version}, which the library, of version {TABLES_VERSION}, does not know"
                ),
                "A later library's tables: install it again. Else DELETE the row",
            )));
        }
    }
    Ok(None)
}

fn tables_uninstall(confirm: Option<&str>) -> Result<(), Mistake> {
    superuser_only("uninstall")?;
    let confirm = given(confirm, "confirm")?;
    let database = spi::run_once::<String>("SELECT pg_catalog.current_database()::text", &[])?;
    if database.first().map(String::as_str) != Some(confirm) {
        return Err(Mistake::invalid("confirm", "the name of the current database"));
    }
    catalog::invalidate();
    // Not tables that an administrator has kept beside them, such as a month that was detached.
    let [mut names, ..] = shape();
    names = names.iter().filter_map(|key| key.strip_prefix("table ").or(key.strip_prefix("view "))).collect();
    names.dedup();
    for kind in ["v", "rp"] {
        // One statement, so that the tables may refer to each other and no other table may refer to them.
        let dropped = spi::run_once::<Option<String>>(
            "SELECT pg_catalog.string_agg(c.oid::pg_catalog.regclass::text, ', ')
               FROM pg_catalog.pg_class c
              WHERE c.relnamespace = 'auth_store'::pg_catalog.regnamespace AND NOT c.relispartition
                AND pg_catalog.strpos($1, c.relkind::text) > 0 AND c.relname = ANY ($2)
                AND pg_catalog.pg_get_userbyid(c.relowner) IN ('auth_store_owner', 'auth_store_view')",
            &params![kind, names.clone()],
        )?;
        if let Some(names) = dropped.into_iter().next().flatten() {
            let word = if kind == "v" { "VIEW" } else { "TABLE" };
            spi::run_script(&format!("DROP {word} {names}"))?;
        }
    }
    Ok(())
}

fn superuser_only(function: &str) -> Result<(), Mistake> {
    if catalog::is_superuser() {
        Ok(())
    } else {
        Err(Mistake::NotAllowed(format!("auth_store.{function}() must be called by a superuser").into()))
    }
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
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{Migration, Step, steps};

    const THREE: &[Migration] = &[
        Migration { version: 2, name: "two", up: "", down: "" },
        Migration { version: 3, name: "three", up: "", down: "" },
    ];

    fn path(from: i32, to: i32) -> Vec<i32> {
        steps(from, to, THREE)
            .unwrap()
            .iter()
            .map(|step| match step {
                Step::Up(m) => m.version,
                Step::Down(m) => -m.version,
            })
            .collect()
    }

    #[test]
    fn migrations_run_up_in_order_and_down_in_reverse() {
        assert_eq!(path(1, 3), [2, 3]);
        assert_eq!(path(3, 1), [-3, -2]);
        assert_eq!(path(2, 3), [3]);
        assert!(path(2, 2).is_empty());
    }

    #[test]
    fn unknown_versions_are_refused() {
        for (from, to) in [(1, 0), (1, 4), (4, 1), (0, 1)] {
            assert!(steps(from, to, THREE).is_err(), "{from} to {to}");
        }
    }
}
