//! The replaced refresh tokens of a family, as `grants.previous_digest` keeps them: SHA-256 of the last one, followed
//! by the earlier ones that were replaced within the grace at that time. A family that is refreshed once an hour keeps
//! only the last one.
//!
//! An earlier one is the first half of its SHA-256 and the microseconds, as 4 bytes, between its replacement and
//! the family's last rotation, newest first. Each has a time of its own: if the last rotation's counted for all, a
//! thief who refreshes often enough would keep the owner's token within the grace for ever, unseen.

use crate::kernel::crypto::token_text::{self, Digest};
const HALF: usize = 16;
const ENTRY: usize = HALF + 4;

/// The most earlier tokens that are kept; an older one counts as reuse. A client stays below this in a grace of 10 s,
/// and the column stays far below the size at which PostgreSQL would move it out of the row.
const MAX_EARLIER: usize = 32;

/// SHA-256 of the token that was replaced last.
fn last(stored: &[u8]) -> &[u8] {
    stored.get(..size_of::<Digest>()).unwrap_or(stored)
}

fn earlier(stored: &[u8]) -> impl Iterator<Item = (&[u8], i64)> {
    let entries = stored.get(size_of::<Digest>()..).unwrap_or_default();
    entries.chunks_exact(ENTRY).filter_map(|entry| {
        let (half, age) = entry.split_first_chunk::<HALF>()?;
        Some((half.as_slice(), i64::from(u32::from_be_bytes(age.try_into().ok()?))))
    })
}

/// Whether this is the token that was replaced last.
pub fn is_last(presented: &Digest, stored: &[u8]) -> bool {
    token_text::digest_matches(presented, last(stored))
}

/// The microseconds between the replacement of an earlier token and the family's last rotation; None for every
/// other text.
pub fn age(presented: &Digest, stored: &[u8]) -> Option<i64> {
    earlier(stored).find(|(half, _)| token_text::digest_begins(presented, half)).map(|(_, age)| age)
}

/// What to keep when the current token is replaced too, `elapsed` microseconds after the last rotation: itself, and
/// those replaced less than `grace` microseconds ago.
pub fn after(current: &Digest, stored: Option<&[u8]>, elapsed: i64, grace: i64) -> Vec<u8> {
    let mut kept = current.to_vec();
    // A clock that was set back says nothing about their age.
    let Some(stored) = stored.filter(|_| elapsed >= 0) else { return kept };
    let former = last(stored).get(..HALF).map(|half| (half, 0));
    for (half, age) in former.into_iter().chain(earlier(stored)).take(MAX_EARLIER) {
        let age = age.saturating_add(elapsed);
        if let Ok(micros) = u32::try_from(age)
            && age < grace
        {
            kept.extend_from_slice(half);
            kept.extend_from_slice(&micros.to_be_bytes());
        }
    }
    kept
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{ENTRY, MAX_EARLIER, after, age, is_last};
    use proptest::prelude::*;

    const SECOND: i64 = 1_000_000;

    #[test]
    fn a_family_refreshed_now_and_then_keeps_one_digest() {
        let first = after(&[1; 32], None, 3600 * SECOND, 10 * SECOND);
        assert_eq!(first, [1; 32]);
        let second = after(&[2; 32], Some(&first), 3600 * SECOND, 10 * SECOND);
        assert_eq!(second, [2; 32]);
        assert!(is_last(&[2; 32], &second) && !is_last(&[1; 32], &second));
        assert_eq!(age(&[1; 32], &second), None);
    }

    #[test]
    fn each_has_the_time_of_its_own_replacement() {
        let mut kept = after(&[1; 32], None, 0, 10 * SECOND);
        kept = after(&[2; 32], Some(&kept), 4 * SECOND, 10 * SECOND);
        kept = after(&[3; 32], Some(&kept), 5 * SECOND, 10 * SECOND);
        assert_eq!((age(&[1; 32], &kept), age(&[2; 32], &kept)), (Some(9 * SECOND), Some(5 * SECOND)));
        assert_eq!((age(&[3; 32], &kept), age(&[9; 32], &kept)), (None, None));
        kept = after(&[4; 32], Some(&kept), SECOND, 10 * SECOND);
        assert_eq!((age(&[1; 32], &kept), age(&[2; 32], &kept)), (None, Some(6 * SECOND)));
    }

    #[test]
    fn a_clock_that_was_set_back_and_no_grace_keep_none() {
        let kept = after(&[1; 32], None, 0, 10 * SECOND);
        assert_eq!(after(&[2; 32], Some(&kept), -1, 10 * SECOND), [2; 32]);
        assert_eq!(after(&[2; 32], Some(&kept), 0, 0), [2; 32]);
    }

    #[test]
    fn their_number_is_bounded() {
        let mut kept = after(&[0; 32], None, 0, 10 * SECOND);
        for n in 1..100 {
            kept = after(&[n; 32], Some(&kept), 1, 10 * SECOND);
        }
        assert_eq!(kept.len(), 32 + MAX_EARLIER * ENTRY);
        assert_eq!(age(&[98; 32], &kept), Some(1));
        assert_eq!(age(&[10; 32], &kept), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(stored: Vec<u8>, presented: [u8; 32], elapsed: i64, grace: i64) {
            is_last(&presented, &stored);
            age(&presented, &stored);
            prop_assert!(after(&presented, Some(&stored), elapsed, grace).starts_with(&presented));
        }
    }
}
