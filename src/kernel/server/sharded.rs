//! Whether the store is spread over several databases, of which this is one.

use crate::kernel::server::settings::Setting;

/// What it decides is in the domains: how user codes look, and whether a name may be another database's user's.
pub static SHARDED: Setting<bool> = Setting::switch(
    c"auth_store.sharded",
    false,
    c"Whether this database is one of several over which the store is spread, its shards.",
    c"User codes of devices then have three letters more, by which a router finds the shard of the device code.",
);
