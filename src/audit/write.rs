//! Rows that the application writes into the trail.

use pgrx::prelude::*;

use crate::identity::{tenant, user};
use crate::kernel::outcome::{Mistake, OrRaise, given};
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::value::argument;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::kernel::value::inet::Inet;
use crate::kernel::value::jsonb::Jsonb;
use crate::oauth::client;
use crate::rfc::client_id;
use crate::trail::risk::{self, Flag};
use crate::trail::{Context, Entry, insert, names};

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

/// The most that an application may write, which is refused and not cut.
const MAX_FLAGS: usize = 32;
const MAX_FLAG: usize = 64;

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
    let snapshot = Snapshot::writing()?;
    let event = given(written.event, "event")?;
    if names::is_own(event) {
        let own = names::NAMES.join(", ");
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
            Some(id) if client_id::is_client_id(id) => Some(id),
            id => line(id, "client_id")?,
        },
        user_id: written.user_id,
        grant_id: None,
        session_id: None,
        actor_id: None,
        resource_type: line(written.resource_type, "resource_type")?,
        resource_id: line(written.resource_id, "resource_id")?,
        success,
        error: line(written.error, "error")?,
        risk_score,
        flags: (!flags.is_empty()).then_some(flags),
        ip: context.ip,
        user_agent: context.user_agent,
        tenant_id: &tenant_of(&snapshot, written.tenant_id, written.user_id, written.client_id)?,
    };
    insert(now, entry, details, true)
}

/// The tenant of a written row: that of the user or client it names, which an explicit tenant must not contradict. A
/// user or client that the store does not know is taken as the application's own name.
fn tenant_of(
    snapshot: &Snapshot,
    tenant_id: Option<&str>,
    user_id: Option<Id>,
    client_id: Option<&str>,
) -> Result<String, Mistake> {
    let given = tenant_id.map(|_| tenant::resolve(snapshot, tenant_id)).transpose()?;
    let user = match user_id {
        Some(id) => user::find(snapshot, id)?.map(|user| ("user", "user_id", user.tenant_id)),
        None => None,
    };
    let client = match client_id {
        Some(id) => client::find(snapshot, id)?.map(|client| ("client", "client_id", client.tenant_id)),
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
        None => tenant::resolve(snapshot, None),
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
