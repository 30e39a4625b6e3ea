//! Issuing: to a user of a trusted application, to a client for itself (RFC 6749 section 4.4), and to any log-in.

use pgrx::prelude::*;

use crate::identity::{session, user};
use crate::kernel::crypto::token_text::RefreshToken;
use crate::kernel::outcome::{Answer, ErrorCode, Mistake, OrRaise, Refusal, given};
use crate::kernel::server::hold::Place;
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::value::argument;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::{Bucket, Id};
use crate::kernel::value::inet::Inet;
use crate::kernel::value::jsonb::Jsonb;
use crate::oauth::client::secret::{self, Credentials};
use crate::oauth::client::{self, Client};
use crate::oauth::grant::{self, Gone, NewFamily};
use crate::oauth::token::jwt::About;
use crate::oauth::token::jwt::form::Form;
use crate::oauth::token::jwt::id_token::id_token;
use crate::oauth::token::refresh::number;
use crate::oauth::token::{NewToken, TokenResponse, add, refuse, token_type};
use crate::rfc::{binding, parameter, resource, scope};
use crate::trail::refused::Refused;
use crate::trail::{self, Context, Event, Flag};

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn token_issue(
    client_id: Option<&str>,
    user_id: Option<pgrx::Uuid>,
    scope: default!(Option<&str>, "NULL"),
    session_id: default!(Option<pgrx::Uuid>, "NULL"),
    refresh: default!(Option<bool>, "NULL"),
    resource: default!(Option<Vec<Option<String>>>, "NULL"),
    claims: default!(Option<Jsonb>, "NULL"),
    cnf: default!(Option<Jsonb>, "NULL"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> TokenResponse {
    let now = clock::now();
    let context = Context { ip, user_agent };
    let request =
        IssueRequest { scope, session_id: session_id.map(Id::from), refresh, resource, claims, cnf };
    issue_trusted(now, client_id, user_id.map(Id::from), request, &context).or_raise()
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn token_issue_client_credentials(
    client_id: Option<&str>,
    client_secret: default!(Option<&str>, "NULL"),
    client_authenticated: default!(Option<bool>, "false"),
    scope: default!(Option<&str>, "NULL"),
    resource: default!(Option<Vec<Option<String>>>, "NULL"),
    cnf: default!(Option<Jsonb>, "NULL"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> TokenResponse {
    let now = clock::now();
    let context = Context { ip, user_agent };
    let credentials = Credentials::new(client_id, client_secret, client_authenticated);
    let (scope, resource) = (parameter::scope(scope), parameter::values(resource));
    let request = IssueRequest { scope, session_id: None, refresh: Some(false), resource, claims: None, cnf };
    issue_client_credentials(now, &credentials, request, &context).or_raise()
}

/// The event of an issue without a code.
pub const ISSUED: &str = "token.issued";

/// The request of a trusted application or a client, beside the client and the user.
#[derive(Default)]
pub struct IssueRequest<'a> {
    /// RFC 6749 section 3.3
    pub scope: Option<&'a str>,
    /// The session of the log-in.
    pub session_id: Option<Id>,
    /// Whether a refresh token is made; None: if the client may have one.
    pub refresh: Option<bool>,
    /// RFC 8707 section 2.2
    pub resource: Option<Vec<Option<String>>>,
    /// Kept with the grant.
    pub claims: Option<Jsonb>,
    /// What the token is bound to (RFC 7800).
    pub cnf: Option<Jsonb>,
}

/// The facts that a grant and its first access token are made of.
pub struct Login<'a> {
    pub grant_id: Id,
    pub client: &'a Client,
    pub user_id: Option<Id>,
    /// Where the user was found.
    pub user_place: Option<Place>,
    pub session_id: Option<Id>,
    pub scope: String,
    /// The resources of the grant, and those of the first access token if they are fewer (RFC 8707).
    pub resources: Option<Vec<String>>,
    pub token_resources: Option<Vec<String>>,
    pub refresh: bool,
    pub nonce: Option<String>,
    pub auth_time: Option<Timestamp>,
    pub acr: Option<String>,
    pub amr: Option<Vec<String>>,
    pub claims: Option<Jsonb>,
    pub cnf: Option<Jsonb>,
    pub network: Option<Inet>,
    /// RFC 9396
    pub authorization_details: Option<Jsonb>,
    /// OpenID Connect Core section 5.5
    pub claims_request: Option<Jsonb>,
}

/// Nothing is issued in a session of the store that is over.
const SESSION_ENDED: Refused = Refused {
    refusal: Refusal::new(ErrorCode::AccessDenied, "the session has ended"),
    flags: &[Flag::EndedSession],
};

/// What ended while a log-in was under way, so that nothing is issued.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum EndedMeanwhile {
    /// There is no grant.
    Gone(Gone),
    /// The grant is there, and has ended.
    Session,
}

/// Stores a login's grant with its refresh token family and its first access token.
pub fn issue(now: Timestamp, login: Login<'_>) -> Answer<TokenResponse, EndedMeanwhile> {
    let client = login.client;
    let resources = login.token_resources.as_deref().or(login.resources.as_deref());
    let form = Form::of(&Snapshot::writing()?, client, resources)?;
    let access_expires_at = now.plus_seconds(form.ttl);
    let refresh = if login.refresh { Some(number::mint(now, login.grant_id, 0)?) } else { None };
    let expires_at = match refresh {
        Some(_) => now.plus_seconds(client.refresh_token_ttl),
        None => access_expires_at,
    };
    let idle = now.plus_seconds(client.refresh_idle_ttl).min(expires_at);
    let stored = grant::insert(grant::NewGrant {
        id: login.grant_id,
        tenant_id: &client.tenant_id,
        client_id: &client.id,
        user_id: login.user_id,
        client_place: client.place,
        user_place: login.user_place,
        session_id: login.session_id,
        scope: &login.scope,
        expires_at,
        subject_token_id: None,
        family: refresh.as_ref().map(|token| NewFamily::of(token, idle)),
        resources: login.resources.clone(),
        auth_time: login.auth_time,
        acr: login.acr.as_deref(),
        amr: login.amr.clone(),
        claims: login.claims.clone(),
        cnf: login.cnf.clone(),
        network: login.network.clone(),
        authorization_details: login.authorization_details.clone(),
        claims_request: login.claims_request.clone(),
    })?;
    if let Err(gone) = stored {
        return Ok(Err(EndedMeanwhile::Gone(gone)));
    }
    // The grant now holds the user's row, which the end of a session locks first, so the session cannot end from here
    // on. A log-in that began before the session's end and waited for it sees that end here.
    let snapshot = Snapshot::latest();
    if let (Some(_), Some(user_id)) = (login.session_id, login.user_id)
        && !session::allows(now, &snapshot, login.session_id, user_id)?
    {
        grant::revoke(now, login.grant_id, &client.tenant_id, "session_ended")?;
        return Ok(Err(EndedMeanwhile::Session));
    }
    let ends_at = access_expires_at.min(expires_at);
    Ok(Ok(answer(now, &snapshot, &form, ends_at, refresh.as_ref(), login)?))
}

/// Makes the access token of a login whose grant is stored, and the answer with all its tokens.
fn answer(
    now: Timestamp,
    snapshot: &Snapshot,
    form: &Form,
    expires_at: Timestamp,
    refresh: Option<&RefreshToken>,
    login: Login<'_>,
) -> Result<TokenResponse, Mistake> {
    let client = login.client;
    let about = About {
        client,
        user_id: login.user_id,
        session_id: login.session_id,
        scope: &login.scope,
        resources: login.token_resources.as_deref().or(login.resources.as_deref()),
        auth_time: login.auth_time,
        acr: login.acr.as_deref(),
        amr: login.amr.as_deref(),
        claims: login.claims.as_ref(),
        cnf: login.cnf.as_ref(),
        authorization_details: login.authorization_details.as_ref(),
        claims_request: login.claims_request.as_ref(),
    };
    let new = NewToken {
        grant_id: login.grant_id,
        expires_at,
        scope: None,
        resources: login.token_resources.clone(),
        cnf: None,
    };
    let access = add(now, snapshot, form, &about, new)?;
    let id_token =
        id_token(now, snapshot, form.issuer.as_deref(), &about, login.nonce.as_deref(), &access.text)?;
    Ok(TokenResponse {
        access_token: Some(access.text.to_string()),
        token_type: Some(token_type(login.cnf.as_ref())),
        expires_in: Some(access.expires_in),
        refresh_token: refresh.map(|token| token.text().to_string()),
        scope: Some(login.scope),
        grant_id: Some(login.grant_id),
        user_id: login.user_id,
        client_id: Some(client.id.clone()),
        tenant_id: Some(client.tenant_id.clone()),
        claims: login.claims,
        session_id: login.session_id,
        nonce: login.nonce,
        auth_time: login.auth_time,
        acr: login.acr,
        amr: login.amr,
        authorization_details: login.authorization_details,
        id_token,
        ..TokenResponse::default()
    })
}

fn issue_trusted(
    now: Timestamp,
    client_id: Option<&str>,
    user_id: Option<Id>,
    request: IssueRequest<'_>,
    context: &Context<'_>,
) -> Result<TokenResponse, Mistake> {
    let client_id = given(client_id, "client_id")?;
    let user_id = given(user_id, "user_id")?;
    let snapshot = Snapshot::writing()?;
    let client = snapshot.newest(|snapshot| client::find(snapshot, client_id))?.ok_or(client::UNKNOWN)?;
    let user = snapshot
        .newest(|snapshot| user::find(snapshot, user_id))?
        .filter(|user| user.tenant_id == client.tenant_id)
        .ok_or(user::UNKNOWN)?;
    let in_session = session::allows(now, &snapshot, request.session_id, user_id)?;
    drop(snapshot);
    let may_refresh = client.allows_grant_type("refresh_token");
    let refuse = |code, description, flags| Some(Refused { refusal: Refusal::new(code, description), flags });
    let refused = if !client.is_usable() {
        refuse(ErrorCode::UnauthorizedClient, "the client is not active", &[Flag::InactiveClient])
    } else if !user.is_active() {
        Some(USER_INACTIVE)
    } else if !in_session {
        Some(SESSION_ENDED)
    } else if request.refresh == Some(true) && !may_refresh {
        refuse(ErrorCode::UnauthorizedClient, "the client may not use the grant type refresh_token", &[])
    } else {
        None
    };
    let refresh = request.refresh.unwrap_or(may_refresh);
    finish(
        now,
        &client,
        Some((user_id, user.place_in(&client.tenant_id))),
        refresh,
        refused,
        request,
        context,
    )
}

/// The user may not log in.
const USER_INACTIVE: Refused = Refused {
    refusal: Refusal::new(ErrorCode::AccessDenied, "the user is not active"),
    flags: &[Flag::InactiveUser],
};

fn issue_client_credentials(
    now: Timestamp,
    credentials: &Credentials<'_>,
    request: IssueRequest<'_>,
    context: &Context<'_>,
) -> Result<TokenResponse, Mistake> {
    let snapshot = Snapshot::writing()?;
    let client = match secret::admit(&snapshot, now, ISSUED, credentials, context)? {
        Ok(client) => client,
        Err(refusal) => return Ok(TokenResponse::refused(&refusal)),
    };
    drop(snapshot);
    issue_to_client(now, &client, request, context)
}

/// Issues a token to a client for itself, which has authenticated.
pub fn issue_to_client(
    now: Timestamp,
    client: &Client,
    request: IssueRequest<'_>,
    context: &Context<'_>,
) -> Result<TokenResponse, Mistake> {
    // RFC 6749 section 4.4: confidential clients only.
    let allowed = client.is_confidential() && client.allows_grant_type("client_credentials");
    let refused = (!allowed).then_some(Refused {
        refusal: Refusal::new(
            ErrorCode::UnauthorizedClient,
            "the client may not use the grant type client_credentials",
        ),
        flags: &[],
    });
    finish(now, client, None, false, refused, request, context)
}

/// Checks the request against the client's policy, issues, and writes the audit row.
fn finish(
    now: Timestamp,
    client: &Client,
    user: Option<(Id, Option<Place>)>,
    refresh: bool,
    refused: Option<Refused>,
    request: IssueRequest<'_>,
    context: &Context<'_>,
) -> Result<TokenResponse, Mistake> {
    argument::object(request.claims.as_ref(), "claims")?;
    binding::check_confirmation(request.cnf.as_ref())?;
    let user_id = user.map(|(id, _)| id);
    let mut event = Event {
        event: ISSUED,
        tenant_id: &client.tenant_id,
        client_id: Some(&client.id),
        user_id,
        session_id: request.session_id,
        context: Some(context),
        ..Event::default()
    };
    let granted = match refused {
        Some(refused) => Err(refused),
        None => allowed(client, request.scope, request.resource),
    };
    let (scope, resources) = match granted {
        Ok(granted) => granted,
        Err(refused) => return refuse(now, &event, &refused),
    };
    let bucket = user_id.map_or_else(|| Bucket::of(&[&client.id]), |user| user.bucket());
    let grant_id = Id::mint(now, bucket)?;
    let login = Login {
        grant_id,
        client,
        user_id,
        user_place: user.and_then(|(_, place)| place),
        session_id: request.session_id,
        scope,
        resources,
        token_resources: None,
        refresh,
        nonce: None,
        auth_time: None,
        acr: None,
        amr: None,
        claims: request.claims,
        cnf: request.cnf,
        authorization_details: None,
        claims_request: None,
        network: context.ip.clone(),
    };
    match issue(now, login)? {
        Ok(response) => {
            event.grant_id = Some(grant_id);
            trail::record(now, &event)?;
            Ok(response)
        }
        Err(EndedMeanwhile::Session) => {
            event.grant_id = Some(grant_id);
            refuse(now, &event, &SESSION_ENDED)
        }
        Err(EndedMeanwhile::Gone(Gone::UserInactive)) => refuse(now, &event, &USER_INACTIVE),
        // The application named client and user, so this is its mistake; a client that speaks for itself gets
        // the answer of its next request: unknown.
        Err(EndedMeanwhile::Gone(gone)) if user_id.is_some() => Err(gone.mistake()),
        Err(EndedMeanwhile::Gone(_)) => refuse(now, &event, &secret::unknown()),
    }
}

/// The scope and the resources of what is asked for, as far as the client is registered for them.
fn allowed(
    client: &Client,
    scope: Option<&str>,
    resource: Option<Vec<Option<String>>>,
) -> Result<(String, Option<Vec<String>>), Refused> {
    let scope = scope::granted(scope, &client.scope)
        .map_err(|refusal| Refused { refusal, flags: &[Flag::ScopeWidening] })?;
    let resources = resource::of_grant(resource, &client.resources)
        .map_err(|refusal| Refused { refusal, flags: &[Flag::TargetWidening] })?;
    Ok((scope, resources))
}
