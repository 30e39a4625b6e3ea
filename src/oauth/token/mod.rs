//! Access tokens: opaque or JWTs, stored as digests, short-lived. The grant holds what its tokens share.

pub mod exchange;
pub mod imported;
pub mod introspect;
pub mod issue;
pub mod jwt;
pub mod once;
pub mod pointer;
pub mod refresh;
pub mod revoke;
pub mod standing;

use pgrx::prelude::*;
use zeroize::Zeroizing;

use crate::kernel::crypto::token_text::{self, Digest, Kind, Presented};
use crate::kernel::outcome::Mistake;
use crate::kernel::server::append::Append;
use crate::kernel::server::batch::{Batch, Passed, delete_ended};
use crate::kernel::server::change::Change;
use crate::kernel::server::composite::composite;
use crate::kernel::server::hold::Place;
use crate::kernel::server::lookup::{Key, Lookup, Snapshot};
use crate::kernel::server::row::row;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::server::table::{By, Ended, Moves, OfUser, Published, Rows, Table, delete_by, exported};
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::id::Id;
use crate::kernel::value::jsonb::Jsonb;
use crate::oauth::token::jwt::About;
use crate::oauth::token::jwt::form::{Form, Jwt};
use crate::trail::refused::Refused;
use crate::trail::{self, Event};

composite! {
    /// The answer of the token endpoint (RFC 6749 sections 5.1 and 5.2), with what an application needs to make an ID
    /// token.
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
        pub authorization_details: Option<Jsonb>,
        pub id_token: Option<String>,
    }
    refused { error, error_description, retry_after }
}

#[pg_extern(immutable, parallel_safe)]
fn token_hash(token: Option<&str>) -> Option<Vec<u8>> {
    token.map(|token| token_text::digest(token).to_vec())
}

row! {
    /// An access token's row.
    pub struct AccessToken in access_tokens {
        pub id: Id,
        pub grant_id: Id,
        pub tenant_id: String,
        digest: Digest,
        pub expires_at: Timestamp,
        pub revoked_at: Option<Timestamp>,
        pub scope: Option<String>,
        pub resources: Option<Vec<String>>,
        pub cnf: Option<Jsonb>,
    }
}

/// A freshly made access token.
pub struct Fresh {
    pub text: Zeroizing<String>,
    pub expires_in: i32,
}

/// The facts of the table `access_tokens`.
/// What belongs to a client or user is the grant: without it a token is not active.
pub static TABLE: Table = Table {
    name: "access_tokens",
    key: &["id", "tenant_id"],
    ended: Some(Ended {
        statement: delete_ended!("auth_store.access_tokens", "expires_at <= $3"),
        times: |now| Vec::from(params![now]),
    }),
    of_tenant: Rows::Deleted(delete_by!("access_tokens", "tenant_id")),
    of_client: Rows::None,
    of_user: Some(OfUser {
        by: By::Grants,
        erased: Some(Statement::latest(c"DELETE FROM auth_store.access_tokens WHERE grant_id = ANY ($1)")),
        exported: exported!(
            "access_tokens",
            "grant_id = ANY ($1)",
            "id, grant_id, expires_at, revoked_at, tenant_id, scope, resources, cnf",
            withheld "digest"
        ),
    }),
    published: Published::Validation,
    moves: Moves::ById,
    restored: true,
};

static BY_ID: Lookup<AccessToken> = Lookup::by(c"access_tokens_pkey").remembered();

row! {
    /// A token that cleanup comes by.
    struct Aged in access_tokens {
        id: Id,
        expires_at: Timestamp,
        place: Place,
    }
}

static AGED: Lookup<Aged> = Lookup::by(c"access_tokens_pkey");

static SWEPT: Change<0> = Change::new(c"access_tokens", []);

/// Deletes those that have ended among `size` tokens behind the id `after`; None: only a statement may.
pub fn sweep(now: Timestamp, after: Option<Id>, size: i32) -> Result<Option<Batch>, Mistake> {
    let passed = |token: &Aged| Passed { id: token.id, place: token.place, ended: now >= token.expires_at };
    Batch::sweep(&AGED, &SWEPT, after, size, passed)
}

static INSERT: Append = Append::new(
    "access_tokens",
    &[c"id", c"grant_id", c"tenant_id", c"digest", c"expires_at", c"scope", c"resources", c"cnf"],
);

static REVOKE: Statement = Statement::write(
    c"UPDATE auth_store.access_tokens SET revoked_at = $2 WHERE id = $1 AND tenant_id = $3 AND revoked_at IS NULL",
);

/// The access token that is presented, if its secret is right; live or not.
pub fn find(snapshot: &Snapshot, presented: &Presented) -> Result<Option<AccessToken>, Mistake> {
    let found = BY_ID.find(snapshot, Key::Id(presented.id))?;
    Ok(found.filter(|token| token_text::digest_matches(&presented.digest, &token.digest)))
}

/// The same of each that is presented.
pub fn find_each(
    snapshot: &Snapshot,
    presented: &[Option<Presented>],
) -> Result<Vec<Option<AccessToken>>, Mistake> {
    let ids: Vec<_> = presented.iter().map(|one| one.as_ref().map(|one| one.id)).collect();
    let mut found = BY_ID.find_some(snapshot, &ids)?;
    for (token, presented) in found.iter_mut().zip(presented) {
        let right = |token: &AccessToken| {
            presented.as_ref().is_some_and(|one| token_text::digest_matches(&one.digest, &token.digest))
        };
        token.take_if(|token| !right(token));
    }
    Ok(found)
}

/// The access token with this id, live or not: for a token that was made of it, not for a request that presents it.
pub fn find_by_id(snapshot: &Snapshot, id: Id) -> Result<Option<AccessToken>, Mistake> {
    BY_ID.find(snapshot, Key::Id(id))
}

/// Ends one access token; false where it had ended before.
pub fn revoke(now: Timestamp, id: Id, tenant_id: &str) -> Result<bool, Mistake> {
    Ok(REVOKE.run(&params![id, now, tenant_id])? == 1)
}

/// Reads a text as an access token of either form; None where it cannot be one.
pub fn presented(text: Option<&str>) -> Option<Presented> {
    token_text::parse(Kind::AccessToken, text).or_else(|| jwt::presented(text?))
}

/// An access token that is to be made; `scope` and `resources` only where they are narrower than the grant's, `cnf`
/// where it differs from the grant's.
pub struct NewToken<'a> {
    pub grant_id: Id,
    pub expires_at: Timestamp,
    pub scope: Option<&'a str>,
    pub resources: Option<Vec<String>>,
    pub cnf: Option<Jsonb>,
}

/// Makes and stores an access token of this form, which says this if it is a JWT.
pub fn add(
    now: Timestamp,
    snapshot: &Snapshot,
    form: &Form,
    about: &About<'_>,
    new: NewToken<'_>,
) -> Result<Fresh, Mistake> {
    let NewToken { grant_id, expires_at, scope, resources, cnf } = new;
    let (id, text, digest) = match &form.jwt {
        None => {
            let token = token_text::mint(Kind::AccessToken, now, grant_id.bucket())?;
            (token.id, token.text, token.digest)
        }
        Some(Jwt { issuer, alg }) => {
            let id = Id::mint(now, grant_id.bucket())?;
            let text = jwt::access_token(now, snapshot, issuer, *alg, id, expires_at, about)?;
            let digest = token_text::digest(&text);
            (id, Zeroizing::new(text), digest)
        }
    };
    let tenant_id = about.client.tenant_id.as_str();
    INSERT.run(0, &params![id, grant_id, tenant_id, digest.as_slice(), expires_at, scope, resources, cnf])?;
    Ok(Fresh { text, expires_in: expires_at.seconds_after(now) })
}

/// Writes the audit row of a refused request and returns the answer.
pub fn refuse(now: Timestamp, event: &Event<'_>, refused: &Refused) -> Result<TokenResponse, Mistake> {
    trail::record(
        now,
        &Event { error: Some(refused.refusal.code), flags: refused.flags, details: None, ..*event },
    )?;
    Ok(TokenResponse::refused(&refused.refusal))
}

/// `DPoP` for a token bound to a key (RFC 9449 section 5), else `Bearer` (RFC 6750).
pub fn token_type(cnf: Option<&Jsonb>) -> &'static str {
    if cnf.is_some_and(|cnf| cnf.get("jkt").is_some()) { "DPoP" } else { "Bearer" }
}
