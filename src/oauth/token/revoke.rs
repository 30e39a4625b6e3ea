//! Token revocation by its client (RFC 7009).

use pgrx::prelude::*;

use crate::kernel::crypto::token_text::{self, RefreshToken};
use crate::kernel::outcome::{ErrorCode, Mistake, OrRaise, Refusal};
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::value::argument;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::kernel::value::inet::Inet;
use crate::oauth::client::Client;
use crate::oauth::client::secret::{self, Credentials};
use crate::oauth::grant::{self, Grant};
use crate::oauth::token::{self, imported};
use crate::trail::refused::Outcome;
use crate::trail::{self, Context, Event, Flag};

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
#[allow(unused_variables)]
fn token_revoke(
    token: Option<&str>,
    client_id: Option<&str>,
    client_secret: default!(Option<&str>, "NULL"),
    client_authenticated: default!(Option<bool>, "false"),
    token_type_hint: default!(Option<&str>, "NULL"),
    reason: default!(Option<&str>, "'revoked'"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> Outcome {
    let now = clock::now();
    let context = Context { ip, user_agent };
    let credentials = Credentials::new(client_id, client_secret, client_authenticated);
    // The hint only saves a search over the other kinds (section 2.1); a token's text names its kind.
    revoke(now, token, &credentials, reason, &context).or_raise()
}

/// What a presented text turns out to be.
enum Found {
    Access(Id, Grant),
    Refresh(Grant),
    Nothing,
}

fn revoke(
    now: Timestamp,
    text: Option<&str>,
    credentials: &Credentials<'_>,
    reason: Option<&str>,
    context: &Context<'_>,
) -> Result<Outcome, Mistake> {
    let reason = argument::reason(reason)?;
    let snapshot = Snapshot::writing()?;
    match secret::admit(&snapshot, now, REVOKED, credentials, context)? {
        Ok(client) => revoke_by(now, snapshot, text, &client, reason, context),
        Err(refusal) => Ok(Outcome::refused(&refusal)),
    }
}

/// The event of a revocation.
pub const REVOKED: &str = "token.revoked";

/// Revokes a token of a client that has authenticated.
pub fn revoke_by(
    now: Timestamp,
    snapshot: Snapshot,
    text: Option<&str>,
    client: &Client,
    reason: &str,
    context: &Context<'_>,
) -> Result<Outcome, Mistake> {
    let found = search(&snapshot, text)?;
    drop(snapshot);
    match found {
        // Section 2.2: an invalid token is not an error, because the purpose of the call is reached.
        Found::Nothing => {
            record(now, client, None, None, None, &[], reason, context)?;
            Ok(Outcome::default())
        }
        // Section 2.1: a token of another client is refused.
        Found::Access(_, grant) | Found::Refresh(grant)
            if grant.client_id != client.id || grant.tenant_id != client.tenant_id =>
        {
            let refusal = Refusal::new(ErrorCode::InvalidGrant, "the token was issued to another client");
            record(
                now,
                client,
                Some(&grant),
                None,
                Some(refusal.code),
                &[Flag::WrongClient],
                reason,
                context,
            )?;
            Ok(Outcome::refused(&refusal))
        }
        Found::Access(id, grant) => {
            token::revoke(now, id, &grant.tenant_id)?;
            record(now, client, Some(&grant), Some(id), None, &[], reason, context)?;
            Ok(Outcome::default())
        }
        // Section 2.1: with a refresh token the access tokens of its grant end too.
        Found::Refresh(grant) => {
            grant::revoke(now, grant.id, &grant.tenant_id, reason)?;
            record(now, client, Some(&grant), None, None, &[], reason, context)?;
            Ok(Outcome::default())
        }
    }
}

fn search(snapshot: &Snapshot, text: Option<&str>) -> Result<Found, Mistake> {
    if let Some(presented) = token::presented(text) {
        let Some(token) = token::find(snapshot, &presented)? else { return Ok(Found::Nothing) };
        let grant = grant::find(snapshot, token.grant_id)?;
        return Ok(grant.map_or(Found::Nothing, |grant| Found::Access(token.id, grant)));
    }
    let Some(refresh) = RefreshToken::parse(text) else { return search_imported(snapshot, text) };
    let grant = grant::find(snapshot, refresh.id())?.filter(|grant| {
        let family = grant.family.as_ref();
        family
            .is_some_and(|family| token_text::digest_matches(&refresh.family_digest(), &family.family_digest))
    });
    Ok(grant.map_or(Found::Nothing, Found::Refresh))
}

/// The refresh token of another store: after its first use it still names its family.
fn search_imported(snapshot: &Snapshot, text: Option<&str>) -> Result<Found, Mistake> {
    let Some((grant_id, _)) = text.map_or(Ok(None), |text| imported::find(snapshot, text))? else {
        return Ok(Found::Nothing);
    };
    Ok(grant::find(snapshot, grant_id)?.map_or(Found::Nothing, Found::Refresh))
}

fn record(
    now: Timestamp,
    client: &Client,
    grant: Option<&Grant>,
    access_token: Option<Id>,
    error: Option<ErrorCode>,
    flags: &[Flag],
    reason: &str,
    context: &Context<'_>,
) -> Result<Id, Mistake> {
    let token = access_token.map(|id| id.to_string());
    trail::record(
        now,
        &Event {
            event: REVOKED,
            tenant_id: &client.tenant_id,
            client_id: Some(&client.id),
            user_id: grant.and_then(|grant| grant.user_id),
            grant_id: grant.map(|grant| grant.id),
            session_id: grant.and_then(|grant| grant.session_id),
            resource_type: token.as_ref().map(|_| "access_token"),
            resource_id: token.as_deref(),
            error,
            flags,
            context: Some(context),
            details: Some(serde_json::json!({ "reason": reason })),
            ..Event::default()
        },
    )
}
