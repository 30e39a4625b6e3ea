//! The indexes of a table whose rows are written without the executor, and a row's entries in them.
//!
//! The server describes all indexes of a table anew for each statement that writes into it, and for each row of a
//! catalog. Here they are described once for a state of the catalog. It can go when the server keeps what
//! ExecOpenIndices makes.

#![allow(unsafe_code)]

use pgrx::pg_sys;

/// The indexes of a table, each of columns alone.
#[derive(Clone, Copy)]
pub struct Indexes([Option<Index>; MAX_INDEXES]);

#[derive(Clone, Copy)]
struct Index {
    oid: pg_sys::Oid,
    method: pg_sys::Oid,
    /// The table's columns, by attribute number - 1.
    columns: [u8; MAX_COLUMNS],
    count: u8,
    /// How many of them are the key, and not only included.
    key: u8,
    unique: bool,
    nulls_not_distinct: bool,
    /// False while it is built beside the writers.
    takes_entries: bool,
    /// None: all of the rows.
    part: Option<Part>,
}

/// The rows that a partial index holds, by a column's attribute number - 1.
#[derive(Clone, Copy)]
enum Part {
    NotNull(u8),
    False(u8),
}

const MAX_INDEXES: usize = 8;
/// Of an index, those that it only includes among them.
const MAX_COLUMNS: usize = 12;

/// What comes with the server. Another method may want to know more of an index than its columns.
const METHODS: [pg_sys::Oid; 6] = [
    pg_sys::BTREE_AM_OID,
    pg_sys::HASH_AM_OID,
    pg_sys::GIST_AM_OID,
    pg_sys::GIN_AM_OID,
    pg_sys::SPGIST_AM_OID,
    pg_sys::BRIN_AM_OID,
];

unsafe extern "C-unwind" {
    // Called within one guard for all that is done to a row.
    fn index_open(index: pg_sys::Oid, mode: pg_sys::LOCKMODE) -> pg_sys::Relation;
    fn index_close(index: pg_sys::Relation, mode: pg_sys::LOCKMODE);
    fn index_insert(
        index: pg_sys::Relation,
        values: *mut pg_sys::Datum,
        nulls: *mut bool,
        row: pg_sys::ItemPointer,
        table: pg_sys::Relation,
        check: pg_sys::IndexUniqueCheck::Type,
        same_keys: bool,
        info: *mut pg_sys::IndexInfo,
    ) -> bool;
    #[cfg(any(feature = "pg17", feature = "pg18"))]
    fn index_insert_cleanup(index: pg_sys::Relation, info: *mut pg_sys::IndexInfo);
}

impl Indexes {
    /// The indexes of a table; None if there is one that only the executor can keep: of an expression, of a part of the
    /// rows that [`Part`] does not know, or for an exclusion or a uniqueness that is checked later.
    ///
    /// # Safety
    /// The table must be open, and locked for writing.
    pub unsafe fn of(table: pg_sys::Relation) -> Option<Self> {
        let mut indexes = [None; MAX_INDEXES];
        // SAFETY: as required of the caller; a list of oids, which is this call's own. Each index is opened with the
        // lock of a writer, which is kept.
        unsafe {
            let list = pg_sys::RelationGetIndexList(table);
            let count = if list.is_null() { 0 } else { usize::try_from((*list).length).unwrap_or(0) };
            let all = (0..count).all(|n| {
                let oid = (*(*list).elements.add(n)).oid_value;
                let relation = pg_sys::index_open(oid, pg_sys::RowExclusiveLock as i32);
                let index = Index::of(relation);
                pg_sys::index_close(relation, pg_sys::NoLock as i32);
                match indexes.get_mut(n) {
                    Some(place) => *place = index,
                    None => return false,
                }
                index.is_some()
            });
            pg_sys::list_free(list);
            all.then_some(Self(indexes))
        }
    }

    /// Whether they are btrees, and none of them depends on one of these columns.
    pub fn are_btrees_without(&self, columns: &[u8]) -> bool {
        self.0.iter().flatten().all(|index| {
            index.method == pg_sys::BTREE_AM_OID && !columns.iter().any(|column| index.depends_on(*column))
        })
    }

    /// Adds the entries of a row that was just put into the table: its first version or, with `same_keys`, a further
    /// one.
    ///
    /// # Safety
    /// The table must be open and locked for writing, the indexes described in this generation of the catalog, and the
    /// values those of the row's columns. To be called within a guard.
    pub unsafe fn add(
        &self,
        table: pg_sys::Relation,
        mut row: pg_sys::ItemPointerData,
        values: &[pg_sys::Datum],
        nulls: &[bool],
        same_keys: bool,
    ) {
        let takes =
            |index: &&Index| index.takes_entries && index.part.is_none_or(|part| part.holds(values, nulls));
        for index in self.0.iter().flatten().filter(takes) {
            let (mut keys, mut missing) = ([pg_sys::Datum::null(); MAX_COLUMNS], [true; MAX_COLUMNS]);
            let mut info = index.info();
            for ((key, missing), column) in keys.iter_mut().zip(&mut missing).zip(index.columns()) {
                if let (Some(value), Some(null)) =
                    (values.get(usize::from(*column)), nulls.get(usize::from(*column)))
                {
                    (*key, *missing) = (*value, *null);
                }
            }
            let check = match index.unique {
                true => pg_sys::IndexUniqueCheck::UNIQUE_CHECK_YES,
                false => pg_sys::IndexUniqueCheck::UNIQUE_CHECK_NO,
            };
            // SAFETY: as required of the caller. The index is closed here, or by the resource owner where an error
            // unwinds.
            unsafe {
                info.ii_Context = pg_sys::CurrentMemoryContext;
                let relation = index_open(index.oid, pg_sys::RowExclusiveLock as i32);
                let (keys, missing) = (keys.as_mut_ptr(), missing.as_mut_ptr());
                index_insert(relation, keys, missing, &mut row, table, check, same_keys, &mut info);
                #[cfg(any(feature = "pg17", feature = "pg18"))]
                index_insert_cleanup(relation, &mut info);
                index_close(relation, pg_sys::NoLock as i32);
            }
        }
    }
}

impl Index {
    /// # Safety
    /// The index must be open.
    unsafe fn of(relation: pg_sys::Relation) -> Option<Self> {
        // SAFETY: an open index's own data: numbers of columns, as many as it says.
        unsafe {
            let (form, class) = (&*(*relation).rd_index, &*(*relation).rd_rel);
            let numbers = form.indkey.values.as_ptr();
            let mut columns = [0; MAX_COLUMNS];
            let count = usize::try_from(form.indnatts).ok()?;
            for (n, column) in columns.get_mut(..count)?.iter_mut().enumerate() {
                // An expression has the number 0.
                *column = u8::try_from(*numbers.add(n)).ok()?.checked_sub(1)?;
            }
            let predicate = pg_sys::RelationGetIndexPredicate(relation);
            let part = if predicate.is_null() { None } else { Some(Part::of(predicate)?) };
            let plain = METHODS.contains(&class.relam) && form.indimmediate && !form.indisexclusion;
            plain.then_some(Self {
                oid: (*relation).rd_id,
                method: class.relam,
                columns,
                count: u8::try_from(count).ok()?,
                key: u8::try_from(form.indnkeyatts).ok()?,
                unique: form.indisunique,
                nulls_not_distinct: form.indnullsnotdistinct,
                takes_entries: form.indisready,
                part,
            })
        }
    }

    fn columns(&self) -> &[u8] {
        self.columns.get(..usize::from(self.count)).unwrap_or_default()
    }

    fn depends_on(&self, column: u8) -> bool {
        let in_part = match self.part {
            Some(Part::NotNull(place) | Part::False(place)) => place == column,
            None => false,
        };
        in_part || self.columns().contains(&column)
    }

    /// What the methods are told of the index, and where they keep what they need for a row.
    fn info(&self) -> pg_sys::IndexInfo {
        let mut info = pg_sys::IndexInfo {
            type_: pg_sys::NodeTag::T_IndexInfo,
            ii_NumIndexAttrs: i32::from(self.count),
            ii_NumIndexKeyAttrs: i32::from(self.key),
            ii_Unique: self.unique,
            ii_NullsNotDistinct: self.nulls_not_distinct,
            ii_ReadyForInserts: true,
            ii_Am: self.method,
            ..pg_sys::IndexInfo::default()
        };
        for (number, column) in info.ii_IndexAttrNumbers.iter_mut().zip(self.columns()) {
            *number = i16::from(*column) + 1;
        }
        info
    }
}

impl Part {
    /// The rows of a predicate that is `column IS NOT NULL` or `NOT column`.
    ///
    /// # Safety
    /// The list must be an index's predicate.
    unsafe fn of(predicate: *mut pg_sys::List) -> Option<Self> {
        // SAFETY: a list of expressions, each of which has its type in front.
        unsafe {
            if (*predicate).length != 1 {
                return None;
            }
            let condition = (*(*predicate).elements).ptr_value.cast::<pg_sys::Node>();
            match (*condition).type_ {
                pg_sys::NodeTag::T_NullTest => {
                    let test = condition.cast::<pg_sys::NullTest>();
                    let is_not_null =
                        (*test).nulltesttype == pg_sys::NullTestType::IS_NOT_NULL && !(*test).argisrow;
                    column_of((*test).arg.cast()).filter(|_| is_not_null).map(Self::NotNull)
                }
                pg_sys::NodeTag::T_BoolExpr => {
                    let not = condition.cast::<pg_sys::BoolExpr>();
                    let is_not = (*not).boolop == pg_sys::BoolExprType::NOT_EXPR;
                    column_of((*(*(*not).args).elements).ptr_value.cast()).filter(|_| is_not).map(Self::False)
                }
                _ => None,
            }
        }
    }

    fn holds(self, values: &[pg_sys::Datum], nulls: &[bool]) -> bool {
        let is_null = |place: u8| nulls.get(usize::from(place)).copied().unwrap_or(true);
        match self {
            Self::NotNull(place) => !is_null(place),
            Self::False(place) => {
                !is_null(place) && values.get(usize::from(place)).is_some_and(|value| value.value() == 0)
            }
        }
    }
}

/// The attribute number - 1 of the column that an expression is; None: it is something else.
///
/// # Safety
/// It must be an expression.
unsafe fn column_of(expression: *mut pg_sys::Node) -> Option<u8> {
    // SAFETY: an expression has its type in front.
    unsafe {
        if (*expression).type_ != pg_sys::NodeTag::T_Var {
            return None;
        }
        u8::try_from((*expression.cast::<pg_sys::Var>()).varattno).ok()?.checked_sub(1)
    }
}
