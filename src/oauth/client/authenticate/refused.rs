//! A request that is nobody's: what it is answered, what the audit trail says of it, and what it counts against.

use crate::kernel::outcome::{Answer, ErrorCode, Mistake, Refusal};
use crate::kernel::value::clock::Timestamp;
use crate::oauth::client::{Client, limit};
use crate::trail::{self, Context, Event, Flag};

/// A request that comes from no client.
pub struct RefusedClient {
    /// The answer to it.
    refusal: Refusal,
    /// The flags of the audit row.
    flags: &'static [Flag],
    /// The tenant of the audit row: the client's, or the session's.
    tenant_id: String,
    /// Whether to write an audit row.
    is_told: bool,
}

impl RefusedClient {
    /// No client has the id.
    pub fn unknown(tenant_id: &str) -> Self {
        Self::new(FAILED, &[Flag::UnknownClient], tenant_id.to_owned())
    }

    /// The answer alone.
    pub fn into_refusal(self) -> Refusal {
        self.refusal
    }

    fn new(refusal: Refusal, flags: &'static [Flag], tenant_id: String) -> Self {
        Self { refusal, flags, tenant_id, is_told: true }
    }

    fn over_limit(
        now: Timestamp,
        client: &Client,
        description: &'static str,
        retry_after: i32,
    ) -> Result<Self, Mistake> {
        let is_told = limit::audit_due(now, client)?;
        let refusal = Refusal::over_limit(description, retry_after);
        Ok(Self { is_told, ..Self::new(refusal, &[Flag::RateLimited], client.tenant_id.clone()) })
    }

    /// The refusal of a network that has used up its tries at the client; None: it has some left.
    pub fn of_network(
        now: Timestamp,
        client: &Client,
        context: &Context<'_>,
    ) -> Result<Option<Self>, Mistake> {
        let description = "too many failed attempts from this network";
        limit::wait_of_network(now, client, context)?
            .map(|wait| Self::over_limit(now, client, description, wait))
            .transpose()
    }
}

/// One answer for all cases: without authentication nobody learns which clients exist.
pub const FAILED: Refusal = Refusal::new(ErrorCode::InvalidClient, "client authentication failed");

/// The end of an authentication: counts it, against the client if it is the client's, else against the network.
pub fn conclude(
    now: Timestamp,
    client: Client,
    authentic: Result<(), &'static [Flag]>,
    context: &Context<'_>,
) -> Answer<Client, RefusedClient> {
    if let Err(flags) = authentic {
        limit::count_failure(now, &client, context)?;
        return Ok(Err(RefusedClient::new(FAILED, flags, client.tenant_id)));
    }
    let client = match usable(client) {
        Ok(client) => client,
        Err(refused) => return Ok(Err(refused)),
    };
    if let Some(wait) = limit::count(now, &client)? {
        let description = "the client has made too many requests";
        return RefusedClient::over_limit(now, &client, description, wait).map(Err);
    }
    Ok(Ok(client))
}

/// The client, unless it or its tenant is not active.
pub fn usable(client: Client) -> Result<Client, RefusedClient> {
    if client.is_usable() {
        return Ok(client);
    }
    let refusal = Refusal::new(ErrorCode::InvalidClient, "the client is not active");
    Err(RefusedClient::new(refusal, &[Flag::InactiveClient], client.tenant_id))
}

/// Writes the audit row of a refused client and returns the answer.
pub fn tell(now: Timestamp, denied: RefusedClient, step: Event<'_>) -> Result<Refusal, Mistake> {
    if denied.is_told {
        let (tenant_id, error) = (&denied.tenant_id, Some(denied.refusal.code));
        trail::record(now, &Event { tenant_id, error, flags: denied.flags, ..step })?;
    }
    Ok(denied.refusal)
}
