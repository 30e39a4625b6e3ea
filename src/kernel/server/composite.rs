//! Rows that are returned, as a composite type with their columns by name: see [`composite!`].

#![allow(unsafe_code)]

use std::cell::Cell;

use pgrx::IntoDatum;
use pgrx::callconv::FcInfo;
use pgrx::memcxt::PgMemoryContexts;
use pgrx::prelude::*;
use zeroize::Zeroizing;

use crate::kernel::outcome::{Mistake, OrRaise};
use crate::kernel::server::catalog;
use crate::kernel::server::cell::BackendCell;
use crate::kernel::server::columns::{Column, fits};
use crate::kernel::server::datum::{Columns, IntoColumns, Returned};
use crate::kernel::server::function_scan::receiver::{Receiver, tuple};

/// The description of a composite type, valid as long as the catalog does not change.
pub struct Shape(BackendCell<Cell<Option<Known>>>);

#[derive(Clone, Copy)]
struct Known {
    generation: u32,
    /// The last function that returned it.
    function: pg_sys::Oid,
    type_oid: pg_sys::Oid,
    /// A copy that lives until the type is described anew.
    descriptor: pg_sys::TupleDesc,
}

impl Shape {
    /// Of a type that no call has returned yet.
    pub const fn new() -> Self {
        Self(BackendCell::new(Cell::new(None)))
    }

    /// The tuple of these columns, as the function's declared result type; nothing where the caller has named a
    /// receiver, which then has the row.
    ///
    /// # Safety
    /// To be called with the call info of the running function, whose result is a named composite type, always for
    /// the same R.
    #[inline]
    pub unsafe fn tuple<R: IntoColumns, const N: usize>(
        &self,
        fcinfo: &mut FcInfo<'_>,
        result: R,
    ) -> pg_sys::Datum {
        const { assert!(N == R::COLUMNS.len() && N <= 64) };
        let (mut values, mut nulls) = ([pg_sys::Datum::null(); N], [true; N]);
        // SAFETY: the call info of a running function names it. The values are as many, and of the types, as the
        // descriptor's columns.
        unsafe {
            let call = fcinfo.as_mut_ptr();
            let receiver = Receiver::of(call);
            let wanted = receiver.as_ref().map_or(u64::MAX, |receiver| receiver.mask());
            result.put(&mut Columns::new(&mut values, &mut nulls, wanted));
            let descriptor = self.descriptor((*(*call).flinfo).fn_oid, R::COLUMNS);
            match receiver {
                None => tuple(descriptor, &mut values, &mut nulls),
                Some(receiver) => {
                    receiver.put(descriptor, R::COLUMNS, &mut values, &mut nulls).or_raise();
                    pg_sys::Datum::null()
                }
            }
        }
    }

    /// The description of the function's result type, which has these columns.
    fn descriptor(&self, function: pg_sys::Oid, columns: &[Column]) -> pg_sys::TupleDesc {
        let known = self.0.get().filter(|known| known.generation == catalog::generation());
        if let Some(known) = known
            && known.function == function
        {
            return known.descriptor;
        }
        // SAFETY: a catalog look-up by oid.
        let type_oid = unsafe { pg_sys::get_func_rettype(function) };
        if let Some(known) = known
            && known.type_oid == type_oid
        {
            self.0.set(Some(Known { function, ..known }));
            return known.descriptor;
        }
        self.learn(function, type_oid, columns)
    }

    #[cold]
    fn learn(&self, function: pg_sys::Oid, type_oid: pg_sys::Oid, columns: &[Column]) -> pg_sys::TupleDesc {
        // SAFETY: a catalog look-up by oid.
        catalog::track(unsafe { pg_sys::get_typ_typrelid(type_oid) });
        let generation = catalog::generation();
        // SAFETY: the type cache's own description of a composite type, whose reference is given back. Nothing uses the
        // former copy any more.
        unsafe {
            let current = pg_sys::lookup_rowtype_tupdesc(type_oid, -1);
            let fits = fits(current, columns, true).is_ok();
            let descriptor = PgMemoryContexts::TopMemoryContext.switch_to(|_| {
                if fits { pg_sys::CreateTupleDescCopy(current) } else { std::ptr::null_mut() }
            });
            if (*current).tdrefcount >= 0 {
                pg_sys::DecrTupleDescRefCount(current);
            }
            if let Some(former) = self.0.take() {
                pg_sys::FreeTupleDesc(former.descriptor);
            }
            if descriptor.is_null() {
                Err::<(), _>(Mistake::DefinitionDiffers).or_raise();
            }
            self.0.set(Some(Known { generation, function, type_oid, descriptor }));
            descriptor
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

// SAFETY: a text.
unsafe impl Returned for WipedText {
    const TYPE: pg_sys::Oid = pg_sys::TEXTOID;
}

/// Declares a Rust struct that is returned as the composite type of that name, each field as the attribute of its
/// name; a field that is such a struct itself, as all of that one's attributes. The type is created in `sql/types/`:
/// a unit test compares the two, and so does the first call.
///
/// `refused { error, error_description }` behind it makes the function `refused` of it, which answers a refusal in
/// these columns.
macro_rules! composite {
    (
        $(#[$meta:meta])*
        pub struct $name:ident = $sql:literal {
            $($(#[$field_meta:meta])* pub $field:ident: $type:ty,)+
        }
        $(refused { $($column:ident),+ })?
    ) => {
        $(#[$meta])*
        #[derive(Default)]
        pub struct $name {
            $($(#[$field_meta])* pub $field: $type,)+
        }

        $(impl $name {
            /// The answer to what is refused.
            pub fn refused(refusal: &$crate::kernel::outcome::Refusal) -> Self {
                #[allow(clippy::needless_update)]
                Self { $($column: refusal.$column(),)+ ..Self::default() }
            }
        })?

        // SAFETY: each field puts its own columns, in order.
        #[allow(unsafe_code)]
        unsafe impl $crate::kernel::server::datum::IntoColumns for $name {
            const COLUMNS: &'static [$crate::kernel::server::columns::Column] = {
                use $crate::kernel::server::columns::{join, terminated};
                use $crate::kernel::server::datum::IntoColumns;
                &join::<{ 0 $(+ <$type as IntoColumns>::COLUMNS.len())+ }>(&[$((
                    terminated(concat!(stringify!($field), "\0")),
                    <$type as IntoColumns>::COLUMNS,
                    true,
                )),+])
            };

            #[inline]
            fn put(self, columns: &mut $crate::kernel::server::datum::Columns<'_>) {
                $($crate::kernel::server::datum::IntoColumns::put(self.$field, columns);)+
            }
        }

        pgrx::impl_sql_translatable!($name, $sql);

        // SAFETY: the datum is a tuple of the function's declared result type, compared column by column.
        #[allow(unsafe_code)]
        unsafe impl pgrx::callconv::BoxRet for $name {
            unsafe fn box_into<'fcx>(
                self,
                fcinfo: &mut pgrx::callconv::FcInfo<'fcx>,
            ) -> pgrx::datum::Datum<'fcx> {
                use $crate::kernel::server::composite::Shape;
                static SHAPE: Shape = Shape::new();
                const WIDTH: usize = <$name as $crate::kernel::server::datum::IntoColumns>::COLUMNS.len();
                // SAFETY: pgrx calls this with the call info of the running function.
                unsafe {
                    let tuple = SHAPE.tuple::<_, WIDTH>(fcinfo, self);
                    fcinfo.return_raw_datum(tuple)
                }
            }
        }

        #[cfg(test)]
        #[test]
        #[allow(non_snake_case)]
        fn $name() {
            $crate::kernel::server::scripts::agrees_with_type::<$name>($sql);
        }
    };
}

pub(crate) use composite;
