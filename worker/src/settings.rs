//! What the environment says: the worker has no other configuration, beside the file of providers.

use std::path::PathBuf;
use std::time::Duration;

use auth_store_common::address::Allowed;
use auth_store_common::settings::{database, number, text};

/// All settings.
pub struct Settings {
    /// The server, as psql finds it.
    pub database: tokio_postgres::Config,
    /// The certificates that sign those of servers, beside those of the public internet: a file in PEM.
    pub ca_file: Option<PathBuf>,
    /// The deliveries that are sent at once.
    pub in_flight: usize,
    /// Those of them that go to one host.
    pub per_host: usize,
    /// Those of them that go to one webhook, from all workers.
    pub per_webhook: usize,
    /// How long a claimed delivery is this worker's.
    pub lease: Duration,
    /// How often to look for work where nobody tells of it.
    pub poll: Duration,
    /// How long a connection may take to come about.
    pub connect_timeout: Duration,
    /// How long a delivery may take in all.
    pub timeout: Duration,
    /// The addresses that may be connected to.
    pub allowed: Allowed,
    /// Where to show metrics and health; None: nowhere.
    pub listen: Option<String>,
    /// The providers whose connections to refresh; None: none are.
    pub providers: Option<PathBuf>,
}

/// What `--help` prints.
pub const HELP: &str = "\
Sends auth_store's webhooks, and refreshes the connections of its vault. Any number of workers may run.

Connects as psql does: PGHOST, PGPORT, PGUSER, PGDATABASE, PGPASSWORD or PGPASSFILE, PGSSLMODE (disable, prefer or
require; the server's certificate is always checked). The role needs auth_store_worker.

  WORKER_IN_FLIGHT        deliveries sent at once (100)
  WORKER_PER_HOST         of them to one host (20)
  WORKER_PER_WEBHOOK      of them to one webhook, from all workers together (10)
  WORKER_LEASE            seconds that a claimed delivery is this worker's (60)
  WORKER_POLL             seconds between looks for work where no notification comes (5)
  WORKER_CONNECT_TIMEOUT  seconds for a connection (3)
  WORKER_TIMEOUT          seconds for a delivery in all (15)
  WORKER_ALLOW            networks to deliver to although they are not public: 10.0.0.0/8,127.0.0.1
  WORKER_CA_FILE          certificates to trust beside the public ones, PEM
  WORKER_LISTEN           address for /metrics and /healthz (127.0.0.1:9464); empty for none
  WORKER_PROVIDERS        JSON file of the providers whose connections to refresh; without it none are
";

impl Settings {
    /// Reads them; what is wrong otherwise.
    pub fn read() -> Result<Self, String> {
        let seconds = |name, default| number(name, default).map(|value| Duration::from_secs(value as u64));
        let allow = text("WORKER_ALLOW")?.unwrap_or_default();
        let settings = Self {
            database: database("auth_store_worker")?,
            ca_file: text("WORKER_CA_FILE")?.filter(|path| !path.is_empty()).map(PathBuf::from),
            in_flight: number("WORKER_IN_FLIGHT", 100)?,
            per_host: number("WORKER_PER_HOST", 20)?,
            per_webhook: number("WORKER_PER_WEBHOOK", 10)?.min(1000),
            lease: seconds("WORKER_LEASE", 60)?,
            poll: seconds("WORKER_POLL", 5)?,
            connect_timeout: seconds("WORKER_CONNECT_TIMEOUT", 3)?,
            timeout: seconds("WORKER_TIMEOUT", 15)?,
            allowed: Allowed::parse(&allow).map_err(|text| format!("WORKER_ALLOW: {text} is no network"))?,
            listen: Some(text("WORKER_LISTEN")?.unwrap_or_else(|| "127.0.0.1:9464".to_owned()))
                .filter(|listen| !listen.is_empty()),
            providers: text("WORKER_PROVIDERS")?.filter(|path| !path.is_empty()).map(PathBuf::from),
        };
        // Or another worker would send the same delivery meanwhile.
        if settings.lease < settings.timeout + Duration::from_secs(5) {
            return Err("WORKER_LEASE must be 5 s longer than WORKER_TIMEOUT".to_owned());
        }
        Ok(settings)
    }
}
