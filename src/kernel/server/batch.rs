//! Deleting in batches: the rows of a table that have ended, a part of the table at a time.

use crate::kernel::outcome::Mistake;
use crate::kernel::server::change::Change;
use crate::kernel::server::hold::Place;
use crate::kernel::server::lookup::{Key, Lookup, Snapshot};
use crate::kernel::server::row::{TableRow, row};
use crate::kernel::server::spi::{Param, Statement, param};
use crate::kernel::value::id::Id;

row! {
    /// What one batch did.
    pub struct Batch {
        /// Rows that are gone.
        pub deleted: i64,
        /// Rows that were looked at.
        pub examined: i64,
        /// The last of them; None: the table has no more.
        pub last: Option<Id>,
    }
}

impl Batch {
    /// Runs a domain's statement. It examines at most $2 rows after the id $1, in order of their ids, deletes those
    /// that have expired and are not locked, and returns how many it deleted, how many it examined, and the last id
    /// examined. Its other parameters come after these two.
    pub fn run(
        statement: &Statement<Self>,
        after: Option<Id>,
        size: i32,
        others: Vec<Param>,
    ) -> Result<Self, Mistake> {
        let mut parameters = vec![param(after.unwrap_or(Id::from_bytes([0; 16]))), param(size)];
        parameters.extend(others);
        let batch = statement.one(&parameters)?;
        let mut batch = batch.unwrap_or(Self { deleted: 0, examined: 0, last: None });
        if batch.examined < i64::from(size) {
            batch.last = None;
        }
        Ok(batch)
    }
}

/// A row that a sweep comes by.
pub struct Passed {
    pub id: Id,
    pub place: Place,
    /// Whether it is to go.
    pub ended: bool,
}

impl Batch {
    /// As [`Batch::run`] without a statement: the rows are read through the index of their ids and deleted in their
    /// places, those that nobody has locked. None: here and now only a statement may.
    ///
    /// It takes three fifths of the statement's processor time and four fifths of its WAL: a statement locks each row
    /// before it deletes it, and goes three times over the batch. It can go when DELETE knows SKIP LOCKED.
    pub fn sweep<R: TableRow>(
        by_id: &Lookup<R>,
        table: &Change<0>,
        after: Option<Id>,
        size: i32,
        passed: impl Fn(&R) -> Passed,
    ) -> Result<Option<Self>, Mistake> {
        let Some(rows) = table.open()? else { return Ok(None) };
        let Some(examined) = behind(by_id, after, size)? else {
            rows.close();
            return Ok(None);
        };
        let mut deleted = 0;
        let mut last = None;
        for row in &examined {
            pgrx::check_for_interrupts!();
            let passed = passed(row);
            last = Some(passed.id);
            if passed.ended && rows.delete_if_free(passed.place) {
                deleted += 1;
            }
        }
        rows.close();
        Ok(Some(Self::of(deleted, examined.len(), last, size)))
    }

    /// The batch of rows of which none has ended; None: some have, or only a statement can tell.
    ///
    /// It takes a third of the statement's time. Of a table whose rows live for weeks nearly every batch is such a one.
    pub fn of_live<R: TableRow>(
        by_id: &Lookup<R>,
        after: Option<Id>,
        size: i32,
        ended: impl Fn(&R) -> bool,
        id: impl Fn(&R) -> Id,
    ) -> Result<Option<Self>, Mistake> {
        match behind(by_id, after, size)? {
            Some(examined) if !examined.iter().any(ended) => {
                Ok(Some(Self::of(0, examined.len(), examined.last().map(id), size)))
            }
            _ => Ok(None),
        }
    }

    fn of(deleted: i64, examined: usize, last: Option<Id>, size: i32) -> Self {
        let examined = i64::try_from(examined).unwrap_or(i64::MAX);
        Self { deleted, examined, last: last.filter(|_| examined >= i64::from(size)) }
    }
}

/// The `size` rows behind an id; None: the index can't be used now, and a statement goes through the table.
fn behind<R: TableRow>(by_id: &Lookup<R>, after: Option<Id>, size: i32) -> Result<Option<Vec<R>>, Mistake> {
    let most = usize::try_from(size).unwrap_or(0);
    let key = [Key::Id(after.unwrap_or(Id::from_bytes([0; 16])))];
    match by_id.behind(&Snapshot::writing()?, key, most, |_| true) {
        Err(Mistake::WrongState { .. }) => Ok(None),
        examined => examined.map(Some),
    }
}

/// The statement of a domain for [`Batch::run`]: deletes the rows of a table for which the condition holds. The
/// condition names columns without a prefix, and parameters from $3 on. A `sparse` table has many rows without an end:
/// they are skipped and do not count as examined. The rows are walked `by` their id, or another uuid that is unique.
macro_rules! delete_ended {
    ($table:literal, $ended:expr) => {
        $crate::kernel::server::batch::delete_ended!(@ $table, "id", "true", $ended)
    };
    (sparse $table:literal, $ended:expr) => {
        $crate::kernel::server::batch::delete_ended!(@ $table, "id", $ended, $ended)
    };
    ($table:literal by $key:literal, $ended:expr) => {
        $crate::kernel::server::batch::delete_ended!(@ $table, $key, "true", $ended)
    };
    (@ $table:literal, $key:literal, $among:expr, $ended:expr) => {
        $crate::kernel::server::spi::Statement::write({
            const SQL: &str = concat!(
                "WITH examined AS MATERIALIZED (
                     SELECT ctid, ", $key, " AS key, (", $ended, ") AS ended FROM ", $table, "
                      WHERE ", $key, " > $1 AND (", $among, ") ORDER BY ", $key, " LIMIT $2
                 ), victims AS MATERIALIZED (
                     SELECT ctid FROM ", $table, "
                      WHERE ctid = ANY (ARRAY(SELECT e.ctid FROM examined e WHERE e.ended)) AND (", $ended, ")
                        FOR UPDATE SKIP LOCKED
                 ), gone AS (
                     DELETE FROM ", $table, " WHERE ctid = ANY (ARRAY(SELECT v.ctid FROM victims v)) RETURNING 1
                 )
                 SELECT (SELECT count(*) FROM gone) AS deleted, (SELECT count(*) FROM examined) AS examined,
                        (SELECT key FROM examined ORDER BY key DESC LIMIT 1) AS last\0"
            );
            $crate::kernel::server::columns::terminated(SQL)
        })
    };
}

pub(crate) use delete_ended;
