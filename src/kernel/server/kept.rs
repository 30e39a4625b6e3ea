//! What a place in a plan keeps of who is behind the transaction: a policy asks the same of each row, so the answer is
//! found out once, and given again for as long as nothing has changed that it may depend on.

#![allow(unsafe_code)]

use std::marker::PhantomData;

use pgrx::callconv::{Arg, ArgAbi, BoxRet, FcInfo};
use pgrx::nullable::Nullable;
use pgrx::pgrx_sql_entity_graph::metadata::{
    ArgumentError, ReturnsError, ReturnsRef, SqlMappingRef, SqlTranslatable, TypeOrigin,
};
use pgrx::prelude::*;
use pgrx::{FromDatum, IntoDatum, PgMemoryContexts, impl_sql_translatable};

use crate::kernel::server::principal::{State, state};

/// The result of a function: what `ask` says of the arguments, in the transaction's present [`State`]. Where they are
/// constants of the plan, its place keeps the answer.
pub struct Kept<T, A = ()> {
    arguments: A,
    ask: fn(A) -> Option<T>,
}

impl<T, A> Kept<T, A> {
    /// What this says of the arguments. It is not asked again before the state is another one.
    pub fn new(arguments: A, ask: fn(A) -> Option<T>) -> Self {
        Self { arguments, ask }
    }
}

/// What is kept, in the memory of the place.
struct Site {
    /// In which the answer holds; None: what is asked differs from call to call.
    state: Option<State>,
    datum: pg_sys::Datum,
    is_null: bool,
}

// SAFETY: the datum is one of T, which is what the function is declared to return.
unsafe impl<T: IntoDatum, A> BoxRet for Kept<T, A> {
    #[inline]
    unsafe fn box_into<'fcx>(self, fcinfo: &mut FcInfo<'fcx>) -> pgrx::datum::Datum<'fcx> {
        let state = state();
        // SAFETY: the call info of a running function; nobody else uses the place's memory.
        unsafe {
            let site = (*(*fcinfo.as_mut_ptr()).flinfo).fn_extra.cast::<Site>();
            if !site.is_null() && (*site).state == Some(state) {
                *fcinfo.set_return_is_null() = (*site).is_null;
                return std::mem::transmute::<pg_sys::Datum, pgrx::datum::Datum<'fcx>>((*site).datum);
            }
            self.ask(fcinfo, state)
        }
    }
}

impl<T: IntoDatum, A> Kept<T, A> {
    /// # Safety
    /// To be called with the call info of the running function, which returns a T.
    #[cold]
    unsafe fn ask<'fcx>(self, fcinfo: &mut FcInfo<'fcx>, state: State) -> pgrx::datum::Datum<'fcx> {
        let answer = (self.ask)(self.arguments);
        // SAFETY: as required of the caller. What is kept lives in the memory of the place, which ends with it. A value
        // that another replaces was the result for another row, which nobody reads by now: its memory may have been
        // that of the row.
        unsafe {
            let place = &mut *(*fcinfo.as_mut_ptr()).flinfo;
            let memory = || PgMemoryContexts::For(place.fn_mcxt);
            let mut site = place.fn_extra.cast::<Site>();
            if site.is_null() {
                let state = has_constant_arguments(place).then_some(state);
                let none = Site { state, datum: pg_sys::Datum::null(), is_null: true };
                site = memory().palloc_struct::<Site>();
                site.write(none);
                place.fn_extra = site.cast();
            }
            let site = &mut *site;
            let datum = if site.state.is_some() {
                let datum = memory().switch_to(|_| answer.into_datum());
                if !site.is_null && !pg_sys::get_typbyval(T::type_oid()) {
                    pg_sys::pfree(site.datum.cast_mut_ptr());
                }
                *site = Site {
                    state: Some(state),
                    datum: datum.unwrap_or(pg_sys::Datum::null()),
                    is_null: datum.is_none(),
                };
                datum
            } else {
                answer.into_datum()
            };
            match datum {
                Some(datum) => fcinfo.return_raw_datum(datum),
                None => fcinfo.return_null(),
            }
        }
    }
}

/// Whether each call from this place has the same arguments. A parameter is none: a procedural language keeps the place
/// while its variables change.
///
/// # Safety
/// To be called with what the server knows of a running function.
unsafe fn has_constant_arguments(place: &pg_sys::FmgrInfo) -> bool {
    if place.fn_nargs == 0 {
        return true;
    }
    // SAFETY: a call's expression, if the server says it; its arguments are a list of nodes.
    unsafe {
        if place.fn_expr.is_null() || !pgrx::is_a(place.fn_expr, pg_sys::NodeTag::T_FuncExpr) {
            return false;
        }
        let arguments = (*place.fn_expr.cast::<pg_sys::FuncExpr>()).args;
        let count = usize::try_from((*arguments).length).unwrap_or(0);
        std::slice::from_raw_parts((*arguments).elements, count)
            .iter()
            .all(|argument| pgrx::is_a(argument.ptr_value.cast(), pg_sys::NodeTag::T_Const))
    }
}

// SAFETY: in SQL it is a T.
unsafe impl<T: SqlTranslatable, A> SqlTranslatable for Kept<T, A> {
    const TYPE_IDENT: &'static str = T::TYPE_IDENT;
    const TYPE_ORIGIN: TypeOrigin = T::TYPE_ORIGIN;
    const ARGUMENT_SQL: Result<SqlMappingRef, ArgumentError> = T::ARGUMENT_SQL;
    const RETURN_SQL: Result<ReturnsRef, ReturnsError> = T::RETURN_SQL;
}

/// An argument of type text that is read only where it is asked for.
#[derive(Clone, Copy)]
pub struct Unread<'a>(pg_sys::Datum, PhantomData<&'a str>);

impl<'a> Unread<'a> {
    /// The text.
    pub fn read(self) -> Option<&'a str> {
        // SAFETY: the function's argument is declared as a text, and lives as long as its call.
        unsafe { <&str>::from_datum(self.0, false) }
    }
}

// SAFETY: the argument is declared as text, and its datum is what the server passes.
unsafe impl<'fcx> ArgAbi<'fcx> for Unread<'fcx> {
    #[inline]
    unsafe fn unbox_arg_unchecked(arg: Arg<'_, 'fcx>) -> Self {
        // SAFETY: as above; a NULL is only unboxed through unbox_nullable_arg.
        let datum = unsafe { arg.unbox_arg_using_from_datum() };
        Self(datum.unwrap_or(pg_sys::Datum::null()), PhantomData)
    }

    #[inline]
    unsafe fn unbox_nullable_arg(arg: Arg<'_, 'fcx>) -> Nullable<Self> {
        // SAFETY: as above.
        let datum: Option<pg_sys::Datum> = unsafe { arg.unbox_arg_using_from_datum() };
        datum.map(|datum| Self(datum, PhantomData)).into()
    }
}

impl_sql_translatable!(Unread<'_>, "text");
