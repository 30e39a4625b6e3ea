//! The columns of rows that are read or returned: their names and types, and whether they are those of the catalog.

#![allow(unsafe_code)]

use std::ffi::{CStr, CString};

use pgrx::prelude::*;

use crate::kernel::outcome::Mistake;

/// A column that is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Column {
    /// Empty for a single value, which has the name of the field it is read into.
    pub name: &'static CStr,
    pub type_oid: pg_sys::Oid,
    pub nullable: bool,
}

/// The single column of a value.
pub const fn only(columns: &[Column]) -> Column {
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

/// A text that a macro has put together. It must end with its only NUL, which is checked at compile time.
pub const fn terminated(text: &'static str) -> &'static CStr {
    match CStr::from_bytes_with_nul(text.as_bytes()) {
        Ok(text) => text,
        Err(_) => unreachable!(),
    }
}

/// The text of a statement, with the columns' names at its mark.
pub fn with_columns(sql: &CStr, columns: &[Column]) -> CString {
    let names: Vec<_> = columns.iter().map(|column| column.name.to_string_lossy()).collect();
    let text = sql.to_string_lossy().replace("{columns}", &names.join(", "));
    CString::new(text).unwrap_or_default()
}

/// Where the columns are in the rows of a table, which is locked: their attribute numbers less one. None for a column
/// that is not there, a mistake for one of another type: somebody has altered the table.
pub fn find_columns<'a>(
    table: pg_sys::Oid,
    columns: impl IntoIterator<Item = &'a Column>,
    positions: &mut [u16],
) -> Result<Option<()>, Mistake> {
    for (column, position) in columns.into_iter().zip(positions) {
        // SAFETY: catalog look-ups by oid and valid C string.
        let (number, type_oid) = unsafe {
            let number = pg_sys::get_attnum(table, column.name.as_ptr());
            (number, pg_sys::get_atttype(table, number))
        };
        let Some(found) = u16::try_from(number).ok().and_then(|number| number.checked_sub(1)) else {
            return Ok(None);
        };
        if type_oid != column.type_oid {
            return Err(differs(type_oid, column.type_oid));
        }
        *position = found;
    }
    Ok(Some(()))
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

/// The description of a column. It is read without a call of the server, for which each row of a result would pay.
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

/// Compares the columns of a result with those that will be read from it.
///
/// # Safety
/// The descriptor must be valid.
pub unsafe fn fits(descriptor: pg_sys::TupleDesc, columns: &[Column], named: bool) -> Result<(), Mistake> {
    // SAFETY: as required of the caller; no attribute is read that is not there.
    unsafe {
        if usize::try_from((*descriptor).natts) != Ok(columns.len()) {
            return Err(other_columns());
        }
        for (n, column) in columns.iter().enumerate() {
            let attribute = attribute(descriptor, n as i32);
            if (*attribute).atttypid != column.type_oid {
                return Err(differs((*attribute).atttypid, column.type_oid));
            }
            let name = CStr::from_ptr((*attribute).attname.data.as_ptr());
            if named && !column.name.is_empty() && name != column.name {
                return Err(other_columns());
            }
        }
    }
    Ok(())
}

#[cold]
fn other_columns() -> Mistake {
    Mistake::TypeDiffers("a statement returns other columns than are read".into())
}

#[cfg(test)]
mod tests {
    use super::{Column, with_columns};
    use pgrx::pg_sys;

    #[test]
    fn columns_are_named_where_the_text_says_so() {
        let column = |name| Column { name, type_oid: pg_sys::TEXTOID, nullable: false };
        let columns = [column(c"id"), column(c"scope")];
        let text = |sql| with_columns(sql, &columns).into_string().unwrap_or_default();
        assert_eq!(text(c"SELECT {columns} FROM t"), "SELECT id, scope FROM t");
        assert_eq!(
            text(c"UPDATE t SET a = '{}' RETURNING {columns}"),
            "UPDATE t SET a = '{}' RETURNING id, scope"
        );
        assert_eq!(text(c"SELECT id FROM t"), "SELECT id FROM t");
    }
}
