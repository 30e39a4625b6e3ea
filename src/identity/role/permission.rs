//! Permissions: lower-case names in parts with colons between them, the last of which may be a wildcard.

use std::collections::BTreeSet;

use crate::kernel::outcome::Mistake;
use crate::kernel::value::argument;
use crate::rfc::scope;

/// The longest permission, in bytes.
const MAX_LENGTH: usize = 255;
/// The most permissions that a role has of its own.
const MAX_COUNT: usize = 500;

/// The permissions of an argument, in order and each once.
pub fn list(
    permissions: Option<Vec<Option<String>>>,
    argument: &'static str,
) -> Result<Option<Vec<String>>, Mistake> {
    let Some(permissions) = argument::list(permissions, argument)? else { return Ok(None) };
    if permissions.len() > MAX_COUNT || !permissions.iter().all(|permission| is_granted(permission)) {
        return Err(Mistake::invalid(
            argument,
            "at most 500 permissions of 1 to 255 bytes: a-z, 0-9, dots, underscores, hyphens and colons, \
             an asterisk alone or last and after a colon",
        ));
    }
    let each: BTreeSet<_> = permissions.into_iter().collect();
    Ok(Some(each.into_iter().collect()))
}

/// A permission that is asked for: no wildcard.
pub fn asked(permission: &str) -> Result<&str, Mistake> {
    if is_granted(permission) && !permission.contains('*') {
        return Ok(permission);
    }
    Err(Mistake::invalid(
        "permission",
        "1 to 255 bytes: a-z, 0-9, dots, underscores, hyphens and colons, no asterisk",
    ))
}

/// Whether a role may have this permission.
fn is_granted(permission: &str) -> bool {
    let legal = |b: u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-' | b':' | b'*');
    (1..=MAX_LENGTH).contains(&permission.len())
        && permission.bytes().all(legal)
        && scope::is_plain(permission)
}

/// Whether one of these permissions covers what is asked for.
pub fn allow(held: &[String], permission: &str) -> bool {
    held.iter().any(|pattern| scope::covers(pattern, permission))
}

/// The permissions without those that another of them covers, in order.
pub fn reduced(permissions: BTreeSet<String>) -> Vec<String> {
    let covered = |one: &String| {
        permissions.iter().any(|other| other != one && scope::covers(other, one.trim_end_matches('*')))
            || (one != "*" && permissions.contains("*"))
    };
    permissions.iter().filter(|permission| !covered(permission)).cloned().collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{allow, asked, list, reduced};
    use proptest::prelude::*;

    #[test]
    fn a_permission_has_few_characters_and_one_wildcard_at_its_end() {
        let one = |text: &str| list(Some(vec![Some(text.into())]), "permissions");
        for good in ["users:read", "a", "users:*", "*", "a.b_c-d:0:*", "users"] {
            assert!(one(good).is_ok(), "{good}");
        }
        let long = "a".repeat(256);
        for bad in ["", "Users:read", "users:%", "us*", "*:read", "a:*:b", "**", "a b", "é", "a\n", &long] {
            assert!(one(bad).is_err(), "{bad:?}");
        }
        assert!(list(Some(vec![None]), "permissions").is_err());
        assert!(list(Some(vec![Some("a".into()); 501]), "permissions").is_err());
        assert_eq!(
            list(Some(vec![Some("b".into()), Some("a".into()), Some("b".into())]), "permissions").unwrap(),
            Some(vec!["a".into(), "b".into()])
        );
        assert!(asked("users:read").is_ok() && asked("users:*").is_err() && asked("*").is_err());
    }

    #[test]
    fn what_a_wildcard_covers_is_left_out() {
        let reduce = |texts: &[&str]| reduced(texts.iter().map(|text| (*text).to_owned()).collect());
        assert_eq!(reduce(&["a:*", "a:b", "a:b:*", "ab", "b"]), ["a:*", "ab", "b"]);
        assert_eq!(reduce(&["*", "a:*", "a"]), ["*"]);
        assert_eq!(reduce(&["a", "a:*"]), ["a", "a:*"]);
        assert!(reduce(&[]).is_empty());
    }

    proptest! {
        #[test]
        fn reduced_permissions_allow_the_same(
            held in proptest::collection::btree_set("[ab](:[ab]){0,2}(:\\*)?|\\*", 0..6), asked in "[ab](:[ab]){0,3}"
        ) {
            let all: Vec<_> = held.iter().cloned().collect();
            prop_assert_eq!(allow(&reduced(held), &asked), allow(&all, &asked));
        }
    }
}
