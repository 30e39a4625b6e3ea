//! What the environment says: the worker has no other configuration, beside the file of providers.

use std::env::{self, VarError};
use std::path::PathBuf;
use std::time::Duration;

use tokio_postgres::config::SslMode;

use crate::address::Allowed;

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
            database: database()?,
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

fn text(name: &str) -> Result<Option<String>, String> {
    match env::var(name) {
        Ok(value) => Ok(Some(value)),
        Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(_)) => Err(format!("{name} is no UTF-8")),
    }
}

fn number(name: &str, default: usize) -> Result<usize, String> {
    match text(name)? {
        None => Ok(default),
        Some(value) => match value.parse() {
            Ok(number) if (1..=100_000).contains(&number) => Ok(number),
            _ => Err(format!("{name} must be a number from 1 to 100000")),
        },
    }
}

fn database() -> Result<tokio_postgres::Config, String> {
    let mut config = tokio_postgres::Config::new();
    config.application_name("auth_store_worker").connect_timeout(Duration::from_secs(10));
    let host = text("PGHOST")?.unwrap_or_else(|| "/var/run/postgresql".to_owned());
    let port: u16 = number("PGPORT", 5432)?.try_into().map_err(|_| "PGPORT is no port".to_owned())?;
    let user = match text("PGUSER")? {
        Some(user) => user,
        None => text("USER")?.ok_or("PGUSER is not set")?,
    };
    let database = text("PGDATABASE")?.unwrap_or_else(|| user.clone());
    let password = match (text("PGPASSWORD")?, text("PGPASSFILE")?) {
        (None, Some(path)) => {
            let lines =
                std::fs::read_to_string(&path).map_err(|error| format!("PGPASSFILE {path}: {error}"))?;
            password(&lines, [&host, &port.to_string(), &database, &user])
        }
        (password, _) => password,
    };
    if let Some(password) = password {
        config.password(password);
    }
    config.host(host).port(port).dbname(database).user(user);
    config.ssl_mode(match text("PGSSLMODE")?.as_deref() {
        Some("disable") => SslMode::Disable,
        None | Some("prefer" | "allow") => SslMode::Prefer,
        Some("require" | "verify-ca" | "verify-full") => SslMode::Require,
        Some(_) => return Err("PGSSLMODE must be disable, prefer or require".to_owned()),
    });
    Ok(config)
}

/// The password for this server in lines of `host:port:database:user:password`, where `*` fits everything and `\:` is a
/// colon: the first that fits.
fn password(lines: &str, server: [&str; 4]) -> Option<String> {
    lines.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let mut fields = fields(line).into_iter();
        // A socket's directory is localhost there.
        let fits = |field: &str, wanted: &str| {
            field == "*" || field == wanted || (wanted.starts_with('/') && field == "localhost")
        };
        let all = server.iter().all(|wanted| fields.next().is_some_and(|field| fits(&field, wanted)));
        all.then(|| fields.next()).flatten()
    })
}

/// The five fields of a line; the last one may have colons in it.
fn fields(line: &str) -> Vec<String> {
    let (mut fields, mut characters) = (vec![String::new()], line.chars());
    while let Some(character) = characters.next() {
        let ends = character == ':' && fields.len() < 5;
        if ends {
            fields.push(String::new());
        } else if let Some(field) = fields.last_mut() {
            field.extend(if character == '\\' { characters.next() } else { Some(character) });
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::password;

    #[test]
    fn a_password_is_that_of_the_first_line_that_fits() {
        let lines = "# db:5432:app:worker:commented\n\
            other:5432:app:worker:a\n\
            db:5433:app:worker:b\n\
            db:5432:app:worker\n\
            db:*:app:worker:c:d\\\\e\\:f\n\
            localhost:*:a\\:b:*:g\n\
            *:*:*:*:h\n";
        for (server, found) in [
            (["db", "5432", "app", "worker"], "c:d\\e:f"),
            (["db", "5433", "app", "worker"], "b"),
            (["/run/postgresql", "5432", "a:b", "worker"], "g"),
            (["db", "5432", "app", "other"], "h"),
        ] {
            assert_eq!(password(lines, server).as_deref(), Some(found), "{server:?}");
        }
        assert_eq!(password("db:5432:app:worker:x", ["db", "5432", "app", "other"]), None);
    }
}
