//! The audit trail: one row per step, written in the step's own transaction.

mod event;
pub mod partition;
pub mod retention;
pub mod risk;

use pgrx::prelude::*;
use pgrx::{IntoDatum, JsonB};

use crate::kernel::append::Append;
use crate::kernel::clock::{self, Timestamp};
use crate::kernel::id::{Bucket, Id};
use crate::kernel::inet::Inet;
use crate::kernel::jsonb::Jsonb;
use crate::kernel::lookup::View;
use crate::kernel::outcome::{Code, Mistake, OrRaise, given};
use crate::kernel::partition::Dropped;
use crate::kernel::spi::Statement;
use crate::kernel::{argument, caller, catalog, interval, settings, spi};
use crate::oauth::client;
use crate::{identity, params};

pub use risk::Flag;

#[allow(clippy::too_many_arguments)]
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn audit_write(
    event: Option<&str>,
    user_id: default!(Option<pgrx::Uuid>, "NULL"),
    client_id: default!(Option<&str>, "NULL"),
    resource_type: default!(Option<&str>, "NULL"),
    resource_id: default!(Option<&str>, "NULL"),
    success: default!(Option<bool>, "NULL"),
    error: default!(Option<&str>, "NULL"),
    risk_score: default!(Option<f64>, "NULL"),
    flags: default!(Option<Vec<Option<String>>>, "NULL"),
    details: default!(Option<Jsonb>, "NULL"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
    tenant_id: default!(Option<&str>, "NULL"),
) -> pgrx::Uuid {
    let now = clock::now();
    let context = Context { ip, user_agent };
    let written = Written {
        event,
        user_id: user_id.map(Id::from),
        client_id,
        resource_type,
        resource_id,
        success,
        error,
        risk_score,
        flags,
        details,
        tenant_id,
    };
    write(now, written, context).or_raise().into()
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn partitions_ensure(months_ahead: default!(Option<i32>, 2)) -> i32 {
    let now = clock::now();
    let ensure = || {
        let months_ahead = months_ahead.unwrap_or(MONTHS_AHEAD);
        if !(0..=MAX_MONTHS_AHEAD).contains(&months_ahead) {
            return Err(Mistake::invalid("months_ahead", "0 to 120 months"));
        }
        catalog::ensure_ready()?;
        partition::ensure(now, months_ahead)
    };
    ensure().or_raise()
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn partitions_drop(older_than: default!(Option<Interval>, "NULL")) -> i32 {
    partitions_drop_older(clock::now(), older_than, false).or_raise()
}

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
    /// What kind of thing was acted on, where it is none of these.
    pub resource_type: Option<&'a str>,
    /// Which one.
    pub resource_id: Option<&'a str>,
    /// The refusal's code; None: the step succeeded.
    pub error: Option<Code>,
    /// What makes the step suspicious; the risk follows from them.
    pub flags: &'a [Flag],
    /// Where the request came from.
    pub context: Option<&'a Context<'a>>,
    /// What else there is to say. Never a secret, a digest or a scope's content of another tenant.
    pub details: Option<serde_json::Value>,
}

/// The longest texts kept, in characters. What a request brought is cut, what the application writes
/// itself is refused.
const MAX_NAME: usize = 200;
const MAX_USER_AGENT: usize = 512;
const MAX_FLAGS: usize = 32;
const MAX_FLAG: usize = 64;
const MAX_MONTHS_AHEAD: i32 = 120;
/// Months that are made beside the current one where nobody says how many.
const MONTHS_AHEAD: i32 = 2;

/// Writes the row of one step.
pub fn record(now: Timestamp, event: &Event<'_>) -> Result<Id, Mistake> {
    let flags: Vec<_> = event.flags.iter().map(|flag| flag.as_str()).collect();
    insert(
        now,
        Entry {
            event: event.event,
            tenant_id: event.tenant_id,
            client_id: event.client_id.map(name),
            user_id: event.user_id,
            grant_id: event.grant_id,
            session_id: event.session_id,
            resource_type: event.resource_type,
            resource_id: event.resource_id.map(name),
            success: event.error.is_none(),
            error: event.error.map(Code::as_str),
            risk_score: risk::of(event.flags),
            flags: (!flags.is_empty()).then_some(flags),
            ip: event.context.and_then(|context| context.ip.clone()),
            user_agent: event.context.and_then(|context| context.user_agent),
        },
        event.details.clone().map(JsonB),
        false,
    )
}

/// What an application asks to be written: the arguments of audit_write().
struct Written<'a> {
    event: Option<&'a str>,
    user_id: Option<Id>,
    client_id: Option<&'a str>,
    resource_type: Option<&'a str>,
    resource_id: Option<&'a str>,
    success: Option<bool>,
    error: Option<&'a str>,
    risk_score: Option<f64>,
    flags: Option<Vec<Option<String>>>,
    details: Option<Jsonb>,
    tenant_id: Option<&'a str>,
}

/// Writes a row of the application's own.
fn write(now: Timestamp, written: Written<'_>, context: Context<'_>) -> Result<Id, Mistake> {
    let view = View::writing()?;
    let event = given(written.event, "event")?;
    if event::is_own(event) {
        let own = event::NAMES.join(", ");
        let accepted =
            format!("a name of the application's own, none of the store's events, which are {own}");
        return Err(Mistake::InvalidArgument { argument: "event", accepted: accepted.into() });
    }
    let success = written.success.unwrap_or(written.error.is_none());
    if success && written.error.is_some() {
        return Err(Mistake::invalid("success", "false or NULL where an error is given"));
    }
    let flags = argument::list(written.flags, "flags")?.unwrap_or_default();
    let flags = flag_names(&flags)?;
    let risk_score = match written.risk_score {
        Some(risk) if (0.0..=1.0).contains(&risk) => risk as f32,
        Some(_) => return Err(Mistake::invalid("risk_score", "0.00 to 1.00")),
        None => risk::of(&flags.iter().filter_map(|name| Flag::from_name(name)).collect::<Vec<_>>()),
    };
    let details = written.details.map(|details| argument::document(Some(details), "details")).transpose()?;
    let entry = Entry {
        event: argument::line(event, "event")?,
        client_id: match written.client_id {
            Some(id) if client::is_client_id(id) => Some(id),
            id => line(id, "client_id")?,
        },
        user_id: written.user_id,
        grant_id: None,
        session_id: None,
        resource_type: line(written.resource_type, "resource_type")?,
        resource_id: line(written.resource_id, "resource_id")?,
        success,
        error: line(written.error, "error")?,
        risk_score,
        flags: (!flags.is_empty()).then_some(flags),
        ip: context.ip,
        user_agent: context.user_agent,
        tenant_id: &tenant_of(&view, written.tenant_id, written.user_id, written.client_id)?,
    };
    insert(now, entry, details, true)
}

/// The tenant of a written row: that of the user or client it names, which an explicit tenant must not
/// contradict. A user or client that the store does not know is the application's own affair.
fn tenant_of(
    view: &View,
    tenant_id: Option<&str>,
    user_id: Option<Id>,
    client_id: Option<&str>,
) -> Result<String, Mistake> {
    let given = tenant_id.map(|_| identity::tenant::resolve(view, tenant_id)).transpose()?;
    let user = match user_id {
        Some(id) => identity::user::find(view, id)?.map(|user| ("user", "user_id", user.tenant_id)),
        None => None,
    };
    let client = match client_id {
        Some(id) => client::find(view, id)?.map(|client| ("client", "client_id", client.tenant_id)),
        None => None,
    };
    let mut tenant = given;
    for (what, argument, owner) in [user, client].into_iter().flatten() {
        match &tenant {
            Some(tenant) if *tenant != owner => return Err(Mistake::Unknown { what, argument }),
            _ => tenant = Some(owner),
        }
    }
    match tenant {
        Some(tenant) => Ok(tenant),
        None => identity::tenant::resolve(view, None),
    }
}

fn flag_names(flags: &[String]) -> Result<Vec<&str>, Mistake> {
    let legal = |flag: &str| flag.len() <= MAX_FLAG && argument::line(flag, "flags").is_ok();
    let names: Vec<_> = flags.iter().map(String::as_str).filter(|flag| legal(flag)).collect();
    let all = names.len() == flags.len() && flags.len() <= MAX_FLAGS;
    if all { Ok(names) } else { Err(Mistake::invalid("flags", "at most 32 names of at most 64 bytes")) }
}

fn line<'a>(text: Option<&'a str>, argument: &'static str) -> Result<Option<&'a str>, Mistake> {
    text.map(|text| argument::line(text, argument)).transpose()
}

/// Makes the partitions of this month and the next two; returns how many were missing.
pub fn partitions_ensure_ahead(now: Timestamp) -> Result<i32, Mistake> {
    partition::ensure(now, MONTHS_AHEAD)
}

/// Drops the months that ended longer ago than `older_than`, or the retention, each with a row that says so; returns
/// how many. Sooner than the retention only for a superuser: whoever is watched does not shorten the trail.
pub fn partitions_drop_older(
    now: Timestamp,
    older_than: Option<Interval>,
    patient: bool,
) -> Result<i32, Mistake> {
    const FOREVER: i64 = 1_000_000 * 86_400;
    let accepted = "an interval that is not negative";
    catalog::ensure_ready()?;
    spi::writable()?;
    if settings::tenant_pin().is_some() {
        return Err(Mistake::NotAllowed(
            "a month of the audit trail belongs to all tenants, this session to one".into(),
        ));
    }
    let retention = retention::in_force(now)?;
    let seconds = interval::seconds(older_than, retention, 0..=FOREVER, "older_than", accepted)?;
    if seconds < retention && !caller::is_superuser() {
        return Err(Mistake::NotAllowed(
            "only a superuser may drop months of the audit trail sooner than auth_store.audit_retention has them kept"
                .into(),
        ));
    }
    let dropped = partition::drop_before(now, now.plus_seconds(-seconds), patient)?;
    for month in &dropped {
        record_dropped(now, month, seconds)?;
    }
    Ok(i32::try_from(dropped.len()).unwrap_or(i32::MAX))
}

fn record_dropped(now: Timestamp, month: &Dropped, seconds: i64) -> Result<(), Mistake> {
    record(
        now,
        &Event {
            event: "audit.month_dropped",
            tenant_id: identity::tenant::DEFAULT,
            resource_type: Some("partition"),
            resource_id: Some(&month.name),
            details: Some(serde_json::json!({
                "from": month.from,
                "until": month.until,
                "older_than_seconds": seconds,
                "estimated_rows": month.rows,
                "bytes": month.bytes,
            })),
            ..Event::default()
        },
    )?;
    Ok(())
}

/// A row before it has its id.
struct Entry<'a> {
    event: &'a str,
    tenant_id: &'a str,
    client_id: Option<&'a str>,
    user_id: Option<Id>,
    grant_id: Option<Id>,
    session_id: Option<Id>,
    resource_type: Option<&'a str>,
    resource_id: Option<&'a str>,
    success: bool,
    error: Option<&'a str>,
    risk_score: f32,
    flags: Option<Vec<&'a str>>,
    ip: Option<Inet>,
    user_agent: Option<&'a str>,
}

static INSERT: Append = Append::new(
    c"INSERT INTO auth_store.audit_log
        (id, occurred_at, risk_score, success, user_id, grant_id, session_id, tenant_id, event, client_id,
         resource_type, resource_id, error, flags, ip, user_agent, details, called_by, called_as, from_application)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
      RETURNING tableoid",
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
    ],
);

fn insert(
    now: Timestamp,
    entry: Entry<'_>,
    details: Option<impl IntoDatum>,
    from_application: bool,
) -> Result<Id, Mistake> {
    let month = partition::ensure_month_of(now)?;
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
    ];
    INSERT.run(month, &row)?;
    Ok(id)
}

static ERASE_TENANT: Statement = Statement::write(
    c"DELETE FROM auth_store.audit_log
       WHERE tenant_id = $1 AND NOT (event = 'tenant.erased' AND from_application IS NOT TRUE)",
);

/// Deletes the audit trail of a tenant that is being erased, but for what says that it was before.
pub fn erase_tenant(tenant_id: &str) -> Result<u64, Mistake> {
    ERASE_TENANT.run(&params![tenant_id])
}

/// As much of the header as is kept.
pub fn cut_user_agent(user_agent: &str) -> &str {
    cut(user_agent, MAX_USER_AGENT)
}

/// What a row says of who or what it is about. A client's id may be a URL, and two may differ in its end.
fn name(text: &str) -> &str {
    if text.len() > MAX_NAME && client::is_client_id(text) { text } else { cut(text, MAX_NAME) }
}

/// At most the first `characters` of a text.
pub fn cut(text: &str, characters: usize) -> &str {
    match text.char_indices().nth(characters) {
        Some((end, _)) => text.get(..end).unwrap_or(text),
        None => text,
    }
}
