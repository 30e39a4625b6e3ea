//! Pushed authorization requests (RFC 9126): a client sends the parameters of its authorization request ahead,
//! authenticated, and the browser carries a reference to them, once.

use pgrx::prelude::*;
use serde_json::{Map, Value};

use crate::identity::tenant;
use crate::kernel::crypto::token_text::{self, Digest, Kind, Presented};
use crate::kernel::outcome::{Answer, ErrorCode, Mistake, OrRaise, Refusal, given};
use crate::kernel::server::append::Append;
use crate::kernel::server::batch::delete_ended;
use crate::kernel::server::composite::composite;
use crate::kernel::server::lookup::{Key, Lookup, Snapshot};
use crate::kernel::server::row::row;
use crate::kernel::server::settings::Setting;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::server::table::{Ended, Moves, Published, Rows, Table, delete_by};
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Bucket;
use crate::kernel::value::inet::Inet;
use crate::kernel::value::jsonb::Jsonb;
use crate::oauth::client::secret::{self, Credentials};
use crate::oauth::client::{self, Client};
use crate::oauth::code::request::{self, AuthorizationRequest};
use crate::rfc::{parameter, resource, scope};
use crate::trail::refused::{Refused, invalid_request};
use crate::trail::{self, Context, Event, Flag};

/// How long a pushed request lives.
pub static TTL: Setting<i32> = Setting::seconds(
    c"auth_store.pushed_request_ttl",
    60,
    5..=600,
    c"How long a pushed authorization request lives.",
    c"RFC 9126 section 2.2 thinks of 5 to 600 seconds.",
);

composite! {
    /// The answer of the pushed authorization request endpoint (RFC 9126 sections 2.2 and 2.3).
    pub struct PushedRequest = "auth_store.pushed_request" {
        pub request_uri: Option<String>,
        pub expires_in: Option<i32>,
        pub error: Option<&'static str>,
        pub error_description: Option<String>,
        pub retry_after: Option<i32>,
    }
    refused { error, error_description, retry_after }
}

composite! {
    /// The parameters behind a request_uri; the resources again as an array.
    pub struct Parameters = "auth_store.pushed_request_parameters" {
        pub parameters: Option<Jsonb>,
        pub resource: Option<Vec<String>>,
        pub error: Option<&'static str>,
        pub error_description: Option<String>,
    }
    refused { error, error_description }
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn pushed_request_create(
    client_id: Option<&str>,
    client_secret: default!(Option<&str>, "NULL"),
    client_authenticated: default!(Option<bool>, "false"),
    parameters: default!(Option<Jsonb>, "NULL"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> PushedRequest {
    let now = clock::now();
    let context = Context { ip, user_agent };
    let credentials = Credentials::new(client_id, client_secret, client_authenticated);
    create(now, &credentials, parameters, &context).or_raise()
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn pushed_request_consume(
    request_uri: Option<&str>,
    client_id: Option<&str>,
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> Parameters {
    let now = clock::now();
    consume(now, request_uri, client_id, &Context { ip, user_agent }).or_raise()
}

/// RFC 9126 section 2.2, behind it a secret.
const PREFIX: &str = "urn:ietf:params:oauth:request_uri:";

/// The largest set of parameters, in bytes as stored.
const MAX_PARAMETERS: usize = 65_536;

/// Parameters that say who the client is and not what it asks for (RFC 6749 section 2.3.1, RFC 7521 section 4.2). Never
/// stored.
const CREDENTIALS: [&str; 3] = ["client_secret", "client_assertion", "client_assertion_type"];

row! {
    /// A request's row.
    struct Stored in pushed_requests {
        digest: Digest,
        tenant_id: String,
        client_id: String,
        expires_at: Timestamp,
        parameters: Jsonb,
    }
}

/// The facts of the table `pushed_requests`.
pub static TABLE: Table = Table {
    name: "pushed_requests",
    key: &["id", "tenant_id"],
    ended: Some(Ended {
        statement: delete_ended!("auth_store.pushed_requests", "expires_at <= $3"),
        times: |now| Vec::from(params![now]),
    }),
    of_tenant: Rows::Deleted(delete_by!("pushed_requests", "tenant_id")),
    of_client: Rows::Deleted(delete_by!("pushed_requests", "client_id")),
    of_user: None,
    published: Published::TakeOver,
    moves: Moves::ById,
    restored: true,
};

static BY_ID: Lookup<Stored> = Lookup::by(c"pushed_requests_pkey");

static INSERT: Append = Append::new(
    "pushed_requests",
    &[c"id", c"expires_at", c"tenant_id", c"client_id", c"digest", c"parameters"],
);

/// The one-time step: the call whose DELETE finds the request has consumed it.
static CONSUME: Statement = Statement::write(
    c"DELETE FROM auth_store.pushed_requests WHERE id = $1 AND tenant_id = $2 AND expires_at > $3",
);

fn create(
    now: Timestamp,
    credentials: &Credentials<'_>,
    parameters: Option<Jsonb>,
    context: &Context<'_>,
) -> Result<PushedRequest, Mistake> {
    let parameters = given(parameters, "parameters")?;
    if !parameters.is_object() {
        return Err(Mistake::invalid("parameters", "a JSON object of the request's parameters"));
    }
    let snapshot = Snapshot::writing()?;
    let client = match secret::admit(&snapshot, now, CREATED, credentials, context)? {
        Ok(client) => client,
        Err(refusal) => return Ok(PushedRequest::refused(&refusal)),
    };
    drop(snapshot);
    create_by(now, &client, parameters, context)
}

/// Keeps the parameters, an object, of a client that has authenticated.
pub fn create_by(
    now: Timestamp,
    client: &Client,
    parameters: Jsonb,
    context: &Context<'_>,
) -> Result<PushedRequest, Mistake> {
    let mut event = Event {
        event: CREATED,
        tenant_id: &client.tenant_id,
        client_id: Some(&client.id),
        context: Some(context),
        ..Event::default()
    };
    let parameters = match read(parameters).and_then(|(kept, members)| {
        decide(client, &members)?;
        Ok(kept)
    }) {
        Ok(parameters) => parameters,
        Err(refused) => {
            event.error = Some(refused.refusal.code);
            event.flags = refused.flags;
            trail::record(now, &event)?;
            return Ok(PushedRequest::refused(&refused.refusal));
        }
    };
    let minted = token_text::mint(Kind::PushedRequest, now, Bucket::of(&[&client.id]))?;
    let ttl = TTL.in_seconds();
    let row = params![
        minted.id,
        now.plus_seconds(ttl),
        client.tenant_id.as_str(),
        client.id.as_str(),
        minted.digest.as_slice(),
        parameters,
    ];
    INSERT.run(0, &row)?;
    trail::record(now, &event)?;
    Ok(PushedRequest {
        request_uri: Some([PREFIX, &minted.text].concat()),
        expires_in: i32::try_from(ttl).ok(),
        ..PushedRequest::default()
    })
}

/// The event of a pushed request.
pub const CREATED: &str = "pushed_request.created";

const UNREADABLE: &str = "the parameters are too large or cannot be read";

/// The stored form of the parameters, and their members to decide on. A parameter without a value counts as left out
/// (RFC 6749 section 3.1), also if it comes several times.
fn read(parameters: Jsonb) -> Result<(Jsonb, Map<String, Value>), Refused> {
    if parameters.size() > MAX_PARAMETERS {
        return Err(invalid_request(UNREADABLE));
    }
    let Some(Value::Object(sent)) = parameters.parse() else {
        return Err(invalid_request(UNREADABLE));
    };
    let (mut kept, mut members) = (Some(parameters), Map::new());
    for (name, value) in sent {
        let changed = |kept: Option<Jsonb>, value: Option<&Value>| match value {
            Some(value) => kept?.with(&name, &Jsonb::of(value)?),
            None => kept?.without(&name),
        };
        match valued(&value) {
            Some(valued) if !CREDENTIALS.contains(&name.as_str()) => {
                if valued != value {
                    kept = changed(kept, Some(&valued));
                }
                members.insert(name, valued);
            }
            _ => kept = changed(kept, None),
        }
    }
    kept.map(|kept| (kept, members)).ok_or_else(|| invalid_request(UNREADABLE))
}

/// A parameter without its empty values; None where it has no other.
fn valued(value: &Value) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::String(text) if text.is_empty() => None,
        Value::Array(several) => {
            let some: Vec<_> = several.iter().filter(|one| one.as_str() != Some("")).cloned().collect();
            (!some.is_empty()).then_some(Value::Array(some))
        }
        other => Some(other.clone()),
    }
}

/// Whether the authorization endpoint would accept these parameters of the client (RFC 9126 section 2.1).
fn decide(client: &Client, members: &Map<String, Value>) -> Result<(), Refused> {
    let refuse = |code, description| Err(Refused { refusal: Refusal::new(code, description), flags: &[] });
    if members.contains_key("request_uri") {
        return Err(invalid_request("request_uri must not be pushed (RFC 9126 section 2.1)"));
    }
    // RFC 9126 section 3: a signed request must not be ignored in favour of the parameters beside it.
    if members.contains_key("request") {
        return refuse(ErrorCode::RequestNotSupported, "request objects are not supported");
    }
    if text(members, "client_id")?.is_some_and(|client_id| client_id != client.id) {
        return Err(Refused {
            flags: &[Flag::WrongClient],
            ..invalid_request("client_id must be that of the client that pushes the request")
        });
    }
    match text(members, "response_type")? {
        Some("code") => {}
        Some(_) => return refuse(ErrorCode::UnsupportedResponseType, "response_type must be code"),
        None => return Err(invalid_request("response_type is required")),
    }
    let request = AuthorizationRequest {
        redirect_uri: text(members, "redirect_uri")?,
        scope: parameter::scope(text(members, "scope")?),
        code_challenge: text(members, "code_challenge")?,
        code_challenge_method: text(members, "code_challenge_method")?,
        state: text(members, "state")?,
        nonce: text(members, "nonce")?,
        resource: match resources(members.get("resource")) {
            Ok(resources) => resources.map(|list| list.into_iter().map(Some).collect()),
            Err(()) => {
                return Err(invalid_request("resource must be a string or an array of strings"));
            }
        },
        dpop_jkt: text(members, "dpop_jkt")?,
    };
    request::decide(Some(client), &request)?;
    Ok(())
}

fn text<'a>(members: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>, Refused> {
    match members.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(invalid_request("a parameter of the request must be a string")),
    }
}

/// The parameter `resource`, which may come more than once (RFC 8707 section 2).
fn resources(value: Option<&Value>) -> Result<Option<Vec<String>>, ()> {
    match value {
        None => Ok(None),
        Some(Value::String(one)) => Ok(Some(vec![one.clone()])),
        Some(Value::Array(several)) => {
            let texts: Option<Vec<_>> = several.iter().map(|one| one.as_str().map(str::to_owned)).collect();
            texts.map(Some).ok_or(())
        }
        Some(_) => Err(()),
    }
}

fn consume(
    now: Timestamp,
    request_uri: Option<&str>,
    client_id: Option<&str>,
    context: &Context<'_>,
) -> Result<Parameters, Mistake> {
    let snapshot = Snapshot::writing()?;
    let client = match client_id {
        Some(client_id) => client::find(&snapshot, client_id)?,
        None => None,
    };
    let presented = request_uri.and_then(presented);
    let stored = match &presented {
        Some(presented) => find(&snapshot, presented)?,
        None => None,
    };
    drop(snapshot);
    let tenant_id =
        client.as_ref().map_or_else(|| tenant::own().to_owned(), |client| client.tenant_id.clone());
    let mut event = Event {
        event: "pushed_request.consumed",
        tenant_id: &tenant_id,
        client_id,
        context: Some(context),
        ..Event::default()
    };
    let decided = decide_consume(now, client.as_ref(), presented.is_some(), stored.as_ref());
    let consumed = match (decided, &presented, &stored) {
        (Ok(parameters), Some(presented), Some(stored)) => {
            if take(now, presented, &stored.tenant_id)? {
                Ok(parameters)
            } else {
                Err(used())
            }
        }
        (Err(refused), ..) => Err(refused),
        _ => Err(invalid_uri(NOT_VALID, &[])),
    };
    let answer = match consumed {
        Ok(parameters) => Parameters {
            resource: resources(parameters.get("resource").and_then(|value| value.parse()).as_ref())
                .unwrap_or(None),
            parameters: Some(parameters),
            ..Parameters::default()
        },
        Err(refused) => {
            event.error = Some(refused.refusal.code);
            event.flags = refused.flags;
            Parameters::refused(&refused.refusal)
        }
    };
    trail::record(now, &event)?;
    Ok(answer)
}

/// The reference in a request_uri (RFC 9126 section 2.2); None for any other.
pub fn presented(request_uri: &str) -> Option<Presented> {
    token_text::parse(Kind::PushedRequest, Some(request_uri.strip_prefix(PREFIX)?))
}

/// A request that a client may use, and has not yet used.
pub struct Found {
    pub presented: Presented,
    pub parameters: Jsonb,
}

/// The request behind a request_uri of a known client.
pub fn look(
    now: Timestamp,
    snapshot: &Snapshot,
    client: &Client,
    request_uri: &str,
) -> Answer<Found, Refused> {
    let Some(presented) = presented(request_uri) else { return Ok(Err(invalid_uri(NOT_VALID, &[]))) };
    let stored = find(snapshot, &presented)?;
    let decided = decide_consume(now, Some(client), true, stored.as_ref());
    Ok(decided.map(|parameters| Found { presented, parameters }))
}

/// Uses up a request, once; false where it was used before, or expired in between.
pub fn take(now: Timestamp, presented: &Presented, tenant_id: &str) -> Result<bool, Mistake> {
    Ok(CONSUME.run(&params![presented.id, tenant_id, now])? == 1)
}

/// The refusal of a request that was used before.
pub fn used() -> Refused {
    invalid_uri("the request_uri was used before", &[Flag::CodeRetry])
}

const NOT_VALID: &str = "the request_uri is not valid";

/// The parameters, if this client may consume the request (RFC 9126 section 4). A refused request stays.
fn decide_consume(
    now: Timestamp,
    client: Option<&Client>,
    well_formed: bool,
    stored: Option<&Stored>,
) -> Result<Jsonb, Refused> {
    let unauthorized = |description, flags| {
        Err(Refused { refusal: Refusal::new(ErrorCode::UnauthorizedClient, description), flags })
    };
    let Some(client) = client else { return unauthorized("unknown client", &[Flag::UnknownClient]) };
    if !client.is_usable() {
        return unauthorized("the client is not active", &[Flag::InactiveClient]);
    }
    match stored {
        None if well_formed => Err(invalid_uri(NOT_VALID, &[Flag::UnknownToken])),
        None => Err(invalid_uri(NOT_VALID, &[])),
        Some(stored) if stored.client_id != client.id || stored.tenant_id != client.tenant_id => {
            Err(invalid_uri(NOT_VALID, &[Flag::WrongClient]))
        }
        Some(stored) if now >= stored.expires_at => {
            Err(invalid_uri("the request_uri has expired", &[Flag::ExpiredToken]))
        }
        Some(stored) => left(client, &stored.parameters),
    }
}

/// The parameters, with as much of scope and resources as the client may still have: the user is not asked for what the
/// client has lost since. If nothing is left the request stays, because the client may get it back in time.
fn left(client: &Client, parameters: &Jsonb) -> Result<Jsonb, Refused> {
    let refused = |refusal| Refused { refusal, flags: &[] };
    let member = |name| parameters.get(name).and_then(|value| value.parse());
    let mut kept = Some(parameters.clone());
    let mut replace = |name, value: Value| {
        kept = kept.take().and_then(|kept| kept.with(name, &Jsonb::of(&value)?));
    };
    if let Some(asked) = member("scope").as_ref().and_then(Value::as_str).and_then(scope::normalize) {
        let left = scope::left(asked.clone(), &client.scope).map_err(refused)?;
        if left != asked {
            replace("scope", left.into());
        }
    }
    if let Ok(Some(asked)) = resources(member("resource").as_ref()) {
        let left = resource::left(Some(asked.clone()), &client.resources).map_err(refused)?;
        if let Some(left) = left.filter(|left| *left != asked) {
            replace("resource", left.into());
        }
    }
    kept.ok_or_else(|| invalid_request(UNREADABLE))
}

/// The request that is presented, if its secret is right.
fn find(snapshot: &Snapshot, presented: &Presented) -> Result<Option<Stored>, Mistake> {
    let found = BY_ID.find(snapshot, Key::Id(presented.id))?;
    Ok(found.filter(|request| token_text::digest_matches(&presented.digest, &request.digest)))
}

fn invalid_uri(description: &'static str, flags: &'static [Flag]) -> Refused {
    Refused { refusal: Refusal::new(ErrorCode::InvalidRequestUri, description), flags }
}

static ANY_OF_CLIENT: Statement<bool> =
    Statement::latest(c"SELECT EXISTS (SELECT FROM auth_store.pushed_requests WHERE client_id = $1)");

/// Whether the client has a pushed request.
pub fn any_of_client(client_id: &str) -> Result<bool, Mistake> {
    Ok(ANY_OF_CLIENT.one(&params![client_id])? == Some(true))
}

#[cfg(test)]
mod tests {
    use super::resources;
    use serde_json::json;

    /// RFC 8707 section 2: the parameter may be repeated.
    #[test]
    fn a_resource_is_one_text_or_several() {
        assert_eq!(resources(None), Ok(None));
        assert_eq!(resources(Some(&json!("urn:a"))), Ok(Some(vec!["urn:a".to_owned()])));
        assert_eq!(
            resources(Some(&json!(["urn:a", "urn:b"]))),
            Ok(Some(vec!["urn:a".to_owned(), "urn:b".to_owned()]))
        );
        assert_eq!(resources(Some(&json!([]))), Ok(Some(vec![])));
        assert_eq!(resources(Some(&json!(["urn:a", 7]))), Err(()));
        assert_eq!(resources(Some(&json!({}))), Err(()));
    }
}
