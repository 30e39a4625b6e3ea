//! Changing a client: the JSON object `changes` of client_update().

use pgrx::prelude::*;
use serde_json::{Value, json};

use crate::identity::tenant::{self, salt};
use crate::kernel::outcome::{Mistake, OrRaise, given};
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::value::argument;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::kernel::value::jsonb::Jsonb;
use crate::kernel::value::member::{duration, text, texts};
use crate::oauth::client::metadata::owner;
use crate::oauth::client::metadata::protocol::Protocol;
use crate::oauth::client::metadata::{self, AuthMethod, ClientMetadata, protocol};
use crate::oauth::client::{self, Registered};
use crate::rfc::redirect_uri;

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn client_update(client_id: Option<&str>, changes: Option<Jsonb>) -> bool {
    update(clock::now(), client_id, changes).or_raise();
    true
}

/// The members that can be changed after the creation, in the order in which changes are applied: a default that
/// depends on another member then sees that member's change. A client keeps its type and tenant for life.
const MEMBERS: [&str; 31] = [
    "name",
    "profile",
    "redirect_uris",
    "grant_types",
    "scope",
    "token_endpoint_auth_method",
    "require_pkce",
    "access_token_ttl",
    "refresh_token_ttl",
    "refresh_idle_ttl",
    "rate_limit_per_hour",
    "resources",
    "metadata",
    "refresh_rotation",
    "refresh_grace",
    "owner_id",
    "jwks",
    "jwks_uri",
    "access_token_format",
    "require_par",
    "dpop_bound",
    "certificate_bound",
    "certificate_subject",
    "subject_type",
    "id_token_signed_response_alg",
    "userinfo_signed_response_alg",
    "default_max_age",
    "authorization_details_types",
    "post_logout_redirect_uris",
    "backchannel_logout_uri",
    "backchannel_logout_session_required",
];

fn update(now: Timestamp, client_id: Option<&str>, changes: Option<Jsonb>) -> Result<(), Mistake> {
    let client_id = given(client_id, "client_id")?;
    let changes = given(changes, "changes")?;
    let members = members(&changes)?;
    let wants_pairwise = |member: &Member| member.name == "subject_type" && member.value == "pairwise";
    if members.iter().any(wants_pairwise)
        && let Some(client) = client::find(&Snapshot::writing()?, client_id)?
    {
        salt::ensure(&client.tenant_id)?;
    }
    let Registered { tenant_id, metadata: mut client } = client::lock_metadata(client_id)?;
    let mut schemes = tenant::redirect_uri_schemes(&Snapshot::writing()?, &tenant_id)?;
    let registered = client.redirect_uris.clone();
    for member in &members {
        change(&mut client, member.name, &member.value)?;
    }
    if let Some(document) = changes.get("metadata") {
        client.metadata = argument::document(Some(document).filter(|json| !json.is_null()), "metadata")?;
    }
    // A registered URI stays registered, whatever has been taken off the tenant's list since; a new one must be on the
    // list.
    let new = |uri: &&String| !registered.contains(uri);
    if client.redirect_uris.iter().filter(new).all(|uri| redirect_uri::check(uri, &schemes).is_ok()) {
        schemes.extend(registered.iter().filter_map(|uri| redirect_uri::scheme(uri)).map(str::to_owned));
    }
    client.check(&schemes)?;
    client.protocol.check_jwks()?;
    if changes.get("owner_id").is_some() {
        owner::check(&client.protocol, &tenant_id)?;
    }
    client::replace(now, client_id, &client)?;
    let changed: Vec<_> = MEMBERS.into_iter().filter(|name| changes.get(name).is_some()).collect();
    client::record(now, "client.updated", &tenant_id, client_id, json!({ "changed": changed }))
}

struct Member {
    name: &'static str,
    value: Value,
}

/// The changes in the order of [`MEMBERS`], without `metadata`: that is stored as it is, and may hold what a [`Value`]
/// cannot.
fn members(changes: &Jsonb) -> Result<Vec<Member>, Mistake> {
    let refuse = || {
        let accepted = format!("an object with the keys {}", MEMBERS.join(", "));
        Mistake::InvalidArgument { argument: "changes", accepted: accepted.into() }
    };
    if !changes.is_object() {
        return Err(refuse());
    }
    let Some(Value::Object(mut object)) = changes.without("metadata").and_then(|rest| rest.parse()) else {
        return Err(refuse());
    };
    let members = MEMBERS
        .into_iter()
        .filter_map(|name| object.remove(name).map(|value| Member { name, value }))
        .collect();
    if object.is_empty() { Ok(members) } else { Err(refuse()) }
}

/// Changes one member; null is its default. The caller checks the whole afterwards.
fn change(client: &mut ClientMetadata, member: &'static str, value: &Value) -> Result<(), Mistake> {
    match member {
        "name" => client.name = text(value, member)?.unwrap_or_default().to_owned(),
        "redirect_uris" => client.redirect_uris = texts(value, member)?.unwrap_or_default(),
        "grant_types" => {
            client.grant_types = match texts(value, member)? {
                Some(types) => types,
                None => metadata::default_grant_types(client.is_confidential(), &client.redirect_uris)?,
            }
        }
        "scope" => client.scope = metadata::normal_scope(text(value, member)?.unwrap_or_default())?,
        "token_endpoint_auth_method" => {
            client.token_endpoint_auth_method = match text(value, member)? {
                Some(name) => metadata::auth_method(name)?,
                None => AuthMethod::default_of(client.is_confidential()),
            }
        }
        "require_pkce" => client.require_pkce = boolean(value, member)?.unwrap_or(true),
        "refresh_rotation" => {
            client.refresh_rotation = boolean(value, member)?.unwrap_or(!client.protocol.is_fapi2());
        }
        "access_token_ttl" => client.access_token_ttl = metadata::access_token_ttl(duration(value, member)?)?,
        "refresh_token_ttl" => {
            client.refresh_token_ttl = metadata::refresh_token_ttl(duration(value, member)?)?;
        }
        "refresh_idle_ttl" => {
            client.refresh_idle_ttl =
                metadata::refresh_idle_ttl(duration(value, member)?, client.refresh_token_ttl)?;
        }
        "refresh_grace" => {
            client.refresh_grace = duration(value, member)?.map(metadata::refresh_grace).transpose()?;
        }
        "rate_limit_per_hour" => client.rate_limit_per_hour = number(value, member, "1 or more")?,
        "resources" => client.resources = texts(value, member)?.unwrap_or_default(),
        _ => return change_protocol(&mut client.protocol, member, value),
    }
    Ok(())
}

fn change_protocol(protocol: &mut Protocol, member: &'static str, value: &Value) -> Result<(), Mistake> {
    let word = || text(value, member);
    let name = || Ok::<_, Mistake>(text(value, member)?.map(str::to_owned));
    match member {
        "owner_id" => protocol.owner_id = id(value, member)?,
        "jwks" => protocol.jwks = Some(value).filter(|value| !value.is_null()).and_then(Jsonb::of),
        "jwks_uri" => protocol.jwks_uri = name()?,
        "access_token_format" => protocol.access_token_format = protocol::token_format(word()?)?,
        "profile" => protocol.profile = protocol::profile(word()?)?,
        "require_par" => protocol.require_par = boolean(value, member)?.unwrap_or(false),
        "dpop_bound" => protocol.dpop_bound = boolean(value, member)?.unwrap_or(false),
        "certificate_bound" => protocol.certificate_bound = boolean(value, member)?.unwrap_or(false),
        "certificate_subject" => {
            protocol.certificate_subject = Some(value).filter(|value| !value.is_null()).and_then(Jsonb::of);
        }
        "subject_type" => protocol.subject_type = protocol::subject_type(word()?)?,
        "id_token_signed_response_alg" => protocol.id_token_signed_response_alg = name()?,
        "userinfo_signed_response_alg" => protocol.userinfo_signed_response_alg = name()?,
        "default_max_age" => protocol.default_max_age = number(value, member, "0 or more")?,
        "authorization_details_types" => {
            protocol.authorization_details_types = texts(value, member)?.unwrap_or_default();
        }
        "post_logout_redirect_uris" => {
            protocol.post_logout_redirect_uris = texts(value, member)?.unwrap_or_default();
        }
        "backchannel_logout_uri" => protocol.backchannel_logout_uri = name()?,
        "backchannel_logout_session_required" => {
            protocol.backchannel_logout_session_required = boolean(value, member)?.unwrap_or(false);
        }
        _ => {}
    }
    Ok(())
}

fn boolean(value: &Value, member: &'static str) -> Result<Option<bool>, Mistake> {
    match value {
        Value::Null => Ok(None),
        Value::Bool(value) => Ok(Some(*value)),
        _ => Err(Mistake::invalid(member, "a JSON boolean")),
    }
}

fn number(value: &Value, member: &'static str, range: &str) -> Result<Option<i32>, Mistake> {
    if value.is_null() {
        return Ok(None);
    }
    let number = value.as_i64().and_then(|number| i32::try_from(number).ok());
    number.map(Some).ok_or_else(|| Mistake::InvalidArgument {
        argument: member,
        accepted: format!("a whole number, {range}").into(),
    })
}

fn id(value: &Value, member: &'static str) -> Result<Option<Id>, Mistake> {
    let Some(text) = text(value, member)? else { return Ok(None) };
    Id::parse(text).map(Some).ok_or(Mistake::invalid(member, "a UUID"))
}
