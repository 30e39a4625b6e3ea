//! Moving users in from another store, many in a call, each with all that comes with it. A user that can't be taken is
//! answered with why, and the others are taken.

use pgrx::iter::SetOfIterator;
use pgrx::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::identity::external::{Account, link};
use crate::identity::mfa::{enroll, last};
use crate::identity::password;
use crate::identity::password::import::{self, Present};
use crate::identity::role::assign;
use crate::identity::tenant;
use crate::identity::user::create::{NewUser, create};
use crate::identity::user::name::{Kind, Name};
use crate::identity::user::{self, names, verified};
use crate::kernel::crypto::password::import::Request;
use crate::kernel::outcome::{Answer, ErrorCode, Mistake, OrRaise, given};
use crate::kernel::server::composite::composite;
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::server::{state, transaction};
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::kernel::value::inet::Inet;
use crate::kernel::value::jsonb::Jsonb;
use crate::trail::{self, Context, Event};

composite! {
    /// A row of users_import().
    pub struct UserImport = "auth_store.user_import" {
        pub position: i32,
        pub external_id: Option<String>,
        pub user_id: Option<Id>,
        pub created: Option<bool>,
        pub error: Option<&'static str>,
        pub error_description: Option<String>,
    }
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn users_import(
    users: Option<Jsonb>,
    tenant_id: default!(Option<&str>, "NULL"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> SetOfIterator<'static, UserImport> {
    let context = Context { ip, user_agent };
    SetOfIterator::new(all(clock::now(), users, tenant_id, &context).or_raise())
}

/// How many users one call takes.
const MAX_USERS: usize = 1000;
/// How many bytes all of them have.
const MAX_BYTES: usize = 16 * 1024 * 1024;

/// A user of the other store. `password` has the arguments of password_import(), `totp` those of totp_import(), each of
/// `identities` those of identity_link().
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Given {
    id: Option<String>,
    external_id: Option<String>,
    email: Option<String>,
    email_verified: bool,
    username: Option<String>,
    phone: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    /// Taken from the document, to the last digit of its numbers.
    metadata: Option<Value>,
    password: Option<Password>,
    must_change: bool,
    totp: Option<Totp>,
    identities: Vec<Identity>,
    roles: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Password {
    password_hash: String,
    format: Option<String>,
    normalization: Option<String>,
    pepper: Option<String>,
    parameters: Option<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Totp {
    secret: String,
    label: Option<String>,
    algorithm: Option<String>,
    digits: Option<i32>,
    period: Option<i32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Identity {
    provider: String,
    subject: String,
    email: Option<String>,
    email_verified: Option<bool>,
}

impl Identity {
    fn read(&self) -> Result<(Account<'_>, link::Said<'_>), Mistake> {
        let account = Account::check(Some(&self.provider), Some(&self.subject))?;
        Ok((account, link::Said::check(self.email.as_deref(), self.email_verified, None)?))
    }
}

const USER: Mistake = Mistake::invalid(
    "users",
    "an object with at least one of id, external_id, email, username and phone, and the members that the comment of \
     users_import() names, of their types",
);

fn all(
    now: Timestamp,
    users: Option<Jsonb>,
    tenant_id: Option<&str>,
    context: &Context<'_>,
) -> Result<Vec<UserImport>, Mistake> {
    let users = given(users, "users")?;
    state::writable()?;
    let tenant_id = tenant::resolve(&Snapshot::writing()?, tenant_id)?;
    let accepted = Mistake::invalid("users", "a JSON array of at most 1000 users and 16 MB");
    if users.size() > MAX_BYTES || !users.is_array() {
        return Err(accepted);
    }
    let users = ELEMENTS.all(&params![users])?;
    if users.len() > MAX_USERS {
        return Err(accepted);
    }
    let mut rows = Vec::with_capacity(users.len());
    for (user, position) in users.iter().zip(1..) {
        pgrx::check_for_interrupts!();
        rows.push(row(now, position, user, &tenant_id, context));
    }
    Ok(rows)
}

static ELEMENTS: Statement<Jsonb> = Statement::read(c"SELECT value FROM pg_catalog.jsonb_array_elements($1)");

/// Takes one user, in a subtransaction of its own.
fn row(now: Timestamp, position: i32, user: &Jsonb, tenant_id: &str, context: &Context<'_>) -> UserImport {
    let given_metadata = if user.is_object() { user.get("metadata") } else { None };
    let read = user.is_object().then(|| user.parse()).flatten();
    let read = read.and_then(|value| serde_json::from_value::<Given>(value).ok()).filter(Given::is_somebody);
    let external_id = read.as_ref().and_then(|user| user.external_id.clone());
    let answer = UserImport { position, external_id, ..UserImport::default() };
    let mut refused = None;
    let taken = transaction::attempt(|| {
        let user = read.ok_or(USER)?;
        let metadata = user.metadata.as_ref().and(given_metadata);
        take(now, &user, metadata, tenant_id, context)?.map_err(|refusal| {
            // Not raised, but the subtransaction is undone with what was made so far.
            refused = Some(refusal);
            USER
        })
    });
    let (error, why) = match (taken, refused) {
        (Ok((id, created)), _) => {
            return UserImport { user_id: Some(id), created: Some(created), ..answer };
        }
        (Err(_), Some(refusal)) => (refusal.code, refusal.description.into_owned()),
        // As an error_description may be written (RFC 6749 section 5.2).
        (Err(mistake), None) => (ErrorCode::InvalidRequest, mistake.with_hint().replace('"', "'")),
    };
    UserImport { error: Some(error.as_str()), error_description: Some(why), ..answer }
}

impl Given {
    /// Whether it says who it is.
    fn is_somebody(&self) -> bool {
        [&self.id, &self.external_id, &self.email, &self.username, &self.phone]
            .iter()
            .any(|name| name.is_some())
    }

    /// The id that is given, or one in the bucket of the first name where create() is told of none. None: it makes one.
    fn new_id(&self, now: Timestamp, tenant_id: &str) -> Result<Option<Id>, Mistake> {
        if let Some(id) = &self.id {
            return Id::parse(id).ok_or(USER).map(Some);
        }
        if self.email.is_some() || self.external_id.is_some() {
            return Ok(None);
        }
        let name = |kind, text: &'_ Option<String>| {
            Name::read(kind, text.as_deref()?).map(|name| name.bucket(tenant_id))
        };
        let first = name(Kind::Phone, &self.phone).or_else(|| name(Kind::Username, &self.username));
        first.map(|bucket| Id::mint(now, bucket)).transpose()
    }
}

/// The user's id, and whether the user is new.
fn take(
    now: Timestamp,
    user: &Given,
    metadata: Option<Jsonb>,
    tenant_id: &str,
    context: &Context<'_>,
) -> Answer<(Id, bool)> {
    let identities = user.identities.iter().map(Identity::read).collect::<Result<Vec<_>, _>>()?;
    // Accounts come before users.
    Account::lock_all(identities.iter().map(|(account, _)| *account), tenant_id);
    let (id, created) = match known(user, tenant_id)? {
        Some(id) => (id, false),
        None => match add(now, user, metadata, tenant_id, context)? {
            Ok(id) => (id, true),
            Err(refusal) => return Ok(Err(refusal)),
        },
    };
    // Who gets a password or an app meanwhile keeps it too: both are looked for again when the user is locked.
    if let Some(password) = &user.password
        && password::find(&Snapshot::latest(), id)?.is_none()
    {
        let request = Request {
            hash: &password.password_hash,
            format: password.format.as_deref(),
            normalization: password.normalization.as_deref(),
            pepper: password.pepper.as_deref(),
            parameters: password.parameters.as_ref(),
        };
        import::import(now, id, tenant_id, request, Present::Kept, user.must_change, context)?;
    }
    if let Some(totp) = &user.totp
        && last::apps(id, tenant_id)? == 0
    {
        let factor = enroll::Given {
            secret: &totp.secret,
            label: totp.label.as_deref(),
            algorithm: totp.algorithm.as_deref(),
            digits: totp.digits,
            period: totp.period,
        };
        enroll::import(now, id, &factor, 1, context)?;
    }
    for (account, said) in &identities {
        if let Err(refusal) = link::import(now, id, tenant_id, account, said, context)? {
            return Ok(Err(refusal));
        }
    }
    for role in &user.roles {
        assign::assign(now, Some(id), Some(role), Some(tenant_id), &assign::Assignment::default(), context)?;
    }
    let details = json!({ "created": created });
    let user_id = Some(id);
    let event =
        Event { event: "user.imported", tenant_id, user_id, context: Some(context), ..Event::default() };
    trail::record(now, &Event { details: Some(details), ..event })?;
    Ok(Ok((id, created)))
}

/// The user who was taken before: by the external key, else by the id.
fn known(user: &Given, tenant_id: &str) -> Result<Option<Id>, Mistake> {
    let snapshot = Snapshot::latest();
    if let Some(external_id) = &user.external_id {
        return names::find(&snapshot, tenant_id, &names::external(external_id)?);
    }
    let Some(id) = user.id.as_deref() else { return Ok(None) };
    let id = Id::parse(id).ok_or(USER)?;
    Ok(user::find(&snapshot, id)?.filter(|found| found.tenant_id == tenant_id).map(|_| id))
}

fn add(
    now: Timestamp,
    user: &Given,
    metadata: Option<Jsonb>,
    tenant_id: &str,
    context: &Context<'_>,
) -> Answer<Id> {
    let new = NewUser {
        id: user.new_id(now, tenant_id)?,
        email: user.email.as_deref(),
        external_id: user.external_id.as_deref(),
        first_name: user.first_name.as_deref(),
        last_name: user.last_name.as_deref(),
        metadata,
        tenant_id: Some(tenant_id),
    };
    let id = match create(now, new, context)? {
        Ok(id) => id,
        Err(refusal) => return Ok(Err(refusal)),
    };
    for (kind, name) in [(Kind::Username, &user.username), (Kind::Phone, &user.phone)] {
        if let Some(name) = name
            && let Err(refusal) = names::add(now, Some(id), Some(kind.as_str()), Some(name), context)?
        {
            return Ok(Err(refusal));
        }
    }
    if let Some(email) = user.email.as_deref().filter(|_| user.email_verified) {
        verified::prove(now, id, tenant_id, email)?;
    }
    Ok(Ok(id))
}
