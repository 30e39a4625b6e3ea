//! The device authorization endpoint (RFC 8628 sections 3.1 and 3.2). What the user does with the user code is in
//! `device/decide.rs`, what the device gets for its device code in `device/redeem.rs`.

use pgrx::prelude::*;

use crate::kernel::crypto::token_text::{self, Kind};
use crate::kernel::outcome::{ErrorCode, Mistake, OrRaise, Refusal};
use crate::kernel::server::composite::composite;
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::server::settings::Setting;
use crate::kernel::server::sharded::SHARDED;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Bucket;
use crate::kernel::value::inet::Inet;
use crate::oauth::client::Client;
use crate::oauth::client::secret::{self, Credentials};
use crate::oauth::device::user_code::UserCode;
use crate::oauth::device::{self, GRANT_TYPE, NewDeviceCode};
use crate::rfc::{parameter, resource, scope};
use crate::trail::refused::Refused;
use crate::trail::{self, Context, Event, Flag};

/// How long a device code lives.
pub static TTL: Setting<i32> = Setting::seconds(
    c"auth_store.device_code_ttl",
    15 * 60,
    1..=3600,
    c"How long a device code and its user code live.",
    c"The user must find the other device, log in and agree within (RFC 8628 section 3.2).",
);

/// How long a device waits between its polls, until one comes too early.
pub static POLL_INTERVAL: Setting<i32> = Setting::seconds(
    c"auth_store.device_poll_interval",
    5,
    1..=60,
    c"How long a device waits between its polls at first.",
    c"Each poll that comes before nine tenths of it are over adds 5 seconds (RFC 8628 section 3.5), up to a minute.",
);

composite! {
    /// The answer of the device authorization endpoint (RFC 8628 section 3.2), without the verification URI, which is
    /// the application's.
    pub struct DeviceAuthorization = "auth_store.device_authorization" {
        pub device_code: Option<String>,
        pub user_code: Option<String>,
        pub expires_in: Option<i32>,
        pub interval: Option<i32>,
        pub scope: Option<String>,
        pub error: Option<&'static str>,
        pub error_description: Option<String>,
        pub retry_after: Option<i32>,
    }
    refused { error, error_description, retry_after }
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn device_authorize(
    client_id: Option<&str>,
    client_secret: default!(Option<&str>, "NULL"),
    client_authenticated: default!(Option<bool>, "false"),
    scope: default!(Option<&str>, "NULL"),
    resource: default!(Option<Vec<Option<String>>>, "NULL"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> DeviceAuthorization {
    let now = clock::now();
    let context = Context { ip, user_agent };
    let credentials = Credentials::new(client_id, client_secret, client_authenticated);
    authorize(now, &credentials, parameter::scope(scope), parameter::values(resource), &context).or_raise()
}

/// How often a user code is drawn anew if another request has it: even among a million live codes a second draw is
/// rare.
const MAX_DRAWS: usize = 20;

fn authorize(
    now: Timestamp,
    credentials: &Credentials<'_>,
    requested_scope: Option<&str>,
    requested_resources: Option<Vec<Option<String>>>,
    context: &Context<'_>,
) -> Result<DeviceAuthorization, Mistake> {
    let snapshot = Snapshot::writing()?;
    let client = match secret::admit(&snapshot, now, REQUESTED, credentials, context)? {
        Ok(client) => client,
        Err(refusal) => return Ok(DeviceAuthorization::refused(&refusal)),
    };
    drop(snapshot);
    authorize_by(now, &client, requested_scope, requested_resources, context)
}

/// The event of a request.
pub const REQUESTED: &str = "device.requested";

/// Begins the flow for a client that has authenticated.
pub fn authorize_by(
    now: Timestamp,
    client: &Client,
    requested_scope: Option<&str>,
    requested_resources: Option<Vec<Option<String>>>,
    context: &Context<'_>,
) -> Result<DeviceAuthorization, Mistake> {
    let mut event = Event {
        event: REQUESTED,
        tenant_id: &client.tenant_id,
        client_id: Some(&client.id),
        context: Some(context),
        ..Event::default()
    };
    let answer = match decide_authorize(client, requested_scope, requested_resources) {
        Ok((scope, resources)) => store(now, client, scope, resources)?,
        Err(refused) => {
            event.error = Some(refused.refusal.code);
            event.flags = refused.flags;
            DeviceAuthorization::refused(&refused.refusal)
        }
    };
    trail::record(now, &event)?;
    Ok(answer)
}

fn decide_authorize(
    client: &Client,
    requested_scope: Option<&str>,
    requested_resources: Option<Vec<Option<String>>>,
) -> Result<(String, Option<Vec<String>>), Refused> {
    if !client.allows_grant_type(GRANT_TYPE) {
        return Err(Refused {
            refusal: Refusal::new(
                ErrorCode::UnauthorizedClient,
                "the client may not use the grant type device_code",
            ),
            flags: &[],
        });
    }
    let scope = scope::granted(requested_scope, &client.scope)
        .map_err(|refusal| Refused { refusal, flags: &[Flag::ScopeWidening] })?;
    let resources = resource::of_grant(requested_resources, &client.resources)
        .map_err(|refusal| Refused { refusal, flags: &[Flag::TargetWidening] })?;
    Ok((scope, resources))
}

fn store(
    now: Timestamp,
    client: &Client,
    scope: String,
    resources: Option<Vec<String>>,
) -> Result<DeviceAuthorization, Mistake> {
    let code = token_text::mint(Kind::DeviceCode, now, Bucket::of(&[&client.id]))?;
    let (ttl, interval) = (TTL.in_seconds(), POLL_INTERVAL.get());
    let carried = SHARDED.get().then(|| code.id.bucket());
    for _ in 0..MAX_DRAWS {
        let user_code = UserCode::draw(carried)?;
        let new = NewDeviceCode {
            tenant_id: &client.tenant_id,
            client_id: &client.id,
            user_code: user_code.digest(&client.tenant_id),
            expires_at: now.plus_seconds(ttl),
            interval,
            scope: &scope,
            resources: resources.clone(),
        };
        if device::insert(&code, new)? {
            return Ok(DeviceAuthorization {
                device_code: Some(code.text.to_string()),
                user_code: Some(user_code.text()),
                expires_in: i32::try_from(ttl).ok(),
                interval: Some(interval),
                scope: Some(scope),
                ..DeviceAuthorization::default()
            });
        }
    }
    Err(Mistake::WrongState {
        message: "no user code is free".into(),
        hint: "CALL auth_store.cleanup()".into(),
    })
}
