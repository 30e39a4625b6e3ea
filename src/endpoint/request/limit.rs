//! What strangers can have done, by the network that they come from: rows that are made, documents that are fetched,
//! before anybody has authenticated.

use crate::kernel::outcome::{Mistake, Refusal};
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::inet::Inet;
use crate::limit::{self, HOUR};
use crate::oauth::client::Client;
use crate::oauth::issuer::Issuer;
use crate::trail::Context;

/// Counts a request for `what`, of which there may be so many an hour, against its network; the refusal where that is
/// over its limit. A front that does not say where a request came from has none.
pub fn over(
    now: Timestamp,
    issuer: &Issuer,
    context: &Context<'_>,
    what: &str,
    most: i32,
) -> Result<Option<Refusal>, Mistake> {
    let Some(network) = context.ip.as_ref().and_then(Inet::network_name) else { return Ok(None) };
    let verdict = limit::hit(now, &issuer.tenant_id, &format!("{what}:{network}"), most, HOUR, 1)?;
    let refusal = || Refusal::over_limit("too many requests from this network", verdict.retry_after);
    Ok((!verdict.allowed).then(refusal))
}

/// The same of a request that begins to wait for its user.
pub fn over_waiting(
    now: Timestamp,
    issuer: &Issuer,
    context: &Context<'_>,
) -> Result<Option<Refusal>, Mistake> {
    over(now, issuer, context, "authorization", issuer.settings.authorization_max_per_network)
}

/// The same of a document that is fetched for a client whom nobody knows: it becomes a client, as by a registration,
/// and a stranger has the front ask a server of the stranger's choice.
pub fn over_documents(
    now: Timestamp,
    issuer: &Issuer,
    context: &Context<'_>,
) -> Result<Option<Refusal>, Mistake> {
    over(now, issuer, context, "document", issuer.settings.registration_max_per_network)
}

/// As [`over_waiting`], of a request that a client sends itself: anybody can be a public client.
pub fn over_waiting_of(
    now: Timestamp,
    issuer: &Issuer,
    client: &Client,
    context: &Context<'_>,
) -> Result<Option<Refusal>, Mistake> {
    if client.is_confidential() { Ok(None) } else { over_waiting(now, issuer, context) }
}
