//! The access log: a line of JSON for each request, on the standard output, written by a thread of its own, so that a
//! reader that is slow holds up no answer.

use std::io::Write;
use std::net::IpAddr;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::json;

use crate::metrics::Metrics;

/// Where lines go.
pub struct Log {
    lines: Option<SyncSender<String>>,
    metrics: &'static Metrics,
}

/// What a line says. Neither a query nor a header is in it, as both hold secrets.
pub struct Entry<'a> {
    pub method: &'a str,
    pub path: &'a str,
    pub status: u16,
    pub took: Duration,
    pub bytes: usize,
    pub ip: IpAddr,
    pub error: Option<&'a str>,
    pub client_id: Option<&'a str>,
    pub user_id: Option<&'a str>,
}

/// Lines that wait for the reader; what comes then is counted and dropped.
const WAITING: usize = 10_000;

/// Most bytes of a path that a line shows.
const PATH: usize = 200;

impl Log {
    /// Writes lines, or none.
    pub fn new(is_on: bool, metrics: &'static Metrics) -> Self {
        let lines = is_on.then(|| {
            let (lines, coming) = sync_channel(WAITING);
            std::thread::spawn(move || write(&coming));
            lines
        });
        Self { lines, metrics }
    }

    /// A request was answered.
    pub fn request(&self, entry: &Entry<'_>) {
        let Some(lines) = &self.lines else { return };
        let path: String = entry.path.chars().take(PATH).collect();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut line = json!({
            "time": now.as_millis() as u64, "method": entry.method, "path": path, "status": entry.status,
            "us": entry.took.as_micros() as u64, "bytes": entry.bytes, "ip": entry.ip.to_string(),
        });
        for (name, value) in
            [("error", entry.error), ("client_id", entry.client_id), ("user_id", entry.user_id)]
        {
            if let (Some(value), Some(object)) = (value, line.as_object_mut()) {
                object.insert(name.to_owned(), value.into());
            }
        }
        if lines.try_send(line.to_string()).is_err() {
            self.metrics.unlogged.fetch_add(1, Relaxed);
        }
    }

    /// Something failed that the operator should know of.
    pub fn failure(&self, path: &str, text: &str) {
        let path: String = path.chars().take(PATH).collect();
        let line = json!({ "path": path, "failure": text }).to_string();
        match &self.lines {
            // A line that is dropped is counted.
            Some(lines) if lines.try_send(line.clone()).is_ok() => {}
            Some(_) => {
                self.metrics.unlogged.fetch_add(1, Relaxed);
            }
            None => auth_store_common::say(&line),
        }
    }
}

/// Flushes where nothing more waits. Nobody has to read it.
fn write(coming: &Receiver<String>) {
    let mut out = std::io::BufWriter::new(std::io::stdout());
    while let Ok(line) = coming.recv() {
        let _ = writeln!(out, "{line}");
        while let Ok(line) = coming.try_recv() {
            let _ = writeln!(out, "{line}");
        }
        let _ = out.flush();
    }
}
