//! What a role comes to with the roles that it inherits from. It is worked out when a role changes and kept beside it,
//! so that a look at a user's permissions follows no chain.

use std::collections::{BTreeMap, BTreeSet};

use crate::identity::role::permission;
use crate::kernel::outcome::Mistake;
use crate::kernel::server::row::row;

row! {
    /// A role as it is stored.
    pub struct Stored in roles {
        pub name: String,
        pub permissions: Vec<String>,
        pub inherits: Vec<String>,
        pub effective: Vec<String>,
    }
}

/// The roles of a tenant, by name.
pub type Roles = BTreeMap<String, Stored>;

/// The roles whose permissions come to something else than is stored, with what they come to. 22023 where a role
/// inherits from itself, by whatever way, 23503 where it does from one that is not there.
pub fn changed(roles: &Roles) -> Result<Vec<(&str, Vec<String>)>, Mistake> {
    let mut known: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for name in roles.keys() {
        if known.contains_key(name.as_str()) {
            continue;
        }
        // Each inherits from the next. A list and no recursion: a long chain would need more stack than there is.
        let mut path = vec![name.as_str()];
        while let Some(&name) = path.last() {
            let role = roles.get(name).ok_or(Mistake::Unknown { what: "role", argument: "inherits" })?;
            let open = role.inherits.iter().find(|inherited| !known.contains_key(inherited.as_str()));
            if let Some(inherited) = open {
                if path.contains(&inherited.as_str()) {
                    return Err(Mistake::invalid(
                        "inherits",
                        "roles that do not inherit from this one themselves",
                    ));
                }
                path.push(inherited);
                continue;
            }
            let inherited = role.inherits.iter().filter_map(|name| known.get(name.as_str())).flatten();
            let all: BTreeSet<_> = role.permissions.iter().chain(inherited).cloned().collect();
            known.insert(name, permission::reduced(all));
            path.pop();
        }
    }
    known.retain(|name, all| roles.get(*name).is_some_and(|role| role.effective != *all));
    Ok(known.into_iter().collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{Roles, Stored as Role, changed};
    use crate::kernel::outcome::Mistake;

    fn roles(all: &[(&str, &[&str], &[&str])]) -> Roles {
        let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
        let role = |(name, permissions, inherits): &(&str, &[&str], &[&str])| {
            let effective = Vec::new();
            let name = (*name).to_owned();
            (
                name.clone(),
                Role { name, permissions: texts(permissions), inherits: texts(inherits), effective },
            )
        };
        all.iter().map(role).collect()
    }

    #[test]
    fn permissions_come_down_every_way_once() {
        let roles = roles(&[
            ("a", &["x", "y:z"], &[]),
            ("b", &["y:*"], &["a"]),
            ("c", &[], &["a", "b"]),
            ("d", &[], &[]),
        ]);
        let found = changed(&roles).unwrap();
        let of = |name| found.iter().find(|(one, _)| *one == name).map(|(_, all)| all.join(" "));
        assert_eq!(of("a").unwrap(), "x y:z");
        assert_eq!(of("b").unwrap(), "x y:*");
        assert_eq!(of("c").unwrap(), "x y:*");
        assert_eq!(of("d"), None);
    }

    #[test]
    fn a_chain_may_be_long() {
        const LAST: usize = 10_000;
        let name = |n: usize| format!("{n:05}");
        let role = |n: usize| {
            let (permissions, inherits) =
                if n == LAST { (vec!["x".into()], Vec::new()) } else { (Vec::new(), vec![name(n + 1)]) };
            (name(n), Role { name: name(n), permissions, inherits, effective: Vec::new() })
        };
        let roles: Roles = (0..=LAST).map(role).collect();
        let found = changed(&roles).unwrap();
        assert_eq!(found.len(), LAST + 1);
        assert!(found.iter().all(|(_, all)| all == &["x"]));
    }

    #[test]
    fn a_circle_or_an_unknown_role_is_a_mistake() {
        for circle in
            [&[("a", &[][..], &["a"][..])][..], &[("a", &[], &["b"]), ("b", &[], &["c"]), ("c", &[], &["a"])]]
        {
            assert!(matches!(changed(&roles(circle)), Err(Mistake::InvalidArgument { .. })));
        }
        assert!(matches!(changed(&roles(&[("a", &[], &["b"])])), Err(Mistake::Unknown { .. })));
    }
}
