//! Fetching what a client publishes: its metadata document, or its keys. The database opens no connection; it says what
//! it wants, and judges what came.

use std::sync::atomic::Ordering::Relaxed;

use auth_store_common::send::{Message, Sender};
use hyper::header::{ACCEPT, HeaderMap, HeaderValue};
use tokio::sync::Semaphore;

use crate::metrics::Metrics;

/// Fetches documents.
pub struct Fetcher {
    sender: Sender,
    metrics: &'static Metrics,
    /// Few at once: a stranger names the address, and its server may take its time.
    at_once: Semaphore,
}

/// What came.
pub struct Document {
    /// The body.
    pub body: Vec<u8>,
    /// How many seconds it is good for, where its server says so.
    pub max_age: Option<i32>,
}

/// Bytes of a document that are passed on; the database has its own, smaller bounds.
const MOST: usize = 65_536;

impl Fetcher {
    /// Fetches with this sender.
    pub fn new(sender: Sender, metrics: &'static Metrics) -> Self {
        Self { sender, metrics, at_once: Semaphore::new(16) }
    }

    /// The document at an https address of the public internet; a redirect is an error. Why there is none otherwise.
    pub async fn fetch(&self, url: &str) -> Result<Document, String> {
        let document = self.document(url).await;
        let count = if document.is_ok() { &self.metrics.fetched } else { &self.metrics.unfetched };
        count.fetch_add(1, Relaxed);
        document
    }

    async fn document(&self, url: &str) -> Result<Document, String> {
        if !url.starts_with("https://") {
            return Err("the URL is not https".to_owned());
        }
        let _permit =
            self.at_once.try_acquire().map_err(|_| "too many documents are being fetched".to_owned())?;
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        let message = Message { url, headers, body: None, keep: MOST + 1, repeatable: true };
        let answer = self.sender.send(message).await?;
        let header = |name| answer.headers.get(name).and_then(|value| value.as_str()).unwrap_or("");
        if answer.status != 200 {
            return Err(format!("its server answered {}", answer.status));
        }
        if answer.body.len() > MOST {
            return Err("it is too long".to_owned());
        }
        if !is_json(header("content-type")) {
            return Err("it is not application/json".to_owned());
        }
        Ok(Document { max_age: max_age(header("cache-control")), body: answer.body })
    }
}

fn is_json(content_type: &str) -> bool {
    let kind = content_type.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
}

/// The seconds of Cache-Control's max-age (RFC 9111 section 5.2.2.1); 0 where it must not be kept.
fn max_age(cache_control: &str) -> Option<i32> {
    let directives = || cache_control.split(',').map(|one| one.trim().to_ascii_lowercase());
    if directives().any(|one| one == "no-store" || one == "no-cache") {
        return Some(0);
    }
    let seconds = directives().find_map(|one| one.strip_prefix("max-age=").map(str::to_owned))?;
    seconds
        .trim_matches('"')
        .parse::<i64>()
        .ok()
        .map(|seconds| i32::try_from(seconds.max(0)).unwrap_or(i32::MAX))
}

#[cfg(test)]
mod tests {
    use super::{is_json, max_age};

    #[test]
    fn a_document_says_how_long_it_is_good_for() {
        assert_eq!(max_age("public, Max-Age=300"), Some(300));
        assert_eq!(max_age("max-age=\"60\""), Some(60));
        assert_eq!(max_age("max-age=300, no-store"), Some(0));
        assert_eq!(max_age("max-age=99999999999"), Some(i32::MAX));
        assert_eq!(max_age("max-age=-5"), Some(0));
        assert_eq!(max_age("max-age=x"), None);
        assert_eq!(max_age(""), None);
    }

    #[test]
    fn a_document_is_json() {
        for kind in ["application/json", "Application/JSON; charset=utf-8", "application/jwk-set+json"] {
            assert!(is_json(kind), "{kind}");
        }
        for kind in ["", "text/html", "text/json", "application/json5"] {
            assert!(!is_json(kind), "{kind}");
        }
    }
}
