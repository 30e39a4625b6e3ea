//! What a browser asks and a person decides: the authorization endpoint, log-out, and their calls of the database.

use hyper::Method;
use serde_json::Value;
use tokio_postgres::types::{ToSql, Type};

use crate::Front;
use crate::answer::Answer;
use crate::caller::Caller;
use crate::pages;
use crate::protocol::{FETCHES, Request, answer_in, fetch, for_client};
use crate::store::{Failure, text};

/// What the database says is next: send the answer, or show a page first.
pub struct Step {
    pub answer: Answer,
    pub next: String,
    pub interaction_id: Option<String>,
    pub asked: Option<Asked>,
}

/// What a page shows of a request: the column `request`.
pub struct Asked(Value);

impl Asked {
    /// A member that is a text.
    pub fn get(&self, name: &str) -> Option<&str> {
        text(&self.0, name)
    }

    /// The texts of a member that is an array.
    pub fn list(&self, name: &str) -> Vec<&str> {
        let members = self.0.get(name).and_then(Value::as_array);
        members.map(|members| members.iter().filter_map(Value::as_str).collect()).unwrap_or_default()
    }

    /// A member as it is.
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// What people read of the client.
    pub fn client_name(&self) -> &str {
        self.get("client_name").or_else(|| self.get("client_id")).unwrap_or("an application")
    }

    /// Where forms lead in the end, see [`targets_of`].
    pub fn targets(&self) -> String {
        targets_of(self.get("redirect_uri").unwrap_or(""))
    }
}

/// Where forms lead that end at this URI of a client, as sources of a Content-Security-Policy: the client sends the
/// browser on to any page of https, and its own URI may be another.
pub fn targets_of(uri: &str) -> String {
    let scheme = uri.split(':').next().unwrap_or("");
    let is_plain = scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    match scheme {
        "" | "https" => " https:".to_owned(),
        scheme if is_plain => format!(" https: {scheme}:"),
        _ => " https:".to_owned(),
    }
}

/// The columns of authorize_response.
const COLUMNS: &str = "SELECT status, headers::text, body, error, client_id, user_id::text, next, \
    interaction_id::text, request::text FROM auth_store.";

/// An argument as a text, or as bytes.
pub enum Given<'a> {
    Text(Option<&'a str>),
    Bytes(&'a [u8]),
}

/// Calls a function that says what is next.
pub async fn step(
    front: &Front,
    function: &str,
    arguments: &[(&str, &str, Given<'_>)],
) -> Result<Step, Failure> {
    let call: Vec<String> = arguments
        .iter()
        .enumerate()
        .map(|(place, (name, kind, value))| match value {
            Given::Text(_) => format!("{name} => ${}::text::{kind}", place + 1),
            Given::Bytes(_) => format!("{name} => ${}", place + 1),
        })
        .collect();
    let sql = format!("{COLUMNS}{function}({})", call.join(", "));
    let values: Vec<(&(dyn ToSql + Sync), Type)> = arguments
        .iter()
        .map(|(_, _, value)| match value {
            Given::Text(text) => (text as &(dyn ToSql + Sync), Type::TEXT),
            Given::Bytes(bytes) => (bytes as &(dyn ToSql + Sync), Type::BYTEA),
        })
        .collect();
    let rows = front.store.query(&sql, &values).await?;
    let row = rows.first().ok_or_else(|| Failure::Broken(format!("{function} did not answer")))?;
    let asked: Option<String> = row.try_get(8)?;
    Ok(Step {
        answer: for_client(answer_in(row)?),
        next: row.try_get::<_, Option<String>>(6)?.unwrap_or_default(),
        interaction_id: row.try_get(7)?,
        asked: asked.and_then(|asked| serde_json::from_str(&asked).ok()).map(Asked),
    })
}

/// The authorization endpoint of a tenant (RFC 6749 section 3.1).
pub async fn authorize(
    front: &Front,
    caller: &Caller,
    request: &Request,
    session_token: Option<&str>,
    tenant_id: &str,
) -> Result<Answer, Failure> {
    if ![Method::GET, Method::HEAD, Method::POST].contains(&request.method) {
        let refusal = Answer::refusal(405, "invalid_request", "GET and POST are accepted");
        return Ok(refusal.with(hyper::header::ALLOW, "GET, HEAD, POST"));
    }
    let mut fetches = 0;
    loop {
        let step = step(
            front,
            "http_authorize",
            &[
                ("method", "text", Given::Text(Some(request.method.as_str()))),
                ("query", "bytea", Given::Bytes(&request.query)),
                ("body", "bytea", Given::Bytes(&request.body)),
                ("session_token", "text", Given::Text(session_token)),
                ("ip", "inet", Given::Text(Some(&caller.ip_text))),
                ("user_agent", "text", Given::Text(caller.user_agent.as_deref())),
                ("tenant_id", "text", Given::Text(Some(tenant_id))),
            ],
        )
        .await?;
        if step.next != "fetch" {
            return Ok(next(front, step));
        }
        let url = step.asked.as_ref().and_then(|asked| asked.get("url"));
        let is_of_use = match url {
            Some(url) if fetches < FETCHES => fetch(front, url, Some(tenant_id)).await?,
            _ => false,
        };
        // The answer is the error that is left then.
        if !is_of_use {
            return Ok(next(front, Step { next: "page".to_owned(), ..step }));
        }
        fetches += 1;
    }
}

/// The answer for a browser: the database's, or the way to the page where the person decides.
pub fn next(front: &Front, step: Step) -> Answer {
    let leads_on = step.answer.response.headers().contains_key(hyper::header::LOCATION);
    let path = match step.next.as_str() {
        "login" => "/login",
        "consent" | "accept" => "/consent",
        "page" if !leads_on => {
            let description =
                description(&step.answer).unwrap_or_else(|| "the request was refused".to_owned());
            let error = step.answer.error.clone().unwrap_or_default();
            return Answer { client_id: step.answer.client_id, ..refused(front, &error, &description) };
        }
        _ => return step.answer,
    };
    let Some(id) = step.interaction_id.filter(|_| !leads_on) else { return step.answer };
    if !front.settings.pages {
        return no_page();
    }
    let to_page = Answer::see_other(&format!("{path}?interaction={id}"));
    Answer { client_id: step.answer.client_id, user_id: step.answer.user_id, ..to_page }
}

/// Where neither the front nor the application has a page.
pub fn no_page() -> Answer {
    Answer::refusal(500, "server_error", "the issuer's settings name no page for it, and FRONT_PAGES is off")
}

/// An error that must not go to the client.
fn refused(front: &Front, error: &str, description: &str) -> Answer {
    let mut answer = if front.settings.pages {
        let said = pages::sentence(description);
        pages::problem(400, &format!("{said} Go back to the application and begin anew. ({error})"))
    } else {
        Answer::refusal(400, error, description)
    };
    answer.error = Some(error.to_owned());
    answer
}

/// What the JSON of an error says.
pub fn description(answer: &Answer) -> Option<String> {
    let body: Value = serde_json::from_slice(&answer.body).ok()?;
    text(&body, "error_description").map(str::to_owned)
}

/// What an interaction waits for.
pub async fn waiting(front: &Front, id: &str, session_token: Option<&str>) -> Result<Step, Failure> {
    let id = ("interaction_id", "uuid", Given::Text(Some(id)));
    step(front, "interaction_get", &[id, ("session_token", "text", Given::Text(session_token))]).await
}

/// A request for the tests of other files.
#[cfg(test)]
pub fn asked_for_tests(value: Value) -> Asked {
    Asked(value)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Asked;

    #[test]
    fn a_form_may_lead_where_the_client_is() {
        for (uri, targets) in [
            ("https://a.example/cb", " https:"),
            ("http://127.0.0.1:4711/cb", " https: http:"),
            ("com.example.app:/cb", " https: com.example.app:"),
            ("x; script-src *:", " https:"),
        ] {
            assert_eq!(Asked(json!({ "redirect_uri": uri })).targets(), targets);
        }
    }
}
