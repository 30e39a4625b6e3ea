//! The token endpoint (RFC 6749 section 3.2) and what is answered at it.

pub mod answer;
pub mod grant;

use pgrx::prelude::*;

use crate::endpoint::request::form::Form;
use crate::endpoint::request::{Arguments, Caller, client, proof};
use crate::endpoint::response::{HttpResponse, Response, Teller};
use crate::endpoint::token::grant::Asked;
use crate::kernel::outcome::Mistake;
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::inet::Inet;

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
    let arguments = Arguments { authorization, dpop, ip, user_agent, client_certificate, tenant_id };
    arguments.respond(Snapshot::writing, |now, caller| answer(now, body.unwrap_or_default(), caller))
}

/// Answers a request at the token endpoint.
pub fn answer(now: Timestamp, body: &[u8], caller: &Caller<'_>) -> Result<Response, Mistake> {
    let form = match Form::read(body) {
        Ok(form) => form,
        Err(malformed) => return caller.finish(now, caller.malformed(malformed.description())),
    };
    let asked = Asked::of(form.get("grant_type"));
    let teller = match (asked, caller.realm()) {
        (Asked::Device, realm) => Teller::Device { realm },
        (_, realm) => Teller::Client { realm },
    };
    let snapshot = Snapshot::writing()?;
    let path = &caller.issuer.settings.paths.token;
    let client = match client::authenticate(&snapshot, now, asked.event(), path, &form, caller, teller)? {
        Ok(client) => client,
        Err(response) => return caller.finish(now, response),
    };
    let response = match proof::of_client(now, path, &client, caller)? {
        Ok(held) => {
            // What a proof has written is seen by what follows.
            let snapshot = if caller.dpop.is_some() { Snapshot::writing()? } else { snapshot };
            answer::of(grant::answer(now, snapshot, asked, &form, &client, &held, &caller.context)?, teller)
        }
        Err(refusal) => Response::refusal(&refusal, teller),
    };
    caller.finish(now, response.of_client(&client.id))
}
