//! Where a backend shows its call: in the server's own memory, where each backend has a place for the progress of a
//! command, twenty numbers. VACUUM, CREATE INDEX and COPY use it, and each of the server's views `pg_stat_progress_…`
//! shows its own command alone, by its number. The store's number is one that the server does not have.
//!
//! So it needs no memory of the library's own, works whether the library is preloaded or not and on a standby, costs no
//! lock, and the server clears the place itself: where a transaction or a subtransaction fails, and where the backend
//! ends. Nothing is there while `track_activities` is off. A command of the server that the call runs takes the place
//! until it is over, and inside one that uses it the call shows nothing.

#![allow(unsafe_code)]

use pgrx::pg_sys;

use crate::kernel::server::{running, state};
use crate::kernel::value::clock::Timestamp;

/// The number of the store's calls, and of how the twenty numbers are used: another use of them gets another number, so
/// that no library reads what another version of it has written. The server counts its commands from 1.
const CALL: pg_sys::ProgressCommandType::Type = 0x6173_0001;

/// Numbers of the server's twenty that are used.
const WIDTH: usize = 17;

/// What is shown of a call.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Shown {
    pub started_at: Timestamp,
    /// Stands for the tenant that may see it; 0: for none.
    pub tenant: i64,
    /// From 1; 0: it has no steps.
    pub step: i64,
    pub steps: i64,
    pub done: i64,
    /// Negative: not known.
    pub total: i64,
    pub command: Words<3>,
    pub phase: Words<8>,
}

/// A text in numbers, eight bytes in each, cut off at the end of a character.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Words<const N: usize>([i64; N]);

impl<const N: usize> Words<N> {
    /// The text, as much of it as there is room for.
    pub fn of(text: &str) -> Self {
        let bytes = text.get(..text.floor_char_boundary(8 * N)).unwrap_or_default().as_bytes();
        let mut words = [0; N];
        for (word, part) in words.iter_mut().zip(bytes.chunks(8)) {
            let mut eight = [0; 8];
            eight.iter_mut().zip(part).for_each(|(byte, of_part)| *byte = *of_part);
            *word = i64::from_be_bytes(eight);
        }
        Self(words)
    }

    /// The text.
    pub fn text(&self) -> String {
        let bytes: Vec<u8> =
            self.0.iter().flat_map(|word| word.to_be_bytes()).take_while(|b| *b != 0).collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Shown {
    /// Of how many rows; None: nobody knows, or there are more than was thought.
    pub fn total(&self) -> Option<i64> {
        (self.total >= self.done).then_some(self.total)
    }

    fn numbers(&self) -> [i64; WIDTH] {
        let Words([c0, c1, c2]) = self.command;
        let Words([p0, p1, p2, p3, p4, p5, p6, p7]) = self.phase;
        let Self { started_at, tenant, step, steps, done, total, .. } = *self;
        [started_at.micros(), tenant, step, steps, done, total, c0, c1, c2, p0, p1, p2, p3, p4, p5, p6, p7]
    }

    fn of(numbers: &[i64]) -> Option<Self> {
        let [started_at, tenant, step, steps, done, total, c0, c1, c2, p0, p1, p2, p3, p4, p5, p6, p7] =
            *numbers.first_chunk::<WIDTH>()?;
        // Where a backend has just taken its place, all is 0.
        (started_at != 0).then_some(Self {
            started_at: Timestamp::from_micros(started_at),
            tenant,
            step,
            steps,
            done,
            total,
            command: Words([c0, c1, c2]),
            phase: Words([p0, p1, p2, p3, p4, p5, p6, p7]),
        })
    }
}

unsafe extern "C-unwind" {
    // Called without the guard that other calls of the server have, also while an error unwinds: they write this
    // backend's own numbers and raise nothing.
    fn pgstat_progress_start_command(command: pg_sys::ProgressCommandType::Type, relation: pg_sys::Oid);
    fn pgstat_progress_update_multi_param(count: i32, places: *const i32, values: *const i64);
    fn pgstat_progress_end_command();
}

/// The number of the command that this backend shows; None: it has no place.
fn command() -> Option<pg_sys::ProgressCommandType::Type> {
    // SAFETY: null, or this backend's own place, which it alone writes.
    unsafe { pg_sys::MyBEEntry.as_ref() }.map(|place| place.st_progress_command)
}

/// Shows this, unless a command of the server has the place.
pub fn show(shown: &Shown) {
    let Some(command) = command() else { return };
    if command != CALL && command != pg_sys::ProgressCommandType::PROGRESS_COMMAND_INVALID {
        return;
    }
    let mut places = [0; WIDTH];
    places.iter_mut().zip(0..).for_each(|(place, n)| *place = n);
    let values = shown.numbers();
    // SAFETY: as many places as values, of the twenty that there are. Others see all of the values change at once.
    unsafe {
        if command != CALL {
            pgstat_progress_start_command(CALL, pg_sys::InvalidOid);
        }
        pgstat_progress_update_multi_param(WIDTH as i32, places.as_ptr(), values.as_ptr());
    }
}

/// Shows nothing more.
pub fn clear() {
    if command() == Some(CALL) {
        // SAFETY: it writes this backend's own place.
        unsafe { pgstat_progress_end_command() };
    }
}

/// What the backends of this database show: with the process and the role that logged in. A call is over if its backend
/// is at another statement than that in which it began.
pub fn all() -> Vec<(i32, pg_sys::Oid, Shown)> {
    use pg_sys::BackendState::{STATE_FASTPATH, STATE_RUNNING};
    let mut all = Vec::new();
    running::each(|entry| {
        let status = &entry.backendStatus;
        if status.st_progress_command == CALL
            && status.st_databaseid == state::database()
            && [STATE_RUNNING, STATE_FASTPATH].contains(&status.st_state)
            && let Some(shown) = Shown::of(&status.st_progress_param)
            && shown.started_at.micros() >= status.st_activity_start_timestamp
        {
            all.push((status.st_procpid, status.st_userid, shown));
        }
        true
    });
    all
}

#[cfg(test)]
mod tests {
    use super::{Shown, Words};
    use crate::kernel::value::clock::Timestamp;
    use proptest::prelude::*;

    #[test]
    fn what_is_shown_is_read() {
        let shown = Shown {
            started_at: Timestamp::from_micros(1),
            tenant: -7,
            step: 2,
            steps: 30,
            done: 1000,
            total: 5000,
            command: Words::of("vault_rekey"),
            phase: Words::of("authorization_codes"),
        };
        assert!(Shown::of(&shown.numbers()) == Some(shown));
        assert_eq!(shown.total(), Some(5000));
        assert_eq!(Shown { done: 5001, ..shown }.total(), None);
        assert_eq!(Shown { total: -1, ..shown }.total(), None);
        assert!(Shown::of(&[0; 20]).is_none());
        assert!(Shown::of(&[1; 16]).is_none());
    }

    proptest! {
        #[test]
        fn a_text_is_kept_as_far_as_there_is_room(text in "[^\\x00]{0,40}") {
            let kept = Words::<8>::of(&text).text();
            prop_assert!(text.starts_with(&kept));
            prop_assert!(kept.len() == text.len() || kept.len() > 60);
        }
    }
}
