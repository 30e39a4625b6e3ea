//! JSON Schemas of payloads. A backend keeps those that it has compiled.

use std::rc::Rc;

use boon::{CompileError, Compiler, Draft, ErrorKind, SchemaIndex, Schemas, UrlLoader, ValidationError};
use serde_json::Value;

use crate::kernel::outcome::Mistake;
use crate::kernel::server::cache::Cache;
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::jsonb::Jsonb;
use crate::webhook::event_type::bounds;

/// A schema that payloads are checked with.
#[derive(Clone)]
pub struct Schema(Rc<Compiled>);

struct Compiled {
    event_type: String,
    schemas: Schemas,
    index: SchemaIndex,
}

/// What the schemas are of: none of them is loaded from a file or an address.
struct Nothing;

impl UrlLoader for Nothing {
    fn load(&self, _: &str) -> Result<Value, Box<dyn std::error::Error>> {
        Err("nothing is loaded".into())
    }
}

/// A name for the schema within the library. RFC 6761 section 6.4: nothing has this address.
const ADDRESS: &str = "https://schema.invalid/";

impl Schema {
    /// Compiles the schema of a type.
    pub fn compile(event_type: &str, schema: &Jsonb) -> Result<Self, Mistake> {
        let refused = |accepted: String| Mistake::InvalidArgument {
            argument: "schema",
            accepted: format!("a JSON Schema of draft 6 to 2020-12: {accepted}").into(),
        };
        let document =
            schema.parse().ok_or_else(|| refused("a document of usual depth and numbers".into()))?;
        bounds::check(&document).map_err(|fault| refused(fault.into()))?;
        let (schemas, index) = compile(document).map_err(|error| refused(fault_of(&error)))?;
        Ok(Self(Rc::new(Compiled { event_type: event_type.to_owned(), schemas, index })))
    }

    /// Checks a payload; of an array, each object.
    pub fn check(&self, payload: &Jsonb, argument: &'static str) -> Result<(), Mistake> {
        let refused = |fault: &str| Mistake::InvalidArgument {
            argument,
            accepted: format!("what fits the schema of {}; {fault}", self.0.event_type).into(),
        };
        let Some(document) = payload.parse() else {
            return Err(refused("it is deeper, or has a larger number, than can be checked"));
        };
        let each = match &document {
            Value::Array(objects) => {
                objects.iter().enumerate().map(|(n, one)| (format!("/{n}"), one)).collect()
            }
            one => vec![(String::new(), one)],
        };
        for (at, object) in each {
            if let Err(error) = self.0.schemas.validate(object, self.0.index) {
                return Err(refused(&first_fault(&at, &error)));
            }
        }
        Ok(())
    }
}

fn compile(document: Value) -> Result<(Schemas, SchemaIndex), Box<CompileError>> {
    let mut compiler = Compiler::new();
    compiler.use_loader(Box::new(Nothing));
    compiler.set_default_draft(Draft::V2020_12);
    compiler.enable_format_assertions();
    compiler.add_resource(ADDRESS, document)?;
    let mut schemas = Schemas::new();
    let index = compiler.compile(ADDRESS, &mut schemas)?;
    Ok((schemas, index))
}

/// What is wrong with a schema, without its own words.
fn fault_of(error: &CompileError) -> String {
    match error {
        CompileError::ValidationError { src, .. } => first_fault("", src),
        CompileError::InvalidRegex { .. } => "its regular expressions".into(),
        CompileError::UnsupportedDraft { .. }
        | CompileError::InvalidMetaSchemaUrl { .. }
        | CompileError::LoadUrlError { .. }
        | CompileError::UnsupportedUrlScheme { .. } => "its $schema and its $ref".into(),
        _ => "its $id, $anchor and $ref".into(),
    }
}

/// Where a document first fails to fit, and by which word of the schema; never the value.
fn first_fault(at: &str, error: &ValidationError<'_, '_>) -> String {
    let mut first = error;
    while let Some(cause) = first.causes.first() {
        first = cause;
    }
    let path: String =
        format!("{at}{}", first.instance_location).chars().filter(|c| !c.is_control()).collect();
    let path: String = if path.is_empty() { "/".into() } else { path.chars().take(200).collect() };
    format!("at {path} {} fails", keyword(&first.kind))
}

fn keyword(kind: &ErrorKind<'_, '_>) -> &'static str {
    match kind {
        ErrorKind::Type { .. } => "type",
        ErrorKind::Enum { .. } => "enum",
        ErrorKind::Const { .. } => "const",
        ErrorKind::Format { .. } => "format",
        ErrorKind::MinProperties { .. } => "minProperties",
        ErrorKind::MaxProperties { .. } => "maxProperties",
        ErrorKind::AdditionalProperties { .. } => "additionalProperties",
        ErrorKind::Required { .. } => "required",
        ErrorKind::Dependency { .. } | ErrorKind::DependentRequired { .. } => "dependentRequired",
        ErrorKind::MinItems { .. } => "minItems",
        ErrorKind::MaxItems { .. } => "maxItems",
        ErrorKind::Contains | ErrorKind::MinContains { .. } | ErrorKind::MaxContains { .. } => "contains",
        ErrorKind::UniqueItems { .. } => "uniqueItems",
        ErrorKind::AdditionalItems { .. } => "items",
        ErrorKind::MinLength { .. } => "minLength",
        ErrorKind::MaxLength { .. } => "maxLength",
        ErrorKind::Pattern { .. } => "pattern",
        ErrorKind::Minimum { .. } => "minimum",
        ErrorKind::Maximum { .. } => "maximum",
        ErrorKind::ExclusiveMinimum { .. } => "exclusiveMinimum",
        ErrorKind::ExclusiveMaximum { .. } => "exclusiveMaximum",
        ErrorKind::MultipleOf { .. } => "multipleOf",
        ErrorKind::PropertyName { .. } => "propertyNames",
        ErrorKind::Not => "not",
        ErrorKind::AnyOf => "anyOf",
        ErrorKind::OneOf(_) => "oneOf",
        _ => "the schema",
    }
}

/// The schemas by type, with the times of their registrations.
static KEPT: Cache<(Timestamp, Option<Schema>)> = Cache::new();

/// How many bytes a compiled schema takes for one of its document: each subschema is a record with room for all
/// keywords. One that consists of empty subschemas takes four times as much.
const COMPILED: usize = 32;

/// The schema of a type that was last registered at `updated_at`: the one that the backend has, or else the one that
/// `read` finds, with the time of its own.
pub fn kept(
    event_type: &str,
    updated_at: Timestamp,
    read: impl FnOnce() -> Result<Option<(Timestamp, Option<Jsonb>)>, Mistake>,
) -> Result<Option<Schema>, Mistake> {
    if let Some((of, schema)) = KEPT.get(event_type)
        && of == updated_at
    {
        return Ok(schema);
    }
    let Some((updated_at, schema)) = read()? else { return Ok(None) };
    let bytes = schema.as_ref().map_or(0, |schema| COMPILED * schema.size());
    let schema = schema.map(|schema| Schema::compile(event_type, &schema)).transpose().map_err(|_| {
        Mistake::WrongState {
            message: "the schema of the event type does not compile in this version".into(),
            hint: format!("SELECT auth_store.webhook_event_type_register('{event_type}', …)").into(),
        }
    })?;
    KEPT.keep(event_type, (updated_at, schema.clone()), bytes);
    Ok(schema)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{compile, fault_of, first_fault};
    use serde_json::{Value, json};

    fn fault(schema: Value, document: &Value) -> Option<String> {
        let (schemas, index) = compile(schema).unwrap();
        schemas.validate(document, index).err().map(|error| first_fault("", &error))
    }

    #[test]
    fn a_fault_names_the_path_and_not_the_value() {
        let schema = json!({
            "type": "object", "required": ["id"], "additionalProperties": false,
            "properties": {
                "id": { "type": "string", "pattern": "^[a-z]+$" },
                "mail": { "format": "email" },
                "lines": { "items": { "$ref": "#/$defs/line" } },
            },
            "$defs": { "line": { "properties": { "count": { "minimum": 1 } } } },
        });
        let fault = |document| fault(schema.clone(), &document);
        assert_eq!(fault(json!({ "id": "a", "lines": [{ "count": 1 }, {}] })), None);
        assert_eq!(fault(json!({ "id": 1 })).unwrap(), "at /id type fails");
        assert_eq!(fault(json!({ "id": "secret 1" })).unwrap(), "at /id pattern fails");
        assert_eq!(fault(json!({})).unwrap(), "at / required fails");
        assert_eq!(fault(json!([])).unwrap(), "at / type fails");
        assert_eq!(fault(json!({ "id": "a", "x": 1 })).unwrap(), "at / additionalProperties fails");
        assert_eq!(fault(json!({ "id": "a", "mail": "nobody" })).unwrap(), "at /mail format fails");
        let lines = json!({ "id": "a", "lines": [{ "count": 1 }, { "count": 0 }] });
        assert_eq!(fault(lines).unwrap(), "at /lines/1/count minimum fails");
    }

    #[test]
    fn nothing_is_loaded() {
        for address in ["https://example.com/schema", "file:///etc/hostname", "other"] {
            let error = compile(json!({ "$ref": address })).err().unwrap();
            assert!(fault_of(&error).starts_with("its "), "{address}");
            assert!(compile(json!({ "$schema": address })).is_err(), "{address}");
        }
        assert!(compile(json!({ "$schema": "http://json-schema.org/draft-07/schema#" })).is_ok());
        // Draft 2020-12: a type is one of the names or an array of them.
        assert_eq!(fault_of(&compile(json!({ "type": 1 })).err().unwrap()), "at /type enum fails");
    }
}
