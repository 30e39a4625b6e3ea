//! The claims of a user that a client asks for by name (OpenID Connect Core section 5.5): a scope token stands for each
//! (section 5.4), which the client must be allowed and the user must have agreed to. Pure.

use serde_json::Value;

use crate::oauth::token::jwt::person::scope_of;

/// The members of the parameter `claims` that name claims.
const PLACES: [&str; 2] = ["userinfo", "id_token"];

/// The parameter without the claims whose scope token is not kept. What is no claim of a user stays.
pub fn kept(mut claims: Value, is_kept: impl Fn(&str) -> bool) -> Value {
    for place in PLACES {
        if let Some(named) = claims.get_mut(place).and_then(Value::as_object_mut) {
            named.retain(|name, _| scope_of(name).is_none_or(&is_kept));
        }
    }
    claims
}

/// The scope tokens that stand for the claims, each once.
pub fn scopes(claims: &Value) -> Vec<&'static str> {
    let named = PLACES.iter().filter_map(|place| claims.get(*place)?.as_object());
    let mut scopes: Vec<_> = named.flat_map(|named| named.keys()).filter_map(|name| scope_of(name)).collect();
    scopes.sort_unstable();
    scopes.dedup();
    scopes
}

#[cfg(test)]
mod tests {
    use super::{kept, scopes};
    use serde_json::json;

    #[test]
    fn a_claim_is_kept_with_its_scope() {
        let asked = json!({"userinfo": {"email": null, "name": null, "x": null}, "id_token": {"acr": null,
            "email_verified": {"essential": true}}, "more": 1});
        assert_eq!(scopes(&asked), ["email", "profile"]);
        let left = kept(asked.clone(), |scope| scope == "profile");
        let wanted = json!({"userinfo": {"name": null, "x": null}, "id_token": {"acr": null}, "more": 1});
        assert_eq!(left, wanted);
        assert_eq!(scopes(&left), ["profile"]);
        assert_eq!(kept(asked.clone(), |_| true), asked);
        assert!(scopes(&json!({"id_token": {"acr": null}})).is_empty());
    }
}
