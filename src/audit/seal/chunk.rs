//! The leaves of a segment, in chunks of a few rows each: for every row its id, the hash of the row, and what hides the
//! personal columns in it. Of a row that was erased or deleted it says so.

use std::collections::HashMap;

use crate::audit::seal::leaf::Salt;
use crate::kernel::crypto::merkle::Hash;
use crate::kernel::outcome::Mistake;
use crate::kernel::server::append::Append;
use crate::kernel::server::partition::Partitions;
use crate::kernel::server::row::row;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::server::table::{Moves, Published, Rows, Table};
use crate::kernel::value::calendar::Period;
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::id::Id;

/// The facts of the table `audit_leaves`. Its months are dropped with those of the trail.
pub static TABLE: Table = Table {
    name: "audit_leaves",
    key: &[],
    ended: None,
    of_tenant: Rows::None,
    of_client: Rows::None,
    of_user: None,
    published: Published::TakeOver,
    moves: Moves::Stays,
    restored: true,
};

static MONTHS: Partitions = Partitions::new(
    c"audit_leaves",
    Period::Month,
    "CREATE UNIQUE INDEX {name}_key ON auth_store.{name} (segment, last_id){tablespace}",
)
.shared();

/// What a leaf says of its row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// It is there as it was; the mark is the salt.
    Live,
    /// It was made a pseudonym's; the mark is that pseudonym, and the hash of the personal columns is with the chunk.
    Erased,
    /// It was deleted with its tenant; the mark tells which.
    Removed,
}

/// The leaf of a row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Leaf {
    pub state: State,
    pub id: [u8; 16],
    pub mark: Salt,
    pub hash: Hash,
}

/// Rows of a chunk, at most: four chunks make a page.
pub const ROWS: usize = 30;

const WIDTH: usize = 1 + 16 + 16 + 32;
/// Of an erased row: its place in the chunk, and the hash of its personal columns.
const ERASED_WIDTH: usize = 1 + 32;

impl Leaf {
    fn write(&self, to: &mut Vec<u8>) {
        to.push(match self.state {
            State::Live => 0,
            State::Erased => 1,
            State::Removed => 2,
        });
        to.extend_from_slice(&self.id);
        to.extend_from_slice(&self.mark);
        to.extend_from_slice(&self.hash);
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (state, rest) = bytes.split_first()?;
        let (id, rest) = rest.split_first_chunk()?;
        let (mark, rest) = rest.split_first_chunk()?;
        let hash = rest.first_chunk()?;
        let state = match state {
            0 => State::Live,
            1 => State::Erased,
            2 => State::Removed,
            _ => return None,
        };
        Some(Self { state, id: *id, mark: *mark, hash: *hash })
    }
}

/// Leaves as a chunk has them.
pub fn write(leaves: &[Leaf]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(leaves.len() * WIDTH);
    leaves.iter().for_each(|leaf| leaf.write(&mut bytes));
    bytes
}

row! {
    /// A chunk.
    pub struct Chunk {
        /// The number of its segment.
        pub segment: i64,
        /// The id of its last row; those of its rows are in order.
        pub last_id: Id,
        /// Its leaves.
        pub leaves: Vec<u8>,
        /// What stands for the personal columns of its erased rows.
        pub erased: Option<Vec<u8>>,
    }
}

impl Chunk {
    /// Its leaves; what is not one is left out, and its segment's root is then another.
    pub fn leaves(&self) -> impl Iterator<Item = Leaf> {
        self.leaves.chunks(WIDTH).filter_map(Leaf::read)
    }

    /// What stands for the personal columns of its erased rows, by their places.
    pub fn erased(&self) -> HashMap<u8, Hash> {
        let one = |bytes: &[u8]| Some((*bytes.first()?, *bytes.get(1..)?.first_chunk()?));
        self.erased.as_deref().unwrap_or_default().chunks(ERASED_WIDTH).filter_map(one).collect()
    }
}

/// Adds what stands for the personal columns of the row at a place.
pub fn note_erased(erased: &mut Vec<u8>, place: usize, personal: &Hash) {
    erased.push(u8::try_from(place).unwrap_or(u8::MAX));
    erased.extend_from_slice(personal);
}

static INSERT: Append = Append::new("audit_leaves", &[c"month", c"segment", c"last_id", c"leaves"]);

/// Stores the leaves of a segment of this month, which are in the order of their ids.
pub fn store(month: Timestamp, segment: i64, leaves: &[Leaf]) -> Result<(), Mistake> {
    let period = MONTHS.ensure(month, false)?;
    let row = |leaves: &[Leaf]| {
        let last = leaves.last().map_or([0; 16], |leaf| leaf.id);
        params![month, segment, Id::from_bytes(last), write(leaves)]
    };
    INSERT.run_all(period, &leaves.chunks(ROWS).map(row).collect::<Vec<_>>())
}

static OF_SEGMENTS: Statement<Chunk> = Statement::read(
    c"SELECT segment, last_id, leaves, erased FROM auth_store.audit_leaves
       WHERE month = $1 AND segment = ANY ($2) ORDER BY segment, last_id",
);

/// The chunks of segments of a month, in order.
pub fn of_segments(month: Timestamp, segments: Vec<i64>) -> Result<Vec<Chunk>, Mistake> {
    OF_SEGMENTS.all(&params![month, segments])
}

static NEWEST: Statement<Chunk> = Statement::latest(
    c"SELECT segment, last_id, leaves, erased FROM auth_store.audit_leaves
       WHERE month = $1 AND segment = ANY ($2) AND last_id >= $3",
);

/// The same of what is committed by now, from this id on and in no order.
pub fn newest_of(month: Timestamp, segments: Vec<i64>, from: Id) -> Result<Vec<Chunk>, Mistake> {
    NEWEST.all(&params![month, segments, from])
}

static FIND: Statement<Chunk> = Statement::read(
    c"SELECT segment, last_id, leaves, erased FROM auth_store.audit_leaves
       WHERE month = $1 AND segment = $2 AND last_id >= $3 ORDER BY last_id LIMIT 1",
);

/// The chunk in which a segment would have the row of this id.
pub fn find(month: Timestamp, segment: i64, id: Id) -> Result<Option<Chunk>, Mistake> {
    FIND.one(&params![month, segment, id])
}

static LOCK: Statement<Chunk> = Statement::latest(
    c"SELECT segment, last_id, leaves, erased FROM auth_store.audit_leaves
       WHERE month = $1 AND segment = $2 AND last_id >= $3 ORDER BY last_id LIMIT 1 FOR NO KEY UPDATE",
);

/// The same, locked.
pub fn lock_no_key_update(month: Timestamp, segment: i64, id: Id) -> Result<Option<Chunk>, Mistake> {
    LOCK.one(&params![month, segment, id])
}

static CHANGE: Statement = Statement::latest(
    c"UPDATE auth_store.audit_leaves SET leaves = $4, erased = $5 WHERE month = $1 AND segment = $2 AND last_id = $3",
);

/// Stores what a locked chunk says now.
pub fn change(month: Timestamp, chunk: &Chunk) -> Result<(), Mistake> {
    let erased = chunk.erased.clone();
    CHANGE.exactly_one(&params![month, chunk.segment, chunk.last_id, chunk.leaves.clone(), erased])
}

/// Drops the months that ended before the trail's first; the heads of their segments remain.
pub fn drop_before(first: Timestamp, patient: bool) -> Result<(), Mistake> {
    MONTHS.drop_before(first, patient).map(|_| ())
}

/// Whether this is the name of a month of leaves.
pub fn names(name: &str) -> bool {
    MONTHS.names(name)
}

/// Makes those of the named partitions that are months of leaves and missing; returns how many.
pub fn ensure_named(names: &[&str]) -> Result<i32, Mistake> {
    MONTHS.ensure_named(names)
}

#[cfg(test)]
mod tests {
    use super::{Chunk, Leaf, ROWS, State, note_erased, write};
    use crate::kernel::value::id::Id;

    fn leaf(n: u8, state: State) -> Leaf {
        Leaf { state, id: [n; 16], mark: [n + 1; 16], hash: [n + 2; 32] }
    }

    #[test]
    fn leaves_are_read_as_they_were_written() {
        let leaves: Vec<_> = [State::Live, State::Erased, State::Removed]
            .into_iter()
            .zip(0..)
            .map(|(state, n)| leaf(n, state))
            .collect();
        let mut erased = Vec::new();
        note_erased(&mut erased, 1, &[9; 32]);
        let chunk = Chunk {
            segment: 1,
            last_id: Id::from_bytes([2; 16]),
            leaves: write(&leaves),
            erased: Some(erased),
        };
        assert_eq!(chunk.leaves().collect::<Vec<_>>(), leaves);
        assert_eq!(chunk.erased().into_iter().collect::<Vec<_>>(), [(1, [9; 32])]);
    }

    #[test]
    fn what_is_no_leaf_is_left_out() {
        let mut bytes = write(&[leaf(0, State::Live), leaf(1, State::Live)]);
        bytes.pop();
        let mut chunk = Chunk { segment: 1, last_id: Id::from_bytes([0; 16]), leaves: bytes, erased: None };
        assert_eq!(chunk.leaves().count(), 1);
        if let Some(state) = chunk.leaves.first_mut() {
            *state = 3;
        }
        assert_eq!(chunk.leaves().count(), 0);
    }

    /// A page has 8,168 bytes for rows, each with a header of 24, four bytes of its place in the page, and 37 of month,
    /// segment, id and the length word, and begins at a multiple of eight.
    #[test]
    fn four_chunks_fit_into_a_page() {
        let leaves = vec![leaf(0, State::Live); ROWS];
        assert!(4 * ((24 + 8 + 8 + 16 + 4 + write(&leaves).len()).next_multiple_of(8) + 4) <= 8168);
    }
}
