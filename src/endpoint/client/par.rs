//! The pushed authorization request endpoint (RFC 9126).

use pgrx::prelude::*;
use serde_json::{Map, Value};

use crate::endpoint::request::form::Form;
use crate::endpoint::request::{Caller, client, issuer_of, proof};
use crate::endpoint::response::{HttpResponse, Response};
use crate::kernel::outcome::{Mistake, OrRaise};
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::inet::Inet;
use crate::kernel::value::json::Object;
use crate::kernel::value::jsonb::Jsonb;
use crate::oauth::code::pushed;
use crate::trail::Context;

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
    let now = clock::now();
    let issuer = Snapshot::writing().and_then(|snapshot| issuer_of(&snapshot, tenant_id)).or_raise();
    let (context, certificate) = (Context { ip, user_agent }, client_certificate);
    let caller = Caller { issuer: &issuer, authorization, dpop, certificate, context };
    answer(now, body.unwrap_or_default(), &caller).or_raise().into()
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
    let client = match client::authenticate(&snapshot, now, pushed::CREATED, path, &form, caller, teller)? {
        Ok(client) => client,
        Err(response) => return caller.finish(now, response),
    };
    drop(snapshot);
    let refused = |response: Response| caller.finish(now, response.of_client(&client.id));
    // RFC 9449 section 10.1: a proof binds the code as dpop_jkt does, and both name one key.
    let held = match proof::optional(now, path, caller)? {
        Ok(held) => held,
        Err(refusal) => return refused(Response::refusal(&refusal, teller)),
    };
    let jkt = held.jkt();
    if jkt.is_some() && form.get("dpop_jkt").is_some_and(|other| Some(other) != jkt) {
        return refused(caller.malformed("dpop_jkt is not the thumbprint of the proof's key"));
    }
    if let Some(description) = unanswerable(&form, proof::is_fapi2(&client, caller)) {
        return refused(caller.malformed(description));
    }
    let Some(parameters) = parameters(&form, jkt) else {
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

/// Why the authorization endpoint could not answer the request (RFC 9126 section 2.1); None: it could.
fn unanswerable(form: &Form<'_>, is_fapi2: bool) -> Option<&'static str> {
    if form.get("response_mode").is_some_and(|mode| !matches!(mode, "query" | "form_post")) {
        return Some("response_mode must be query or form_post");
    }
    // FAPI 2.0 Security Profile section 5.3.2.2.
    (is_fapi2 && form.get("redirect_uri").is_none()).then_some("redirect_uri is required")
}

/// The parameters as pushed_request_create() takes them: texts, and the resources as an array.
fn parameters(form: &Form<'_>, jkt: Option<&str>) -> Option<Jsonb> {
    let mut members = Map::new();
    for (name, value) in form.iter().filter(|(name, value)| *name != "resource" && !value.is_empty()) {
        members.insert(name.to_owned(), value.into());
    }
    if let Some(resources) = form.all("resource") {
        members.insert("resource".to_owned(), resources.into_iter().flatten().map(Value::from).collect());
    }
    if let Some(jkt) = jkt {
        members.insert("dpop_jkt".to_owned(), jkt.into());
    }
    Jsonb::of(&Value::Object(members))
}
