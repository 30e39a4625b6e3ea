//! New sessions, at most so many of a user.

use crate::identity::session::{SessionToken, revoke};
use crate::identity::{tenant, user};
use crate::kernel::crypto::token_text::{self, Kind, Minted};
use crate::kernel::outcome::{ErrorCode, Mistake, OrRaise, Refusal, given};
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::server::settings::Setting;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::kernel::value::inet::Inet;
use crate::kernel::value::jsonb::Jsonb;
use crate::kernel::value::{argument, interval};
use crate::trail::{self, Context, Event, Flag};
use pgrx::prelude::*;
use serde_json::json;

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn session_create(
    user_id: Option<pgrx::Uuid>,
    ttl: default!(Option<Interval>, "NULL"),
    idle_ttl: default!(Option<Interval>, "NULL"),
    acr: default!(Option<&str>, "NULL"),
    amr: default!(Option<Vec<Option<String>>>, "NULL"),
    metadata: default!(Option<Jsonb>, "NULL"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> SessionToken {
    let new = NewSession { ttl, idle_ttl, acr, amr, metadata };
    create(clock::now(), user_id.map(Id::from), new, &Context { ip, user_agent }).or_raise()
}

/// The arguments of session_create() that describe the session.
struct NewSession<'a> {
    ttl: Option<Interval>,
    idle_ttl: Option<Interval>,
    acr: Option<&'a str>,
    amr: Option<Vec<Option<String>>>,
    metadata: Option<Jsonb>,
}

const DAY: i32 = 86_400;

/// How long a session lives that is given no other time.
pub static TTL: Setting<i32> = Setting::seconds(
    c"auth_store.session_ttl",
    30 * DAY,
    1..=3650 * DAY,
    c"How long a session lives by default, from the log-in.",
    c"session_create() can say otherwise.",
);
const TTL_ACCEPTED: &str = "an interval from 1 second to 3650 days";

/// How long an unused session lives that is given no other time: no shorter than two touches that write.
pub static IDLE_TTL: Setting<i32> = Setting::seconds(
    c"auth_store.session_idle_ttl",
    DAY,
    120..=3650 * DAY,
    c"How long an unused session lives by default.",
    c"session_create() can say otherwise.",
);
const IDLE_TTL_ACCEPTED: &str = "an interval from 2 minutes to 3650 days";

static INSERT: Statement = Statement::write(
    c"INSERT INTO auth_store.sessions (id, user_id, tenant_id, digest, expires_at, idle_expires_at, last_seen_at,
             idle_ttl, acr, amr, metadata, ip, user_agent, actor_id)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
);

fn create(
    now: Timestamp,
    user_id: Option<Id>,
    new: NewSession<'_>,
    context: &Context<'_>,
) -> Result<SessionToken, Mistake> {
    let user_id = given(user_id, "user_id")?;
    let ttl = interval::seconds(new.ttl, TTL.in_seconds(), TTL.bounds(), "ttl", TTL_ACCEPTED)?;
    let (default, bounds) = (IDLE_TTL.in_seconds(), IDLE_TTL.bounds());
    let idle_ttl = interval::seconds(new.idle_ttl, default, bounds, "idle_ttl", IDLE_TTL_ACCEPTED)?;
    let acr = argument::optional_line(new.acr, "acr")?;
    let amr = argument::texts(new.amr, "amr")?;
    let metadata = argument::document(new.metadata, "metadata")?;
    let snapshot = Snapshot::writing()?;
    let user = user::find(&snapshot, user_id)?.ok_or(user::UNKNOWN)?;
    let tenant_active = tenant::is_active(&snapshot, &user.tenant_id)?;
    drop(snapshot);
    // The status as it is under the lock: a change of the status waits, and then finds this session.
    let active = user::lock_for_session(now, user_id, &user.tenant_id)?.ok_or(user::UNKNOWN)?;
    let event = Event {
        event: "session.created",
        tenant_id: &user.tenant_id,
        user_id: Some(user_id),
        context: Some(context),
        ..Event::default()
    };
    if !(active && tenant_active) {
        let refusal = Refusal::new(ErrorCode::AccessDenied, "the user is not active");
        trail::record(
            now,
            &Event { error: Some(refusal.code), flags: &[Flag::InactiveUser], details: None, ..event },
        )?;
        return Ok(SessionToken::refused(&refusal));
    }
    let ended = revoke::make_room(now, user_id, &user.tenant_id)?;
    let token = token_text::mint(Kind::Session, now, user_id.bucket())?;
    let expires_at = now.plus_seconds(ttl);
    INSERT.exactly_one(&params![
        token.id,
        user_id,
        user.tenant_id.as_str(),
        token.digest.as_slice(),
        expires_at,
        now.plus_seconds(idle_ttl).min(expires_at),
        now,
        i32::try_from(idle_ttl).unwrap_or(i32::MAX),
        acr,
        amr,
        metadata,
        context.ip.clone(),
        context.user_agent.map(trail::cut_user_agent),
        None::<Id>,
    ])?;
    let details = (ended.sessions > 0).then(|| json!({ "ended": ended.sessions, "grants": ended.grants }));
    trail::record(now, &Event { session_id: Some(token.id), details, ..event })?;
    Ok(SessionToken::new(&token, expires_at))
}

/// Begins a session in which one user acts as another, who is locked as by a log-in. It ends after so many seconds,
/// used or not, says of no log-in, and ends none of the user's own.
pub fn begin_as(
    now: Timestamp,
    (user_id, tenant_id): (Id, &str),
    actor_id: Id,
    ttl: i64,
    context: &Context<'_>,
) -> Result<(Minted, Timestamp), Mistake> {
    let token = token_text::mint(Kind::Session, now, user_id.bucket())?;
    let expires_at = now.plus_seconds(ttl);
    INSERT.exactly_one(&params![
        token.id,
        user_id,
        tenant_id,
        token.digest.as_slice(),
        expires_at,
        expires_at,
        now,
        i32::try_from(ttl).unwrap_or(i32::MAX),
        None::<&str>,
        None::<Vec<String>>,
        Jsonb::empty_object(),
        context.ip.clone(),
        context.user_agent.map(trail::cut_user_agent),
        actor_id,
    ])?;
    Ok((token, expires_at))
}
