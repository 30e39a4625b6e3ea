//! The planner's part: puts the node in the place of a FunctionScan.

#![allow(unsafe_code)]

use std::cell::Cell;
use std::ffi::CStr;

use pgrx::PgList;
use pgrx::prelude::*;

use crate::kernel::server::cell::BackendCell;
use crate::kernel::server::function_scan::scan::{Methods, NAME, PLAN};
use crate::kernel::server::settings::Setting;

/// Whether statements are planned so.
pub static ENABLED: Setting<bool> = Setting::switch(
    c"auth_store.direct_function_scan",
    true,
    c"Calls a function of one row in FROM by a node of the store's own.",
    c"Off: by a FunctionScan, which costs more. A plan that is kept stays as it was made.",
);

static PREVIOUS: BackendCell<Cell<pg_sys::set_rel_pathlist_hook_type>> = BackendCell::new(Cell::new(None));

static PATH: Methods<pg_sys::CustomPathMethods> = Methods(pg_sys::CustomPathMethods {
    CustomName: NAME.as_ptr(),
    PlanCustomPath: Some(plan),
    ReparameterizeCustomPathByChild: None,
});

/// Registers the node, by which a parallel worker reads its plan, and the planner's hook. Called once, when the
/// library is loaded; statements that were planned before keep their FunctionScans.
pub fn watch() {
    // SAFETY: tables that live as long as the library; the hook is chained as the server wants it, by the one thread
    // that there is.
    unsafe {
        pg_sys::RegisterCustomScanMethods(&PLAN.0);
        PREVIOUS.set(pg_sys::set_rel_pathlist_hook);
        pg_sys::set_rel_pathlist_hook = Some(paths_set);
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn paths_set(
    root: *mut pg_sys::PlannerInfo,
    relation: *mut pg_sys::RelOptInfo,
    index: pg_sys::Index,
    entry: *mut pg_sys::RangeTblEntry,
) {
    // SAFETY: the previous hook is another library's, called as the server calls this one. The paths are lists and
    // nodes of the planner's.
    unsafe {
        if let Some(previous) = PREVIOUS.get() {
            pg_sys::ffi::pg_guard_ffi_boundary(|| previous(root, relation, index, entry));
        }
        if (*entry).rtekind != pg_sys::RTEKind::RTE_FUNCTION || !ENABLED.get() {
            return;
        }
        let Some(function) = function_of(entry) else { return };
        for n in 0..length((*relation).pathlist) {
            let place = &raw mut (*(*(*relation).pathlist).elements.add(n)).ptr_value;
            let path = (*place).cast::<pg_sys::Path>();
            if (*path).pathtype == pg_sys::NodeTag::T_FunctionScan && !may_be_memoized(path, function) {
                *place = instead_of(path).cast();
            }
        }
    }
}

/// Whether the planner could spare calls that must be made, by a Memoize over a node that is called for each row of
/// another relation.
unsafe fn may_be_memoized(path: *mut pg_sys::Path, function: *mut pg_sys::FuncExpr) -> bool {
    // SAFETY: nodes of the planner's.
    unsafe { !(*path).param_info.is_null() && pg_sys::contain_volatile_functions(function.cast()) }
}

/// The call of a function of the store that returns one row; None for anything else in FROM.
unsafe fn function_of(entry: *mut pg_sys::RangeTblEntry) -> Option<*mut pg_sys::FuncExpr> {
    // SAFETY: nodes of the planner's.
    unsafe {
        if (*entry).funcordinality || length((*entry).functions) != 1 {
            return None;
        }
        let item = (*(*(*entry).functions).elements).ptr_value.cast::<pg_sys::RangeTblFunction>();
        let function = (*item).funcexpr.cast::<pg_sys::FuncExpr>();
        let returns_row = (*function).xpr.type_ == pg_sys::NodeTag::T_FuncExpr
            && !(*function).funcretset
            && length((*item).funccolnames) == 0
            && pg_sys::get_typtype((*function).funcresulttype) as u8 == pg_sys::TYPTYPE_COMPOSITE;
        (returns_row && is_of_the_library((*function).funcid)).then_some(function)
    }
}

/// Where the install script says that a function is.
const LIBRARY: &CStr = c"$libdir/auth_store";

fn is_of_the_library(function: pg_sys::Oid) -> bool {
    // SAFETY: the row of a function, given back at once; its library is compared while it is there.
    unsafe {
        let cache = pg_sys::SysCacheIdentifier::PROCOID as i32;
        let row = pg_sys::SearchSysCache1(cache, function.into());
        if row.is_null() {
            return false;
        }
        let mut is_null = false;
        let library = pg_sys::SysCacheGetAttr(cache, row, pg_sys::Anum_pg_proc_probin as i16, &mut is_null);
        let is_ours = <&str as pgrx::FromDatum>::from_datum(library, is_null)
            .is_some_and(|library| library.as_bytes() == LIBRARY.to_bytes());
        pg_sys::ReleaseSysCache(row);
        is_ours
    }
}

/// The path of the node, with the rows and the cost of a FunctionScan's. The planner takes it that rescans of a
/// FunctionScan cost next to nothing, even where each is another call. Where there is one for each row of another
/// relation, so do those of the node, and the statement keeps its plan; with a call's COST for each row it could be
/// compiled just in time, which takes longer than thousands of calls.
unsafe fn instead_of(path: *mut pg_sys::Path) -> *mut pg_sys::CustomPath {
    // SAFETY: a node like those that the server makes, in the planner's memory.
    unsafe {
        let custom = pg_sys::palloc0(size_of::<pg_sys::CustomPath>()).cast::<pg_sys::CustomPath>();
        (*custom).path = *path;
        (*custom).path.type_ = pg_sys::NodeTag::T_CustomPath;
        (*custom).path.pathtype = pg_sys::NodeTag::T_CustomScan;
        if !(*path).param_info.is_null() {
            (*custom).path.startup_cost = 0.0;
            (*custom).path.total_cost -= (*path).startup_cost;
        }
        (*custom).flags = pg_sys::CUSTOMPATH_SUPPORT_BACKWARD_SCAN | pg_sys::CUSTOMPATH_SUPPORT_PROJECTION;
        (*custom).methods = &PATH.0;
        custom
    }
}

/// The plan of a path. Its row has the columns that the statement needs, in the order in which it names them, so that
/// mostly no projection is left to do.
#[pg_guard]
unsafe extern "C-unwind" fn plan(
    root: *mut pg_sys::PlannerInfo,
    relation: *mut pg_sys::RelOptInfo,
    path: *mut pg_sys::CustomPath,
    targets: *mut pg_sys::List,
    clauses: *mut pg_sys::List,
    _plans: *mut pg_sys::List,
) -> *mut pg_sys::Plan {
    // SAFETY: nodes of the planner's, put together as it puts together those of a FunctionScan.
    unsafe {
        let entry = *(*root).simple_rte_array.add((*relation).relid as usize);
        let item = (*(*(*entry).functions).elements).ptr_value.cast::<pg_sys::RangeTblFunction>();
        let filter = pg_sys::extract_actual_clauses(clauses, false);
        let mut columns = std::ptr::null_mut();
        for expressions in [(*(*relation).reltarget).exprs, filter] {
            columns = pg_sys::add_to_flat_tlist(columns, variables_of(relation, expressions));
        }
        let scan = pg_sys::palloc0(size_of::<pg_sys::CustomScan>()).cast::<pg_sys::CustomScan>();
        (*scan).scan.plan.type_ = pg_sys::NodeTag::T_CustomScan;
        (*scan).scan.plan.targetlist = targets;
        (*scan).scan.plan.qual = filter;
        (*scan).flags = (*path).flags;
        (*scan).custom_exprs = pg_sys::lappend(std::ptr::null_mut(), (*item).funcexpr.cast());
        (*scan).custom_scan_tlist = columns;
        (*scan).methods = &PLAN.0;
        scan.cast()
    }
}

/// The relation's own variables in these expressions, which may have some of another relation too.
unsafe fn variables_of(
    relation: *mut pg_sys::RelOptInfo,
    expressions: *mut pg_sys::List,
) -> *mut pg_sys::List {
    // SAFETY: nodes of the planner's.
    unsafe {
        let all = pg_sys::pull_var_clause(expressions.cast(), pg_sys::PVC_RECURSE_PLACEHOLDERS as i32);
        let mut own = PgList::<pg_sys::Var>::new();
        for variable in PgList::<pg_sys::Var>::from_pg(all).iter_ptr() {
            if (*variable).varno as u32 == (*relation).relid {
                own.push(variable);
            }
        }
        own.into_pg()
    }
}

unsafe fn length(list: *mut pg_sys::List) -> usize {
    // SAFETY: a list of the server's; a null pointer is one without elements.
    unsafe { if list.is_null() { 0 } else { (*list).length as usize } }
}
