//! The generic cell rate algorithm (ITU-T I.371 annex A), as arithmetic alone. A key's whole state is one
//! time, its *theoretical arrival time*: when all that was hit so far will have been paid back. Each hit moves
//! it on by a step, and it may lie at most a span of `max_hits` steps ahead of the clock. So `max_hits` may
//! come at once, then one a step; a key that is left alone for a span has all of them again.
//!
//! Times and durations are in microseconds. Nothing here overflows: sums stop at the ends of `i64`.

/// What a period may be.
pub const PERIOD: &str = "an interval of whole seconds, 1 second to 30 days";

const MICROS_PER_SECOND: i64 = 1_000_000;

/// A rate: so many hits in a time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rate {
    max_hits: i32,
    /// What one hit costs.
    step: i64,
}

/// What became of a hit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Decision {
    /// Whether it was within the rate.
    pub allowed: bool,
    /// The theoretical arrival time from now on; a refused hit leaves it as it was.
    pub arrival: i64,
}

impl Rate {
    /// `max_hits` in `window_seconds`, both at least 1, and at most a million a second. A step that is not a whole
    /// number of microseconds is rounded up, so that the rate is never above the one asked for.
    pub fn new(max_hits: i32, window_seconds: i64) -> Option<Self> {
        let window = window_seconds.checked_mul(MICROS_PER_SECOND)?;
        let hits = i64::from(max_hits);
        if hits < 1 || window < hits {
            return None;
        }
        let step = window / hits + i64::from(window % hits != 0);
        Some(Self { max_hits, step })
    }

    /// What `cost` hits cost.
    pub fn price(self, cost: i32) -> i64 {
        self.step.saturating_mul(i64::from(cost))
    }

    /// How far ahead of the clock a key may be: what all hits cost together.
    pub fn span(self) -> i64 {
        self.price(self.max_hits)
    }

    /// Decides a hit that counts as `cost` hits on a key with this state; None: the key has no state yet.
    pub fn decide(self, arrival: Option<i64>, now: i64, cost: i32) -> Decision {
        let from = arrival.map_or(now, |arrival| arrival.max(now));
        let to = from.saturating_add(self.price(cost));
        let allowed = (1..=self.max_hits).contains(&cost) && to <= now.saturating_add(self.span());
        Decision { allowed, arrival: if allowed { to } else { arrival.unwrap_or(now) } }
    }

    /// The state of a key, cut to what it may be ahead of the clock: if the clock went back, or the rate was another
    /// one, the key must not stay refused for longer than a span. `clock` must be read after the state: to an older
    /// clock a state of this moment looks too far ahead.
    pub fn capped(self, arrival: i64, clock: i64) -> i64 {
        arrival.min(clock.saturating_add(self.span()))
    }

    /// How many more hits a key with this state has at once.
    pub fn remaining(self, arrival: i64, now: i64) -> i32 {
        let free = now.saturating_add(self.span()).saturating_sub(arrival.max(now)).max(0);
        i32::try_from(free / self.step).unwrap_or(i32::MAX).min(self.max_hits)
    }

    /// The share of all hits that a key with this state has used, 0 to 1.
    pub fn used(self, arrival: i64, now: i64) -> f64 {
        let ahead = self.capped(arrival, now).saturating_sub(now).max(0);
        ahead as f64 / self.span() as f64
    }

    /// Whole seconds until a hit of this cost is allowed, rounded up; 0 where it is now.
    pub fn retry_after(self, arrival: i64, now: i64, cost: i32) -> i32 {
        let to = arrival.max(now).saturating_add(self.price(cost));
        let wait = to.saturating_sub(now.saturating_add(self.span())).max(0);
        i32::try_from(wait.saturating_add(MICROS_PER_SECOND - 1) / MICROS_PER_SECOND).unwrap_or(i32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::{Decision, Rate};
    use proptest::prelude::*;

    fn rate(max_hits: i32, window_seconds: i64) -> Rate {
        Rate::new(max_hits, window_seconds).unwrap_or(Rate { max_hits: 1, step: 1 })
    }

    const SECOND: i64 = 1_000_000;

    #[test]
    fn three_in_a_minute() {
        let three = rate(3, 60);
        let mut state = None;
        for left in [2, 1, 0] {
            let hit = three.decide(state, 0, 1);
            assert!(hit.allowed);
            assert_eq!(three.remaining(hit.arrival, 0), left);
            state = Some(hit.arrival);
        }
        assert_eq!(state, Some(60 * SECOND));
        let fourth = three.decide(state, 0, 1);
        assert_eq!(fourth, Decision { allowed: false, arrival: 60 * SECOND });
        assert_eq!(three.retry_after(fourth.arrival, 0, 1), 20);
        assert!(!three.decide(state, 20 * SECOND - 1, 1).allowed);
        assert!(three.decide(state, 20 * SECOND, 1).allowed);
        assert_eq!(three.remaining(60 * SECOND, 59 * SECOND), 2);
        assert_eq!(three.remaining(60 * SECOND, 60 * SECOND), 3);
    }

    #[test]
    fn a_step_is_rounded_up() {
        assert_eq!(rate(7, 1).step, 142_858);
        assert_eq!(rate(600_000, 1).step, 2);
        assert_eq!(rate(i32::MAX, 3600).step, 2);
        assert_eq!(Rate::new(1_000_001, 1), None);
        assert_eq!(Rate::new(0, 1), None);
        assert_eq!(Rate::new(1, 0), None);
        assert_eq!(Rate::new(-1, -1), None);
        assert_eq!(Rate::new(1, i64::MAX), None);
    }

    #[test]
    fn a_clock_that_went_back_refuses_for_a_span_at_most() {
        let ten = rate(10, 10);
        let ahead = ten.decide(None, 1_000_000 * SECOND, 10).arrival;
        let back = ten.decide(Some(ahead), 0, 1);
        assert!(!back.allowed);
        let capped = ten.capped(back.arrival, 0);
        assert_eq!(capped, 10 * SECOND);
        assert!(ten.decide(Some(capped), SECOND, 1).allowed);
    }

    fn rates() -> impl Strategy<Value = Rate> {
        (1i32..=1_000_000, 1i64..=2_592_000).prop_map(|(hits, seconds)| rate(hits, seconds))
    }

    proptest! {
        /// In any stretch of time a key is allowed a burst of max_hits and one hit a step, never more.
        #[test]
        fn no_stretch_of_time_has_more_than_a_burst_and_its_steps(
            max_hits in 1i32..50,
            seconds in 1i64..100,
            hits in prop::collection::vec((0i64..20_000_000, 1i32..60), 1..200),
        ) {
            let rate = rate(max_hits, seconds);
            let (mut now, mut state, mut taken) = (0, None, Vec::new());
            for (pause, cost) in hits {
                now += pause;
                let hit = rate.decide(state, now, cost);
                prop_assert!(cost <= max_hits || !hit.allowed);
                if hit.allowed {
                    taken.push((now, i64::from(cost)));
                } else {
                    prop_assert_eq!(Some(hit.arrival), state.or(Some(now)));
                }
                state = Some(hit.arrival);
            }
            for first in 0..taken.len() {
                let mut sum = 0;
                for (at, cost) in taken.iter().skip(first) {
                    sum += cost;
                    let since = at - taken[first].0;
                    prop_assert!(sum <= i64::from(max_hits) + since / rate.step);
                    prop_assert!(sum <= i64::from(max_hits) + since * i64::from(max_hits) / (seconds * SECOND));
                }
            }
        }

        #[test]
        fn what_remains_is_what_is_allowed(
            rate in rates(), ahead in -10_000_000i64..3_000_000_000_000, cost in 1i32..=1_000_000
        ) {
            let now = 500;
            let arrival = rate.capped(now + ahead, now);
            let remaining = rate.remaining(arrival, now);
            prop_assert!((0..=rate.max_hits).contains(&remaining));
            prop_assert!(remaining == 0 || rate.decide(Some(arrival), now, remaining).allowed);
            prop_assert!(remaining == rate.max_hits || !rate.decide(Some(arrival), now, remaining + 1).allowed);
            if cost <= rate.max_hits {
                let hit = rate.decide(Some(arrival), now, cost);
                prop_assert_eq!(hit.allowed, cost <= remaining);
                let wait = rate.retry_after(arrival, now, cost);
                prop_assert_eq!(hit.allowed, wait == 0);
                prop_assert!(rate.decide(Some(arrival), now + i64::from(wait) * SECOND, cost).allowed);
                let before = now + i64::from(wait - 1) * SECOND;
                prop_assert!(wait == 0 || !rate.decide(Some(arrival), before, cost).allowed);
                if hit.allowed {
                    prop_assert_eq!(rate.remaining(hit.arrival, now), remaining - cost);
                }
            }
        }

        #[test]
        fn nothing_overflows(max_hits: i32, seconds: i64, arrival: Option<i64>, now: i64, clock: i64, cost: i32) {
            if let Some(rate) = Rate::new(max_hits, seconds) {
                let hit = rate.decide(arrival, now, cost);
                prop_assert!(!hit.allowed || (1..=max_hits).contains(&cost));
                let capped = rate.capped(hit.arrival, clock);
                prop_assert!(capped <= hit.arrival);
                prop_assert!((0..=max_hits).contains(&rate.remaining(capped, now)));
                prop_assert!(rate.retry_after(capped, now, cost) >= 0);
            }
        }

        /// A refused key is never refused for longer than a span by a clock that went back.
        #[test]
        fn a_span_after_the_cap_all_is_there(rate in rates(), arrival in 0i64..1 << 60, clock in 0i64..1 << 50) {
            let capped = rate.capped(arrival, clock);
            prop_assert_eq!(rate.remaining(capped, clock + rate.span()), rate.max_hits);
        }
    }
}
