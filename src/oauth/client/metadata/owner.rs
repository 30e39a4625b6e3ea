//! The user who manages a client.

use crate::identity::user;
use crate::kernel::outcome::Mistake;
use crate::kernel::server::lock;
use crate::kernel::server::lookup::{Key, Lookup, Snapshot};
use crate::kernel::server::row::row;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::value::id::Id;
use crate::oauth::client::metadata::protocol::Protocol;

/// Refuses an owner who is no user of the tenant, and keeps the user from being deleted until the transaction ends.
pub fn check(client: &Protocol, tenant_id: &str) -> Result<(), Mistake> {
    const UNKNOWN: Mistake = Mistake::Unknown { what: "user", argument: "owner_id" };
    let Some(owner_id) = client.owner_id else { return Ok(()) };
    let user = user::find(&Snapshot::writing()?, owner_id)?;
    let user = user.filter(|user| user.tenant_id == tenant_id).ok_or(UNKNOWN)?;
    if user::lock_key_share(owner_id, tenant_id, user.place_in(tenant_id))? { Ok(()) } else { Err(UNKNOWN) }
}

// What a client says of its owner goes with the owner; the client stays, because others use it.
static DISOWN: Statement = Statement::latest(
    c"UPDATE auth_store.clients SET owner_id = NULL, metadata = metadata - 'contacts' WHERE owner_id = $1",
);

/// Makes the clients of a user nobody's.
pub fn disown(owner_id: Id) -> Result<u64, Mistake> {
    DISOWN.run(&params![owner_id])
}

row! {
    struct Owned in clients {
        owner_id: Option<Id>,
    }
}

static OWNED: Lookup<Owned> = Lookup::by(c"clients_id_key");

/// Whether the user owns the client.
pub fn owns(snapshot: &Snapshot, owner_id: Id, client_id: &str) -> Result<bool, Mistake> {
    let found = OWNED.find(snapshot, Key::Text(client_id))?;
    Ok(found.is_some_and(|client| client.owner_id == Some(owner_id)))
}

static COUNT: Statement<i64> =
    Statement::latest(c"SELECT pg_catalog.count(*) FROM auth_store.clients WHERE owner_id = $1");

/// How many clients the user owns; until the transaction ends, others that ask wait.
pub fn lock_count(owner_id: Id) -> Result<i64, Mistake> {
    lock::lock_key(owner_id);
    Ok(COUNT.one(&params![owner_id])?.unwrap_or(0))
}
