//! Whether an access token is active and what it is for: RFC 7662, and RFC 6750 for a resource server
//! that asks the database itself. Three look-ups by key (token, grant, client) and one for the user's
//! names, without the executor, and three more for each exchange that the token comes from; nothing is
//! written, so all but `token_use` run on a standby.

pub mod many;

use pgrx::prelude::*;
use serde_json::{Map, Value, json};

use crate::identity::tenant;
use crate::identity::user::{self, ShownNames};
use crate::kernel::outcome::{ErrorCode, Mistake, OrRaise};
use crate::kernel::server::composite::composite;
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::server::settings::Setting;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::kernel::value::inet::Inet;
use crate::kernel::value::jsonb::Jsonb;
use crate::oauth::token;
use crate::oauth::token::standing::{Active, active};
use crate::rfc::binding::Proof;
use crate::rfc::resource;
use crate::rfc::scope::{self, Scope};
use crate::trail::{self, Context, Event, Flag};

composite! {
    /// An access token's state (RFC 7662 section 2.2). Every column but `active` is NULL where it is false.
    pub struct TokenState = "auth_store.token_state" {
        pub active: bool,
        pub scope: Option<String>,
        pub client_id: Option<String>,
        pub user_id: Option<Id>,
        pub username: Option<String>,
        pub token_type: Option<&'static str>,
        pub issued_at: Option<Timestamp>,
        pub expires_at: Option<Timestamp>,
        pub audience: Option<Vec<String>>,
        pub jti: Option<Id>,
        pub grant_id: Option<Id>,
        pub session_id: Option<Id>,
        pub tenant_id: Option<String>,
        pub cnf: Option<Jsonb>,
        pub claims: Option<Jsonb>,
        pub authorization_details: Option<Jsonb>,
    }
}

composite! {
    /// The answer to a resource server: the token's state, and why it does not suffice (RFC 6750 section 3.1). A column
    /// that came after a release is behind all that were in it.
    pub struct TokenAuthorization = "auth_store.token_authorization" {
        pub active: bool,
        pub scope: Option<String>,
        pub client_id: Option<String>,
        pub user_id: Option<Id>,
        pub username: Option<String>,
        pub token_type: Option<&'static str>,
        pub issued_at: Option<Timestamp>,
        pub expires_at: Option<Timestamp>,
        pub audience: Option<Vec<String>>,
        pub jti: Option<Id>,
        pub grant_id: Option<Id>,
        pub session_id: Option<Id>,
        pub tenant_id: Option<String>,
        pub cnf: Option<Jsonb>,
        pub claims: Option<Jsonb>,
        pub error: Option<&'static str>,
        pub error_description: Option<&'static str>,
        pub external_id: Option<String>,
        pub authorization_details: Option<Jsonb>,
    }
}

/// Whether the introspection endpoint leaves a row for each of its answers.
pub static RECORDED: Setting<bool> = Setting::switch(
    c"auth_store.audit_introspection",
    false,
    c"Whether token_introspection_record() writes token.introspected into the audit trail.",
    c"A row for each answer: as many as the resource servers have requests. Off: the function only reads.",
);

#[pg_extern(stable, parallel_safe)]
fn token_introspect(token: Option<&str>) -> TokenState {
    let now = clock::now();
    state(&Snapshot::reading(), now, token).map(|shown| shown.unwrap_or_default().state).or_raise()
}

#[pg_extern(stable, parallel_safe)]
fn token_introspection(token: Option<&str>, issuer: default!(Option<&str>, "NULL")) -> Jsonb {
    let now = clock::now();
    state(&Snapshot::reading(), now, token)
        .and_then(|shown| to_json(shown.map(|shown| shown.state), issuer).ok_or(TOO_LARGE))
        .or_raise()
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn token_introspection_record(
    token: Option<&str>,
    issuer: default!(Option<&str>, "NULL"),
    client_id: default!(Option<&str>, "NULL"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> Jsonb {
    let now = clock::now();
    introspect(now, token, client_id, &Context { ip, user_agent })
        .and_then(|state| to_json(state, issuer).ok_or(TOO_LARGE))
        .or_raise()
}

#[pg_extern(stable, parallel_safe)]
fn token_authorize(
    token: Option<&str>,
    required_scope: default!(Option<&str>, "NULL"),
    resource: default!(Option<&str>, "NULL"),
    dpop_jkt: default!(Option<&str>, "NULL"),
    x5t_s256: default!(Option<&str>, "NULL"),
) -> TokenAuthorization {
    let now = clock::now();
    let need = Need { required_scope, resource, proof: Proof { dpop_jkt, x5t_s256 } };
    let snapshot = Snapshot::reading();
    authorize(&snapshot, now, token, &need).and_then(|verdict| verdict.answer(&snapshot)).or_raise()
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn token_use(
    token: Option<&str>,
    required_scope: default!(Option<&str>, "NULL"),
    resource: default!(Option<&str>, "NULL"),
    dpop_jkt: default!(Option<&str>, "NULL"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
    x5t_s256: default!(Option<&str>, "NULL"),
) -> TokenAuthorization {
    let now = clock::now();
    let context = Context { ip, user_agent };
    let need = Need { required_scope, resource, proof: Proof { dpop_jkt, x5t_s256 } };
    use_token(now, token, &need, &context).or_raise()
}

/// What a resource server demands of a token.
pub struct Need<'a> {
    pub required_scope: Option<&'a str>,
    pub resource: Option<&'a str>,
    pub proof: Proof<'a>,
}

impl<'a> Need<'a> {
    /// The scope that is required; None: none is.
    fn scope(&self) -> Result<Option<Scope<'a>>, Mistake> {
        let accepted = Mistake::invalid("required_scope", "scope tokens of RFC 6749 section 3.3");
        self.required_scope.map(|text| scope::parse(text).ok_or(accepted)).transpose()
    }
}

/// What is said of an active token.
#[derive(Default)]
struct Shown {
    state: TokenState,
    external_id: Option<String>,
}

/// What is said of an active token; None for every other text.
fn state(snapshot: &Snapshot, now: Timestamp, text: Option<&str>) -> Result<Option<Shown>, Mistake> {
    active(snapshot, now, text)?.map(|active| shown(snapshot, active)).transpose()
}

fn shown(snapshot: &Snapshot, active: Active) -> Result<Shown, Mistake> {
    let names = match active.grant.user_id {
        Some(user_id) => user::shown_names(snapshot, user_id)?,
        None => None,
    };
    Ok(Shown::of(active, names))
}

impl Shown {
    fn of(active: Active, names: Option<ShownNames>) -> Self {
        let Active { token, grant, .. } = active;
        let user = names.unwrap_or_default();
        let state = TokenState {
            active: true,
            scope: Some(token.scope.unwrap_or(grant.scope)),
            client_id: Some(grant.client_id),
            user_id: grant.user_id,
            username: user.email,
            token_type: Some(token::token_type(grant.cnf.as_ref())),
            issued_at: Some(token.id.time()),
            expires_at: Some(token.expires_at),
            audience: token.resources.or(grant.resources),
            jti: Some(token.id),
            grant_id: Some(token.grant_id),
            session_id: grant.session_id,
            tenant_id: Some(token.tenant_id),
            cnf: grant.cnf,
            claims: grant.claims,
            authorization_details: grant.authorization_details,
        };
        Self { state, external_id: user.external_id }
    }
}

/// The members of RFC 7662 section 2.2; the grant's own claims stand beside them and never replace them. The server's
/// own functions put in what the application gave: a detour through another form could round a number or refuse a
/// depth.
pub fn to_json(state: Option<TokenState>, issuer: Option<&str>) -> Option<Jsonb> {
    let Some(state) = state else { return Jsonb::of(&json!({ "active": false })) };
    let subject = state.user_id.map(|id| id.to_string()).or_else(|| state.client_id.clone());
    let audience = state.audience.map(|list| match list.as_slice() {
        [one] => json!(one),
        _ => json!(list),
    });
    let (mut members, mut absent) = (Map::new(), Vec::new());
    for (name, value) in [
        ("active", Some(json!(true))),
        ("scope", state.scope.map(Value::from)),
        ("client_id", state.client_id.map(Value::from)),
        ("username", state.username.map(Value::from)),
        ("token_type", state.token_type.map(Value::from)),
        ("exp", state.expires_at.map(|at| at.unix_seconds().into())),
        ("iat", state.issued_at.map(|at| at.unix_seconds().into())),
        ("sub", subject.map(Value::from)),
        ("aud", audience),
        ("iss", issuer.map(Value::from)),
        ("jti", state.jti.map(|id| id.to_string().into())),
        ("sid", state.session_id.map(|id| id.to_string().into())),
        ("tenant_id", state.tenant_id.map(Value::from)),
    ] {
        match value {
            Some(value) => {
                members.insert(name.into(), value);
            }
            None => absent.push(name),
        }
    }
    let mut own = Jsonb::of(&Value::Object(members))?;
    for (name, value) in [("cnf", state.cnf), ("authorization_details", state.authorization_details)] {
        match value {
            Some(value) => own = own.with(name, &value)?,
            None => absent.push(name),
        }
    }
    match state.claims {
        Some(claims) if claims.is_object() => claims.without_all(&absent)?.overlaid(&own),
        _ => Some(own),
    }
}

/// Never returned: the server's functions make a document, or raise.
pub const TOO_LARGE: Mistake = Mistake::invalid("token", "a token whose claims make a JSON document");

/// The answer to a resource server's question.
pub struct TokenVerdict {
    /// The token, if it is active.
    active: Option<Active>,
    pub refusal: Option<(ErrorCode, &'static str)>,
    flags: &'static [Flag],
}

impl TokenVerdict {
    /// The token, if it is active.
    pub fn into_active(self) -> Option<Active> {
        self.active
    }

    fn not_active() -> Self {
        let refusal = Some((ErrorCode::InvalidToken, "the token is not active"));
        Self { active: None, refusal, flags: &[] }
    }

    fn answer(self, snapshot: &Snapshot) -> Result<TokenAuthorization, Mistake> {
        let names = match self.shown_user() {
            Some(user_id) => user::shown_names(snapshot, user_id)?,
            None => None,
        };
        Ok(self.answer_with(names))
    }

    /// The user whose names the answer shows.
    fn shown_user(&self) -> Option<Id> {
        self.shows().then(|| self.active.as_ref()?.grant.user_id).flatten()
    }

    /// A token or key that is not active for the caller shows nothing of itself.
    fn shows(&self) -> bool {
        !matches!(self.refusal, Some((ErrorCode::InvalidToken, _)))
    }

    fn answer_with(self, names: Option<ShownNames>) -> TokenAuthorization {
        let shows = self.shows();
        let (code, error_description) = self.refusal.unzip();
        let Shown { state, external_id } = match self.active.filter(|_| shows) {
            None => Shown::default(),
            Some(active) => {
                let shown = Shown::of(active, names);
                Shown { state: TokenState { active: code.is_none(), ..shown.state }, ..shown }
            }
        };
        TokenAuthorization {
            active: state.active,
            scope: state.scope,
            client_id: state.client_id,
            user_id: state.user_id,
            username: state.username,
            token_type: state.token_type,
            issued_at: state.issued_at,
            expires_at: state.expires_at,
            audience: state.audience,
            jti: state.jti,
            grant_id: state.grant_id,
            session_id: state.session_id,
            tenant_id: state.tenant_id,
            cnf: state.cnf,
            claims: state.claims,
            error: code.map(ErrorCode::as_str),
            error_description,
            external_id,
            authorization_details: state.authorization_details,
        }
    }
}

/// Whether a token is active, and good for what is needed.
pub fn authorize(
    snapshot: &Snapshot,
    now: Timestamp,
    text: Option<&str>,
    need: &Need<'_>,
) -> Result<TokenVerdict, Mistake> {
    let required = need.scope()?;
    Ok(match active(snapshot, now, text)? {
        Some(active) => judge(active, need, required.as_ref()),
        None => TokenVerdict::not_active(),
    })
}

/// Whether an active token is good for what is needed; `required` is its scope.
fn judge(active: Active, need: &Need<'_>, required: Option<&Scope<'_>>) -> TokenVerdict {
    let elsewhere = match (need.resource, active.resources()) {
        (Some(resource), Some(audience)) => !audience.iter().any(|known| resource::same(known, resource)),
        _ => false,
    };
    let enough = match required {
        None => true,
        Some(required) => scope::parse(active.scope()).is_some_and(|scope| required.is_subset_of(&scope)),
    };
    let (refusal, flags): (_, &[Flag]) = if !need.proof.satisfies(active.grant.cnf.as_ref()) {
        (Some((ErrorCode::InvalidToken, "the token is bound to another key")), &[Flag::WrongBinding])
    } else if elsewhere {
        (Some((ErrorCode::InvalidToken, "the token is for another resource")), &[Flag::TargetWidening])
    } else if !enough {
        (Some((ErrorCode::InsufficientScope, "the token lacks a required scope")), &[])
    } else {
        (None, &[])
    };
    TokenVerdict { active: Some(active), refusal, flags }
}

/// What is said of a token, with a row of the trail where the setting asks for it.
pub fn introspect(
    now: Timestamp,
    text: Option<&str>,
    asked_by: Option<&str>,
    context: &Context<'_>,
) -> Result<Option<TokenState>, Mistake> {
    if !RECORDED.get() {
        return Ok(state(&Snapshot::reading(), now, text)?.map(|shown| shown.state));
    }
    // As in use_token(): what the row says must hold at its time.
    let snapshot = Snapshot::deciding()?;
    let shown = state(&snapshot, now, text)?;
    drop(snapshot);
    let state = shown.map(|shown| shown.state);
    let token = state.as_ref();
    let jti = token.and_then(|token| token.jti).map(|id| id.to_string());
    trail::record(
        now,
        &Event {
            event: "token.introspected",
            tenant_id: token.and_then(|token| token.tenant_id.as_deref()).unwrap_or(tenant::own()),
            client_id: token.and_then(|token| token.client_id.as_deref()),
            user_id: token.and_then(|token| token.user_id),
            grant_id: token.and_then(|token| token.grant_id),
            session_id: token.and_then(|token| token.session_id),
            resource_type: jti.as_ref().map(|_| "access_token"),
            resource_id: jti.as_deref(),
            context: Some(context),
            details: Some(json!({
                "active": token.is_some(),
                "asked_by": asked_by.map(|client| trail::cut(client, 200)),
            })),
            ..Event::default()
        },
    )?;
    Ok(state)
}

fn use_token(
    now: Timestamp,
    text: Option<&str>,
    need: &Need<'_>,
    context: &Context<'_>,
) -> Result<TokenAuthorization, Mistake> {
    // Not the statement's snapshot, which does not show a revocation in the same statement or since the transaction
    // began: the audit row would say for ever that the token was active.
    let snapshot = Snapshot::deciding()?;
    let verdict = authorize(&snapshot, now, text, need)?;
    let (grant, token) = verdict.active.as_ref().map(|active| (&active.grant, &active.token)).unzip();
    let jti = token.map(|token| token.id.to_string());
    trail::record(
        now,
        &Event {
            event: "token.used",
            tenant_id: token.map_or_else(tenant::own, |token| &token.tenant_id),
            client_id: grant.map(|grant| grant.client_id.as_str()),
            user_id: grant.and_then(|grant| grant.user_id),
            grant_id: token.map(|token| token.grant_id),
            session_id: grant.and_then(|grant| grant.session_id),
            resource_type: jti.as_ref().map(|_| "access_token"),
            resource_id: jti.as_deref(),
            error: verdict.refusal.map(|(code, _)| code),
            flags: verdict.flags,
            context: Some(context),
            ..Event::default()
        },
    )?;
    verdict.answer(&snapshot)
}
