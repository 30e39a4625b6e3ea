//! The keys that the store signs JWTs with. What a key is for follows from its times, so no job turns it over: it is
//! published before it signs, and stays published until the last token that it signed has ended.
//!
//! A tenant has at most one key of an algorithm that nothing follows yet. Locks: the tenant, its signing keys in the
//! order of their ids, the vault's data key.

pub mod make;
pub mod published;
pub mod retire;
pub mod sign;

use crate::kernel::outcome::Mistake;
use crate::kernel::server::batch::delete_ended;
use crate::kernel::server::lookup::{Key, Lookup, Snapshot};
use crate::kernel::server::row::row;
use crate::kernel::server::settings::Setting;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::server::table::{Ended, Moves, Published, Rows, Table, delete_by};
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::id::Id;
use crate::rfc::jose::alg::Alg;
use crate::vault::holder::{Holder, holder};

/// How long a JWKS may be kept by those who fetch it.
pub static JWKS_MAX_AGE: Setting<i32> = Setting::seconds(
    c"auth_store.jwks_max_age",
    300,
    0..=86_400,
    c"How long a JWKS, and provider metadata, may be cached.",
    c"A new signing key is published so long before it signs.",
);

/// The facts of the table `signing_keys`. A key ends with the last token that it has signed.
pub static TABLE: Table = Table {
    name: "signing_keys",
    key: &["id", "tenant_id"],
    ended: Some(Ended {
        statement: delete_ended!(
            "auth_store.signing_keys",
            "retired_at + make_interval(secs => longest_life + 60) <= $3"
        ),
        times: |now| Vec::from(params![now]),
    }),
    of_tenant: Rows::Deleted(delete_by!(latest "signing_keys", "tenant_id")),
    of_client: Rows::None,
    of_user: None,
    published: Published::Validation,
    moves: Moves::Shared,
    restored: true,
};

/// The sealed column, as its values are bound to it.
const PRIVATE_KEY: &str = "private_key";

/// The sealed values of the table `signing_keys`.
pub static HOLDER: Holder = holder!("signing_keys", "signing key", "private_key");

/// The longest_life of a key that has signed nothing, and its step: what most tokens live, so that few signatures
/// change the row.
const LIFE_STEP: i64 = 3600;

/// Seconds that a token is accepted after its end by a verifier whose clock is behind; as in [`TABLE`].
const LEEWAY: i64 = 60;

row! {
    /// A key, without its private part.
    pub struct SigningKeyRow in signing_keys {
        /// Its row.
        pub id: Id,
        key_id: Id,
        published_at: Timestamp,
        active_from: Timestamp,
        retired_at: Option<Timestamp>,
        longest_life: i32,
        /// By which algorithm it signs.
        pub alg: Alg,
        /// Its name.
        pub kid: String,
    }
}

/// What a key is for at a moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// Published, and will sign.
    Next,
    /// It signs.
    Active,
    /// Tokens that it signed may be presented.
    Retired,
    /// None can.
    Gone,
}

impl State {
    /// As signing_key_list() shows it.
    fn as_str(self) -> &'static str {
        match self {
            Self::Next => "next",
            Self::Active => "active",
            Self::Retired => "retired",
            Self::Gone => "gone",
        }
    }
}

impl SigningKeyRow {
    fn state(&self, now: Timestamp) -> State {
        match self.retired_at {
            Some(retired_at) if retired_at <= now => match self.removed_at() {
                Some(end) if end <= now => State::Gone,
                _ => State::Retired,
            },
            _ if self.active_from > now => State::Next,
            _ => State::Active,
        }
    }

    /// When the last token that it signed has ended; None: nothing follows it yet.
    fn removed_at(&self) -> Option<Timestamp> {
        Some(self.retired_at?.plus_seconds(self.longest_life).plus_seconds(LEEWAY))
    }
}

static OF_TENANT: Lookup<SigningKeyRow> = Lookup::by(c"signing_keys_kid_key");

/// The keys of a tenant that are in its JWKS, in the order of the list: those that most libraries know come first. A
/// writer sees them as they are by now: a key that was withdrawn signs nothing more.
fn of_tenant(now: Timestamp, snapshot: &Snapshot, tenant_id: &str) -> Result<Vec<SigningKeyRow>, Mistake> {
    let find = |snapshot: &Snapshot| OF_TENANT.all_by(snapshot, [Key::Text(tenant_id)]).map(Some);
    let mut keys = snapshot.newest(find)?.unwrap_or_default();
    keys.retain(|key| key.state(now) != State::Gone);
    keys.sort_by_key(|key| (rank(key.alg), std::cmp::Reverse(key.id)));
    Ok(keys)
}

static LOCK: Statement<SigningKeyRow> = Statement::latest(
    c"SELECT {columns} FROM auth_store.signing_keys WHERE tenant_id = $1 AND alg = $2 ORDER BY id FOR UPDATE",
);

/// Locks the keys of a tenant of an algorithm. Whoever waited for them looks again: the one who had them may have made
/// another.
fn lock_update(tenant_id: &str, alg: Alg) -> Result<Vec<SigningKeyRow>, Mistake> {
    let mut known = None;
    loop {
        let keys = LOCK.all(&params![tenant_id, alg.as_str()])?;
        let ids = Some(keys.iter().map(|key| key.id).collect::<Vec<_>>());
        if ids == known {
            return Ok(keys);
        }
        known = ids;
    }
}

/// The place of an algorithm in a list of keys.
fn rank(alg: Alg) -> usize {
    [Alg::Es256, Alg::Rs256, Alg::EdDsa].iter().position(|one| *one == alg).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::{SigningKeyRow, State};
    use crate::kernel::value::clock::Timestamp;
    use crate::kernel::value::id::Id;
    use crate::rfc::jose::alg::Alg;

    #[test]
    fn states_follow_from_times() {
        let at = |seconds: i64| Timestamp::from_unix_millis(0).plus_seconds(seconds);
        let key = SigningKeyRow {
            id: Id::from_bytes([1; 16]),
            key_id: Id::from_bytes([2; 16]),
            published_at: at(0),
            active_from: at(300),
            retired_at: Some(at(1000)),
            longest_life: 3600,
            alg: Alg::Es256,
            kid: String::new(),
        };
        for (seconds, state) in [
            (0, State::Next),
            (299, State::Next),
            (300, State::Active),
            (999, State::Active),
            (1000, State::Retired),
            (4659, State::Retired),
            (4660, State::Gone),
        ] {
            assert_eq!(key.state(at(seconds)), state, "{seconds}");
        }
        let last = SigningKeyRow { retired_at: None, ..key };
        assert_eq!((last.state(at(4660)), last.removed_at().is_none()), (State::Active, true));
    }
}
