//! What a call says of how far it is. Pure.

use crate::kernel::server::progress::place::Shown;
use crate::kernel::value::clock::Timestamp;

const SECOND: i64 = 1_000_000;

/// The sentence for the caller: `auth_store cleanup: grants, step 1 of 30: 4000 of about 9000 rows, 800 a second, about
/// 7 s left`.
pub fn sentence(shown: &Shown, now: Timestamp) -> String {
    let mut text = format!("auth_store {}: ", shown.command.text());
    let phase = shown.phase.text();
    if !phase.is_empty() {
        text += &phase;
        if shown.steps > 0 {
            text += &format!(", step {} of {}", shown.step, shown.steps);
        }
        text += ": ";
    }
    text += &match shown.total() {
        Some(total) => format!("{} of about {total} rows", shown.done),
        None => format!("{} rows", shown.done),
    };
    if let Some(rate) = rate(shown, now) {
        text += &if rate < 10.0 { format!(", {rate:.1} a second") } else { format!(", {rate:.0} a second") };
    }
    if let Some(left) = left(shown, now) {
        text += &format!(", about {} left", duration(left));
    }
    text
}

/// Rows a second since the call began; None: there are none yet.
pub fn rate(shown: &Shown, now: Timestamp) -> Option<f64> {
    let elapsed = now.micros_since(shown.started_at);
    (shown.done > 0 && elapsed > 0).then(|| shown.done as f64 * SECOND as f64 / elapsed as f64)
}

/// How many seconds the rest takes at this rate, rounded up.
pub fn left(shown: &Shown, now: Timestamp) -> Option<i64> {
    let rest = shown.total()?.saturating_sub(shown.done);
    Some((rest as f64 / rate(shown, now)?).ceil() as i64)
}

fn duration(seconds: i64) -> String {
    match seconds {
        ..=119 => format!("{seconds} s"),
        120..=7199 => format!("{} min", (seconds + 30) / 60),
        _ => format!("{} h", (seconds + 1800) / 3600),
    }
}

#[cfg(test)]
mod tests {
    use super::{duration, left, rate, sentence};
    use crate::kernel::server::progress::place::{Shown, Words};
    use crate::kernel::value::clock::Timestamp;

    const BEGUN: Timestamp = Timestamp::from_micros(1_000_000);

    fn shown(done: i64, total: i64) -> Shown {
        let (command, phase) = (Words::of("cleanup"), Words::of("grants"));
        Shown { started_at: BEGUN, tenant: 0, step: 1, steps: 30, done, total, command, phase }
    }

    #[test]
    fn a_call_says_how_far_it_is() {
        let now = BEGUN.plus_seconds(5);
        assert_eq!(
            sentence(&shown(4000, 9000), now),
            "auth_store cleanup: grants, step 1 of 30: 4000 of about 9000 rows, 800 a second, about 7 s left"
        );
        let bare = Shown { phase: Words::of(""), steps: 0, ..shown(4, -1) };
        assert_eq!(sentence(&bare, now), "auth_store cleanup: 4 rows, 0.8 a second");
        assert_eq!(
            sentence(&shown(0, 9000), now),
            "auth_store cleanup: grants, step 1 of 30: 0 of about 9000 rows"
        );
    }

    #[test]
    fn nothing_is_estimated_from_nothing() {
        assert_eq!(rate(&shown(0, 10), BEGUN.plus_seconds(5)), None);
        assert_eq!(rate(&shown(10, 10), BEGUN), None);
        assert_eq!(rate(&shown(10, 10), Timestamp::from_micros(0)), None);
        assert_eq!(left(&shown(10, -1), BEGUN.plus_seconds(5)), None);
        assert_eq!(left(&shown(10, 9), BEGUN.plus_seconds(5)), None);
        assert_eq!(left(&shown(10, 10), BEGUN.plus_seconds(5)), Some(0));
        assert_eq!(left(&shown(1, i64::MAX), BEGUN.plus_seconds(5)), Some(i64::MAX));
    }

    #[test]
    fn a_time_is_told_in_few_digits() {
        assert_eq!(duration(0), "0 s");
        assert_eq!(duration(119), "119 s");
        assert_eq!(duration(120), "2 min");
        assert_eq!(duration(7199), "120 min");
        assert_eq!(duration(10_000), "3 h");
    }
}
