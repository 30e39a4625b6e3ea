//! The counts of failed attempts, each a row, and the locks that follow from them. Who and where a row is about is in
//! `attempt.rs`.
//!
//! So many failures begin a lock, each lock twice as long as the one before, up to a bound. Failures during a lock are
//! counted and begin no other one. After the lock the count begins anew.
//!
//! Lock order: the row of the network or device before that of all networks.

use crate::kernel::outcome::Mistake;
use crate::kernel::server::batch::delete_ended;
use crate::kernel::server::lookup::{Key, Lookup, Snapshot};
use crate::kernel::server::row::row;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::server::table::{By, Ended, Moves, OfUser, Published, Rows, Table, delete_by, exported};
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::id::Id;

/// The facts of the table `login_failures`.
/// Its ids are hashes: a pass goes over the whole table, in their order.
pub static TABLE: Table = Table {
    name: "login_failures",
    key: &["id", "tenant_id"],
    ended: Some(Ended {
        statement: delete_ended!("auth_store.login_failures", "expires_at <= $3"),
        times: |now| Vec::from(params![now]),
    }),
    of_tenant: Rows::Deleted(delete_by!("login_failures", "tenant_id")),
    of_client: Rows::None,
    of_user: Some(OfUser {
        by: By::User,
        erased: Some(delete_by!(latest "login_failures", "user_id")),
        exported: exported!(
            "login_failures",
            "user_id = $1",
            "id, user_id, since, expires_at, locked_until, failures, locks, max_failures, tenant_id, kind",
            withheld ""
        ),
    }),
    published: Published::TakeOver,
    moves: Moves::ByUser,
    restored: true,
};

/// The longest lock that there may be, in seconds: 30 days, as in the statements below.
const LONGEST: i64 = 30 * 86_400;

row! {
    /// The count of one row.
    pub struct Count in login_failures {
        pub failures: i32,
        pub max_failures: i32,
        pub locked_until: Option<Timestamp>,
    }
}

/// A lock in force.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Lock {
    pub until: Timestamp,
    /// Whether as many failures came during the lock as began it: from then on nothing is told about an attempt, not
    /// even that it was right.
    pub exhausted: bool,
}

impl Count {
    /// The lock that is in force. One that ends later than any lock can dates from before the clock was set back.
    pub fn lock(&self, now: Timestamp) -> Option<Lock> {
        let until = self.locked_until.filter(|until| *until > now && *until <= now.plus_seconds(LONGEST))?;
        let exhausted = self.failures >= self.max_failures.saturating_mul(2);
        Some(Lock { until, exhausted })
    }

    /// Whether the failure that made this count has begun the lock.
    pub fn begins(&self) -> bool {
        self.locked_until.is_some() && self.failures == self.max_failures
    }
}

static COUNT: Lookup<Count> = Lookup::by(c"login_failures_pkey");

/// The count of a row as it is committed by now.
pub fn find(id: Id) -> Result<Option<Count>, Mistake> {
    COUNT.find(&Snapshot::deciding()?, Key::Id(id))
}

/// One statement counts and decides while it holds the rows. A row that is over (`forgotten`) begins anew. So does one
/// whose lock is over or whose failures are from more than a day ago (`again`), but for the number of its locks.
static ADD: Statement<Count> = Statement::write(
    c"INSERT INTO auth_store.login_failures AS f
             (id, user_id, since, expires_at, locked_until, failures, locks, max_failures, tenant_id, kind)
      SELECT n.id, $4, $8, GREATEST(l.until, $8) + interval '1 day', l.until, 1, (l.until IS NOT NULL)::integer,
             n.max_failures, $3, $5
        FROM (VALUES ($1, $6), ($2, $7)) n (id, max_failures)
       CROSS JOIN LATERAL (SELECT CASE WHEN n.max_failures <= 1
                                       THEN $8 + interval '1 second' * LEAST($9, $10) END AS until) l
       WHERE n.id IS NOT NULL
      ON CONFLICT (id, tenant_id) DO UPDATE
         SET (since, failures, locks, max_failures, locked_until, expires_at) = (
             SELECT c.since, c.failures, c.locks + c.locking::integer, excluded.max_failures, l.until,
                    GREATEST(l.until, $8) + interval '1 day'
               FROM (SELECT f.expires_at <= $8 AS forgotten,
                            (f.locked_until > $8 AND f.locked_until <= $8 + interval '30 days') IS TRUE AS locked) s
              CROSS JOIN LATERAL (SELECT NOT s.locked AND (s.forgotten OR f.locked_until IS NOT NULL
                                              OR f.since <= $8 - interval '1 day') AS again) a
              CROSS JOIN LATERAL (SELECT CASE WHEN a.again THEN $8 ELSE f.since END AS since,
                                         CASE WHEN a.again THEN 1 ELSE f.failures + 1 END AS failures,
                                         CASE WHEN s.forgotten THEN 0 ELSE f.locks END AS locks) b
              CROSS JOIN LATERAL (SELECT b.since, b.failures, b.locks,
                                         NOT s.locked AND b.failures >= excluded.max_failures AS locking) c
              CROSS JOIN LATERAL (SELECT CASE WHEN s.locked THEN f.locked_until
                                              WHEN c.locking THEN $8 + interval '1 second'
                                                   * LEAST($9 * 2.0 ^ LEAST(c.locks, 20), $10) END AS until) l)
      RETURNING f.failures, f.max_failures, f.locked_until",
);

/// How long locks last, in seconds.
#[derive(Clone, Copy)]
pub struct Locks {
    pub first: i32,
    pub longest: i32,
}

/// A row to count in, and how many failures in it begin a lock.
#[derive(Clone, Copy)]
pub struct Place {
    pub id: Id,
    pub max_failures: i32,
}

/// What a failure is about.
pub struct Failed<'a> {
    pub tenant_id: &'a str,
    pub user_id: Option<Id>,
    pub kind: &'static str,
    /// The network or device that it came from.
    pub near: Place,
    /// All networks together, if they count.
    pub anywhere: Option<Place>,
}

/// Counts a failure. Returns the counts: of the network or device, then of all networks.
pub fn add(now: Timestamp, failed: &Failed<'_>, locks: Locks) -> Result<Vec<Count>, Mistake> {
    ADD.all(&params![
        failed.near.id,
        failed.anywhere.map(|place| place.id),
        failed.tenant_id,
        failed.user_id,
        failed.kind,
        failed.near.max_failures,
        failed.anywhere.map(|place| place.max_failures),
        now,
        locks.first,
        locks.longest,
    ])
}

// A lock that began while the attempt was examined keeps the row.
static FORGIVE: Statement = Statement::write(
    c"DELETE FROM auth_store.login_failures
       WHERE id = $1 AND tenant_id = $2
         AND (locked_until > $3 AND locked_until <= $3 + interval '30 days') IS NOT TRUE",
);

/// Forgets the failures of a network or device after a good attempt; false where a lock is in force there, or no row.
pub fn forgive(now: Timestamp, tenant_id: &str, id: Id) -> Result<bool, Mistake> {
    Ok(FORGIVE.run(&params![id, tenant_id, now])? == 1)
}

static FORGET: Statement =
    Statement::latest(c"DELETE FROM auth_store.login_failures WHERE user_id = $1 AND tenant_id = $2");

/// Forgets all failures of a user, and with them the locks: after a reset of the password, or by an administrator.
pub fn forget(user_id: Id, tenant_id: &str) -> Result<u64, Mistake> {
    FORGET.run(&params![user_id, tenant_id])
}

#[cfg(test)]
mod tests {
    use super::{Count, LONGEST, Lock};
    use crate::kernel::value::clock::Timestamp;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(0).plus_seconds(seconds)
    }

    fn count(failures: i32, locked_until: Option<i64>) -> Count {
        Count { failures, max_failures: 5, locked_until: locked_until.map(at) }
    }

    #[test]
    fn a_lock_has_an_end() {
        assert!(count(4, None).lock(at(0)).is_none());
        assert!(count(5, Some(10)).lock(at(9)) == Some(Lock { until: at(10), exhausted: false }));
        assert!(count(5, Some(10)).lock(at(10)).is_none());
    }

    #[test]
    fn a_clock_that_went_back_lengthens_no_lock() {
        assert!(count(5, Some(LONGEST)).lock(at(0)).is_some());
        assert!(count(5, Some(LONGEST + 1)).lock(at(0)).is_none());
    }

    #[test]
    fn as_many_failures_again_exhaust_a_lock() {
        assert_eq!(count(9, Some(10)).lock(at(0)).map(|lock| lock.exhausted), Some(false));
        assert_eq!(count(10, Some(10)).lock(at(0)).map(|lock| lock.exhausted), Some(true));
    }

    #[test]
    fn one_failure_begins_a_lock() {
        assert!(count(5, Some(10)).begins());
        assert!(!count(4, None).begins() && !count(6, Some(10)).begins());
    }
}
