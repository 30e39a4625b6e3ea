//! What the browser gets: the client's answer at its redirect URI, or a page of the front's.

use crate::endpoint::authorize::answer::{Answer, Next};
use crate::endpoint::authorize::respond::{FORM_POST_POLICY, Mode, form_post, location};
use crate::endpoint::response::{Response, Teller};
use crate::kernel::outcome::Refusal;
use crate::kernel::value::id::Id;
use crate::oauth::issuer::Issuer;

/// To whom an answer goes, and how.
pub struct Reply<'a> {
    pub issuer: &'a str,
    pub client_id: &'a str,
    pub redirect_uri: &'a str,
    pub mode: Mode,
    pub state: Option<&'a str>,
}

impl Reply<'_> {
    /// The code (RFC 6749 section 4.1.2), and who issued it (RFC 9207).
    pub fn code<'a>(&'a self, code: &'a str) -> Answer {
        self.send(vec![("code", code)])
    }

    /// An error (RFC 6749 section 4.1.2.1).
    pub fn refusal<'a>(&'a self, refusal: &'a Refusal) -> Answer {
        self.error(refusal.code.as_str(), &refusal.description)
    }

    /// The same of the columns `error` and `error_description`.
    pub fn error<'a>(&'a self, error: &'static str, description: &'a str) -> Answer {
        let mut answer = self.send(vec![("error", error), ("error_description", description)]);
        answer.response = answer.response.with_error(error);
        answer
    }

    fn send<'a>(&'a self, mut parameters: Vec<(&'a str, &'a str)>) -> Answer {
        parameters.extend(self.state.map(|state| ("state", state)));
        parameters.push(("iss", self.issuer));
        let response = match self.mode {
            // RFC 9700 section 4.12: with 303 no browser posts the user's password on.
            Mode::Query => Response::redirect(303, &location(self.redirect_uri, &parameters)),
            Mode::FormPost => {
                let page = form_post(self.redirect_uri, &parameters);
                Response::document(200, "text/html; charset=utf-8", page)
                    .with_header("content-security-policy", FORM_POST_POLICY)
            }
        };
        Answer::of(
            response.with_header("referrer-policy", "no-referrer").of_client(self.client_id),
            Next::Redirect,
        )
    }
}

/// An error that must not be sent to the client (RFC 6749 section 4.1.2.1): for a page of the front's, or of the
/// application's.
pub fn page(issuer: Option<&Issuer>, refusal: &Refusal) -> Answer {
    let (code, description) = (refusal.code.as_str(), &refusal.description);
    let response = match issuer.and_then(|issuer| issuer.settings.error_url.as_deref()) {
        Some(url) => {
            let parameters = [("error", code), ("error_description", description)];
            Response::redirect(303, &location(url, &parameters)).with_error(code)
        }
        None => Response::refusal(refusal, Teller::Client { realm: None }),
    };
    Answer::of(response, Next::Page)
}

/// The way to a page where the user does something: the application's, with the interaction's id, or the front's.
pub fn to_page(url: Option<&str>, interaction_id: Id) -> Response {
    match url {
        Some(url) => Response::redirect(303, &location(url, &[("interaction", &interaction_id.to_string())])),
        None => Response::empty(200),
    }
}
