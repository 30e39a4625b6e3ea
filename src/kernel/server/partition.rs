//! Tables partitioned by time: one partition for each month, day or hour, bounds in UTC whatever the session's
//! time zone. A partition is known by its name: `audit_log_y2026m11`, `revoked_jtis_y2026m11d21`,
//! `claimed_jtis_y2026m11d21h14`. What has expired costs a dropped partition, not deleted rows.

#![allow(unsafe_code)]

use std::cell::{Cell, RefCell};
use std::ffi::{CStr, CString};

use pgrx::pg_sys;
use pgrx::pg_sys::PartitionRangeDatumKind::{PARTITION_RANGE_DATUM_MAXVALUE, PARTITION_RANGE_DATUM_MINVALUE};
use pgrx::pg_sys::errcodes::PgSqlErrorCode;

use crate::kernel::outcome::{self, Mistake};
use crate::kernel::server::cell::BackendCell;
use crate::kernel::server::index::{self, Index, Key};
use crate::kernel::server::snapshot::Snapshot;
use crate::kernel::server::spi::{self, params};
use crate::kernel::server::{catalog, state, transaction, version};
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;

/// How much time a partition holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Period {
    /// an hour
    Hour,
    /// a day of UTC
    Day,
    /// a month of the Gregorian calendar
    Month,
}

/// A partitioned table.
pub struct Partitions {
    table: &'static CStr,
    period: Period,
    /// Makes the index of a partition, whose name `{name}` stands for. A partitioned parent has none itself.
    index: &'static str,
    known: BackendCell<RefCell<Option<Directory>>>,
    /// The period whose partition could not be made ahead, and until when that is not tried again.
    failed: BackendCell<Cell<Option<(i64, Timestamp)>>>,
}

/// Seconds until a backend tries again to make a partition ahead that it could not.
const RETRY_AFTER: i64 = 300;

/// The partitions there are while nothing of the catalog changes, in order.
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
    /// What is known of the index, and which transaction last changed the table in the catalog.
    known: Option<(Index, pg_sys::TransactionId)>,
}

impl Partitions {
    /// A table whose partitions are `period` long and get their index from `index`.
    pub const fn new(table: &'static CStr, period: Period, index: &'static str) -> Self {
        Self {
            table,
            period,
            index,
            known: BackendCell::new(RefCell::new(None)),
            failed: BackendCell::new(Cell::new(None)),
        }
    }

    /// Makes sure that a row of this moment has its partition; returns when that one begins. With
    /// `and_next` it also makes the following one, unless somebody else is at it: then the first row of a
    /// period finds its partition made, long before, by one that did not have to wait. That one fails no call.
    pub fn ensure(&self, at: Timestamp, and_next: bool) -> Result<i64, Mistake> {
        version::ensure_ready()?;
        let slot = self.slot(at);
        if !self.has(slot)? {
            transaction::attempt(|| self.make(&[slot], true))
                .map_err(|mistake| self.not_made(slot, mistake))?;
        }
        if and_next && !self.has(slot.plus(1))? {
            self.make_ahead(slot.plus(1));
        }
        Ok(slot.start().micros())
    }

    /// Makes a partition that nobody needs yet. Where that fails, the server's log says so, and this backend
    /// lets it be for a while.
    fn make_ahead(&self, slot: Slot) {
        let now = clock::now();
        if self.failed.get().is_some_and(|(number, until)| number == slot.number && now < until) {
            return;
        }
        if let Err(mistake) = transaction::attempt(|| self.make(&[slot], false)) {
            self.failed.set(Some((slot.number, now.plus_seconds(RETRY_AFTER))));
            outcome::log(format!(
                "auth_store: partition auth_store.{} could not be made ahead: {}",
                self.name_of(slot),
                mistake.message()
            ));
        }
    }

    /// What the server said of a partition that a row needs now.
    fn not_made(&self, slot: Slot, mistake: Mistake) -> Mistake {
        match mistake {
            // For the caller to try again: nothing is wrong with the partition.
            Mistake::Failed {
                code:
                    PgSqlErrorCode::ERRCODE_LOCK_NOT_AVAILABLE
                    | PgSqlErrorCode::ERRCODE_T_R_DEADLOCK_DETECTED
                    | PgSqlErrorCode::ERRCODE_T_R_SERIALIZATION_FAILURE,
                ..
            } => mistake,
            Mistake::Failed { code, message, hint } => Mistake::Failed {
                code,
                message: format!("partition auth_store.{} could not be made: {message}", self.name_of(slot)),
                // The owner lacks a right, as it does in an event trigger.
                hint: hint.or_else(|| {
                    (code == PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE).then(|| HOW_TO_MAKE.to_owned())
                }),
            },
            other => other,
        }
    }

    /// Makes what is missing of this moment's partition and the next `ahead`; returns how many. Does not ask
    /// for the version of the tables: `install()` is among its callers.
    pub fn ensure_ahead(&self, now: Timestamp, ahead: i32) -> Result<i32, Mistake> {
        let slots: Vec<_> = (0..=i64::from(ahead)).map(|n| self.slot(now).plus(n)).collect();
        self.make(&slots, true)
    }

    /// Makes what is missing of the partitions of these moments and of all periods between the first two;
    /// returns how many.
    pub fn ensure_all(
        &self,
        from: Timestamp,
        until: Timestamp,
        others: &[Timestamp],
    ) -> Result<i32, Mistake> {
        let (first, last) = (self.slot(from), self.slot(until));
        let mut slots: Vec<_> =
            (0..=last.number.saturating_sub(first.number)).map(|n| first.plus(n)).collect();
        slots.extend(others.iter().map(|at| self.slot(*at)).filter(|slot| slot.number > last.number));
        slots.dedup();
        self.make(&slots, true)
    }

    /// Makes those of the named partitions that are this table's and missing; returns how many.
    pub fn ensure_named(&self, names: &[&str]) -> Result<i32, Mistake> {
        let slots: Vec<_> = names.iter().filter_map(|name| self.slot_named(name)).collect();
        self.make(&slots, true)
    }

    /// Whether this is the name of a partition of the table, there or not.
    pub fn names(&self, name: &str) -> bool {
        self.slot_named(name).is_some()
    }

    /// Whether a row with this key is in a partition that ends after `at`: one descent for each.
    pub fn holds(&self, snapshot: &Snapshot, at: Timestamp, key: Id) -> Result<bool, Mistake> {
        // A partition that is dropped between the look into the directory and the one into the partition had
        // ended, and the look starts again: its end, or that of an index, comes with an invalidation.
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

    /// For SERIALIZABLE, before [`Partitions::holds`]: what it reads includes the partitions that are not there yet.
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

    /// Drops the partitions that ended at `cutoff` or before; returns them. One that can't be dropped fails the
    /// call, or is left to the next run with a warning where `patient`.
    pub fn drop_before(&self, cutoff: Timestamp, patient: bool) -> Result<Vec<Dropped>, Mistake> {
        let found = spi::run_once::<(String, f64, i64)>(
            "SELECT c.relname::text, c.reltuples::double precision, pg_catalog.pg_total_relation_size(c.oid)
               FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid
              WHERE i.inhparent = ('auth_store.' || $1)::pg_catalog.regclass
              ORDER BY c.relname",
            &params![self.name()],
        )?;
        let (mut dropped, mut failures) = (Vec::new(), Vec::new());
        for (name, tuples, bytes) in found {
            let Some(slot) = self.slot_named(&name) else { continue };
            if slot.plus(1).start() > cutoff {
                continue;
            }
            pgrx::check_for_interrupts!();
            let script = DETACH_AND_DROP.replace("{table}", self.name()).replace("{name}", &name);
            if !patient {
                spi::run_script(&script)?;
            } else if let Err(mistake) = transaction::attempt(|| spi::run_script(&script)) {
                failures.push((name, mistake.message()));
                continue;
            }
            if matches!(self.state(slot)?, State::Absent) {
                // Negative where nothing has ever counted the rows.
                let rows = (tuples >= 0.0).then_some(tuples as i64);
                dropped.push(Dropped { name, from: slot.bound(), until: slot.plus(1).bound(), rows, bytes });
            } else {
                outcome::notice(&format!("auth_store.{name} is in use and stays until the next run"));
            }
        }
        if let Some((name, message)) = failures.first() {
            outcome::warning(&format!(
                "auth_store: {} partition(s) of auth_store.{} could not be dropped; auth_store.{name}: {message}",
                failures.len(),
                self.name()
            ));
        }
        Ok(dropped)
    }

    fn make(&self, slots: &[Slot], wait: bool) -> Result<i32, Mistake> {
        state::writable()?;
        let mut missing = Vec::new();
        for slot in slots {
            if !self.has(*slot)? {
                missing.push(*slot);
            }
        }
        if missing.is_empty() || !catalog::lock_share_update_exclusive(self.table, wait) {
            return Ok(0);
        }
        let place = self.place()?;
        let mut made = 0;
        for slot in missing {
            match self.state(slot)? {
                // by another session, whose lock this one waited for
                State::Attached => {}
                State::Absent => {
                    let ddl = self.ddl(slot, &place);
                    spi::with_settings(DDL_SETTINGS, || spi::run_script(&ddl))?;
                    made += 1;
                }
                State::Foreign => {
                    let (name, table) = (self.name_of(slot), self.name());
                    return Err(Mistake::WrongState {
                        message: format!("auth_store.{name} is no partition of auth_store.{table}").into(),
                        hint: "Attach it, or rename it: the store needs the name for the period".into(),
                    });
                }
            }
        }
        Ok(made)
    }

    /// Asks the catalog as it is now, not as the transaction's snapshot has it: another session may have made
    /// the partition since.
    fn state(&self, slot: Slot) -> Result<State, Mistake> {
        let found = spi::run_once::<bool>(
            "SELECT pg_catalog.pg_partition_root(r.relation) IS NOT DISTINCT FROM ('auth_store.' || $2)::pg_catalog.regclass
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

    /// Where the parent says that its partitions are: the access method and tablespace of CREATE TABLE, and of its
    /// index. In a tablespace that the owner may not use the partition can't be; a row without one would be
    /// lost, so then it is in the database's own.
    fn place(&self) -> Result<Place, Mistake> {
        let found = spi::run_once::<(Option<String>, Option<String>, Option<bool>)>(
            "SELECT COALESCE(pg_catalog.quote_ident(a.amname), 'heap'), pg_catalog.quote_ident(t.spcname),
                    pg_catalog.has_tablespace_privilege(t.oid, 'CREATE')
               FROM pg_catalog.pg_class c
               LEFT JOIN pg_catalog.pg_am a ON a.oid = c.relam
               LEFT JOIN pg_catalog.pg_tablespace t ON t.oid = c.reltablespace
              WHERE c.oid = ('auth_store.' || $1)::pg_catalog.regclass",
            &params![self.name()],
        )?;
        let (method, tablespace, allowed) = found.into_iter().next().unwrap_or_default();
        let tablespace = match (tablespace, allowed) {
            (Some(name), Some(true)) => format!(" TABLESPACE {name}"),
            (Some(name), _) => {
                outcome::log(format!(
                    "auth_store: partitions of auth_store.{} are made outside of tablespace {name}: GRANT CREATE ON TABLESPACE {name} TO auth_store_owner",
                    self.name()
                ));
                String::new()
            }
            (None, _) => String::new(),
        };
        Ok(Place { method: method.unwrap_or_else(|| "heap".to_owned()), tablespace })
    }

    /// A table of its own first, attached last: CREATE TABLE … PARTITION OF would lock the parent against
    /// every writer.
    fn ddl(&self, slot: Slot, place: &Place) -> String {
        DDL.replace("{index}", self.index)
            .replace("{method}", &place.method)
            .replace("{tablespace}", &place.tablespace)
            .replace("{table}", self.name())
            .replace("{name}", &self.name_of(slot))
            .replace("{from}", &slot.bound())
            .replace("{until}", &slot.plus(1).bound())
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

    /// Reads the partitions from the catalog. The parent and they are tracked from here on: making or dropping
    /// one, undoing the transaction that made it, or another index make this backend look again.
    #[cold]
    fn look_up(&self) -> Result<Directory, Mistake> {
        let missing = || Mistake::NotInstalled(format!("table auth_store.{} is missing", self.name()).into());
        let parent = catalog::lock_named(self.table, pg_sys::AccessShareLock).ok_or_else(missing)?;
        // What changes from here on makes the directory one of a former state.
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

/// How often a look starts again because a partition came or went meanwhile.
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
    /// A relation of that name that is no partition of ours.
    Foreign,
}

/// Where a partition and its index are made.
struct Place {
    method: String,
    tablespace: String,
}

/// A partition that was dropped.
pub struct Dropped {
    /// Its name.
    pub name: String,
    /// Its bounds.
    pub from: String,
    /// The first moment that was not in it.
    pub until: String,
    /// How many rows it had, as the last VACUUM or ANALYZE has it; None: neither ever ran.
    pub rows: Option<i64>,
    /// Its size with its index.
    pub bytes: i64,
}

const HOW_TO_MAKE: &str = "An event trigger runs as auth_store_owner there: see Partitions in docs/operations.md. \
    SELECT auth_store.partitions_ensure(), auth_store.jti_partitions_ensure() makes what is missing";

/// What a session, a role or a database has set must not decide where a partition goes. Its index says nothing
/// of a tablespace unless the parent does.
const DDL_SETTINGS: &[(&CStr, &CStr)] =
    &[(c"default_tablespace", c""), (c"default_table_access_method", c"heap")];

/// A deletion is replicated by the whole row: the parents have no key, and a partition must agree with its root
/// (publish_via_partition_root). Rows are deleted with their tenant only.
const DDL: &str = "
CREATE TABLE auth_store.{name}
    (LIKE auth_store.{table} INCLUDING DEFAULTS INCLUDING GENERATED INCLUDING CONSTRAINTS INCLUDING STORAGE INCLUDING COMPRESSION)
    USING {method}{tablespace};
ALTER TABLE auth_store.{name} REPLICA IDENTITY FULL;
ALTER TABLE auth_store.{name} OWNER TO auth_store_owner;
DO $$ DECLARE other text; BEGIN FOR other IN SELECT DISTINCT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)::text) END FROM pg_catalog.pg_class c CROSS JOIN pg_catalog.aclexplode(c.relacl) a WHERE c.oid = 'auth_store.{name}'::pg_catalog.regclass AND a.grantee <> c.relowner LOOP EXECUTE pg_catalog.format('REVOKE ALL ON TABLE auth_store.{name} FROM %s CASCADE', other); END LOOP; END $$;
GRANT ALL ON TABLE auth_store.{name} TO auth_store_owner;
{index};
ALTER TABLE auth_store.{name} ENABLE ROW LEVEL SECURITY;
ALTER TABLE auth_store.{name} FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_pin ON auth_store.{name} USING (auth_store.tenant_visible(tenant_id));
COMMENT ON POLICY tenant_pin ON auth_store.{name} IS 'While auth_store.tenant_id is set, a session sees the rows of that tenant only, and writes no others.';
ALTER TABLE auth_store.{table} ATTACH PARTITION auth_store.{name} FOR VALUES FROM ('{from}') TO ('{until}');
";

/// DETACH takes an ACCESS EXCLUSIVE lock on the parent: every step of the store would queue behind it
/// for as long as it waits for a long query. So it waits a fifth of a second at most, five times.
const DETACH_AND_DROP: &str = "
DO $$
DECLARE
    waits constant text := pg_catalog.current_setting('lock_timeout');
BEGIN
    FOR attempt IN 1 .. 5 LOOP
        BEGIN
            PERFORM pg_catalog.set_config('lock_timeout', '200ms', true);
            ALTER TABLE auth_store.{table} DETACH PARTITION auth_store.{name};
            DROP TABLE auth_store.{name};
            PERFORM pg_catalog.set_config('lock_timeout', waits, true);
            RETURN;
        EXCEPTION
            WHEN lock_not_available THEN
                PERFORM pg_catalog.pg_sleep(0.1);
            WHEN object_in_use OR dependent_objects_still_exist THEN
                RETURN; -- a cursor of this session reads it, or somebody built a view on it
        END;
    END LOOP;
END
$$";

/// A period in UTC, counted from 1970 for hours and days; for months 12 × the year + the month, counted
/// from 0.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Slot {
    period: Period,
    number: i64,
}

const MICROS_PER_HOUR: i64 = 3_600_000_000;
const MICROS_PER_DAY: i64 = 24 * MICROS_PER_HOUR;
/// Days from 0000-03-01 to 1970-01-01.
const DAYS_TO_1970: i64 = 719_468;
const DAYS_PER_ERA: i64 = 146_097;

impl Slot {
    fn of(period: Period, at: Timestamp) -> Self {
        let micros = at.micros_since(Timestamp::from_unix_millis(0));
        let number = match period {
            Period::Hour => micros.div_euclid(MICROS_PER_HOUR),
            Period::Day => micros.div_euclid(MICROS_PER_DAY),
            Period::Month => month_of(micros.div_euclid(MICROS_PER_DAY)),
        };
        Self { period, number }
    }

    fn plus(self, periods: i64) -> Self {
        Self { number: self.number.saturating_add(periods), ..self }
    }

    fn start(self) -> Timestamp {
        let micros = match self.period {
            Period::Hour => self.number.saturating_mul(MICROS_PER_HOUR),
            Period::Day => self.number.saturating_mul(MICROS_PER_DAY),
            Period::Month => first_day_of(self.number).saturating_mul(MICROS_PER_DAY),
        };
        Timestamp::from_unix_millis(0).plus_micros(micros)
    }

    /// Year, month, day and hour at which it starts; month and day from 1.
    fn parts(self) -> (i64, i64, i64, i64) {
        let (day, hour) = match self.period {
            Period::Hour => (self.number.div_euclid(24), self.number.rem_euclid(24)),
            Period::Day => (self.number, 0),
            Period::Month => (first_day_of(self.number), 0),
        };
        let month = month_of(day);
        (month.div_euclid(12), month.rem_euclid(12) + 1, day - first_day_of(month) + 1, hour)
    }

    fn name(self) -> String {
        let (year, month, day, hour) = self.parts();
        match self.period {
            Period::Hour => format!("y{year:04}m{month:02}d{day:02}h{hour:02}"),
            Period::Day => format!("y{year:04}m{month:02}d{day:02}"),
            Period::Month => format!("y{year:04}m{month:02}"),
        }
    }

    fn bound(self) -> String {
        let (year, month, day, hour) = self.parts();
        format!("{year:04}-{month:02}-{day:02} {hour:02}:00:00+00")
    }

    fn from_name(period: Period, name: &str) -> Option<Self> {
        let numbers: Option<Vec<i64>> =
            name.strip_prefix('y')?.split(['m', 'd', 'h']).map(|part| part.parse().ok()).collect();
        let numbers = numbers?;
        let part = |n: usize, unless: i64| numbers.get(n).copied().unwrap_or(unless);
        let month = part(0, 0).checked_mul(12)?.checked_add(part(1, 1))?.checked_sub(1)?;
        let number = match period {
            Period::Month => month,
            Period::Day => first_day_of(month).checked_add(part(2, 1))?.checked_sub(1)?,
            Period::Hour => first_day_of(month)
                .checked_add(part(2, 1))?
                .checked_sub(1)?
                .checked_mul(24)?
                .checked_add(part(3, 0))?,
        };
        let slot = Self { period, number };
        (slot.name() == name).then_some(slot)
    }
}

/// The start of the first day, in UTC, that begins at this moment or later.
pub fn day_ceiling(at: Timestamp) -> Timestamp {
    ceiling(Period::Day, at)
}

/// The start of the first month, in UTC, that begins at this moment or later.
pub fn month_ceiling(at: Timestamp) -> Timestamp {
    ceiling(Period::Month, at)
}

fn ceiling(period: Period, at: Timestamp) -> Timestamp {
    let slot = Slot::of(period, at);
    if slot.start() == at { at } else { slot.plus(1).start() }
}

/// The month of a day. The years are taken to begin in March, so that the leap day ends one.
fn month_of(day: i64) -> i64 {
    let days = day.saturating_add(DAYS_TO_1970);
    let (era, day) = (days.div_euclid(DAYS_PER_ERA), days.rem_euclid(DAYS_PER_ERA));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153 + 2;
    (era * 400 + year) * 12 + month
}

fn first_day_of(month: i64) -> i64 {
    // Far beyond what a timestamptz can say.
    let march_based = month.clamp(-12_000_000, 12_000_000) - 2;
    let (year, month) = (march_based.div_euclid(12), march_based.rem_euclid(12));
    let (era, year) = (year.div_euclid(400), year.rem_euclid(400));
    let day = 365 * year + year / 4 - year / 100 + (153 * month + 2) / 5;
    era * DAYS_PER_ERA + day - DAYS_TO_1970
}

#[cfg(test)]
mod tests {
    use super::{Period, Slot, day_ceiling, month_ceiling};
    use crate::kernel::value::clock::Timestamp;
    use proptest::prelude::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_unix_millis(seconds * 1000)
    }

    /// Seconds since 1970 as date(1) prints them for these moments in UTC.
    #[test]
    fn periods_begin_at_midnight_utc() {
        for (seconds, name) in [
            (951_782_399, "y2000m02d28h23"),   // 2000-02-28 23:59:59
            (951_868_799, "y2000m02d29h23"),   // 2000-02-29 23:59:59
            (951_868_800, "y2000m03d01h00"),   // 2000-03-01 00:00:00
            (1_735_689_599, "y2024m12d31h23"), // 2024-12-31 23:59:59
            (1_735_689_600, "y2025m01d01h00"), // 2025-01-01 00:00:00
            (4_107_542_399, "y2100m02d28h23"), // 2100-02-28 23:59:59
            (4_107_542_400, "y2100m03d01h00"), // 2100-03-01 00:00:00
        ] {
            assert_eq!(Slot::of(Period::Hour, at(seconds)).name(), name);
            assert_eq!(Slot::of(Period::Day, at(seconds)).name(), name[..11]);
            assert_eq!(Slot::of(Period::Month, at(seconds)).name(), name[..8]);
        }
        assert_eq!(Slot::of(Period::Month, at(951_868_800)).start().unix_seconds(), 951_868_800);
        assert_eq!(Slot::of(Period::Month, at(1_735_689_599)).plus(1).start().unix_seconds(), 1_735_689_600);
        assert_eq!(Slot::of(Period::Hour, at(951_868_799)).bound(), "2000-02-29 23:00:00+00");
    }

    #[test]
    fn only_names_of_periods_are_periods() {
        let bound = |period, name| Slot::from_name(period, name).map(Slot::bound);
        assert_eq!(bound(Period::Month, "y2024m05").as_deref(), Some("2024-05-01 00:00:00+00"));
        assert_eq!(bound(Period::Day, "y2024m02d29").as_deref(), Some("2024-02-29 00:00:00+00"));
        assert_eq!(bound(Period::Hour, "y2024m02d29h07").as_deref(), Some("2024-02-29 07:00:00+00"));
        for name in
            ["y2024m13", "y2024m00", "y24m05", "y2024m5", "y2024m05d01", "y99999999999999999999m01", "y", ""]
        {
            assert_eq!(bound(Period::Month, name), None, "{name}");
        }
        for name in ["y2023m02d29", "y2024m05", "y2024m05d00", "y2024m05d32", "y9223372036854775807m01d01"] {
            assert_eq!(bound(Period::Day, name), None, "{name}");
        }
        for name in ["y2024m05d01h24", "y2024m05d01", "y2024m05d01h1", "y2024m05d01h-1"] {
            assert_eq!(bound(Period::Hour, name), None, "{name}");
        }
    }

    proptest! {
        #[test]
        fn every_moment_is_within_its_period(millis in 0u64..8_000_000_000_000) {
            let at = Timestamp::from_unix_millis(millis);
            for period in [Period::Hour, Period::Day, Period::Month] {
                let slot = Slot::of(period, at);
                prop_assert!(slot.start() <= at && at < slot.plus(1).start());
                prop_assert_eq!(Slot::of(period, slot.start()), slot);
                prop_assert_eq!(Slot::from_name(period, &slot.name()), Some(slot));
            }
        }

        #[test]
        fn a_ceiling_is_the_next_beginning(millis in 0u64..8_000_000_000_000) {
            let at = Timestamp::from_unix_millis(millis);
            for (ceiling, period) in [(day_ceiling(at), Period::Day), (month_ceiling(at), Period::Month)] {
                prop_assert!(ceiling >= at);
                prop_assert!(Slot::of(period, ceiling).start() == ceiling);
                prop_assert_eq!(ceiling == at || Slot::of(period, at).plus(1).start() == ceiling, true);
            }
        }

        #[test]
        fn no_text_is_too_strange_for_a_name(name in ".*") {
            for period in [Period::Hour, Period::Day, Period::Month] {
                prop_assert!(Slot::from_name(period, &name).is_none_or(|slot| slot.name() == name));
            }
        }
    }
}
