//! External identities: accounts at other providers that users log in with. Making and ending the link is in `link.rs`,
//! the log-in in `login.rs`.
//!
//! Lock order: the identity's key, where a call may make the link, then the user.

pub mod link;
pub mod login;

use pgrx::iter::SetOfIterator;
use pgrx::prelude::*;
use sha2::{Digest, Sha256};

use crate::identity::tenant;
use crate::identity::user::elsewhere::{ClaimKey, moved};
use crate::kernel::outcome::{Mistake, OrRaise, given};
use crate::kernel::server::composite::composite;
use crate::kernel::server::lock;
use crate::kernel::server::lookup::{Key, Lookup, Snapshot};
use crate::kernel::server::row::row;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::server::table::{By, Moves, OfUser, Published, Rows, Table, delete_by, exported};
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::id::{Bucket, Id};
use crate::kernel::value::jsonb::Jsonb;

row! {
    /// What is shown of an identity.
    pub struct Shown in identities {
        user_id: Option<Id>,
        provider: Option<String>,
        subject: Option<String>,
        email: Option<String>,
        email_verified: Option<bool>,
        profile: Option<Jsonb>,
        linked_at: Option<Timestamp>,
        last_used_at: Option<Timestamp>,
    }
    returned
}

composite! {
    /// A row of identity_find() and identity_list().
    pub struct IdentityProfile = "auth_store.identity_profile" {
        pub shown: Shown,
    }
}

#[pg_extern(stable, parallel_safe)]
fn identity_find(
    provider: Option<&str>,
    subject: Option<&str>,
    tenant_id: default!(Option<&str>, "NULL"),
) -> SetOfIterator<'static, IdentityProfile> {
    SetOfIterator::new(find_shown(provider, subject, tenant_id).or_raise())
}

#[pg_extern(stable, parallel_safe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn identity_list(user_id: Option<pgrx::Uuid>) -> SetOfIterator<'static, IdentityProfile> {
    let found = given(user_id, "user_id").and_then(|user_id| LIST.all(&params![Id::from(user_id)]));
    SetOfIterator::new(found.or_raise().into_iter().map(|shown| IdentityProfile { shown }))
}

/// The facts of the table `identities`.
pub static TABLE: Table = Table {
    name: "identities",
    key: &["tenant_id", "provider", "subject"],
    ended: None,
    of_tenant: Rows::Deleted(delete_by!(latest "identities", "tenant_id")),
    of_client: Rows::None,
    of_user: Some(OfUser {
        by: By::User,
        erased: Some(delete_by!(latest "identities", "user_id")),
        exported: exported!(
            "identities",
            "user_id = $1",
            "user_id, linked_at, last_used_at, email_verified, tenant_id, provider, subject, email, profile",
            withheld "bucket"
        ),
    }),
    published: Published::TakeOver,
    moves: Moves::ByUserAndName,
    restored: true,
};

/// An account at a provider.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Account<'a> {
    provider: &'a str,
    subject: &'a str,
}

/// What accounts are among the kinds of names that are claimed.
pub const CLAIMED: &str = "identity";

const MAX_PROVIDER: usize = 63;
const MAX_SUBJECT: usize = 1024;

/// What the names of single sign-on providers begin with. Whoever runs one vouches for its own people: it says which
/// address somebody has, and must not become another's log-in by saying so.
const SINGLE_SIGN_ON: &str = "sso:";

impl<'a> Account<'a> {
    /// The arguments that name one.
    pub fn check(provider: Option<&'a str>, subject: Option<&'a str>) -> Result<Self, Mistake> {
        let provider = given(provider, "provider")?;
        let subject = given(subject, "subject")?;
        if !is_provider(provider) {
            return Err(Mistake::invalid(
                "provider",
                "1 to 63 lower-case letters, digits, dots, underscores and hyphens, the first a letter or digit, as \
                 google; before it sso: for the single sign-on of an organisation",
            ));
        }
        if !(1..=MAX_SUBJECT).contains(&subject.len()) || subject.chars().any(char::is_control) {
            return Err(Mistake::invalid("subject", "1 to 1024 bytes, no control characters"));
        }
        Ok(Self { provider, subject })
    }

    /// The account of a text: the provider, a space, the subject; None where the text names none.
    pub fn read(text: &'a str) -> Option<Self> {
        let (provider, subject) = text.split_once(' ')?;
        Self::check(Some(provider), Some(subject)).ok()
    }

    fn is_single_sign_on(self) -> bool {
        self.provider.starts_with(SINGLE_SIGN_ON)
    }

    /// Where a router looks for it.
    pub fn bucket(self, tenant_id: &str) -> Bucket {
        Bucket::of(&[tenant_id, self.provider, self.subject])
    }

    /// What a claim for a user of another shard is found by.
    pub fn claim_key(self, tenant_id: &str) -> ClaimKey<'_> {
        ClaimKey::of(tenant_id, CLAIMED, self.bucket(tenant_id), &[self.provider, self.subject])
    }

    /// Until the end of the transaction nobody else links the account to a user.
    fn lock(self, tenant_id: &str) {
        let mut hash = Sha256::new();
        for part in ["identity", tenant_id, self.provider, self.subject] {
            hash.update(part.as_bytes());
            hash.update([0]);
        }
        let digest: [u8; 32] = hash.finalize().into();
        if let Some(key) = digest.first_chunk() {
            lock::lock_key(Id::from_bytes(*key));
        }
    }

    /// The same for several, in one order for all calls.
    pub fn lock_all(accounts: impl Iterator<Item = Self>, tenant_id: &str) {
        let mut accounts: Vec<_> = accounts.collect();
        accounts.sort_unstable();
        accounts.into_iter().for_each(|account| account.lock(tenant_id));
    }

    fn key<'k>(&'k self, tenant_id: &'k str) -> [Key<'k>; 3] {
        [Key::Text(tenant_id), Key::Text(self.provider), Key::Text(self.subject)]
    }
}

fn is_provider(provider: &str) -> bool {
    let name = provider.strip_prefix(SINGLE_SIGN_ON).unwrap_or(provider);
    let head = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    (1..=MAX_PROVIDER).contains(&name.len())
        && name.bytes().take(1).all(head)
        && name.bytes().all(|byte| head(byte) || b"._-".contains(&byte))
}

row! {
    struct Linked in identities {
        user_id: Id,
    }
}

static BY_ACCOUNT: Lookup<Linked> = Lookup::by(c"identities_pkey");
static SHOWN: Lookup<Shown> = Lookup::by(c"identities_pkey");

/// The user who logs in with this account.
pub fn find(snapshot: &Snapshot, tenant_id: &str, account: &Account<'_>) -> Result<Option<Id>, Mistake> {
    Ok(BY_ACCOUNT.find_by(snapshot, account.key(tenant_id))?.map(|linked| linked.user_id))
}

fn find_shown(
    provider: Option<&str>,
    subject: Option<&str>,
    tenant_id: Option<&str>,
) -> Result<Option<IdentityProfile>, Mistake> {
    let account = Account::check(provider, subject)?;
    let snapshot = Snapshot::reading();
    let tenant_id = tenant::resolve(&snapshot, tenant_id)?;
    let shown = SHOWN.find_by(&snapshot, account.key(&tenant_id))?;
    Ok(shown.map(|shown| IdentityProfile { shown }))
}

static LIST: Statement<Shown> = Statement::read(
    c"SELECT {columns} FROM auth_store.identities WHERE user_id = $1 ORDER BY linked_at, provider, subject",
);

row! {
    struct OwnAccount in identities {
        provider: String,
        subject: String,
    }
}

static OF_USER: Lookup<OwnAccount> = Lookup::by(c"identities_user_idx");

row! {
    struct Held {
        user_id: Id,
        bucket: i32,
        tenant_id: String,
        provider: String,
        subject: String,
    }
}

// As of names.
static HELD: Statement<Held> = Statement::latest(
    c"SELECT {columns} FROM auth_store.identities
       WHERE $1::pg_catalog.int4multirange OPERATOR(pg_catalog.@>) auth_store.id_bucket(user_id)
         AND $2::pg_catalog.int4multirange OPERATOR(pg_catalog.@>) bucket
         FOR KEY SHARE",
);

/// Claims the accounts of users of this database who are about to be in another one; returns how many were not claimed.
pub fn claim_accounts(
    now: Timestamp,
    buckets: moved::Buckets<'_>,
    claims: &moved::Claims,
) -> Result<u64, Mistake> {
    let mut claimed = 0;
    for held in HELD.all(&params![buckets.users, buckets.names])? {
        let Some(bucket) = moved::numbered(held.bucket) else { continue };
        let key = ClaimKey::of(&held.tenant_id, CLAIMED, bucket, &[&held.provider, &held.subject]);
        claimed += u64::from(claims.add(now, &key, held.user_id)?);
    }
    Ok(claimed)
}

/// The accounts that a user logs in with, each as [`Account::read`] reads it, in no order.
pub fn of_user(snapshot: &Snapshot, user_id: Id) -> Result<Vec<String>, Mistake> {
    let found = OF_USER.all_by(snapshot, [Key::Id(user_id)])?;
    Ok(found.into_iter().map(|account| format!("{} {}", account.provider, account.subject)).collect())
}

#[cfg(test)]
mod tests {
    use super::{Account, is_provider};

    #[test]
    fn a_provider_is_a_short_plain_name() {
        for name in ["google", "0x", "a.b_c-d", "sso:acme.com", "sso:1"] {
            assert!(is_provider(name), "{name}");
        }
        for name in ["", "sso:", "Google", "-a", "sso:sso:a", "saml:a", "a b", "é", &"a".repeat(64)] {
            assert!(!is_provider(name), "{name:?}");
        }
    }

    #[test]
    fn an_account_has_an_id() {
        let check = |subject: Option<&str>| Account::check(Some("google"), subject).is_ok();
        assert!(check(Some("1")) && check(Some(&"é".repeat(512))));
        assert!(!check(None) && !check(Some("")) && !check(Some("a\n")) && !check(Some(&"a".repeat(1025))));
    }
}
