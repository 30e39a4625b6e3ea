//! A developer portal: users register clients and manage those that they own, and no others.
//!
//! Who the user is, is said by the principal of the transaction (see `authenticate()`); an application that has checked
//! it otherwise names the user. If both are there they must be one.

use pgrx::iter::SetOfIterator;
use pgrx::prelude::*;
use serde_json::Value;

use crate::identity::{tenant, user};
use crate::kernel::outcome::{Answer, ErrorCode, Mistake, OrRaise, Refusal, given};
use crate::kernel::server::composite::composite;
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::kernel::value::jsonb::Jsonb;
use crate::lifecycle::client_end;
use crate::oauth::client::metadata::owner;
use crate::oauth::client::profile::{ClientProfile, Wanted};
use crate::oauth::client::registered::members::Members;
use crate::oauth::client::registered::terms::{Terms, with_kept};
use crate::oauth::client::registered::{self, information};
use crate::oauth::client::registration::NewClient;
use crate::oauth::client::secret::{self, Keeper};
use crate::oauth::client::{self, Origin};
use crate::oauth::issuer::{self, Issuer};
use crate::principal::current;

composite! {
    /// What developer_client_create() and developer_client_update() return.
    pub struct DeveloperClient = "auth_store.developer_client" {
        pub client_id: Option<String>,
        pub client_secret: Option<String>,
        pub error: Option<&'static str>,
        pub error_description: Option<String>,
        pub retry_after: Option<i32>,
    }
    refused { error, error_description, retry_after }
}

impl From<Result<Self, Refusal>> for DeveloperClient {
    fn from(answer: Result<Self, Refusal>) -> Self {
        answer.unwrap_or_else(|refusal| Self::refused(&refusal))
    }
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn developer_client_create(
    metadata: Option<Jsonb>,
    owner_id: default!(Option<pgrx::Uuid>, "NULL"),
) -> DeveloperClient {
    Developer::of(owner_id).and_then(|developer| developer.create(clock::now(), metadata)).or_raise().into()
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn developer_client_update(
    client_id: Option<&str>,
    changes: Option<Jsonb>,
    owner_id: default!(Option<pgrx::Uuid>, "NULL"),
) -> DeveloperClient {
    Developer::of(owner_id)
        .and_then(|developer| developer.update(clock::now(), client_id, changes))
        .or_raise()
        .into()
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn developer_client_secret_rotate(
    client_id: Option<&str>,
    overlap: default!(Option<Interval>, "'0'"),
    owner_id: default!(Option<pgrx::Uuid>, "NULL"),
) -> String {
    let now = clock::now();
    let rotate = |developer: Developer| {
        let client_id = developer.own(client_id)?;
        secret::rotate(now, Some(client_id), overlap)
    };
    Developer::of(owner_id).and_then(rotate).or_raise()
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn developer_client_delete(client_id: Option<&str>, owner_id: default!(Option<pgrx::Uuid>, "NULL")) -> bool {
    let now = clock::now();
    let delete = |developer: Developer| client_end::delete(now, developer.own(client_id)?);
    Developer::of(owner_id).and_then(delete).or_raise();
    true
}

#[pg_extern(stable, parallel_safe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn developer_client_list(
    owner_id: default!(Option<pgrx::Uuid>, "NULL"),
) -> SetOfIterator<'static, ClientProfile> {
    SetOfIterator::new(Developer::of(owner_id).and_then(|developer| developer.list()).or_raise())
}

/// How many clients a user may own.
const MAX_CLIENTS: i32 = 100;

/// A user who registers clients.
struct Developer {
    id: Id,
    tenant_id: String,
}

impl Developer {
    fn of(owner_id: Option<pgrx::Uuid>) -> Result<Self, Mistake> {
        const UNKNOWN: Mistake = Mistake::Unknown { what: "user", argument: "owner_id" };
        let id = match (current::user_id(), owner_id.map(Id::from)) {
            (Some(own), Some(named)) if own != named => {
                return Err(Mistake::NotAllowed("the principal of the transaction is another user".into()));
            }
            (own, named) => given(own.or(named), "owner_id")?,
        };
        let user = user::find(&Snapshot::reading(), id)?.filter(user::User::is_active).ok_or(UNKNOWN)?;
        Ok(Self { id, tenant_id: user.tenant_id })
    }

    fn issuer(&self) -> Result<std::rc::Rc<Issuer>, Mistake> {
        issuer::of_tenant(&Snapshot::writing()?, &self.tenant_id)?.ok_or_else(issuer::missing)
    }

    /// The client of this id, if the user owns it; to whoever does not, it does not exist.
    fn own<'a>(&self, client_id: Option<&'a str>) -> Result<&'a str, Mistake> {
        let client_id = given(client_id, "client_id")?;
        if owner::owns(&Snapshot::deciding()?, self.id, client_id)? {
            Ok(client_id)
        } else {
            Err(client::UNKNOWN)
        }
    }

    fn list(&self) -> Result<Vec<ClientProfile>, Mistake> {
        let wanted = Wanted { owner_id: Some(self.id), ..Wanted::default() };
        wanted.page(None, Some(MAX_CLIENTS), Some(&self.tenant_id))
    }

    fn create(&self, now: Timestamp, metadata: Option<Jsonb>) -> Answer<DeveloperClient> {
        let metadata = given(metadata, "metadata")?;
        let issuer = self.issuer()?;
        let Some(Value::Object(members)) = metadata.parse() else { return Err(no_object("metadata")) };
        let mut client = match self.read(&issuer, members)? {
            Ok(client) => client,
            Err(refusal) => return Ok(Err(refusal)),
        };
        client.protocol.owner_id = Some(self.id);
        if owner::lock_count(self.id)? >= i64::from(MAX_CLIENTS) {
            return Ok(Err(Refusal::new(ErrorCode::AccessDenied, "a user owns at most 100 clients")));
        }
        let new = NewClient {
            tenant_id: &self.tenant_id,
            client_id: None,
            origin: Origin::Developer,
            metadata: &client,
        };
        let made = new.add(now)?.ok_or(Mistake::Duplicate { what: "client", argument: "client_id" })?;
        Ok(Ok(DeveloperClient {
            client_id: Some(made.client_id),
            client_secret: made.client_secret,
            ..DeveloperClient::default()
        }))
    }

    fn update(
        &self,
        now: Timestamp,
        client_id: Option<&str>,
        changes: Option<Jsonb>,
    ) -> Answer<DeveloperClient> {
        let client_id = self.own(client_id)?;
        let changes = given(changes, "changes")?;
        let Some(Value::Object(changes)) = changes.parse() else { return Err(no_object("changes")) };
        let issuer = self.issuer()?;
        // What is made anew must be made before the row is locked, from what the client is then.
        let method = changes.get("token_endpoint_auth_method").and_then(Value::as_str);
        let keeper = Keeper::named(now, &self.tenant_id, client_id, method)?;
        if changes.get("subject_type").and_then(Value::as_str) == Some("pairwise") {
            tenant::salt::ensure(&self.tenant_id)?;
        }
        let former = client::lock_metadata(client_id)?.metadata;
        let Ok(Value::Object(mut members)) = serde_json::from_str(&information::of(client_id, &former).end())
        else {
            return Err(no_object("changes"));
        };
        members.extend(changes);
        let read = match self.read(&issuer, members)? {
            Ok(read) => read,
            Err(refusal) => return Ok(Err(refusal)),
        };
        if read.client_type != former.client_type {
            let description =
                "token_endpoint_auth_method must be none, or not none, as it was: a client keeps its type";
            return Ok(Err(Refusal::new(ErrorCode::InvalidClientMetadata, description)));
        }
        let client = match with_kept(read, &former)? {
            Ok(client) => client,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let client_secret = registered::replace(now, &self.tenant_id, client_id, &former, &client, keeper)?;
        let client_id = Some(client_id.to_owned());
        Ok(Ok(DeveloperClient { client_id, client_secret, ..DeveloperClient::default() }))
    }

    fn read(
        &self,
        issuer: &Issuer,
        members: serde_json::Map<String, Value>,
    ) -> Answer<client::metadata::ClientMetadata> {
        let Some(members) = Members::of(members) else {
            let description = "the metadata are nested too deep, or have a NUL";
            return Ok(Err(Refusal::new(ErrorCode::InvalidClientMetadata, description)));
        };
        let schemes = tenant::redirect_uri_schemes(&Snapshot::writing()?, &self.tenant_id)?;
        Terms { settings: &issuer.settings, schemes: &schemes, trusted: true }.read(&members)
    }
}

fn no_object(argument: &'static str) -> Mistake {
    Mistake::invalid(argument, "a JSON object of client metadata (RFC 7591 section 2)")
}
