//! How the library came into this process.

#![allow(unsafe_code)]

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use pgrx::pg_sys;

use crate::kernel::server::shmem;

static PRELOADED: AtomicBool = AtomicBool::new(false);

/// Called once, when the library is loaded. What the server preloads, its processes inherit.
pub fn loaded() {
    PRELOADED.store(shmem::is_preloading(), Relaxed);
}

/// Whether the server loaded it at its start, by `shared_preload_libraries`.
pub fn is_preloaded() -> bool {
    PRELOADED.load(Relaxed)
}

/// Whether the script of an extension is running.
pub fn is_in_extension_script() -> bool {
    // SAFETY: a flag of the server, in the one thread that there is.
    unsafe { pg_sys::creating_extension }
}
