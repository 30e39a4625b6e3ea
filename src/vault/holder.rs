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
    /// The same locked, without those that others have locked: these are being stored into, and are left for the next
    /// pass.
    pub lock: Statement<SealedRow>,
    /// Gives row $1 of tenant $2 the key $3 and the values $4 and $5.
    pub reseal: Statement,
}

/// The [`Holder`] of a table, by the names of the table and of its one or two sealed columns.
macro_rules! holder {
    ($table:literal, $kind:literal, $column:literal) => {
        $crate::vault::holder::holder!(
            @ $table, $kind, [$column],
            [$column " AS first, NULL::bytea AS second"],
            [$column " = $4 WHERE $5::bytea IS NULL"]
        )
    };
    ($table:literal, $kind:literal, $first:literal, $second:literal) => {
        $crate::vault::holder::holder!(
            @ $table, $kind, [$first, $second],
            [$first " AS first, " $second " AS second"],
            [$first " = $4, " $second " = $5 WHERE true"]
        )
    };
    (@ $table:literal, $kind:literal, [$($column:literal),+], [$($shown:literal)+], [$($set:literal)+]) => {{
        use $crate::kernel::server::columns::terminated;
        use $crate::kernel::server::spi::Statement;

        const COUNT: &str =
            concat!("SELECT count(*) FROM auth_store.", $table, " WHERE key_id = $1 AND tenant_id = $2\0");
        $crate::vault::holder::Holder {
            table: $table,
            kind: $kind,
            columns: &[$($column),+],
            to_move: Statement::write(terminated(concat!(
                "SELECT count(*) FROM auth_store.", $table, " h
                  WHERE EXISTS (SELECT FROM auth_store.vault_keys k
                                 WHERE k.id = h.key_id AND k.tenant_id = h.tenant_id AND k.retired_at IS NOT NULL)\0"
            ))),
            count: Statement::read(terminated(COUNT)),
            count_latest: Statement::latest(terminated(COUNT)),
            page: Statement::read(terminated(concat!(
                "SELECT id, ", $($shown,)+ " FROM auth_store.", $table, "
                  WHERE key_id = $1 AND tenant_id = $2 AND id > $3 ORDER BY id LIMIT $4\0"
            ))),
            lock: Statement::write(terminated(concat!(
                "SELECT id, ", $($shown,)+ " FROM auth_store.", $table, "
                  WHERE key_id = $1 AND tenant_id = $2 AND id > $3 ORDER BY id LIMIT $4
                    FOR NO KEY UPDATE SKIP LOCKED\0"
            ))),
            reseal: Statement::write(terminated(concat!(
                "UPDATE auth_store.", $table, " SET key_id = $3, ", $($set,)+ " AND id = $1 AND tenant_id = $2\0"
            ))),
        }
    }};
}

pub(crate) use holder;

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

row! {
    /// How many rows need a master key that no data key stands for, because something was derived from it.
    pub struct Derived {
        /// The master key's name.
        pub master_key_id: String,
        /// The number of rows.
        pub rows: i64,
    }
}

static DERIVED: BackendCell<Cell<&'static [&'static Statement<Derived>]>> = BackendCell::new(Cell::new(&[]));

static HOLDERS: BackendCell<Cell<&'static [&'static Holder]>> = BackendCell::new(Cell::new(&[]));

/// Notes every table with sealed values, and who counts what was derived from a master key. Called once, when the
/// library is loaded.
pub fn list(holders: &'static [&'static Holder], derived: &'static [&'static Statement<Derived>]) {
    HOLDERS.set(holders);
    DERIVED.set(derived);
}

/// What counts the rows that need a master key without a data key.
pub fn derived() -> impl Iterator<Item = &'static Statement<Derived>> {
    DERIVED.get().iter().copied()
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
