//! What the environment says: the front has no other configuration.

use std::path::PathBuf;
use std::time::Duration;

use auth_store_common::address::Networks;
use auth_store_common::settings::{database, number, switch, text};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use url::{Host, Url};

/// All settings.
pub struct Settings {
    /// The server, as psql finds it.
    pub database: tokio_postgres::Config,
    /// The address to listen at.
    pub listen: String,
    /// The certificate and its key, files in PEM; None: a proxy before it speaks TLS.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// Where browsers find the front: scheme, host and port, without a slash at the end.
    pub origin: String,
    /// The tenant that people log in to where no request says; None: that of the role's session.
    pub tenant: Option<String>,
    /// The connections to the database.
    pub pool: usize,
    /// Connections of clients at a time.
    pub connections: usize,
    /// Most bytes of a body.
    pub max_body: usize,
    /// How long a request may take in all.
    pub timeout: Duration,
    /// How long requests that have begun may take after SIGTERM.
    pub patience: Duration,
    /// Threads that serve.
    pub threads: usize,
    /// The proxies whose word on the client's address is taken.
    pub proxies: Networks,
    /// The header in which a proxy passes the client's certificate.
    pub certificate_header: Option<String>,
    /// Whether each request is a line on the standard output.
    pub access_log: bool,
    /// Where to show metrics and health; None: nowhere.
    pub metrics: Option<String>,
    /// Whether the front has pages of its own.
    pub pages: bool,
    /// The cookie that holds the session's token, where pages of others set it.
    pub session_cookie: Option<String>,
    /// What cookies and forms are sealed with; None: made at the start.
    pub key: Option<[u8; 32]>,
    /// The program that sends mails, as sendmail does; None: no mails are sent.
    pub sendmail: Option<PathBuf>,
    /// Who mails come from.
    pub mail_from: String,
    /// The networks, beside the public internet, that documents of clients may be fetched from.
    pub allowed: Networks,
    /// The certificates that sign those of servers, beside those of the public internet: a file in PEM.
    pub ca_file: Option<PathBuf>,
}

/// What `--help` prints.
pub const HELP: &str = "\
The HTTP in front of auth_store: a request is one call of the database. Any number of fronts may run.

Connects as psql does: PGHOST, PGPORT, PGUSER, PGDATABASE, PGPASSWORD or PGPASSFILE, PGSSLMODE (disable, prefer or
require; the server's certificate is always checked). The role needs auth_store_app.

  FRONT_LISTEN              address to listen at (127.0.0.1:8080)
  FRONT_ORIGIN              where browsers find it: https://id.example (http://localhost:8080)
  FRONT_TLS_CERTIFICATE     PEM file with the certificate and those between, to speak TLS without a proxy
  FRONT_TLS_KEY             PEM file with its private key
  FRONT_TENANT              the tenant that people log in to where no request says (that of the role)
  FRONT_POOL                connections to the database (16)
  FRONT_CONNECTIONS         connections of clients at a time (2000)
  FRONT_MAX_BODY            bytes of a body (65536)
  FRONT_TIMEOUT             seconds for a request in all (15)
  FRONT_PATIENCE            seconds that what has begun may take after SIGTERM (20)
  FRONT_THREADS             threads that serve (1)
  FRONT_PROXIES             networks of proxies whose X-Forwarded-For is believed: 10.0.0.0/8,127.0.0.1
  FRONT_CERTIFICATE_HEADER  header in which such a proxy passes the client's certificate: ssl-client-cert, client-cert
  FRONT_ACCESS_LOG          on or off: a line of JSON for each request (on)
  FRONT_METRICS             address for /metrics and /healthz (127.0.0.1:9465); empty for none
  FRONT_PAGES               on or off: log-in, consent, device, account and log-out pages (on)
  FRONT_SESSION_COOKIE      the cookie with the session's token, where pages of yours set it (__Host-session)
  FRONT_KEY                 32 bytes in base64 that seal cookies and forms; the same for all fronts (made at the start)
  FRONT_SENDMAIL            program that sends mails as sendmail -t -i does; without it no links are mailed
  FRONT_MAIL_FROM           who they come from
  FRONT_ALLOW               networks to fetch documents of clients from although they are not public
  FRONT_CA_FILE             certificates to trust beside the public ones, PEM
";

impl Settings {
    /// Reads them; what is wrong otherwise.
    pub fn read() -> Result<Self, String> {
        let seconds = |name, default| number(name, default).map(|value| Duration::from_secs(value as u64));
        let given = |name| text(name).map(|value| value.filter(|value| !value.is_empty()));
        let or = |name, default: &str| text(name).map(|value| value.unwrap_or_else(|| default.to_owned()));
        let networks = |name: &'static str| {
            Networks::parse(&text(name)?.unwrap_or_default())
                .map_err(|text| format!("{name}: {text} is no network"))
        };
        Ok(Self {
            database: database("auth_store_front")?,
            listen: or("FRONT_LISTEN", "127.0.0.1:8080")?,
            origin: origin(&or("FRONT_ORIGIN", "http://localhost:8080")?)?,
            tls: match (given("FRONT_TLS_CERTIFICATE")?, given("FRONT_TLS_KEY")?) {
                (Some(certificate), Some(key)) => Some((certificate.into(), key.into())),
                (None, None) => None,
                _ => return Err("FRONT_TLS_CERTIFICATE and FRONT_TLS_KEY belong together".to_owned()),
            },
            tenant: given("FRONT_TENANT")?,
            pool: number("FRONT_POOL", 16)?,
            connections: number("FRONT_CONNECTIONS", 2000)?,
            max_body: number("FRONT_MAX_BODY", 65_536)?,
            timeout: seconds("FRONT_TIMEOUT", 15)?,
            patience: seconds("FRONT_PATIENCE", 20)?,
            threads: number("FRONT_THREADS", 1)?.min(64),
            proxies: networks("FRONT_PROXIES")?,
            certificate_header: given("FRONT_CERTIFICATE_HEADER")?.map(|name| name.to_ascii_lowercase()),
            access_log: switch("FRONT_ACCESS_LOG", true)?,
            metrics: Some(or("FRONT_METRICS", "127.0.0.1:9465")?).filter(|listen| !listen.is_empty()),
            pages: switch("FRONT_PAGES", true)?,
            session_cookie: given("FRONT_SESSION_COOKIE")?,
            key: given("FRONT_KEY")?.map(|text| key(&text)).transpose()?,
            sendmail: given("FRONT_SENDMAIL")?.map(PathBuf::from),
            mail_from: or("FRONT_MAIL_FROM", "")?,
            allowed: networks("FRONT_ALLOW")?,
            ca_file: given("FRONT_CA_FILE")?.map(PathBuf::from),
        })
    }

    /// Whether browsers come by https, so that cookies can be kept to it.
    pub fn is_secure(&self) -> bool {
        self.origin.starts_with("https:")
    }
}

fn origin(text: &str) -> Result<String, String> {
    let wrong = || {
        "FRONT_ORIGIN must be as https://id.example, without a path; http is for this machine alone: \
         http://localhost:8080"
            .to_owned()
    };
    let url = Url::parse(text).map_err(|_| wrong())?;
    let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    let is_here = match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    };
    let is_web = url.scheme() == "https" || (url.scheme() == "http" && is_here);
    if is_bare && is_web && url.username().is_empty() {
        Ok(url.origin().ascii_serialization())
    } else {
        Err(wrong())
    }
}

fn key(text: &str) -> Result<[u8; 32], String> {
    let bytes = STANDARD.decode(text.trim()).ok().and_then(|bytes| bytes.try_into().ok());
    bytes.ok_or_else(|| {
        "FRONT_KEY must be 32 bytes in base64, as openssl rand -base64 32 prints them".to_owned()
    })
}

/// Settings for the tests of other files.
#[cfg(test)]
pub fn for_tests() -> Settings {
    Settings {
        database: tokio_postgres::Config::new(),
        listen: String::new(),
        tls: None,
        origin: "https://id.example".to_owned(),
        tenant: None,
        pool: 1,
        connections: 1,
        max_body: 1,
        timeout: Duration::ZERO,
        patience: Duration::ZERO,
        threads: 1,
        proxies: Networks::default(),
        certificate_header: None,
        access_log: false,
        metrics: None,
        pages: true,
        session_cookie: None,
        key: None,
        sendmail: None,
        mail_from: String::new(),
        allowed: Networks::default(),
        ca_file: None,
    }
}

#[cfg(test)]
mod tests {
    use super::{key, origin};

    #[test]
    fn an_origin_has_no_path() {
        assert_eq!(origin("https://ID.example:443/").as_deref(), Ok("https://id.example"));
        assert_eq!(origin("http://localhost:8080").as_deref(), Ok("http://localhost:8080"));
        for text in [
            "https://id.example/a",
            "id.example",
            "ftp://id.example",
            "https://a@id.example",
            "https://a/?b",
            "http://id.example",
            "http://192.0.2.1",
        ] {
            assert!(origin(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_key_has_32_bytes() {
        assert_eq!(key("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="), Ok([0; 32]));
        assert!(key("AAAA").is_err() && key("no base64").is_err());
    }
}
