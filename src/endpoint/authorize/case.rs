//! An authorization request that may be answered at its redirect URI: what it asks for, and what stands between it and
//! its code.

use std::rc::Rc;

use serde_json::Value;

use crate::endpoint::authorize::reply::Reply;
use crate::endpoint::authorize::request::wishes::{Wishes, words};
use crate::endpoint::authorize::request::{Asked, named};
use crate::endpoint::authorize::standing::{self, LoggedIn, Standing};
use crate::endpoint::id_token_hint::{self, Hint};
use crate::identity::session::{self, Session};
use crate::kernel::outcome::Mistake;
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::id::Id;
use crate::oauth::client::page::Page;
use crate::oauth::client::{Client, subject};
use crate::oauth::code::request::{self, Accepted};
use crate::oauth::consent;
use crate::oauth::issuer::Issuer;
use crate::rfc::authorization_details;
use crate::trail::refused::{Refused, invalid_request};

/// A request with what its parameters say.
pub struct Case {
    pub issuer: Rc<Issuer>,
    pub client: Client,
    pub page: Page,
    pub asked: Asked,
    pub wishes: Wishes,
    pub scope: String,
    pub resources: Option<Vec<String>>,
    /// RFC 9396
    pub details: Option<Value>,
    /// Whom the client believes to be logged in, by its own name for the user.
    subject: Option<String>,
}

/// Who asks, and to what issuer.
pub struct Parties {
    pub issuer: Rc<Issuer>,
    pub client: Client,
    pub page: Page,
}

/// What is left of a session's user for a request.
pub struct Examined {
    pub standing: Standing,
    /// The scope tokens that the user has not agreed to.
    pub missing: Vec<String>,
}

/// What the parameters of a client say.
pub struct Said {
    scope: String,
    resources: Option<Vec<String>>,
    wishes: Wishes,
    details: Option<Value>,
}

/// Reads the parameters, also of a request that is pushed.
pub fn said(asked: &Asked, client: &Client, page: &Page, issuer: &Issuer) -> Result<Said, Refused> {
    let plain = |refusal| Refused { refusal, flags: &[] };
    asked.check().map_err(plain)?;
    // FAPI 2.0 Security Profile section 5.3.2.2.
    let is_fapi2 = client.is_fapi2() || issuer.settings.is_fapi2();
    if is_fapi2 && asked.text("redirect_uri").is_none() {
        return Err(invalid_request("redirect_uri is required"));
    }
    let Accepted { scope, resources, .. } = request::decide(Some(client), &asked.code_request())?;
    let mut wishes = asked.wishes(page.default_max_age).map_err(plain)?;
    // Initiating User Registration via OpenID Connect section 4.1.
    if wishes.prompt.create && issuer.settings.create_page().is_none() {
        return Err(invalid_request("prompt must not be create: there is no page where an account is made"));
    }
    // By name a client gets no claim that it may not have by scope.
    let is_allowed = |token: &str| words(Some(&client.scope)).any(|allowed| allowed == token);
    wishes.claims = wishes.claims.map(|claims| named::kept(claims, is_allowed));
    let details = asked.details().map_err(plain)?;
    if let Some(details) = &details {
        authorization_details::allow(details, &page.authorization_details_types)
            .and_then(|()| {
                authorization_details::allow(details, &issuer.settings.authorization_details_types)
            })
            .map_err(plain)?;
    }
    Ok(Said { scope, resources, wishes, details })
}

impl Parties {
    /// The case that the parameters make; or why there is none, for the client.
    pub fn open(
        self,
        now: Timestamp,
        snapshot: &Snapshot,
        asked: Asked,
    ) -> Result<Result<Case, (Self, Asked, Refused)>, Mistake> {
        let Said { scope, resources, wishes, details } =
            match said(&asked, &self.client, &self.page, &self.issuer) {
                Ok(said) => said,
                Err(refused) => return Ok(Err((self, asked, refused))),
            };
        let subject = match asked.text("id_token_hint") {
            None => wishes.sub.clone(),
            Some(hint) => match id_token_hint::read(now, snapshot, &self.issuer, hint)? {
                Some(Hint { sub, client_id, .. }) if client_id == self.client.id => Some(sub),
                _ => {
                    let refused = invalid_request("id_token_hint is not valid");
                    return Ok(Err((self, asked, refused)));
                }
            },
        };
        let Self { issuer, client, page } = self;
        Ok(Ok(Case { issuer, client, page, asked, wishes, scope, resources, details, subject }))
    }

    /// How the client is answered, if it may be (RFC 6749 section 4.1.2.1).
    pub fn reply<'a>(&'a self, asked: &'a Asked) -> Option<Reply<'a>> {
        Some(Reply {
            issuer: &self.issuer.issuer,
            client_id: &self.client.id,
            redirect_uri: asked.redirect_uri(&self.client)?,
            mode: asked.mode(),
            state: asked.state(),
        })
    }
}

impl Case {
    /// How the client is answered: its redirect URI is registered.
    pub fn reply(&self) -> Reply<'_> {
        Reply {
            issuer: &self.issuer.issuer,
            client_id: &self.client.id,
            redirect_uri: self.asked.redirect_uri(&self.client).unwrap_or_default(),
            mode: self.asked.mode(),
            state: self.asked.state(),
        }
    }

    /// Whether the request has this scope token.
    fn has_scope(&self, token: &str) -> bool {
        words(Some(&self.scope)).any(|one| one == token)
    }

    /// The claims that are asked for by name, without those that the user has left out with their scope token.
    pub fn claims_within(&self, scope: &str) -> Option<Value> {
        let is_left = |token: &str| words(Some(scope)).any(|one| one == token) || !self.has_scope(token);
        self.wishes.claims.clone().map(|claims| named::kept(claims, is_left))
    }

    /// Whether the user has agreed to what the scope does not say of the claims that are asked for by name.
    fn is_agreed_by_name(&self, now: Timestamp, user_id: Id) -> Result<bool, Mistake> {
        let mut beyond = self.wishes.claims.as_ref().map(named::scopes).unwrap_or_default();
        beyond.retain(|token| !self.has_scope(token));
        if beyond.is_empty() {
            return Ok(true);
        }
        let resources = self.resources.as_deref().unwrap_or_default();
        Ok(consent::missing_of(now, user_id, &self.client, &beyond.join(" "), resources)?.is_empty())
    }

    /// What stands between this session and a code.
    pub fn examine(
        &self,
        now: Timestamp,
        snapshot: &Snapshot,
        begun_at: Timestamp,
        session: Option<&Session>,
    ) -> Result<Examined, Mistake> {
        let missing = match session {
            Some(session) => {
                let resources = self.resources.as_deref().unwrap_or_default();
                consent::missing_of(now, session.user_id, &self.client, &self.scope, resources)?
            }
            None => consent::tokens(&self.scope).map(str::to_owned).collect(),
        };
        let is_other_user = match (&self.subject, session) {
            (Some(subject), Some(session)) => {
                *subject != subject::of(snapshot, &self.client, session.user_id)?
            }
            _ => false,
        };
        let is_agreed_by_name = match session {
            Some(session) if missing.is_empty() => self.is_agreed_by_name(now, session.user_id)?,
            _ => false,
        };
        let request = standing::Request {
            wishes: &self.wishes,
            begun_at,
            is_other_user,
            // What is asked for in detail is not remembered: each time it is another payment.
            is_agreed: is_agreed_by_name && self.details.is_none(),
        };
        let standing = standing::of(&request, session.map(LoggedIn::of).as_ref());
        Ok(Examined { standing, missing })
    }
}

/// The session of a token in which a client of this tenant may be granted something: none where another user acts in
/// it.
pub fn session_of(
    now: Timestamp,
    snapshot: &Snapshot,
    session_token: Option<&str>,
    tenant_id: &str,
) -> Result<Option<Session>, Mistake> {
    let examined = session::examine(now, snapshot, session_token)?;
    let session = examined.ok().map(|examined| examined.session);
    Ok(session.filter(|session| session.tenant_id == tenant_id && session.actor_id.is_none()))
}
