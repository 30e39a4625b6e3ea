//! Everything that is held about a user, in one document, as the facts of the tables say.

use pgrx::prelude::*;
use serde_json::json;

use crate::identity::user::{self, verified};
use crate::kernel::outcome::{Mistake, OrRaise, given};
use crate::kernel::server::spi::{self, Statement, params};
use crate::kernel::server::table::Whose;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::kernel::value::inet::Inet;
use crate::kernel::value::jsonb::Jsonb;
use crate::lifecycle::tables;
use crate::oauth::consent::access;
use crate::oauth::grant::of_user;
use crate::trail::{self, Context, Event};

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn user_export(
    user_id: Option<pgrx::Uuid>,
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> Jsonb {
    let export = || export(clock::now(), user_id.map(Id::from), &Context { ip, user_agent });
    // What the server makes of a bytea in a document depends on the session.
    spi::with_settings(&[(c"bytea_output", c"hex")], export).or_raise()
}

static TIME: Statement<Jsonb> = Statement::read(c"SELECT to_jsonb($1) AS time");

/// A time as a member of a document.
pub fn time(at: Timestamp) -> Result<Jsonb, Mistake> {
    TIME.one(&params![at])?.ok_or(TOO_LARGE)
}

/// Never returned: the server's functions make a document, or raise.
pub const TOO_LARGE: Mistake = Mistake::invalid("user_id", "a user whose data make a JSON document");

/// A user, and what the user's data are found by beside the id.
pub fn whose(user_id: Id, tenant_id: String) -> Result<Whose, Mistake> {
    let grants = of_user::ids(user_id)?;
    let actors = access::actors(user_id, &tenant_id)?;
    let addresses = verified::addresses(user_id, &tenant_id)?;
    Ok(Whose { user_id, tenant_id, grants, actors, addresses })
}

fn export(now: Timestamp, user_id: Option<Id>, context: &Context<'_>) -> Result<Jsonb, Mistake> {
    let id = given(user_id, "user_id")?;
    let whose = whose(id, user::tenant_of(id)?)?;
    let mut document = Jsonb::empty_object().with("exported_at", &time(now)?).ok_or(TOO_LARGE)?;
    for table in tables::all() {
        if let Some(rows) = table.of_user.as_ref().map(|held| held.export(&whose)).transpose()?.flatten() {
            document = document.with(table.name, &rows).ok_or(TOO_LARGE)?;
        }
    }
    let bytes = document.size();
    trail::record(
        now,
        &Event {
            event: "user.exported",
            tenant_id: &whose.tenant_id,
            user_id: Some(id),
            details: Some(json!({ "bytes": bytes })),
            context: Some(context),
            ..Event::default()
        },
    )?;
    Ok(document)
}
