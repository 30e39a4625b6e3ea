//! The closed loop and its clock.

use std::fmt::Write as _;
use std::time::{Duration, Instant, SystemTime};

use tokio_postgres::Client;

use crate::{Outcome, Plan, Work, connect};

/// What a run measured.
pub struct Report {
    calls: usize,
    elapsed: Duration,
    /// When each call ended, counted from the start, and how long it took; microseconds, by the former.
    samples: Vec<(u64, u64)>,
}

/// Prepares every connection, then lets them run together for the plan's time.
pub async fn run<W, P, F>(plan: &Plan, prepare: P) -> Outcome<Report>
where
    W: Work + 'static,
    P: Fn(Plan, usize, Client) -> F,
    F: Future<Output = Outcome<(W, Client)>>,
{
    let mut ready = Vec::new();
    for n in 0..plan.clients {
        ready.push(prepare(plan.clone(), n, connect().await?).await?);
    }
    let (start, epoch) = (Instant::now(), SystemTime::now());
    let end = start + Duration::from_secs_f64(plan.seconds);
    // Paced calls are due at fixed times; their latency counts from then, so that a stall shows in all it delays.
    let every = (plan.rate > 0.0).then(|| Duration::from_secs_f64(plan.clients as f64 / plan.rate));
    let mut tasks = Vec::new();
    for (n, (mut work, mut client)) in ready.into_iter().enumerate() {
        let offset = every.map_or(Duration::ZERO, |every| every.mul_f64(n as f64 / plan.clients as f64));
        tasks.push(tokio::spawn(async move {
            let mut samples = Vec::new();
            let mut due = start + offset;
            loop {
                let began = match every {
                    Some(every) => {
                        tokio::time::sleep_until(due.into()).await;
                        let this = due;
                        due += every;
                        this
                    }
                    None => Instant::now(),
                };
                if Instant::now() >= end {
                    return Outcome::Ok(samples);
                }
                work.call(&mut client).await?;
                let ended = Instant::now();
                samples.push((micros(ended - start), micros(ended - began)));
            }
        }));
    }
    let mut samples = Vec::new();
    for task in tasks {
        samples.extend(task.await??);
    }
    samples.sort_unstable();
    if let Some(path) = &plan.samples {
        let epoch = micros(epoch.duration_since(SystemTime::UNIX_EPOCH)?);
        let mut lines = String::new();
        for (ended, latency) in &samples {
            writeln!(lines, "{} {latency}", epoch + ended)?;
        }
        std::fs::write(path, lines)?;
    }
    Ok(Report { calls: samples.len(), elapsed: start.elapsed(), samples })
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

impl Report {
    pub fn json(&self) -> String {
        let mut latencies: Vec<u64> = self.samples.iter().map(|&(_, latency)| latency).collect();
        latencies.sort_unstable();
        let at = |share: f64| -> f64 {
            let last = latencies.len().saturating_sub(1);
            latencies
                .get((last as f64 * share).round() as usize)
                .map_or(0.0, |&micros| micros as f64 / 1000.0)
        };
        format!(
            "{{\"calls\": {}, \"per_second\": {:.1}, \"p50_ms\": {}, \"p95_ms\": {}, \"p99_ms\": {}, \"max_ms\": {}}}",
            self.calls,
            self.calls as f64 / self.elapsed.as_secs_f64(),
            at(0.5),
            at(0.95),
            at(0.99),
            at(1.0)
        )
    }
}
