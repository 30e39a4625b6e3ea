//! The trail searched, the newest rows first. A search goes back in spans of time, each as long as the rows found so
//! far let expect: it stops where it has its rows, and what is rare is found by the indexes of each month.

use std::ffi::CStr;

use crate::kernel::outcome::Mistake;
use crate::kernel::server::row::row;
use crate::kernel::server::spi::{params, read_once, with_settings};
use crate::kernel::server::{pin, transaction, version};
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::id::Id;
use crate::kernel::value::inet::Inet;
use crate::kernel::value::jsonb::Jsonb;

row! {
    /// A row of the trail.
    pub struct Found {
        id: Option<Id>,
        occurred_at: Option<Timestamp>,
        event: Option<String>,
        success: Option<bool>,
        error: Option<String>,
        risk_score: Option<f64>,
        flags: Option<Vec<Option<String>>>,
        tenant_id: Option<String>,
        client_id: Option<String>,
        user_id: Option<Id>,
        grant_id: Option<Id>,
        session_id: Option<Id>,
        actor_id: Option<Id>,
        resource_type: Option<String>,
        resource_id: Option<String>,
        ip: Option<Inet>,
        user_agent: Option<String>,
        details: Option<Jsonb>,
        called_by: Option<String>,
        called_as: Option<String>,
        from_application: Option<bool>,
    }
    returned
}

/// What to look for. None: whatever it is.
pub struct Search<'a> {
    pub user_id: Option<Id>,
    pub client_id: Option<&'a str>,
    pub event: Option<&'a str>,
    /// An address, or a network that it is in.
    pub ip: Option<Inet>,
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
    pub success: Option<bool>,
    /// All of them.
    pub flags: Option<Vec<String>>,
    /// What the details contain.
    pub details: Option<Jsonb>,
    pub tenant_id: Option<&'a str>,
    /// Rows before this one.
    pub before: Option<Id>,
    pub max_rows: i32,
}

impl Search<'_> {
    /// Whether it asks for more than a time, and whether a step was granted.
    fn is_narrow(&self) -> bool {
        let by_text = [self.client_id, self.event, self.tenant_id].iter().any(Option::is_some);
        by_text
            || self.user_id.is_some()
            || self.ip.is_some()
            || self.flags.is_some()
            || self.details.is_some()
    }
}

// Planned anew for each search, so that the planner knows which conditions there are.
const SEARCH: &str = "
    SELECT id, occurred_at, event, success, error, risk_score::numeric::double precision AS risk_score, flags,
           tenant_id, client_id, user_id, grant_id, session_id, actor_id, resource_type, resource_id, ip, user_agent,
           details, called_by, called_as, from_application
      FROM auth_store.audit_log
     WHERE ($1 IS NULL OR occurred_at >= $1) AND occurred_at < $2
       AND ($3 IS NULL OR id < $3)
       AND ($4 IS NULL OR user_id = $4)
       AND ($5 IS NULL OR client_id = $5)
       AND ($6 IS NULL OR event = $6)
       AND ($7 IS NULL OR ip = $7
            OR masklen($7) < CASE family($7) WHEN 4 THEN 32 ELSE 128 END AND ip <<= $7)
       AND ($8 IS NULL OR {success})
       AND ($9 IS NULL OR flags COLLATE \"C\" @> $9)
       AND ($10 IS NULL OR details @> $10)
       AND ($11 IS NULL OR tenant_id = $11)
     ORDER BY id DESC
     LIMIT $12";

/// The first span, in microseconds: two hours.
const FIRST: i64 = 2 * 3_600_000_000;
/// A search that has come this far back without an end reads all that is older at once: 400 days.
const FAR: i64 = 400 * 86_400_000_000;
/// By how much a span may be longer than all before it.
const MOST: i64 = 16;

/// The newest rows that are as asked for, of the tenant that the session is pinned to.
pub fn search(now: Timestamp, mut search: Search<'_>) -> Result<Vec<Found>, Mistake> {
    version::ensure_ready()?;
    if let Some(pin) = pin::tenant() {
        if search.tenant_id.is_some_and(|asked| asked != pin) {
            return Ok(Vec::new());
        }
        search.tenant_id = Some(pin);
    }
    transaction::as_viewer(|| newest_first(now, &search))
}

fn newest_first(now: Timestamp, search: &Search<'_>) -> Result<Vec<Found>, Mistake> {
    // An id has the milliseconds of its time.
    let latest = search.before.map(|before| before.time().plus_micros(1000));
    // A row from before the clock was set back is found too.
    let mut bound = [search.until, latest].into_iter().flatten().min().unwrap_or(now.plus_micros(FAR));
    let mut end = bound.min(now);
    let limit = i64::from(search.max_rows);
    let (mut found, mut count, mut to, mut width) = (Vec::new(), 0, end, FIRST);
    loop {
        pgrx::check_for_interrupts!();
        let from = to.plus_micros(-width);
        // A span that is cut short ends at the earliest time there is.
        let is_last = search.since.is_some_and(|since| from <= since)
            || end.micros_since(from) > FAR
            || to.micros_since(from) < width;
        found.extend(within(search, if is_last { search.since } else { Some(from) }, bound, limit - count)?);
        count = i64::try_from(found.len()).unwrap_or(limit);
        if is_last || count >= limit {
            return Ok(found);
        }
        let newest = if to == end && count == 0 { newest(search.since, from, to)? } else { Some(to) };
        (to, width) = match newest {
            Some(newest) if newest == to => (from, next_width(end.micros_since(from), count, limit)),
            Some(newest) => {
                end = newest;
                (newest, FIRST)
            }
            None => (from, FAR),
        };
        bound = to;
    }
}

const ANY: &str = "
    SELECT true AS found FROM auth_store.audit_log WHERE occurred_at >= $1 AND occurred_at < $2 LIMIT 1";

/// The planner would take the first row to be near, and workers start slower than the index answers.
const BY_INDEX: &[(&CStr, &CStr)] =
    &[(c"enable_seqscan", c"off"), (c"max_parallel_workers_per_gather", c"0")];

/// Whether there is any row between two times.
fn is_any(from: Timestamp, to: Timestamp) -> Result<bool, Mistake> {
    let rows = with_settings(BY_INDEX, || read_once::<bool>(ANY, &params![from, to]))?;
    Ok(!rows.is_empty())
}

/// The end of a first span that has rows at all, whatever they are about: behind a time without rows the spans would
/// begin long. `from` and `to` are those of a span without a row that was asked for; `to` where it has others. None:
/// there are none for as long as a search goes back in spans.
fn newest(since: Option<Timestamp>, from: Timestamp, to: Timestamp) -> Result<Option<Timestamp>, Mistake> {
    let (mut from, mut to, end) = (from, to, to);
    while !is_any(from, to)? {
        if since.is_some_and(|since| from <= since) {
            return Ok(Some(from));
        }
        if end.micros_since(from) > FAR || from >= to {
            return Ok(None);
        }
        to = from;
        from = to.plus_micros(-end.micros_since(to).saturating_mul(3));
    }
    while to.micros_since(from) > FIRST {
        let middle = from.plus_micros(to.micros_since(from) / 2);
        if is_any(middle, to)? {
            from = middle;
        } else {
            to = middle;
        }
    }
    Ok(Some(to))
}

/// Half as much again as should have the rest of the rows, if they lie as densely as so far.
fn next_width(searched: i64, found: i64, limit: i64) -> i64 {
    let most = searched.saturating_mul(MOST);
    if found == 0 {
        return most;
    }
    (searched / found).saturating_mul(limit - found).saturating_mul(3).saturating_div(2).clamp(searched, most)
}

fn within(
    search: &Search<'_>,
    from: Option<Timestamp>,
    to: Timestamp,
    limit: i64,
) -> Result<Vec<Found>, Mistake> {
    let params = params![
        from,
        to,
        search.before,
        search.user_id,
        search.client_id,
        search.event,
        search.ip.clone(),
        search.success,
        search.flags.clone(),
        search.details.clone(),
        search.tenant_id,
        limit,
    ];
    // The server takes the index of the refused rows wherever it can, but the other indexes leave fewer rows.
    let success = if search.is_narrow() { "success::int4 = $8::int4" } else { "success = $8" };
    read_once(&SEARCH.replace("{success}", success), &params)
}

#[cfg(test)]
mod tests {
    use super::{FIRST, next_width};

    #[test]
    fn a_span_is_as_long_as_the_rows_found_let_expect() {
        assert_eq!(next_width(FIRST, 0, 100), 16 * FIRST);
        assert_eq!(next_width(FIRST, 50, 100), FIRST * 3 / 2);
        assert_eq!(next_width(FIRST, 99, 100), FIRST);
        assert_eq!(next_width(FIRST, 1, 100), 16 * FIRST);
        assert_eq!(next_width(i64::MAX / 2, 0, 1000), i64::MAX);
    }
}
