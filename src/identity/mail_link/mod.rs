//! What a link in a mail does beside proving an address: it logs a user in, sets a new password, or changes the address
//! itself. Each is begun by a call that makes the token, and ended by one that uses it.

pub mod change;
pub mod claim;
pub mod magic;
pub mod reset;
pub mod undo;
