//! The parameters of an authorization request, wherever they came from: the query, a pushed request, a request object.

pub mod named;
pub mod object;
pub mod wishes;

use serde_json::{Map, Value};

use crate::endpoint::authorize::request::wishes::{Sent, Wishes};
use crate::endpoint::authorize::respond::Mode;
use crate::kernel::outcome::{ErrorCode, Refusal};
use crate::kernel::value::jsonb::Jsonb;
use crate::oauth::client::Client;
use crate::oauth::code::request::{AuthorizationRequest, MAX_PARAMETER};
use crate::rfc::{authorization_details, parameter, redirect_uri};

/// The parameters that the store reads; others are ignored (RFC 6749 section 3.1) and not kept.
const KNOWN: [&str; 21] = [
    "acr_values",
    "authorization_details",
    "claims",
    "claims_locales",
    "client_id",
    "code_challenge",
    "code_challenge_method",
    "display",
    "dpop_jkt",
    "id_token_hint",
    "login_hint",
    "max_age",
    "nonce",
    "prompt",
    "redirect_uri",
    "resource",
    "response_mode",
    "response_type",
    "scope",
    "state",
    "ui_locales",
];

/// Texts that a page shows or that go back as they came, with at most [`MAX_PARAMETER`] bytes.
const SHORT: [&str; 6] = ["acr_values", "claims_locales", "display", "login_hint", "prompt", "ui_locales"];

/// A request's parameters: texts, and `resource` as a text or an array of texts.
pub struct Asked(Map<String, Value>);

impl Asked {
    /// The known ones of these pairs. A parameter without a value counts as left out; a repeated one, but for
    /// `resource`, must have been refused before.
    pub fn of_pairs<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let mut members = Map::new();
        for (name, value) in pairs.filter(|(name, value)| KNOWN.contains(name) && !value.is_empty()) {
            let value = Value::from(value);
            match members.get_mut(name) {
                Some(Value::Array(several)) => several.push(value),
                Some(one) => *one = Value::Array(vec![one.take(), value]),
                None => {
                    members.insert(name.to_owned(), value);
                }
            }
        }
        Self(members)
    }

    /// The known ones of an object, such as the claims of a request object: numbers and documents as the texts that a
    /// query would have had for them (RFC 9101 section 4).
    pub fn of_members(members: Map<String, Value>) -> Self {
        let text = |value: Value| match value {
            Value::Null => None,
            Value::String(text) if text.is_empty() => None,
            Value::String(_) | Value::Array(_) => Some(value),
            other => Some(other.to_string().into()),
        };
        let known = members.into_iter().filter(|(name, _)| KNOWN.contains(&name.as_str()));
        Self(
            known
                .filter_map(|(name, value)| {
                    // Only this one is an array of texts.
                    let value =
                        if name != "resource" && value.is_array() { value.to_string().into() } else { value };
                    text(value).map(|value| (name, value))
                })
                .collect(),
        )
    }

    /// Those of a stored request; None: they cannot be read.
    pub fn of_stored(parameters: &Jsonb) -> Option<Self> {
        match parameters.parse()? {
            Value::Object(members) => Some(Self::of_members(members)),
            _ => None,
        }
    }

    /// With the thumbprint of the key that a client has shown (RFC 9449 section 10.1); None: it has named another one.
    pub fn with_jkt(mut self, jkt: &str) -> Option<Self> {
        match self.0.get("dpop_jkt") {
            Some(named) if named != jkt => None,
            Some(_) => Some(self),
            None => {
                self.0.insert("dpop_jkt".to_owned(), jkt.into());
                Some(self)
            }
        }
    }

    /// The form in which they are stored.
    pub fn stored(&self) -> Option<Jsonb> {
        Jsonb::of(&Value::Object(self.0.clone()))
    }

    /// A parameter; None where it was left out or is no text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str()
    }

    /// The parameter `state`, which goes back as it came; one that is too long does not.
    pub fn state(&self) -> Option<&str> {
        self.text("state").filter(|state| state.len() <= MAX_PARAMETER)
    }

    /// The parameter `resource` (RFC 8707 section 2).
    pub fn resources(&self) -> Option<Vec<String>> {
        match self.0.get("resource")? {
            Value::String(one) => Some(vec![one.clone()]),
            Value::Array(several) => {
                Some(several.iter().filter_map(|one| one.as_str().map(str::to_owned)).collect())
            }
            _ => None,
        }
    }

    /// Where the answer goes, if the client registered it: `redirect_uri`, or the only one that is registered. None:
    /// the browser must not be sent there (RFC 6749 section 4.1.2.1).
    pub fn redirect_uri<'a>(&'a self, client: &'a Client) -> Option<&'a str> {
        match self.0.get("redirect_uri") {
            Some(Value::String(uri)) => {
                let registered = client.redirect_uris.iter().any(|known| redirect_uri::matches(known, uri));
                registered.then_some(uri)
            }
            Some(_) => None,
            None => match client.redirect_uris.as_slice() {
                [only] => Some(only),
                _ => None,
            },
        }
    }

    /// How the answer goes there; a mode that the store has not is answered by the query.
    pub fn mode(&self) -> Mode {
        self.text("response_mode").and_then(Mode::of).unwrap_or_default()
    }

    /// What the code endpoint's rules are about.
    pub fn code_request(&self) -> AuthorizationRequest<'_> {
        AuthorizationRequest {
            redirect_uri: self.text("redirect_uri"),
            scope: parameter::scope(self.text("scope")),
            code_challenge: self.text("code_challenge"),
            code_challenge_method: self.text("code_challenge_method"),
            state: self.text("state"),
            nonce: self.text("nonce"),
            resource: self.resources().map(|several| several.into_iter().map(Some).collect()),
            dpop_jkt: self.text("dpop_jkt"),
        }
    }

    /// What the request asks for in detail (RFC 9396).
    pub fn details(&self) -> Result<Option<Value>, Refusal> {
        self.text("authorization_details").map(authorization_details::read).transpose()
    }

    /// What it wishes of the log-in. `default_max_age` is the client's.
    pub fn wishes(&self, default_max_age: Option<i32>) -> Result<Wishes, Refusal> {
        let sent = Sent {
            prompt: self.text("prompt"),
            max_age: self.text("max_age"),
            acr_values: self.text("acr_values"),
            claims: self.text("claims"),
        };
        Wishes::read(&sent, default_max_age)
    }

    /// The rules that need no row: response_type, response_mode, lengths.
    pub fn check(&self) -> Result<(), Refusal> {
        let refuse = |code, description| Err(Refusal::new(code, description));
        if self.0.iter().any(|(name, value)| name != "resource" && !value.is_string()) {
            return refuse(ErrorCode::InvalidRequest, "a parameter came more than once");
        }
        match self.text("response_type") {
            Some("code") => {}
            Some(_) => return refuse(ErrorCode::UnsupportedResponseType, "response_type must be code"),
            None => return refuse(ErrorCode::InvalidRequest, "response_type is required"),
        }
        if self.text("response_mode").is_some_and(|mode| Mode::of(mode).is_none()) {
            return refuse(ErrorCode::InvalidRequest, "response_mode must be query or form_post");
        }
        if SHORT.iter().any(|name| self.text(name).is_some_and(|text| text.len() > MAX_PARAMETER)) {
            return refuse(ErrorCode::InvalidRequest, "a parameter is too long");
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::Asked;
    use crate::kernel::outcome::ErrorCode;
    use serde_json::json;

    fn asked(pairs: &[(&'static str, &'static str)]) -> Asked {
        Asked::of_pairs(pairs.iter().copied())
    }

    /// RFC 6749 section 3.1: what is unknown is ignored, what is empty is left out.
    #[test]
    fn unknown_and_empty_parameters_are_left_out() {
        let asked = asked(&[
            ("scope", ""),
            ("foo", "1"),
            ("state", "s"),
            ("resource", "urn:a"),
            ("resource", "urn:b"),
        ]);
        assert_eq!(asked.0.len(), 2);
        assert_eq!(asked.resources().unwrap(), ["urn:a", "urn:b"]);
    }

    /// RFC 9101 section 4: numbers and documents are claims of their own kind.
    #[test]
    fn claims_of_a_request_object_are_what_a_query_would_have() {
        let members = json!({"max_age": 60, "claims": {"userinfo": {}}, "resource": ["urn:a"], "iss": "x",
            "nonce": null, "authorization_details": [{"type": "a"}]});
        let asked = Asked::of_members(members.as_object().unwrap().clone());
        assert_eq!(asked.text("max_age"), Some("60"));
        assert_eq!(asked.text("claims"), Some(r#"{"userinfo":{}}"#));
        assert_eq!(asked.text("authorization_details"), Some(r#"[{"type":"a"}]"#));
        assert_eq!(asked.resources().unwrap(), ["urn:a"]);
        assert!(asked.text("iss").is_none() && asked.text("nonce").is_none());
    }

    #[test]
    fn only_a_code_is_answered() {
        let code = |pairs| asked(pairs).check().err().map(|refusal| refusal.code);
        assert_eq!(code(&[("response_type", "code")]), None);
        assert_eq!(code(&[]), Some(ErrorCode::InvalidRequest));
        for other in ["token", "id_token", "code id_token", "Code", "none"] {
            assert_eq!(
                asked(&[("response_type", other)]).check().err().map(|refusal| refusal.code),
                Some(ErrorCode::UnsupportedResponseType)
            );
        }
        assert_eq!(
            code(&[("response_type", "code"), ("response_mode", "fragment")]),
            Some(ErrorCode::InvalidRequest)
        );
    }
}
