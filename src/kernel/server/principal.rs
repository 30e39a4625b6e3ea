//! Who is behind a transaction, as a text that only the library sets. The server keeps it as a setting, because it
//! carries settings where a variable of the library's own would be left behind or stay too long: back to a savepoint,
//! into parallel workers, over SET ROLE, and no further than the end of the transaction.

#![allow(unsafe_code)]

use std::cell::Cell;
use std::ffi::{CStr, CString, c_char, c_void};

use pgrx::prelude::*;

use crate::kernel::server::cell::BackendCell;
use crate::kernel::server::settings::{Hooks, Listed, Setting};
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::id::Id;

/// The text; none where nobody has been authenticated.
pub static PRINCIPAL: Setting<Option<CString>> = Setting::text(
    c"auth_store.principal",
    c"Who is behind the transaction.",
    c"Held by authenticate() until the transaction ends. Nobody sets it, a superuser neither; only superusers see it.",
)
.of_the_library(Hooks { check: Some(check), assign: Some(assign) });

/// Whether [`hold`] is at work.
static OPEN: BackendCell<Cell<bool>> = BackendCell::new(Cell::new(false));

/// How often the text has changed in this backend.
static CHANGES: BackendCell<Cell<u64>> = BackendCell::new(Cell::new(1));

/// For as long as [`OPEN`] is to be true, also where an error unwinds.
struct Opening;

impl Drop for Opening {
    fn drop(&mut self) {
        OPEN.set(false);
    }
}

/// What is held: in another session or transaction it says nothing.
pub struct Held<'a> {
    pub holder: Holder,
    /// The user who acts as the one whom the text names.
    pub actor: Option<Id>,
    pub text: &'a str,
}

/// Holds this text until the end of the transaction, or of the savepoint that it is rolled back to. False for a text
/// with NUL.
pub fn hold(actor: Option<Id>, text: &str) -> bool {
    let Holder { session_user, began } = holder();
    let actor = actor.map_or_else(|| NO_ACTOR.to_owned(), |actor| actor.to_string());
    let framed = CString::new(format!("{session_user} {began} {actor} {text}"));
    framed.is_ok_and(|framed| {
        set(&framed);
        true
    })
}

/// Holds nobody.
pub fn clear() {
    set(c"");
}

/// What stands for the actor where there is none.
const NO_ACTOR: &str = "-";

/// What is held, if anything is.
pub fn held<'a>() -> Option<Held<'a>> {
    let mut parts = PRINCIPAL.get()?.to_str().ok()?.splitn(4, ' ');
    let session_user = parts.next()?.parse().ok()?;
    let began = parts.next()?.parse().ok()?;
    let actor = Some(parts.next()?).filter(|actor| *actor != NO_ACTOR);
    Some(Held {
        holder: Holder { session_user, began },
        actor: actor.and_then(Id::parse),
        text: parts.next()?,
    })
}

/// The user who acts in this transaction as another one.
pub fn actor() -> Option<Id> {
    held().filter(|held| held.holder == holder())?.actor
}

fn set(text: &CStr) {
    OPEN.set(true);
    let _opening = Opening;
    // SAFETY: valid C strings; the server copies the text. It raises where it refuses.
    unsafe {
        pg_sys::set_config_option(
            PRINCIPAL.name().as_ptr(),
            text.as_ptr(),
            pg_sys::GucContext::PGC_SUSET,
            pg_sys::GucSource::PGC_S_SESSION,
            pg_sys::GucAction::GUC_ACTION_LOCAL,
            true,
            0,
            false,
        );
    }
}

/// What an answer about who is behind the transaction depends on, for as long as a statement lasts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct State {
    /// Another number whenever the text may be another one.
    pub changes: u64,
    pub holder: Holder,
    /// When the client's statement began: what is asked once a statement is asked again when another one has begun.
    pub statement: Timestamp,
}

/// Of now.
#[inline]
pub fn state() -> State {
    // SAFETY: a read of this backend's own state; parallel workers have their leader's.
    let statement = Timestamp::from_micros(unsafe { GetCurrentStatementStartTimestamp() });
    State { changes: CHANGES.get(), holder: holder(), statement }
}

/// The session and the transaction that a text is held in: in another it says nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Holder {
    /// Who logged in.
    pub session_user: u32,
    /// When the transaction began.
    pub began: i64,
}

unsafe extern "C-unwind" {
    // These read variables and raise nothing: without the guard that every other call of the server has, because each
    // row asks.
    fn GetSessionUserId() -> pg_sys::Oid;
    fn GetCurrentTransactionStartTimestamp() -> pg_sys::TimestampTz;
    fn GetCurrentStatementStartTimestamp() -> pg_sys::TimestampTz;
}

/// Of now. What tells a transaction from others here is the time at which it began.
#[inline]
pub fn holder() -> Holder {
    // SAFETY: reads of this backend's own state; parallel workers have their leader's.
    unsafe {
        Holder { session_user: GetSessionUserId().to_u32(), began: GetCurrentTransactionStartTimestamp() }
    }
}

/// Takes a text from [`hold`], and in a parallel worker from its leader. Nobody may be nobody.
unsafe extern "C-unwind" fn check(
    text: *mut *mut c_char,
    _: *mut *mut c_void,
    _: pg_sys::GucSource::Type,
) -> bool {
    // SAFETY: the server passes the address of a C string or of a null pointer; the flag is its own.
    unsafe {
        let empty = (*text).is_null() || *(*text) == 0;
        if empty || OPEN.get() || pg_sys::InitializingParallelWorker {
            return true;
        }
        pg_sys::GUC_check_errcode(PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE as i32);
        false
    }
}

unsafe extern "C-unwind" fn assign(_: *const c_char, _: *mut c_void) {
    CHANGES.set(CHANGES.get().wrapping_add(1));
}
