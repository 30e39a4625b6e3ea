//! Whether the store does its work, for a probe: a row for each thing to look at, with what to do.

use pgrx::iter::SetOfIterator;
use pgrx::prelude::*;

use crate::audit::seal::{self, segment};
use crate::kernel::outcome::{Mistake, OrRaise};
use crate::kernel::server::composite::composite;
use crate::kernel::server::row::row;
use crate::kernel::server::spi::Statement;
use crate::kernel::server::{replica, state, version};
use crate::kernel::value::calendar::rfc3339;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::lifecycle::cursors;
use crate::recovery::{self, Known};
use crate::vault::key::{self, master};
use crate::webhook::waiting;

composite! {
    /// A row of health().
    pub struct HealthCheck = "auth_store.health_check" {
        pub check_name: Option<String>,
        pub status: Option<&'static str>,
        pub detail: Option<String>,
        pub what_to_do: Option<&'static str>,
    }
}

#[pg_extern(stable, parallel_safe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn health() -> SetOfIterator<'static, HealthCheck> {
    SetOfIterator::new(replica::regardless(|| look(clock::now())).or_raise())
}

/// NULL on the primary.
#[pg_extern(stable, parallel_safe)]
fn replica_lag() -> Option<Interval> {
    let lag = replica::lag(clock::now())?;
    Interval::new(0, 0, lag).ok()
}

const HOUR: i32 = 3600;
const DAY: i32 = 24 * HOUR;

fn look(now: Timestamp) -> Result<Vec<HealthCheck>, Mistake> {
    if let Err(mistake) = version::ensure_ready() {
        return Ok(vec![fail("tables", mistake.message().to_string(), "SELECT * FROM auth_store.check()")]);
    }
    let mut found = vec![ok("tables", format!("version {}", version::TABLES_VERSION))];
    found.push(partitions()?);
    found.extend(cleanup(now)?);
    found.push(master_key(now));
    found.extend(sealing(now)?);
    found.push(webhooks(now)?);
    found.push(if state::is_preloaded() {
        ok("preloaded", "by shared_preload_libraries".into())
    } else {
        warn(
            "preloaded",
            "rate limits are in a table, and each connection loads the library".into(),
            "shared_preload_libraries = 'auth_store', and restart the server",
        )
    });
    found.extend(server()?);
    found.extend(standby(now));
    found.extend(subscriptions(now)?);
    Ok(found)
}

// Of the tables that are kept by months, this month's partition and the next.
static MISSING: Statement<Option<String>> = Statement::read(
    c"SELECT string_agg(p.name, ', ' ORDER BY p.name COLLATE \"C\") AS missing
        FROM (SELECT format('%s_y%sm%s', t.name, to_char(m.month, 'YYYY'), to_char(m.month, 'MM'))
                FROM (VALUES ('audit_log'), ('webhook_attempts')) t (name)
                     CROSS JOIN LATERAL (
                         SELECT date_trunc('month', statement_timestamp() AT TIME ZONE 'UTC') + n * interval '1 month'
                           FROM generate_series(0, 1) n) m (month)) p (name)
       WHERE to_regclass('auth_store.' || p.name) IS NULL",
);

fn partitions() -> Result<HealthCheck, Mistake> {
    Ok(match MISSING.one(&[])?.flatten() {
        None => ok("partitions", "this month's and the next month's are there".into()),
        Some(missing) => warn(
            "partitions",
            format!("missing: {missing}"),
            "SELECT auth_store.partitions_ensure(), and CALL auth_store.cleanup() by a schedule",
        ),
    })
}

fn cleanup(now: Timestamp) -> Result<[HealthCheck; 2], Mistake> {
    const SCHEDULE: &str = "CALL auth_store.cleanup() by a schedule, every five minutes";
    let ran = cursors::last_run()?;
    let age = |at: Timestamp| now.seconds_after(at);
    let last = ran.updated_at.map(age);
    let detail = last.map_or_else(|| "has never run".into(), |age| format!("ran {age} s ago"));
    let run = match last {
        Some(age) if age <= HOUR => ok("cleanup", detail),
        Some(age) if age > 7 * DAY => fail("cleanup", detail, SCHEDULE),
        _ => warn("cleanup", detail, SCHEDULE),
    };
    let behind = ran.counted.map(|position| age(position.time()));
    let detail = behind
        .map_or_else(|| "has never run".into(), |age| format!("the trail is counted up to {age} s ago"));
    let counting = match behind {
        Some(age) if age <= HOUR => ok("counting", detail),
        _ => warn(
            "counting",
            detail,
            "SELECT auth_store.cleanup_usage(), whose comment says what it waits for",
        ),
    };
    Ok([run, counting])
}

fn master_key(now: Timestamp) -> HealthCheck {
    const NAME: &str = "master_key";
    const SET: &str = "Set auth_store.master_key_file or auth_store.master_key_command to where the keys are";
    const SEE: &str = "SELECT * FROM auth_store.vault_check(), which opens everything";
    // The oldest data key tells that the file is another store's, or lacks a line, as after a restore.
    let oldest = key::after(Id::from_bytes([0; 16]), 1).map(|keys| keys.into_iter().next());
    match (master::is_configured(), oldest) {
        (_, Err(mistake)) => fail(NAME, mistake.message().to_string(), SET),
        (false, Ok(None)) => ok(NAME, "none is configured, and nothing is sealed".into()),
        (false, Ok(Some(_))) => {
            fail(NAME, "none is configured, and what is sealed does not open".into(), SET)
        }
        (true, Ok(oldest)) => match master::names() {
            Ok(names) if names.is_empty() => fail(NAME, "there is none".into(), SET),
            Ok(names) => match oldest.map(|key| key.open(now)) {
                Some(Ok(Err(unreadable))) => fail(NAME, Mistake::from(unreadable).message().to_string(), SEE),
                Some(Err(mistake)) => fail(NAME, mistake.message().to_string(), SET),
                Some(Ok(Ok(_))) | None => ok(NAME, format!("{} can be read", names.len())),
            },
            Err(mistake) => fail(NAME, mistake.message().to_string(), SET),
        },
    }
}

/// None where the trail was never sealed.
fn sealing(now: Timestamp) -> Result<Option<HealthCheck>, Mistake> {
    const NAME: &str = "audit_seal";
    let Some(last) = segment::last()? else { return Ok(None) };
    let late = now.plus_seconds(-2 * HOUR);
    let unsealed = seal::waits_between(last.sealed_at, late)?;
    let detail = format!("head {} was sealed {} s ago", last.number, now.seconds_after(last.sealed_at));
    let open = last.sealed_at.seconds_after(last.complete_before);
    Ok(Some(if open > 2 * HOUR {
        let since = last.complete_before;
        let since = if since.is_finite() { rfc3339(since) } else { "ever".into() };
        let detail =
            format!("{detail}, and rows of times since {since} may still come, or be inserted unseen");
        let hint = "End what is open: SELECT pid, xact_start FROM pg_stat_activity WHERE datname = current_database() \
                    ORDER BY 2; SELECT * FROM pg_prepared_xacts; and track_activities must be on";
        warn(NAME, detail, hint)
    } else if unsealed {
        let detail = format!("{detail}, and rows of more than two hours ago are not sealed");
        warn(NAME, detail, "SELECT auth_store.audit_seal(), and by a schedule: jobs_schedule()")
    } else {
        ok(NAME, detail)
    }))
}

fn webhooks(now: Timestamp) -> Result<HealthCheck, Mistake> {
    const NAME: &str = "webhooks";
    const LOOK: &str = "Look whether workers run; SELECT * FROM auth_store.webhook_health";
    let Some(since) = waiting::since(now)? else {
        return Ok(ok(NAME, "no delivery waits that could be sent".into()));
    };
    let age = now.seconds_after(since);
    let detail = format!("the oldest delivery that could be sent has waited for {age} s");
    Ok(match age {
        0..=300 => ok(NAME, detail),
        301..=HOUR => warn(NAME, detail, LOOK),
        _ => fail(NAME, detail, LOOK),
    })
}

row! {
    struct Server {
        timeline: Option<i32>,
        slots: i64,
        lost: Option<String>,
        holding: Option<String>,
    }
}

// A slot that nobody reads keeps the WAL; one gigabyte of it is told.
static SERVER: Statement<Server> = Statement::read(
    c"WITH slot AS (
          SELECT s.slot_name::text COLLATE \"C\" AS name, s.active, s.wal_status,
                 pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()
                                      ELSE pg_current_wal_lsn() END, s.restart_lsn) AS behind
            FROM pg_replication_slots s)
      SELECT {columns}
        FROM (SELECT (SELECT c.timeline_id FROM pg_control_checkpoint() c) AS timeline, count(*) AS slots,
                     string_agg(name, ', ') FILTER (WHERE wal_status = 'lost') AS lost,
                     string_agg(name, ', ') FILTER (
                         WHERE wal_status <> 'lost' AND NOT active AND behind > 1073741824) AS holding
                FROM slot) f",
);

fn server() -> Result<Vec<HealthCheck>, Mistake> {
    const SLOTS: &str = "replication_slots";
    let Some(server) = SERVER.one(&[])? else { return Ok(Vec::new()) };
    let slots = match (server.lost, server.holding) {
        (Some(lost), _) => fail(
            SLOTS,
            format!("lost, because their WAL is gone: {lost}"),
            "Make the standby or subscriber anew, and drop the slot",
        ),
        (None, Some(holding)) => warn(
            SLOTS,
            format!("unused, and holding more than 1 GB of WAL: {holding}"),
            "Start what reads the slot, or pg_drop_replication_slot()",
        ),
        (None, None) => ok(SLOTS, format!("{}, none of which holds much WAL", server.slots)),
    };
    Ok(vec![slots, timeline(server.timeline.unwrap_or(0))?])
}

fn timeline(of_checkpoint: i32) -> Result<HealthCheck, Mistake> {
    const NAME: &str = "timeline";
    const TELL: &str = "SELECT * FROM auth_store.recovered(lost_from, lost_to), with the times from which and until \
                        which commits were lost, twice the same where none was: see docs/how-to/recovery.md";
    Ok(match recovery::known()? {
        Known::Standby => ok(NAME, format!("standby on timeline {of_checkpoint}")),
        Known::Told { timeline } => ok(NAME, format!("primary on timeline {timeline}")),
        Known::Untold { now, .. } if recovery::follows()? => {
            ok(NAME, format!("follows a publisher, on timeline {}", now.timeline))
        }
        Known::Untold { before, now } => {
            let since = match before {
                Some(before) if before == now => "the store has rows of a dump".into(),
                Some(before) if before.system == now.system => {
                    format!("the store knows of timeline {}", before.timeline)
                }
                Some(before) => format!("the store knows of server {}", before.system),
                None => "the store knows of none".into(),
            };
            let detail = format!(
                "primary on timeline {} of server {}, and {since}: after a fail-over or a restore, commits may be lost",
                now.timeline, now.system
            );
            warn(NAME, detail, TELL)
        }
    })
}

/// Where reads are refused on a standby that is too far behind, how far it is.
fn standby(now: Timestamp) -> Option<HealthCheck> {
    const NAME: &str = "replica_lag";
    let (lag, most) = (replica::lag(now)?, replica::MAX_LAG.in_micros());
    let detail = format!("shows all that the primary had {} ms ago", lag / 1000);
    Some(if most > 0 && lag > most {
        let detail = format!("{detail}, and auth_store.max_replica_lag is {} ms", most / 1000);
        fail(NAME, detail, "Look at pg_stat_wal_receiver here and at pg_stat_replication on the primary")
    } else {
        ok(NAME, detail)
    })
}

row! {
    struct Subscription {
        name: String,
        enabled: bool,
        running: bool,
        copying: i64,
        received_at: Option<Timestamp>,
    }
}

// Of this database, with tables of the store.
static SUBSCRIPTIONS: Statement<Subscription> = Statement::read(
    c"SELECT {columns}
        FROM (SELECT s.subname::text COLLATE \"C\" AS name, s.subenabled AS enabled, w.pid IS NOT NULL AS running,
                     t.copying, w.last_msg_receipt_time AS received_at
                FROM pg_subscription s
                     CROSS JOIN LATERAL (
                         SELECT count(*) AS tables, count(*) FILTER (WHERE r.srsubstate NOT IN ('r', 's')) AS copying
                           FROM pg_subscription_rel r JOIN pg_class c ON c.oid = r.srrelid
                          WHERE r.srsubid = s.oid AND c.relnamespace = 'auth_store'::regnamespace) t
                     LEFT JOIN pg_stat_subscription w ON w.subid = s.oid AND w.relid IS NULL AND w.pid IS NOT NULL
               WHERE s.subdbid = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
                 AND t.tables > 0
               ORDER BY name) f",
);

/// A row for each subscription that writes tables of the store.
fn subscriptions(now: Timestamp) -> Result<Vec<HealthCheck>, Mistake> {
    const LOG: &str = "The server's log says why it ended";
    const PUBLISHER: &str = "Look whether the publisher answers";
    // A worker that hears nothing asks after half of wal_receiver_timeout, which is 60 s unless it was set.
    const SILENCE: i32 = 90;
    let found = SUBSCRIPTIONS.all(&[])?.into_iter().map(|subscription| {
        let name = format!("subscription {}", subscription.name);
        let heard = subscription.received_at.map(|at| now.seconds_after(at));
        match (subscription.enabled, subscription.running, heard) {
            (false, ..) => fail(name, "disabled".into(), "ALTER SUBSCRIPTION … ENABLE, or drop it"),
            (true, false, _) => fail(name, "not running".into(), LOG),
            (true, true, Some(heard)) if heard > SILENCE => {
                warn(name, format!("the publisher was heard {heard} s ago"), PUBLISHER)
            }
            (true, true, _) if subscription.copying > 0 => warn(
                name,
                format!("{} tables are not copied yet", subscription.copying),
                "Wait; the server's log says where it fails",
            ),
            (true, true, heard) => ok(name, format!("the publisher was heard {} s ago", heard.unwrap_or(0))),
        }
    });
    Ok(found.collect())
}

fn ok(name: impl Into<String>, detail: String) -> HealthCheck {
    HealthCheck { check_name: Some(name.into()), status: Some("ok"), detail: Some(detail), what_to_do: None }
}

fn warn(name: impl Into<String>, detail: String, what_to_do: &'static str) -> HealthCheck {
    HealthCheck { status: Some("warn"), what_to_do: Some(what_to_do), ..ok(name, detail) }
}

fn fail(name: impl Into<String>, detail: String, what_to_do: &'static str) -> HealthCheck {
    HealthCheck { status: Some("fail"), what_to_do: Some(what_to_do), ..ok(name, detail) }
}
