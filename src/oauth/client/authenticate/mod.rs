//! The authentication of a client by what its request brought: at the endpoints that take requests as they come.
//!
//! A request may have two readings (see `endpoint/request/basic.rs`). The first that authenticates counts, and if none
//! does this is one failure.

use crate::kernel::outcome::{Answer, Mistake};
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::value::clock::Timestamp;
use crate::oauth::client::secret::{self, RefusedClient};
use crate::oauth::client::{self, Client};
use crate::trail::{Context, Event};

/// What a request shows for the client that it names.
#[derive(Clone, Copy)]
pub enum Evidence<'a> {
    /// Nothing, which suffices for a public client.
    Nothing,
    /// The client_secret.
    Secret(&'a str),
}

/// A client as a request names it, and what it shows for that.
#[derive(Clone, Copy)]
pub struct Reading<'a> {
    /// The client_id.
    pub client_id: &'a str,
    /// What is shown.
    pub evidence: Evidence<'a>,
}

/// A request that wants to be a client's.
pub struct Presented<'a> {
    /// The tenant that it was sent to: the clients of others are unknown here.
    pub tenant_id: &'a str,
    /// The readings, the likeliest first.
    pub readings: &'a [Reading<'a>],
}

/// Identifies the client, checks what its request shows, and counts the request if the client has a limit. On failure
/// writes the audit row of the step that fails with it.
pub fn admit(
    snapshot: &Snapshot,
    now: Timestamp,
    event: &str,
    presented: &Presented<'_>,
    context: &Context<'_>,
) -> Answer<Client> {
    match authenticate(snapshot, now, presented, context)? {
        Ok(client) => Ok(Ok(client)),
        Err(denied) => {
            let client_id = presented.readings.first().map(|reading| reading.client_id);
            let step = Event { event, client_id, context: Some(context), ..Event::default() };
            secret::tell(now, denied, step).map(Err)
        }
    }
}

fn authenticate(
    snapshot: &Snapshot,
    now: Timestamp,
    presented: &Presented<'_>,
    context: &Context<'_>,
) -> Answer<Client, RefusedClient> {
    let mut failed = None;
    for reading in presented.readings {
        let found = snapshot.newest(|snapshot| client::find(snapshot, reading.client_id))?;
        let Some(client) = found.filter(|client| client.tenant_id == presented.tenant_id) else { continue };
        if !matches!(reading.evidence, Evidence::Nothing)
            && let Some(refused) = RefusedClient::of_network(now, &client, context)?
        {
            return Ok(Err(refused));
        }
        if is_authentic(snapshot, now, &client, reading.evidence)? {
            return secret::conclude(now, client, true, context);
        }
        failed = failed.or(Some(client));
    }
    match failed {
        Some(client) => secret::conclude(now, client, false, context),
        None => Ok(Err(RefusedClient::unknown(presented.tenant_id))),
    }
}

/// A secret is taken by either of the two methods, whichever is registered: Go's client tries both, openid-client
/// prefers the body, and the MCP SDKs follow the metadata.
fn is_authentic(
    snapshot: &Snapshot,
    now: Timestamp,
    client: &Client,
    evidence: Evidence<'_>,
) -> Result<bool, Mistake> {
    match evidence {
        Evidence::Nothing => Ok(!client.is_confidential()),
        Evidence::Secret(secret) if client.token_endpoint_auth_method.uses_secret() => {
            secret::secret_matches(snapshot, now, client, secret)
        }
        Evidence::Secret(_) => Ok(false),
    }
}
