//! What the store knows of commits that its server has lost, by a fail-over or a restore: of which history of the
//! server it knows, and in which windows of time what it did is gone.

use std::cell::Cell;

use crate::kernel::outcome::Mistake;
use crate::kernel::server::cell::BackendCell;
use crate::kernel::server::lineage::{self, Lineage};
use crate::kernel::server::row::row;
use crate::kernel::server::signal::Signal;
use crate::kernel::server::spi::{self, Statement, params};
use crate::kernel::server::table::{Moves, Published, Rows, Table};
use crate::kernel::value::clock::Timestamp;

/// The facts of the table `recoveries`.
pub static TABLE: Table = Table {
    name: "recoveries",
    key: &["acknowledged_at", "system_identifier", "timeline"],
    ended: None,
    of_tenant: Rows::None,
    of_client: Rows::None,
    of_user: None,
    published: Published::Never,
    moves: Moves::Stays,
    restored: true,
};

/// Sent when the rows change.
pub static CHANGED: Signal = Signal::of(c"recoveries_pkey");

/// Seconds by which the clocks of servers, and of clients that sign with a time, may differ.
pub const LEEWAY: i64 = 60;

row! {
    struct Newest {
        system_identifier: i64,
        timeline: i32,
        /// Whether it is another install's than that of the other rows: these came from a dump.
        merged: bool,
    }
}

static NEWEST: Statement<Newest> = Statement::read(
    c"SELECT {columns}
        FROM (SELECT r.system_identifier, r.timeline,
                     r.policy IS NULL AND EXISTS (SELECT FROM auth_store.recoveries o
                                                   WHERE o.acknowledged_at < r.acknowledged_at) AS merged
                FROM auth_store.recoveries r ORDER BY r.acknowledged_at DESC LIMIT 1) n",
);

/// How the present history of the server is to the store.
pub enum Known {
    /// A standby has none of its own.
    Standby,
    /// It is the one that the store was told of.
    Told { timeline: i32 },
    /// The store knows of another one: commits may be lost.
    Untold { before: Option<Lineage>, now: Lineage },
}

/// Whether the store was told of what has happened to its server.
pub fn known() -> Result<Known, Mistake> {
    let Some(now) = lineage::present() else { return Ok(Known::Standby) };
    let newest = NEWEST.one(&[])?;
    let before = newest.as_ref().map(|row| Lineage { system: row.system_identifier, timeline: row.timeline });
    let told = before == Some(now) && newest.is_some_and(|row| !row.merged);
    Ok(if told { Known::Told { timeline: now.timeline } } else { Known::Untold { before, now } })
}

static FOLLOWS: Statement<bool> = Statement::read(
    c"SELECT EXISTS (SELECT FROM pg_subscription_rel r WHERE r.srrelid = 'auth_store.recoveries'::regclass)",
);

/// Whether a subscription brings the rows of another server: what was lost is told there, until it ends.
pub fn follows() -> Result<bool, Mistake> {
    Ok(FOLLOWS.one(&[])? == Some(true))
}

/// Where no history is known, the present one is: the tables have just been made.
pub fn begin(now: Timestamp) -> Result<(), Mistake> {
    let Some(present) = lineage::present() else { return Err(Mistake::ReadOnly) };
    spi::change_once(
        "INSERT INTO auth_store.recoveries (acknowledged_at, system_identifier, timeline)
         SELECT $1, $2, $3 WHERE NOT EXISTS (SELECT FROM auth_store.recoveries)",
        &params![now, present.system, present.timeline],
    )
}

/// What an operator says of a recovery.
pub struct Recovery<'a> {
    pub lost_from: Timestamp,
    pub lost_to: Timestamp,
    /// Until when JWT ids of tokens of unknown age are not claimed.
    pub claims_until: Timestamp,
    pub policy: &'a str,
}

static AGAIN: Statement = Statement::latest(
    c"UPDATE auth_store.recoveries SET policy = $5, claims_until = $6
       WHERE system_identifier = $1 AND timeline = $2 AND lost_from = $3 AND lost_to = $4",
);

static ACKNOWLEDGE: Statement = Statement::write(
    c"INSERT INTO auth_store.recoveries
          (acknowledged_at, system_identifier, timeline, lost_from, lost_to, policy, claims_until)
      VALUES ($7, $1, $2, $3, $4, $5, $6)",
);

/// Notes a recovery; false if it was noted before, for the same window. Then its policy and its end are the last ones.
pub fn note(now: Timestamp, recovery: &Recovery<'_>) -> Result<bool, Mistake> {
    let Some(present) = lineage::present() else { return Err(Mistake::ReadOnly) };
    CHANGED.send()?;
    let Recovery { lost_from, lost_to, claims_until, policy } = *recovery;
    let again = matches!(known()?, Known::Told { .. })
        && AGAIN.run(&params![present.system, present.timeline, lost_from, lost_to, policy, claims_until])?
            > 0;
    if !again {
        ACKNOWLEDGE.exactly_one(&params![
            present.system,
            present.timeline,
            lost_from,
            lost_to,
            policy,
            claims_until,
            now
        ])?;
    }
    Ok(!again)
}

row! {
    /// Up to when what was made is not taken any more.
    #[derive(Clone, Copy)]
    struct Barrier {
        made: Option<Timestamp>,
        claims: Option<Timestamp>,
    }
}

static BARRIER: Statement<Barrier> = Statement::latest(
    c"SELECT {columns} FROM (SELECT max(lost_to) AS made, max(claims_until) AS claims
                               FROM auth_store.recoveries WHERE lost_from < lost_to) b",
);

type Remembered = BackendCell<Cell<((u32, u32), Barrier)>>;

/// The barrier, and of which moment it is known.
static REMEMBERED: Remembered = BackendCell::new(Cell::new(((0, 0), Barrier { made: None, claims: None })));

fn barrier() -> Result<Barrier, Mistake> {
    let (moment, barrier) = REMEMBERED.get();
    if moment == CHANGED.moment() { Ok(barrier) } else { read() }
}

#[cold]
fn read() -> Result<Barrier, Mistake> {
    CHANGED.listen()?;
    let moment = CHANGED.moment();
    let barrier = BARRIER.one(&[])?.unwrap_or(Barrier { made: None, claims: None });
    REMEMBERED.set((moment, barrier));
    Ok(barrier)
}

/// Whether a proof that says when it was made is from before a recovery, so that a claim of it may be lost.
pub fn predates(made_at: Timestamp) -> Result<bool, Mistake> {
    Ok(barrier()?.made.is_some_and(|lost_to| made_at < lost_to.plus_seconds(LEEWAY)))
}

/// The same of one that says only when it ends.
pub fn may_predate(expires_at: Timestamp) -> Result<bool, Mistake> {
    Ok(barrier()?.claims.is_some_and(|until| expires_at < until))
}

static IN_WINDOW: Statement<bool> = Statement::read(
    c"SELECT EXISTS (SELECT FROM auth_store.recoveries
                      WHERE lost_from < lost_to AND lost_from <= $1 AND lost_to >= $2)",
);

/// Whether a commit of this time may be lost: it is in a window that the store was told of, or the store has not been
/// told yet what has happened to its server.
pub fn may_be_lost(at: Timestamp) -> Result<bool, Mistake> {
    may_be_lost_between(at, at)
}

/// The same of any commit between two times.
pub fn may_be_lost_between(since: Timestamp, until: Timestamp) -> Result<bool, Mistake> {
    if matches!(known()?, Known::Untold { .. }) {
        return Ok(true);
    }
    let bounds = params![until.plus_seconds(LEEWAY), since.plus_seconds(-LEEWAY)];
    Ok(IN_WINDOW.one(&bounds)? == Some(true))
}
