//! The members of a JSON object that a stranger sent. Null and the empty text are the same as no member: clients send
//! both.

use serde_json::{Map, Value};

use crate::kernel::outcome::{ErrorCode, Refusal};

/// How deep a document may be nested.
const MAX_DEPTH: usize = 16;

/// An object; its texts have no NUL, which no column could hold.
#[derive(Clone)]
pub struct Members(Map<String, Value>);

impl Members {
    /// Reads a document of at most so many bytes; None if it is no object within the bounds.
    pub fn read(body: &[u8], max_bytes: usize) -> Option<Self> {
        if body.len() > max_bytes {
            return None;
        }
        match serde_json::from_slice(body) {
            Ok(Value::Object(members)) => Self::of(members),
            _ => None,
        }
    }

    /// The same of an object that was read.
    pub fn of(members: Map<String, Value>) -> Option<Self> {
        let sound =
            members.iter().all(|(name, value)| !name.contains('\0') && is_sound(value, MAX_DEPTH - 1));
        sound.then_some(Self(members))
    }

    /// All members.
    pub fn object(&self) -> &Map<String, Value> {
        &self.0
    }

    /// Sets a member.
    pub fn set(&mut self, name: &str, value: Value) {
        self.0.insert(name.to_owned(), value);
    }

    /// A member of any type.
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null() && value.as_str() != Some(""))
    }

    /// A text.
    pub fn text(&self, name: &'static str) -> Result<Option<&str>, Refusal> {
        self.value(name).map(|value| value.as_str().ok_or_else(|| not(name, "a text"))).transpose()
    }

    /// An array of texts.
    pub fn texts(&self, name: &'static str) -> Result<Option<Vec<String>>, Refusal> {
        let Some(value) = self.value(name) else { return Ok(None) };
        let texts = value.as_array().and_then(|values| {
            values.iter().map(|value| value.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>()
        });
        texts.map(Some).ok_or_else(|| not(name, "an array of texts"))
    }

    /// True or false; false where it is missing.
    pub fn flag(&self, name: &'static str) -> Result<bool, Refusal> {
        match self.value(name) {
            None => Ok(false),
            Some(value) => value.as_bool().ok_or_else(|| not(name, "true or false")),
        }
    }

    /// A number of seconds.
    pub fn seconds(&self, name: &'static str) -> Result<Option<i32>, Refusal> {
        let Some(value) = self.value(name) else { return Ok(None) };
        let number =
            value.as_i64().and_then(|number| i32::try_from(number).ok()).filter(|number| *number >= 0);
        number.map(Some).ok_or_else(|| not(name, "a number of seconds"))
    }
}

/// The refusal of a member that is something else.
pub fn not(name: &str, wanted: &str) -> Refusal {
    let code = if name == "redirect_uris" {
        ErrorCode::InvalidRedirectUri
    } else {
        ErrorCode::InvalidClientMetadata
    };
    Refusal { code, description: format!("{name} must be {wanted}").into(), retry_after: None }
}

fn is_sound(value: &Value, depth: usize) -> bool {
    match value {
        Value::String(text) => !text.contains('\0'),
        Value::Array(values) => depth > 0 && values.iter().all(|value| is_sound(value, depth - 1)),
        Value::Object(members) => {
            depth > 0
                && members.iter().all(|(name, value)| !name.contains('\0') && is_sound(value, depth - 1))
        }
        _ => true,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::Members;

    fn read(text: &str) -> Option<Members> {
        Members::read(text.as_bytes(), 100)
    }

    #[test]
    fn an_object_is_read_within_its_bounds() {
        assert!(read("{}").is_some());
        for text in [
            "",
            "[]",
            "1",
            "{",
            "{\"a\":\"\\u0000\"}",
            "{\"\\u0000\":1}",
            "{\"a\":[[\"\\u0000\"]]}",
            "{\"a\":1e999}",
        ] {
            assert!(read(text).is_none(), "{text}");
        }
        let sized = |bytes: usize| read(&format!("{{\"a\":\"{}\"}}", "x".repeat(bytes - 8)));
        assert!(sized(100).is_some() && sized(101).is_none());
        let deep =
            |depth: usize| read(&format!("{{\"a\":{}{}}}", "[".repeat(depth - 1), "]".repeat(depth - 1)));
        assert!(deep(16).is_some() && deep(17).is_none());
    }

    #[test]
    fn null_and_the_empty_text_are_no_member() {
        let members = read(r#"{"a":null,"b":"","c":"x","d":["x"],"e":true,"f":7,"g":-1}"#).unwrap();
        assert!(members.text("a").unwrap().is_none() && members.text("b").unwrap().is_none());
        assert!(members.texts("a").unwrap().is_none() && !members.flag("a").unwrap());
        assert_eq!(members.text("c").unwrap(), Some("x"));
        assert_eq!(members.texts("d").unwrap().unwrap(), ["x"]);
        assert!(members.flag("e").unwrap());
        assert_eq!(members.seconds("f").unwrap(), Some(7));
        assert!(members.text("f").is_err() && members.texts("c").is_err() && members.flag("f").is_err());
        assert!(members.seconds("g").is_err() && members.seconds("c").is_err());
    }
}
