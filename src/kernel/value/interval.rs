//! Lifetimes: an `interval` argument as whole seconds within bounds.

use pgrx::prelude::*;

use crate::kernel::outcome::Mistake;

const SECONDS_PER_DAY: i64 = 86_400;

/// The seconds of `value`, a day being 24 hours and a month 30 days; `accepted` says the bounds for
/// the hint. NULL is `default`.
pub fn seconds(
    value: Option<Interval>,
    default: i64,
    bounds: std::ops::RangeInclusive<i64>,
    argument: &'static str,
    accepted: &'static str,
) -> Result<i64, Mistake> {
    let Some(value) = value else { return Ok(default) };
    let days = i64::from(value.months()) * 30 + i64::from(value.days());
    let seconds = days * SECONDS_PER_DAY + value.micros().div_euclid(1_000_000);
    if bounds.contains(&seconds) { Ok(seconds) } else { Err(Mistake::invalid(argument, accepted)) }
}
