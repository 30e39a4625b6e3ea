//! What EXPLAIN shows of the node: what it shows of a FunctionScan.

#![allow(unsafe_code)]

use std::ffi::{CStr, c_char};

use pgrx::prelude::*;

/// The call of the function that a node's plan has.
///
/// # Safety
/// The plan must be one of these nodes'.
pub unsafe fn function_of(plan: *mut pg_sys::CustomScan) -> *mut pg_sys::FuncExpr {
    // SAFETY: the plan has this one expression.
    unsafe { (*(*(*plan).custom_exprs).elements).ptr_value.cast() }
}

/// Shows the function's name and the name that it has in the statement; with VERBOSE also its schema and the call.
#[pg_guard]
pub unsafe extern "C-unwind" fn explain(
    node: *mut pg_sys::CustomScanState,
    ancestors: *mut pg_sys::List,
    to: *mut pg_sys::ExplainState,
) {
    let show = |label: &CStr, text: *const c_char| {
        if !text.is_null() {
            // SAFETY: valid C strings, which the server copies.
            unsafe { pg_sys::ExplainPropertyText(label.as_ptr(), text, to) };
        }
    };
    // SAFETY: a node of this kind, whose plan has one relation and calls one function; the names are the server's.
    unsafe {
        let plan = (*node).ss.ps.plan;
        let custom = plan.cast::<pg_sys::CustomScan>();
        let function = function_of(custom);
        let verbose = (*to).verbose;
        show(c"Function Name", pg_sys::get_func_name((*function).funcid));
        if verbose {
            let schema = pg_sys::get_func_namespace((*function).funcid);
            show(c"Schema", pg_sys::get_namespace_name(schema));
        }
        let relation = pg_sys::bms_next_member((*custom).custom_relids, -1);
        show(c"Alias", pg_sys::list_nth((*to).rtable_names, relation - 1).cast());
        if verbose {
            let context = pg_sys::set_deparse_context_plan((*to).deparse_cxt, plan, ancestors);
            show(c"Function Call", pg_sys::deparse_expression(function.cast(), context, true, false));
        }
    }
}
