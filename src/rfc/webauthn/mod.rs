//! Passkeys' answers, read and verified (Web Authentication level 3 sections 7.1 and 7.2): everything that needs
//! neither a table nor a clock. Attestation is `none`: the statement is passed over.

mod authenticator_data;
mod cbor;
mod client_data;
pub mod cose;
mod problem;

use base64::Engine;
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use authenticator_data::{Attestation, AuthenticatorData};
use client_data::ClientData;
use cose::Key;

pub use problem::{BASE64URL, Problem};

/// The largest attestation object, in bytes.
const MAX_ATTESTATION: usize = 16 * 1024;
/// The largest authenticator data and signature of an assertion, in bytes.
const MAX_ASSERTION: usize = 4 * 1024;
/// The longest user handle, in bytes (section 5.4.3).
const MAX_USER_HANDLE: usize = 64;
/// The most transports that are kept, and the longest name of one, in bytes.
const MAX_TRANSPORTS: usize = 8;
const MAX_TRANSPORT: usize = 32;

/// What an answer must fit.
pub struct Expected<'a> {
    /// The relying party's id, a domain.
    pub rp_id: &'a str,
    /// The origins of its pages, compared as they are.
    pub origins: &'a [String],
    /// Whether `http://localhost` is one of them, with any port.
    pub localhost: bool,
    /// Whether its pages may be in frames of other origins, which are among `origins` too.
    pub cross_origin: bool,
    /// Whether the authenticator must have verified its user.
    pub user_verification: bool,
}

/// A browser's `PublicKeyCredential.toJSON()` (section 5.1): unknown members do not count.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Json {
    id: String,
    raw_id: String,
    r#type: String,
    response: JsonResponse,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct JsonResponse {
    #[serde(rename = "clientDataJSON")]
    client_data: String,
    attestation_object: Option<String>,
    authenticator_data: Option<String>,
    signature: Option<String>,
    user_handle: Option<String>,
    transports: Option<Vec<Value>>,
}

/// An answer whose challenge has yet to be looked at.
pub struct Answer {
    /// The credential that answers.
    pub credential_id: Vec<u8>,
    client: ClientData,
    client_data: Vec<u8>,
    response: JsonResponse,
}

/// A new credential.
pub struct Registration {
    pub credential_id: Vec<u8>,
    /// The key as a COSE_Key.
    pub public_key: Vec<u8>,
    pub algorithm: i64,
    pub sign_count: u32,
    pub aaguid: [u8; 16],
    /// The format of the attestation statement.
    pub format: String,
    /// How the browser may reach the authenticator (section 5.8.4).
    pub transports: Vec<String>,
    pub user_verified: bool,
    pub backup_eligible: bool,
    pub backed_up: bool,
}

/// A log-in whose signature has yet to be looked at.
pub struct Assertion {
    /// Whose credential it is, as the authenticator says.
    pub user_handle: Option<Vec<u8>>,
    pub sign_count: u32,
    pub user_verified: bool,
    pub backup_eligible: bool,
    pub backed_up: bool,
    message: Vec<u8>,
    signature: Vec<u8>,
}

impl Answer {
    /// Reads a browser's answer.
    pub fn read(json: Value) -> Result<Self, Problem> {
        const SHAPE: Problem = Problem::Malformed("id, rawId, type, response or a member of it");
        let Json { id, raw_id, r#type, response } = serde_json::from_value(json).map_err(|_| SHAPE)?;
        if r#type != "public-key" {
            return Err(Problem::Malformed("type"));
        }
        let credential_id = decoded(Some(&id), authenticator_data::MAX_CREDENTIAL_ID, "id")?;
        if decoded(Some(&raw_id), authenticator_data::MAX_CREDENTIAL_ID, "rawId")? != credential_id {
            return Err(Problem::Malformed("rawId"));
        }
        let client_data = decoded(Some(&response.client_data), MAX_ATTESTATION, "clientDataJSON")?;
        let client = ClientData::read(&client_data)?;
        Ok(Self { credential_id, client, client_data, response })
    }

    /// The challenge that it answers; None if it cannot be one.
    pub fn challenge(&self) -> Option<[u8; 32]> {
        self.client.challenge()
    }

    /// The credential of a registration (section 7.1).
    pub fn registration(self, expected: &Expected<'_>) -> Result<Registration, Problem> {
        self.check_client("webauthn.create", expected)?;
        let object =
            decoded(self.response.attestation_object.as_deref(), MAX_ATTESTATION, "attestationObject")?;
        let Attestation { format, data } = Attestation::read(&object)?;
        check_data(&data, expected)?;
        let (user_verified, backup_eligible) = (data.is_user_verified(), data.is_backup_eligible());
        let (backed_up, sign_count) = (data.is_backed_up(), data.sign_count);
        let attested = data.attested.ok_or(Problem::Malformed("attestationObject"))?;
        if attested.credential_id != self.credential_id {
            return Err(Problem::Malformed("id"));
        }
        Ok(Registration {
            credential_id: attested.credential_id,
            public_key: attested.public_key,
            algorithm: attested.key.algorithm(),
            sign_count,
            aaguid: attested.aaguid,
            format,
            transports: transports(self.response.transports),
            user_verified,
            backup_eligible,
            backed_up,
        })
    }

    /// The assertion of a log-in (section 7.2).
    pub fn assertion(self, expected: &Expected<'_>) -> Result<Assertion, Problem> {
        self.check_client("webauthn.get", expected)?;
        let response = &self.response;
        let mut message =
            decoded(response.authenticator_data.as_deref(), MAX_ASSERTION, "authenticatorData")?;
        let signature = decoded(response.signature.as_deref(), MAX_ASSERTION, "signature")?;
        let handle = response.user_handle.as_deref();
        let user_handle =
            handle.map(|handle| decoded(Some(handle), MAX_USER_HANDLE, "userHandle")).transpose()?;
        let data = AuthenticatorData::read(&message)?;
        check_data(&data, expected)?;
        // Section 6.3.3: an assertion's data is without a credential.
        if data.attested.is_some() {
            return Err(Problem::Malformed("authenticatorData"));
        }
        message.extend_from_slice(&Sha256::digest(&self.client_data));
        Ok(Assertion {
            user_handle,
            sign_count: data.sign_count,
            user_verified: data.is_user_verified(),
            backup_eligible: data.is_backup_eligible(),
            backed_up: data.is_backed_up(),
            message,
            signature,
        })
    }

    fn check_client(&self, r#type: &str, expected: &Expected<'_>) -> Result<(), Problem> {
        let client = &self.client;
        if client.r#type != r#type {
            return Err(Problem::Type);
        }
        let is_framed = client.cross_origin == Some(true) || client.top_origin.is_some();
        let mut origins = std::iter::once(&client.origin).chain(&client.top_origin);
        if (is_framed && !expected.cross_origin) || !origins.all(|origin| expected.is_own(origin)) {
            return Err(Problem::Origin);
        }
        Ok(())
    }
}

impl Expected<'_> {
    fn is_own(&self, origin: &str) -> bool {
        self.origins.iter().any(|own| own == origin) || (self.localhost && is_localhost(origin))
    }
}

/// Whether it is the origin of a page of this machine, with any port.
pub fn is_localhost(origin: &str) -> bool {
    origin.strip_prefix("http://localhost").is_some_and(|rest| {
        let port = rest.strip_prefix(':').unwrap_or("0");
        (rest.is_empty() || rest.starts_with(':')) && port.parse::<u16>().is_ok_and(|n| n.to_string() == port)
    })
}

/// What both ceremonies demand of the authenticator.
fn check_data(data: &AuthenticatorData, expected: &Expected<'_>) -> Result<(), Problem> {
    if data.rp_id_hash != <[u8; 32]>::from(Sha256::digest(expected.rp_id.as_bytes())) {
        return Err(Problem::RelyingParty);
    }
    if !data.is_user_present() || (expected.user_verification && !data.is_user_verified()) {
        return Err(Problem::User);
    }
    if data.is_backed_up() && !data.is_backup_eligible() {
        return Err(Problem::Backup);
    }
    Ok(())
}

impl Assertion {
    /// Whether the key has signed it.
    pub fn is_signed_by(&self, key: &Key) -> bool {
        key.has_signed(&self.message, &self.signature)
    }
}

/// The bytes of a member in base64url, at least one and at most so many.
fn decoded(text: Option<&str>, most: usize, name: &'static str) -> Result<Vec<u8>, Problem> {
    let text = text.filter(|text| text.len() <= most.div_ceil(3) * 4);
    let bytes = text.and_then(|text| BASE64URL.decode(text).ok());
    bytes.filter(|bytes| (1..=most).contains(&bytes.len())).ok_or(Problem::Malformed(name))
}

/// The transports that can be names of some. They come from the browser, unsigned, and go back to it.
fn transports(listed: Option<Vec<Value>>) -> Vec<String> {
    let is_name = |text: &&str| {
        (1..=MAX_TRANSPORT).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    let listed = listed.unwrap_or_default();
    let names = listed.iter().filter_map(Value::as_str).filter(is_name);
    names.take(MAX_TRANSPORTS).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests;
