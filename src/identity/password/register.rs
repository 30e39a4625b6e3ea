//! Making users who may have a password from the beginning.

use pgrx::prelude::*;

use crate::identity::password::set::{accepted_hash, put};
use crate::identity::tenant;
use crate::identity::user::create::{NewUser, UserRegistration, create, refuse};
use crate::kernel::outcome::{Answer, OrRaise};
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::kernel::value::inet::Inet;
use crate::kernel::value::jsonb::AnyJson;
use crate::trail::Context;

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn user_create(
    email: default!(Option<&str>, "NULL"),
    password: default!(Option<&str>, "NULL"),
    id: default!(Option<pgrx::Uuid>, "NULL"),
    external_id: default!(Option<&str>, "NULL"),
    first_name: default!(Option<&str>, "NULL"),
    last_name: default!(Option<&str>, "NULL"),
    metadata: default!(Option<AnyJson>, "NULL::pg_catalog.jsonb"),
    tenant_id: default!(Option<&str>, "NULL"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> UserRegistration {
    let metadata = metadata.map(|json| json.document("metadata")).transpose().or_raise();
    let user =
        NewUser { id: id.map(Id::from), email, external_id, first_name, last_name, metadata, tenant_id };
    match register(clock::now(), user, password, &Context { ip, user_agent }).or_raise() {
        Ok(id) => UserRegistration { user_id: Some(id), ..UserRegistration::default() },
        Err(refusal) => UserRegistration::refused(&refusal),
    }
}

/// Hashes the password before anything is locked.
fn register(now: Timestamp, user: NewUser<'_>, password: Option<&str>, context: &Context<'_>) -> Answer<Id> {
    let Some(password) = password else { return create(now, user, context) };
    let tenant_id = tenant::resolve(&Snapshot::writing()?, user.tenant_id)?;
    let given = [user.email, user.external_id, user.first_name, user.last_name];
    let names: Vec<_> = given.into_iter().flatten().collect();
    let hash = match accepted_hash(now, None, &tenant_id, &names, password)? {
        Ok(hash) => hash,
        Err(refusal) => return refuse(now, &tenant_id, refusal, context),
    };
    let created = create(now, user, context)?;
    if let Ok(id) = created {
        put(now, id, &tenant_id, &hash, false)?;
    }
    Ok(created)
}
