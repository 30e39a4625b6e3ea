//! The revocation endpoint (RFC 7009).

use pgrx::prelude::*;

use crate::endpoint::request::form::Form;
use crate::endpoint::request::{Arguments, Caller, client};
use crate::endpoint::response::{HttpResponse, Response};
use crate::kernel::outcome::Mistake;
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::inet::Inet;
use crate::oauth::token::revoke;

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn http_revoke(
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

/// Answers a request at the revocation endpoint.
pub fn answer(now: Timestamp, body: &[u8], caller: &Caller<'_>) -> Result<Response, Mistake> {
    let form = match Form::read(body) {
        Ok(form) => form,
        Err(malformed) => return caller.finish(now, caller.malformed(malformed.description())),
    };
    let snapshot = Snapshot::writing()?;
    let path = &caller.issuer.settings.paths.revocation;
    let client =
        match client::authenticate(&snapshot, now, revoke::REVOKED, path, &form, caller, caller.teller())? {
            Ok(client) => client,
            Err(response) => return caller.finish(now, response),
        };
    let Some(token) = form.get("token") else {
        return caller.finish(now, caller.malformed("token is missing").of_client(&client.id));
    };
    let outcome = revoke::revoke_by(now, snapshot, Some(token), &client, "revoked", &caller.context)?;
    let response = match outcome.error {
        // Section 2.2: the body does not matter. Some clients read every answer as JSON.
        None => Response::empty(200).with_header("content-type", "application/json"),
        Some(code) => {
            let description = outcome.error_description.as_deref().unwrap_or_default();
            Response::refused(code, description, outcome.retry_after, caller.teller())
        }
    };
    caller.finish(now, response.of_client(&client.id))
}
