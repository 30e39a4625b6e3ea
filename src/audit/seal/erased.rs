//! What user_erase() and tenant_erase() change in rows that are sealed. Of the rows of a user the leaf keeps the hash
//! of what is erased, and loses the salt, so that nobody can try values against it. Of the rows of a tenant it keeps
//! that they were deleted.

use crate::audit::seal::SEGMENTS;
use crate::audit::seal::chunk::{self, Leaf, State, note_erased};
use crate::audit::seal::leaf::{Step, columns, personal};
use crate::audit::seal::segment;
use crate::audit::seal::tally::{Leftover, Tally, removed_mark};
use crate::kernel::outcome::Mistake;
use crate::kernel::server::catalog;
use crate::kernel::server::spi::{Param, params};
use crate::kernel::server::stream::{self, Sees};
use crate::kernel::value::calendar::Slot;
use crate::kernel::value::id::Id;
use pgrx::pg_sys;

/// An erasure in a trail of which something is sealed.
pub struct Erasing {
    /// The rows, each with its personal columns as they were.
    rows: Vec<(Id, Vec<u8>)>,
}

const OF_USER: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM auth_store.audit_log
      WHERE user_id = $1 AND occurred_at >= '-infinity'
        AND NOT (event = 'user.erased' AND from_application IS NOT TRUE)"
);

const MENTIONS: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM auth_store.audit_log
      WHERE strpos(details::text, $1::text) > 0 OR resource_id = $1::text OR actor_id = $1"
);

const OF_TENANT: &str = "SELECT id FROM auth_store.audit_log
    WHERE tenant_id = $1 AND NOT (event = 'tenant.erased' AND from_application IS NOT TRUE)";

/// Begins an erasure: until the end of the transaction nothing is sealed. None: nothing ever was.
pub fn begin() -> Result<Option<Erasing>, Mistake> {
    catalog::lock_named(SEGMENTS, pg_sys::RowShareLock);
    Ok(segment::newest()?.map(|_| Erasing { rows: Vec::new() }))
}

impl Erasing {
    /// Notes the rows of a user, before they change.
    pub fn note_user(&mut self, user_id: Id) -> Result<(), Mistake> {
        self.note(OF_USER, &params![user_id])
    }

    /// Notes the rows that mention a user, before they change.
    pub fn note_mentions(&mut self, user_id: Id) -> Result<(), Mistake> {
        self.note(MENTIONS, &params![user_id])
    }

    fn note(&mut self, sql: &str, params: &[Param]) -> Result<(), Mistake> {
        stream::each(sql, params, Sees::Latest, &mut |cells| {
            let step = Step::new(cells);
            let mut encoded = Vec::new();
            step.personal(&mut encoded)?;
            self.rows.push((step.id()?, encoded));
            Ok(true)
        })
    }

    /// Marks the rows that are sealed as those of a pseudonym; returns how many.
    pub fn finish(mut self, pseudonym: Id) -> Result<Tally, Mistake> {
        let mut tally = Tally::default();
        // A row that was noted twice is taken as it was first.
        self.rows.sort_by_key(|(id, _)| *id);
        self.rows.dedup_by_key(|(id, _)| *id);
        let ids: Vec<_> = self.rows.iter().map(|(id, _)| *id).collect();
        let encoded = |id| {
            let at = self.rows.binary_search_by_key(&id, |(id, _)| *id).ok()?;
            self.rows.get(at).map(|(_, encoded)| encoded)
        };
        mark(&ids, |leaf, month, place, erased| {
            let Some(encoded) = encoded(Id::from_bytes(leaf.id)) else { return false };
            if leaf.state != State::Live {
                return false;
            }
            note_erased(erased, place, &personal(&leaf.mark, encoded));
            (leaf.state, leaf.mark) = (State::Erased, *pseudonym.bytes());
            tally.add(leaf.mark, month);
            true
        })?;
        Ok(tally)
    }
}

/// Marks the rows of a tenant as deleted, before they are; returns how many, and what the steps that go with them say
/// of rows that stay.
pub fn remove(tenant_id: &str) -> Result<(Tally, Leftover), Mistake> {
    let mut tally = Tally::default();
    if begin()?.is_none() {
        return Ok((tally, Leftover::default()));
    }
    let mut leftover = Leftover::of_tenant(tenant_id)?;
    let mut ids = Vec::new();
    stream::each(OF_TENANT, &params![tenant_id], Sees::Latest, &mut |cells| {
        ids.push(cells.id(0)?);
        Ok(true)
    })?;
    ids.sort_unstable();
    let tenant = removed_mark(tenant_id);
    mark(&ids, |leaf, month, _, _| {
        let wanted = ids.binary_search(&Id::from_bytes(leaf.id)).is_ok();
        if wanted {
            if leaf.state == State::Erased {
                leftover.remove(leaf.mark, month);
            }
            (leaf.state, leaf.mark) = (State::Removed, tenant);
            tally.add(tenant, month);
        }
        wanted
    })?;
    Ok((tally, leftover))
}

/// Shows the leaves of the chunks that have rows of these ids, which are in order, with their places and what their
/// chunk says of erased rows; stores the chunks of which a leaf was changed. Chunks are locked in the order of their
/// segments and ids.
fn mark(
    ids: &[Id],
    mut change: impl FnMut(&mut Leaf, Slot, usize, &mut Vec<u8>) -> bool,
) -> Result<(), Mistake> {
    let (Some(first), Some(last)) = (ids.first(), ids.last()) else { return Ok(()) };
    for segment in segment::spanning(*first, *last)? {
        let month = segment.month();
        let mut next = ids.partition_point(|id| *id < segment.first_id);
        while let Some(id) = ids.get(next).filter(|id| segment.spans(**id)) {
            pgrx::check_for_interrupts!();
            let Some(mut chunk) = chunk::lock_no_key_update(month.start(), segment.number, *id)? else {
                break;
            };
            let mut leaves: Vec<_> = chunk.leaves().collect();
            let mut erased = chunk.erased.take().unwrap_or_default();
            let mut changed = false;
            for (place, leaf) in leaves.iter_mut().enumerate() {
                changed |= change(leaf, month, place, &mut erased);
            }
            if changed {
                chunk.leaves = chunk::write(&leaves);
                chunk.erased = (!erased.is_empty()).then_some(erased);
                chunk::change(month.start(), &chunk)?;
            }
            next = ids.partition_point(|id| *id <= chunk.last_id);
        }
    }
    Ok(())
}
