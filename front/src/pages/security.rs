//! How the user logs in: password, passkeys, apps, recovery codes. Shown to who has logged in a short while ago.

use serde_json::Value;

use super::account::{button, member, page, unknown};
use super::enroll::recovery_codes;
use super::login::{Way, password_fields, refusal};
use super::{Page, Visit, alert, html, problem, show, token, uuid, when};
use crate::answer::Answer;
use crate::pages::Html;
use crate::pages::visit::Session;
use crate::store::{Failure, text};

/// Seconds after a log-in in which it counts as recent; a form that was shown in them may take as long again.
const RECENT: i64 = 600;

/// The session of who has logged in a short while ago, or the way to do so. Who acts for the user is none of these.
pub async fn guard<'v>(visit: &'v Visit<'_>, path: &str) -> Result<Result<&'v Session, Answer>, Failure> {
    let session = match member(visit, path).await? {
        Ok(session) => session,
        Err(answer) => return Ok(Err(answer)),
    };
    if session.is_acted {
        return Ok(Err(problem(403, "Only the user can do this, not the support.")));
    }
    let most = if visit.is_post() { 2 * RECENT } else { RECENT };
    if session.age > most {
        let way = Way { is_again: true, ..Way::to(path) };
        return Ok(Err(Answer::see_other(&format!("/login{}", way.query()))));
    }
    Ok(Ok(session))
}

/// The page, and what its forms do.
pub async fn security(visit: &Visit<'_>) -> Result<Answer, Failure> {
    let session = match guard(visit, "/account/security").await? {
        Ok(session) => session,
        Err(answer) => return Ok(answer),
    };
    if !visit.is_post() {
        return overview(visit, session, None).await;
    }
    let user = ("user_id", "uuid", Some(session.user_id.as_str()));
    let row = if visit.form.get("old").is_some() {
        let old = ("old_password", "text", visit.form.get("old"));
        let new = ("new_password", "text", Some(visit.form.get("new").unwrap_or("")));
        let own = ("session_id", "uuid", Some(session.session_id.as_str()));
        visit.row("password_change", &[user, old, new, own]).await?
    } else if visit.form.get("codes").is_some() {
        let main = recovery_codes(visit, &session.user_id).await?;
        return Ok(page("Recovery codes", html!("{}<p><a href=\"/account/security\">Back</a></p>", main)));
    } else if let Some((function, argument, id)) = removal(visit) {
        let last = ("last", "boolean", Some("true"));
        let own = ("except_session_id", "uuid", Some(session.session_id.as_str()));
        visit.row(function, &[user, (argument, "uuid", Some(id)), last, own]).await?
    } else {
        return Ok(unknown());
    };
    let said = match text(&row, "error") {
        None => return Ok(Answer::see_other("/account/security?done=1")),
        Some("invalid_grant") => "The present password is wrong.".to_owned(),
        Some("last_factor") => {
            "The last second factor can't be removed here: set up another one first.".to_owned()
        }
        Some(_) => refusal(&row).1,
    };
    overview(visit, session, Some(&said)).await
}

fn removal<'v>(visit: &'v Visit<'_>) -> Option<(&'static str, &'static str, &'v str)> {
    let passkey = uuid(visit, "passkey").map(|id| ("passkey_remove", "passkey_id", id));
    passkey.or_else(|| uuid(visit, "factor").map(|id| ("factor_remove", "factor_id", id)))
}

async fn overview(visit: &Visit<'_>, session: &Session, said: Option<&str>) -> Result<Answer, Failure> {
    let user = ("user_id", "uuid", Some(session.user_id.as_str()));
    let passkeys = visit.front.store.rows("passkey_list", &[user]).await?;
    let factors = visit.front.store.rows("factor_list", &[user]).await?;
    let apps: Vec<&Value> = factors.iter().filter(|row| text(row, "kind") == Some("totp")).collect();
    let status = visit.front.store.row("mfa_status", &[user]).await?;
    let codes = status.get("codes_left").and_then(Value::as_i64).unwrap_or(0).to_string();
    let profile = visit.front.store.row("user_get", &[user]).await?;
    let tenant = ("tenant_id", "text", text(&profile, "tenant_id"));
    let policy = visit.front.store.row("tenant_policy", &[tenant]).await?;
    let has_passkeys = text(&policy, "passkey_rp_id").is_some();
    let row = |row: &Value, id: &str, name: &str, member: &str| {
        let name = text(row, name).unwrap_or("without a name").to_owned();
        let remove = button(visit, "/account/security", member, text(row, id).unwrap_or(""), "Remove", &name);
        let (made, used) = (when(text(row, "created_at")), when(text(row, "last_used_at")));
        html!("<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>", name, made, used, remove)
    };
    let passkeys: Vec<Html> = passkeys.iter().map(|one| row(one, "passkey_id", "name", "passkey")).collect();
    let apps: Vec<Html> = apps.iter().map(|one| row(one, "factor_id", "label", "factor")).collect();
    let add = has_passkeys.then(|| {
        html!(
            "<p role=\"alert\" id=\"passkey-problem\" hidden></p><label for=\"passkey-name\">Name of a new passkey\
             </label><input id=\"passkey-name\" value=\"This device\" maxlength=\"200\" autocomplete=\"off\">\
             <button type=\"button\" hidden data-passkey=\"registration\">Make a passkey</button>"
        )
    });
    let done =
        (visit.query.get("done").is_some() && said.is_none()).then(|| html!("<p role=\"status\">Done.</p>"));
    let main = html!(
        "{}{}<h2>Password</h2><form method=\"post\" action=\"/account/security\">{}{}\
         <button>Change the password</button></form><p class=\"hint\">Other sessions end with it.</p>\
         <h2>Passkeys</h2>{}{}<h2>Authenticator apps</h2>{}<p><a href=\"/account/enroll\">Set up an app</a></p>\
         <h2>Recovery codes</h2><p>{} are left.</p><form method=\"post\" action=\"/account/security\">{}\
         <input type=\"hidden\" name=\"codes\" value=\"1\"><button>Make new recovery codes</button></form>",
        alert(said),
        done,
        token(visit),
        password_fields(),
        table(&passkeys, "There is no passkey."),
        add,
        table(&apps, "There is no app."),
        codes,
        token(visit),
    );
    Ok(show(Page {
        title: "Security",
        main,
        status: if said.is_some() { 400 } else { 200 },
        script_token: has_passkeys.then(|| visit.token()),
        is_account: true,
        ..Page::default()
    }))
}

fn table(rows: &[Html], none: &str) -> Html {
    if rows.is_empty() {
        return html!("<p>{}</p>", none);
    }
    html!(
        "<table><thead><tr><th scope=\"col\">Name</th><th scope=\"col\">Made</th><th scope=\"col\">Last used</th>\
         <th scope=\"col\">Remove</th></tr></thead><tbody>{}</tbody></table>",
        rows
    )
}
