//! A refresh token for exactly one caller at a time: the lease, and how it ends.
//!
//! The provider replaces a refresh token at its use and takes a second use for theft (RFC 9700 section 4.14.2). So one
//! worker gets it, with a number that is never given twice, the fence. A worker that comes back with an older number
//! has been overtaken and changes nothing.

use pgrx::prelude::*;
use serde_json::json;

use crate::identity::tenant;
use crate::kernel::outcome::{Answer, ErrorCode, Mistake, OrRaise, Refusal, given};
use crate::kernel::server::composite::{WipedText, composite};
use crate::kernel::server::lookup::{Key, Lookup, Snapshot};
use crate::kernel::server::row::row;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::kernel::value::{argument, interval};
use crate::trail::Event;
use crate::vault::connection::account::{Account, Owner, Tokens};
use crate::vault::connection::status::{backoff, status};
use crate::vault::connection::{self, Connection};
use crate::vault::key;

composite! {
    /// Whether the caller has the refresh token now.
    pub struct ConnectionLease = "auth_store.connection_lease" {
        pub granted: bool,
        pub refresh_token: Option<WipedText>,
        pub fence: Option<i64>,
        pub leased_until: Option<Timestamp>,
        pub retry_after: Option<i32>,
        pub error: Option<&'static str>,
        pub error_description: Option<String>,
    }
    refused { error, error_description, retry_after }
}

composite! {
    /// Whether the end of a lease was noted.
    pub struct ConnectionRefresh = "auth_store.connection_refresh" {
        pub ok: bool,
        pub status: Option<&'static str>,
        pub retry_after: Option<i32>,
        pub error: Option<&'static str>,
        pub error_description: Option<String>,
    }
    refused { error, error_description }
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn connection_lease(
    connection_id: Option<pgrx::Uuid>,
    lease: default!(Option<Interval>, "'1 min'"),
    if_due: default!(Option<bool>, "false"),
    actor_id: default!(Option<&str>, "NULL"),
    actor_type: default!(Option<&str>, "NULL"),
    tenant_id: default!(Option<&str>, "NULL"),
) -> ConnectionLease {
    let now = clock::now();
    let run = || {
        let id = given(connection_id, "connection_id")?.into();
        let seconds = interval::seconds(lease, 60, 1..=3600, "lease", "1 second to 1 hour")?;
        let snapshot = Snapshot::writing()?;
        let owner = Owner::check(&snapshot, actor_id, actor_type, tenant_id)?;
        grant(now, snapshot, id, owner.as_ref(), now.plus_seconds(seconds), if_due.unwrap_or(false))
    };
    run().or_raise()
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn connection_complete(
    connection_id: Option<pgrx::Uuid>,
    fence: Option<i64>,
    access_token: Option<&str>,
    refresh_token: default!(Option<&str>, "NULL"),
    expires_at: default!(Option<TimestampWithTimeZone>, "NULL"),
    scope: default!(Option<&str>, "NULL"),
) -> ConnectionRefresh {
    let now = clock::now();
    let run = || {
        let id = given(connection_id, "connection_id")?.into();
        let fence = given(fence, "fence")?;
        let end = (expires_at.map(Timestamp::from), "expires_at");
        complete(now, id, fence, Tokens::check(access_token, refresh_token, scope, end, now)?)
    };
    run().or_raise()
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn connection_fail(
    connection_id: Option<pgrx::Uuid>,
    fence: Option<i64>,
    reason: Option<&str>,
) -> ConnectionRefresh {
    let now = clock::now();
    let run = || {
        let id = given(connection_id, "connection_id")?.into();
        let fence = given(fence, "fence")?;
        let reason = given(argument::optional_reason(reason)?, "reason")?;
        fail(now, id, fence, reason)
    };
    run().or_raise()
}

static LEASE: Statement<Connection> = Statement::write(
    c"UPDATE auth_store.connections
         SET fence = fence + 1, leased_until = $3
       WHERE id = $1 AND tenant_id = $2 AND revoked_at IS NULL AND refresh_token IS NOT NULL
         AND (leased_until IS NULL OR leased_until <= $4) AND (NOT $5 OR refresh_at <= $4)
      RETURNING {columns}",
);

fn grant(
    now: Timestamp,
    snapshot: Snapshot,
    id: Id,
    owner: Option<&Owner<'_>>,
    until: Timestamp,
    if_due: bool,
) -> Result<ConnectionLease, Mistake> {
    let Some(tenant_id) = connection::tenant_of_owned(&snapshot, id, owner)? else {
        return Ok(ConnectionLease::refused(&GONE));
    };
    if !tenant::is_active(&snapshot, &tenant_id)? {
        return Ok(ConnectionLease::refused(&Refusal::new(
            ErrorCode::AccessDenied,
            "the tenant is suspended",
        )));
    }
    let params = params![id, tenant_id.as_str(), until, now, if_due];
    let Some(leased) = LEASE.one(&params)? else { return lease_refusal(now, id) };
    let refresh_token = match leased.open_refresh_token(now)? {
        Ok(refresh_token) => refresh_token,
        Err(_) => return unreadable(now, &leased),
    };
    let details = Some(json!({ "fence": leased.fence }));
    leased.record(now, Event { event: "connection.leased", details, ..Event::default() })?;
    Ok(ConnectionLease {
        granted: true,
        refresh_token: refresh_token.map(WipedText),
        fence: Some(leased.fence),
        leased_until: leased.leased_until,
        ..ConnectionLease::default()
    })
}

static JUMP: Statement = Statement::latest(
    c"WITH held AS (SELECT id, tenant_id FROM auth_store.connections ORDER BY id FOR NO KEY UPDATE)
      UPDATE auth_store.connections c SET fence = c.fence + $1
        FROM held WHERE c.id = held.id AND c.tenant_id = held.tenant_id",
);

/// Leaves out so many fences of every connection, which may have been given in commits that are lost; returns how many
/// connections there are.
pub fn jump(fences: i64) -> Result<u64, Mistake> {
    JUMP.run(&params![fences])
}

/// A connection that can't be refreshed backs off like one whose refresh fails; otherwise a worker would always find it
/// first.
fn unreadable(now: Timestamp, leased: &Connection) -> Result<ConnectionLease, Mistake> {
    const WHY: &str = "the refresh token does not open";
    let again = back_off(now, leased, WHY)?.1;
    let retry_after = again.map(|again| again.seconds_after(now));
    Ok(ConnectionLease::refused(&Refusal { retry_after, ..Refusal::new(ErrorCode::ServerError, WHY) }))
}

const GONE: Refusal = Refusal::new(ErrorCode::InvalidGrant, "there is no such connection");

row! {
    struct LeaseState in connections {
        leased_until: Option<Timestamp>,
        refresh_at: Option<Timestamp>,
        revoked_at: Option<Timestamp>,
        refresh_token: Option<Vec<u8>>,
        failures: i32,
    }
}

static STATE: Lookup<LeaseState> = Lookup::by(c"connections_pkey");

/// Why a connection was not leased, as it is now.
fn lease_refusal(now: Timestamp, id: Id) -> Result<ConnectionLease, Mistake> {
    let state = STATE.find(&Snapshot::latest(), Key::Id(id))?;
    let refusal = match state {
        None => GONE,
        Some(LeaseState { revoked_at: Some(_), .. }) => {
            Refusal::new(ErrorCode::InvalidGrant, "the connection is revoked")
        }
        Some(LeaseState { refresh_token: None, .. }) => {
            Refusal::new(ErrorCode::InvalidGrant, "the connection has no refresh token")
        }
        Some(LeaseState { leased_until: Some(end), .. }) if end > now => Refusal {
            retry_after: Some(end.seconds_after(now)),
            ..Refusal::new(ErrorCode::TemporarilyUnavailable, "somebody else has leased it")
        },
        Some(LeaseState { refresh_at: None, failures: 1.., .. }) => Refusal::new(
            ErrorCode::InvalidGrant,
            "the provider has refused the refresh token; the user must connect again",
        ),
        // The former holder has given the lease back meanwhile: try again, if the connection is still due.
        Some(LeaseState { refresh_at, .. }) => Refusal {
            retry_after: refresh_at.map(|due| due.seconds_after(now)),
            ..Refusal::new(ErrorCode::TemporarilyUnavailable, "its refresh is not due")
        },
    };
    Ok(ConnectionLease::refused(&refusal))
}

/// The connection whose lease has this number, locked; Err: the lease is over.
fn lock_leased(id: Id, tenant_id: &str, fence: i64) -> Answer<Connection, Option<Connection>> {
    let found = connection::lock_no_key_update(id, tenant_id)?;
    Ok(match found {
        Some(there) if there.fence == fence && there.leased_until.is_some() => Ok(there),
        other => Err(other),
    })
}

fn complete(now: Timestamp, id: Id, fence: i64, tokens: Tokens<'_>) -> Result<ConnectionRefresh, Mistake> {
    const EVENT: &str = "connection.refreshed";
    let Some(tenant_id) = connection::tenant_of(&Snapshot::writing()?, id)? else {
        return Ok(ConnectionRefresh::refused(&LOST));
    };
    loop {
        let key = key::current(now, &tenant_id)?;
        let there = match lock_leased(id, &tenant_id, fence)? {
            Ok(there) => there,
            Err(other) => return lost(now, EVENT, fence, other.as_ref()),
        };
        if connection::replace(now, &there, &key, tokens, &Account::default())? {
            let details = Some(json!({ "fence": fence, "rotated": tokens.refresh_token.is_some() }));
            there.record(now, Event { event: EVENT, details, ..Event::default() })?;
            let status = status(now, tokens.life(), 0, false);
            return Ok(ConnectionRefresh { ok: true, status: Some(status), ..Default::default() });
        }
        pgrx::check_for_interrupts!();
    }
}

static FAIL: Statement = Statement::write(
    c"UPDATE auth_store.connections
         SET failures = $3, last_error = $4, last_error_at = $5, refresh_at = $6, leased_until = NULL
       WHERE id = $1 AND tenant_id = $2",
);

fn fail(now: Timestamp, id: Id, fence: i64, reason: &str) -> Result<ConnectionRefresh, Mistake> {
    let Some(tenant_id) = connection::tenant_of(&Snapshot::writing()?, id)? else {
        return Ok(ConnectionRefresh::refused(&LOST));
    };
    let there = match lock_leased(id, &tenant_id, fence)? {
        Ok(there) => there,
        Err(other) => return lost(now, FAILED, fence, other.as_ref()),
    };
    let (failures, again) = back_off(now, &there, reason)?;
    Ok(ConnectionRefresh {
        ok: true,
        status: Some(status(now, there.life, failures, false)),
        retry_after: again.map(|again| again.seconds_after(now)),
        ..Default::default()
    })
}

/// Ends a lease without tokens; returns how often in a row that happened, and when the refresh is due again.
fn back_off(now: Timestamp, leased: &Connection, reason: &str) -> Result<(i32, Option<Timestamp>), Mistake> {
    let failures = leased.failures.saturating_add(1);
    // The refresh token is dead (RFC 6749 section 5.2): only a new consent helps.
    let again = (reason != "invalid_grant").then(|| now.plus_seconds(backoff(failures)));
    FAIL.run(&params![leased.id, leased.tenant_id.as_str(), failures, reason, now, again])?;
    let details = Some(json!({ "fence": leased.fence, "reason": reason, "failures": failures }));
    leased.record(now, Event { event: FAILED, details, ..Event::default() })?;
    Ok((failures, again))
}

const FAILED: &str = "connection.refresh_failed";

const LOST: Refusal =
    Refusal::new(ErrorCode::LeaseLost, "the lease with this fence is over; nothing was changed");

fn lost(
    now: Timestamp,
    event: &str,
    fence: i64,
    there: Option<&Connection>,
) -> Result<ConnectionRefresh, Mistake> {
    let mut answer = ConnectionRefresh::refused(&LOST);
    if let Some(there) = there {
        let details = Some(json!({ "fence": fence, "newest_fence": there.fence }));
        let error = Some(ErrorCode::LeaseLost);
        there.record(now, Event { event, error, details, ..Event::default() })?;
        answer.status = Some(status(now, there.life, there.failures, there.revoked_at.is_some()));
    }
    Ok(answer)
}
