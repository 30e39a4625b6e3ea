//! The authentication of a client by what its request brought: at the endpoints that take requests as they come.
//!
//! A request may have two readings (see `endpoint/request/basic.rs`). The first that authenticates counts, and if none
//! does this is one failure.

pub mod assertion;
pub mod certificate;
pub mod refused;
pub mod verdict;

use crate::kernel::outcome::{Answer, ErrorCode, Mistake, Refusal};
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::value::clock::Timestamp;
use crate::oauth::client::authenticate::assertion::{Assertion, Audience};
use crate::oauth::client::authenticate::refused::RefusedClient;
use crate::oauth::client::authenticate::verdict::Verdict;
use crate::oauth::client::metadata::AuthMethod;
use crate::oauth::client::registered::document;
use crate::oauth::client::secret;
use crate::oauth::client::{self, Client};
use crate::trail::{Context, Event, Flag};

/// What a request shows for the client that it names.
#[derive(Clone, Copy)]
pub enum Evidence<'a> {
    /// Nothing, which suffices for a public client, and beside the right certificate.
    Nothing,
    /// The client_secret.
    Secret(&'a str),
    /// A client_assertion.
    Assertion(&'a Assertion<'a>),
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
    /// The certificate of the connection.
    pub certificate: Option<&'a [u8]>,
    /// The issuer, and the URL that the request was sent to.
    pub issuer: &'a str,
    /// See there.
    pub endpoint: &'a str,
    /// Whether the rules of FAPI 2.0 bind all clients of the issuer.
    pub fapi2: bool,
    /// Whether a client may be known by what it publishes at its client_id.
    pub documents: bool,
}

/// The answer to a request that is nobody's.
pub struct Denied {
    /// The answer.
    pub refusal: Refusal,
    /// The URL of what the client publishes, which has to be fetched before it can be decided.
    pub fetch: Option<String>,
}

/// Identifies the client, checks what its request shows, and counts the request if the client has a limit. On failure
/// writes the audit row of the step that fails with it, unless it can't.
pub fn admit(
    snapshot: &Snapshot,
    now: Timestamp,
    event: &str,
    presented: &Presented<'_>,
    context: &Context<'_>,
) -> Answer<Client, Denied> {
    let denied = match authenticate(snapshot, now, presented, context)? {
        Ok(client) => return Ok(Ok(client)),
        Err(Nobody::Refused(denied)) => denied,
        Err(Nobody::Fetch(url)) => {
            let description = "what the client publishes has to be fetched";
            let refusal = Refusal::new(ErrorCode::InvalidClient, description);
            return Ok(Err(Denied { refusal, fetch: Some(url) }));
        }
    };
    if !snapshot.writes() {
        return Ok(Err(Denied { refusal: denied.into_refusal(), fetch: None }));
    }
    let client_id = presented.readings.first().map(|reading| reading.client_id);
    let step = Event { event, client_id, context: Some(context), ..Event::default() };
    Ok(Err(Denied { refusal: refused::tell(now, denied, step)?, fetch: None }))
}

enum Nobody {
    Refused(RefusedClient),
    Fetch(String),
}

fn authenticate(
    snapshot: &Snapshot,
    now: Timestamp,
    presented: &Presented<'_>,
    context: &Context<'_>,
) -> Answer<Client, Nobody> {
    let mut failed = None;
    for reading in presented.readings {
        let found = snapshot.newest(|snapshot| client::find(snapshot, reading.client_id))?;
        if found.is_none() && presented.documents && snapshot.writes() && document::is_at(reading.client_id) {
            return Ok(Err(Nobody::Fetch(reading.client_id.to_owned())));
        }
        let Some(client) = found.filter(|client| client.tenant_id == presented.tenant_id) else { continue };
        if !matches!(reading.evidence, Evidence::Nothing)
            && let Some(refused) = RefusedClient::of_network(now, &client, context)?
        {
            return Ok(Err(Nobody::Refused(refused)));
        }
        match verdict(snapshot, now, &client, reading.evidence, presented)? {
            Verdict::Authentic if !snapshot.writes() => {
                return Ok(refused::usable(client).map_err(Nobody::Refused));
            }
            Verdict::Authentic => {
                return Ok(refused::conclude(now, client, Ok(()), context)?.map_err(Nobody::Refused));
            }
            Verdict::Failed(flags) => failed = failed.or(Some((client, flags))),
            Verdict::Fetch(url) => return Ok(Err(Nobody::Fetch(url))),
        }
    }
    let outcome = match failed {
        Some((client, flags)) => refused::conclude(now, client, Err(flags), context)?,
        None => Err(RefusedClient::unknown(presented.tenant_id)),
    };
    Ok(outcome.map_err(Nobody::Refused))
}

/// A secret is taken by either of the two methods, whichever is registered: Go's client tries both, openid-client
/// prefers the body, and the MCP SDKs follow the metadata. FAPI 2.0 has keys and certificates alone (section 5.3.2.1).
fn verdict(
    snapshot: &Snapshot,
    now: Timestamp,
    client: &Client,
    evidence: Evidence<'_>,
    presented: &Presented<'_>,
) -> Result<Verdict, Mistake> {
    let fapi2 = presented.fapi2 || client.is_fapi2();
    let method = client.token_endpoint_auth_method;
    let authentic = match (evidence, presented.certificate) {
        (Evidence::Assertion(assertion), _) => {
            let audience = Audience { issuer: presented.issuer, endpoint: presented.endpoint, fapi2 };
            return assertion::verify(snapshot, now, client, assertion, &audience);
        }
        (Evidence::Nothing, Some(der)) if method == AuthMethod::TlsClientAuth => {
            certificate::names(snapshot, client, der)?
        }
        (Evidence::Nothing, Some(der)) if method == AuthMethod::SelfSignedTlsClientAuth => {
            certificate::is_registered(snapshot, now, client, der)?
        }
        (Evidence::Nothing, _) => !client.is_confidential() && !fapi2,
        (Evidence::Secret(secret), _) if method.uses_secret() && !fapi2 => {
            secret::secret_matches(snapshot, now, client, secret)?
        }
        (Evidence::Secret(_), _) => false,
    };
    Ok(if authentic { Verdict::Authentic } else { Verdict::Failed(&[Flag::WrongSecret]) })
}
