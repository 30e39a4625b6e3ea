//! `FROM auth_store.token_introspect(…)` without a FunctionScan, which makes a tuple of the function's row, keeps it in
//! a tuplestore, takes it apart again, and prepares all of that for each statement. A node of the store's own calls
//! the function in the same way and takes its values as they are.
//!
//! The results, the order and number of the calls, privileges and errors are those of a FunctionScan. To delete when
//! the server itself scans a function of one row without a tuplestore.

mod explain;
mod plan;
pub mod receiver;
mod scan;

pub use plan::{ENABLED, watch};
