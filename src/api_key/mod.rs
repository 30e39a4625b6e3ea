//! API keys: long-lived secrets of a user or a client, with a scope, an end, networks and a rate limit.
//!
//! A key is one row for life. Its text names the row, so a rotation replaces the digest and keeps the one
//! before until the end of the overlap. Keys of other stores are in `import.rs`, their verification in
//! `verify.rs`.

pub mod import;
pub mod list;
pub mod new;
pub mod revoke;
pub mod rotate;
pub mod verify;

use crate::identity::{tenant, user};
use crate::kernel::outcome::Mistake;
use crate::kernel::server::batch::delete_ended;
use crate::kernel::server::lookup::{Key, Lookup, Snapshot};
use crate::kernel::server::row::row;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::server::table::{By, Ended, Moves, OfUser, Published, Rows, Table, delete_by, exported};
use crate::kernel::value::argument;
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::id::{Bucket, Id};
use crate::oauth::client;
use crate::oauth::grant::retention;
use crate::trail::{self, Context, Event};

/// The owner of the key: a user or a client. A key that belonged to both could be ended by two owners and would follow
/// two log-ins.
#[derive(Clone, Copy)]
pub enum Owner<'a> {
    User(Id),
    Client(&'a str),
}

const ONE_OWNER: &str = "either user_id or client_id: a key has one owner";

impl<'a> Owner<'a> {
    fn of(user_id: Option<Id>, client_id: Option<&'a str>) -> Result<Self, Mistake> {
        match (user_id, client_id) {
            (Some(user_id), None) => Ok(Self::User(user_id)),
            (None, Some(client_id)) => Ok(Self::Client(client_id)),
            _ => Err(Mistake::invalid("user_id", ONE_OWNER)),
        }
    }

    fn user_id(self) -> Option<Id> {
        if let Self::User(id) = self { Some(id) } else { None }
    }

    fn client_id(self) -> Option<&'a str> {
        if let Self::Client(id) = self { Some(id) } else { None }
    }

    fn bucket(self) -> Bucket {
        match self {
            Self::User(id) => id.bucket(),
            Self::Client(id) => Bucket::of(&[id]),
        }
    }

    /// The owner's tenant; an explicit one must be the same.
    fn tenant(self, snapshot: &Snapshot, tenant_id: Option<&str>) -> Result<String, Mistake> {
        let (found, unknown) = match self {
            Self::User(id) => (user::find(snapshot, id)?.map(|user| user.tenant_id), user::UNKNOWN),
            Self::Client(id) => (client::find(snapshot, id)?.map(|client| client.tenant_id), client::UNKNOWN),
        };
        let explicit = tenant_id.map(|_| tenant::resolve(snapshot, tenant_id)).transpose()?;
        match found {
            Some(tenant) if explicit.is_none_or(|explicit| explicit == tenant) => Ok(tenant),
            _ => Err(unknown),
        }
    }

    /// Keeps the owner from being deleted until the transaction ends.
    fn lock_key_share(self, tenant_id: &str) -> Result<(), Mistake> {
        let (held, unknown) = match self {
            Self::User(id) => (user::lock_key_share(id, tenant_id, None)?, user::UNKNOWN),
            Self::Client(id) => (client::lock_key_share(id, tenant_id, None)?, client::UNKNOWN),
        };
        if held { Ok(()) } else { Err(unknown) }
    }
}

/// The owner that a key named by an argument must have: this user or this client; where neither is given, any owner.
#[derive(Clone, Copy)]
struct Named<'a> {
    user_id: Option<Id>,
    client_id: Option<&'a str>,
}

impl<'a> Named<'a> {
    fn check(user_id: Option<Id>, client_id: Option<&'a str>) -> Result<Self, Mistake> {
        if user_id.is_some() && client_id.is_some() {
            return Err(Mistake::invalid("user_id", ONE_OWNER));
        }
        Ok(Self { user_id, client_id })
    }
}

row! {
    /// The columns of a key that never change, which a change of the key needs to know beforehand.
    struct Constant in api_keys {
        tenant_id: String,
        prefix: String,
        user_id: Option<Id>,
        client_id: Option<String>,
    }
}

impl Constant {
    fn owner(&self) -> Result<Owner<'_>, Mistake> {
        Owner::of(self.user_id, self.client_id.as_deref())
    }

    fn is_of(&self, named: Named<'_>) -> bool {
        argument::is_of(self.user_id, named.user_id)
            && argument::is_of(self.client_id.as_deref(), named.client_id)
    }
}

/// The facts of the table `api_keys`.
pub static TABLE: Table = Table {
    name: "api_keys",
    key: &["id", "tenant_id"],
    ended: Some(Ended {
        statement: delete_ended!(sparse "auth_store.api_keys", "LEAST(expires_at, revoked_at) <= $3"),
        times: |now| Vec::from(params![retention::cutoff(now)]),
    }),
    of_tenant: Rows::Deleted(delete_by!(latest "api_keys", "tenant_id")),
    of_client: Rows::Deleted(delete_by!(latest "api_keys", "client_id")),
    of_user: Some(OfUser {
        by: By::User,
        erased: Some(Statement::latest(
            c"WITH doomed AS (SELECT id, tenant_id FROM auth_store.api_keys WHERE user_id = $1 ORDER BY id FOR UPDATE)
              DELETE FROM auth_store.api_keys k USING doomed
               WHERE k.id = doomed.id AND k.tenant_id = doomed.tenant_id",
        )),
        exported: exported!(
            "api_keys",
            "user_id = $1",
            "id, expires_at, revoked_at, previous_expires_at, last_used_at, rotated_at, user_id, \
             rate_limit_per_hour, tenant_suspended, tenant_id, client_id, scope, name, allowed_cidrs, \
             metadata, prefix, start, revoked_reason, last_used_ip",
            withheld "digest, previous_digest"
        ),
    }),
    published: Published::Validation,
    moves: Moves::ById,
    restored: true,
};

static CONSTANT: Lookup<Constant> = Lookup::by(c"api_keys_pkey");

const UNKNOWN: Mistake = Mistake::Unknown { what: "API key", argument: "api_key_id" };

/// Another owner's is answered as unknown, without waiting for its lock.
fn constant(id: Id, of: Named<'_>) -> Result<Constant, Mistake> {
    CONSTANT.find(&Snapshot::writing()?, Key::Id(id))?.filter(|key| key.is_of(of)).ok_or(UNKNOWN)
}

fn record(
    now: Timestamp,
    event: &str,
    id: Id,
    tenant_id: &str,
    owner: Owner<'_>,
    details: serde_json::Value,
    context: Option<&Context<'_>>,
) -> Result<(), Mistake> {
    let id = id.to_string();
    trail::record(
        now,
        &Event {
            event,
            tenant_id,
            client_id: owner.client_id(),
            user_id: owner.user_id(),
            resource_type: Some("api_key"),
            resource_id: Some(&id),
            context,
            details: Some(details),
            ..Event::default()
        },
    )?;
    Ok(())
}

static SET_TENANT_SUSPENDED: Statement = Statement::write(
    c"UPDATE auth_store.api_keys SET tenant_suspended = $2 WHERE tenant_id = $1 AND tenant_suspended <> $2",
);

/// Copies a tenant's suspension to its keys, so that verifying one reads no tenant.
pub fn set_tenant_suspended(tenant_id: &str, suspended: bool) -> Result<(), Mistake> {
    SET_TENANT_SUSPENDED.run(&params![tenant_id, suspended])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::Owner;
    use crate::kernel::value::id::Id;

    #[test]
    fn a_key_has_one_owner() {
        let user = Id::from_bytes([1; 16]);
        assert!(Owner::of(Some(user), None).is_ok_and(|owner| owner.user_id() == Some(user)));
        assert!(Owner::of(None, Some("web")).is_ok_and(|owner| owner.client_id() == Some("web")));
        assert!(Owner::of(Some(user), Some("web")).is_err());
        assert!(Owner::of(None, None).is_err());
    }
}
