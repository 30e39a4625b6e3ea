//! Bringing the tables of another version to this one, or back.

use crate::audit::partitions;
use crate::identity::user::unnamed;
use crate::kernel::outcome::{Mistake, OrRaise};
use crate::kernel::server::catalog;
use crate::kernel::server::progress::{self, Progress};
use crate::kernel::server::spi::{self, params};
use crate::kernel::server::version::{TABLES_VERSION, definitions_fit};
use crate::kernel::value::clock;
use crate::recovery;
use crate::schema::install::{
    OWNERSHIP, POLICIES, ROLES, TABLESPACES, add_missing_row, privileges_restore, recorded_version,
    remember_version, run_tables, run_views,
};
use crate::schema::{making, one_at_a_time, superuser_only};
use pgrx::prelude::*;

#[pg_extern(volatile, parallel_unsafe)]
#[search_path(pg_catalog, pg_temp)]
fn migrate(to_version: default!(Option<i32>, "NULL")) -> i32 {
    let target = to_version.unwrap_or(TABLES_VERSION);
    making(|| tables_migrate(target, MIGRATIONS)).or_raise()
}

/// A change of the tables after the first release, with the way back.
struct Migration {
    /// The version the tables have after `up`, one more than before.
    version: i32,
    name: &'static str,
    up: &'static str,
    down: &'static str,
}

impl Migration {
    /// What its files are called.
    fn file(&self) -> String {
        format!("{:04}_{}", self.version, self.name)
    }
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
    migration!(6, "0006", "user_names"),
    migration!(7, "0007", "user_status"),
    migration!(8, "0008", "people"),
    migration!(9, "0009", "webhooks"),
    migration!(10, "0010", "protocol"),
    migration!(11, "0011", "recoveries"),
    migration!(12, "0012", "audit_seals"),
    migration!(13, "0013", "shards"),
    migration!(14, "0014", "imported_pointers"),
];

fn tables_migrate(target: i32, migrations: &[Migration]) -> Result<i32, Mistake> {
    superuser_only("migrate")?;
    one_at_a_time();
    definitions_fit()?;
    if catalog::relation(c"schema_version").is_none() {
        return Err(Mistake::NotInstalled(
            "the tables of auth_store are not installed in this database".into(),
        ));
    }
    let progress = Progress::begin("migrate", None);
    spi::run_script(ROLES)?;
    // Nobody reads the version in between.
    spi::run_script("LOCK TABLE auth_store.schema_version IN ACCESS EXCLUSIVE MODE")?;
    let from = recorded_version()?.unwrap_or(TABLES_VERSION);
    let steps = steps(from, target, migrations)?;
    let count = steps.len() + 1;
    add_missing_row(from)?;
    for (step, number) in steps.into_iter().zip(1..) {
        progress.step(&step.migration().file(), number, count);
        match step {
            Step::Up(migration) => {
                spi::run_long_script(migration.up, progress::show_again)?;
                spi::change_once(
                    "INSERT INTO auth_store.schema_version (version, name) VALUES ($1, $2)",
                    &params![migration.version, migration.name],
                )?;
            }
            Step::Down(migration) => {
                spi::run_long_script(migration.down, progress::show_again)?;
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
    progress.step("tables, views and privileges", count, count);
    if target == TABLES_VERSION {
        unnamed::fill(&progress)?;
        // Makes the tables that are new, and puts back what a migration did not name: comments, an index that was lost.
        run_tables()?;
        run_views()?;
    }
    spi::run_script(POLICIES)?;
    spi::run_script(OWNERSHIP)?;
    spi::run_script(TABLESPACES)?;
    catalog::invalidate();
    if target == TABLES_VERSION {
        // Of a table that a migration has just made.
        partitions::ensure_ahead(clock::now())?;
        recovery::begin(clock::now())?;
        spi::run_script(OWNERSHIP)?;
    }
    privileges_restore()?;
    Ok(target)
}

enum Step<'a> {
    Up(&'a Migration),
    Down(&'a Migration),
}

impl<'a> Step<'a> {
    fn migration(&self) -> &'a Migration {
        match self {
            Self::Up(migration) | Self::Down(migration) => migration,
        }
    }
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
