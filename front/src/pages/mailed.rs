//! Links by mail: logging in with one, and a new password. A GET of a link only looks, because programs that scan mail
//! follow links too; the button on the page uses it.

use std::time::Duration;

use serde_json::json;

use super::login::{Way, proceed, refusal, targets, tenant};
use super::{Page, Visit, alert, html, problem, show};
use crate::answer::Answer;
use crate::mail;
use crate::pages::Html;
use crate::store::{Failure, text};

/// How long the browser that asked for a mail is remembered.
const ASKED: Duration = Duration::from_secs(3600);

/// What the two kinds of mails differ in.
struct Kind {
    path: &'static str,
    title: &'static str,
    start: &'static str,
    purpose: &'static str,
    subject: &'static str,
    text: &'static str,
}

const LINK: Kind = Kind {
    path: "/login/link",
    title: "Log in with a link by mail",
    start: "magic_link_start",
    purpose: "magic_link",
    subject: "Your link to log in",
    text: "Open this link to log in:",
};

const RESET: Kind = Kind {
    path: "/login/reset",
    title: "Set a new password",
    start: "password_reset_start",
    purpose: "password_reset",
    subject: "Your link to set a new password",
    text: "Open this link to set a new password:",
};

/// Logging in with a link.
pub async fn link(visit: &Visit<'_>) -> Result<Answer, Failure> {
    let Some(link) = visit.get("token") else { return ask(visit, &LINK).await };
    if !visit.is_post() {
        let button = html!("<button class=\"main\">Log in</button>");
        return look(visit, &LINK, link, None, &button).await;
    }
    let device = ("device_token", "text", visit.cookie(&visit.front.cookies.device));
    let row = visit.row("magic_link_finish", &[("token", "text", Some(link)), device]).await?;
    if text(&row, "error").is_some() {
        let (status, said) = refusal(&row);
        return Ok(problem(status, &said));
    }
    // Only the browser that asked goes on to the application: another one was asked for by somebody else, perhaps.
    let way = asked(visit).unwrap_or_else(|| Way::to("/account"));
    proceed(visit, &way, &row, &["otp".to_owned()]).await
}

/// A new password by a link.
pub async fn reset(visit: &Visit<'_>) -> Result<Answer, Failure> {
    let Some(link) = visit.get("token") else { return ask(visit, &RESET).await };
    let fields = html!(
        "<label for=\"new\">New password</label><input id=\"new\" name=\"new\" type=\"password\" \
         autocomplete=\"new-password\" minlength=\"8\" required><button class=\"main\">Set the password</button>"
    );
    if !visit.is_post() {
        return look(visit, &RESET, link, None, &fields).await;
    }
    let new = ("new_password", "text", Some(visit.form.get("new").unwrap_or("")));
    let row = visit.row("password_reset_finish", &[("token", "text", Some(link)), new]).await?;
    match text(&row, "error") {
        None => {
            let way = asked(visit).unwrap_or_else(|| Way::to("/account"));
            let main = html!(
                "<p role=\"status\">The password is set, and every session has ended.</p>\
                 <p><a href=\"/login{}\">Log in</a></p>",
                way.query()
            );
            Ok(show(Page { title: RESET.title, main, ..Page::default() }))
        }
        // The token is good for another password.
        Some("password_rejected" | "temporarily_unavailable") => {
            let (_, said) = refusal(&row);
            look(visit, &RESET, link, Some(&said), &fields).await
        }
        Some(_) => {
            let (status, said) = refusal(&row);
            Ok(problem(status, &said))
        }
    }
}

/// The page that asks for an address, and what it sends. The answer is the same whether anybody has the address.
async fn ask(visit: &Visit<'_>, kind: &Kind) -> Result<Answer, Failure> {
    if visit.front.settings.sendmail.is_none() {
        return Ok(problem(404, "No mails are sent from here."));
    }
    let way = Way::of(visit);
    let mut said = None;
    if let Some(email) = visit.form.get("email").filter(|_| visit.is_post()) {
        let tenant = tenant(visit, &way).await?;
        let row = visit.row(kind.start, &[("email", "text", Some(email)), tenant.as_argument()]).await?;
        if text(&row, "error").is_none() {
            if let (Some(to), Some(token)) = (text(&row, "mail_to"), text(&row, "token")) {
                let words = format!(
                    "{}\n\n{}{}?token={token}\n\nIf you have not asked for it, do nothing.\n",
                    kind.text, visit.front.settings.origin, kind.path
                );
                mail::send(visit.front, to, kind.subject, &words);
            }
            return Ok(sent(visit, kind, &way));
        }
        said = Some(refusal(&row).1);
    }
    let main = html!(
        "{}<form method=\"post\" action=\"{}\">{}<label for=\"email\">E-mail address</label>\
         <input id=\"email\" name=\"email\" type=\"email\" autocomplete=\"email\" required autofocus>\
         <button class=\"main\">Send the link</button></form><p><a href=\"/login{}\">Back</a></p>",
        alert(said.as_deref()),
        kind.path,
        way.hidden(visit),
        way.query(),
    );
    let status = if said.is_some() { 429 } else { 200 };
    Ok(show(Page { title: kind.title, main, status, ..Page::default() }))
}

fn sent(visit: &Visit<'_>, kind: &Kind, way: &Way) -> Answer {
    let main = html!(
        "<p role=\"status\">If we know this address, a mail is on its way. Open the link in it in this browser.</p>"
    );
    let answer = show(Page { title: kind.title, main, ..Page::default() });
    let cookies = &visit.front.cookies;
    match visit.front.seal.seal("mail", &json!(way.query()), ASKED) {
        Some(sealed) => answer.with_cookie(&cookies.set(&cookies.asked, &sealed, Some(ASKED))),
        None => answer,
    }
}

/// What this browser wanted when it asked for the mail.
fn asked(visit: &Visit<'_>) -> Option<Way> {
    let query = visit.front.seal.open("mail", visit.cookie(&visit.front.cookies.asked)?)?;
    Some(Way::of_query(query.as_str()?))
}

async fn look(
    visit: &Visit<'_>,
    kind: &Kind,
    link: &str,
    said: Option<&str>,
    fields: &Html,
) -> Result<Answer, Failure> {
    let row = visit.front.store.row("one_time_show", &[("token", "text", Some(link))]).await?;
    if text(&row, "error").is_some() || text(&row, "purpose") != Some(kind.purpose) {
        return Ok(problem(400, "This link was used before, is too old, or a newer one was sent."));
    }
    let main = html!(
        "{}<p>For <strong>{}</strong></p><form method=\"post\" action=\"{}\">{}\
         <input type=\"hidden\" name=\"token\" value=\"{}\">{}</form>",
        alert(said),
        text(&row, "email"),
        kind.path,
        super::token(visit),
        link,
        fields,
    );
    let targets = match asked(visit) {
        Some(way) => targets(visit, &way).await?,
        None => String::new(),
    };
    Ok(show(Page { title: kind.title, main, targets, ..Page::default() }))
}
