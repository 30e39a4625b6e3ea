//! The second step: what an interaction waits for, and its decision, which happens once.

use std::borrow::Cow;

use pgrx::prelude::*;
use serde_json::Value;

use crate::endpoint::authorize::answer::{Answer, Next};
use crate::endpoint::authorize::case::{Case, Examined, Parties, session_of};
use crate::endpoint::authorize::reply::{page, to_page};
use crate::endpoint::authorize::request::Asked;
use crate::endpoint::authorize::shown;
use crate::endpoint::authorize::standing::Standing;
use crate::endpoint::response::Response;
use crate::identity::session::Session;
use crate::identity::user;
use crate::kernel::outcome::{ErrorCode, Mistake, Refusal};
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::value::argument;
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::id::Id;
use crate::kernel::value::jsonb::Jsonb;
use crate::oauth::client::{self, page as client_page};
use crate::oauth::code::request::AuthorizationRequest;
use crate::oauth::code::{self, CodeRequest};
use crate::oauth::consent;
use crate::oauth::interaction::{self, Interaction};
use crate::oauth::issuer;
use crate::rfc::{authorization_details, scope};
use crate::trail::refused::Refused;
use crate::trail::{self, Context, Event, Flag};

/// What the user agreed to; None: to all that was asked for.
pub struct Agreed<'a> {
    pub scope: Option<&'a str>,
    pub claims: Option<Jsonb>,
    pub authorization_details: Option<Jsonb>,
}

/// What the code is issued for.
pub struct Issued<'a> {
    scope: Cow<'a, str>,
    claims: Option<Jsonb>,
    details: Option<Jsonb>,
}

impl<'a> Issued<'a> {
    /// All that was asked for.
    pub fn of(case: &'a Case) -> Self {
        let details = case.details.as_ref().and_then(Jsonb::of);
        Self { scope: case.scope.as_str().into(), claims: None, details }
    }
}

/// Seconds that a code lives at most under FAPI 2.0 (section 5.3.2.1).
const FAPI_CODE_TTL: i32 = 60;

/// A case as it waits.
struct Waiting {
    case: Case,
    interaction: Interaction,
    session: Option<Session>,
}

/// Why an interaction has no case; with its client, where the client may be told.
enum Hopeless {
    Page(Answer),
    /// The client has lost since what the request asks for.
    Lost(Box<(Parties, Asked, Interaction, Refused)>),
}

const OVER: Refusal =
    Refusal::new(ErrorCode::InvalidRequest, "the request was answered before, or its time is up");

/// The page for an interaction that there is not.
fn over() -> Answer {
    page(None, &OVER)
}

/// The interaction with this id, if it waits.
fn find(now: Timestamp, snapshot: &Snapshot, id: Option<Id>) -> Result<Option<Interaction>, Mistake> {
    let Some(id) = id else { return Ok(None) };
    Ok(interaction::find(snapshot, id)?.filter(|interaction| !interaction.is_over(now)))
}

/// What an interaction is about.
fn open(
    now: Timestamp,
    snapshot: &Snapshot,
    interaction: Interaction,
    session_token: Option<&str>,
) -> Result<Result<Waiting, Hopeless>, Mistake> {
    let hopeless = |answer| Ok(Err(Hopeless::Page(answer)));
    let issuer = issuer::of_tenant(snapshot, &interaction.tenant_id)?.ok_or_else(issuer::missing)?;
    let client = client::find(snapshot, &interaction.client_id)?.filter(|client| client.is_usable());
    let (Some(client), Some(about)) = (client, client_page::find(snapshot, &interaction.client_id)?) else {
        let refusal = Refusal::new(ErrorCode::UnauthorizedClient, "the client is not active");
        return hopeless(page(Some(&issuer), &refusal));
    };
    let Some(asked) = Asked::of_stored(&interaction.parameters) else { return hopeless(over()) };
    let parties = Parties { issuer, client, page: about };
    if parties.reply(&asked).is_none() {
        let description = "redirect_uri must be one of the client's registered ones";
        return hopeless(page(Some(&parties.issuer), &Refusal::new(ErrorCode::InvalidRequest, description)));
    }
    match parties.open(now, snapshot, asked)? {
        Err((parties, asked, refused)) => {
            Ok(Err(Hopeless::Lost(Box::new((parties, asked, interaction, refused)))))
        }
        Ok(case) => {
            let session = session_of(now, snapshot, session_token, &interaction.tenant_id)?;
            // The user who was to be asked, or who has logged in for it since.
            let session = session.filter(|session| {
                interaction.session_id.is_none_or(|bound| bound == session.id)
                    || session.authenticated_at() >= interaction.begun_at()
            });
            Ok(Ok(Waiting { case, interaction, session }))
        }
    }
}

impl Waiting {
    fn examine(&self, now: Timestamp, snapshot: &Snapshot) -> Result<Examined, Mistake> {
        self.case.examine(now, snapshot, self.interaction.begun_at(), self.session.as_ref())
    }
}

impl Case {
    /// What the front does next with an interaction.
    pub fn next(&self, id: Id, examined: Examined, session: Option<&Session>) -> Answer {
        let settings = &self.issuer.settings;
        let (next, url) = match examined.standing {
            Standing::Login(_) if self.wishes.prompt.create => (Next::Login, settings.create_page()),
            Standing::Login(_) => (Next::Login, settings.login_url.as_deref()),
            Standing::Consent => (Next::Consent, settings.consent_url.as_deref()),
            Standing::Ready | Standing::Refused(_) => (Next::Accept, None),
        };
        let user_id = session.map(|session| session.user_id);
        let response = match next {
            Next::Accept => Response::empty(200),
            _ => to_page(url, id),
        };
        Answer {
            response: response.of_client(&self.client.id).of_user(user_id),
            next,
            interaction_id: Some(id),
            request: shown::request(self, user_id, &examined.missing),
        }
    }
}

/// What an interaction waits for.
pub fn waiting(
    now: Timestamp,
    snapshot: &Snapshot,
    interaction: Interaction,
    session_token: Option<&str>,
) -> Result<Answer, Mistake> {
    let id = interaction.id;
    match open(now, snapshot, interaction, session_token)? {
        Ok(waiting) => {
            let examined = waiting.examine(now, snapshot)?;
            Ok(waiting.case.next(id, examined, waiting.session.as_ref()))
        }
        Err(Hopeless::Page(answer)) => Ok(answer),
        // The client is told by the decision.
        Err(Hopeless::Lost(_)) => {
            Ok(Answer { interaction_id: Some(id), ..Answer::of(Response::empty(200), Next::Accept) })
        }
    }
}

/// The state of an interaction.
pub fn get(now: Timestamp, id: Option<Id>, session_token: Option<&str>) -> Result<Answer, Mistake> {
    let snapshot = Snapshot::reading();
    match find(now, &snapshot, id)? {
        Some(interaction) => waiting(now, &snapshot, interaction, session_token),
        None => Ok(over()),
    }
}

/// The user agrees, or there was nothing to agree to.
pub fn accept(
    now: Timestamp,
    id: Option<Id>,
    session_token: Option<&str>,
    agreed: Agreed<'_>,
    context: &Context<'_>,
) -> Result<Answer, Mistake> {
    argument::object(agreed.claims.as_ref(), "claims")?;
    let snapshot = Snapshot::deciding()?;
    let Some(interaction) = find(now, &snapshot, id)? else { return Ok(over()) };
    let waiting = match open(now, &snapshot, interaction, session_token)? {
        Ok(waiting) => waiting,
        Err(Hopeless::Page(answer)) => return Ok(answer),
        Err(Hopeless::Lost(lost)) => return lose(now, *lost, context),
    };
    let examined = waiting.examine(now, &snapshot)?;
    let Waiting { case, interaction, session } = waiting;
    let session = match (&examined.standing, session) {
        (Standing::Refused(refusal), session) => {
            if !interaction::decide(now, &interaction)? {
                return Ok(over());
            }
            let refused = Refused { refusal: refusal.clone(), flags: &[] };
            record(now, ACCEPTED, &interaction, session.as_ref(), Some(&refused), context)?;
            return Ok(case.reply().refusal(refusal));
        }
        (Standing::Login(_), session) => return Ok(case.next(interaction.id, examined, session.as_ref())),
        (_, None) => return Ok(case.next(interaction.id, examined, None)),
        (_, Some(session)) => session,
    };
    let scope = match narrowed(agreed.scope, &case.scope) {
        Ok(scope) => scope,
        Err(refusal) => return Ok(page(Some(&case.issuer), &refusal)),
    };
    let details = details(agreed.authorization_details, case.details.as_ref())?;
    let user = user::find(&snapshot, session.user_id)?.ok_or(user::UNKNOWN)?;
    drop(snapshot);
    if !interaction::decide(now, &interaction)? {
        return Ok(over());
    }
    if examined.standing == Standing::Consent {
        let resources = case.resources.as_deref().unwrap_or_default();
        let whose = (session.user_id, &user);
        consent::agree(now, whose, &case.client, &scope, resources, context)?;
    }
    let issued = Issued { scope, claims: agreed.claims, details };
    issue(now, &case, &session, issued, context)
}

/// The scope that the user agreed to; nothing, where something was asked for, is no answer.
fn narrowed<'a>(agreed: Option<&str>, asked: &'a str) -> Result<Cow<'a, str>, Refusal> {
    match agreed {
        None => Ok(asked.into()),
        Some(text) if text.trim_matches(' ').is_empty() && !asked.is_empty() => {
            Err(Refusal::new(ErrorCode::InvalidScope, "the user has agreed to no part of the scope"))
        }
        Some(text) => scope::granted(Some(text), asked).map(Cow::Owned),
    }
}

/// The details that the user agreed to: as they were asked for, or as the application has completed them (RFC 9396
/// section 7.1), of the types that were asked for.
fn details(agreed: Option<Jsonb>, asked: Option<&Value>) -> Result<Option<Jsonb>, Mistake> {
    let Some(agreed) = agreed else { return Ok(asked.and_then(Jsonb::of)) };
    let types = asked.map(authorization_details::types).unwrap_or_default();
    let fits = agreed.size() <= authorization_details::MAX_BYTES
        && agreed.parse().is_some_and(|details| {
            authorization_details::check(&details).is_ok()
                && authorization_details::allow(&details, &types).is_ok()
        });
    let accepted =
        "a JSON array of 1 to 16 objects of the types that the request asked for, of at most 16384 bytes";
    if fits { Ok(Some(agreed)) } else { Err(Mistake::invalid("authorization_details", accepted)) }
}

/// Issues the code of a case.
pub fn issue(
    now: Timestamp,
    case: &Case,
    session: &Session,
    issued: Issued<'_>,
    context: &Context<'_>,
) -> Result<Answer, Mistake> {
    let asked = case.asked.code_request();
    let is_fapi2 = case.client.is_fapi2() || case.issuer.settings.is_fapi2();
    let ttl = code::TTL.in_seconds().min(FAPI_CODE_TTL.into());
    let request = CodeRequest {
        parameters: AuthorizationRequest {
            scope: Some(&issued.scope),
            resource: case.resources.clone().map(|several| several.into_iter().map(Some).collect()),
            ..asked
        },
        session_id: Some(session.id),
        auth_time: Some(session.authenticated_at()),
        acr: session.acr.as_deref(),
        amr: session.amr.clone().map(|methods| methods.into_iter().map(Some).collect()),
        claims: issued.claims,
        authorization_details: issued.details,
        claims_request: case.claims_within(&issued.scope).as_ref().and_then(Jsonb::of),
        ttl: is_fapi2.then(|| Interval::from_seconds(ttl as f64)),
    };
    let response = code::issue(now, Some(&case.client.id), Some(session.user_id), request, context)?;
    let answer = match (&response.code, response.error) {
        (Some(code), _) => case.reply().code(code),
        (None, error) => {
            let error = error.unwrap_or(ErrorCode::ServerError.as_str());
            case.reply().error(error, response.error_description.as_deref().unwrap_or_default())
        }
    };
    Ok(answer.of_user(Some(session.user_id)))
}

/// The events of decisions that issue no code.
const ACCEPTED: &str = "authorization.accepted";
const DENIED: &str = "authorization.denied";

/// Answers a client that has lost since what the request asks for.
fn lose(
    now: Timestamp,
    (parties, asked, interaction, refused): (Parties, Asked, Interaction, Refused),
    context: &Context<'_>,
) -> Result<Answer, Mistake> {
    if !interaction::decide(now, &interaction)? {
        return Ok(over());
    }
    record(now, ACCEPTED, &interaction, None, Some(&refused), context)?;
    Ok(parties.reply(&asked).map_or_else(over, |reply| reply.refusal(&refused.refusal)))
}

/// Errors that the user's answer, or a page that fails, may end in (RFC 6749 section 4.1.2.1, OpenID Connect Core
/// section 3.1.2.6).
const ANSWERS: [(ErrorCode, &str); 8] = [
    (ErrorCode::AccessDenied, "the user has refused"),
    (ErrorCode::LoginRequired, "the user has not logged in"),
    (ErrorCode::ConsentRequired, "the user has to be asked"),
    (ErrorCode::InteractionRequired, "the user has to answer"),
    (ErrorCode::AccountSelectionRequired, "the user has to choose an account"),
    (
        ErrorCode::UnmetAuthenticationRequirements,
        "the user cannot log in in the way that the request asks for",
    ),
    (ErrorCode::TemporarilyUnavailable, "the user cannot be asked now"),
    (ErrorCode::ServerError, "the user could not be asked"),
];

/// The user refuses, or cannot be asked.
pub fn deny(
    now: Timestamp,
    id: Option<Id>,
    error: Option<&str>,
    context: &Context<'_>,
) -> Result<Answer, Mistake> {
    let error = error.unwrap_or("access_denied");
    let (code, description) = ANSWERS
        .into_iter()
        .find(|(code, _)| code.as_str() == error)
        .ok_or_else(|| Mistake::one_of("error", &ANSWERS.map(|(code, _)| code.as_str())))?;
    let snapshot = Snapshot::deciding()?;
    let Some(interaction) = find(now, &snapshot, id)? else { return Ok(over()) };
    let opened = open(now, &snapshot, interaction, None)?;
    drop(snapshot);
    let (parties, asked, interaction) = match opened {
        Ok(Waiting { case, interaction, .. }) => {
            let Case { issuer, client, page, asked, .. } = case;
            (Parties { issuer, client, page }, asked, interaction)
        }
        Err(Hopeless::Page(answer)) => return Ok(answer),
        Err(Hopeless::Lost(lost)) => {
            let (parties, asked, interaction, _) = *lost;
            (parties, asked, interaction)
        }
    };
    if !interaction::decide(now, &interaction)? {
        return Ok(over());
    }
    let refused = Refused { refusal: Refusal::new(code, description), flags: &[] };
    record(now, DENIED, &interaction, None, Some(&refused), context)?;
    Ok(parties.reply(&asked).map_or_else(over, |reply| reply.refusal(&refused.refusal)))
}

fn record(
    now: Timestamp,
    event: &str,
    interaction: &Interaction,
    session: Option<&Session>,
    refused: Option<&Refused>,
    context: &Context<'_>,
) -> Result<(), Mistake> {
    let event = Event {
        event,
        tenant_id: &interaction.tenant_id,
        client_id: Some(&interaction.client_id),
        user_id: session.map(|session| session.user_id).or(interaction.user_id),
        session_id: session.map(|session| session.id).or(interaction.session_id),
        error: refused.map(|refused| refused.refusal.code),
        flags: refused.map_or(&[] as &[Flag], |refused| refused.flags),
        context: Some(context),
        ..Event::default()
    };
    trail::record(now, &event).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::narrowed;

    #[test]
    fn an_answer_to_nothing_is_none() {
        assert_eq!(narrowed(None, "a b").ok().as_deref(), Some("a b"));
        assert_eq!(narrowed(Some("b"), "a b").ok().as_deref(), Some("b"));
        assert_eq!(narrowed(Some(""), "").ok().as_deref(), Some(""));
        assert!(narrowed(Some(""), "a").is_err() && narrowed(Some("  "), "a").is_err());
        assert!(narrowed(Some("c"), "a b").is_err() && narrowed(Some("a\t"), "a b").is_err());
    }
}
