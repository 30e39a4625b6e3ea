//! Device codes (RFC 8628): the table, its one-time steps, and its polls. A row is the whole state of a device's
//! log-in: asked for, polled, approved or denied, redeemed.

pub mod authorize;
pub mod decide;
pub mod guesses;
pub mod hand_over;
pub mod redeem;
pub mod user_code;

use crate::kernel::crypto::token_text::{self, Digest, Minted, Presented};
use crate::kernel::outcome::Mistake;
use crate::kernel::server::batch::delete_ended;
use crate::kernel::server::lookup::{Key, Lookup, Snapshot};
use crate::kernel::server::row::row;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::server::table::{By, Ended, Moves, OfUser, Published, Rows, Table, delete_by, exported};
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::id::Id;
use crate::kernel::value::jsonb::Jsonb;
use crate::oauth::client::Client;
use crate::oauth::token::once::{REPLAY_WATCH, Redemption};
/// The grant type (RFC 8628 section 3.4).
pub const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:device_code";

row! {
    /// A device code's row.
    pub struct DeviceCode in device_codes {
        digest: Digest,
        pub id: Id,
        pub tenant_id: String,
        pub client_id: String,
        pub expires_at: Timestamp,
        pub approved_at: Option<Timestamp>,
        pub denied_at: Option<Timestamp>,
        pub redeemed_at: Option<Timestamp>,
        pub grant_id: Option<Id>,
        pub user_id: Option<Id>,
        pub session_id: Option<Id>,
        /// Asked for; once approved, granted.
        pub scope: String,
        pub resources: Option<Vec<String>>,
        pub auth_time: Option<Timestamp>,
        pub acr: Option<String>,
        pub amr: Option<Vec<String>>,
        pub claims: Option<Jsonb>,
    }
}

/// What a device asks for.
pub struct NewDeviceCode<'a> {
    pub tenant_id: &'a str,
    pub client_id: &'a str,
    pub user_code: Digest,
    pub expires_at: Timestamp,
    /// Seconds between polls.
    pub interval: i32,
    pub scope: &'a str,
    pub resources: Option<Vec<String>>,
}

/// What the user agreed to, and the log-in it came with.
pub struct Approval<'a> {
    pub user_id: Id,
    pub session_id: Option<Id>,
    pub scope: &'a str,
    pub auth_time: Option<Timestamp>,
    pub acr: Option<&'a str>,
    pub amr: Option<Vec<String>>,
    pub claims: Option<Jsonb>,
}

row! {
    /// The answer to a poll of a pending request.
    pub struct Poll {
        /// Seconds to the next one.
        pub poll_interval: i32,
        /// True if this poll came too early; the interval is then the longer one.
        pub too_early: bool,
    }
}

/// The facts of the table `device_codes`.
pub static TABLE: Table = Table {
    name: "device_codes",
    key: &["id", "tenant_id"],
    ended: Some(Ended {
        statement: delete_ended!(
            "auth_store.device_codes",
            "expires_at <= CASE WHEN redeemed_at IS NULL THEN $3 ELSE $4 END"
        ),
        times: |now| {
            Vec::from(params![now.plus_seconds(-TOLD_AFTER_EXPIRY), now.plus_seconds(-REPLAY_WATCH)])
        },
    }),
    of_tenant: Rows::Deleted(delete_by!("device_codes", "tenant_id")),
    of_client: Rows::Deleted(delete_by!("device_codes", "client_id")),
    of_user: Some(OfUser {
        by: By::User,
        erased: Some(delete_by!(latest "device_codes", "user_id")),
        exported: exported!(
            "device_codes",
            "user_id = $1",
            "id, last_polled_at, slowed_at, poll_interval, expires_at, approved_at, denied_at, \
             redeemed_at, grant_id, user_id, session_id, auth_time, tenant_id, client_id, scope, \
             resources, acr, amr, claims",
            withheld "digest, user_code_digest"
        ),
    }),
    published: Published::TakeOver,
    moves: Moves::ById,
    restored: true,
};

static BY_ID: Lookup<DeviceCode> = Lookup::by(c"device_codes_pkey");
static BY_USER_CODE: Lookup<DeviceCode> = Lookup::by(c"device_codes_user_code_key");

static INSERT: Statement = Statement::write(
    c"INSERT INTO auth_store.device_codes (id, expires_at, poll_interval, tenant_id, client_id, digest,
             user_code_digest, scope, resources)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
      ON CONFLICT (user_code_digest) DO NOTHING",
);

// A poll that waited for another poll finds that poll's row. Its own clock may be behind: then it came too early, and
// must not move the time of the last poll back.
//
// A tenth of the interval is leeway: a device's timer and the network are not exact, and without leeway a device that
// is a few milliseconds early would be told to slow down at each poll. The interval grows as long as two more polls fit
// into what is left of the code's life, up to a minute, the longest interval that auth_store.device_poll_interval can
// start with: a slower device would find the code expired, or keep its user waiting for long.
static POLL: Statement<Poll> = Statement::write(
    c"UPDATE auth_store.device_codes
         SET last_polled_at = GREATEST(last_polled_at, $2),
             poll_interval = CASE WHEN last_polled_at + poll_interval * interval '0.9 seconds' > $2
                                  THEN LEAST(poll_interval + 5,
                                             GREATEST(poll_interval,
                                                      LEAST(60, EXTRACT(epoch FROM expires_at - $2)::integer / 2)))
                                  ELSE poll_interval END,
             slowed_at = CASE WHEN last_polled_at + poll_interval * interval '0.9 seconds' > $2
                              THEN $2 ELSE slowed_at END
       WHERE id = $1 AND tenant_id = $3 AND approved_at IS NULL AND denied_at IS NULL AND expires_at > $2
      RETURNING poll_interval, COALESCE(slowed_at = $2, false) AS too_early",
);

/// A one-time step: the call whose UPDATE finds the request undecided has decided it.
static APPROVE: Statement = Statement::write(
    c"UPDATE auth_store.device_codes
         SET approved_at = $2, user_id = $4, session_id = $5, scope = $6, auth_time = $7, acr = $8, amr = $9,
             claims = $10
       WHERE id = $1 AND tenant_id = $3 AND approved_at IS NULL AND denied_at IS NULL AND expires_at > $2",
);

static DENY: Statement = Statement::write(
    c"UPDATE auth_store.device_codes SET denied_at = $2
       WHERE id = $1 AND tenant_id = $3 AND approved_at IS NULL AND denied_at IS NULL AND expires_at > $2",
);

/// The last one-time step: the call whose UPDATE finds the code unredeemed has redeemed it.
static REDEEM: Statement = Statement::write(
    c"UPDATE auth_store.device_codes SET redeemed_at = $2, grant_id = $4
       WHERE id = $1 AND tenant_id = $3 AND approved_at IS NOT NULL AND redeemed_at IS NULL AND expires_at > $2",
);

static REDEMPTION_ENDED: Statement = Statement::write(
    c"UPDATE auth_store.device_codes SET redeemed_at = $2
       WHERE id = $1 AND tenant_id = $3 AND grant_id = $4",
);

/// Stores a request; false if another request of the tenant has the user code.
pub fn insert(code: &Minted, new: NewDeviceCode<'_>) -> Result<bool, Mistake> {
    let rows = INSERT.run(&params![
        code.id,
        new.expires_at,
        new.interval,
        new.tenant_id,
        new.client_id,
        code.digest.as_slice(),
        new.user_code.as_slice(),
        new.scope,
        new.resources,
    ])?;
    Ok(rows == 1)
}

/// The device code that is presented, if its secret is right.
pub fn find(snapshot: &Snapshot, presented: &Presented) -> Result<Option<DeviceCode>, Mistake> {
    let found = BY_ID.find(snapshot, Key::Id(presented.id))?;
    Ok(found.filter(|code| token_text::digest_matches(&presented.digest, &code.digest)))
}

/// The request with this user code, of any state.
pub fn find_by_user_code(snapshot: &Snapshot, user_code: &Digest) -> Result<Option<DeviceCode>, Mistake> {
    BY_USER_CODE.find(snapshot, Key::Bytes(user_code))
}

/// Notes a poll of a pending request; None if the request is decided or has expired by now.
pub fn poll(now: Timestamp, code: &DeviceCode) -> Result<Option<Poll>, Mistake> {
    POLL.one(&params![code.id, now, code.tenant_id.as_str()])
}

/// The user agrees; false where the request was decided or expired in between.
pub fn approve(now: Timestamp, code: &DeviceCode, approval: Approval<'_>) -> Result<bool, Mistake> {
    let rows = APPROVE.run(&params![
        code.id,
        now,
        code.tenant_id.as_str(),
        approval.user_id,
        approval.session_id,
        approval.scope,
        approval.auth_time,
        approval.acr,
        approval.amr,
        approval.claims,
    ])?;
    Ok(rows == 1)
}

/// The user refuses; false where the request was decided or expired in between.
pub fn deny(now: Timestamp, code: &DeviceCode) -> Result<bool, Mistake> {
    Ok(DENY.run(&params![code.id, now, code.tenant_id.as_str()])? == 1)
}

/// The last step; false where the code was redeemed or expired in between.
pub fn mark_redeemed(now: Timestamp, code: &DeviceCode, grant_id: Id) -> Result<bool, Mistake> {
    let tenant_id = code.tenant_id.as_str();
    let redeemed = REDEEM.run(&params![code.id, now, tenant_id, grant_id])? == 1;
    if redeemed {
        Redemption { ended: &REDEMPTION_ENDED, code_id: code.id, tenant_id: tenant_id.to_owned(), grant_id }
            .note_end(now);
    }
    Ok(redeemed)
}

/// Marks an approved code as handed over to the shard of its user, where this is to be the grant; returns the grant of
/// whoever was first. None where the code has expired or is gone.
pub fn hand_over(now: Timestamp, code: &DeviceCode, grant_id: Id) -> Result<Option<Id>, Mistake> {
    let tenant_id = code.tenant_id.as_str();
    if REDEEM.run(&params![code.id, now, tenant_id, grant_id])? == 1 {
        return Ok(Some(grant_id));
    }
    let found = BY_ID.find(&Snapshot::latest(), Key::Id(code.id))?;
    Ok(found.filter(|code| code.redeemed_at.is_some()).and_then(|code| code.grant_id))
}

static FORGET_GRANT: Statement = Statement::write(
    c"UPDATE auth_store.device_codes SET grant_id = NULL
       WHERE id = $1 AND tenant_id = $2 AND redeemed_at IS NOT NULL",
);

/// A redeemed code was presented again too late: [`hand_over`] does not give its grant any more.
pub fn forget_grant(code: &DeviceCode) -> Result<(), Mistake> {
    FORGET_GRANT.run(&params![code.id, code.tenant_id.as_str()]).map(|_| ())
}

/// A device code of another shard that this one makes the grant of.
pub struct Accepted<'a> {
    pub device_id: Id,
    pub grant_id: Id,
    pub user_id: Id,
    pub client: &'a Client,
}

impl Accepted<'_> {
    fn digest(&self) -> Digest {
        token_text::digest(&format!("accepted {} {}", self.client.tenant_id, self.device_id))
    }

    /// Whether this row, which has the grant's id, says that the code was accepted for this user and client.
    pub fn is_noted_in(&self, row: &DeviceCode) -> bool {
        row.digest == self.digest() && row.user_id == Some(self.user_id) && row.client_id == self.client.id
    }
}

/// What is noted of an accepted code, by the grant that was made of it.
pub fn noted(grant_id: Id) -> Result<Option<DeviceCode>, Mistake> {
    BY_ID.find(&Snapshot::latest(), Key::Id(grant_id))
}

// The row is the grant's and has its id, so that it lives where the user does and moves along. The digests say which
// code it was, so that one code gives one grant; nobody can present what has them.
static ACCEPT: Statement = Statement::latest(
    c"INSERT INTO auth_store.device_codes (id, poll_interval, expires_at, approved_at, redeemed_at, grant_id,
             user_id, tenant_id, client_id, digest, user_code_digest, scope)
      VALUES ($1, 0, $2, $3, $3, $1, $4, $5, $6, $7, $7, $8)
      ON CONFLICT (user_code_digest) DO NOTHING",
);

static TAKE_BACK: Statement = Statement::latest(
    c"DELETE FROM auth_store.device_codes WHERE id = $1 AND tenant_id = $2 AND grant_id = $1",
);

/// Notes that the grant of a code is being made; false where the code is known here for another one. The caller has
/// locked the grant's id, and seen that nothing else is [`noted`] for it.
pub fn accept(
    now: Timestamp,
    code: &Accepted<'_>,
    scope: &str,
    expires_at: Timestamp,
) -> Result<bool, Mistake> {
    let tenant_id = code.client.tenant_id.as_str();
    let accepted = ACCEPT.run(&params![
        code.grant_id,
        expires_at,
        now,
        code.user_id,
        tenant_id,
        code.client.id.as_str(),
        code.digest().as_slice(),
        scope,
    ])? == 1;
    if accepted {
        let (code_id, grant_id) = (code.grant_id, code.grant_id);
        Redemption { ended: &REDEMPTION_ENDED, code_id, tenant_id: tenant_id.to_owned(), grant_id }
            .note_end(now);
    }
    Ok(accepted)
}

/// Takes back what [`accept`] noted: no grant was made, so the code may be accepted again.
pub fn take_back(code: &Accepted<'_>) -> Result<(), Mistake> {
    TAKE_BACK.run(&params![code.grant_id, code.client.tenant_id.as_str()]).map(|_| ())
}

// As for authorization codes: no index finds the requests of a user, and no request with an id before $1 is alive.
static WITHDRAW: Statement = Statement::latest(
    c"WITH open AS (SELECT id, tenant_id FROM auth_store.device_codes
                     WHERE id > $1 AND user_id = $2 AND ($3 IS NULL OR client_id = $3) AND redeemed_at IS NULL
                     ORDER BY id FOR UPDATE)
      DELETE FROM auth_store.device_codes d USING open WHERE d.id = open.id AND d.tenant_id = open.tenant_id",
);

/// Seconds: no device code lives longer, whatever auth_store.device_code_ttl says.
pub const MAX_TTL: i64 = 3600;

/// Deletes the requests that a user has approved and no device has redeemed, of one client or of all, and waits for
/// redemptions that are under way. Returns how many it deleted.
pub fn withdraw(now: Timestamp, user_id: Id, client_id: Option<&str>) -> Result<u64, Mistake> {
    WITHDRAW.run(&params![Id::lower_bound(now.plus_seconds(-MAX_TTL)), user_id, client_id])
}

static END_BEFORE: Statement = Statement::latest(
    c"WITH open AS (SELECT id, tenant_id FROM auth_store.device_codes
                     WHERE id < $1 AND redeemed_at IS NULL ORDER BY id FOR UPDATE)
      DELETE FROM auth_store.device_codes d USING open WHERE d.id = open.id AND d.tenant_id = open.tenant_id",
);

/// Deletes the requests that were not redeemed with an id before this one; returns how many.
pub fn end_before(before: Id) -> Result<u64, Mistake> {
    END_BEFORE.run(&params![before])
}

/// Seconds in an hour.
const TOLD_AFTER_EXPIRY: i64 = 3600;

static ANY_OF_CLIENT: Statement<bool> =
    Statement::latest(c"SELECT EXISTS (SELECT FROM auth_store.device_codes WHERE client_id = $1)");

/// Whether the client has a device code.
pub fn any_of_client(client_id: &str) -> Result<bool, Mistake> {
    Ok(ANY_OF_CLIENT.one(&params![client_id])? == Some(true))
}
