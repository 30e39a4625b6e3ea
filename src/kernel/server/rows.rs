//! The rows that a function returns, handed over all at once. Where they are called for one by one, the server switches
//! to the function's owner and its settings and back for each of them, which costs more than most rows.

#![allow(unsafe_code)]

use std::marker::PhantomData;

use pgrx::callconv::{BoxRet, FcInfo, RetAbi};
use pgrx::pgrx_sql_entity_graph::metadata::{
    ArgumentError, ReturnsError, ReturnsRef, SqlMappingRef, SqlTranslatable, TypeOrigin, setof_return_sql,
};
use pgrx::{PgSqlErrorCode, ereport, pg_sys};

/// The rows of a function that returns many. pgrx knows a function's result by this name.
pub struct SetOfIterator<'a, T>(Vec<T>, PhantomData<&'a ()>);

impl<T> SetOfIterator<'_, T> {
    /// These rows.
    pub fn new(rows: impl IntoIterator<Item = T>) -> Self {
        Self(rows.into_iter().collect(), PhantomData)
    }
}

// SAFETY: as pgrx's own type of this name.
unsafe impl<T: SqlTranslatable> SqlTranslatable for SetOfIterator<'_, T> {
    const TYPE_IDENT: &'static str = T::TYPE_IDENT;
    const TYPE_ORIGIN: TypeOrigin = T::TYPE_ORIGIN;
    const ARGUMENT_SQL: Result<SqlMappingRef, ArgumentError> = Err(ArgumentError::SetOf);
    const RETURN_SQL: Result<ReturnsRef, ReturnsError> = setof_return_sql(T::RETURN_SQL);
}

// SAFETY: the function is called once, and leaves its rows in the place that the server has named.
unsafe impl<T: BoxRet> RetAbi for SetOfIterator<'_, T> {
    type Item = T;
    type Ret = Self;

    fn to_ret(self) -> Self {
        self
    }

    unsafe fn box_ret_in_fcinfo(fcinfo: pg_sys::FunctionCallInfo, ret: Self) -> pg_sys::Datum {
        // SAFETY: the call info of the running function; each row is a tuple, and copied.
        unsafe {
            let place = (*fcinfo).resultinfo.cast::<pg_sys::ReturnSetInfo>();
            let all_at_once = pg_sys::SetFunctionReturnMode::SFRM_Materialize as i32;
            if place.is_null() || (*place).allowedModes & all_at_once == 0 {
                ereport!(
                    ERROR,
                    PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
                    "set-valued function called in context that cannot accept a set"
                );
            }
            let former = pg_sys::MemoryContextSwitchTo((*(*place).econtext).ecxt_per_query_memory);
            let store = pg_sys::tuplestore_begin_heap(true, false, pg_sys::work_mem);
            pg_sys::MemoryContextSwitchTo(former);
            for row in ret.0 {
                let datum = row.box_into(&mut FcInfo::from_ptr(fcinfo));
                let data = datum.sans_lifetime().cast_mut_ptr::<pg_sys::HeapTupleHeaderData>();
                let mut tuple = pg_sys::HeapTupleData {
                    t_len: pgrx::varlena::varsize_4b(data.cast()) as u32,
                    t_data: data,
                    ..pg_sys::HeapTupleData::default()
                };
                pg_sys::tuplestore_puttuple(store, &mut tuple);
            }
            (*place).returnMode = pg_sys::SetFunctionReturnMode::SFRM_Materialize;
            (*place).setResult = store;
            (*fcinfo).isnull = true;
        }
        pg_sys::Datum::null()
    }

    unsafe fn move_into_fcinfo_fcx(self, _: pg_sys::FunctionCallInfo) {}

    unsafe fn fill_fcinfo_fcx(&self, _: pg_sys::FunctionCallInfo) {}
}
