//! What the server of PostgreSQL 18 asks of a library in oauth_validator_libraries: the functions that
//! `libpq/oauth.h` declares. They run while a client authenticates, before any database is open.

#![allow(unsafe_code)]

use std::cell::Cell;
use std::ffi::{CStr, CString, c_char, c_void};

use pgrx::prelude::*;

use crate::kernel::server::cell::BackendCell;

/// Says of a token whether its bearer may connect, and who that is, for pg_ident.conf and for the log; None: not known.
/// Err: the operator has to mend something.
pub type Decide = fn(token: &str) -> Result<(bool, Option<String>), String>;

static DECIDE: BackendCell<Cell<Option<Decide>>> = BackendCell::new(Cell::new(None));

/// Notes who decides. Called once, when the library is loaded.
pub fn decided_by(decide: Decide) {
    DECIDE.set(Some(decide));
}

/// Which version of the declarations these are (PG_OAUTH_VALIDATOR_MAGIC).
const MAGIC: u32 = 0x2025_0220;

/// ValidatorModuleState: nothing of it is used.
type ModuleState = c_void;

/// ValidatorModuleResult.
#[repr(C)]
pub struct ModuleResult {
    authorized: bool,
    authn_id: *mut c_char,
}

/// OAuthValidatorCallbacks.
#[repr(C)]
pub struct Callbacks {
    magic: u32,
    startup: Option<unsafe extern "C-unwind" fn(*mut ModuleState)>,
    shutdown: Option<unsafe extern "C-unwind" fn(*mut ModuleState)>,
    validate: Option<
        unsafe extern "C-unwind" fn(
            *const ModuleState,
            *const c_char,
            *const c_char,
            *mut ModuleResult,
        ) -> bool,
    >,
}

static CALLBACKS: Callbacks =
    Callbacks { magic: MAGIC, startup: None, shutdown: None, validate: Some(validate) };

/// By this name the server asks for the functions, once for each connection.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn _PG_oauth_validator_module_init() -> &'static Callbacks {
    &CALLBACKS
}

/// False: the connection ends with an internal error of the server.
#[pg_guard]
unsafe extern "C-unwind" fn validate(
    _state: *const ModuleState,
    token: *const c_char,
    _role: *const c_char,
    result: *mut ModuleResult,
) -> bool {
    // SAFETY: the server passes a C string that lives as long as the call.
    let token = unsafe { CStr::from_ptr(token) }.to_str().unwrap_or_default();
    let Some(decide) = DECIDE.get() else { return false };
    let (authorized, name) = match decide(token) {
        Ok(said) => said,
        Err(why) => {
            crate::kernel::outcome::log(format!("auth_store cannot validate OAuth tokens: {why}"));
            return false;
        }
    };
    let name = name.and_then(|name| CString::new(name).ok());
    // SAFETY: the server passes a result to be filled in, with a name in memory of its own.
    unsafe {
        (*result).authorized = authorized && name.is_some();
        (*result).authn_id = name.map_or(std::ptr::null_mut(), |name| pg_sys::pstrdup(name.as_ptr()));
    }
    true
}
