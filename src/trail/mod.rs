//! The row of the audit trail that every step writes, in the step's own transaction.

pub mod months;
pub mod names;
pub mod of_user;
pub mod refused;
pub mod retention;
pub mod risk;
pub mod search;
pub mod usage;

use pgrx::{IntoDatum, JsonB};
use serde_json::json;

use crate::kernel::outcome::{ErrorCode, Mistake};
use crate::kernel::server::append::Append;
use crate::kernel::server::caller;
use crate::kernel::server::principal;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::server::table::{By, Moves, OfUser, Published, Rows, Table, exported};
use crate::kernel::value::calendar::rfc3339;
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::id::{Bucket, Id};
use crate::kernel::value::inet::Inet;
use crate::kernel::value::jsonb::Jsonb;
use crate::rfc::client_id;
use crate::webhook::outbox::{event, known};

pub use risk::Flag;

/// Where a request came from: the trailing arguments `ip` and `user_agent`.
#[derive(Default)]
pub struct Context<'a> {
    /// The client's address as the application saw it.
    pub ip: Option<Inet>,
    /// The header of RFC 9110 section 10.1.5.
    pub user_agent: Option<&'a str>,
}

/// A step of the store.
#[derive(Default)]
pub struct Event<'a> {
    /// What happened: `code.redeemed`, `token.refreshed` …
    pub event: &'a str,
    /// Whose row it is.
    pub tenant_id: &'a str,
    /// The client, also as presented and unknown.
    pub client_id: Option<&'a str>,
    /// The resource owner.
    pub user_id: Option<Id>,
    /// The grant the step belongs to.
    pub grant_id: Option<Id>,
    /// The login session the grant was made in.
    pub session_id: Option<Id>,
    /// The user who acted as another one. None: the actor of the transaction, if it has one.
    pub actor_id: Option<Id>,
    /// The kind of thing that was acted on, where it is something else.
    pub resource_type: Option<&'a str>,
    /// Which one.
    pub resource_id: Option<&'a str>,
    /// The refusal's code; None: the step succeeded.
    pub error: Option<ErrorCode>,
    /// The reasons that make the step suspicious; the risk follows from them.
    pub flags: &'a [Flag],
    /// Where the request came from.
    pub context: Option<&'a Context<'a>>,
    /// Further facts of the step. Never a secret, a digest or a scope's content of another tenant.
    pub details: Option<serde_json::Value>,
}

/// The longest texts kept, in characters: what a request brought is cut.
const MAX_NAME: usize = 200;
const MAX_USER_AGENT: usize = 512;

/// Writes the row of one step, and emits it for the webhooks of a tenant that has switched that on.
pub fn record(now: Timestamp, event: &Event<'_>) -> Result<Id, Mistake> {
    let flags: Vec<_> = event.flags.iter().map(|flag| flag.as_str()).collect();
    let id = insert(
        now,
        Entry {
            event: event.event,
            tenant_id: event.tenant_id,
            client_id: event.client_id.map(name),
            user_id: event.user_id,
            grant_id: event.grant_id,
            session_id: event.session_id,
            actor_id: event.actor_id,
            resource_type: event.resource_type,
            resource_id: event.resource_id.map(name),
            success: event.error.is_none(),
            error: event.error.map(ErrorCode::as_str),
            risk_score: risk::of(event.flags),
            flags: (!flags.is_empty()).then_some(flags),
            ip: event.context.and_then(|context| context.ip.clone()),
            user_agent: event.context.and_then(|context| context.user_agent),
        },
        event.details.clone().map(JsonB),
        false,
    )?;
    publish(now, id, event)?;
    Ok(id)
}

/// Emits the step whose row has this id, if webhooks of the tenant may want it. Without the address and the user agent,
/// which tell of a person more than a receiver needs.
fn publish(now: Timestamp, id: Id, step: &Event<'_>) -> Result<(), Mistake> {
    if known::wanted(now, step.tenant_id)?.own_events { emit(now, id, step) } else { Ok(()) }
}

#[cold]
fn emit(now: Timestamp, id: Id, step: &Event<'_>) -> Result<(), Mistake> {
    let text = |id: Option<Id>| id.map(|id| id.to_string());
    let data = json!({
        "id": id.to_string(),
        "occurred_at": rfc3339(now),
        "success": step.error.is_none(),
        "error": step.error.map(ErrorCode::as_str),
        "risk_score": (f64::from(risk::of(step.flags)) * 100.0).round() / 100.0,
        "flags": step.flags.iter().map(|flag| flag.as_str()).collect::<Vec<_>>(),
        "tenant_id": step.tenant_id,
        "client_id": step.client_id,
        "user_id": text(step.user_id),
        "grant_id": text(step.grant_id),
        "session_id": text(step.session_id),
        "actor_id": text(step.actor_id.or_else(principal::actor)),
        "resource_type": step.resource_type,
        "resource_id": step.resource_id,
        "details": step.details,
    });
    // The server's texts have no NUL, so that this is always a document.
    let Some(payload) = Jsonb::of(&data) else { return Ok(()) };
    let body = event::body(now, step.event, &payload);
    event::emit(
        now,
        &event::Event {
            event_type: step.event,
            tenant_id: step.tenant_id,
            user_id: step.user_id,
            event_id: None,
            payload: &payload,
            body: &body,
        },
    )?;
    Ok(())
}

/// A row before it has its id.
pub struct Entry<'a> {
    pub event: &'a str,
    pub tenant_id: &'a str,
    pub client_id: Option<&'a str>,
    pub user_id: Option<Id>,
    pub grant_id: Option<Id>,
    pub session_id: Option<Id>,
    pub actor_id: Option<Id>,
    pub resource_type: Option<&'a str>,
    pub resource_id: Option<&'a str>,
    pub success: bool,
    pub error: Option<&'a str>,
    pub risk_score: f32,
    pub flags: Option<Vec<&'a str>>,
    pub ip: Option<Inet>,
    pub user_agent: Option<&'a str>,
}

/// The facts of the table `audit_log`. Its months are dropped. An erased tenant leaves the row that says that it was
/// erased.
pub static TABLE: Table = Table {
    name: "audit_log",
    key: &[],
    ended: None,
    of_tenant: Rows::Deleted(Statement::write(
        c"DELETE FROM auth_store.audit_log
           WHERE tenant_id = $1 AND NOT (event = 'tenant.erased' AND from_application IS NOT TRUE)",
    )),
    // The trail outlives what it tells of.
    of_client: Rows::Stay,
    of_user: Some(OfUser {
        by: By::User,
        erased: None,
        // Of the time too, see of_user.rs.
        exported: exported!(
            "audit_log",
            "user_id = $1 AND occurred_at >= '-infinity'",
            "id, occurred_at, risk_score, success, user_id, grant_id, session_id, tenant_id, event, \
             client_id, resource_type, resource_id, error, flags, ip, user_agent, details, \
             from_application",
            withheld "called_by, called_as, actor_id"
        ),
    }),
    published: Published::Reports,
    moves: Moves::Stays,
    restored: true,
};

static INSERT: Append = Append::new(
    "audit_log",
    &[
        c"id",
        c"occurred_at",
        c"risk_score",
        c"success",
        c"user_id",
        c"grant_id",
        c"session_id",
        c"tenant_id",
        c"event",
        c"client_id",
        c"resource_type",
        c"resource_id",
        c"error",
        c"flags",
        c"ip",
        c"user_agent",
        c"details",
        c"called_by",
        c"called_as",
        c"from_application",
        c"actor_id",
    ],
);

/// Writes a row.
pub fn insert(
    now: Timestamp,
    entry: Entry<'_>,
    details: Option<impl IntoDatum>,
    from_application: bool,
) -> Result<Id, Mistake> {
    let month = months::ensure_month_of(now)?;
    retention::notice(now);
    let bucket = match (entry.user_id, entry.client_id) {
        (Some(user_id), _) => user_id.bucket(),
        (None, Some(client_id)) => Bucket::of(&[client_id]),
        (None, None) => Bucket::of(&[entry.tenant_id]),
    };
    let id = Id::mint(now, bucket)?;
    let caller = caller::current();
    let row = params![
        id,
        now,
        entry.risk_score,
        entry.success,
        entry.user_id,
        entry.grant_id,
        entry.session_id,
        entry.tenant_id,
        entry.event,
        entry.client_id,
        entry.resource_type,
        entry.resource_id,
        entry.error,
        entry.flags,
        entry.ip,
        entry.user_agent.map(cut_user_agent),
        details,
        &*caller.session_user,
        caller.role.as_deref(),
        from_application,
        entry.actor_id.or_else(principal::actor),
    ];
    INSERT.run(month, &row)?;
    Ok(id)
}

/// As much of the header as is kept.
pub fn cut_user_agent(user_agent: &str) -> &str {
    cut(user_agent, MAX_USER_AGENT)
}

/// The name of whom or what a row is about, cut to its limit. A client's id is kept whole: it may be a URL, and two
/// URLs may differ in their ends.
fn name(text: &str) -> &str {
    if text.len() > MAX_NAME && client_id::is_client_id(text) { text } else { cut(text, MAX_NAME) }
}

/// At most the first `characters` of a text.
pub fn cut(text: &str, characters: usize) -> &str {
    match text.char_indices().nth(characters) {
        Some((end, _)) => text.get(..end).unwrap_or(text),
        None => text,
    }
}
