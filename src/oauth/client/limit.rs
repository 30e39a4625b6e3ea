//! The limit of a client's requests, its `rate_limit_per_hour`.
//!
//! A request that has authenticated as the client counts against the client. One that has not counts against the
//! network it came from, with the same limit, and a network over its limit is refused before its secret is looked at.
//! So knowledge of a client_id alone suffices to use up a network's tries, but not the client's requests.

use pgrx::iter::SetOfIterator;
use pgrx::prelude::*;

use crate::kernel::outcome::{Mistake, OrRaise};
use crate::kernel::server::composite::composite;
use crate::kernel::server::row::row;
use crate::kernel::server::spi::Statement;
use crate::kernel::value::clock::{self, Timestamp};
use crate::limit::{self, HOUR};
use crate::oauth::client::Client;
use crate::trail::Context;

composite! {
    /// A row of client_rates().
    pub struct ClientRate = "auth_store.client_rate" {
        pub tenant_id: Option<String>,
        pub client_id: Option<String>,
        pub max_per_hour: Option<i32>,
        pub used: Option<f64>,
    }
}

#[pg_extern(stable, parallel_safe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn client_rates() -> SetOfIterator<'static, ClientRate> {
    SetOfIterator::new(rates(clock::now()).or_raise())
}

row! {
    struct Limited {
        id: String,
        tenant_id: String,
        rate_limit_per_hour: i32,
    }
}

static LIMITED: Statement<Limited> = Statement::read(
    c"SELECT {columns} FROM auth_store.clients
       WHERE rate_limit_per_hour IS NOT NULL AND status = 'active'
       ORDER BY tenant_id, id",
);

fn rates(now: Timestamp) -> Result<Vec<ClientRate>, Mistake> {
    LIMITED
        .all(&[])?
        .into_iter()
        .map(|client| {
            let per_hour = client.rate_limit_per_hour;
            let used = limit::used(now, &client.tenant_id, &key(&client.id), per_hour, HOUR)?;
            Ok(ClientRate {
                tenant_id: Some(client.tenant_id),
                client_id: Some(client.id),
                max_per_hour: Some(per_hour),
                used: Some(used),
            })
        })
        .collect()
}

/// Counts a request of the client; the seconds to wait where it is over the limit.
pub fn count(now: Timestamp, client: &Client) -> Result<Option<i32>, Mistake> {
    let Some(per_hour) = client.rate_limit_per_hour else { return Ok(None) };
    let verdict = limit::hit(now, &client.tenant_id, &key(&client.id), per_hour, HOUR, 1)?;
    Ok((!verdict.allowed).then_some(verdict.retry_after))
}

/// Counts a request that did not authenticate.
pub fn count_failure(now: Timestamp, client: &Client, context: &Context<'_>) -> Result<(), Mistake> {
    if let (Some(per_hour), Some(key)) = (client.rate_limit_per_hour, failures_key(client, context)) {
        limit::hit(now, &client.tenant_id, &key, per_hour, HOUR, 1)?;
    }
    Ok(())
}

/// The seconds to wait where the network has used up its tries at this client.
pub fn wait_of_network(
    now: Timestamp,
    client: &Client,
    context: &Context<'_>,
) -> Result<Option<i32>, Mistake> {
    let Some(per_hour) = client.rate_limit_per_hour else { return Ok(None) };
    let Some(key) = failures_key(client, context) else { return Ok(None) };
    let wait = limit::retry_after(now, &client.tenant_id, &key, per_hour, HOUR)?;
    Ok((wait > 0).then_some(wait))
}

/// Whether the audit trail should say that the client is over its limit.
pub fn audit_due(now: Timestamp, client: &Client) -> Result<bool, Mistake> {
    limit::audit_due(now, &client.tenant_id, &key(&client.id))
}

fn key(client_id: &str) -> String {
    format!("client:{client_id}")
}

/// None where the application did not say where the request came from.
fn failures_key(client: &Client, context: &Context<'_>) -> Option<String> {
    let network = context.ip.as_ref()?.network_name()?;
    Some(format!("{}:failed:{network}", key(&client.id)))
}
