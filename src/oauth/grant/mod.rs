//! Grants: one row per login or consent, with the state of its refresh token family.
//!
//! Lock order everywhere: code, client, user, session, consent, and the grant before its children. Ending those
//! of a user is in `consent/grants.rs`.

mod gone;
pub mod grace;
pub mod login;
mod new;
pub mod of_user;
pub mod replaced;
pub mod retention;

use pgrx::prelude::*;

use crate::kernel::crypto::token_text::{self, Digest, RefreshToken};
use crate::kernel::outcome::{Mistake, OrRaise, given};
use crate::kernel::server::batch::{Batch, delete_ended};
use crate::kernel::server::change::Change;
use crate::kernel::server::hold::Place;
use crate::kernel::server::lookup::{Key, Lookup, Snapshot};
use crate::kernel::server::row::row;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::server::table::{By, Ended, Moves, OfUser, Published, Rows, Table, exported};
use crate::kernel::value::argument;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::kernel::value::inet::Inet;
use crate::kernel::value::jsonb::Jsonb;
use crate::oauth::client;
use crate::trail::{self, Context, Event};

pub use gone::Gone;
pub use new::{NewFamily, NewGrant, insert};

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn grant_revoke(
    grant_id: Option<pgrx::Uuid>,
    reason: default!(Option<&str>, "'revoked'"),
    user_id: default!(Option<pgrx::Uuid>, "NULL"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> bool {
    let now = clock::now();
    let context = Context { ip, user_agent };
    revoke_one(now, grant_id.map(Id::from), reason, user_id.map(Id::from), &context).or_raise()
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn client_grants_revoke(
    client_id: Option<&str>,
    reason: default!(Option<&str>, "'revoked'"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> i64 {
    let now = clock::now();
    let context = Context { ip, user_agent };
    given(client_id, "client_id")
        .and_then(|client_id| revoke_by_client(now, client_id, argument::reason(reason)?, Some(&context)))
        .or_raise()
}

row! {
    /// A grant with its refresh family.
    pub struct Grant in grants {
        pub id: Id,
        pub tenant_id: String,
        pub client_id: String,
        pub scope: String,
        pub user_id: Option<Id>,
        pub session_id: Option<Id>,
        pub expires_at: Timestamp,
        pub revoked_at: Option<Timestamp>,
        pub auth_time: Option<Timestamp>,
        pub resources: Option<Vec<String>>,
        pub acr: Option<String>,
        pub amr: Option<Vec<String>>,
        pub claims: Option<Jsonb>,
        pub cnf: Option<Jsonb>,
        pub network: Option<Inet>,
        /// RFC 9396
        pub authorization_details: Option<Jsonb>,
        /// OpenID Connect Core section 5.5
        pub claims_request: Option<Jsonb>,
        pub family: Option<Family>,
        /// Where a look-up has found it.
        place: Option<Place>,
    }
}

row! {
    /// The refresh state of a grant.
    pub struct Family {
        pub family_digest: Digest,
        pub current_digest: Digest,
        /// The replaced tokens, see `replaced.rs`.
        pub previous_digest: Option<Vec<u8>>,
        pub successor_sealed: Option<Vec<u8>>,
        pub rotated_at: Option<Timestamp>,
        pub rotation_count: i32,
        pub idle_expires_at: Timestamp,
    }
}

row! {
    /// What introspection needs of a grant.
    pub struct GrantState in grants {
        pub client_id: String,
        pub scope: String,
        pub user_id: Option<Id>,
        pub session_id: Option<Id>,
        pub expires_at: Timestamp,
        pub revoked_at: Option<Timestamp>,
        pub resources: Option<Vec<String>>,
        pub claims: Option<Jsonb>,
        pub cnf: Option<Jsonb>,
        pub subject_token_id: Option<Id>,
        pub authorization_details: Option<Jsonb>,
    }
}

/// The facts of the table `grants`. A family that is no longer used ends its grant, but not before its last access
/// token has ended.
pub static TABLE: Table = Table {
    name: "grants",
    key: &["id", "tenant_id"],
    ended: Some(Ended {
        statement: delete_ended!(
            "auth_store.grants",
            "LEAST(expires_at, revoked_at) <= $3 OR idle_expires_at <= $4"
        ),
        times: |now| Vec::from(params![retention::cutoff(now), idle_cutoff(now)]),
    }),
    of_tenant: Rows::Deleted(Statement::latest(
        c"WITH doomed AS (SELECT id FROM auth_store.grants WHERE tenant_id = $1 ORDER BY id FOR UPDATE)
          DELETE FROM auth_store.grants g USING doomed WHERE g.id = doomed.id",
    )),
    of_client: Rows::Deleted(Statement::latest(
        c"WITH doomed AS (SELECT id FROM auth_store.grants WHERE client_id = $1 ORDER BY id FOR UPDATE)
          DELETE FROM auth_store.grants g USING doomed WHERE g.id = doomed.id",
    )),
    of_user: Some(OfUser {
        by: By::User,
        erased: Some(Statement::latest(
            c"WITH doomed AS (SELECT id FROM auth_store.grants WHERE user_id = $1 ORDER BY id FOR UPDATE)
              DELETE FROM auth_store.grants g USING doomed WHERE g.id = doomed.id",
        )),
        exported: exported!(
            "grants",
            "user_id = $1",
            "id, expires_at, rotation_count, revoked_at, idle_expires_at, rotated_at, user_id, \
             session_id, subject_token_id, auth_time, tenant_id, client_id, scope, revoked_reason, \
             network, resources, acr, amr, claims, cnf, authorization_details, claims_request",
            withheld "family_digest, current_digest, previous_digest, successor_sealed"
        ),
    }),
    published: Published::Validation,
    moves: Moves::ById,
    restored: true,
};

static BY_ID: Lookup<Grant> = Lookup::by(c"grants_pkey");

static STATE_BY_ID: Lookup<GrantState> = Lookup::by(c"grants_pkey").remembered();

row! {
    /// A grant that cleanup comes by.
    struct Aged in grants {
        id: Id,
        expires_at: Timestamp,
        revoked_at: Option<Timestamp>,
        idle_expires_at: Option<Timestamp>,
    }
}

static AGED: Lookup<Aged> = Lookup::by(c"grants_pkey");

// The tenant is in every condition, so that the whole primary key is: the planner then expects one row, whatever the
// statistics say.

static LOCK_NO_KEY_UPDATE: Statement<Grant> = Statement::write(
    c"SELECT {columns} FROM auth_store.grants WHERE id = $1 AND tenant_id = $2 FOR NO KEY UPDATE",
);

/// The columns of a rotation.
static ROTATED: Change<7> = Change::new(
    c"grants",
    [
        c"previous_digest",
        c"current_digest",
        c"successor_sealed",
        c"rotated_at",
        c"rotation_count",
        c"idle_expires_at",
        c"network",
    ],
);

static ROTATE: Statement = Statement::write(
    c"UPDATE auth_store.grants
         SET previous_digest = $9, current_digest = $3, successor_sealed = $4, rotated_at = $5,
             rotation_count = $10, idle_expires_at = LEAST($6, expires_at), network = COALESCE($7, network)
       WHERE id = $1 AND tenant_id = $8 AND current_digest = $2 AND revoked_at IS NULL AND expires_at > $5
         AND idle_expires_at > $5",
);

// An imported grant has the other store's token as its family secret until it gets its own.
static ADOPT: Statement = Statement::write(
    c"UPDATE auth_store.grants
         SET family_digest = $3, previous_digest = $10, current_digest = $4, successor_sealed = $5,
             rotated_at = $6, rotation_count = $11, idle_expires_at = LEAST($7, expires_at),
             network = COALESCE($8, network)
       WHERE id = $1 AND tenant_id = $9 AND current_digest = $2 AND family_digest = $2 AND revoked_at IS NULL
         AND expires_at > $6 AND idle_expires_at > $6",
);

static KEEP: Statement = Statement::write(
    c"UPDATE auth_store.grants
         SET idle_expires_at = LEAST($4, expires_at), network = COALESCE($5, network)
       WHERE id = $1 AND tenant_id = $6 AND current_digest = $2 AND revoked_at IS NULL AND expires_at > $3
         AND idle_expires_at > $3",
);

static REVOKE: Statement = Statement::write(
    c"UPDATE auth_store.grants SET revoked_at = $2, revoked_reason = $3
       WHERE id = $1 AND tenant_id = $4 AND revoked_at IS NULL AND ($5 IS NULL OR user_id = $5)",
);

// The rows are locked in id order, as every statement that ends several grants does.
static ANY_OF_CLIENT: Statement<bool> =
    Statement::latest(c"SELECT EXISTS (SELECT FROM auth_store.grants WHERE client_id = $1)");

/// Whether the client has been granted anything that is still remembered.
pub fn any_of_client(client_id: &str) -> Result<bool, Mistake> {
    Ok(ANY_OF_CLIENT.one(&params![client_id])? == Some(true))
}

static REVOKE_BY_CLIENT: Statement = Statement::write(
    c"WITH live AS (SELECT id, tenant_id FROM auth_store.grants
                     WHERE client_id = $1 AND revoked_at IS NULL AND expires_at > $2
                     ORDER BY id FOR NO KEY UPDATE)
      UPDATE auth_store.grants g SET revoked_at = $2, revoked_reason = $3
        FROM live WHERE g.id = live.id AND g.tenant_id = live.tenant_id AND g.revoked_at IS NULL",
);

/// The grant with this id, live or not.
pub fn find(snapshot: &Snapshot, id: Id) -> Result<Option<Grant>, Mistake> {
    BY_ID.find(snapshot, Key::Id(id))
}

/// What introspection needs of the grant with this id.
pub fn find_state(snapshot: &Snapshot, id: Id) -> Result<Option<GrantState>, Mistake> {
    STATE_BY_ID.find(snapshot, Key::Id(id))
}

/// Of a family that was last used so long ago no access token lives.
fn idle_cutoff(now: Timestamp) -> Timestamp {
    retention::cutoff(now).min(now.plus_seconds(-MAX_ACCESS_TOKEN_TTL))
}

/// A batch of cleanup in which no grant has to go; None: the statement of [`TABLE`] has to look.
pub fn live_batch(now: Timestamp, after: Option<Id>, size: i32) -> Result<Option<Batch>, Mistake> {
    let (cutoff, idle) = (retention::cutoff(now), idle_cutoff(now));
    let by = |end: Option<Timestamp>, cutoff| end.is_some_and(|end| end <= cutoff);
    let ended = |grant: &Aged| {
        grant.expires_at <= cutoff || by(grant.revoked_at, cutoff) || by(grant.idle_expires_at, idle)
    };
    Batch::of_live(&AGED, after, size, ended, |grant| grant.id)
}

/// The same of each of these grants.
pub fn find_states(snapshot: &Snapshot, ids: &[Option<Id>]) -> Result<Vec<Option<GrantState>>, Mistake> {
    STATE_BY_ID.find_some(snapshot, ids)
}

/// The grant with this id, its row locked to the end of the transaction.
pub fn lock_no_key_update(id: Id, tenant_id: &str) -> Result<Option<Grant>, Mistake> {
    // A statement does not say where it has found it.
    Ok(LOCK_NO_KEY_UPDATE.one(&params![id, tenant_id])?.map(|grant| Grant { place: None, ..grant }))
}

/// What a rotation changes in a family beside its tokens.
pub struct Rotation<'a> {
    /// The replaced tokens, the presented one first.
    pub replaced: &'a [u8],
    /// The successor's secret.
    pub sealed: &'a [u8],
    /// The successor's number in the family.
    pub number: i32,
    pub idle_expires_at: Timestamp,
    pub network: Option<Inet>,
}

/// Replaces the current refresh token by its successor in one step, unless another call was first or the family has
/// ended: what was found current and live is changed if it is still what was found, else the statement decides.
pub fn rotate(
    now: Timestamp,
    grant: &Grant,
    family: &Family,
    current: &Digest,
    next: &Digest,
    rotation: Rotation<'_>,
) -> Result<bool, Mistake> {
    let row = params![
        rotation.replaced,
        next.as_slice(),
        rotation.sealed,
        now,
        rotation.number,
        rotation.idle_expires_at.min(grant.expires_at),
        rotation.network.clone().or_else(|| grant.network.clone()),
    ];
    if family.current_digest == *current && ROTATED.set(grant.place, &row)? {
        return Ok(true);
    }
    let rows = ROTATE.run(&params![
        grant.id,
        current.as_slice(),
        next.as_slice(),
        rotation.sealed,
        now,
        rotation.idle_expires_at,
        rotation.network,
        grant.tenant_id.as_str(),
        rotation.replaced,
        rotation.number,
    ])?;
    Ok(rows == 1)
}

/// Replaces the token of another store by the family's first own one, on the same conditions.
pub fn adopt(
    now: Timestamp,
    grant: &Grant,
    imported: &Digest,
    next: &RefreshToken,
    rotation: Rotation<'_>,
) -> Result<bool, Mistake> {
    let rows = ADOPT.run(&params![
        grant.id,
        imported.as_slice(),
        next.family_digest().as_slice(),
        token_text::digest(&next.text()).as_slice(),
        rotation.sealed,
        now,
        rotation.idle_expires_at,
        rotation.network,
        grant.tenant_id.as_str(),
        rotation.replaced,
        rotation.number,
    ])?;
    Ok(rows == 1)
}

/// Extends a family whose client keeps its refresh token.
pub fn keep(
    grant: &Grant,
    current: &Digest,
    now: Timestamp,
    idle_expires_at: Timestamp,
    network: Option<Inet>,
) -> Result<bool, Mistake> {
    let tenant_id = grant.tenant_id.as_str();
    let rows = KEEP.run(&params![grant.id, current.as_slice(), now, idle_expires_at, network, tenant_id])?;
    Ok(rows == 1)
}

/// Ends a grant with all its tokens; false if it had ended before.
pub fn revoke(now: Timestamp, id: Id, tenant_id: &str, reason: &str) -> Result<bool, Mistake> {
    revoke_of(now, id, tenant_id, reason, None)
}

/// The same, of this user where one is named.
fn revoke_of(
    now: Timestamp,
    id: Id,
    tenant_id: &str,
    reason: &str,
    user_id: Option<Id>,
) -> Result<bool, Mistake> {
    Ok(REVOKE.run(&params![id, now, reason, tenant_id, user_id])? == 1)
}

/// Ends the live grants of a client; returns how many.
pub fn revoke_by_client(
    now: Timestamp,
    client_id: &str,
    reason: &str,
    context: Option<&Context<'_>>,
) -> Result<i64, Mistake> {
    let snapshot = Snapshot::writing()?;
    let client = client::find(&snapshot, client_id)?.ok_or(client::UNKNOWN)?;
    let count = REVOKE_BY_CLIENT.run(&params![client_id, now, reason])?;
    trail::record(
        now,
        &Event {
            event: "grants.revoked",
            tenant_id: &client.tenant_id,
            client_id: Some(client_id),
            context,
            details: Some(serde_json::json!({ "count": count, "reason": reason })),
            ..Event::default()
        },
    )?;
    Ok(i64::try_from(count).unwrap_or(i64::MAX))
}

static REVOKE_BEFORE: Statement = Statement::latest(
    c"WITH live AS (SELECT id, tenant_id FROM auth_store.grants
                     WHERE id < $1 AND revoked_at IS NULL AND expires_at > $2
                     ORDER BY id FOR NO KEY UPDATE)
      UPDATE auth_store.grants g SET revoked_at = $2, revoked_reason = $3
        FROM live WHERE g.id = live.id AND g.tenant_id = live.tenant_id AND g.revoked_at IS NULL",
);

/// Ends the live grants with an id before this one; returns how many.
pub fn end_before(now: Timestamp, before: Id, reason: &str) -> Result<u64, Mistake> {
    REVOKE_BEFORE.run(&params![before, now, reason])
}

/// `of_user`: the user whose it must be. Another owner's is answered as unknown, without waiting for its lock.
fn revoke_one(
    now: Timestamp,
    id: Option<Id>,
    reason: Option<&str>,
    of_user: Option<Id>,
    context: &Context<'_>,
) -> Result<bool, Mistake> {
    let id = given(id, "grant_id")?;
    let reason = argument::reason(reason)?;
    let snapshot = Snapshot::writing()?;
    let grant = find(&snapshot, id)?
        .filter(|grant| argument::is_of(grant.user_id, of_user))
        .ok_or(Mistake::Unknown { what: "grant", argument: "grant_id" })?;
    let ended = revoke_of(now, id, &grant.tenant_id, reason, of_user)?;
    if ended {
        record_revocation(now, &grant, reason, Some(context))?;
    }
    Ok(ended)
}

/// The audit row of one grant's end.
pub fn record_revocation(
    now: Timestamp,
    grant: &Grant,
    reason: &str,
    context: Option<&Context<'_>>,
) -> Result<Id, Mistake> {
    trail::record(
        now,
        &Event {
            event: "grant.revoked",
            tenant_id: &grant.tenant_id,
            client_id: Some(&grant.client_id),
            user_id: grant.user_id,
            grant_id: Some(grant.id),
            session_id: grant.session_id,
            context,
            details: Some(serde_json::json!({ "reason": reason })),
            ..Event::default()
        },
    )
}

/// Seconds in a day: no client's access tokens live longer.
const MAX_ACCESS_TOKEN_TTL: i64 = 86_400;
