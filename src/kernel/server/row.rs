//! Rows in and out: reading the columns of one, and returning one as a composite type.

#![allow(unsafe_code)]

use std::ffi::CStr;

use pgrx::callconv::FcInfo;
use pgrx::prelude::*;
use pgrx::{FromDatum, IntoDatum};
use zeroize::Zeroizing;

use crate::kernel::outcome::{Mistake, OrRaise};
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::id::Id;
use crate::kernel::value::inet::{Cidrs, Inet};
use crate::kernel::value::jsonb::Jsonb;

/// A type that a column can be read as, and the column's type.
pub trait Readable: FromDatum {
    /// The type of PostgreSQL.
    const TYPE: pg_sys::Oid;
}

macro_rules! readable {
    ($($rust:ty: $sql:ident),+ $(,)?) => { $(impl Readable for $rust { const TYPE: pg_sys::Oid = pg_sys::$sql; })+ };
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

    /// The value of a column; None for NULL. A column of another type than the one asked for, because somebody
    /// has altered the table, is raised as a mistake: read as another type, it would end the server.
    pub fn get<T: Readable>(&self, column: usize) -> Option<T> {
        let position = match self.positions {
            Some(positions) => usize::from(*positions.get(column)?),
            None => column,
        };
        let (value, null) = (self.values.get(position)?, self.nulls.get(position)?);
        let found = *self.types.get(column)?;
        if found != T::TYPE {
            differs(found, T::TYPE);
        }
        // SAFETY: see Row::new; the type is the value's.
        unsafe { T::from_datum(*value, *null) }
    }
}

#[cold]
fn differs(found: pg_sys::Oid, wanted: pg_sys::Oid) {
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
    Err::<(), _>(Mistake::TypeDiffers(what.into())).or_raise();
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

/// The columns of a composite result, collected in order.
#[derive(Default)]
pub struct Columns {
    values: Vec<pg_sys::Datum>,
    nulls: Vec<bool>,
    types: Vec<pg_sys::Oid>,
}

impl Columns {
    /// Room for `count` columns.
    pub fn with_capacity(count: usize) -> Self {
        Self {
            values: Vec::with_capacity(count),
            nulls: Vec::with_capacity(count),
            types: Vec::with_capacity(count),
        }
    }

    /// Adds a column.
    pub fn push<T: IntoDatum>(&mut self, value: T) {
        let datum = value.into_datum();
        self.nulls.push(datum.is_none());
        self.values.push(datum.unwrap_or(pg_sys::Datum::null()));
        self.types.push(T::type_oid());
    }

    /// The tuple, as the function's declared result type.
    ///
    /// # Safety
    /// To be called with the call info of the running function, whose result is a named composite type.
    pub unsafe fn into_tuple(mut self, fcinfo: &mut FcInfo<'_>) -> pg_sys::Datum {
        // SAFETY: the call info of a running function names it; its result type is looked up in the
        // type cache, whose reference is given back.
        unsafe {
            let function = (*(*fcinfo.as_mut_ptr()).flinfo).fn_oid;
            let descriptor = pg_sys::lookup_rowtype_tupdesc(pg_sys::get_func_rettype(function), -1);
            let matches = (*descriptor).natts as usize == self.types.len()
                && self
                    .types
                    .iter()
                    .enumerate()
                    .all(|(n, oid)| (*attribute(descriptor, n as i32)).atttypid == *oid);
            if !matches {
                pg_sys::DecrTupleDescRefCount(descriptor);
                Err::<(), _>(Mistake::DefinitionDiffers).or_raise();
            }
            let tuple =
                pg_sys::heap_form_tuple(descriptor, self.values.as_mut_ptr(), self.nulls.as_mut_ptr());
            if (*descriptor).tdrefcount >= 0 {
                pg_sys::DecrTupleDescRefCount(descriptor);
            }
            pg_sys::HeapTupleHeaderGetDatum((*tuple).t_data)
        }
    }
}

/// A secret on its way to the caller: a `text` whose Rust copy is wiped.
pub struct WipedText(pub Zeroizing<String>);

impl IntoDatum for WipedText {
    fn into_datum(self) -> Option<pg_sys::Datum> {
        self.0.as_str().into_datum()
    }

    fn type_oid() -> pg_sys::Oid {
        pg_sys::TEXTOID
    }
}

/// Declares a Rust struct that is returned as the composite type of that name. The type is created in
/// `sql/types.sql`; a difference between the two is an error at the first call.
macro_rules! composite {
    (
        $(#[$meta:meta])*
        pub struct $name:ident = $sql:literal {
            $($(#[$field_meta:meta])* pub $field:ident: $type:ty,)+
        }
    ) => {
        $(#[$meta])*
        #[derive(Default)]
        pub struct $name {
            $($(#[$field_meta])* pub $field: $type,)+
        }

        pgrx::impl_sql_translatable!($name, $sql);

        // SAFETY: the datum is a tuple of the function's declared result type, checked column by column.
        #[allow(unsafe_code)]
        unsafe impl pgrx::callconv::BoxRet for $name {
            unsafe fn box_into<'fcx>(
                self,
                fcinfo: &mut pgrx::callconv::FcInfo<'fcx>,
            ) -> pgrx::datum::Datum<'fcx> {
                let mut columns = $crate::kernel::server::row::Columns::with_capacity(32);
                $(columns.push(self.$field);)+
                // SAFETY: pgrx calls this with the call info of the running function.
                unsafe {
                    let tuple = columns.into_tuple(fcinfo);
                    fcinfo.return_raw_datum(tuple)
                }
            }
        }
    };
}

pub(crate) use composite;
