//! Values that a backend keeps by their names, for as long as they are what was read: whoever keeps one says by what it
//! is known to hold still. Bounded by the memory that they take, whatever the number of tenants that a backend serves.

use std::cell::RefCell;
use std::collections::HashMap;

use crate::kernel::server::cell::BackendCell;

/// Values by name, a number of bytes of them at most.
pub struct Cache<V>(BackendCell<RefCell<Option<Kept<V>>>>);

struct Kept<V> {
    values: HashMap<String, (V, usize)>,
    bytes: usize,
}

/// What one cache takes, by the sizes that it is told.
const MOST: usize = 4 << 20;

/// What an entry takes beside its name and value: its place in the table, and what the allocator adds.
const ENTRY: usize = 64;

impl<V: Clone> Cache<V> {
    /// Without a value.
    pub const fn new() -> Self {
        Self(BackendCell::new(RefCell::new(None)))
    }

    /// The value that is kept by this name.
    pub fn get(&self, name: &str) -> Option<V> {
        let kept = self.0.borrow();
        kept.as_ref()?.values.get(name).map(|(value, _)| value.clone())
    }

    /// Keeps a value that takes so many bytes outside of itself. A cache that is full begins again: a value that is
    /// missing costs what it costs to read it, and an order of use would cost something at each look. A value larger
    /// than all is kept alone.
    pub fn keep(&self, name: &str, value: V, bytes: usize) {
        let bytes = bytes.saturating_add(name.len() + size_of::<V>() + ENTRY);
        let mut kept = self.0.borrow_mut();
        if kept.as_ref().is_none_or(|kept| kept.bytes + bytes > MOST) {
            *kept = Some(Kept { values: HashMap::new(), bytes: 0 });
        }
        if let Some(kept) = &mut *kept {
            let former = kept.values.insert(name.to_owned(), (value, bytes));
            kept.bytes = kept.bytes + bytes - former.map_or(0, |(_, bytes)| bytes);
        }
    }

    /// Forgets all values.
    pub fn clear(&self) {
        *self.0.borrow_mut() = None;
    }
}

#[cfg(test)]
mod tests {
    use super::{Cache, MOST};

    fn sizes(cache: &Cache<u64>) -> (usize, usize) {
        cache.0.borrow().as_ref().map_or((0, 0), |kept| (kept.values.len(), kept.bytes))
    }

    #[test]
    fn a_value_is_found_by_its_name_until_it_is_replaced_or_all_are_forgotten() {
        let cache = Cache::new();
        assert_eq!(cache.get("a"), None);
        cache.keep("a", 1, 0);
        cache.keep("b", 2, 1000);
        cache.keep("a", 3, 0);
        assert_eq!((cache.get("a"), cache.get("b"), cache.get("c")), (Some(3), Some(2), None));
        cache.clear();
        assert_eq!((cache.get("a"), sizes(&cache)), (None, (0, 0)));
    }

    #[test]
    fn a_hundred_thousand_names_take_what_is_allowed() {
        let cache = Cache::new();
        let mut most = 0;
        for n in 0..100_000_u64 {
            cache.keep(&format!("tenant {n}"), n, 300);
            assert_eq!(cache.get(&format!("tenant {n}")), Some(n));
            most = most.max(sizes(&cache).1);
        }
        assert!(most > MOST / 2 && most <= MOST);
    }

    #[test]
    fn a_name_that_is_kept_again_takes_its_bytes_once() {
        let cache = Cache::new();
        for n in 0..100_000 {
            cache.keep("a", n, 1000);
        }
        let once = sizes(&cache);
        cache.clear();
        cache.keep("a", 0, 1000);
        assert_eq!(sizes(&cache), once);
    }

    #[test]
    fn what_is_larger_than_all_is_kept_alone() {
        let cache = Cache::new();
        cache.keep("small", 1, 10);
        cache.keep("large", 2, MOST);
        assert_eq!((cache.get("large"), cache.get("small")), (Some(2), None));
        cache.keep("another", 3, 10);
        assert_eq!((cache.get("large"), cache.get("another")), (None, Some(3)));
    }
}
