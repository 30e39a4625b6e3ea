//! The pushed authorization request endpoint (RFC 9126).

use pgrx::prelude::*;

use crate::endpoint::authorize::case;
use crate::endpoint::authorize::request::Asked;
use crate::endpoint::authorize::request::object::{self, Read};
use crate::endpoint::request::form::Form;
use crate::endpoint::request::{Arguments, Caller, client as sender, limit, proof};
use crate::endpoint::response::{HttpResponse, Response};
use crate::kernel::outcome::{ErrorCode, Mistake, Refusal};
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::inet::Inet;
use crate::kernel::value::json::Object;
use crate::oauth::client::{self, Client, page};
use crate::oauth::code::pushed;
use crate::trail::{self, Event};

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn http_par(
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

/// Answers a request at the endpoint.
pub fn answer(now: Timestamp, body: &[u8], caller: &Caller<'_>) -> Result<Response, Mistake> {
    let form = match Form::read(body) {
        Ok(form) => form,
        Err(malformed) => return caller.finish(now, caller.malformed(malformed.description())),
    };
    let snapshot = Snapshot::writing()?;
    let teller = caller.teller();
    let path = &caller.issuer.settings.paths.pushed_authorization_request;
    let client = match sender::authenticate(&snapshot, now, pushed::CREATED, path, &form, caller, teller)? {
        Ok(client) => client,
        Err(response) => return caller.finish(now, response),
    };
    drop(snapshot);
    let refused = |response: Response| caller.finish(now, response.of_client(&client.id));
    if let Some(refusal) = limit::over_waiting_of(now, caller.issuer, &client, &caller.context)? {
        return refused(Response::refusal(&refusal, teller));
    }
    // RFC 9449 section 10.1: a proof binds the code as dpop_jkt does, and both name one key.
    let held = match proof::optional(now, path, caller)? {
        Ok(held) => held,
        Err(refusal) => return refused(Response::refusal(&refusal, teller)),
    };
    let asked = match read(now, &form, &client, caller)? {
        Ok(asked) => asked,
        Err(response) => return refused(response),
    };
    let asked = match held.jkt() {
        Some(jkt) => asked.with_jkt(jkt),
        None => Some(asked),
    };
    let Some(asked) = asked else {
        return refused(caller.malformed("dpop_jkt is not the thumbprint of the proof's key"));
    };
    let Some(parameters) = asked.stored() else {
        return refused(caller.malformed("the parameters are not text"));
    };
    let answer = pushed::create_by(now, &client, parameters, &caller.context)?;
    let response = match (answer.error, &answer.request_uri) {
        (None, Some(request_uri)) => {
            let mut body = Object::new();
            body.text("request_uri", request_uri).some_number("expires_in", answer.expires_in.map(i64::from));
            Response::json(201, body.end())
        }
        (code, _) => {
            let description = answer.error_description.as_deref().unwrap_or_default();
            Response::refused(code.unwrap_or("server_error"), description, answer.retry_after, teller)
        }
    };
    caller.finish(now, response.of_client(&client.id))
}

/// The parameters, if the authorization endpoint would take them (section 2.1): those of the form, or of the request
/// object in it (section 3).
fn read(
    now: Timestamp,
    form: &Form<'_>,
    client: &Client,
    caller: &Caller<'_>,
) -> Result<Result<Asked, Response>, Mistake> {
    let teller = caller.teller();
    if form.get("request_uri").is_some() {
        return Ok(Err(caller.malformed("request_uri must not be pushed (RFC 9126 section 2.1)")));
    }
    let snapshot = Snapshot::writing()?;
    let asked = match form.get("request") {
        None => Asked::of_pairs(form.iter()),
        Some(object) => match object::read(now, &snapshot, caller.issuer, client, object)? {
            Read::Asked(asked) => asked,
            Read::Fetch(url) => {
                let description = "the client's keys have to be fetched first";
                let refusal = Refusal::new(ErrorCode::InvalidRequestObject, description);
                return Ok(Err(Response::refusal(&refusal, teller).fetching(&url, &client.tenant_id)));
            }
            Read::Refused(refusal) => return Ok(Err(Response::refusal(&refusal, teller))),
        },
    };
    let Some(page) = page::find(&snapshot, &client.id)? else { return Err(client::UNKNOWN) };
    match case::said(&asked, client, &page, caller.issuer) {
        Ok(_) => Ok(Ok(asked)),
        Err(refused) => {
            let event = Event {
                event: pushed::CREATED,
                tenant_id: &client.tenant_id,
                client_id: Some(&client.id),
                error: Some(refused.refusal.code),
                flags: refused.flags,
                context: Some(&caller.context),
                ..Event::default()
            };
            trail::record(now, &event)?;
            Ok(Err(Response::refusal(&refused.refusal, teller)))
        }
    }
}
