//! The built-in pages: plain HTML that works without scripts, except for passkeys, which are an interface of scripts.

mod account;
mod assets;
mod consent;
mod device;
mod enroll;
mod factor;
mod html;
mod keys;
mod login;
mod logout;
mod mailed;
mod passkey;
mod security;
mod visit;

use hyper::Method;
use hyper::header::{ALLOW, CACHE_CONTROL, HeaderName};

use crate::Front;
use crate::answer::Answer;
use crate::caller::Caller;
use crate::protocol::Request;
use crate::store::Failure;

use html::{Html, html};
pub use login::sentence;
pub use visit::Cookies;
use visit::Visit;

/// A page.
#[derive(Default)]
struct Page {
    pub title: &'static str,
    pub main: Html,
    /// 200 where it is 0.
    pub status: u16,
    /// Whether it uses passkeys; the token is for the requests of the script.
    pub script_token: Option<String>,
    /// Where a form leads in the end, beside this site, as sources of a Content-Security-Policy.
    pub targets: String,
    /// Whether it has the menu of the account.
    pub is_account: bool,
}

/// Where programs that keep passwords look for the page to change one (A Well-Known URL for Changing Passwords).
const CHANGE_PASSWORD: &str = "/.well-known/change-password";

/// The paths that have a page, whatever those of an issuer are.
pub fn has(path: &str) -> bool {
    matches!(path, "/" | "/login" | "/consent" | "/account" | CHANGE_PASSWORD)
        || ["/login/", "/account/", "/assets/", "/passkey/"].iter().any(|start| path.starts_with(start))
}

/// Answers a request for a page.
pub async fn answer(front: &'static Front, caller: &Caller, request: &Request) -> Result<Answer, Failure> {
    if let Some(asset) = assets::asset(&request.path) {
        return Ok(asset);
    }
    let visit = match visit(front, caller, request)? {
        Ok(visit) => visit,
        Err(answer) => return Ok(answer),
    };
    let answer = match foreign(&visit) {
        Some(answer) => answer,
        None => route(&visit).await?,
    };
    Ok(visit.introduced(answer))
}

/// The log-out endpoint of a tenant. It takes requests of clients too, and tells them from the page's form itself.
pub async fn log_out(
    front: &'static Front,
    caller: &Caller,
    request: &Request,
    tenant_id: &str,
) -> Result<Answer, Failure> {
    match visit(front, caller, request)? {
        Ok(visit) => Ok(visit.introduced(logout::log_out(&visit, Some(tenant_id)).await?)),
        Err(answer) => Ok(answer),
    }
}

/// The page for the codes of a tenant's devices.
pub async fn connect(
    front: &'static Front,
    caller: &Caller,
    request: &Request,
    tenant_id: &str,
) -> Result<Answer, Failure> {
    let visit = match visit(front, caller, request)? {
        Ok(visit) => visit,
        Err(answer) => return Ok(answer),
    };
    let answer = match foreign(&visit) {
        Some(answer) => answer,
        None => device::device(&visit, tenant_id).await?,
    };
    Ok(visit.introduced(answer))
}

/// The answer to a form that no page of this site has sent.
fn foreign(visit: &Visit<'_>) -> Option<Answer> {
    let is_foreign = visit.is_post() && !visit.is_own();
    is_foreign.then(|| {
        problem(
            403,
            "This form is out of date, or did not come from this site. Go back, load the page anew and try again.",
        )
    })
}

fn visit<'a>(
    front: &'static Front,
    caller: &'a Caller,
    request: &'a Request,
) -> Result<Result<Visit<'a>, Answer>, Failure> {
    if ![Method::GET, Method::HEAD, Method::POST].contains(&request.method) {
        let answer = problem(405, "This page can only be read, or sent as a form.");
        return Ok(Err(answer.with(ALLOW, "GET, HEAD, POST")));
    }
    let no_random = || Failure::Broken("the operating system gives no random numbers".to_owned());
    Visit::of(front, caller, request).map(Ok).ok_or_else(no_random)
}

async fn route(visit: &Visit<'_>) -> Result<Answer, Failure> {
    match visit.request.path.as_str() {
        "/" => Ok(Answer::see_other("/account")),
        "/login" => login::login(visit).await,
        "/login/factor" => factor::factor(visit).await,
        "/login/password" => login::new_password(visit).await,
        "/login/enroll" => enroll::at_login(visit).await,
        "/login/link" => mailed::link(visit).await,
        "/login/reset" => mailed::reset(visit).await,
        "/consent" => consent::consent(visit).await,
        CHANGE_PASSWORD => Ok(Answer::see_other("/account/security")),
        "/account" => account::overview(visit).await,
        "/account/sessions" => account::sessions(visit).await,
        "/account/applications" => account::applications(visit).await,
        "/account/security" => security::security(visit).await,
        "/account/enroll" => enroll::in_account(visit).await,
        "/account/logout" => logout::own(visit).await,
        "/account/keys" => keys::keys(visit).await,
        "/passkey/options" => passkey::options(visit).await,
        "/passkey/login" => passkey::login(visit).await,
        "/passkey/register" => passkey::register(visit).await,
        _ => Ok(problem(404, "There is no such page.")),
    }
}

/// A page that says what is wrong.
pub fn problem(status: u16, text: &str) -> Answer {
    show(Page {
        title: "Something is wrong",
        main: html!("<p role=\"alert\">{}</p><p><a href=\"/account\">Your account</a></p>", text),
        status,
        ..Page::default()
    })
}

/// The page for what the database did not answer.
pub fn failure(status: u16) -> Answer {
    problem(
        status,
        match status {
            503 => "The service can't answer now. Try again in a moment.",
            400 => "What this form names is not there any more. Go back and load the page anew.",
            _ => "Something went wrong. The operator can find it in the log.",
        },
    )
}

/// The whole page as an answer. Nothing is loaded from elsewhere, nothing may frame it, nothing keeps it.
fn show(page: Page) -> Answer {
    let script = page.script_token.as_ref().map(|token| {
        html!(
            "<meta name=\"form\" content=\"{}\"><script type=\"module\" src=\"/assets/passkey.js\"></script>",
            token
        )
    });
    let menu = page.is_account.then(|| {
        html!(
            "<nav aria-label=\"Account\"><a href=\"/account\">Account</a> <a href=\"/account/sessions\">Sessions</a> \
             <a href=\"/account/applications\">Applications</a> <a href=\"/account/security\">Security</a> \
             <a href=\"/account/keys\">API keys</a> <a href=\"/account/logout\">Log out</a></nav>"
        )
    });
    let text = html!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>{}</title>\
         <link rel=\"stylesheet\" href=\"/assets/style.css\">{}</head><body>\
         <a class=\"skip\" href=\"#main\">Skip to the content</a>{}\
         <main id=\"main\"><h1>{}</h1>{}</main></body></html>\n",
        page.title,
        script,
        menu,
        page.title,
        page.main,
    );
    let script = if page.script_token.is_some() { "; script-src 'self'; connect-src 'self'" } else { "" };
    let policy = format!(
        "default-src 'none'; style-src 'self'{script}; form-action 'self'{}; frame-ancestors 'none'; base-uri 'none'",
        page.targets
    );
    let status = if page.status == 0 { 200 } else { page.status };
    Answer::new(status, "text/html; charset=utf-8", text.0)
        .with(HeaderName::from_static("content-security-policy"), &policy)
        .with(HeaderName::from_static("x-content-type-options"), "nosniff")
        .with(HeaderName::from_static("x-frame-options"), "DENY")
        // The origin of a form's request is told to this site alone: it is one of the things a form is known by.
        .with(HeaderName::from_static("referrer-policy"), "same-origin")
        .with(
            HeaderName::from_static("permissions-policy"),
            "publickey-credentials-get=(self), publickey-credentials-create=(self), camera=(), microphone=()",
        )
        .with(CACHE_CONTROL, "no-store")
}

/// A text that says what is wrong, read out at once by a screen reader. Empty for none.
fn alert(text: Option<&str>) -> Option<Html> {
    text.map(|text| html!("<p role=\"alert\" id=\"problem\">{}</p>", text))
}

/// The hidden member by which a form is known.
fn token(visit: &Visit<'_>) -> Html {
    html!("<input type=\"hidden\" name=\"form\" value=\"{}\">", visit.token())
}

/// Whether a text is a uuid, so that the database can read it as one.
fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(place, byte)| match place {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// A uuid that a form names.
fn uuid<'v>(visit: &'v Visit<'_>, name: &str) -> Option<&'v str> {
    visit.get(name).filter(|text| is_uuid(text))
}

/// A time of the database for people, by the minute, in UTC.
fn when(time: Option<&str>) -> String {
    match time.and_then(|time| Some((time.get(..10)?, time.get(11..16)?))) {
        Some((date, clock)) => format!("{date} {clock}"),
        None => "never".to_owned(),
    }
}

/// A text array as the database reads it.
fn array<T: AsRef<str>>(texts: &[T]) -> String {
    let quoted = texts.iter().map(|text| {
        let escaped = text.as_ref().replace('\\', "\\\\").replace('"', "\\\"");
        format!("\"{escaped}\"")
    });
    format!("{{{}}}", quoted.collect::<Vec<_>>().join(","))
}

#[cfg(test)]
mod tests {
    use super::{Page, array, has, is_uuid, show, when};

    #[test]
    fn pages_are_where_they_are() {
        for path in
            ["/", "/login", "/login/factor", "/account/keys", "/assets/style.css", super::CHANGE_PASSWORD]
        {
            assert!(has(path), "{path}");
        }
        for path in ["/token", "/authorize", "/device", "/loginx", "/accounts", "/acme/login"] {
            assert!(!has(path), "{path}");
        }
    }

    #[test]
    fn a_page_allows_no_script_where_it_needs_none() {
        let policy = |page| {
            let answer = show(page);
            let policy = answer.response.headers().get("content-security-policy").cloned();
            policy.and_then(|policy| policy.to_str().map(str::to_owned).ok()).unwrap_or_default()
        };
        assert!(!policy(Page::default()).contains("script"));
        let page =
            Page { script_token: Some("x".to_owned()), targets: " https:".to_owned(), ..Page::default() };
        let policy = policy(page);
        assert!(policy.contains("script-src 'self'") && policy.contains("form-action 'self' https:;"));
    }

    #[test]
    fn values_are_as_the_database_reads_them() {
        assert_eq!(array(&["pwd", "o\"t\\p"]), "{\"pwd\",\"o\\\"t\\\\p\"}");
        assert_eq!(array::<&str>(&[]), "{}");
        assert!(
            is_uuid("0190e9a5-0000-8000-8000-00000000000f")
                && !is_uuid("0190e9a5-0000-8000-8000-00000000000")
        );
        assert!(!is_uuid("0190e9a5x0000-8000-8000-00000000000f"));
        assert_eq!(when(Some("2026-11-29T07:30:00.5+00:00")), "2026-11-29 07:30");
        assert_eq!(when(None), "never");
    }
}
