//! What a worker says of an attempt.

use crate::kernel::outcome::Mistake;
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::id::Id;
use crate::kernel::value::jsonb::{Jsonb, Part};
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
    pub response_headers: Option<Jsonb>,
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
            headers: headers.filter(|headers| headers.size() <= MAX_HEADERS),
            body: self.response_body.map(|body| cut_bytes(body).to_owned()),
            answer,
        })
    }
}

/// The value of a header, whatever the case of its name; of several values the first.
fn header<'a>(headers: Option<&'a Jsonb>, name: &str) -> Option<&'a str> {
    let (_, value) = headers?.members()?.into_iter().find(|(key, _)| key.eq_ignore_ascii_case(name))?;
    value.text().or_else(|| value.elements()?.first()?.text())
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
    let elements =
        results.elements().filter(|elements| elements.len() <= MAX_RESULTS).ok_or_else(accepted)?;
    elements.iter().map(|element| of_object(element.members().ok_or_else(accepted)?, now)).collect()
}

fn of_object(members: Vec<(&str, Part<'_>)>, now: Timestamp) -> Result<Attempted, Mistake> {
    let mut given = Given::default();
    for (name, value) in members {
        let known = MEMBERS.iter().find(|member| **member == name);
        let Some(member) = known else { return Err(Mistake::invalid("results", OBJECTS)) };
        if value.is_null() {
            continue;
        }
        let text = || value.text().ok_or(Mistake::invalid(member, "a JSON string"));
        let integer = || value.integer().ok_or(Mistake::invalid(member, "a whole number"));
        match *member {
            "attempt" => given.attempt = Some(integer()?),
            "http_status" => given.http_status = Some(integer()?),
            "duration_ms" => given.duration_ms = Some(integer()?),
            "response_body" => given.response_body = Some(text()?),
            "error" => given.error = Some(text()?),
            "response_headers" => {
                given.response_headers =
                    Some(value.document().ok_or(Mistake::invalid(member, "a JSON object"))?);
            }
            _ => {
                let id = value.text().and_then(Id::parse);
                given.delivery_id = Some(id.ok_or(Mistake::invalid(member, "the text of a uuid"))?);
            }
        }
    }
    given.check(now)
}

const MEMBERS: [&str; 7] =
    ["delivery_id", "attempt", "http_status", "response_body", "duration_ms", "error", "response_headers"];
const OBJECTS: &str =
    "objects with delivery_id, attempt, http_status, response_body, duration_ms, error, response_headers";

#[cfg(test)]
mod tests {
    use super::{Given, MAX_BODY, Wish, cut_bytes, header};
    use crate::kernel::value::clock::Timestamp;
    use crate::kernel::value::id::Id;
    use crate::kernel::value::jsonb::Jsonb;

    const NOW: Timestamp = Timestamp::from_micros(753_315_200_000_000);

    #[test]
    fn a_header_has_any_case() {
        let headers = Jsonb::of_texts(&[("x", "1"), ("Retry-After", "5")]);
        assert_eq!(header(Some(&headers), "retry-after"), Some("5"));
        assert_eq!(header(Some(&headers), "X"), Some("1"));
        assert_eq!(header(Some(&headers), "y"), None);
        assert_eq!(header(Some(&headers.in_array()), "x"), None);
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
            response_headers: Some(Jsonb::of_texts(&[
                ("x", &"y".repeat(20_000)),
                ("webhook-delivery", "disable"),
            ])),
            ..Given::default()
        };
        let read = given.check(NOW).ok();
        assert!(read.is_some_and(|read| read.headers.is_none() && read.answer.wish == Some(Wish::Disable)));
    }
}
