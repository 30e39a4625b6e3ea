//! JSON as text, written member by member: the answers of endpoints, and the claims of tokens. A tree of values would
//! cost more than all else of an answer.

use std::fmt::Write;

/// An object on its way.
pub struct Object(String);

impl Object {
    /// One without members.
    pub fn new() -> Self {
        Self::with_capacity(256)
    }

    /// The same, with room for a text of so many bytes.
    pub fn with_capacity(bytes: usize) -> Self {
        let mut text = String::with_capacity(bytes);
        text.push('{');
        Self(text)
    }

    fn name(&mut self, name: &str) {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        string(&mut self.0, name);
        self.0.push(':');
    }

    /// A text.
    pub fn text(&mut self, name: &str, value: &str) -> &mut Self {
        self.name(name);
        string(&mut self.0, value);
        self
    }

    /// A text; None: no member.
    pub fn some_text(&mut self, name: &str, value: Option<&str>) -> &mut Self {
        if let Some(value) = value {
            self.text(name, value);
        }
        self
    }

    /// A whole number.
    pub fn number(&mut self, name: &str, value: i64) -> &mut Self {
        self.name(name);
        // Writing to a String does not fail.
        let _ = write!(self.0, "{value}");
        self
    }

    /// A whole number; None: no member.
    pub fn some_number(&mut self, name: &str, value: Option<i64>) -> &mut Self {
        if let Some(value) = value {
            self.number(name, value);
        }
        self
    }

    /// True or false.
    pub fn flag(&mut self, name: &str, value: bool) -> &mut Self {
        self.json(name, if value { "true" } else { "false" })
    }

    /// An array of texts.
    pub fn texts<T: AsRef<str>>(&mut self, name: &str, values: &[T]) -> &mut Self {
        self.name(name);
        self.0.push('[');
        for (n, value) in values.iter().enumerate() {
            if n > 0 {
                self.0.push(',');
            }
            string(&mut self.0, value.as_ref());
        }
        self.0.push(']');
        self
    }

    /// What is JSON already.
    pub fn json(&mut self, name: &str, value: &str) -> &mut Self {
        self.name(name);
        self.0.push_str(value);
        self
    }

    /// The members of an object that is JSON already.
    pub fn members(&mut self, object: &str) -> &mut Self {
        let members =
            object.trim().strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or_default();
        if !members.trim().is_empty() {
            if self.0.len() > 1 {
                self.0.push(',');
            }
            self.0.push_str(members);
        }
        self
    }

    /// The text of the object.
    pub fn end(mut self) -> String {
        self.0.push('}');
        self.0
    }
}

/// Adds a text in quotes (RFC 8259 section 7).
pub fn string(out: &mut String, text: &str) {
    out.push('"');
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c < ' ' || c == '"' || c == '\\') {
        let (plain, special) = rest.split_at(at);
        out.push_str(plain);
        let mut chars = special.chars();
        match chars.next() {
            Some(c @ ('"' | '\\')) => out.extend(['\\', c]),
            // Writing to a String does not fail.
            Some(c) => drop(write!(out, "\\u{:04x}", u32::from(c))),
            None => {}
        }
        rest = chars.as_str();
    }
    out.push_str(rest);
    out.push('"');
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{Object, string};
    use proptest::prelude::*;
    use serde_json::{Value, json};

    #[test]
    fn members_are_written_in_order() {
        let mut object = Object::new();
        object.text("a", "b\"\\\n").number("n", -7).flag("t", true).texts("l", &["x", "é"]);
        object.some_text("none", None).some_number("none", None).json("o", "{}");
        let text = object.end();
        assert_eq!(text, r#"{"a":"b\"\\\u000a","n":-7,"t":true,"l":["x","é"],"o":{}}"#);
        assert_eq!(
            serde_json::from_str::<Value>(&text).unwrap(),
            json!({"a": "b\"\\\n", "n": -7, "t": true, "l": ["x", "é"], "o": {}})
        );
        assert_eq!(Object::new().end(), "{}");
        let mut object = Object::new();
        object.members("{}").members(r#"{"a": 1}"#).members("{ }").members(r#"{"b": {}}"#);
        assert_eq!(object.end(), r#"{"a": 1,"b": {}}"#);
        assert_eq!(Object::new().texts::<&str>("l", &[]).0, r#"{"l":[]"#);
    }

    proptest! {
        #[test]
        fn every_text_is_read_back(text: String) {
            let mut out = String::new();
            string(&mut out, &text);
            prop_assert_eq!(serde_json::from_str::<String>(&out).unwrap(), text);
        }
    }
}
