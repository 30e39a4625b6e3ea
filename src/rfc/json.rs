//! JSON objects as strangers send them (RFC 8259): strictly read, so that no two readers see different members in one.

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// How many objects and arrays are in each other at most.
const MAX_DEPTH: u8 = 16;

/// The members of a JSON object; None for anything else, for one with a member that occurs twice (RFC 8259 section 4
/// leaves open which of the two counts), and for one that is nested deeper than 16.
pub fn object(text: &[u8]) -> Option<Map<String, Value>> {
    let mut reader = serde_json::Deserializer::from_slice(text);
    let value = Strict { left: MAX_DEPTH }.deserialize(&mut reader).ok()?;
    reader.end().ok()?;
    match value {
        Value::Object(members) => Some(members),
        _ => None,
    }
}

/// How many objects and arrays are in each other in a value that is read already.
pub fn depth(value: &Value) -> usize {
    let inner = match value {
        Value::Array(values) => values.iter().map(depth).max(),
        Value::Object(members) => members.values().map(depth).max(),
        _ => return 0,
    };
    1 + inner.unwrap_or(0)
}

/// Reads a value that may have so many levels in it.
#[derive(Clone, Copy)]
struct Strict {
    left: u8,
}

impl Strict {
    fn within<E: de::Error>(self) -> Result<Self, E> {
        let left = self.left.checked_sub(1).ok_or_else(|| E::custom("it is nested too deeply"))?;
        Ok(Self { left })
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, text: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        text.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let inner = self.within()?;
        let mut list = Vec::new();
        while let Some(element) = elements.next_element_seed(inner)? {
            list.push(element);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let inner = self.within()?;
        let mut members = Map::new();
        while let Some(name) = entries.next_key::<String>()? {
            if members.insert(name, entries.next_value_seed(inner)?).is_some() {
                return Err(de::Error::custom("a member occurs twice"));
            }
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{MAX_DEPTH, object};
    use proptest::prelude::*;
    use serde_json::{Value, json};

    #[test]
    fn an_object_is_read_as_it_is() {
        let text = r#"{"a": [1, -2, 2.5, 18446744073709551615, true, null, "é\n"], "b": {"c": {}}}"#;
        let expected = json!({"a": [1, -2, 2.5, 18446744073709551615u64, true, null, "é\n"], "b": {"c": {}}});
        assert_eq!(Value::Object(object(text.as_bytes()).unwrap()), expected);
    }

    #[test]
    fn a_member_occurs_once_at_every_level() {
        for text in [r#"{"a": 1, "a": 1}"#, r#"{"a": {"b": 1, "b": 2}}"#, r#"{"a": [{"b": 1, "\u0062": 2}]}"#]
        {
            assert!(object(text.as_bytes()).is_none(), "{text}");
        }
        assert!(object(br#"{"a": {"b": 1}, "c": {"b": 2}}"#).is_some());
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for text in ["", "[]", "1", "null", "{} {}", "{}x", "{\"a\": 1,}", "{\"a\": NaN}", "\u{feff}{}"] {
            assert!(object(text.as_bytes()).is_none(), "{text}");
        }
        assert!(object(b"{\"a\": \"\xff\"}").is_none());
    }

    #[test]
    fn levels_are_counted() {
        let nested = |levels: u8| {
            let inner = usize::from(levels) - 1;
            format!("{{\"a\": {}{}}}", "[".repeat(inner), "]".repeat(inner))
        };
        assert!(object(nested(MAX_DEPTH).as_bytes()).is_some());
        assert!(object(nested(MAX_DEPTH + 1).as_bytes()).is_none());
        assert!(object(format!("{{\"a\": {}", "[".repeat(60_000)).as_bytes()).is_none());
    }

    proptest! {
        #[test]
        fn garbage_is_refused_or_an_object(bytes: Vec<u8>, text in "[{}\\[\\]\",:0-9a-z ]{0,40}") {
            for text in [bytes.as_slice(), text.as_bytes()] {
                if let Some(members) = object(text) {
                    prop_assert_eq!(serde_json::from_slice::<Value>(text).unwrap(), Value::Object(members));
                }
            }
        }
    }
}
