//! Setting up an authenticator app: by who needs one at the log-in, or wants one in the account.

use qrcodegen::{QrCode, QrCodeEcc};

use super::factor::with;
use super::login::{Way, anew, complete, keep, pending, refusal, targets};
use super::security::guard;
use super::{Page, Visit, alert, html, show, token, uuid};
use crate::answer::Answer;
use crate::pages::Html;
use crate::store::{Failure, is_true, text};

/// Whose app it is to be, and where the forms go.
struct Place<'p> {
    user_id: &'p str,
    action: &'static str,
    way: &'p Way,
    targets: String,
    is_account: bool,
}

/// For who must have a second factor and has none yet.
pub async fn at_login(visit: &Visit<'_>) -> Result<Answer, Failure> {
    let way = Way::of(visit);
    if visit.is_post() && visit.form.get("step") == Some("end") {
        let Some(done) = pending(visit, &["done"]) else { return Ok(anew(&way)) };
        return complete(visit, &way, done).await;
    }
    let Some(mut pending) = pending(visit, &["enroll"]) else { return Ok(anew(&way)) };
    let targets = targets(visit, &way).await?;
    let place =
        Place { user_id: &pending.user_id, action: "/login/enroll", way: &way, targets, is_account: false };
    let (answer, is_enrolled) = step(visit, &place).await?;
    if !is_enrolled {
        return Ok(answer);
    }
    pending.stage = "done".to_owned();
    pending.amr = with(&pending.amr, &["otp", "mfa"]);
    let kept = keep(visit, &pending, "/")?;
    let cookie =
        kept.response.headers().get("set-cookie").and_then(|value| value.to_str().ok().map(str::to_owned));
    Ok(answer.with_cookie(&cookie.unwrap_or_default()))
}

/// For who is logged in.
pub async fn in_account(visit: &Visit<'_>) -> Result<Answer, Failure> {
    let session = match guard(visit, "/account/enroll").await? {
        Ok(session) => session,
        Err(answer) => return Ok(answer),
    };
    let way = Way::to("/account/security");
    let place = Place {
        user_id: &session.user_id,
        action: "/account/enroll",
        way: &way,
        targets: String::new(),
        is_account: true,
    };
    Ok(step(visit, &place).await?.0)
}

/// One step, and whether the app is a factor after it.
async fn step(visit: &Visit<'_>, place: &Place<'_>) -> Result<(Answer, bool), Failure> {
    let user = ("user_id", "uuid", Some(place.user_id));
    if !visit.is_post() {
        return Ok((page(place, intro(visit, place, None)), false));
    }
    let Some(factor_id) = uuid(visit, "factor") else {
        let row = visit.row("totp_enroll", &[user]).await?;
        let answer = match (text(&row, "otpauth_uri"), text(&row, "secret"), text(&row, "factor_id")) {
            (Some(uri), Some(secret), Some(factor_id)) => {
                page(place, html!("{}{}", shown(uri, secret), confirm(visit, place, factor_id, None)))
            }
            _ => page(place, intro(visit, place, Some(&refusal(&row).1))),
        };
        return Ok((answer, false));
    };
    let code = ("code", "text", Some(visit.form.get("code").unwrap_or("")));
    let row = visit.row("totp_confirm", &[user, ("factor_id", "uuid", Some(factor_id)), code]).await?;
    if !is_true(&row, "ok") {
        let said = match text(&row, "error") {
            Some("invalid_grant") => "This code is wrong. Wait for the next one, or begin anew.".to_owned(),
            _ => refusal(&row).1,
        };
        let main = html!("{}{}", confirm(visit, place, factor_id, Some(&said)), again(visit, place));
        return Ok((page(place, main), false));
    }
    let main = html!("{}{}", recovery_codes(visit, place.user_id).await?, end(visit, place));
    Ok((page(place, main), true))
}

fn page(place: &Place<'_>, main: Html) -> Answer {
    show(Page {
        title: "Set up an authenticator app",
        main,
        targets: place.targets.clone(),
        is_account: place.is_account,
        ..Page::default()
    })
}

fn intro(visit: &Visit<'_>, place: &Place<'_>, said: Option<&str>) -> Html {
    let why = if place.is_account { "" } else { "<p>To log in here, a second factor is needed.</p>" };
    html!(
        "{}{}<p>An authenticator app on your telephone shows codes that nobody else can make.</p>{}",
        alert(said),
        Html(why.to_owned()),
        again(visit, place)
    )
}

fn again(visit: &Visit<'_>, place: &Place<'_>) -> Html {
    html!(
        "<form method=\"post\" action=\"{}\">{}<button>Show the code for the app</button></form>",
        place.action,
        hidden(visit, place)
    )
}

fn hidden(visit: &Visit<'_>, place: &Place<'_>) -> Html {
    if place.is_account { token(visit) } else { place.way.hidden(visit) }
}

/// The secret for the app, this once: as a picture, as a link for an app on the same device, and as a text.
fn shown(uri: &str, secret: &str) -> Html {
    html!(
        "<p>Scan this with the app, or type the secret below it.</p>{}\
         <p><a href=\"{}\">Open the app on this device</a></p><p>Secret: <code>{}</code></p>",
        picture(uri),
        uri,
        secret
    )
}

/// A QR code as a vector graphic, with the four modules of quiet zone that readers need.
fn picture(text: &str) -> Option<Html> {
    let code = QrCode::encode_text(text, QrCodeEcc::Medium).ok()?;
    let mut path = String::new();
    for y in 0..code.size() {
        for x in (0..code.size()).filter(|x| code.get_module(*x, y)) {
            path.push_str(&format!("M{} {}h1v1h-1z", x + 4, y + 4));
        }
    }
    let size = (code.size() + 8).to_string();
    Some(html!(
        "<svg class=\"code\" role=\"img\" aria-label=\"QR code for the authenticator app\" viewBox=\"0 0 {} {}\" \
         shape-rendering=\"crispEdges\"><path d=\"{}\"/></svg>",
        size,
        size,
        path
    ))
}

fn confirm(visit: &Visit<'_>, place: &Place<'_>, factor_id: &str, said: Option<&str>) -> Html {
    html!(
        "{}<form method=\"post\" action=\"{}\">{}<input type=\"hidden\" name=\"factor\" value=\"{}\">\
         <label for=\"code\">The code that the app shows now</label>\
         <input id=\"code\" name=\"code\" inputmode=\"numeric\" autocomplete=\"one-time-code\" required{}>\
         <button class=\"main\">Confirm</button></form>",
        alert(said),
        place.action,
        hidden(visit, place),
        factor_id,
        said.map(|_| html!(" aria-invalid=\"true\" aria-describedby=\"problem\"")),
    )
}

/// A new set of recovery codes, shown this once.
pub async fn recovery_codes(visit: &Visit<'_>, user_id: &str) -> Result<Html, Failure> {
    let arguments = [
        ("user_id", "uuid", Some(user_id)),
        ("ip", "inet", Some(visit.caller.ip_text.as_str())),
        ("user_agent", "text", visit.caller.user_agent.as_deref()),
    ];
    let codes = visit.front.store.rows("recovery_codes_generate", &arguments).await?;
    let items: Vec<Html> =
        codes.iter().filter_map(|code| Some(html!("<li>{}</li>", code.as_str()?))).collect();
    Ok(html!(
        "<p role=\"status\">Print or save these recovery codes now: they are not shown again. Each logs you in once, \
         in place of a second factor that you have lost.</p><ol class=\"codes\">{}</ol>",
        items
    ))
}

fn end(visit: &Visit<'_>, place: &Place<'_>) -> Html {
    if place.is_account {
        return html!("<p><a href=\"/account/security\">Back</a></p>");
    }
    html!(
        "<form method=\"post\" action=\"{}\">{}<input type=\"hidden\" name=\"step\" value=\"end\">\
         <button class=\"main\">I have saved them, go on</button></form>",
        place.action,
        hidden(visit, place)
    )
}

#[cfg(test)]
mod tests {
    use super::picture;

    #[test]
    fn a_picture_has_a_quiet_zone() {
        let picture = picture("otpauth://totp/a").map(|picture| picture.0).unwrap_or_default();
        assert!(
            picture.contains("viewBox=\"0 0 33 33\"") && picture.contains("<path d=\"M4 4h1v1h-1z"),
            "{picture}"
        );
    }
}
