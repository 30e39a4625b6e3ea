//! A client's request parameters as they come. A parameter without a value counts as left out (RFC 6749 sections 3.1
//! and 3.2). Each function that takes a client's parameters reads them through this file first, so that an empty
//! parameter is nowhere taken for a present one: it is neither a narrower request nor a proof.

/// The parameter's value; None where it is left out or empty.
pub fn value(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !text.is_empty())
}

/// The scope that is asked for (RFC 6749 section 3.3); None if it has no token, with or without spaces.
pub fn scope(text: Option<&str>) -> Option<&str> {
    text.filter(|text| text.bytes().any(|byte| byte != b' '))
}

/// The values of a parameter that may come more than once (RFC 8707 section 2, RFC 8693 section 2.1), without the empty
/// ones; None if no value is left. NULL is not an empty value: it stays, and is refused later.
pub fn values(list: Option<Vec<Option<String>>>) -> Option<Vec<Option<String>>> {
    let mut list = list?;
    list.retain(|value| value.as_deref() != Some(""));
    if list.is_empty() { None } else { Some(list) }
}

#[cfg(test)]
mod tests {
    use super::{scope, value, values};

    /// RFC 6749 sections 3.1 and 3.2.
    #[test]
    fn a_parameter_without_a_value_is_left_out() {
        assert_eq!(value(Some("")), None);
        assert_eq!(value(Some(" ")), Some(" "));
        assert_eq!(value(None), None);
        assert_eq!(scope(Some("")), None);
        assert_eq!(scope(Some("   ")), None);
        assert_eq!(scope(Some("a b")), Some("a b"));
        assert_eq!(scope(Some("\t")), Some("\t"));
    }

    #[test]
    fn of_several_values_the_empty_ones_are_left_out() {
        let list =
            |texts: &[&str]| Some(texts.iter().map(|text| Some((*text).to_owned())).collect::<Vec<_>>());
        assert_eq!(values(None), None);
        assert_eq!(values(Some(vec![])), None);
        assert_eq!(values(list(&["", ""])), None);
        assert_eq!(values(list(&["", "a", "", "b"])), list(&["a", "b"]));
        assert_eq!(values(Some(vec![None, Some(String::new())])), Some(vec![None]));
    }
}
