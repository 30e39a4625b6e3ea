//! The peppers of other stores: what went into imported hashes and is in none of them. Each is kept sealed, once for
//! all users of an import, and named by the hashes that need it.
//!
//! Lock order: the tenant, then its data key.

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::identity::tenant;
use crate::kernel::outcome::Mistake;
use crate::kernel::server::lookup::{Key, Lookup, Snapshot};
use crate::kernel::server::row::row;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::server::table::{Moves, Published, Rows, Table, delete_by};
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::id::{Bucket, Id};
use crate::vault::holder::{Holder, holder};
use crate::vault::key::{self, SealPlace, Unreadable};

/// The facts of the table `password_peppers`.
pub static TABLE: Table = Table {
    name: "password_peppers",
    key: &["id", "tenant_id"],
    ended: None,
    of_tenant: Rows::Deleted(delete_by!(latest "password_peppers", "tenant_id")),
    of_client: Rows::None,
    of_user: None,
    published: Published::Vault,
    moves: Moves::Keys,
    restored: true,
};

/// The sealed values of the table `password_peppers`.
pub static HOLDER: Holder = holder!("password_peppers", "pepper", "pepper");

/// The sealed column, as its values are bound to it.
const COLUMN: &str = "pepper";

row! {
    struct Kept in password_peppers {
        id: Id,
        tenant_id: String,
        key_id: Id,
        pepper: Vec<u8>,
    }
}

fn place(id: Id) -> SealPlace {
    SealPlace { table: "password_peppers", row: id, column: COLUMN }
}

impl Kept {
    fn open(&self, now: Timestamp) -> Result<Zeroizing<Vec<u8>>, Mistake> {
        let wrapped = key::find(&Snapshot::latest(), self.key_id, &self.tenant_id)?;
        let key = wrapped.ok_or(Unreadable::Altered)?.open(now)??;
        Ok(key.open(place(self.id), &self.pepper)?)
    }
}

static BY_ID: Lookup<Kept> = Lookup::by(c"password_peppers_pkey");

/// The pepper that a hash names.
pub fn find(now: Timestamp, name: &str) -> Result<Zeroizing<Vec<u8>>, Mistake> {
    let id = Id::parse(name);
    let found = id.map(|id| BY_ID.find(&Snapshot::latest(), Key::Id(id))).transpose()?.flatten();
    found.ok_or(Unreadable::Altered)?.open(now)
}

static OF_TENANT: Statement<Kept> =
    Statement::write(c"SELECT {columns} FROM auth_store.password_peppers WHERE tenant_id = $1 ORDER BY id");

static INSERT: Statement = Statement::write(
    c"INSERT INTO auth_store.password_peppers (id, key_id, created_at, tenant_id, pepper) VALUES ($1, $2, $3, $4, $5)",
);

/// How many a tenant may have: one for each store that users came from, and not one for each user.
const MAX_PEPPERS: usize = 20;

/// Keeps a pepper, unless the tenant has it, and returns its name.
pub fn keep(now: Timestamp, tenant_id: &str, pepper: &[u8]) -> Result<String, Mistake> {
    if !tenant::lock_key_share(tenant_id)? {
        return Err(tenant::UNKNOWN_ID);
    }
    let kept = OF_TENANT.all(&params![tenant_id])?;
    for there in &kept {
        if there.open(now)?.as_slice().ct_eq(pepper).into() {
            return Ok(there.id.to_string());
        }
    }
    if kept.len() >= MAX_PEPPERS {
        return Err(Mistake::WrongState {
            message: format!("the tenant has {MAX_PEPPERS} peppers of other stores").into(),
            hint: "A pepper is one secret for all users of a store. What each user has is a salt.".into(),
        });
    }
    loop {
        let key = key::current(now, tenant_id)?;
        if key::lock_key_share(&key)? {
            let id = Id::mint(now, Bucket::of(&[tenant_id]))?;
            let sealed = key.seal(place(id), pepper)?;
            INSERT.exactly_one(&params![id, key.id, now, tenant_id, sealed])?;
            return Ok(id.to_string());
        }
        pgrx::check_for_interrupts!();
    }
}
