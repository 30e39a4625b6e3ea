//! The account: who the user is, where the user is logged in, and what has access.

use serde_json::Value;

use super::login::Way;
use super::{Page, Visit, alert, html, problem, show, token, uuid, when};
use crate::answer::Answer;
use crate::pages::Html;
use crate::pages::visit::Session;
use crate::store::{Failure, text};

/// The session of who is logged in, or the way to log in.
pub async fn member<'v>(visit: &'v Visit<'_>, path: &str) -> Result<Result<&'v Session, Answer>, Failure> {
    Ok(visit.session().await?.ok_or_else(|| Answer::see_other(&format!("/login{}", Way::to(path).query()))))
}

/// A page of the account.
pub fn page(title: &'static str, main: Html) -> Answer {
    show(Page { title, main, is_account: true, ..Page::default() })
}

/// Who the user is.
pub async fn overview(visit: &Visit<'_>) -> Result<Answer, Failure> {
    let session = match member(visit, "/account").await? {
        Ok(session) => session,
        Err(answer) => return Ok(answer),
    };
    let user = ("user_id", "uuid", Some(session.user_id.as_str()));
    let row = visit.front.store.row("user_get", &[user]).await?;
    let status = visit.front.store.row("mfa_status", &[user]).await?;
    let names = [text(&row, "first_name"), text(&row, "last_name")];
    let name = names.into_iter().flatten().collect::<Vec<_>>().join(" ");
    let has_factor = crate::store::is_true(&status, "enrolled");
    let entry = |name: &str, value: &str| {
        (!value.is_empty()).then(|| html!("<tr><th scope=\"row\">{}</th><td>{}</td></tr>", name, value))
    };
    let acted = session.is_acted.then(|| alert(Some("Somebody of the support acts in this session.")));
    Ok(page(
        "Your account",
        html!(
            "{}<table>{}{}{}{}</table><p><a href=\"/account/security\">Change the password</a></p>",
            acted.flatten(),
            entry("Name", &name),
            entry("E-mail address", text(&row, "email").unwrap_or("")),
            entry("Member since", &when(text(&row, "created_at"))),
            entry("Second factor", if has_factor { "set up" } else { "none" }),
        ),
    ))
}

/// Where the user is logged in.
pub async fn sessions(visit: &Visit<'_>) -> Result<Answer, Failure> {
    let own = match member(visit, "/account/sessions").await? {
        Ok(session) => session,
        Err(answer) => return Ok(answer),
    };
    let user = ("user_id", "uuid", Some(own.user_id.as_str()));
    if visit.is_post() {
        if visit.form.get("all").is_some() {
            let except = ("except_session_id", "uuid", Some(own.session_id.as_str()));
            visit.row("user_sessions_revoke", &[user, except]).await?;
        } else if let Some(session_id) = uuid(visit, "session") {
            visit.row("session_revoke", &[("session_id", "uuid", Some(session_id)), user]).await?;
        }
        return Ok(Answer::see_other("/account/sessions"));
    }
    let rows = visit.front.store.rows("session_list", &[user]).await?;
    let live: Vec<&Value> = rows.iter().filter(|row| text(row, "status") == Some("active")).collect();
    let shown = live.iter().map(|row| {
        let id = text(row, "session_id").unwrap_or("");
        let program = text(row, "user_agent").map_or("unknown".to_owned(), program);
        let end = if id == own.session_id {
            html!("<strong>this one</strong>")
        } else {
            button(
                visit,
                "/account/sessions",
                "session",
                id,
                "Log out",
                &format!("{program}, {}", address(row)),
            )
        };
        html!(
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            program,
            address(row),
            when(text(row, "last_seen_at")),
            end
        )
    });
    let shown: Vec<Html> = shown.collect();
    let all = (live.len() > 1).then(|| {
        html!(
            "<form method=\"post\" action=\"/account/sessions\">{}<input type=\"hidden\" name=\"all\" value=\"1\">\
             <button>Log out everywhere else</button></form>",
            token(visit)
        )
    });
    Ok(page(
        "Sessions",
        html!(
            "<p>Where you are logged in. Times are UTC.</p><table><thead><tr><th scope=\"col\">Browser</th>\
         <th scope=\"col\">Address</th><th scope=\"col\">Last used</th><th scope=\"col\">End</th></tr></thead>\
         <tbody>{}</tbody></table>{}",
            shown,
            all
        ),
    ))
}

fn address(row: &Value) -> String {
    text(row, "ip").unwrap_or("unknown").trim_end_matches("/32").trim_end_matches("/128").to_owned()
}

/// A browser and its system, as far as the text that it sends says them.
fn program(user_agent: &str) -> String {
    let first = |known: &[(&str, &'static str)]| {
        known.iter().find(|(sign, _)| user_agent.contains(sign)).map(|(_, name)| *name)
    };
    // Each browser claims to be those before it.
    let browser = first(&[
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ]);
    let system = first(&[
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("Linux", "Linux"),
    ]);
    match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(browser), None) => browser.to_owned(),
        (None, _) => user_agent.chars().take(60).collect(),
    }
}

/// A small form of one button that acts on one thing; a screen reader reads what it acts on too.
pub fn button(visit: &Visit<'_>, action: &str, name: &str, value: &str, label: &str, of: &str) -> Html {
    html!(
        "<form method=\"post\" action=\"{}\">{}<input type=\"hidden\" name=\"{}\" value=\"{}\">\
         <button class=\"small\" aria-label=\"{}: {}\">{}</button></form>",
        action,
        token(visit),
        name,
        value,
        label,
        of,
        label
    )
}

/// What has access to the account.
pub async fn applications(visit: &Visit<'_>) -> Result<Answer, Failure> {
    let session = match member(visit, "/account/applications").await? {
        Ok(session) => session,
        Err(answer) => return Ok(answer),
    };
    let user = ("user_id", "uuid", Some(session.user_id.as_str()));
    if visit.is_post() {
        if let Some(client_id) = visit.form.get("client") {
            visit.row("consent_revoke", &[user, ("client_id", "text", Some(client_id))]).await?;
        }
        return Ok(Answer::see_other("/account/applications"));
    }
    let rows = visit.front.store.rows("user_applications", &[user]).await?;
    if rows.is_empty() {
        return Ok(page("Applications", html!("<p>No application has access to your account.</p>")));
    }
    let shown: Vec<Html> = rows
        .iter()
        .map(|row| {
            let client_id = text(row, "client_id").unwrap_or("");
            let name = text(row, "name").unwrap_or(client_id);
            html!(
                "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
                name,
                text(row, "scope").unwrap_or(""),
                when(text(row, "last_used_at")),
                button(visit, "/account/applications", "client", client_id, "Remove", name)
            )
        })
        .collect();
    Ok(page(
        "Applications",
        html!(
            "<p>These applications have access to your account. Without it they ask you again.</p>\
         <table><thead><tr><th scope=\"col\">Application</th><th scope=\"col\">May</th>\
         <th scope=\"col\">Last used</th><th scope=\"col\">Access</th></tr></thead><tbody>{}</tbody></table>",
            shown
        ),
    ))
}

/// What a form that no page has gets.
pub fn unknown() -> Answer {
    problem(400, "This form is none of this page's.")
}

#[cfg(test)]
mod tests {
    use super::program;

    #[test]
    fn a_browser_is_what_it_claims_last() {
        let chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/142.0 Safari/537.36";
        assert_eq!(program(chrome), "Chrome on Linux");
        assert_eq!(program(&format!("{chrome} Edg/142.0")), "Edge on Linux");
        assert_eq!(
            program("Mozilla/5.0 (iPhone; CPU iPhone OS 19 like Mac OS X) Safari/604"),
            "Safari on iPhone"
        );
        assert_eq!(program("curl/8.0"), "curl/8.0");
    }
}
