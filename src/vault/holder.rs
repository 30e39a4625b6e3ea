//! The tables that hold sealed values, for what goes through all of them: rekeying and vault_check(). Each belongs to
//! the domain that seals its values; some domains stand above the vault, so lib.rs lists them when the library is
//! loaded.

use std::cell::Cell;

use crate::kernel::outcome::Mistake;
use crate::kernel::server::cell::BackendCell;
use crate::kernel::server::row::row;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::value::id::Id;
use crate::vault::key::{DataKey, SealPlace, Unreadable};

/// A table with sealed values; a row's are all sealed by the data key that its column `key_id` names.
pub struct Holder {
    /// The table's name, as its values are bound to it.
    pub table: &'static str,
    /// What vault_check() calls one of its rows.
    pub kind: &'static str,
    /// The sealed columns, as their values are bound to them: one or two.
    pub columns: &'static [&'static str],
    /// The number of rows that retired keys have sealed.
    pub to_move: Statement<i64>,
    /// The number of rows that key $1 of tenant $2 has sealed, in the caller's snapshot.
    pub count: Statement<i64>,
    /// The same of all that are committed by now.
    pub count_latest: Statement<i64>,
    /// The rows of key $1 of tenant $2 behind the id $3, at most $4, in the order of their ids.
    pub page: Statement<SealedRow>,
    /// The same locked, without those that others have locked.
    pub lock: Statement<SealedRow>,
    /// Gives row $1 of tenant $2 the key $3 and the values $4 and $5.
    pub reseal: Statement,
}

row! {
    /// A row's sealed values; None: it has none of the kind.
    pub struct SealedRow {
        /// The row.
        pub id: Id,
        /// In the first of the columns.
        pub first: Option<Vec<u8>>,
        /// In the second, if there is one.
        pub second: Option<Vec<u8>>,
    }
}

static HOLDERS: BackendCell<Cell<&'static [&'static Holder]>> = BackendCell::new(Cell::new(&[]));

/// Notes every table with sealed values. Called once, when the library is loaded.
pub fn list(holders: &'static [&'static Holder]) {
    HOLDERS.set(holders);
}

/// Every table with sealed values.
pub fn all() -> impl Iterator<Item = &'static Holder> {
    HOLDERS.get().iter().copied()
}

impl Holder {
    /// The values of a row that do not open with this key, by the names of their columns.
    pub fn unreadable(&self, key: &DataKey, row: &SealedRow) -> Vec<&'static str> {
        let closed = self.values(row).filter(|(place, sealed)| key.open(*place, sealed).is_err());
        closed.map(|(place, _)| place.column).collect()
    }

    /// Seals a row's values with another key and stores them.
    pub fn move_row(
        &self,
        old: &DataKey,
        new: &DataKey,
        tenant_id: &str,
        row: &SealedRow,
    ) -> Result<Result<(), Unreadable>, Mistake> {
        let (mut first, mut second) = (None, None);
        for (place, sealed) in self.values(row) {
            let moved = match old.open(place, sealed) {
                Ok(plain) => Some(new.seal(place, &plain)?),
                Err(unreadable) => return Ok(Err(unreadable)),
            };
            if Some(&place.column) == self.columns.first() {
                first = moved;
            } else {
                second = moved;
            }
        }
        self.reseal.run(&params![row.id, tenant_id, new.id, first, second])?;
        Ok(Ok(()))
    }

    /// The values that a row has, with their places.
    fn values<'a>(&self, row: &'a SealedRow) -> impl Iterator<Item = (SealPlace, &'a Vec<u8>)> {
        let (table, id) = (self.table, row.id);
        let values = self.columns.iter().zip([&row.first, &row.second]);
        values.filter_map(move |(column, sealed)| {
            Some((SealPlace { table, row: id, column }, sealed.as_ref()?))
        })
    }
}
