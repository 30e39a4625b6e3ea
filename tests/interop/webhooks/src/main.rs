//! Verifies a delivery with the crate: the first argument is a file with secrets, headers and body.

use http::{HeaderMap, HeaderName, HeaderValue};
use standardwebhooks::Webhook;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("no file")?;
    let made: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(path)?)?;
    let mut headers = HeaderMap::new();
    for (name, value) in made["headers"].as_object().ok_or("no headers")? {
        let value = HeaderValue::from_str(value.as_str().ok_or("no text")?)?;
        headers.insert(HeaderName::from_bytes(name.as_bytes())?, value);
    }
    let body = made["body"].as_str().ok_or("no body")?;
    for secret in made["secrets"].as_array().ok_or("no secrets")? {
        let webhook = Webhook::new(secret.as_str().ok_or("no text")?)?;
        webhook.verify(body.as_bytes(), &headers)?;
        if webhook.verify(format!("{body} ").as_bytes(), &headers).is_ok() {
            return Err("another body passes".into());
        }
    }
    Ok(())
}
