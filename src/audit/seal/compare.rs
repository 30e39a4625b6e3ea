//! The rows of the trail against their leaves, some segments at a time.

use std::collections::{HashMap, HashSet};

use crate::audit::seal::chunk::{self, Leaf, State};
use crate::audit::seal::leaf::{Step, columns};
use crate::audit::seal::segment::Segment;
use crate::audit::seal::tally::{self, Tally, is_there, name_of};
use crate::audit::seal::{Range, Report};
use crate::kernel::crypto::merkle::{self, Hash};
use crate::kernel::outcome::Mistake;
use crate::kernel::server::progress::Progress;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::server::stream::{self, Sees};
use crate::kernel::value::calendar::Slot;
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::id::Id;
use crate::trail::retention;

/// A comparison that goes through the segments in order.
pub struct Comparison<'a> {
    now: Timestamp,
    /// All of them, also those that are not compared.
    segments: &'a [Segment],
    range: Range,
    /// Every row of an earlier time must be in a segment.
    limit: Timestamp,
    report: &'a mut Report,
    progress: &'a Progress,
    /// Rows of earlier times were looked at.
    looked_at: Timestamp,
    /// Leaves of rows that were made a pseudonym's.
    pseudonyms: Tally,
    /// Leaves of rows that were deleted with their tenant.
    tenants: Tally,
    rows: u64,
    unsealed: u64,
    /// Rows up to this time were looked at, and counted if they are not sealed.
    counted_until: Option<Timestamp>,
    missing_months: HashSet<i64>,
}

/// The leaf of a row, and what belongs to it.
struct Expected {
    leaf: Leaf,
    /// Of an erased row.
    personal: Option<Hash>,
    segment: i64,
    seen: bool,
}

const ROWS: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM auth_store.audit_log WHERE occurred_at >= $1 AND occurred_at <= $2"
);

/// Rows that are looked for in other segments at once.
const STRANGERS: usize = 262_144;

/// What no erasure leaves.
const EDITED: &str = "edited";

impl<'a> Comparison<'a> {
    /// One that has compared nothing yet.
    pub fn new(
        now: Timestamp,
        segments: &'a [Segment],
        range: Range,
        limit: Timestamp,
        report: &'a mut Report,
        progress: &'a Progress,
    ) -> Self {
        Self {
            now,
            segments,
            range,
            limit,
            report,
            progress,
            looked_at: range.since,
            pseudonyms: Tally::default(),
            tenants: Tally::default(),
            rows: 0,
            unsealed: 0,
            counted_until: None,
            missing_months: HashSet::new(),
        }
    }

    /// Compares the rows of segments of one month, and of the time between them and those before.
    pub fn group(&mut self, segments: &[&Segment]) -> Result<(), Mistake> {
        let Some(month) = segments.first().map(|segment| segment.month()) else { return Ok(()) };
        let first = segments.iter().map(|segment| segment.first_at).min().unwrap_or(self.looked_at);
        let last = segments.iter().map(|segment| segment.last_at).max().unwrap_or(self.looked_at);
        if !is_there(&month.name()) && !has_rows(month)? {
            self.dropped(month, segments)?;
            self.looked_at = self.looked_at.max(last);
            return Ok(());
        }
        let mut expected = self.expected(month, segments)?;
        for one in &expected {
            match one.leaf.state {
                State::Live => (),
                State::Erased => self.pseudonyms.add(one.leaf.mark, month),
                State::Removed => self.tenants.add(one.leaf.mark, month),
            }
        }
        let mut index: HashMap<Id, usize> = HashMap::with_capacity(expected.len());
        index.extend(expected.iter().enumerate().map(|(n, one)| (Id::from_bytes(one.leaf.id), n)));
        self.look(first.min(self.looked_at), last, &mut expected, &index)?;
        self.looked_at = self.looked_at.max(last);
        for one in expected.iter().filter(|one| !one.seen && one.leaf.state != State::Removed) {
            let id = Some(Id::from_bytes(one.leaf.id));
            self.report.add("deleted", Some(one.segment), id, "the row is gone, or its time is another");
        }
        Ok(())
    }

    /// Compares the rows behind the last segment and those that erasures speak of; returns how many rows were compared,
    /// and how many are not sealed yet.
    pub fn finish(mut self) -> Result<(u64, u64), Mistake> {
        if self.looked_at <= self.range.until {
            self.look(self.looked_at, self.range.until, &mut [], &HashMap::new())?;
        }
        self.erasures()?;
        Ok((self.rows, self.unsealed))
    }

    /// The leaves of segments, which must be those of their roots.
    fn expected(&mut self, month: Slot, segments: &[&Segment]) -> Result<Vec<Expected>, Mistake> {
        let numbers = segments.iter().map(|segment| segment.number).collect();
        let chunks = chunk::of_segments(month.start(), numbers)?;
        let mut all = Vec::new();
        for segment in segments {
            let from = all.len();
            for chunk in chunks.iter().filter(|chunk| chunk.segment == segment.number) {
                let erased = chunk.erased();
                all.extend(chunk.leaves().enumerate().map(|(place, leaf)| Expected {
                    leaf,
                    personal: u8::try_from(place).ok().and_then(|place| erased.get(&place).copied()),
                    segment: segment.number,
                    seen: false,
                }));
            }
            let own = all.get(from..).unwrap_or_default();
            let root = merkle::root(own.iter().map(|one| one.leaf.hash));
            if i32::try_from(own.len()) != Ok(segment.rows) || root.as_slice() != segment.root {
                let detail =
                    format!("{} of {} leaves are there, and their root is another", own.len(), segment.rows);
                self.report.add("leaves_altered", Some(segment.number), None, detail);
            }
        }
        Ok(all)
    }

    /// Compares the rows between two times with these leaves.
    fn look(
        &mut self,
        from: Timestamp,
        until: Timestamp,
        expected: &mut [Expected],
        index: &HashMap<Id, usize>,
    ) -> Result<(), Mistake> {
        let mut buffer = Vec::new();
        let mut strangers = Vec::new();
        let counted_until = self.counted_until;
        let progress = self.progress;
        stream::each_counted(ROWS, &params![from, until], Sees::Calling, progress, &mut |cells| {
            let step = Step::new(cells);
            let id = step.id()?;
            match index.get(&id).and_then(|n| expected.get_mut(*n)) {
                Some(expected) => self.compare(&step, id, expected, &mut buffer)?,
                None => {
                    let at = step.occurred_at()?;
                    if at >= self.range.since && counted_until.is_none_or(|until| at > until) {
                        strangers.push((id, at));
                        if strangers.len() >= STRANGERS {
                            self.strangers(&mut strangers)?;
                        }
                    }
                }
            }
            Ok(true)
        })?;
        self.strangers(&mut strangers)?;
        self.counted_until = self.counted_until.max(Some(until));
        Ok(())
    }

    fn compare(
        &mut self,
        step: &Step<'_>,
        id: Id,
        expected: &mut Expected,
        buffer: &mut Vec<u8>,
    ) -> Result<(), Mistake> {
        let segment = Some(expected.segment);
        if std::mem::replace(&mut expected.seen, true) {
            self.report.add("inserted", segment, Some(id), "a second row has this id");
            return Ok(());
        }
        self.rows += 1;
        match (expected.leaf.state, &expected.personal) {
            (State::Live, _) => {
                if step.leaf_with(&expected.leaf.mark, buffer)? != expected.leaf.hash {
                    self.report.add(EDITED, segment, Some(id), "the row is not what was sealed");
                }
            }
            (State::Erased, Some(personal)) => {
                if step.leaf(personal, buffer)? != expected.leaf.hash {
                    self.report.add(EDITED, segment, Some(id), "more was changed than an erasure changes");
                } else if !step.is_bare(&expected.leaf.mark)? {
                    self.report.add(EDITED, segment, Some(id), "an erased row has what an erasure takes");
                }
            }
            (State::Erased, None) => {
                self.report.add(EDITED, segment, Some(id), "it is not said what was erased");
            }
            (State::Removed, _) => {
                self.report.add("inserted", segment, Some(id), "the row was deleted with its tenant");
            }
        }
        Ok(())
    }

    /// Rows that are in none of the segments that were compared at once, and must be in another, of whose time they
    /// are: they are compared with that one. A segment with a row that came late spans the time of many others, so
    /// these may be many: a chunk is read once for all of its rows.
    fn strangers(&mut self, rows: &mut Vec<(Id, Timestamp)>) -> Result<(), Mistake> {
        let mut ids = std::mem::take(rows);
        ids.sort_unstable();
        let mut sealed = vec![false; ids.len()];
        for segment in self.segments {
            let mut next = ids.partition_point(|(id, _)| *id < segment.first_id);
            while let Some((id, _)) = ids.get(next).filter(|(id, _)| segment.spans(*id)) {
                pgrx::check_for_interrupts!();
                let Some(chunk) = chunk::find(segment.month().start(), segment.number, *id)? else { break };
                // Both are in the order of the ids.
                let mut wanted = (ids.iter().zip(&mut sealed)).skip(next).peekable();
                for leaf in chunk.leaves().map(|leaf| Id::from_bytes(leaf.id)) {
                    while let Some(((id, at), sealed)) = wanted.next_if(|((id, _), _)| *id <= leaf) {
                        *sealed = *sealed || *id == leaf && segment.is_of_time(*at);
                    }
                }
                next = ids.partition_point(|(id, _)| *id <= chunk.last_id);
            }
        }
        for ((id, at), _) in ids.iter().zip(&sealed).filter(|(_, sealed)| !**sealed) {
            if *at < self.limit {
                let detail = "the row was not there when its time was sealed";
                self.report.add("inserted", None, Some(*id), detail);
            } else {
                self.unsealed += 1;
            }
        }
        Ok(())
    }

    /// A month that is not there any more: older than the trail is kept, or dropped by a step of the store.
    fn dropped(&mut self, month: Slot, segments: &[&Segment]) -> Result<(), Mistake> {
        if !self.missing_months.insert(month.number()) {
            return Ok(());
        }
        let kept_since = self.now.plus_seconds(-retention::kept_for()?);
        let name = name_of(&month.name());
        if month.plus(1).start() > kept_since && !DROPPED.all(&[])?.contains(&Some(name.clone())) {
            let number = segments.first().map(|segment| segment.number);
            self.report.add(
                "month_missing",
                number,
                None,
                format!("auth_store.{name} is gone, and no step dropped it"),
            );
        }
        Ok(())
    }

    /// Every erasure is a step of the trail itself, which says how many rows of each month it has changed or deleted.
    fn erasures(&mut self) -> Result<(), Mistake> {
        if !self.tenants.is_empty() {
            for (_, month, count, said) in self.tenants.more_than(&tally::of_tenants()?) {
                let detail = format!(
                    "{count} rows of {} were deleted as those of a tenant, and steps of its erasure say {said}",
                    month.name()
                );
                self.report.add("erasure_unrecorded", None, None, detail);
            }
        }
        if !self.pseudonyms.is_empty() {
            for (pseudonym, month, count, said) in self.pseudonyms.more_than(&tally::of_users()?) {
                let detail = format!(
                    "{count} rows of {} were changed as those of this pseudonym, and steps of its erasure say {said}",
                    month.name()
                );
                self.report.add("erasure_unrecorded", None, Some(Id::from_bytes(pseudonym)), detail);
            }
        }
        Ok(())
    }
}

static DROPPED: Statement<Option<String>> = Statement::read(
    c"SELECT DISTINCT resource_id FROM auth_store.audit_log
       WHERE event = 'audit.month_dropped' AND from_application IS NOT TRUE AND occurred_at >= '-infinity'",
);

static HAS_ROWS: Statement<bool> = Statement::read(
    c"SELECT EXISTS (SELECT FROM auth_store.audit_log WHERE occurred_at >= $1 AND occurred_at < $2) AS has_rows",
);

/// Whether the trail has rows of a month, whatever their partition is called.
fn has_rows(month: Slot) -> Result<bool, Mistake> {
    Ok(HAS_ROWS.one(&params![month.start(), month.plus(1).start()])? == Some(true))
}
