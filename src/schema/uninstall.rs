//! Dropping the tables with every row.

use crate::kernel::outcome::{Mistake, OrRaise, given};
use crate::kernel::server::catalog;
use crate::kernel::server::spi::{self, params};
use crate::schema::{shape, superuser_only};
use pgrx::prelude::*;

#[pg_extern(volatile, parallel_unsafe)]
#[search_path(pg_catalog, pg_temp)]
fn uninstall(confirm: Option<&str>) -> bool {
    tables_uninstall(confirm).or_raise();
    true
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
