//! The device authorization endpoint (RFC 8628 section 3.1).

use pgrx::prelude::*;

use crate::endpoint::request::form::Form;
use crate::endpoint::request::{Arguments, Caller, client, limit};
use crate::endpoint::response::{HttpResponse, Response};
use crate::kernel::outcome::Mistake;
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::inet::Inet;
use crate::kernel::value::json::Object;
use crate::oauth::device::authorize;
use crate::rfc::parameter;

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn http_device_authorization(
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

/// Answers a request at the device authorization endpoint.
pub fn answer(now: Timestamp, body: &[u8], caller: &Caller<'_>) -> Result<Response, Mistake> {
    let form = match Form::read(body) {
        Ok(form) => form,
        Err(malformed) => return caller.finish(now, caller.malformed(malformed.description())),
    };
    let snapshot = Snapshot::writing()?;
    let teller = caller.teller();
    let path = &caller.issuer.settings.paths.device_authorization;
    let client =
        match client::authenticate(&snapshot, now, authorize::REQUESTED, path, &form, caller, teller)? {
            Ok(client) => client,
            Err(response) => return caller.finish(now, response),
        };
    drop(snapshot);
    if let Some(refusal) = limit::over_waiting_of(now, caller.issuer, &client, &caller.context)? {
        return caller.finish(now, Response::refusal(&refusal, teller).of_client(&client.id));
    }
    let scope = parameter::scope(form.get("scope"));
    let answer = authorize::authorize_by(now, &client, scope, form.all("resource"), &caller.context)?;
    let response = match (answer.error, &answer.device_code, &answer.user_code) {
        (None, Some(device_code), Some(user_code)) => {
            let settings = &caller.issuer.settings;
            let page = settings.device_url.clone();
            let page = page.unwrap_or_else(|| caller.issuer.url(&settings.paths.device_verification));
            let mut body = Object::new();
            // One URI alone: libpq takes verification_url for the same member, and refuses a member that comes twice.
            body.text("device_code", device_code)
                .text("user_code", user_code)
                .text("verification_uri", &page)
                .some_number("expires_in", answer.expires_in.map(i64::from))
                .some_number("interval", answer.interval.map(i64::from));
            Response::json(200, body.end())
        }
        (code, ..) => {
            let description = answer.error_description.as_deref().unwrap_or_default();
            Response::refused(code.unwrap_or("server_error"), description, answer.retry_after, teller)
        }
    };
    caller.finish(now, response.of_client(&client.id))
}
