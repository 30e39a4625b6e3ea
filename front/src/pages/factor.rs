//! The second factor of a log-in: a code of an app, a recovery code, or a passkey.

use super::login::{Pending, Way, anew, complete, pending, refusal, targets};
use super::{Page, Visit, alert, html, show};
use crate::answer::Answer;
use crate::store::{Failure, is_true, text};

/// The page that asks for it, and what it sends.
pub async fn factor(visit: &Visit<'_>) -> Result<Answer, Failure> {
    let way = Way::of(visit);
    let Some(pending) = pending(visit, &["factor"]) else { return Ok(anew(&way)) };
    let is_recovery = visit.get("recovery").is_some();
    let mut said = None;
    if visit.is_post() {
        let code = ("code", "text", Some(visit.form.get("code").unwrap_or("")));
        let user = ("user_id", "uuid", Some(pending.user_id.as_str()));
        let row = if is_recovery {
            visit.row("recovery_code_use", &[user, code]).await?
        } else {
            let trust = visit.form.get("trust").map_or("false", |_| "true");
            let device = ("device_token", "text", visit.cookie(&visit.front.cookies.device));
            visit.row("totp_verify", &[user, code, device, ("trust_device", "boolean", Some(trust))]).await?
        };
        if is_true(&row, "ok") {
            let amr = with(&pending.amr, &["otp", "mfa"]);
            return complete(visit, &way, Pending { amr, ..pending }).await;
        }
        said = Some(match text(&row, "error") {
            Some("invalid_grant") => "This code is wrong, or was used before.".to_owned(),
            _ => refusal(&row).1,
        });
    }
    page(visit, &way, &pending, said.as_deref()).await
}

async fn page(
    visit: &Visit<'_>,
    way: &Way,
    pending: &Pending,
    said: Option<&str>,
) -> Result<Answer, Failure> {
    let is_recovery = visit.get("recovery").is_some();
    let row = visit.front.store.row("mfa_status", &[("user_id", "uuid", Some(&pending.user_id))]).await?;
    let has = |kind: &str| {
        row.get("kinds")
            .and_then(|kinds| kinds.as_array())
            .is_some_and(|kinds| kinds.iter().any(|one| one == kind))
    };
    let query = way.query();
    let join = if query.is_empty() { "?" } else { "&" };
    let (label, mode, other, query) = if is_recovery {
        ("Recovery code", "text", "Use a code of the app", query)
    } else {
        (
            "Code of the authenticator app",
            "numeric",
            "Use a recovery code",
            format!("{query}{join}recovery=1"),
        )
    };
    let passkey = has("passkey").then(|| {
        html!(
            "<p role=\"alert\" id=\"passkey-problem\" hidden></p>\
             <button type=\"button\" hidden data-passkey=\"login\" data-way=\"{}\">Use a passkey</button>",
            way.query()
        )
    });
    let trust = (!is_recovery).then(|| {
        html!(
            "<p><input type=\"checkbox\" id=\"trust\" name=\"trust\" value=\"1\"> \
             <label class=\"inline\" for=\"trust\">Do not ask on this browser again</label></p>"
        )
    });
    let recovery = is_recovery.then(|| html!("<input type=\"hidden\" name=\"recovery\" value=\"1\">"));
    let main = html!(
        "{}<form method=\"post\" action=\"/login/factor\">{}{}<label for=\"code\">{}</label>\
         <input id=\"code\" name=\"code\" inputmode=\"{}\" autocomplete=\"one-time-code\" autocapitalize=\"none\" \
         spellcheck=\"false\" required autofocus{}>{}<button class=\"main\">Go on</button></form>{}\
         <p><a href=\"/login/factor{}\">{}</a></p>",
        alert(said),
        way.hidden(visit),
        recovery,
        label,
        mode,
        said.map(|_| html!(" aria-invalid=\"true\" aria-describedby=\"problem\"")),
        trust,
        passkey,
        query,
        other,
    );
    Ok(show(Page {
        title: "Confirm that it is you",
        main,
        status: if said.is_some() { 401 } else { 200 },
        script_token: has("passkey").then(|| visit.token()),
        targets: targets(visit, way).await?,
        is_account: false,
    }))
}

/// Methods with more of them, each once.
pub fn with(amr: &[String], more: &[&str]) -> Vec<String> {
    let mut all = amr.to_vec();
    for method in more {
        if !all.iter().any(|known| known == method) {
            all.push((*method).to_owned());
        }
    }
    all
}
