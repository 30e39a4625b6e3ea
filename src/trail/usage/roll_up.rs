//! Counting the trail: each row once, in the order of their time, a bounded number at a time.
//!
//! The caller holds the cursor and moves it in the same transaction, so a crash counts nothing twice. No row that is
//! counted later has a time before the cursor: the counting stays behind every call that is under way.

use std::cell::Cell;

use crate::kernel::outcome::Mistake;
use crate::kernel::server::cell::BackendCell;
use crate::kernel::server::spi::{self, Statement, params};
use crate::kernel::server::{running, state};
use crate::kernel::value::calendar::month_ceiling;
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::id::Id;
use crate::trail::{months, retention};

/// What one step did.
pub struct Counted {
    /// Rows of the trail.
    pub examined: i64,
    /// Rows of counts that were older than the trail is kept.
    pub deleted: i64,
    /// Everything before this id is counted.
    pub position: Id,
    /// Whether that is all that can be counted now.
    pub done: bool,
}

/// Spans of time that a step tries, in seconds, the longest first: near enough to each other that a step has a good
/// part of the rows that it may have.
const SPANS: [i64; 12] = [30 * 86_400, 5 * 86_400, 86_400, 21_600, 7200, 1800, 600, 180, 60, 15, 4, 1];

/// The place in [`SPANS`] of the span that the last step of this session took.
static TAKEN: BackendCell<Cell<usize>> = BackendCell::new(Cell::new(0));

/// When this session last saw to the summaries of the trail's index.
static SUMMARIZED: BackendCell<Cell<Option<Timestamp>>> = BackendCell::new(Cell::new(None));

/// How far behind the present the counting stays, in seconds: a clock that is set back by less loses no row.
const BEHIND: i64 = 60;

/// Rows of the trail that are read for one that a step of another task deletes.
const READS: i32 = 16;

static ROWS: Statement<i64> = Statement::write(
    c"SELECT count(*) AS rows
        FROM (SELECT FROM auth_store.audit_log WHERE occurred_at >= $1 AND occurred_at < $2 LIMIT $3) r",
);

// A user counts for a day if the user was not seen before on that day. Its plan is not kept: that of a session which
// began with few users would read all of them at every step.
const COUNT: &str = "WITH step AS MATERIALIZED (
      SELECT tenant_id, COALESCE(client_id, '') AS client_id, event, success, user_id, flags, occurred_at,
             (occurred_at AT TIME ZONE 'UTC')::date AS day,
             event ~ '^((code|token|grant|device)[.]|code_replay$|refresh_reuse$)' AS of_client
        FROM auth_store.audit_log
       WHERE occurred_at >= $1 AND occurred_at < $2 AND from_application IS NOT TRUE
  ), seen AS MATERIALIZED (
      SELECT day, tenant_id, client_id, user_id, min(occurred_at) AS first_at, max(occurred_at) AS last_at
        FROM step WHERE of_client AND user_id IS NOT NULL
       GROUP BY 1, 2, 3, 4
  ), fresh AS MATERIALIZED (
      SELECT s.day, s.tenant_id, s.client_id, count(*) AS users
        FROM seen s
        LEFT JOIN auth_store.client_users u
             ON u.user_id = s.user_id AND u.tenant_id = s.tenant_id AND u.client_id = s.client_id
       WHERE u.user_id IS NULL OR (u.last_seen_at AT TIME ZONE 'UTC')::date < s.day
       GROUP BY 1, 2, 3
  ), users AS (
      INSERT INTO auth_store.client_users AS u (user_id, first_seen_at, last_seen_at, tenant_id, client_id)
      SELECT user_id, min(first_at), max(last_at), tenant_id, client_id FROM seen GROUP BY 1, 4, 5
      ON CONFLICT (user_id, tenant_id, client_id) DO UPDATE
         SET last_seen_at = GREATEST(u.last_seen_at, EXCLUDED.last_seen_at)
  ), flagged AS (
      INSERT INTO auth_store.flag_counts AS f (hour, last_at, steps, tenant_id, flag)
      SELECT date_trunc('hour', s.occurred_at, 'UTC'), max(s.occurred_at), count(*), s.tenant_id, g.flag
        FROM step s CROSS JOIN LATERAL unnest(s.flags) g (flag)
       WHERE s.flags IS NOT NULL
       GROUP BY 1, 4, 5
      ON CONFLICT (hour, tenant_id, flag) DO UPDATE
         SET steps = f.steps + EXCLUDED.steps, last_at = GREATEST(f.last_at, EXCLUDED.last_at)
  ), used AS (
      INSERT INTO auth_store.client_usage AS c (day, last_used_at, codes_issued, codes_redeemed,
             devices_redeemed, tokens_issued, tokens_refreshed, tokens_exchanged, tokens_used, revoked, refused,
             refresh_refused, users, tenant_id, client_id)
      SELECT s.day, max(s.occurred_at) FILTER (WHERE s.success),
             count(*) FILTER (WHERE s.event = 'code.issued' AND s.success),
             count(*) FILTER (WHERE s.event = 'code.redeemed' AND s.success),
             count(*) FILTER (WHERE s.event = 'device.redeemed' AND s.success),
             count(*) FILTER (WHERE s.event = 'token.issued' AND s.success),
             count(*) FILTER (WHERE s.event = 'token.refreshed' AND s.success),
             count(*) FILTER (WHERE s.event = 'token.exchanged' AND s.success),
             count(*) FILTER (WHERE s.event = 'token.used' AND s.success),
             count(*) FILTER (WHERE s.event IN ('token.revoked', 'grant.revoked') AND s.success),
             count(*) FILTER (WHERE NOT s.success),
             count(*) FILTER (WHERE s.event IN ('token.refreshed', 'refresh_reuse') AND NOT s.success),
             COALESCE(max(f.users), 0), s.tenant_id, s.client_id
        FROM step s
        LEFT JOIN fresh f ON f.day = s.day AND f.tenant_id = s.tenant_id AND f.client_id = s.client_id
       WHERE s.of_client
       GROUP BY s.day, s.tenant_id, s.client_id
      ON CONFLICT (day, tenant_id, client_id) DO UPDATE
         SET last_used_at = GREATEST(c.last_used_at, EXCLUDED.last_used_at),
             codes_issued = c.codes_issued + EXCLUDED.codes_issued,
             codes_redeemed = c.codes_redeemed + EXCLUDED.codes_redeemed,
             devices_redeemed = c.devices_redeemed + EXCLUDED.devices_redeemed,
             tokens_issued = c.tokens_issued + EXCLUDED.tokens_issued,
             tokens_refreshed = c.tokens_refreshed + EXCLUDED.tokens_refreshed,
             tokens_exchanged = c.tokens_exchanged + EXCLUDED.tokens_exchanged,
             tokens_used = c.tokens_used + EXCLUDED.tokens_used,
             revoked = c.revoked + EXCLUDED.revoked,
             refused = c.refused + EXCLUDED.refused,
             refresh_refused = c.refresh_refused + EXCLUDED.refresh_refused,
             users = c.users + EXCLUDED.users
  )
  SELECT count(*) AS rows FROM step";

static DELETE_DAYS: Statement = Statement::write(
    c"DELETE FROM auth_store.client_usage WHERE ctid = ANY (ARRAY(
          SELECT c.ctid FROM auth_store.client_usage c
           WHERE c.day < ($1 AT TIME ZONE 'UTC')::date ORDER BY c.day LIMIT $2))",
);

static DELETE_HOURS: Statement = Statement::write(
    c"DELETE FROM auth_store.flag_counts WHERE ctid = ANY (ARRAY(
          SELECT f.ctid FROM auth_store.flag_counts f WHERE f.hour < $1 ORDER BY f.hour LIMIT $2))",
);

/// Counts some 16 times `size` rows behind the cursor, fewer where fewer are there, and deletes counts that are older
/// than the trail is kept, `size` rows a table. None: nothing can be counted now.
pub fn step(now: Timestamp, position: Option<Id>, size: i32) -> Result<Option<Counted>, Mistake> {
    // The snapshot of such a transaction may be older than the rows that are to be counted.
    if state::has_one_snapshot() {
        return Ok(None);
    }
    let Some(running) = running::since(now) else { return Ok(None) };
    if running::is_prepared()? {
        return Ok(None);
    }
    let kept_since = now.plus_seconds(-retention::in_force(now)?);
    // An id has whole milliseconds.
    let horizon = floor(running.min(now.plus_seconds(-BEHIND)));
    let from = position.map_or(floor(kept_since), |position| position.time());
    if horizon <= from {
        return Ok(None);
    }
    summarize(now, from, horizon)?;
    let until = until(from, horizon, size.saturating_mul(READS))?;
    let examined = spi::run_once::<i64>(COUNT, &params![from, until])?.first().copied().unwrap_or(0);
    let deleted =
        DELETE_DAYS.run(&params![kept_since, size])? + DELETE_HOURS.run(&params![kept_since, size])?;
    Ok(Some(Counted {
        examined,
        deleted: i64::try_from(deleted).unwrap_or(i64::MAX),
        position: Id::lower_bound(until),
        done: until == horizon,
    }))
}

/// Without summaries of what was written last each statement here reads all of that, which makes the counting take the
/// square of the time where autovacuum is off or late.
fn summarize(now: Timestamp, from: Timestamp, horizon: Timestamp) -> Result<(), Mistake> {
    if SUMMARIZED.get().is_some_and(|at| at <= now && now < at.plus_seconds(BEHIND)) {
        return Ok(());
    }
    let mut month = from;
    while month <= horizon {
        months::summarize(month)?;
        month = month_ceiling(month.plus_seconds(1));
    }
    SUMMARIZED.set(Some(now));
    Ok(())
}

/// The end of the longest span that begins at `from` and has at most `rows` rows, or of the shortest span. It is looked
/// for from the span of the step before on, for each try reads as many rows as a step counts.
fn until(from: Timestamp, horizon: Timestamp, rows: i32) -> Result<Timestamp, Mistake> {
    let end = |span: i64| from.plus_seconds(span).min(horizon);
    let fits = |span: i64| -> Result<bool, Mistake> {
        let found = ROWS.one(&params![from, end(span), rows.saturating_add(1)])?;
        Ok(found.unwrap_or(0) <= i64::from(rows))
    };
    let place = nearest(&SPANS, TAKEN.get(), |span| end(span) == horizon, fits)?;
    TAKEN.set(place);
    Ok(SPANS.get(place).map_or(horizon, |span| end(*span)))
}

/// The place of the first of the spans, the longest first, that fits; of the last if none does. The tries begin at
/// `start`, and end at one that reaches `all`.
fn nearest(
    spans: &[i64],
    start: usize,
    all: impl Fn(i64) -> bool,
    fits: impl Fn(i64) -> Result<bool, Mistake>,
) -> Result<usize, Mistake> {
    let (longer, shorter) = spans.split_at(start);
    let mut place = start;
    for span in shorter {
        if fits(*span)? {
            break;
        }
        place += 1;
    }
    if place > start {
        return Ok(place.min(spans.len() - 1));
    }
    let reaches = |place: usize| spans.get(place).is_none_or(|span| all(*span));
    for span in longer.iter().rev() {
        if reaches(place) || !fits(*span)? {
            break;
        }
        place -= 1;
    }
    Ok(place)
}

fn floor(at: Timestamp) -> Timestamp {
    Timestamp::from_unix_millis(at.unix_millis())
}

#[cfg(test)]
mod tests {
    use super::nearest;
    use std::cell::Cell;

    #[test]
    fn the_search_of_a_span_begins_at_the_last_one() {
        let spans = [1000, 100, 10, 1];
        // What fits has at most `most` seconds; `tries` is what that takes.
        let found = |start, most, horizon, tries| {
            let tried = Cell::new(0);
            let fits = |span: i64| {
                tried.set(tried.get() + 1);
                Ok(span.min(horizon) <= most)
            };
            let place = nearest(&spans, start, |span| span >= horizon, fits).ok();
            assert_eq!(tried.get(), tries, "from {start} to {most} of {horizon}");
            place
        };
        assert_eq!(found(0, 5000, 5000, 1), Some(0));
        assert_eq!(found(0, 10, 5000, 3), Some(2));
        assert_eq!(found(2, 10, 5000, 2), Some(2));
        assert_eq!(found(2, 150, 5000, 3), Some(1));
        assert_eq!(found(3, 5000, 5000, 4), Some(0));
        // None fits: the shortest.
        assert_eq!(found(0, 0, 5000, 4), Some(3));
        assert_eq!(found(3, 0, 5000, 1), Some(3));
        // All that is left.
        assert_eq!(found(2, 5000, 7, 1), Some(2));
    }
}
