//! Setting a password. It ends what the former one gave access to, in the same transaction.
//!
//! Lock order: codes, the user, the password, one-time tokens, sessions, grants.

use pgrx::prelude::*;
use serde_json::json;

use crate::identity::login::attempt::{Attempt, Kind, Whom};
use crate::identity::password::{cost, find, history, verify};
use crate::identity::policy::{self, Policy};
use crate::identity::user::create::{NewUser, UserRegistration, create, refuse};
use crate::identity::user::{self, anonymous, names};
use crate::identity::{one_time, tenant};
use crate::kernel::crypto::password::{Password, Typed};
use crate::kernel::outcome::{Answer, ErrorCode, Mistake, OrRaise, Refusal, given};
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::kernel::value::inet::Inet;
use crate::kernel::value::jsonb::AnyJson;
use crate::oauth::consent::access::{self, Ended};
use crate::oauth::consent::grants;
use crate::trail::refused::Outcome;
use crate::trail::{self, Context, Event, Flag};

#[pg_extern(volatile, parallel_unsafe)]
fn password_hash(password: Option<&str>) -> String {
    let hash = given(password, "password").and_then(|password| {
        let accepted =
            "8 to 1024 characters and at most 4096 bytes, without control and invisible characters";
        let typed = Typed::new(password).ok_or(Mistake::invalid("password", accepted))?;
        let password = Password::new(&typed).map_err(|_| Mistake::invalid("password", accepted))?;
        let turn = cost::turn().map_err(|busy| Mistake::WrongState {
            message: busy.description,
            hint: "Try again, or raise auth_store.password_hash_wait.".into(),
        })?;
        // Another program may verify it, which has no master key.
        cost::hash(&turn, &password, None)
    });
    hash.or_raise()
}

#[pg_extern(name = "user_create", volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn user_create_of_any(
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
    let metadata = metadata.map(|json| json.document("metadata")).transpose().or_raise();
    let user =
        NewUser { id: id.map(Id::from), email, external_id, first_name, last_name, metadata, tenant_id };
    match register(clock::now(), user, password, &Context { ip, user_agent }).or_raise() {
        Ok(id) => UserRegistration { user_id: Some(id), ..UserRegistration::default() },
        Err(refusal) => UserRegistration::refused(&refusal),
    }
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn password_set(
    user_id: Option<pgrx::Uuid>,
    password: Option<&str>,
    revoke_sessions: default!(Option<bool>, true),
    must_change: default!(Option<bool>, false),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> Outcome {
    let now = clock::now();
    let set = || {
        let id = given(user_id, "user_id")?.into();
        let password = given(password, "password")?;
        let by = SetBy::Administrator {
            ends_access: revoke_sessions.unwrap_or(true),
            must_change: must_change.unwrap_or(false),
        };
        let tenant_id = user::tenant_of(id)?;
        let policy = policy::of(&Snapshot::latest(), &tenant_id)?;
        set(now, id, &tenant_id, &policy, password, by, &Context { ip, user_agent })
    };
    set().or_raise().into()
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn password_change(
    user_id: Option<pgrx::Uuid>,
    old_password: Option<&str>,
    new_password: Option<&str>,
    session_id: default!(Option<pgrx::Uuid>, "NULL"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> Outcome {
    let now = clock::now();
    let change = || {
        let id = given(user_id, "user_id")?.into();
        let old = given(old_password, "old_password")?;
        let new = given(new_password, "new_password")?;
        change(now, id, old, new, session_id.map(Id::from), &Context { ip, user_agent })
    };
    change().or_raise().into()
}

/// Who sets a password, and what that means.
#[derive(Clone, Copy)]
pub enum SetBy {
    /// An administrator, or a program that has its own way to know the user.
    Administrator {
        /// Whether the user's sessions and grants end.
        ends_access: bool,
        /// Whether the user must choose another one.
        must_change: bool,
    },
    /// The user, who has given the former one of this version. One session may stay, with its grants.
    User { version: (i64, Timestamp), kept: Option<Id> },
}

impl SetBy {
    /// What the trail calls it.
    fn name(self) -> &'static str {
        match self {
            Self::Administrator { .. } => "administrator",
            Self::User { .. } => "user",
        }
    }
}

/// The hash of a new password, if the policy of the tenant lets the user have it. `user_id` is None for a new user,
/// `names` are all that the user is called.
pub fn accepted_hash<S: AsRef<str>>(
    now: Timestamp,
    user_id: Option<Id>,
    policy: &Policy,
    names: &[S],
    password: &str,
) -> Answer<String> {
    let snapshot = Snapshot::latest();
    let (typed, password) = match policy::password::check(&snapshot, policy, names, password)? {
        Ok(accepted) => accepted,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let present = user_id.map(|id| find(&snapshot, id)).transpose()?.flatten();
    let pepper = cost::own_pepper()?;
    let turn = match cost::turn() {
        Ok(turn) => turn,
        Err(busy) => return Ok(Err(busy)),
    };
    if let Some(id) = user_id
        && history::has(now, &turn, id, present.as_ref(), &typed, policy.password_history)?
    {
        return Ok(Err(Refusal::new(ErrorCode::PasswordRejected, "choose one that you have not had before")));
    }
    cost::hash(&turn, &password, pepper.as_ref()).map(Ok)
}

/// Gives a user a password, with the row of the trail. Ends codes, sessions and grants of the user.
fn set(
    now: Timestamp,
    user_id: Id,
    tenant_id: &str,
    policy: &Policy,
    password: &str,
    by: SetBy,
    context: &Context<'_>,
) -> Answer<()> {
    let names = names::all_of(user_id, tenant_id)?;
    let outcome = match accepted_hash(now, Some(user_id), policy, &names, password)? {
        Ok(hash) => store(now, user_id, tenant_id, policy, &hash, by)?,
        Err(refusal) => Err(refusal),
    };
    let details = match &outcome {
        Ok(ended) => json!({ "by": by.name(), "ended": ended.details() }),
        Err(_) => json!({ "by": by.name() }),
    };
    trail::record(
        now,
        &Event {
            event: "password.changed",
            tenant_id,
            user_id: Some(user_id),
            error: outcome.as_ref().err().map(|refusal| refusal.code),
            details: Some(details),
            context: Some(context),
            ..Event::default()
        },
    )?;
    if outcome.is_ok() {
        anonymous::upgrade(now, user_id, tenant_id, "password", context)?;
    }
    Ok(outcome.map(|_| ()))
}

static PUT: Statement = Statement::write(
    c"INSERT INTO auth_store.passwords AS p (user_id, changed_at, revision, must_change, tenant_id, hash)
      VALUES ($1, $2, 1, $3, $4, $5)
      ON CONFLICT (user_id, tenant_id) DO UPDATE
         SET changed_at = $2, revision = p.revision + 1, must_change = $3, hash = $5",
);

/// Stores the hash of a new password. The caller has locked the user against other calls that set one, and has kept the
/// former password if there may be one: see [`history::keep`].
pub fn put(
    now: Timestamp,
    user_id: Id,
    tenant_id: &str,
    hash: &str,
    must_change: bool,
) -> Result<(), Mistake> {
    PUT.exactly_one(&params![user_id, now, must_change, tenant_id, hash])
}

static DROP: Statement = Statement::latest(
    c"DELETE FROM auth_store.passwords
       WHERE user_id = $1 AND tenant_id = $2 AND ($3 IS NULL OR changed_at < $3)",
);

/// Drops the password of a user who is locked, if it was set before a time, or any; the former ones go with it. Returns
/// whether there was one.
pub fn drop_before(before: Option<Timestamp>, user_id: Id, tenant_id: &str) -> Result<bool, Mistake> {
    let dropped = DROP.run(&params![user_id, tenant_id, before])? == 1;
    if dropped {
        history::forget(user_id, tenant_id)?;
    }
    Ok(dropped)
}

/// Why sessions and grants end.
pub const ENDED_BY: &str = "password_changed";

/// Stores the hash of a new password, and ends what the former one gave access to, with what was mailed to the user.
fn store(
    now: Timestamp,
    user_id: Id,
    tenant_id: &str,
    policy: &Policy,
    hash: &str,
    by: SetBy,
) -> Answer<Ended> {
    let ends_access = !matches!(by, SetBy::Administrator { ends_access: false, .. });
    let codes = if ends_access {
        grants::shut_out(now, user_id, tenant_id, None)?
    } else {
        user::lock_no_key_update(user_id, tenant_id)?.ok_or(user::UNKNOWN)?;
        0
    };
    if let SetBy::User { version, .. } = by
        && find(&Snapshot::latest(), user_id)?.is_none_or(|present| present.version() != version)
    {
        // Another call has changed it meanwhile: the old one is wrong by now.
        return Ok(Err(verify::WRONG));
    }
    history::keep(now, user_id, tenant_id, policy)?;
    let (must_change, kept) = match by {
        SetBy::Administrator { must_change, .. } => (must_change, None),
        SetBy::User { kept, .. } => (false, kept),
    };
    put(now, user_id, tenant_id, hash, must_change)?;
    if !ends_access {
        return Ok(Ok(Ended::default()));
    }
    one_time::end_all(user_id, tenant_id)?;
    access::end_shut_out(now, user_id, tenant_id, codes, kept, ENDED_BY).map(Ok)
}

fn change(
    now: Timestamp,
    id: Id,
    old: &str,
    new: &str,
    kept: Option<Id>,
    context: &Context<'_>,
) -> Answer<()> {
    let tenant_id = user::tenant_of(id)?;
    let policy = policy::of(&Snapshot::deciding()?, &tenant_id)?;
    let attempt = Attempt::new(Kind::Password, &tenant_id, &policy, &Whom::User(id), None, context);
    let refuse = |refusal: Refusal, flags: &[Flag]| {
        let event = Event {
            event: "password.changed",
            tenant_id: &tenant_id,
            user_id: Some(id),
            error: Some(refusal.code),
            flags,
            details: Some(json!({ "by": "user" })),
            context: Some(context),
            ..Event::default()
        };
        trail::record(now, &event)?;
        Ok(Err(refusal))
    };
    if let Err(refusal) = attempt.begin(now)? {
        return if attempt.audit_due(now)? { refuse(refusal, &[Flag::LockedOut]) } else { Ok(Err(refusal)) };
    }
    let right = match verify::verify(now, Some(id), old)? {
        Ok(Some(right)) => right,
        Ok(None) => {
            let failure = attempt.fail(now)?;
            let flags: Vec<_> = [Some(Flag::WrongPassword), failure.flag].into_iter().flatten().collect();
            return refuse(failure.refusal(now, verify::WRONG), &flags);
        }
        Err(busy) => return refuse(busy, &[]),
    };
    let by = SetBy::User { version: right.stored.version(), kept };
    let changed = set(now, id, &tenant_id, &policy, new, by, context)?;
    if changed.is_ok() {
        // A lock that began meanwhile stays: whoever is here has a session, and its failures are another's.
        let _ = attempt.pass(now)?;
    }
    Ok(changed)
}

/// Hashes the password before anything is locked.
fn register(now: Timestamp, user: NewUser<'_>, password: Option<&str>, context: &Context<'_>) -> Answer<Id> {
    let Some(password) = password else { return create(now, user, context) };
    let tenant_id = tenant::resolve(&Snapshot::writing()?, user.tenant_id)?;
    let given = [user.email, user.external_id, user.first_name, user.last_name];
    let names: Vec<_> = given.into_iter().flatten().collect();
    let policy = policy::of(&Snapshot::latest(), &tenant_id)?;
    let hash = match accepted_hash(now, None, &policy, &names, password)? {
        Ok(hash) => hash,
        Err(refusal) => return refuse(now, &tenant_id, refusal, context),
    };
    let created = create(now, user, context)?;
    if let Ok(id) = created {
        put(now, id, &tenant_id, &hash, false)?;
    }
    Ok(created)
}
