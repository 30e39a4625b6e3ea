//! The state of the server, of this session and of its transaction.

#![allow(unsafe_code)]

use std::ffi::CStr;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use pgrx::prelude::*;

use crate::kernel::outcome::Mistake;
use crate::kernel::value::clock::Timestamp;

static PRELOADED: AtomicBool = AtomicBool::new(false);

/// Called once, when the library is loaded. The server's processes inherit a library that it preloads.
pub fn loaded() {
    PRELOADED.store(is_preloading(), Relaxed);
}

/// Whether the server loaded the library at its start, by `shared_preload_libraries`.
pub fn is_preloaded() -> bool {
    PRELOADED.load(Relaxed)
}

/// Whether the server is loading shared_preload_libraries.
pub fn is_preloading() -> bool {
    // SAFETY: a flag of the server, set by the one thread that there is.
    unsafe { pg_sys::process_shared_preload_libraries_in_progress }
}

/// Whether the script of an extension is running.
pub fn is_in_extension_script() -> bool {
    // SAFETY: a flag of the server, in the one thread that there is.
    unsafe { pg_sys::creating_extension }
}

/// Whether the install script runs inside a restore: pg_dump and pg_restore set check_function_bodies off before it.
/// CREATE EXTENSION itself switches it off too, for the script only, and remembers that in the setting's stack. Off
/// without such an entry means a restore.
pub fn is_restoring() -> bool {
    // SAFETY: the setting is one of the server's own; its stack entries live at least as long as the
    // statement that made them.
    unsafe {
        if pg_sys::check_function_bodies {
            return false;
        }
        let Some(setting) = setting(c"check_function_bodies") else { return true };
        let stack = (*setting).stack;
        stack.is_null() || (*stack).state != pg_sys::GucStackState::GUC_SAVE
    }
}

/// Refuses read-only transactions and standbys.
pub fn writable() -> Result<(), Mistake> {
    // SAFETY: reads of server state.
    let read_only = unsafe { pg_sys::XactReadOnly || pg_sys::RecoveryInProgress() };
    if read_only { Err(Mistake::ReadOnly) } else { Ok(()) }
}

/// Whether all statements of the transaction share one snapshot.
pub fn has_one_snapshot() -> bool {
    // SAFETY: a variable of the server that this backend alone writes.
    unsafe { pg_sys::XactIsoLevel >= pg_sys::XACT_REPEATABLE_READ as i32 }
}

/// True if the transaction must be serialized with those that read what it writes.
pub fn is_serializable() -> bool {
    // SAFETY: a variable of the server that this backend alone writes.
    unsafe { pg_sys::XactIsoLevel == pg_sys::XACT_SERIALIZABLE as i32 }
}

/// Whether the current user is a superuser.
pub fn is_superuser() -> bool {
    // SAFETY: a look-up of the current user's role.
    unsafe { pg_sys::superuser() }
}

/// The database that this backend is connected to.
pub fn database() -> pg_sys::Oid {
    // SAFETY: a variable of the server, set once, when the backend connects.
    unsafe { pg_sys::MyDatabaseId }
}

/// When this backend last read the server's configuration.
pub fn reloaded_at() -> Timestamp {
    // SAFETY: a variable of the server that this backend alone writes.
    Timestamp::from_micros(unsafe { pg_sys::PgReloadTime })
}

/// The server's data directory.
pub fn data_directory<'a>() -> &'a CStr {
    // SAFETY: a C string that the server sets when it starts.
    unsafe { CStr::from_ptr(pg_sys::DataDir) }
}

/// A setting of the server, including one that it knows by name only.
#[cfg(feature = "pg15")]
pub fn setting(name: &CStr) -> Option<*mut pg_sys::config_generic> {
    // SAFETY: the server's array of settings, as long as it says.
    unsafe {
        let count = usize::try_from(pg_sys::GetNumConfigOptions()).ok()?;
        let all = std::slice::from_raw_parts(pg_sys::get_guc_variables(), count);
        // Names ignore case: a placeholder keeps the spelling that it was made with.
        all.iter()
            .copied()
            .find(|setting| CStr::from_ptr((**setting).name).to_bytes().eq_ignore_ascii_case(name.to_bytes()))
    }
}

/// A setting of the server, including one that it knows by name only.
#[cfg(not(feature = "pg15"))]
pub fn setting(name: &CStr) -> Option<*mut pg_sys::config_generic> {
    // SAFETY: a look-up by a valid C string that neither makes a placeholder nor raises.
    let setting = unsafe { pg_sys::find_option(name.as_ptr(), false, true, PgLogLevel::ERROR as i32) };
    (!setting.is_null()).then_some(setting)
}
