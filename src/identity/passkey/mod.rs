//! Passkeys (Web Authentication level 3): the table, and what ends in it. What a browser's answer must be is in
//! `rfc/webauthn`.
//!
//! Locks: the challenge, the user, the passkey.

mod authenticate;
pub mod challenge;
pub mod manage;
mod register;

use std::borrow::Cow;

use base64::Engine;

use crate::identity::policy::settings::PASSKEY_ALLOW_LOCALHOST;
use crate::identity::policy::{self, UserVerification};
use crate::kernel::outcome::{ErrorCode, Mistake, Refusal};
use crate::kernel::server::lookup::{Key, Lookup, Snapshot};
use crate::kernel::server::row::row;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::server::table::{By, Moves, OfUser, Published, Rows, Table, delete_by, exported};
use crate::kernel::value::id::Id;
use crate::kernel::value::jsonb::Jsonb;
use crate::rfc::webauthn::{Answer, BASE64URL, Expected, Problem, is_localhost};
use crate::trail::Flag;
use crate::trail::refused::Refused;

/// The facts of the table `passkeys`.
pub static TABLE: Table = Table {
    name: "passkeys",
    key: &["id", "tenant_id"],
    ended: None,
    of_tenant: Rows::Deleted(delete_by!(latest "passkeys", "tenant_id")),
    of_client: Rows::None,
    of_user: Some(OfUser {
        by: By::User,
        erased: Some(delete_by!(latest "passkeys", "user_id")),
        exported: exported!(
            "passkeys",
            "user_id = $1",
            "id, user_id, sign_count, last_used_at, clone_suspected_at, algorithm, user_verified, \
             backup_eligible, backed_up, aaguid, tenant_id, rp_id, credential_id, public_key, \
             attestation_format, transports, name",
            withheld ""
        ),
    }),
    published: Published::TakeOver,
    moves: Moves::ById,
    restored: true,
};

row! {
    /// What a log-in needs of a passkey.
    pub struct Passkey in passkeys {
        id: Id,
        user_id: Id,
        tenant_id: String,
        public_key: Vec<u8>,
        backup_eligible: bool,
        backed_up: bool,
    }
}

static BY_CREDENTIAL: Lookup<Passkey> = Lookup::by(c"passkeys_credential_key");

/// The passkey of the tenant with this credential id.
fn find(
    snapshot: &Snapshot,
    tenant_id: &str,
    rp_id: &str,
    credential_id: &[u8],
) -> Result<Option<Passkey>, Mistake> {
    let found = BY_CREDENTIAL.find_by(snapshot, [Key::Text(rp_id), Key::Bytes(credential_id)])?;
    Ok(found.filter(|passkey| passkey.tenant_id == tenant_id))
}

row! {
    /// How a browser finds a credential (Web Authentication level 3 section 5.8.3).
    struct Descriptor {
        credential_id: Vec<u8>,
        transports: Vec<String>,
    }
}

static DESCRIPTORS: Statement<Descriptor> = Statement::write(
    c"SELECT {columns} FROM auth_store.passkeys WHERE user_id = $1 AND tenant_id = $2 AND rp_id = $3 ORDER BY id",
);

/// The credentials of a user with a relying party.
fn descriptors(user_id: Id, tenant_id: &str, rp_id: &str) -> Result<Vec<Descriptor>, Mistake> {
    DESCRIPTORS.all(&params![user_id, tenant_id, rp_id])
}

/// Whose pages the passkeys of a tenant are used on, by the tenant's policy.
struct RelyingParty {
    id: String,
    name: String,
    origins: Vec<String>,
    user_verification: UserVerification,
    cross_origin: bool,
    localhost: bool,
}

impl RelyingParty {
    /// That of a tenant; 55000 if its policy names none.
    fn of(snapshot: &Snapshot, tenant_id: &str) -> Result<Self, Mistake> {
        let policy = policy::of(snapshot, tenant_id)?;
        let id = policy.passkey_rp_id.ok_or(Mistake::WrongState {
            message: "the policy of the tenant names no relying party for passkeys".into(),
            hint: "Set passkey_rp_id and passkey_origins by tenant_policy_set()".into(),
        })?;
        let localhost = PASSKEY_ALLOW_LOCALHOST.get();
        let mut origins = policy.passkey_origins;
        // Of a time when the setting allowed it.
        origins.retain(|origin| localhost || !is_localhost(origin));
        Ok(Self {
            name: policy.passkey_rp_name.unwrap_or_else(|| id.clone()),
            // Pages there can ask for no other relying party.
            localhost: localhost && id == "localhost",
            id,
            origins,
            user_verification: policy.passkey_user_verification,
            cross_origin: policy.passkey_allow_cross_origin,
        })
    }

    /// What an answer to one of its pages must fit.
    fn expected(&self) -> Expected<'_> {
        Expected {
            rp_id: &self.id,
            origins: &self.origins,
            localhost: self.localhost,
            cross_origin: self.cross_origin,
            user_verification: self.user_verification == UserVerification::Required,
        }
    }
}

/// The answer is to no challenge that waits for it.
const NO_CHALLENGE: Refused = Refused {
    refusal: Refusal::new(ErrorCode::InvalidGrant, "the challenge is unknown, spent or expired"),
    flags: &[Flag::UnknownToken],
};

/// The user may not log in.
const INACTIVE: Refused = Refused {
    refusal: Refusal::new(ErrorCode::AccessDenied, "the user is not active"),
    flags: &[Flag::InactiveUser],
};

/// What is wrong with an answer, as the caller is told.
fn refused(problem: Problem) -> Refused {
    use ErrorCode::{InvalidGrant, InvalidRequest, UnsupportedAlgorithm};
    let (code, description, flags): (_, Cow<'static, str>, &'static [Flag]) = match problem {
        Problem::Malformed(part) => {
            (InvalidRequest, format!("the response is malformed: {part}").into(), &[])
        }
        Problem::Type => (InvalidRequest, "the response is of another ceremony".into(), &[]),
        Problem::Backup => (InvalidRequest, "the response says backed up of what cannot be".into(), &[]),
        Problem::Origin => {
            (InvalidGrant, "the response was made on another origin".into(), &[Flag::WrongOrigin])
        }
        Problem::RelyingParty => {
            (InvalidGrant, "the response was made for another relying party".into(), &[Flag::WrongOrigin])
        }
        Problem::User => (InvalidGrant, "the authenticator has not verified its user".into(), &[]),
        Problem::Algorithm => {
            (UnsupportedAlgorithm, "the credential's algorithm was not offered".into(), &[])
        }
    };
    Refused { refusal: Refusal { code, description, retry_after: None }, flags }
}

/// A browser's answer with the challenge that it says it answers.
struct Presented {
    answer: Answer,
    challenge: [u8; 32],
}

/// Reads a browser's answer. Where the application has kept the challenge of this browser, the answer must be to it
/// (Web Authentication level 3 sections 7.1 and 7.2).
fn read(credential: Option<Jsonb>, kept: Option<&str>) -> Result<Presented, Refused> {
    const NOT_JSON: Problem = Problem::Malformed("a JSON object of at most 64 kB is needed");
    let json = credential.filter(|json| json.size() <= MAX_ANSWER).and_then(|json| json.parse());
    let answer = json.ok_or(NOT_JSON).and_then(Answer::read).map_err(refused)?;
    let challenge = answer.challenge().ok_or(NO_CHALLENGE)?;
    let kept = kept.map(|kept| BASE64URL.decode(kept).ok());
    if kept.is_some_and(|kept| kept.as_deref() != Some(&challenge[..])) {
        return Err(NO_CHALLENGE);
    }
    Ok(Presented { answer, challenge })
}

/// The largest answer of a browser, in bytes.
const MAX_ANSWER: usize = 64 * 1024;
