//! Signing with a tenant's key. A backend keeps the keys that it has opened: opening one costs more than signing.

use std::cell::RefCell;
use std::rc::Rc;

use serde_json::{Map, Value};

use crate::kernel::outcome::{Answer, Mistake};
use crate::kernel::server::cell::BackendCell;
use crate::kernel::server::locked::Locked;
use crate::kernel::server::lookup::{Key, Lookup, Snapshot};
use crate::kernel::server::row::row;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::server::state;
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::id::Id;
use crate::oauth::signing_key::{LIFE_STEP, PRIVATE_KEY, SigningKeyRow, State, of_tenant};
use crate::rfc::jose::alg::Alg;
use crate::rfc::jose::sign::SigningKey;
use crate::vault::key::{self, SealPlace, Unreadable};

/// Why nothing is signed: the operator has to do something.
#[derive(Debug, PartialEq, Eq)]
pub enum NoKey {
    /// The tenant has no key, or none of the algorithm, that signs by now.
    None,
    /// The vault does not open it.
    Unreadable(Unreadable),
}

impl From<NoKey> for Mistake {
    fn from(no_key: NoKey) -> Self {
        match no_key {
            NoKey::None => Self::WrongState {
                message: "the tenant has no signing key that is active".into(),
                hint: "SELECT auth_store.signing_key_create() makes one; for RS256, import one with \
                       auth_store.signing_key_import()."
                    .into(),
            },
            NoKey::Unreadable(unreadable) => unreadable.into(),
        }
    }
}

/// Every algorithm that a tenant signs by, the preferred one first.
pub fn algs(now: Timestamp, snapshot: &Snapshot, tenant_id: &str) -> Result<Vec<Alg>, Mistake> {
    let keys = of_tenant(now, snapshot, tenant_id)?;
    Ok(Alg::SIGNING.into_iter().filter(|alg| active(now, &keys, Some(*alg)).is_some()).collect())
}

/// The JWS of claims, signed by the tenant whose the issuer is. A member `exp` says until when the key has to be
/// published.
pub fn sign(
    now: Timestamp,
    snapshot: &Snapshot,
    tenant_id: &str,
    alg: Option<Alg>,
    typ: &str,
    claims: &Map<String, Value>,
) -> Answer<String, NoKey> {
    let end = claims.get("exp").and_then(Value::as_i64);
    let expires_at = end.map(|end| Timestamp::from_unix_millis(0).plus_seconds(end));
    let claims = serde_json::to_string(claims).unwrap_or_default();
    sign_text(now, snapshot, tenant_id, alg, typ, &claims, expires_at)
}

/// The same of claims that are the text of a JSON object, whose `exp` is this; None: they have none.
pub fn sign_text(
    now: Timestamp,
    snapshot: &Snapshot,
    tenant_id: &str,
    alg: Option<Alg>,
    typ: &str,
    claims: &str,
    expires_at: Option<Timestamp>,
) -> Answer<String, NoKey> {
    match Signer::of(now, snapshot, tenant_id, alg)? {
        Ok(signer) => signer.sign(now, snapshot, typ, claims, expires_at),
        Err(no_key) => Ok(Err(no_key)),
    }
}

/// The key of a tenant that signs now.
pub struct Signer<'a> {
    tenant_id: &'a str,
    row: SigningKeyRow,
}

impl<'a> Signer<'a> {
    /// The key of this algorithm; None: of the first that the tenant has a key for.
    pub fn of(
        now: Timestamp,
        snapshot: &Snapshot,
        tenant_id: &'a str,
        alg: Option<Alg>,
    ) -> Answer<Self, NoKey> {
        let mut keys = of_tenant(now, snapshot, tenant_id)?;
        let found = active(now, &keys, alg).map(|at| keys.swap_remove(at));
        Ok(found.map(|row| Self { tenant_id, row }).ok_or(NoKey::None))
    }

    /// By which algorithm it signs.
    pub fn alg(&self) -> Alg {
        self.row.alg
    }

    /// The JWS of claims that are the text of a JSON object, whose `exp` is this; None: they have none.
    pub fn sign(
        &self,
        now: Timestamp,
        snapshot: &Snapshot,
        typ: &str,
        claims: &str,
        expires_at: Option<Timestamp>,
    ) -> Answer<String, NoKey> {
        if let Some(expires_at) = expires_at {
            keep_until(now, self.tenant_id, &self.row, expires_at)?;
        }
        match opened(now, snapshot, self.tenant_id, &self.row)? {
            Ok(key) => Ok(Ok(key.sign(typ, claims)?)),
            Err(unreadable) => Ok(Err(NoKey::Unreadable(unreadable))),
        }
    }
}

/// Which key signs, of those of a tenant.
fn active(now: Timestamp, keys: &[SigningKeyRow], alg: Option<Alg>) -> Option<usize> {
    let of = |alg: Alg| keys.iter().position(|key| key.alg == alg && key.state(now) == State::Active);
    match alg {
        Some(alg) => of(alg),
        None => Alg::SIGNING.into_iter().find_map(of),
    }
}

static KEEP: Statement = Statement::latest(
    c"UPDATE auth_store.signing_keys SET longest_life = $3
       WHERE id = $1 AND tenant_id = $2 AND longest_life < $3",
);

/// Notes that a token lives until then, if none that the key signed lives so long.
fn keep_until(
    now: Timestamp,
    tenant_id: &str,
    key: &SigningKeyRow,
    expires_at: Timestamp,
) -> Result<(), Mistake> {
    let life = expires_at.micros_since(now).div_euclid(1_000_000).saturating_add(1);
    if life <= i64::from(key.longest_life) {
        return Ok(());
    }
    state::writable()?;
    let life = i32::try_from(life.div_euclid(LIFE_STEP).saturating_add(1).saturating_mul(LIFE_STEP));
    KEEP.run(&params![key.id, tenant_id, life.unwrap_or(i32::MAX)])?;
    Ok(())
}

row! {
    struct Sealed in signing_keys {
        private_key: Vec<u8>,
    }
}

static BY_ID: Lookup<Sealed> = Lookup::by(c"signing_keys_pkey");

/// How many keys a backend keeps open.
const MAX_OPEN: usize = 8;

type Opened = Rc<Locked<SigningKey>>;

/// The keys that are open, the one that was used last at the end. They are opened anew after a reload of the
/// configuration, which may have taken the master key away.
struct Open {
    configuration: Timestamp,
    keys: Vec<(Id, Opened)>,
}

static OPEN: BackendCell<RefCell<Option<Open>>> = BackendCell::new(RefCell::new(None));

/// The private key of a row. What is kept is that of the row's id, which never gets another one.
fn opened(
    now: Timestamp,
    snapshot: &Snapshot,
    tenant_id: &str,
    row: &SigningKeyRow,
) -> Answer<Opened, Unreadable> {
    let configuration = state::reloaded_at();
    {
        let mut open = OPEN.borrow_mut();
        let open = match &mut *open {
            Some(open) if open.configuration == configuration => open,
            other => other.insert(Open { configuration, keys: Vec::new() }),
        };
        if let Some(at) = open.keys.iter().position(|(id, _)| *id == row.id) {
            open.keys.get_mut(at..).unwrap_or_default().rotate_left(1);
            return Ok(open.keys.last().map(|(_, key)| Rc::clone(key)).ok_or(Unreadable::Altered));
        }
    }
    let find = |snapshot: &Snapshot| BY_ID.find(snapshot, Key::Id(row.id));
    let Some(sealed) = snapshot.newest(find)? else { return Ok(Err(Unreadable::Altered)) };
    let key = match key::open(now, snapshot, row.key_id, tenant_id)? {
        Ok(key) => key,
        Err(unreadable) => return Ok(Err(unreadable)),
    };
    let place = SealPlace { table: "signing_keys", row: row.id, column: PRIVATE_KEY };
    let pkcs8 = match key.open(place, &sealed.private_key) {
        Ok(pkcs8) => pkcs8,
        Err(unreadable) => return Ok(Err(unreadable)),
    };
    let Some(key) = SigningKey::open(row.alg, &pkcs8).filter(|key| key.kid() == row.kid) else {
        return Ok(Err(Unreadable::Altered));
    };
    let key = Rc::new(Locked::new(key)?);
    if let Some(open) = &mut *OPEN.borrow_mut() {
        if open.keys.len() >= MAX_OPEN {
            open.keys.remove(0);
        }
        open.keys.push((row.id, Rc::clone(&key)));
    }
    Ok(Ok(key))
}
