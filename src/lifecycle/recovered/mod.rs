//! What an operator says after a fail-over or a restore: which commits are lost. Then what cannot be known any more is
//! not taken, and what may have been revoked ends, as far as the operator wants.
//!
//! Lock order: codes, one-time tokens, sessions, grants, API keys, factors, connections; each in the order of the ids.

use pgrx::prelude::*;
use serde_json::json;

use crate::api_key;
use crate::identity::session::revoke;
use crate::identity::{mfa, one_time, passkey, tenant};
use crate::kernel::outcome::{Mistake, OrRaise, given};
use crate::kernel::server::composite::composite;
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::server::{lineage, lock, pin};
use crate::kernel::value::calendar::rfc3339;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::kernel::value::interval;
use crate::oauth::code::unused;
use crate::oauth::{device, grant};
use crate::recovery::{self, LEEWAY, Recovery};
use crate::trail::{self, Event};
use crate::vault::connection;

composite! {
    /// What recovered() has done.
    pub struct RecoveryDone = "auth_store.recovery_done" {
        pub timeline: Option<i32>,
        pub refused_until: Option<Timestamp>,
        pub claims_until: Option<Timestamp>,
        pub fences: i64,
        pub single_use: i64,
        pub sessions: i64,
        pub grants: i64,
        pub api_keys: i64,
    }
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn recovered(
    lost_from: Option<TimestampWithTimeZone>,
    lost_to: Option<TimestampWithTimeZone>,
    policy: default!(Option<&str>, "'keep'"),
    longest_claim: default!(Option<Interval>, "'24 hours'"),
) -> RecoveryDone {
    let now = clock::now();
    let window = (lost_from.map(Timestamp::from), lost_to.map(Timestamp::from));
    note(now, window, policy, longest_claim).or_raise()
}

/// What ends of that which lives: nothing, what was made before the end of the window, or all.
const POLICIES: [&str; 3] = ["keep", "window", "all"];
const DAY: i64 = 86_400;
/// Why what it ends has ended.
const REASON: &str = "recovery";
/// So many leases of one connection are not given in any window.
const FENCES: i64 = 1 << 20;

/// Two at a time would jump twice.
const LOCK: [u8; 16] = *b"auth_store:recov";

fn note(
    now: Timestamp,
    (lost_from, lost_to): (Option<Timestamp>, Option<Timestamp>),
    policy: Option<&str>,
    longest_claim: Option<Interval>,
) -> Result<RecoveryDone, Mistake> {
    let lost_from = given(lost_from, "lost_from")?;
    let lost_to = given(lost_to, "lost_to")?;
    let policy = policy.unwrap_or("keep");
    if !POLICIES.contains(&policy) {
        return Err(Mistake::one_of("policy", &POLICIES));
    }
    if !lost_from.is_finite() {
        return Err(Mistake::invalid("lost_from", "a time that is not infinite"));
    }
    if !lost_to.is_finite() || lost_to < lost_from || lost_to > now.plus_seconds(LEEWAY) {
        return Err(Mistake::invalid("lost_to", "a time from lost_from up to now"));
    }
    let accepted = "an interval from 0 to 24 hours";
    let longest = interval::seconds(longest_claim, DAY, 0..=DAY, "longest_claim", accepted)?;
    drop(Snapshot::writing()?);
    if pin::tenant().is_some() {
        return Err(Mistake::NotAllowed(
            "a recovery is of all tenants, and the session is pinned to one".into(),
        ));
    }
    lock::lock_key(Id::from_bytes(LOCK));
    let recovery = Recovery { lost_from, lost_to, claims_until: lost_to.plus_seconds(longest), policy };
    let is_new = recovery::note(now, &recovery)?;
    let mut done = RecoveryDone {
        timeline: lineage::present().map(|present| present.timeline),
        ..RecoveryDone::default()
    };
    let is_lossy = lost_from < lost_to;
    // What was made at the end of the window itself is in it.
    let window = Id::lower_bound(lost_to.plus_micros(1000));
    if is_lossy {
        done.refused_until = Some(lost_to.plus_seconds(LEEWAY));
        done.claims_until = Some(recovery.claims_until);
        done.single_use = end_single_use(window)?;
    }
    match policy {
        "all" => end_live(now, Id::from_bytes([0xff; 16]), &mut done)?,
        "window" if is_lossy => end_live(now, window, &mut done)?,
        _ => (),
    }
    if is_lossy && is_new {
        mfa::factor::skip_steps(lost_to.plus_seconds(LEEWAY))?;
        done.fences = count(connection::lease::jump(FENCES)?);
    }
    record(now, &recovery, &done)?;
    Ok(done)
}

/// What is good once, and may have been used: whoever waits for one asks for another.
fn end_single_use(before: Id) -> Result<i64, Mistake> {
    let ended = unused::end_before(before)?
        + device::end_before(before)?
        + passkey::challenge::end_before(before)?
        + one_time::end_before(before)?;
    Ok(count(ended))
}

fn end_live(now: Timestamp, before: Id, done: &mut RecoveryDone) -> Result<(), Mistake> {
    done.sessions = count(revoke::end_before(now, before, REASON)?);
    done.grants = count(grant::end_before(now, before, REASON)?);
    done.api_keys = count(api_key::revoke::end_before(now, before, REASON)?);
    Ok(())
}

fn record(now: Timestamp, recovery: &Recovery<'_>, done: &RecoveryDone) -> Result<(), Mistake> {
    trail::record(
        now,
        &Event {
            event: "store.recovered",
            tenant_id: tenant::DEFAULT,
            details: Some(json!({
                "lost_from": rfc3339(recovery.lost_from),
                "lost_to": rfc3339(recovery.lost_to),
                "policy": recovery.policy,
                "timeline": done.timeline,
                "fences": done.fences,
                "single_use": done.single_use,
                "sessions": done.sessions,
                "grants": done.grants,
                "api_keys": done.api_keys,
            })),
            ..Event::default()
        },
    )?;
    Ok(())
}

fn count(rows: u64) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}
