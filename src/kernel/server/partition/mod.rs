//! Tables partitioned by time: one partition for each month, day or hour, bounds in UTC whatever the session's time
//! zone. A partition is known by its name: `audit_log_y2026m11`, `revoked_jtis_y2026m11d21`,
//! `claimed_jtis_y2026m11d21h14`. Expired rows cost a dropped partition and not many deletions.

#![allow(unsafe_code)]

pub mod drop;
pub mod make;
mod summarize;

use std::cell::{Cell, RefCell};
use std::ffi::{CStr, CString};

use pgrx::pg_sys;
use pgrx::pg_sys::PartitionRangeDatumKind::{PARTITION_RANGE_DATUM_MAXVALUE, PARTITION_RANGE_DATUM_MINVALUE};

use crate::kernel::outcome::Mistake;
use crate::kernel::server::cell::BackendCell;
use crate::kernel::server::index::{self, Index, Key};
use crate::kernel::server::snapshot::Snapshot;
use crate::kernel::server::spi::{self, params};
use crate::kernel::server::{catalog, state, version};
use crate::kernel::value::calendar::{Period, Slot};
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::id::Id;

/// A partitioned table.
pub struct Partitions {
    table: &'static CStr,
    period: Period,
    /// Makes the index of a partition, whose name `{name}` stands for. The partitioned parent has no index itself.
    index: &'static str,
    /// Whether its rows are of tenants, and the pin of a session hides those of others.
    pinned: bool,
    known: BackendCell<RefCell<Option<Directory>>>,
    /// The period whose partition could not be made ahead, and when to try it again.
    failed: BackendCell<Cell<Option<(i64, Timestamp)>>>,
}

/// The partitions in order, valid as long as the catalog does not change.
struct Directory {
    generation: u32,
    partitions: Vec<Partition>,
}

#[derive(Clone, Copy)]
struct Partition {
    start: i64,
    end: i64,
    table: pg_sys::Oid,
    /// The unique index `…_key`, where the partitions have one.
    key: Option<pg_sys::Oid>,
    /// The description of the index, and the transaction that last changed the table in the catalog.
    known: Option<(Index, pg_sys::TransactionId)>,
}

impl Partitions {
    /// A table whose partitions are `period` long and get their index from `index`.
    pub const fn new(table: &'static CStr, period: Period, index: &'static str) -> Self {
        Self {
            table,
            period,
            index,
            pinned: true,
            known: BackendCell::new(RefCell::new(None)),
            failed: BackendCell::new(Cell::new(None)),
        }
    }

    /// The same of rows that belong to no tenant.
    pub const fn shared(mut self) -> Self {
        self.pinned = false;
        self
    }

    /// When the first partition begins; None: there is none.
    pub fn first(&self) -> Result<Option<Timestamp>, Mistake> {
        let first = self.with_directory(|directory| directory.partitions.first().map(|one| one.start))?;
        Ok(first.map(Timestamp::from_micros))
    }

    /// Whether this is the name of a partition of the table, there or not.
    pub fn names(&self, name: &str) -> bool {
        self.slot_named(name).is_some()
    }

    /// Whether a row with this key is in a partition that ends after `at`: one descent for each.
    pub fn holds(&self, snapshot: &Snapshot, at: Timestamp, key: Id) -> Result<bool, Mistake> {
        // If a partition is dropped between the look into the directory and the look into the partition, the search
        // starts again: the drop of a partition or an index comes with an invalidation, and the partition had ended.
        for _ in 0..MAX_LOOKS {
            version::ensure_ready()?;
            let live = self.with_directory(|directory| {
                let from = directory.partitions.partition_point(|partition| partition.end <= at.micros());
                directory.partitions.get(from..).unwrap_or(&[]).to_vec()
            })?;
            let generation = catalog::generation();
            let mut changed = !self.is_known(generation);
            for partition in live {
                if changed {
                    break;
                }
                let Some(index) = partition.key else { return Err(self.without_key(partition.table)) };
                let describe = || match partition.known {
                    Some(known) => Ok(known),
                    None => self.describe(partition.table, index, Key::Id(key)),
                };
                match index::exists(snapshot, generation, partition.table, index, Key::Id(key), describe)? {
                    Some(true) => return Ok(true),
                    Some(false) => {}
                    None => changed = true,
                }
            }
            if !changed && catalog::generation() == generation {
                return Ok(false);
            }
        }
        Err(Mistake::WrongState {
            message: format!("the partitions of auth_store.{} change all the time", self.name()).into(),
            hint: "Try again".into(),
        })
    }

    /// For SERIALIZABLE, before [`Partitions::holds`]: the read includes partitions that do not exist yet.
    pub fn note_read(&self, snapshot: &Snapshot) {
        if state::is_serializable()
            && let Some(parent) = catalog::lock_named(self.table, pg_sys::AccessShareLock)
        {
            index::note_read(parent, snapshot);
        }
    }

    /// For SERIALIZABLE, before a row is written: see [`Partitions::note_read`].
    pub fn note_write(&self) {
        if state::is_serializable()
            && let Some(parent) = catalog::lock_named(self.table, pg_sys::RowExclusiveLock)
        {
            index::note_write(parent);
        }
    }

    fn is_known(&self, generation: u32) -> bool {
        self.known.borrow().as_ref().is_some_and(|directory| directory.generation == generation)
    }

    /// Reads the description of a partition and its key, which are locked, and keeps it.
    #[cold]
    fn describe(
        &self,
        table: pg_sys::Oid,
        key: pg_sys::Oid,
        value: Key<'_>,
    ) -> Result<(Index, pg_sys::TransactionId), Mistake> {
        // SAFETY: the index was found by its name; both are locked.
        let index =
            unsafe { Index::describe(table, key, &[value]) }?.ok_or_else(|| self.without_key(table))?;
        let known = (index, catalog::changed_by(table));
        if let Some(directory) = &mut *self.known.borrow_mut()
            && let Some(partition) =
                directory.partitions.iter_mut().find(|partition| partition.table == table)
        {
            partition.known = Some(known);
        }
        Ok(known)
    }

    /// Reads the catalog as it is now and not by the transaction's snapshot: another session may have made the
    /// partition since.
    fn state(&self, slot: Slot) -> Result<State, Mistake> {
        let found = spi::run_once::<bool>(
            "SELECT pg_catalog.pg_partition_root(r.relation)
                    IS NOT DISTINCT FROM ('auth_store.' || $2)::pg_catalog.regclass
               FROM (SELECT pg_catalog.to_regclass('auth_store.' || $1)) AS r (relation)
              WHERE r.relation IS NOT NULL",
            &params![self.name_of(slot), self.name()],
        )?;
        Ok(match found.first() {
            None => State::Absent,
            Some(true) => State::Attached,
            Some(false) => State::Foreign,
        })
    }

    fn has(&self, slot: Slot) -> Result<bool, Mistake> {
        let start = slot.start().micros();
        self.with_directory(|directory| {
            directory.partitions.binary_search_by_key(&start, |partition| partition.start).is_ok()
        })
    }

    fn with_directory<T>(&self, read: impl FnOnce(&Directory) -> T) -> Result<T, Mistake> {
        let stale = match &*self.known.borrow() {
            Some(directory) => directory.generation != catalog::generation(),
            None => true,
        };
        if stale {
            let directory = self.look_up()?;
            *self.known.borrow_mut() = Some(directory);
        }
        match &*self.known.borrow() {
            Some(directory) => Ok(read(directory)),
            None => Err(Mistake::WrongVersion),
        }
    }

    /// Reads the partitions from the catalog. From here on the parent and its partitions are tracked: making or
    /// dropping a partition, undoing the transaction that made it, or another index make this backend look again.
    #[cold]
    fn look_up(&self) -> Result<Directory, Mistake> {
        let missing = || Mistake::NotInstalled(format!("table auth_store.{} is missing", self.name()).into());
        let parent = catalog::lock_named(self.table, pg_sys::AccessShareLock).ok_or_else(missing)?;
        // A change from here on makes the directory out of date.
        let generation = catalog::generation();
        let mut partitions = Vec::new();
        // SAFETY: the parent is locked while its description is read: as many bounds as it says, each
        // of one timestamptz; indexes[n] is the partition that ends at bound n, if there is one. The
        // lock is given back at once, so that no reader keeps a partition from being dropped.
        unsafe {
            let relation = pg_sys::table_open(parent, pg_sys::NoLock as i32);
            let description = &*pg_sys::RelationGetPartitionDesc(relation, true);
            if description.nparts > 0 {
                let bounds = &*description.boundinfo;
                for n in 1..usize::try_from(bounds.ndatums).unwrap_or(0) {
                    let Ok(child) = usize::try_from(*bounds.indexes.add(n)) else { continue };
                    let bound = |n: usize| match **bounds.kind.add(n) {
                        PARTITION_RANGE_DATUM_MINVALUE => i64::MIN,
                        PARTITION_RANGE_DATUM_MAXVALUE => i64::MAX,
                        _ => (**bounds.datums.add(n)).value() as i64,
                    };
                    let table = *description.oids.add(child);
                    let (start, end) = (bound(n - 1), bound(n));
                    partitions.push(Partition { start, end, table, key: None, known: None });
                }
            }
            pg_sys::table_close(relation, pg_sys::AccessShareLock as i32);
        }
        for partition in &mut partitions {
            partition.key = key_of(partition.table);
            catalog::track(partition.table);
        }
        Ok(Directory { generation, partitions })
    }

    fn without_key(&self, partition: pg_sys::Oid) -> Mistake {
        let name = catalog::name_of(partition).unwrap_or_default();
        Mistake::WrongState {
            message: format!("auth_store.{name} has lost its index").into(),
            hint: self.index.replace("{name}", &name).replace("{tablespace}", "").into(),
        }
    }

    fn name(&self) -> &'static str {
        self.table.to_str().unwrap_or_default()
    }

    fn slot(&self, at: Timestamp) -> Slot {
        Slot::of(self.period, at)
    }

    fn name_of(&self, slot: Slot) -> String {
        format!("{}_{}", self.name(), slot.name())
    }

    fn slot_named(&self, name: &str) -> Option<Slot> {
        Slot::from_name(self.period, name.strip_prefix(self.name())?.strip_prefix('_')?)
    }
}

/// How often a search starts again because a partition came or went meanwhile.
const MAX_LOOKS: usize = 100;

/// The index `…_key` of a partition.
fn key_of(table: pg_sys::Oid) -> Option<pg_sys::Oid> {
    let name = CString::new(format!("{}_key", catalog::name_of(table)?)).ok()?;
    // SAFETY: catalog look-ups by oid and by a valid C string.
    unsafe {
        let index = pg_sys::get_relname_relid(name.as_ptr(), pg_sys::get_rel_namespace(table));
        (index != pg_sys::InvalidOid && pg_sys::IndexGetRelation(index, true) == table).then_some(index)
    }
}

enum State {
    Absent,
    Attached,
    /// A relation of that name that is not one of our partitions.
    Foreign,
}
