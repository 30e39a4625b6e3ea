//! The names of users, each a row: finding by one, adding and taking away.
//!
//! Lock order: the user, then the names in the order of their kinds.

use pgrx::iter::SetOfIterator;
use pgrx::prelude::*;
use serde_json::json;

use crate::identity::tenant;
use crate::identity::user::anonymous;
use crate::identity::user::elsewhere::{self, ClaimKey};
use crate::identity::user::name::{Kind, Name};
use crate::identity::user::{self, UserProfile, profile};
use crate::kernel::outcome::{Answer, ErrorCode, Mistake, OrRaise, Refusal, given};
use crate::kernel::server::composite::composite;
use crate::kernel::server::lookup::{Key, Lookup, Snapshot};
use crate::kernel::server::row::row;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::server::table::{By, Moves, OfUser, Published, Rows, Table, delete_by, exported};
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::{Bucket, Id};
use crate::kernel::value::inet::Inet;
use crate::trail::refused::Outcome;
use crate::trail::{self, Context, Event};

row! {
    /// What is shown of a name.
    pub struct Shown {
        kind: Option<String>,
        name: Option<String>,
        created_at: Option<Timestamp>,
        verified_at: Option<Timestamp>,
    }
    returned
}

composite! {
    /// A row of user_name_list().
    pub struct UserName = "auth_store.user_name" {
        pub shown: Shown,
    }
}

#[pg_extern(stable, parallel_safe)]
fn user_find(
    name: Option<&str>,
    kind: default!(Option<&str>, "NULL"),
    tenant_id: default!(Option<&str>, "NULL"),
) -> SetOfIterator<'static, UserProfile> {
    SetOfIterator::new(find_profile(name, kind, tenant_id).or_raise())
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn user_name_add(
    user_id: Option<pgrx::Uuid>,
    kind: Option<&str>,
    name: Option<&str>,
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> Outcome {
    let context = Context { ip, user_agent };
    add(clock::now(), user_id.map(Id::from), kind, name, &context).or_raise().into()
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn user_name_remove(
    user_id: Option<pgrx::Uuid>,
    kind: Option<&str>,
    name: Option<&str>,
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> bool {
    remove(clock::now(), user_id.map(Id::from), kind, name, &Context { ip, user_agent }).or_raise()
}

#[pg_extern(stable, parallel_safe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn user_name_list(user_id: Option<pgrx::Uuid>) -> SetOfIterator<'static, UserName> {
    let names = given(user_id, "user_id").and_then(|user_id| LIST.all(&params![Id::from(user_id)]));
    SetOfIterator::new(names.or_raise().into_iter().map(|shown| UserName { shown }))
}

/// The facts of the table `user_names`.
pub static TABLE: Table = Table {
    name: "user_names",
    key: &["tenant_id", "kind", "name_key"],
    ended: None,
    of_tenant: Rows::Deleted(delete_by!(latest "user_names", "tenant_id")),
    of_client: Rows::None,
    of_user: Some(OfUser {
        by: By::User,
        erased: Some(delete_by!(latest "user_names", "user_id")),
        exported: exported!(
            "user_names",
            "user_id = $1",
            "user_id, created_at, tenant_id, kind, name_key, name, verified_at",
            withheld "bucket"
        ),
    }),
    published: Published::TakeOver,
    moves: Moves::ByUserAndName,
    restored: true,
};

impl Name<'_> {
    /// Where a router looks for the name.
    pub fn bucket(&self, tenant_id: &str) -> Bucket {
        Bucket::of(&[tenant_id, &self.key])
    }
}

/// The refusal of a name of this kind that another user has.
pub fn taken(kind: Kind) -> Refusal {
    match kind {
        Kind::Email => Refusal::new(ErrorCode::EmailTaken, "a user with this e-mail address exists"),
        _ => Refusal::new(ErrorCode::NameTaken, "a user with this name exists"),
    }
}

row! {
    struct Named in user_names {
        user_id: Id,
    }
}

static BY_NAME: Lookup<Named> = Lookup::by(c"user_names_pkey");

/// The user of a tenant who has this name.
pub fn find(snapshot: &Snapshot, tenant_id: &str, name: &Name<'_>) -> Result<Option<Id>, Mistake> {
    let key = [Key::Text(tenant_id), Key::Text(name.kind.as_str()), Key::Text(&name.key)];
    Ok(BY_NAME.find_by(snapshot, key)?.map(|named| named.user_id))
}

static INSERT: Statement = Statement::write(
    c"INSERT INTO auth_store.user_names (user_id, created_at, bucket, tenant_id, kind, name_key, name)
      VALUES ($1, $2, $3, $4, $5, $6, $7)
      ON CONFLICT DO NOTHING",
);

/// Gives a user a name; false if somebody has it. Whoever is just getting it is waited for.
pub fn insert(now: Timestamp, user_id: Id, tenant_id: &str, name: &Name<'_>) -> Result<bool, Mistake> {
    let rows = INSERT.run(&params![
        user_id,
        now,
        name.bucket(tenant_id).number(),
        tenant_id,
        name.kind.as_str(),
        &*name.key,
        name.text
    ])?;
    Ok(rows == 1)
}

/// The external key of an argument.
pub fn external(text: &str) -> Result<Name<'_>, Mistake> {
    Name::read(Kind::External, text).ok_or(Mistake::invalid("external_id", Kind::External.accepted()))
}

/// Gives a user who is locked a name, unless another user has it; false where it was the user's already. A name that is
/// taken while this call waits may be given up again, so the call looks until it has an answer.
fn give(now: Timestamp, id: Id, tenant_id: &str, name: &Name<'_>) -> Answer<bool> {
    loop {
        match find(&Snapshot::latest(), tenant_id, name)? {
            Some(owner) if owner == id => return Ok(Ok(false)),
            Some(_) => return Ok(Err(taken(name.kind))),
            None if elsewhere::of_other(now, || ClaimKey::of_name(tenant_id, name), Some(id))?.is_some() => {
                return Ok(Err(taken(name.kind)));
            }
            None if insert(now, id, tenant_id, name)? => return Ok(Ok(true)),
            None => {
                pgrx::check_for_interrupts!();
            }
        }
    }
}

// Another spelling of the name, which may be another mailbox: nobody has proved that one.
static SPELL: Statement = Statement::write(
    c"UPDATE auth_store.user_names SET name = $5, verified_at = NULL
       WHERE user_id = $1 AND tenant_id = $2 AND kind = $3 AND name_key = $4 AND name <> $5",
);

static OLDEST: Statement<String> = Statement::write(
    c"SELECT name FROM auth_store.user_names
       WHERE user_id = $1 AND tenant_id = $2 AND kind = $3 ORDER BY created_at, name_key LIMIT 1",
);

/// Gives a user who is locked a name in place of another of its kind: the new one is there before the old one goes.
/// Returns what is to be shown from now on.
pub fn replace(
    now: Timestamp,
    id: Id,
    tenant_id: &str,
    kind: Kind,
    old: Option<&str>,
    new: Option<Name<'_>>,
) -> Answer<Option<String>> {
    if let Some(name) = &new {
        match give(now, id, tenant_id, name)? {
            Ok(true) => {}
            Ok(false) => {
                SPELL.run(&params![id, tenant_id, kind.as_str(), &*name.key, name.text])?;
            }
            Err(refusal) => return Ok(Err(refusal)),
        }
    }
    let old = old.and_then(|old| Name::read(kind, old));
    if let Some(old) = old
        && new.as_ref().is_none_or(|new| new.key != old.key)
    {
        DELETE.one(&params![id, tenant_id, kind.as_str(), &*old.key])?;
    }
    match new {
        Some(name) => Ok(Ok(Some(name.text.to_owned()))),
        None => Ok(Ok(OLDEST.one(&params![id, tenant_id, kind.as_str()])?)),
    }
}

/// What no name of a kind is, nobody has.
fn find_profile(
    name: Option<&str>,
    kind: Option<&str>,
    tenant_id: Option<&str>,
) -> Result<Option<UserProfile>, Mistake> {
    let text = given(name, "name")?;
    let kind = match kind {
        Some(kind) => read_kind(kind)?,
        None => Kind::of_typed(text),
    };
    let snapshot = Snapshot::reading();
    let tenant_id = tenant::resolve(&snapshot, tenant_id)?;
    let Some(name) = Name::read(kind, text) else { return Ok(None) };
    match find(&snapshot, &tenant_id, &name)? {
        Some(id) => profile(&snapshot, id),
        None => Ok(None),
    }
}

/// The kind of an argument.
pub fn read_kind(kind: &str) -> Result<Kind, Mistake> {
    Kind::read(kind).ok_or_else(|| Mistake::one_of("kind", &Kind::ALL.map(Kind::as_str)))
}

/// A user who is locked against another change of the names, and the tenant.
fn lock(user_id: Option<Id>) -> Result<(Id, String), Mistake> {
    let id = given(user_id, "user_id")?;
    let tenant_id = user::tenant_of(id)?;
    user::lock_no_key_update(id, &tenant_id)?.ok_or(user::UNKNOWN)?;
    Ok((id, tenant_id))
}

// The first name of its kind is the one that is shown.
static SHOW: Statement = Statement::write(
    c"UPDATE auth_store.users
         SET email = CASE $3 WHEN 'email' THEN COALESCE(email, $4) ELSE email END,
             external_id = CASE $3 WHEN 'external' THEN COALESCE(external_id, $4) ELSE external_id END,
             updated_at = $5
       WHERE id = $1 AND tenant_id = $2",
);

/// Gives a user a name.
pub fn add(
    now: Timestamp,
    user_id: Option<Id>,
    kind: Option<&str>,
    name: Option<&str>,
    context: &Context<'_>,
) -> Answer<()> {
    let kind = read_kind(given(kind, "kind")?)?;
    let text = given(name, "name")?;
    let name = Name::read(kind, text);
    if kind == Kind::External && name.is_none() {
        return Err(Mistake::invalid("name", kind.accepted()));
    }
    let (id, tenant_id) = lock(user_id)?;
    let outcome = match name {
        None => Err(Refusal::new(ErrorCode::InvalidRequest, kind.accepted())),
        Some(name) => match give(now, id, &tenant_id, &name)? {
            Ok(false) => return Ok(Ok(())),
            Ok(true) => {
                SHOW.run(&params![id, tenant_id.as_str(), kind.as_str(), text, now])?;
                anonymous::upgrade(now, id, &tenant_id, kind.as_str(), context)?;
                Ok(())
            }
            Err(refusal) => Err(refusal),
        },
    };
    let error = outcome.as_ref().err().map(|refusal| refusal.code);
    record(now, Event { event: "user.name_added", error, ..told(id, &tenant_id, context) }, kind)?;
    Ok(outcome)
}

static DELETE: Statement<String> = Statement::write(
    c"DELETE FROM auth_store.user_names
       WHERE user_id = $1 AND tenant_id = $2 AND kind = $3 AND name_key = $4
      RETURNING name",
);

// Where the name that is shown goes, the oldest that is left is shown.
static HIDE: Statement = Statement::write(
    c"UPDATE auth_store.users u
         SET email = CASE WHEN h.email THEN n.name ELSE u.email END,
             email_verified = CASE WHEN h.email THEN COALESCE(n.verified, false) ELSE u.email_verified END,
             external_id = CASE WHEN h.external THEN n.name ELSE u.external_id END,
             updated_at = $5
        FROM auth_store.users s
             CROSS JOIN LATERAL (SELECT ($3 = 'email' AND s.email = $4) IS TRUE AND NOT s.email_unnamed AS email,
                                        ($3 = 'external' AND s.external_id = $4) IS TRUE AS external) h
             LEFT JOIN LATERAL (SELECT l.name, l.verified_at IS NOT NULL AS verified FROM auth_store.user_names l
                                 WHERE l.user_id = $1 AND l.tenant_id = $2 AND l.kind = $3
                                 ORDER BY l.created_at, l.name_key LIMIT 1) n ON true
       WHERE s.id = $1 AND s.tenant_id = $2 AND u.id = s.id AND u.tenant_id = s.tenant_id",
);

/// False where the user has no such name.
fn remove(
    now: Timestamp,
    user_id: Option<Id>,
    kind: Option<&str>,
    name: Option<&str>,
    context: &Context<'_>,
) -> Result<bool, Mistake> {
    let kind = read_kind(given(kind, "kind")?)?;
    let name = Name::read(kind, given(name, "name")?);
    let (id, tenant_id) = lock(user_id)?;
    let Some(name) = name else { return Ok(false) };
    let params = params![id, tenant_id.as_str(), kind.as_str(), &*name.key];
    let Some(shown) = DELETE.one(&params)? else { return Ok(false) };
    HIDE.run(&params![id, tenant_id.as_str(), kind.as_str(), shown, now])?;
    record(now, Event { event: "user.name_removed", ..told(id, &tenant_id, context) }, kind)?;
    Ok(true)
}

static UNPROVED: Statement<(String, String)> = Statement::latest(
    c"DELETE FROM auth_store.user_names
       WHERE user_id = $1 AND tenant_id = $2 AND kind IN ('email', 'phone') AND verified_at IS NULL
         AND ($3 IS NULL OR created_at < $3)
      RETURNING kind, name",
);

/// Takes the addresses and numbers away from a user who is locked that nobody has proved, if the user got them before a
/// time, or all; returns how many.
pub fn drop_unproved(
    now: Timestamp,
    before: Option<Timestamp>,
    id: Id,
    tenant_id: &str,
) -> Result<u64, Mistake> {
    let mut count = 0;
    for (kind, name) in UNPROVED.all(&params![id, tenant_id, before])? {
        HIDE.run(&params![id, tenant_id, kind, name, now])?;
        count += 1;
    }
    Ok(count)
}

static EXTERNAL: Statement<String> = Statement::latest(
    c"SELECT name FROM auth_store.user_names WHERE user_id = $1 AND tenant_id = $2 AND kind = 'external'",
);

/// The external keys of a user: what an application calls the user by.
pub fn external_keys(id: Id, tenant_id: &str) -> Result<Vec<String>, Mistake> {
    EXTERNAL.all(&params![id, tenant_id])
}

static LIST: Statement<Shown> = Statement::read(
    c"SELECT {columns} FROM auth_store.user_names WHERE user_id = $1 ORDER BY kind, created_at, name_key",
);

row! {
    /// A name of a user.
    pub struct OwnName in user_names {
        pub kind: String,
        pub name: String,
        pub created_at: Timestamp,
        pub verified_at: Option<Timestamp>,
    }
}

static OF_USER: Lookup<OwnName> = Lookup::by(c"user_names_user_idx");

/// The names that a user is found by, in no order.
pub fn of_user(snapshot: &Snapshot, user_id: Id) -> Result<Vec<OwnName>, Mistake> {
    OF_USER.all_by(snapshot, [Key::Id(user_id)])
}

static ALL: Statement<String> = Statement::read(
    c"SELECT n.name FROM auth_store.user_names n WHERE n.user_id = $1 AND n.tenant_id = $2
      UNION ALL
      SELECT w.name
        FROM auth_store.users u CROSS JOIN LATERAL (VALUES (u.first_name), (u.last_name)) w (name)
       WHERE u.id = $1 AND u.tenant_id = $2 AND w.name IS NOT NULL",
);

/// Everything that a user is called, in no order: the names that the user is found by, the first and the last name.
pub fn all_of(user_id: Id, tenant_id: &str) -> Result<Vec<String>, Mistake> {
    ALL.all(&params![user_id, tenant_id])
}

fn told<'a>(id: Id, tenant_id: &'a str, context: &'a Context<'a>) -> Event<'a> {
    Event { tenant_id, user_id: Some(id), context: Some(context), ..Event::default() }
}

/// The trail says what kind of name it was. A name says who somebody is, and stays out of the trail.
fn record(now: Timestamp, event: Event<'_>, kind: Kind) -> Result<(), Mistake> {
    trail::record(now, &Event { details: Some(json!({ "kind": kind.as_str() })), ..event })?;
    Ok(())
}
