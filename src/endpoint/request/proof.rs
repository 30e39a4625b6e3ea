//! What the sender of a request proves to hold: the key of a DPoP proof (RFC 9449), the certificate of its TLS
//! connection (RFC 8705). Looked at after the client has authenticated, because a signature costs more than a digest.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::endpoint::request::{Caller, nonce};
use crate::kernel::outcome::{Answer, ErrorCode, Mistake, Refusal};
use crate::kernel::value::clock::Timestamp;
use crate::oauth::client::Client;

use crate::oauth::proof::dpop::{self, ProofRequest};
use crate::rfc::binding::Proof;
use crate::rfc::choice::SecurityProfile;

/// What was proved.
#[derive(Default)]
pub struct Held {
    /// The thumbprint of a DPoP proof's key.
    jkt: Option<String>,
    /// The thumbprint of the certificate.
    x5t_s256: Option<String>,
}

impl Held {
    /// What an existing token is compared with.
    pub fn proof(&self) -> Proof<'_> {
        Proof { dpop_jkt: self.jkt.as_deref(), x5t_s256: self.x5t_s256.as_deref() }
    }

    /// What the client's new tokens are bound to: to a certificate only where the client is registered so, because
    /// another may show one to authenticate, and use its tokens without.
    pub fn binding(&self, client: &Client) -> Proof<'_> {
        let x5t_s256 = self.x5t_s256.as_deref().filter(|_| client.certificate_bound);
        Proof { dpop_jkt: self.jkt.as_deref(), x5t_s256 }
    }

    /// The thumbprint of the key of the DPoP proof, if there was one.
    pub fn jkt(&self) -> Option<&str> {
        self.jkt.as_deref()
    }
}

/// Whether the rules of FAPI 2.0 bind the client.
pub fn is_fapi2(client: &Client, caller: &Caller<'_>) -> bool {
    client.is_fapi2() || caller.issuer.settings.profile == Some(SecurityProfile::Fapi2)
}

/// The thumbprint of a certificate (RFC 8705 section 3.1).
pub fn thumbprint(certificate: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(certificate))
}

/// What the sender of a request proved; a proof that fails, or one that is missing, refuses the request.
pub fn of_client(now: Timestamp, path: &str, client: &Client, caller: &Caller<'_>) -> Answer<Held> {
    let x5t_s256 = caller.certificate.map(thumbprint);
    if client.certificate_bound && x5t_s256.is_none() {
        let description = "the client's tokens are bound to its certificate, and there is none";
        return Ok(Err(Refusal::new(ErrorCode::InvalidRequest, description)));
    }
    // FAPI 2.0 security profile section 5.3.2.1: tokens are bound to a key or to a certificate.
    let bound = client.dpop_bound || (is_fapi2(client, caller) && !client.certificate_bound);
    if caller.dpop.is_none() && bound {
        let description = "the client's tokens are bound to a key, and there is no proof";
        return Ok(Err(Refusal::new(ErrorCode::InvalidDpopProof, description)));
    }
    let Some(proof) = caller.dpop else { return Ok(Ok(Held { jkt: None, x5t_s256 })) };
    let verified = verify(now, proof, "POST", path, None, caller)?;
    Ok(verified.map(|jkt| Held { jkt: Some(jkt), x5t_s256 }))
}

/// The thumbprint of the key of a proof for a request to this path; `access_token` is the one that it came with.
pub fn verify(
    now: Timestamp,
    proof: &str,
    method: &str,
    path: &str,
    access_token: Option<&str>,
    caller: &Caller<'_>,
) -> Answer<String> {
    let (url, tenant_id) = (caller.url(path), caller.issuer.tenant_id.as_str());
    let nonces = match caller.issuer.settings.dpop_nonce {
        true => Some(nonce::accepted(now, tenant_id)?),
        false => None,
    };
    let request = ProofRequest {
        htm: Some(method),
        htu: Some(&url),
        access_token,
        max_age: None,
        nonces: nonces.as_ref().map(|both| both.each_ref().map(String::as_str)),
    };
    dpop::prove(now, Some(proof), request, tenant_id, &caller.context)
}

/// The key of a proof, or nothing, at an endpoint where a proof is no condition.
pub fn optional(now: Timestamp, path: &str, caller: &Caller<'_>) -> Result<Result<Held, Refusal>, Mistake> {
    let Some(proof) = caller.dpop else { return Ok(Ok(Held::default())) };
    let verified = verify(now, proof, "POST", path, None, caller)?;
    Ok(verified.map(|jkt| Held { jkt: Some(jkt), x5t_s256: None }))
}
