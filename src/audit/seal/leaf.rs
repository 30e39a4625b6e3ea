//! The leaf of a row: a hash of its columns. What user_erase() changes goes in by a salted hash of its own, which
//! remains when those columns and the salt are gone.

use sha2::{Digest, Sha256};

use crate::kernel::crypto::merkle::{self, Hash};
use crate::kernel::outcome::Mistake;
use crate::kernel::server::stream::{Cell, Cells};
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::id::Id;

/// The columns in the order in which they are hashed: those that no erasure changes, and behind them the others.
macro_rules! columns {
    () => {
        "id, occurred_at, risk_score, success, grant_id, tenant_id, event, client_id, resource_type, error, flags, \
         called_by, called_as, from_application, user_id, session_id, actor_id, resource_id, ip, user_agent, details"
    };
}

pub(super) use columns;

const ID: usize = 0;
const OCCURRED_AT: usize = 1;
const EVENT: usize = 6;
const KEPT: usize = 14;
const SESSION: usize = 15;
const IP: usize = 18;
const USER_AGENT: usize = 19;
const DETAILS: usize = 20;
const ALL: usize = 21;

/// What hides the personal columns of a row in their hash.
pub type Salt = [u8; 16];

/// A row of the trail that is being read, of [`columns!`].
pub struct Step<'a> {
    cells: &'a Cells<'a>,
}

impl<'a> Step<'a> {
    /// The step whose columns these are.
    pub fn new(cells: &'a Cells<'a>) -> Self {
        Self { cells }
    }

    /// Its id.
    pub fn id(&self) -> Result<Id, Mistake> {
        self.cells.id(ID)
    }

    /// When it was.
    pub fn occurred_at(&self) -> Result<Timestamp, Mistake> {
        self.cells.time(OCCURRED_AT)
    }

    /// Whether it is this event.
    pub fn is(&self, event: &str) -> Result<bool, Mistake> {
        Ok(matches!(self.cells.cell(EVENT)?, Cell::Bytes(name) if name == event.as_bytes()))
    }

    /// Whether it has as little as a row that was erased: neither address nor user agent, and where it is the
    /// pseudonym's own, no session and no details.
    pub fn is_bare(&self, pseudonym: &Salt) -> Result<bool, Mistake> {
        let gone = |column| self.cells.cell(column).map(|cell| matches!(cell, Cell::Null));
        let own = matches!(self.cells.cell(KEPT)?, Cell::Id(user) if user.bytes() == pseudonym);
        Ok(gone(IP)? && gone(USER_AGENT)? && (!own || gone(SESSION)? && gone(DETAILS)?))
    }

    /// The personal columns, as they are hashed.
    pub fn personal(&self, buffer: &mut Vec<u8>) -> Result<(), Mistake> {
        self.encode(KEPT..ALL, buffer)
    }

    /// The hash of the row, with that of its personal columns.
    pub fn leaf(&self, personal: &Hash, buffer: &mut Vec<u8>) -> Result<Hash, Mistake> {
        self.encode(0..KEPT, buffer)?;
        Ok(merkle::leaf(&[buffer, personal]))
    }

    /// The hash of the row as it is.
    pub fn leaf_with(&self, salt: &Salt, buffer: &mut Vec<u8>) -> Result<Hash, Mistake> {
        self.personal(buffer)?;
        let personal = personal(salt, buffer);
        self.leaf(&personal, buffer)
    }

    /// Each value with a byte that says whether there is one. A value of variable length has its length before it, in
    /// four bytes, and is as the server has it in memory; others have the higher bytes first.
    fn encode(&self, columns: std::ops::Range<usize>, buffer: &mut Vec<u8>) -> Result<(), Mistake> {
        buffer.clear();
        for column in columns {
            let cell = self.cells.cell(column)?;
            buffer.push(u8::from(!matches!(cell, Cell::Null)));
            match cell {
                Cell::Null => {}
                Cell::Bool(value) => buffer.push(u8::from(value)),
                Cell::Real(value) => buffer.extend_from_slice(&value.to_bits().to_be_bytes()),
                Cell::Id(value) => buffer.extend_from_slice(value.bytes()),
                Cell::Time(value) => buffer.extend_from_slice(&value.micros().to_be_bytes()),
                Cell::Bytes(value) => {
                    buffer.extend_from_slice(&u32::try_from(value.len()).unwrap_or(u32::MAX).to_be_bytes());
                    buffer.extend_from_slice(value);
                }
            }
        }
        Ok(())
    }
}

/// The hash that stands for the personal columns.
pub fn personal(salt: &Salt, encoded: &[u8]) -> Hash {
    let mut hash = Sha256::new_with_prefix(salt);
    hash.update(encoded);
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{ALL, DETAILS, EVENT, ID, IP, KEPT, OCCURRED_AT, SESSION, USER_AGENT};

    /// A column that nobody hashes could be edited unseen.
    #[test]
    fn every_column_of_the_trail_is_hashed() {
        let columns: Vec<_> = columns!().split(',').map(str::trim).collect();
        let there: BTreeSet<_> = include_str!("../../../sql/shape.txt")
            .lines()
            .filter_map(|line| line.strip_prefix("table audit_log\tcolumn ")?.split('\t').next())
            .collect();
        assert_eq!(columns.iter().copied().collect::<BTreeSet<_>>(), there);
        assert_eq!(columns.len(), ALL);
        let named = [
            (ID, "id"),
            (OCCURRED_AT, "occurred_at"),
            (EVENT, "event"),
            (KEPT, "user_id"),
            (SESSION, "session_id"),
            (IP, "ip"),
            (USER_AGENT, "user_agent"),
            (DETAILS, "details"),
        ];
        for (at, name) in named {
            assert_eq!(columns.get(at), Some(&name));
        }
    }
}
