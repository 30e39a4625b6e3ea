//! The members of a JSON object that says what to change. JSON null is None, whatever that means there.

use pgrx::prelude::*;
use serde_json::Value;

use crate::kernel::outcome::Mistake;
use crate::kernel::value::clock::Timestamp;

/// A text.
pub fn text<'a>(value: &'a Value, member: &'static str) -> Result<Option<&'a str>, Mistake> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text)),
        _ => Err(Mistake::invalid(member, "a JSON string")),
    }
}

/// Texts.
pub fn texts(value: &Value, member: &'static str) -> Result<Option<Vec<String>>, Mistake> {
    let elements = match value {
        Value::Null => return Ok(None),
        Value::Array(elements) => {
            elements.iter().map(|element| element.as_str().map(str::to_owned)).collect()
        }
        _ => None,
    };
    elements.map(Some).ok_or(Mistake::invalid(member, "a JSON array of strings"))
}

/// A time: a number of seconds, or the text of an interval.
pub fn duration(value: &Value, member: &'static str) -> Result<Option<Interval>, Mistake> {
    let interval = match value {
        Value::Null => return Ok(None),
        Value::String(text) => text.parse().ok(),
        value => value
            .as_i64()
            .and_then(|seconds| seconds.checked_mul(1_000_000))
            .and_then(|micros| Interval::new(0, 0, micros).ok()),
    };
    interval.map(Some).ok_or(Mistake::invalid(member, "a number of seconds or the text of an interval"))
}

/// A moment: a number of seconds since 1970, or the text of a finite time.
pub fn time(value: &Value, member: &'static str) -> Result<Option<Timestamp>, Mistake> {
    let time = match value {
        Value::Null => return Ok(None),
        Value::String(text) => text.parse::<TimestampWithTimeZone>().ok().map(Timestamp::from),
        value => value
            .as_i64()
            .and_then(|seconds| seconds.checked_mul(1000))
            .and_then(|millis| u64::try_from(millis).ok())
            .map(Timestamp::from_unix_millis),
    };
    let accepted = "a number of seconds since 1970 or the text of a finite time";
    time.filter(|time| time.is_finite()).map(Some).ok_or(Mistake::invalid(member, accepted))
}
