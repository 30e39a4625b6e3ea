//! A router: a database without the extension that passes each call on to the shard that has its bucket, by PL/Proxy.
//! Here is the script that makes one. Where each function goes is said in sql/router/roads.txt.

mod catalog;
mod function;
mod place;
mod request;
mod roads;
mod script;

use pgrx::prelude::*;

use crate::kernel::outcome::{Mistake, OrRaise, given};
use crate::kernel::server::spi;
use crate::kernel::value::jsonb::Jsonb;
use crate::router::catalog::Catalog;
use crate::router::place::Places;
use crate::schema::PRINTING;

#[pg_extern(stable, parallel_safe)]
#[search_path(pg_catalog, pg_temp)]
fn router_sql(
    cluster: Option<&str>,
    shards: Option<Jsonb>,
    map: default!(Option<Jsonb>, "NULL"),
    registry: default!(Option<&str>, "NULL"),
) -> String {
    write(cluster, shards, map, registry).or_raise()
}

const CLUSTER: &str = "a name of up to 63 characters of a-z, 0-9 and _, which does not begin with a digit";

fn write(
    cluster: Option<&str>,
    shards: Option<Jsonb>,
    map: Option<Jsonb>,
    registry: Option<&str>,
) -> Result<String, Mistake> {
    let cluster = given(cluster, "cluster")?;
    if !is_plain(cluster) {
        return Err(Mistake::invalid("cluster", CLUSTER));
    }
    let places = Places::read(&given(shards, "shards")?, map.as_ref(), registry)?;
    let catalog = spi::with_settings(PRINTING, Catalog::read)?;
    Ok(script::write(cluster, &places, &catalog))
}

/// Whether a name needs no quotes anywhere, also not in the body of a function.
fn is_plain(name: &str) -> bool {
    let letter = |c: char| c.is_ascii_lowercase() || c == '_';
    name.len() <= 63 && name.starts_with(letter) && name.chars().all(|c| letter(c) || c.is_ascii_digit())
}
