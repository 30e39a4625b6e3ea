//! Access tokens: opaque, stored as digests, short-lived. The grant holds what they share.

pub mod exchange;
pub mod imported;
pub mod introspect;
pub mod refresh;
pub mod revoke;

use pgrx::prelude::*;
use zeroize::Zeroizing;

use crate::identity::{session, user};
use crate::kernel::crypto::token_text::{self, Digest, Kind, Presented, RefreshToken};
use crate::kernel::outcome::{Code, Mistake, OrRaise, Refusal, given};
use crate::kernel::server::append::Append;
use crate::kernel::server::batch::{Batch, delete_ended};
use crate::kernel::server::hold::Place;
use crate::kernel::server::lookup::{Key, Lookup, View};
use crate::kernel::server::row::{Row, composite};
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::{Bucket, Id};
use crate::kernel::value::inet::Inet;
use crate::kernel::value::jsonb::Jsonb;
use crate::oauth::client::secret::{self, Credentials};
use crate::oauth::client::{self, Client};
use crate::oauth::code::Refused;
use crate::oauth::grant::{self, Gone, NewFamily};
use crate::rfc::{binding, parameter, resource, scope};
use crate::trail::{self, Context, Event, Flag};

composite! {
    /// What the token endpoint answers (RFC 6749 sections 5.1 and 5.2), with what an application needs
    /// to make an ID token of it.
    pub struct TokenResponse = "auth_store.token_response" {
        pub access_token: Option<String>,
        pub token_type: Option<&'static str>,
        pub expires_in: Option<i32>,
        pub refresh_token: Option<String>,
        pub scope: Option<String>,
        pub grant_id: Option<Id>,
        pub user_id: Option<Id>,
        pub client_id: Option<String>,
        pub tenant_id: Option<String>,
        pub claims: Option<Jsonb>,
        pub error: Option<&'static str>,
        pub error_description: Option<String>,
        pub retry_after: Option<i32>,
        pub session_id: Option<Id>,
        pub nonce: Option<String>,
        pub auth_time: Option<Timestamp>,
        pub acr: Option<String>,
        pub amr: Option<Vec<String>>,
        pub issued_token_type: Option<&'static str>,
    }
}

impl TokenResponse {
    /// The answer to a request that is refused.
    pub fn refused(refusal: &Refusal) -> Self {
        Self {
            error: Some(refusal.code.as_str()),
            error_description: Some(refusal.description.to_string()),
            retry_after: refusal.retry_after,
            ..Self::default()
        }
    }
}

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
    let request = Request { scope, session_id: session_id.map(Id::from), refresh, resource, claims, cnf };
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
    let request = Request { scope, session_id: None, refresh: Some(false), resource, claims: None, cnf };
    issue_client_credentials(now, &credentials, request, &context).or_raise()
}

#[pg_extern(immutable, parallel_safe)]
fn token_hash(token: Option<&str>) -> Option<Vec<u8>> {
    token.map(|token| token_text::digest(token).to_vec())
}

#[pg_extern(immutable, parallel_safe)]
fn token_bucket(token: Option<&str>) -> Option<i32> {
    token_text::id_of(token?).map(|id| id.bucket().number())
}

/// What a trusted application or a client asks for, beside itself and the user.
struct Request<'a> {
    scope: Option<&'a str>,
    session_id: Option<Id>,
    refresh: Option<bool>,
    resource: Option<Vec<Option<String>>>,
    claims: Option<Jsonb>,
    cnf: Option<Jsonb>,
}

/// What a grant and its first access token are made of.
pub struct Login<'a> {
    pub grant_id: Id,
    pub client: &'a Client,
    pub user_id: Option<Id>,
    /// Where the user was found.
    pub user_place: Option<Place>,
    pub session_id: Option<Id>,
    pub scope: String,
    /// The resources of the grant and those of the first access token where they are fewer (RFC 8707).
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
}

/// An access token's row.
pub struct AccessToken {
    pub id: Id,
    pub grant_id: Id,
    pub tenant_id: String,
    pub expires_at: Timestamp,
    pub revoked_at: Option<Timestamp>,
    pub scope: Option<String>,
    pub resources: Option<Vec<String>>,
    pub cnf: Option<Jsonb>,
}

impl AccessToken {
    fn load(id: Id, row: &Row<'_>) -> Option<Self> {
        Some(Self {
            id,
            grant_id: row.get(1)?,
            tenant_id: row.get(2)?,
            expires_at: row.get(3)?,
            revoked_at: row.get(4),
            scope: row.get(5),
            resources: row.get(6),
            cnf: row.get(7),
        })
    }
}

/// A freshly made access token.
pub struct Fresh {
    pub text: Zeroizing<String>,
    pub expires_in: i32,
}

static BY_ID: Lookup = Lookup::new(
    c"access_tokens",
    c"access_tokens_pkey",
    &[c"digest", c"grant_id", c"tenant_id", c"expires_at", c"revoked_at", c"scope", c"resources", c"cnf"],
);

static INSERT: Append = Append::new(
    c"INSERT INTO auth_store.access_tokens (id, grant_id, tenant_id, digest, expires_at, scope, resources, cnf)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING tableoid",
    &[c"id", c"grant_id", c"tenant_id", c"digest", c"expires_at", c"scope", c"resources", c"cnf"],
);

static REVOKE: Statement = Statement::write(
    c"UPDATE auth_store.access_tokens SET revoked_at = $2 WHERE id = $1 AND tenant_id = $3 AND revoked_at IS NULL",
);

/// The access token that is presented, if its secret is right; live or not.
pub fn find(view: &View, presented: &Presented) -> Result<Option<AccessToken>, Mistake> {
    BY_ID.find(view, Key::Id(presented.id), |row| {
        let stored: Vec<u8> = row.get(0)?;
        if !token_text::digest_matches(&presented.digest, &stored) {
            return None;
        }
        AccessToken::load(presented.id, row)
    })
}

/// The access token with this id, live or not: for what was made of it, not for who presents it.
pub fn find_by_id(view: &View, id: Id) -> Result<Option<AccessToken>, Mistake> {
    BY_ID.find(view, Key::Id(id), |row| AccessToken::load(id, row))
}

/// Ends one access token; false where it had ended before.
pub fn revoke(now: Timestamp, id: Id, tenant_id: &str) -> Result<bool, Mistake> {
    Ok(REVOKE.run(&params![id, now, tenant_id])? == 1)
}

/// Makes and stores an access token of a grant; `scope` and `resources` only where they are narrower.
pub fn add(
    now: Timestamp,
    grant_id: Id,
    tenant_id: &str,
    expires_at: Timestamp,
    scope: Option<&str>,
    resources: Option<Vec<String>>,
    cnf: Option<Jsonb>,
) -> Result<Fresh, Mistake> {
    let token = token_text::mint(Kind::AccessToken, now, grant_id.bucket())?;
    let digest: &Digest = &token.digest;
    let row = params![token.id, grant_id, tenant_id, digest.as_slice(), expires_at, scope, resources, cnf];
    INSERT.run(0, &row)?;
    Ok(Fresh { text: token.text, expires_in: expires_at.seconds_after(now) })
}

/// In a session of the store that is over nothing is issued.
const SESSION_ENDED: Refusal = Refusal::new(Code::AccessDenied, "the session has ended");

/// What ended while a login was under way, so that nothing is issued.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// There is no grant.
    Gone(Gone),
    /// The grant is there, and has ended.
    Session,
}

/// Stores a login's grant with its refresh token family and its first access token.
pub fn issue(now: Timestamp, login: Login<'_>) -> Result<Result<TokenResponse, Ended>, Mistake> {
    let client = login.client;
    let access_expires_at = now.plus_seconds(client.access_token_ttl);
    let refresh = if login.refresh { Some(RefreshToken::mint(login.grant_id)?) } else { None };
    let expires_at = match refresh {
        Some(_) => now.plus_seconds(client.refresh_token_ttl),
        None => access_expires_at,
    };
    let idle = now.plus_seconds(client.refresh_idle_ttl).min(expires_at);
    let token_type = token_type(login.cnf.as_ref());
    let claims = login.claims.clone();
    let stored = grant::insert(grant::New {
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
        resources: login.resources,
        auth_time: login.auth_time,
        acr: login.acr.as_deref(),
        amr: login.amr.clone(),
        claims: login.claims,
        cnf: login.cnf,
        network: login.network,
    })?;
    if let Err(gone) = stored {
        return Ok(Err(Ended::Gone(gone)));
    }
    // The grant now holds the user's row, which whoever ends a session takes for itself: this is
    // how it stays. What began before the session's end and waited for it sees that end here.
    if let (Some(_), Some(user_id)) = (login.session_id, login.user_id)
        && !session::admits(now, &View::latest(), login.session_id, user_id)?
    {
        grant::revoke(now, login.grant_id, &client.tenant_id, "session_ended")?;
        return Ok(Err(Ended::Session));
    }
    let access = add(
        now,
        login.grant_id,
        &client.tenant_id,
        access_expires_at.min(expires_at),
        None,
        login.token_resources,
        None,
    )?;
    Ok(Ok(TokenResponse {
        access_token: Some(access.text.to_string()),
        token_type: Some(token_type),
        expires_in: Some(access.expires_in),
        refresh_token: refresh.map(|token| token.text().to_string()),
        scope: Some(login.scope),
        grant_id: Some(login.grant_id),
        user_id: login.user_id,
        client_id: Some(client.id.clone()),
        tenant_id: Some(client.tenant_id.clone()),
        claims,
        session_id: login.session_id,
        nonce: login.nonce,
        auth_time: login.auth_time,
        acr: login.acr,
        amr: login.amr,
        ..TokenResponse::default()
    }))
}

/// `DPoP` for a token bound to a key (RFC 9449 section 5), else `Bearer` (RFC 6750).
pub fn token_type(cnf: Option<&Jsonb>) -> &'static str {
    if cnf.is_some_and(|cnf| cnf.get("jkt").is_some()) { "DPoP" } else { "Bearer" }
}

fn issue_trusted(
    now: Timestamp,
    client_id: Option<&str>,
    user_id: Option<Id>,
    request: Request<'_>,
    context: &Context<'_>,
) -> Result<TokenResponse, Mistake> {
    let client_id = given(client_id, "client_id")?;
    let user_id = given(user_id, "user_id")?;
    let view = View::writing()?;
    let client = view
        .newest(|view| client::find(view, client_id))?
        .ok_or(Mistake::Unknown { what: "client", argument: "client_id" })?;
    let user = view
        .newest(|view| user::find(view, user_id))?
        .filter(|user| user.tenant_id == client.tenant_id)
        .ok_or(Mistake::Unknown { what: "user", argument: "user_id" })?;
    let in_session = session::admits(now, &view, request.session_id, user_id)?;
    drop(view);
    let may_refresh = client.allows_grant_type("refresh_token");
    let refuse = |code, description, flags| Some(Refused { refusal: Refusal::new(code, description), flags });
    let refused = if !client.usable {
        refuse(Code::UnauthorizedClient, "the client is not active", &[Flag::InactiveClient])
    } else if !user.active {
        refuse(Code::AccessDenied, "the user is not active", &[Flag::InactiveUser])
    } else if !in_session {
        Some(Refused { refusal: SESSION_ENDED, flags: &[Flag::EndedSession] })
    } else if request.refresh == Some(true) && !may_refresh {
        refuse(Code::UnauthorizedClient, "the client may not use the grant type refresh_token", &[])
    } else {
        None
    };
    let refresh = request.refresh.unwrap_or(may_refresh);
    finish(now, &client, Some((user_id, user.place)), refresh, refused, request, context)
}

fn issue_client_credentials(
    now: Timestamp,
    credentials: &Credentials<'_>,
    request: Request<'_>,
    context: &Context<'_>,
) -> Result<TokenResponse, Mistake> {
    let view = View::writing()?;
    let client = match secret::admit(&view, now, "token.issued", credentials, context)? {
        Ok(client) => client,
        Err(refusal) => return Ok(TokenResponse::refused(&refusal)),
    };
    drop(view);
    // RFC 6749 section 4.4: confidential clients only.
    let allowed = client.confidential && client.allows_grant_type("client_credentials");
    let refused = (!allowed).then_some(Refused {
        refusal: Refusal::new(
            Code::UnauthorizedClient,
            "the client may not use the grant type client_credentials",
        ),
        flags: &[],
    });
    finish(now, &client, None, false, refused, request, context)
}

/// Checks the request against the client's policy, issues, and writes the audit row.
fn finish(
    now: Timestamp,
    client: &Client,
    user: Option<(Id, Option<Place>)>,
    refresh: bool,
    refused: Option<Refused>,
    request: Request<'_>,
    context: &Context<'_>,
) -> Result<TokenResponse, Mistake> {
    check_object(request.claims.as_ref(), "claims")?;
    binding::check_confirmation(request.cnf.as_ref())?;
    let user_id = user.map(|(id, _)| id);
    let mut flags: &[Flag] = &[];
    let granted = match refused {
        Some(refused) => {
            flags = refused.flags;
            Err(refused.refusal)
        }
        None => match scope::granted(request.scope, &client.scope) {
            Ok(scope) => resource::of_grant(request.resource, &client.resources)
                .inspect_err(|_| flags = &[Flag::TargetWidening])
                .map(|resources| (scope, resources)),
            Err(refusal) => {
                flags = &[Flag::ScopeWidening];
                Err(refusal)
            }
        },
    };
    let (response, grant_id, error) = match granted {
        Ok((scope, resources)) => {
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
                network: context.ip.clone(),
            };
            match issue(now, login)? {
                Ok(response) => (response, Some(grant_id), None),
                Err(Ended::Session) => {
                    flags = &[Flag::EndedSession];
                    (TokenResponse::refused(&SESSION_ENDED), Some(grant_id), Some(SESSION_ENDED.code))
                }
                // The application named them; a client that speaks for itself is as unknown as at its next request.
                Err(Ended::Gone(gone)) if user_id.is_some() => return Err(gone.mistake()),
                Err(Ended::Gone(_)) => {
                    let Refused { refusal, flags: unknown } = secret::unknown();
                    flags = unknown;
                    (TokenResponse::refused(&refusal), None, Some(refusal.code))
                }
            }
        }
        Err(refusal) => (TokenResponse::refused(&refusal), None, Some(refusal.code)),
    };
    trail::record(
        now,
        &Event {
            event: "token.issued",
            tenant_id: &client.tenant_id,
            client_id: Some(&client.id),
            user_id,
            grant_id,
            session_id: request.session_id,
            error,
            flags,
            context: Some(context),
            ..Event::default()
        },
    )?;
    Ok(response)
}

/// A JSON argument that is an object of at most 64 kB, or not given.
pub fn check_object(value: Option<&Jsonb>, argument: &'static str) -> Result<(), Mistake> {
    match value {
        None => Ok(()),
        Some(document) if document.is_object() && document.size() <= 65_536 => Ok(()),
        Some(_) => Err(Mistake::invalid(argument, "a JSON object of at most 65536 bytes")),
    }
}

static ERASE_TENANT: Statement =
    Statement::write(c"DELETE FROM auth_store.access_tokens WHERE tenant_id = $1");

/// Deletes the access tokens of a tenant.
pub fn erase_tenant(tenant_id: &str) -> Result<u64, Mistake> {
    ERASE_TENANT.run(&params![tenant_id])
}

static DELETE_EXPIRED: Statement = delete_ended!("auth_store.access_tokens", "expires_at <= $3");

/// Deletes the access tokens of a batch that have expired: nothing needs them any more.
pub fn cleanup_batch(now: Timestamp, after: Option<Id>, size: i32) -> Result<Batch, Mistake> {
    Batch::run(&DELETE_EXPIRED, after, size, params![now])
}
