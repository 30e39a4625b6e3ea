//! The page where a user enters the code that a device shows (RFC 8628 section 3.3).

use super::consent::{about, meanings};
use super::login::{Way, sentence};
use super::{Page, Visit, alert, array, html, show, token};
use crate::answer::Answer;
use crate::flow::{self, Asked, Given, Step, description};
use crate::store::{Failure, text};

/// The page, the code, and the decision, at the path of a tenant's issuer.
pub async fn device(visit: &Visit<'_>, tenant_id: &str) -> Result<Answer, Failure> {
    // A link with the code in it only fills the field: whoever sends such a link should not be what decides.
    let code = visit.form.get("user_code").filter(|_| visit.is_post());
    let step = flow::step(
        visit.front,
        "http_device",
        &[
            ("user_code", "text", Given::Text(code)),
            ("session_token", "text", Given::Text(visit.session_token)),
            ("ip", "inet", Given::Text(Some(&visit.caller.ip_text))),
            ("user_agent", "text", Given::Text(visit.caller.user_agent.as_deref())),
            ("tenant_id", "text", Given::Text(Some(tenant_id))),
        ],
    )
    .await?;
    let given = visit.get("user_code").unwrap_or("");
    match (step.next.as_str(), &step.asked, visit.form.get("decision")) {
        ("login", ..) if step.answer.response.headers().contains_key("location") => Ok(step.answer),
        ("login", ..) => {
            let query =
                url::form_urlencoded::Serializer::new(String::new()).append_pair("user_code", given).finish();
            let path = visit.request.path.as_str();
            let back = if given.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
            Ok(Answer::see_other(&format!("/login{}", Way::to(&back).query())))
        }
        ("consent", Some(asked), Some("allow")) => decide(visit, asked, tenant_id, true).await,
        ("consent", Some(asked), Some("deny")) => decide(visit, asked, tenant_id, false).await,
        ("consent", Some(asked), _) => Ok(question(visit, asked)),
        _ => Ok(entry(visit, &step, given)),
    }
}

fn entry(visit: &Visit<'_>, step: &Step, given: &str) -> Answer {
    let said = step.answer.error.as_deref().map(|error| match error {
        "temporarily_unavailable" | "slow_down" => {
            "There were too many wrong codes. Try again later.".to_owned()
        }
        "expired_token" => "This code has expired. Have the device show a new one.".to_owned(),
        "invalid_grant" => "This code is wrong. Compare it with the one that the device shows.".to_owned(),
        _ => description(&step.answer).map_or("That did not work.".to_owned(), |text| sentence(&text)),
    });
    let main = html!(
        "{}<form method=\"post\" action=\"{}\">{}<label for=\"user_code\">The code that the device shows</label>\
         <input id=\"user_code\" name=\"user_code\" value=\"{}\" autocomplete=\"off\" autocapitalize=\"characters\" \
         spellcheck=\"false\" required autofocus{}><button class=\"main\">Go on</button></form>",
        alert(said.as_deref()),
        visit.request.path,
        token(visit),
        given,
        said.as_ref().map(|_| html!(" aria-invalid=\"true\" aria-describedby=\"problem\"")),
    );
    let status = if said.is_some() { step.answer.status() } else { 200 };
    let mut answer = show(Page { title: "Connect a device", main, status, ..Page::default() });
    answer.error.clone_from(&step.answer.error);
    answer
}

fn question(visit: &Visit<'_>, asked: &Asked) -> Answer {
    let main = html!(
        "<p><strong>{}</strong> on another device asks for access to your account. Allow it only if you have begun \
         this yourself, and the device shows the code <strong>{}</strong> now.</p>{}<p>It wants to</p>{}\
         <form method=\"post\" action=\"{}\">{}<input type=\"hidden\" name=\"user_code\" value=\"{}\">\
         <button class=\"main\" name=\"decision\" value=\"allow\">Allow</button>\
         <button name=\"decision\" value=\"deny\">Deny</button></form>",
        asked.client_name(),
        asked.get("user_code").unwrap_or(""),
        about(asked),
        meanings(asked),
        visit.request.path,
        token(visit),
        asked.get("user_code").unwrap_or(""),
    );
    show(Page { title: "Allow access?", main, ..Page::default() })
}

async fn decide(
    visit: &Visit<'_>,
    asked: &Asked,
    tenant_id: &str,
    is_allowed: bool,
) -> Result<Answer, Failure> {
    let code = ("user_code", "text", asked.get("user_code"));
    let amr = asked.list("amr");
    let amr = (!amr.is_empty()).then(|| array(&amr));
    let row = if is_allowed {
        visit
            .row(
                "device_approve",
                &[
                    code,
                    ("user_id", "uuid", asked.get("user_id")),
                    ("session_id", "uuid", asked.get("session_id")),
                    ("auth_time", "timestamptz", asked.get("auth_time")),
                    ("acr", "text", asked.get("acr")),
                    ("amr", "text[]", amr.as_deref()),
                ],
            )
            .await?
    } else {
        visit.row("device_deny", &[code, ("tenant_id", "text", Some(tenant_id))]).await?
    };
    let (title, said) = match (text(&row, "error"), is_allowed) {
        (None, true) => {
            ("The device is connected", "You can go on at the device, and close this page.".to_owned())
        }
        (None, false) => ("The device was refused", "It has no access. You can close this page.".to_owned()),
        (Some(_), _) => {
            ("Something is wrong", sentence(text(&row, "error_description").unwrap_or("try again")))
        }
    };
    let main = html!("<p role=\"status\">{}</p>", said);
    Ok(show(Page { title, main, ..Page::default() }))
}
