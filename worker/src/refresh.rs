//! Refreshing the connections of the vault: a connection is leased, its provider asked, and what came back stored.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use auth_store_common::send::{Message, Sender};
use auth_store_common::stop::Stop;
use auth_store_common::{say, why};
use rand::TryRngCore;
use rand::seq::SliceRandom;
use tokio::time::{sleep, timeout};
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Error, Row};

use crate::metrics::Metrics;
use crate::provider::{End, Provider, Tokens};
use crate::store::Session;

/// Refreshes what is due.
pub struct Refresher {
    pub session: Session,
    pub sender: Arc<Sender>,
    pub providers: Arc<HashMap<String, Provider>>,
    pub metrics: &'static Metrics,
    pub stop: Stop,
    pub lease: Duration,
    pub poll: Duration,
}

/// How much of a provider's answer is read, in bytes.
const BODY: usize = 1 << 20;

struct Leased {
    refresh_token: String,
    fence: i64,
    /// When the lease began, by the database's clock.
    began: String,
}

impl Refresher {
    /// Runs until the worker is stopped; the connection in hand is brought to its end.
    pub async fn run(mut self) {
        while !self.stop.is_set() {
            let leased = match self.round().await {
                Ok(leased) => leased,
                Err(error) => {
                    self.metrics.database_errors.fetch_add(1, Relaxed);
                    say(&format!("connections_due: {}; trying again", why(&error)));
                    0
                }
            };
            if leased == 0 {
                // Either way the loop looks whether to go on.
                let _ = timeout(self.poll, self.stop.wait()).await;
            }
        }
    }

    /// Refreshes what is due; how many connections it leased.
    async fn round(&mut self) -> Result<usize, Error> {
        let sql = "SELECT connection_id::text, provider FROM auth_store.connections_due(100)";
        let mut due: Vec<(String, String)> = self
            .session
            .rows(sql, &[])
            .await?
            .iter()
            .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
            .collect::<Result<_, Error>>()?;
        // Workers that start together would ask for the same ones otherwise.
        due.shuffle(&mut rand::rngs::OsRng.unwrap_err());
        let mut leased = 0;
        for (id, provider) in due {
            if self.stop.is_set() {
                break;
            }
            leased += usize::from(self.refresh(&id, &provider).await?);
        }
        Ok(leased)
    }

    /// True if the lease was ours.
    async fn refresh(&mut self, id: &str, name: &str) -> Result<bool, Error> {
        let Some(leased) = self.lease(id, name).await? else { return Ok(false) };
        let outcome = match self.providers.get(name) {
            Some(provider) => ask(&self.sender, provider, &leased.refresh_token).await,
            None => Err("provider_not_configured".to_owned()),
        };
        let outcome = match outcome {
            Ok(tokens) => self.complete(id, &leased, &tokens).await,
            Err(reason) => Err(reason),
        };
        match outcome {
            Ok(true) => {
                self.metrics.refreshed.fetch_add(1, Relaxed);
                say(&format!("{name} {id}: refreshed"));
            }
            Ok(false) => say(&format!("{name} {id}: refused, lease_lost")),
            Err(reason) => {
                self.metrics.refresh_failures.fetch_add(1, Relaxed);
                let next = self.fail(id, leased.fence, &reason).await;
                say(&format!("{name} {id}: {reason}, {next}"));
            }
        }
        Ok(true)
    }

    async fn lease(&mut self, id: &str, name: &str) -> Result<Option<Leased>, Error> {
        let lease = format!("{} s", self.lease.as_secs());
        let rows = self
            .session
            .rows(
                "SELECT granted, refresh_token, fence, (leased_until - $2::text::interval)::text, error
                   FROM auth_store.connection_lease($1::text::uuid, $2::text::interval, true)",
                &[(&id, Type::TEXT), (&lease, Type::TEXT)],
            )
            .await?;
        let Some(row) = rows.first() else { return Ok(None) };
        if row.try_get::<_, Option<bool>>(0)? != Some(true) {
            let error: Option<String> = row.try_get(4)?;
            // Somebody else has it, or has refreshed it.
            if error.as_deref() != Some("temporarily_unavailable") {
                say(&format!("{name} {id}: not leased, {}", error.unwrap_or_default()));
            }
            return Ok(None);
        }
        Ok(Some(Leased { refresh_token: row.try_get(1)?, fence: row.try_get(2)?, began: row.try_get(3)? }))
    }

    /// Whether the store took the tokens; the reason if they do not fit into it.
    async fn complete(&mut self, id: &str, leased: &Leased, tokens: &Tokens) -> Result<bool, String> {
        let (life, epoch, at) = match &tokens.end {
            End::None => (None, None, None),
            End::In(seconds) => (Some(*seconds), None, None),
            End::Epoch(seconds) => (None, Some(*seconds), None),
            End::At(text) => (None, None, Some(text.as_str())),
        };
        let rows = self
            .persist(
                "connection_complete",
                "SELECT ok FROM auth_store.connection_complete($1::text::uuid, $2, $3, $4,
                     COALESCE($5::text::timestamptz + $6 * interval '1 s', to_timestamp($7), $8::text::timestamptz),
                     $9)",
                &[
                    (&id, Type::TEXT),
                    (&leased.fence, Type::INT8),
                    (&tokens.access_token, Type::TEXT),
                    (&tokens.refresh_token, Type::TEXT),
                    (&leased.began, Type::TEXT),
                    (&life, Type::FLOAT8),
                    (&epoch, Type::FLOAT8),
                    (&at, Type::TEXT),
                    (&tokens.scope, Type::TEXT),
                ],
            )
            .await
            .ok_or_else(|| "unfit_response".to_owned())?;
        Ok(rows.first().is_some_and(|row| row.try_get(0).unwrap_or(false)))
    }

    /// What follows from it. Without an answer the lease ends by itself, and the connection is due again.
    async fn fail(&mut self, id: &str, fence: i64, reason: &str) -> String {
        let sql = "SELECT ok, retry_after FROM auth_store.connection_fail($1::text::uuid, $2, $3)";
        let values: [(&(dyn ToSql + Sync), Type); 3] =
            [(&id, Type::TEXT), (&fence, Type::INT8), (&reason, Type::TEXT)];
        let rows = self.persist("connection_fail", sql, &values).await.unwrap_or_default();
        let row = rows.first();
        match row.and_then(|row| Some((row.try_get(0).ok()?, row.try_get(1).ok()?))) {
            Some((true, Some::<i32>(seconds))) => format!("again in {seconds} s"),
            Some((true, None)) => "not tried again".to_owned(),
            _ => "the lease is lost".to_owned(),
        }
    }

    /// Calls until the server has answered. The provider has replaced the refresh token by now, and the one in our
    /// hands is the only copy: so a server that is away is waited for, past the end of the lease too. A call may be
    /// repeated without harm, because the fence is good once. None if the server refuses what it is given.
    async fn persist(
        &mut self,
        what: &str,
        sql: &str,
        values: &[(&(dyn ToSql + Sync), Type)],
    ) -> Option<Vec<Row>> {
        loop {
            match self.session.rows(sql, values).await {
                Ok(rows) => return Some(rows),
                Err(error) => {
                    self.metrics.database_errors.fetch_add(1, Relaxed);
                    // Class 22, data exception: a token longer than the store takes.
                    if error.as_db_error().is_some_and(|error| error.code().code().starts_with("22")) {
                        say(&format!("{what}: {}", why(&error)));
                        return None;
                    }
                    say(&format!("{what}: {}; trying again", why(&error)));
                    sleep(Duration::from_secs(1)).await;
                }
            }
        }
    }
}

async fn ask(sender: &Sender, provider: &Provider, refresh_token: &str) -> Result<Tokens, String> {
    let (headers, body) = provider.request(refresh_token).ok_or("malformed_client_secret")?;
    // A refresh token that is used twice looks stolen, and ends its grant.
    let message =
        Message { url: &provider.token_endpoint, headers, body: Some(body), keep: BODY, repeatable: false };
    provider.tokens(&sender.send(message).await?)
}
