//! Work for the end of a transaction, and work that may fail without ending one.

#![allow(unsafe_code)]

use std::cell::RefCell;
use std::ffi::{CStr, c_char};
use std::panic::AssertUnwindSafe;

use pgrx::pg_sys::panic::CaughtError;
use pgrx::prelude::*;

use crate::kernel::outcome::{Mistake, OrRaise};
use crate::kernel::server::cell::BackendCell;
use crate::kernel::server::spi::with_settings;
use crate::kernel::server::{catalog, progress, shortage};

type Work = Box<dyn FnOnce() -> Result<(), Mistake>>;

static PENDING: BackendCell<RefCell<Vec<Work>>> = BackendCell::new(RefCell::new(Vec::new()));

/// Registers for the ends of transactions. Called once, when the library is loaded.
pub fn watch() {
    // SAFETY: the callbacks match the server's types.
    unsafe {
        pg_sys::RegisterXactCallback(Some(ending), std::ptr::null_mut());
        pg_sys::RegisterSubXactCallback(Some(undone), std::ptr::null_mut());
    }
}

/// Runs `work` as the owner of the tables when the rest of the transaction is done and it is about to commit or to be
/// prepared; not if it rolls back. Rows that a savepoint undid in between are gone then, so `work` must cope with
/// finding nothing to do.
pub fn before_end(work: impl FnOnce() -> Result<(), Mistake> + 'static) {
    PENDING.borrow_mut().push(Box::new(work));
}

extern "C-unwind" fn ending(event: pg_sys::XactEvent::Type, argument: *mut std::ffi::c_void) {
    catalog::releases_locks();
    shortage::hold_reserve();
    if event == pg_sys::XactEvent::XACT_EVENT_ABORT {
        progress::undone();
    }
    // The guard costs as much as all else here, in each transaction of each session.
    if PENDING.try_borrow().is_ok_and(|pending| pending.is_empty()) {
        return;
    }
    // SAFETY: as the server has called this.
    unsafe { end(event, argument) };
}

#[pg_guard]
unsafe extern "C-unwind" fn end(event: pg_sys::XactEvent::Type, _argument: *mut std::ffi::c_void) {
    use pg_sys::XactEvent::{XACT_EVENT_PRE_COMMIT, XACT_EVENT_PRE_PREPARE};
    let pending = std::mem::take(&mut *PENDING.borrow_mut());
    if !matches!(event, XACT_EVENT_PRE_COMMIT | XACT_EVENT_PRE_PREPARE) {
        return;
    }
    if catalog::owner().is_some() {
        for work in pending {
            as_owner(work).or_raise();
        }
    }
}

/// A subtransaction that is undone gives back the locks that it has taken, and those of an outer cursor that failed in
/// it, and ends the call that began in it.
extern "C-unwind" fn undone(
    event: pg_sys::SubXactEvent::Type,
    _own: pg_sys::SubTransactionId,
    _parent: pg_sys::SubTransactionId,
    _argument: *mut std::ffi::c_void,
) {
    if event == pg_sys::SubXactEvent::SUBXACT_EVENT_ABORT_SUB {
        catalog::releases_locks();
        progress::undone();
    }
}

unsafe extern "C-unwind" {
    fn Async_Notify(channel: *const c_char, payload: *const c_char);
}

/// Wakes whoever listens on the channel when the transaction commits, once however often it is called.
pub fn notify(channel: &CStr) {
    // SAFETY: valid C strings, which the server copies; its errors are turned at the boundary.
    unsafe { pg_sys::ffi::pg_guard_ffi_boundary(|| Async_Notify(channel.as_ptr(), c"".as_ptr())) };
}

/// Runs `work` as a SECURITY DEFINER function of the store runs: as the owner of the tables, and with its
/// search_path.
pub fn as_owner<T>(work: impl FnOnce() -> Result<T, Mistake>) -> Result<T, Mistake> {
    let owner = catalog::owner()
        .ok_or_else(|| Mistake::NotInstalled("the role auth_store_owner does not exist".into()))?;
    // SAFETY: the transaction is in progress, but at its end has no snapshot any more; one is pushed and popped
    // around the work. Where the work raises, the abort puts back the snapshot, the user and the settings.
    unsafe {
        let (mut user, mut context) = (pg_sys::InvalidOid, 0);
        pg_sys::GetUserIdAndSecContext(&mut user, &mut context);
        // The search_path of the definer functions: an operator of the caller's own schema must not run as the owner.
        with_settings(&[(c"search_path", c"pg_catalog, pg_temp")], || {
            pg_sys::SetUserIdAndSecContext(owner, context | pg_sys::SECURITY_LOCAL_USERID_CHANGE as i32);
            pg_sys::PushActiveSnapshot(pg_sys::GetTransactionSnapshot());
            let done = work();
            pg_sys::PopActiveSnapshot();
            pg_sys::SetUserIdAndSecContext(user, context);
            done
        })
    }
}

/// Runs `work`, which only reads, as the owner of the views, whom no policy binds. A condition on any column is then
/// looked up in its index, where under a policy only one with a leakproof operator is. The work itself keeps to the
/// tenant that the session is pinned to.
pub fn as_viewer<T>(work: impl FnOnce() -> Result<T, Mistake>) -> Result<T, Mistake> {
    let viewer = catalog::viewer()
        .ok_or_else(|| Mistake::NotInstalled("the role auth_store_view does not exist".into()))?;
    // SAFETY: reads and sets this backend's own state. Where the work raises, the abort puts back the user.
    unsafe {
        let (mut user, mut context) = (pg_sys::InvalidOid, 0);
        pg_sys::GetUserIdAndSecContext(&mut user, &mut context);
        pg_sys::SetUserIdAndSecContext(viewer, context | pg_sys::SECURITY_LOCAL_USERID_CHANGE as i32);
        let done = work();
        pg_sys::SetUserIdAndSecContext(user, context);
        done
    }
}

/// Runs `work` in a subtransaction of its own: if it fails, all it did is undone and the error comes back as a value. A
/// cancel or a shutdown, which end the statement or the session in any case, are raised as usual.
pub fn attempt<T>(work: impl FnOnce() -> Result<T, Mistake>) -> Result<T, Mistake> {
    // SAFETY: as PL/pgSQL runs a block with an exception clause: memory context and resource owner are those of the
    // function again when the subtransaction is over, however it ends, and then no error of it is pending.
    unsafe {
        let (context, owner) = (pg_sys::CurrentMemoryContext, pg_sys::CurrentResourceOwner);
        let back = move || {
            pg_sys::MemoryContextSwitchTo(context);
            pg_sys::CurrentResourceOwner = owner;
        };
        pg_sys::BeginInternalSubTransaction(std::ptr::null());
        pg_sys::MemoryContextSwitchTo(context);
        let done = PgTryBuilder::new(AssertUnwindSafe(|| Ok(work())))
            .catch_others(|error| Err(Box::new(AssertUnwindSafe(error))))
            .execute();
        match done {
            Ok(Ok(value)) => {
                pg_sys::ReleaseCurrentSubTransaction();
                back();
                Ok(value)
            }
            Ok(Err(mistake)) => {
                pg_sys::MemoryContextSwitchTo(context);
                pg_sys::RollbackAndReleaseCurrentSubTransaction();
                back();
                Err(mistake)
            }
            Err(error) => {
                pg_sys::MemoryContextSwitchTo(context);
                pg_sys::RollbackAndReleaseCurrentSubTransaction();
                back();
                failed(error.0)
            }
        }
    }
}

/// The mistake that stands for a caught error, unless the error must not be caught.
fn failed<T>(error: CaughtError) -> Result<T, Mistake> {
    use PgSqlErrorCode as E;
    let report = match &error {
        CaughtError::PostgresError(report) | CaughtError::ErrorReport(report) => report,
        CaughtError::RustPanic { .. } => error.rethrow(),
    };
    match report.sql_error_code() {
        E::ERRCODE_QUERY_CANCELED
        | E::ERRCODE_ADMIN_SHUTDOWN
        | E::ERRCODE_CRASH_SHUTDOWN
        | E::ERRCODE_CANNOT_CONNECT_NOW
        | E::ERRCODE_DATABASE_DROPPED => error.rethrow(),
        code => Err(Mistake::Failed {
            code,
            message: report.message().to_owned(),
            hint: report.hint().map(str::to_owned),
        }),
    }
}
