//! Connections: the table, its sealed columns, and what stores tokens.

pub mod account;
pub mod due;
pub mod end;
pub mod import;
pub mod lease;
pub mod read;
pub mod status;

use pgrx::prelude::*;
use serde_json::json;
use zeroize::Zeroizing;

use crate::identity::tenant;
use crate::identity::user::name::{Kind, Name};
use crate::identity::user::{self, names};
use crate::kernel::outcome::{Answer, Mistake, OrRaise};
use crate::kernel::server::lookup::{Key, Lookup, Snapshot};
use crate::kernel::server::row::row;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::server::table::{By, Moves, OfUser, Published, Rows, Table, delete_by, exported};
use crate::kernel::value::argument;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::{Bucket, Id};
use crate::kernel::value::inet::Inet;
use crate::kernel::value::jsonb::Jsonb;
use crate::trail::{self, Context, Event};
use crate::vault::connection::account::{Account, Actor, Owner, Tokens};
use crate::vault::connection::status::{Life, refresh_at};
use crate::vault::holder::{Holder, holder};
use crate::vault::key::{self, DataKey, SealPlace, Unreadable};
use crate::vault::provider;

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn connection_store(
    provider: Option<&str>,
    actor_id: Option<&str>,
    access_token: Option<&str>,
    refresh_token: default!(Option<&str>, "NULL"),
    scope: default!(Option<&str>, "NULL"),
    access_token_expires_at: default!(Option<TimestampWithTimeZone>, "NULL"),
    actor_type: default!(Option<&str>, "'user'"),
    provider_account_id: default!(Option<&str>, "NULL"),
    team_id: default!(Option<&str>, "NULL"),
    provider_tenant_id: default!(Option<&str>, "NULL"),
    metadata: default!(Option<Jsonb>, "NULL"),
    tenant_id: default!(Option<&str>, "NULL"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> pgrx::Uuid {
    let now = clock::now();
    let context = Context { ip, user_agent };
    let run = || {
        let actor = Actor::check(provider, actor_type, actor_id)?;
        let end = (access_token_expires_at.map(Timestamp::from), "access_token_expires_at");
        let tokens = Tokens::check(access_token, refresh_token, scope, end, now)?;
        let account = Account::check(provider_account_id, team_id, provider_tenant_id, metadata)?;
        store(now, "connection.stored", &actor, tokens, &account, tenant_id, Some(&context))
    };
    run().or_raise().into()
}

/// The sealed columns, as their values are bound to them.
pub const ACCESS_TOKEN: Column = Column("access_token");
/// See [`ACCESS_TOKEN`].
pub const REFRESH_TOKEN: Column = Column("refresh_token");

/// A sealed column.
#[derive(Clone, Copy)]
pub struct Column(pub &'static str);

impl Column {
    fn of(self, row: Id) -> SealPlace {
        SealPlace { table: "connections", row, column: self.0 }
    }

    /// Seals a row's value.
    pub fn seal(self, key: &DataKey, row: Id, text: &str) -> Result<Vec<u8>, Mistake> {
        key.seal(self.of(row), text.as_bytes())
    }

    /// Opens a row's value.
    pub fn open(self, key: &DataKey, row: Id, sealed: &[u8]) -> Result<Zeroizing<String>, Unreadable> {
        let mut bytes = key.open(self.of(row), sealed)?;
        // Only texts are sealed. The bytes move, so that there is one copy to wipe.
        String::from_utf8(std::mem::take(&mut *bytes)).map(Zeroizing::new).map_err(|_| Unreadable::Altered)
    }
}

row! {
    /// A row's sealed values; None: it has none of the kind, or was revoked.
    pub struct Sealed in connections {
        /// The row.
        pub id: Id,
        pub access_token: Option<Vec<u8>>,
        pub refresh_token: Option<Vec<u8>>,
    }
}

/// The sealed values of the table `connections`.
pub static HOLDER: Holder = holder!("connections", "connection", "access_token", "refresh_token");

row! {
    /// A connection's row, locked.
    pub struct Connection in connections {
        /// Its id.
        pub id: Id,
        /// Whose it is.
        pub tenant_id: String,
        provider: String,
        actor_type: String,
        actor_id: String,
        /// The number of the last lease.
        pub fence: i64,
        /// The end of that lease; None if it was given back.
        pub leased_until: Option<Timestamp>,
        /// When somebody ended it.
        pub revoked_at: Option<Timestamp>,
        /// Refreshes that failed one after the other.
        pub failures: i32,
        /// What its status follows from.
        pub life: Life,
        key_id: Id,
        /// The sealed refresh token.
        refresh_token: Option<Vec<u8>>,
        provider_account_id: Option<String>,
    }
}

impl Connection {
    /// Writes the audit row of a step with it.
    pub fn record(&self, now: Timestamp, event: Event<'_>) -> Result<(), Mistake> {
        record(now, self.id, &self.actor(), Event { tenant_id: &self.tenant_id, ..event })
    }

    /// Whose connection it is to whom.
    pub fn actor(&self) -> Actor<'_> {
        Actor { provider: &self.provider, actor_type: &self.actor_type, actor_id: &self.actor_id }
    }

    /// Opens the refresh token, where it has one.
    pub fn open_refresh_token(&self, now: Timestamp) -> Answer<Option<Zeroizing<String>>, Unreadable> {
        let Some(sealed) = &self.refresh_token else { return Ok(Ok(None)) };
        let key = key::open(now, &Snapshot::latest(), self.key_id, &self.tenant_id)?;
        Ok(key.and_then(|key| REFRESH_TOKEN.open(&key, self.id, sealed)).map(Some))
    }

    /// True if these tokens belong to another account at the provider than the stored ones.
    fn is_of_another(&self, account: &Account<'_>) -> bool {
        match (self.provider_account_id.as_deref(), account.provider_account_id) {
            (Some(stored), Some(new)) => stored != new,
            _ => false,
        }
    }
}

/// The facts of the table `connections`.
/// An actor is the application's own: it deletes the connections of one that is gone.
pub static TABLE: Table = Table {
    name: "connections",
    key: &["id", "tenant_id"],
    ended: None,
    of_tenant: Rows::Deleted(delete_by!(latest "connections", "tenant_id")),
    of_client: Rows::None,
    of_user: Some(OfUser {
        by: By::Actors,
        erased: Some(Statement::latest(
            c"WITH doomed AS (SELECT id, tenant_id FROM auth_store.connections
                               WHERE (actor_type, actor_id) IN (SELECT * FROM unnest($1, $2)) AND tenant_id = $3
                               ORDER BY id FOR UPDATE)
              DELETE FROM auth_store.connections c USING doomed
               WHERE c.id = doomed.id AND c.tenant_id = doomed.tenant_id",
        )),
        exported: exported!(
            "connections",
            "(actor_type, actor_id) IN (SELECT * FROM unnest($1, $2)) AND tenant_id = $3",
            "id, created_at, refreshed_at, access_token_expires_at, refresh_at, leased_until, \
             last_error_at, revoked_at, failures, tenant_id, actor_type, actor_id, provider, \
             provider_account_id, team_id, provider_tenant_id, scope, last_error, revoked_reason, \
             metadata",
            withheld "access_token, refresh_token, key_id, fence"
        ),
    }),
    published: Published::Vault,
    moves: Moves::ByActor,
    restored: true,
};

row! {
    struct Of in connections {
        tenant_id: String,
    }
}

static TENANT_OF: Lookup<Of> = Lookup::by(c"connections_pkey");

/// The tenant of a connection; None if there is no such connection.
pub fn tenant_of(snapshot: &Snapshot, id: Id) -> Result<Option<String>, Mistake> {
    Ok(TENANT_OF.find(snapshot, Key::Id(id))?.map(|connection| connection.tenant_id))
}

row! {
    struct Owned in connections {
        tenant_id: String,
        actor_type: String,
        actor_id: String,
    }
}

static OWNER_OF: Lookup<Owned> = Lookup::by(c"connections_pkey");

/// The tenant of a connection of this owner; None if there is no such connection, or if it is another owner's: no
/// caller can tell the two apart.
pub fn tenant_of_owned(
    snapshot: &Snapshot,
    id: Id,
    owner: Option<&Owner<'_>>,
) -> Result<Option<String>, Mistake> {
    let Some(owner) = owner else { return tenant_of(snapshot, id) };
    let found = OWNER_OF.find(snapshot, Key::Id(id))?.filter(|found| {
        found.tenant_id == owner.tenant_id
            && found.actor_type == owner.actor_type
            && found.actor_id == owner.actor_id
    });
    Ok(found.map(|found| found.tenant_id))
}

static LOCK_NO_KEY_UPDATE: Statement<Connection> = Statement::latest(
    c"SELECT {columns} FROM auth_store.connections WHERE id = $1 AND tenant_id = $2 FOR NO KEY UPDATE",
);

/// Locks a connection; None: it is gone.
pub fn lock_no_key_update(id: Id, tenant_id: &str) -> Result<Option<Connection>, Mistake> {
    LOCK_NO_KEY_UPDATE.one(&params![id, tenant_id])
}

static LOCK_BY_ACTOR: Statement<Connection> = Statement::latest(
    c"SELECT {columns} FROM auth_store.connections
       WHERE tenant_id = $1 AND actor_type = $2 AND actor_id = $3 AND provider = $4 FOR NO KEY UPDATE",
);

/// Stores the tokens that a provider gave an actor, in place of the stored ones.
pub fn store(
    now: Timestamp,
    event: &str,
    actor: &Actor<'_>,
    tokens: Tokens<'_>,
    account: &Account<'_>,
    tenant_id: Option<&str>,
    context: Option<&Context<'_>>,
) -> Result<Id, Mistake> {
    let snapshot = Snapshot::writing()?;
    let (tenant_id, active) = tenant::resolve_with_status(&snapshot, tenant_id)?;
    provider::ensure_known(&snapshot, actor.provider)?;
    if !active {
        return Err(Mistake::WrongState {
            message: "the tenant is suspended".into(),
            hint: "SELECT auth_store.tenant_set_status(id, 'active') lets it store connections again.".into(),
        });
    }
    drop(snapshot);
    loop {
        let key = key::current(now, &tenant_id)?;
        let owner = params![tenant_id.as_str(), actor.actor_type, actor.actor_id, actor.provider];
        let found = LOCK_BY_ACTOR.one(&owner)?;
        let stored = match &found {
            Some(there) => replace(now, there, &key, tokens, account)?.then_some(there.id),
            None => insert(now, &tenant_id, actor, &key, tokens, account)?,
        };
        if let Some(id) = stored {
            record(now, id, actor, Event { event, tenant_id: &tenant_id, context, ..Event::default() })?;
            return Ok(id);
        }
        pgrx::check_for_interrupts!();
    }
}

static INSERT: Statement = Statement::write(
    c"INSERT INTO auth_store.connections (id, key_id, fence, created_at, refreshed_at, access_token_expires_at,
             refresh_at, failures, tenant_id, actor_type, actor_id, provider, provider_account_id, team_id,
             provider_tenant_id, scope, access_token, refresh_token, metadata)
      VALUES ($1, $2, 0, $3, $4, $5, $6, 0, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
      ON CONFLICT (tenant_id, actor_type, actor_id, provider) DO NOTHING",
);

/// The new connection's id; None if another transaction made the connection, or if the key is gone.
fn insert(
    now: Timestamp,
    tenant_id: &str,
    actor: &Actor<'_>,
    key: &DataKey,
    tokens: Tokens<'_>,
    account: &Account<'_>,
) -> Result<Option<Id>, Mistake> {
    tenant::lock_share(tenant_id)?.ok_or(tenant::UNKNOWN_ID)?;
    if !key::lock_key_share(key)? {
        return Ok(None);
    }
    let id = Id::mint(now, Bucket::of_actor(tenant_id, actor.actor_id))?;
    let access_token = ACCESS_TOKEN.seal(key, id, tokens.access_token)?;
    let refresh_token = tokens.refresh_token.map(|text| REFRESH_TOKEN.seal(key, id, text)).transpose()?;
    let refresh_at = refresh_token.is_some().then(|| refresh_at(tokens.life())).flatten();
    let metadata = argument::document(account.metadata.clone(), "metadata")?;
    let inserted = INSERT.run(&params![
        id,
        key.id,
        now,
        tokens.since,
        tokens.expires_at,
        refresh_at,
        tenant_id,
        actor.actor_type,
        actor.actor_id,
        actor.provider,
        account.provider_account_id,
        account.team_id,
        account.provider_tenant_id,
        tokens.scope,
        access_token,
        refresh_token,
        metadata,
    ])?;
    Ok((inserted == 1).then_some(id))
}

// $14: whether a column keeps its value if its new one is NULL.
static REPLACE: Statement = Statement::write(
    c"UPDATE auth_store.connections
         SET key_id = $3, refreshed_at = $4, access_token_expires_at = $5, refresh_at = $6, access_token = $7,
             refresh_token = $8, scope = CASE WHEN $14 THEN COALESCE($9, scope) ELSE $9 END,
             provider_account_id = COALESCE($10, provider_account_id),
             team_id = CASE WHEN $14 THEN COALESCE($11, team_id) ELSE $11 END,
             provider_tenant_id = CASE WHEN $14 THEN COALESCE($12, provider_tenant_id) ELSE $12 END,
             metadata = CASE WHEN $14 THEN COALESCE($13, metadata) ELSE COALESCE($13, '{}') END,
             failures = 0, last_error = NULL, last_error_at = NULL, leased_until = NULL,
             revoked_at = NULL, revoked_reason = NULL
       WHERE id = $1 AND tenant_id = $2",
);

/// Puts new tokens into a locked connection, which ends its lease; false if the key is gone.
pub fn replace(
    now: Timestamp,
    there: &Connection,
    key: &DataKey,
    tokens: Tokens<'_>,
    account: &Account<'_>,
) -> Result<bool, Mistake> {
    // The key that the row has already can't be deleted while the row is locked.
    if key.id != there.key_id && !key::lock_key_share(key)? {
        return Ok(false);
    }
    let kept = !there.is_of_another(account);
    let refresh_token = match (tokens.refresh_token, &there.refresh_token) {
        (Some(text), _) => Some(REFRESH_TOKEN.seal(key, there.id, text)?),
        (None, Some(sealed)) if kept && key.id == there.key_id => Some(sealed.clone()),
        (None, Some(_)) if kept => match there.open_refresh_token(now)?.map_err(Mistake::from)? {
            Some(text) => Some(REFRESH_TOKEN.seal(key, there.id, &text)?),
            None => None,
        },
        (None, _) => None,
    };
    let refresh_at = refresh_token.is_some().then(|| refresh_at(tokens.life())).flatten();
    REPLACE.run(&params![
        there.id,
        there.tenant_id.as_str(),
        key.id,
        tokens.since,
        tokens.expires_at,
        refresh_at,
        ACCESS_TOKEN.seal(key, there.id, tokens.access_token)?,
        refresh_token,
        tokens.scope,
        account.provider_account_id,
        account.team_id,
        account.provider_tenant_id,
        account.metadata.clone(),
        kept,
    ])?;
    Ok(true)
}

/// The user of the store who is the actor, if the actor is one: by the store's id, or by the application's key.
fn user_of(tenant_id: &str, actor: &Actor<'_>) -> Result<Option<Id>, Mistake> {
    if actor.actor_type != "user" {
        return Ok(None);
    }
    let snapshot = Snapshot::latest();
    if let Some(id) = Id::parse(actor.actor_id)
        && user::find(&snapshot, id)?.is_some_and(|user| user.tenant_id == tenant_id)
    {
        return Ok(Some(id));
    }
    match Name::read(Kind::External, actor.actor_id) {
        Some(name) => names::find(&snapshot, tenant_id, &name),
        None => Ok(None),
    }
}

/// Writes the audit row of a step with a connection, which says whose it is.
fn record(now: Timestamp, id: Id, actor: &Actor<'_>, event: Event<'_>) -> Result<(), Mistake> {
    let mut details = event.details.unwrap_or_else(|| json!({}));
    if let Some(details) = details.as_object_mut() {
        details.insert("provider".into(), actor.provider.into());
        details.insert("actor_type".into(), actor.actor_type.into());
        details.insert("actor_id".into(), actor.actor_id.into());
    }
    let id = id.to_string();
    let details = Some(details);
    let user_id = user_of(event.tenant_id, actor)?;
    trail::record(
        now,
        &Event { user_id, resource_type: Some("connection"), resource_id: Some(&id), details, ..event },
    )?;
    Ok(())
}
