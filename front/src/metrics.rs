//! What the front has done, for Prometheus, and whether it is well, for whoever restarts it or sends it requests.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Counters since the start.
#[derive(Default)]
pub struct Metrics {
    /// Requests that are being answered.
    pub in_flight: AtomicU64,
    /// Connections of clients that are open.
    pub connections: AtomicU64,
    /// Connections to the database that were made.
    pub connected: AtomicU64,
    /// Calls that the database did not answer, or answered by an error.
    pub database_errors: AtomicU64,
    /// Requests for which no connection to the database was free in time.
    pub crowded: AtomicU64,
    /// Lines of the access log that nobody read in time.
    pub unlogged: AtomicU64,
    /// Documents of clients that were fetched.
    pub fetched: AtomicU64,
    /// Documents that could not be.
    pub unfetched: AtomicU64,
    /// By endpoint, and in it by the hundreds of the status.
    requests: [[AtomicU64; 5]; ENDPOINTS.len()],
    /// By how long they took: as [`BOUNDS`], and longer ones.
    durations: [AtomicU64; BOUNDS.len() + 1],
    duration_us: AtomicU64,
    /// By the error code that the answer has.
    errors: Mutex<BTreeMap<String, u64>>,
}

/// What requests are counted by: the last part of a path, or the kind of what is there.
pub const ENDPOINTS: [&str; 13] = [
    "token",
    "introspect",
    "revoke",
    "par",
    "device_authorization",
    "userinfo",
    "register",
    "authorize",
    "logout",
    "metadata",
    "jwks",
    "page",
    "other",
];

/// Microseconds.
const BOUNDS: [u64; 11] = [500, 1000, 2000, 4000, 8000, 16_000, 32_000, 64_000, 128_000, 500_000, 2_000_000];

/// Error codes come from the database alone; should one carry what a client sent, the memory stays as it is.
const MOST_ERRORS: usize = 100;

impl Metrics {
    /// A request was answered.
    pub fn answered(&self, endpoint: &str, status: u16, took: Duration, error: Option<&str>) {
        let place = ENDPOINTS.iter().position(|known| *known == endpoint).unwrap_or(ENDPOINTS.len() - 1);
        let class = usize::from(status / 100).saturating_sub(1);
        if let Some(count) = self.requests.get(place).and_then(|classes| classes.get(class)) {
            count.fetch_add(1, Relaxed);
        }
        let took = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let place = BOUNDS.iter().position(|bound| took <= *bound).unwrap_or(BOUNDS.len());
        if let Some(count) = self.durations.get(place) {
            count.fetch_add(1, Relaxed);
        }
        self.duration_us.fetch_add(took, Relaxed);
        if let Some(error) = error {
            let mut errors = self.errors.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(count) = errors.get_mut(error) {
                *count += 1;
            } else if errors.len() < MOST_ERRORS {
                errors.insert(error.to_owned(), 1);
            }
        }
    }

    /// What /metrics answers, as Prometheus reads it.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let read = |value: &AtomicU64| value.load(Relaxed);
        // Writing to a String does not fail.
        let mut put = |name: &str, kind: &str, help: &str, value: &AtomicU64| {
            let name = format!("auth_store_front_{name}");
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {}", read(value));
        };
        put("in_flight", "gauge", "Requests being answered.", &self.in_flight);
        put("connections", "gauge", "Connections of clients.", &self.connections);
        put("database_connections_total", "counter", "Connections made to the database.", &self.connected);
        put("database_errors_total", "counter", "Calls the database did not answer.", &self.database_errors);
        put("crowded_total", "counter", "Requests for which no connection was free in time.", &self.crowded);
        put("unlogged_total", "counter", "Lines of the access log that were dropped.", &self.unlogged);
        put("fetched_total", "counter", "Documents of clients fetched.", &self.fetched);
        put("unfetched_total", "counter", "Documents of clients that could not be fetched.", &self.unfetched);
        let name = "auth_store_front_requests_total";
        let _ = writeln!(text, "# HELP {name} Requests, by endpoint and status.\n# TYPE {name} counter");
        for (endpoint, classes) in ENDPOINTS.iter().zip(&self.requests) {
            for (class, count) in classes.iter().enumerate().filter(|(_, count)| read(count) > 0) {
                let _ = writeln!(
                    text,
                    "{name}{{endpoint=\"{endpoint}\",status=\"{}xx\"}} {}",
                    class + 1,
                    read(count)
                );
            }
        }
        let name = "auth_store_front_errors_total";
        let _ = writeln!(text, "# HELP {name} Answers with an error, by its code.\n# TYPE {name} counter");
        for (error, count) in self.errors.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            let _ = writeln!(text, "{name}{{error=\"{}\"}} {count}", error.escape_default());
        }
        let name = "auth_store_front_request_seconds";
        let _ = writeln!(text, "# HELP {name} How long requests took.\n# TYPE {name} histogram");
        let mut sum = 0;
        for (place, count) in self.durations.iter().enumerate() {
            sum += read(count);
            let bound = BOUNDS.get(place).map_or("+Inf".to_owned(), |us| (*us as f64 / 1e6).to_string());
            let _ = writeln!(text, "{name}_bucket{{le=\"{bound}\"}} {sum}");
        }
        let _ = writeln!(text, "{name}_sum {}\n{name}_count {sum}", read(&self.duration_us) as f64 / 1e6);
        text
    }
}
