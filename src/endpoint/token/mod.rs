//! The token endpoint (RFC 6749 section 3.2) and what is answered at it.

pub mod answer;
pub mod grant;

use pgrx::prelude::*;

use crate::endpoint::request::form::Form;
use crate::endpoint::request::{Caller, client};
use crate::endpoint::response::{HttpResponse, Response, Teller};
use crate::endpoint::token::grant::Asked;
use crate::identity::tenant;
use crate::kernel::outcome::{ErrorCode, Mistake, OrRaise};
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::inet::Inet;
use crate::trail::Context;

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn http_token(
    body: Option<&[u8]>,
    authorization: default!(Option<&str>, "NULL"),
    dpop: default!(Option<&str>, "NULL"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
    client_certificate: default!(Option<&[u8]>, "NULL"),
    tenant_id: default!(Option<&str>, "NULL"),
) -> HttpResponse {
    let now = clock::now();
    let tenant_id = tenant::resolve(&Snapshot::writing().or_raise(), tenant_id).or_raise();
    let caller = Caller {
        tenant_id: &tenant_id,
        issuer: &tenant_id,
        authorization,
        dpop,
        certificate: client_certificate,
        context: Context { ip, user_agent },
    };
    token(now, body.unwrap_or_default(), &caller).or_raise().into()
}

/// Answers a request at the token endpoint.
pub fn token(now: Timestamp, body: &[u8], caller: &Caller<'_>) -> Result<Response, Mistake> {
    let realm = caller.authorization.map(|_| caller.issuer);
    let form = match Form::read(body) {
        Ok(form) => form,
        Err(malformed) => {
            let code = ErrorCode::InvalidRequest.as_str();
            return Ok(Response::refused(code, malformed.description(), None, Teller::Client { realm }));
        }
    };
    let asked = Asked::of(form.get("grant_type"));
    let teller = if asked == Asked::Device { Teller::Device { realm } } else { Teller::Client { realm } };
    let snapshot = Snapshot::writing()?;
    let client = match client::authenticate(&snapshot, now, asked.event(), &form, caller, teller)? {
        Ok(client) => client,
        Err(response) => return Ok(response),
    };
    let response = grant::answer(now, snapshot, asked, &form, &client, caller)?;
    Ok(answer::of(response, teller).of_client(&client.id))
}
