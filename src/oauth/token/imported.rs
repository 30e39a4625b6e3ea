//! Refresh tokens of another store, of which only SHA-256 is known. Each has a grant from the import on. The holder's
//! text stands for the first token of that family, and its first use replaces it by a native one (see `refresh.rs`).

use pgrx::prelude::*;
use serde_json::json;

use crate::identity::session;
use crate::identity::user::{self, User};
use crate::kernel::crypto::token_text::{self, Digest};
use crate::kernel::outcome::{Mistake, OrRaise, given};
use crate::kernel::server::batch::delete_ended;
use crate::kernel::server::lookup::{Key, Lookup, Snapshot};
use crate::kernel::server::row::row;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::server::table::{By, Ended, Moves, OfUser, Published, Rows, Table, delete_by, exported};
use crate::kernel::value::argument;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::kernel::value::jsonb::Jsonb;
use crate::oauth::client::{self, Client};
use crate::oauth::grant::{self, NewFamily, retention};
use crate::rfc::{binding, resource, scope};
use crate::trail::{self, Event};

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn refresh_token_import(
    digest: Option<&str>,
    client_id: Option<&str>,
    user_id: Option<pgrx::Uuid>,
    scope: default!(Option<&str>, "NULL"),
    expires_at: default!(Option<TimestampWithTimeZone>, "NULL"),
    session_id: default!(Option<pgrx::Uuid>, "NULL"),
    resource: default!(Option<Vec<Option<String>>>, "NULL"),
    auth_time: default!(Option<TimestampWithTimeZone>, "NULL"),
    claims: default!(Option<Jsonb>, "NULL"),
    cnf: default!(Option<Jsonb>, "NULL"),
) -> Option<pgrx::Uuid> {
    let now = clock::now();
    let login = ImportedLogin {
        scope,
        expires_at: expires_at.map(Timestamp::from),
        session_id: session_id.map(Id::from),
        resource,
        auth_time: auth_time.map(Timestamp::from),
        claims,
        cnf,
    };
    import(now, digest, client_id, user_id.map(Id::from), login).or_raise().map(pgrx::Uuid::from)
}

/// The facts of the login that the other store knows.
struct ImportedLogin<'a> {
    scope: Option<&'a str>,
    expires_at: Option<Timestamp>,
    session_id: Option<Id>,
    resource: Option<Vec<Option<String>>>,
    auth_time: Option<Timestamp>,
    claims: Option<Jsonb>,
    cnf: Option<Jsonb>,
}

/// The longest text that is looked up, in bytes: other stores' refresh tokens may be JWTs.
const MAX_TEXT: usize = 4096;
/// Seconds that no family outlives, as for the clients' refresh_token_ttl.
const MAX_TTL: i64 = 3650 * 86_400;

/// The facts of the table `imported_refresh_tokens`.
pub static TABLE: Table = Table {
    name: "imported_refresh_tokens",
    key: &["grant_id", "tenant_id"],
    ended: Some(Ended {
        statement: delete_ended!("auth_store.imported_refresh_tokens" by "grant_id", "expires_at <= $3"),
        times: |now| Vec::from(params![retention::cutoff(now)]),
    }),
    of_tenant: Rows::Deleted(delete_by!("imported_refresh_tokens", "tenant_id")),
    of_client: Rows::Deleted(delete_by!("imported_refresh_tokens", "client_id")),
    of_user: Some(OfUser {
        by: By::Grants,
        erased: Some(Statement::latest(
            c"DELETE FROM auth_store.imported_refresh_tokens WHERE grant_id = ANY ($1)",
        )),
        exported: exported!(
            "imported_refresh_tokens",
            "grant_id = ANY ($1)",
            "grant_id, expires_at, tenant_id, client_id",
            withheld "digest"
        ),
    }),
    published: Published::TakeOver,
    moves: Moves::ByGrant,
    restored: true,
};

row! {
    struct Imported in imported_refresh_tokens {
        grant_id: Id,
        client_id: String,
    }
}

static BY_DIGEST: Lookup<Imported> = Lookup::by(c"imported_refresh_tokens_digest_key");

static INSERT: Statement = Statement::write(
    c"INSERT INTO auth_store.imported_refresh_tokens (grant_id, tenant_id, client_id, digest, expires_at)
      VALUES ($1, $2, $3, $4, $5) ON CONFLICT (digest) DO NOTHING",
);

/// The digest of a text that another store may have made.
pub fn digest(text: &str) -> Option<Digest> {
    (1..=MAX_TEXT).contains(&text.len()).then(|| token_text::digest(text))
}

/// The grant of an imported token and the digest of its text, if the text is one.
pub fn find(snapshot: &Snapshot, text: &str) -> Result<Option<(Id, Digest)>, Mistake> {
    let Some(digest) = digest(text) else { return Ok(None) };
    Ok(BY_DIGEST.find(snapshot, Key::Bytes(&digest))?.map(|token| (token.grant_id, digest)))
}

/// Makes the grant of a foreign refresh token; None where it has expired, its session has ended, or its user is not
/// active: the end of a session or of a user's activity has ended every other refresh token, and a refresh looks at
/// neither.
fn import(
    now: Timestamp,
    digest: Option<&str>,
    client_id: Option<&str>,
    user_id: Option<Id>,
    login: ImportedLogin<'_>,
) -> Result<Option<Id>, Mistake> {
    let digest = token_text::read_digest(given(digest, "digest")?).ok_or(Mistake::invalid(
        "digest",
        "SHA-256 of the token: 64 hexadecimal digits, or base64 or base64url of 32 bytes",
    ))?;
    let (client_id, user_id) = (given(client_id, "client_id")?, given(user_id, "user_id")?);
    argument::object(login.claims.as_ref(), "claims")?;
    argument::finite(login.auth_time, "auth_time")?;
    binding::check_confirmation(login.cnf.as_ref())?;
    let (client, user) = parties(client_id, user_id)?;
    let in_session = session::allows(now, &Snapshot::writing()?, login.session_id, user_id)?;
    if !user.is_active() || !in_session {
        return Ok(None);
    }
    if !client.allows_grant_type("refresh_token") {
        return Err(Mistake::invalid("client_id", "a client with the grant type refresh_token"));
    }
    let scope = scope::granted(login.scope, &client.scope)
        .map_err(|_| Mistake::invalid("scope", "scope tokens that the client is registered for"))?;
    let resources = resource::of_grant(login.resource, &client.resources).map_err(|_| {
        Mistake::invalid("resource", "at most 20 absolute URIs that the client is registered for")
    })?;
    let expires_at = match login.expires_at {
        Some(at) if at <= now => return Ok(None),
        Some(at) => at.min(now.plus_seconds(MAX_TTL)),
        None => now.plus_seconds(client.refresh_token_ttl),
    };
    let grant_id = Id::mint(now, user_id.bucket())?;
    let tenant_id = client.tenant_id.as_str();
    if INSERT.run(&params![grant_id, tenant_id, client_id, digest.as_slice(), expires_at])? == 0 {
        return imported_before(&client, &digest).map(Some);
    }
    let stored = grant::insert(grant::NewGrant {
        id: grant_id,
        tenant_id,
        client_id,
        user_id: Some(user_id),
        client_place: client.place,
        user_place: user.place_in(tenant_id),
        session_id: login.session_id,
        scope: &scope,
        expires_at,
        subject_token_id: None,
        // Until its first use the whole text is both family secret and token: no other token of this family exists.
        family: Some(NewFamily {
            digest,
            current: digest,
            idle_expires_at: now.plus_seconds(client.refresh_idle_ttl).min(expires_at),
        }),
        resources,
        auth_time: login.auth_time,
        acr: None,
        amr: None,
        claims: login.claims,
        cnf: login.cnf,
        network: None,
        authorization_details: None,
        claims_request: None,
    })?;
    stored.map_err(grant::Gone::mistake)?;
    // The grant holds the user's row, which the end of a session locks first. So a session that is live here ends after
    // this call, and its end sees the grant.
    if !session::allows(now, &Snapshot::latest(), login.session_id, user_id)? {
        grant::revoke(now, grant_id, tenant_id, "session_ended")?;
        return Ok(None);
    }
    record(now, &client, user_id, grant_id, login.session_id, &scope)?;
    Ok(Some(grant_id))
}

fn record(
    now: Timestamp,
    client: &Client,
    user_id: Id,
    grant_id: Id,
    session_id: Option<Id>,
    scope: &str,
) -> Result<(), Mistake> {
    let event = Event {
        event: "refresh_token.imported",
        tenant_id: &client.tenant_id,
        client_id: Some(&client.id),
        user_id: Some(user_id),
        grant_id: Some(grant_id),
        session_id,
        details: Some(json!({ "scope": scope })),
        ..Event::default()
    };
    trail::record(now, &event)?;
    Ok(())
}

/// Client and user of the token, who are of one tenant.
fn parties(client_id: &str, user_id: Id) -> Result<(Client, User), Mistake> {
    let snapshot = Snapshot::writing()?;
    let client = client::find(&snapshot, client_id)?.ok_or(client::UNKNOWN)?;
    let user = user::find(&snapshot, user_id)?
        .filter(|user| user.tenant_id == client.tenant_id)
        .ok_or(user::UNKNOWN)?;
    Ok((client, user))
}

/// The grant of a token that was imported before, so that an import can be run again. The same text of another client
/// is another token.
fn imported_before(client: &Client, digest: &Digest) -> Result<Id, Mistake> {
    match BY_DIGEST.find(&Snapshot::writing()?, Key::Bytes(digest))? {
        Some(token) if token.client_id == client.id => Ok(token.grant_id),
        _ => Err(Mistake::Duplicate { what: "refresh token", argument: "digest" }),
    }
}
