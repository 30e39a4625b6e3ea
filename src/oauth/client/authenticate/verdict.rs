//! What becomes of an authentication.

use crate::trail::Flag;

/// Whether a request is the client's.
pub enum Verdict {
    /// It is.
    Authentic,
    /// It is not, and why.
    Failed(&'static [Flag]),
    /// The client's keys at this URL say it.
    Fetch(String),
}
