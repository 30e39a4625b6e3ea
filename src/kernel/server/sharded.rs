//! Whether the store is spread over several databases, of which this is one, and what a fence around buckets that move
//! lets pass.

use std::borrow::Cow;
use std::ffi::CString;

use crate::kernel::outcome::Mistake;
use crate::kernel::server::settings::{Listed, Setting};
use crate::kernel::server::spi::{Statement, with_own_settings};

/// What it decides is in the domains: how user codes look, and whether a name may be another database's user's.
pub static SHARDED: Setting<bool> = Setting::switch(
    c"auth_store.sharded",
    false,
    c"Whether this database is one of several over which the store is spread, its shards.",
    c"User codes of devices then have three letters more, by which a router finds the shard of the device code.",
);

const OFF: Mistake = Mistake::WrongState {
    message: Cow::Borrowed("the store is not spread over several databases here"),
    hint: Cow::Borrowed("auth_store.sharded = on"),
};

/// Raises where nobody would heed what a call is about to say of other databases.
pub fn check_on() -> Result<(), Mistake> {
    if SHARDED.get() { Ok(()) } else { Err(OFF) }
}

/// The triggers of the fence read it.
pub static PASS_FENCED: Setting<Option<CString>> = Setting::text(
    c"auth_store.pass_fenced",
    c"Which rows of fenced buckets UPDATE and DELETE leave as they are, instead of raising 55006.",
    c"all, or none. What has time, as cleanup(), sets it for itself alone.",
);

/// Runs what has time: the database that gets the rows, or keeps them, comes to them later.
pub fn passing_fenced<T>(work: impl FnOnce() -> T) -> T {
    if SHARDED.get() { with_own_settings(&[(PASS_FENCED.name(), c"all")], work) } else { work() }
}

static FENCED: Statement<bool> = Statement::latest(
    c"SELECT EXISTS (SELECT FROM pg_catalog.pg_trigger
                      WHERE tgfoid = 'auth_store.shard_refuse'::pg_catalog.regproc)",
);

/// Whether any buckets are fenced by now, also by what was committed since the statement began.
pub fn is_fenced() -> Result<bool, Mistake> {
    Ok(FENCED.one(&[])?.unwrap_or(false))
}
