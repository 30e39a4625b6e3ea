//! Consents: what a user has agreed to, so that the authorization endpoint does not ask again. One row for each
//! scope token and resource, so that answers add up.
//!
//! Lock order: the client, the user, then consents, then grants.

pub mod access;
pub mod applications;
pub mod grants;

use pgrx::prelude::*;
use serde_json::json;

use crate::identity::user::{self, User};
use crate::kernel::outcome::{ErrorCode, Mistake, OrRaise, Refusal, given};
use crate::kernel::server::batch::delete_ended;
use crate::kernel::server::composite::composite;
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::server::row::row;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::server::table::{By, Ended, Moves, OfUser, Published, Rows, Table, delete_by, exported};
use crate::kernel::value::argument;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::kernel::value::inet::Inet;
use crate::oauth::client::{self, Client};
use crate::oauth::grant::of_user;
use crate::rfc::{parameter, resource, scope};
use crate::trail::refused::Refused;
use crate::trail::{self, Context, Event, Flag};

composite! {
    /// What consent_record() recorded.
    pub struct ConsentRecord = "auth_store.consent_record" {
        pub scope: Option<String>,
        pub error: Option<&'static str>,
        pub error_description: Option<String>,
    }
    refused { error, error_description }
}

composite! {
    /// Whether a request needs to ask the user.
    pub struct ConsentState = "auth_store.consent_state" {
        pub granted: bool,
        pub missing_scope: Option<String>,
        pub error: Option<&'static str>,
        pub error_description: Option<String>,
    }
    refused { error, error_description }
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn consent_record(
    user_id: Option<pgrx::Uuid>,
    client_id: Option<&str>,
    scope: default!(Option<&str>, "NULL"),
    resource: default!(Option<Vec<Option<String>>>, "NULL"),
    expires_at: default!(Option<TimestampWithTimeZone>, "NULL"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> ConsentRecord {
    let now = clock::now();
    let context = Context { ip, user_agent };
    let request = ConsentRequest::new(scope, resource);
    let expires_at = expires_at.map(Timestamp::from);
    record(now, user_id.map(Id::from), client_id, request, expires_at, &context).or_raise()
}

#[pg_extern(stable, parallel_safe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn consent_check(
    user_id: Option<pgrx::Uuid>,
    client_id: Option<&str>,
    scope: default!(Option<&str>, "NULL"),
    resource: default!(Option<Vec<Option<String>>>, "NULL"),
) -> ConsentState {
    let now = clock::now();
    check(now, user_id.map(Id::from), client_id, ConsentRequest::new(scope, resource)).or_raise()
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn consent_revoke(
    user_id: Option<pgrx::Uuid>,
    client_id: Option<&str>,
    reason: default!(Option<&str>, "'consent_revoked'"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> i32 {
    let context = Context { ip, user_agent };
    revoke(clock::now(), user_id.map(Id::from), client_id, reason, &context).or_raise()
}

/// What the client asks for.
struct ConsentRequest<'a> {
    scope: Option<&'a str>,
    resource: Option<Vec<Option<String>>>,
}

impl<'a> ConsentRequest<'a> {
    /// An empty parameter counts as left out, and needs the consent to what such a request is granted.
    fn new(scope: Option<&'a str>, resource: Option<Vec<Option<String>>>) -> Self {
        Self { scope: parameter::scope(scope), resource: parameter::values(resource) }
    }
}

row! {
    /// A live consent's row.
    pub struct Consent in consents {
        pub id: Id,
        pub client_id: String,
        pub resource: String,
        pub scope: String,
        pub renewed_at: Timestamp,
    }
}

/// The longest scope token that is remembered, in bytes: it is part of a key.
const MAX_TOKEN: usize = 255;
/// The longest client_id and resource together, in bytes: with the rest of the key they must fit into an index entry of
/// at most 2704.
const MAX_PARTIES: usize = 2300;

/// The facts of the table `consents`.
pub static TABLE: Table = Table {
    name: "consents",
    key: &["id", "tenant_id"],
    ended: Some(Ended {
        statement: delete_ended!(sparse "auth_store.consents", "expires_at <= $3"),
        times: |now| Vec::from(params![now]),
    }),
    of_tenant: Rows::Deleted(delete_by!(latest "consents", "tenant_id")),
    of_client: Rows::Deleted(Statement::latest(
        c"WITH doomed AS (SELECT id FROM auth_store.consents WHERE client_id = $1
                           ORDER BY user_id, resource, scope FOR UPDATE)
          DELETE FROM auth_store.consents c USING doomed WHERE c.id = doomed.id",
    )),
    of_user: Some(OfUser {
        by: By::User,
        erased: Some(Statement::latest(
            c"WITH doomed AS (SELECT id, tenant_id FROM auth_store.consents WHERE user_id = $1
                               ORDER BY client_id, resource, scope FOR UPDATE)
              DELETE FROM auth_store.consents c USING doomed WHERE c.id = doomed.id AND c.tenant_id = doomed.tenant_id",
        )),
        exported: exported!(
            "consents",
            "user_id = $1",
            "id, user_id, renewed_at, expires_at, tenant_id, client_id, resource, scope",
            withheld ""
        ),
    }),
    published: Published::TakeOver,
    moves: Moves::ById,
    restored: true,
};

// In the order of the key, so that two of these never wait for each other in a circle.
static RECORD: Statement = Statement::write(
    c"INSERT INTO auth_store.consents AS c (id, user_id, tenant_id, client_id, resource, scope, renewed_at, expires_at)
      SELECT t.id, $1, $2, $3, t.resource, t.scope, $7, $8
        FROM unnest($4, $5, $6) AS t (id, resource, scope)
       ORDER BY t.resource COLLATE \"C\", t.scope COLLATE \"C\"
      ON CONFLICT (user_id, tenant_id, client_id, resource, scope)
      DO UPDATE SET renewed_at = EXCLUDED.renewed_at, expires_at = EXCLUDED.expires_at",
);

static LIVE: Statement<Consent> = Statement::read(
    c"SELECT {columns} FROM auth_store.consents
       WHERE user_id = $1 AND tenant_id = $2 AND ($3 IS NULL OR client_id = $3)
         AND (expires_at IS NULL OR expires_at > $4)
       ORDER BY id",
);

static REVOKE: Statement = Statement::latest(
    c"WITH doomed AS (SELECT id, tenant_id FROM auth_store.consents
                       WHERE user_id = $1 AND tenant_id = $2 AND ($3 IS NULL OR client_id = $3)
                       ORDER BY client_id, resource, scope FOR UPDATE)
      DELETE FROM auth_store.consents c USING doomed WHERE c.id = doomed.id AND c.tenant_id = doomed.tenant_id",
);

/// Revokes every consent of a user; returns how many rows. The caller ends the grants, and writes the audit row.
pub fn revoke_all(user_id: Id, tenant_id: &str) -> Result<u64, Mistake> {
    REVOKE.run(&params![user_id, tenant_id, None::<&str>])
}

fn record(
    now: Timestamp,
    user_id: Option<Id>,
    client_id: Option<&str>,
    request: ConsentRequest<'_>,
    expires_at: Option<Timestamp>,
    context: &Context<'_>,
) -> Result<ConsentRecord, Mistake> {
    if expires_at.is_some_and(|end| end <= now) {
        return Err(Mistake::invalid("expires_at", "a time to come, or NULL"));
    }
    let (user_id, user, client) = parties(&Snapshot::writing()?, user_id, client_id)?;
    let decided = if !client.is_usable() {
        Err(Refused {
            refusal: Refusal::new(ErrorCode::UnauthorizedClient, "the client is not active"),
            flags: &[Flag::InactiveClient],
        })
    } else if !user.is_active() {
        Err(Refused {
            refusal: Refusal::new(ErrorCode::AccessDenied, "the user is not active"),
            flags: &[Flag::InactiveUser],
        })
    } else {
        wanted(&client, request)
    };
    let mut event = Event {
        event: RECORDED,
        tenant_id: &client.tenant_id,
        client_id: Some(&client.id),
        user_id: Some(user_id),
        context: Some(context),
        ..Event::default()
    };
    let answer = match &decided {
        Ok((scope, resources)) => {
            store(now, (user_id, &user), &client, scope, resources, expires_at)?;
            event.details = Some(json!({ "scope": scope, "resource": resources }));
            ConsentRecord { scope: Some(scope.clone()), ..ConsentRecord::default() }
        }
        Err(Refused { refusal, flags }) => {
            event.error = Some(refusal.code);
            event.flags = flags;
            ConsentRecord::refused(refusal)
        }
    };
    trail::record(now, &event)?;
    Ok(answer)
}

/// The user and the client, of one tenant; 23503 if they are of two.
fn parties(
    snapshot: &Snapshot,
    user_id: Option<Id>,
    client_id: Option<&str>,
) -> Result<(Id, User, Client), Mistake> {
    let user_id = given(user_id, "user_id")?;
    let client_id = given(client_id, "client_id")?;
    let user = user::find(snapshot, user_id)?.ok_or(user::UNKNOWN)?;
    let client = client::find(snapshot, client_id)?
        .filter(|client| client.tenant_id == user.tenant_id)
        .ok_or(client::UNKNOWN)?;
    Ok((user_id, user, client))
}

/// What a user has not agreed to of a request that was granted this scope and these resources.
pub fn missing_of(
    now: Timestamp,
    user_id: Id,
    client: &Client,
    scope: &str,
    resources: &[String],
) -> Result<Vec<String>, Mistake> {
    let consents = live(now, user_id, &client.tenant_id, Some(&client.id))?;
    let given: Vec<_> = consents.iter().map(|one| (one.resource.as_str(), one.scope.as_str())).collect();
    Ok(missing(scope, resources, &given).into_iter().map(str::to_owned).collect())
}

/// Records that a user has agreed to such a request. What is too long to be remembered is asked for again.
pub fn agree(
    now: Timestamp,
    (user_id, user): (Id, &User),
    client: &Client,
    scope: &str,
    resources: &[String],
    context: &Context<'_>,
) -> Result<(), Mistake> {
    if bounded(client, scope, resources).is_ok() {
        store(now, (user_id, user), client, scope, resources, None)?;
    }
    let event = Event {
        event: RECORDED,
        tenant_id: &client.tenant_id,
        client_id: Some(&client.id),
        user_id: Some(user_id),
        context: Some(context),
        details: Some(json!({ "scope": scope, "resource": resources })),
        ..Event::default()
    };
    trail::record(now, &event).map(|_| ())
}

const RECORDED: &str = "consent.recorded";

/// The scope and resources that are asked for, as the authorization endpoint would grant them.
fn wanted(client: &Client, request: ConsentRequest<'_>) -> Result<(String, Vec<String>), Refused> {
    let scope = scope::granted(request.scope, &client.scope)
        .map_err(|refusal| Refused { refusal, flags: &[Flag::ScopeWidening] })?;
    let resources = resource::granted(request.resource, &client.resources)
        .map_err(|refusal| Refused { refusal, flags: &[Flag::TargetWidening] })?;
    let resources = resources.unwrap_or_default();
    bounded(client, &scope, &resources)?;
    Ok((scope, resources))
}

/// Whether a consent to it can be stored.
fn bounded(client: &Client, scope: &str, resources: &[String]) -> Result<(), Refused> {
    if tokens(scope).any(|token| token.len() > MAX_TOKEN) {
        let refusal =
            Refusal::new(ErrorCode::InvalidScope, "a scope token of a consent has at most 255 bytes");
        return Err(Refused { refusal, flags: &[] });
    }
    if resources.iter().any(|resource| client.id.len() + resource.len() > MAX_PARTIES) {
        let description = "a resource of a consent has at most 2300 bytes, those of the client_id among them";
        return Err(Refused { refusal: Refusal::new(ErrorCode::InvalidTarget, description), flags: &[] });
    }
    Ok(())
}

/// The tokens of a scope; an empty scope has one token, which is empty.
pub fn tokens(scope: &str) -> impl Iterator<Item = &str> {
    scope.split(' ')
}

fn store(
    now: Timestamp,
    (user_id, user): (Id, &User),
    client: &Client,
    scope: &str,
    resources: &[String],
    expires_at: Option<Timestamp>,
) -> Result<(), Mistake> {
    let everywhere = [String::new()];
    let resources = if resources.is_empty() { &everywhere } else { resources };
    let (mut ids, mut of_resource, mut of_scope) = (Vec::new(), Vec::new(), Vec::new());
    for resource in resources {
        for token in tokens(scope) {
            ids.push(Id::mint(now, user_id.bucket())?);
            of_resource.push(resource.as_str());
            of_scope.push(token);
        }
    }
    if !client::lock_key_share(&client.id, &client.tenant_id, client.place)? {
        return Err(client::UNKNOWN);
    }
    if !user::lock_key_share(user_id, &client.tenant_id, user.place_in(&client.tenant_id))? {
        return Err(user::UNKNOWN);
    }
    RECORD.run(&params![
        user_id,
        client.tenant_id.as_str(),
        client.id.as_str(),
        ids,
        of_resource,
        of_scope,
        now,
        expires_at,
    ])?;
    Ok(())
}

fn check(
    now: Timestamp,
    user_id: Option<Id>,
    client_id: Option<&str>,
    request: ConsentRequest<'_>,
) -> Result<ConsentState, Mistake> {
    let (user_id, user, client) = parties(&Snapshot::reading(), user_id, client_id)?;
    let (scope, resources) = match wanted(&client, request) {
        Ok(wanted) => wanted,
        Err(Refused { refusal, .. }) => return Ok(ConsentState::refused(&refusal)),
    };
    let consents = live(now, user_id, &user.tenant_id, Some(&client.id))?;
    let given: Vec<_> = consents.iter().map(|one| (one.resource.as_str(), one.scope.as_str())).collect();
    let missing = missing(&scope, &resources, &given);
    Ok(ConsentState {
        granted: missing.is_empty(),
        missing_scope: (!missing.is_empty()).then(|| missing.join(" ")),
        ..ConsentState::default()
    })
}

/// The tokens of the scope that no consent covers at one of the resources. A consent without a resource is for all
/// resources; one with a resource is for that resource.
fn missing<'a>(scope: &'a str, resources: &[String], given: &[(&str, &str)]) -> Vec<&'a str> {
    let covered = |token: &str, at: &str| {
        given.iter().any(|(resource, scope)| {
            (resource.is_empty() || resource::same(resource, at)) && (*scope == token || token.is_empty())
        })
    };
    tokens(scope)
        .filter(|token| match resources {
            [] => !covered(token, ""),
            _ => !resources.iter().all(|at| covered(token, at)),
        })
        .collect()
}

/// The live consents of a user, to one client or to all, the oldest first.
pub fn live(
    now: Timestamp,
    user_id: Id,
    tenant_id: &str,
    client_id: Option<&str>,
) -> Result<Vec<Consent>, Mistake> {
    LIVE.all(&params![user_id, tenant_id, client_id, now])
}

fn revoke(
    now: Timestamp,
    user_id: Option<Id>,
    client_id: Option<&str>,
    reason: Option<&str>,
    context: &Context<'_>,
) -> Result<i32, Mistake> {
    let reason = argument::reason_or(reason, "consent_revoked")?;
    let (user_id, user, client) = parties(&Snapshot::writing()?, user_id, client_id)?;
    let codes = grants::shut_out(now, user_id, &user.tenant_id, Some(&client.id))?;
    let consents = REVOKE.run(&params![user_id, user.tenant_id.as_str(), client.id.as_str()])?;
    let grants = of_user::revoke(now, user_id, Some(&client.id), reason)?;
    trail::record(
        now,
        &Event {
            event: "consent.revoked",
            tenant_id: &user.tenant_id,
            client_id: Some(&client.id),
            user_id: Some(user_id),
            context: Some(context),
            details: Some(
                json!({ "reason": reason, "consents": consents, "grants": grants, "codes": codes }),
            ),
            ..Event::default()
        },
    )?;
    Ok(i32::try_from(grants).unwrap_or(i32::MAX))
}

static ANY_OF_CLIENT: Statement<bool> =
    Statement::latest(c"SELECT EXISTS (SELECT FROM auth_store.consents WHERE client_id = $1)");

/// Whether a user has consented to the client.
pub fn any_of_client(client_id: &str) -> Result<bool, Mistake> {
    Ok(ANY_OF_CLIENT.one(&params![client_id])? == Some(true))
}

#[cfg(test)]
mod tests {
    use super::missing;

    const A: &str = "https://a.example/";
    const B: &str = "https://b.example/";

    #[test]
    fn a_consent_for_all_resources_covers_each() {
        let given = [("", "read"), (A, "write")];
        let at = |resource: &str| [resource.to_string()];
        assert!(missing("read", &[], &given).is_empty());
        assert!(missing("read write", &at(A), &given).is_empty());
        assert_eq!(missing("read write", &at(B), &given), ["write"]);
    }

    #[test]
    fn one_for_a_resource_covers_that_alone() {
        let given = [(A, "read")];
        assert_eq!(missing("read", &[], &given), ["read"]);
        assert_eq!(missing("read", &[A.to_string(), B.to_string()], &given), ["read"]);
        assert!(missing("read", &["HTTPS://A.example:443".to_string()], &given).is_empty());
    }

    #[test]
    fn a_request_without_a_scope_needs_any_consent() {
        assert!(missing("", &[], &[("", "read")]).is_empty());
        assert!(missing("", &[], &[("", "")]).is_empty());
        assert_eq!(missing("", &[], &[]), [""]);
        assert_eq!(missing("", &[], &[(A, "")]), [""]);
        assert_eq!(missing("read", &[], &[("", "")]), ["read"]);
    }
}
