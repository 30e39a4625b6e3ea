//! What a worker says of an attempt.

use serde_json::Value;

use crate::kernel::outcome::Mistake;
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::id::Id;
use crate::kernel::value::jsonb::Jsonb;
use crate::trail::cut;
use crate::webhook::complete::outcome::{Answer, Wish};
use crate::webhook::complete::schedule;

/// An attempt that is over.
pub struct Attempted {
    pub delivery_id: Id,
    pub attempt: i32,
    pub duration_ms: Option<i32>,
    pub error: Option<String>,
    /// The headers as they are stored.
    pub headers: Option<Jsonb>,
    pub body: Option<String>,
    pub answer: Answer,
}

/// The same as it was given.
#[derive(Default)]
pub struct Given<'a> {
    pub delivery_id: Option<Id>,
    pub attempt: Option<i32>,
    pub http_status: Option<i32>,
    pub response_body: Option<&'a str>,
    pub duration_ms: Option<i32>,
    pub error: Option<&'a str>,
    pub response_headers: Option<Value>,
}

/// The bytes of a body that are kept.
const MAX_BODY: usize = 4096;
/// The characters of an error that are kept.
const MAX_ERROR: usize = 1000;
/// The bytes of the headers that are kept; more of them are not stored at all.
const MAX_HEADERS: usize = 16_384;

impl Given<'_> {
    /// Checks it; what is too long is cut, because the receiver decides how long it is.
    pub fn check(self, now: Timestamp) -> Result<Attempted, Mistake> {
        let delivery_id = self.delivery_id.ok_or(Mistake::NullArgument("delivery_id"))?;
        let attempt = self.attempt.ok_or(Mistake::NullArgument("attempt"))?;
        if attempt < 1 {
            return Err(Mistake::invalid("attempt", "the number that webhook_claim() gave"));
        }
        if self.http_status.is_some_and(|status| !(100..=599).contains(&status)) {
            return Err(Mistake::invalid("http_status", "100 to 599, or NULL where there was no answer"));
        }
        if self.duration_ms.is_some_and(|duration| duration < 0) {
            return Err(Mistake::invalid("duration_ms", "0 or more milliseconds"));
        }
        let headers = self.response_headers.filter(|headers| !headers.is_null());
        if headers.as_ref().is_some_and(|headers| !headers.is_object()) {
            return Err(Mistake::invalid("response_headers", "a JSON object"));
        }
        let answer = Answer {
            http_status: self.http_status,
            retry_after: header(headers.as_ref(), "retry-after")
                .and_then(|text| schedule::retry_after(text, now)),
            wish: header(headers.as_ref(), "webhook-delivery").and_then(Wish::of),
        };
        Ok(Attempted {
            delivery_id,
            attempt,
            duration_ms: self.duration_ms,
            error: self.error.map(|error| cut(error, MAX_ERROR).to_owned()),
            headers: headers
                .map(|headers| headers.to_string())
                .filter(|text| text.len() <= MAX_HEADERS)
                .and_then(|text| Jsonb::read(&text)),
            body: self.response_body.map(|body| cut_bytes(body).to_owned()),
            answer,
        })
    }
}

/// The value of a header, whatever the case of its name; of several values the first.
fn header<'a>(headers: Option<&'a Value>, name: &str) -> Option<&'a str> {
    let headers = headers?.as_object()?;
    let (_, value) = headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name))?;
    match value {
        Value::Array(values) => values.first()?.as_str(),
        value => value.as_str(),
    }
}

/// The start of a body, which ends at a character.
fn cut_bytes(body: &str) -> &str {
    body.get(..body.floor_char_boundary(MAX_BODY)).unwrap_or(body)
}

/// The most results of one call.
const MAX_RESULTS: usize = 1000;

/// The argument `results`.
pub fn read(results: &Jsonb, now: Timestamp) -> Result<Vec<Attempted>, Mistake> {
    let accepted = || Mistake::invalid("results", "a JSON array of at most 1000 objects");
    let Some(Value::Array(elements)) = results.parse() else { return Err(accepted()) };
    if elements.len() > MAX_RESULTS {
        return Err(accepted());
    }
    let read = |element| match element {
        Value::Object(members) => of_object(members, now),
        _ => Err(accepted()),
    };
    elements.into_iter().map(read).collect()
}

fn of_object(mut members: serde_json::Map<String, Value>, now: Timestamp) -> Result<Attempted, Mistake> {
    let mut member = |name: &str| members.remove(name).filter(|value| !value.is_null());
    let (id, body, error) = (member("delivery_id"), member("response_body"), member("error"));
    let given = Given {
        delivery_id: match &id {
            Some(id) => Some(
                id.as_str()
                    .and_then(Id::parse)
                    .ok_or(Mistake::invalid("delivery_id", "the text of a uuid"))?,
            ),
            None => None,
        },
        attempt: integer(member("attempt"), "attempt")?,
        http_status: integer(member("http_status"), "http_status")?,
        response_body: text(body.as_ref(), "response_body")?,
        duration_ms: integer(member("duration_ms"), "duration_ms")?,
        error: text(error.as_ref(), "error")?,
        response_headers: member("response_headers"),
    };
    if !members.is_empty() {
        return Err(Mistake::invalid(
            "results",
            "objects with delivery_id, attempt, http_status, response_body, duration_ms, error, response_headers",
        ));
    }
    given.check(now)
}

fn integer(value: Option<Value>, member: &'static str) -> Result<Option<i32>, Mistake> {
    let Some(value) = value else { return Ok(None) };
    let number = value.as_i64().and_then(|number| i32::try_from(number).ok());
    number.map(Some).ok_or(Mistake::invalid(member, "a whole number"))
}

fn text<'a>(value: Option<&'a Value>, member: &'static str) -> Result<Option<&'a str>, Mistake> {
    let Some(value) = value else { return Ok(None) };
    value.as_str().map(Some).ok_or(Mistake::invalid(member, "a JSON string"))
}

#[cfg(test)]
mod tests {
    use super::{Given, MAX_BODY, Wish, cut_bytes, header};
    use crate::kernel::value::clock::Timestamp;
    use crate::kernel::value::id::Id;
    use serde_json::json;

    const NOW: Timestamp = Timestamp::from_micros(753_315_200_000_000);

    #[test]
    fn a_header_has_any_case_and_may_come_twice() {
        let headers = json!({ "Retry-After": "5", "x": ["a", "b"], "n": 1, "e": [] });
        assert_eq!(header(Some(&headers), "retry-after"), Some("5"));
        assert_eq!(header(Some(&headers), "X"), Some("a"));
        assert_eq!(header(Some(&headers), "n"), None);
        assert_eq!(header(Some(&headers), "e"), None);
        assert_eq!(header(None, "x"), None);
    }

    #[test]
    fn a_body_is_cut_at_a_character() {
        let body = format!("a{}", "é".repeat(MAX_BODY));
        assert_eq!(cut_bytes(&body).len(), MAX_BODY - 1);
        assert_eq!(cut_bytes("ab"), "ab");
    }

    #[test]
    fn what_a_receiver_sends_fails_no_completion() {
        let given = Given {
            delivery_id: Some(Id::from_bytes([1; 16])),
            attempt: Some(1),
            response_headers: Some(json!({ "webhook-delivery": "disable", "x": "y".repeat(20_000) })),
            ..Given::default()
        };
        let read = given.check(NOW).ok();
        assert!(read.is_some_and(|read| read.headers.is_none() && read.answer.wish == Some(Wish::Disable)));
    }
}
