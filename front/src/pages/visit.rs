//! A visit: the request, the browser and the session behind a page.

use std::time::Duration;

use hyper::Method;
use hyper::header::{HeaderName, ORIGIN};
use serde_json::Value;
use tokio::sync::OnceCell;
use url::form_urlencoded;

use crate::Front;
use crate::answer::Answer;
use crate::caller::{Caller, cookie};
use crate::protocol::Request;
use crate::settings::Settings;
use crate::store::{Argument, Failure, is_true, text};

/// The names of the cookies.
pub struct Cookies {
    /// The token of the session.
    pub session: String,
    /// A random text that a form is bound to.
    pub browser: String,
    /// What the store knows a device by.
    pub device: String,
    /// Who has shown one factor and is to show another, sealed.
    pub pending: String,
    /// What a browser that asked for a mail, or for a passkey, wanted: sealed.
    pub asked: String,
    is_secure: bool,
}

impl Cookies {
    /// With the prefix that keeps other hosts and http from setting them (RFC 6265bis section 4.1.3), where there is
    /// https.
    pub fn new(settings: &Settings) -> Self {
        let is_secure = settings.is_secure();
        let named = |name: &str| if is_secure { format!("__Host-{name}") } else { name.to_owned() };
        Self {
            session: settings.session_cookie.clone().unwrap_or_else(|| named("session")),
            browser: named("browser"),
            device: named("device"),
            pending: named("pending"),
            asked: named("asked"),
            is_secure,
        }
    }

    /// The header that sets one; without a life it ends with the browser.
    pub fn set(&self, name: &str, value: &str, life: Option<Duration>) -> String {
        let secure = if self.is_secure { "; Secure" } else { "" };
        let life = life.map(|life| format!("; Max-Age={}", life.as_secs())).unwrap_or_default();
        format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{life}")
    }

    /// The header that removes one.
    pub fn remove(&self, name: &str) -> String {
        self.set(name, "", Some(Duration::ZERO))
    }
}

/// The members of a query or a form.
pub struct Form(Vec<(String, String)>);

impl Form {
    /// Reads one.
    pub fn of(bytes: &[u8]) -> Self {
        Self(
            form_urlencoded::parse(bytes)
                .map(|(name, value)| (name.into_owned(), value.into_owned()))
                .collect(),
        )
    }

    /// The first value of a member; None for an empty one too.
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(found, _)| found == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// All values of a member.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

/// Who is logged in.
pub struct Session {
    pub session_id: String,
    pub user_id: String,
    /// When the user was last authenticated, in seconds before now.
    pub age: i64,
    /// Another user acts in it (impersonation).
    pub is_acted: bool,
}

/// One request for a page.
pub struct Visit<'a> {
    pub front: &'static Front,
    pub caller: &'a Caller,
    pub request: &'a Request,
    pub query: Form,
    pub form: Form,
    /// The token of the session, whether or not it is good.
    pub session_token: Option<&'a str>,
    /// The text that forms are bound to.
    pub browser: String,
    is_new: bool,
    session: OnceCell<Option<Session>>,
}

/// How long a cookie of a browser or device is kept.
pub const KEPT: Duration = Duration::from_secs(365 * 86_400);

impl<'a> Visit<'a> {
    /// Of a request; None where the operating system gives no random numbers.
    pub fn of(front: &'static Front, caller: &'a Caller, request: &'a Request) -> Option<Self> {
        let known = cookie(&request.headers, &front.cookies.browser).filter(|text| text.len() == 22);
        let browser = known.map(str::to_owned);
        Some(Self {
            front,
            caller,
            request,
            query: Form::of(&request.query),
            form: Form::of(&request.body),
            session_token: cookie(&request.headers, &front.cookies.session).filter(|token| !token.is_empty()),
            is_new: browser.is_none(),
            browser: browser.or_else(|| front.seal.random())?,
            session: OnceCell::new(),
        })
    }

    /// Whether something is to be done, rather than shown.
    pub fn is_post(&self) -> bool {
        self.request.method == Method::POST
    }

    /// A member of the form, or of the query where a page is shown.
    pub fn get(&self, name: &str) -> Option<&str> {
        if self.is_post() { self.form.get(name) } else { self.query.get(name) }
    }

    /// The value of a cookie.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        cookie(&self.request.headers, name).filter(|value| !value.is_empty())
    }

    /// The token for the forms of a page.
    pub fn token(&self) -> String {
        self.front.seal.form_token(&self.browser, self.session_token.unwrap_or(""))
    }

    /// Whether a POST came from a page of this site that was given to this browser.
    pub fn is_own(&self) -> bool {
        let header = |name: HeaderName| self.request.headers.get(name).and_then(|value| value.to_str().ok());
        let is_here = header(ORIGIN).is_none_or(|origin| origin == self.front.settings.origin)
            && header(HeaderName::from_static("sec-fetch-site")).is_none_or(|site| site == "same-origin");
        let token = self.form.get("form").or_else(|| header(HeaderName::from_static("x-form")));
        let session = self.session_token.unwrap_or("");
        is_here && token.is_some_and(|token| self.front.seal.is_form_of(&self.browser, session, token))
    }

    /// An answer with the cookie that forms are bound to, where the browser has none.
    pub fn introduced(&self, answer: Answer) -> Answer {
        if !self.is_new {
            return answer;
        }
        answer.with_cookie(&self.front.cookies.set(&self.front.cookies.browser, &self.browser, Some(KEPT)))
    }

    /// The session, asked for once a visit, which counts as a use of it.
    pub async fn session(&self) -> Result<Option<&Session>, Failure> {
        let session = self.session.get_or_try_init(|| async {
            let Some(token) = self.session_token else { return Ok::<_, Failure>(None) };
            let row = self.row("session_touch", &[("session_token", "text", Some(token))]).await?;
            Ok(is_true(&row, "valid").then(|| session_in(&row)).flatten())
        });
        Ok(session.await?.as_ref())
    }

    /// The row of a function of the store that takes where the request came from.
    pub async fn row(&self, function: &str, arguments: &[Argument<'_>]) -> Result<Value, Failure> {
        let mut all = arguments.to_vec();
        all.push(("ip", "inet", Some(&self.caller.ip_text)));
        all.push(("user_agent", "text", self.caller.user_agent.as_deref()));
        self.front.store.row(function, &all).await
    }
}

fn session_in(row: &Value) -> Option<Session> {
    Some(Session {
        session_id: text(row, "session_id")?.to_owned(),
        user_id: text(row, "user_id")?.to_owned(),
        age: text(row, "auth_time").and_then(seconds_ago).unwrap_or(i64::MAX),
        is_acted: text(row, "actor_id").is_some(),
    })
}

/// How many seconds ago a time of the database's JSON (ISO 8601) was.
fn seconds_ago(time: &str) -> Option<i64> {
    let then = unix(time)?;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).ok()?;
    Some(i64::try_from(now.as_secs()).ok()? - then)
}

/// `2026-11-29T07:30:00.123456+00:00` in seconds since 1970.
fn unix(time: &str) -> Option<i64> {
    let (date, rest) = time.split_once('T')?;
    let mut date = date.split('-').map(str::parse::<i64>);
    let (year, month, day) = (date.next()?.ok()?, date.next()?.ok()?, date.next()?.ok()?);
    let place = rest.find(['+', '-', 'Z'])?;
    let (clock, zone) = rest.split_at(place);
    let mut clock = clock.split(':').map(|part| part.split('.').next().unwrap_or("").parse::<i64>());
    let (hour, minute, second) = (clock.next()?.ok()?, clock.next()?.ok()?, clock.next()?.ok()?);
    let sign = if zone.starts_with('-') { -1 } else { 1 };
    let mut zone =
        zone.trim_start_matches(['+', '-', 'Z']).split(':').map(|part| part.parse::<i64>().unwrap_or(0));
    let offset = sign * (zone.next().unwrap_or(0) * 3600 + zone.next().unwrap_or(0) * 60);
    // Days since 1970 of the proleptic Gregorian calendar, in which a year begins in March.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * month + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    Some(days * 86_400 + hour * 3600 + minute * 60 + second - offset)
}

/// Year, month and day so many days after 1970 began.
pub fn date(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::{Cookies, Form, date, unix};
    use crate::settings::{Settings, for_tests};

    #[test]
    fn a_time_of_the_database_is_read_in_any_zone() {
        for (time, seconds) in [
            ("1970-01-01T00:00:00+00:00", 0),
            ("2000-02-29T23:59:59.999999+00:00", 951_868_799),
            ("2026-11-29T09:30:00.5+02:00", 1_795_937_400),
            ("2026-11-29T02:00:00-05:30", 1_795_937_400),
        ] {
            assert_eq!(unix(time), Some(seconds), "{time}");
        }
        assert_eq!(unix("infinity"), None);
        for (days, day) in
            [(0, (1970, 1, 1)), (11_016, (2000, 2, 29)), (20_786, (2026, 11, 29)), (47_482, (2100, 1, 1))]
        {
            assert_eq!(date(days), day, "{days}");
        }
    }

    #[test]
    fn cookies_are_this_hosts_alone() {
        let cookies = Cookies::new(&for_tests());
        let set = cookies.set(&cookies.session, "x", None);
        assert_eq!(set, "__Host-session=x; Path=/; HttpOnly; SameSite=Lax; Secure");
        let cookies = Cookies::new(&Settings { origin: "http://localhost:1".to_owned(), ..for_tests() });
        assert_eq!(cookies.remove(&cookies.session), "session=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0");
    }

    #[test]
    fn an_empty_member_is_none() {
        let form = Form::of(b"a=1&b=&scope=x&scope=y+z");
        assert_eq!((form.get("a"), form.get("b"), form.get("c")), (Some("1"), None, None));
        assert_eq!(form.all("scope").collect::<Vec<_>>(), ["x", "y z"]);
    }
}
