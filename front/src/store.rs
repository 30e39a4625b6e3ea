//! The database: a pool of connections, and the calls of the store.
//!
//! Statements are prepared once a connection, and values are parameters, so no log of statements has a token in it.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use auth_store_common::server::Server;
use auth_store_common::why;
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error, Row, Statement};

use crate::metrics::Metrics;

/// Connections that wait for their next call.
pub struct Store {
    server: Server,
    metrics: &'static Metrics,
    /// As many as there may be connections.
    free: Semaphore,
    idle: Mutex<Vec<Session>>,
    /// How long a call may take, and how long a request waits for a connection.
    patience: Duration,
}

struct Session {
    client: Client,
    statements: HashMap<String, Statement>,
    since: Instant,
}

/// How long a connection is used: what a backend keeps for it is given back then.
const LIFE: Duration = Duration::from_secs(3600);

/// Why there is no answer.
#[derive(Debug)]
pub enum Failure {
    /// The database can't answer now: away, busy, read-only, or not set up as a provider.
    Unavailable(String),
    /// What a browser has sent names something that is not there: SQLSTATE 22023, 22P02, 23503.
    Refused(String),
    /// The database has answered by an error that it should not have.
    Broken(String),
}

/// An argument by its name, its type in SQL, and its value as a text.
pub type Argument<'a> = (&'a str, &'a str, Option<&'a str>);

impl Store {
    /// As many connections as this to a server.
    pub fn new(server: Server, metrics: &'static Metrics, size: usize, patience: Duration) -> Self {
        let (free, idle) = (Semaphore::new(size), Mutex::new(Vec::with_capacity(size)));
        Self { server, metrics, free, idle, patience }
    }

    /// Whether the database answers.
    pub async fn is_well(&self) -> bool {
        self.query("SELECT 1", &[]).await.is_ok()
    }

    /// The rows of a statement. A connection that fails is not used again; what it was to do may have been done.
    pub async fn query(
        &self,
        sql: &str,
        values: &[(&(dyn ToSql + Sync), Type)],
    ) -> Result<Vec<Row>, Failure> {
        let waited = timeout(self.patience, self.free.acquire()).await;
        let Ok(Ok(_permit)) = waited else {
            self.metrics.crowded.fetch_add(1, Relaxed);
            return Err(Failure::Unavailable("no connection to the database was free in time".to_owned()));
        };
        let done = timeout(self.patience, self.run(sql, values)).await;
        let failure = match done {
            Ok(Ok(rows)) => return Ok(rows),
            Ok(Err(error)) => Failure::from(error),
            Err(_) => Failure::Unavailable("the database did not answer in time".to_owned()),
        };
        self.metrics.database_errors.fetch_add(1, Relaxed);
        Err(failure)
    }

    async fn run(&self, sql: &str, values: &[(&(dyn ToSql + Sync), Type)]) -> Result<Vec<Row>, Error> {
        let mut session = match self.take() {
            Some(session) => session,
            None => self.connect().await?,
        };
        let statement = match session.statements.get(sql) {
            Some(statement) => statement.clone(),
            None => {
                let types: Vec<Type> = values.iter().map(|(_, kind)| kind.clone()).collect();
                let statement = session.client.prepare_typed(sql, &types).await?;
                session.statements.insert(sql.to_owned(), statement.clone());
                statement
            }
        };
        let parameters: Vec<&(dyn ToSql + Sync)> = values.iter().map(|(value, _)| *value).collect();
        let done = session.client.query(&statement, &parameters).await;
        // An error of the statement leaves the connection as it was. A timeout drops this future, and the connection.
        if done.as_ref().err().is_none_or(|error| error.as_db_error().is_some())
            && !session.client.is_closed()
        {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(session);
        }
        done
    }

    /// A connection that waits, the one used last, so that those too many come to their end.
    fn take(&self) -> Option<Session> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        std::iter::from_fn(|| idle.pop()).find(|one| !one.client.is_closed() && one.since.elapsed() < LIFE)
    }

    async fn connect(&self) -> Result<Session, Error> {
        let client = self.server.connect(|| ()).await?;
        // What nobody waits for any more ends in the server too.
        client.batch_execute(&format!("SET statement_timeout = {}", self.patience.as_millis())).await?;
        self.metrics.connected.fetch_add(1, Relaxed);
        Ok(Session { client, statements: HashMap::new(), since: Instant::now() })
    }

    /// The rows of a function of the store, each as JSON.
    pub async fn rows(&self, function: &str, arguments: &[Argument<'_>]) -> Result<Vec<Value>, Failure> {
        let mut sql = format!("SELECT pg_catalog.to_jsonb(answer)::text FROM auth_store.{function}(");
        for (place, (name, kind, _)) in arguments.iter().enumerate() {
            let comma = if place == 0 { "" } else { ", " };
            // Writing to a String does not fail.
            let _ = write!(sql, "{comma}{name} => ${}::text::{kind}", place + 1);
        }
        sql.push_str(") AS answer");
        let values: Vec<Option<&str>> = arguments.iter().map(|(_, _, value)| *value).collect();
        let values: Vec<(&(dyn ToSql + Sync), Type)> =
            values.iter().map(|value| (value as &(dyn ToSql + Sync), Type::TEXT)).collect();
        let rows = self.query(&sql, &values).await?;
        rows.iter()
            .map(|row| {
                let text: Option<String> = row.try_get(0).map_err(Failure::from)?;
                serde_json::from_str(text.as_deref().unwrap_or("null"))
                    .map_err(|_| Failure::Broken(format!("{function} did not answer by JSON")))
            })
            .collect()
    }

    /// The row of a function that returns one.
    pub async fn row(&self, function: &str, arguments: &[Argument<'_>]) -> Result<Value, Failure> {
        let rows = self.rows(function, arguments).await?;
        rows.into_iter().next().ok_or_else(|| Failure::Broken(format!("{function} did not answer")))
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let said = why(&error);
        match error.code().map(|code| code.code()) {
            Some("22023" | "22P02" | "23503" | "22004") => Self::Refused(said),
            // Not set up, read-only, buckets that move to another shard, cancelled, or the server's resources: none of
            // it is the request's fault.
            Some("55000" | "25006" | "55006") => Self::Unavailable(said),
            Some(code) if ["08", "53", "57", "40"].iter().any(|class| code.starts_with(class)) => {
                Self::Unavailable(said)
            }
            Some(_) => Self::Broken(said),
            None => Self::Unavailable(said),
        }
    }
}

impl Failure {
    /// In words, for the log.
    pub fn text(&self) -> &str {
        match self {
            Self::Unavailable(text) | Self::Refused(text) | Self::Broken(text) => text,
        }
    }
}

/// A member of a row that is a text.
pub fn text<'a>(row: &'a Value, name: &str) -> Option<&'a str> {
    row.get(name).and_then(Value::as_str)
}

/// Whether a member of a row is true.
pub fn is_true(row: &Value, name: &str) -> bool {
    row.get(name).and_then(Value::as_bool) == Some(true)
}
