//! The device polls the token endpoint with its device code, until the user has decided (RFC 8628 sections 3.4
//! and 3.5), and redeems it, once.

use std::borrow::Cow;

use pgrx::prelude::*;

use crate::identity::user;
use crate::kernel::crypto::token_text::{self, Kind, Presented};
use crate::kernel::outcome::{Answer, ErrorCode, Mistake, OrRaise, Refusal};
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::server::sharded::SHARDED;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::kernel::value::inet::Inet;
use crate::oauth::client::Client;
use crate::oauth::client::secret::{self, Credentials};
use crate::oauth::device::{self, DeviceCode, GRANT_TYPE};
use crate::oauth::grant;
use crate::oauth::token::issue::{self, Login};
use crate::oauth::token::once::{Granted, is_retry, refuse_ended, replay, replayed};
use crate::oauth::token::{TokenResponse, refuse};
use crate::rfc::binding::Proof;
use crate::rfc::parameter;
use crate::trail::refused::{Refused, invalid_grant};
use crate::trail::{self, Context, Event, Flag};

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn device_redeem(
    device_code: Option<&str>,
    client_id: Option<&str>,
    client_secret: default!(Option<&str>, "NULL"),
    client_authenticated: default!(Option<bool>, "false"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
    resource: default!(Option<Vec<Option<String>>>, "NULL"),
    dpop_jkt: default!(Option<&str>, "NULL"),
    x5t_s256: default!(Option<&str>, "NULL"),
) -> TokenResponse {
    let now = clock::now();
    let context = Context { ip, user_agent };
    let credentials = Credentials::new(client_id, client_secret, client_authenticated);
    let request =
        DeviceTokenRequest { resource: parameter::values(resource), proof: Proof::new(dpop_jkt, x5t_s256) };
    redeem(now, device_code, &credentials, request, &context).or_raise()
}

/// The parameters of the token request beside the device code.
pub struct DeviceTokenRequest<'a> {
    /// RFC 8707 section 2.2
    pub resource: Option<Vec<Option<String>>>,
    /// What the sender proved to hold.
    pub proof: Proof<'a>,
}

/// The event of a redemption.
pub const REDEEMED: &str = "device.redeemed";

fn redeem(
    now: Timestamp,
    text: Option<&str>,
    credentials: &Credentials<'_>,
    request: DeviceTokenRequest<'_>,
    context: &Context<'_>,
) -> Result<TokenResponse, Mistake> {
    let snapshot = Snapshot::writing()?;
    match secret::admit(&snapshot, now, REDEEMED, credentials, context)? {
        Ok(client) => redeem_by(now, snapshot, text, &client, request, context),
        Err(refusal) => Ok(TokenResponse::refused(&refusal)),
    }
}

/// Redeems a device code for a client that has authenticated.
pub fn redeem_by(
    now: Timestamp,
    snapshot: Snapshot,
    text: Option<&str>,
    client: &Client,
    request: DeviceTokenRequest<'_>,
    context: &Context<'_>,
) -> Result<TokenResponse, Mistake> {
    let mut event = event(REDEEMED, client, context);
    match ready(now, snapshot, text, client, &mut event)? {
        Ok((stored, _)) if stored.redeemed_at.is_some() => redeemed_before(now, &stored, &event),
        Ok((stored, presented)) => finish(now, client, stored, &presented, request, &mut event),
        Err(refused) => Ok(refused),
    }
}

/// A replay ends the grant. One that was handed over to the shard of its user may not be made yet: it is handed over no
/// more.
fn redeemed_before(now: Timestamp, stored: &DeviceCode, event: &Event<'_>) -> Result<TokenResponse, Mistake> {
    let (Some(redeemed_at), Some(grant_id)) = (stored.redeemed_at, stored.grant_id) else {
        return refuse(now, event, &replayed());
    };
    if !is_retry(now, redeemed_at) && grant::find_state(&Snapshot::latest(), grant_id)?.is_none() {
        device::forget_grant(stored)?;
    }
    replay(now, Some(redeemed_at), Some(grant_id), event)
}

/// The row of the trail for a step of this client.
pub fn event<'a>(event: &'a str, client: &'a Client, context: &'a Context<'a>) -> Event<'a> {
    Event {
        event,
        tenant_id: &client.tenant_id,
        client_id: Some(&client.id),
        context: Some(context),
        ..Event::default()
    }
}

/// The device code that is presented, if its request is decided, has expired or was redeemed before; otherwise the
/// answer to this poll.
pub fn ready(
    now: Timestamp,
    snapshot: Snapshot,
    text: Option<&str>,
    client: &Client,
    event: &mut Event<'_>,
) -> Answer<(DeviceCode, Presented), TokenResponse> {
    if !client.allows_grant_type(GRANT_TYPE) {
        let description = "the client may not use the grant type device_code";
        let refusal = Refusal::new(ErrorCode::UnauthorizedClient, description);
        return refuse(now, event, &Refused { refusal, flags: &[] }).map(Err);
    }
    let Some(presented) = token_text::parse(Kind::DeviceCode, text) else {
        return refuse(now, event, &invalid_grant(NOT_VALID, &[])).map(Err);
    };
    let Some(mut stored) = device::find(&snapshot, &presented)? else {
        return refuse(now, event, &invalid_grant(NOT_VALID, &[Flag::UnknownToken])).map(Err);
    };
    drop(snapshot);
    if stored.client_id != client.id || stored.tenant_id != client.tenant_id {
        let refused = invalid_grant("the device code was issued to another client", &[Flag::WrongClient]);
        return refuse(now, event, &refused).map(Err);
    }
    if is_pending(now, &stored) {
        if let Some(poll) = device::poll(now, &stored)? {
            return pending(now, event, &poll).map(Err);
        }
        // The user has decided, or the code is gone, while the poll waited.
        stored = match device::find(&Snapshot::writing()?, &presented)? {
            Some(stored) => stored,
            None => {
                return refuse(now, event, &invalid_grant(NOT_VALID, &[Flag::UnknownToken])).map(Err);
            }
        };
    }
    event.user_id = stored.user_id;
    event.session_id = stored.session_id;
    Ok(Ok((stored, presented)))
}

const NOT_VALID: &str = "the device code is not valid";

fn is_pending(now: Timestamp, code: &DeviceCode) -> bool {
    code.approved_at.is_none() && code.denied_at.is_none() && now < code.expires_at
}

/// A poll in time leaves no audit row: polls come every few seconds, and nothing has happened.
fn pending(now: Timestamp, event: &Event<'_>, poll: &device::Poll) -> Result<TokenResponse, Mistake> {
    let refusal = if poll.too_early {
        let description = "the device polls too often and must wait 5 seconds longer from now on";
        Refusal::new(ErrorCode::SlowDown, description)
    } else {
        Refusal::new(ErrorCode::AuthorizationPending, "the user has not decided yet")
    };
    let response =
        TokenResponse { retry_after: Some(poll.poll_interval), ..TokenResponse::refused(&refusal) };
    if poll.too_early {
        refuse(now, event, &Refused { refusal, flags: &[] })?;
    }
    Ok(response)
}

/// Who approved lives on another shard, if anywhere.
const ELSEWHERE: Mistake = Mistake::WrongState {
    message: Cow::Borrowed("the user who approved the request is not on this shard"),
    hint: Cow::Borrowed("device_hand_over() here, and device_accept() on the user's shard"),
};

/// The request is decided or has expired.
fn finish(
    now: Timestamp,
    client: &Client,
    stored: DeviceCode,
    presented: &Presented,
    request: DeviceTokenRequest<'_>,
    event: &mut Event<'_>,
) -> Result<TokenResponse, Mistake> {
    let (user_id, granted) = match decide(now, client, &stored, request.resource, &request.proof) {
        Ok(decided) => decided,
        Err(refused) => return refuse(now, event, &refused),
    };
    let user = Snapshot::writing()?.newest(|snapshot| user::find(snapshot, user_id))?;
    if user.is_none() && SHARDED.get() {
        return Err(ELSEWHERE);
    }
    if !user.as_ref().is_some_and(|user| user.is_active()) {
        return refuse(now, event, &invalid_grant("the user is not active", &[Flag::InactiveUser]));
    }
    let grant_id = Id::mint(now, user_id.bucket())?;
    if !device::mark_redeemed(now, &stored, grant_id)? {
        return refuse(now, event, &overtaken(presented)?);
    }
    event.grant_id = Some(grant_id);
    let issued = issue::issue(
        now,
        Login {
            grant_id,
            client,
            user_id: Some(user_id),
            user_place: user.and_then(|user| user.place_in(&client.tenant_id)),
            session_id: stored.session_id,
            scope: granted.scope,
            resources: granted.resources,
            token_resources: granted.token_resources,
            refresh: client.allows_grant_type("refresh_token"),
            nonce: None,
            auth_time: stored.auth_time,
            acr: stored.acr,
            amr: stored.amr,
            claims: stored.claims,
            cnf: request.proof.confirmation(),
            network: event.context.and_then(|context| context.ip.clone()),
            authorization_details: None,
            claims_request: None,
        },
    )?;
    match issued {
        Ok(response) => {
            trail::record(now, event)?;
            Ok(response)
        }
        Err(ended) => refuse_ended(now, event, ended),
    }
}

/// The refusal of a device code that nobody has redeemed in time.
pub fn expired() -> Refused {
    let refusal = Refusal::new(ErrorCode::ExpiredToken, "the device code has expired");
    Refused { refusal, flags: &[Flag::ExpiredToken] }
}

/// The user, and what the device gets if it gets anything.
pub fn decide(
    now: Timestamp,
    client: &Client,
    stored: &DeviceCode,
    requested: Option<Vec<Option<String>>>,
    proof: &Proof<'_>,
) -> Result<(Id, Granted), Refused> {
    let refuse = |code, description, flags| Err(Refused { refusal: Refusal::new(code, description), flags });
    if stored.denied_at.is_some() {
        return refuse(ErrorCode::AccessDenied, "the user denied the request", &[]);
    }
    if now >= stored.expires_at {
        return Err(expired());
    }
    let Some(user_id) = stored.user_id else { return Err(invalid_grant(NOT_VALID, &[])) };
    if !proof.is_well_formed() {
        return refuse(
            ErrorCode::InvalidRequest,
            "dpop_jkt and x5t_s256 must be SHA-256 thumbprints in base64url",
            &[],
        );
    }
    let granted = Granted::of(client, &stored.scope, stored.resources.as_ref(), requested)?;
    Ok((user_id, granted))
}

/// Why an approved device code can no longer be redeemed: another poll redeemed it while this one waited, which makes
/// this a retry, or its client was deleted.
pub fn overtaken(presented: &Presented) -> Result<Refused, Mistake> {
    let stored = device::find(&Snapshot::writing()?, presented)?;
    Ok(if stored.is_some_and(|stored| stored.redeemed_at.is_some()) {
        invalid_grant("the device code was redeemed a moment ago", &[Flag::CodeRetry])
    } else {
        invalid_grant(NOT_VALID, &[Flag::UnknownToken])
    })
}
