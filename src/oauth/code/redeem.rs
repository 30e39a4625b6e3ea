//! Redeeming an authorization code, once (RFC 6749 section 4.1.3).

use pgrx::prelude::*;

use crate::identity::session;
use crate::identity::user::{self, User};
use crate::kernel::crypto::token_text::{self, Kind, Presented};
use crate::kernel::outcome::{ErrorCode, Mistake, OrRaise, Refusal};
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::kernel::value::inet::Inet;
use crate::oauth::client::Client;
use crate::oauth::client::secret::{self, Credentials};
use crate::oauth::code::{self, MAX_FAILED_VERIFIERS, StoredCode};
use crate::oauth::token::issue::{self, Login};
use crate::oauth::token::once::{Granted, refuse_ended, replay, session_ended, user_inactive};
use crate::oauth::token::{TokenResponse, refuse};
use crate::rfc::binding::Proof;
use crate::rfc::{parameter, pkce};
use crate::trail::refused::{Refused, invalid_grant};
use crate::trail::{self, Context, Event, Flag};

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn code_redeem(
    code: Option<&str>,
    client_id: Option<&str>,
    redirect_uri: default!(Option<&str>, "NULL"),
    code_verifier: default!(Option<&str>, "NULL"),
    client_secret: default!(Option<&str>, "NULL"),
    client_authenticated: default!(Option<bool>, "false"),
    resource: default!(Option<Vec<Option<String>>>, "NULL"),
    dpop_jkt: default!(Option<&str>, "NULL"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
    x5t_s256: default!(Option<&str>, "NULL"),
) -> TokenResponse {
    let now = clock::now();
    let context = Context { ip, user_agent };
    let credentials = Credentials::new(client_id, client_secret, client_authenticated);
    let redemption = RedeemRequest {
        code,
        redirect_uri: parameter::value(redirect_uri),
        code_verifier: parameter::value(code_verifier),
        resource: parameter::values(resource),
        proof: Proof::new(dpop_jkt, x5t_s256),
    };
    redeem(now, &credentials, redemption, &context).or_raise()
}

/// The parameters of the token request.
pub struct RedeemRequest<'a> {
    /// The code.
    pub code: Option<&'a str>,
    /// RFC 6749 section 4.1.3
    pub redirect_uri: Option<&'a str>,
    /// RFC 7636 section 4.5
    pub code_verifier: Option<&'a str>,
    /// RFC 8707 section 2.2
    pub resource: Option<Vec<Option<String>>>,
    /// What the sender proved to hold.
    pub proof: Proof<'a>,
}

/// The event of a redemption.
pub const REDEEMED: &str = "code.redeemed";

fn redeem(
    now: Timestamp,
    credentials: &Credentials<'_>,
    redemption: RedeemRequest<'_>,
    context: &Context<'_>,
) -> Result<TokenResponse, Mistake> {
    let snapshot = Snapshot::writing()?;
    match secret::admit(&snapshot, now, REDEEMED, credentials, context)? {
        Ok(client) => redeem_by(now, snapshot, &client, redemption, context),
        Err(refusal) => Ok(TokenResponse::refused(&refusal)),
    }
}

/// Redeems a code for a client that has authenticated.
pub fn redeem_by(
    now: Timestamp,
    snapshot: Snapshot,
    client: &Client,
    redemption: RedeemRequest<'_>,
    context: &Context<'_>,
) -> Result<TokenResponse, Mistake> {
    let presented = token_text::parse(Kind::AuthorizationCode, redemption.code);
    let stored = match &presented {
        Some(presented) => code::find(&snapshot, presented)?,
        None => None,
    };
    let mut event = Event {
        event: REDEEMED,
        tenant_id: &client.tenant_id,
        client_id: Some(&client.id),
        context: Some(context),
        ..Event::default()
    };
    let (Some(stored), Some(presented)) = (stored, &presented) else {
        let flags: &[Flag] = if presented.is_some() { &[Flag::UnknownToken] } else { &[] };
        return refuse(now, &event, &invalid_grant("the code is not valid", flags));
    };
    event.user_id = Some(stored.user_id);
    event.session_id = stored.session_id;
    if stored.client_id != client.id || stored.tenant_id != client.tenant_id {
        return refuse(
            now,
            &event,
            &invalid_grant("the code was issued to another client", &[Flag::WrongClient]),
        );
    }
    if stored.redeemed_at.is_some() {
        return replay(now, stored.redeemed_at, stored.grant_id, &event);
    }
    let user = snapshot.newest(|snapshot| user::find(snapshot, stored.user_id))?;
    let in_session = session::allows(now, &snapshot, stored.session_id, stored.user_id)?;
    drop(snapshot);
    let granted = match decide_redeem(now, client, &stored, user.as_ref(), in_session, &redemption) {
        Ok(granted) => granted,
        Err(refused) => {
            if refused.flags == [Flag::WrongVerifier] {
                code::count_wrong_verifier(&stored)?;
            }
            return refuse(now, &event, &refused);
        }
    };
    let grant_id = Id::mint(now, stored.user_id.bucket())?;
    if !code::mark_redeemed(now, &stored, grant_id)? {
        return refuse(now, &event, &overtaken(presented)?);
    }
    event.grant_id = Some(grant_id);
    let login = login(grant_id, client, stored, user.as_ref(), granted, &redemption, context);
    match issue::issue(now, login)? {
        Ok(response) => {
            trail::record(now, &event)?;
            Ok(response)
        }
        Err(ended) => refuse_ended(now, &mut event, ended),
    }
}

/// What the grant of a redeemed code is made of.
fn login<'a>(
    grant_id: Id,
    client: &'a Client,
    code: StoredCode,
    user: Option<&User>,
    granted: Granted,
    redemption: &RedeemRequest<'_>,
    context: &Context<'_>,
) -> Login<'a> {
    Login {
        grant_id,
        client,
        user_id: Some(code.user_id),
        user_place: user.and_then(|user| user.place_in(&client.tenant_id)),
        session_id: code.session_id,
        scope: granted.scope,
        resources: granted.resources,
        token_resources: granted.token_resources,
        refresh: client.allows_grant_type("refresh_token"),
        nonce: code.nonce,
        auth_time: code.auth_time,
        acr: code.acr,
        amr: code.amr,
        claims: code.claims,
        cnf: redemption.proof.confirmation(),
        network: context.ip.clone(),
        authorization_details: code.authorization_details,
        claims_request: code.claims_request,
    }
}

/// Why a code that was redeemable when this call began no longer is. If another call redeemed it while this one waited,
/// this is a retry and not a replay. Otherwise the code has had its fifth wrong verifier, or its client was deleted.
fn overtaken(presented: &Presented) -> Result<Refused, Mistake> {
    let stored = code::find(&Snapshot::writing()?, presented)?;
    Ok(match stored.map(|stored| stored.redeemed_at.is_some()) {
        Some(true) => invalid_grant("the code was redeemed a moment ago", &[Flag::CodeRetry]),
        Some(false) => invalid_grant("the code is not valid", &[Flag::TooManyFailures]),
        None => invalid_grant("the code is not valid", &[Flag::UnknownToken]),
    })
}

/// Decides whether this request may redeem the code, and for what.
fn decide_redeem(
    now: Timestamp,
    client: &Client,
    stored: &StoredCode,
    user: Option<&User>,
    in_session: bool,
    redemption: &RedeemRequest<'_>,
) -> Result<Granted, Refused> {
    if now >= stored.expires_at {
        return Err(invalid_grant("the code has expired", &[Flag::ExpiredToken]));
    }
    if stored.failed_verifiers >= MAX_FAILED_VERIFIERS {
        return Err(invalid_grant("the code is not valid", &[Flag::TooManyFailures]));
    }
    if !user.is_some_and(|user| user.is_active()) {
        return Err(user_inactive());
    }
    if !in_session {
        return Err(session_ended());
    }
    // It may have been taken from the client since.
    if !client.allows_grant_type("authorization_code") {
        let description = "the client may not use the grant type authorization_code";
        return Err(Refused {
            refusal: Refusal::new(ErrorCode::UnauthorizedClient, description),
            flags: &[],
        });
    }
    // RFC 6749 section 4.1.3: identical, if it was part of the authorization request.
    if stored.redirect_uri.is_some() && stored.redirect_uri.as_deref() != redemption.redirect_uri {
        return Err(invalid_grant(
            "redirect_uri differs from the authorization request's",
            &[Flag::WrongRedirectUri],
        ));
    }
    match (&stored.code_challenge, redemption.code_verifier) {
        (Some(challenge), Some(verifier)) if pkce::matches(verifier, challenge) => {}
        (Some(_), Some(_)) => {
            return Err(invalid_grant("code_verifier is wrong", &[Flag::WrongVerifier]));
        }
        (Some(_), None) => return Err(invalid_grant("code_verifier is missing", &[])),
        (None, None) => {}
        // RFC 9700 section 2.1.1: no verifier without a challenge, against downgrades.
        (None, Some(_)) => {
            return Err(Refused {
                refusal: Refusal::new(ErrorCode::InvalidRequest, "code_verifier without a code_challenge"),
                flags: &[],
            });
        }
    }
    // RFC 9449 section 10: a code bound to a key is redeemed with that key.
    if stored.dpop_jkt.is_some() && stored.dpop_jkt.as_deref() != redemption.proof.dpop_jkt {
        return Err(invalid_grant("the code is bound to another key", &[Flag::WrongBinding]));
    }
    for (thumbprint, description) in [
        (redemption.proof.dpop_jkt, "dpop_jkt must be a JWK SHA-256 thumbprint"),
        (redemption.proof.x5t_s256, "x5t_s256 must be a certificate's SHA-256 thumbprint"),
    ] {
        if thumbprint.is_some_and(|text| !pkce::is_sha256_base64url(text)) {
            return Err(Refused {
                refusal: Refusal::new(ErrorCode::InvalidRequest, description),
                flags: &[],
            });
        }
    }
    Granted::of(client, &stored.scope, stored.resources.as_ref(), redemption.resource.clone())
}
