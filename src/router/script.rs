//! The script of a router as a whole.

use std::fmt::Write as _;

use crate::router::catalog::{Catalog, Column, Login};
use crate::router::function::{Script, may};
use crate::router::place::{BUCKETS, Places};
use crate::router::roads::{self, Road};

/// What the router has of its own, before and after the functions that pass on.
const BEGIN: &str = include_str!("../../sql/router/begin.sql");
const SHARDS: &str = include_str!("../../sql/router/shards.sql");
const WATCH: &str = include_str!("../../sql/router/watch.sql");
/// Functions that are written by hand there.
const OWN: [&str; 3] = ["check", "health", "migrate"];

/// The script that makes a database the router of these places.
pub fn write(cluster: &str, places: &Places, catalog: &Catalog) -> String {
    let script = Script { catalog, cluster, registry: BUCKETS + places.registry };
    let mut text = BEGIN.replace("{version}", &catalog.version) + "\n-- The roles of the store.\n";
    text += &roles(catalog);
    text += &SHARDS.replace("{cluster}", cluster).replace("{registry}", &places.registry.to_string());
    text += &rows(places);
    text += "\n-- The types of the store.\n";
    for row in catalog.rows.iter().filter(|row| !row.is_view) {
        let _ = writeln!(text, "CREATE TYPE auth_store.{} AS ({});", row.name, columns(&row.columns));
    }
    let mut stays = Vec::new();
    let known: Vec<_> =
        catalog.functions.iter().filter_map(|f| roads::of(&f.name).map(|fact| (fact, f))).collect();
    for first in [true, false] {
        text += if first { "\n-- What the library computes.\n" } else { "\n-- What the shards answer.\n" };
        for (fact, function) in &known {
            let is_own = OWN.contains(&fact.function);
            if matches!(fact.road, Road::Library) == first && !is_own {
                match script.function(fact, function) {
                    Some(made) => text += &made,
                    None => stays.push(fact.function),
                }
            }
        }
    }
    text += "\n-- The views of all shards.\n";
    for view in catalog.rows.iter().filter(|row| row.is_view) {
        text += &script.view(&view.name, &view.columns, &view.may);
    }
    let _ = write!(text, "\n-- These stay on the shards: {}.\n", stays.join(", "));
    let library = known.iter().filter(|(fact, _)| matches!(fact.road, Road::Library));
    let library: Vec<_> = library.map(|(fact, _)| format!("auth_store.{}", fact.function)).collect();
    // Names last, because they are data: one may look like a part of the template.
    text += &WATCH
        .replace("{cluster}", cluster)
        .replace("{library}", &library.join(", "))
        .replace("{roles}", &catalog.roles.join(", "));
    for function in catalog.functions.iter().filter(|function| OWN.contains(&function.name.as_str())) {
        for schema in ["auth_store", "auth_store_router"] {
            text += &may(&format!("FUNCTION {schema}.\"{}\"", function.name), &function.may, "EXECUTE");
        }
    }
    let watchers = ["auth_store_admin".to_owned(), "auth_store_auditor".to_owned()];
    text += &may("FUNCTION auth_store_router.role_pins, auth_store_router.findings", &watchers, "EXECUTE");
    text += "\n-- The roles that log in.\n";
    for login in &catalog.logins {
        text += &mapped(login, cluster);
    }
    text + "COMMIT;\n"
}

fn roles(catalog: &Catalog) -> String {
    catalog.roles.iter().map(|role| role_if_absent(role, "NOLOGIN NOINHERIT")).collect()
}

fn role_if_absent(role: &str, how: &str) -> String {
    format!(
        "DO $$ BEGIN IF to_regrole({}) IS NULL THEN EXECUTE {}; END IF; END $$;\n",
        literal(role),
        literal(&format!("CREATE ROLE {role} {how}"))
    )
}

/// The shards as rows of the router's table, which keeps those that it has.
fn rows(places: &Places) -> String {
    let rows: Vec<_> = places
        .shards
        .iter()
        .enumerate()
        .map(|(number, shard)| {
            format!(
                "    ({number}, {}, {}, '{}')",
                literal(&shard.name),
                literal(&shard.connection),
                places.buckets(number)
            )
        })
        .collect();
    format!(
        "INSERT INTO auth_store_router.shards\nSELECT s.number, s.shard, s.connection, s.buckets::int4multirange\n  \
         FROM (VALUES\n{}) s (number, shard, connection, buckets)\n \
         WHERE NOT EXISTS (SELECT FROM auth_store_router.shards);\n\
         DO $$ BEGIN PERFORM auth_store_router.apply(); END $$;\n",
        rows.join(",\n")
    )
}

fn columns(columns: &[Column]) -> String {
    columns.iter().map(|c| format!("{} {}", c.name, c.r#type)).collect::<Vec<_>>().join(", ")
}

/// A role that logs in: the same one on the router and on the shards, with the same pin in the router's database alone.
fn mapped(login: &Login, cluster: &str) -> String {
    let Login { name, of, pin } = login;
    let plain = literal(&name.trim_matches('"').replace("\"\"", "\""));
    let pinned = |pin: &String| {
        format!(
            "DO $$ BEGIN EXECUTE format('ALTER ROLE %I IN DATABASE %I SET auth_store.tenant_id = %L', {plain}, \
             current_database(), {}); END $$;\n",
            literal(pin)
        )
    };
    format!(
        "{}GRANT {} TO {name};\n{}CREATE USER MAPPING IF NOT EXISTS FOR {name} SERVER \"{cluster}\" \
         OPTIONS (user {plain});\n",
        role_if_absent(name, "LOGIN"),
        of.join(", "),
        pin.as_ref().map_or_else(String::new, pinned)
    )
}

/// A text in quotes, also within a body in dollar quotes.
fn literal(text: &str) -> String {
    let quoted = text.replace('\'', "''");
    if !text.contains('\\') && !text.contains("$$") {
        return format!("'{quoted}'");
    }
    format!(" E'{}'", quoted.replace('\\', "\\\\").replace("$$", "\\x24\\x24"))
}
