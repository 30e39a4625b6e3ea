//! What a request wishes of the log-in (OpenID Connect Core sections 3.1.2.1 and 5.5): `prompt`, `max_age`,
//! `acr_values`, `claims`. Pure.

use serde_json::Value;

use crate::kernel::outcome::{ErrorCode, Refusal};
use crate::rfc::json::depth;

/// The longest parameter `claims`, in bytes, and how deep it may be.
const MAX_CLAIMS: usize = 8192;
const MAX_DEPTH: usize = 8;
/// The most words of a list.
const MAX_WORDS: usize = 20;
/// The longest time of a log-in that can be asked for, in seconds: a hundred years.
const MAX_AGE: i64 = 3_153_600_000;

/// The parameter `prompt`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Prompt {
    /// Show no page.
    pub none: bool,
    /// Let the user log in anew.
    pub login: bool,
    /// Ask the user, also if there is a consent.
    pub consent: bool,
    /// Let the user choose the account.
    pub select_account: bool,
    /// Let the user make an account (Initiating User Registration via OpenID Connect).
    pub create: bool,
}

impl Prompt {
    /// The words of the parameter; one that is unknown is refused, because to ignore it would skip a page.
    pub fn read(text: Option<&str>) -> Result<Self, Refusal> {
        let mut prompt = Self::default();
        for word in words(text) {
            match word {
                "none" => prompt.none = true,
                "login" => prompt.login = true,
                "consent" => prompt.consent = true,
                "select_account" => prompt.select_account = true,
                "create" => prompt.create = true,
                _ => {
                    return Err(invalid("prompt must be none, login, consent, select_account or create"));
                }
            }
        }
        if prompt.none && prompt != (Self { none: true, ..Self::default() }) {
            return Err(invalid("prompt must be none or other words, not both"));
        }
        Ok(prompt)
    }
}

/// What a request wishes.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Wishes {
    pub prompt: Prompt,
    /// Seconds since the log-in, at most.
    pub max_age: Option<i64>,
    /// Authentication contexts, the best first; none: any will do.
    pub acr_values: Vec<String>,
    /// True if another one will not do (`claims`, section 5.5.1.1).
    pub acr_is_essential: bool,
    /// Who must have logged in, as the client knows the user: `sub` of `claims`.
    pub sub: Option<String>,
    /// The parameter `claims`.
    pub claims: Option<Value>,
}

/// The parameters as they came.
#[derive(Default)]
pub struct Sent<'a> {
    pub prompt: Option<&'a str>,
    pub max_age: Option<&'a str>,
    pub acr_values: Option<&'a str>,
    pub claims: Option<&'a str>,
}

impl Wishes {
    /// Reads the parameters. `default_max_age` is the client's.
    pub fn read(sent: &Sent<'_>, default_max_age: Option<i32>) -> Result<Self, Refusal> {
        let max_age = match sent.max_age {
            Some(text) => Some(seconds(text).ok_or_else(|| invalid("max_age must be a number of seconds"))?),
            None => default_max_age.map(i64::from),
        };
        let mut wishes = Self {
            prompt: Prompt::read(sent.prompt)?,
            max_age,
            acr_values: words(sent.acr_values).map(str::to_owned).collect(),
            ..Self::default()
        };
        if wishes.acr_values.len() > MAX_WORDS {
            return Err(invalid("acr_values has at most 20 values"));
        }
        if let Some(text) = sent.claims {
            wishes.read_claims(text)?;
        }
        Ok(wishes)
    }

    fn read_claims(&mut self, text: &str) -> Result<(), Refusal> {
        if text.len() > MAX_CLAIMS {
            return Err(invalid("claims has at most 8192 bytes"));
        }
        let claims: Value = serde_json::from_str(text)
            .ok()
            .filter(is_claims_request)
            .ok_or_else(|| invalid("claims must be a JSON object of claims for userinfo and id_token"))?;
        let of_id_token = |name: &str| claims.get("id_token").and_then(|claims| claims.get(name));
        if let Some(sub) = of_id_token("sub").and_then(|sub| sub.get("value")) {
            let sub = sub.as_str().ok_or_else(|| invalid("the value of sub in claims must be a text"))?;
            self.sub = Some(sub.to_owned());
        }
        if let Some(acr) = of_id_token("acr") {
            let values = acr.get("values").and_then(Value::as_array);
            let wanted: Vec<_> = match acr.get("value") {
                Some(value) => vec![value],
                None => values.map(|values| values.iter().collect()).unwrap_or_default(),
            };
            let wanted: Option<Vec<_>> =
                wanted.into_iter().map(|one| one.as_str().map(str::to_owned)).collect();
            let wanted = wanted
                .filter(|wanted| wanted.len() <= MAX_WORDS)
                .ok_or_else(|| invalid("the values of acr in claims must be at most 20 texts"))?;
            if !wanted.is_empty() {
                self.acr_values = wanted;
                self.acr_is_essential = acr.get("essential") == Some(&Value::Bool(true));
            }
        }
        self.claims = Some(claims);
        Ok(())
    }
}

/// Section 5.5: an object whose members `userinfo` and `id_token` have a null or an object for each claim.
fn is_claims_request(value: &Value) -> bool {
    let is_request = |claims: &Value| {
        claims.as_object().is_some_and(|claims| {
            claims.values().all(|one| one.is_null() || (one.is_object() && depth(one) <= MAX_DEPTH))
        })
    };
    value.as_object().is_some_and(|members| {
        ["userinfo", "id_token"].iter().all(|name| members.get(*name).is_none_or(is_request))
    })
}

/// The words of a space-separated list.
pub fn words(text: Option<&str>) -> impl Iterator<Item = &str> {
    text.unwrap_or_default().split(' ').filter(|word| !word.is_empty())
}

fn seconds(text: &str) -> Option<i64> {
    let digits = !text.is_empty() && text.len() <= 10 && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten().map(|seconds: i64| seconds.min(MAX_AGE))
}

const fn invalid(description: &'static str) -> Refusal {
    Refusal::new(ErrorCode::InvalidRequest, description)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{Prompt, Sent, Wishes};

    fn claims(text: &str) -> Option<Wishes> {
        Wishes::read(&Sent { claims: Some(text), ..Sent::default() }, None).ok()
    }

    /// OpenID Connect Core section 3.1.2.1.
    #[test]
    fn a_prompt_of_none_stands_alone() {
        assert!(Prompt::read(Some("none")).unwrap().none);
        let two = Prompt::read(Some("login  consent")).unwrap();
        assert!(two.login && two.consent && !two.none);
        assert_eq!(Prompt::read(None), Ok(Prompt::default()));
        for text in ["none login", "consent none", "maybe", "Login"] {
            assert!(Prompt::read(Some(text)).is_err(), "{text}");
        }
    }

    #[test]
    fn an_age_is_a_number_of_seconds() {
        let age = |text| Wishes::read(&Sent { max_age: Some(text), ..Sent::default() }, Some(7)).ok();
        assert_eq!(age("0").unwrap().max_age, Some(0));
        assert_eq!(age("9999999999").unwrap().max_age, Some(3_153_600_000));
        for text in ["", "-1", "1.5", "99999999999", "１"] {
            assert!(age(text).is_none(), "{text}");
        }
        assert_eq!(Wishes::read(&Sent::default(), Some(7)).unwrap().max_age, Some(7));
    }

    /// OpenID Connect Core section 5.5, its example, and 5.5.1.1.
    #[test]
    fn claims_name_who_and_how() {
        let example = r#"{"userinfo": {"given_name": {"essential": true}, "nickname": null,
              "email": {"essential": true}, "http://example.info/claims/groups": null},
            "id_token": {"auth_time": {"essential": true},
              "acr": {"values": ["urn:mace:incommon:iap:silver"]}}}"#;
        let wishes = claims(example).unwrap();
        assert_eq!(wishes.acr_values, ["urn:mace:incommon:iap:silver"]);
        assert!(!wishes.acr_is_essential && wishes.sub.is_none());
        let wishes =
            claims(r#"{"id_token": {"sub": {"value": "x"}, "acr": {"essential": true, "value": "2"}}}"#);
        let wishes = wishes.unwrap();
        assert_eq!(wishes.sub.as_deref(), Some("x"));
        assert!(wishes.acr_is_essential && wishes.acr_values == ["2"]);
        assert!(claims(r#"{"id_token": {"acr": {"essential": true}}}"#).unwrap().acr_values.is_empty());
    }

    #[test]
    fn claims_that_cannot_be_meant_are_refused() {
        for text in [
            "",
            "[]",
            "null",
            r#"{"id_token": []}"#,
            r#"{"id_token": {"a": 1}}"#,
            r#"{"userinfo": null}"#,
            r#"{"id_token": {"sub": {"value": 1}}}"#,
            r#"{"id_token": {"acr": {"value": 1}}}"#,
            r#"{"id_token": {"acr": {"values": ["1", 2]}}}"#,
        ] {
            assert!(claims(text).is_none(), "{text}");
        }
        let long = |n: usize| format!(r#"{{"a":"{}"}}"#, "x".repeat(n - 8));
        assert!(claims(&long(8192)).is_some() && claims(&long(8193)).is_none());
        let deep = |n: usize| {
            format!(r#"{{"userinfo":{{"a":{}{}}}}}"#, "{\"b\":".repeat(n), "1".to_owned() + &"}".repeat(n))
        };
        assert!(claims(&deep(8)).is_some() && claims(&deep(9)).is_none() && claims(&deep(1500)).is_none());
    }
}
