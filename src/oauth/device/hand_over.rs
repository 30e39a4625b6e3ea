//! A device's log-in in two halves, where the store is spread: the device code is on the shard of its client, and the
//! grant belongs on that of the user. The device polls here, and gets what the user's shard makes its grant of.
//!
//! The first half can be asked for again until the code ends, so that an answer that was lost on the way loses no
//! log-in. The second makes the grant once: its row of the device code on the user's shard says so, and a second one is
//! a retry or a replay, as at a code of one shard.

use pgrx::prelude::*;
use serde::{Deserialize, Serialize};

use crate::identity::user;
use crate::kernel::outcome::{ErrorCode, Mistake, OrRaise, Refusal, given};
use crate::kernel::server::composite::composite;
use crate::kernel::server::lock;
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::value::argument;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::kernel::value::inet::Inet;
use crate::kernel::value::jsonb::Jsonb;
use crate::oauth::client::secret::{self, Credentials};
use crate::oauth::client::{self, Client};
use crate::oauth::code::request::MAX_PARAMETER;
use crate::oauth::device::redeem::{self, DeviceTokenRequest, REDEEMED, decide, expired, overtaken, ready};
use crate::oauth::device::{self, Accepted, DeviceCode, GRANT_TYPE, MAX_TTL};
use crate::oauth::grant;
use crate::oauth::token::issue::{self, EndedMeanwhile, Login};
use crate::oauth::token::once::{Granted, refuse_ended, replay, replayed};
use crate::oauth::token::{TokenResponse, refuse};
use crate::rfc::binding::{self, Proof};
use crate::rfc::parameter;
use crate::trail::refused::{Refused, invalid_grant};
use crate::trail::{self, Context, Event, Flag};

composite! {
    /// What the user's shard makes a grant of, or why there is none.
    pub struct DeviceHandOver = "auth_store.device_hand_over" {
        pub hand_over: Option<Jsonb>,
        pub user_id: Option<Id>,
        pub error: Option<&'static str>,
        pub error_description: Option<String>,
        pub retry_after: Option<i32>,
    }
    refused { error, error_description, retry_after }
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn device_hand_over(
    device_code: Option<&str>,
    client_id: Option<&str>,
    client_secret: default!(Option<&str>, "NULL"),
    client_authenticated: default!(Option<bool>, "false"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
    resource: default!(Option<Vec<Option<String>>>, "NULL"),
    dpop_jkt: default!(Option<&str>, "NULL"),
    x5t_s256: default!(Option<&str>, "NULL"),
) -> DeviceHandOver {
    let now = clock::now();
    let context = Context { ip, user_agent };
    let credentials = Credentials::new(client_id, client_secret, client_authenticated);
    let request =
        DeviceTokenRequest { resource: parameter::values(resource), proof: Proof::new(dpop_jkt, x5t_s256) };
    hand_over(now, device_code, &credentials, request, &context).or_raise()
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn device_accept(
    hand_over: Option<Jsonb>,
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> TokenResponse {
    accept(clock::now(), hand_over, &Context { ip, user_agent }).or_raise()
}

/// The members of a hand-over but `claims` and `cnf`, in which a number must not be rounded. Times are microseconds.
#[derive(Serialize, Deserialize)]
struct HandOver {
    device_id: String,
    grant_id: String,
    tenant_id: String,
    client_id: String,
    user_id: String,
    session_id: Option<String>,
    scope: String,
    resources: Option<Vec<String>>,
    token_resources: Option<Vec<String>>,
    auth_time: Option<i64>,
    acr: Option<String>,
    amr: Option<Vec<String>>,
    expires_at: i64,
}

impl HandOver {
    /// Whether an approval can hold this, and its grant have this id: it was made while the code lived, in the bucket
    /// of the user.
    fn is_right(&self, now: Timestamp, grant_id: Id, user_id: Id) -> bool {
        let expires_at = Timestamp::from_micros(self.expires_at);
        let (made, end) = (grant_id.time().unix_millis(), expires_at.unix_millis());
        grant_id.is_own()
            && grant_id.bucket() == user_id.bucket()
            && (made..=made + MAX_TTL_MILLIS).contains(&end)
            && expires_at <= now.plus_seconds(MAX_TTL)
            && self.auth_time.is_none_or(|micros| Timestamp::from_micros(micros).is_valid())
            && self.acr.as_ref().is_none_or(|acr| acr.len() <= MAX_PARAMETER)
    }
}

/// No code lives longer, in milliseconds, to which an id tells the time.
const MAX_TTL_MILLIS: u64 = MAX_TTL.unsigned_abs() * 1000;

/// The event of a device code that leads to a user of another shard.
const HANDED_OVER: &str = "device.handed_over";

fn hand_over(
    now: Timestamp,
    text: Option<&str>,
    credentials: &Credentials<'_>,
    request: DeviceTokenRequest<'_>,
    context: &Context<'_>,
) -> Result<DeviceHandOver, Mistake> {
    let snapshot = Snapshot::writing()?;
    let client = match secret::admit(&snapshot, now, HANDED_OVER, credentials, context)? {
        Ok(client) => client,
        Err(refusal) => return Ok(DeviceHandOver::refused(&refusal)),
    };
    let mut event = redeem::event(HANDED_OVER, &client, context);
    Ok(match ready(now, snapshot, text, &client, &mut event)? {
        Ok((stored, presented)) => match handed_over(now, &client, stored, request, &mut event)? {
            Some(Ok(given)) => given,
            Some(Err(refused)) => told(refuse(now, &event, &refused)?),
            None => told(refuse(now, &event, &overtaken(&presented)?)?),
        },
        Err(refused) => told(refused),
    })
}

fn told(response: TokenResponse) -> DeviceHandOver {
    DeviceHandOver {
        error: response.error,
        error_description: response.error_description,
        retry_after: response.retry_after,
        ..DeviceHandOver::default()
    }
}

/// What is handed over of a request that is decided or has expired; None where it is gone by now. A code that was
/// handed over before is so again, with the same grant, also after its end: the user's shard knows whether that is a
/// replay. But where device_redeem() has seen one here, there is no more to hand over.
fn handed_over(
    now: Timestamp,
    client: &Client,
    stored: DeviceCode,
    request: DeviceTokenRequest<'_>,
    event: &mut Event<'_>,
) -> Result<Option<Result<DeviceHandOver, Refused>>, Mistake> {
    if stored.redeemed_at.is_some() && stored.grant_id.is_none() {
        return Ok(Some(Err(replayed())));
    }
    let at = stored.redeemed_at.unwrap_or(now);
    let (user_id, granted) = match decide(at, client, &stored, request.resource, &request.proof) {
        Ok(decided) => decided,
        Err(refused) => return Ok(Some(Err(refused))),
    };
    let (grant_id, is_new) = match stored.redeemed_at.and(stored.grant_id) {
        Some(grant_id) => (grant_id, false),
        None => match device::hand_over(now, &stored, Id::mint(now, user_id.bucket())?)? {
            Some(grant_id) => (grant_id, true),
            None => return Ok(None),
        },
    };
    let given = HandOver {
        device_id: stored.id.to_string(),
        grant_id: grant_id.to_string(),
        tenant_id: stored.tenant_id,
        client_id: stored.client_id,
        user_id: user_id.to_string(),
        session_id: stored.session_id.map(|id| id.to_string()),
        scope: granted.scope,
        resources: granted.resources,
        token_resources: granted.token_resources,
        auth_time: stored.auth_time.map(Timestamp::micros),
        acr: stored.acr,
        amr: stored.amr,
        expires_at: stored.expires_at.micros(),
    };
    if is_new {
        event.grant_id = Some(grant_id);
        trail::record(now, event)?;
    }
    let members = serde_json::to_value(given).ok().and_then(|members| Jsonb::of(&members));
    let with = |document: Option<Jsonb>, name, member: Option<Jsonb>| match member {
        Some(member) => document.and_then(|document| document.with(name, &member)),
        None => document,
    };
    let document = with(with(members, "claims", stored.claims), "cnf", request.proof.confirmation());
    Ok(Some(Ok(DeviceHandOver { hand_over: document, user_id: Some(user_id), ..DeviceHandOver::default() })))
}

const MALFORMED: Mistake = Mistake::invalid("hand_over", "what device_hand_over() returned");

/// A hand-over as it was presented.
struct Presented {
    device_id: Id,
    grant_id: Id,
    user_id: Id,
    session_id: Option<Id>,
    said: HandOver,
    claims: Option<Jsonb>,
    cnf: Option<Jsonb>,
}

impl Presented {
    fn read(now: Timestamp, document: Option<Jsonb>) -> Result<Self, Mistake> {
        let document = given(document, "hand_over")?;
        if !document.is_object() {
            return Err(MALFORMED);
        }
        let said = document.without_all(&["claims", "cnf"]).and_then(|members| members.parse());
        let said: HandOver = said.and_then(|said| serde_json::from_value(said).ok()).ok_or(MALFORMED)?;
        let id = |text: &str| Id::parse(text).ok_or(MALFORMED);
        let (claims, cnf) = (document.get("claims"), document.get("cnf"));
        argument::object(claims.as_ref(), "claims").map_err(|_| MALFORMED)?;
        binding::check_confirmation(cnf.as_ref()).map_err(|_| MALFORMED)?;
        let (grant_id, user_id) = (id(&said.grant_id)?, id(&said.user_id)?);
        if !said.is_right(now, grant_id, user_id) {
            return Err(MALFORMED);
        }
        Ok(Self {
            device_id: id(&said.device_id)?,
            grant_id,
            user_id,
            session_id: said.session_id.as_deref().map(id).transpose()?,
            claims,
            cnf,
            said,
        })
    }
}

fn accept(now: Timestamp, document: Option<Jsonb>, context: &Context<'_>) -> Result<TokenResponse, Mistake> {
    let presented = Presented::read(now, document)?;
    let unknown = |what| Mistake::Unknown { what, argument: "hand_over" };
    let snapshot = Snapshot::writing()?;
    let client = snapshot
        .newest(|snapshot| client::find(snapshot, &presented.said.client_id))?
        .filter(|client| client.tenant_id == presented.said.tenant_id)
        .ok_or(unknown("client"))?;
    let user = snapshot
        .newest(|snapshot| user::find(snapshot, presented.user_id))?
        .filter(|user| user.tenant_id == client.tenant_id)
        .ok_or(unknown("user"))?;
    drop(snapshot);
    let mut event = redeem::event(REDEEMED, &client, context);
    event.user_id = Some(presented.user_id);
    event.session_id = presented.session_id;
    let code = Accepted {
        device_id: presented.device_id,
        grant_id: presented.grant_id,
        user_id: presented.user_id,
        client: &client,
    };
    // Of two calls for one code the second one sees the grant.
    lock::lock_key(code.grant_id);
    let noted = device::noted(code.grant_id)?;
    if noted.as_ref().is_some_and(|row| !code.is_noted_in(row)) {
        return Err(MALFORMED);
    }
    // A code is noted as long as its grant could be made of it, whatever became of the grant.
    let redeemed_at = noted.and_then(|row| row.redeemed_at);
    if redeemed_at.is_some() || grant::find_state(&Snapshot::latest(), code.grant_id)?.is_some() {
        return replay(now, redeemed_at, Some(code.grant_id), &event);
    }
    let expires_at = Timestamp::from_micros(presented.said.expires_at);
    let granted = match decide_accept(now, expires_at, &client, &user, &presented.said) {
        Ok(granted) => granted,
        Err(refused) => return refuse(now, &event, &refused),
    };
    if !device::accept(now, &code, &granted.scope, expires_at)? {
        return Err(MALFORMED);
    }
    event.grant_id = Some(presented.grant_id);
    match issue::issue(now, login(&client, &user, presented, granted, context))? {
        Ok(response) => {
            trail::record(now, &event)?;
            Ok(response)
        }
        Err(ended) => {
            if matches!(ended, EndedMeanwhile::Gone(_)) {
                device::take_back(&code)?;
            }
            refuse_ended(now, &mut event, ended)
        }
    }
}

/// What the device gets: what the client's shard gave, as far as the client may have it here and now.
fn decide_accept(
    now: Timestamp,
    expires_at: Timestamp,
    client: &Client,
    user: &user::User,
    said: &HandOver,
) -> Result<Granted, Refused> {
    let unauthorized = |description, flags| {
        Err(Refused { refusal: Refusal::new(ErrorCode::UnauthorizedClient, description), flags })
    };
    if now >= expires_at {
        return Err(expired());
    }
    if !client.is_usable() {
        return unauthorized("the client is not active", &[Flag::InactiveClient]);
    }
    if !client.allows_grant_type(GRANT_TYPE) {
        return unauthorized("the client may not use the grant type device_code", &[]);
    }
    if !user.is_active() {
        return Err(invalid_grant("the user is not active", &[Flag::InactiveUser]));
    }
    let named = said.token_resources.as_ref().map(|names| names.iter().cloned().map(Some).collect());
    Granted::of(client, &said.scope, said.resources.as_ref(), named)
}

fn login<'a>(
    client: &'a Client,
    user: &user::User,
    presented: Presented,
    granted: Granted,
    context: &Context<'_>,
) -> Login<'a> {
    let said = presented.said;
    Login {
        grant_id: presented.grant_id,
        client,
        user_id: Some(presented.user_id),
        user_place: user.place_in(&client.tenant_id),
        session_id: presented.session_id,
        scope: granted.scope,
        resources: granted.resources,
        token_resources: granted.token_resources,
        refresh: client.allows_grant_type("refresh_token"),
        nonce: None,
        auth_time: said.auth_time.map(Timestamp::from_micros),
        acr: said.acr,
        amr: said.amr,
        claims: presented.claims,
        cnf: presented.cnf,
        network: context.ip.clone(),
        authorization_details: None,
        claims_request: None,
    }
}
