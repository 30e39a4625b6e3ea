//! The state of limits in memory that the whole server shares: from a key to a time until which the entry means
//! something. There is some where the library is preloaded; it has a fixed number of slots, and forgets at a restart.
//! All databases of the server share the slots but no entry: a name belongs to the database that the caller is
//! connected to, and to an owner in it.
//!
//! An entry is in one of the [`WAYS`] slots of its set. If all slots are taken by entries that still mean something,
//! one of them gives way and is counted; [`victim`] chooses it. Nobody knows the set of a name: the hash is keyed with
//! a secret of the running server, so that nobody can choose names that drive out another's. Every access holds a lock,
//! which other sets share, for some ten nanoseconds.

use std::hash::{DefaultHasher, Hasher};
use std::sync::atomic::Ordering::Relaxed;

use sha2::{Digest, Sha256};

use crate::kernel::outcome::Mistake;
use crate::kernel::server::settings::Setting;
use crate::kernel::server::shmem::{Mapped, Segment};
use crate::kernel::server::state;
use crate::kernel::value::id;

/// How many keys the memory is to hold.
pub static SLOTS: Setting<i32> = Setting::number(
    c"auth_store.rate_limit_slots",
    65_536,
    0..=16_777_216,
    c"How many keys of rate limits fit into shared memory.",
    c"Each takes 32 bytes. 0, and where the library is not in shared_preload_libraries: they are in a table.",
)
.at_start();

/// Whether the memory is used, where there is some.
pub static ENABLED: Setting<bool> = Setting::switch(
    c"auth_store.rate_limit_shared",
    true,
    c"Keeps rate limits in shared memory, where there is some.",
    c"Off: in the table, whose hits the caller's rollback takes back.",
);

const LOCKS: usize = 64;
const WAYS: usize = 16;
/// How many slots of a full set an owner gets from an owner that has more than half of it.
const SHARE: usize = 4;
const HALF: usize = WAYS / 2;

/// The hash's key; never leaves the server.
type Secret = [u8; 28];

/// The owner of an entry: hashes of the database and of the owner in it. Two owners may rarely, and not by choice,
/// share them: then they count as one owner where a set is full.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Owner {
    database: u16,
    name: u32,
}

/// The hash of a name with its database and owner. It is keyed, so nobody can search for collisions.
type Name = [u8; 10];

/// 32 bytes, as the documentation of `auth_store.rate_limit_slots` says.
#[repr(C)]
#[derive(Clone, Copy)]
struct Slot {
    name: Name,
    database: u16,
    owner: u32,
    /// Until when the entry means something, in microseconds since 2000-01-01; for an empty slot this is always past.
    until: i64,
    /// When it was used last.
    used: i64,
}

const _: () = assert!(size_of::<Slot>() == 32);

impl Slot {
    fn owner(&self) -> Owner {
        Owner { database: self.database, name: self.owner }
    }
}

type Set = [Slot; WAYS];

const EMPTY: Slot = Slot { name: [0; 10], database: 0, owner: 0, until: i64::MIN, used: i64::MIN };

/// The sets. It counts the entries that still meant something and gave way.
static SEGMENT: Segment<Secret, Set> =
    Segment::new(c"auth_store_rate_limits", LOCKS, sets, secret, [EMPTY; WAYS]);

fn sets() -> usize {
    usize::try_from(SLOTS.get()).unwrap_or(0).div_ceil(WAYS)
}

fn secret() -> Result<Secret, Mistake> {
    let mut secret = [0; 28];
    id::random(&mut secret)?;
    Ok(secret)
}

/// Asks the server for the memory. Called once, when the library is loaded.
pub fn reserve() {
    SEGMENT.reserve();
}

/// The table; None: this server has none.
pub fn table() -> Option<Shared> {
    SEGMENT.mapped().map(Shared)
}

/// The table, unless it is switched off.
pub fn enabled() -> Option<Shared> {
    table().filter(|_| ENABLED.get())
}

/// The table in shared memory.
#[derive(Clone, Copy)]
pub struct Shared(Mapped<Secret, Set>);

/// How full the table is.
#[derive(Default)]
pub struct Statistics {
    /// Slots there are.
    pub slots: i64,
    /// Slots with an entry that still means something.
    pub used: i64,
    /// How many entries gave way while they still meant something, since the server's start.
    pub evicted: i64,
}

/// Where a name's entry is, if there is one.
struct SlotPlace {
    name: Name,
    /// Its set, a number beyond the sets there are.
    set: u64,
}

/// The key of an entry, in the database that the caller is connected to.
#[derive(Clone, Copy)]
pub struct Key<'a> {
    /// Whose it is: a text without NUL.
    pub owner: &'a str,
    /// Its name among the owner's.
    pub name: &'a str,
}

impl Shared {
    /// Changes the entry of a name: `change` gets its time, if it has one, and returns the new one. It runs under
    /// the set's lock, so it must be short and must not raise.
    pub fn update<T>(self, key: Key<'_>, now: i64, change: impl FnOnce(Option<i64>) -> (i64, T)) -> T {
        let place = self.place(key);
        self.0.change(place.set, |set| {
            if let Some(slot) = find(set, &place.name) {
                let (until, result) = change(Some(slot.until));
                (slot.until, slot.used) = (until, now);
                return result;
            }
            let (until, result) = change(None);
            let owner = self.owner(key.owner);
            let slot = &mut set[victim(set, owner, now)];
            if slot.until > now {
                self.0.counter().fetch_add(1, Relaxed);
            }
            *slot = Slot { name: place.name, database: owner.database, owner: owner.name, until, used: now };
            result
        })
    }

    /// The time of a name's entry.
    pub fn find(self, key: Key<'_>) -> Option<i64> {
        let place = self.place(key);
        self.0.read(place.set, |set| {
            set.iter().find(|slot| slot.name == place.name && slot.until != i64::MIN).map(|slot| slot.until)
        })
    }

    /// Removes the entry of a name and returns its time.
    pub fn forget(self, key: Key<'_>) -> Option<i64> {
        let place = self.place(key);
        self.0.change(place.set, |set| Some(std::mem::replace(find(set, &place.name)?, EMPTY).until))
    }

    /// Counts the entries.
    pub fn statistics(self, now: i64) -> Statistics {
        let mut used = 0;
        self.0.read_all(|set| used += set.iter().filter(|slot| slot.until > now).count());
        Statistics {
            slots: i64::try_from(self.0.length() * WAYS).unwrap_or(i64::MAX),
            used: i64::try_from(used).unwrap_or(i64::MAX),
            evicted: self.0.counter().load(Relaxed),
        }
    }

    fn place(self, key: Key<'_>) -> SlotPlace {
        let digest = Sha256::new_with_prefix(self.0.header())
            .chain_update(state::database().to_u32().to_be_bytes())
            .chain_update(key.owner)
            .chain_update([0])
            .chain_update(key.name)
            .finalize();
        let (mut name, mut number) = ([0; 10], [0; 8]);
        name.copy_from_slice(&digest[..10]);
        number.copy_from_slice(&digest[16..24]);
        SlotPlace { name, set: u64::from_be_bytes(number) }
    }

    /// The owner of a new entry.
    fn owner(self, name: &str) -> Owner {
        let mut hash = DefaultHasher::new();
        hash.write(self.0.header());
        let database = state::database().to_u32();
        hash.write_u32(database);
        hash.write(name.as_bytes());
        let hash = hash.finish();
        Owner { database: (database ^ (database >> 16)) as u16, name: hash as u32 }
    }
}

/// The slot that has the entry of a name.
fn find<'a>(set: &'a mut Set, name: &Name) -> Option<&'a mut Slot> {
    set.iter_mut().find(|slot| slot.name == *name && slot.until != i64::MIN)
}

/// The slot for a new entry of this owner: one that no longer means anything. If there is none, an entry gives way, of
/// several the one that was used least recently:
///
/// 1. while the owner has less than its share of the set: an entry of the owner that has more than half of it;
/// 2. otherwise one of the owner's own, so that many new names drive out no other owner's;
/// 3. if it has none: one of its database, of the owner that has most there;
/// 4. otherwise one of the owner that has most.
fn victim(set: &Set, owner: Owner, now: i64) -> usize {
    if let Some(free) = set.iter().position(|slot| slot.until <= now) {
        return free;
    }
    let held = |by: Owner| set.iter().filter(|slot| slot.owner() == by).count();
    let own = held(owner);
    let most = set.iter().map(|slot| held(slot.owner())).max().unwrap_or(0);
    let oldest = |gives_way: &dyn Fn(&Slot) -> bool| {
        (0..WAYS).filter(|n| gives_way(&set[*n])).min_by_key(|n| set[*n].used)
    };
    let largest = || oldest(&|slot| held(slot.owner()) == most);
    let found = if own < SHARE && most > HALF {
        largest()
    } else if own > 0 {
        oldest(&|slot| slot.owner() == owner)
    } else {
        let neighbours = set.iter().filter(|slot| slot.database == owner.database);
        match neighbours.map(|slot| held(slot.owner())).max() {
            Some(most) => oldest(&|slot| slot.database == owner.database && held(slot.owner()) == most),
            None => largest(),
        }
    };
    found.unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{EMPTY, HALF, Name, Owner, SHARE, Set, Slot, WAYS, find, victim};
    use proptest::prelude::*;

    fn name(n: usize) -> Name {
        [n as u8 + 1; 10]
    }

    const A: Owner = Owner { database: 1, name: 1 };
    const B: Owner = Owner { database: 1, name: 2 };
    /// The same tenant of another database.
    const A2: Owner = Owner { database: 2, name: 11 };

    /// All slots taken until 100 by these owners, used one after the other from 10 on.
    fn full(owners: &[(Owner, usize)]) -> Set {
        let mut set = [EMPTY; WAYS];
        let owners = owners.iter().flat_map(|(owner, count)| std::iter::repeat_n(*owner, *count));
        let mut slots = 0;
        for (n, (slot, owner)) in set.iter_mut().zip(owners).enumerate() {
            let (database, owner) = (owner.database, owner.name);
            *slot = Slot { name: name(n), database, owner, until: 100, used: 10 + n as i64 };
            slots += 1;
        }
        assert_eq!(slots, WAYS);
        set
    }

    /// A new entry of an owner at a time, in place of the victim, which is returned.
    fn add(set: &mut Set, owner: Owner, now: i64) -> Slot {
        let slot = &mut set[victim(set, owner, now)];
        let added =
            Slot { name: [0; 10], database: owner.database, owner: owner.name, until: 100, used: now };
        std::mem::replace(slot, added)
    }

    fn held(set: &Set, owner: Owner) -> usize {
        set.iter().filter(|slot| slot.owner() == owner).count()
    }

    #[test]
    fn an_entry_is_found_wherever_it_is() {
        let mut set = full(&[(A, WAYS)]);
        for n in 0..WAYS {
            assert!(find(&mut set, &name(n)).is_some_and(|slot| slot.used == 10 + n as i64));
        }
        assert!(find(&mut set, &name(99)).is_none());
        assert!(find(&mut [EMPTY; WAYS], &EMPTY.name).is_none());
    }

    #[test]
    fn the_least_recently_used_gives_way() {
        let mut set = full(&[(A, WAYS)]);
        set[0].used = 60;
        assert_eq!(victim(&set, A, 50), 1);
    }

    #[test]
    fn what_means_nothing_any_more_gives_way_first() {
        let mut set = full(&[(A, 3), (B, WAYS - 3)]);
        set[7].until = 50;
        set[7].used = 99;
        assert_eq!(victim(&set, A, 50), 7);
        assert_eq!(victim(&set, A2, 50), 7);
        set[3] = EMPTY;
        assert_eq!(victim(&set, A, 50), 3);
    }

    #[test]
    fn a_flood_takes_its_own_places() {
        for others in 1..=WAYS - SHARE {
            let mut set = full(&[(A, others), (B, WAYS - others)]);
            for now in 20..90 {
                assert!(add(&mut set, B, now).owner() == B);
            }
            assert_eq!(held(&set, A), others);
        }
    }

    #[test]
    fn who_comes_late_gets_a_share_of_who_has_more() {
        for newcomer in [B, A2] {
            let mut set = full(&[(A, WAYS)]);
            for now in 20..90 {
                add(&mut set, newcomer, now);
            }
            assert_eq!(held(&set, A), WAYS - SHARE);
            assert_eq!(held(&set, newcomer), SHARE);
        }
    }

    /// Sixteen owners with an entry each: a newcomer's own database comes first.
    #[test]
    fn without_one_of_its_own_an_entry_takes_the_place_of_a_neighbour() {
        let owners: Vec<_> = (0..WAYS as u32)
            .map(|n| (Owner { database: if n == 9 { 1 } else { 2 }, name: 100 + n }, 1))
            .collect();
        let mut set = full(&owners);
        assert_eq!(victim(&set, A, 50), 9);
        add(&mut set, A, 50);
        assert_eq!(victim(&set, A, 51), 9);
        assert_eq!(victim(&set, Owner { database: 3, name: 1 }, 51), 0);
    }

    fn owners() -> impl Strategy<Value = Owner> {
        (1u16..4, 1u32..5).prop_map(|(database, name)| Owner { database, name })
    }

    proptest! {
        /// However many entries one owner adds: owners that have no more than half of the set together lose one entry
        /// at most, and only if the owner had none; an owner that has more keeps half of the set.
        #[test]
        fn the_others_outlive_any_flood(
            there in prop::collection::vec(owners(), WAYS),
            flood in owners(),
            times in 1usize..60,
        ) {
            let there: Vec<_> = there.into_iter().map(|owner| (owner, 1)).collect();
            let mut set = full(&there);
            let before = set;
            for n in 0..times {
                add(&mut set, flood, 40 + n as i64);
            }
            let mut others: Vec<_> =
                there.iter().map(|(owner, _)| *owner).filter(|owner| *owner != flood).collect();
            others.sort_by_key(|owner| (owner.database, owner.name));
            others.dedup();
            let mut lost = 0;
            for owner in others {
                match held(&before, owner) {
                    most if most > HALF => prop_assert!(held(&set, owner) >= HALF),
                    count => lost += count - held(&set, owner),
                }
            }
            prop_assert!(lost <= usize::from(held(&before, flood) == 0));
        }
    }
}
