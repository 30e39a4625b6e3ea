//! What is missing, foreign, altered or lost.

use crate::identity::tenant;
use crate::identity::user::{self, elsewhere, names, unnamed};
use crate::kernel::outcome::{Mistake, OrRaise};
use crate::kernel::server::sharded::SHARDED;
use crate::kernel::server::spi::{self, params};
use crate::kernel::server::table::{Published, Table};
use crate::kernel::server::version::{self, TABLES_VERSION};
use crate::kernel::server::{replica, state};
use crate::lifecycle::{cursors, tables};
use crate::oauth::client;
use crate::schema::{PRINTING, shape};
use crate::trail::retention;
use pgrx::prelude::*;

#[pg_extern(name = "check", stable, parallel_safe)]
#[search_path(pg_catalog, pg_temp)]
#[allow(clippy::type_complexity)]
fn check_with_severity() -> TableIterator<
    'static,
    (name!(object, String), name!(problem, String), name!(hint, String), name!(severity, String)),
> {
    TableIterator::new(replica::regardless(|| spi::with_settings(PRINTING, tables_check)).or_raise())
}

const CHECK: &str = concat!(include_str!("../../sql/shape.sql"), include_str!("../../sql/check.sql"));

/// Object, problem, hint and severity.
type Finding = (String, String, String, String);

fn tables_check() -> Result<Vec<Finding>, Mistake> {
    let [keys, parts, definitions] = shape();
    let mut found: Vec<Finding> =
        spi::read_once(CHECK, &params![keys, parts, definitions, state::is_preloaded()])?;
    // The rows are read past the executor, because the roles that may call check() may not read the tables. A table
    // that differs from the shipped one is not read.
    let sound = |found: &[Finding], tables: &[&Table]| {
        let objects: Vec<_> = tables.iter().map(|table| format!("table {}", table.name)).collect();
        !found.iter().any(|(object, _, _, severity)| objects.contains(object) && severity == "problem")
    };
    // A version that cannot be read is in an altered table, which the findings above name.
    if let Ok(Some((problem, hint))) = version_problem() {
        found.push(("table schema_version".into(), problem, hint.into(), "problem".into()));
    }
    if sound(&found, &[&tenant::TABLE, &client::TABLE, &user::TABLE]) && tenant::default_is_lost()? {
        let problem = format!("has no tenant {}, whose clients and users there are", tenant::DEFAULT);
        found.push(("table tenants".into(), problem, "SELECT auth_store.install()".into(), "problem".into()));
    }
    if sound(&found, &[&user::TABLE, &names::TABLE]) {
        let problems = unnamed::problems()?.into_iter();
        found.extend(problems.map(|(object, problem, hint)| (object, problem, hint, "problem".into())));
    }
    if sound(&found, &[&cursors::TABLE])
        && let Some(problem) = retention::problem()?
    {
        let hint =
            "ALTER DATABASE … SET auth_store.audit_retention, to what it was or to less, and reconnect";
        found.push(("setting auth_store.audit_retention".into(), problem, hint.into(), "problem".into()));
    }
    if !SHARDED.get() && sound(&found, &[&tables::SCHEMA_VERSION, &elsewhere::TABLE]) && elsewhere::any()? {
        let problem = "has names of users of other databases, which nobody heeds with auth_store.sharded off";
        let hint = "SET auth_store.sharded = on, for every database over which the store is spread";
        found.push(("table user_name_claims".into(), problem.into(), hint.into(), "problem".into()));
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
    if !version::has_version(TABLES_VERSION)? {
        return Ok(Some((
            format!("the tables' version is not {TABLES_VERSION}, the library's"),
            "SELECT auth_store.migrate()",
        )));
    }
    for version in (-FAR..1).chain(TABLES_VERSION + 1..TABLES_VERSION + FAR) {
        if version::has_version(version)? {
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
