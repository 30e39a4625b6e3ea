//! The page where a user enters the code of a device and decides (RFC 8628 section 3.3). Only a user who is logged in
//! gets to know whether a code is right.

use pgrx::prelude::*;
use serde_json::{Map, Value};

use crate::endpoint::authorize::answer::{Answer, AuthorizeResponse, Next};
use crate::endpoint::authorize::case::session_of;
use crate::endpoint::authorize::respond::location;
use crate::endpoint::authorize::shown::of_client;
use crate::endpoint::response::{Response, Teller};
use crate::identity::session::Session;
use crate::identity::tenant;
use crate::kernel::outcome::{Mistake, OrRaise};
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::value::calendar::rfc3339;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::inet::Inet;
use crate::kernel::value::jsonb::Jsonb;
use crate::oauth::client::page::{self as client_page, Page};
use crate::oauth::device::decide::{self, DeviceRequest};
use crate::oauth::issuer;
use crate::rfc::parameter;
use crate::trail::Context;

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn http_device(
    user_code: Option<&str>,
    session_token: Option<&str>,
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
    tenant_id: default!(Option<&str>, "NULL"),
) -> AuthorizeResponse {
    let context = Context { ip, user_agent };
    device(clock::now(), user_code, session_token, tenant_id, &context).or_raise().into()
}

fn device(
    now: Timestamp,
    user_code: Option<&str>,
    session_token: Option<&str>,
    tenant_id: Option<&str>,
    context: &Context<'_>,
) -> Result<Answer, Mistake> {
    let snapshot = Snapshot::deciding()?;
    let tenant_id = tenant::resolve(&snapshot, tenant_id)?;
    let issuer = issuer::of_tenant(&snapshot, &tenant_id)?.ok_or_else(issuer::missing)?;
    let user_code = parameter::value(user_code);
    let Some(session) = session_of(now, &snapshot, session_token, &tenant_id)? else {
        let code: Vec<_> = user_code.map(|code| ("user_code", code)).into_iter().collect();
        let response = match &issuer.settings.login_url {
            Some(url) => Response::redirect(303, &location(url, &code)),
            None => Response::empty(200),
        };
        return Ok(Answer::of(response, Next::Login));
    };
    drop(snapshot);
    let answer = match user_code {
        None => Answer::of(Response::empty(200), Next::Enter),
        Some(code) => look_up(now, code, &session, &tenant_id, context)?,
    };
    Ok(Answer { response: answer.response.of_user(Some(session.user_id)), ..answer })
}

/// The request that the code leads to, for the page that asks.
fn look_up(
    now: Timestamp,
    user_code: &str,
    session: &Session,
    tenant_id: &str,
    context: &Context<'_>,
) -> Result<Answer, Mistake> {
    let found = decide::look_up(now, Some(user_code), Some(tenant_id), context)?;
    if let Some(error) = found.error {
        let description = found.error_description.as_deref().unwrap_or_default();
        let teller = Teller::Client { realm: None };
        return Ok(Answer::of(Response::refused(error, description, found.retry_after, teller), Next::Enter));
    }
    let client_id = found.client_id.as_deref().unwrap_or_default();
    let about = client_page::find(&Snapshot::deciding()?, client_id)?;
    let mut answer = Answer::of(Response::empty(200).of_client(client_id), Next::Consent);
    answer.request = Jsonb::of(&Value::Object(shown(&found, about.as_ref(), session, user_code)));
    Ok(answer)
}

/// What the page shows, and what device_approve() takes.
fn shown(
    found: &DeviceRequest,
    about: Option<&Page>,
    session: &Session,
    user_code: &str,
) -> Map<String, Value> {
    let mut shown = about.map(of_client).unwrap_or_default();
    let mut show = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            shown.insert(name.to_owned(), value);
        }
    };
    show("user_code", Some(user_code.into()));
    show("client_id", found.client_id.as_deref().map(Value::from));
    show("client_name", found.client_name.as_deref().map(Value::from));
    show("scope", found.scope.as_deref().map(Value::from));
    show("resource", found.resource.clone().map(Value::from));
    show("user_id", Some(session.user_id.to_string().into()));
    show("session_id", Some(session.id.to_string().into()));
    show("auth_time", Some(rfc3339(session.authenticated_at()).into()));
    show("acr", session.acr.as_deref().map(Value::from));
    show("amr", session.amr.clone().map(Value::from));
    shown
}
