//! Token exchange (RFC 8693): a client that holds somebody's access token gets one of its own for it, no wider
//! and no longer-lived.
//!
//! The new token has a grant of its own, which names the subject token. It is active only while that token is, with its
//! grant and client, and so on up the chain: the one UPDATE that ends the subject ends the new token too. No lock is
//! needed: every later look at the new token sees an end that came at the same time.

use pgrx::prelude::*;
use serde_json::{Value, json};

use crate::identity::user;
use crate::kernel::outcome::{Answer, ErrorCode, Mistake, OrRaise, Refusal};
use crate::kernel::server::hold::Place;
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::kernel::value::inet::Inet;
use crate::kernel::value::jsonb::Jsonb;
use crate::oauth::client::Client;
use crate::oauth::client::secret::{self, Credentials};
use crate::oauth::grant::{self, Gone, Grant};
use crate::oauth::token::jwt::About;
use crate::oauth::token::jwt::form::Form;
use crate::oauth::token::standing::{self, Active, MAX_EXCHANGES};
use crate::oauth::token::{self, NewToken, TokenResponse, refuse};
use crate::rfc::binding::Proof;
use crate::rfc::{parameter, resource, scope};
use crate::trail::refused::Refused;
use crate::trail::{self, Context, Event, Flag};

/// The grant type (RFC 8693 section 2.1).
pub const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
/// RFC 8693 section 3.
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn token_exchange(
    subject_token: Option<&str>,
    actor_token: default!(Option<&str>, "NULL"),
    client_id: default!(Option<&str>, "NULL"),
    client_secret: default!(Option<&str>, "NULL"),
    client_authenticated: default!(Option<bool>, "false"),
    scope: default!(Option<&str>, "NULL"),
    resource: default!(Option<Vec<Option<String>>>, "NULL"),
    audience: default!(Option<Vec<Option<String>>>, "NULL"),
    requested_token_type: default!(Option<&str>, "NULL"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
    subject_token_type: default!(Option<&str>, "NULL"),
    actor_token_type: default!(Option<&str>, "NULL"),
    dpop_jkt: default!(Option<&str>, "NULL"),
    x5t_s256: default!(Option<&str>, "NULL"),
) -> TokenResponse {
    let now = clock::now();
    let context = Context { ip, user_agent };
    let credentials = Credentials::new(client_id, client_secret, client_authenticated);
    let request = ExchangeRequest {
        subject_token,
        actor_token,
        types: [subject_token_type, actor_token_type, requested_token_type].map(parameter::value),
        scope: parameter::scope(scope),
        resource: parameter::values(resource),
        audience: parameter::values(audience),
        proof: Proof::new(dpop_jkt, x5t_s256),
    };
    exchange(now, &credentials, request, &context).or_raise()
}

/// The parameters of the token request (RFC 8693 section 2.1).
pub struct ExchangeRequest<'a> {
    /// Whom the new token is about.
    pub subject_token: Option<&'a str>,
    /// Who acts.
    pub actor_token: Option<&'a str>,
    /// Of the subject token, the actor token and the new one; None: an access token.
    pub types: [Option<&'a str>; 3],
    /// RFC 6749 section 3.3
    pub scope: Option<&'a str>,
    /// Where the new token is used.
    pub resource: Option<Vec<Option<String>>>,
    /// The same by names.
    pub audience: Option<Vec<Option<String>>>,
    /// What the sender proved to hold.
    pub proof: Proof<'a>,
}

/// The event of an exchange.
pub const EXCHANGED: &str = "token.exchanged";

/// Whom the new token is about: a live token of the client's tenant.
struct Subject {
    active: Active,
    grant: Grant,
    user_is_active: bool,
    user_place: Option<Place>,
}

/// The party that acts: the members of an `act` claim.
struct Actor {
    sub: String,
    client_id: String,
}

/// What the new token is made of.
struct ExchangeGranted {
    scope: String,
    resources: Option<Vec<String>>,
    claims: Option<Jsonb>,
    /// When the subject token ends, and so this one at the latest.
    ends_at: Timestamp,
}

fn exchange(
    now: Timestamp,
    credentials: &Credentials<'_>,
    request: ExchangeRequest<'_>,
    context: &Context<'_>,
) -> Result<TokenResponse, Mistake> {
    let snapshot = Snapshot::writing()?;
    match secret::admit(&snapshot, now, EXCHANGED, credentials, context)? {
        Ok(client) => exchange_by(now, snapshot, &client, request, context),
        Err(refusal) => Ok(TokenResponse::refused(&refusal)),
    }
}

/// Exchanges a token for a client that has authenticated.
pub fn exchange_by(
    now: Timestamp,
    snapshot: Snapshot,
    client: &Client,
    request: ExchangeRequest<'_>,
    context: &Context<'_>,
) -> Result<TokenResponse, Mistake> {
    let mut event = Event {
        event: EXCHANGED,
        tenant_id: &client.tenant_id,
        client_id: Some(&client.id),
        context: Some(context),
        ..Event::default()
    };
    if let Err(refused) = check(client, &request) {
        return refuse(now, &event, &refused);
    }
    let Some(subject) = subject(&snapshot, now, client, request.subject_token)? else {
        return refuse(now, &event, &unacceptable("the subject token is not active", &[]));
    };
    let token_id = subject.active.token.id.to_string();
    event.user_id = subject.grant.user_id;
    event.session_id = subject.grant.session_id;
    event.grant_id = Some(subject.grant.id);
    event.resource_type = Some("access_token");
    event.resource_id = Some(&token_id);
    let actor = match request.actor_token {
        Some(_) => match standing::active(&snapshot, now, request.actor_token)? {
            Some(actor) => Some(actor),
            None => return refuse(now, &event, &unacceptable("the actor token is not active", &[])),
        },
        None => None,
    };
    drop(snapshot);
    let cnf = request.proof.confirmation();
    let granted = match decide(client, &subject, actor, request) {
        Ok(granted) => granted,
        Err(refused) => return refuse(now, &event, &refused),
    };
    let details = json!({
        "subject_client_id": subject.grant.client_id,
        "subject_grant_id": subject.grant.id.to_string(),
    });
    let response = match issue(now, client, subject, granted, cnf, context)? {
        Ok(response) => response,
        Err(Gone::Client) => return refuse(now, &event, &secret::unknown()),
        Err(Gone::User | Gone::UserInactive) => {
            return refuse(now, &event, &unacceptable("the user is not active", &[Flag::InactiveUser]));
        }
    };
    event.grant_id = response.grant_id;
    event.details = Some(details);
    trail::record(now, &event)?;
    Ok(response)
}

/// Refuses a request for reasons that do not depend on its tokens.
fn check(client: &Client, request: &ExchangeRequest<'_>) -> Result<(), Refused> {
    // With a client that can't authenticate, a thief of a token could just name that client (section 2.1).
    if !client.is_confidential() || !client.allows_grant_type(GRANT_TYPE) {
        return Err(Refused {
            refusal: Refusal::new(ErrorCode::UnauthorizedClient, "the client may not exchange tokens"),
            flags: &[],
        });
    }
    if request.types.iter().flatten().any(|name| *name != ACCESS_TOKEN) {
        return Err(unacceptable("only access tokens are exchanged, and for access tokens", &[]));
    }
    // Section 2.1: no type of an actor token without an actor token.
    if request.actor_token.is_none() && request.types[1].is_some() {
        return Err(unacceptable("actor_token_type without an actor_token", &[]));
    }
    if !request.proof.is_well_formed() {
        return Err(unacceptable("dpop_jkt and x5t_s256 must be SHA-256 thumbprints", &[]));
    }
    Ok(())
}

/// The live token of the client's tenant with this text.
fn subject(
    snapshot: &Snapshot,
    now: Timestamp,
    client: &Client,
    text: Option<&str>,
) -> Result<Option<Subject>, Mistake> {
    let Some(active) = standing::active(snapshot, now, text)? else { return Ok(None) };
    if active.token.tenant_id != client.tenant_id {
        return Ok(None);
    }
    let Some(grant) = grant::find(snapshot, active.token.grant_id)? else { return Ok(None) };
    let (user_is_active, user_place) = match grant.user_id {
        Some(user_id) => snapshot
            .newest(|snapshot| user::find(snapshot, user_id))?
            .map_or((false, None), |user| (user.is_active(), user.place_in(&client.tenant_id))),
        None => (true, None),
    };
    Ok(Some(Subject { active, grant, user_is_active, user_place }))
}

/// Whether this client may have a token for that subject, and which. Section 2.2.2: a subject or actor that is
/// not acceptable is an invalid request.
fn decide(
    client: &Client,
    subject: &Subject,
    actor: Option<Active>,
    request: ExchangeRequest<'_>,
) -> Result<ExchangeGranted, Refused> {
    let Subject { active, grant, user_is_active, .. } = subject;
    if !user_is_active {
        return Err(unacceptable("the user is not active", &[Flag::InactiveUser]));
    }
    let bound = [Some(&active.grant), actor.as_ref().map(|actor| &actor.grant)];
    if !bound.into_iter().flatten().all(|grant| request.proof.covers(grant.cnf.as_ref())) {
        return Err(unacceptable("the token is bound to another key", &[Flag::WrongBinding]));
    }
    if active.exchanges >= MAX_EXCHANGES {
        return Err(unacceptable("the subject token comes from too many exchanges", &[]));
    }
    // The actor token says who acts, so it must be the caller's own and not one that the caller received.
    let others = actor.as_ref().is_some_and(|actor| actor.grant.client_id != client.id);
    if others {
        return Err(unacceptable("the actor token was issued to another client", &[Flag::WrongClient]));
    }
    let named = actor.is_some();
    let actor = Actor {
        sub: actor
            .and_then(|actor| actor.grant.user_id)
            .map_or_else(|| client.id.clone(), |user_id| user_id.to_string()),
        client_id: client.id.clone(),
    };
    if !may_act(grant.claims.as_ref(), &actor) {
        return Err(unacceptable("the subject allows another actor", &[Flag::WrongClient]));
    }
    let own_scope = active.token.scope.as_deref().unwrap_or(&grant.scope);
    let common = scope::common(own_scope, &client.scope);
    let scope = scope::granted(request.scope, &common)
        .map_err(|refusal| Refused { refusal, flags: &[Flag::ScopeWidening] })?;
    if scope.is_empty() && !own_scope.is_empty() {
        let description = "the client may have none of the subject's scope";
        return Err(Refused { refusal: Refusal::new(ErrorCode::InvalidScope, description), flags: &[] });
    }
    let own_resources = active.token.resources.as_deref().or(grant.resources.as_deref());
    let resources = resource::exchanged(request.resource, request.audience, own_resources, &client.resources)
        .map_err(|refusal| Refused { refusal, flags: &[Flag::TargetWidening] })?;
    let claims = if named { claims_with(grant.claims.as_ref(), &actor) } else { grant.claims.clone() };
    let ends_at = active.token.expires_at.min(grant.expires_at);
    Ok(ExchangeGranted { scope, resources, claims, ends_at })
}

/// Whether the subject's claim `may_act` (section 4.4) allows this actor. Fails closed: a claim that is not an object,
/// names nobody or has an unknown member allows no actor. The claim stays with the new token.
fn may_act(claims: Option<&Jsonb>, actor: &Actor) -> bool {
    match claims.and_then(|claims| claims.get("may_act")) {
        None => true,
        Some(claim) => claim.parse().is_some_and(|claim| names(&claim, actor)),
    }
}

fn names(claim: &Value, actor: &Actor) -> bool {
    let Some(members) = claim.as_object().filter(|members| !members.is_empty()) else { return false };
    members.iter().all(|(name, expected)| match name.as_str() {
        "sub" => expected.as_str() == Some(&actor.sub),
        "client_id" => expected.as_str() == Some(&actor.client_id),
        _ => false,
    })
}

/// The subject's claims with the present actor outermost in `act` and former ones nested in it (section 4.1).
fn claims_with(claims: Option<&Jsonb>, actor: &Actor) -> Option<Jsonb> {
    let act = Jsonb::of(&json!({ "sub": actor.sub, "client_id": actor.client_id }))?;
    let claims = claims.cloned().unwrap_or_else(Jsonb::empty_object);
    let act = match claims.get("act") {
        Some(former) => act.with("act", &former)?,
        None => act,
    };
    claims.with("act", &act)
}

fn issue(
    now: Timestamp,
    client: &Client,
    subject: Subject,
    granted: ExchangeGranted,
    cnf: Option<Jsonb>,
    context: &Context<'_>,
) -> Answer<TokenResponse, Gone> {
    let Subject { active, grant, user_place, .. } = subject;
    let grant_id = Id::mint(now, grant.id.bucket())?;
    let token_type = token::token_type(cnf.as_ref());
    let form = Form::of(&Snapshot::writing()?, client, granted.resources.as_deref())?;
    let expires_at = now.plus_seconds(form.ttl).min(granted.ends_at);
    let (resources, bound_to) = (granted.resources.clone(), cnf.clone());
    let stored = grant::insert(grant::NewGrant {
        id: grant_id,
        tenant_id: &client.tenant_id,
        client_id: &client.id,
        user_id: grant.user_id,
        client_place: client.place,
        user_place,
        session_id: grant.session_id,
        scope: &granted.scope,
        expires_at,
        subject_token_id: Some(active.token.id),
        family: None,
        resources: granted.resources,
        auth_time: grant.auth_time,
        acr: grant.acr.as_deref(),
        amr: grant.amr.clone(),
        claims: granted.claims.clone(),
        cnf,
        network: context.ip.clone(),
        authorization_details: None,
        claims_request: None,
    })?;
    if let Err(gone) = stored {
        return Ok(Err(gone));
    }
    let about = About {
        client,
        user_id: grant.user_id,
        session_id: grant.session_id,
        scope: &granted.scope,
        resources: resources.as_deref(),
        auth_time: grant.auth_time,
        acr: grant.acr.as_deref(),
        amr: grant.amr.as_deref(),
        claims: granted.claims.as_ref(),
        cnf: bound_to.as_ref(),
        authorization_details: None,
        claims_request: None,
    };
    let new = NewToken { grant_id, expires_at, scope: None, resources: None, cnf: None };
    let access = token::add(now, &Snapshot::latest(), &form, &about, new)?;
    Ok(Ok(TokenResponse {
        access_token: Some(access.text.to_string()),
        token_type: Some(token_type),
        expires_in: Some(access.expires_in),
        scope: Some(granted.scope),
        grant_id: Some(grant_id),
        user_id: grant.user_id,
        client_id: Some(client.id.clone()),
        tenant_id: Some(client.tenant_id.clone()),
        claims: granted.claims,
        session_id: grant.session_id,
        auth_time: grant.auth_time,
        acr: grant.acr,
        amr: grant.amr,
        issued_token_type: Some(ACCESS_TOKEN),
        ..TokenResponse::default()
    }))
}

fn unacceptable(description: &'static str, flags: &'static [Flag]) -> Refused {
    Refused { refusal: Refusal::new(ErrorCode::InvalidRequest, description), flags }
}

#[cfg(test)]
mod tests {
    use super::{Actor, names};
    use serde_json::json;

    /// RFC 8693 section 4.4.
    #[test]
    fn may_act_names_one_actor_and_fails_closed() {
        let actor = Actor { sub: "ann".into(), client_id: "desk".into() };
        for allowed in
            [json!({"sub": "ann"}), json!({"client_id": "desk"}), json!({"sub": "ann", "client_id": "desk"})]
        {
            assert!(names(&allowed, &actor), "{allowed}");
        }
        for refused in [
            json!({"sub": "bob"}),
            json!({"sub": "ann", "client_id": "other"}),
            json!({"sub": "ann", "iss": "https://elsewhere.example"}),
            json!({"sub": 7}),
            json!({}),
            json!("ann"),
            json!(["ann"]),
            json!(null),
        ] {
            assert!(!names(&refused, &actor), "{refused}");
        }
    }
}
