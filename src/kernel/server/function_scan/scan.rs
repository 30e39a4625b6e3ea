//! The executor's node: calls the function once and gives its row, as a FunctionScan does by way of a tuple and a
//! tuplestore.
//!
//! What runs for each call is called by the server and calls it without the guard that turns errors into panics. An
//! error of the server then leaves these functions by a jump, so they hold nothing that would have to be dropped, and
//! nothing in them panics.

#![allow(unsafe_code)]

use std::ffi::{CStr, c_char, c_int, c_void};
use std::mem::MaybeUninit;

use pgrx::prelude::*;

use crate::kernel::outcome::{Mistake, OrRaise};
use crate::kernel::server::function_scan::explain::{explain, function_of};
use crate::kernel::server::function_scan::receiver::Receiver;

/// What EXPLAIN says of the node: `Custom Scan (auth_store function)`. By this name a parallel worker finds it.
pub const NAME: &CStr = c"auth_store function";

/// What a plan's node has.
pub static PLAN: Methods<pg_sys::CustomScanMethods> =
    Methods(pg_sys::CustomScanMethods { CustomName: NAME.as_ptr(), CreateCustomScanState: Some(create) });

static EXECUTOR: Methods<pg_sys::CustomExecMethods> = Methods(pg_sys::CustomExecMethods {
    CustomName: NAME.as_ptr(),
    BeginCustomScan: Some(begin),
    ExecCustomScan: Some(execute),
    EndCustomScan: Some(end),
    ReScanCustomScan: Some(rescan),
    MarkPosCustomScan: None,
    RestrPosCustomScan: None,
    EstimateDSMCustomScan: None,
    InitializeDSMCustomScan: None,
    ReInitializeDSMCustomScan: None,
    InitializeWorkerCustomScan: None,
    ShutdownCustomScan: None,
    ExplainCustomScan: Some(explain),
});

/// A table of functions, which never changes.
pub struct Methods<T>(pub T);

// SAFETY: names and functions that live as long as the library.
unsafe impl<T> Sync for Methods<T> {}

/// The state of a scan. All zeros until [`begin`].
#[repr(C)]
struct Scan {
    custom: pg_sys::CustomScanState,
    function: pg_sys::FmgrInfo,
    call: pg_sys::FunctionCallInfo,
    /// How each argument is evaluated; null for a value that is known when the scan begins.
    arguments: *mut *mut pg_sys::ExprState,
    receiver: Receiver,
    /// Holds the arguments, whatever the function allocates, and the row; null until the first call.
    memory: pg_sys::MemoryContext,
    position: Position,
    /// The parameters that the arguments depend on, once that has been found out.
    parameters: *mut pg_sys::Bitmapset,
    parameters_known: bool,
}

/// Where the scan stands.
#[repr(u8)]
#[derive(Clone, Copy, PartialEq, Eq)]
enum Position {
    /// In front of the row.
    Before = 0,
    On,
    Behind,
}

unsafe extern "C-unwind" {
    // Without the guard: see the head of this file.
    fn palloc0(size: usize) -> *mut c_void;
    fn AllocSetContextCreateInternal(
        parent: pg_sys::MemoryContext,
        name: *const c_char,
        least: usize,
        first: usize,
        most: usize,
    ) -> pg_sys::MemoryContext;
    fn MemoryContextReset(context: pg_sys::MemoryContext);
    fn ExecInitExpr(node: *mut pg_sys::Expr, parent: *mut pg_sys::PlanState) -> *mut pg_sys::ExprState;
    fn ExecScan(
        node: *mut pg_sys::ScanState,
        access: pg_sys::ExecScanAccessMtd,
        recheck: pg_sys::ExecScanRecheckMtd,
    ) -> *mut pg_sys::TupleTableSlot;
    fn ExecScanReScan(node: *mut pg_sys::ScanState);
    fn ExecStoreVirtualTuple(slot: *mut pg_sys::TupleTableSlot) -> *mut pg_sys::TupleTableSlot;
    fn GetUserId() -> pg_sys::Oid;
    #[cfg(feature = "pg15")]
    fn pg_proc_aclcheck(
        function: pg_sys::Oid,
        role: pg_sys::Oid,
        mode: pg_sys::AclMode,
    ) -> pg_sys::AclResult::Type;
    #[cfg(not(feature = "pg15"))]
    fn object_aclcheck(
        class: pg_sys::Oid,
        object: pg_sys::Oid,
        role: pg_sys::Oid,
        mode: pg_sys::AclMode,
    ) -> pg_sys::AclResult::Type;
    fn aclcheck_error(result: pg_sys::AclResult::Type, kind: pg_sys::ObjectType::Type, name: *const c_char);
    fn get_func_name(function: pg_sys::Oid) -> *mut c_char;
    fn RunFunctionExecuteHook(function: pg_sys::Oid);
    fn fmgr_info_cxt(function: pg_sys::Oid, info: *mut pg_sys::FmgrInfo, context: pg_sys::MemoryContext);
    fn pgstat_init_function_usage(
        call: pg_sys::FunctionCallInfo,
        usage: *mut pg_sys::PgStat_FunctionCallUsage,
    );
    fn pgstat_end_function_usage(usage: *mut pg_sys::PgStat_FunctionCallUsage, finalize: bool);
    fn bms_next_member(set: *const pg_sys::Bitmapset, previous: c_int) -> c_int;
    fn bms_overlap(a: *const pg_sys::Bitmapset, b: *const pg_sys::Bitmapset) -> bool;
}

unsafe extern "C-unwind" fn create(_plan: *mut pg_sys::CustomScan) -> *mut pg_sys::Node {
    // SAFETY: zeros are a state that has not begun.
    unsafe {
        let scan = palloc0(size_of::<Scan>()).cast::<Scan>();
        (*scan).custom.ss.ps.type_ = pg_sys::NodeTag::T_CustomScanState;
        (*scan).custom.methods = &EXECUTOR.0;
        scan.cast()
    }
}

/// Like ExecInitFunctionScan: prepares the arguments, asks for the privilege, and looks the function up.
unsafe extern "C-unwind" fn begin(
    node: *mut pg_sys::CustomScanState,
    state: *mut pg_sys::EState,
    _flags: c_int,
) {
    unsafe fn allocate(size: usize) -> *mut u8 {
        // SAFETY: memory of the statement, in which nodes begin.
        unsafe { palloc0(size).cast() }
    }
    // SAFETY: the server begins a scan that create() has made.
    unsafe {
        let scan = node.cast::<Scan>();
        let plan = (*node).ss.ps.plan.cast::<pg_sys::CustomScan>();
        let function = function_of(plan);
        let count = if (*function).args.is_null() { 0 } else { (*(*function).args).length as usize };
        let size = size_of::<pg_sys::FunctionCallInfoBaseData>() + count * size_of::<pg_sys::NullableDatum>();
        let call = allocate(size).cast::<pg_sys::FunctionCallInfoBaseData>();
        (*scan).call = call;
        (*scan).arguments = allocate(count * size_of::<*mut pg_sys::ExprState>()).cast();
        for n in 0..count {
            let argument = (*(*(*function).args).elements.add(n)).ptr_value.cast::<pg_sys::Expr>();
            if !is_known(argument, state, argument_of(call, n)) {
                *(*scan).arguments.add(n) = ExecInitExpr(argument, &mut (*node).ss.ps);
            }
        }
        check_privilege((*function).funcid);
        fmgr_info_cxt((*function).funcid, &mut (*scan).function, (*state).es_query_cxt);
        (*scan).function.fn_expr = function.cast();
        (&raw mut (*scan).receiver).write(Receiver::new((*plan).custom_scan_tlist, allocate));
        (*call).flinfo = &mut (*scan).function;
        (*call).resultinfo = (&raw mut (*scan).receiver).cast();
        (*call).fncollation = (*function).inputcollid;
        (*call).nargs = count as i16;
    }
}

/// The place of an argument in a call.
unsafe fn argument_of(call: pg_sys::FunctionCallInfo, n: usize) -> *mut pg_sys::NullableDatum {
    // SAFETY: the call has been made with so many.
    unsafe { (&raw mut (*call).args).cast::<pg_sys::NullableDatum>().add(n) }
}

/// Puts the value of an argument that is the same whenever the scan calls: a constant, or a parameter of the statement
/// that nobody wants to be asked for. An expression would cost several times as much to prepare as to evaluate.
unsafe fn is_known(
    argument: *mut pg_sys::Expr,
    state: *mut pg_sys::EState,
    value: *mut pg_sys::NullableDatum,
) -> bool {
    // SAFETY: an expression of the plan, and the statement's own parameters, which outlive the scan.
    unsafe {
        match (*argument).type_ {
            pg_sys::NodeTag::T_Const => {
                let constant = argument.cast::<pg_sys::Const>();
                value.write(pg_sys::NullableDatum {
                    value: (*constant).constvalue,
                    isnull: (*constant).constisnull,
                });
                true
            }
            pg_sys::NodeTag::T_Param => {
                let (parameter, given) = (argument.cast::<pg_sys::Param>(), (*state).es_param_list_info);
                if (*parameter).paramkind != pg_sys::ParamKind::PARAM_EXTERN
                    || given.is_null()
                    || (*given).paramFetch.is_some()
                    || (*given).paramCompile.is_some()
                    || (*parameter).paramid < 1
                    || (*parameter).paramid > (*given).numParams
                {
                    return false;
                }
                let given = (&raw const (*given).params)
                    .cast::<pg_sys::ParamExternData>()
                    .add((*parameter).paramid as usize - 1);
                value.write(pg_sys::NullableDatum { value: (*given).value, isnull: (*given).isnull });
                // Of another type, the expression raises.
                (*given).ptype == (*parameter).paramtype
            }
            _ => false,
        }
    }
}

/// The current user's right to EXECUTE, as the server asks for it where it prepares a call.
unsafe fn check_privilege(function: pg_sys::Oid) {
    // SAFETY: catalog look-ups by oid.
    unsafe {
        let mode = pg_sys::ACL_EXECUTE as pg_sys::AclMode;
        #[cfg(feature = "pg15")]
        let result = pg_proc_aclcheck(function, GetUserId(), mode);
        #[cfg(not(feature = "pg15"))]
        let result = object_aclcheck(pg_sys::ProcedureRelationId, function, GetUserId(), mode);
        if result != pg_sys::AclResult::ACLCHECK_OK {
            aclcheck_error(result, pg_sys::ObjectType::OBJECT_FUNCTION, get_func_name(function));
        }
        let hook = pg_sys::object_access_hook;
        if hook.is_some() {
            RunFunctionExecuteHook(function);
        }
    }
}

unsafe extern "C-unwind" fn execute(node: *mut pg_sys::CustomScanState) -> *mut pg_sys::TupleTableSlot {
    // SAFETY: the server's own loop of a scan: filter, projection, and a look for cancellations.
    unsafe { ExecScan(&mut (*node).ss, Some(next), Some(recheck)) }
}

/// The next row in the direction of the fetch, of which there is one.
unsafe extern "C-unwind" fn next(node: *mut pg_sys::ScanState) -> *mut pg_sys::TupleTableSlot {
    use pg_sys::ScanDirection::ForwardScanDirection;
    // SAFETY: a scan that has begun, and its own slot, which has a place for each column of the receiver.
    unsafe {
        let scan = node.cast::<Scan>();
        if !(*scan).receiver.has_row() {
            evaluate(scan);
        }
        let forward = (*(*node).ps.state).es_direction == ForwardScanDirection;
        (*scan).position = match ((*scan).position, forward) {
            (Position::Before, true) | (Position::Behind, false) => Position::On,
            (_, true) => Position::Behind,
            (_, false) => Position::Before,
        };
        show(scan, (*scan).position == Position::On)
    }
}

/// The scan's slot, with the receiver's row or empty. A copy, because who reads a slot may move its values.
unsafe fn show(scan: *mut Scan, row: bool) -> *mut pg_sys::TupleTableSlot {
    // SAFETY: as in next().
    unsafe {
        let slot = (*scan).custom.ss.ss_ScanTupleSlot;
        if let Some(clear) = (*(*slot).tts_ops).clear {
            clear(slot);
        }
        if row {
            let (receiver, count) = (&(*scan).receiver, (*scan).receiver.count());
            std::ptr::copy_nonoverlapping(receiver.values, (*slot).tts_values, count);
            std::ptr::copy_nonoverlapping(receiver.nulls, (*slot).tts_isnull, count);
            ExecStoreVirtualTuple(slot);
        }
        slot
    }
}

/// Calls the function, in the way of ExecMakeTableFunctionResult.
unsafe fn evaluate(scan: *mut Scan) {
    // SAFETY: a scan that has begun. The memory belongs to the statement's, and goes with it.
    unsafe {
        let (node, call) = (&raw mut (*scan).custom.ss.ps, (*scan).call);
        if (*scan).memory.is_null() {
            (*scan).memory = AllocSetContextCreateInternal(
                (*(*node).state).es_query_cxt,
                c"auth_store row".as_ptr(),
                pg_sys::ALLOCSET_DEFAULT_MINSIZE as usize,
                pg_sys::ALLOCSET_DEFAULT_INITSIZE as usize,
                pg_sys::ALLOCSET_DEFAULT_MAXSIZE as usize,
            );
        } else {
            MemoryContextReset((*scan).memory);
        }
        let before = pg_sys::MemoryContextSwitchTo((*scan).memory);
        let mut is_callable = true;
        for n in 0..(*call).nargs as usize {
            let (argument, value) = (*(*scan).arguments.add(n), argument_of(call, n));
            if !argument.is_null()
                && let Some(value_of) = (*argument).evalfunc
            {
                (*value).value = value_of(argument, (*node).ps_ExprContext, &mut (*value).isnull);
            }
            is_callable &= !((*value).isnull && (*scan).function.fn_strict);
        }
        if is_callable && let Some(function) = (*scan).function.fn_addr {
            let mut usage = MaybeUninit::uninit();
            pgstat_init_function_usage(call, usage.as_mut_ptr());
            (*call).isnull = false;
            function(call);
            pgstat_end_function_usage(usage.as_mut_ptr(), true);
        } else {
            (*call).isnull = true;
        }
        if !(*scan).receiver.has_row() {
            without_row(scan);
        }
        pg_sys::MemoryContextSwitchTo(before);
    }
}

/// A NULL is a row of NULLs to the server.
#[cold]
#[pg_guard]
unsafe extern "C-unwind" fn without_row(scan: *mut Scan) {
    // SAFETY: as in evaluate(), in the memory of the row.
    unsafe {
        if !(*(*scan).call).isnull {
            Err::<(), _>(Mistake::DefinitionDiffers).or_raise();
        }
        (*scan).receiver.put_nulls();
    }
}

/// The row of a joined row that is looked at again, because another transaction has changed a part of it: the one that
/// the statement has kept beside. ExecScan() leaves that to a node without a relation of its own.
unsafe extern "C-unwind" fn recheck(
    node: *mut pg_sys::ScanState,
    _slot: *mut pg_sys::TupleTableSlot,
) -> bool {
    // SAFETY: called within such a second look, which has a place for each relation of the statement.
    unsafe {
        let again = (*(*node).ps.state).es_epq_active;
        let relation = bms_next_member((*(*node).ps.plan.cast::<pg_sys::CustomScan>()).custom_relids, -1);
        let place = relation as usize - 1;
        let is_done = (*again).relsubs_done.add(place);
        if *is_done {
            return false;
        }
        if (*(*again).relsubs_rowmark.add(place)).is_null() {
            // In a subquery that is evaluated anew.
            return (*next(node)).tts_flags & pg_sys::TTS_FLAG_EMPTY as u16 == 0;
        }
        *is_done = true;
        show_kept(node.cast(), again, relation as pg_sys::Index)
    }
}

#[cold]
#[pg_guard]
unsafe extern "C-unwind" fn show_kept(
    scan: *mut Scan,
    again: *mut pg_sys::EPQState,
    relation: pg_sys::Index,
) -> bool {
    // SAFETY: the mark of this relation keeps a row of the function's type. Its values are the statement's, and the
    // slot that takes them apart is not needed afterwards. The scan of a second look has no row of its own.
    unsafe {
        let plan = (*scan).custom.ss.ps.plan.cast::<pg_sys::CustomScan>();
        let type_oid = (*function_of(plan)).funcresulttype;
        let descriptor = pg_sys::lookup_rowtype_tupdesc_copy(type_oid, -1);
        let kept = pg_sys::MakeSingleTupleTableSlot(descriptor, &raw const pg_sys::TTSOpsVirtual);
        let found = pg_sys::EvalPlanQualFetchRowMark(again, relation, kept);
        if found {
            (*scan).receiver.put_slot(kept);
            show(scan, true);
        }
        pg_sys::ExecDropSingleTupleTableSlot(kept);
        pg_sys::FreeTupleDesc(descriptor);
        found
    }
}

/// Another call only if a parameter of the arguments has changed, else the same row again.
unsafe extern "C-unwind" fn rescan(node: *mut pg_sys::CustomScanState) {
    // SAFETY: a scan that has begun.
    unsafe {
        let scan = node.cast::<Scan>();
        ExecScanReScan(&mut (*node).ss);
        (*scan).position = Position::Before;
        let changed = (*node).ss.ps.chgParam;
        if !changed.is_null() && (*scan).receiver.has_row() {
            if !(*scan).parameters_known {
                find_parameters(scan);
            }
            if bms_overlap(changed, (*scan).parameters) {
                (*scan).receiver.clear();
            }
        }
    }
}

/// Like the planner's finalize_primnode(), which tells of a custom scan only what all of it depends on.
#[cold]
#[pg_guard]
unsafe extern "C-unwind" fn find_parameters(scan: *mut Scan) {
    // SAFETY: a scan that has begun; the set lives as long as the scan.
    unsafe {
        let state = (*scan).custom.ss.ps.state;
        let function = function_of((*scan).custom.ss.ps.plan.cast());
        let before = pg_sys::MemoryContextSwitchTo((*state).es_query_cxt);
        collect_parameters(function.cast(), scan.cast());
        pg_sys::MemoryContextSwitchTo(before);
        (*scan).parameters_known = true;
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn collect_parameters(node: *mut pg_sys::Node, scan: *mut c_void) -> bool {
    // SAFETY: the server walks over nodes of the plan. The plan of a subquery that a worker does not get is missing.
    unsafe {
        if node.is_null() {
            return false;
        }
        let parameters = &raw mut (*scan.cast::<Scan>()).parameters;
        if (*node).type_ == pg_sys::NodeTag::T_Param {
            let parameter = node.cast::<pg_sys::Param>();
            if (*parameter).paramkind == pg_sys::ParamKind::PARAM_EXEC {
                *parameters = pg_sys::bms_add_member(*parameters, (*parameter).paramid);
            }
            return false;
        }
        if (*node).type_ == pg_sys::NodeTag::T_SubPlan {
            let subquery = node.cast::<pg_sys::SubPlan>();
            let plans = (*(*(*scan.cast::<Scan>()).custom.ss.ps.state).es_plannedstmt).subplans;
            let plan = pg_sys::list_nth(plans, (*subquery).plan_id - 1).cast::<pg_sys::Plan>();
            if !plan.is_null() {
                let mut needed = pg_sys::bms_copy((*plan).extParam);
                for given in pgrx::PgList::<c_void>::from_pg((*subquery).parParam).iter_int() {
                    needed = pg_sys::bms_del_member(needed, given);
                }
                *parameters = pg_sys::bms_join(*parameters, needed);
            }
        }
        pg_sys::expression_tree_walker(node, Some(collect_parameters), scan)
    }
}

/// The server gives back all that a scan holds with the memory of its statement.
unsafe extern "C-unwind" fn end(_node: *mut pg_sys::CustomScanState) {}
