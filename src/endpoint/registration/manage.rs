//! What a client does with its registration (RFC 7592), by the token that it got with it.

use serde_json::Value;

use crate::endpoint::registration::answer::Answered;
use crate::endpoint::registration::sent::{MAX_BODY, bearer, read};
use crate::endpoint::request::Caller;
use crate::endpoint::response::{Response, Teller};
use crate::kernel::outcome::{ErrorCode, Mistake, Refusal};
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::value::clock::Timestamp;
use crate::oauth::client::metadata::ClientMetadata;
use crate::oauth::client::registered::members::{Members, not};
use crate::oauth::client::registered::{self, Managed, terms};
use crate::oauth::client::secret::Keeper;
use crate::oauth::grant;
use crate::oauth::issuer::Issuer;

/// RFC 7592 section 2: the same answer for a client that is gone.
const NO_TOKEN: Refusal =
    Refusal::new(ErrorCode::InvalidToken, "the registration access token is of no such client");

fn owner(issuer: &Issuer) -> Teller<'_> {
    Teller::Resource { realm: &issuer.issuer, scope: None, dpop: false }
}

/// RFC 7592 section 2.1. A secret is not shown again.
pub fn show(issuer: &Issuer, client_id: &str, caller: &Caller<'_>) -> Result<Response, Mistake> {
    let token = bearer(caller).unwrap_or_default();
    let found = registered::managed(&Snapshot::deciding()?, &issuer.tenant_id, client_id, token)?;
    Ok(match found {
        Some(client) => answered(issuer, client_id, &client, &client.metadata, None, token),
        None => Response::refusal(&NO_TOKEN, owner(issuer)),
    })
}

fn answered(
    issuer: &Issuer,
    client_id: &str,
    registered: &Managed,
    client: &ClientMetadata,
    secret: Option<&str>,
    access_token: &str,
) -> Response {
    Answered { issuer, client_id, client, issued_at: registered.created_at, secret, access_token }
        .response(200)
}

/// RFC 7592 section 2.2: what the request leaves out is as if it had never been registered. What an administrator has
/// set beside it stays.
pub fn replace(
    now: Timestamp,
    issuer: &Issuer,
    client_id: &str,
    body: &[u8],
    caller: &Caller<'_>,
) -> Result<Response, Mistake> {
    let (tenant_id, token) = (issuer.tenant_id.as_str(), bearer(caller).unwrap_or_default());
    let known = registered::managed(&Snapshot::deciding()?, tenant_id, client_id, token)?;
    let Some(known) = known else { return Ok(Response::refusal(&NO_TOKEN, owner(issuer))) };
    if let Some(refusal) = misnamed(client_id, body) {
        return Ok(Response::refusal(&refusal, Teller::Client { realm: None }));
    }
    // Who was trusted with getting tokens for itself still is.
    let trusted = known.metadata.grant_types.iter().any(|name| name == "client_credentials");
    let read = match read(issuer, body, trusted)? {
        Ok(read) => read,
        Err(response) => return Ok(response),
    };
    if read.client_type != known.metadata.client_type {
        let refusal =
            not("token_endpoint_auth_method", "none, or not none, as it was: a client keeps its type");
        return Ok(Response::refusal(&refusal, Teller::Client { realm: None }));
    }
    read.protocol.prepare(tenant_id)?;
    let keeper = Keeper::of(now, tenant_id, read.token_endpoint_auth_method)?;
    let Some(locked) = registered::lock_managed(tenant_id, client_id, token)? else {
        return Ok(Response::refusal(&NO_TOKEN, owner(issuer)));
    };
    let client = match terms::with_kept(read, &locked.metadata)? {
        Ok(client) => client,
        Err(refusal) => return Ok(Response::refusal(&refusal, Teller::Client { realm: None })),
    };
    let secret = registered::replace(now, tenant_id, client_id, &locked.metadata, &client, keeper)?;
    Ok(answered(issuer, client_id, &locked, &client, secret.as_deref(), token))
}

/// The refusal of a request that is about another client.
fn misnamed(client_id: &str, body: &[u8]) -> Option<Refusal> {
    let members = Members::read(body, MAX_BODY)?;
    let named = members.value("client_id").and_then(Value::as_str);
    let refusal =
        || Refusal::new(ErrorCode::InvalidRequest, "client_id is not the client's (RFC 7592 section 2.2)");
    (named != Some(client_id)).then(refusal)
}

/// RFC 7592 section 2.3: nothing of the client works from now on.
pub fn withdraw(
    now: Timestamp,
    issuer: &Issuer,
    client_id: &str,
    caller: &Caller<'_>,
) -> Result<Response, Mistake> {
    let (tenant_id, token) = (issuer.tenant_id.as_str(), bearer(caller).unwrap_or_default());
    if registered::lock_managed(tenant_id, client_id, token)?.is_none() {
        return Ok(Response::refusal(&NO_TOKEN, owner(issuer)));
    }
    registered::withdraw(now, tenant_id, client_id)?;
    grant::revoke_by_client(now, client_id, "client_revoked", Some(&caller.context))?;
    Ok(Response::empty(204).of_client(client_id))
}
