//! Tamper evidence: the rows of the trail are closed into segments, each a Merkle tree whose root goes into a chain of
//! heads, and each head is sealed under a key of the vault.
//!
//! A segment says itself which rows it has, so a writer of the trail takes no lock and leaves no mark. A row whose
//! transaction was open while a segment was made is in a later one, however old its id is.
//!
//! Locks: the tenant's data key, then EXCLUSIVE on `audit_segments`, so that one session seals at a time. Who erases
//! rows takes ROW SHARE on it before: a row is erased before it is sealed, or after.

pub mod chunk;
pub mod compare;
pub mod erased;
pub mod leaf;
pub mod make;
pub mod segment;
pub mod tally;
pub mod verify;

use std::ffi::CStr;

use crate::kernel::outcome::Mistake;
use crate::kernel::server::composite::composite;
use crate::kernel::server::pin;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::id::Id;

/// The table of the segments, which is locked by its name.
const SEGMENTS: &CStr = c"audit_segments";

/// Microseconds by which the clocks of sessions may differ where a row's time is compared with that of a segment: what
/// passes between a statement's time and its note that a transaction has begun, and steps of the server's clock.
const SKEW: i64 = 10_000_000;

fn refuse_pin() -> Result<(), Mistake> {
    if pin::tenant().is_none() {
        return Ok(());
    }
    Err(Mistake::NotAllowed(
        "the audit trail is sealed for all tenants, and this session belongs to one".into(),
    ))
}

// The rows that only say that others were sealed wait for others.
static WAITS: Statement<bool> = Statement::read(
    c"SELECT EXISTS (SELECT FROM auth_store.audit_log
                      WHERE occurred_at > $1 AND occurred_at < $2 AND event <> 'audit.sealed') AS waits",
);

/// Whether a row between two times waits to be sealed, if all before were.
pub fn waits_between(since: Timestamp, until: Timestamp) -> Result<bool, Mistake> {
    Ok(WAITS.one(&params![since, until])? == Some(true))
}

composite! {
    /// Something that is not as it was sealed.
    pub struct AuditFinding = "auth_store.audit_finding" {
        pub kind: Option<&'static str>,
        pub segment: Option<i64>,
        pub id: Option<Id>,
        pub detail: Option<String>,
    }
}

/// Of which time rows are compared.
#[derive(Clone, Copy)]
pub struct Range {
    pub since: Timestamp,
    pub until: Timestamp,
}

/// Findings that are returned, at most.
const MAX_FINDINGS: usize = 10_000;

/// What was found.
#[derive(Default)]
pub struct Report {
    pub findings: Vec<AuditFinding>,
    /// How many there are beside those.
    pub more: u64,
}

impl Report {
    /// Adds a finding.
    pub fn add(
        &mut self,
        kind: &'static str,
        segment: Option<i64>,
        id: Option<Id>,
        detail: impl Into<String>,
    ) {
        if self.findings.len() < MAX_FINDINGS {
            self.findings.push(AuditFinding { kind: Some(kind), segment, id, detail: Some(detail.into()) });
        } else {
            self.more += 1;
        }
    }
}
