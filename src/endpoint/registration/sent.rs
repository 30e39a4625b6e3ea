//! What a request at the registration endpoints brings: a token, and a client.

use crate::endpoint::request::Caller;
use crate::endpoint::response::{Response, Teller};
use crate::identity::tenant;
use crate::kernel::outcome::{ErrorCode, Mistake, Refusal};
use crate::kernel::server::lookup::Snapshot;
use crate::oauth::client::metadata::ClientMetadata;
use crate::oauth::client::registered::members::Members;
use crate::oauth::client::registered::terms::Terms;
use crate::oauth::issuer::Issuer;

/// The largest request, in bytes.
pub const MAX_BODY: usize = 64 * 1024;

/// The token of an Authorization header of the scheme Bearer.
pub fn bearer<'a>(caller: &Caller<'a>) -> Option<&'a str> {
    let (scheme, token) = caller.authorization?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("Bearer").then(|| token.trim())
}

/// The client that a request describes, or the answer to a request that describes none.
pub fn read(
    issuer: &Issuer,
    body: &[u8],
    trusted: bool,
) -> Result<Result<ClientMetadata, Response>, Mistake> {
    let refused = |refusal: &Refusal| Response::refusal(refusal, Teller::Client { realm: None });
    let Some(members) = Members::read(body, MAX_BODY) else {
        let description = "the body is no JSON object of at most 64 kB";
        return Ok(Err(refused(&Refusal::new(ErrorCode::InvalidClientMetadata, description))));
    };
    let schemes = tenant::redirect_uri_schemes(&Snapshot::writing()?, &issuer.tenant_id)?;
    let terms = Terms { settings: &issuer.settings, schemes: &schemes, trusted };
    Ok(terms.read(&members)?.map_err(|refusal| refused(&refusal)))
}
