//! Data keys: one for each tenant seals its values, older ones open what they have sealed. Each is wrapped by a master
//! key, which the row names.

pub mod master;
pub mod rekey;

use zeroize::Zeroizing;

use crate::identity::tenant;
use crate::kernel::crypto::seal;
use crate::kernel::outcome::{Answer, Mistake};
use crate::kernel::server::locked::KEY_LEN;
use crate::kernel::server::lookup::{Key, Lookup, Snapshot};
use crate::kernel::server::row::row;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::server::table::{Moves, Published, Rows, Table, delete_by};
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::id::{Bucket, Id, random};
use crate::trail::{self, Event};
use crate::vault::key::master::MasterKey;
use crate::vault::place;

/// A data key that is open.
pub struct DataKey {
    /// Its row.
    pub id: Id,
    tenant_id: String,
    key: Zeroizing<[u8; KEY_LEN]>,
}

row! {
    /// A data key's row.
    pub struct WrappedKey in vault_keys {
        /// The key.
        pub id: Id,
        /// Whose values it seals.
        pub tenant_id: String,
        /// The master key that opens it.
        pub master_key_id: String,
        wrapped: Vec<u8>,
    }
}

/// Why a sealed value does not open.
#[derive(Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// The data key's master key is not configured.
    NoMasterKey(String),
    /// The master key of that name did not wrap the data key.
    WrongMasterKey(String),
    /// It is not what the data key sealed for this place.
    Altered,
}

impl From<Unreadable> for Mistake {
    fn from(unreadable: Unreadable) -> Self {
        let (message, hint) = match unreadable {
            Unreadable::NoMasterKey(_) if !master::is_configured() => return master::none(),
            Unreadable::NoMasterKey(id) => (
                format!("the vault needs master key \"{id}\", which is not among the master keys"),
                "Put its line back and reload; SELECT * FROM auth_store.vault_check() says what needs it. \
                 If it is lost, CALL auth_store.vault_rekey() lets other values be sealed.",
            ),
            Unreadable::WrongMasterKey(id) => (
                format!("a data key of the vault does not open with master key \"{id}\""),
                "Under this key_id the master keys must hold the key that wrapped it; \
                 SELECT * FROM auth_store.vault_check() says what is unreadable.",
            ),
            Unreadable::Altered => (
                "a sealed value of the vault does not open".into(),
                "It was changed, or moved from another place; SELECT * FROM auth_store.vault_check() names it. \
                 Store the connection, or enroll the factor, again.",
            ),
        };
        Self::WrongState { message: message.into(), hint: hint.into() }
    }
}

/// A column of a row.
#[derive(Clone, Copy)]
pub struct SealPlace {
    pub table: &'static str,
    pub row: Id,
    pub column: &'static str,
}

impl DataKey {
    /// Seals a value for its place.
    pub fn seal(&self, at: SealPlace, plain: &[u8]) -> Result<Vec<u8>, Mistake> {
        seal::seal(self.key.as_ref(), &self.bound_to(at), plain)
    }

    /// Opens what [`DataKey::seal`] sealed for this place.
    pub fn open(&self, at: SealPlace, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Unreadable> {
        seal::open(self.key.as_ref(), &self.bound_to(at), sealed).ok_or(Unreadable::Altered)
    }

    fn bound_to(&self, at: SealPlace) -> Vec<u8> {
        place(&[
            self.tenant_id.as_bytes(),
            at.table.as_bytes(),
            at.row.bytes(),
            at.column.as_bytes(),
            self.id.bytes(),
        ])
    }

    fn wrap(&self, master: &MasterKey) -> Result<Vec<u8>, Mistake> {
        seal::seal(master.bytes(), &wrapped_place(self.id, &self.tenant_id, &master.id), self.key.as_ref())
    }
}

fn wrapped_place(id: Id, tenant_id: &str, master_key_id: &str) -> Vec<u8> {
    place(&[tenant_id.as_bytes(), b"vault_keys", id.bytes(), b"wrapped", master_key_id.as_bytes()])
}

impl WrappedKey {
    /// Opens it with its master key.
    pub fn open(&self, now: Timestamp) -> Answer<DataKey, Unreadable> {
        let Some(master) = master::find(now, &self.master_key_id)? else {
            return Ok(Err(Unreadable::NoMasterKey(self.master_key_id.clone())));
        };
        Ok(self.open_with(&master))
    }

    fn open_with(&self, master: &MasterKey) -> Result<DataKey, Unreadable> {
        let at = wrapped_place(self.id, &self.tenant_id, &self.master_key_id);
        let opened = seal::open(master.bytes(), &at, &self.wrapped);
        let Some(bytes) = opened.filter(|bytes| bytes.len() == KEY_LEN) else {
            return Err(Unreadable::WrongMasterKey(self.master_key_id.clone()));
        };
        let mut key = Zeroizing::new([0; KEY_LEN]);
        key.copy_from_slice(&bytes);
        Ok(DataKey { id: self.id, tenant_id: self.tenant_id.clone(), key })
    }
}

/// The facts of the table `vault_keys`.
pub static TABLE: Table = Table {
    name: "vault_keys",
    key: &["id", "tenant_id"],
    ended: None,
    of_tenant: Rows::Deleted(delete_by!(latest "vault_keys", "tenant_id")),
    of_client: Rows::None,
    of_user: None,
    published: Published::Vault,
    moves: Moves::Keys,
    restored: true,
};

static BY_ID: Lookup<WrappedKey> = Lookup::by(c"vault_keys_pkey");

/// The key with this id; None if there is none, or if it is another tenant's.
pub fn find(snapshot: &Snapshot, id: Id, tenant_id: &str) -> Result<Option<WrappedKey>, Mistake> {
    let found = BY_ID.find(snapshot, Key::Id(id))?;
    Ok(found.filter(|key| key.tenant_id == tenant_id))
}

/// The key that sealed a row of the tenant, open.
pub fn open(now: Timestamp, snapshot: &Snapshot, id: Id, tenant_id: &str) -> Answer<DataKey, Unreadable> {
    match find(snapshot, id, tenant_id)? {
        Some(wrapped) => wrapped.open(now),
        None => Ok(Err(Unreadable::Altered)),
    }
}

static CURRENT: Lookup<WrappedKey> = Lookup::by(c"vault_keys_current_key");

static RETIRE: Statement = Statement::write(
    c"UPDATE auth_store.vault_keys SET retired_at = $3 WHERE id = $1 AND tenant_id = $2 AND retired_at IS NULL",
);

static INSERT: Statement = Statement::write(
    c"INSERT INTO auth_store.vault_keys (id, tenant_id, master_key_id, wrapped, created_at)
      VALUES ($1, $2, $3, $4, $5)
      ON CONFLICT (tenant_id) WHERE retired_at IS NULL DO NOTHING",
);

/// The key that seals the tenant's values: wrapped by the newest master key. Makes it if there is none, or if an older
/// master key wraps the present one. Call it before you lock a connection.
pub fn current(now: Timestamp, tenant_id: &str) -> Result<DataKey, Mistake> {
    loop {
        let Some(key) = CURRENT.find(&Snapshot::latest(), Key::Text(tenant_id))? else {
            if let Some(key) = create(now, tenant_id)? {
                return Ok(key);
            }
            continue;
        };
        // Here this backend learns of a master key that it has not read yet.
        let Some(master) = master::find(now, &key.master_key_id)? else {
            return Err(Unreadable::NoMasterKey(key.master_key_id).into());
        };
        if is_newest(&master)? {
            return key.open_with(&master).map_err(Mistake::from);
        }
        renew(now, &key)?;
        pgrx::check_for_interrupts!();
    }
}

fn is_newest(master: &MasterKey) -> Result<bool, Mistake> {
    Ok(master::newest()?.id == master.id)
}

/// As [`current`], but with connections locked, when no key can be made: None if the tenant has no key that the newest
/// master key wraps.
pub fn current_if_fresh(now: Timestamp, tenant_id: &str) -> Result<Option<DataKey>, Mistake> {
    let found = CURRENT.find(&Snapshot::latest(), Key::Text(tenant_id))?;
    let Some(key) = found else { return Ok(None) };
    match master::find(now, &key.master_key_id)? {
        Some(master) if is_newest(&master)? => Ok(Some(key.open_with(&master)?)),
        _ => Ok(None),
    }
}

/// Retires a tenant's key for a new one, unless another transaction did.
pub fn renew(now: Timestamp, key: &WrappedKey) -> Result<(), Mistake> {
    let tenant_id = key.tenant_id.as_str();
    // The tenant first, as create() has it.
    tenant::lock_share(tenant_id)?;
    if RETIRE.run(&params![key.id, tenant_id, now])? == 1 {
        create(now, tenant_id)?;
    }
    Ok(())
}

/// Makes the tenant's key; None where another transaction did.
fn create(now: Timestamp, tenant_id: &str) -> Result<Option<DataKey>, Mistake> {
    let master = master::newest()?;
    tenant::lock_share(tenant_id)?.ok_or(tenant::UNKNOWN_ID)?;
    let mut key = DataKey {
        id: Id::mint(now, Bucket::of(&[tenant_id]))?,
        tenant_id: tenant_id.to_owned(),
        key: Zeroizing::new([0; KEY_LEN]),
    };
    random(key.key.as_mut())?;
    let wrapped = key.wrap(&master)?;
    if INSERT.run(&params![key.id, tenant_id, master.id.as_str(), wrapped, now])? == 0 {
        return Ok(None);
    }
    record(now, "vault.key_created", key.id, tenant_id, &master.id)?;
    Ok(Some(key))
}

static HOLD: Statement = Statement::latest(
    c"SELECT true FROM auth_store.vault_keys WHERE id = $1 AND tenant_id = $2 FOR KEY SHARE",
);

/// Whether the key is there, and stays until the end of the transaction.
pub fn lock_key_share(key: &DataKey) -> Result<bool, Mistake> {
    Ok(HOLD.run(&params![key.id, key.tenant_id.as_str()])? == 1)
}

static STALE: Statement<WrappedKey> = Statement::write(
    c"SELECT {columns} FROM auth_store.vault_keys
       WHERE retired_at IS NULL AND master_key_id <> $1 ORDER BY tenant_id, id LIMIT $2",
);

/// Keys that seal though an older master key wraps them.
pub fn stale(limit: i32) -> Result<Vec<WrappedKey>, Mistake> {
    let newest = master::newest()?;
    STALE.all(&params![newest.id.as_str(), limit])
}

static TENANTS_WITHOUT: Statement<String> = Statement::write(
    c"SELECT DISTINCT k.tenant_id FROM auth_store.vault_keys k
       WHERE k.retired_at IS NOT NULL
         AND NOT EXISTS (SELECT FROM auth_store.vault_keys c
                          WHERE c.tenant_id = k.tenant_id AND c.retired_at IS NULL)
       ORDER BY k.tenant_id LIMIT $1",
);

/// Tenants with nothing but retired keys: theirs came with buckets that moved here.
pub fn tenants_without(limit: i32) -> Result<Vec<String>, Mistake> {
    TENANTS_WITHOUT.all(&params![limit])
}

static RETIRED: Statement<WrappedKey> = Statement::write(
    c"SELECT {columns} FROM auth_store.vault_keys
       WHERE retired_at IS NOT NULL AND id > $1 ORDER BY id LIMIT $2",
);

/// Keys that seal nothing any more, behind this one.
pub fn retired(after: Id, limit: i32) -> Result<Vec<WrappedKey>, Mistake> {
    RETIRED.all(&params![after, limit])
}

static LOCK_RETIRED: Statement = Statement::write(
    c"SELECT true FROM auth_store.vault_keys WHERE id = $1 AND tenant_id = $2 AND retired_at IS NOT NULL
         FOR UPDATE SKIP LOCKED",
);

/// Locks a retired key, so that nothing can be sealed with it any more; false if another transaction is sealing with
/// it.
pub fn lock_retired(id: Id, tenant_id: &str) -> Result<bool, Mistake> {
    Ok(LOCK_RETIRED.run(&params![id, tenant_id])? == 1)
}

static DELETE: Statement =
    Statement::write(c"DELETE FROM auth_store.vault_keys WHERE id = $1 AND tenant_id = $2");

/// Deletes a key that is locked and that nothing needs.
pub fn delete(now: Timestamp, id: Id, tenant_id: &str, master_key_id: &str) -> Result<(), Mistake> {
    DELETE.run(&params![id, tenant_id])?;
    record(now, "vault.key_deleted", id, tenant_id, master_key_id)
}

fn record(now: Timestamp, event: &str, id: Id, tenant_id: &str, master: &str) -> Result<(), Mistake> {
    let id = id.to_string();
    trail::record(
        now,
        &Event {
            event,
            tenant_id,
            resource_type: Some("vault_key"),
            resource_id: Some(&id),
            details: Some(serde_json::json!({ "master_key_id": master })),
            ..Event::default()
        },
    )?;
    Ok(())
}

static ALL: Statement<WrappedKey> = Statement::read(
    c"SELECT {columns} FROM auth_store.vault_keys
       WHERE id > $1 ORDER BY id LIMIT $2",
);

/// The keys behind this one, in order.
pub fn after(id: Id, limit: i32) -> Result<Vec<WrappedKey>, Mistake> {
    ALL.all(&params![id, limit])
}
