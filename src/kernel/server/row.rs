//! Rows that are read, their columns by name: see [`row!`].

#![allow(unsafe_code)]

use std::ffi::CStr;

use pgrx::FromDatum;
use pgrx::prelude::*;

use crate::kernel::crypto::token_text::Digest;
use crate::kernel::outcome::{Mistake, OrRaise};
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::id::Id;
use crate::kernel::value::inet::{Cidrs, Inet};
use crate::kernel::value::jsonb::Jsonb;

/// A value that a column can hold.
pub trait Readable: Sized {
    /// The type of PostgreSQL.
    const TYPE: pg_sys::Oid;

    /// Reads a value that is not NULL; None for one that says nothing.
    ///
    /// # Safety
    /// The datum must be of the type.
    unsafe fn read(datum: pg_sys::Datum) -> Option<Self>;
}

macro_rules! readable {
    ($($rust:ty: $sql:ident),+ $(,)?) => { $(
        impl Readable for $rust {
            const TYPE: pg_sys::Oid = pg_sys::$sql;

            unsafe fn read(datum: pg_sys::Datum) -> Option<Self> {
                // SAFETY: as required of the caller.
                unsafe { Self::from_datum(datum, false) }
            }
        }
    )+ };
}

readable! {
    &str: TEXTOID,
    String: TEXTOID,
    Vec<u8>: BYTEAOID,
    &[u8]: BYTEAOID,
    bool: BOOLOID,
    i32: INT4OID,
    i64: INT8OID,
    f32: FLOAT4OID,
    f64: FLOAT8OID,
    pg_sys::Oid: OIDOID,
    Id: UUIDOID,
    Timestamp: TIMESTAMPTZOID,
    Jsonb: JSONBOID,
    Inet: INETOID,
    Cidrs: CIDRARRAYOID,
    Vec<Option<String>>: TEXTARRAYOID,
    Vec<String>: TEXTARRAYOID,
}

/// One of the words that a column of type `text` may hold.
pub trait Word: Sized {
    /// What the word stands for; None for one that stands for nothing.
    fn of(word: &str) -> Option<Self>;
}

impl<T: Word> Readable for T {
    const TYPE: pg_sys::Oid = pg_sys::TEXTOID;

    unsafe fn read(datum: pg_sys::Datum) -> Option<Self> {
        // SAFETY: as required of the caller. The text is not kept.
        unsafe { <&str>::from_datum(datum, false) }.and_then(Self::of)
    }
}

impl Readable for Digest {
    const TYPE: pg_sys::Oid = pg_sys::BYTEAOID;

    unsafe fn read(datum: pg_sys::Datum) -> Option<Self> {
        // SAFETY: as required of the caller. The bytes are copied.
        unsafe { <&[u8]>::from_datum(datum, false) }.and_then(|bytes| bytes.try_into().ok())
    }
}

/// A column that is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Column {
    /// Empty for a single value, which has the name of the field it is read into.
    pub name: &'static CStr,
    pub type_oid: pg_sys::Oid,
    pub nullable: bool,
}

/// What can be read from columns of a row: a value, a struct made by [`row!`], an Option or a tuple of those.
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

/// The single column of a value.
const fn only(columns: &[Column]) -> Column {
    match columns {
        [one] => *one,
        _ => unreachable!(),
    }
}

/// The columns of a struct's fields: for [`row!`].
pub const fn join<const N: usize>(fields: &[(&'static CStr, &'static [Column], bool)]) -> [Column; N] {
    let mut joined = [Column { name: c"", type_oid: pg_sys::InvalidOid, nullable: false }; N];
    let (mut field, mut at) = (0, 0);
    while field < fields.len() {
        let (name, columns, nullable) = fields[field];
        let mut n = 0;
        while n < columns.len() {
            let column = columns[n];
            joined[at] = Column {
                name: if column.name.is_empty() { name } else { column.name },
                type_oid: column.type_oid,
                nullable: nullable || column.nullable,
            };
            (n, at) = (n + 1, at + 1);
        }
        field += 1;
    }
    joined
}

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
        impl $crate::kernel::server::composite::IntoColumns for $name {
            const COLUMNS: &'static [$crate::kernel::server::row::Column] =
                <Self as $crate::kernel::server::row::FromRow>::COLUMNS;

            #[inline]
            fn put(self, columns: &mut $crate::kernel::server::composite::Columns<'_>) {
                $($crate::kernel::server::composite::IntoColumns::put(self.$field, columns);)+
            }
        }
    };
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident in $table:ident { $($fields:tt)* } returned
    ) => {
        $crate::kernel::server::row::row! { $(#[$meta])* #[derive(Default)] $vis struct $name in $table { $($fields)* } }
        $crate::kernel::server::row::row! { @returned $name { $($fields)* } }
    };
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident { $($fields:tt)* } returned
    ) => {
        $crate::kernel::server::row::row! { $(#[$meta])* #[derive(Default)] $vis struct $name { $($fields)* } }
        $crate::kernel::server::row::row! { @returned $name { $($fields)* } }
    };
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident in $table:ident { $($fields:tt)* }
    ) => {
        $crate::kernel::server::row::row! { $(#[$meta])* $vis struct $name { $($fields)* } }

        impl $crate::kernel::server::row::TableRow for $name {
            const TABLE: &'static std::ffi::CStr = $crate::kernel::server::row::c_name(concat!(stringify!($table), "\0"));
        }

        #[cfg(test)]
        #[test]
        #[allow(non_snake_case)]
        fn $name() {
            $crate::kernel::server::row::tests::agrees::<$name>();
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
            const COLUMNS: &'static [$crate::kernel::server::row::Column] = {
                #[allow(unused_imports)]
                use $crate::kernel::server::row::{FromRow, c_name, join};
                &join::<{ 0 $(+ <$type as FromRow>::COLUMNS.len())* }>(&[$((
                    c_name(concat!(stringify!($field), "\0")),
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

/// A name that a macro has put together, with the NUL that ends it.
pub const fn c_name(name: &'static str) -> &'static CStr {
    match CStr::from_bytes_with_nul(name.as_bytes()) {
        Ok(name) => name,
        Err(_) => unreachable!(),
    }
}

/// A row being read; columns are numbered from 0 in the order the statement or look-up names them.
pub struct Row<'a> {
    values: &'a [pg_sys::Datum],
    nulls: &'a [bool],
    types: &'a [pg_sys::Oid],
    /// Where the columns are, if not in order.
    positions: Option<&'a [u16]>,
}

impl<'a> Row<'a> {
    /// A row over deformed values.
    ///
    /// # Safety
    /// The values must be of the types, and valid for as long as the row is.
    pub unsafe fn new(values: &'a [pg_sys::Datum], nulls: &'a [bool], types: &'a [pg_sys::Oid]) -> Self {
        Self { values, nulls, types, positions: None }
    }

    /// As [`Row::new`], with each column's position among the values; the types are in the columns' order.
    ///
    /// # Safety
    /// As of [`Row::new`].
    pub unsafe fn placed(
        values: &'a [pg_sys::Datum],
        nulls: &'a [bool],
        types: &'a [pg_sys::Oid],
        positions: &'a [u16],
    ) -> Self {
        Self { values, nulls, types, positions: Some(positions) }
    }

    /// The datum of a column; None for NULL.
    #[inline]
    fn datum(&self, column: usize) -> Option<pg_sys::Datum> {
        let position = match self.positions {
            Some(positions) => usize::from(*positions.get(column)?),
            None => column,
        };
        if *self.nulls.get(position)? { None } else { self.values.get(position).copied() }
    }

    /// The value of a column; None for NULL. A column of another type than the one asked for, because somebody
    /// has altered the table, is raised as a mistake: read as another type, it would end the server.
    pub fn get<T: Readable>(&self, column: usize) -> Option<T> {
        let found = *self.types.get(column)?;
        if found != T::TYPE {
            Err::<(), _>(differs(found, T::TYPE)).or_raise();
        }
        // SAFETY: see Row::new; the type is the value's.
        self.datum(column).and_then(|datum| unsafe { T::read(datum) })
    }
}

/// The mistake of a column that somebody has altered: read as another type, it would end the server.
#[cold]
pub fn differs(found: pg_sys::Oid, wanted: pg_sys::Oid) -> Mistake {
    // SAFETY: the server's name of a type, also of one that is gone.
    let name = |oid| unsafe {
        let name = pg_sys::format_type_extended(oid, -1, pg_sys::FORMAT_TYPE_INVALID_AS_NULL as u16);
        if name.is_null() {
            String::from("unknown")
        } else {
            CStr::from_ptr(name).to_string_lossy().into_owned()
        }
    };
    let what = format!("a column that is {} where {} is expected", name(found), name(wanted));
    Mistake::TypeDiffers(what.into())
}

/// The description of a column. Without a call of the server, which each row of a result would pay for.
///
/// # Safety
/// The descriptor must be valid and have an attribute of this position.
pub unsafe fn attribute(descriptor: pg_sys::TupleDesc, position: i32) -> pg_sys::Form_pg_attribute {
    // SAFETY: as required of the caller.
    #[cfg(not(feature = "pg18"))]
    unsafe {
        (*descriptor).attrs.as_mut_ptr().add(position as usize)
    }
    // SAFETY: as required of the caller.
    #[cfg(feature = "pg18")]
    unsafe {
        pg_sys::TupleDescAttr(descriptor, position)
    }
}

#[cfg(test)]
pub mod tests {
    use std::collections::HashMap;
    use std::fs;
    use std::path::Path;

    use super::{Column, Digest, FromRow, TableRow};
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

    #[test]
    fn a_definition_is_read() {
        let sql = "CREATE TABLE IF NOT EXISTS auth_store.t (\n    id text COLLATE \"C\" NOT NULL,\n    n  integer,\n    \
                   CONSTRAINT t_pkey PRIMARY KEY (id)\n) WITH (fillfactor = 80);";
        let column = |sql_type: &str, nullable| (sql_type.to_owned(), nullable);
        let columns = HashMap::from([
            ("id".to_owned(), column("text", false)),
            ("n".to_owned(), column("integer", true)),
        ]);
        assert_eq!(definitions(sql), HashMap::from([("t".to_owned(), columns)]));
    }

    /// The columns of each table that a script creates: type, and whether it may be NULL.
    fn definitions(sql: &str) -> HashMap<String, HashMap<String, (String, bool)>> {
        let tables = sql.split("CREATE TABLE IF NOT EXISTS auth_store.").skip(1);
        tables
            .filter_map(|text| {
                let (name, rest) = text.split_once(" (\n")?;
                let (body, _) = rest.split_once("\n)")?;
                let columns = body.lines().filter_map(|line| {
                    let (column, rest) = line.trim().split_once(' ')?;
                    let words: Vec<_> = rest.trim_end_matches(',').split_whitespace().collect();
                    let end = words
                        .iter()
                        .position(|word| ["COLLATE", "NOT", "DEFAULT", "GENERATED"].contains(word));
                    let sql_type = words.get(..end.unwrap_or(words.len()))?.join(" ");
                    let is_column =
                        column.chars().all(|c| c.is_ascii_lowercase() || c == '_' || c.is_ascii_digit());
                    is_column.then(|| (column.to_owned(), (sql_type, !rest.contains("NOT NULL"))))
                });
                Some((name.to_owned(), columns.collect()))
            })
            .collect()
    }

    /// The name of a type in the scripts.
    pub fn sql_type(oid: pg_sys::Oid) -> &'static str {
        match oid {
            pg_sys::TEXTOID => "text",
            pg_sys::BYTEAOID => "bytea",
            pg_sys::BOOLOID => "boolean",
            pg_sys::INT4OID => "integer",
            pg_sys::INT8OID => "bigint",
            pg_sys::FLOAT4OID => "real",
            pg_sys::FLOAT8OID => "double precision",
            pg_sys::OIDOID => "oid",
            pg_sys::UUIDOID => "uuid",
            pg_sys::TIMESTAMPTZOID => "timestamptz",
            pg_sys::JSONBOID => "jsonb",
            pg_sys::INETOID => "inet",
            pg_sys::CIDRARRAYOID => "cidr[]",
            pg_sys::TEXTARRAYOID => "text[]",
            pg_sys::INT4ARRAYOID => "integer[]",
            _ => "unknown",
        }
    }

    /// The script of that name in `sql`, and all scripts in the folder of that name.
    pub fn script(name: &str) -> String {
        let sql = Path::new(env!("CARGO_MANIFEST_DIR")).join("sql");
        let folder = fs::read_dir(sql.join(name)).into_iter().flatten().flatten().map(|file| file.path());
        let files = [sql.join(format!("{name}.sql"))].into_iter().chain(folder);
        files.filter_map(|file| fs::read_to_string(file).ok()).collect()
    }

    /// Every column of a struct is one of its table, of the type that is read; and never NULL where it must not be.
    pub fn agrees<R: TableRow>() {
        let name = R::TABLE.to_string_lossy();
        let tables = definitions(&script("tables"));
        let table = tables.get(&*name);
        assert!(table.is_some(), "no table {name}");
        for Column { name: column, type_oid, nullable } in R::COLUMNS {
            let column = column.to_string_lossy();
            let found = table.and_then(|table| table.get(&*column));
            assert!(found.is_some(), "{name} has no column {column}");
            assert_eq!(
                found.map(|(sql_type, _)| sql_type.as_str()),
                Some(sql_type(*type_oid)),
                "{name}.{column}"
            );
            assert!(*nullable || found.is_some_and(|(_, null)| !null), "{name}.{column} may be NULL");
        }
    }
}
