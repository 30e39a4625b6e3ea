//! The limit of a client's requests, its `rate_limit_per_hour`.
//!
//! A request that has authenticated as the client counts against the client. One that has not counts against the
//! network it came from, with the same limit, and a network over its limit is refused before its secret is looked at.
//! So knowledge of a client_id alone suffices to use up a network's tries, but not the client's requests.

use crate::kernel::outcome::Mistake;
use crate::kernel::value::clock::Timestamp;
use crate::limit::{self, HOUR};
use crate::oauth::client::Client;
use crate::trail::Context;
/// Counts a request of the client; the seconds to wait where it is over the limit.
pub fn count(now: Timestamp, client: &Client) -> Result<Option<i32>, Mistake> {
    let Some(per_hour) = client.rate_limit_per_hour else { return Ok(None) };
    let verdict = limit::hit(now, &client.tenant_id, &key(client), per_hour, HOUR, 1)?;
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
    limit::audit_due(now, &client.tenant_id, &key(client))
}

fn key(client: &Client) -> String {
    format!("client:{}", client.id)
}

/// None where the application did not say where the request came from.
fn failures_key(client: &Client, context: &Context<'_>) -> Option<String> {
    let network = context.ip.as_ref()?.network_name()?;
    Some(format!("{}:failed:{network}", key(client)))
}
