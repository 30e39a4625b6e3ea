//! The way to the database.

use tokio::io::{AsyncRead, AsyncWrite};
use tokio_postgres::config::Host;
use tokio_postgres::{AsyncMessage, Client, Connection, Error, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

/// Where the database is, and how to reach it.
#[derive(Clone)]
pub struct Server {
    config: tokio_postgres::Config,
    tls: MakeRustlsConnect,
}

impl Server {
    /// The database of these settings.
    pub fn new(config: tokio_postgres::Config, tls: rustls::ClientConfig) -> Self {
        Self { config, tls: MakeRustlsConnect::new(tls) }
    }

    /// A new connection. What is to be told of each notification is told at its end too: whoever waits for a
    /// notification looks for itself then, and finds the connection broken.
    pub async fn connect(&self, tell: impl Fn() + Send + 'static) -> Result<Client, Error> {
        // As with psql, a socket has no TLS.
        if self.config.get_hosts().iter().all(|host| matches!(host, Host::Unix(_))) {
            let (client, connection) = self.config.connect(NoTls).await?;
            tokio::spawn(drive(connection, tell));
            Ok(client)
        } else {
            let (client, connection) = self.config.connect(self.tls.clone()).await?;
            tokio::spawn(drive(connection, tell));
            Ok(client)
        }
    }
}

/// Moves a connection's messages until it ends.
async fn drive<S, T>(mut connection: Connection<S, T>, tell: impl Fn())
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    while let Some(Ok(message)) = std::future::poll_fn(|context| connection.poll_message(context)).await {
        if matches!(message, AsyncMessage::Notification(_)) {
            tell();
        }
    }
    tell();
}
