//! The HTTP in front of auth_store: a request is one call of the database, and people get pages to log in.

mod answer;
mod caller;
mod fetch;
mod flow;
mod log;
mod mail;
mod metrics;
mod pages;
mod place;
mod protocol;
mod seal;
mod serve;
mod settings;
mod store;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use auth_store_common::send::Sender;
use auth_store_common::server::Server;
use auth_store_common::stop::Stop;
use auth_store_common::{say, scrape, tls};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::fetch::Fetcher;
use crate::log::Log;
use crate::metrics::Metrics;
use crate::pages::Cookies;
use crate::place::Places;
use crate::seal::Seal;
use crate::settings::{HELP, Settings};
use crate::store::Store;

/// What every request needs.
pub struct Front {
    /// What the operator wants.
    pub settings: Settings,
    /// The database.
    pub store: Store,
    /// What has been done.
    pub metrics: &'static Metrics,
    /// What is told of it.
    pub log: Log,
    /// What fetches documents of clients.
    pub fetcher: Fetcher,
    /// Where browsers ask.
    pub places: Places,
    /// What seals cookies and forms.
    pub seal: Seal,
    /// The names of cookies.
    pub cookies: Cookies,
}

/// How long fetching a client's document may take: a person waits for it.
const FETCH_CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);

fn main() -> ExitCode {
    if std::env::args().len() > 1 {
        print!("{HELP}");
        return ExitCode::from(u8::from(std::env::args().nth(1).as_deref() != Some("--help")) * 2);
    }
    match Settings::read().and_then(run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(settings: Settings) -> Result<(), String> {
    let mut builder = match settings.threads {
        1 => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    let runtime = builder.worker_threads(settings.threads).enable_all().build();
    runtime.map_err(|error| error.to_string())?.block_on(start(settings))
}

async fn start(mut settings: Settings) -> Result<(), String> {
    let stop = Stop::on_signals().map_err(|error| error.to_string())?;
    let tls = tls::client("FRONT_CA_FILE", settings.ca_file.as_deref())?;
    // What lives as long as the program.
    let metrics: &'static Metrics = Box::leak(Box::default());
    let seal = Seal::new(settings.key)?;
    let server = Server::new(settings.database.clone(), tls.clone());
    let allowed = std::mem::take(&mut settings.allowed);
    let sender = Sender::new(allowed.into(), Arc::new(tls), FETCH_CONNECT_TIMEOUT, FETCH_TIMEOUT);
    let front: &'static Front = Box::leak(Box::new(Front {
        store: Store::new(server, metrics, settings.pool, settings.timeout),
        log: Log::new(settings.access_log, metrics),
        fetcher: Fetcher::new(sender, metrics),
        places: Places::default(),
        cookies: Cookies::new(&settings),
        settings,
        metrics,
        seal,
    }));
    let listen = &front.settings.listen;
    let wrong = |name: &str, listen: &str, error: std::io::Error| format!("{name} {listen}: {error}");
    let own = front.settings.tls.as_ref();
    let own = own.map(|(certificate, key)| tls::server(certificate, key)).transpose()?;
    let own = own.map(|config| TlsAcceptor::from(Arc::new(config)));
    let listener = TcpListener::bind(listen).await.map_err(|error| wrong("FRONT_LISTEN", listen, error))?;
    if let Some(listen) = &front.settings.metrics {
        let bound = TcpListener::bind(listen).await.map_err(|error| wrong("FRONT_METRICS", listen, error))?;
        let address = bound.local_addr().map_err(|error| error.to_string())?;
        say(&format!("metrics and health at http://{address}"));
        tokio::spawn(scrape::serve(bound, || metrics.text(), || front.store.is_well()));
    }
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    say(&format!("started at http://{address} for {}", front.settings.origin));
    tokio::spawn(remark(front));
    serve::serve(listener, front, own, stop).await;
    say("stopped");
    Ok(())
}

/// Says at once what every request would be refused for.
async fn remark(front: &'static Front) {
    let tenant = front.settings.tenant.as_deref();
    match front.store.rows("provider_get", &[("tenant_id", "text", tenant)]).await {
        Ok(issuers) if issuers.is_empty() => front.log.failure(
            "",
            &format!(
                "there is no issuer yet: SELECT auth_store.provider_set(issuer => '{}')",
                front.settings.origin
            ),
        ),
        Ok(_) => {}
        Err(failure) => front.log.failure("", failure.text()),
    }
}
