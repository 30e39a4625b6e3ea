//! Scopes: the space-separated, case-sensitive tokens of RFC 6749 section 3.3.

use crate::kernel::outcome::{ErrorCode, Refusal};

/// The longest scope text accepted, in bytes.
const MAX_TEXT: usize = 4096;

/// A set of scope tokens in the order they were given.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Scope<'a>(Vec<&'a str>);

/// Reads a scope; None where a character is outside scope-token = 1*( %x21 / %x23-5B / %x5D-7E ).
pub fn parse(text: &str) -> Option<Scope<'_>> {
    let legal = |b: u8| matches!(b, 0x20 | 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
    if text.len() > MAX_TEXT || !text.bytes().all(legal) {
        return None;
    }
    let mut tokens = Vec::new();
    for token in text.split(' ').filter(|token| !token.is_empty()) {
        if !tokens.contains(&token) {
            tokens.push(token);
        }
    }
    Some(Scope(tokens))
}

/// The scope text with single spaces and no token twice; None if [`parse`] refuses it.
pub fn normalize(text: &str) -> Option<String> {
    parse(text).map(|scope| scope.text())
}

/// The scope of a request: what it names, if `allowed` has every token of it, or all of `allowed` if it names none
/// (section 3.3).
pub fn granted(requested: Option<&str>, allowed: &str) -> Result<String, Refusal> {
    let Some(requested) = requested else { return Ok(allowed.to_string()) };
    let outside = Refusal::new(ErrorCode::InvalidScope, "the scope is malformed or exceeds what was granted");
    match (parse(requested), parse(allowed)) {
        (Some(scope), Some(allowed)) if scope.is_subset_of(&allowed) => Ok(scope.text()),
        _ => Err(outside),
    }
}

/// What is left of a granted scope now that the client may have `allowed`. A client does not keep by an earlier grant
/// what it has lost. An empty scope stays empty, because nothing can be taken from it. If all is taken, nothing is
/// issued.
pub fn left(granted: String, allowed: &str) -> Result<String, Refusal> {
    if granted == allowed || granted.is_empty() {
        return Ok(granted);
    }
    let left = common(&granted, allowed);
    if left.is_empty() {
        return Err(Refusal::new(ErrorCode::InvalidScope, "the client may have none of the scope any more"));
    }
    Ok(left)
}

/// The tokens of `text` that are in `other` too.
pub fn common(text: &str, other: &str) -> String {
    match (parse(text), parse(other)) {
        (Some(Scope(mut tokens)), Some(other)) => {
            tokens.retain(|token| other.0.contains(token));
            Scope(tokens).text()
        }
        _ => String::new(),
    }
}

impl Scope<'_> {
    /// Whether no token is outside `wider`.
    pub fn is_subset_of(&self, wider: &Scope<'_>) -> bool {
        self.0.iter().all(|token| wider.0.contains(token))
    }

    /// True if each token of `required` is one of these or covered by a wildcard among them: `orders:*` covers every
    /// longer token that begins with `orders:`, `*` covers all.
    pub fn covers(&self, required: &Scope<'_>) -> bool {
        let covered = |token: &str| self.0.iter().any(|held| covers(held, token));
        required.0.iter().all(|token| covered(token))
    }

    /// Whether a token has an asterisk in it.
    pub fn has_asterisk(&self) -> bool {
        self.0.iter().any(|token| token.contains('*'))
    }

    /// True if each asterisk stands alone, or last and after a colon, where it is a wildcard.
    pub fn wildcards_are_plain(&self) -> bool {
        self.0.iter().all(|token| is_plain(token))
    }

    /// The space-separated text.
    pub fn text(&self) -> String {
        self.0.join(" ")
    }
}

/// Whether a token or permission covers another: `orders:*` covers every longer one that begins with `orders:`, `*`
/// covers all, and anything else itself.
pub fn covers(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some("") => true,
        Some(stem) if stem.ends_with(':') => name.len() > stem.len() && name.starts_with(stem),
        _ => pattern == name,
    }
}

/// True if an asterisk stands alone, or last and after a colon, where it is a wildcard; or if there is none.
pub fn is_plain(pattern: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(stem) => stem.is_empty() || (stem.ends_with(':') && !stem.contains('*')),
        None => !pattern.contains('*'),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{common, granted, left, normalize, parse};
    use proptest::prelude::*;

    /// RFC 6749 section 3.3.
    #[test]
    fn a_quote_a_backslash_or_a_control_character_is_no_scope() {
        for text in ["a\"b", "a\\b", "a\tb", "a\nb", "é", "\u{7f}"] {
            assert!(parse(text).is_none(), "{text:?}");
        }
    }

    #[test]
    fn order_is_kept_and_doubles_are_dropped() {
        assert_eq!(normalize(" read  write read ").unwrap(), "read write");
        assert_eq!(normalize("").unwrap(), "");
    }

    #[test]
    fn subsets_are_of_whole_case_sensitive_tokens() {
        let wide = parse("read write").unwrap();
        assert!(parse("write").unwrap().is_subset_of(&wide));
        assert!(parse("").unwrap().is_subset_of(&wide));
        assert!(!parse("Read").unwrap().is_subset_of(&wide));
        assert!(!parse("rea").unwrap().is_subset_of(&wide));
        assert!(!parse("read admin").unwrap().is_subset_of(&wide));
    }

    #[test]
    fn a_request_without_a_scope_gets_all_and_one_beyond_gets_none() {
        assert_eq!(granted(None, "read write").unwrap(), "read write");
        assert_eq!(granted(Some("write"), "read write").unwrap(), "write");
        assert!(granted(Some("write admin"), "read write").is_err());
        assert!(granted(Some("a\"b"), "read write").is_err());
    }

    #[test]
    fn a_wildcard_covers_what_goes_on_behind_its_colon() {
        let covers = |held: &str, required: &str| parse(held).unwrap().covers(&parse(required).unwrap());
        assert!(covers("orders:*", "orders:read"));
        assert!(covers("orders:*", "orders:read:all orders:write"));
        assert!(covers("*", "anything at:all"));
        assert!(covers("read", ""));
        assert!(covers("", ""));
        assert!(!covers("orders:*", "orders"));
        assert!(!covers("orders:*", "orders:"));
        assert!(!covers("orders:*", "orders2:read"));
        assert!(!covers("orders:*", "Orders:read"));
        assert!(!covers("orders:*", "orders:read users:read"));
        assert!(!covers("", "read"));
        // In these places an asterisk is not a wildcard: these are tokens like any other.
        assert!(!covers("ord*", "orders"));
        assert!(!covers("*:read", "orders:read"));
        for plain in ["*", "a:*", "a:b:*", "read", "", "read a:* *"] {
            assert!(parse(plain).unwrap().wildcards_are_plain(), "{plain}");
        }
        for other in ["a*", "**", "*:read", "a:*:b", "a:**", "*a", "read a*b"] {
            assert!(!parse(other).unwrap().wildcards_are_plain(), "{other}");
            assert!(parse(other).unwrap().has_asterisk(), "{other}");
        }
    }

    #[test]
    fn what_two_scopes_have_in_common_is_within_both() {
        assert_eq!(common("a b c", "c a"), "a c");
        assert_eq!(common("a", "A"), "");
        assert_eq!(common("", "a"), "");
    }

    #[test]
    fn what_is_taken_from_a_client_is_not_granted_again() {
        let left = |granted: &str, allowed| left(granted.into(), allowed);
        assert_eq!(left("read write", "read write").unwrap(), "read write");
        assert_eq!(left("read write", "write admin").unwrap(), "write");
        assert_eq!(left("", "read").unwrap(), "");
        assert_eq!(left("", "").unwrap(), "");
        assert_eq!(left("read", "").unwrap_err().code, crate::kernel::outcome::ErrorCode::InvalidScope);
        assert!(left("read", "Read").is_err());
    }

    proptest! {
        #[test]
        fn what_is_left_is_within_both(granted in "[a-c ]{0,8}", allowed in "[a-c ]{0,8}") {
            let (granted, allowed) = (normalize(&granted).unwrap(), normalize(&allowed).unwrap());
            if let Ok(left) = left(granted.clone(), &allowed) {
                let of = parse(&left).unwrap();
                prop_assert!(of.is_subset_of(&parse(&granted).unwrap()) && of.is_subset_of(&parse(&allowed).unwrap()));
                prop_assert_eq!(left.is_empty(), granted.is_empty());
            }
        }

        #[test]
        fn without_wildcards_to_cover_is_to_contain(held in "[a-c: ]{0,20}", required in "[a-c: ]{0,20}") {
            let (held, required) = (parse(&held).unwrap(), parse(&required).unwrap());
            prop_assert_eq!(held.covers(&required), required.is_subset_of(&held));
        }

        #[test]
        fn a_wildcard_covers_exactly_what_has_its_stem(stem in "[a-c]{1,3}", token in "[a-c:]{1,8}") {
            let held = format!("{stem}:*");
            let rest = token.strip_prefix(&format!("{stem}:"));
            let covered = parse(&held).unwrap().covers(&parse(&token).unwrap());
            prop_assert_eq!(covered, rest.is_some_and(|rest| !rest.is_empty()));
        }

        #[test]
        fn more_scope_never_covers_less(
            held in "[a-c:* ]{0,20}", more in "[a-c:* ]{0,20}", required in "[a-c: ]{0,20}"
        ) {
            let both = format!("{held} {more}");
            let required = parse(&required).unwrap();
            if parse(&held).unwrap().covers(&required) {
                prop_assert!(parse(&both).unwrap().covers(&required));
            }
        }

        #[test]
        fn a_normalized_scope_is_its_own_normal_form(text in "[ -~]{0,60}") {
            if let Some(once) = normalize(&text) {
                prop_assert_eq!(normalize(&once).unwrap(), once.clone());
                prop_assert!(parse(&once).unwrap().is_subset_of(&parse(&text).unwrap()));
            }
        }
    }
}
