//! The wish to end: SIGTERM or SIGINT.

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// Whether the worker was asked to end.
#[derive(Clone)]
pub struct Stop(watch::Receiver<bool>);

impl Stop {
    /// Listens for the signals from now on.
    pub fn on_signals() -> std::io::Result<Self> {
        let (set, stop) = watch::channel(false);
        let (mut terminate, mut interrupt) =
            (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        tokio::spawn(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            // Whoever does not listen any more has ended.
            let _ = set.send(true);
        });
        Ok(Self(stop))
    }

    /// Whether it was.
    pub fn is_set(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until it is.
    pub async fn wait(&self) {
        let mut stop = self.0.clone();
        // The other end lives until it has said so.
        let _ = stop.wait_for(|set| *set).await;
    }
}
