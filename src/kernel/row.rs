//! Rows in and out: reading the columns of one, and returning one as a composite type.

#![allow(unsafe_code)]

use pgrx::callconv::FcInfo;
use pgrx::prelude::*;
use pgrx::{FromDatum, IntoDatum};
use zeroize::Zeroizing;

use super::outcome::{Mistake, OrRaise};

/// A row being read; columns are numbered from 0 in the order the statement or look-up names them.
pub struct Row<'a> {
    values: &'a [pg_sys::Datum],
    nulls: &'a [bool],
    /// Where the columns are, if not in order.
    positions: Option<&'a [usize]>,
}

impl<'a> Row<'a> {
    /// A row over deformed values.
    ///
    /// # Safety
    /// The values must be valid for as long as the row is, and of the types that [`Row::get`] is called with.
    pub unsafe fn new(
        values: &'a [pg_sys::Datum],
        nulls: &'a [bool],
        positions: Option<&'a [usize]>,
    ) -> Self {
        Self { values, nulls, positions }
    }

    /// The value of a column; None for NULL.
    pub fn get<T: FromDatum>(&self, column: usize) -> Option<T> {
        let position = match self.positions {
            Some(positions) => *positions.get(column)?,
            None => column,
        };
        let (value, null) = (self.values.get(position)?, self.nulls.get(position)?);
        // SAFETY: see Row::new; the statements and look-ups name columns of the types read here.
        unsafe { T::from_datum(*value, *null) }
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
                    .all(|(n, oid)| pg_sys::SPI_gettypeid(descriptor, n as i32 + 1) == *oid);
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
#[macro_export]
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
                let mut columns = $crate::kernel::row::Columns::with_capacity(32);
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
