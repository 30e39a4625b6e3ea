//! The first step: the request is answered, or begins to wait for its user.

use std::rc::Rc;

use crate::endpoint::authorize::answer::{Answer, Next};
use crate::endpoint::authorize::case::{Case, Examined, Parties, session_of};
use crate::endpoint::authorize::decide::{Issued, issue, waiting};
use crate::endpoint::authorize::reply::page as page_of;
use crate::endpoint::authorize::request::Asked;
use crate::endpoint::authorize::request::object::{self, Read};
use crate::endpoint::authorize::standing::Standing;
use crate::endpoint::request::form::Form;
use crate::endpoint::request::limit;
use crate::identity::session::Session;
use crate::identity::tenant;
use crate::kernel::crypto::token_text::Presented;
use crate::kernel::outcome::{ErrorCode, Mistake, Refusal, given};
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::id::{Bucket, Id};
use crate::kernel::value::jsonb::Jsonb;
use crate::limit::audit_due;
use crate::oauth::client::registered::document;
use crate::oauth::client::{self, Client, page};
use crate::oauth::code::pushed;
use crate::oauth::interaction::{self, NewInteraction};
use crate::oauth::issuer::{self, Issuer};
use crate::trail::refused::{Refused, invalid_request};
use crate::trail::{self, Context, Event, Flag};

/// A request of a browser.
pub struct Sent<'a> {
    pub method: Option<&'a str>,
    pub query: Option<&'a [u8]>,
    pub body: Option<&'a [u8]>,
    pub session_token: Option<&'a str>,
    pub tenant_id: Option<&'a str>,
}

/// The event of a request that begins to wait, or is refused.
const REQUESTED: &str = "authorization.requested";

/// Where the parameters came from.
enum Source {
    /// The request itself
    Browser,
    /// RFC 9126
    Pushed(Presented),
}

/// Answers a request, or lets it wait.
pub fn authorize(now: Timestamp, sent: &Sent<'_>, context: &Context<'_>) -> Result<Answer, Mistake> {
    let bytes = match given(sent.method, "method")? {
        "GET" | "HEAD" => sent.query,
        "POST" => sent.body,
        _ => return Err(Mistake::one_of("method", &["GET", "HEAD", "POST"])),
    };
    let snapshot = Snapshot::deciding()?;
    let form = Form::read(bytes.unwrap_or_default());
    let client_id = form.as_ref().ok().and_then(|form| form.get("client_id"));
    let (issuer, client) = parties(&snapshot, client_id, sent.tenant_id)?;
    let request = Request { now, snapshot: &snapshot, sent, context };
    let refuse = |refused: &Refused| request.refuse(issuer.as_deref(), client_id, refused);
    let form = match &form {
        Ok(form) => form,
        Err(malformed) => return refuse(&invalid_request(malformed.description())),
    };
    if let (None, Some(id), Some(issuer)) = (&client, client_id, &issuer)
        && issuer.settings.metadata_documents
        && document::is_at(id)
    {
        return match limit::over_documents(now, issuer, context)? {
            Some(refusal) => refuse(&limited(refusal)),
            None => Ok(fetch(issuer, id, id)),
        };
    }
    let client = match known(client) {
        Ok(client) => client,
        Err(refused) => return refuse(&refused),
    };
    let issuer = issuer.ok_or_else(issuer::missing)?;
    if client.must_be_fetched(now) {
        return request.fetch_of(&issuer, &client.id, &client.id);
    }
    request.of_client(issuer, client, form)
}

/// The client, and the issuer that serves it; without a known client the issuer of the tenant that was asked, which may
/// have none where nobody named it.
fn parties(
    snapshot: &Snapshot,
    client_id: Option<&str>,
    tenant_id: Option<&str>,
) -> Result<(Option<Rc<Issuer>>, Option<Client>), Mistake> {
    let client = match client_id {
        Some(client_id) => client::find(snapshot, client_id)?,
        None => None,
    };
    let client = client.filter(|client| tenant_id.is_none_or(|tenant_id| client.tenant_id == tenant_id));
    let asked = match &client {
        Some(client) => client.tenant_id.clone(),
        None => tenant::resolve(snapshot, tenant_id)?,
    };
    let issuer = issuer::of_tenant(snapshot, &asked)?;
    if issuer.is_none() && (client.is_some() || tenant_id.is_some()) {
        return Err(issuer::missing());
    }
    Ok((issuer, client))
}

/// The client, if it may ask for anything.
fn known(client: Option<Client>) -> Result<Client, Refused> {
    let unauthorized = |description, flags| Refused {
        refusal: Refusal::new(ErrorCode::UnauthorizedClient, description),
        flags,
    };
    let client = client.ok_or_else(|| unauthorized("unknown client", &[Flag::UnknownClient]))?;
    if client.is_usable() {
        Ok(client)
    } else {
        Err(unauthorized("the client is not active", &[Flag::InactiveClient]))
    }
}

/// The refusal of a network that is over its limit.
fn limited(refusal: Refusal) -> Refused {
    Refused { refusal, flags: &[Flag::RateLimited] }
}

/// Has the front fetch a document of the client. What it can't fetch leaves it with the error.
fn fetch(issuer: &Issuer, client_id: &str, url: &str) -> Answer {
    let description = "what the client publishes could not be read";
    let error = page_of(Some(issuer), &Refusal::new(ErrorCode::UnauthorizedClient, description));
    let tenant_id = issuer.tenant_id.as_str();
    let mut answer = Answer::of(error.response.of_client(client_id).fetching(url, tenant_id), Next::Fetch);
    answer.request =
        Some(Jsonb::of_texts(&[("url", url), ("client_id", client_id), ("tenant_id", tenant_id)]));
    answer
}

/// A request that is being answered.
struct Request<'a> {
    now: Timestamp,
    snapshot: &'a Snapshot,
    sent: &'a Sent<'a>,
    context: &'a Context<'a>,
}

impl Request<'_> {
    /// An error that must not go to the client.
    fn refuse(
        &self,
        issuer: Option<&Issuer>,
        client_id: Option<&str>,
        refused: &Refused,
    ) -> Result<Answer, Mistake> {
        let tenant_id = issuer.map_or_else(tenant::own, |issuer| &issuer.tenant_id);
        self.record(tenant_id, client_id, None, Some(refused))?;
        Ok(page_of(issuer, &refused.refusal))
    }

    /// Has the front fetch a document of a client that is known.
    fn fetch_of(&self, issuer: &Issuer, client_id: &str, url: &str) -> Result<Answer, Mistake> {
        match limit::over_waiting(self.now, issuer, self.context)? {
            Some(refusal) => self.refuse(Some(issuer), Some(client_id), &limited(refusal)),
            None => Ok(fetch(issuer, client_id, url)),
        }
    }

    fn record(
        &self,
        tenant_id: &str,
        client_id: Option<&str>,
        session: Option<&Session>,
        refused: Option<&Refused>,
    ) -> Result<(), Mistake> {
        let limited = refused.is_some_and(|refused| refused.flags.contains(&Flag::RateLimited));
        if limited && !audit_due(self.now, tenant_id, "authorization")? {
            return Ok(());
        }
        let event = Event {
            event: REQUESTED,
            tenant_id,
            client_id,
            user_id: session.map(|session| session.user_id),
            session_id: session.map(|session| session.id),
            error: refused.map(|refused| refused.refusal.code),
            flags: refused.map_or(&[], |refused| refused.flags),
            context: Some(self.context),
            ..Event::default()
        };
        trail::record(self.now, &event).map(|_| ())
    }
}

impl Request<'_> {
    fn of_client(&self, issuer: Rc<Issuer>, client: Client, form: &Form<'_>) -> Result<Answer, Mistake> {
        let found = match (form.get("request_uri"), form.get("request")) {
            (None, None) => Ok((Asked::of_pairs(form.iter()), Source::Browser)),
            (Some(_), Some(_)) => Err(invalid_request("request and request_uri exclude each other")),
            (None, Some(object)) => match object::read(self.now, self.snapshot, &issuer, &client, object)? {
                Read::Asked(asked) => Ok((asked, Source::Browser)),
                Read::Fetch(url) => return self.fetch_of(&issuer, &client.id, &url),
                Read::Refused(refusal) => Err(Refused { refusal, flags: &[] }),
            },
            (Some(uri), None) => match pushed::look(self.now, self.snapshot, &client, uri)? {
                Ok(found) => match Asked::of_stored(&found.parameters) {
                    Some(asked) => Ok((asked, Source::Pushed(found.presented))),
                    None => Err(invalid_request("the parameters cannot be read")),
                },
                Err(refused) => {
                    if let Some(answer) = self.waiting_already(&client, pushed::presented(uri).as_ref())? {
                        return Ok(answer);
                    }
                    Err(refused)
                }
            },
        };
        match found {
            Ok((asked, source)) => self.answer(issuer, client, asked, &source),
            Err(refused) => self.refuse(Some(&issuer), Some(&client.id), &refused),
        }
    }

    /// The interaction that a pushed request has become, when the page is loaded again.
    fn waiting_already(
        &self,
        client: &Client,
        presented: Option<&Presented>,
    ) -> Result<Option<Answer>, Mistake> {
        let Some(presented) = presented else { return Ok(None) };
        let snapshot = Snapshot::latest();
        match interaction::find_pushed(&snapshot, presented)? {
            Some(interaction) if interaction.client_id == client.id && !interaction.is_over(self.now) => {
                waiting(self.now, &snapshot, interaction, self.sent.session_token).map(Some)
            }
            _ => Ok(None),
        }
    }

    fn answer(
        &self,
        issuer: Rc<Issuer>,
        client: Client,
        asked: Asked,
        source: &Source,
    ) -> Result<Answer, Mistake> {
        let Some(page) = page::find(self.snapshot, &client.id)? else { return Err(client::UNKNOWN) };
        let parties = Parties { issuer, client, page };
        let Some(reply) = parties.reply(&asked) else {
            let refused = Refused {
                flags: &[Flag::WrongRedirectUri],
                ..invalid_request("redirect_uri must be one of the client's registered ones")
            };
            return self.refuse(Some(&parties.issuer), Some(&parties.client.id), &refused);
        };
        let must_push = parties.client.require_par
            || parties.issuer.settings.require_par
            || parties.client.is_fapi2()
            || parties.issuer.settings.is_fapi2();
        if must_push && matches!(source, Source::Browser) {
            let refused = invalid_request("the request must be pushed (RFC 9126)");
            self.record(&parties.client.tenant_id, Some(&parties.client.id), None, Some(&refused))?;
            return Ok(reply.refusal(&refused.refusal));
        }
        match parties.open(self.now, self.snapshot, asked)? {
            Ok(case) => self.examine(&case, source),
            Err((parties, asked, refused)) => {
                self.record(&parties.client.tenant_id, Some(&parties.client.id), None, Some(&refused))?;
                // It has a redirect URI, as above.
                Ok(parties.reply(&asked).map_or_else(
                    || page_of(Some(&parties.issuer), &refused.refusal),
                    |reply| reply.refusal(&refused.refusal),
                ))
            }
        }
    }

    fn examine(&self, case: &Case, source: &Source) -> Result<Answer, Mistake> {
        let session = session_of(self.now, self.snapshot, self.sent.session_token, &case.client.tenant_id)?;
        let session = session.as_ref();
        let begun_at = interaction::begun(self.now);
        let examined = case.examine(self.now, self.snapshot, begun_at, session)?;
        let prompt = case.wishes.prompt;
        match (&examined.standing, session) {
            // A client polls so for the end of a session: no row tells of it.
            (standing, _) if prompt.none && *standing != Standing::Ready => {
                let refusal = standing.without_page();
                Ok(refusal.map_or_else(|| case.reply().code(""), |refusal| case.reply().refusal(&refusal)))
            }
            (Standing::Ready, Some(session)) => {
                if !self.take(&case.client, source)? {
                    return self.used(case, source);
                }
                issue(self.now, case, session, Issued::of(case), self.context)
            }
            (Standing::Refused(refusal), _) => {
                if !self.take(&case.client, source)? {
                    return self.used(case, source);
                }
                let refused = Refused { refusal: refusal.clone(), flags: &[] };
                self.record(&case.client.tenant_id, Some(&case.client.id), session, Some(&refused))?;
                Ok(case.reply().refusal(refusal))
            }
            _ => self.wait(case, source, session, examined),
        }
    }

    /// Uses up the pushed request; false where another call has done so.
    fn take(&self, client: &Client, source: &Source) -> Result<bool, Mistake> {
        match source {
            Source::Browser => Ok(true),
            Source::Pushed(presented) => pushed::take(self.now, presented, &client.tenant_id),
        }
    }

    /// The answer where another call was first: the interaction that it has made, or an error.
    fn used(&self, case: &Case, source: &Source) -> Result<Answer, Mistake> {
        let presented = match source {
            Source::Browser => None,
            Source::Pushed(presented) => Some(presented),
        };
        match self.waiting_already(&case.client, presented)? {
            Some(answer) => Ok(answer),
            None => self.refuse(Some(&case.issuer), Some(&case.client.id), &pushed::used()),
        }
    }

    /// Lets the request wait for its user.
    fn wait(
        &self,
        case: &Case,
        source: &Source,
        session: Option<&Session>,
        examined: Examined,
    ) -> Result<Answer, Mistake> {
        if let Some(refusal) = limit::over_waiting(self.now, &case.issuer, self.context)? {
            let refused = limited(refusal);
            self.record(&case.client.tenant_id, Some(&case.client.id), session, Some(&refused))?;
            return Ok(case.reply().refusal(&refused.refusal));
        }
        if !self.take(&case.client, source)? {
            return self.used(case, source);
        }
        let (id, digest) = match source {
            Source::Pushed(presented) => (presented.id, Some(presented.digest)),
            Source::Browser => {
                let bucket = session
                    .map_or_else(|| Bucket::of(&[&case.client.id]), |session| session.user_id.bucket());
                (Id::mint(self.now, bucket)?, None)
            }
        };
        // A session that has to be begun anew is not that of the user's answer.
        let bound = session.filter(|_| examined.standing == Standing::Consent);
        let parameters = case.asked.stored().ok_or(Mistake::invalid("query", "parameters that are text"))?;
        interaction::insert(
            self.now,
            NewInteraction {
                id,
                tenant_id: &case.client.tenant_id,
                client_id: &case.client.id,
                session: bound.map(|session| (session.id, session.user_id)),
                digest,
                parameters,
            },
        )?;
        self.record(&case.client.tenant_id, Some(&case.client.id), session, None)?;
        Ok(case.next(id, examined, session))
    }
}
