//! Values in and out of columns: which Rust type reads a column of which type, and which becomes one.

#![allow(unsafe_code)]

use pgrx::prelude::*;
use pgrx::{FromDatum, IntoDatum, varatt_is_1b, varatt_is_1b_e, varatt_is_4b_u, varlena_to_byte_slice};

use crate::kernel::crypto::token_text::Digest;
use crate::kernel::server::columns::Column;
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::id::Id;
use crate::kernel::value::inet::{Cidrs, Inet};
use crate::kernel::value::jsonb::Jsonb;
use crate::kernel::value::memory;

/// A value that a column can hold.
///
/// # Safety
/// `read` must read values of [`Readable::TYPE`]: columns are compared with that type, and read unchecked.
pub unsafe trait Readable: Sized {
    /// The type of PostgreSQL.
    const TYPE: pg_sys::Oid;

    /// Reads a value that is not NULL; None for a value without meaning.
    ///
    /// # Safety
    /// The datum must be of the type.
    unsafe fn read(datum: pg_sys::Datum) -> Option<Self>;

    /// The value as the server takes it.
    fn written(self) -> Option<pg_sys::Datum>
    where
        Self: IntoDatum,
    {
        self.into_datum()
    }
}

/// The bytes of a value of variable length. Nearly always they are in the row; the server is asked for those that are
/// compressed or elsewhere only.
///
/// # Safety
/// The datum must be of such a type, and outlive the bytes.
pub unsafe fn bytes<'a>(datum: pg_sys::Datum) -> Option<&'a [u8]> {
    // SAFETY: as required of the caller.
    unsafe {
        let value = datum.cast_mut_ptr::<pg_sys::varlena>();
        if varatt_is_4b_u(value) || (varatt_is_1b(value) && !varatt_is_1b_e(value)) {
            return Some(varlena_to_byte_slice(value));
        }
        <&[u8]>::from_datum(datum, false)
    }
}

/// The same of a text.
///
/// # Safety
/// As of [`bytes`].
pub unsafe fn text<'a>(datum: pg_sys::Datum) -> Option<&'a str> {
    // SAFETY: as required of the caller.
    unsafe { std::str::from_utf8(bytes(datum)?).ok().or_else(|| <&str>::from_datum(datum, false)) }
}

macro_rules! readable {
    ($($rust:ty: $sql:ident),+ $(,)?) => { $(
        // SAFETY: the conversion of each is that of its type.
        unsafe impl Readable for $rust {
            const TYPE: pg_sys::Oid = pg_sys::$sql;

            unsafe fn read(datum: pg_sys::Datum) -> Option<Self> {
                // SAFETY: as required of the caller.
                unsafe { Self::from_datum(datum, false) }
            }
        }
    )+ };
}

readable! {
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
    /// The meaning of the word; None for an unknown word.
    fn of(word: &str) -> Option<Self>;
}

// SAFETY: read as a text.
unsafe impl Readable for String {
    const TYPE: pg_sys::Oid = pg_sys::TEXTOID;

    unsafe fn read(datum: pg_sys::Datum) -> Option<Self> {
        // SAFETY: as required of the caller. The text is copied.
        unsafe { text(datum) }.map(str::to_owned)
    }

    fn written(self) -> Option<pg_sys::Datum> {
        memory::varlena(self.as_bytes())
    }
}

// SAFETY: read as a bytea.
unsafe impl Readable for Vec<u8> {
    const TYPE: pg_sys::Oid = pg_sys::BYTEAOID;

    unsafe fn read(datum: pg_sys::Datum) -> Option<Self> {
        // SAFETY: as required of the caller. The bytes are copied.
        unsafe { bytes(datum) }.map(<[u8]>::to_vec)
    }
}

// SAFETY: a word is read as the text that it is.
unsafe impl<T: Word> Readable for T {
    const TYPE: pg_sys::Oid = pg_sys::TEXTOID;

    unsafe fn read(datum: pg_sys::Datum) -> Option<Self> {
        // SAFETY: as required of the caller. The text is not kept.
        unsafe { text(datum) }.and_then(Self::of)
    }
}

// SAFETY: read as a bytea.
unsafe impl Readable for Digest {
    const TYPE: pg_sys::Oid = pg_sys::BYTEAOID;

    unsafe fn read(datum: pg_sys::Datum) -> Option<Self> {
        // SAFETY: as required of the caller. The bytes are copied.
        unsafe { bytes(datum) }.and_then(|bytes| bytes.try_into().ok())
    }
}

/// A value that becomes a column of a result.
///
/// # Safety
/// The datum must be of [`Returned::TYPE`].
pub unsafe trait Returned: IntoDatum + Sized {
    /// The type of PostgreSQL.
    const TYPE: pg_sys::Oid;

    /// The value as the server takes it.
    fn datum(self) -> Option<pg_sys::Datum> {
        self.into_datum()
    }
}

// SAFETY: what is read from a column of a type is written as one of it.
unsafe impl<T: Readable + IntoDatum> Returned for T {
    const TYPE: pg_sys::Oid = T::TYPE;

    fn datum(self) -> Option<pg_sys::Datum> {
        self.written()
    }
}

// SAFETY: a text.
unsafe impl Returned for &'static str {
    const TYPE: pg_sys::Oid = pg_sys::TEXTOID;

    fn datum(self) -> Option<pg_sys::Datum> {
        memory::varlena(self.as_bytes())
    }
}

/// A value that becomes columns of a result: a single value, an Option of one, or a struct made by [`composite!`]
/// inside another.
///
/// # Safety
/// `put` must add a value for each of [`IntoColumns::COLUMNS`], of its type.
pub unsafe trait IntoColumns {
    /// The columns; a single value has the name of its field.
    const COLUMNS: &'static [Column];

    /// Adds the values.
    fn put(self, columns: &mut Columns<'_>);
}

// SAFETY: one value of its type.
unsafe impl<T: Returned> IntoColumns for T {
    const COLUMNS: &'static [Column] = &[Column { name: c"", type_oid: T::TYPE, nullable: false }];

    #[inline]
    fn put(self, columns: &mut Columns<'_>) {
        columns.add(|| self.datum());
    }
}

// SAFETY: one value of its type, or NULL.
unsafe impl<T: Returned> IntoColumns for Option<T> {
    const COLUMNS: &'static [Column] = T::COLUMNS;

    #[inline]
    fn put(self, columns: &mut Columns<'_>) {
        columns.add(|| self.and_then(T::datum));
    }
}

/// The columns of a result, collected in order; NULL until then.
pub struct Columns<'a> {
    values: &'a mut [pg_sys::Datum],
    nulls: &'a mut [bool],
    /// A bit for each column that is wanted, the next column's the lowest.
    wanted: u64,
    count: usize,
}

impl<'a> Columns<'a> {
    /// None yet; the nulls must all be true. `wanted` has a bit for each column, the first column's the lowest: no
    /// value is made for the others, which stay NULL.
    pub fn new(values: &'a mut [pg_sys::Datum], nulls: &'a mut [bool], wanted: u64) -> Self {
        Self { values, nulls, wanted, count: 0 }
    }

    #[inline]
    fn add(&mut self, datum: impl FnOnce() -> Option<pg_sys::Datum>) {
        if self.wanted & 1 == 1
            && let Some(datum) = datum()
            && let (Some(value), Some(null)) =
                (self.values.get_mut(self.count), self.nulls.get_mut(self.count))
        {
            (*value, *null) = (datum, false);
        }
        self.wanted >>= 1;
        self.count += 1;
    }
}
