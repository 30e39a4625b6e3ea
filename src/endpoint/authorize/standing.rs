//! What still stands between a request and its code: a log-in, a question, or nothing. Pure.

use crate::endpoint::authorize::request::wishes::Wishes;
use crate::identity::session::Session;
use crate::kernel::outcome::{ErrorCode, Refusal};
use crate::kernel::value::clock::Timestamp;

/// What comes next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Standing {
    /// The user has to log in, or to log in anew. The refusal is what a client hears that wants no page.
    Login(Refusal),
    /// The user has to be asked.
    Consent,
    /// Nothing: the code can be issued.
    Ready,
    /// A page would not help.
    Refused(Refusal),
}

/// The facts of a log-in.
pub struct LoggedIn<'a> {
    pub at: Timestamp,
    pub acr: Option<&'a str>,
}

impl<'a> LoggedIn<'a> {
    /// Those of a session.
    pub fn of(session: &'a Session) -> Self {
        Self { at: session.authenticated_at(), acr: session.acr.as_deref() }
    }
}

/// The facts of a request.
pub struct Request<'a> {
    pub wishes: &'a Wishes,
    /// When it began.
    pub begun_at: Timestamp,
    /// True if it names the user who must have logged in, and the one who has is another one.
    pub is_other_user: bool,
    /// True if the user has agreed to all of it before.
    pub is_agreed: bool,
}

/// Decides by the log-in, if there is one.
pub fn of(request: &Request<'_>, logged_in: Option<&LoggedIn<'_>>) -> Standing {
    let wishes = request.wishes;
    let refusal = |code, description| Refusal::new(code, description);
    let Some(login) = logged_in else {
        return Standing::Login(refusal(ErrorCode::LoginRequired, "the user is not logged in"));
    };
    // A log-in for this request satisfies what could be asked of it: or the user would log in for ever.
    let is_fresh = login.at >= request.begun_at;
    let unless_fresh = |refusal: Refusal, otherwise: fn(Refusal) -> Standing| {
        if is_fresh { otherwise(refusal) } else { Standing::Login(refusal) }
    };
    if request.is_other_user {
        let other = refusal(ErrorCode::LoginRequired, "another user is logged in");
        return unless_fresh(other, Standing::Refused);
    }
    let is_known = wishes.acr_values.is_empty()
        || login.acr.is_some_and(|acr| wishes.acr_values.iter().any(|wanted| wanted == acr));
    if !is_known && (wishes.acr_is_essential || !is_fresh) {
        let unmet = refusal(
            ErrorCode::UnmetAuthenticationRequirements,
            "the user has not logged in in the way that the request asks for",
        );
        return unless_fresh(unmet, Standing::Refused);
    }
    let age = request.begun_at.micros_since(login.at);
    let is_too_old = wishes.max_age.is_some_and(|most| age > most.saturating_mul(1_000_000));
    if !is_fresh && (is_too_old || wishes.prompt.login || wishes.prompt.create) {
        let description = "the user logged in too long ago";
        return Standing::Login(refusal(ErrorCode::LoginRequired, description));
    }
    if wishes.prompt.consent || wishes.prompt.select_account || !request.is_agreed {
        return Standing::Consent;
    }
    Standing::Ready
}

impl Standing {
    /// What the client hears that wants no page (`prompt=none`); None: it gets its code.
    pub fn without_page(&self) -> Option<Refusal> {
        match self {
            Self::Login(refusal) | Self::Refused(refusal) => Some(refusal.clone()),
            Self::Consent => Some(Refusal::new(ErrorCode::ConsentRequired, "the user has to be asked")),
            Self::Ready => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{LoggedIn, Request, Standing, of};
    use crate::endpoint::authorize::request::wishes::{Prompt, Wishes};
    use crate::kernel::outcome::ErrorCode;
    use crate::kernel::value::clock::Timestamp;

    const BEGUN: i64 = 1_000_000_000_000;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(BEGUN + seconds * 1_000_000)
    }

    /// What comes next for a log-in so many seconds before the request (negative: after), of this context.
    fn next(wishes: &Wishes, login: Option<(i64, Option<&str>)>, agreed: bool, other: bool) -> Standing {
        let request = Request { wishes, begun_at: at(0), is_other_user: other, is_agreed: agreed };
        let login = login.map(|(ago, acr)| LoggedIn { at: at(-ago), acr });
        of(&request, login.as_ref())
    }

    fn code(standing: &Standing) -> Option<ErrorCode> {
        standing.without_page().map(|refusal| refusal.code)
    }

    fn is_login(standing: &Standing) -> bool {
        matches!(standing, Standing::Login(_))
    }

    #[test]
    fn a_log_in_and_a_consent_are_enough() {
        let wishes = Wishes::default();
        assert_eq!(code(&next(&wishes, None, true, false)), Some(ErrorCode::LoginRequired));
        assert_eq!(next(&wishes, Some((9999, None)), true, false), Standing::Ready);
        assert_eq!(code(&next(&wishes, Some((1, None)), false, false)), Some(ErrorCode::ConsentRequired));
    }

    /// OpenID Connect Core section 3.1.2.1: max_age, and 0 as prompt=login.
    #[test]
    fn an_old_log_in_is_done_again_once() {
        let wishes = Wishes { max_age: Some(60), ..Wishes::default() };
        assert_eq!(next(&wishes, Some((60, None)), true, false), Standing::Ready);
        assert!(is_login(&next(&wishes, Some((61, None)), true, false)));
        assert_eq!(next(&wishes, Some((-1, None)), true, false), Standing::Ready);
        let wishes = Wishes { max_age: Some(0), ..Wishes::default() };
        assert!(is_login(&next(&wishes, Some((1, None)), true, false)));
        for prompt in
            [Prompt { login: true, ..Prompt::default() }, Prompt { create: true, ..Prompt::default() }]
        {
            let wishes = Wishes { prompt, ..Wishes::default() };
            assert!(is_login(&next(&wishes, Some((1, None)), true, false)));
            assert_eq!(next(&wishes, Some((0, None)), true, false), Standing::Ready);
        }
    }

    /// RFC 9470 section 5, OpenID Connect Core section 5.5.1.1.
    #[test]
    fn another_context_is_taken_unless_it_is_essential() {
        let acr_values = vec!["mfa".to_owned(), "phr".to_owned()];
        let voluntary = Wishes { acr_values: acr_values.clone(), ..Wishes::default() };
        let essential = Wishes { acr_values, acr_is_essential: true, ..Wishes::default() };
        for wishes in [&voluntary, &essential] {
            assert_eq!(next(wishes, Some((5, Some("phr"))), true, false), Standing::Ready);
            let standing = next(wishes, Some((5, Some("pwd"))), true, false);
            assert!(is_login(&standing));
            assert_eq!(code(&standing), Some(ErrorCode::UnmetAuthenticationRequirements));
        }
        assert_eq!(next(&voluntary, Some((-5, None)), true, false), Standing::Ready);
        assert!(matches!(next(&essential, Some((-5, None)), true, false), Standing::Refused(_)));
    }

    /// OpenID Connect Core section 3.1.2.1, id_token_hint.
    #[test]
    fn another_user_may_log_in_once() {
        let wishes = Wishes::default();
        assert!(is_login(&next(&wishes, Some((5, None)), true, true)));
        let standing = next(&wishes, Some((-5, None)), true, true);
        assert!(matches!(standing, Standing::Refused(_)));
        assert_eq!(code(&standing), Some(ErrorCode::LoginRequired));
    }

    #[test]
    fn a_question_that_is_asked_for_is_asked() {
        for prompt in [
            Prompt { consent: true, ..Prompt::default() },
            Prompt { select_account: true, ..Prompt::default() },
        ] {
            let wishes = Wishes { prompt, ..Wishes::default() };
            assert_eq!(next(&wishes, Some((5, None)), true, false), Standing::Consent);
        }
    }
}
