//! How long the trail is kept. A dump does not carry an `auth_store.audit_retention` that is set for a database or in
//! the server's configuration. So the retention that was last in force is kept in a row, which a dump carries. If the
//! setting is shorter than the row and was not set for this database, it was forgotten, as in a restore, and cleanup
//! goes by the row.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering::Relaxed};

use crate::kernel::outcome::{self, Mistake};
use crate::kernel::server::lookup::{Key, Lookup, Snapshot};
use crate::kernel::server::row::row;
use crate::kernel::server::settings::Setting;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::server::{catalog, transaction};
use crate::kernel::value::clock::Timestamp;

const DAY: i32 = 24 * 60;
const DEFAULT_DAYS: i32 = 90;

/// How long the trail is kept.
pub static RETENTION: Setting<i32> = Setting::minutes(
    c"auth_store.audit_retention",
    DEFAULT_DAYS * DAY,
    DAY..=36_500 * DAY,
    c"How long the audit trail is kept.",
    c"partitions_drop() drops months that ended before.",
);

/// The default in seconds.
const DEFAULT: i64 = DEFAULT_DAYS as i64 * 86_400;

/// Its row in `cleanup_cursors`.
const TASK: &str = "audit_log";

row! {
    struct Kept in cleanup_cursors {
        retention_seconds: Option<i64>,
    }
}

static KEPT: Lookup<Kept> = Lookup::by(c"cleanup_cursors_pkey").shared();

/// Also for tables whose version is missing, as check() meets them.
fn kept(snapshot: &Snapshot) -> Result<Option<i64>, Mistake> {
    Ok(KEPT.find_unready(snapshot, Key::Text(TASK))?.and_then(|kept| kept.retention_seconds))
}

// A run that finds the row locked leaves it: the other run writes the same.
static LOCK: Statement =
    Statement::write(c"SELECT true FROM auth_store.cleanup_cursors WHERE task = $1 FOR UPDATE SKIP LOCKED");

static ADD: Statement = Statement::write(
    c"INSERT INTO auth_store.cleanup_cursors (task, updated_at, retention_seconds)
      SELECT $1, $2, $3 WHERE NOT EXISTS (SELECT FROM auth_store.cleanup_cursors WHERE task = $1)
      ON CONFLICT (task) DO NOTHING",
);

static CHANGE: Statement = Statement::write(
    c"UPDATE auth_store.cleanup_cursors SET retention_seconds = $3, updated_at = $2 WHERE task = $1",
);

fn keep(now: Timestamp, seconds: i64) -> Result<(), Mistake> {
    let row = params![TASK, now, seconds];
    if LOCK.run(&params![TASK])? == 1 {
        CHANGE.run(&row)?;
    } else if catalog::lock_share_update_exclusive(c"cleanup_cursors", false) {
        ADD.run(&row)?;
    }
    Ok(())
}

/// Seconds for which a cleanup keeps the trail; remembers them. They are fewer than the last time only if they were set
/// for this database or in this session.
pub fn in_force(now: Timestamp) -> Result<i64, Mistake> {
    let set = RETENTION.in_seconds();
    let kept = kept(&Snapshot::writing()?)?;
    match kept {
        Some(kept) if is_forgotten(set, kept) => {
            outcome::warning(&format!("auth_store: {}", forgotten(set, kept)));
            Ok(kept)
        }
        Some(kept) if kept == set => Ok(set),
        _ => keep(now, set).map(|()| set),
    }
}

/// Seconds for which the next cleanup will keep the trail; writes nothing.
pub fn kept_for() -> Result<i64, Mistake> {
    let set = RETENTION.in_seconds();
    let kept = kept(&Snapshot::reading())?;
    Ok(kept.filter(|kept| is_forgotten(set, *kept)).unwrap_or(set))
}

fn is_forgotten(set: i64, kept: i64) -> bool {
    set < kept && !RETENTION.is_meant_here()
}

fn forgotten(set: i64, kept: i64) -> String {
    format!(
        "auth_store.audit_retention is {}, but was {}: cleanup goes on keeping that much of the audit trail",
        span(set),
        span(kept)
    )
}

/// The row of check() for a setting that was forgotten.
pub fn problem() -> Result<Option<String>, Mistake> {
    let set = RETENTION.in_seconds();
    let kept = kept(&Snapshot::reading())?;
    Ok(kept
        .filter(|kept| is_forgotten(set, *kept))
        .map(|kept| format!("is {}, but was {}, which cleanup goes on keeping", span(set), span(kept))))
}

/// How a setting writes it.
fn span(seconds: i64) -> String {
    match seconds {
        seconds if seconds % 86_400 == 0 => format!("{}d", seconds / 86_400),
        seconds if seconds % 3600 == 0 => format!("{}h", seconds / 3600),
        seconds => format!("{}min", seconds / 60),
    }
}

/// The setting, in seconds, that this backend has looked at.
static SEEN: AtomicI64 = AtomicI64::new(0);

/// A longer retention is in force from the first step on, although no cleanup has run since. So this is called for each
/// row of the trail, and looks once for each value of the setting.
pub fn notice(now: Timestamp) {
    let set = RETENTION.in_seconds();
    if SEEN.load(Relaxed) != set {
        look(now, set);
    }
}

/// Whether this transaction has written the row: until it commits, the row may be gone again.
static WRITTEN: AtomicBool = AtomicBool::new(false);

/// Lives until the transaction ends, by commit or abort.
struct Writing;

impl Drop for Writing {
    fn drop(&mut self) {
        WRITTEN.store(false, Relaxed);
    }
}

#[cold]
fn look(now: Timestamp, set: i64) {
    if WRITTEN.load(Relaxed) {
        return;
    }
    if !RETENTION.is_everybodys() {
        SEEN.store(set, Relaxed);
        return;
    }
    // A failure here never fails the step: another session, or the next cleanup, writes the row. Without a row the
    // default need not be written.
    let written = transaction::attempt(|| match kept(&Snapshot::writing()?)? {
        Some(kept) if kept >= set => Ok(false),
        None if set <= DEFAULT => Ok(false),
        _ => keep(now, set).map(|()| true),
    });
    if !written.unwrap_or(false) {
        SEEN.store(set, Relaxed);
        return;
    }
    WRITTEN.store(true, Relaxed);
    let writing = Writing;
    transaction::before_end(move || {
        let _writing = writing;
        // A savepoint may have undone it.
        if kept(&Snapshot::writing()?)?.is_some_and(|kept| kept >= set) {
            SEEN.store(set, Relaxed);
        }
        Ok(())
    });
}
