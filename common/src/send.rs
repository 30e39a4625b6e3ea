//! One request over HTTP/1.1 to a server of a stranger: the address is checked between its resolution and the
//! connection to it, so no second look-up can lead elsewhere. No redirect is followed, nothing is compressed, and no
//! more of an answer is read than is kept.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Map, Value};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use url::Url;

use crate::address::Allowed;

/// Sends requests, and keeps connections for the next ones.
pub struct Sender {
    allowed: Allowed,
    tls: TlsConnector,
    connect_timeout: Duration,
    /// For each message, in all.
    pub timeout: Duration,
    idle: Mutex<HashMap<String, Vec<Idle>>>,
}

struct Idle {
    connection: SendRequest<Full<Bytes>>,
    since: Instant,
}

/// What is sent.
pub struct Message<'a> {
    /// Where to.
    pub url: &'a str,
    /// The headers, beside Host and Content-Length.
    pub headers: HeaderMap,
    /// The body of a POST; None: a GET.
    pub body: Option<String>,
    /// How many bytes of the answer's body are read.
    pub keep: usize,
    /// Whether it does no harm if it arrives twice.
    pub repeatable: bool,
}

/// What came back.
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers, by their names in lower case; at most [`MAX_HEADERS`] bytes of them.
    pub headers: Map<String, Value>,
    /// The start of the body.
    pub body: Vec<u8>,
}

/// How long a connection is kept, how many of one origin, and how many in all.
const IDLE: Duration = Duration::from_secs(20);
const IDLE_OF_ORIGIN: usize = 4;
const IDLE_IN_ALL: usize = 256;

const MAX_HEADERS: usize = 4096;

impl Sender {
    /// Sends to these addresses, within these times.
    pub fn new(
        allowed: Allowed,
        tls: Arc<rustls::ClientConfig>,
        connect_timeout: Duration,
        timeout: Duration,
    ) -> Self {
        Self { allowed, tls: TlsConnector::from(tls), connect_timeout, timeout, idle: Mutex::default() }
    }

    /// The answer to a message; why there is none otherwise. The reason holds nothing that was sent.
    pub async fn send(&self, message: Message<'_>) -> Result<Answer, String> {
        timeout(self.timeout, self.exchange(message)).await.unwrap_or_else(|_| Err("timed out".to_owned()))
    }

    async fn exchange(&self, message: Message<'_>) -> Result<Answer, String> {
        let url = Url::parse(message.url).map_err(|_| "the URL is malformed".to_owned())?;
        let origin = url.origin().ascii_serialization();
        let request = request(&url, &message)?;
        // The other side may close a kept connection at any time, and has perhaps read what came on it. What may arrive
        // twice is then sent again on a new connection; what may not is sent on a new one only.
        if message.repeatable
            && let Some(mut kept) = self.take(&origin)
            && kept.ready().await.is_ok()
            && let Ok(response) = kept.send_request(request.clone()).await
        {
            return self.read(response, kept, origin, message.keep).await;
        }
        let connect = timeout(self.connect_timeout, self.connect(&url));
        let mut connection = connect.await.map_err(|_| "the connection timed out".to_owned())??;
        let response = connection.send_request(request).await.map_err(|error| reason(&error))?;
        self.read(response, connection, origin, message.keep).await
    }

    async fn connect(&self, url: &Url) -> Result<SendRequest<Full<Bytes>>, String> {
        let host = url.host_str().ok_or("the URL has no host")?;
        let port = url.port_or_known_default().ok_or("the URL has no port")?;
        // An address in brackets is looked up without them.
        let name = host.trim_start_matches('[').trim_end_matches(']');
        let found = tokio::net::lookup_host((name, port)).await;
        let addresses: Vec<SocketAddr> = found.map_err(|_| "the host is not found".to_owned())?.collect();
        let allowed = |address: &&SocketAddr| self.allowed.allows(address.ip());
        let mut last = match addresses.iter().find(allowed) {
            Some(_) => "no connection".to_owned(),
            None if addresses.is_empty() => "the host is not found".to_owned(),
            None => "the host's address is not allowed".to_owned(),
        };
        for address in addresses.iter().filter(allowed) {
            match TcpStream::connect(address).await {
                Ok(stream) => return self.over(stream, url.scheme() == "https", name).await,
                Err(error) => last = format!("no connection: {}", error.kind()),
            }
        }
        Err(last)
    }

    async fn over(
        &self,
        stream: TcpStream,
        encrypted: bool,
        name: &str,
    ) -> Result<SendRequest<Full<Bytes>>, String> {
        // A failure means packets that wait for others, not one that is lost.
        let _ = stream.set_nodelay(true);
        if !encrypted {
            return handshake(stream).await;
        }
        let name =
            ServerName::try_from(name.to_owned()).map_err(|_| "the host has no name for TLS".to_owned())?;
        let stream = self.tls.connect(name, stream).await.map_err(|error| format!("TLS: {error}"))?;
        handshake(stream).await
    }

    async fn read(
        &self,
        response: Response<Incoming>,
        connection: SendRequest<Full<Bytes>>,
        origin: String,
        keep: usize,
    ) -> Result<Answer, String> {
        let (head, mut body) = response.into_parts();
        let mut answer =
            Answer { status: head.status.as_u16(), headers: kept_headers(&head.headers), body: Vec::new() };
        while answer.body.len() < keep {
            match body.frame().await {
                None => {
                    self.keep(origin, connection);
                    return Ok(answer);
                }
                Some(Ok(frame)) => {
                    let data = frame.into_data().unwrap_or_default();
                    let room = keep - answer.body.len();
                    answer.body.extend_from_slice(data.get(..room).unwrap_or(&data));
                }
                // The status is known, and that is what counts.
                Some(Err(_)) => return Ok(answer),
            }
        }
        // The rest of a long body is not read; the connection goes with it.
        Ok(answer)
    }

    fn take(&self, origin: &str) -> Option<SendRequest<Full<Bytes>>> {
        let mut idle = self.idle.lock().ok()?;
        let kept = idle.get_mut(origin)?;
        let found = std::iter::from_fn(|| kept.pop())
            .find(|kept| kept.since.elapsed() < IDLE && !kept.connection.is_closed());
        if kept.is_empty() {
            idle.remove(origin);
        }
        found.map(|kept| kept.connection)
    }

    fn keep(&self, origin: String, connection: SendRequest<Full<Bytes>>) {
        let Ok(mut idle) = self.idle.lock() else { return };
        if idle.values().map(Vec::len).sum::<usize>() >= IDLE_IN_ALL {
            idle.retain(|_, kept| {
                kept.retain(|kept| kept.since.elapsed() < IDLE && !kept.connection.is_closed());
                !kept.is_empty()
            });
        }
        let in_all = idle.values().map(Vec::len).sum::<usize>();
        let kept = idle.entry(origin).or_default();
        if kept.len() < IDLE_OF_ORIGIN && in_all < IDLE_IN_ALL {
            kept.push(Idle { connection, since: Instant::now() });
        }
    }
}

async fn handshake<S>(stream: S) -> Result<SendRequest<Full<Bytes>>, String>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let shaken = http1::Builder::new().max_headers(100).handshake(TokioIo::new(stream)).await;
    let (connection, driver) = shaken.map_err(|error| reason(&error))?;
    tokio::spawn(async move {
        // How a connection ended is told to whoever waits for an answer on it.
        let _ = driver.await;
    });
    Ok(connection)
}

fn request(url: &Url, message: &Message<'_>) -> Result<Request<Full<Bytes>>, String> {
    let target = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    let host = match (url.host_str(), url.port()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (Some(host), None) => host.to_owned(),
        (None, _) => return Err("the URL has no host".to_owned()),
    };
    let mut request = Request::new(Full::new(Bytes::from(message.body.clone().unwrap_or_default())));
    *request.method_mut() = if message.body.is_some() { Method::POST } else { Method::GET };
    *request.uri_mut() = target.parse().map_err(|_| "the URL is malformed".to_owned())?;
    *request.headers_mut() = message.headers.clone();
    let host = HeaderValue::from_str(&host).map_err(|_| "the URL is malformed".to_owned())?;
    request.headers_mut().insert(header::HOST, host);
    Ok(request)
}

/// The headers of a JSON object of texts.
pub fn headers_of(object: &str) -> Option<HeaderMap> {
    let object: HashMap<String, String> = serde_json::from_str(object).ok()?;
    let pair = |(name, value): (String, String)| {
        Some((HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?))
    };
    object.into_iter().map(pair).collect()
}

/// What decides over a delivery, a webhook or a document, whatever else there is.
const DECIDING: [&str; 4] = ["retry-after", "webhook-delivery", "content-type", "cache-control"];

fn kept_headers(headers: &HeaderMap) -> Map<String, Value> {
    let mut kept = Map::new();
    let mut size = 0;
    let deciding = DECIDING.into_iter().filter_map(|name| Some((name, headers.get(name)?)));
    let others = headers.iter().map(|(name, value)| (name.as_str(), value));
    for (name, value) in deciding.chain(others.filter(|(name, _)| !DECIDING.contains(name))) {
        let Ok(value) = value.to_str() else { continue };
        let length = name.len() + value.len();
        if size + length <= MAX_HEADERS {
            size += length;
            kept.insert(name.to_owned(), Value::from(value));
        }
    }
    kept
}

fn reason(error: &hyper::Error) -> String {
    if error.is_parse() || error.is_parse_status() || error.is_parse_too_large() {
        "the answer is no HTTP/1.1".to_owned()
    } else if error.is_incomplete_message() || error.is_closed() || error.is_canceled() {
        "the connection was closed before an answer".to_owned()
    } else {
        "the connection failed".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_HEADERS, kept_headers};
    use hyper::header::{HeaderMap, HeaderValue};

    #[test]
    fn what_decides_is_kept_beside_headers_of_any_length() {
        let mut headers = HeaderMap::new();
        let long =
            |length| HeaderValue::try_from("x".repeat(length)).unwrap_or_else(|_| HeaderValue::from(0));
        headers.insert("content-security-policy", long(MAX_HEADERS));
        headers.insert("server", long(MAX_HEADERS - 30));
        headers.insert("retry-after", HeaderValue::from_static("120"));
        headers.insert("date", HeaderValue::from_static("now"));
        let kept = kept_headers(&headers);
        assert!(kept["retry-after"] == "120" && !kept.contains_key("content-security-policy"));
        assert!(kept.contains_key("server"));
    }
}
