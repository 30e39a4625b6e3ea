//! Authorization codes (RFC 6749 section 4.1): the table, and issuing them with their PKCE challenge.
//! Redeeming them is in `code/redeem.rs`.

pub mod pushed;
pub mod redeem;
pub mod request;
pub mod unused;

use pgrx::prelude::*;

use crate::identity::session;
use crate::identity::user::{self, User};
use crate::kernel::crypto::token_text::{self, Digest, Kind, Presented};
use crate::kernel::outcome::{ErrorCode, Mistake, OrRaise, Refusal, given};
use crate::kernel::server::batch::delete_ended;
use crate::kernel::server::change::Change;
use crate::kernel::server::composite::composite;
use crate::kernel::server::hold::Place;
use crate::kernel::server::lookup::{Key, Lookup, Snapshot};
use crate::kernel::server::row::row;
use crate::kernel::server::settings::Setting;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::server::table::{By, Ended, Moves, OfUser, Published, Rows, Table, delete_by, exported};
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::kernel::value::inet::Inet;
use crate::kernel::value::jsonb::Jsonb;
use crate::kernel::value::{argument, interval};
use crate::oauth::client::{self, Client};
use crate::oauth::code::request::{Accepted, AuthorizationRequest, MAX_PARAMETER};
use crate::oauth::token::once::{REPLAY_WATCH, Redemption};
use crate::rfc::{authorization_details, parameter};
use crate::trail::refused::Refused;
use crate::trail::{self, Context, Event, Flag};

composite! {
    /// What the authorization endpoint sends back (RFC 6749 section 4.1.2).
    pub struct CodeResponse = "auth_store.code_response" {
        pub code: Option<String>,
        pub expires_at: Option<Timestamp>,
        pub scope: Option<String>,
        pub state: Option<String>,
        pub error: Option<&'static str>,
        pub error_description: Option<String>,
    }
    refused { error, error_description }
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn code_issue(
    client_id: Option<&str>,
    user_id: Option<pgrx::Uuid>,
    redirect_uri: default!(Option<&str>, "NULL"),
    scope: default!(Option<&str>, "NULL"),
    code_challenge: default!(Option<&str>, "NULL"),
    code_challenge_method: default!(Option<&str>, "'S256'"),
    state: default!(Option<&str>, "NULL"),
    nonce: default!(Option<&str>, "NULL"),
    resource: default!(Option<Vec<Option<String>>>, "NULL"),
    session_id: default!(Option<pgrx::Uuid>, "NULL"),
    auth_time: default!(Option<TimestampWithTimeZone>, "NULL"),
    acr: default!(Option<&str>, "NULL"),
    amr: default!(Option<Vec<Option<String>>>, "NULL"),
    claims: default!(Option<Jsonb>, "NULL"),
    dpop_jkt: default!(Option<&str>, "NULL"),
    ttl: default!(Option<Interval>, "NULL"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
    authorization_details: default!(Option<Jsonb>, "NULL"),
) -> CodeResponse {
    let now = clock::now();
    let context = Context { ip, user_agent };
    let parameters = AuthorizationRequest {
        redirect_uri: parameter::value(redirect_uri),
        scope: parameter::scope(scope),
        code_challenge: parameter::value(code_challenge),
        code_challenge_method: parameter::value(code_challenge_method),
        state: parameter::value(state),
        nonce: parameter::value(nonce),
        resource: parameter::values(resource),
        dpop_jkt: parameter::value(dpop_jkt),
    };
    let request = CodeRequest {
        parameters,
        session_id: session_id.map(Id::from),
        auth_time: auth_time.map(Timestamp::from),
        acr,
        amr,
        claims,
        authorization_details,
        claims_request: None,
        ttl,
    };
    issue(now, client_id, user_id.map(Id::from), request, &context).or_raise()
}

/// The parameters of the authorization request and of the login that answered it.
#[derive(Default)]
pub struct CodeRequest<'a> {
    pub parameters: AuthorizationRequest<'a>,
    pub session_id: Option<Id>,
    pub auth_time: Option<Timestamp>,
    pub acr: Option<&'a str>,
    pub amr: Option<Vec<Option<String>>>,
    pub claims: Option<Jsonb>,
    /// RFC 9396
    pub authorization_details: Option<Jsonb>,
    /// OpenID Connect Core section 5.5
    pub claims_request: Option<Jsonb>,
    pub ttl: Option<Interval>,
}

row! {
    /// A code's row.
    pub struct StoredCode in authorization_codes {
        pub id: Id,
        digest: Digest,
        pub client_id: String,
        pub tenant_id: String,
        pub user_id: Id,
        pub expires_at: Timestamp,
        pub failed_verifiers: i32,
        pub redeemed_at: Option<Timestamp>,
        pub grant_id: Option<Id>,
        pub session_id: Option<Id>,
        pub auth_time: Option<Timestamp>,
        pub scope: String,
        pub redirect_uri: Option<String>,
        pub code_challenge: Option<String>,
        pub nonce: Option<String>,
        pub dpop_jkt: Option<String>,
        pub resources: Option<Vec<String>>,
        pub acr: Option<String>,
        pub amr: Option<Vec<String>>,
        pub claims: Option<Jsonb>,
        pub authorization_details: Option<Jsonb>,
        pub claims_request: Option<Jsonb>,
        /// Where it was found.
        place: Option<Place>,
    }
}

impl StoredCode {
    /// Where it was found, if it was redeemable there.
    fn redeemable(&self, now: Timestamp) -> Option<Place> {
        let open = self.redeemed_at.is_none() && self.failed_verifiers < MAX_FAILED_VERIFIERS;
        self.place.filter(|_| open && self.expires_at > now)
    }
}

/// Wrong verifiers after which a code is dead.
pub const MAX_FAILED_VERIFIERS: i32 = 5;

/// How long a code lives that names no other time.
pub static TTL: Setting<i32> = Setting::seconds(
    c"auth_store.code_ttl",
    60,
    1..=600,
    c"How long an authorization code lives by default.",
    c"RFC 6749 section 4.1.2 recommends at most 10 minutes.",
);

const TTL_ACCEPTED: &str = "an interval from 1 second to 10 minutes (RFC 6749 section 4.1.2)";

/// The facts of the table `authorization_codes`.
pub static TABLE: Table = Table {
    name: "authorization_codes",
    key: &["id", "tenant_id"],
    ended: Some(Ended {
        statement: delete_ended!(
            "auth_store.authorization_codes",
            "expires_at <= $3 AND (redeemed_at IS NULL OR expires_at <= $4)"
        ),
        times: |now| Vec::from(params![now, now.plus_seconds(-REPLAY_WATCH)]),
    }),
    of_tenant: Rows::Deleted(delete_by!("authorization_codes", "tenant_id")),
    of_client: Rows::Deleted(delete_by!("authorization_codes", "client_id")),
    of_user: Some(OfUser {
        by: By::User,
        erased: Some(delete_by!(latest "authorization_codes", "user_id")),
        exported: exported!(
            "authorization_codes",
            "user_id = $1",
            "id, user_id, expires_at, failed_verifiers, redeemed_at, grant_id, session_id, auth_time, \
             tenant_id, client_id, scope, redirect_uri, code_challenge, code_challenge_method, nonce, \
             dpop_jkt, resources, acr, amr, claims, authorization_details, claims_request",
            withheld "digest"
        ),
    }),
    published: Published::TakeOver,
    moves: Moves::ById,
    restored: true,
};

static BY_ID: Lookup<StoredCode> = Lookup::by(c"authorization_codes_pkey");

static INSERT: Statement = Statement::write(
    c"INSERT INTO auth_store.authorization_codes (id, tenant_id, client_id, user_id, digest, expires_at, scope,
             redirect_uri, code_challenge, code_challenge_method, nonce, dpop_jkt, resources, session_id,
             auth_time, acr, amr, claims, authorization_details, claims_request)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)",
);

static REDEEMED: Change<2> = Change::new(c"authorization_codes", [c"redeemed_at", c"grant_id"]);

/// The one-time step: the call whose UPDATE finds the code unredeemed has redeemed it.
static REDEEM: Statement = Statement::write(
    c"UPDATE auth_store.authorization_codes SET redeemed_at = $2, grant_id = $3
       WHERE id = $1 AND tenant_id = $5 AND redeemed_at IS NULL AND expires_at > $2 AND failed_verifiers < $4",
);

static REDEMPTION_ENDED: Statement = Statement::write(
    c"UPDATE auth_store.authorization_codes SET redeemed_at = $2
       WHERE id = $1 AND tenant_id = $3 AND grant_id = $4",
);

static COUNT_WRONG_VERIFIER: Statement = Statement::write(
    c"UPDATE auth_store.authorization_codes SET failed_verifiers = failed_verifiers + 1
       WHERE id = $1 AND tenant_id = $2 AND redeemed_at IS NULL",
);

/// Issues a code to the user of a log-in, and records it.
pub fn issue(
    now: Timestamp,
    client_id: Option<&str>,
    user_id: Option<Id>,
    request: CodeRequest<'_>,
    context: &Context<'_>,
) -> Result<CodeResponse, Mistake> {
    let user_id = given(user_id, "user_id")?;
    argument::object(request.claims.as_ref(), "claims")?;
    argument::finite(request.auth_time, "auth_time")?;
    check_details(request.authorization_details.as_ref())?;
    let ttl = interval::seconds(request.ttl, TTL.in_seconds(), TTL.bounds(), "ttl", TTL_ACCEPTED)?;
    let snapshot = Snapshot::deciding()?;
    let user = user::find(&snapshot, user_id)?.ok_or(user::UNKNOWN)?;
    let client = match client_id {
        Some(client_id) => client::find(&snapshot, client_id)?,
        None => None,
    };
    if client.as_ref().is_some_and(|client| client.tenant_id != user.tenant_id) {
        return Err(user::UNKNOWN);
    }
    let (state, session_id) = (request.parameters.state, request.session_id);
    let in_session = session::allows(now, &snapshot, session_id, user_id)?;
    drop(snapshot);
    let decided = decide_issue(client.as_ref(), &user, in_session, &request);
    let mut event = Event {
        event: "code.issued",
        tenant_id: &user.tenant_id,
        client_id,
        user_id: Some(user_id),
        session_id,
        context: Some(context),
        ..Event::default()
    };
    let mut response = match decided {
        Ok(accepted) => store(now, accepted, user_id, request, ttl)?,
        Err(ref refused) => {
            event.error = Some(refused.refusal.code);
            event.flags = refused.flags;
            CodeResponse::refused(&refused.refusal)
        }
    };
    trail::record(now, &event)?;
    response.state = state.map(str::to_string);
    Ok(response)
}

/// The argument authorization_details (RFC 9396 section 2).
fn check_details(details: Option<&Jsonb>) -> Result<(), Mistake> {
    let fits = |details: &Jsonb| {
        details.size() <= authorization_details::MAX_BYTES
            && details.parse().is_some_and(|details| authorization_details::check(&details).is_ok())
    };
    match details {
        Some(details) if !fits(details) => {
            let accepted = "a JSON array of 1 to 16 objects, each with a type, of at most 16384 bytes";
            Err(Mistake::invalid("authorization_details", accepted))
        }
        _ => Ok(()),
    }
}

/// The rules of the authorization endpoint for the request, and for the login that answered it.
fn decide_issue<'a>(
    client: Option<&'a Client>,
    user: &User,
    in_session: bool,
    request: &CodeRequest<'_>,
) -> Result<Accepted<'a>, Refused> {
    let refuse = |code, description, flags| Err(Refused { refusal: Refusal::new(code, description), flags });
    let accepted = request::decide(client, &request.parameters)?;
    if request.acr.is_some_and(|acr| acr.len() > MAX_PARAMETER) {
        return refuse(ErrorCode::InvalidRequest, "acr has at most 2048 bytes", &[]);
    }
    if !user.is_active() {
        return refuse(ErrorCode::AccessDenied, "the user is not active", &[Flag::InactiveUser]);
    }
    if !in_session {
        return refuse(ErrorCode::AccessDenied, "the session has ended", &[Flag::EndedSession]);
    }
    Ok(accepted)
}

fn store(
    now: Timestamp,
    accepted: Accepted<'_>,
    user_id: Id,
    request: CodeRequest<'_>,
    ttl: i64,
) -> Result<CodeResponse, Mistake> {
    let Accepted { client, scope, resources } = accepted;
    let parameters = request.parameters;
    let amr = argument::texts(request.amr, "amr")?;
    let code = token_text::mint(Kind::AuthorizationCode, now, user_id.bucket())?;
    let expires_at = now.plus_seconds(ttl);
    INSERT.exactly_one(&params![
        code.id,
        client.tenant_id.as_str(),
        client.id.as_str(),
        user_id,
        code.digest.as_slice(),
        expires_at,
        scope.as_str(),
        parameters.redirect_uri,
        parameters.code_challenge,
        parameters.code_challenge.and(parameters.code_challenge_method),
        parameters.nonce,
        parameters.dpop_jkt,
        resources,
        request.session_id,
        request.auth_time,
        request.acr,
        amr,
        request.claims,
        request.authorization_details,
        request.claims_request,
    ])?;
    Ok(CodeResponse {
        code: Some(code.text.to_string()),
        expires_at: Some(expires_at),
        scope: Some(scope),
        ..CodeResponse::default()
    })
}

/// The code that is presented, if its secret is right.
pub fn find(snapshot: &Snapshot, presented: &Presented) -> Result<Option<StoredCode>, Mistake> {
    let found = BY_ID.find(snapshot, Key::Id(presented.id))?;
    Ok(found.filter(|code| token_text::digest_matches(&presented.digest, &code.digest)))
}

/// The one-time step; false where the code was redeemed, killed or expired in between.
pub fn mark_redeemed(now: Timestamp, code: &StoredCode, grant_id: Id) -> Result<bool, Mistake> {
    let tenant_id = code.tenant_id.as_str();
    let redeemed = REDEEMED.set(code.redeemable(now), &params![now, grant_id])?
        || REDEEM.run(&params![code.id, now, grant_id, MAX_FAILED_VERIFIERS, tenant_id])? == 1;
    if redeemed {
        Redemption { ended: &REDEMPTION_ENDED, code_id: code.id, tenant_id: tenant_id.to_owned(), grant_id }
            .note_end(now);
    }
    Ok(redeemed)
}

/// Counts a wrong verifier.
pub fn count_wrong_verifier(code: &StoredCode) -> Result<(), Mistake> {
    COUNT_WRONG_VERIFIER.run(&params![code.id, code.tenant_id.as_str()]).map(|_| ())
}

// Walks the ids in time order: no index finds the codes of a user, and no code with an id before $1 is alive.
static WITHDRAW: Statement = Statement::latest(
    c"WITH open AS (SELECT id, tenant_id FROM auth_store.authorization_codes
                     WHERE id > $1 AND user_id = $2 AND ($3 IS NULL OR client_id = $3) AND redeemed_at IS NULL
                     ORDER BY id FOR UPDATE)
      DELETE FROM auth_store.authorization_codes c USING open WHERE c.id = open.id AND c.tenant_id = open.tenant_id",
);

/// Deletes the unredeemed codes of a user, of one client or of all, and waits for redemptions that are under way.
/// Returns how many it deleted.
pub fn withdraw(now: Timestamp, user_id: Id, client_id: Option<&str>) -> Result<u64, Mistake> {
    // The longest life, and a second for the clock.
    let oldest = Id::lower_bound(now.plus_seconds(-TTL.bounds().end() - 1));
    WITHDRAW.run(&params![oldest, user_id, client_id])
}

static ANY_OF_CLIENT: Statement<bool> =
    Statement::latest(c"SELECT EXISTS (SELECT FROM auth_store.authorization_codes WHERE client_id = $1)");

/// Whether the client has a code.
pub fn any_of_client(client_id: &str) -> Result<bool, Mistake> {
    Ok(ANY_OF_CLIENT.one(&params![client_id])? == Some(true))
}
