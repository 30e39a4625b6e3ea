//! A refused request: the answer, and what the audit trail says about it.

use crate::kernel::outcome::{ErrorCode, Refusal};
use crate::trail::risk::Flag;

/// Why a request is refused, and what makes it suspicious.
pub struct Refused {
    /// What the client is told.
    pub refusal: Refusal,
    /// What the trail says beside it.
    pub flags: &'static [Flag],
}

/// RFC 6749 section 5.2.
pub fn invalid_grant(description: &'static str, flags: &'static [Flag]) -> Refused {
    Refused { refusal: Refusal::new(ErrorCode::InvalidGrant, description), flags }
}
