//! The caller. Inside a SECURITY DEFINER function the current user is the owner of the tables. The session knows who
//! called: the role that logged in, and the role that it has set.

#![allow(unsafe_code)]

use std::cell::RefCell;
use std::ffi::CStr;
use std::rc::Rc;

use pgrx::prelude::*;

use crate::kernel::server::cell::BackendCell;

/// The database roles of a session.
#[derive(Clone)]
pub struct Caller {
    /// The role that logged in, `session_user`: SET ROLE does not change it, and only a superuser can.
    pub session_user: Rc<str>,
    /// The role that SET ROLE has set, if it is another.
    pub role: Option<Rc<str>>,
}

type Names = RefCell<Vec<(pg_sys::Oid, Rc<str>)>>;

/// The names of the few roles that a session has been, until a role changes.
static NAMES: BackendCell<Names> = BackendCell::new(RefCell::new(Vec::new()));

/// A session that sets more roles than this begins again.
const MAX_NAMES: usize = 64;

/// Registers for changes of roles. Called once, when the library is loaded.
pub fn watch() {
    // SAFETY: the callback matches the server's type and frees memory of this library only.
    unsafe {
        pg_sys::CacheRegisterSyscacheCallback(
            pg_sys::SysCacheIdentifier::AUTHOID as i32,
            Some(roles_changed),
            pg_sys::Datum::null(),
        );
    }
}

extern "C-unwind" fn roles_changed(_: pg_sys::Datum, _cache: std::ffi::c_int, _hash: u32) {
    if let Ok(mut names) = NAMES.try_borrow_mut() {
        names.clear();
    }
}

/// Who calls.
pub fn current() -> Caller {
    // SAFETY: reads of the session's state.
    let (session, outer) = unsafe { (pg_sys::GetSessionUserId(), pg_sys::GetOuterUserId()) };
    Caller { session_user: name(session), role: (outer != session).then(|| name(outer)) }
}

/// True if the caller (not the owner of the running function) is a superuser now, by the role that is set if one is.
pub fn is_superuser() -> bool {
    // SAFETY: a read of the session's state and a look-up of that role.
    unsafe { pg_sys::superuser_arg(pg_sys::GetOuterUserId()) }
}

/// The name of a role; of one that is gone, its number.
pub fn name(role: pg_sys::Oid) -> Rc<str> {
    let known = NAMES.borrow().iter().find(|(oid, _)| *oid == role).map(|(_, name)| Rc::clone(name));
    if let Some(name) = known {
        return name;
    }
    // The look-up may bring in invalidations, and answers as of after them; no borrow is held meanwhile.
    // SAFETY: a catalog look-up by oid that does not raise for a role that is gone; the text is copied.
    let text = unsafe {
        let text = pg_sys::GetUserNameFromId(role, true);
        (!text.is_null()).then(|| CStr::from_ptr(text).to_string_lossy().into_owned())
    };
    let name: Rc<str> = Rc::from(text.unwrap_or_else(|| role.to_u32().to_string()));
    let mut names = NAMES.borrow_mut();
    if names.len() >= MAX_NAMES {
        names.clear();
    }
    names.push((role, Rc::clone(&name)));
    name
}
