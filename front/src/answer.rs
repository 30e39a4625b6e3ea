//! What is sent back.

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{
    CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION, RETRY_AFTER, SET_COOKIE,
};
use hyper::{Response, StatusCode};
use serde_json::{Map, Value};

/// An answer, and what the log is to say of it.
pub struct Answer {
    /// What is sent, without the body.
    pub response: Response<()>,
    /// The body.
    pub body: Bytes,
    /// The error code that it has.
    pub error: Option<String>,
    /// The client that the database saw.
    pub client_id: Option<String>,
    /// The user that it saw.
    pub user_id: Option<String>,
    /// Why the database did not answer, for the operator.
    pub failure: Option<String>,
}

impl Answer {
    /// An answer with a body of a type.
    pub fn new(status: u16, kind: &'static str, body: impl Into<Bytes>) -> Self {
        let mut response = Response::new(());
        *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        if !kind.is_empty() {
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        }
        Self { response, body: body.into(), error: None, client_id: None, user_id: None, failure: None }
    }

    /// A refusal of the front's own, as the endpoints of OAuth write theirs (RFC 6749 section 5.2).
    pub fn refusal(status: u16, error: &str, description: &str) -> Self {
        let body = serde_json::json!({ "error": error, "error_description": description }).to_string();
        let mut answer = Self::new(status, "application/json", body).with(CACHE_CONTROL, "no-store");
        answer.error = Some(error.to_owned());
        if matches!(status, 429 | 503) { answer.with(RETRY_AFTER, "1") } else { answer }
    }

    /// To another place by GET (RFC 9110 section 15.4.4).
    pub fn see_other(location: &str) -> Self {
        Self::new(303, "", "").with(LOCATION, location).with(CACHE_CONTROL, "no-store")
    }

    /// What the database has said: headers are a JSON object of texts or arrays of texts.
    pub fn of_database(status: i32, headers: &str, body: Option<String>) -> Option<Self> {
        let status = u16::try_from(status).ok()?;
        StatusCode::from_u16(status).ok()?;
        let mut answer = Self::new(status, "", body.unwrap_or_default());
        let headers: Map<String, Value> = serde_json::from_str(headers).ok()?;
        for (name, value) in &headers {
            let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
            let values = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
            for value in values {
                let value = HeaderValue::from_str(value.as_str()?).ok()?;
                answer.response.headers_mut().append(name.clone(), value);
            }
        }
        Some(answer)
    }

    /// With a header in place of others of its name; one that no header can hold is left out.
    pub fn with(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.response.headers_mut().insert(name, value);
        }
        self
    }

    /// With one more cookie.
    pub fn with_cookie(mut self, cookie: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(cookie) {
            self.response.headers_mut().append(SET_COOKIE, value);
        }
        self
    }

    /// As hyper sends it.
    pub fn into_response(self) -> Response<Full<Bytes>> {
        let body = self.body;
        self.response.map(|()| Full::new(body))
    }

    /// The status.
    pub fn status(&self) -> u16 {
        self.response.status().as_u16()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::Answer;

    #[test]
    fn headers_of_the_database_are_sent_as_they_are() {
        let headers = r#"{"content-type": "application/json", "www-authenticate": ["DPoP", "Bearer"]}"#;
        let answer = Answer::of_database(401, headers, Some("{}".to_owned())).unwrap();
        let values = answer.response.headers().get_all("www-authenticate");
        let sent: Vec<_> = values.iter().filter_map(|value| value.to_str().ok()).collect();
        assert_eq!((answer.status(), sent), (401, vec!["DPoP", "Bearer"]));
        for wrong in ["[]", r#"{"a": 1}"#, r#"{"a b": "c"}"#, r#"{"a": "b\r\nc: d"}"#] {
            assert!(Answer::of_database(200, wrong, None).is_none(), "{wrong}");
        }
        assert!(
            Answer::of_database(99, "{}", None).is_none() && Answer::of_database(-1, "{}", None).is_none()
        );
    }
}
