//! An attempt to prove who one is: by a password, a second factor, a one-time code. What it is counted with, when it is
//! refused, and what is told.
//!
//! Failures count for the network they come from (a /24 of IPv4, a /56 of IPv6), and with a higher limit for all
//! networks together. An attempt with the token of a device that the user has logged in with before counts for the
//! device alone. So nobody who fails at will keeps the user out who comes from elsewhere, or from a known device.
//!
//! Under a name that was typed, a lock is told to nobody who has not given the right password, because locks belong to
//! a user, who may have other names too. What everybody is told are the limits of `limit::hit`, by the name as typed
//! and by the network, which are the same for a name that nobody has.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::identity::login::failures::{self, Count, Failed, Lock, Locks, Place};
use crate::identity::policy::Policy;
use crate::kernel::outcome::{Answer, ErrorCode, Mistake, Refusal};
use crate::kernel::server::settings::Setting;
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::id::Id;
use crate::limit::{self, HOUR};
use crate::trail::{Context, Flag};

/// How many failures an hour the store answers to one network.
pub static NETWORK_LIMIT: Setting<i32> = Setting::number(
    c"auth_store.login_failures_per_network",
    300,
    1..=1_000_000,
    c"How many failed attempts an hour are answered to one network, whoever they are about.",
    c"A network is a /24 of IPv4 or a /56 of IPv6. Known devices are answered all the same.",
);

/// What is tried.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A code or link that was sent to the user.
    OneTime,
    /// The password.
    Password,
    /// A code of an authenticator, a recovery code.
    SecondFactor,
}

impl Kind {
    /// The kind as the column `kind` has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OneTime => "one_time",
            Self::Password => "password",
            Self::SecondFactor => "second_factor",
        }
    }
}

/// Who is tried.
pub enum Whom<'a> {
    /// A user who is known already, by a session or a first factor.
    User(Id),
    /// Whoever has this name, as it is compared, and the user who has it.
    Name(&'a str, Option<Id>),
}

/// One attempt.
pub struct Attempt<'a> {
    failed: Failed<'a>,
    locks: Locks,
    /// Whether a lock is told before anything is examined.
    told: bool,
    /// The limits of `limit::hit` that it counts against if it fails.
    limits: Vec<Limit>,
    /// The one of the name as typed.
    typed: Option<String>,
}

/// The longest period of a limit, in seconds.
const LONGEST_PERIOD: i64 = 30 * 86_400;

struct Limit {
    key: String,
    max_hits: i32,
    period: i64,
}

/// How an attempt failed.
pub struct Failure {
    /// The failure that begins a lock, or one during a lock.
    pub flag: Option<Flag>,
    counts: Vec<Count>,
    lock: Option<Lock>,
    told: bool,
}

impl<'a> Attempt<'a> {
    /// `device` is a device of the user, whose token was shown.
    pub fn new(
        kind: Kind,
        tenant_id: &'a str,
        policy: &Policy,
        whom: &Whom<'_>,
        device: Option<Id>,
        context: &Context<'_>,
    ) -> Self {
        let home = context.ip.as_ref().and_then(|ip| ip.home_name());
        let near = match device {
            Some(device) => format!("device {device}"),
            None => format!("network {}", home.as_deref().unwrap_or_default()),
        };
        let (user_id, who) = match whom {
            Whom::User(id) | Whom::Name(_, Some(id)) => (Some(*id), format!("user {id}")),
            Whom::Name(name, None) => (None, format!("name {name}")),
        };
        let place = |from: &str, max_failures| {
            let id = id_of(&[tenant_id, kind.as_str(), &who, from]);
            Place { id, max_failures }
        };
        let typed = match whom {
            Whom::Name(name, _) => Some(format!("login:{}", id_of(&[tenant_id, kind.as_str(), name, &near]))),
            Whom::User(_) => None,
        };
        let mut limits = Vec::new();
        if let (Some(home), None) = (home, device) {
            let (max_hits, period) = (NETWORK_LIMIT.get(), HOUR);
            limits.push(Limit { key: format!("login:{home}"), max_hits, period });
        }
        if let Some(key) = &typed {
            // As many as begin a lock and exhaust it, then one for each time that a first lock lasts.
            let max_hits = policy.lockout_threshold.saturating_mul(2);
            let period = i64::from(policy.lockout_duration) * i64::from(max_hits);
            let period = period.min(LONGEST_PERIOD);
            limits.push(Limit { key: key.clone(), max_hits, period });
        }
        Self {
            failed: Failed {
                tenant_id,
                user_id,
                kind: kind.as_str(),
                near: place(&near, policy.lockout_threshold),
                anywhere: device.is_none().then(|| place("", policy.lockout_user_threshold)),
            },
            locks: Locks { first: policy.lockout_duration, longest: policy.lockout_max },
            told: typed.is_none() || policy.show_locked,
            limits,
            typed,
        }
    }

    /// Whether the attempt may be examined. Call it before any work; it counts nothing.
    pub fn begin(&self, now: Timestamp) -> Answer<()> {
        for limit in &self.limits {
            let Limit { key, max_hits, period } = limit;
            let wait = limit::retry_after(now, self.failed.tenant_id, key, *max_hits, *period)?;
            if wait > 0 {
                return Ok(Err(Refusal::over_limit("too many failed attempts", wait)));
            }
        }
        let lock = if self.told { self.lock(now)? } else { None };
        Ok(match lock {
            Some(lock) => Err(lock.refusal(now)),
            None => Ok(()),
        })
    }

    /// Whether the trail should have a row of an attempt that [`Attempt::begin`] refused: one a minute.
    pub fn audit_due(&self, now: Timestamp) -> Result<bool, Mistake> {
        limit::audit_due(now, self.failed.tenant_id, &format!("login:{}", self.failed.near.id))
    }

    /// Counts a failure. The limit of the network comes first, as everywhere: where limits are in the table, its row is
    /// locked before those of one user.
    pub fn fail(&self, now: Timestamp) -> Result<Failure, Mistake> {
        for Limit { key, max_hits, period } in &self.limits {
            limit::hit(now, self.failed.tenant_id, key, *max_hits, *period, 1)?;
        }
        let counts = failures::add(now, &self.failed, self.locks)?;
        let lock = worst(counts.iter(), now);
        let flag = match lock {
            Some(_) if counts.iter().any(Count::begins) => Some(Flag::TooManyFailures),
            Some(_) => Some(Flag::LockedOut),
            None => None,
        };
        Ok(Failure { flag, counts, lock, told: self.told })
    }

    /// Forgets the failures that came from where this good attempt comes from; not those of other networks. The lock
    /// where one is in force, also one that has begun since [`Attempt::begin`].
    pub fn pass(&self, now: Timestamp) -> Answer<(), Lock> {
        let Failed { tenant_id, near, .. } = &self.failed;
        let counts = self.counts()?;
        if let Some(lock) = worst(counts.iter().flatten(), now) {
            return Ok(Err(lock));
        }
        if counts[0].is_none() {
            return Ok(Ok(()));
        }
        if !failures::forgive(now, tenant_id, near.id)?
            && let Some(lock) = self.lock(now)?
        {
            return Ok(Err(lock));
        }
        if let Some(key) = &self.typed {
            limit::forget(tenant_id, key)?;
        }
        Ok(Ok(()))
    }

    fn lock(&self, now: Timestamp) -> Result<Option<Lock>, Mistake> {
        Ok(worst(self.counts()?.iter().flatten(), now))
    }

    /// The counts of where it comes from, and of all networks.
    fn counts(&self) -> Result<[Option<Count>; 2], Mistake> {
        let Failed { near, anywhere, .. } = self.failed;
        Ok([failures::find(near.id)?, anywhere.map(|place| failures::find(place.id)).transpose()?.flatten()])
    }
}

impl Failure {
    /// What is told: the lock if it may be, otherwise what was wrong.
    pub fn refusal(&self, now: Timestamp, wrong: Refusal) -> Refusal {
        match self.lock {
            Some(lock) if self.told => lock.refusal(now),
            _ => wrong,
        }
    }

    /// Until when the lock lasts, if it may be told.
    pub fn locked_until(&self) -> Option<Timestamp> {
        self.lock.filter(|_| self.told).map(|lock| lock.until)
    }

    /// What the trail says of it: how many failures there were where it came from, and the seconds of the lock.
    pub fn details(&self, now: Timestamp) -> Value {
        json!({
            "failures": self.counts.first().map(|count| count.failures),
            "locked_for": self.lock.map(|lock| lock.until.seconds_after(now)),
        })
    }
}

impl Lock {
    /// The refusal of an attempt during the lock.
    pub fn refusal(self, now: Timestamp) -> Refusal {
        Refusal {
            retry_after: Some(self.until.seconds_after(now)),
            ..Refusal::new(ErrorCode::AccountLocked, "too many failed attempts")
        }
    }
}

/// What several locks come to: until the last ends, and exhausted if one of them is.
fn worst<'a>(counts: impl Iterator<Item = &'a Count>, now: Timestamp) -> Option<Lock> {
    counts.filter_map(|count| count.lock(now)).reduce(|one, other| Lock {
        until: one.until.max(other.until),
        exhausted: one.exhausted || other.exhausted,
    })
}

/// The id of what these texts name, none of which holds a NUL.
fn id_of(parts: &[&str]) -> Id {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
        hash.update([0]);
    }
    let mut id = [0; 16];
    id.copy_from_slice(&hash.finalize()[..16]);
    Id::from_bytes(id)
}
