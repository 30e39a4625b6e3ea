//! The database: connections that come back, and the calls of the store.
//!
//! Statements are unnamed and values are parameters, so that the worker runs behind a pooler too, and no log of
//! statements has a token in it.

use std::sync::Arc;
use std::time::Duration;

use auth_store_common::server::Server;
use serde::Serialize;
use tokio::sync::Notify;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error, Row};

/// Where the database is, and how to reach it.
#[derive(Clone)]
pub struct Store {
    server: Server,
    /// What each new connection is told first.
    opening: &'static str,
    /// Told at each notification.
    told: Arc<Notify>,
}

/// A connection, made where it is needed and made anew where it has broken.
pub struct Session {
    store: Store,
    client: Option<Client>,
}

/// A delivery that this worker is to send.
pub struct Delivery {
    /// Its id.
    pub id: String,
    /// Which attempt this is.
    pub attempt: i32,
    /// Where it goes.
    pub url: String,
    /// Its headers, a JSON object of texts.
    pub headers: String,
    /// Its body.
    pub body: String,
}

/// What became of an attempt, as webhook_complete_batch() takes it.
#[derive(Serialize)]
pub struct Completion {
    /// The delivery.
    pub delivery_id: String,
    /// The attempt.
    pub attempt: i32,
    /// The status of the answer; None: there was none.
    pub http_status: Option<u16>,
    /// The start of its body.
    pub response_body: Option<String>,
    /// Its headers.
    pub response_headers: Option<serde_json::Map<String, serde_json::Value>>,
    /// How long it took.
    pub duration_ms: u64,
    /// Why there was no answer.
    pub error: Option<String>,
}

impl Store {
    /// The database of these settings.
    pub fn new(server: Server, told: Arc<Notify>) -> Self {
        Self { server, opening: "", told }
    }

    /// A connection that is told this first.
    pub fn session(&self, opening: &'static str) -> Session {
        Session { store: Self { opening, ..self.clone() }, client: None }
    }

    async fn connect(&self) -> Result<Client, Error> {
        let told = self.told.clone();
        let client = self.server.connect(move || told.notify_one()).await?;
        if !self.opening.is_empty() {
            client.batch_execute(self.opening).await?;
        }
        Ok(client)
    }
}

impl Session {
    /// The rows of a statement whose parameters are texts, integers or arrays of texts.
    pub async fn rows(
        &mut self,
        sql: &str,
        values: &[(&(dyn ToSql + Sync), Type)],
    ) -> Result<Vec<Row>, Error> {
        if self.client.as_ref().is_none_or(Client::is_closed) {
            self.client = Some(self.store.connect().await?);
        }
        match &self.client {
            Some(client) => client.query_typed(sql, values).await,
            None => Ok(Vec::new()),
        }
    }

    /// Claims deliveries, none of which goes to these hosts.
    pub async fn claim(
        &mut self,
        max: usize,
        lease: Duration,
        per_webhook: usize,
        busy: &[String],
    ) -> Result<Vec<Delivery>, Error> {
        let number = |number: usize| i32::try_from(number).unwrap_or(i32::MAX);
        let (max, per_webhook) = (number(max), number(per_webhook));
        let rows = self
            .rows(
                "SELECT delivery_id::text, attempt, url, headers::text, body
                   FROM auth_store.webhook_claim($1, $2::text::interval, $3, $4)",
                &[
                    (&max, Type::INT4),
                    (&format!("{} s", lease.as_secs()), Type::TEXT),
                    (&per_webhook, Type::INT4),
                    (&busy, Type::TEXT_ARRAY),
                ],
            )
            .await?;
        let delivery = |row: &Row| -> Result<_, Error> {
            Ok(Delivery {
                id: row.try_get(0)?,
                attempt: row.try_get(1)?,
                url: row.try_get(2)?,
                headers: row.try_get(3)?,
                body: row.try_get(4)?,
            })
        };
        rows.iter().map(delivery).collect()
    }

    /// Completes attempts; the status of each.
    pub async fn complete(&mut self, completions: &[Completion]) -> Result<Vec<String>, Error> {
        let results = serde_json::to_string(completions).unwrap_or_default();
        let sql = "SELECT status FROM auth_store.webhook_complete_batch($1::text::jsonb)";
        let rows = self.rows(sql, &[(&results, Type::TEXT)]).await?;
        rows.iter().map(|row| row.try_get(0)).collect()
    }
}
