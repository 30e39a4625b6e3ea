//! JWT ids (RFC 7519 section 4.1.7): a list of revoked ones, and claims, true exactly once, against the replay of
//! client assertions (RFC 7523 section 3) and DPoP proofs (RFC 9449 section 11.1).
//!
//! **Partitions.** Rows are partitioned by their end, so that expiry costs a dropped partition. A look-up must read
//! every partition that has not ended, because the presenter of a `jti` cannot be asked for the end that was named
//! first. So there are few partitions: hours for claims and days for revocations, and an end further away than a few of
//! those is rounded up to the end of its day or month.
//!
//! **Once.** Two calls for one `jti` may name different ends, and then their rows belong into different partitions: no
//! unique index sees both. Therefore a claim first locks the key (`kernel::lock`), until its transaction ends. With the
//! lock the claim reads the clock, and then looks into every partition that ends after that moment, with a snapshot
//! taken now, also at REPEATABLE READ:
//! - a former claim of the key is committed and visible, or rolled back, because its lock was released later;
//! - a claim whose end has not come is in one of the partitions looked into, whatever end it named;
//! - one whose end has come may be claimed anew, as soon as its partition has ended.
//!
//! So of any number of claims before the earliest end named, one is true. The index of a partition is unique
//! nevertheless. A clock that is set back does not undo this: cleanup drops only partitions that ended a while ago.

use pgrx::prelude::*;
use sha2::{Digest, Sha256};

use crate::identity::tenant;
use crate::kernel::outcome::{ErrorCode, Mistake, OrRaise, given};
use crate::kernel::server::append::Append;
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::server::partition::Partitions;
use crate::kernel::server::progress::Progress;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::server::table::{Moves, Published, Rows, Table, delete_by};
use crate::kernel::server::{lock, version};
use crate::kernel::value::argument;
use crate::kernel::value::calendar::{self, Period};
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::kernel::value::inet::Inet;
use crate::recovery;
use crate::trail::{self, Context, Event, Flag};

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn jti_revoke(
    jti: Option<&str>,
    expires_at: Option<TimestampWithTimeZone>,
    reason: default!(Option<&str>, "NULL"),
    tenant_id: default!(Option<&str>, "NULL"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> bool {
    let context = Context { ip, user_agent };
    revoke(clock::now(), jti, expires_at.map(Timestamp::from), reason, tenant_id, &context).or_raise()
}

#[pg_extern(stable, parallel_safe)]
fn jti_is_revoked(jti: Option<&str>, tenant_id: default!(Option<&str>, "NULL")) -> bool {
    is_revoked(clock::now(), jti, tenant_id).or_raise()
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn jti_claim(
    issuer: Option<&str>,
    jti: Option<&str>,
    expires_at: Option<TimestampWithTimeZone>,
    tenant_id: default!(Option<&str>, "NULL"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
    issued_at: default!(Option<TimestampWithTimeZone>, "NULL"),
) -> bool {
    let context = Context { ip, user_agent };
    let times = (issued_at.map(Timestamp::from), expires_at.map(Timestamp::from));
    claim(clock::now(), issuer, jti, times, tenant_id, &context).or_raise()
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn jti_partitions_ensure(hours_ahead: default!(Option<i32>, 24)) -> i32 {
    let now = clock::now();
    let ensure = || {
        let hours_ahead = hours_ahead.unwrap_or(HOURS_AHEAD);
        if !(0..=MAX_HOURS_AHEAD).contains(&hours_ahead) {
            return Err(Mistake::invalid("hours_ahead", "0 to 168 hours"));
        }
        version::ensure_ready()?;
        let _shown = Progress::begin("jti_partitions_ensure", None);
        ensure_ahead(now, i64::from(hours_ahead))
    };
    ensure().or_raise()
}

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// The furthest end of a claim and of a revocation, in seconds from now.
const MAX_CLAIM: i64 = DAY;
const MAX_REVOCATION: i64 = 366 * DAY;
/// From where on ends are rounded up.
const NEAR_CLAIM: i64 = 2 * HOUR;
const NEAR_REVOCATION: i64 = 2 * DAY;
/// How long a partition is kept after its end, in seconds: a slow call may still need it.
const LINGER: i64 = 300;
/// The default of hours_ahead.
const HOURS_AHEAD: i32 = 24;
/// A look-up reads every partition, so a week is enough.
const MAX_HOURS_AHEAD: i32 = 168;

/// The facts of the table `claimed_jtis`.
/// Its partitions are dropped when all in them has ended.
pub static CLAIMED_TABLE: Table = Table {
    name: "claimed_jtis",
    key: &[],
    ended: None,
    of_tenant: Rows::Deleted(delete_by!("claimed_jtis", "tenant_id")),
    of_client: Rows::None,
    of_user: None,
    published: Published::TakeOver,
    moves: Moves::Along,
    restored: true,
};

/// The facts of the table `revoked_jtis`.
/// Its partitions are dropped when all in them has ended.
pub static REVOKED_TABLE: Table = Table {
    name: "revoked_jtis",
    key: &[],
    ended: None,
    of_tenant: Rows::Deleted(delete_by!("revoked_jtis", "tenant_id")),
    of_client: Rows::None,
    of_user: None,
    published: Published::Validation,
    moves: Moves::Along,
    restored: true,
};

static CLAIMED: Partitions = Partitions::new(
    c"claimed_jtis",
    Period::Hour,
    "CREATE UNIQUE INDEX {name}_key ON auth_store.{name} (jti_hash){tablespace}",
);

static REVOKED: Partitions = Partitions::new(
    c"revoked_jtis",
    Period::Day,
    "CREATE UNIQUE INDEX {name}_key ON auth_store.{name} (jti_hash){tablespace}",
);

static CLAIM: Append = Append::new("claimed_jtis", &[c"jti_hash", c"expires_at", c"tenant_id"]);

static REVOKE: Statement = Statement::write(
    c"INSERT INTO auth_store.revoked_jtis (jti_hash, expires_at, revoked_at, tenant_id, reason)
      VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
);

/// The stored form of a `jti`: the first half of the SHA-256 of its owner and the id. No text of PostgreSQL contains
/// the byte between the two.
fn hash(parts: &[&str]) -> Id {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    let digest: [u8; 32] = hash.finalize().into();
    let mut half = [0; 16];
    half.copy_from_slice(&digest[..16]);
    Id::from_bytes(half)
}

fn revoked_hash(tenant_id: &str, jti: &str) -> Id {
    hash(&["revoked", tenant_id, jti])
}

fn revoke(
    now: Timestamp,
    jti: Option<&str>,
    expires_at: Option<Timestamp>,
    reason: Option<&str>,
    tenant_id: Option<&str>,
    context: &Context<'_>,
) -> Result<bool, Mistake> {
    let jti = given(jti, "jti")?;
    let expires_at = given(expires_at, "expires_at")?;
    let reason = argument::optional_reason(reason)?;
    if expires_at > now.plus_seconds(MAX_REVOCATION) {
        return Err(Mistake::invalid("expires_at", "a time at most 366 days from now"));
    }
    let snapshot = Snapshot::writing()?;
    let tenant_id = tenant::resolve(&snapshot, tenant_id)?;
    let key = revoked_hash(&tenant_id, jti);
    let mut revoked = false;
    if expires_at > now {
        let before = REVOKED.holds(&snapshot, now, key)?;
        let near = expires_at <= now.plus_seconds(NEAR_REVOCATION);
        let end = if near { expires_at } else { calendar::month_ceiling(expires_at) };
        REVOKED.ensure(end, near)?;
        REVOKED.note_write();
        // Even if the id is in an earlier partition: that one is dropped first.
        let added = REVOKE.run(&params![key, end, now, tenant_id.as_str(), reason])? == 1;
        revoked = added && !before;
    }
    drop(snapshot);
    trail::record(
        now,
        &Event {
            event: "jti.revoked",
            tenant_id: &tenant_id,
            resource_type: Some("jti"),
            resource_id: Some(jti),
            context: Some(context),
            details: reason.map(|reason| serde_json::json!({ "reason": reason })),
            ..Event::default()
        },
    )?;
    Ok(revoked)
}

fn is_revoked(now: Timestamp, jti: Option<&str>, tenant_id: Option<&str>) -> Result<bool, Mistake> {
    let jti = given(jti, "jti")?;
    let snapshot = Snapshot::reading();
    let tenant_id = tenant::resolve(&snapshot, tenant_id)?;
    is_revoked_in(&snapshot, now, jti, &tenant_id)
}

/// Whether a tenant's JWT with this id has been revoked.
pub fn is_revoked_in(
    snapshot: &Snapshot,
    now: Timestamp,
    jti: &str,
    tenant_id: &str,
) -> Result<bool, Mistake> {
    // A revocation in a partition that is made meanwhile has to conflict too.
    REVOKED.note_read(snapshot);
    REVOKED.holds(snapshot, now, revoked_hash(tenant_id, jti))
}

fn claim(
    now: Timestamp,
    issuer: Option<&str>,
    jti: Option<&str>,
    (issued_at, expires_at): (Option<Timestamp>, Option<Timestamp>),
    tenant_id: Option<&str>,
    context: &Context<'_>,
) -> Result<bool, Mistake> {
    let issuer = given(issuer, "issuer")?;
    let jti = given(jti, "jti")?;
    let expires_at = given(expires_at, "expires_at")?;
    if expires_at > now.plus_seconds(MAX_CLAIM) {
        return Err(Mistake::invalid("expires_at", "a time at most 24 hours from now"));
    }
    let snapshot = Snapshot::writing()?;
    let tenant_id = tenant::resolve(&snapshot, tenant_id)?;
    drop(snapshot);
    let lost = match issued_at {
        Some(issued_at) => recovery::predates(issued_at)?,
        None => recovery::may_predate(expires_at)?,
    };
    let key = hash(&["claim", &tenant_id, issuer, jti]);
    let claimed = !lost && claim_key(now, &tenant_id, key, expires_at)?;
    if !claimed {
        // An expired id proves nothing, replayed or not, and of one whose claim may be lost nobody knows.
        let flags: &[Flag] =
            if expires_at > now && !lost { &[Flag::JtiReplay] } else { &[Flag::ExpiredToken] };
        trail::record(
            now,
            &Event {
                event: "jti.claimed",
                tenant_id: &tenant_id,
                resource_type: Some("jti"),
                resource_id: Some(jti),
                error: Some(ErrorCode::InvalidRequest),
                flags,
                context: Some(context),
                details: Some(serde_json::json!({ "issuer": trail::cut(issuer, 200) })),
                ..Event::default()
            },
        )?;
    }
    Ok(claimed)
}

/// Claims a DPoP proof, known by the thumbprint of its key, its URI and its `jti`.
pub fn claim_proof(
    now: Timestamp,
    tenant_id: &str,
    [jkt, htu, jti]: [&str; 3],
    until: Timestamp,
) -> Result<bool, Mistake> {
    claim_key(now, tenant_id, hash(&["dpop", tenant_id, jkt, htu, jti]), until)
}

/// Claims the assertion of a client, known by its issuer and its `jti`; as jti_claim() does for an application.
pub fn claim_assertion(
    now: Timestamp,
    tenant_id: &str,
    [issuer, jti]: [&str; 2],
    until: Timestamp,
) -> Result<bool, Mistake> {
    claim_key(now, tenant_id, hash(&["claim", tenant_id, issuer, jti]), until)
}

/// True once; false also if `expires_at` is over, because no partition would keep such a claim.
fn claim_key(now: Timestamp, tenant_id: &str, key: Id, expires_at: Timestamp) -> Result<bool, Mistake> {
    if expires_at <= now {
        return Ok(false);
    }
    let near = expires_at <= now.plus_seconds(NEAR_CLAIM);
    let end = if near { expires_at } else { calendar::day_ceiling(expires_at) };
    let period = CLAIMED.ensure(end, near)?;
    lock::lock_key(key);
    // While this claim waited another one may have been made, at a later time than this one began.
    let now = clock::now();
    if expires_at <= now || CLAIMED.holds(&Snapshot::latest(), now, key)? {
        return Ok(false);
    }
    CLAIM.run(period, &params![key, end, tenant_id])?;
    Ok(true)
}

/// Makes every partition that a row written within the next hours can belong into; returns how many were missing. For
/// ends nearby these are all partitions, for ends further away those that the ends are rounded up to.
fn ensure_ahead(now: Timestamp, hours: i64) -> Result<i32, Mistake> {
    let last = now.plus_seconds(hours * HOUR);
    let near = |within: i64| last.plus_seconds(within);
    let days = midnights(near(NEAR_CLAIM), near(MAX_CLAIM));
    let claimed = CLAIMED.ensure_all(now, near(NEAR_CLAIM), &days)?;
    let months = firsts_of_months(near(NEAR_REVOCATION), near(MAX_REVOCATION));
    Ok(claimed + REVOKED.ensure_all(now, near(NEAR_REVOCATION), &months)?)
}

/// The ends of days that ends between these two are rounded up to.
fn midnights(from: Timestamp, until: Timestamp) -> Vec<Timestamp> {
    ceilings(from, until, calendar::day_ceiling)
}

/// The ends of months that ends between these two are rounded up to.
fn firsts_of_months(from: Timestamp, until: Timestamp) -> Vec<Timestamp> {
    ceilings(from, until, calendar::month_ceiling)
}

fn ceilings(from: Timestamp, until: Timestamp, ceiling: fn(Timestamp) -> Timestamp) -> Vec<Timestamp> {
    let last = ceiling(until);
    std::iter::successors(Some(ceiling(from)), |at| Some(ceiling(at.plus_seconds(1))))
        .take_while(|at| *at <= last)
        .collect()
}

/// Whether this is the name of a partition of either table.
pub fn names(name: &str) -> bool {
    CLAIMED.names(name) || REVOKED.names(name)
}

/// Makes those of the named partitions that are of either table and missing; returns how many.
pub fn ensure_named(names: &[&str]) -> Result<i32, Mistake> {
    Ok(CLAIMED.ensure_named(names)? + REVOKED.ensure_named(names)?)
}

/// Drops the partitions that have ended; returns how many. One that can't be is left to the next run.
pub fn drop_expired(now: Timestamp) -> Result<i32, Mistake> {
    let cutoff = now.plus_seconds(-LINGER);
    let dropped = CLAIMED.drop_before(cutoff, true)?.len() + REVOKED.drop_before(cutoff, true)?.len();
    Ok(i32::try_from(dropped).unwrap_or(i32::MAX))
}

#[cfg(test)]
mod tests {
    use super::{firsts_of_months, hash, midnights};
    use crate::kernel::value::clock::Timestamp;

    /// printf 'claim\0default\0issuer\0jti\0' | sha256sum
    #[test]
    fn a_hash_is_the_first_half_of_sha256() {
        assert_eq!(
            hash(&["claim", "default", "issuer", "jti"]).to_string(),
            "f3c3974a-d792-2750-2524-d4404c8e6c45"
        );
    }

    /// The first day of a month, at noon: a claim of the next hour can end at two midnights, a revocation at the
    /// beginnings of twelve months.
    #[test]
    fn far_ends_are_rounded_up_to_these() {
        let at = |seconds: u64| Timestamp::from_unix_millis(seconds * 1000);
        let seconds =
            |ends: Vec<Timestamp>| ends.into_iter().map(Timestamp::unix_seconds).collect::<Vec<_>>();
        let noon = 1_735_732_800; // 2025-01-01 12:00:00
        let found = seconds(midnights(at(noon + 2 * 3600), at(noon + 25 * 3600)));
        assert_eq!(found, [1_735_776_000, 1_735_862_400]);
        let found = seconds(firsts_of_months(at(noon + 2 * 86_400), at(noon + 366 * 86_400)));
        assert_eq!(found.len(), 13);
        assert_eq!(found[..2], [1_738_368_000, 1_740_787_200]); // 2025-02-01, 2025-03-01
        assert_eq!(found[12], 1_769_904_000); // 2026-02-01
        // A beginning is its own end.
        assert_eq!(seconds(midnights(at(1_735_776_000), at(1_735_776_000))), [1_735_776_000]);
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        let all = [
            hash(&["claim", "t", "a", "bc"]),
            hash(&["claim", "t", "ab", "c"]),
            hash(&["claim", "ta", "", "bc"]),
            hash(&["dpop", "t", "a", "bc"]),
            hash(&["claim", "t", "a", "bc", ""]),
        ];
        for (n, one) in all.iter().enumerate() {
            assert!(all.iter().skip(n + 1).all(|other| other != one));
        }
    }
}
