//! Events: what has happened, as it is sent.

use crate::kernel::outcome::Mistake;
use crate::kernel::server::append::Append;
use crate::kernel::server::batch::delete_ended;
use crate::kernel::server::datum::Word;
use crate::kernel::server::lookup::{Key, Lookup, Snapshot};
use crate::kernel::server::row::row;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::server::table::{By, Ended, Moves, OfUser, Published, Rows, Table, delete_by, exported};
use crate::kernel::server::{catalog, state};
use crate::kernel::value::calendar::rfc3339;
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::id::{Bucket, Id};
use crate::kernel::value::jsonb::Jsonb;
use crate::webhook::outbox::retention::oldest;
use crate::webhook::outbox::{known, queue};

/// The facts of the table `webhook_events`. An event ends with the retention, by the time in its id. One that was
/// emitted while its tenant was erased ends too: an event waits for no erasure.
pub static TABLE: Table = Table {
    name: "webhook_events",
    key: &["id", "tenant_id"],
    ended: Some(Ended {
        statement: delete_ended!(
            "auth_store.webhook_events",
            "auth_store.id_time(id) < $3
             OR NOT EXISTS (SELECT FROM auth_store.tenants t WHERE t.id = webhook_events.tenant_id)"
        ),
        times: |now| Vec::from(params![oldest(now)]),
    }),
    of_tenant: Rows::Deleted(delete_by!(latest "webhook_events", "tenant_id")),
    of_client: Rows::None,
    of_user: Some(OfUser {
        by: By::User,
        erased: Some(delete_by!(latest "webhook_events", "user_id")),
        exported: exported!(
            "webhook_events",
            "user_id = $1",
            "id, user_id, test, tenant_id, event_type, event_id, body",
            withheld ""
        ),
    }),
    published: Published::TakeOver,
    moves: Moves::Stays,
    restored: true,
};

/// What has happened.
pub struct Event<'a> {
    pub event_type: &'a str,
    pub tenant_id: &'a str,
    /// The user whom it is about, who is held.
    pub user_id: Option<Id>,
    /// The application's own name of it.
    pub event_id: Option<&'a str>,
    /// An object, or an array of objects: what filters are compared with.
    pub payload: &'a Jsonb,
    /// What is sent, byte for byte: see [`body`].
    pub body: &'a str,
}

/// What is sent of an event.
pub fn body(now: Timestamp, event_type: &str, payload: &Jsonb) -> String {
    // A type has no character that JSON escapes.
    let (timestamp, data) = (rfc3339(now), payload.text());
    format!(r#"{{"type":"{event_type}","timestamp":"{timestamp}","data":{data}}}"#)
}

row! {
    struct Subscriber in webhooks {
        status: Status,
        expires_at: Option<Timestamp>,
        filters: Option<Jsonb>,
    }
}

/// The status of a webhook.
enum Status {
    /// It is active or suspended.
    GetsEvents,
    /// It is disabled.
    Disabled,
}

impl Word for Status {
    fn of(word: &str) -> Option<Self> {
        Some(if matches!(word, "active" | "suspended") { Self::GetsEvents } else { Self::Disabled })
    }
}

static SUBSCRIBER: Lookup<Subscriber> = Lookup::by(c"webhooks_pkey").remembered();

/// Puts an event into the queue of each webhook that wants it; returns how many. The webhooks are those that are
/// committed by now, whatever the isolation level.
pub fn emit(now: Timestamp, event: &Event<'_>) -> Result<i32, Mistake> {
    state::writable()?;
    // A transaction in which nothing was locked meanwhile has not heard of others' changes.
    catalog::accept();
    let snapshot = Snapshot::latest();
    // An event with a name is stored even if no webhook wants it, so that it is not emitted again.
    let mut stored = None;
    if event.event_id.is_some() {
        stored = store(now, event, false)?;
        if stored.is_none() {
            return Ok(0);
        }
    }
    let webhooks = subscribers(now, &snapshot, event)?;
    if webhooks.is_empty() {
        return Ok(0);
    }
    let Some(id) = stored.map_or_else(|| store(now, event, false), |id| Ok(Some(id)))? else { return Ok(0) };
    for webhook_id in &webhooks {
        queue::add(now, *webhook_id, event.tenant_id, id, None)?;
    }
    queue::wake();
    Ok(i32::try_from(webhooks.len()).unwrap_or(i32::MAX))
}

/// The webhooks that want the event, in the order of their ids.
fn subscribers(now: Timestamp, snapshot: &Snapshot, event: &Event<'_>) -> Result<Vec<Id>, Mistake> {
    let wanted = known::wanted(now, event.tenant_id)?;
    let (payload, is_array) = (event.payload, event.payload.is_array());
    let mut webhooks = Vec::new();
    let found = wanted.routes.find(snapshot, event.tenant_id, event.event_type, payload.texts())?;
    let contains = (!found.is_empty()).then(|| payload.container());
    for id in found {
        pgrx::check_for_interrupts!();
        let webhook = SUBSCRIBER.find_by(snapshot, [Key::Id(id), Key::Text(event.tenant_id)])?;
        let Some(Subscriber { status: Status::GetsEvents, expires_at, filters }) = webhook else { continue };
        // Of an array, one of its objects must contain the filter.
        let filters = filters.map(|filters| if is_array { filters.in_array() } else { filters });
        let fits = filters.is_none_or(|filters| contains.as_ref().is_some_and(|contains| contains(&filters)));
        if fits && expires_at.is_none_or(|end| now < end) {
            webhooks.push(id);
        }
    }
    Ok(webhooks)
}

/// Of an event without a name.
static INSERT: Append = Append::new(
    "webhook_events",
    &[c"id", c"user_id", c"test", c"tenant_id", c"event_type", c"event_id", c"body"],
);

/// Of an event that may have been stored by its name.
static INSERT_ONCE: Statement = Statement::write(
    c"INSERT INTO auth_store.webhook_events (id, user_id, test, tenant_id, event_type, event_id, body)
      VALUES ($1, $2, $3, $4, $5, $6, $7)
      ON CONFLICT (tenant_id, event_id) WHERE event_id IS NOT NULL DO NOTHING",
);

/// Stores an event; returns its id, or None if the tenant has one of this name.
pub fn store(now: Timestamp, event: &Event<'_>, test: bool) -> Result<Option<Id>, Mistake> {
    let bucket = event.user_id.map_or_else(|| Bucket::of(&[event.tenant_id]), |user_id| user_id.bucket());
    let id = Id::mint(now, bucket)?;
    let Event { user_id, tenant_id, event_type, event_id, body, .. } = *event;
    let row = params![id, user_id, test, tenant_id, event_type, event_id, body];
    if event_id.is_some() {
        return Ok((INSERT_ONCE.run(&row)? == 1).then_some(id));
    }
    INSERT.run(0, &row)?;
    Ok(Some(id))
}
