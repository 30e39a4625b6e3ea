//! The members of a JSON object that says what to change. JSON null is None, whatever that means there.

use pgrx::prelude::*;
use serde_json::Value;

use crate::kernel::outcome::Mistake;

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
