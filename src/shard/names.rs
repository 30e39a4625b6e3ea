//! The names of users over several databases: who has a name is decided on the shard of the name's bucket, also for a
//! user who lives on another one.
//!
//! A claim that was not confirmed lapses, so that whoever gave up in the middle blocks nobody. A user's own shard has
//! the names as on a store that is not spread, so a log-in there asks nobody else.

use pgrx::iter::SetOfIterator;
use pgrx::prelude::*;
use serde_json::json;

use crate::identity::external::{self, Account, link};
use crate::identity::tenant;
use crate::identity::user::elsewhere::{self, Claim, ClaimKey};
use crate::identity::user::name::{Kind, Name};
use crate::identity::user::{self, names};
use crate::kernel::outcome::{ErrorCode, Mistake, OrRaise, Refusal, given};
use crate::kernel::server::composite::composite;
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::server::sharded;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::{Bucket, Id};
use crate::kernel::value::inet::Inet;
use crate::kernel::value::interval;
use crate::trail::{self, Context, Event};

composite! {
    /// What a claim came to.
    pub struct NameClaim = "auth_store.name_claim" {
        pub claimed: bool,
        pub user_id: Option<Id>,
        pub pending_until: Option<Timestamp>,
        pub error: Option<&'static str>,
        pub error_description: Option<String>,
        pub retry_after: Option<i32>,
    }
    refused { error, error_description, retry_after }
}

/// How long a claim waits for its confirmation, in seconds.
const TTL: i64 = 300;
const TTL_ACCEPTED: &str = "1 second to 1 day";

#[pg_extern(volatile, parallel_safe)]
fn user_id_new(
    name: Option<&str>,
    kind: default!(Option<&str>, "NULL"),
    tenant_id: default!(Option<&str>, "NULL"),
) -> pgrx::Uuid {
    let mint = || {
        let tenant_id = tenant_id.unwrap_or_else(|| tenant::own());
        Id::mint(clock::now(), Claimed::check(name, kind)?.bucket(tenant_id))
    };
    mint().or_raise().into()
}

#[pg_extern(stable, parallel_safe)]
fn user_locate(
    name: Option<&str>,
    kind: default!(Option<&str>, "NULL"),
    tenant_id: default!(Option<&str>, "NULL"),
) -> Option<pgrx::Uuid> {
    locate(clock::now(), name, kind, tenant_id).or_raise().map(pgrx::Uuid::from)
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn user_name_claim(
    user_id: Option<pgrx::Uuid>,
    kind: Option<&str>,
    name: Option<&str>,
    ttl: default!(Option<Interval>, "NULL"),
    tenant_id: default!(Option<&str>, "NULL"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> NameClaim {
    let now = clock::now();
    let run = || {
        let seconds = interval::seconds(ttl, TTL, 1..=86_400, "ttl", TTL_ACCEPTED)?;
        let wish = Wish { user_id: user_id.map(Id::from), kind, name, tenant_id };
        claim(now, &wish, Some(now.plus_seconds(seconds)), &Context { ip, user_agent })
    };
    run().or_raise()
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn user_name_confirm(
    user_id: Option<pgrx::Uuid>,
    kind: Option<&str>,
    name: Option<&str>,
    tenant_id: default!(Option<&str>, "NULL"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> NameClaim {
    let wish = Wish { user_id: user_id.map(Id::from), kind, name, tenant_id };
    claim(clock::now(), &wish, None, &Context { ip, user_agent }).or_raise()
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn user_name_release(
    user_id: Option<pgrx::Uuid>,
    kind: Option<&str>,
    name: Option<&str>,
    tenant_id: default!(Option<&str>, "NULL"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> bool {
    let wish = Wish { user_id: user_id.map(Id::from), kind, name, tenant_id };
    release(clock::now(), &wish, &Context { ip, user_agent }).or_raise()
}

composite! {
    /// A row of user_claims().
    pub struct ClaimableName = "auth_store.claimable_name" {
        pub kind: Option<&'static str>,
        pub name: Option<String>,
        pub bucket: Option<i32>,
    }
}

#[pg_extern(stable, parallel_safe)]
fn user_claims(user_id: Option<pgrx::Uuid>) -> SetOfIterator<'static, ClaimableName> {
    SetOfIterator::new(claims(user_id.map(Id::from)).or_raise())
}

/// What is claimed.
pub enum Claimed<'a> {
    /// A name that a user is found by.
    Name(Name<'a>),
    /// An account at a provider that a user logs in with.
    Account(Account<'a>),
}

impl<'a> Claimed<'a> {
    /// The name of this kind; None where the text is none, or the kind.
    pub fn read(name: &'a str, kind: Option<&str>) -> Option<Self> {
        if kind == Some(external::CLAIMED) {
            return Account::read(name).map(Self::Account);
        }
        let kind = kind.map_or_else(|| Some(Kind::of_typed(name)), Kind::read)?;
        Name::read(kind, name).map(Self::Name)
    }

    /// The arguments that say it.
    fn check(name: Option<&'a str>, kind: Option<&str>) -> Result<Self, Mistake> {
        let name = given(name, "name")?;
        if kind.is_some_and(|kind| kind != external::CLAIMED && Kind::read(kind).is_none()) {
            let kinds = Kind::ALL.map(Kind::as_str);
            return Err(Mistake::one_of("kind", &[kinds.as_slice(), &[external::CLAIMED]].concat()));
        }
        Self::read(name, kind).ok_or(Mistake::invalid("name", "a name of this kind, see user_bucket()"))
    }

    /// Where a router looks for it.
    pub fn bucket(&self, tenant_id: &str) -> Bucket {
        match self {
            Self::Name(name) => name.bucket(tenant_id),
            Self::Account(account) => account.bucket(tenant_id),
        }
    }

    fn key<'t>(&self, tenant_id: &'t str) -> ClaimKey<'t> {
        match self {
            Self::Name(name) => ClaimKey::of_name(tenant_id, name),
            Self::Account(account) => account.claim_key(tenant_id),
        }
    }

    /// The user of this shard who has it.
    fn owner(&self, snapshot: &Snapshot, tenant_id: &str) -> Result<Option<Id>, Mistake> {
        match self {
            Self::Name(name) => names::find(snapshot, tenant_id, name),
            Self::Account(account) => external::find(snapshot, tenant_id, account),
        }
    }

    fn taken(&self) -> Refusal {
        match self {
            Self::Name(name) => names::taken(name.kind),
            Self::Account(_) => link::TAKEN,
        }
    }
}

/// None: nobody has it, or whoever is getting it has not confirmed that yet.
fn locate(
    now: Timestamp,
    name: Option<&str>,
    kind: Option<&str>,
    tenant_id: Option<&str>,
) -> Result<Option<Id>, Mistake> {
    given(name, "name")?;
    let snapshot = Snapshot::reading();
    let tenant_id = tenant::resolve(&snapshot, tenant_id)?;
    let claimed = match Claimed::check(name, kind) {
        Ok(claimed) => claimed,
        // What no name is, nobody has.
        Err(Mistake::InvalidArgument { argument: "name", .. }) => return Ok(None),
        Err(mistake) => return Err(mistake),
    };
    if let Some(id) = claimed.owner(&snapshot, &tenant_id)? {
        return Ok(Some(id));
    }
    let claim = elsewhere::find(now, &snapshot, &claimed.key(&tenant_id))?;
    Ok(claim.filter(|claim| claim.pending_until.is_none()).map(|claim| claim.user_id))
}

/// The arguments of a call about a claim.
struct Wish<'a> {
    user_id: Option<Id>,
    kind: Option<&'a str>,
    name: Option<&'a str>,
    tenant_id: Option<&'a str>,
}

impl<'a> Wish<'a> {
    fn check(&self) -> Result<(Id, Claimed<'a>, String), Mistake> {
        let user_id = given(self.user_id, "user_id")?;
        let kind = given(self.kind, "kind")?;
        let claimed = Claimed::check(self.name, Some(kind))?;
        Ok((user_id, claimed, tenant::resolve(&Snapshot::writing()?, self.tenant_id)?))
    }
}

/// `pending_until`: None confirms the claim, or makes it as one that is confirmed.
fn claim(
    now: Timestamp,
    wish: &Wish<'_>,
    pending_until: Option<Timestamp>,
    context: &Context<'_>,
) -> Result<NameClaim, Mistake> {
    let (user_id, claimed, tenant_id) = wish.check()?;
    sharded::check_on()?;
    if !tenant::lock_key_share(&tenant_id)? {
        return Err(tenant::UNKNOWN_ID);
    }
    user::check_tenant_of_any(&Snapshot::latest(), user_id, &tenant_id)?;
    let key = claimed.key(&tenant_id);
    key.lock();
    let before = elsewhere::find(now, &Snapshot::latest(), &key)?;
    let held = match claimed.owner(&Snapshot::latest(), &tenant_id)? {
        Some(owner) if owner != user_id => Some(Claim { user_id: owner, pending_until: None }),
        _ => before.filter(|claim| claim.user_id != user_id),
    };
    if let Some(held) = held {
        let retry_after = held.pending_until.map(|until| until.seconds_after(now));
        let refusal = Refusal { retry_after, ..claimed.taken() };
        record(now, "user.name_claimed", told(&key), user_id, Some(refusal.code), context)?;
        return Ok(NameClaim { user_id: Some(held.user_id), ..NameClaim::refused(&refusal) });
    }
    let taken = elsewhere::take(now, &key, user_id, pending_until)?.ok_or(Mistake::Changed)?;
    let is_new = before.is_none_or(|before| before.pending_until.is_some() && taken.pending_until.is_none());
    if is_new {
        record(now, "user.name_claimed", told(&key), user_id, None, context)?;
    }
    let Claim { user_id, pending_until } = taken;
    Ok(NameClaim { claimed: true, user_id: Some(user_id), pending_until, ..NameClaim::default() })
}

fn release(now: Timestamp, wish: &Wish<'_>, context: &Context<'_>) -> Result<bool, Mistake> {
    if wish.kind.is_none() && wish.name.is_none() {
        let user_id = given(wish.user_id, "user_id")?;
        let tenant_id = tenant::resolve(&Snapshot::writing()?, wish.tenant_id)?;
        let released = elsewhere::release_all(user_id, &tenant_id)?;
        for kind in &released {
            record(now, "user.name_released", (&tenant_id, kind), user_id, None, context)?;
        }
        return Ok(!released.is_empty());
    }
    let (user_id, claimed, tenant_id) = wish.check()?;
    let key = claimed.key(&tenant_id);
    let released = elsewhere::release(&key, user_id)?;
    if released {
        record(now, "user.name_released", told(&key), user_id, None, context)?;
    }
    Ok(released)
}

fn told<'a>(key: &ClaimKey<'a>) -> (&'a str, &'static str) {
    (key.tenant_id(), key.kind())
}

/// The trail says what kind of name it was, and not the name, as of names that users are given.
fn record(
    now: Timestamp,
    event: &'static str,
    (tenant_id, kind): (&str, &str),
    user_id: Id,
    error: Option<ErrorCode>,
    context: &Context<'_>,
) -> Result<(), Mistake> {
    trail::record(
        now,
        &Event {
            event,
            tenant_id,
            user_id: Some(user_id),
            error,
            details: Some(json!({ "kind": kind })),
            context: Some(context),
            ..Event::default()
        },
    )?;
    Ok(())
}

fn claims(user_id: Option<Id>) -> Result<Vec<ClaimableName>, Mistake> {
    let id = given(user_id, "user_id")?;
    let snapshot = Snapshot::reading();
    let Some(user) = user::find(&snapshot, id)? else { return Ok(Vec::new()) };
    let names = names::of_user(&snapshot, id)?;
    let names = names.into_iter().filter_map(|name| Some((Kind::read(&name.kind)?.as_str(), name.name)));
    let accounts = external::of_user(&snapshot, id)?.into_iter().map(|account| (external::CLAIMED, account));
    let mut found: Vec<_> = names
        .chain(accounts)
        .filter_map(|(kind, name)| {
            let bucket = Claimed::read(&name, Some(kind))?.bucket(&user.tenant_id);
            let claimable =
                ClaimableName { kind: Some(kind), name: Some(name), bucket: Some(bucket.number()) };
            (bucket != id.bucket()).then_some(claimable)
        })
        .collect();
    found.sort_by(|a, b| (a.kind, &a.name).cmp(&(b.kind, &b.name)));
    Ok(found)
}
