//! Logging in by a password, and what every log-in comes to: another factor, a new password, or a session.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Page, Visit, alert, array, has, html, problem, show, token};
use crate::answer::Answer;
use crate::flow::{self, Asked, Step};
use crate::pages::Html;
use crate::pages::visit::{Form, KEPT};
use crate::protocol::place;
use crate::store::{Failure, is_true, text};

/// How long a log-in may take from one factor to the next.
const PENDING: Duration = Duration::from_secs(600);

/// Where a log-in leads: to the decision over a client's request, or to a page of this site.
pub struct Way {
    pub interaction: Option<String>,
    pub then: Option<String>,
    /// Whether it is asked for although there is a session.
    pub is_again: bool,
}

/// Who has shown something, and what is to come.
pub struct Pending {
    pub user_id: String,
    /// The methods so far (RFC 8176).
    pub amr: Vec<String>,
    /// factor, enroll, password, done.
    pub stage: String,
    /// Whether another password has to be chosen before there is a session.
    pub must_change: bool,
}

impl Way {
    /// That a page was asked for with.
    pub fn of(visit: &Visit<'_>) -> Self {
        // Also a form that a script sends has it in the query.
        let get = |name: &str| visit.query.get(name).or_else(|| visit.form.get(name));
        Self {
            interaction: get("interaction").filter(|id| super::is_uuid(id)).map(str::to_owned),
            then: get("then").filter(|then| is_local(then)).map(str::to_owned),
            is_again: get("again").is_some(),
        }
    }

    /// That of a query made by [`Way::query`].
    pub fn of_query(query: &str) -> Self {
        let members = Form::of(query.trim_start_matches('?').as_bytes());
        Self {
            interaction: members.get("interaction").map(str::to_owned),
            then: members.get("then").map(str::to_owned),
            is_again: members.get("again").is_some(),
        }
    }

    /// To an own page.
    pub fn to(then: &str) -> Self {
        Self { interaction: None, then: Some(then.to_owned()), is_again: false }
    }

    /// As a query.
    pub fn query(&self) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        let again = self.is_again.then(|| "1".to_owned());
        for (name, value) in [("interaction", &self.interaction), ("then", &self.then), ("again", &again)] {
            if let Some(value) = value {
                query.append_pair(name, value);
            }
        }
        let query = query.finish();
        if query.is_empty() { query } else { format!("?{query}") }
    }

    /// As hidden members of a form, with the token.
    pub fn hidden(&self, visit: &Visit<'_>) -> Html {
        let again = self.is_again.then(|| "1".to_owned());
        let members = [("interaction", &self.interaction), ("then", &self.then), ("again", &again)];
        let hidden = members.into_iter().filter_map(|(name, value)| {
            let value = value.as_ref()?;
            Some(html!("<input type=\"hidden\" name=\"{}\" value=\"{}\">", name, value))
        });
        html!("{}{}", token(visit), hidden.collect::<Vec<_>>())
    }

    /// The page of this site at its end.
    pub fn end(&self) -> &str {
        self.then.as_deref().unwrap_or("/account")
    }
}

/// Whether a text is a path of this site, in every browser's reading.
fn is_local(then: &str) -> bool {
    let is_plain = then.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    is_plain && then.starts_with('/') && !then.starts_with("//") && then.len() <= 2048
}

/// The log-in page, and the password that it sends.
pub async fn login(visit: &Visit<'_>) -> Result<Answer, Failure> {
    let way = Way::of(visit);
    if !visit.is_post() {
        if way.interaction.is_none() && !way.is_again && visit.session().await?.is_some() {
            return Ok(Answer::see_other(way.end()));
        }
        return form(visit, &way, None, 200).await;
    }
    let (name, password) = (visit.form.get("email").unwrap_or(""), visit.form.get("password"));
    let row = visit
        .row(
            "user_login",
            &[
                ("email", "text", Some(name)),
                ("password", "text", password),
                ("device_token", "text", visit.cookie(&visit.front.cookies.device)),
                ("remember_device", "boolean", Some("true")),
                tenant(visit, &way).await?.as_argument(),
            ],
        )
        .await?;
    if !is_true(&row, "ok") {
        let (status, said) = refusal(&row);
        let mut answer = form(visit, &way, Some(&said), status).await?;
        answer.error = text(&row, "error").map(str::to_owned);
        return Ok(answer);
    }
    let answer = proceed(visit, &way, &row, &["pwd".to_owned()]).await?;
    Ok(match text(&row, "device_token") {
        Some(token) => {
            answer.with_cookie(&visit.front.cookies.set(&visit.front.cookies.device, token, Some(KEPT)))
        }
        None => answer,
    })
}

/// Where forms on a way lead in the end, see [`flow::Asked::targets`].
pub async fn targets(visit: &Visit<'_>, way: &Way) -> Result<String, Failure> {
    let Some(id) = &way.interaction else { return Ok(String::new()) };
    let asked = flow::waiting(visit.front, id, visit.session_token).await?.asked;
    Ok(asked.map(|asked| asked.targets()).unwrap_or_default())
}

/// The tenant whose users log in on a way.
pub struct Tenant(Option<String>);

impl Tenant {
    /// As an argument of a function.
    pub fn as_argument(&self) -> crate::store::Argument<'_> {
        ("tenant_id", "text", self.0.as_deref())
    }
}

/// That of the client that asks, or of the issuer whose page is at the end of the way; else that of the front.
pub async fn tenant(visit: &Visit<'_>, way: &Way) -> Result<Tenant, Failure> {
    let asked = match &way.interaction {
        Some(id) => flow::waiting(visit.front, id, visit.session_token).await?.asked,
        None => None,
    };
    tenant_of(visit, way, asked.as_ref()).await
}

async fn tenant_of(visit: &Visit<'_>, way: &Way, asked: Option<&Asked>) -> Result<Tenant, Failure> {
    if let Some(tenant_id) = asked.and_then(|asked| asked.get("tenant_id")) {
        return Ok(Tenant(Some(tenant_id.to_owned())));
    }
    let path = way.end().split(['?', '#']).next().unwrap_or_default();
    let place = if has(path) { None } else { place(visit.front, visit.caller, path).await? };
    Ok(Tenant(place.map(|place| place.tenant_id).or_else(|| visit.front.settings.tenant.clone())))
}

/// The status and the words for a log-in that was refused.
pub fn refusal(row: &Value) -> (u16, String) {
    let wait = row.get("retry_after").and_then(Value::as_i64).filter(|seconds| *seconds > 0);
    let later = match wait {
        Some(seconds) if seconds < 120 => format!(" Try again in {seconds} seconds."),
        Some(seconds) => format!(" Try again in {} minutes.", seconds.div_euclid(60) + 1),
        None => String::new(),
    };
    match text(row, "error").unwrap_or("") {
        "invalid_credentials" => (401, "The name or the password is wrong.".to_owned()),
        "account_locked" => (429, format!("This account is locked for now.{later}")),
        "temporarily_unavailable" => (429, format!("There were too many attempts.{later}")),
        "expired_token" => (400, "This has expired. Begin anew.".to_owned()),
        "access_denied" => (403, "This account can't be used.".to_owned()),
        _ => (400, text(row, "error_description").map_or("That did not work.".to_owned(), sentence)),
    }
}

/// A description of the store's as a sentence.
pub fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first: String = letters.next().map(|first| first.to_uppercase().collect()).unwrap_or_default();
    let end = if text.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{first}{}{end}", letters.as_str())
}

async fn form(visit: &Visit<'_>, way: &Way, said: Option<&str>, status: u16) -> Result<Answer, Failure> {
    let asked = match &way.interaction {
        None => None,
        Some(id) => match flow::waiting(visit.front, id, visit.session_token).await? {
            Step { asked: Some(asked), next, .. } if next == "login" || visit.is_post() || way.is_again => {
                Some(asked)
            }
            // Somebody is logged in already, or the request is over.
            step => return Ok(flow::next(visit.front, step)),
        },
    };
    let tenant = tenant_of(visit, way, asked.as_ref()).await?;
    let policy = visit.front.store.row("tenant_policy", &[tenant.as_argument()]).await?;
    let has_passkeys = text(&policy, "passkey_rp_id").is_some();
    let hint = asked.as_ref().and_then(|asked| asked.get("login_hint")).map(str::to_owned);
    let name = visit.form.get("email").map(str::to_owned).or(hint).unwrap_or_default();
    let invalid = said.map(|_| html!(" aria-invalid=\"true\" aria-describedby=\"problem\""));
    let passkey = has_passkeys.then(|| {
        html!(
            "<p role=\"alert\" id=\"passkey-problem\" hidden></p>\
             <button type=\"button\" hidden data-passkey=\"login\" data-way=\"{}\">Log in with a passkey</button>",
            way.query()
        )
    });
    let mail = visit.front.settings.sendmail.is_some().then(|| {
        html!(
            "<p><a href=\"/login/link{}\">Log in with a link by mail</a></p>\
             <p><a href=\"/login/reset{}\">Forgotten the password?</a></p>",
            way.query(),
            way.query()
        )
    });
    let create = asked.as_ref().and_then(|asked| asked.get("create_url")).map(|url| {
        let id = way.interaction.as_deref().unwrap_or_default();
        let join = if url.contains('?') { '&' } else { '?' };
        html!("<p><a href=\"{}\">Make an account</a></p>", format!("{url}{join}interaction={id}"))
    });
    let main = html!(
        "{}{}<form method=\"post\" action=\"/login\">{}\
         <label for=\"email\">E-mail address or name</label>\
         <input id=\"email\" name=\"email\" value=\"{}\" autocomplete=\"username\" autocapitalize=\"none\" \
         spellcheck=\"false\" required autofocus{}>\
         <label for=\"password\">Password</label>\
         <input id=\"password\" name=\"password\" type=\"password\" autocomplete=\"current-password\" required{}>\
         <button class=\"main\">Log in</button></form>{}{}{}",
        alert(said),
        asked.as_ref().map(|asked| html!("<p>to go on to <strong>{}</strong></p>", asked.client_name())),
        way.hidden(visit),
        name,
        invalid,
        invalid,
        passkey,
        mail,
        create,
    );
    Ok(show(Page {
        title: "Log in",
        main,
        status,
        script_token: has_passkeys.then(|| visit.token()),
        targets: asked.map(|asked| asked.targets()).unwrap_or_default(),
        is_account: false,
    }))
}

/// What comes after a factor that was right, by what the store says of the log-in.
pub async fn proceed(visit: &Visit<'_>, way: &Way, row: &Value, amr: &[String]) -> Result<Answer, Failure> {
    let user_id = text(row, "user_id").unwrap_or("").to_owned();
    let must_change = is_true(row, "must_change_password");
    let pending = |stage: &str| Pending {
        user_id: user_id.clone(),
        amr: amr.to_vec(),
        stage: stage.to_owned(),
        must_change,
    };
    if is_true(row, "mfa_required") {
        // Who has no factor, and needs one by now, is to set one up first.
        let (stage, path) = match text(row, "mfa_enrollment_due_at") {
            Some(_) => ("enroll", "/login/enroll"),
            None => ("factor", "/login/factor"),
        };
        return keep(visit, &pending(stage), &format!("{path}{}", way.query()));
    }
    complete(visit, way, pending("done")).await
}

/// The end of a log-in whose factors are all shown: another password, if there has to be one, and the session.
pub async fn complete(visit: &Visit<'_>, way: &Way, pending: Pending) -> Result<Answer, Failure> {
    if pending.must_change {
        let next = Pending { stage: "password".to_owned(), ..pending };
        return keep(visit, &next, &format!("/login/password{}", way.query()));
    }
    begin(visit, way, &pending.user_id, &pending.amr).await
}

/// Lets the browser bring back who it is, sealed, and sends it to the next page.
pub fn keep(visit: &Visit<'_>, pending: &Pending, next: &str) -> Result<Answer, Failure> {
    let value = json!({
        "user": pending.user_id, "amr": pending.amr, "stage": pending.stage, "must_change": pending.must_change,
    });
    let sealed = visit.front.seal.seal(&purpose(visit), &value, PENDING);
    let sealed = sealed.ok_or_else(|| Failure::Broken("no random numbers".to_owned()))?;
    let cookies = &visit.front.cookies;
    Ok(Answer::see_other(next).with_cookie(&cookies.set(&cookies.pending, &sealed, Some(PENDING))))
}

/// A log-in that is under way is this browser's alone.
fn purpose(visit: &Visit<'_>) -> String {
    format!("log-in of {}", visit.browser)
}

/// Who is logging in, if it has come to one of these stages.
pub fn pending(visit: &Visit<'_>, stages: &[&str]) -> Option<Pending> {
    let value = visit.front.seal.open(&purpose(visit), visit.cookie(&visit.front.cookies.pending)?)?;
    let amr =
        value.get("amr")?.as_array()?.iter().filter_map(|one| one.as_str().map(str::to_owned)).collect();
    let stage = text(&value, "stage")?.to_owned();
    let user_id = text(&value, "user")?.to_owned();
    let must_change = is_true(&value, "must_change");
    stages.contains(&stage.as_str()).then_some(Pending { user_id, amr, stage, must_change })
}

/// To the start, where a log-in took too long.
pub fn anew(way: &Way) -> Answer {
    Answer::see_other(&format!("/login{}", way.query()))
}

/// Makes a session, or raises the one of the same user, and goes on.
async fn begin(visit: &Visit<'_>, way: &Way, user_id: &str, amr: &[String]) -> Result<Answer, Failure> {
    let acr = amr.iter().any(|method| method == "mfa").then_some("mfa");
    let amr = array(amr);
    let proof = [("acr", "text", acr), ("amr", "text[]", Some(amr.as_str()))];
    let own = visit.session().await?.filter(|session| session.user_id == user_id && !session.is_acted);
    let row = match own {
        Some(_) => {
            let token = ("session_token", "text", visit.session_token);
            visit.row("session_elevate", &[token, proof[0], proof[1]]).await?
        }
        None => {
            visit.row("session_create", &[("user_id", "uuid", Some(user_id)), proof[0], proof[1]]).await?
        }
    };
    let Some(session) = text(&row, "session_token") else {
        let (status, said) = refusal(&row);
        return Ok(problem(status, &said));
    };
    let answer = match &way.interaction {
        // There it is decided whether the person has to be asked, in the session that there is from now on.
        Some(id) => Answer::see_other(&format!("/consent?interaction={id}")),
        None => Answer::see_other(way.end()),
    };
    let cookies = &visit.front.cookies;
    let answer = answer.with_cookie(&cookies.set(&cookies.session, session, None));
    Ok(answer.with_cookie(&cookies.remove(&cookies.pending)))
}

/// The page for who must choose another password before anything else.
pub async fn new_password(visit: &Visit<'_>) -> Result<Answer, Failure> {
    let way = Way::of(visit);
    let Some(pending) = pending(visit, &["password"]) else { return Ok(anew(&way)) };
    let mut said = None;
    if visit.is_post() {
        let row = visit
            .row(
                "password_change",
                &[
                    ("user_id", "uuid", Some(&pending.user_id)),
                    ("old_password", "text", Some(visit.form.get("old").unwrap_or(""))),
                    ("new_password", "text", Some(visit.form.get("new").unwrap_or(""))),
                ],
            )
            .await?;
        match text(&row, "error") {
            None => return begin(visit, &way, &pending.user_id, &pending.amr).await,
            Some("invalid_grant") => said = Some("The present password is wrong.".to_owned()),
            Some(_) => said = Some(refusal(&row).1),
        }
    }
    let main = html!(
        "{}<p>Before you go on, a new password is needed.</p><form method=\"post\" action=\"/login/password\">{}{}\
         <button class=\"main\">Change the password</button></form>",
        alert(said.as_deref()),
        way.hidden(visit),
        password_fields(),
    );
    let status = if said.is_some() { 400 } else { 200 };
    Ok(show(Page {
        title: "Choose a new password",
        main,
        status,
        targets: targets(visit, &way).await?,
        ..Page::default()
    }))
}

/// The present password and a new one.
pub fn password_fields() -> Html {
    html!(
        "<label for=\"old\">Present password</label>\
         <input id=\"old\" name=\"old\" type=\"password\" autocomplete=\"current-password\" required>\
         <label for=\"new\">New password</label>\
         <input id=\"new\" name=\"new\" type=\"password\" autocomplete=\"new-password\" minlength=\"8\" required>"
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Way, is_local, refusal, sentence};

    #[test]
    fn a_way_leads_to_this_site_alone() {
        for then in ["/account", "/device?user_code=ABCD-EFGH"] {
            assert!(is_local(then), "{then}");
        }
        for then in
            ["https://evil.example", "//evil.example", "/\\evil.example", "account", "", "/a\nb", "/a b"]
        {
            assert!(!is_local(then), "{then}");
        }
        assert_eq!(Way::to("/device?user_code=A").query(), "?then=%2Fdevice%3Fuser_code%3DA");
        assert_eq!(Way::to("/x").end(), "/x");
    }

    #[test]
    fn a_way_comes_back_from_its_query() {
        let query = "?interaction=0190e9a5-0000-8000-8000-00000000000f&then=%2Fdevice%3Fa%3Db&again=1";
        assert_eq!(Way::of_query(query).query(), query);
        assert_eq!(Way::of_query("").query(), "");
    }

    #[test]
    fn a_refusal_is_told_in_words() {
        assert_eq!(sentence("the code is wrong"), "The code is wrong.");
        let (status, said) = refusal(&json!({"error": "account_locked", "retry_after": 600}));
        assert_eq!(
            (status, said.as_str()),
            (429, "This account is locked for now. Try again in 11 minutes.")
        );
        assert_eq!(refusal(&json!({"error": "invalid_credentials"})).0, 401);
    }
}
