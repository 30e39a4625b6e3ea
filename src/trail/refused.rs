//! A refused request: the answer, and what the audit trail says about it.

use crate::kernel::outcome::{ErrorCode, Refusal};
use crate::kernel::server::composite::composite;
use crate::trail::risk::Flag;

composite! {
    /// The outcome of a call that returns nothing else: both NULL on success.
    pub struct Outcome = "auth_store.outcome" {
        pub error: Option<&'static str>,
        pub error_description: Option<String>,
        pub retry_after: Option<i32>,
    }
    refused { error, error_description, retry_after }
}

impl From<Result<(), Refusal>> for Outcome {
    fn from(outcome: Result<(), Refusal>) -> Self {
        outcome.map_or_else(|refusal| Self::refused(&refusal), |()| Self::default())
    }
}

/// Why a request is refused, and what makes it suspicious.
pub struct Refused {
    /// What the client is told.
    pub refusal: Refusal,
    /// What the trail says beside it.
    pub flags: &'static [Flag],
}

/// RFC 6749 section 5.2.
pub fn invalid_request(description: &'static str) -> Refused {
    Refused { refusal: Refusal::new(ErrorCode::InvalidRequest, description), flags: &[] }
}

/// RFC 6749 section 5.2.
pub fn invalid_grant(description: &'static str, flags: &'static [Flag]) -> Refused {
    Refused { refusal: Refusal::new(ErrorCode::InvalidGrant, description), flags }
}
