//! The segments of the trail: a head for each, which has the root of its leaves and the head before it in its hash, and
//! is sealed by the vault.

use sha2::{Digest, Sha256};

use crate::identity::tenant;
use crate::kernel::crypto::merkle::Hash;
use crate::kernel::outcome::Mistake;
use crate::kernel::server::composite::composite;
use crate::kernel::server::row::row;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::server::table::{Moves, Published, Rows, Table, delete_by};
use crate::kernel::value::calendar::{Period, Slot};
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::hex::hex;
use crate::kernel::value::id::Id;
use crate::vault::holder::{Holder, holder};
use crate::vault::key::{DataKey, SealPlace, Unreadable};

/// The facts of the table `audit_segments`. The heads outlive the rows, and are sealed by the key of the default
/// tenant, which is never erased.
pub static TABLE: Table = Table {
    name: "audit_segments",
    key: &["id", "tenant_id"],
    ended: None,
    of_tenant: Rows::Deleted(delete_by!(latest "audit_segments", "tenant_id")),
    of_client: Rows::None,
    of_user: None,
    published: Published::TakeOver,
    moves: Moves::Stays,
    restored: true,
};

const SEALED: &str = "sealed";

/// The sealed values of the table `audit_segments`.
pub static HOLDER: Holder = holder!("audit_segments", "audit segment", "sealed");

row! {
    /// A segment.
    pub struct Segment in audit_segments {
        pub id: Id,
        pub key_id: Id,
        /// The smallest and the greatest id of its rows.
        pub first_id: Id,
        pub last_id: Id,
        pub sealed_at: Timestamp,
        /// Every row of an earlier time is in this segment or in one before it.
        pub complete_before: Timestamp,
        /// The earliest and the latest time of its rows.
        pub first_at: Timestamp,
        pub last_at: Timestamp,
        pub number: i64,
        pub rows: i32,
        pub root: Vec<u8>,
        pub head: Vec<u8>,
        pub sealed: Vec<u8>,
    }
}

composite! {
    /// A row of audit_seal().
    pub struct AuditHead = "auth_store.audit_head" {
        pub number: i64,
        pub closed_at: Option<Timestamp>,
        pub first_at: Option<Timestamp>,
        pub last_at: Option<Timestamp>,
        pub rows: i32,
        pub root: Option<String>,
        pub head: Option<String>,
    }
}

/// What a head begins with, so that it is the hash of nothing else.
const FORMAT: &[u8] = b"auth_store audit head 1\0";

impl Segment {
    /// The month of its rows: they are all in one.
    pub fn month(&self) -> Slot {
        Slot::of(Period::Month, self.first_at)
    }

    /// The head that it should have behind another.
    pub fn head_behind(&self, previous: &[u8]) -> Hash {
        let mut hash = Sha256::new_with_prefix(FORMAT);
        hash.update(self.number.to_be_bytes());
        hash.update(self.rows.to_be_bytes());
        hash.update(self.first_id.bytes());
        hash.update(self.last_id.bytes());
        for time in [self.first_at, self.last_at, self.sealed_at, self.complete_before] {
            hash.update(time.micros().to_be_bytes());
        }
        hash.update(&self.root);
        hash.update(previous);
        hash.finalize().into()
    }

    fn place(&self) -> SealPlace {
        SealPlace { table: TABLE.name, row: self.id, column: SEALED }
    }

    /// Seals its head.
    pub fn seal(&mut self, key: &DataKey) -> Result<(), Mistake> {
        self.sealed = key.seal(self.place(), &self.head)?;
        Ok(())
    }

    /// Whether the vault has sealed this head.
    pub fn is_sealed_by(&self, key: &DataKey) -> Result<bool, Unreadable> {
        key.open(self.place(), &self.sealed).map(|head| *head == self.head)
    }

    /// Whether it may have a row of this time.
    pub fn is_of_time(&self, at: Timestamp) -> bool {
        self.first_at <= at && at <= self.last_at
    }

    /// Whether it may have the row of this id.
    pub fn spans(&self, id: Id) -> bool {
        self.first_id <= id && id <= self.last_id
    }
}

impl From<&Segment> for AuditHead {
    fn from(segment: &Segment) -> Self {
        Self {
            number: segment.number,
            closed_at: Some(segment.sealed_at),
            first_at: Some(segment.first_at),
            last_at: Some(segment.last_at),
            rows: segment.rows,
            root: Some(hex(&segment.root)),
            head: Some(hex(&segment.head)),
        }
    }
}

static ALL: Statement<Segment> =
    Statement::read(c"SELECT {columns} FROM auth_store.audit_segments ORDER BY number");

/// Every segment, in order.
pub fn all() -> Result<Vec<Segment>, Mistake> {
    ALL.all(&[])
}

static LAST: Statement<Segment> =
    Statement::read(c"SELECT {columns} FROM auth_store.audit_segments ORDER BY number DESC LIMIT 1");

/// The newest segment; None: nothing was ever sealed.
pub fn last() -> Result<Option<Segment>, Mistake> {
    LAST.one(&[])
}

static NEWEST: Statement<Segment> =
    Statement::latest(c"SELECT {columns} FROM auth_store.audit_segments ORDER BY number DESC LIMIT 1");

/// The same of those that are committed by now.
pub fn newest() -> Result<Option<Segment>, Mistake> {
    NEWEST.one(&[])
}

static SINCE: Statement<Segment> =
    Statement::latest(c"SELECT {columns} FROM auth_store.audit_segments WHERE last_at >= $1 ORDER BY number");

/// The segments that are committed by now and have rows of this time or a later one.
pub fn since(at: Timestamp) -> Result<Vec<Segment>, Mistake> {
    SINCE.all(&params![at])
}

static SPANNING: Statement<Segment> = Statement::latest(
    c"SELECT {columns} FROM auth_store.audit_segments WHERE last_id >= $1 AND first_id <= $2 ORDER BY number",
);

/// The segments that are committed by now and may have rows of ids between these two.
pub fn spanning(first: Id, last: Id) -> Result<Vec<Segment>, Mistake> {
    SPANNING.all(&params![first, last])
}

static INSERT: Statement = Statement::write(
    c"INSERT INTO auth_store.audit_segments (id, key_id, first_id, last_id, sealed_at, complete_before, first_at,
                                            last_at, number, rows, tenant_id, root, head, sealed)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
);

/// Stores a segment.
pub fn store(segment: &Segment) -> Result<(), Mistake> {
    INSERT.exactly_one(&params![
        segment.id,
        segment.key_id,
        segment.first_id,
        segment.last_id,
        segment.sealed_at,
        segment.complete_before,
        segment.first_at,
        segment.last_at,
        segment.number,
        segment.rows,
        tenant::DEFAULT,
        segment.root.clone(),
        segment.head.clone(),
        segment.sealed.clone(),
    ])
}

#[cfg(test)]
mod tests {
    use super::Segment;
    use crate::kernel::value::clock::Timestamp;
    use crate::kernel::value::id::Id;

    fn segment() -> Segment {
        let at = Timestamp::from_micros;
        Segment {
            id: Id::from_bytes([1; 16]),
            key_id: Id::from_bytes([2; 16]),
            first_id: Id::from_bytes([3; 16]),
            last_id: Id::from_bytes([4; 16]),
            sealed_at: at(4),
            complete_before: at(3),
            first_at: at(1),
            last_at: at(2),
            number: 1,
            rows: 2,
            root: vec![5; 32],
            head: Vec::new(),
            sealed: Vec::new(),
        }
    }

    /// Who changes this says that nothing that was sealed before verifies any more.
    #[test]
    fn a_head_is_the_hash_of_what_it_says() {
        let head = segment().head_behind(&[0; 32]);
        let mut text = b"auth_store audit head 1\0".to_vec();
        text.extend_from_slice(&[0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2]);
        text.extend_from_slice(&[3; 16]);
        text.extend_from_slice(&[4; 16]);
        for time in [1u64, 2, 4, 3] {
            text.extend_from_slice(&time.to_be_bytes());
        }
        text.extend_from_slice(&[5; 32]);
        text.extend_from_slice(&[0; 32]);
        assert_eq!(head.as_slice(), <sha2::Sha256 as sha2::Digest>::digest(text).as_slice());
    }

    #[test]
    fn every_fact_is_in_the_head() {
        let head = segment().head_behind(&[0; 32]);
        let at = Timestamp::from_micros;
        let changes: [fn(&mut Segment, Timestamp); 9] = [
            |segment, _| segment.number = 2,
            |segment, _| segment.rows = 3,
            |segment, _| segment.first_id = Id::from_bytes([9; 16]),
            |segment, _| segment.last_id = Id::from_bytes([9; 16]),
            |segment, at| segment.first_at = at,
            |segment, at| segment.last_at = at,
            |segment, at| segment.sealed_at = at,
            |segment, at| segment.complete_before = at,
            |segment, _| segment.root = vec![6; 32],
        ];
        for (n, change) in changes.into_iter().enumerate() {
            let mut other = segment();
            change(&mut other, at(99));
            assert_ne!(other.head_behind(&[0; 32]), head, "{n}");
        }
        assert_ne!(segment().head_behind(&[1; 32]), head);
    }
}
