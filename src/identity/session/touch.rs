//! Using a session: touching it, at most once a minute, and replacing its token, also when the user has proved more.

use pgrx::prelude::*;

use crate::identity::session::{Examined, NOT_VALID, Session, SessionState, SessionToken, Unusable, examine};
use crate::identity::tenant;
use crate::kernel::crypto::token_text::{self, Kind};
use crate::kernel::outcome::{Answer, ErrorCode, Mistake, OrRaise, Refusal};
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::value::argument;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::inet::Inet;
use crate::trail::{self, Context, Event, Flag};

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn session_touch(
    session_token: Option<&str>,
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> SessionState {
    let now = clock::now();
    touch(now, session_token, &Context { ip, user_agent }).map(SessionState::from).or_raise()
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn session_rotate(
    session_token: Option<&str>,
    acr: default!(Option<&str>, "NULL"),
    amr: default!(Option<Vec<Option<String>>>, "NULL"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> SessionToken {
    let context = Context { ip, user_agent };
    rotate(clock::now(), "session.rotated", session_token, acr, amr, &context).or_raise()
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn session_elevate(
    session_token: Option<&str>,
    acr: default!(Option<&str>, "NULL"),
    amr: default!(Option<Vec<Option<String>>>, "NULL"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> SessionToken {
    let context = Context { ip, user_agent };
    rotate(clock::now(), ELEVATED, session_token, acr, amr, &context).or_raise()
}

/// In microseconds: at most one touch in this time writes.
const TOUCH_INTERVAL: i64 = 60_000_000;

/// The event of a step-up (RFC 9470): methods are added to those before, and the user is authenticated anew.
const ELEVATED: &str = "session.elevated";

/// Who acts as another has shown no factor of that user, and gets no further than the session was made for.
const AS_ANOTHER: Refusal =
    Refusal::new(ErrorCode::AccessDenied, "the session of one user who acts as another cannot be raised");

/// How many methods a session has, at most.
const MAX_METHODS: usize = 20;

static TOUCH: Statement = Statement::write(
    c"UPDATE auth_store.sessions
         SET last_seen_at = $4, idle_expires_at = $5, ip = COALESCE($6, ip), user_agent = COALESCE($7, user_agent)
       WHERE id = $1 AND tenant_id = $2 AND digest = $3 AND revoked_at IS NULL AND expires_at > $4
         AND idle_expires_at > $4 AND last_seen_at <= $8",
);

/// The one-time step: the call whose UPDATE finds the old token's digest has replaced it.
static ROTATE: Statement = Statement::write(
    c"UPDATE auth_store.sessions
         SET digest = $8, acr = COALESCE($9, acr), amr = COALESCE($10, amr),
             auth_time = COALESCE($11, auth_time), last_seen_at = $4, idle_expires_at = $5, ip = COALESCE($6, ip),
             user_agent = COALESCE($7, user_agent)
       WHERE id = $1 AND tenant_id = $2 AND digest = $3 AND revoked_at IS NULL AND expires_at > $4
         AND idle_expires_at > $4",
);

fn touch(now: Timestamp, text: Option<&str>, context: &Context<'_>) -> Answer<Examined, Unusable> {
    let snapshot = Snapshot::deciding()?;
    let mut examined = match examine(now, &snapshot, text)? {
        Ok(examined) if now.micros_since(examined.session.last_seen_at) >= TOUCH_INTERVAL => examined,
        settled => return Ok(settled),
    };
    drop(snapshot);
    let session = &mut examined.session;
    let idle_expires_at = session.idle_end(now);
    let rows = TOUCH.run(&params![
        session.id,
        session.tenant_id.as_str(),
        session.digest.as_slice(),
        now,
        idle_expires_at,
        context.ip.clone(),
        context.user_agent.map(trail::cut_user_agent),
        now.plus_micros(-TOUCH_INTERVAL),
    ])?;
    if rows == 0 {
        // Touched, rotated or ended by somebody else meanwhile.
        return examine(now, &Snapshot::latest(), text);
    }
    let moved = match (&session.ip, &context.ip) {
        (Some(before), Some(ip)) => !before.same_network(ip),
        _ => false,
    };
    // A touch leaves an audit row only if the network has changed.
    if moved {
        trail::record(now, &session.event("session.touched", &[Flag::NewNetwork], context))?;
    }
    session.last_seen_at = now;
    session.idle_expires_at = idle_expires_at;
    Ok(Ok(examined))
}

impl Session {
    /// Where the idle end is after a use.
    fn idle_end(&self, now: Timestamp) -> Timestamp {
        now.plus_seconds(self.idle_ttl).min(self.expires_at)
    }

    fn event<'a>(&'a self, event: &'a str, flags: &'a [Flag], context: &'a Context<'a>) -> Event<'a> {
        Event {
            event,
            tenant_id: &self.tenant_id,
            user_id: Some(self.user_id),
            session_id: Some(self.id),
            actor_id: self.actor_id,
            flags,
            context: Some(context),
            ..Event::default()
        }
    }
}

fn rotate(
    now: Timestamp,
    event: &str,
    text: Option<&str>,
    acr: Option<&str>,
    amr: Option<Vec<Option<String>>>,
    context: &Context<'_>,
) -> Result<SessionToken, Mistake> {
    let acr = argument::optional_line(acr, "acr")?;
    let mut amr = argument::texts(amr, "amr")?;
    let session = match examine(now, &Snapshot::writing()?, text)? {
        Ok(examined) => examined.session,
        Err(unusable) => return refuse_rotation(now, event, &unusable, context),
    };
    let elevated = event == ELEVATED;
    if session.actor_id.is_some() && (elevated || acr.is_some() || amr.is_some()) {
        trail::record(now, &Event { error: Some(AS_ANOTHER.code), ..session.event(event, &[], context) })?;
        return Ok(SessionToken::refused(&AS_ANOTHER));
    }
    if elevated && let (Some(added), Some(before)) = (&mut amr, &session.amr) {
        *added = united(before, added);
    }
    let token = token_text::mint_for(Kind::Session.prefix(), session.id)?;
    let rows = ROTATE.run(&params![
        session.id,
        session.tenant_id.as_str(),
        session.digest.as_slice(),
        now,
        session.idle_end(now),
        context.ip.clone(),
        context.user_agent.map(trail::cut_user_agent),
        token.digest.as_slice(),
        acr,
        amr,
        elevated.then_some(now),
    ])?;
    if rows == 0 {
        // Another rotation was first, or the session was ended: the token is unknown now.
        let overtaken =
            Unusable { session: Some(session), description: NOT_VALID, flags: &[Flag::UnknownToken] };
        return refuse_rotation(now, event, &overtaken, context);
    }
    trail::record(now, &session.event(event, &[], context))?;
    Ok(SessionToken::new(&token, session.expires_at))
}

/// The methods of both lists, each once; of too many the oldest go.
fn united(before: &[String], added: &[String]) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for method in before.iter().chain(added) {
        if !all.contains(method) {
            all.push(method.clone());
        }
    }
    all.drain(..all.len().saturating_sub(MAX_METHODS));
    all
}

fn refuse_rotation(
    now: Timestamp,
    event: &str,
    unusable: &Unusable,
    context: &Context<'_>,
) -> Result<SessionToken, Mistake> {
    let unknown = || Event {
        event,
        tenant_id: tenant::own(),
        flags: unusable.flags,
        context: Some(context),
        ..Event::default()
    };
    let event = match &unusable.session {
        Some(session) => session.event(event, unusable.flags, context),
        None => unknown(),
    };
    let refusal = Refusal::new(ErrorCode::InvalidToken, unusable.description);
    trail::record(now, &Event { error: Some(refusal.code), ..event })?;
    Ok(SessionToken::refused(&refusal))
}
