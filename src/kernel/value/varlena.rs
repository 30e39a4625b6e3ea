//! Types of the server that Rust keeps as the bytes they are on disk, and arguments that are read by their datum.

/// Reads and makes values of a type of the server that is stored like `bytea`: `struct Name(Vec<u8>)`.
macro_rules! varlena {
    ($name:ident = $sql:literal, $oid:ident) => {
        pgrx::impl_sql_translatable!($name, $sql);

        impl pgrx::FromDatum for $name {
            unsafe fn from_polymorphic_datum(
                datum: pgrx::pg_sys::Datum,
                is_null: bool,
                oid: pgrx::pg_sys::Oid,
            ) -> Option<Self> {
                // SAFETY: the type is a varlena like bytea, and the caller passes one.
                unsafe { Vec::<u8>::from_polymorphic_datum(datum, is_null, oid) }.map(Self)
            }
        }

        impl pgrx::IntoDatum for $name {
            fn into_datum(self) -> Option<pgrx::pg_sys::Datum> {
                $crate::kernel::value::memory::varlena(&self.0)
            }

            fn type_oid() -> pgrx::pg_sys::Oid {
                pgrx::pg_sys::$oid
            }
        }

        $crate::kernel::value::varlena::argument!($name, Self(Vec::new()));
    };
}

/// Lets a function take an argument that is read by its datum; the second is what a NULL would be, which no function
/// sees: it takes an Option.
macro_rules! argument {
    ($name:ident, $null:expr) => {
        // SAFETY: the argument is declared as the type of which the datum is read, see impl_sql_translatable.
        unsafe impl<'fcx> pgrx::callconv::ArgAbi<'fcx> for $name {
            unsafe fn unbox_arg_unchecked(arg: pgrx::callconv::Arg<'_, 'fcx>) -> Self {
                // SAFETY: as above; a NULL is only unboxed through unbox_nullable_arg.
                unsafe { arg.unbox_arg_using_from_datum() }.unwrap_or($null)
            }

            unsafe fn unbox_nullable_arg(
                arg: pgrx::callconv::Arg<'_, 'fcx>,
            ) -> pgrx::nullable::Nullable<Self> {
                // SAFETY: as above.
                unsafe { arg.unbox_arg_using_from_datum() }.into()
            }
        }
    };
}

pub(crate) use {argument, varlena};
