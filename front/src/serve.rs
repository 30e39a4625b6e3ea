//! Connections of clients: so many at once, so long for a request, and an end in good order.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use auth_store_common::stop::Stop;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::Response;
use hyper::body::{Body, Bytes, Incoming};
use hyper::header::HeaderMap;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use crate::Front;
use crate::answer::Answer;
use crate::caller::{Caller, cookie};
use crate::log::Entry;
use crate::place::{Browsed, Place};
use crate::protocol::Request;
use crate::store::Failure;
use crate::{flow, pages, protocol};

/// Bytes of a request's line and headers that are waited for, of which twice as many may come at once; and how many
/// headers.
const MAX_HEAD: usize = 32_768;
const MAX_HEADERS: usize = 100;

/// How long the handshake of TLS may take.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the line and headers of a request may take, and so how long a connection may be unused.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// Accepts until the front is to stop; then what has begun comes to its end.
pub async fn serve(listener: TcpListener, front: &'static Front, tls: Option<TlsAcceptor>, stop: Stop) {
    let most = front.settings.connections;
    let free = Arc::new(Semaphore::new(most));
    loop {
        // Who is one too many waits in the operating system's queue.
        let permit = tokio::select! {
            permit = free.clone().acquire_owned() => permit,
            () = stop.wait() => break,
        };
        let Ok(permit) = permit else { break };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.wait() => break,
        };
        // No descriptor is free, or the client has left again.
        let Ok((stream, peer)) = accepted else {
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let (tls, stop) = (tls.clone(), stop.clone());
        tokio::spawn(async move {
            front.metrics.connections.fetch_add(1, Relaxed);
            connection(stream, peer.ip(), front, tls, stop).await;
            front.metrics.connections.fetch_sub(1, Relaxed);
            drop(permit);
        });
    }
    drop(listener);
    let all = u32::try_from(most).unwrap_or(u32::MAX);
    // What takes longer than the operator's patience is cut off.
    let _ = timeout(front.settings.patience, free.acquire_many(all)).await;
}

async fn connection(
    stream: TcpStream,
    peer: IpAddr,
    front: &'static Front,
    tls: Option<TlsAcceptor>,
    stop: Stop,
) {
    // A failure means packets that wait for others, not one that is lost.
    let _ = stream.set_nodelay(true);
    match tls {
        None => exchange(stream, peer, front, stop).await,
        // Who speaks something else, or nothing, is no client.
        Some(tls) => {
            if let Ok(Ok(stream)) = timeout(HANDSHAKE_TIMEOUT, tls.accept(stream)).await {
                exchange(stream, peer, front, stop).await;
            }
        }
    }
}

async fn exchange<S>(stream: S, peer: IpAddr, front: &'static Front, stop: Stop)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    // A task of its own: a client that leaves does not cut off a call of the database, and with it a connection.
    let service = service_fn(move |request| tokio::spawn(respond(front, peer, request)));
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(MAX_HEAD)
        .max_headers(MAX_HEADERS)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(serving);
    tokio::select! {
        // How a client ends a connection is its own business.
        _ = serving.as_mut() => return,
        () = stop.wait() => serving.as_mut().graceful_shutdown(),
    }
    let _ = serving.await;
}

/// Answers one request, and says so.
async fn respond(
    front: &'static Front,
    peer: IpAddr,
    request: hyper::Request<Incoming>,
) -> Response<Full<Bytes>> {
    let started = Instant::now();
    front.metrics.in_flight.fetch_add(1, Relaxed);
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let caller = Caller::of(&front.settings, peer, request.headers());
    let (endpoint, answer) = match timeout(front.settings.timeout, answer(front, &caller, request)).await {
        Ok(answered) => answered,
        Err(_) => ("other", Answer::refusal(503, "temporarily_unavailable", "the request took too long")),
    };
    let (status, took) = (answer.status(), started.elapsed());
    front.metrics.answered(endpoint, status, took, answer.error.as_deref());
    front.log.request(&Entry {
        method: method.as_str(),
        path: &path,
        status,
        took,
        bytes: answer.body.len(),
        ip: caller.ip,
        error: answer.error.as_deref(),
        client_id: answer.client_id.as_deref(),
        user_id: answer.user_id.as_deref(),
    });
    if let Some(failure) = &answer.failure {
        front.log.failure(&path, failure);
    }
    front.metrics.in_flight.fetch_sub(1, Relaxed);
    answer.into_response()
}

async fn answer(
    front: &'static Front,
    caller: &Caller,
    request: hyper::Request<Incoming>,
) -> (&'static str, Answer) {
    let (head, body) = request.into_parts();
    let path = head.uri.path().to_owned();
    if leads_elsewhere(&path) {
        return ("other", Answer::refusal(404, "not_found", "there is nothing at this path"));
    }
    let is_page = front.settings.pages && pages::has(&path);
    let mut endpoint = if is_page { "page" } else { protocol::endpoint(&path) };
    let body = match read(body, front.settings.max_body).await {
        Ok(body) => body,
        Err(refusal) => return (endpoint, refusal),
    };
    let query = head.uri.query().unwrap_or("").as_bytes().to_vec();
    let request = Request { method: head.method, path, query, headers: head.headers, body };
    let session = session_token(front, &request.headers);
    let mut is_seen = is_page;
    let answered = if is_page {
        pages::answer(front, caller, &request).await
    } else {
        match protocol::pass(front, caller, &request, session).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(place)) => {
                (endpoint, is_seen) = (place.endpoint.counted(), front.settings.pages);
                browsed(front, caller, &request, session, &place).await
            }
            Err(failure) => Err(failure),
        }
    };
    (endpoint, answered.unwrap_or_else(|failure| failed(&failure, is_seen)))
}

/// Answers what a browser asks at an endpoint of an issuer, wherever its settings have that.
async fn browsed(
    front: &'static Front,
    caller: &Caller,
    request: &Request,
    session: Option<&str>,
    place: &Place,
) -> Result<Answer, Failure> {
    match place.endpoint {
        Browsed::Authorization => flow::authorize(front, caller, request, session, &place.tenant_id).await,
        Browsed::EndSession => pages::log_out(front, caller, request, &place.tenant_id).await,
        Browsed::DeviceVerification if front.settings.pages => {
            pages::connect(front, caller, request, &place.tenant_id).await
        }
        Browsed::DeviceVerification => Ok(Answer::refusal(404, "not_found", "there is no page")),
    }
}

/// Whether a browser takes a path for the address of another host: answers lead back to the path that was asked.
fn leads_elsewhere(path: &str) -> bool {
    path.starts_with("//") || path.contains('\\')
}

/// The session of the browser, by its cookie.
fn session_token<'a>(front: &Front, headers: &'a HeaderMap) -> Option<&'a str> {
    cookie(headers, &front.cookies.session)
}

async fn read(body: Incoming, most: usize) -> Result<Vec<u8>, Answer> {
    if body.is_end_stream() {
        return Ok(Vec::new());
    }
    match Limited::new(body, most).collect().await {
        Ok(body) => Ok(body.to_bytes().to_vec()),
        Err(error) if error.is::<LengthLimitError>() => {
            Err(Answer::refusal(413, "invalid_request", "the body is too long"))
        }
        Err(_) => Err(Answer::refusal(400, "invalid_request", "the body did not come to its end")),
    }
}

fn failed(failure: &Failure, is_page: bool) -> Answer {
    let (status, error, description) = match failure {
        Failure::Unavailable(_) => (503, "temporarily_unavailable", "try again later"),
        Failure::Refused(_) => (400, "invalid_request", "what was named is not there"),
        Failure::Broken(_) => (500, "server_error", "something went wrong"),
    };
    let mut answer =
        if is_page { pages::failure(status) } else { Answer::refusal(status, error, description) };
    answer.error = Some(error.to_owned());
    answer.failure = Some(failure.text().to_owned());
    answer
}

#[cfg(test)]
mod tests {
    use super::leads_elsewhere;

    #[test]
    fn a_path_is_no_other_host() {
        for path in ["//evil.example/logout", "/\\evil.example/logout"] {
            assert!(leads_elsewhere(path), "{path}");
        }
        assert!(!leads_elsewhere("/logout") && !leads_elsewhere("/acme/logout") && !leads_elsewhere("*"));
    }
}
