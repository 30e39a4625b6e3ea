//! Rows that are read, their columns by name: see [`row!`].

#![allow(unsafe_code)]

use std::ffi::CStr;

use pgrx::prelude::*;

use crate::kernel::server::columns::{Column, only};
use crate::kernel::server::datum::Readable;

/// A value that can be read from columns of a row: a single value, a struct made by [`row!`], an Option or a tuple of
/// those.
///
/// # Safety
/// `load` must read nothing but the columns, each as its type.
pub unsafe trait FromRow: Sized {
    /// The columns, in the order in which they are read.
    const COLUMNS: &'static [Column];
    /// Whether they may all be NULL.
    const NULLABLE: bool = false;

    /// Reads the columns from this one on; None where one is NULL, or says nothing, that must not be.
    ///
    /// # Safety
    /// The row must have [`FromRow::COLUMNS`] there, each of its type.
    unsafe fn load(row: &Row<'_>, first: usize) -> Option<Self>;
}

// SAFETY: one column, read as its type.
unsafe impl<T: Readable> FromRow for T {
    const COLUMNS: &'static [Column] = &[Column { name: c"", type_oid: T::TYPE, nullable: false }];

    #[inline]
    unsafe fn load(row: &Row<'_>, first: usize) -> Option<Self> {
        // SAFETY: as required of the caller.
        row.datum(first).and_then(|datum| unsafe { T::read(datum) })
    }
}

// SAFETY: the columns of what it may be.
unsafe impl<T: FromRow> FromRow for Option<T> {
    const COLUMNS: &'static [Column] = T::COLUMNS;
    const NULLABLE: bool = true;

    #[inline]
    unsafe fn load(row: &Row<'_>, first: usize) -> Option<Self> {
        // SAFETY: as required of the caller.
        Some(unsafe { T::load(row, first) })
    }
}

macro_rules! tuple {
    ($($part:ident $n:literal),+) => {
        // SAFETY: one column for each part, read as its type.
        unsafe impl<$($part: FromRow),+> FromRow for ($($part,)+) {
            const COLUMNS: &'static [Column] = &[$(only($part::COLUMNS)),+];

            #[inline]
            unsafe fn load(row: &Row<'_>, first: usize) -> Option<Self> {
                // SAFETY: as required of the caller.
                Some(unsafe { ($($part::load(row, first + $n)?,)+) })
            }
        }
    };
}

tuple!(A 0, B 1);
tuple!(A 0, B 1, C 2);
tuple!(A 0, B 1, C 2, D 3);

/// A row of a table: what a look-up reads.
pub trait TableRow: FromRow {
    /// The table's name, without the schema.
    const TABLE: &'static CStr;
}

/// Declares a struct that is read from a row: each field from the column of its name, or from the columns of a
/// struct that is one itself. `in table` names the table whose columns they are, for a look-up: a unit test compares
/// them with `sql/tables`. The columns of a statement's result are compared with it when the statement first runs.
///
/// `returned` behind it: its columns can be those of a composite type too, as a field of a struct made by `composite!`.
macro_rules! row {
    (@returned $name:ident {
        $($(#[$field_meta:meta])* $field_vis:vis $field:ident: $type:ty),+ $(,)?
    }) => {
        // SAFETY: each field puts its own columns, in order.
        #[allow(unsafe_code)]
        unsafe impl $crate::kernel::server::datum::IntoColumns for $name {
            const COLUMNS: &'static [$crate::kernel::server::columns::Column] =
                <Self as $crate::kernel::server::row::FromRow>::COLUMNS;

            #[inline]
            fn put(self, columns: &mut $crate::kernel::server::datum::Columns<'_>) {
                $($crate::kernel::server::datum::IntoColumns::put(self.$field, columns);)+
            }
        }
    };
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident in $table:ident { $($fields:tt)* } returned
    ) => {
        $crate::kernel::server::row::row! {
            $(#[$meta])* #[derive(Default)] $vis struct $name in $table { $($fields)* }
        }
        $crate::kernel::server::row::row! { @returned $name { $($fields)* } }
    };
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident { $($fields:tt)* } returned
    ) => {
        $crate::kernel::server::row::row! {
            $(#[$meta])* #[derive(Default)] $vis struct $name { $($fields)* }
        }
        $crate::kernel::server::row::row! { @returned $name { $($fields)* } }
    };
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident in $table:ident { $($fields:tt)* }
    ) => {
        $crate::kernel::server::row::row! { $(#[$meta])* $vis struct $name { $($fields)* } }

        impl $crate::kernel::server::row::TableRow for $name {
            const TABLE: &'static std::ffi::CStr =
                $crate::kernel::server::columns::terminated(concat!(stringify!($table), "\0"));
        }

        #[cfg(test)]
        #[test]
        #[allow(non_snake_case)]
        fn $name() {
            $crate::kernel::server::scripts::agrees_with_table::<$name>();
        }
    };
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident {
            $($(#[$field_meta:meta])* $field_vis:vis $field:ident: $type:ty),* $(,)?
        }
    ) => {
        $(#[$meta])*
        $vis struct $name {
            $($(#[$field_meta])* $field_vis $field: $type,)*
        }

        // SAFETY: the columns are the fields', one after the other.
        #[allow(unsafe_code)]
        unsafe impl $crate::kernel::server::row::FromRow for $name {
            const COLUMNS: &'static [$crate::kernel::server::columns::Column] = {
                #[allow(unused_imports)]
                use $crate::kernel::server::columns::{join, terminated};
                #[allow(unused_imports)]
                use $crate::kernel::server::row::FromRow;
                &join::<{ 0 $(+ <$type as FromRow>::COLUMNS.len())* }>(&[$((
                    terminated(concat!(stringify!($field), "\0")),
                    <$type as FromRow>::COLUMNS,
                    <$type as FromRow>::NULLABLE,
                )),*])
            };

            #[inline]
            #[allow(unused_assignments, unused_imports, unused_mut, unused_variables)]
            unsafe fn load(row: &$crate::kernel::server::row::Row<'_>, first: usize) -> Option<Self> {
                use $crate::kernel::server::row::FromRow;
                let mut next = first;
                Some(Self {
                    $($field: {
                        let column = next;
                        next += <$type as FromRow>::COLUMNS.len();
                        // SAFETY: as required of the caller.
                        unsafe { <$type as FromRow>::load(row, column) }?
                    },)*
                })
            }
        }
    };
}

pub(crate) use row;

/// A row being read.
pub struct Row<'a> {
    values: &'a [pg_sys::Datum],
    nulls: &'a [bool],
    /// Where the columns are, if not in order.
    positions: Option<&'a [u16]>,
}

impl<'a> Row<'a> {
    /// A row over deformed values, which must be valid for as long as the row is.
    pub fn new(values: &'a [pg_sys::Datum], nulls: &'a [bool]) -> Self {
        Self { values, nulls, positions: None }
    }

    /// The same with each column's position among the values.
    pub fn placed(values: &'a [pg_sys::Datum], nulls: &'a [bool], positions: &'a [u16]) -> Self {
        Self { values, nulls, positions: Some(positions) }
    }

    /// The datum of a column; None for NULL.
    #[inline]
    pub fn datum(&self, column: usize) -> Option<pg_sys::Datum> {
        let position = match self.positions {
            Some(positions) => usize::from(*positions.get(column)?),
            None => column,
        };
        if *self.nulls.get(position)? { None } else { self.values.get(position).copied() }
    }
}

#[cfg(test)]
pub mod tests {
    use super::FromRow;
    use crate::kernel::crypto::token_text::Digest;
    use crate::kernel::value::id::Id;
    use pgrx::pg_sys;

    row! {
        #[allow(dead_code)]
        struct Outer {
            id: Id,
            note: Option<String>,
            inner: Option<Inner>,
        }
    }

    row! {
        #[allow(dead_code)]
        struct Inner {
            digest: Digest,
            uses: i32,
        }
    }

    #[test]
    fn a_struct_has_the_columns_of_its_fields() {
        let columns: Vec<_> = Outer::COLUMNS
            .iter()
            .map(|column| (column.name.to_string_lossy(), column.type_oid, column.nullable))
            .collect();
        let expected = [
            ("id".into(), pg_sys::UUIDOID, false),
            ("note".into(), pg_sys::TEXTOID, true),
            ("digest".into(), pg_sys::BYTEAOID, true),
            ("uses".into(), pg_sys::INT4OID, true),
        ];
        assert_eq!(columns, expected);
    }
}
