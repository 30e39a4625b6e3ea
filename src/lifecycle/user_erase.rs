//! The end of a user with everything that is held about the user, as the facts of the tables say.
//!
//! Lock order: the cursor of the counting, codes, the user's clients, the user, sessions, consents, grants and what
//! hangs on those, API keys, connections, the segments of the trail.

use pgrx::prelude::*;
use serde_json::{Map, Value, json};

use crate::api_key;
use crate::audit::seal::erased;
use crate::identity::one_time::{self, invited};
use crate::identity::user::anonymous::{self, Anonymous};
use crate::identity::user::elsewhere;
use crate::identity::{policy, session, user};
use crate::kernel::outcome::{Mistake, OrRaise, given};
use crate::kernel::server::batch::Batch;
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::server::progress::Progress;
use crate::kernel::server::table::{By, Moves, Table, Whose};
use crate::kernel::value::argument;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::kernel::value::inet::Inet;
use crate::kernel::value::jsonb::Jsonb;
use crate::lifecycle::user_export::{TOO_LARGE, time, whose};
use crate::lifecycle::{cursors, tables};
use crate::oauth::client::{self, metadata::owner};
use crate::oauth::consent::{self, access};
use crate::oauth::device;
use crate::oauth::grant::of_user as grants_of_user;
use crate::trail::{self, Context, Event, of_user};
use crate::vault::connection;

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn user_erase(
    user_id: Option<pgrx::Uuid>,
    reason: default!(Option<&str>, "NULL"),
    whole_trail: default!(Option<bool>, "false"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> Jsonb {
    let whole_trail = whole_trail.unwrap_or(false);
    erase(clock::now(), user_id.map(Id::from), reason, whole_trail, &Context { ip, user_agent }).or_raise()
}

/// Returns the certificate. It has the user's id and not the pseudonym: with both, the rows of the trail would be the
/// user's again. A step that read the user before the erasure may leave a row behind it, so the rows of a user who is
/// gone are looked for too.
fn erase(
    now: Timestamp,
    user_id: Option<Id>,
    reason: Option<&str>,
    whole_trail: bool,
    context: &Context<'_>,
) -> Result<Jsonb, Mistake> {
    let id = given(user_id, "user_id")?;
    let reason = argument::optional_reason(reason)?;
    let user = user::find(&Snapshot::writing()?, id)?;
    let progress = Progress::begin("user_erase", user.as_ref().map(|user| user.tenant_id.as_str()));
    let mut done = Map::new();
    match &user {
        Some(user) => remove(id, user.tenant_id.clone(), &mut done, &progress)?,
        // One who has moved to another database leaves behind what stays where it happened.
        None => remove_what_stays(id, &mut done)?,
    }
    progress.step(trail::TABLE.name, STEPS, STEPS);
    let pseudonym = Id::mint(now, id.bucket())?;
    let mut sealed = erased::begin()?;
    if let Some(sealed) = &mut sealed {
        sealed.note_user(id)?;
    }
    let (rows, tenant_id) = of_user::pseudonymise(id, pseudonym)?;
    let mut trail = json!({ "pseudonymised": rows });
    if whole_trail {
        if let Some(sealed) = &mut sealed {
            sealed.note_mentions(id)?;
        }
        trail["mentions"] = of_user::forget_mentions(id, pseudonym)?.into();
    }
    let sealed = sealed.map(|sealed| sealed.finish(pseudonym)).transpose()?.unwrap_or_default();
    done.insert(trail::TABLE.name.to_owned(), trail);
    let Some(tenant_id) = user.map(|user| user.tenant_id).or(tenant_id) else {
        return Err(user::UNKNOWN);
    };
    let mut details = json!({ "reason": reason, "tables": done });
    if !sealed.is_empty() {
        details["sealed"] = sealed.told();
    }
    trail::record(
        now,
        &Event {
            event: "user.erased",
            tenant_id: &tenant_id,
            user_id: Some(pseudonym),
            details: Some(details),
            context: Some(context),
            ..Event::default()
        },
    )?;
    let certificate = json!({
        "user_id": id.to_string(), "tenant_id": tenant_id, "reason": reason, "tables": done,
    });
    Jsonb::of(&certificate)
        .and_then(|certificate| certificate.with("erased_at", &time(now).ok()?))
        .ok_or(TOO_LARGE)
}

/// The tables that may have rows of a user, and the trail.
const STEPS: usize = tables::BEFORE_CLIENTS.len() + tables::AFTER_USERS.len() + 1;

/// Removes the rows of a user from every table, the user's own at the end.
fn remove(
    id: Id,
    tenant_id: String,
    done: &mut Map<String, Value>,
    progress: &Progress,
) -> Result<(), Mistake> {
    cursors::stop_counting()?;
    // Codes have no grant and no actor.
    let mut codes =
        Whose { user_id: id, tenant_id, grants: Vec::new(), actors: Vec::new(), addresses: Vec::new() };
    for (table, step) in tables::BEFORE_CLIENTS.into_iter().zip(1..) {
        progress.step(table.name, step, STEPS);
        progress.add(remove_from(table, &codes, done)?);
    }
    let clients = owner::disown(id)?;
    if clients > 0 {
        done.insert(client::TABLE.name.to_owned(), json!({ "pseudonymised": clients }));
    }
    user::lock_update(id, &codes.tenant_id)?;
    let whose = whose(id, std::mem::take(&mut codes.tenant_id))?;
    let mentions = invited::forget_inviter(id)?;
    for (table, step) in tables::AFTER_USERS.into_iter().zip(tables::BEFORE_CLIENTS.len() + 1..) {
        progress.step(table.name, step, STEPS);
        progress.add(remove_from(table, &whose, done)?);
    }
    if let Some(tokens) = done.get_mut(one_time::TABLE.name).filter(|_| mentions > 0) {
        tokens["mentions"] = mentions.into();
    }
    Ok(())
}

fn remove_what_stays(id: Id, done: &mut Map<String, Value>) -> Result<(), Mistake> {
    let whose = Whose {
        user_id: id,
        tenant_id: String::new(),
        grants: Vec::new(),
        actors: Vec::new(),
        addresses: Vec::new(),
    };
    // Claims of names and codes of devices are where the name and the client are, and no foreign key takes them.
    let stays = |table: &&'static Table| {
        (table.moves == Moves::Stays || [elsewhere::TABLE.name, device::TABLE.name].contains(&table.name))
            && table.of_user.as_ref().is_some_and(|held| held.by == By::User)
    };
    cursors::stop_counting()?;
    for table in tables::BEFORE_CLIENTS.into_iter().chain(tables::AFTER_USERS).filter(stays) {
        remove_from(table, &whose, done)?;
    }
    Ok(())
}

/// Returns how many rows it removed.
fn remove_from(table: &Table, whose: &Whose, done: &mut Map<String, Value>) -> Result<i64, Mistake> {
    let removed = table.of_user.as_ref().map(|held| held.erase(whose)).transpose()?.flatten();
    if let Some(rows) = removed {
        done.insert(table.name.to_owned(), json!({ "removed": rows }));
    }
    Ok(removed.map_or(0, |rows| i64::try_from(rows).unwrap_or(i64::MAX)))
}

/// The next `size` anonymous users behind an id: those who were made longer ago than their tenant keeps them, and have
/// no session, grant or key that lives, go with all they have. Nobody can act as them any more.
pub fn purge_anonymous(now: Timestamp, after: Option<Id>, size: i32) -> Result<Batch, Mistake> {
    let users = anonymous::next(after.unwrap_or(Id::from_bytes([0; 16])), size)?;
    let examined = i64::try_from(users.len()).unwrap_or(i64::MAX);
    let last = users.last().map(|user| user.id).filter(|_| examined == i64::from(size));
    let mut deleted = 0;
    for user in users {
        let kept = policy::of(&Snapshot::latest(), &user.tenant_id)?.anonymous_ttl;
        let due = user.created_at.plus_seconds(kept) <= now;
        if due && !api_key::revoke::lives(now, user.id, &user.tenant_id)? && purge(now, user)? {
            deleted += 1;
        }
        pgrx::check_for_interrupts!();
    }
    Ok(Batch { deleted, examined, last })
}

/// False where somebody holds the user, or something of the user lives.
fn purge(now: Timestamp, user: Anonymous) -> Result<bool, Mistake> {
    let (id, tenant_id) = (user.id, user.tenant_id.as_str());
    if !anonymous::lock_update(&user)?
        || api_key::revoke::lives(now, id, tenant_id)?
        || !session::revoke::delete_ended_of(now, id, tenant_id)?
        || !grants_of_user::delete_ended_of(now, id)?
    {
        return Ok(false);
    }
    let actors = access::actors(id, tenant_id)?;
    let (grants, addresses) = (Vec::new(), Vec::new());
    let whose = Whose { user_id: id, tenant_id: tenant_id.to_owned(), grants, actors, addresses };
    // A foreign key takes what else there is with the user's row.
    for table in [&consent::TABLE, &connection::TABLE, &user::TABLE] {
        table.of_user.as_ref().map(|held| held.erase(&whose)).transpose()?;
    }
    anonymous::record_purged(now, &user)?;
    Ok(true)
}
