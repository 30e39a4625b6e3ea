//! The endpoints of OAuth and OpenID Connect: a request is one call of `auth_store.http()`, whose answer is sent as it
//! comes.

use hyper::Method;
use hyper::header::HeaderMap;
use serde_json::{Map, Value};
use tokio_postgres::Row;
use tokio_postgres::types::{ToSql, Type};

use crate::Front;
use crate::answer::Answer;
use crate::caller::Caller;
use crate::place::{Browsed, Place};
use crate::store::Failure;

/// A request whose body was read.
pub struct Request {
    pub method: Method,
    /// The path as it came.
    pub path: String,
    /// The query as it came.
    pub query: Vec<u8>,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

const HTTP: &str = "SELECT status, headers::text, body, error, client_id, user_id::text FROM auth_store.http(
    method => $1, path => $2, query => $3, headers => $4::text::jsonb, body => $5, ip => $6::text::inet,
    client_certificate => $7, session_token => $8)";

const STORE_DOCUMENT: &str =
    "SELECT error FROM auth_store.client_document_store(url => $1, body => $2, max_age => $3,
    tenant_id => $4)";

/// The header by which the database asks for a document of a client, before it can answer.
const FETCH: &str = "auth-store-fetch";
/// The header by which it says what is at a path that pages answer, and is told that there are some.
const ENDPOINT: &str = "auth-store-endpoint";
const PAGES: &str = "auth-store-pages";
/// The header with the tenant for either.
const TENANT: &str = "auth-store-tenant";

/// Documents that one request may need: the metadata of a client, and its keys.
pub const FETCHES: usize = 2;

/// What the database reads. All other headers are the browser's and the proxies' business.
const HEADERS: [&str; 9] = [
    "accept",
    "access-control-request-headers",
    "access-control-request-method",
    "authorization",
    "content-type",
    "dpop",
    "if-none-match",
    "origin",
    "user-agent",
];

/// The headers as a JSON object: texts, and an array of texts where one came more than once. The last one is the
/// front's own.
fn headers_of(headers: &HeaderMap) -> String {
    let mut object = Map::new();
    for name in HEADERS {
        let values = headers.get_all(name).into_iter();
        // What is no UTF-8 is taken as Latin-1, in which every byte is a character.
        let text = |bytes: &[u8]| match std::str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            Err(_) => bytes.iter().map(|byte| char::from(*byte)).collect(),
        };
        let mut texts: Vec<Value> = values.map(|value| text(value.as_bytes()).into()).collect();
        match texts.len() {
            0 => {}
            1 => drop(object.insert(name.to_owned(), texts.swap_remove(0))),
            _ => drop(object.insert(name.to_owned(), texts.into())),
        }
    }
    object.insert(PAGES.to_owned(), "1".into());
    Value::Object(object).to_string()
}

/// A header that is for the front alone.
fn take(answer: &mut Answer, name: &str) -> Option<String> {
    answer.response.headers_mut().remove(name)?.to_str().ok().map(str::to_owned)
}

/// Without what is for the front alone.
pub fn for_client(mut answer: Answer) -> Answer {
    for name in [FETCH, ENDPOINT, TENANT] {
        answer.response.headers_mut().remove(name);
    }
    answer
}

/// The answer in the first six columns of a row.
pub fn answer_in(row: &Row) -> Result<Answer, Failure> {
    let (status, headers): (i32, Option<String>) = (row.try_get(0)?, row.try_get(1)?);
    let answer = Answer::of_database(status, headers.as_deref().unwrap_or("{}"), row.try_get(2)?);
    let mut answer = answer.ok_or_else(|| Failure::Broken("the answer is no answer of HTTP".to_owned()))?;
    answer.error = row.try_get(3)?;
    answer.client_id = row.try_get(4)?;
    answer.user_id = row.try_get(5)?;
    Ok(answer)
}

/// Passes a request on, and fetches what the database wants to see first; or says where it is for pages to answer,
/// which is asked for once in a while only.
pub async fn pass(
    front: &Front,
    caller: &Caller,
    request: &Request,
    session_token: Option<&str>,
) -> Result<Result<Answer, Place>, Failure> {
    if [Method::GET, Method::HEAD, Method::POST].contains(&request.method)
        && let Some(place) = front.places.at(&request.path)
    {
        return Ok(Err(place));
    }
    let headers = headers_of(&request.headers);
    let mut fetches = 0;
    loop {
        let mut answer = call(front, caller, request, &headers, session_token).await?;
        if let Some(place) = place_in(&mut answer) {
            front.places.note(&request.path, &place);
            return Ok(Err(place));
        }
        let (url, tenant_id) = (take(&mut answer, FETCH), take(&mut answer, TENANT));
        let Some(url) = url.filter(|_| fetches < FETCHES) else { return Ok(Ok(answer)) };
        // Without the document the same question would be asked again: the answer that came is the last word.
        if !fetch(front, &url, tenant_id.as_deref()).await? {
            return Ok(Ok(answer));
        }
        fetches += 1;
    }
}

async fn call(
    front: &Front,
    caller: &Caller,
    request: &Request,
    headers: &str,
    session_token: Option<&str>,
) -> Result<Answer, Failure> {
    let method = request.method.as_str();
    let values: [(&(dyn ToSql + Sync), Type); 8] = [
        (&method, Type::TEXT),
        (&request.path, Type::TEXT),
        (&request.query, Type::BYTEA),
        (&headers, Type::TEXT),
        (&request.body, Type::BYTEA),
        (&caller.ip_text, Type::TEXT),
        (&caller.certificate, Type::BYTEA),
        (&session_token, Type::TEXT),
    ];
    let rows = front.store.query(HTTP, &values).await?;
    answer_in(rows.first().ok_or_else(|| Failure::Broken("http() did not answer".to_owned()))?)
}

fn place_in(answer: &mut Answer) -> Option<Place> {
    let endpoint = Browsed::of(&take(answer, ENDPOINT)?)?;
    Some(Place { endpoint, tenant_id: take(answer, TENANT)? })
}

/// What pages answer at this path of this site, if they do.
pub async fn place(front: &Front, caller: &Caller, path: &str) -> Result<Option<Place>, Failure> {
    if let Some(place) = front.places.at(path) {
        return Ok(Some(place));
    }
    let request = Request {
        method: Method::GET,
        path: path.to_owned(),
        query: Vec::new(),
        headers: HeaderMap::new(),
        body: Vec::new(),
    };
    let mut answer = call(front, caller, &request, &headers_of(&request.headers), None).await?;
    let place = place_in(&mut answer);
    if let Some(place) = &place {
        front.places.note(path, place);
    }
    Ok(place)
}

/// Fetches a document of a client and gives it to the database; whether it was of use.
pub async fn fetch(front: &Front, url: &str, tenant_id: Option<&str>) -> Result<bool, Failure> {
    let document = match front.fetcher.fetch(url).await {
        Ok(document) => document,
        Err(why) => {
            front.log.failure("", &format!("a document of a client was not fetched: {why}"));
            return Ok(false);
        }
    };
    let values: [(&(dyn ToSql + Sync), Type); 4] = [
        (&url, Type::TEXT),
        (&document.body, Type::BYTEA),
        (&document.max_age, Type::INT4),
        (&tenant_id, Type::TEXT),
    ];
    let rows = front.store.query(STORE_DOCUMENT, &values).await?;
    let error: Option<String> = rows.first().map(|row| row.try_get(0)).transpose()?.flatten();
    Ok(error.is_none())
}

/// What requests at this path are counted as.
pub fn endpoint(path: &str) -> &'static str {
    let last = path.rsplit('/').next().unwrap_or("");
    let known =
        crate::metrics::ENDPOINTS.iter().find(|known| **known == last && !matches!(last, "page" | "other"));
    match known {
        Some(known) => known,
        None if path.contains("/.well-known/") => "metadata",
        None => "other",
    }
}

#[cfg(test)]
mod tests {
    use hyper::header::{HeaderMap, HeaderValue};

    use super::{endpoint, headers_of};

    #[test]
    fn only_what_the_database_reads_is_passed_on() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("authorization", b"Basic a".as_slice()),
            ("cookie", b"session=secret"),
            ("dpop", b"one"),
            ("dpop", b"two"),
            ("origin", b"caf\xe9"),
            ("x-forwarded-for", b"10.0.0.1"),
        ] {
            if let Ok(value) = HeaderValue::from_bytes(value) {
                headers.append(name, value);
            }
        }
        assert_eq!(
            headers_of(&headers),
            r#"{"auth-store-pages":"1","authorization":"Basic a","dpop":["one","two"],"origin":"café"}"#
        );
    }

    #[test]
    fn requests_are_counted_by_the_end_of_their_path() {
        for (path, counted) in [
            ("/token", "token"),
            ("/acme/token", "token"),
            ("/.well-known/openid-configuration/acme", "metadata"),
            ("/page", "other"),
            ("/tokens", "other"),
        ] {
            assert_eq!(endpoint(path), counted, "{path}");
        }
    }
}
