//! Providers of connections: the file that names them, and what their token endpoints answer to a refresh (RFC 6749
//! section 6), with the habits that many of them have.

use std::collections::HashMap;
use std::path::Path;

use auth_store_common::send::Answer;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, USER_AGENT};
use serde::Deserialize;
use serde_json::{Map, Value};
use url::{Url, form_urlencoded};

/// A provider of the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// Where tokens are refreshed.
    pub token_endpoint: String,
    client_id: String,
    #[serde(default)]
    client_secret: String,
    /// The environment variable that holds the secret.
    client_secret_env: Option<String>,
    #[serde(default)]
    token_endpoint_auth_method: Method,
    /// How long an access token lives where the answer does not say, in seconds.
    expires_in: Option<f64>,
    /// What `expires_in` of the answers counts.
    #[serde(default)]
    expires_in_unit: UnitOfTime,
    /// Where in the answer the tokens are, for a provider that wraps them: `data`.
    tokens_in: Option<String>,
    /// Words of the provider's own for invalid_grant.
    #[serde(default)]
    dead_token_errors: Vec<String>,
}

/// Of RFC 7591 section 2, those that a refresh here can.
#[derive(Deserialize, Default)]
#[serde(rename_all = "snake_case")]
enum Method {
    #[default]
    ClientSecretBasic,
    ClientSecretPost,
    None,
}

#[derive(Deserialize, Default, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum UnitOfTime {
    #[default]
    Seconds,
    Milliseconds,
    Minutes,
}

/// New tokens.
#[derive(Debug, PartialEq)]
pub struct Tokens {
    /// The access token.
    pub access_token: String,
    /// The refresh token; None: the former one stays.
    pub refresh_token: Option<String>,
    /// The scope; None: the former one stays.
    pub scope: Option<String>,
    /// When the access token ends.
    pub end: End,
}

/// When an access token ends.
#[derive(Debug, PartialEq)]
pub enum End {
    /// Not said, or never.
    None,
    /// So many seconds after it was asked for.
    In(f64),
    /// So many seconds after 1970.
    Epoch(f64),
    /// As a text of ISO 8601.
    At(String),
}

/// Ten years, in seconds.
const LONGEST: f64 = 315_360_000.0;

/// Reads the file; what is wrong otherwise.
pub fn read(path: &Path) -> Result<HashMap<String, Provider>, String> {
    let path_text = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| format!("{path_text}: {error}"))?;
    let mut providers: HashMap<String, Provider> =
        serde_json::from_str(&text).map_err(|error| format!("{path_text}: {error}"))?;
    for (name, provider) in &mut providers {
        let url = Url::parse(&provider.token_endpoint).ok();
        let local = |url: &Url| url.scheme() == "http" && url.host_str() == Some("127.0.0.1");
        if !url.is_some_and(|url| url.scheme() == "https" || local(&url)) {
            return Err(format!("{path_text}: {name}: the token endpoint must be https"));
        }
        if let Some(variable) = &provider.client_secret_env {
            let missing = |_| format!("{path_text}: {name}: {variable} is not in the environment");
            provider.client_secret = std::env::var(variable).map_err(missing)?;
        }
    }
    Ok(providers)
}

impl Provider {
    /// The headers and the body that ask for new tokens.
    pub fn request(&self, refresh_token: &str) -> Option<(HeaderMap, String)> {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "refresh_token").append_pair("refresh_token", refresh_token);
        let mut headers = HeaderMap::new();
        match self.token_endpoint_auth_method {
            Method::ClientSecretBasic => {
                // Each half is form-encoded before they are joined (RFC 6749 section 2.3.1).
                let half = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
                let pair =
                    STANDARD.encode(format!("{}:{}", half(&self.client_id), half(&self.client_secret)));
                let mut basic = HeaderValue::from_str(&format!("Basic {pair}")).ok()?;
                basic.set_sensitive(true);
                headers.insert(AUTHORIZATION, basic);
            }
            Method::ClientSecretPost => {
                form.append_pair("client_id", &self.client_id)
                    .append_pair("client_secret", &self.client_secret);
            }
            Method::None => {
                form.append_pair("client_id", &self.client_id);
            }
        }
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(USER_AGENT, HeaderValue::from_static("auth_store_worker"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        Some((headers, form.finish()))
    }

    /// The tokens of an answer; otherwise the reason to be stored and shown, which holds nothing that was received but
    /// an error's code.
    pub fn tokens(&self, answer: &Answer) -> Result<Tokens, String> {
        let members = members(&answer.body);
        let is_good = (200..300).contains(&answer.status);
        // A server in trouble says nothing about the grant, whatever its body says. Some report an error with 200.
        if answer.status < 500
            && let Some(error) = members.as_ref().and_then(error_of)
        {
            return Err(if self.dead_token_errors.contains(&error) {
                "invalid_grant".to_owned()
            } else if is_word(&error) {
                error
            } else if is_good {
                "error".to_owned()
            } else {
                format!("http_{}", answer.status)
            });
        }
        if !is_good {
            return Err(format!("http_{}", answer.status));
        }
        let malformed = || "malformed_response".to_owned();
        let mut members = members.ok_or_else(malformed)?;
        if let Some(inner) =
            self.tokens_in.as_ref().and_then(|name| members.get(name)).and_then(Value::as_object)
        {
            members = inner.clone();
        }
        let text = |names: &[&str]| names.iter().find_map(|name| members.get(*name).and_then(Value::as_str));
        let printable =
            |text: &&str| !text.is_empty() && text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        let access_token = text(&["access_token", "accessToken", "token"]).filter(printable);
        let access_token = access_token.ok_or_else(malformed)?;
        // An empty one is none: the former one stays.
        let refresh_token = text(&["refresh_token", "refreshToken"]).filter(|token| !token.is_empty());
        if refresh_token.is_some_and(|token| !printable(&token)) {
            return Err(malformed());
        }
        // A scope that makes no sense is not worth losing tokens.
        let scope = text(&["scope"]).filter(printable).filter(|scope| scope.len() <= 4096);
        Ok(Tokens {
            access_token: access_token.to_owned(),
            refresh_token: refresh_token.map(str::to_owned),
            scope: scope.map(str::to_owned),
            end: self.end(&members),
        })
    }

    /// Absent is never "now": a token of which nothing is said ends as the file says, or is good until it is refused.
    fn end(&self, members: &Map<String, Value>) -> End {
        let number = |name: &str| members.get(name).and_then(number);
        // Some say 0 of a token that never ends.
        if let Some(life) = number("expires_in").or_else(|| number("expiresIn")).filter(|life| *life > 0.0) {
            let factor = match self.expires_in_unit {
                UnitOfTime::Seconds => 1.0,
                UnitOfTime::Milliseconds => 0.001,
                UnitOfTime::Minutes => 60.0,
            };
            return End::In((life * factor).min(LONGEST));
        }
        for name in ["expires_at", "expiresAt"] {
            match members.get(name) {
                Some(value) if number(name).is_some_and(|at| at > 0.0) => {
                    let at = self::number(value).unwrap_or(0.0);
                    // A time in seconds is as large as that in the year 5138.
                    return End::Epoch(if at > 1e11 { at / 1000.0 } else { at });
                }
                Some(Value::String(text)) if is_time(text) => return End::At(text.clone()),
                _ => {}
            }
        }
        self.default_end()
    }

    fn default_end(&self) -> End {
        self.expires_in.map_or(End::None, End::In)
    }
}

/// The members of a body: JSON, or a form, which some still send.
fn members(body: &[u8]) -> Option<Map<String, Value>> {
    if let Ok(value) = serde_json::from_slice(body) {
        return if let Value::Object(members) = value { Some(members) } else { None };
    }
    let text = std::str::from_utf8(body).ok()?;
    let has_tokens = |text: &str| text.contains("access_token=") || text.contains("error=");
    has_tokens(text).then(|| {
        form_urlencoded::parse(text.trim().as_bytes())
            .map(|(name, value)| (name.into_owned(), Value::from(value.into_owned())))
            .collect()
    })
}

/// The code of an error, also in the forms that some providers have: `ok` false, `errcode`, a list of errors. Empty
/// where it is no text.
fn error_of(members: &Map<String, Value>) -> Option<String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    // Some send one with every answer, empty where there is none.
    let says_nothing = |error: &&Value| error.is_null() || **error == Value::Bool(false) || **error == "";
    if let Some(error) = members.get("error").filter(|error| !says_nothing(error)) {
        return Some(text(error));
    }
    if let Some(code) = members.get("errcode").and_then(number).filter(|code| *code != 0.0) {
        return Some(format!("errcode_{code}"));
    }
    if let Some(first) = members.get("errors").and_then(Value::as_array).and_then(|errors| errors.first()) {
        return Some(first.get("errorType").map(text).unwrap_or_default());
    }
    (members.get("ok") == Some(&Value::Bool(false))).then(String::new)
}

/// Whether an error may be stored and shown: what is no word in lower case may be the token that was sent.
fn is_word(error: &str) -> bool {
    let digits = error.trim_start_matches("errcode_");
    let is_code =
        digits.len() < error.len() && digits.len() <= 10 && digits.bytes().all(|b| b.is_ascii_digit());
    is_code
        || ((1..=40).contains(&error.len())
            && error.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'))
}

/// A number, or a text of one.
fn number(value: &Value) -> Option<f64> {
    let number = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.filter(|number: &f64| number.is_finite())
}

/// Whether a text looks like a time of ISO 8601.
fn is_time(text: &str) -> bool {
    let shape = |place: (usize, u8)| match place {
        (4 | 7, byte) => byte == b'-',
        (10, byte) => byte == b'T' || byte == b' ',
        (13 | 16, byte) => byte == b':',
        (_, byte) => byte.is_ascii_digit(),
    };
    let tail = |byte: u8| byte.is_ascii_digit() || b".:+-Z".contains(&byte);
    let bytes = text.as_bytes();
    (19..=40).contains(&bytes.len())
        && bytes.iter().copied().enumerate().take(19).all(shape)
        && bytes.iter().copied().skip(19).all(tail)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{Answer, End, Provider, Tokens};

    fn provider(more: &str) -> Provider {
        serde_json::from_str(&format!(
            r#"{{"token_endpoint": "https://p.example/token", "client_id": "a:b", "client_secret": "c d"{more}}}"#
        ))
        .unwrap()
    }

    fn tokens(more: &str, status: u16, body: &str) -> Result<Tokens, String> {
        provider(more).tokens(&Answer {
            status,
            headers: serde_json::Map::new(),
            body: body.as_bytes().to_vec(),
        })
    }

    #[test]
    fn the_secret_goes_where_the_method_says() {
        let (headers, body) = provider("").request("r t").unwrap();
        assert_eq!(headers["authorization"], "Basic YSUzQWI6Yytk"); // a%3Ab:c+d
        assert_eq!(body, "grant_type=refresh_token&refresh_token=r+t");
        let (headers, body) =
            provider(r#", "token_endpoint_auth_method": "client_secret_post""#).request("r").unwrap();
        assert!(headers.get("authorization").is_none());
        assert_eq!(body, "grant_type=refresh_token&refresh_token=r&client_id=a%3Ab&client_secret=c+d");
        let (_, body) = provider(r#", "token_endpoint_auth_method": "none""#).request("r").unwrap();
        assert!(!body.contains("secret"));
    }

    #[test]
    fn an_error_is_one_with_every_status() {
        for (status, body, reason) in [
            (400, r#"{"error": "invalid_grant", "error_description": "x"}"#, "invalid_grant"),
            (200, r#"{"error": "bad_refresh_token"}"#, "invalid_grant"),
            (200, r#"{"ok": false}"#, "error"),
            (200, r#"{"errcode": 40030, "errmsg": "x"}"#, "errcode_40030"),
            (200, r#"{"errors": [{"errorType": "invalid_token"}]}"#, "invalid_token"),
            (200, r#"{"error": {"code": 190}}"#, "error"),
            (200, r#"{"error": "two words"}"#, "error"),
            (200, r#"{"error": "9vR5mNcXw2"}"#, "error"),
            (400, r#"{"error": "9vR5mNcXw2"}"#, "http_400"),
            (400, r#"{"error": ["invalid_grant"]}"#, "http_400"),
            (400, r#"{"error": "INVALID_REFRESH"}"#, "invalid_grant"),
            (200, r#"{"errcode": -1}"#, "error"),
            (400, r#"{"errors": ["x"]}"#, "http_400"),
            (200, "error=bad_verification_code", "bad_verification_code"),
            (503, r#"{"error": "invalid_grant"}"#, "http_503"),
            (302, "", "http_302"),
            (200, "<html>", "malformed_response"),
            (200, "{}", "malformed_response"),
            (200, r#"{"access_token": "a\nb"}"#, "malformed_response"),
            (200, r#"{"access_token": "a", "refresh_token": "b\nc"}"#, "malformed_response"),
            (200, r#"{"access_token": ""}"#, "malformed_response"),
            (200, r#"{"access_token": 7}"#, "malformed_response"),
            (200, r#"[{"access_token": "a"}]"#, "malformed_response"),
            (400, r#"{"error": ""}"#, "http_400"),
        ] {
            let dead = r#", "dead_token_errors": ["bad_refresh_token", "INVALID_REFRESH"]"#;
            assert_eq!(tokens(dead, status, body), Err(reason.to_owned()), "{body}");
        }
    }

    #[test]
    fn the_end_is_read_in_every_form_and_absent_is_never_now() {
        for (more, member, end) in [
            ("", r#""expires_in": 3600"#, End::In(3600.0)),
            ("", r#""expires_in": "3600""#, End::In(3600.0)),
            ("", r#""expires_in": 1e300"#, End::In(315_360_000.0)),
            ("", r#""expires_in": 0"#, End::None),
            ("", r#""expires_in": null"#, End::None),
            ("", r#""expires_in": "soon""#, End::None),
            ("", r#""expires_in": """#, End::None),
            ("", r#""expires_in": -1"#, End::None),
            ("", r#""expires_in": [3600]"#, End::None),
            ("", r#""expires_in": true"#, End::None),
            ("", r#""expires_in": 0, "expires_at": 1900000000"#, End::Epoch(1_900_000_000.0)),
            ("", r#""expires_in": null, "expires_at": "1900000000""#, End::Epoch(1_900_000_000.0)),
            ("", r#""expires_at": 0"#, End::None),
            ("", r#""refresh_token_expires_in": 60, "x_refresh_token_expires_in": 60"#, End::None),
            (r#", "expires_in": 60"#, r#""expires_in": 0"#, End::In(60.0)),
            ("", r#""x": 1"#, End::None),
            (r#", "expires_in": 60"#, r#""x": 1"#, End::In(60.0)),
            (r#", "expires_in_unit": "milliseconds""#, r#""expires_in": 5000"#, End::In(5.0)),
            (r#", "expires_in_unit": "minutes""#, r#""expires_in": 10"#, End::In(600.0)),
            ("", r#""expires_at": 1900000000"#, End::Epoch(1_900_000_000.0)),
            ("", r#""expires_at": "1900000000000""#, End::Epoch(1_900_000_000.0)),
            ("", r#""expiresAt": "2030-01-01T00:00:00Z""#, End::At("2030-01-01T00:00:00Z".to_owned())),
            ("", r#""expires_at": "tomorrow, perhaps""#, End::None),
        ] {
            let body = format!(r#"{{"access_token": "a", {member}}}"#);
            assert_eq!(tokens(more, 200, &body).unwrap().end, end, "{member}");
        }
    }

    #[test]
    fn tokens_are_found_in_a_form_in_camel_case_and_in_a_wrapper() {
        let found = tokens("", 201, r#"{"accessToken": "a", "refreshToken": "r"}"#).unwrap();
        assert_eq!((found.access_token.as_str(), found.refresh_token.as_deref()), ("a", Some("r")));
        let found = tokens("", 201, r#"{"token": "a", "refreshToken": "r"}"#).unwrap();
        assert_eq!((found.access_token.as_str(), found.refresh_token.as_deref()), ("a", Some("r")));
        let found = tokens("", 200, "access_token=a&expires_in=5183999\n").unwrap();
        assert_eq!((found.access_token.as_str(), found.end), ("a", End::In(5_183_999.0)));
        for body in [
            r#"{"access_token": "a", "refresh_token": "", "error": ""}"#,
            r#"{"access_token": "a", "refresh_token": null, "error": false}"#,
            r#"{"access_token": "a", "error": null, "errcode": 0, "errors": [], "ok": true}"#,
        ] {
            assert_eq!(tokens("", 200, body).unwrap().refresh_token, None, "{body}");
        }
        let wrapped = r#", "tokens_in": "data""#;
        let found = tokens(wrapped, 200, r#"{"data": {"access_token": "a", "scope": ["x"]}}"#).unwrap();
        assert_eq!((found.access_token.as_str(), found.scope), ("a", None));
    }
}
