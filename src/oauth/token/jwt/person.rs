//! What a client may learn of a user: the claims of OpenID Connect Core section 5.1, by the scope of the log-in or as
//! it asks for them by name.

use serde_json::{Map, Value};

use crate::identity::user::names::{self, OwnName};
use crate::identity::user::{self, Person};
use crate::kernel::outcome::Mistake;
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::value::id::Id;

/// The claims that each scope token stands for (section 5.4).
const SCOPES: [(&str, &[&str]); 4] = [
    (
        "profile",
        &[
            "name",
            "family_name",
            "given_name",
            "middle_name",
            "nickname",
            "preferred_username",
            "profile",
            "picture",
            "website",
            "gender",
            "birthdate",
            "zoneinfo",
            "locale",
            "updated_at",
        ],
    ),
    ("email", &["email", "email_verified"]),
    ("address", &["address"]),
    ("phone", &["phone_number", "phone_number_verified"]),
];

/// Every claim that can be said of a user, as the metadata list them.
pub fn names() -> impl Iterator<Item = &'static str> {
    SCOPES.into_iter().flat_map(|(_, claims)| claims.iter().copied())
}

/// The scope token that stands for a claim; None: it is no claim of a user that the store knows.
pub fn scope_of(claim: &str) -> Option<&'static str> {
    SCOPES.into_iter().find(|(_, claims)| claims.contains(&claim)).map(|(scope, _)| scope)
}

/// The claims that are said of an active user: those of the scope, and those that the client `asked` for by name; None
/// where there is no such user. What is not known is left out.
pub fn claims(
    snapshot: &Snapshot,
    user_id: Id,
    scope: &str,
    asked: &[&str],
) -> Result<Option<Map<String, Value>>, Mistake> {
    let Some(person) = user::person(snapshot, user_id)? else { return Ok(None) };
    let wanted = wanted(scope, asked);
    let named = ["preferred_username", "phone_number", "phone_number_verified"];
    let own = match wanted.iter().any(|claim| named.contains(claim)) {
        true => names::of_user(snapshot, user_id)?,
        false => Vec::new(),
    };
    Ok(Some(said(&person, &own, &wanted)))
}

/// The names of the claims that a scope stands for, and of those that were asked for.
fn wanted(scope: &str, asked: &[&str]) -> Vec<&'static str> {
    let granted = |name: &str| scope.split(' ').any(|token| token == name);
    let of_scope = SCOPES.into_iter().filter(|(name, _)| granted(name)).flat_map(|(_, claims)| claims);
    let mut wanted: Vec<_> = of_scope.copied().collect();
    for name in names().filter(|name| asked.contains(name)) {
        if !wanted.contains(&name) {
            wanted.push(name);
        }
    }
    wanted
}

/// What the store knows itself; else what the application keeps under `claims` in the user's metadata.
fn said(person: &Person, own: &[OwnName], wanted: &[&str]) -> Map<String, Value> {
    let kept = person.metadata.get("claims").and_then(|kept| kept.parse());
    let kept =
        |name: &str| kept.as_ref().and_then(|kept| kept.get(name)).filter(|value| !value.is_null()).cloned();
    let oldest = |kind: &str| own.iter().filter(|name| name.kind == kind).min_by_key(|name| name.created_at);
    let text = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(Value::from);
    let name = || {
        let parts: Vec<_> = [&person.first_name, &person.last_name].into_iter().flatten().cloned().collect();
        text(Some(&parts.join(" ")))
    };
    let value = |claim: &str| match claim {
        "name" => kept(claim).or_else(name),
        "given_name" => text(person.first_name.as_deref()).or_else(|| kept(claim)),
        "family_name" => text(person.last_name.as_deref()).or_else(|| kept(claim)),
        "preferred_username" => text(oldest("username").map(|own| own.name.as_str())).or_else(|| kept(claim)),
        "updated_at" => Some(person.updated_at.unix_seconds().into()),
        "email" => text(person.email.as_deref()),
        "email_verified" => person.email.as_ref().map(|_| person.email_verified.into()),
        "phone_number" => text(oldest("phone").map(|own| own.name.as_str())),
        "phone_number_verified" => oldest("phone").map(|own| own.verified_at.is_some().into()),
        claim => kept(claim),
    };
    wanted.iter().filter_map(|claim| Some(((*claim).to_owned(), value(claim)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::{scope_of, wanted};

    #[test]
    fn a_claim_has_its_scope() {
        assert_eq!((scope_of("email"), scope_of("name")), (Some("email"), Some("profile")));
        assert_eq!((scope_of("acr"), scope_of("emails")), (None, None));
    }

    #[test]
    fn a_scope_stands_for_its_claims() {
        assert!(wanted("openid", &[]).is_empty());
        assert_eq!(wanted("openid email", &[]), ["email", "email_verified"]);
        assert_eq!(
            wanted("openid email", &["email", "locale", "unknown"]),
            ["email", "email_verified", "locale"]
        );
        assert_eq!(wanted("profile emails", &[]).len(), 14);
    }
}
