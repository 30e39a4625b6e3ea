//! End users: resource owners (RFC 6749 section 1.1).

pub mod email_key;
pub mod name;

use pgrx::iter::SetOfIterator;
use pgrx::prelude::*;

use crate::identity::tenant::{self, Status};
use crate::kernel::outcome::{Answer, ErrorCode, Mistake, OrRaise, Refusal, given};
use crate::kernel::server::composite::composite;
use crate::kernel::server::hold::{Hold, Place};
use crate::kernel::server::lookup::{Key, Lookup, Snapshot};
use crate::kernel::server::row::row;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::server::table::{Published, Rows, Table, delete_by};
use crate::kernel::value::argument;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::{Bucket, Id};
use crate::kernel::value::inet::Inet;
use crate::kernel::value::jsonb::{AnyJson, Jsonb};
use crate::trail::{self, Context, Event};

composite! {
    /// What user_create() returns.
    pub struct UserRegistration = "auth_store.user_registration" {
        pub user_id: Option<Id>,
        pub error: Option<&'static str>,
        pub error_description: Option<String>,
    }
    refused { error, error_description }
}

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

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn user_create(
    email: default!(Option<&str>, "NULL"),
    password: default!(Option<&str>, "NULL"),
    id: default!(Option<pgrx::Uuid>, "NULL"),
    external_id: default!(Option<&str>, "NULL"),
    first_name: default!(Option<&str>, "NULL"),
    last_name: default!(Option<&str>, "NULL"),
    metadata: default!(Option<AnyJson>, "NULL::pg_catalog.jsonb"),
    tenant_id: default!(Option<&str>, "NULL"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> UserRegistration {
    if password.is_some() {
        Err::<(), _>(Mistake::NotSupported("passwords are not supported by this version")).or_raise();
    }
    let metadata = metadata.map(|json| json.document("metadata")).transpose().or_raise();
    let user =
        NewUser { id: id.map(Id::from), email, external_id, first_name, last_name, metadata, tenant_id };
    match create(clock::now(), user, &Context { ip, user_agent }).or_raise() {
        Ok(id) => UserRegistration { user_id: Some(id), ..UserRegistration::default() },
        Err(refusal) => UserRegistration::refused(&refusal),
    }
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn user_ensure(
    external_id: Option<&str>,
    tenant_id: default!(Option<&str>, "NULL"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> pgrx::Uuid {
    ensure(clock::now(), external_id, tenant_id, &Context { ip, user_agent }).or_raise().into()
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
        /// Where it was found, for [`lock_key_share`].
        pub place: Option<Place>,
    }
}

impl User {
    /// Whether the user may be given tokens.
    pub fn is_active(&self) -> bool {
        self.status == Status::Active
    }
}

/// No user has the id that the argument says.
pub const UNKNOWN: Mistake = Mistake::Unknown { what: "user", argument: "user_id" };

/// The facts of the table `users`.
pub static TABLE: Table = Table {
    name: "users",
    key: &["id", "tenant_id"],
    ended: None,
    of_tenant: Rows::Deleted(delete_by!(latest "users", "tenant_id")),
    of_client: Rows::None,
    of_user: Rows::None,
    published: Published::Validation,
    restored: true,
};

static USER: Lookup<User> = Lookup::by(c"users_id_key");

/// The user with this id, of any status.
pub fn find(snapshot: &Snapshot, id: Id) -> Result<Option<User>, Mistake> {
    USER.find(snapshot, Key::Id(id))
}

row! {
    struct Standing in users {
        status: Status,
    }
}

static STATUS: Lookup<Standing> = Lookup::by(c"users_id_key");

/// Whether the user exists and is active.
pub fn is_active(snapshot: &Snapshot, id: Id) -> Result<bool, Mistake> {
    Ok(STATUS.find(snapshot, Key::Id(id))?.is_some_and(|user| user.status == Status::Active))
}

static LOCK_NO_KEY_UPDATE: Statement<bool> = Statement::write(
    c"SELECT status = 'active' FROM auth_store.users WHERE id = $1 AND tenant_id = $2 FOR NO KEY UPDATE",
);

/// True if the user is active; None if it is gone. Locks the row against other new sessions and a change of the status,
/// not against grants.
pub fn lock_no_key_update(id: Id, tenant_id: &str) -> Result<Option<bool>, Mistake> {
    LOCK_NO_KEY_UPDATE.one(&params![id, tenant_id])
}

// A new grant, session or consent has locked its user's row for its foreign key, and waits for this lock.
static LOCK_UPDATE: Statement =
    Statement::write(c"SELECT id FROM auth_store.users WHERE id = $1 AND tenant_id = $2 FOR UPDATE");

/// Until the end of the transaction no new row can refer to the user. Waits for transactions that have made one and
/// have not committed: the next statement sees their rows.
pub fn lock_update(id: Id, tenant_id: &str) -> Result<(), Mistake> {
    LOCK_UPDATE.run(&params![id, tenant_id])?;
    Ok(())
}

static LOCK_UPDATE_BY_TENANT: Statement =
    Statement::write(c"SELECT id FROM auth_store.users WHERE tenant_id = $1 ORDER BY id FOR UPDATE");

/// Locks the users of a tenant, so that nothing more refers to them.
pub fn lock_update_by_tenant(tenant_id: &str) -> Result<(), Mistake> {
    LOCK_UPDATE_BY_TENANT.run(&params![tenant_id])?;
    Ok(())
}

row! {
    struct Addressee in users {
        email: Option<String>,
    }
}

static EMAIL: Lookup<Addressee> = Lookup::by(c"users_id_key");

/// The e-mail address of the user with this id.
pub fn email(snapshot: &Snapshot, id: Id) -> Result<Option<String>, Mistake> {
    Ok(EMAIL.find(snapshot, Key::Id(id))?.and_then(|user| user.email))
}

static PROFILE: Lookup<Profile> = Lookup::by(c"users_id_key");

fn profile(snapshot: &Snapshot, id: Id) -> Result<Option<UserProfile>, Mistake> {
    Ok(PROFILE.find(snapshot, Key::Id(id))?.map(|profile| UserProfile { user_id: Some(id), profile }))
}

/// The arguments of user_create().
struct NewUser<'a> {
    id: Option<Id>,
    email: Option<&'a str>,
    external_id: Option<&'a str>,
    first_name: Option<&'a str>,
    last_name: Option<&'a str>,
    metadata: Option<Jsonb>,
    tenant_id: Option<&'a str>,
}

static INSERT: Statement = Statement::write(
    c"INSERT INTO auth_store.users
        (id, tenant_id, email, email_key, external_id, first_name, last_name, metadata, created_at, updated_at)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)
      ON CONFLICT DO NOTHING",
);

fn create(now: Timestamp, user: NewUser<'_>, context: &Context<'_>) -> Answer<Id> {
    let tenant_id = tenant::resolve(&Snapshot::writing()?, user.tenant_id)?;
    let external_id = user.external_id.map(check_external_id).transpose()?;
    let first_name = argument::optional_line(user.first_name, "first_name")?;
    let last_name = argument::optional_line(user.last_name, "last_name")?;
    let metadata = argument::document(user.metadata, "metadata")?;
    let invalid = user.email.is_some_and(|email| !is_email(email));
    let email_key = user.email.filter(|_| !invalid).map(name::email_key);
    let email_key = email_key.as_deref();
    let id = match user.id {
        Some(id) => id,
        None => Id::mint(now, bucket(&tenant_id, email_key, external_id))?,
    };
    let outcome = if invalid {
        Err(Refusal::new(ErrorCode::InvalidRequest, "not an e-mail address"))
    } else if !tenant::lock_key_share(&tenant_id)? {
        return Err(tenant::UNKNOWN_ID);
    } else if INSERT.run(&params![
        id,
        tenant_id.as_str(),
        user.email,
        email_key,
        external_id,
        first_name,
        last_name,
        metadata,
        now
    ])? == 1
    {
        Ok(id)
    } else {
        Err(collision(&tenant_id, email_key, external_id)?)
    };
    record_created(now, &tenant_id, &outcome, context)?;
    Ok(outcome)
}

/// The bucket of a user, by which a router finds the user's database: computed from what names the user at log-in.
fn bucket(tenant_id: &str, email_key: Option<&str>, external_id: Option<&str>) -> Bucket {
    match email_key.or(external_id) {
        Some(name) => Bucket::of(&[tenant_id, name]),
        None => Bucket::of(&[tenant_id]),
    }
}

row! {
    /// What is another user's already.
    struct Collision {
        email: bool,
        external_id: bool,
    }
}

static COLLISION: Statement<Collision> = Statement::write(
    c"SELECT COALESCE(pg_catalog.bool_or(email_key = $2), false) AS email,
             COALESCE(pg_catalog.bool_or(external_id = $3), false) AS external_id
        FROM auth_store.users
       WHERE tenant_id = $1 AND (email_key = $2 OR external_id = $3)",
);

/// Which key an existing user shares with one that could not be made. A taken address is a refusal to the end user; the
/// other keys are a mistake of the calling program.
fn collision(
    tenant_id: &str,
    email_key: Option<&str>,
    external_id: Option<&str>,
) -> Result<Refusal, Mistake> {
    match COLLISION.one(&params![tenant_id, email_key, external_id])? {
        Some(Collision { email: true, .. }) => {
            Ok(Refusal::new(ErrorCode::EmailTaken, "a user with this e-mail address exists"))
        }
        Some(Collision { external_id: true, .. }) => {
            Err(Mistake::Duplicate { what: "user", argument: "external_id" })
        }
        _ => Err(Mistake::Duplicate { what: "user", argument: "id" }),
    }
}

static FIND_EXTERNAL: Statement<Id> =
    Statement::write(c"SELECT id FROM auth_store.users WHERE tenant_id = $1 AND external_id = $2");

static ENSURE: Statement = Statement::write(
    c"INSERT INTO auth_store.users (id, tenant_id, external_id, created_at, updated_at)
      VALUES ($1, $2, $3, $4, $4)
      ON CONFLICT (tenant_id, external_id) WHERE external_id IS NOT NULL DO NOTHING",
);

fn ensure(
    now: Timestamp,
    external_id: Option<&str>,
    tenant_id: Option<&str>,
    context: &Context<'_>,
) -> Result<Id, Mistake> {
    let tenant_id = tenant::resolve(&Snapshot::writing()?, tenant_id)?;
    let external_id = check_external_id(given(external_id, "external_id")?)?;
    // If another session makes the user first, the insert waits for it and does nothing, and the next look finds that
    // user, unless it is gone again. A user who was there stays unlocked.
    loop {
        let found = FIND_EXTERNAL.one(&params![tenant_id.as_str(), external_id])?;
        if let Some(id) = found {
            return Ok(id);
        }
        if !tenant::lock_key_share(&tenant_id)? {
            return Err(tenant::UNKNOWN_ID);
        }
        let id = Id::mint(now, bucket(&tenant_id, None, Some(external_id)))?;
        if ENSURE.run(&params![id, tenant_id.as_str(), external_id, now])? == 1 {
            record_created(now, &tenant_id, &Ok(id), context)?;
            return Ok(id);
        }
        pgrx::check_for_interrupts!();
    }
}

fn check_external_id(external_id: &str) -> Result<&str, Mistake> {
    if external_id.is_empty() || external_id.len() > 255 || external_id.chars().any(char::is_control) {
        return Err(Mistake::invalid("external_id", "1 to 255 bytes, no control characters"));
    }
    Ok(external_id)
}

/// True if mail could be sent to the text, judged by its form: local part and domain of RFC 5321 section 4.1.2 with the
/// lengths of section 4.5.3.1, or their internationalized forms (RFC 6531).
fn is_email(email: &str) -> bool {
    let Some((local, domain)) = email.rsplit_once('@') else { return false };
    email.len() <= 254
        && (1..=64).contains(&local.len())
        && !local.contains('@')
        && !domain.is_empty()
        && domain.split('.').all(|label| !label.is_empty())
        && !email.chars().any(|c| c.is_control() || c.is_whitespace())
}

static LOCK_KEY_SHARE: Hold =
    Hold::new(c"SELECT true FROM auth_store.users WHERE id = $1 AND tenant_id = $2 FOR KEY SHARE");

/// Keeps the user from being deleted until the transaction ends; false if the user is gone. Call it before you store a
/// row that refers to the user.
pub fn lock_key_share(id: Id, tenant_id: &str, place: Option<Place>) -> Result<bool, Mistake> {
    LOCK_KEY_SHARE.hold(place, &params![id, tenant_id])
}

fn record_created(
    now: Timestamp,
    tenant_id: &str,
    outcome: &Result<Id, Refusal>,
    context: &Context<'_>,
) -> Result<(), Mistake> {
    trail::record(
        now,
        &Event {
            event: "user.created",
            tenant_id,
            user_id: outcome.as_ref().ok().copied(),
            error: outcome.as_ref().err().map(|refusal| refusal.code),
            context: Some(context),
            ..Event::default()
        },
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{bucket, is_email};
    use crate::kernel::value::id::Bucket;

    #[test]
    fn an_address_has_a_local_part_and_a_domain() {
        for email in
            ["a@b", "ann@example.com", "ann+tag@mail.example.com", "ä@exämple.com", "o'neil@example.com"]
        {
            assert!(is_email(email), "{email}");
        }
        let long_local = format!("{}@example.com", "a".repeat(65));
        let long = format!("a@{}", "b.".repeat(127) + "c");
        for email in [
            "",
            "@",
            "a",
            "a@",
            "@b",
            "a@b@c",
            "a b@c",
            "a@b c",
            "a\n@b",
            "a@b..c",
            "a@.b",
            &long_local,
            &long,
        ] {
            assert!(!is_email(email), "{email:?}");
        }
    }

    #[test]
    fn a_bucket_follows_the_log_in_name() {
        assert!(bucket("t", Some("ann@example.com"), Some("7")) == Bucket::of(&["t", "ann@example.com"]));
        assert!(bucket("t", None, Some("7")) == Bucket::of(&["t", "7"]));
    }
}
