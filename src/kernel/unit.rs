//! Unit tests run in a program of their own, without a server. These are the server's symbols that the code
//! they reach still names; with them the program links and starts, and whoever calls one is told.

#![allow(unsafe_code, non_upper_case_globals, non_snake_case, clippy::panic)]

use std::sync::atomic::AtomicUsize;

macro_rules! variables {
    ($($name:ident)*) => { $(#[unsafe(no_mangle)] static $name: AtomicUsize = AtomicUsize::new(0);)* };
}

macro_rules! functions {
    ($($name:ident)*) => {
        $(#[unsafe(no_mangle)]
        extern "C-unwind" fn $name() {
            panic!("{} needs a server: test it in SQL", stringify!($name));
        })*
    };
}

variables!(CurrentMemoryContext PG_exception_stack error_context_stack);
functions!(CopyErrorData FlushErrorState FreeErrorData jsonb_out palloc palloc0 pfree);
