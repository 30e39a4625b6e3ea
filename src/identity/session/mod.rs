//! Login sessions: what an application puts into its cookie, and asks about at each request. The token is kept
//! as a digest. Using a session is in `touch.rs`, ending one in `revoke.rs`.
//!
//! Locks: the row of the user stands for the user's sessions. Making a session locks that row against other new
//! sessions; ending a session locks it against everything that refers to the user, such as the foreign key check of a
//! new grant. So the end of a session waits for a grant that is being made in it and ends that grant too, and a grant
//! that waited for the end finds the session ended: see [`allows`].

pub mod create;
pub mod many;
pub mod revoke;
pub mod touch;

use pgrx::iter::SetOfIterator;
use pgrx::prelude::*;

use crate::identity::{tenant, user};
use crate::kernel::crypto::token_text::{self, Digest, Kind, Minted, Presented};
use crate::kernel::outcome::{Answer, ErrorCode, Mistake, OrRaise, given};
use crate::kernel::server::batch::delete_ended;
use crate::kernel::server::composite::composite;
use crate::kernel::server::lookup::{Key, Lookup, Snapshot};
use crate::kernel::server::row::row;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::server::table::{By, Ended, Moves, OfUser, Published, Rows, Table, delete_by, exported};
use crate::kernel::server::version;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::kernel::value::inet::Inet;
use crate::kernel::value::jsonb::Jsonb;
use crate::trail::Flag;

composite! {
    /// A session's token, shown once.
    pub struct SessionToken = "auth_store.session_token" {
        pub session_id: Option<Id>,
        pub session_token: Option<String>,
        pub expires_at: Option<Timestamp>,
        pub error: Option<&'static str>,
        pub error_description: Option<String>,
    }
    refused { error, error_description }
}

composite! {
    /// A session's state. All columns except `valid`, `error` and `error_description` are NULL where it is not valid.
    pub struct SessionState = "auth_store.session_state" {
        pub valid: bool,
        pub session_id: Option<Id>,
        pub user_id: Option<Id>,
        pub tenant_id: Option<String>,
        pub created_at: Option<Timestamp>,
        pub last_seen_at: Option<Timestamp>,
        pub expires_at: Option<Timestamp>,
        pub acr: Option<String>,
        pub amr: Option<Vec<String>>,
        pub metadata: Option<Jsonb>,
        pub error: Option<&'static str>,
        pub error_description: Option<&'static str>,
        pub idle_expires_at: Option<Timestamp>,
        pub external_id: Option<String>,
        pub actor_id: Option<Id>,
        pub auth_time: Option<Timestamp>,
    }
}

composite! {
    /// A row of session_list().
    pub struct SessionEntry = "auth_store.session_entry" {
        pub session_id: Option<Id>,
        pub status: Option<String>,
        pub created_at: Option<Timestamp>,
        pub rest: Rest,
    }
}

row! {
    struct Listed {
        id: Id,
        status: String,
        rest: Rest,
    }
}

row! {
    /// What is shown of a session as it is stored.
    pub struct Rest {
        last_seen_at: Option<Timestamp>,
        expires_at: Option<Timestamp>,
        idle_expires_at: Option<Timestamp>,
        ip: Option<Inet>,
        user_agent: Option<String>,
        acr: Option<String>,
        amr: Option<Vec<String>>,
        metadata: Option<Jsonb>,
        ended_at: Option<Timestamp>,
        ended_reason: Option<String>,
        actor_id: Option<Id>,
    }
    returned
}

#[pg_extern(stable, parallel_safe)]
fn session_validate(session_token: Option<&str>) -> SessionState {
    let now = clock::now();
    examine(now, &Snapshot::reading(), session_token).map(SessionState::from).or_raise()
}

#[pg_extern(stable, parallel_safe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn session_list(user_id: Option<pgrx::Uuid>) -> SetOfIterator<'static, SessionEntry> {
    let now = clock::now();
    let entries = given(user_id, "user_id").and_then(|user_id| list(now, user_id.into()));
    SetOfIterator::new(entries.or_raise())
}

row! {
    /// A session whose token is presented.
    pub struct Session in sessions {
        pub id: Id,
        pub user_id: Id,
        pub tenant_id: String,
        pub expires_at: Timestamp,
        pub idle_expires_at: Timestamp,
        pub last_seen_at: Timestamp,
        pub idle_ttl: i32,
        pub revoked_at: Option<Timestamp>,
        pub digest: Digest,
        pub acr: Option<String>,
        pub amr: Option<Vec<String>>,
        pub metadata: Option<Jsonb>,
        pub ip: Option<Inet>,
        pub actor_id: Option<Id>,
        pub auth_time: Option<Timestamp>,
    }
}

impl Session {
    /// When the user was last authenticated: at the latest step-up, else at the log-in.
    pub fn authenticated_at(&self) -> Timestamp {
        self.auth_time.unwrap_or_else(|| self.id.time())
    }
}

/// A valid session, and the application's key of its user.
pub struct Examined {
    pub session: Session,
    pub external_id: Option<String>,
}

impl Examined {
    /// The answer about a session that has not ended, where `user` is there if the user is active, with all that the
    /// session needs besides.
    fn of(session: Session, user: Option<user::Standing>) -> Answer<Self, Unusable> {
        Ok(match user {
            Some(user) => Ok(Self { session, external_id: user.external_id }),
            None => Err(Unusable::found(session, "the user is not active", &[Flag::InactiveUser])),
        })
    }
}

/// Why a token is not that of a valid session.
pub struct Unusable {
    pub session: Option<Session>,
    pub description: &'static str,
    pub flags: &'static [Flag],
}

impl Unusable {
    fn found(session: Session, description: &'static str, flags: &'static [Flag]) -> Self {
        Self { session: Some(session), description, flags }
    }

    fn unknown(flags: &'static [Flag]) -> Self {
        Self { session: None, description: NOT_VALID, flags }
    }
}

/// A caller without a valid token learns only that the token is not valid.
pub const NOT_VALID: &str = "the session token is not valid";

/// How long an ended session is kept, in seconds: a day.
const KEPT_AFTER_END: i64 = 86_400;

/// The facts of the table `sessions`.
/// An ended session is kept for a day. Until then no token is issued in it: what names it, a code or a device code,
/// lives shorter.
pub static TABLE: Table = Table {
    name: "sessions",
    key: &["id", "tenant_id"],
    ended: Some(Ended {
        statement: delete_ended!(
            "auth_store.sessions",
            "LEAST(expires_at, idle_expires_at, revoked_at) <= $3"
        ),
        times: |now| Vec::from(params![now.plus_seconds(-KEPT_AFTER_END)]),
    }),
    of_tenant: Rows::Deleted(delete_by!(latest "sessions", "tenant_id")),
    of_client: Rows::None,
    of_user: Some(OfUser {
        by: By::User,
        // Those that the user began as another end too.
        erased: Some(Statement::latest(
            c"WITH doomed AS (SELECT id, tenant_id FROM auth_store.sessions
                               WHERE user_id = $1 OR actor_id = $1 ORDER BY id FOR UPDATE)
              DELETE FROM auth_store.sessions s USING doomed
               WHERE s.id = doomed.id AND s.tenant_id = doomed.tenant_id",
        )),
        exported: exported!(
            "sessions",
            "user_id = $1",
            "id, user_id, expires_at, idle_expires_at, last_seen_at, idle_ttl, revoked_at, auth_time, tenant_id, \
             acr, amr, metadata, revoked_reason, ip, user_agent",
            withheld "digest, actor_id"
        ),
    }),
    published: Published::Validation,
    moves: Moves::ById,
    restored: true,
};

static BY_ID: Lookup<Session> = Lookup::by(c"sessions_pkey").remembered();

row! {
    struct Standing in sessions {
        user_id: Id,
        tenant_id: String,
        expires_at: Timestamp,
        idle_expires_at: Timestamp,
        revoked_at: Option<Timestamp>,
        actor_id: Option<Id>,
    }
}

static STANDING: Lookup<Standing> = Lookup::by(c"sessions_pkey");

static LIST: Statement<Listed> = Statement::read(
    c"SELECT id, CASE WHEN revoked_at IS NOT NULL THEN 'ended'
                      WHEN LEAST(expires_at, idle_expires_at) <= $2 THEN 'expired' ELSE 'active' END AS status,
             last_seen_at, expires_at, idle_expires_at, ip, user_agent, acr, amr, metadata,
             revoked_at AS ended_at, revoked_reason AS ended_reason, actor_id
        FROM auth_store.sessions WHERE user_id = $1 ORDER BY id DESC",
);

/// The session of a presented token, if it is valid: the session is live, and its user and tenant are active. It reads
/// three rows by key, so that the status of a user or tenant counts at once, however it was changed, and a suspension
/// ends with the status, without a write to each session.
pub fn examine(now: Timestamp, snapshot: &Snapshot, text: Option<&str>) -> Answer<Examined, Unusable> {
    let Some(presented) = token_text::parse(Kind::Session, text) else {
        version::ensure_ready()?;
        return Ok(Err(Unusable::unknown(&[])));
    };
    let session = match unended(now, find(snapshot, &presented)?)? {
        Ok(session) => session,
        Err(unusable) => return Ok(Err(unusable)),
    };
    let active = |snapshot: &Snapshot| {
        let user = user::active(snapshot, session.user_id)?;
        let active = user.is_some()
            && may_act(snapshot, session.actor_id)?
            && tenant::is_active(snapshot, &session.tenant_id)?;
        Ok(Some(user.filter(|_| active)))
    };
    let user = snapshot.newest(active)?.flatten();
    Examined::of(session, user)
}

/// The session of a token, if it has neither ended nor expired; who may use it is not asked.
fn unended(now: Timestamp, found: Option<Session>) -> Answer<Session, Unusable> {
    Ok(match found {
        None => Err(Unusable::unknown(&[Flag::UnknownToken])),
        Some(session) if session.revoked_at.is_some() => {
            Err(Unusable::found(session, "the session has ended", &[Flag::EndedSession]))
        }
        Some(session) if now >= session.expires_at || now >= session.idle_expires_at => {
            Err(Unusable::found(session, "the session has expired", &[Flag::ExpiredToken]))
        }
        Some(session) => Ok(session),
    })
}

/// Whether the session with this id is valid: for what was found out by its token before.
pub fn is_valid(now: Timestamp, snapshot: &Snapshot, id: Id) -> Result<bool, Mistake> {
    let Some(session) = STANDING.find(snapshot, Key::Id(id))? else { return Ok(false) };
    Ok(session.revoked_at.is_none()
        && now < session.expires_at
        && now < session.idle_expires_at
        && user::active(snapshot, session.user_id)?.is_some()
        && may_act(snapshot, session.actor_id)?
        && tenant::is_active(snapshot, &session.tenant_id)?)
}

/// True if nobody acts in the session but its user, or the actor is active, in whatever tenant that is.
fn may_act(snapshot: &Snapshot, actor_id: Option<Id>) -> Result<bool, Mistake> {
    actor_id.map_or(Ok(true), |actor_id| user::is_active_anywhere(snapshot, actor_id))
}

fn find(snapshot: &Snapshot, presented: &Presented) -> Result<Option<Session>, Mistake> {
    let found = BY_ID.find(snapshot, Key::Id(presented.id))?;
    Ok(found.filter(|session| token_text::digest_matches(&presented.digest, &session.digest)))
}

/// The user has no session of the id that the argument says.
pub const UNKNOWN: Mistake = Mistake::Unknown { what: "session", argument: "session_id" };

/// True if tokens may be issued in this session: the session is live, or the id is not one of ours, because
/// applications may pass their own. None are issued where another user acts in it: they would outlive it. 23503 if it
/// is another user's.
pub fn allows(now: Timestamp, snapshot: &Snapshot, id: Option<Id>, user_id: Id) -> Result<bool, Mistake> {
    let Some(id) = id else { return Ok(true) };
    match STANDING.find(snapshot, Key::Id(id))? {
        Some(session) if session.user_id != user_id => Err(UNKNOWN),
        Some(session) => Ok(session.revoked_at.is_none()
            && session.actor_id.is_none()
            && now < session.expires_at
            && now < session.idle_expires_at),
        None => Ok(true),
    }
}

/// The user and tenant of the session with this id, live or not.
pub fn owner(snapshot: &Snapshot, id: Id) -> Result<Option<(Id, String)>, Mistake> {
    Ok(STANDING.find(snapshot, Key::Id(id))?.map(|session| (session.user_id, session.tenant_id)))
}

fn list(now: Timestamp, user_id: Id) -> Result<Vec<SessionEntry>, Mistake> {
    let sessions = LIST.all(&params![user_id, now])?.into_iter();
    Ok(sessions
        .map(|Listed { id, status, rest }| SessionEntry {
            session_id: Some(id),
            status: Some(status),
            created_at: Some(id.time()),
            rest,
        })
        .collect())
}

impl SessionToken {
    /// A fresh token.
    pub fn new(token: &Minted, expires_at: Timestamp) -> Self {
        Self {
            session_id: Some(token.id),
            session_token: Some(token.text.to_string()),
            expires_at: Some(expires_at),
            ..Self::default()
        }
    }
}

impl From<Result<Examined, Unusable>> for SessionState {
    fn from(examined: Result<Examined, Unusable>) -> Self {
        match examined {
            Ok(Examined { session, external_id }) => Self {
                actor_id: session.actor_id,
                auth_time: session.actor_id.is_none().then(|| session.authenticated_at()),
                valid: true,
                session_id: Some(session.id),
                user_id: Some(session.user_id),
                tenant_id: Some(session.tenant_id),
                created_at: Some(session.id.time()),
                last_seen_at: Some(session.last_seen_at),
                expires_at: Some(session.expires_at),
                acr: session.acr,
                amr: session.amr,
                metadata: session.metadata,
                error: None,
                error_description: None,
                idle_expires_at: Some(session.idle_expires_at),
                external_id,
            },
            Err(unusable) => Self {
                error: Some(ErrorCode::InvalidToken.as_str()),
                error_description: Some(unusable.description),
                ..Self::default()
            },
        }
    }
}
