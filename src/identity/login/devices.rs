//! The devices that a user has logged in with: browsers with a token of their own in a cookie, or a network with a user
//! agent where the application keeps no token.
//!
//! Lock order: the user, whom the caller holds, then the devices.

use crate::kernel::crypto::token_text::{self, Kind, Minted};
use crate::kernel::outcome::Mistake;
use crate::kernel::server::batch::delete_ended;
use crate::kernel::server::lookup::{Key, Lookup, Snapshot};
use crate::kernel::server::row::row;
use crate::kernel::server::settings::Setting;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::server::table::{By, Ended, Moves, OfUser, Published, Rows, Table, delete_by, exported};
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::id::Id;
use crate::kernel::value::inet::Inet;
use crate::trail::{self, Context};

/// How long a device is known that nobody logs in with.
pub static RETENTION: Setting<i32> = Setting::seconds(
    c"auth_store.device_retention",
    180 * 86_400,
    3600..=3650 * 86_400,
    c"How long a device is known after the last log-in with it.",
    c"A known device is not locked out by others' failures, and no log-in with it is one of a new device.",
);

/// How many devices of one user are known; a further one takes the place of the one that was not seen for longest.
const MAX_PER_USER: usize = 50;

/// The facts of the table `devices`.
pub static TABLE: Table = Table {
    name: "devices",
    key: &["id", "tenant_id"],
    ended: Some(Ended {
        statement: delete_ended!("auth_store.devices", "last_seen_at <= $3"),
        times: |now| Vec::from(params![now.plus_seconds(-RETENTION.in_seconds())]),
    }),
    of_tenant: Rows::Deleted(delete_by!(latest "devices", "tenant_id")),
    of_client: Rows::None,
    of_user: Some(OfUser {
        by: By::User,
        erased: Some(delete_by!(latest "devices", "user_id")),
        exported: exported!(
            "devices",
            "user_id = $1",
            "id, user_id, first_seen_at, last_seen_at, trusted_until, tenant_id, ip, user_agent",
            withheld "digest"
        ),
    }),
    published: Published::TakeOver,
    moves: Moves::ById,
    restored: true,
};

row! {
    /// A device whose token is shown.
    pub struct Device in devices {
        pub id: Id,
        user_id: Id,
        last_seen_at: Timestamp,
        /// Until when it needs no second factor.
        pub trusted_until: Option<Timestamp>,
        digest: Option<Vec<u8>>,
    }
}

static BY_ID: Lookup<Device> = Lookup::by(c"devices_pkey");

/// The device of this token, if it is one of the user's. The look-up is the same where nobody has the name.
pub fn known(
    now: Timestamp,
    snapshot: &Snapshot,
    token: Option<&str>,
    user_id: Option<Id>,
) -> Result<Option<Device>, Mistake> {
    let Some(presented) = token_text::parse(Kind::Device, token) else { return Ok(None) };
    let device = BY_ID.find(snapshot, Key::Id(presented.id))?;
    let known = |device: &Device| {
        device.digest.as_deref().is_some_and(|digest| token_text::digest_matches(&presented.digest, digest))
            && Some(device.user_id) == user_id
            && device.last_seen_at > now.plus_seconds(-RETENTION.in_seconds())
    };
    Ok(device.filter(known))
}

/// What a log-in was noted as.
pub struct Seen {
    /// Until when the device needs no second factor, as it is once it is noted.
    pub trusted_until: Option<Timestamp>,
    /// The device; None if the user has another one of the same network and user agent, and this one got no token.
    pub id: Option<Id>,
    /// Its new token.
    pub token: Option<Minted>,
    /// Whether the user never logged in from the network with the user agent, and showed no token.
    pub new: bool,
    /// Whether it is the only one.
    pub first: bool,
}

row! {
    struct Other {
        id: Id,
        has_token: bool,
        ip: Option<Inet>,
        user_agent: Option<String>,
    }
}

// The one that was not seen for longest comes last.
static OF_USER: Statement<Other> = Statement::write(
    c"SELECT id, digest IS NOT NULL AS has_token, ip, user_agent FROM auth_store.devices
       WHERE user_id = $1 AND tenant_id = $2 AND last_seen_at > $3 ORDER BY last_seen_at DESC, id DESC",
);

static TOUCH: Statement<Option<Timestamp>> = Statement::write(
    c"UPDATE auth_store.devices SET last_seen_at = $3, ip = $4, user_agent = $5 WHERE id = $1 AND tenant_id = $2
      RETURNING trusted_until",
);

static INSERT: Statement = Statement::write(
    c"INSERT INTO auth_store.devices (id, user_id, first_seen_at, last_seen_at, tenant_id, digest, ip, user_agent)
      VALUES ($1, $2, $3, $3, $4, $5, $6, $7)",
);

static DELETE: Statement = Statement::write(
    c"DELETE FROM auth_store.devices WHERE id = ANY ($1) AND tenant_id = $2 AND user_id = $3",
);

/// Notes a log-in of a user whom the caller holds; `remember` gives a device that is not known a token. A device that
/// was forgotten since it was found is not known.
pub fn see(
    now: Timestamp,
    user_id: Id,
    tenant_id: &str,
    known: Option<&Device>,
    remember: bool,
    context: &Context<'_>,
) -> Result<Seen, Mistake> {
    let user_agent = context.user_agent.map(trail::cut_user_agent);
    let touch = |id: Id| TOUCH.one(&params![id, tenant_id, now, context.ip.clone(), user_agent]);
    if let Some(device) = known
        && let Some(trusted_until) = touch(device.id)?
    {
        return Ok(Seen { trusted_until, id: Some(device.id), token: None, new: false, first: false });
    }
    let since = now.plus_seconds(-RETENTION.in_seconds());
    let others = OF_USER.all(&params![user_id, tenant_id, since])?;
    let home = |ip: Option<&Inet>| ip.and_then(Inet::home_name);
    let here = home(context.ip.as_ref());
    let mut alike = others
        .iter()
        .filter(|other| home(other.ip.as_ref()) == here && other.user_agent.as_deref() == user_agent)
        .peekable();
    let (new, first) = (alike.peek().is_none(), others.is_empty());
    if !new && !remember {
        let id = alike.find(|other| !other.has_token).map(|other| other.id);
        id.map(touch).transpose()?;
        return Ok(Seen { trusted_until: None, id, token: None, new, first });
    }
    let too_many: Vec<_> = others.iter().skip(MAX_PER_USER - 1).map(|other| other.id).collect();
    if !too_many.is_empty() {
        DELETE.run(&params![too_many, tenant_id, user_id])?;
    }
    let token = if remember { Some(token_text::mint(Kind::Device, now, user_id.bucket())?) } else { None };
    let id = match &token {
        Some(token) => token.id,
        None => Id::mint(now, user_id.bucket())?,
    };
    let digest = token.as_ref().map(|token| token.digest.as_slice());
    INSERT.exactly_one(&params![id, user_id, now, tenant_id, digest, context.ip.clone(), user_agent])?;
    Ok(Seen { trusted_until: None, id: Some(id), token, new, first })
}

static TRUST: Statement = Statement::write(
    c"UPDATE auth_store.devices SET trusted_until = $4
       WHERE id = $1 AND tenant_id = $2 AND user_id = $3 AND digest IS NOT NULL",
);

/// Trusts a device of a user until a time; false where the user has no such device with a token.
pub fn trust(id: Id, user_id: Id, tenant_id: &str, until: Timestamp) -> Result<bool, Mistake> {
    Ok(TRUST.run(&params![id, tenant_id, user_id, until])? == 1)
}

static DISTRUST: Statement = Statement::latest(
    c"UPDATE auth_store.devices SET trusted_until = NULL
       WHERE user_id = $1 AND tenant_id = $2 AND trusted_until IS NOT NULL",
);

/// Trusts no device of a user any more: after the removal of a second factor.
pub fn distrust(user_id: Id, tenant_id: &str) -> Result<u64, Mistake> {
    DISTRUST.run(&params![user_id, tenant_id])
}

static FORGET: Statement =
    Statement::latest(c"DELETE FROM auth_store.devices WHERE user_id = $1 AND tenant_id = $2");

/// Knows no device of a user any more: after a reset of the password.
pub fn forget(user_id: Id, tenant_id: &str) -> Result<u64, Mistake> {
    FORGET.run(&params![user_id, tenant_id])
}

static DELETE_ONE: Statement =
    Statement::write(c"DELETE FROM auth_store.devices WHERE id = $1 AND tenant_id = $2 AND user_id = $3");

/// Knows a device of a user no more; false where the user has no such device.
pub fn forget_one(id: Id, user_id: Id, tenant_id: &str) -> Result<bool, Mistake> {
    Ok(DELETE_ONE.run(&params![id, tenant_id, user_id])? == 1)
}
