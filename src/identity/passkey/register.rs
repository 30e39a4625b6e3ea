//! A new passkey (Web Authentication level 3 section 7.1).

use base64::Engine;
use pgrx::prelude::*;
use serde_json::json;

use crate::identity::passkey::challenge::{self, Ceremony};
use crate::identity::passkey::{self, INACTIVE, NO_CHALLENGE, RelyingParty, manage, refused};
use crate::identity::user::anonymous;
use crate::identity::{tenant, user};
use crate::kernel::outcome::{Answer, ErrorCode, Mistake, OrRaise, Refusal, given};
use crate::kernel::server::composite::composite;
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::value::argument;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::kernel::value::inet::Inet;
use crate::kernel::value::jsonb::Jsonb;
use crate::rfc::webauthn::{BASE64URL, Registration};
use crate::trail::refused::Refused;
use crate::trail::{self, Context, Event};

composite! {
    /// A new passkey.
    pub struct PasskeyRegistration = "auth_store.passkey_registration" {
        pub passkey_id: Option<Id>,
        pub credential_id: Option<String>,
        pub user_verified: Option<bool>,
        pub backup_eligible: Option<bool>,
        pub backed_up: Option<bool>,
        pub error: Option<&'static str>,
        pub error_description: Option<String>,
    }
    refused { error, error_description }
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn passkey_register(
    user_id: Option<pgrx::Uuid>,
    credential: Option<Jsonb>,
    name: default!(Option<&str>, "NULL"),
    challenge: default!(Option<&str>, "NULL"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> PasskeyRegistration {
    let new = NewPasskey { credential, name, challenge };
    register(clock::now(), user_id.map(Id::from), new, &Context { ip, user_agent }).or_raise()
}

/// The arguments of passkey_register() that describe the passkey.
struct NewPasskey<'a> {
    credential: Option<Jsonb>,
    name: Option<&'a str>,
    challenge: Option<&'a str>,
}

/// The most passkeys of a user: each is listed to the browser with the next challenge.
const MOST: i64 = 20;

static INSERT: Statement = Statement::write(
    c"INSERT INTO auth_store.passkeys (id, user_id, tenant_id, rp_id, credential_id, public_key, algorithm, sign_count,
             aaguid, attestation_format, transports, user_verified, backup_eligible, backed_up, name)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
      ON CONFLICT (rp_id, credential_id) DO NOTHING",
);

fn register(
    now: Timestamp,
    user_id: Option<Id>,
    new: NewPasskey<'_>,
    context: &Context<'_>,
) -> Result<PasskeyRegistration, Mistake> {
    let user_id = given(user_id, "user_id")?;
    let name = new.name.map(|name| argument::line(name, "name")).transpose()?;
    let snapshot = Snapshot::writing()?;
    let tenant_id = user::find(&snapshot, user_id)?.ok_or(user::UNKNOWN)?.tenant_id;
    let party = RelyingParty::of(&snapshot, &tenant_id)?;
    let tenant_active = tenant::is_active(&snapshot, &tenant_id)?;
    drop(snapshot);
    let event = Event {
        event: "factor.added",
        tenant_id: &tenant_id,
        user_id: Some(user_id),
        context: Some(context),
        ..Event::default()
    };
    let made = read(now, user_id, &tenant_id, &party, new)?;
    let made = match made {
        Ok(read) => store(now, user_id, &tenant_id, tenant_active, &party.id, name, read)?,
        Err(refused) => Err(refused),
    };
    match made {
        Ok((id, read)) => {
            let details = json!({ "kind": "passkey", "backup_eligible": read.backup_eligible,
                "backed_up": read.backed_up,
                "user_verified": read.user_verified });
            let text = id.to_string();
            trail::record(
                now,
                &Event {
                    resource_type: Some("passkey"),
                    resource_id: Some(&text),
                    details: Some(details),
                    ..event
                },
            )?;
            anonymous::upgrade(now, user_id, &tenant_id, "passkey", context)?;
            Ok(PasskeyRegistration {
                passkey_id: Some(id),
                credential_id: Some(BASE64URL.encode(&read.credential_id)),
                user_verified: Some(read.user_verified),
                backup_eligible: Some(read.backup_eligible),
                backed_up: Some(read.backed_up),
                ..PasskeyRegistration::default()
            })
        }
        Err(Refused { refusal, flags }) => {
            let details = Some(json!({ "kind": "passkey" }));
            trail::record(now, &Event { error: Some(refusal.code), flags, details, ..event })?;
            Ok(PasskeyRegistration::refused(&refusal))
        }
    }
}

/// The browser's answer, to a challenge that is spent by it.
fn read(
    now: Timestamp,
    user_id: Id,
    tenant_id: &str,
    party: &RelyingParty,
    new: NewPasskey<'_>,
) -> Answer<Registration, Refused> {
    let answer = match passkey::read(new.credential, new.challenge) {
        Ok(answer) => answer,
        Err(refused) => return Ok(Err(refused)),
    };
    if challenge::spend(now, &answer.challenge, tenant_id, Ceremony::Registration, Some(user_id))?.is_none() {
        return Ok(Err(NO_CHALLENGE));
    }
    Ok(answer.answer.registration(&party.expected()).map_err(refused))
}

fn store(
    now: Timestamp,
    user_id: Id,
    tenant_id: &str,
    tenant_active: bool,
    rp_id: &str,
    name: Option<&str>,
    read: Registration,
) -> Answer<(Id, Registration), Refused> {
    let refuse =
        |code, description| Ok(Err(Refused { refusal: Refusal::new(code, description), flags: &[] }));
    // One registration of a user at a time, so that the passkeys are counted.
    let active = user::lock_for_session(now, user_id, tenant_id)?.ok_or(user::UNKNOWN)?;
    if !(active && tenant_active) {
        return Ok(Err(INACTIVE));
    }
    if manage::count(user_id, tenant_id)? >= MOST {
        return refuse(ErrorCode::AccessDenied, "the user has 20 passkeys, the most there can be");
    }
    let id = Id::mint(now, user_id.bucket())?;
    let rows = INSERT.run(&params![
        id,
        user_id,
        tenant_id,
        rp_id,
        read.credential_id.as_slice(),
        read.public_key.as_slice(),
        i32::try_from(read.algorithm).unwrap_or_default(),
        i64::from(read.sign_count),
        Id::from_bytes(read.aaguid),
        read.format.as_str(),
        read.transports.clone(),
        read.user_verified,
        read.backup_eligible,
        read.backed_up,
        name,
    ])?;
    if rows == 0 {
        return refuse(ErrorCode::PasskeyTaken, "the passkey is registered already");
    }
    Ok(Ok((id, read)))
}
