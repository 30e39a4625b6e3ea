//! Challenges: what a browser is to be asked for, and that each is answered once.
//!
//! A challenge is the id of its row and 16 random bytes, so that it is found without an index of digests. Nothing has
//! happened yet when a log-in page asks for one, so that leaves no audit row.

use base64::Engine;
use pgrx::prelude::*;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::identity::passkey::{self, Descriptor, INACTIVE, RelyingParty};
use crate::identity::tenant;
use crate::identity::user::{self, ShownNames};
use crate::kernel::outcome::{ErrorCode, Mistake, OrRaise, Refusal, given};
use crate::kernel::server::batch::delete_ended;
use crate::kernel::server::composite::composite;
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::server::table::{By, Ended, Moves, OfUser, Published, Rows, Table, delete_by, exported};
use crate::kernel::value::argument;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::{Bucket, Id, random};
use crate::kernel::value::inet::Inet;
use crate::kernel::value::jsonb::Jsonb;
use crate::rfc::webauthn::{BASE64URL, cose};
use crate::trail::refused::Refused;
use crate::trail::{self, Context, Event};

composite! {
    /// What a browser is to be asked for.
    pub struct PasskeyOptions = "auth_store.passkey_options" {
        pub options: Option<Jsonb>,
        pub expires_at: Option<Timestamp>,
        pub error: Option<&'static str>,
        pub error_description: Option<String>,
    }
    refused { error, error_description }
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn passkey_challenge(
    ceremony: Option<&str>,
    user_id: default!(Option<pgrx::Uuid>, "NULL"),
    user_name: default!(Option<&str>, "NULL"),
    display_name: default!(Option<&str>, "NULL"),
    tenant_id: default!(Option<&str>, "NULL"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> PasskeyOptions {
    let asked = Asked { user_id: user_id.map(Id::from), user_name, display_name, tenant_id };
    challenge(clock::now(), ceremony, &asked, &Context { ip, user_agent }).or_raise()
}

/// The arguments of passkey_challenge().
struct Asked<'a> {
    user_id: Option<Id>,
    user_name: Option<&'a str>,
    display_name: Option<&'a str>,
    tenant_id: Option<&'a str>,
}

/// What a challenge is good for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Ceremony {
    /// A new passkey.
    Registration,
    /// A log-in.
    Login,
    /// A user who has logged in proves it anew.
    StepUp,
}

impl Ceremony {
    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Registration => "registration",
            Self::Login => "login",
            Self::StepUp => "step_up",
        }
    }

    /// That of a word, if it is one of these.
    pub fn of(word: &str, these: &[Self]) -> Result<Self, Mistake> {
        these.iter().copied().find(|ceremony| ceremony.as_str() == word).ok_or_else(|| {
            let words: Vec<_> = these.iter().map(|ceremony| ceremony.as_str()).collect();
            Mistake::one_of("ceremony", &words)
        })
    }
}

/// Seconds that a challenge lives.
const TTL: i64 = 300;

/// The facts of the table `passkey_challenges`.
pub static TABLE: Table = Table {
    name: "passkey_challenges",
    key: &["id", "tenant_id"],
    ended: Some(Ended {
        statement: delete_ended!("auth_store.passkey_challenges", "expires_at <= $3"),
        times: |now| Vec::from(params![now]),
    }),
    of_tenant: Rows::Deleted(delete_by!("passkey_challenges", "tenant_id")),
    of_client: Rows::None,
    of_user: Some(OfUser {
        by: By::User,
        erased: Some(delete_by!(latest "passkey_challenges", "user_id")),
        exported: exported!(
            "passkey_challenges",
            "user_id = $1",
            "id, expires_at, user_id, tenant_id, ceremony",
            withheld "digest"
        ),
    }),
    published: Published::TakeOver,
    moves: Moves::ById,
    restored: true,
};

static INSERT: Statement = Statement::write(
    c"INSERT INTO auth_store.passkey_challenges (id, expires_at, user_id, tenant_id, ceremony, digest)
      VALUES ($1, $2, $3, $4, $5, $6)",
);

fn challenge(
    now: Timestamp,
    ceremony: Option<&str>,
    asked: &Asked<'_>,
    context: &Context<'_>,
) -> Result<PasskeyOptions, Mistake> {
    const KNOWN: [Ceremony; 3] = [Ceremony::Registration, Ceremony::Login, Ceremony::StepUp];
    let ceremony = Ceremony::of(given(ceremony, "ceremony")?, &KNOWN)?;
    if ceremony != Ceremony::Login {
        given(asked.user_id, "user_id")?;
    }
    let user_name = asked.user_name.map(|name| argument::line(name, "user_name")).transpose()?;
    let display_name = asked.display_name.map(|name| argument::line(name, "display_name")).transpose()?;
    let snapshot = Snapshot::writing()?;
    let Some(user_id) = asked.user_id else {
        let (tenant_id, active) = tenant::resolve_with_status(&snapshot, asked.tenant_id)?;
        let party = RelyingParty::of(&snapshot, &tenant_id)?;
        if !active {
            return Ok(PasskeyOptions::refused(&INACTIVE.refusal));
        }
        let (challenge, expires_at) = store(now, ceremony, None, &tenant_id)?;
        return Ok(PasskeyOptions::new(request_options(&party, &challenge, &[]), expires_at));
    };
    let user = user::find(&snapshot, user_id)?.ok_or(user::UNKNOWN)?;
    let tenant_id = user.tenant_id.as_str();
    let party = RelyingParty::of(&snapshot, tenant_id)?;
    let known = passkey::descriptors(user_id, tenant_id, &party.id)?;
    let refused = if !(user.is_active() && tenant::is_active(&snapshot, tenant_id)?) {
        Some(INACTIVE)
    } else if ceremony != Ceremony::Registration && known.is_empty() {
        let refusal = Refusal::new(ErrorCode::AccessDenied, "the user has no passkey of this relying party");
        Some(Refused { refusal, flags: &[] })
    } else {
        None
    };
    let event = Event {
        event: "passkey.challenged",
        tenant_id,
        user_id: Some(user_id),
        error: refused.as_ref().map(|refused| refused.refusal.code),
        flags: refused.as_ref().map_or(&[], |refused| refused.flags),
        context: Some(context),
        details: Some(json!({ "ceremony": ceremony.as_str() })),
        ..Event::default()
    };
    trail::record(now, &event)?;
    if let Some(refused) = refused {
        return Ok(PasskeyOptions::refused(&refused.refusal));
    }
    let (challenge, expires_at) = store(now, ceremony, Some(user_id), tenant_id)?;
    let options = if ceremony == Ceremony::Registration {
        let name = match user_name {
            Some(name) => name.to_owned(),
            None => {
                let ShownNames { email, external_id } =
                    user::shown_names(&snapshot, user_id)?.unwrap_or_default();
                email.or(external_id).unwrap_or_else(|| user_id.to_string())
            }
        };
        let user = json!({
            "id": BASE64URL.encode(user_id.bytes()),
            "name": name,
            "displayName": display_name.unwrap_or(&name),
        });
        creation_options(&party, &challenge, user, &known)
    } else {
        request_options(&party, &challenge, &known)
    };
    Ok(PasskeyOptions::new(options, expires_at))
}

impl PasskeyOptions {
    fn new(options: Value, expires_at: Timestamp) -> Self {
        Self { options: Jsonb::of(&options), expires_at: Some(expires_at), ..Self::default() }
    }
}

/// Stores a new challenge; returns it as the browser gets it, and its end.
fn store(
    now: Timestamp,
    ceremony: Ceremony,
    user_id: Option<Id>,
    tenant_id: &str,
) -> Result<(String, Timestamp), Mistake> {
    let bucket = user_id.map_or_else(|| Bucket::of(&[tenant_id]), |id| id.bucket());
    let id = Id::mint(now, bucket)?;
    let mut challenge = [0; 32];
    let (front, back) = challenge.split_at_mut(16);
    front.copy_from_slice(id.bytes());
    random(back)?;
    let expires_at = now.plus_seconds(TTL);
    let digest = Sha256::digest(challenge);
    INSERT.exactly_one(&params![id, expires_at, user_id, tenant_id, ceremony.as_str(), digest.as_slice()])?;
    Ok((BASE64URL.encode(challenge), expires_at))
}

/// Section 5.5, as `PublicKeyCredential.parseRequestOptionsFromJSON()` takes it.
fn request_options(party: &RelyingParty, challenge: &str, known: &[Descriptor]) -> Value {
    json!({
        "challenge": challenge,
        "timeout": TTL * 1000,
        "rpId": party.id,
        "allowCredentials": listed(known),
        "userVerification": party.user_verification.as_str(),
    })
}

/// Section 5.4, as `PublicKeyCredential.parseCreationOptionsFromJSON()` takes it.
fn creation_options(party: &RelyingParty, challenge: &str, user: Value, known: &[Descriptor]) -> Value {
    let parameters = cose::ALGORITHMS.map(|algorithm| json!({ "type": "public-key", "alg": algorithm }));
    json!({
        "rp": { "id": party.id, "name": party.name },
        "user": user,
        "challenge": challenge,
        "pubKeyCredParams": parameters,
        "timeout": TTL * 1000,
        "excludeCredentials": listed(known),
        "authenticatorSelection": {
            "residentKey": "preferred",
            "requireResidentKey": false,
            "userVerification": party.user_verification.as_str(),
        },
        "attestation": "none",
    })
}

/// Section 5.8.3.
fn listed(known: &[Descriptor]) -> Vec<Value> {
    let listed = |one: &Descriptor| {
        let mut descriptor = json!({ "type": "public-key", "id": BASE64URL.encode(&one.credential_id) });
        if !one.transports.is_empty() {
            descriptor["transports"] = json!(one.transports);
        }
        descriptor
    };
    known.iter().map(listed).collect()
}

/// The one-time step: the call whose DELETE finds the challenge has spent it, whatever becomes of the answer.
static SPEND: Statement<Option<Id>> = Statement::write(
    c"DELETE FROM auth_store.passkey_challenges
       WHERE id = $1 AND digest = $2 AND tenant_id = $3 AND ceremony = $4 AND ($5 IS NULL OR user_id = $5)
         AND expires_at > $6
      RETURNING user_id",
);

/// Spends a challenge of this tenant, ceremony and, if one is named, user; returns the user whom it was made for, or
/// None if no such challenge waits.
pub fn spend(
    now: Timestamp,
    challenge: &[u8; 32],
    tenant_id: &str,
    ceremony: Ceremony,
    user_id: Option<Id>,
) -> Result<Option<Option<Id>>, Mistake> {
    let Some(id) = challenge.first_chunk() else { return Ok(None) };
    let digest = Sha256::digest(challenge);
    SPEND.one(&params![Id::from_bytes(*id), digest.as_slice(), tenant_id, ceremony.as_str(), user_id, now])
}

static END_BEFORE: Statement = Statement::latest(
    c"WITH open AS (SELECT id, tenant_id FROM auth_store.passkey_challenges
                     WHERE id < $1 ORDER BY id FOR UPDATE)
      DELETE FROM auth_store.passkey_challenges d USING open WHERE d.id = open.id AND d.tenant_id = open.tenant_id",
);

/// Deletes the challenges with an id before this one; returns how many.
pub fn end_before(before: Id) -> Result<u64, Mistake> {
    END_BEFORE.run(&params![before])
}
