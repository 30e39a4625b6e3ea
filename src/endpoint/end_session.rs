//! The log-out that a client asks for (OpenID Connect RP-Initiated Logout 1.0): it ends the browser's session and the
//! grants that were made in it. A client that shows an ID token of the session's user may do so at once; for anybody
//! else the user is asked, because a link is no wish.
//!
//! Locks: as the end of a session.

use std::rc::Rc;

use pgrx::prelude::*;
use serde_json::{Map, Value};

use crate::endpoint::authorize::answer::{Answer, AuthorizeResponse, Next};
use crate::endpoint::authorize::reply::page;
use crate::endpoint::authorize::respond::location;
use crate::endpoint::id_token_hint::{self, Hint};
use crate::endpoint::request::form::Form;
use crate::endpoint::response::Response;
use crate::identity::session::{self, Session, revoke};
use crate::identity::tenant;
use crate::kernel::outcome::{ErrorCode, Mistake, OrRaise, Refusal};
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::inet::Inet;
use crate::kernel::value::jsonb::Jsonb;
use crate::oauth::client::{self, Client, page as client_page, subject};
use crate::oauth::code::request::MAX_PARAMETER;
use crate::oauth::issuer::{self, Issuer};
use crate::trail::Context;

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn http_end_session(
    query: Option<&[u8]>,
    session_token: default!(Option<&str>, "NULL"),
    confirmed: default!(Option<bool>, "false"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
    tenant_id: default!(Option<&str>, "NULL"),
) -> AuthorizeResponse {
    let sent = Sent { query: query.unwrap_or_default(), confirmed: confirmed.unwrap_or(false), tenant_id };
    end_session(clock::now(), &sent, session_token, &Context { ip, user_agent }).or_raise().into()
}

/// A request of a browser.
pub struct Sent<'a> {
    /// The parameters, of the query or of the body.
    pub query: &'a [u8],
    /// True if the user has said so on the page.
    pub confirmed: bool,
    /// Whose log-out it is; None: of the session's tenant, or the client's.
    pub tenant_id: Option<&'a str>,
}

/// Who asks, and where the browser goes afterwards.
struct Asker<'a> {
    client: Option<Client>,
    name: Option<String>,
    /// The user whom the client means, by the client's name.
    sub: Option<String>,
    target: Option<&'a str>,
}

const fn invalid(description: &'static str) -> Refusal {
    Refusal::new(ErrorCode::InvalidRequest, description)
}

/// Answers a request to log out.
pub fn end_session(
    now: Timestamp,
    sent: &Sent<'_>,
    session_token: Option<&str>,
    context: &Context<'_>,
) -> Result<Answer, Mistake> {
    let snapshot = Snapshot::deciding()?;
    let session = session::examine(now, &snapshot, session_token)?.ok().map(|examined| examined.session);
    let form = Form::read(sent.query);
    let client_id = form.as_ref().ok().and_then(|form| form.get("client_id"));
    let issuer = issuer_of(&snapshot, sent.tenant_id, session.as_ref(), client_id)?;
    let session = session.filter(|session| session.tenant_id == issuer.tenant_id);
    let form = match &form {
        Ok(form) => form,
        Err(malformed) => return Ok(page(Some(&issuer), &invalid(malformed.description()))),
    };
    let asker = match asker(now, &snapshot, &issuer, form)? {
        Ok(asker) => asker,
        Err(refusal) => return Ok(page(Some(&issuer), &refusal)),
    };
    let meant = match &session {
        Some(session) => asker.means(&snapshot, session)?,
        None => false,
    };
    drop(snapshot);
    let answer = match &session {
        Some(session) if !sent.confirmed && !meant => confirm(&issuer, &asker, session, sent),
        Some(session) => {
            let (id, user_id) = (Some(session.id), Some(session.user_id));
            revoke::revoke_one(now, id, Some("logout"), user_id, context)?;
            gone(&asker, form)
        }
        None => gone(&asker, form),
    };
    let response = answer.response.of_user(session.map(|session| session.user_id));
    Ok(Answer {
        response: match &asker.client {
            Some(client) => response.of_client(&client.id),
            None => response,
        },
        ..answer
    })
}

/// The issuer that is asked: the named tenant's, else that of the session or of the client.
fn issuer_of(
    snapshot: &Snapshot,
    tenant_id: Option<&str>,
    session: Option<&Session>,
    client_id: Option<&str>,
) -> Result<Rc<Issuer>, Mistake> {
    let client = match (tenant_id, session, client_id) {
        (None, None, Some(client_id)) => client::find(snapshot, client_id)?,
        _ => None,
    };
    let tenant_id = match (tenant_id, session, client) {
        (None, Some(session), _) => session.tenant_id.clone(),
        (None, None, Some(client)) => client.tenant_id,
        (tenant_id, ..) => tenant::resolve(snapshot, tenant_id)?,
    };
    issuer::of_tenant(snapshot, &tenant_id)?.ok_or_else(issuer::missing)
}

/// What the parameters say (RP-Initiated Logout section 2).
fn asker<'a>(
    now: Timestamp,
    snapshot: &Snapshot,
    issuer: &Issuer,
    form: &'a Form<'_>,
) -> Result<Result<Asker<'a>, Refusal>, Mistake> {
    let named = form.get("client_id");
    let hint = match form.get("id_token_hint") {
        None => None,
        Some(text) => match id_token_hint::read(now, snapshot, issuer, text)? {
            Some(Hint { client_id, .. }) if named.is_some_and(|named| named != client_id) => {
                return Ok(Err(invalid("client_id is not the client of id_token_hint")));
            }
            Some(hint) => Some(hint),
            None => return Ok(Err(invalid("id_token_hint is not valid"))),
        },
    };
    let client = match hint.as_ref().map(|hint| hint.client_id.as_str()).or(named) {
        None => None,
        Some(client_id) => {
            let client = client::find(snapshot, client_id)?;
            match client.filter(|client| client.tenant_id == issuer.tenant_id) {
                Some(client) => Some(client),
                None => return Ok(Err(invalid("unknown client"))),
            }
        }
    };
    let about = match &client {
        Some(client) => client_page::find(snapshot, &client.id)?,
        None => None,
    };
    let target = form.get("post_logout_redirect_uri");
    if let Some(uri) = target
        && !about
            .as_ref()
            .is_some_and(|about| about.post_logout_redirect_uris.iter().any(|known| known == uri))
    {
        return Ok(Err(invalid("post_logout_redirect_uri must be one of the client's registered ones")));
    }
    if form.get("state").is_some_and(|state| state.len() > MAX_PARAMETER) {
        return Ok(Err(invalid("state has at most 2048 bytes")));
    }
    Ok(Ok(Asker { client, name: about.map(|about| about.name), sub: hint.map(|hint| hint.sub), target }))
}

impl Asker<'_> {
    /// Whether it has shown that it means this session's user: only a client that logged the user in has the token.
    fn means(&self, snapshot: &Snapshot, session: &Session) -> Result<bool, Mistake> {
        match (&self.client, &self.sub) {
            (Some(client), Some(sub)) => Ok(*sub == subject::of(snapshot, client, session.user_id)?),
            _ => Ok(false),
        }
    }
}

/// Has the user asked, by the front's page or the application's, which gets the request's parameters.
fn confirm(issuer: &Issuer, asker: &Asker<'_>, session: &Session, sent: &Sent<'_>) -> Answer {
    let response = match &issuer.settings.logout_url {
        Some(url) => {
            let separator = if url.contains('?') { '&' } else { '?' };
            let query = String::from_utf8_lossy(sent.query);
            Response::redirect(303, &format!("{url}{separator}{query}"))
        }
        None => Response::empty(200),
    };
    let mut shown = Map::new();
    let mut show = |name: &str, value: Option<&str>| {
        if let Some(value) = value {
            shown.insert(name.to_owned(), value.into());
        }
    };
    show("client_id", asker.client.as_ref().map(|client| client.id.as_str()));
    show("client_name", asker.name.as_deref());
    show("post_logout_redirect_uri", asker.target);
    show("user_id", Some(&session.user_id.to_string()));
    Answer { request: Jsonb::of(&Value::Object(shown)), ..Answer::of(response, Next::Confirm) }
}

/// The answer of a log-out: the way back to the client, or a page.
fn gone(asker: &Asker<'_>, form: &Form<'_>) -> Answer {
    match asker.target {
        Some(target) => {
            let state: Vec<_> = form.get("state").map(|state| ("state", state)).into_iter().collect();
            Answer::of(Response::redirect(303, &location(target, &state)), Next::Redirect)
        }
        None => Answer::of(Response::empty(200), Next::Page),
    }
}
