//! Logging out, by the user or by a client (OpenID Connect RP-Initiated Logout 1.0).

use super::{Page, Visit, html, show, token};
use crate::answer::Answer;
use crate::flow::{self, Given, description, no_page};
use crate::pages::problem;
use crate::store::Failure;

/// As the menu of the account asks for it, whose session it is.
pub async fn own(visit: &Visit<'_>) -> Result<Answer, Failure> {
    let front = visit.front.settings.tenant.as_deref();
    let tenant_id = if visit.session().await?.is_some() { None } else { front };
    log_out(visit, tenant_id).await
}

/// Ends the session where the client has shown that it means it, or asks. Without a tenant it is that of the session.
pub async fn log_out(visit: &Visit<'_>, tenant_id: Option<&str>) -> Result<Answer, Failure> {
    // A client may send its request by POST too; that is no decision, as it comes from another site.
    let is_decision = visit.is_post() && visit.is_own();
    // A browser brings no cookie along with another site's POST (SameSite=Lax): it is to come once more by GET.
    if visit.is_post() && !is_decision && visit.session_token.is_none() {
        return Ok(Answer::see_other(&by_get(&visit.request.path, &visit.request.body)));
    }
    let query = match visit.form.get("request").filter(|_| is_decision) {
        Some(request) => request.as_bytes(),
        None if visit.is_post() && !is_decision => &visit.request.body,
        None => &visit.request.query,
    };
    let confirmed = if is_decision { "true" } else { "false" };
    let step = flow::step(
        visit.front,
        "http_end_session",
        &[
            ("query", "bytea", Given::Bytes(query)),
            ("session_token", "text", Given::Text(visit.session_token)),
            ("confirmed", "boolean", Given::Text(Some(confirmed))),
            ("ip", "inet", Given::Text(Some(&visit.caller.ip_text))),
            ("user_agent", "text", Given::Text(visit.caller.user_agent.as_deref())),
            ("tenant_id", "text", Given::Text(tenant_id)),
        ],
    )
    .await?;
    let leads_on = step.answer.response.headers().contains_key("location");
    match step.next.as_str() {
        "confirm" if leads_on => Ok(step.answer),
        "confirm" if !visit.front.settings.pages => Ok(no_page()),
        "confirm" => {
            let asked = step.asked.as_ref();
            let name = asked.and_then(|asked| asked.get("client_name"));
            let main = html!(
                "{}<form method=\"post\" action=\"{}\">{}<input type=\"hidden\" name=\"request\" value=\"{}\">\
                 <button class=\"main\">Log out</button></form><p><a href=\"/account\">Stay logged in</a></p>",
                name.map(|name| html!("<p><strong>{}</strong> asks you to log out here too.</p>", name)),
                visit.request.path,
                token(visit),
                String::from_utf8_lossy(query).into_owned(),
            );
            let target = asked.and_then(|asked| asked.get("post_logout_redirect_uri"));
            let targets = target.map(flow::targets_of).unwrap_or_default();
            Ok(show(Page { title: "Log out?", main, targets, ..Page::default() }))
        }
        // Nothing has ended.
        "page" if step.answer.error.is_some() && !leads_on => {
            let said = description(&step.answer).unwrap_or_else(|| "the request was refused".to_owned());
            let mut answer = problem(400, &super::sentence(&said));
            answer.error = step.answer.error;
            Ok(answer)
        }
        next => {
            let done =
                html!("<p role=\"status\">You are logged out.</p><p><a href=\"/login\">Log in</a></p>");
            let is_page = next == "page" && !leads_on && visit.front.settings.pages;
            let shown = Page { title: "Logged out", main: done, ..Page::default() };
            let answer = if is_page { show(shown) } else { step.answer };
            let cookies = &visit.front.cookies;
            // Who came without the cookie may have it all the same, and has not been asked.
            let is_known = visit.session_token.is_some();
            Ok(if is_known { answer.with_cookie(&cookies.remove(&cookies.session)) } else { answer })
        }
    }
}

/// The members of a form as a query of the same path.
fn by_get(path: &str, body: &[u8]) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(url::form_urlencoded::parse(body));
    format!("{path}?{}", query.finish())
}

#[cfg(test)]
mod tests {
    use super::by_get;

    #[test]
    fn a_form_becomes_a_query() {
        assert_eq!(by_get("/logout", b"a=1+2&b=%0d%0Ax"), "/logout?a=1+2&b=%0D%0Ax");
        assert_eq!(by_get("/acme/logout", b""), "/acme/logout?");
    }
}
