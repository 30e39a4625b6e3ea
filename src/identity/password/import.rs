//! Importing the hashes of other stores: users log in with the passwords that they have.
//!
//! Lock order: the tenant, its data key, codes, the user, the password, sessions, grants.

use pgrx::prelude::*;
use serde_json::json;

use crate::identity::password::set::{ENDED_BY, put};
use crate::identity::password::{find, history, pepper};
use crate::identity::{policy, user};
use crate::kernel::crypto::password::import::{Request, recognize};
use crate::kernel::outcome::{Mistake, OrRaise, given};
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::kernel::value::inet::Inet;
use crate::kernel::value::jsonb::Jsonb;
use crate::oauth::consent::{access, grants};
use crate::trail::{self, Context, Event};

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn password_import(
    user_id: Option<pgrx::Uuid>,
    password_hash: Option<&str>,
    format: default!(Option<&str>, "'auto'"),
    normalization: default!(Option<&str>, "NULL"),
    pepper: default!(Option<&str>, "NULL"),
    parameters: default!(Option<Jsonb>, "NULL"),
    must_change: default!(Option<bool>, false),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> bool {
    let now = clock::now();
    let run = || {
        let id = given(user_id, "user_id")?.into();
        let hash = given(password_hash, "password_hash")?;
        let unread = Mistake::invalid("parameters", "a JSON object");
        let parameters = parameters.map(|json| json.parse().ok_or(unread)).transpose()?;
        let request = Request { hash, format, normalization, pepper, parameters: parameters.as_ref() };
        let tenant_id = user::tenant_of(id)?;
        let (must_change, context) = (must_change.unwrap_or(false), Context { ip, user_agent });
        import(now, id, &tenant_id, request, Present::Replaced, must_change, &context)
    };
    run().or_raise();
    true
}

/// What becomes of the password that a user has.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Present {
    /// It stays, and the imported one is not taken.
    Kept,
    /// It goes, with what it gave access to.
    Replaced,
}

/// Gives a user the password of which another store has this hash.
pub fn import(
    now: Timestamp,
    user_id: Id,
    tenant_id: &str,
    request: Request<'_>,
    present: Present,
    must_change: bool,
    context: &Context<'_>,
) -> Result<(), Mistake> {
    let imported = recognize(request)?;
    let name = imported.pepper().map(|secret| pepper::keep(now, tenant_id, secret)).transpose()?;
    let hash = imported.into_text(name.as_deref())?;
    let codes = grants::shut_out(now, user_id, tenant_id, None)?;
    let replaces = find(&Snapshot::latest(), user_id)?.is_some();
    if replaces && present == Present::Kept {
        return Ok(());
    }
    if replaces {
        history::keep(now, user_id, tenant_id, &policy::of(&Snapshot::latest(), tenant_id)?)?;
    }
    put(now, user_id, tenant_id, &hash, must_change)?;
    let mut details = json!({ "format": request.format.unwrap_or("auto") });
    if replaces {
        let ended = access::end_shut_out(now, user_id, tenant_id, codes, None, ENDED_BY)?;
        details["ended"] = ended.details();
    }
    trail::record(
        now,
        &Event {
            event: "password.imported",
            tenant_id,
            user_id: Some(user_id),
            details: Some(details),
            context: Some(context),
            ..Event::default()
        },
    )?;
    Ok(())
}
