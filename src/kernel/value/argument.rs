//! The limits of values that are stored as they come: short texts, lists of texts, JSON objects, times.

use crate::kernel::outcome::Mistake;
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::jsonb::Jsonb;

/// The longest name, in characters.
const MAX_LINE: usize = 200;
/// The longest reason, in characters.
const MAX_REASON: usize = 1000;
/// The largest JSON document, in bytes.
pub const MAX_DOCUMENT: usize = 64 * 1024;
/// The longest page of a list, in rows.
const MAX_ROWS: i32 = 1000;

/// A name: something, of one line.
pub fn line<'a>(value: &'a str, argument: &'static str) -> Result<&'a str, Mistake> {
    if value.trim().is_empty() || !is_line(value, MAX_LINE) {
        return Err(Mistake::invalid(argument, "1 to 200 characters, no control characters"));
    }
    Ok(value)
}

/// A name that may be missing or empty.
pub fn optional_line<'a>(value: Option<&'a str>, argument: &'static str) -> Result<Option<&'a str>, Mistake> {
    match value {
        Some(text) if !is_line(text, MAX_LINE) => {
            Err(Mistake::invalid(argument, "at most 200 characters, no control characters"))
        }
        value => Ok(value),
    }
}

/// How many rows a page has at most; NULL is the argument's default.
pub fn max_rows(value: Option<i32>, default: i32) -> Result<i32, Mistake> {
    let value = value.unwrap_or(default);
    if (1..=MAX_ROWS).contains(&value) { Ok(value) } else { Err(Mistake::invalid("max_rows", "1 to 1000")) }
}

/// Why something was ended; NULL is the argument's default. A line break in it does not fail the call.
pub fn reason(value: Option<&str>) -> Result<&str, Mistake> {
    reason_or(value, "revoked")
}

/// The same with another default.
pub fn reason_or<'a>(value: Option<&'a str>, default: &'static str) -> Result<&'a str, Mistake> {
    match value.unwrap_or(default) {
        text if !text.is_empty() && is_at_most(text, MAX_REASON) => Ok(text),
        _ => Err(Mistake::invalid("reason", "1 to 1000 characters")),
    }
}

/// Why something was done; it may be missing or empty.
pub fn optional_reason(value: Option<&str>) -> Result<Option<&str>, Mistake> {
    match value {
        Some(text) if !is_line(text, MAX_REASON) => {
            Err(Mistake::invalid("reason", "at most 1000 characters, no control characters"))
        }
        value => Ok(value),
    }
}

/// A JSON object; NULL is an empty one.
pub fn document(value: Option<Jsonb>, argument: &'static str) -> Result<Jsonb, Mistake> {
    match value {
        None => Ok(Jsonb::empty_object()),
        Some(value) if value.is_object() && value.size() <= MAX_DOCUMENT => Ok(value),
        Some(_) => Err(Mistake::invalid(argument, "a JSON object of at most 64 kB")),
    }
}

/// A JSON argument that is an object of at most 64 kB, or not given.
pub fn object(value: Option<&Jsonb>, argument: &'static str) -> Result<(), Mistake> {
    match value {
        None => Ok(()),
        Some(document) if document.is_object() && document.size() <= MAX_DOCUMENT => Ok(()),
        Some(_) => Err(Mistake::invalid(argument, "a JSON object of at most 65536 bytes")),
    }
}

/// A time that JSON can say, which has no number for an infinite one; or none.
pub fn finite(value: Option<Timestamp>, argument: &'static str) -> Result<Option<Timestamp>, Mistake> {
    match value {
        Some(at) if !at.is_finite() => Err(Mistake::invalid(argument, "a finite time, or NULL")),
        value => Ok(value),
    }
}

/// The elements of an array, none of them NULL; None for a NULL array.
pub fn list(
    value: Option<Vec<Option<String>>>,
    argument: &'static str,
) -> Result<Option<Vec<String>>, Mistake> {
    let Some(elements) = value else { return Ok(None) };
    let elements: Option<Vec<_>> = elements.into_iter().collect();
    elements.map(Some).ok_or(Mistake::invalid(argument, "an array without NULL elements"))
}

/// At most 20 texts of at most 255 bytes, none of them NULL; None for a NULL array.
pub fn texts(
    list: Option<Vec<Option<String>>>,
    argument: &'static str,
) -> Result<Option<Vec<String>>, Mistake> {
    let Some(list) = list else { return Ok(None) };
    let texts: Option<Vec<String>> = list.into_iter().collect();
    match texts {
        Some(texts) if texts.len() <= 20 && texts.iter().all(|text| text.len() <= 255) => Ok(Some(texts)),
        _ => Err(Mistake::invalid(argument, "at most 20 texts of at most 255 bytes, none of them NULL")),
    }
}

/// True if the owner of a thing is the one that an argument names. Without a name any owner will do; a thing without an
/// owner of that kind never matches a name.
pub fn is_of<T: PartialEq>(owner: Option<T>, named: Option<T>) -> bool {
    named.is_none() || owner == named
}

fn is_line(text: &str, max: usize) -> bool {
    is_at_most(text, max) && !text.chars().any(char::is_control)
}

fn is_at_most(text: &str, max: usize) -> bool {
    // A character has at most four bytes, so a text of a megabyte need not be counted.
    text.len() <= max.saturating_mul(4) && text.chars().count() <= max
}

#[cfg(test)]
mod tests {
    use super::{is_of, line, list, optional_line};

    #[test]
    fn lines_are_counted_in_characters() {
        assert!(line(&"é".repeat(200), "name").is_ok());
        assert!(line(&"é".repeat(201), "name").is_err());
        assert!(line("", "name").is_err());
        assert!(line("  ", "name").is_err());
        assert!(line("a\u{7}b", "name").is_err());
        assert!(optional_line(Some(""), "name").is_ok());
        assert!(optional_line(None, "name").is_ok());
        assert!(optional_line(Some("a\nb"), "name").is_err());
    }

    #[test]
    fn nobody_is_not_somebody() {
        assert!(is_of(Some(1), Some(1)) && is_of(Some(1), None) && is_of::<i32>(None, None));
        assert!(!is_of(Some(1), Some(2)) && !is_of(None, Some(1)));
    }

    #[test]
    fn a_null_element_is_refused() {
        assert!(list(Some(vec![Some("a".into()), None]), "redirect_uris").is_err());
        assert!(list(None, "redirect_uris").is_ok_and(|list| list.is_none()));
    }
}
