//! Rate limits: so many hits on a key in a time, exact under any concurrency. `gcra.rs` has the arithmetic.
//!
//! The state of the keys is in shared memory where the library is preloaded, otherwise in a table. Shared memory takes
//! no row lock and writes no WAL, keeps hits through the caller's rollback, and works on a standby, each server for
//! itself. The databases of a server share the memory, not the keys.

pub mod gcra;
pub mod shared;
pub mod table;

use pgrx::prelude::*;

use crate::identity::tenant;
use crate::kernel::outcome::{Mistake, OrRaise, given};
use crate::kernel::server::composite::composite;
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::server::{pin, transaction, version};
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::interval;
use crate::limit::gcra::{Decision, PERIOD, Rate};
use crate::limit::shared::Shared;

composite! {
    /// What rate_limit_hit() returns.
    pub struct RateLimitVerdict = "auth_store.rate_limit_verdict" {
        pub allowed: Option<bool>,
        pub remaining: Option<i32>,
        pub retry_after: Option<i32>,
        pub reset_at: Option<Timestamp>,
    }
}

composite! {
    /// What rate_limit_stats() returns.
    pub struct RateLimitStats = "auth_store.rate_limit_statistics" {
        pub slots: i64,
        pub used: i64,
        pub evicted: i64,
    }
}

/// Not SECURITY DEFINER: a hit in shared memory is less work than becoming the owner. A hit in the table becomes the
/// owner itself.
#[pg_extern(volatile, parallel_unsafe)]
fn rate_limit_hit(
    key: Option<&str>,
    max_hits: Option<i32>,
    window: default!(Option<Interval>, "NULL"),
    cost: default!(Option<i32>, 1),
    tenant_id: default!(Option<&str>, "NULL"),
    period: default!(Option<Interval>, "NULL"),
) -> RateLimitVerdict {
    let now = clock::now();
    let hit = || {
        let key = checked_key(key, false)?;
        let max_hits = given(max_hits, "max_hits")?;
        let seconds = period_seconds(period, window)?;
        let cost = cost.unwrap_or(1);
        let tenant_id = tenant_of(tenant_id)?;
        let hit = || hit(now, &tenant_id, key, max_hits, seconds, cost);
        if shared::enabled().is_some() { hit() } else { transaction::as_owner(hit) }
    };
    let verdict = hit().or_raise();
    RateLimitVerdict {
        allowed: Some(verdict.allowed),
        remaining: Some(verdict.remaining),
        retry_after: Some(verdict.retry_after),
        reset_at: Some(verdict.reset_at),
    }
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn rate_limit_reset(key: Option<&str>, tenant_id: default!(Option<&str>, "NULL")) -> bool {
    let now = clock::now();
    let reset = || {
        let key = checked_key(key, true)?;
        let tenant_id = tenant_of(tenant_id)?;
        Ok(forget(&tenant_id, key)?.is_some_and(|arrival| arrival > now.micros()))
    };
    reset().or_raise()
}

#[pg_extern(stable, parallel_safe)]
fn rate_limit_stats() -> RateLimitStats {
    let statistics =
        shared::table().map(|shared| shared.statistics(clock::now().micros())).unwrap_or_default();
    RateLimitStats { slots: statistics.slots, used: statistics.used, evicted: statistics.evicted }
}

/// The answer to a hit.
pub struct LimitVerdict {
    /// Whether the hit is within the limit. A refused hit has cost nothing.
    pub allowed: bool,
    /// How many more hits there are at once.
    pub remaining: i32,
    /// Seconds until the same hit is allowed; 0 where it was.
    pub retry_after: i32,
    /// When all of `max_hits` are available again, if nothing hits the key until then.
    pub reset_at: Timestamp,
}

const MAX_KEY: usize = 1024;
/// The store's own keys hold a client_id, which may be a URL.
const MAX_OWN_KEY: usize = 4096;
const MAX_PERIOD: i64 = 30 * 86_400;

/// Counts a hit on a key: at most `max_hits` in `period_seconds` (1 s to 30 d, at most a million hits a second);
/// it counts as `cost` of them (1 to `max_hits`). Errors: [`Mistake::InvalidArgument`] for anything else, and
/// [`Mistake::ReadOnly`] where the state is in the table and can't be written.
///
/// A key has one limit. Two of different `max_hits` or periods need a key each.
pub fn hit(
    now: Timestamp,
    tenant_id: &str,
    key: &str,
    max_hits: i32,
    period_seconds: i64,
    cost: i32,
) -> Result<LimitVerdict, Mistake> {
    let rate = rate(max_hits, period_seconds)?;
    if !(1..=max_hits).contains(&cost) {
        return Err(Mistake::invalid("cost", "1 to max_hits"));
    }
    let decision = match shared::enabled() {
        Some(shared) => hit_shared(shared, now, shared_key(tenant_id, key), rate, cost),
        None => table::hit(now, tenant_id, key, rate, cost)?,
    };
    let arrival = decision.arrival;
    // The wait begins now where other calls have moved the state on while this call waited for the key.
    let stale = rate.capped(arrival, now.micros()) < arrival;
    let now = if stale { clock::now() } else { now };
    let retry_after = if decision.allowed { 0 } else { rate.retry_after(arrival, now.micros(), cost).max(1) };
    Ok(LimitVerdict {
        allowed: decision.allowed,
        remaining: rate.remaining(arrival, now.micros()),
        retry_after,
        reset_at: Timestamp::from_micros(arrival).max(now),
    })
}

/// The period of limits that are given an hour, in seconds.
pub const HOUR: i64 = 3600;
const MINUTE: i64 = 60;

/// Whether the audit trail should say that `key` is over its limit: once a minute, because a row for each refusal
/// would be a flood of its own. Errors as of [`hit`].
pub fn audit_due(now: Timestamp, tenant_id: &str, key: &str) -> Result<bool, Mistake> {
    Ok(hit(now, tenant_id, &format!("{key}:audit"), 1, MINUTE, 1)?.allowed)
}

/// Seconds until a hit on a key would be allowed, 0 if now; does not count a hit. Arguments and errors as of [`hit`].
pub fn retry_after(
    now: Timestamp,
    tenant_id: &str,
    key: &str,
    max_hits: i32,
    period_seconds: i64,
) -> Result<i32, Mistake> {
    let rate = rate(max_hits, period_seconds)?;
    Ok(state_of(Snapshot::deciding, tenant_id, key)?.map_or(0, |arrival| {
        let now = now.micros();
        rate.retry_after(rate.capped(arrival, now), now, 1)
    }))
}

/// The share of a key's hits that is used, 0 to 1; does not count a hit. Arguments and errors as of [`hit`].
pub fn used(
    now: Timestamp,
    tenant_id: &str,
    key: &str,
    max_hits: i32,
    period_seconds: i64,
) -> Result<f64, Mistake> {
    let rate = rate(max_hits, period_seconds)?;
    let state = state_of(|| Ok(Snapshot::reading()), tenant_id, key)?;
    Ok(state.map_or(0.0, |arrival| rate.used(arrival, now.micros())))
}

/// The state of a key, which a reader sees as of its own snapshot, in the table.
fn state_of(
    snapshot: impl FnOnce() -> Result<Snapshot, Mistake>,
    tenant_id: &str,
    key: &str,
) -> Result<Option<i64>, Mistake> {
    match shared::enabled() {
        Some(shared) => Ok(shared.find(shared_key(tenant_id, key))),
        None => table::find(&snapshot()?, tenant_id, key),
    }
}

/// Forgets the hits on a key and returns the state that it had.
pub fn forget(tenant_id: &str, key: &str) -> Result<Option<i64>, Mistake> {
    match shared::enabled() {
        Some(shared) => Ok(shared.forget(shared_key(tenant_id, key))),
        None => table::forget(tenant_id, key),
    }
}

/// Notes `key` for so many seconds from now on. In shared memory notes have an owner of their own, so that no number of
/// limits drives them out while the memory is shared as intended.
pub fn note(now: Timestamp, tenant_id: &str, key: &str, seconds: i64) -> Result<(), Mistake> {
    let until = now.plus_seconds(seconds);
    match shared::enabled() {
        Some(shared) => {
            let owner = notes_of(tenant_id);
            shared.update(shared::Key { owner: &owner, name: key }, now.micros(), |_| (until.micros(), ()));
            Ok(())
        }
        None => table::note(tenant_id, key, until),
    }
}

/// The seconds for which `key` is still noted, at most `seconds`; None if it is not noted. A longer note dates from
/// before the clock was set back.
pub fn noted(now: Timestamp, tenant_id: &str, key: &str, seconds: i64) -> Result<Option<i32>, Mistake> {
    let until = match shared::enabled() {
        Some(shared) => shared.find(shared::Key { owner: &notes_of(tenant_id), name: key }),
        None => table::find(&Snapshot::deciding()?, tenant_id, key)?,
    };
    let until = until.map(Timestamp::from_micros);
    Ok(until
        .filter(|until| *until > now && *until <= now.plus_seconds(seconds))
        .map(|until| until.seconds_after(now)))
}

/// No tenant's id has a control character in it.
fn notes_of(tenant_id: &str) -> String {
    format!("{tenant_id}\u{1}notes")
}

/// A state that lies too far ahead of `now` is compared with the clock once more while the entry is locked: a backend
/// with a slightly later clock may have been here first.
fn hit_shared(shared: Shared, now: Timestamp, key: shared::Key<'_>, rate: Rate, cost: i32) -> Decision {
    shared.update(key, now.micros(), |arrival| {
        let mut decision = rate.decide(arrival, now.micros(), cost);
        if rate.capped(decision.arrival, now.micros()) < decision.arrival {
            decision.arrival = rate.capped(decision.arrival, clock::now().micros());
        }
        (decision.arrival, decision)
    })
}

/// A key in shared memory, where many new ones of a tenant drive out its own.
fn shared_key<'a>(tenant_id: &'a str, key: &'a str) -> shared::Key<'a> {
    shared::Key { owner: tenant_id, name: key }
}

/// The tenant whose key it is. The default tenant always exists and is not looked up. With limits in the table this
/// call is going to write.
fn tenant_of(tenant_id: Option<&str>) -> Result<String, Mistake> {
    let snapshot = if shared::enabled().is_some() { Snapshot::latest() } else { Snapshot::writing()? };
    if tenant_id.is_none() && pin::tenant().is_none() {
        version::ensure_ready()?;
        return Ok(tenant::DEFAULT.to_owned());
    }
    tenant::resolve(&snapshot, tenant_id)
}

fn rate(max_hits: i32, period_seconds: i64) -> Result<Rate, Mistake> {
    if !(1..=MAX_PERIOD).contains(&period_seconds) {
        return Err(Mistake::invalid("period", PERIOD));
    }
    Rate::new(max_hits, period_seconds)
        .ok_or(Mistake::invalid("max_hits", "1 or more, at most a million for each second of the period"))
}

/// The seconds of `period`, or of `window`, its other name, which SQL wants quoted.
fn period_seconds(period: Option<Interval>, window: Option<Interval>) -> Result<i64, Mistake> {
    let (argument, value) = match (period, window) {
        (Some(_), Some(_)) => {
            return Err(Mistake::invalid(
                "period",
                "one of period and window, which are two names of one thing",
            ));
        }
        (None, Some(window)) => ("window", window),
        (period, None) => ("period", given(period, "period")?),
    };
    if value.micros().rem_euclid(1_000_000) != 0 {
        return Err(Mistake::invalid(argument, PERIOD));
    }
    interval::seconds(Some(value), 0, 1..=MAX_PERIOD, argument, PERIOD)
}

/// Keys that the store hits itself may be longer.
fn checked_key(key: Option<&str>, also_own: bool) -> Result<&str, Mistake> {
    let key = given(key, "key")?;
    let longest = if also_own && key.starts_with("client:") { MAX_OWN_KEY } else { MAX_KEY };
    if (1..=longest).contains(&key.len()) { Ok(key) } else { Err(Mistake::invalid("key", "1 to 1024 bytes")) }
}
