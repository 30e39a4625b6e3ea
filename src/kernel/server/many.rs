//! Many of a kind in one call: the array that names them, and their rows, looked up together. A batch pays once for the
//! look at the catalog, the locks, the open table and the scan's descriptor, which are the larger part of a look-up.

use std::collections::HashMap;

use pgrx::Array;

use crate::kernel::outcome::{Mistake, given};
use crate::kernel::server::lookup::{Key, Lookup, Snapshot};
use crate::kernel::server::row::TableRow;
use crate::kernel::server::version;
use crate::kernel::value::id::Id;

/// What an array of texts has at most.
const MAX_ELEMENTS: usize = 10_000;

/// The elements of an array that names what is asked about, in order. NULL is an element like any other; an array that
/// is NULL, or too long, is a mistake.
pub fn elements<'a>(
    array: Option<&'a Array<'_, &str>>,
    argument: &'static str,
) -> Result<Vec<Option<&'a str>>, Mistake> {
    let array = given(array, argument)?;
    if array.len() > MAX_ELEMENTS {
        return Err(Mistake::invalid(argument, "at most 10000 elements"));
    }
    // Also where there is nothing to look up.
    version::ensure_ready()?;
    Ok(array.iter().collect())
}

/// What belongs to each of `count` elements: nothing if there is no array, otherwise its element in the same place.
pub fn beside<T>(
    elements: Option<Vec<Option<T>>>,
    count: usize,
    argument: &'static str,
) -> Result<Vec<Option<T>>, Mistake> {
    match elements {
        None => Ok(std::iter::repeat_with(|| None).take(count).collect()),
        Some(elements) if elements.len() == count => Ok(elements),
        Some(_) => Err(Mistake::invalid(argument, "NULL, or as many elements as the first argument has")),
    }
}

/// The number of an element, from 1 on, as WITH ORDINALITY counts.
pub fn number(place: usize) -> i32 {
    i32::try_from(place).unwrap_or(i32::MAX).saturating_add(1)
}

impl<R: TableRow> Lookup<R> {
    /// As [`Lookup::find_each`], where some have no id to look for. The search goes in the order of the ids, so that
    /// neighbours are found on the pages that are at hand.
    pub fn find_some(&self, snapshot: &Snapshot, ids: &[Option<Id>]) -> Result<Vec<Option<R>>, Mistake> {
        let placed = |(place, id): (usize, &Option<Id>)| id.map(|id| (id, place));
        let mut wanted: Vec<_> = ids.iter().enumerate().filter_map(placed).collect();
        wanted.sort_unstable();
        let keys: Vec<_> = wanted.iter().map(|(id, _)| Key::Id(*id)).collect();
        let mut rows: Vec<_> = ids.iter().map(|_| None).collect();
        for ((_, place), found) in wanted.into_iter().zip(self.find_each(snapshot, &keys)?) {
            if let Some(row) = rows.get_mut(place) {
                *row = found;
            }
        }
        Ok(rows)
    }
}

/// What has been answered in this call, by name: many elements belong to few clients and tenants.
#[derive(Default)]
pub struct Answered(HashMap<String, bool>);

impl Answered {
    /// What `ask` says of the name. It is asked once.
    pub fn of(
        &mut self,
        name: &str,
        ask: impl FnOnce(&str) -> Result<bool, Mistake>,
    ) -> Result<bool, Mistake> {
        if let Some(answer) = self.0.get(name) {
            return Ok(*answer);
        }
        let answer = ask(name)?;
        self.0.insert(name.to_owned(), answer);
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::{Answered, beside, number};

    #[test]
    fn what_is_beside_has_as_many_elements() {
        assert_eq!(beside::<i32>(None, 2, "ips").ok(), Some(vec![None, None]));
        assert_eq!(beside(Some(vec![Some(1), None]), 2, "ips").ok(), Some(vec![Some(1), None]));
        assert!(beside(Some(vec![Some(1)]), 2, "ips").is_err());
        assert_eq!((number(0), number(9_999)), (1, 10_000));
    }

    #[test]
    fn a_name_is_asked_about_once() {
        let (mut answered, mut asked) = (Answered::default(), 0);
        for name in ["a", "b", "a", "a"] {
            let answer = answered.of(name, |name| {
                asked += 1;
                Ok(name == "a")
            });
            assert_eq!(answer.ok(), Some(name == "a"));
        }
        assert_eq!(asked, 2);
    }
}
