//! What a JSON Schema may ask of the server. The library that checks payloads goes down a schema by recursion, and does
//! so again for each `$ref`: one schema of a few kilobytes could overflow the stack, another take years. Here the whole
//! of it is measured with every `$ref` followed.

use std::collections::HashMap;

use regex::RegexBuilder;
use serde_json::Value;

/// How deep objects and arrays of a schema may be in each other, those behind each `$ref` included.
const MAX_DEPTH: usize = 64;
/// How many there may be, those behind each `$ref` counted each time.
const MAX_PARTS: usize = 2000;
/// How many regular expressions, and how many bytes each may take when it is compiled.
const MAX_PATTERNS: usize = 20;
const MAX_PATTERN: usize = 1 << 20;

/// What is wrong with a schema.
pub type Fault = &'static str;

#[derive(Clone, Copy, Default)]
struct Size {
    depth: usize,
    parts: usize,
}

struct Measure<'a> {
    root: &'a Value,
    anchors: HashMap<&'a str, &'a Value>,
    /// By their addresses; None while the part is being measured.
    sizes: HashMap<*const Value, Option<Size>>,
    patterns: usize,
}

/// Refuses a schema that refers to others or to itself, or asks too much.
pub fn check(root: &Value) -> Result<(), Fault> {
    let mut anchors = HashMap::new();
    find_anchors(root, &mut anchors);
    let mut measure = Measure { root, anchors, sizes: HashMap::new(), patterns: 0 };
    measure.part(root, 0)?;
    Ok(())
}

/// The text of a document nests no deeper than its parser lets it.
fn find_anchors<'a>(part: &'a Value, anchors: &mut HashMap<&'a str, &'a Value>) {
    match part {
        Value::Object(members) => {
            if let Some(Value::String(name)) = members.get("$anchor") {
                anchors.insert(name, part);
            }
            members.values().for_each(|value| find_anchors(value, anchors));
        }
        Value::Array(values) => values.iter().for_each(|value| find_anchors(value, anchors)),
        _ => {}
    }
}

impl<'a> Measure<'a> {
    fn part(&mut self, part: &'a Value, outside: usize) -> Result<Size, Fault> {
        if !(part.is_object() || part.is_array()) {
            return Ok(Size::default());
        }
        let size = match self.sizes.insert(part, None) {
            Some(None) => return Err("no $ref that leads back to where it stands"),
            Some(Some(size)) => size,
            None if outside >= MAX_DEPTH => return Err("at most 64 levels, those behind each $ref included"),
            None => self.measured(part, outside + 1)?,
        };
        if outside + size.depth > MAX_DEPTH {
            return Err("at most 64 levels, those behind each $ref included");
        }
        if size.parts > MAX_PARTS {
            return Err("at most 2000 objects and arrays, those behind each $ref counted each time");
        }
        self.sizes.insert(part, Some(size));
        Ok(size)
    }

    fn measured(&mut self, part: &'a Value, outside: usize) -> Result<Size, Fault> {
        let mut within = Vec::new();
        match part {
            Value::Object(members) => {
                for (name, value) in members {
                    within.extend(self.referred(part, name, value)?);
                    within.push(value);
                }
            }
            Value::Array(values) => within.extend(values),
            _ => {}
        }
        let mut size = Size::default();
        for part in within {
            let inner = self.part(part, outside)?;
            size = Size { depth: size.depth.max(inner.depth), parts: size.parts.saturating_add(inner.parts) };
        }
        Ok(Size { depth: size.depth + 1, parts: size.parts + 1 })
    }

    /// What a member refers to.
    fn referred(&mut self, part: &Value, name: &str, value: &'a Value) -> Result<Option<&'a Value>, Fault> {
        match (name, value) {
            ("$ref", Value::String(target)) => self.target(target).map(Some),
            ("$dynamicRef" | "$recursiveRef", Value::String(_)) => Err("no $dynamicRef or $recursiveRef"),
            ("$id", Value::String(_)) if !std::ptr::eq(part, self.root) => Err("an $id at its top only"),
            ("pattern", Value::String(pattern)) => self.pattern(pattern).map(|()| None),
            ("patternProperties", Value::Object(patterns)) => {
                patterns.keys().try_for_each(|pattern| self.pattern(pattern)).map(|()| None)
            }
            _ => Ok(None),
        }
    }

    fn target(&self, target: &str) -> Result<&'a Value, Fault> {
        let found = match target.strip_prefix('#') {
            Some(pointer) if pointer.is_empty() || pointer.starts_with('/') => self.root.pointer(pointer),
            Some(anchor) => self.anchors.get(anchor).copied(),
            None => None,
        };
        found.ok_or("a $ref to a part of itself")
    }

    fn pattern(&mut self, pattern: &str) -> Result<(), Fault> {
        self.patterns += 1;
        if self.patterns > MAX_PATTERNS {
            return Err("at most 20 regular expressions");
        }
        match RegexBuilder::new(pattern).size_limit(MAX_PATTERN).build() {
            Ok(_) => Ok(()),
            Err(_) => {
                Err("regular expressions without look-around and back references, none of a great size")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::check;
    use serde_json::{Value, json};

    #[test]
    fn a_schema_is_bounded() {
        let fine = json!({
            "$id": "https://example.com/order", "$defs": { "id": { "$anchor": "id", "pattern": "^[a-z]\\d+$" } },
            "properties": { "a": { "$ref": "#/$defs/id" }, "b": { "$ref": "#id" }, "$ref": { "type": "string" } },
        });
        assert_eq!(check(&fine), Ok(()));
        let mut deep = json!({});
        for _ in 0..70 {
            deep = json!({ "not": deep });
        }
        let chain = |n: usize| {
            let of = |n: usize| (format!("d{n}"), json!({ "$ref": format!("#/$defs/d{}", n + 1) }));
            let mut all: serde_json::Map<String, Value> = (0..n).map(of).collect();
            all.insert(format!("d{n}"), json!(true));
            json!({ "$ref": "#/$defs/d0", "$defs": all })
        };
        assert_eq!(check(&chain(20)), Ok(()));
        let doubled = |n: usize| {
            let next = |n: usize| json!({ "$ref": format!("#/$defs/d{}", n + 1) });
            let of = |n: usize| (format!("d{n}"), json!({ "allOf": [next(n), next(n)] }));
            let mut all: serde_json::Map<String, Value> = (0..n).map(of).collect();
            all.insert(format!("d{n}"), json!({}));
            json!({ "$ref": "#/$defs/d0", "$defs": all })
        };
        assert_eq!(check(&doubled(4)), Ok(()));
        for schema in [
            deep,
            chain(200),
            doubled(16),
            json!({ "$ref": "#" }),
            json!({ "properties": { "next": { "$ref": "#" } } }),
            json!({ "$ref": "#/$defs/missing" }),
            json!({ "$ref": "#missing" }),
            json!({ "$ref": "https://example.com/schema" }),
            json!({ "$ref": "file:///etc/passwd" }),
            json!({ "$ref": "other.json" }),
            json!({ "$dynamicRef": "#x" }),
            json!({ "items": { "$id": "https://example.com/x" } }),
            json!({ "pattern": "(a{1000}){1000}" }),
            json!({ "pattern": "(?=a)" }),
            json!({ "patternProperties": { "(": {} } }),
            json!({ "allOf": (0..21).map(|n| json!({ "pattern": format!("a{n}") })).collect::<Vec<_>>() }),
            json!({ "enum": vec![json!({}); 2001] }),
        ] {
            assert!(check(&schema).is_err(), "{schema}");
        }
    }
}
