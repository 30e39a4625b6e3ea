//! Refresh token rotation with reuse detection (RFC 6749 section 6, RFC 9700 section 4.14.2).
//!
//! The state of a family is one row of `grants`. Rotation is one conditional change of it; everything
//! else that changes the family or adds a token to it locks that row first and decides again. Lock order: the grant
//! alone.
//!
//! A refresh token of another store (`token/imported.rs`) is the first of a family like any other: the
//! same table of outcomes holds for it, but its successor is the first that has the store's own form.

mod lost;
pub mod number;
mod presented;

use pgrx::prelude::*;

use crate::kernel::crypto::seal;
use crate::kernel::crypto::token_text::{self, RefreshToken};
use crate::kernel::outcome::{ErrorCode, Mistake, OrRaise, Refusal};
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::inet::Inet;
use crate::kernel::value::jsonb::Jsonb;
use crate::oauth::client::Client;
use crate::oauth::client::secret::{self, Credentials};
use crate::oauth::grant::grace::{self, Replacement};
use crate::oauth::grant::{self, Family, Grant, Rotation, replaced};
use crate::oauth::token::jwt::About;
use crate::oauth::token::jwt::form;
use crate::oauth::token::jwt::id_token::id_token;
use crate::oauth::token::refresh::lost::Origin;
use crate::oauth::token::refresh::presented::{Form, PresentedToken};
use crate::oauth::token::{self, NewToken, TokenResponse};
use crate::rfc::binding::{Proof, Renewed};
use crate::rfc::{parameter, resource, scope};
use crate::trail::{self, Context, Event, Flag};

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn token_refresh(
    refresh_token: Option<&str>,
    client_id: Option<&str>,
    client_secret: default!(Option<&str>, "NULL"),
    client_authenticated: default!(Option<bool>, "false"),
    scope: default!(Option<&str>, "NULL"),
    resource: default!(Option<Vec<Option<String>>>, "NULL"),
    dpop_jkt: default!(Option<&str>, "NULL"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
    x5t_s256: default!(Option<&str>, "NULL"),
) -> TokenResponse {
    let now = clock::now();
    let context = Context { ip, user_agent };
    let credentials = Credentials::new(client_id, client_secret, client_authenticated);
    let request = RefreshRequest {
        scope: parameter::scope(scope),
        resource: parameter::values(resource),
        proof: Proof::new(dpop_jkt, x5t_s256),
    };
    refresh(now, refresh_token, &credentials, &request, &context).or_raise()
}

/// The parameters of the token request.
pub struct RefreshRequest<'a> {
    /// RFC 6749 section 6
    pub scope: Option<&'a str>,
    /// RFC 8707 section 2.2
    pub resource: Option<Vec<Option<String>>>,
    /// What the sender proved to hold.
    pub proof: Proof<'a>,
}

/// The event of a refresh.
pub const REFRESHED: &str = "token.refreshed";

/// What becomes of a presented refresh token.
enum Decision {
    /// It is current: the family moves on.
    Rotate(Narrowed),
    /// The token is current and the client keeps its refresh token.
    Keep(Narrowed),
    /// It is newer than the current one, with this number: the family goes on from there.
    Recover(Narrowed, i32),
    /// The token is the previous one, within the grace: the same successor again.
    Repeat(Narrowed),
    /// It was replaced before: the family ends.
    Reuse,
    /// Nothing changes.
    Refuse(Refusal, &'static [Flag]),
}

/// The part of the grant's scope and resources that the request asks for and the client may have now.
struct Narrowed {
    scope: String,
    resources: Option<Vec<String>>,
    /// The client's new key; None: the grant's.
    cnf: Option<Jsonb>,
}

fn refresh(
    now: Timestamp,
    text: Option<&str>,
    credentials: &Credentials<'_>,
    request: &RefreshRequest<'_>,
    context: &Context<'_>,
) -> Result<TokenResponse, Mistake> {
    let snapshot = Snapshot::writing()?;
    match secret::admit(&snapshot, now, REFRESHED, credentials, context)? {
        Ok(client) => refresh_by(now, snapshot, text, &client, request, context),
        Err(refusal) => Ok(TokenResponse::refused(&refusal)),
    }
}

/// Refreshes for a client that has authenticated.
pub fn refresh_by(
    now: Timestamp,
    snapshot: Snapshot,
    text: Option<&str>,
    client: &Client,
    request: &RefreshRequest<'_>,
    context: &Context<'_>,
) -> Result<TokenResponse, Mistake> {
    let Some(presented) = PresentedToken::read(&snapshot, text)? else {
        return refuse(now, client, None, context, &INVALID, &[]);
    };
    let grant = grant::find(&snapshot, presented.grant_id)?;
    drop(snapshot);
    // Without the family secret a caller learns and changes nothing, so a guess can't end a family.
    let Some((grant, family)) = family_of(grant, &presented) else {
        return refuse(now, client, None, context, &INVALID, &[Flag::UnknownToken]);
    };
    match decide(now, &grant, &family, client, &presented, None, request) {
        Decision::Refuse(refusal, flags) => refuse(now, client, Some(&grant), context, &refusal, flags),
        Decision::Rotate(narrowed) => {
            match rotate(now, &grant, &family, client, &presented, None, narrowed, context)? {
                Some(response) => Ok(response),
                None => refresh_locked(now, client, &presented, request, context),
            }
        }
        Decision::Keep(_) | Decision::Repeat(_) | Decision::Recover(..) | Decision::Reuse => {
            refresh_locked(now, client, &presented, request, context)
        }
    }
}

/// Decides again with the family's row locked, so that nothing can change it any more.
fn refresh_locked(
    now: Timestamp,
    client: &Client,
    presented: &PresentedToken<'_>,
    request: &RefreshRequest<'_>,
    context: &Context<'_>,
) -> Result<TokenResponse, Mistake> {
    let Some((grant, family)) =
        family_of(grant::lock_no_key_update(presented.grant_id, &client.tenant_id)?, presented)
    else {
        return refuse(now, client, None, context, &INVALID, &[]);
    };
    let mut decision = decide(now, &grant, &family, client, presented, None, request);
    let mut reuse = Flag::RefreshReuse;
    if let (Decision::Reuse, Form::Native { token, .. }) = (&decision, &presented.form) {
        match lost::origin(now, &grant, &family, token, &presented.whole)? {
            Origin::Newer(number) => {
                decision = decide(now, &grant, &family, client, presented, Some(number), request);
            }
            Origin::Unproven => reuse = Flag::RefreshLost,
            Origin::Replaced => (),
        }
    }
    match decision {
        Decision::Refuse(refusal, flags) => refuse(now, client, Some(&grant), context, &refusal, flags),
        Decision::Reuse => {
            grant::revoke(now, grant.id, &grant.tenant_id, reuse.as_str())?;
            refuse(now, client, Some(&grant), context, &INVALID, &[reuse])
        }
        Decision::Rotate(narrowed) => {
            rotate(now, &grant, &family, client, presented, None, narrowed, context)?
                .map_or_else(|| refuse(now, client, Some(&grant), context, &INVALID, &[]), Ok)
        }
        Decision::Recover(narrowed, number) => {
            rotate(now, &grant, &family, client, presented, Some(number), narrowed, context)?
                .map_or_else(|| refuse(now, client, Some(&grant), context, &INVALID, &[]), Ok)
        }
        Decision::Keep(narrowed) => {
            let Form::Native { token, .. } = &presented.form else {
                return refuse(now, client, Some(&grant), context, &INVALID, &[]);
            };
            let idle = now.plus_seconds(client.refresh_idle_ttl);
            if !grant::keep(&grant, &presented.whole, now, idle, context.ip.clone())? {
                return refuse(now, client, Some(&grant), context, &INVALID, &[]);
            }
            respond(now, &grant, client, token, narrowed, &[], context)
        }
        Decision::Repeat(narrowed) => match open_successor(&grant, &family, presented) {
            Some(successor) => respond(now, &grant, client, &successor, narrowed, &[], context),
            None => refuse(now, client, Some(&grant), context, &INVALID, &[]),
        },
    }
}

/// The grant as the presented token's family; None if the family secret differs.
fn family_of(grant: Option<Grant>, presented: &PresentedToken<'_>) -> Option<(Grant, Family)> {
    let mut grant = grant?;
    let family = grant.family.take()?;
    presented.is_of(&family).then_some((grant, family))
}

/// The table of outcomes; changes nothing. `newer`: the number of a token that is proven to be newer than the current
/// one.
fn decide(
    now: Timestamp,
    grant: &Grant,
    family: &Family,
    client: &Client,
    presented: &PresentedToken<'_>,
    newer: Option<i32>,
    request: &RefreshRequest<'_>,
) -> Decision {
    if grant.client_id != client.id || grant.tenant_id != client.tenant_id {
        return Decision::Refuse(INVALID, &[Flag::WrongClient]);
    }
    let cnf = match request.proof.renewed(grant.cnf.as_ref(), client.is_confidential()) {
        Some(Renewed::AsIs) => None,
        Some(Renewed::WithKey(cnf)) => Some(cnf),
        None => return Decision::Refuse(INVALID, &[Flag::WrongBinding]),
    };
    if grant.revoked_at.is_some() {
        return Decision::Refuse(INVALID, &[Flag::RevokedToken]);
    }
    if now >= grant.expires_at || now >= family.idle_expires_at {
        return Decision::Refuse(INVALID, &[Flag::ExpiredToken]);
    }
    let is_current = token_text::digest_matches(&presented.whole, &family.current_digest);
    if !is_current && newer.is_none() {
        match grace::replacement(now, family, client, &presented.whole) {
            Replacement::WithinGrace => {}
            // Nobody gets a token for it, but the family lives: the caller may be another tab of the same application.
            Replacement::Superseded => return Decision::Refuse(INVALID, &[Flag::RefreshRetry]),
            Replacement::Over => return Decision::Reuse,
        }
    }
    if !client.allows_grant_type("refresh_token") {
        return Decision::Refuse(
            Refusal::new(
                ErrorCode::UnauthorizedClient,
                "the client may not use the grant type refresh_token",
            ),
            &[],
        );
    }
    let scope = match scope::granted(request.scope, &grant.scope) {
        Ok(scope) => scope,
        Err(refusal) => return Decision::Refuse(refusal, &[Flag::ScopeWidening]),
    };
    let granted = grant.resources.as_deref();
    let named = match resource::granted(request.resource.clone(), granted.unwrap_or(&[])) {
        Ok(named) => named,
        Err(refusal) => return Decision::Refuse(refusal, &[Flag::TargetWidening]),
    };
    // The grant stays as it is: the client may get its scope back.
    let left = scope::left(scope, &client.scope).and_then(|scope| {
        let resources = resource::left_of_grant(named, granted, &client.resources)?;
        Ok(Narrowed { scope, resources, cnf })
    });
    let narrowed = match left {
        Ok(narrowed) => narrowed,
        Err(refusal) => return Decision::Refuse(refusal, &[]),
    };
    // RFC 9700 section 4.14.2: only a sender-constrained refresh token may live without rotation.
    let constrained = client.is_confidential() || grant.cnf.is_some();
    let foreign = matches!(presented.form, Form::Imported(_));
    match (newer, is_current, client.refresh_rotation || !constrained || foreign) {
        (Some(number), ..) => Decision::Recover(narrowed, number),
        (None, true, true) => Decision::Rotate(narrowed),
        (None, true, false) => Decision::Keep(narrowed),
        (None, false, _) => Decision::Repeat(narrowed),
    }
}

/// Moves the family on; None where another call was first. `newer`: the number of the presented token, where it is
/// newer than the current one; the family's row is locked then.
fn rotate(
    now: Timestamp,
    grant: &Grant,
    family: &Family,
    client: &Client,
    presented: &PresentedToken<'_>,
    newer: Option<i32>,
    narrowed: Narrowed,
    context: &Context<'_>,
) -> Result<Option<TokenResponse>, Mistake> {
    let whole = &presented.whole;
    let number = newer.unwrap_or(family.rotation_count).saturating_add(1);
    let elapsed = family.rotated_at.map_or(0, |at| now.micros_since(at));
    let replaced = replaced::after(whole, family.previous_digest.as_deref(), elapsed, grace::micros(client));
    let rotation = |sealed| Rotation {
        replaced: &replaced,
        sealed,
        number,
        idle_expires_at: now.plus_seconds(client.refresh_idle_ttl),
        network: context.ip.clone(),
    };
    let seal = |secret: &[u8]| seal::seal(presented.key_material(), &seal_context(grant, number), secret);
    let (next, rotated) = match &presented.form {
        Form::Native { token, .. } => {
            let next = number::successor(now, token, number)?;
            let (digest, sealed) = (token_text::digest(&next.text()), seal(next.rotation())?);
            let current = if newer.is_some() { &family.current_digest } else { whole };
            let rotated = grant::rotate(now, grant, family, current, &digest, rotation(&sealed))?;
            (next, rotated)
        }
        Form::Imported(_) => {
            let next = number::mint(now, grant.id, number)?;
            let sealed = seal(next.secrets())?;
            let rotated = grant::adopt(now, grant, whole, &next, rotation(&sealed))?;
            (next, rotated)
        }
    };
    if !rotated {
        return Ok(None);
    }
    let flags: &[Flag] = if newer.is_some() { &[Flag::RefreshRecovered] } else { &[] };
    respond(now, grant, client, &next, narrowed, flags, context).map(Some)
}

/// The successor that the presented token was already replaced by.
fn open_successor(grant: &Grant, family: &Family, presented: &PresentedToken<'_>) -> Option<RefreshToken> {
    let sealed = family.successor_sealed.as_ref()?;
    let context = seal_context(grant, family.rotation_count);
    let secret = seal::open(presented.key_material(), &context, sealed)?;
    match &presented.form {
        Form::Native { token, .. } => Some(token.with_rotation(secret.as_slice().try_into().ok()?)),
        Form::Imported(_) => Some(RefreshToken::of(grant.id, secret.as_slice().try_into().ok()?)),
    }
}

/// The place that a sealed successor is bound to: the family and the number of its rotation.
fn seal_context(grant: &Grant, rotation_count: i32) -> [u8; 20] {
    let mut context = [0; 20];
    context[..16].copy_from_slice(grant.id.bytes());
    context[16..].copy_from_slice(&rotation_count.to_be_bytes());
    context
}

/// A fresh access token of the family, with the refresh token that is current now.
fn respond(
    now: Timestamp,
    grant: &Grant,
    client: &Client,
    token: &RefreshToken,
    narrowed: Narrowed,
    flags: &[Flag],
    context: &Context<'_>,
) -> Result<TokenResponse, Mistake> {
    let snapshot = Snapshot::writing()?;
    let resources = narrowed.resources.clone();
    let resources = resources.as_deref().or(grant.resources.as_deref());
    let form = form::Form::of(&snapshot, client, resources)?;
    let cnf = narrowed.cnf.clone().or_else(|| grant.cnf.clone());
    let about = About {
        client,
        user_id: grant.user_id,
        session_id: grant.session_id,
        scope: &narrowed.scope,
        resources,
        auth_time: grant.auth_time,
        acr: grant.acr.as_deref(),
        amr: grant.amr.as_deref(),
        claims: grant.claims.as_ref(),
        cnf: cnf.as_ref(),
        authorization_details: grant.authorization_details.as_ref(),
        claims_request: grant.claims_request.as_ref(),
    };
    let new = NewToken {
        grant_id: grant.id,
        expires_at: now.plus_seconds(form.ttl).min(grant.expires_at),
        scope: (narrowed.scope != grant.scope).then_some(narrowed.scope.as_str()),
        resources: narrowed.resources,
        cnf: narrowed.cnf,
    };
    let token_type = token::token_type(cnf.as_ref());
    let access = token::add(now, &snapshot, &form, &about, new)?;
    // Without the nonce of the log-in (OpenID Connect Core section 12.2).
    let id_token = id_token(now, &snapshot, form.issuer.as_deref(), &about, None, &access.text)?;
    let moved = match (&grant.network, &context.ip) {
        (Some(before), Some(ip)) => !before.same_network(ip),
        _ => false,
    };
    let moved: &[Flag] = if moved { &[Flag::NewNetwork] } else { &[] };
    let flags = [moved, flags].concat();
    trail::record(now, &event(client, Some(grant), context, None, &flags))?;
    Ok(TokenResponse {
        access_token: Some(access.text.to_string()),
        token_type: Some(token_type),
        expires_in: Some(access.expires_in),
        refresh_token: Some(token.text().to_string()),
        scope: Some(narrowed.scope),
        grant_id: Some(grant.id),
        user_id: grant.user_id,
        client_id: Some(client.id.clone()),
        tenant_id: Some(grant.tenant_id.clone()),
        claims: grant.claims.clone(),
        session_id: grant.session_id,
        auth_time: grant.auth_time,
        acr: grant.acr.clone(),
        amr: grant.amr.clone(),
        authorization_details: grant.authorization_details.clone(),
        id_token,
        ..TokenResponse::default()
    })
}

fn refuse(
    now: Timestamp,
    client: &Client,
    grant: Option<&Grant>,
    context: &Context<'_>,
    refusal: &Refusal,
    flags: &[Flag],
) -> Result<TokenResponse, Mistake> {
    trail::record(now, &event(client, grant, context, Some(refusal.code), flags))?;
    Ok(TokenResponse::refused(refusal))
}

fn event<'a>(
    client: &'a Client,
    grant: Option<&'a Grant>,
    context: &'a Context<'a>,
    error: Option<ErrorCode>,
    flags: &'a [Flag],
) -> Event<'a> {
    Event {
        event: if flags == [Flag::RefreshReuse] { "refresh_reuse" } else { REFRESHED },
        tenant_id: &client.tenant_id,
        client_id: Some(&client.id),
        user_id: grant.and_then(|grant| grant.user_id),
        grant_id: grant.map(|grant| grant.id),
        session_id: grant.and_then(|grant| grant.session_id),
        error,
        flags,
        context: Some(context),
        ..Event::default()
    }
}

/// One text for every reason: the holder of a token learns nothing of the other tokens.
const INVALID: Refusal = Refusal::new(ErrorCode::InvalidGrant, "the refresh token is not valid");
