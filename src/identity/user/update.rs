//! Changing a user: the JSON object `changes` of user_update().
//!
//! Lock order: the user, then the names in the order of their kinds.

use pgrx::prelude::*;
use serde_json::{Value, json};

use crate::identity::user::anonymous;
use crate::identity::user::name::{Kind, Name};
use crate::identity::user::{names, verified};
use crate::kernel::outcome::{Answer, ErrorCode, Mistake, OrRaise, Refusal, given};
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::server::row::row;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::value::argument;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::kernel::value::inet::Inet;
use crate::kernel::value::jsonb::Jsonb;
use crate::kernel::value::member;
use crate::trail::refused::Outcome;
use crate::trail::{self, Context, Event};

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn user_update(
    user_id: Option<pgrx::Uuid>,
    changes: Option<Jsonb>,
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> Outcome {
    update(clock::now(), user_id.map(Id::from), changes, &Context { ip, user_agent }).or_raise().into()
}

/// The members that can be changed.
const MEMBERS: [&str; 6] = ["email", "email_verified", "external_id", "first_name", "last_name", "metadata"];

row! {
    /// What can be changed of a user, as it is.
    struct Present {
        email: Option<String>,
        email_verified: bool,
        email_unnamed: bool,
        external_id: Option<String>,
        first_name: Option<String>,
        last_name: Option<String>,
        metadata: Jsonb,
    }
}

static LOCK: Statement<Present> = Statement::write(
    c"SELECT {columns} FROM auth_store.users WHERE id = $1 AND tenant_id = $2 FOR NO KEY UPDATE",
);

static UPDATE: Statement = Statement::write(
    c"UPDATE auth_store.users
         SET email = $3, email_verified = $4, email_unnamed = $5, external_id = $6, first_name = $7, last_name = $8,
             metadata = $9, updated_at = $10
       WHERE id = $1 AND tenant_id = $2",
);

fn update(now: Timestamp, user_id: Option<Id>, changes: Option<Jsonb>, context: &Context<'_>) -> Answer<()> {
    let id = given(user_id, "user_id")?;
    let changes = Changes::read(&given(changes, "changes")?)?;
    let tenant_id = super::tenant_of(id)?;
    let mut user = LOCK.one(&params![id, tenant_id.as_str()])?.ok_or(super::UNKNOWN)?;
    let outcome = changes.apply(now, id, &tenant_id, &mut user)?;
    if outcome.is_ok() {
        UPDATE.run(&params![
            id,
            tenant_id.as_str(),
            user.email,
            user.email_verified,
            user.email_unnamed,
            user.external_id,
            user.first_name,
            user.last_name,
            user.metadata,
            now
        ])?;
    }
    trail::record(
        now,
        &Event {
            event: "user.updated",
            tenant_id: &tenant_id,
            user_id: Some(id),
            error: outcome.as_ref().err().map(|refusal| refusal.code),
            details: Some(json!({ "changed": changes.named })),
            context: Some(context),
            ..Event::default()
        },
    )?;
    if outcome.is_ok()
        && (matches!(changes.email, Some(Some(_))) || matches!(changes.external_id, Some(Some(_))))
    {
        let by = if matches!(changes.email, Some(Some(_))) { "email" } else { "external" };
        anonymous::upgrade(now, id, &tenant_id, by, context)?;
    }
    Ok(outcome)
}

/// What is to be changed; the inner None of a member is NULL.
#[derive(Default)]
struct Changes {
    named: Vec<&'static str>,
    email: Option<Option<String>>,
    email_verified: Option<bool>,
    external_id: Option<Option<String>>,
    first_name: Option<Option<String>>,
    last_name: Option<Option<String>>,
    metadata: Option<Jsonb>,
}

impl Changes {
    /// `metadata` is stored as it is, and may hold what a [`Value`] cannot.
    fn read(json: &Jsonb) -> Result<Self, Mistake> {
        let refuse = || {
            let accepted = format!("an object with the keys {}", MEMBERS.join(", "));
            Mistake::InvalidArgument { argument: "changes", accepted: accepted.into() }
        };
        if !json.is_object() {
            return Err(refuse());
        }
        let Some(Value::Object(mut rest)) = json.without("metadata").and_then(|rest| rest.parse()) else {
            return Err(refuse());
        };
        let mut text = |name| -> Result<_, Mistake> {
            let Some(value) = rest.remove(name) else { return Ok(None) };
            Ok(Some(member::text(&value, name)?.map(str::to_owned)))
        };
        let mut changes = Self {
            email: text("email")?,
            external_id: text("external_id")?,
            first_name: text("first_name")?,
            last_name: text("last_name")?,
            ..Self::default()
        };
        changes.email_verified = match rest.remove("email_verified") {
            None => None,
            Some(Value::Bool(value)) => Some(value),
            Some(_) => return Err(Mistake::invalid("email_verified", "a JSON boolean")),
        };
        if let Some(document) = json.get("metadata") {
            let document = Some(document).filter(|document| !document.is_null());
            changes.metadata = Some(argument::document(document, "metadata")?);
        }
        for (name, member) in [("first_name", &changes.first_name), ("last_name", &changes.last_name)] {
            argument::optional_line(member.as_ref().and_then(|name| name.as_deref()), name)?;
        }
        if let Some(Some(external_id)) = &changes.external_id {
            names::external(external_id)?;
        }
        changes.named = MEMBERS.into_iter().filter(|name| json.get(name).is_some()).collect();
        if rest.is_empty() { Ok(changes) } else { Err(refuse()) }
    }

    /// Changes the names, and what the user's row is to say. An address that is none, or another's, is refused before
    /// anything is written.
    fn apply(&self, now: Timestamp, id: Id, tenant_id: &str, user: &mut Present) -> Answer<()> {
        if let Some(email) = &self.email {
            let name = match email.as_deref().map(|email| Name::read(Kind::Email, email)) {
                Some(None) => {
                    return Ok(Err(Refusal::new(ErrorCode::InvalidRequest, Kind::Email.accepted())));
                }
                name => name.flatten(),
            };
            let former = user.email.take();
            match names::replace(now, id, tenant_id, Kind::Email, former.as_deref(), name)? {
                Ok(shown) => user.email = shown,
                Err(refusal) => return Ok(Err(refusal)),
            }
            user.email_verified = is_proved(tenant_id, user.email.as_deref())?;
            user.email_unnamed = false;
        }
        if let Some(external_id) = &self.external_id {
            let name = external_id.as_deref().map(names::external).transpose()?;
            let former = user.external_id.take();
            match names::replace(now, id, tenant_id, Kind::External, former.as_deref(), name)? {
                Ok(shown) => user.external_id = shown,
                Err(_) => return Err(Mistake::Duplicate { what: "user", argument: "external_id" }),
            }
        }
        if let (Some(proved), Some(email)) = (self.email_verified, &user.email) {
            verified::set(now, id, tenant_id, email, proved)?;
            user.email_verified = proved;
        }
        for (member, change) in
            [(&mut user.first_name, &self.first_name), (&mut user.last_name, &self.last_name)]
        {
            if let Some(change) = change {
                member.clone_from(change);
            }
        }
        if let Some(metadata) = &self.metadata {
            user.metadata = metadata.clone();
        }
        Ok(Ok(()))
    }
}

/// Whether the address that is going to be shown was proved.
fn is_proved(tenant_id: &str, email: Option<&str>) -> Result<bool, Mistake> {
    let Some(name) = email.and_then(|email| Name::read(Kind::Email, email)) else { return Ok(false) };
    let mailbox = verified::mailbox(&Snapshot::writing()?, tenant_id, &name)?;
    Ok(mailbox.is_some_and(|mailbox| mailbox.verified_at.is_some()))
}
