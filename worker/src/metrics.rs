//! What the worker has done, for Prometheus, and whether it is well, for whoever restarts it.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use tokio::time::Instant;

/// Counters since the start.
pub struct Metrics {
    started: Instant,
    /// Milliseconds from the start to the last claim that the database answered.
    last_claim: AtomicU64,
    /// Deliveries being sent.
    pub in_flight: AtomicU64,
    /// Claims that the database answered.
    pub claims: AtomicU64,
    /// Calls that the database did not answer.
    pub database_errors: AtomicU64,
    /// Attempts, by what the store made of them: as [`STATUSES`].
    attempts: [AtomicU64; STATUSES.len()],
    /// Attempts by how long they took: as [`BOUNDS`], and longer ones.
    durations: [AtomicU64; BOUNDS.len() + 1],
    duration_ms: AtomicU64,
    /// Connections to providers that were refreshed.
    pub refreshed: AtomicU64,
    /// Refreshes that failed.
    pub refresh_failures: AtomicU64,
}

/// What webhook_complete_batch() answers.
const STATUSES: [&str; 6] = ["delivered", "retrying", "dead", "gone", "disabled", "ignored"];

/// Milliseconds.
const BOUNDS: [u64; 9] = [10, 25, 50, 100, 250, 500, 1000, 5000, 15_000];

impl Metrics {
    /// Nothing done so far.
    pub fn new() -> Self {
        Self {
            started: Instant::now(),
            last_claim: AtomicU64::new(0),
            in_flight: AtomicU64::new(0),
            claims: AtomicU64::new(0),
            database_errors: AtomicU64::new(0),
            attempts: Default::default(),
            durations: Default::default(),
            duration_ms: AtomicU64::new(0),
            refreshed: AtomicU64::new(0),
            refresh_failures: AtomicU64::new(0),
        }
    }

    /// The database has answered a claim.
    pub fn claimed(&self) {
        self.claims.fetch_add(1, Relaxed);
        self.last_claim.store(self.since_start(), Relaxed);
    }

    /// An attempt came to its end after so many milliseconds.
    pub fn attempted(&self, milliseconds: u64) {
        let place = BOUNDS.iter().position(|bound| milliseconds <= *bound).unwrap_or(BOUNDS.len());
        if let Some(count) = self.durations.get(place) {
            count.fetch_add(1, Relaxed);
        }
        self.duration_ms.fetch_add(milliseconds, Relaxed);
    }

    /// The store has made this of an attempt.
    pub fn completed(&self, status: &str) {
        let place = STATUSES.iter().position(|known| *known == status);
        if let Some(count) = place.and_then(|place| self.attempts.get(place)) {
            count.fetch_add(1, Relaxed);
        }
    }

    fn since_start(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Whether a claim was answered not longer ago than this.
    pub fn is_well(&self, patience: Duration) -> bool {
        let last = self.last_claim.load(Relaxed);
        u128::from(self.since_start().saturating_sub(last)) <= patience.as_millis()
    }

    /// What /metrics answers, as Prometheus reads it.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let read = |value: &AtomicU64| value.load(Relaxed);
        // Writing to a String does not fail.
        let mut put = |name: &str, kind: &str, help: &str, value: u64| {
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}");
        };
        put("auth_store_worker_in_flight", "gauge", "Deliveries being sent.", read(&self.in_flight));
        put(
            "auth_store_worker_claims_total",
            "counter",
            "Claims answered by the database.",
            read(&self.claims),
        );
        put(
            "auth_store_worker_database_errors_total",
            "counter",
            "Calls that the database did not answer.",
            read(&self.database_errors),
        );
        put(
            "auth_store_worker_refreshed_total",
            "counter",
            "Connections to providers refreshed.",
            read(&self.refreshed),
        );
        put(
            "auth_store_worker_refresh_failures_total",
            "counter",
            "Refreshes of connections that failed.",
            read(&self.refresh_failures),
        );
        let name = "auth_store_worker_attempts_total";
        let _ =
            writeln!(text, "# HELP {name} Attempts, by what the store made of them.\n# TYPE {name} counter");
        for (status, count) in STATUSES.iter().zip(&self.attempts) {
            let _ = writeln!(text, "{name}{{status=\"{status}\"}} {}", read(count));
        }
        let name = "auth_store_worker_attempt_seconds";
        let _ = writeln!(text, "# HELP {name} How long attempts took.\n# TYPE {name} histogram");
        let mut sum = 0;
        for (place, count) in self.durations.iter().enumerate() {
            sum += read(count);
            let bound = BOUNDS.get(place).map_or("+Inf".to_owned(), |ms| (*ms as f64 / 1000.0).to_string());
            let _ = writeln!(text, "{name}_bucket{{le=\"{bound}\"}} {sum}");
        }
        let seconds = read(&self.duration_ms) as f64 / 1000.0;
        let _ = writeln!(text, "{name}_sum {seconds}\n{name}_count {sum}");
        text
    }
}
