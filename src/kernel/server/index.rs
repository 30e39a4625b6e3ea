//! Reading by an index without the executor: the value that is looked for, and the description of the index.

#![allow(unsafe_code)]

use pgrx::{FromDatum, IntoDatum, pg_sys};

use crate::kernel::outcome::Mistake;
use crate::kernel::server::columns::attribute;
use crate::kernel::server::snapshot::Snapshot;
use crate::kernel::server::{catalog, datum};
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::id::Id;
use crate::kernel::value::memory;

/// The value of a key's column.
#[derive(Clone, Copy)]
pub enum Key<'a> {
    /// of type uuid
    Id(Id),
    /// of type text COLLATE "C"
    Text(&'a str),
    /// of type integer
    Integer(i32),
    /// of type bytea
    Bytes(&'a [u8]),
    /// of type timestamptz
    Time(Timestamp),
}

/// The operator family uuid_ops of btree, which the server's headers do not name.
const UUID_BTREE_FAM_OID: pg_sys::Oid = pg_sys::Oid::from_u32(2968);
/// The same of datetime_ops.
const DATETIME_BTREE_FAM_OID: pg_sys::Oid = pg_sys::Oid::from_u32(434);

impl Key<'_> {
    /// The key's type, the operator family in which it is compared, and the collation.
    fn kind(self) -> KeyColumn {
        let (type_oid, family, collation) = match self {
            Self::Id(_) => (pg_sys::UUIDOID, UUID_BTREE_FAM_OID, pg_sys::InvalidOid),
            Self::Text(_) => (pg_sys::TEXTOID, pg_sys::TEXT_BTREE_FAM_OID, pg_sys::C_COLLATION_OID),
            Self::Integer(_) => (pg_sys::INT4OID, pg_sys::INTEGER_BTREE_FAM_OID, pg_sys::InvalidOid),
            Self::Bytes(_) => (pg_sys::BYTEAOID, pg_sys::BYTEA_BTREE_FAM_OID, pg_sys::InvalidOid),
            Self::Time(_) => (pg_sys::TIMESTAMPTZOID, DATETIME_BTREE_FAM_OID, pg_sys::InvalidOid),
        };
        KeyColumn { type_oid, family, collation, attribute: 0 }
    }

    /// A number in which two values seldom agree: made of the last bytes, which differ more than the first do.
    pub fn number(self) -> u32 {
        let of = |bytes: &[u8]| {
            let last = bytes.iter().rev().take(8);
            last.fold(0_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(*byte)))
        };
        match self {
            Self::Id(id) => of(id.bytes()),
            Self::Text(text) => of(text.as_bytes()),
            Self::Integer(number) => number.cast_unsigned(),
            Self::Bytes(bytes) => of(bytes),
            Self::Time(time) => of(&time.micros().to_be_bytes()),
        }
    }

    /// Whether it is this value.
    ///
    /// # Safety
    /// The value must be of the key's type.
    unsafe fn is(self, value: pg_sys::Datum) -> bool {
        // SAFETY: as required of the caller.
        unsafe {
            match self {
                Self::Id(id) => Id::from_datum(value, false) == Some(id),
                Self::Text(text) => datum::text(value) == Some(text),
                Self::Integer(number) => i32::from_datum(value, false) == Some(number),
                Self::Bytes(bytes) => datum::bytes(value) == Some(bytes),
                Self::Time(time) => Timestamp::from_datum(value, false) == Some(time),
            }
        }
    }

    /// The value as the server takes it, valid as long as this key and the calling function's memory.
    pub fn argument(&self) -> pg_sys::Datum {
        let argument = match self {
            Self::Id(id) => Some(pg_sys::Datum::from(id.bytes().as_ptr())),
            Self::Text(text) => memory::varlena(text.as_bytes()),
            Self::Integer(number) => number.into_datum(),
            Self::Bytes(bytes) => memory::varlena(bytes),
            Self::Time(time) => time.into_datum(),
        };
        argument.unwrap_or(pg_sys::Datum::null())
    }

    /// Fills a scan key of a column of this number, of the index or of the table: for rows with this value or, if
    /// `behind`, with a greater one.
    ///
    /// # Safety
    /// The column must be of the key's type.
    unsafe fn init(&self, column: i16, behind: bool, scan_key: &mut pg_sys::ScanKeyData) {
        let (equal, greater) = match self {
            Self::Id(_) => (pg_sys::F_UUID_EQ, pg_sys::F_UUID_GT),
            Self::Text(_) => (pg_sys::F_TEXTEQ, pg_sys::F_TEXT_GT),
            Self::Integer(_) => (pg_sys::F_INT4EQ, pg_sys::F_INT4GT),
            Self::Bytes(_) => (pg_sys::F_BYTEAEQ, pg_sys::F_BYTEAGT),
            Self::Time(_) => (pg_sys::F_TIMESTAMPTZ_EQ, pg_sys::F_TIMESTAMPTZ_GT),
        };
        let (strategy, function) = match behind {
            false => (pg_sys::BTEqualStrategyNumber, equal),
            true => (pg_sys::BTGreaterStrategyNumber, greater),
        };
        // SAFETY: ScanKeyInit takes collation "C", which the text columns have.
        unsafe {
            pg_sys::ScanKeyInit(scan_key, column, strategy as u16, function.into(), self.argument());
        }
    }
}

/// A column of an index's key.
#[derive(Clone, Copy, PartialEq, Eq)]
struct KeyColumn {
    type_oid: pg_sys::Oid,
    family: pg_sys::Oid,
    collation: pg_sys::Oid,
    /// The table's column.
    attribute: i16,
}

/// How many columns of a key are looked at, at most.
pub const MAX_KEYS: usize = 4;

/// The description of an index, valid as long as the catalog does not change.
#[derive(Clone, Copy)]
pub struct Index {
    pub oid: pg_sys::Oid,
    keys: [Option<KeyColumn>; MAX_KEYS],
    /// No two rows have the same values in so many columns, which are all of its key; 0: it is not unique.
    unique: usize,
    /// A btree that is valid and kept up to date.
    sound: bool,
    /// Holds a part of the rows only.
    partial: bool,
    /// The index lacks rows that a transaction from before the index may see.
    usable_after: Option<pg_sys::TransactionId>,
}

impl Index {
    /// Reads the description of an index before it is searched for these values; None if the index is not the table's.
    /// Somebody may have altered either: a table without rows of its own, or a key of another type, is a mistake, since
    /// searching it would crash the server.
    ///
    /// # Safety
    /// Table and index must exist and be locked.
    pub unsafe fn describe(
        table: pg_sys::Oid,
        oid: pg_sys::Oid,
        keys: &[Key<'_>],
    ) -> Result<Option<Self>, Mistake> {
        let name = |oid| catalog::name_of(oid).unwrap_or_default();
        if !catalog::is_ordinary(table) {
            return Err(Mistake::TypeDiffers(format!("{} is no ordinary table", name(table)).into()));
        }
        // SAFETY: a catalog look-up by oid.
        if unsafe { pg_sys::IndexGetRelation(oid, true) } != table {
            return Ok(None);
        }
        // SAFETY: as required of the caller.
        let index = unsafe { Self::read(oid) };
        if !index.fits(keys) {
            return Err(Mistake::TypeDiffers(format!("the key of {}", name(oid)).into()));
        }
        Ok(Some(index))
    }

    /// # Safety
    /// The index must exist and be locked.
    unsafe fn read(oid: pg_sys::Oid) -> Self {
        // SAFETY: an open relation's own data: arrays as long as the key has columns. It is closed before the
        // end, with its lock kept.
        unsafe {
            let relation = pg_sys::index_open(oid, pg_sys::NoLock as i32);
            let form = &*(*relation).rd_index;
            let count = usize::try_from(form.indnkeyatts).unwrap_or(0);
            let attributes = form.indkey.values.as_ptr();
            let mut keys = [None; MAX_KEYS];
            for (n, key) in keys.iter_mut().enumerate().take(count) {
                *key = Some(KeyColumn {
                    type_oid: (*attribute((*relation).rd_att, n as i32)).atttypid,
                    family: *(*relation).rd_opfamily.add(n),
                    collation: *(*relation).rd_indcollation.add(n),
                    attribute: *attributes.add(n),
                });
            }
            let index = Self {
                oid,
                keys,
                unique: if form.indisunique && form.indimmediate { count } else { 0 },
                sound: (*(*relation).rd_rel).relam == pg_sys::BTREE_AM_OID
                    && (*(*relation).rd_rel).relkind as u8 == pg_sys::RELKIND_INDEX
                    && form.indisvalid
                    && form.indislive,
                partial: !pg_sys::RelationGetIndexPredicate(relation).is_null(),
                usable_after: form
                    .indcheckxmin
                    .then(|| pg_sys::htup::HeapTupleHeaderGetXmin((*(*relation).rd_indextuple).t_data)),
            };
            pg_sys::index_close(relation, pg_sys::NoLock as i32);
            index
        }
    }

    /// Whether its first columns can be compared with these values.
    fn fits(&self, keys: &[Key<'_>]) -> bool {
        keys.iter().zip(&self.keys).all(|(key, column)| {
            // An expression has no column.
            column.is_some_and(|column| {
                column.attribute > 0 && column == KeyColumn { attribute: column.attribute, ..key.kind() }
            })
        }) && keys.len() <= MAX_KEYS
    }

    /// Whether the row, as far as it is at hand, has these values in the first columns of the key.
    ///
    /// # Safety
    /// The slot must have a row of the table, and the index fit the keys.
    pub unsafe fn is_key_of(&self, slot: *const pg_sys::TupleTableSlot, keys: &[Key<'_>]) -> bool {
        keys.iter().zip(&self.keys).all(|(key, column)| {
            let Some(place) = column.and_then(|column| usize::try_from(column.attribute - 1).ok()) else {
                return false;
            };
            // SAFETY: as required of the caller: a column of the table, of the key's type, that is at hand.
            unsafe {
                place < usize::try_from((*slot).tts_nvalid).unwrap_or(0)
                    && !*(*slot).tts_isnull.add(place)
                    && key.is(*(*slot).tts_values.add(place))
            }
        })
    }

    /// The number of the last of the table's columns in the key.
    pub fn last_column(&self) -> i32 {
        self.keys.iter().flatten().map(|column| i32::from(column.attribute)).max().unwrap_or(0)
    }

    /// Whether there is one row at most with these values. An id tells the rows of all tenants apart by itself.
    pub fn is_unique_in(&self, keys: &[Key<'_>]) -> bool {
        let whole = self.unique == keys.len() || (self.unique > 0 && matches!(keys, [Key::Id(_)]));
        self.sound && !self.partial && whole
    }

    /// Fills the scan keys of a search for rows with these values in the first columns of the key.
    ///
    /// # Safety
    /// The index must fit the keys.
    pub unsafe fn init(keys: &[Key<'_>], scan_keys: &mut [pg_sys::ScanKeyData]) {
        for (n, (key, scan_key)) in keys.iter().zip(scan_keys).enumerate() {
            // SAFETY: as required of the caller.
            unsafe { key.init(n as i16 + 1, false, scan_key) };
        }
    }

    /// As the planner decides it.
    pub fn is_usable(&self) -> bool {
        self.sound
            && self.usable_after.is_none_or(|xmin| {
                // SAFETY: a comparison of numbers; the variable is this backend's own.
                unsafe { pg_sys::TransactionIdPrecedes(xmin, pg_sys::TransactionXmin) }
            })
    }
}

/// Shows `read` the visible rows with these values in the first columns of the index's key, until it takes one. If
/// `behind`, the last of them is a bound: the rows have a greater value there, and come in the order of the key. An
/// index that is invalid, or too new for the transaction, is not used: then the whole table is read, as a SELECT would
/// do, or the look behind a bound is a mistake.
///
/// # Safety
/// Table and index must be locked and belong together, and the index fit the keys.
pub unsafe fn scan<T>(
    table: pg_sys::Relation,
    index: &Index,
    snapshot: &Snapshot,
    keys: &[Key<'_>],
    behind: bool,
    read: impl FnMut(*mut pg_sys::TupleTableSlot) -> Option<T>,
) -> Result<Option<T>, Mistake> {
    let mut scan_keys = [pg_sys::ScanKeyData::default(); MAX_KEYS];
    let usable = index.is_usable();
    if !usable && (index.partial || behind) {
        return Err(unusable(index.oid));
    }
    for (n, key) in keys.iter().enumerate() {
        if let (Some(scan_key), Some(Some(column))) = (scan_keys.get_mut(n), index.keys.get(n)) {
            let number = if usable { n as i16 + 1 } else { column.attribute };
            // SAFETY: the caller has compared the types.
            unsafe { key.init(number, behind && n + 1 == keys.len(), scan_key) };
        }
    }
    let scan_keys = scan_keys.get_mut(..keys.len()).unwrap_or_default();
    // SAFETY: the table is open. The slot is dropped below, or by the resource owner where an error unwinds.
    let slot = unsafe { pg_sys::table_slot_create(table, std::ptr::null_mut()) };
    // SAFETY: as required of the caller; the keys are of the index's columns, or of the table's, as each takes them.
    let found = unsafe {
        if usable {
            by_index(table, index.oid, snapshot, scan_keys, slot, read)
        } else {
            by_table(table, index.oid, snapshot, scan_keys, slot, read)
        }
    };
    // SAFETY: made above, and read by now.
    unsafe { pg_sys::ExecDropSingleTupleTableSlot(slot) };
    Ok(found)
}

/// # Safety
/// As of [`scan`], with keys of the index's columns.
unsafe fn by_index<T>(
    table: pg_sys::Relation,
    index: pg_sys::Oid,
    snapshot: &Snapshot,
    keys: &mut [pg_sys::ScanKeyData],
    slot: *mut pg_sys::TupleTableSlot,
    mut read: impl FnMut(*mut pg_sys::TupleTableSlot) -> Option<T>,
) -> Option<T> {
    let count = keys.len() as i32;
    // SAFETY: as required of the caller; the scan and the index are closed below, or by the resource owner where an
    // error unwinds.
    unsafe {
        let index = pg_sys::index_open(index, pg_sys::NoLock as i32);
        let scan = begin(table, index, snapshot, count);
        pg_sys::index_rescan(scan, keys.as_mut_ptr(), count, std::ptr::null_mut(), 0);
        let mut found = None;
        while found.is_none()
            && pg_sys::index_getnext_slot(scan, pg_sys::ScanDirection::ForwardScanDirection, slot)
        {
            found = read(slot);
        }
        pg_sys::index_endscan(scan);
        pg_sys::index_close(index, pg_sys::NoLock as i32);
        found
    }
}

/// Begins a search for so many values.
///
/// # Safety
/// Table and index must be open and belong together.
pub unsafe fn begin(
    table: pg_sys::Relation,
    index: pg_sys::Relation,
    snapshot: &Snapshot,
    count: i32,
) -> pg_sys::IndexScanDesc {
    // SAFETY: as required of the caller.
    unsafe {
        #[cfg(not(feature = "pg18"))]
        return pg_sys::index_beginscan(table, index, snapshot.raw(), count, 0);
        #[cfg(feature = "pg18")]
        return pg_sys::index_beginscan(table, index, snapshot.raw(), std::ptr::null_mut(), count, 0);
    }
}

/// As [`scan`], for each of these values in the first column of the index's key.
///
/// # Safety
/// As of [`scan`].
pub unsafe fn scan_each<T>(
    table: pg_sys::Relation,
    index: &Index,
    snapshot: &Snapshot,
    keys: &[Key<'_>],
    mut read: impl FnMut(*mut pg_sys::TupleTableSlot) -> Option<T>,
) -> Result<Vec<Option<T>>, Mistake> {
    if !index.is_usable() {
        // SAFETY: as required of the caller.
        let one = |key: &Key<'_>| unsafe { scan(table, index, snapshot, &[*key], false, &mut read) };
        return keys.iter().map(one).collect();
    }
    let mut found = Vec::with_capacity(keys.len());
    let mut scan_key = pg_sys::ScanKeyData::default();
    // SAFETY: as required of the caller; slot, scan and index are given back below, or by the resource owner where an
    // error unwinds.
    unsafe {
        let slot = pg_sys::table_slot_create(table, std::ptr::null_mut());
        let index = pg_sys::index_open(index.oid, pg_sys::NoLock as i32);
        let scan = begin(table, index, snapshot, 1);
        for key in keys {
            pgrx::check_for_interrupts!();
            key.init(1, false, &mut scan_key);
            pg_sys::index_rescan(scan, &mut scan_key, 1, std::ptr::null_mut(), 0);
            let mut row = None;
            while row.is_none()
                && pg_sys::index_getnext_slot(scan, pg_sys::ScanDirection::ForwardScanDirection, slot)
            {
                row = read(slot);
            }
            found.push(row);
        }
        pg_sys::index_endscan(scan);
        pg_sys::index_close(index, pg_sys::NoLock as i32);
        pg_sys::ExecDropSingleTupleTableSlot(slot);
    }
    Ok(found)
}

/// # Safety
/// As of [`scan`], with keys of the table's columns.
#[cold]
unsafe fn by_table<T>(
    table: pg_sys::Relation,
    index: pg_sys::Oid,
    snapshot: &Snapshot,
    keys: &mut [pg_sys::ScanKeyData],
    slot: *mut pg_sys::TupleTableSlot,
    mut read: impl FnMut(*mut pg_sys::TupleTableSlot) -> Option<T>,
) -> Option<T> {
    let count = keys.len() as i32;
    // SAFETY: as required of the caller; the scan is ended below, or by the resource owner where an error unwinds. The
    // row is the scan's until then.
    unsafe {
        let scan = pg_sys::systable_beginscan(table, index, false, snapshot.raw(), count, keys.as_mut_ptr());
        let mut found = None;
        while found.is_none() {
            let tuple = pg_sys::systable_getnext(scan);
            if tuple.is_null() {
                break;
            }
            pg_sys::ExecForceStoreHeapTuple(tuple, slot, false);
            found = read(slot);
        }
        pg_sys::systable_endscan(scan);
        found
    }
}

/// Whether a table has a row with this key, as [`scan`] finds it. None if the catalog has changed by the time that
/// table and index are locked, because the names may stand for others now. It does not check a tenant pin: the key must
/// tell the tenants apart.
pub fn exists(
    snapshot: &Snapshot,
    generation: u32,
    table: pg_sys::Oid,
    index: pg_sys::Oid,
    key: Key<'_>,
    describe: impl FnOnce() -> Result<(Index, pg_sys::TransactionId), Mistake>,
) -> Result<Option<bool>, Mistake> {
    let mode = pg_sys::AccessShareLock;
    let waited = catalog::lock(table, mode) | catalog::lock(index, mode);
    catalog::accept();
    if catalog::generation() != generation {
        catalog::unlock(index, mode);
        catalog::unlock(table, mode);
        return Ok(None);
    }
    let (index, changed) = describe()?;
    snapshot.settle(table, changed, waited)?;
    // SAFETY: both are locked and are what they were; the table is closed below, or by the resource owner where an
    // error unwinds.
    unsafe {
        let relation = pg_sys::table_open(table, pg_sys::NoLock as i32);
        let found = scan(relation, &index, snapshot, &[key], false, |_| Some(()))?;
        pg_sys::table_close(relation, pg_sys::NoLock as i32);
        Ok(Some(found.is_some()))
    }
}

unsafe extern "C-unwind" {
    fn PredicateLockRelation(relation: pg_sys::Relation, snapshot: pg_sys::Snapshot);
    fn CheckForSerializableConflictIn(
        relation: pg_sys::Relation,
        row: pg_sys::ItemPointer,
        block: pg_sys::BlockNumber,
    );
}

/// At SERIALIZABLE: a transaction that calls [`note_write`] for this table meanwhile counts as having written what this
/// transaction has read, even in a partition that did not exist yet.
pub fn note_read(table: pg_sys::Oid, snapshot: &Snapshot) {
    // SAFETY: the table is locked; it is opened and closed, and the snapshot is active or registered. The server's
    // errors are turned at the boundary.
    unsafe {
        let relation = pg_sys::table_open(table, pg_sys::NoLock as i32);
        pg_sys::ffi::pg_guard_ffi_boundary(|| PredicateLockRelation(relation, snapshot.raw()));
        pg_sys::table_close(relation, pg_sys::NoLock as i32);
    }
}

/// At SERIALIZABLE: this transaction's writes conflict with all transactions that have called [`note_read`]. 40001 if
/// it can't be serialized with them.
pub fn note_write(table: pg_sys::Oid) {
    // SAFETY: as in note_read().
    unsafe {
        let relation = pg_sys::table_open(table, pg_sys::NoLock as i32);
        pg_sys::ffi::pg_guard_ffi_boundary(|| {
            CheckForSerializableConflictIn(relation, std::ptr::null_mut(), pg_sys::InvalidBlockNumber);
        });
        pg_sys::table_close(relation, pg_sys::NoLock as i32);
    }
}

#[cold]
fn unusable(index: pg_sys::Oid) -> Mistake {
    let name = catalog::name_of(index).unwrap_or_default();
    Mistake::WrongState {
        message: format!("the index auth_store.{name} cannot be used").into(),
        hint: format!("REINDEX INDEX auth_store.{name}, or try again when older transactions have ended")
            .into(),
    }
}
