//! Rich authorization requests (RFC 9396): what may be asked for in detail. Pure.

use serde_json::Value;

use crate::kernel::outcome::{ErrorCode, Refusal};
use crate::rfc::json::depth;

/// The largest text, in bytes.
pub const MAX_BYTES: usize = 16_384;
/// The most elements, and the longest type in bytes.
const MAX_ELEMENTS: usize = 16;
const MAX_TYPE: usize = 255;
/// How deep the elements' members may lie in one another.
const MAX_DEPTH: usize = 16;

const fn refused(description: &'static str) -> Refusal {
    Refusal::new(ErrorCode::InvalidAuthorizationDetails, description)
}

/// The elements of the parameter `authorization_details` (section 2).
pub fn read(text: &str) -> Result<Value, Refusal> {
    if text.len() > MAX_BYTES {
        return Err(refused("authorization_details has at most 16384 bytes"));
    }
    let details = serde_json::from_str(text)
        .map_err(|_| refused("authorization_details must be a JSON array of objects"))?;
    check(&details)?;
    Ok(details)
}

/// Whether these are one to sixteen objects that each name their type (section 2).
pub fn check(details: &Value) -> Result<(), Refusal> {
    let elements = details
        .as_array()
        .filter(|elements| (1..=MAX_ELEMENTS).contains(&elements.len()))
        .ok_or_else(|| refused("authorization_details must be a JSON array of 1 to 16 objects"))?;
    for element in elements {
        type_of(element)
            .filter(|name| !name.is_empty() && name.len() <= MAX_TYPE)
            .ok_or_else(|| refused("each of the authorization_details must be an object with a type"))?;
        if depth(element) > MAX_DEPTH {
            return Err(refused("authorization_details is nested too deep"));
        }
    }
    Ok(())
}

/// Refuses a type that is not among those allowed (section 5).
pub fn allow(details: &Value, types: &[String]) -> Result<(), Refusal> {
    let known = |element| type_of(element).is_some_and(|name| types.iter().any(|one| one == name));
    if elements(details).iter().all(known) {
        return Ok(());
    }
    Err(refused("the client may not ask for authorization_details of this type"))
}

/// The types, for those who must not grant others.
pub fn types(details: &Value) -> Vec<String> {
    elements(details).iter().filter_map(type_of).map(str::to_owned).collect()
}

fn elements(details: &Value) -> &[Value] {
    details.as_array().map_or(&[], Vec::as_slice)
}

fn type_of(element: &Value) -> Option<&str> {
    element.as_object()?.get("type")?.as_str()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{MAX_BYTES, allow, read, types};
    use crate::kernel::outcome::ErrorCode;

    fn is_refused(text: &str) -> bool {
        read(text).is_err_and(|refusal| refusal.code == ErrorCode::InvalidAuthorizationDetails)
    }

    /// RFC 9396 section 2, its first example.
    #[test]
    fn the_example_of_the_rfc_is_read() {
        let text = r#"[{"type": "customer_information", "locations": ["https://example.com/customers"],
            "actions": ["read", "write"], "datatypes": ["contacts", "photos"]}]"#;
        let details = read(text).unwrap();
        assert_eq!(types(&details), ["customer_information"]);
        assert!(allow(&details, &["payment".into(), "customer_information".into()]).is_ok());
        assert!(allow(&details, &[]).is_err());
    }

    #[test]
    fn what_is_no_array_of_typed_objects_is_refused() {
        for text in [
            "",
            "{}",
            "[]",
            "[1]",
            "null",
            r#"[{"type": 1}]"#,
            r#"[{"type": ""}]"#,
            "[{}]",
            r#"[{"type":"a"}"#,
        ] {
            assert!(is_refused(text), "{text}");
        }
        assert!(is_refused(&format!("[{}]", [r#"{"type":"a"}"#; 17].join(","))));
        assert!(read(&format!("[{}]", [r#"{"type":"a"}"#; 16].join(","))).is_ok());
        assert!(is_refused(&format!(r#"[{{"type":"{}"}}]"#, "a".repeat(256))));
    }

    #[test]
    fn size_and_depth_are_bounded() {
        let deep = |n: usize| format!(r#"[{{"type":"a","b":{}{}}}]"#, "[".repeat(n), "]".repeat(n));
        assert!(read(&deep(15)).is_ok());
        assert!(is_refused(&deep(16)));
        assert!(is_refused(&deep(5000)));
        let long = |n: usize| format!(r#"[{{"type":"a","b":"{}"}}]"#, "x".repeat(n - 21));
        assert_eq!(long(MAX_BYTES).len(), MAX_BYTES);
        assert!(read(&long(MAX_BYTES)).is_ok());
        assert!(is_refused(&long(MAX_BYTES + 1)));
    }
}
