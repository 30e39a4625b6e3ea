//! Sends auth_store's webhooks, and refreshes the connections of its vault: what the database itself never does, as no
//! backend opens a connection.

mod deliver;
mod metrics;
mod provider;
mod refresh;
mod settings;
mod store;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use auth_store_common::address::Allowed;
use auth_store_common::send::Sender;
use auth_store_common::server::Server;
use auth_store_common::stop::Stop;
use auth_store_common::{say, scrape, tls};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::deliver::Deliverer;
use crate::metrics::Metrics;
use crate::refresh::Refresher;
use crate::settings::{HELP, Settings};
use crate::store::Store;

/// How many connections of the vault are refreshed at once, so that a provider that does not answer does not hold up
/// the others. Each has a session of the database.
const REFRESHERS: usize = 4;

fn main() -> ExitCode {
    if std::env::args().len() > 1 {
        print!("{HELP}");
        return ExitCode::from(u8::from(std::env::args().nth(1).as_deref() != Some("--help")) * 2);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let ended = runtime.map_err(|error| error.to_string()).and_then(|runtime| runtime.block_on(run()));
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), String> {
    let settings = Settings::read()?;
    let stop = Stop::on_signals().map_err(|error| error.to_string())?;
    let tls = tls::client("WORKER_CA_FILE", settings.ca_file.as_deref())?;
    let metrics: &'static Metrics = Box::leak(Box::new(Metrics::new()));
    if let Some(listen) = &settings.listen {
        let listener =
            TcpListener::bind(listen).await.map_err(|error| format!("WORKER_LISTEN {listen}: {error}"))?;
        let address = listener.local_addr().map_err(|error| error.to_string())?;
        say(&format!("metrics and health at http://{address}"));
        // Where as much is on its way as may be, nothing is claimed for the time of a delivery.
        let patience = settings.poll * 3 + settings.timeout + Duration::from_secs(10);
        let is_well = move || std::future::ready(metrics.is_well(patience));
        tokio::spawn(scrape::serve(listener, || metrics.text(), is_well));
    }
    let told = Arc::new(Notify::new());
    let store = Store::new(Server::new(settings.database, tls.clone()), told.clone());
    let tls = Arc::new(tls);
    let mut refreshing = JoinSet::new();
    if let Some(providers) = settings.providers.as_deref().map(provider::read).transpose()?.map(Arc::new) {
        // The operator has named the providers, so any address of theirs is meant.
        let anywhere = Allowed::anywhere();
        let sender = Arc::new(Sender::new(anywhere, tls.clone(), settings.connect_timeout, settings.timeout));
        for _ in 0..REFRESHERS {
            let refresher = Refresher {
                session: store.session(""),
                sender: sender.clone(),
                providers: providers.clone(),
                metrics,
                stop: stop.clone(),
                lease: settings.lease,
                poll: settings.poll,
            };
            refreshing.spawn(refresher.run());
        }
    }
    let deliverer = Deliverer {
        store,
        sender: Arc::new(Sender::new(settings.allowed, tls, settings.connect_timeout, settings.timeout)),
        metrics,
        told,
        stop,
        in_flight: settings.in_flight,
        per_host: settings.per_host,
        per_webhook: settings.per_webhook,
        lease: settings.lease,
        poll: settings.poll,
    };
    say("started");
    deliverer.run().await;
    while let Some(ended) = refreshing.join_next().await {
        ended.map_err(|error| error.to_string())?;
    }
    say("stopped");
    Ok(())
}
