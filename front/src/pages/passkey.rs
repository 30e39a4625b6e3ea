//! Passkeys: what the script of the pages asks for and brings, as JSON.

use std::time::Duration;

use hyper::header::{CACHE_CONTROL, LOCATION, SET_COOKIE};
use serde_json::{Value, json};

use super::Visit;
use super::factor::with;
use super::login::{Pending, Way, complete, pending, proceed, refusal, tenant};
use super::security::guard;
use crate::answer::Answer;
use crate::store::{Failure, is_true, text};

/// How long a challenge is good for.
const CHALLENGE: Duration = Duration::from_secs(300);

/// What the browser is to be asked for. The challenge is bound to the browser: an answer from somewhere else could log
/// it in as somebody else.
pub async fn options(visit: &Visit<'_>) -> Result<Answer, Failure> {
    let Some(body) = body(visit) else { return Ok(malformed()) };
    let row = match text(&body, "ceremony") {
        Some("login") => {
            let pending = pending(visit, &["factor"]);
            // Who has shown a factor may be told of the passkeys; a stranger is told of none.
            let user = ("user_id", "uuid", pending.as_ref().map(|pending| pending.user_id.as_str()));
            let tenant = tenant(visit, &Way::of(visit)).await?;
            let tenant = if pending.is_some() { ("tenant_id", "text", None) } else { tenant.as_argument() };
            visit.row("passkey_challenge", &[("ceremony", "text", Some("login")), user, tenant]).await?
        }
        Some("registration") => match guard(visit, "/account/security").await? {
            Ok(session) => {
                let user = ("user_id", "uuid", Some(session.user_id.as_str()));
                visit.row("passkey_challenge", &[("ceremony", "text", Some("registration")), user]).await?
            }
            Err(_) => return Ok(said(401, "Log in again first: load the page anew.")),
        },
        _ => return Ok(malformed()),
    };
    let Some(challenge) = row.get("options").and_then(|options| text(options, "challenge")) else {
        let (status, words) = refusal(&row);
        return Ok(said(status, &words));
    };
    let cookies = &visit.front.cookies;
    let sealed = visit.front.seal.seal("passkey", &json!(challenge), CHALLENGE);
    let sealed = sealed.ok_or_else(|| Failure::Broken("no random numbers".to_owned()))?;
    let answer = said_json(200, row.get("options").unwrap_or(&Value::Null));
    Ok(answer.with_cookie(&cookies.set(&cookies.asked, &sealed, Some(CHALLENGE))))
}

/// Logs in with what the browser answers; as the second factor of who is logging in, or as the first.
pub async fn login(visit: &Visit<'_>) -> Result<Answer, Failure> {
    let way = Way::of(visit);
    let (Some(body), Some(challenge)) = (body(visit), challenge(visit)) else { return Ok(malformed()) };
    let credential = body.to_string();
    let pending = pending(visit, &["factor"]);
    let tenant = tenant(visit, &way).await?;
    let user = ("user_id", "uuid", pending.as_ref().map(|pending| pending.user_id.as_str()));
    let tenant = if pending.is_some() { ("tenant_id", "text", None) } else { tenant.as_argument() };
    let row = visit
        .row(
            "passkey_authenticate",
            &[
                ("credential", "jsonb", Some(&credential)),
                ("challenge", "text", Some(&challenge)),
                ("device_token", "text", visit.cookie(&visit.front.cookies.device)),
                user,
                tenant,
            ],
        )
        .await?;
    if !is_true(&row, "ok") {
        let (status, words) = match text(&row, "error") {
            Some("invalid_credentials" | "invalid_grant") => {
                (401, "This passkey is not known here.".to_owned())
            }
            _ => refusal(&row),
        };
        return Ok(said(status, &words));
    }
    let methods: Vec<&str> = match row.get("amr").and_then(Value::as_array) {
        Some(amr) => amr.iter().filter_map(Value::as_str).collect(),
        None => Vec::new(),
    };
    let answer = match pending {
        Some(pending) => {
            let amr = with(&with(&pending.amr, &methods), &["mfa"]);
            complete(visit, &way, Pending { amr, ..pending }).await?
        }
        None => proceed(visit, &way, &row, &with(&[], &methods)).await?,
    };
    Ok(as_json(answer))
}

/// Stores a new passkey of who is logged in.
pub async fn register(visit: &Visit<'_>) -> Result<Answer, Failure> {
    let session = match guard(visit, "/account/security").await? {
        Ok(session) => session,
        Err(_) => return Ok(said(401, "Log in again first: load the page anew.")),
    };
    let (Some(body), Some(challenge)) = (body(visit), challenge(visit)) else { return Ok(malformed()) };
    let credential = body.get("credential").map(Value::to_string);
    let row = visit
        .row(
            "passkey_register",
            &[
                ("user_id", "uuid", Some(&session.user_id)),
                ("credential", "jsonb", credential.as_deref()),
                ("name", "text", text(&body, "name").filter(|name| !name.is_empty()).or(Some("Passkey"))),
                ("challenge", "text", Some(&challenge)),
            ],
        )
        .await?;
    if text(&row, "error").is_some() {
        let (status, words) = refusal(&row);
        return Ok(said(status, &words));
    }
    Ok(said_json(200, &json!({ "location": "/account/security?done=1" })))
}

fn body(visit: &Visit<'_>) -> Option<Value> {
    let body = visit.is_post().then(|| serde_json::from_slice(&visit.request.body).ok())?;
    body.filter(Value::is_object)
}

fn challenge(visit: &Visit<'_>) -> Option<String> {
    let value = visit.front.seal.open("passkey", visit.cookie(&visit.front.cookies.asked)?)?;
    value.as_str().map(str::to_owned)
}

fn malformed() -> Answer {
    said(400, "That did not work. Load the page anew and try again.")
}

fn said(status: u16, words: &str) -> Answer {
    said_json(status, &json!({ "error": "refused", "error_description": words }))
}

fn said_json(status: u16, value: &Value) -> Answer {
    Answer::new(status, "application/json", value.to_string()).with(CACHE_CONTROL, "no-store")
}

/// The way on as one for the script, with the cookies.
fn as_json(answer: Answer) -> Answer {
    let Some(location) = answer.response.headers().get(LOCATION).and_then(|value| value.to_str().ok()) else {
        return said(403, "This account can't be used.");
    };
    let mut told = said_json(200, &json!({ "location": location }));
    for cookie in answer.response.headers().get_all(SET_COOKIE) {
        told.response.headers_mut().append(SET_COOKIE, cookie.clone());
    }
    told
}
