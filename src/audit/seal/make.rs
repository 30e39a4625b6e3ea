//! Sealing: what is committed and in no segment yet is closed into segments.

use std::collections::HashSet;

use pgrx::prelude::*;
use serde_json::json;

use crate::audit::seal::chunk::{self, Leaf, State};
use crate::audit::seal::leaf::{Salt, Step, columns};
use crate::audit::seal::segment::{self, AuditHead, Segment};
use crate::audit::seal::{SEGMENTS, SKEW, refuse_pin};
use crate::identity::tenant;
use crate::kernel::crypto::merkle;
use crate::kernel::outcome::{Mistake, OrRaise};
use crate::kernel::server::progress::Progress;
use crate::kernel::server::rows::SetOfIterator;
use crate::kernel::server::spi::params;
use crate::kernel::server::stream::{self, Sees};
use crate::kernel::server::{catalog, running, state, version};
use crate::kernel::value::calendar::{Period, Slot};
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::hex::hex;
use crate::kernel::value::id::{Bucket, Id, random};
use crate::trail::{self, Event};
use crate::vault::key::{self, DataKey};

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn audit_seal(only_continue: default!(Option<bool>, "false")) -> SetOfIterator<'static, AuditHead> {
    let sealed = seal(clock::now(), only_continue.unwrap_or(false)).or_raise();
    SetOfIterator::new(sealed.iter().map(AuditHead::from))
}

/// Rows of a segment, at most.
const MAX_ROWS: usize = 65_536;
/// A call ends with the month in which it has sealed so many rows.
const ENOUGH: usize = 4_000_000;
/// The event of a call that has sealed something.
const SEALED: &str = "audit.sealed";

const ROWS: &str = concat!("SELECT ", columns!(), " FROM auth_store.audit_log WHERE occurred_at >= $1");

fn seal(now: Timestamp, only_continue: bool) -> Result<Vec<Segment>, Mistake> {
    version::ensure_ready()?;
    state::writable()?;
    refuse_pin()?;
    if only_continue && segment::newest()?.is_none() {
        return Ok(Vec::new());
    }
    let progress = Progress::begin("audit_seal", None);
    let key = current_key(now)?;
    catalog::lock_named(SEGMENTS, pg_sys::ExclusiveLock);
    let mut sealing = Sealing::after(now, &key, segment::newest()?)?;
    stream::each_counted(ROWS, &params![sealing.from], Sees::Latest, &progress, &mut |cells| {
        sealing.take(&Step::new(cells))
    })?;
    let sealed = sealing.finish()?;
    if let Some(last) = sealed.last() {
        record(now, &sealed, last)?;
    }
    Ok(sealed)
}

/// The key that seals, held until the end of the transaction.
fn current_key(now: Timestamp) -> Result<DataKey, Mistake> {
    loop {
        let key = key::current(now, tenant::DEFAULT)?;
        if key::lock_key_share(&key)? {
            return Ok(key);
        }
        pgrx::check_for_interrupts!();
    }
}

fn record(now: Timestamp, sealed: &[Segment], last: &Segment) -> Result<(), Mistake> {
    trail::record(
        now,
        &Event {
            event: SEALED,
            tenant_id: tenant::DEFAULT,
            resource_type: Some("audit_segment"),
            resource_id: Some(&last.number.to_string()),
            details: Some(json!({
                "segments": sealed.len(),
                "rows": sealed.iter().map(|segment| i64::from(segment.rows)).sum::<i64>(),
                "number": last.number,
                "head": hex(&last.head),
            })),
            ..Event::default()
        },
    )?;
    Ok(())
}

/// What rows that come later are compared with: no transaction that may still write began before. If nobody knows, no
/// later time than before.
fn complete_before(previous: Timestamp) -> Result<Timestamp, Mistake> {
    let prepared = running::is_prepared()?;
    match running::oldest_open() {
        Some(oldest) if !prepared => Ok(oldest.max(previous)),
        _ => Ok(previous),
    }
}

/// The ids of rows that are in a segment, as far as a call keeps them: those of segments of before from the time on at
/// which it begins, and those of its last two. A trail may be larger than memory.
#[derive(Default)]
struct Known {
    stored: HashSet<Id>,
    last: HashSet<Id>,
    present: HashSet<Id>,
}

impl Known {
    /// Adds a row; false if it is there.
    fn add(&mut self, id: Id) -> bool {
        !self.stored.contains(&id) && !self.last.contains(&id) && self.present.insert(id)
    }

    /// The next segment begins.
    fn next(&mut self) {
        std::mem::swap(&mut self.last, &mut self.present);
        self.present.clear();
    }
}

struct Sealing<'a> {
    now: Timestamp,
    key: &'a DataKey,
    /// Rows of this time and later ones are looked at.
    from: Timestamp,
    known: Known,
    /// What the last segment of the call will say.
    complete_before: Timestamp,
    /// What the segment before said.
    previously: Timestamp,
    number: i64,
    head: Vec<u8>,
    rows: Vec<Leaf>,
    times: Option<(Timestamp, Timestamp)>,
    /// Whether a row is of another event than [`SEALED`], or of a segment that is stored.
    worthwhile: bool,
    buffer: Vec<u8>,
    sealed: Vec<Segment>,
    count: usize,
}

impl<'a> Sealing<'a> {
    fn after(now: Timestamp, key: &'a DataKey, last: Option<Segment>) -> Result<Self, Mistake> {
        let start = Timestamp::from_micros(i64::MIN);
        let before = last.as_ref().map_or(start, |last| last.complete_before);
        let from = if before == start { start } else { before.plus_micros(-SKEW) };
        Ok(Self {
            now,
            key,
            from,
            known: Known { stored: known(from)?, ..Known::default() },
            // Before the rows are looked at: a row of a later transaction has a later time.
            complete_before: complete_before(before)?,
            previously: before,
            number: last.as_ref().map_or(0, |last| last.number),
            head: last.map_or_else(|| vec![0; 32], |last| last.head),
            rows: Vec::new(),
            times: None,
            worthwhile: false,
            buffer: Vec::new(),
            sealed: Vec::new(),
            count: 0,
        })
    }

    /// Takes a row in; false if the call ends before it.
    fn take(&mut self, step: &Step<'_>) -> Result<bool, Mistake> {
        let (id, at) = (step.id()?, step.occurred_at()?);
        // Of two rows with one id the second is in no segment, and audit_verify() says so.
        if !self.known.add(id) {
            return Ok(true);
        }
        let month = |at| Slot::of(Period::Month, at);
        if self.times.is_some_and(|(first, _)| month(first) != month(at)) {
            self.close(self.complete_before.min(month(at).start()))?;
            if self.count >= ENOUGH {
                return Ok(false);
            }
        } else if self.rows.len() >= MAX_ROWS {
            self.close(self.previously)?;
        }
        let mut mark = Salt::default();
        random(&mut mark)?;
        let hash = step.leaf_with(&mark, &mut self.buffer)?;
        self.rows.push(Leaf { state: State::Live, id: *id.bytes(), mark, hash });
        let (first, last) = self.times.unwrap_or((at, at));
        self.times = Some((first.min(at), last.max(at)));
        self.worthwhile = self.worthwhile || !step.is(SEALED)?;
        Ok(true)
    }

    /// Stores the rows as a segment.
    fn close(&mut self, complete_before: Timestamp) -> Result<(), Mistake> {
        self.rows.sort_unstable_by_key(|leaf| leaf.id);
        let (Some(first), Some(last), Some((first_at, last_at))) =
            (self.rows.first(), self.rows.last(), self.times.take())
        else {
            return Ok(());
        };
        let mut segment = Segment {
            id: Id::mint(self.now, Bucket::of(&[tenant::DEFAULT]))?,
            key_id: self.key.id,
            first_id: Id::from_bytes(first.id),
            last_id: Id::from_bytes(last.id),
            sealed_at: self.now,
            complete_before: complete_before.max(self.previously),
            first_at,
            last_at,
            number: self.number + 1,
            rows: i32::try_from(self.rows.len()).unwrap_or(i32::MAX),
            root: merkle::root(self.rows.iter().map(|leaf| leaf.hash)).to_vec(),
            head: Vec::new(),
            sealed: Vec::new(),
        };
        segment.head = segment.head_behind(&self.head).to_vec();
        segment.seal(self.key)?;
        chunk::store(segment.month().start(), segment.number, &self.rows)?;
        segment::store(&segment)?;
        self.count += self.rows.len();
        self.number = segment.number;
        self.head.clone_from(&segment.head);
        self.previously = segment.complete_before;
        self.rows.clear();
        self.known.next();
        self.worthwhile = true;
        self.sealed.push(segment);
        Ok(())
    }

    /// Stores the last segment. Rows that only say that others were sealed wait for others.
    fn finish(mut self) -> Result<Vec<Segment>, Mistake> {
        if self.worthwhile {
            self.close(self.complete_before)?;
        }
        Ok(self.sealed)
    }
}

/// The ids of the rows of this time and later ones that are in a segment.
fn known(from: Timestamp) -> Result<HashSet<Id>, Mistake> {
    let mut known = HashSet::new();
    let segments = segment::since(from)?;
    for of_month in segments.chunk_by(|one, next| one.month() == next.month()) {
        let Some(first) = of_month.first() else { continue };
        let numbers = of_month.iter().map(|segment| segment.number).collect();
        for chunk in chunk::newest_of(first.month().start(), numbers, Id::lower_bound(from))? {
            known.extend(chunk.leaves().map(|leaf| Id::from_bytes(leaf.id)));
        }
    }
    Ok(known)
}

#[cfg(test)]
mod tests {
    use super::Known;
    use crate::kernel::value::id::Id;

    #[test]
    fn a_call_keeps_the_ids_of_two_segments_and_of_those_before_it() {
        let id = |n| Id::from_bytes([n; 16]);
        let mut known = Known { stored: [id(0)].into(), ..Known::default() };
        assert!(known.add(id(1)));
        assert!(!known.add(id(1)));
        known.next();
        assert!(!known.add(id(1)));
        assert!(known.add(id(2)));
        known.next();
        assert!(!known.add(id(2)));
        assert!(known.add(id(1)));
        assert!(!known.add(id(0)));
        known.next();
        assert!(known.last.len() == 1 && known.present.is_empty());
    }
}
