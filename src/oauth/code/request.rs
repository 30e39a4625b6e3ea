//! The parameters of an authorization request and the rules of the endpoint for them, whether they come with the
//! browser (`code/mod.rs`) or were pushed before (`code/pushed.rs`).

use crate::kernel::outcome::{ErrorCode, Refusal};
use crate::oauth::client::Client;
use crate::rfc::{pkce, redirect_uri, resource, scope};
use crate::trail::Flag;
use crate::trail::refused::Refused;
/// The parameters that the store reads.
#[derive(Default)]
pub struct AuthorizationRequest<'a> {
    /// RFC 6749 section 4.1.1
    pub redirect_uri: Option<&'a str>,
    /// RFC 6749 section 3.3
    pub scope: Option<&'a str>,
    /// RFC 7636 section 4.3
    pub code_challenge: Option<&'a str>,
    /// RFC 7636 section 4.3
    pub code_challenge_method: Option<&'a str>,
    /// RFC 6749 section 4.1.1
    pub state: Option<&'a str>,
    /// OpenID Connect Core section 3.1.2.1
    pub nonce: Option<&'a str>,
    /// RFC 8707 section 2.1
    pub resource: Option<Vec<Option<String>>>,
    /// RFC 9449 section 10
    pub dpop_jkt: Option<&'a str>,
}

/// The grant of a valid request, once the user agrees.
pub struct Accepted<'a> {
    /// Whose request it is.
    pub client: &'a Client,
    /// The scope asked for, or all of the client's.
    pub scope: String,
    /// The resources asked for.
    pub resources: Option<Vec<String>>,
}

/// The longest text that is kept or sent back as it came, in bytes.
pub const MAX_PARAMETER: usize = 2048;

/// The demands of RFC 6749 section 4.1.1, RFC 7636 section 4.4.1, RFC 8707 section 2 and RFC 9449 section 10 on the
/// request.
pub fn decide<'a>(
    client: Option<&'a Client>,
    request: &AuthorizationRequest<'_>,
) -> Result<Accepted<'a>, Refused> {
    let refuse = |code, description, flags| Err(Refused { refusal: Refusal::new(code, description), flags });
    let Some(client) = client else {
        return refuse(ErrorCode::UnauthorizedClient, "unknown client", &[Flag::UnknownClient]);
    };
    if !client.is_usable() {
        return refuse(ErrorCode::UnauthorizedClient, "the client is not active", &[Flag::InactiveClient]);
    }
    if !client.allows_grant_type("authorization_code") {
        return refuse(
            ErrorCode::UnauthorizedClient,
            "the client may not use the grant type authorization_code",
            &[],
        );
    }
    let registered = match request.redirect_uri {
        Some(uri) => client.redirect_uris.iter().any(|known| redirect_uri::matches(known, uri)),
        None => client.redirect_uris.len() == 1,
    };
    if !registered {
        return refuse(
            ErrorCode::InvalidRequest,
            "redirect_uri must be one of the client's registered ones",
            &[Flag::WrongRedirectUri],
        );
    }
    match (request.code_challenge, request.code_challenge_method) {
        (None, _) if client.require_pkce => {
            return refuse(ErrorCode::InvalidRequest, "code_challenge is required", &[]);
        }
        (None, _) => {}
        (Some(challenge), Some("S256")) if pkce::is_sha256_base64url(challenge) => {}
        (Some(_), Some("S256")) => {
            return refuse(
                ErrorCode::InvalidRequest,
                "code_challenge must be the base64url SHA-256 of the verifier",
                &[],
            );
        }
        (Some(_), _) => {
            return refuse(ErrorCode::InvalidRequest, "code_challenge_method must be S256", &[]);
        }
    }
    if request.dpop_jkt.is_some_and(|jkt| !pkce::is_sha256_base64url(jkt)) {
        return refuse(ErrorCode::InvalidRequest, "dpop_jkt must be a JWK SHA-256 thumbprint", &[]);
    }
    for text in [request.state, request.nonce].into_iter().flatten() {
        if text.len() > MAX_PARAMETER {
            return refuse(ErrorCode::InvalidRequest, "state and nonce have at most 2048 bytes", &[]);
        }
    }
    let scope = scope::granted(request.scope, &client.scope)
        .map_err(|refusal| Refused { refusal, flags: &[Flag::ScopeWidening] })?;
    let resources = resource::of_grant(request.resource.clone(), &client.resources)
        .map_err(|refusal| Refused { refusal, flags: &[Flag::TargetWidening] })?;
    Ok(Accepted { client, scope, resources })
}
