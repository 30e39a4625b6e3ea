//! The address at which Prometheus asks, and whoever watches a program.

use std::convert::Infallible;
use std::future::Future;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// Answers at this address, as long as the program lives: `/metrics` with the text, `/healthz` by whether all is well.
/// Few at a time: a scraper is one.
pub async fn serve<T, W, F>(listener: TcpListener, text: T, is_well: W)
where
    T: Fn() -> String + Copy + Send + 'static,
    W: Fn() -> F + Copy + Send + 'static,
    F: Future<Output = bool> + Send + 'static,
{
    static AT_ONCE: Semaphore = Semaphore::const_new(16);
    loop {
        let Ok(permit) = AT_ONCE.acquire().await else { return };
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        tokio::spawn(async move {
            let service = service_fn(move |request: Request<Incoming>| async move {
                let (status, body) = match request.uri().path() {
                    "/metrics" => (StatusCode::OK, text()),
                    "/healthz" if is_well().await => (StatusCode::OK, "ok\n".to_owned()),
                    "/healthz" => {
                        (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n".to_owned())
                    }
                    _ => (StatusCode::NOT_FOUND, "there are /metrics and /healthz\n".to_owned()),
                };
                Ok::<_, Infallible>(plain(status, body))
            });
            let serving = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            // A scraper that hangs, or leaves, is none of ours.
            let _ = timeout(Duration::from_secs(60), serving).await;
            drop(permit);
        });
    }
}

fn plain(status: StatusCode, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let text = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, text);
    response
}
