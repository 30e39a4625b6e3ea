//! The API keys of the user.

use serde_json::Value;

use super::account::{button, page};
use super::login::{refusal, sentence};
use super::security::guard;
use super::{Visit, alert, html, token, uuid, when};
use crate::answer::Answer;
use crate::pages::Html;
use crate::store::{Failure, text};

/// The page, and what its forms do.
pub async fn keys(visit: &Visit<'_>) -> Result<Answer, Failure> {
    let session = match guard(visit, "/account/keys").await? {
        Ok(session) => session,
        Err(answer) => return Ok(answer),
    };
    let user = ("user_id", "uuid", Some(session.user_id.as_str()));
    let (mut made, mut said) = (None, None);
    if visit.is_post() {
        if let Some(key_id) = uuid(visit, "key") {
            visit.row("api_key_revoke", &[("api_key_id", "uuid", Some(key_id)), user]).await?;
            return Ok(Answer::see_other("/account/keys"));
        }
        let name = visit.form.get("name").map(str::trim).filter(|name| !name.is_empty());
        let days = visit.form.get("days").and_then(|days| days.parse::<u16>().ok()).filter(|days| *days > 0);
        match (name.filter(|name| name.chars().count() <= 200), days) {
            (Some(name), Some(days)) => {
                let end = after(days);
                let end = ("expires_at", "timestamptz", Some(end.as_str()));
                let row = visit.row("api_key_create", &[("name", "text", Some(name)), user, end]).await?;
                made = text(&row, "api_key").map(str::to_owned);
                if made.is_none() {
                    said = Some(refusal(&row).1);
                }
            }
            _ => said = Some(sentence("a name of at most 200 characters and a number of days are needed")),
        }
    }
    let rows = visit.front.store.rows("api_key_list", &[user]).await?;
    let live = rows.iter().filter(|row| text(row, "revoked_at").is_none());
    let shown: Vec<Html> = live.map(|row| entry(visit, row)).collect();
    let made = made.map(|key| {
        html!("<p role=\"status\">This is the key. It is not shown again.</p><p><code>{}</code></p>", key)
    });
    let table = (!shown.is_empty()).then(|| {
        html!(
            "<table><thead><tr><th scope=\"col\">Name</th><th scope=\"col\">Begins with</th>\
             <th scope=\"col\">Last used</th><th scope=\"col\">Ends</th><th scope=\"col\">Remove</th></tr></thead>\
             <tbody>{}</tbody></table>",
            shown
        )
    });
    Ok(page(
        "API keys",
        html!(
            "{}{}<p>A program that has one of these keys acts as you.</p>{}<h2>A new key</h2>\
         <form method=\"post\" action=\"/account/keys\">{}<label for=\"name\">Name</label>\
         <input id=\"name\" name=\"name\" maxlength=\"200\" autocomplete=\"off\" required>\
         <label for=\"days\">Days that it works</label>\
         <input id=\"days\" name=\"days\" type=\"number\" min=\"1\" max=\"3650\" value=\"90\" required>\
         <button>Make a key</button></form>",
            alert(said.as_deref()),
            made,
            table,
            token(visit),
        ),
    ))
}

/// A time so many days from now, as the database reads it.
fn after(days: u16) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let seconds = now.as_secs() + u64::from(days) * 86_400;
    // The server's own arithmetic would need a statement of its own.
    let (days, rest) = (i64::try_from(seconds / 86_400).unwrap_or(0), seconds % 86_400);
    let (year, month, day) = super::visit::date(days);
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02}+00", rest / 3600, rest / 60 % 60, rest % 60)
}

fn entry(visit: &Visit<'_>, row: &Value) -> Html {
    let name = text(row, "name").unwrap_or("");
    html!(
        "<tr><td>{}</td><td><code>{}</code></td><td>{}</td><td>{}</td><td>{}</td></tr>",
        name,
        text(row, "start").unwrap_or(""),
        when(text(row, "last_used_at")),
        when(text(row, "expires_at")),
        button(visit, "/account/keys", "key", text(row, "api_key_id").unwrap_or(""), "Remove", name),
    )
}
