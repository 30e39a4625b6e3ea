//! The way of deliveries: claimed in batches, sent at once, completed in batches.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use auth_store_common::send::{Answer, Message, Sender, headers_of};
use auth_store_common::stop::Stop;
use auth_store_common::{say, why};
use tokio::sync::{Notify, Semaphore, mpsc};
use tokio::time::{Instant, sleep, timeout};
use url::Url;

use crate::metrics::Metrics;
use crate::store::{Completion, Delivery, Session, Store};

/// How many bytes of an answer's body are read: what the store keeps.
const BODY: usize = 4096;

/// How many attempts are completed at once, and how long the first of them waits for others.
const BATCH: usize = 200;
const LINGER: Duration = Duration::from_millis(5);

/// How long before the end of a lease its last attempt may end, at the latest.
const MARGIN: Duration = Duration::from_secs(2);

/// Sends what there is to send, until the worker is stopped and everything it has claimed is completed.
pub struct Deliverer {
    pub store: Store,
    pub sender: Arc<Sender>,
    pub metrics: &'static Metrics,
    /// Told when there may be work.
    pub told: Arc<Notify>,
    pub stop: Stop,
    pub in_flight: usize,
    pub per_host: usize,
    pub per_webhook: usize,
    pub lease: Duration,
    pub poll: Duration,
}

/// A delivery that came to its end.
struct Ended {
    host: String,
    /// None: it was not sent before its lease came to its end.
    completion: Option<Completion>,
}

/// A host that deliveries are claimed for.
struct Host {
    /// How many.
    claimed: usize,
    /// As many may be on their way.
    places: Arc<Semaphore>,
}

impl Deliverer {
    /// Runs until the worker is stopped.
    pub async fn run(self) {
        let (ended, endings) = mpsc::unbounded_channel();
        let (freed, mut freeings) = mpsc::unbounded_channel();
        let store = self.store.clone();
        let metrics = self.metrics;
        let completing = tokio::spawn(complete(store, metrics, endings, freed));
        let mut session = self.store.session("LISTEN auth_store_webhooks");
        let mut hosts: HashMap<String, Host> = HashMap::new();
        while !self.stop.is_set() {
            while let Ok(host) = freeings.try_recv() {
                free(&mut hosts, &host);
            }
            // What waits for a place of its host takes none from others.
            let busy: usize = hosts.values().map(|host| host.claimed.min(self.per_host)).sum();
            let claimed = if busy < self.in_flight {
                let max = (self.in_flight - busy).min(BATCH);
                let full = hosts.iter().filter(|(_, host)| host.claimed >= self.per_host);
                let full: Vec<_> = full.map(|(host, _)| host.clone()).collect();
                self.claim(&mut session, max, &full).await
            } else {
                Some(Vec::new())
            };
            let Some(claimed) = claimed else {
                self.pause(Duration::from_secs(1)).await;
                continue;
            };
            let idle = claimed.is_empty();
            for delivery in claimed {
                let name = host_of(&delivery.url);
                let host = hosts
                    .entry(name.clone())
                    .or_insert_with(|| Host { claimed: 0, places: Arc::new(Semaphore::new(self.per_host)) });
                host.claimed += 1;
                self.spawn(delivery, name, host.places.clone(), ended.clone());
            }
            if idle {
                self.wait(&mut hosts, &mut freeings).await;
            }
        }
        drop(ended);
        // Every delivery has its own time limit, and the completions wait for the database.
        let _ = completing.await;
    }

    async fn claim(&self, session: &mut Session, max: usize, full: &[String]) -> Option<Vec<Delivery>> {
        match session.claim(max, self.lease, self.per_webhook, full).await {
            Ok(deliveries) => {
                self.metrics.claimed();
                Some(deliveries)
            }
            Err(error) => {
                self.metrics.database_errors.fetch_add(1, Relaxed);
                say(&format!("webhook_claim: {}; trying again", why(&error)));
                None
            }
        }
    }

    /// Waits for work: a notification, a place that becomes free, or a while.
    async fn wait(&self, hosts: &mut HashMap<String, Host>, freeings: &mut mpsc::UnboundedReceiver<String>) {
        tokio::select! {
            () = self.told.notified() => {}
            () = self.stop.wait() => {}
            host = freeings.recv(), if !hosts.is_empty() => {
                if let Some(host) = host {
                    free(hosts, &host);
                }
            }
            () = sleep(self.poll) => {}
        }
    }

    async fn pause(&self, time: Duration) {
        // Either way the loop looks whether to go on.
        let _ = timeout(time, self.stop.wait()).await;
    }

    /// Sends a delivery once its host has a place: one claim may have brought more for the host than it has places.
    fn spawn(
        &self,
        delivery: Delivery,
        host: String,
        places: Arc<Semaphore>,
        ended: mpsc::UnboundedSender<Ended>,
    ) {
        let (sender, metrics) = (self.sender.clone(), self.metrics);
        // After that another worker could have it before it is completed.
        let patience = self.lease.saturating_sub(self.sender.timeout + MARGIN);
        tokio::spawn(async move {
            let completion = match timeout(patience, places.acquire_owned()).await {
                Ok(_place) => {
                    metrics.in_flight.fetch_add(1, Relaxed);
                    let completion = attempt(&sender, delivery).await;
                    metrics.in_flight.fetch_sub(1, Relaxed);
                    metrics.attempted(completion.duration_ms);
                    Some(completion)
                }
                Err(_) => None,
            };
            // The other end lives until the last sender is gone.
            let _ = ended.send(Ended { host, completion });
        });
    }
}

fn free(hosts: &mut HashMap<String, Host>, name: &str) {
    if let Some(host) = hosts.get_mut(name) {
        host.claimed -= 1;
        if host.claimed == 0 {
            hosts.remove(name);
        }
    }
}

/// The host of a URL, as webhook_claim() compares it.
fn host_of(url: &str) -> String {
    Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default()
}

async fn attempt(sender: &Sender, delivery: Delivery) -> Completion {
    let started = Instant::now();
    let answer = match headers_of(&delivery.headers) {
        Some(headers) => {
            // A receiver knows a repetition by its id.
            let message = Message {
                url: &delivery.url,
                headers,
                body: Some(delivery.body),
                keep: BODY,
                repeatable: true,
            };
            sender.send(message).await
        }
        None => Err("the headers are malformed".to_owned()),
    };
    let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let mut completion = Completion {
        delivery_id: delivery.id,
        attempt: delivery.attempt,
        http_status: None,
        response_body: None,
        response_headers: None,
        duration_ms,
        error: None,
    };
    match answer.and_then(known) {
        Ok(answer) => {
            completion.http_status = Some(answer.status);
            completion.response_headers = Some(answer.headers);
            // No text of PostgreSQL holds a NUL.
            let body = String::from_utf8_lossy(&answer.body).replace('\0', "\u{fffd}");
            completion.response_body = Some(body);
        }
        Err(error) => completion.error = Some(error),
    }
    completion
}

/// An answer whose status has a meaning (RFC 9110 section 15). The store refuses any other one, and with it all that is
/// completed in the same call.
fn known(answer: Answer) -> Result<Answer, String> {
    match answer.status {
        100..=599 => Ok(answer),
        status => Err(format!("the answer has the unknown status {status}")),
    }
}

/// Completes attempts until the last one is told of. A crash of the server may forget the last completions: then the
/// deliveries are sent again, with the ids that they had.
async fn complete(
    store: Store,
    metrics: &Metrics,
    mut endings: mpsc::UnboundedReceiver<Ended>,
    freed: mpsc::UnboundedSender<String>,
) {
    let mut session = store.session("SET synchronous_commit = off");
    while let Some(first) = endings.recv().await {
        let mut batch = vec![first];
        let end = Instant::now() + LINGER;
        while batch.len() < BATCH {
            match tokio::time::timeout_at(end, endings.recv()).await {
                Ok(Some(ended)) => batch.push(ended),
                _ => break,
            }
        }
        let (hosts, completions): (Vec<_>, Vec<_>) =
            batch.into_iter().map(|ended| (ended.host, ended.completion)).unzip();
        let completions: Vec<_> = completions.into_iter().flatten().collect();
        if !completions.is_empty() {
            store_all(&mut session, metrics, &completions).await;
        }
        for host in hosts {
            // Nobody listens once the worker is stopped.
            let _ = freed.send(host);
        }
    }
}

/// Tells the store until it has answered: what was sent must not be sent again because nobody said so. A completion
/// that comes after the end of its lease is good as long as nobody else has the delivery.
async fn store_all(session: &mut Session, metrics: &Metrics, completions: &[Completion]) {
    let mut patience = 60;
    loop {
        match session.complete(completions).await {
            Ok(statuses) => return statuses.iter().for_each(|status| metrics.completed(status)),
            Err(error) => {
                metrics.database_errors.fetch_add(1, Relaxed);
                say(&format!("webhook_complete_batch: {}; trying again", why(&error)));
                // What the server itself refuses, it refuses again: the leases end, and others send.
                patience -= if error.as_db_error().is_some() { 20 } else { 1 };
                if patience <= 0 {
                    return;
                }
                sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::known;
    use auth_store_common::send::Answer;

    /// RFC 9110 section 15.
    #[test]
    fn a_status_that_means_nothing_is_no_answer() {
        let answered = |status| known(Answer { status, headers: Default::default(), body: Vec::new() });
        for status in [100, 200, 599] {
            assert!(answered(status).is_ok(), "{status}");
        }
        for status in [0, 99, 600, 999] {
            assert!(answered(status).is_err(), "{status}");
        }
    }
}
