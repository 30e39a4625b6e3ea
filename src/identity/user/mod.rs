//! End users: resource owners (RFC 6749 section 1.1).

pub mod anonymous;
pub mod create;
pub mod elsewhere;
pub mod list;
pub mod name;
pub mod names;
pub mod unnamed;
pub mod update;
pub mod verified;

use pgrx::iter::SetOfIterator;
use pgrx::prelude::*;

use crate::identity::tenant::Status;
use crate::kernel::outcome::{Mistake, OrRaise, given};
use crate::kernel::server::append::Referred;
use crate::kernel::server::composite::composite;
use crate::kernel::server::hold::{Hold, Place};
use crate::kernel::server::lookup::{Key, Lookup, Snapshot};
use crate::kernel::server::row::row;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::server::table::{By, Moves, OfUser, Published, Rows, Table, delete_by, exported};
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::id::Id;
use crate::kernel::value::jsonb::Jsonb;

row! {
    /// What is shown of a user beside its id.
    pub struct Profile in users {
        tenant_id: Option<String>,
        status: Option<String>,
        status_reason: Option<String>,
        email: Option<String>,
        email_verified: Option<bool>,
        external_id: Option<String>,
        first_name: Option<String>,
        last_name: Option<String>,
        metadata: Option<Jsonb>,
        created_at: Option<Timestamp>,
        updated_at: Option<Timestamp>,
        status_changed_at: Option<Timestamp>,
    }
    returned
}

composite! {
    /// What user_get() returns: everything but credentials.
    pub struct UserProfile = "auth_store.user_profile" {
        pub user_id: Option<Id>,
        pub profile: Profile,
    }
}

#[pg_extern(stable, parallel_safe)]
fn user_get(user_id: Option<pgrx::Uuid>) -> SetOfIterator<'static, UserProfile> {
    let id = given(user_id, "user_id").or_raise().into();
    SetOfIterator::new(profile(&Snapshot::reading(), id).or_raise())
}

row! {
    /// What other domains need to know of a user.
    pub struct User in users {
        /// The tenant.
        pub tenant_id: String,
        status: Status,
        place: Option<Place>,
    }
}

impl User {
    /// Where it was found, for [`lock_key_share`] and [`lock_for_login`]; None if it is a user of another tenant.
    pub fn place_in(&self, tenant_id: &str) -> Option<Place> {
        self.place.filter(|_| self.tenant_id == tenant_id)
    }

    /// Whether the user may be given tokens.
    pub fn is_active(&self) -> bool {
        self.status == Status::Active
    }
}

/// What a user's status can be.
const STATUSES: [&str; 4] = ["active", "inactive", "suspended", "deleted"];

/// A status that is an argument.
pub fn check_status(status: &str) -> Result<(), Mistake> {
    if STATUSES.contains(&status) { Ok(()) } else { Err(Mistake::one_of("status", &STATUSES)) }
}

/// No user has the id that the argument says.
pub const UNKNOWN: Mistake = Mistake::Unknown { what: "user", argument: "user_id" };

/// What a row that refers to a user refers to, see [`lock_key_share`].
pub const REFERRED: Referred = Referred { table: c"users", key: [c"id", c"tenant_id"] };

/// The facts of the table `users`.
pub static TABLE: Table = Table {
    name: "users",
    key: &["id", "tenant_id"],
    ended: None,
    of_tenant: Rows::Deleted(delete_by!(latest "users", "tenant_id")),
    of_client: Rows::None,
    of_user: Some(OfUser {
        by: By::User,
        erased: Some(Statement::latest(c"DELETE FROM auth_store.users WHERE id = $1")),
        exported: exported!(
            "users",
            "id = $1",
            "id, email_verified, tenant_id, status, email, external_id, first_name, last_name, \
             status_reason, metadata, created_at, updated_at, email_unnamed, status_changed_at, \
             locked_until, lock_reason, anonymous",
            withheld ""
        ),
    }),
    published: Published::Validation,
    moves: Moves::ById,
    restored: true,
};

static USER: Lookup<User> = Lookup::by(c"users_id_key");

/// The user with this id, of any status.
pub fn find(snapshot: &Snapshot, id: Id) -> Result<Option<User>, Mistake> {
    USER.find(snapshot, Key::Id(id))
}

/// The tenant of a user who is to be changed.
pub fn tenant_of(id: Id) -> Result<String, Mistake> {
    Ok(find(&Snapshot::writing()?, id)?.ok_or(UNKNOWN)?.tenant_id)
}

row! {
    /// Whether a user may use what it has, and the application's key of the user.
    pub struct Standing in users {
        status: Status,
        pub external_id: Option<String>,
    }
}

static STANDING: Lookup<Standing> = Lookup::by(c"users_id_key").remembered();

/// The active user with this id.
pub fn active(snapshot: &Snapshot, id: Id) -> Result<Option<Standing>, Mistake> {
    Ok(STANDING.find(snapshot, Key::Id(id))?.filter(|user| user.status == Status::Active))
}

/// The same of each of these users.
pub fn active_each(snapshot: &Snapshot, ids: &[Option<Id>]) -> Result<Vec<Option<Standing>>, Mistake> {
    let mut found = STANDING.find_some(snapshot, ids)?;
    for user in &mut found {
        user.take_if(|user| user.status != Status::Active);
    }
    Ok(found)
}

row! {
    struct OfStatus in users {
        status: Status,
    }
}

static STATUS_ANYWHERE: Lookup<OfStatus> = Lookup::by(c"users_id_key").shared().remembered();

/// The same of a user of any tenant, whatever tenant the session is pinned to: of one who is known to be a member.
pub fn is_active_anywhere(snapshot: &Snapshot, id: Id) -> Result<bool, Mistake> {
    Ok(STATUS_ANYWHERE.find(snapshot, Key::Id(id))?.is_some_and(|user| user.status == Status::Active))
}

row! {
    struct OfTenant in users {
        tenant_id: String,
    }
}

static TENANT_ANYWHERE: Lookup<OfTenant> = Lookup::by(c"users_id_key").shared();

/// [`UNKNOWN`] where this database has the user in another tenant, whatever tenant the session is pinned to. A user of
/// another database passes.
pub fn check_tenant_of_any(snapshot: &Snapshot, id: Id, tenant_id: &str) -> Result<(), Mistake> {
    match TENANT_ANYWHERE.find(snapshot, Key::Id(id))? {
        Some(user) if user.tenant_id != tenant_id => Err(UNKNOWN),
        _ => Ok(()),
    }
}

static LOCK_NO_KEY_UPDATE: Statement<bool> = Statement::write(
    c"SELECT status = 'active' FROM auth_store.users WHERE id = $1 AND tenant_id = $2 FOR NO KEY UPDATE",
);

/// True if the user is active; None if it is gone. Locks the row against other new sessions and a change of the status,
/// not against grants.
pub fn lock_no_key_update(id: Id, tenant_id: &str) -> Result<Option<bool>, Mistake> {
    LOCK_NO_KEY_UPDATE.one(&params![id, tenant_id])
}

static LOCK_FOR_SESSION: Statement<bool> = Statement::write(
    c"SELECT status = 'active' AND (locked_until <= $3) IS NOT FALSE
        FROM auth_store.users WHERE id = $1 AND tenant_id = $2 FOR NO KEY UPDATE",
);

/// The same for a new session: true if the user is active and no administrator has locked the user.
pub fn lock_for_session(now: Timestamp, id: Id, tenant_id: &str) -> Result<Option<bool>, Mistake> {
    LOCK_FOR_SESSION.one(&params![id, tenant_id, now])
}

row! {
    /// What decides whether a user may log in.
    pub struct Admission in users {
        status: Status,
        /// Whether the address that is shown was shown to be the user's.
        pub email_verified: bool,
        locked_until: Option<Timestamp>,
        /// Where it was found, for [`lock_for_login`].
        pub place: Option<Place>,
    }
}

impl Admission {
    /// Whether the user may be let in at all.
    pub fn is_active(&self) -> bool {
        self.status == Status::Active
    }

    /// Until when an administrator has locked the user; a time without end where it is until further notice.
    pub fn locked_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.locked_until.filter(|until| *until > now)
    }
}

static ADMISSION: Lookup<Admission> = Lookup::by(c"users_id_key");

/// Whether the user with this id may log in.
pub fn admission(snapshot: &Snapshot, id: Id) -> Result<Option<Admission>, Mistake> {
    ADMISSION.find(snapshot, Key::Id(id))
}

static LOCK_OUT: Statement = Statement::write(
    c"UPDATE auth_store.users SET locked_until = $3, lock_reason = $4, updated_at = $5
       WHERE id = $1 AND tenant_id = $2",
);

/// Locks a user until a time; false if the user is gone. A log-in that has held the row is waited for.
pub fn lock_out(
    now: Timestamp,
    id: Id,
    tenant_id: &str,
    until: Timestamp,
    reason: Option<&str>,
) -> Result<bool, Mistake> {
    lock_update(id, tenant_id)?;
    Ok(LOCK_OUT.run(&params![id, tenant_id, until, reason, now])? == 1)
}

static LET_IN: Statement = Statement::write(
    c"UPDATE auth_store.users SET locked_until = NULL, lock_reason = NULL, updated_at = $3
       WHERE id = $1 AND tenant_id = $2 AND locked_until IS NOT NULL",
);

/// Ends the lock of a user; false if there is none.
pub fn let_in(now: Timestamp, id: Id, tenant_id: &str) -> Result<bool, Mistake> {
    Ok(LET_IN.run(&params![id, tenant_id, now])? == 1)
}

// A new grant, session or consent has locked its user's row for its foreign key, and waits for this lock.
static LOCK_UPDATE: Statement =
    Statement::write(c"SELECT id FROM auth_store.users WHERE id = $1 AND tenant_id = $2 FOR UPDATE");

/// Until the end of the transaction no new row can refer to the user. Waits for transactions that have made one and
/// have not committed: the next statement sees their rows. 23503 if the user is gone.
pub fn lock_update(id: Id, tenant_id: &str) -> Result<(), Mistake> {
    if LOCK_UPDATE.run(&params![id, tenant_id])? == 1 { Ok(()) } else { Err(UNKNOWN) }
}

static LOCK_UPDATE_BY_TENANT: Statement =
    Statement::write(c"SELECT id FROM auth_store.users WHERE tenant_id = $1 ORDER BY id FOR UPDATE");

/// Locks the users of a tenant, so that nothing more refers to them.
pub fn lock_update_by_tenant(tenant_id: &str) -> Result<(), Mistake> {
    LOCK_UPDATE_BY_TENANT.run(&params![tenant_id])?;
    Ok(())
}

row! {
    /// The names that are shown of a user.
    #[derive(Default)]
    pub struct ShownNames in users {
        pub email: Option<String>,
        pub external_id: Option<String>,
    }
}

static SHOWN_NAMES: Lookup<ShownNames> = Lookup::by(c"users_id_key").remembered();

/// The e-mail address and the application's key of the user with this id.
pub fn shown_names(snapshot: &Snapshot, id: Id) -> Result<Option<ShownNames>, Mistake> {
    SHOWN_NAMES.find(snapshot, Key::Id(id))
}

/// The same of each of these users.
pub fn shown_names_each(snapshot: &Snapshot, ids: &[Option<Id>]) -> Result<Vec<Option<ShownNames>>, Mistake> {
    SHOWN_NAMES.find_some(snapshot, ids)
}

row! {
    /// A user in a list of the members of a tenant.
    pub struct Listed in users {
        pub tenant_id: String,
        pub email: Option<String>,
        pub external_id: Option<String>,
    }
}

static LISTED: Lookup<Listed> = Lookup::by(c"users_id_key");

/// The tenant and the shown names of the user with this id.
pub fn listed(snapshot: &Snapshot, id: Id) -> Result<Option<Listed>, Mistake> {
    LISTED.find(snapshot, Key::Id(id))
}

row! {
    /// What a client may learn of a user.
    pub struct Person in users {
        status: Status,
        pub email: Option<String>,
        pub email_verified: bool,
        pub first_name: Option<String>,
        pub last_name: Option<String>,
        pub metadata: Jsonb,
        pub updated_at: Timestamp,
    }
}

static PERSON: Lookup<Person> = Lookup::by(c"users_id_key");

/// The active user with this id, as a client may learn of the user.
pub fn person(snapshot: &Snapshot, id: Id) -> Result<Option<Person>, Mistake> {
    Ok(PERSON.find(snapshot, Key::Id(id))?.filter(|user| user.status == Status::Active))
}

row! {
    struct Registered in users {
        created_at: Timestamp,
    }
}

static REGISTERED: Lookup<Registered> = Lookup::by(c"users_id_key");

/// When the user with this id was registered.
pub fn created_at(snapshot: &Snapshot, id: Id) -> Result<Option<Timestamp>, Mistake> {
    Ok(REGISTERED.find(snapshot, Key::Id(id))?.map(|user| user.created_at))
}

static PROFILE: Lookup<Profile> = Lookup::by(c"users_id_key");

/// What is shown of the user with this id.
pub fn profile(snapshot: &Snapshot, id: Id) -> Result<Option<UserProfile>, Mistake> {
    Ok(PROFILE.find(snapshot, Key::Id(id))?.map(|profile| UserProfile { user_id: Some(id), profile }))
}

static LOCK_KEY_SHARE: Hold =
    Hold::new(c"SELECT true FROM auth_store.users WHERE id = $1 AND tenant_id = $2 FOR KEY SHARE");

static LOCK_KEY_SHARE_ACTIVE: Hold = Hold::new(
    c"SELECT true FROM auth_store.users WHERE id = $1 AND tenant_id = $2 AND status = 'active' FOR KEY SHARE",
);

/// Keeps the user from being deleted until the transaction ends; false if the user is gone. Call it before you store a
/// row that refers to the user.
pub fn lock_key_share(id: Id, tenant_id: &str, place: Option<Place>) -> Result<bool, Mistake> {
    LOCK_KEY_SHARE.hold(place, &params![id, tenant_id])
}

/// What the row of a user who is to log in turned out to be.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// As it was found, or active.
    Active,
    /// Of another status meanwhile.
    Inactive,
    /// Deleted meanwhile.
    Gone,
}

/// The same for a log-in, whose caller has looked at the status: a change of the status that was under way is waited
/// for. A row that nobody has changed costs what it costs to hold it.
pub fn lock_for_login(id: Id, tenant_id: &str, place: Option<Place>) -> Result<Held, Mistake> {
    if LOCK_KEY_SHARE_ACTIVE.hold(place, &params![id, tenant_id])? {
        return Ok(Held::Active);
    }
    Ok(if lock_key_share(id, tenant_id, None)? { Held::Inactive } else { Held::Gone })
}

static STORE_STATUS: Statement = Statement::write(
    c"UPDATE auth_store.users
         SET status = $3, status_reason = $4, status_changed_at = $5, updated_at = $5
       WHERE id = $1 AND tenant_id = $2",
);

/// Changes the status of a user whom [`lock_update`] has locked; false if the user is gone.
pub fn store_status(
    now: Timestamp,
    id: Id,
    tenant_id: &str,
    status: &str,
    reason: Option<&str>,
) -> Result<bool, Mistake> {
    Ok(STORE_STATUS.run(&params![id, tenant_id, status, reason, now])? == 1)
}
