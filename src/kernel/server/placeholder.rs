//! The values that a session gave to the settings before it loaded the library that knows them.

#![allow(unsafe_code)]

use std::ffi::{CStr, CString};

use pgrx::prelude::*;

use crate::kernel::outcome;
use crate::kernel::server::state;

/// A value that the session began with before the server knew the setting.
pub struct Placeholder {
    name: &'static CStr,
    /// The value that RESET would have restored: the role's, the database's or the server's.
    value: Option<CString>,
    source: pg_sys::GucSource::Type,
    context: pg_sys::GucContext::Type,
}

impl Placeholder {
    /// Until the library is loaded the server takes any value for a setting that it does not know, also from the
    /// options of a connection, where it hides the role's, the database's and the server's own: the tenant pin. When
    /// the library is loaded, the server drops a value that the user may not set, and the hidden value is lost. So such
    /// a session ends; with a preloaded library it would not even begin.
    pub fn of(name: &'static CStr) -> Option<Self> {
        let setting = state::setting(name)?;
        // SAFETY: the setting is the server's, and of a name that it does not know, so a text; the check reads
        // catalogs, and a session that brings connection options loads this library within a transaction.
        unsafe {
            let refused = matches!(
                (*setting).reset_scontext,
                pg_sys::GucContext::PGC_BACKEND | pg_sys::GucContext::PGC_USERSET
            ) && pg_sys::pg_parameter_aclcheck(
                name.as_ptr(),
                (*setting).reset_srole,
                pg_sys::ACL_SET as pg_sys::AclMode,
            ) != pg_sys::AclResult::ACLCHECK_OK;
            if refused {
                outcome::end_session(format!(
                    "permission denied to set parameter \"{}\"",
                    name.to_string_lossy()
                ));
            }
            Some(Self {
                name,
                value: reset_value(setting),
                source: (*setting).reset_source,
                context: (*setting).reset_scontext,
            })
        }
    }

    /// Ends the session if the server did not carry the value over to the setting, as in a parallel query, where it
    /// changes no setting: a session that its administrator has pinned must not go on without the pin.
    pub fn prove(&self) {
        let Some(setting) = state::setting(self.name) else { return };
        // SAFETY: the setting was defined just now.
        let applied = unsafe {
            (*setting).reset_source == self.source
                && ((*setting).vartype != pg_sys::config_type::PGC_STRING
                    || reset_value(setting) == self.value)
        };
        if !applied && self.is_acceptable() {
            outcome::end_session(format!(
                "parameter \"{}\" could not be set to what the role, the database or the server says",
                self.name.to_string_lossy()
            ));
        }
    }

    /// True if the server would accept the value. Otherwise it has warned of the value and goes on with the default, as
    /// with a preloaded library.
    fn is_acceptable(&self) -> bool {
        let value = self.value.as_ref().map_or(std::ptr::null(), |value| value.as_ptr());
        // SAFETY: valid C strings; nothing is changed, and what is not accepted is not worth more than a debug
        // message.
        unsafe {
            pg_sys::set_config_option(
                self.name.as_ptr(),
                value,
                self.context,
                self.source,
                pg_sys::GucAction::GUC_ACTION_SET,
                false,
                PgLogLevel::DEBUG5 as i32,
                false,
            ) != 0
        }
    }
}

/// The value that RESET restores; None if there is none, or if it is not a text.
///
/// # Safety
/// The setting must be one of the server.
unsafe fn reset_value(setting: *mut pg_sys::config_generic) -> Option<CString> {
    // SAFETY: as required of the caller; a text's structure begins with the general one.
    unsafe {
        if (*setting).vartype != pg_sys::config_type::PGC_STRING {
            return None;
        }
        let value = (*setting.cast::<pg_sys::config_string>()).reset_val;
        (!value.is_null()).then(|| CStr::from_ptr(value).to_owned())
    }
}
