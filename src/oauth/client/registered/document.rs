//! Client ID metadata documents and the keys of clients, as a front has fetched them: the backend opens no connection.
//!
//! A client whose client_id is an https URL publishes its metadata there
//! (draft-ietf-oauth-client-id-metadata-document). It is a public client, or authenticates by a key of its own: nobody
//! has ever shared a secret with it.

use pgrx::prelude::*;
use serde_json::{Value, json};
use url::Url;

use crate::identity::tenant;
use crate::kernel::outcome::{Answer, ErrorCode, Mistake, OrRaise, Refusal, given};
use crate::kernel::server::composite::composite;
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::server::row::row;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::jsonb::Jsonb;
use crate::oauth::client::metadata::{AuthMethod, ClientMetadata, jwks};
use crate::oauth::client::registered::members::{Members, not};
use crate::oauth::client::registered::terms::{Terms, refused, with_kept};
use crate::oauth::client::registration::NewClient;
use crate::oauth::client::{self, Origin, registered};
use crate::oauth::issuer::{self, Issuer};
use crate::rfc::client_id;

composite! {
    /// What client_document_store() returns.
    pub struct StoredDocument = "auth_store.client_document" {
        pub client_id: Option<String>,
        pub error: Option<&'static str>,
        pub error_description: Option<String>,
        pub retry_after: Option<i32>,
    }
    refused { error, error_description, retry_after }
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn client_document_store(
    url: Option<&str>,
    body: Option<&[u8]>,
    max_age: default!(Option<i32>, "NULL"),
    tenant_id: default!(Option<&str>, "NULL"),
) -> StoredDocument {
    match store(clock::now(), url, body, max_age, tenant_id).or_raise() {
        Ok(client_id) => StoredDocument { client_id: Some(client_id), ..StoredDocument::default() },
        Err(refusal) => StoredDocument::refused(&refusal),
    }
}

/// The largest metadata document, in bytes.
const MAX_DOCUMENT: usize = 5 * 1024;
/// The largest JWK set, in bytes.
const MAX_SET: usize = 64 * 1024;

/// How long a document is used at least and at most, and without a word of its server, in seconds.
const MIN_AGE: i32 = 30;
const MAX_AGE: i32 = 86_400;
const AGE: i32 = 300;

fn store(
    now: Timestamp,
    url: Option<&str>,
    body: Option<&[u8]>,
    max_age: Option<i32>,
    tenant_id: Option<&str>,
) -> Answer<String> {
    let url = given(url, "url")?;
    if !client_id::is_url(url) {
        return Err(Mistake::invalid("url", "an https URL of at most 2048 bytes"));
    }
    let snapshot = Snapshot::writing()?;
    let tenant_id = tenant::resolve(&snapshot, tenant_id)?;
    let Some(issuer) = issuer::of_tenant(&snapshot, &tenant_id)? else { return Err(issuer::missing()) };
    let schemes = tenant::redirect_uri_schemes(&snapshot, &tenant_id)?;
    drop(snapshot);
    let until = now.plus_seconds(max_age.unwrap_or(AGE).clamp(MIN_AGE, MAX_AGE));
    let Some(members) = Members::read(body.unwrap_or_default(), MAX_SET) else {
        return Ok(Err(malformed("the document is no JSON object of at most 64 kB")));
    };
    if members.value("client_id").is_none() && members.value("keys").is_some() {
        return store_keys(&tenant_id, url, &members, until);
    }
    if body.map_or(0, <[u8]>::len) > MAX_DOCUMENT {
        return Ok(Err(malformed("the document has more than 5 kB")));
    }
    let read = match read(
        url,
        &members,
        &Terms { settings: &issuer.settings, schemes: &schemes, trusted: false },
    )? {
        Ok(client) => client,
        Err(refusal) => return Ok(Err(refusal)),
    };
    read.protocol.prepare(&tenant_id)?;
    put(now, &issuer, url, read, until)
}

fn malformed(description: &'static str) -> Refusal {
    Refusal::new(ErrorCode::InvalidClientMetadata, description)
}

/// The client that a document at this URL describes.
fn read(url: &str, document: &Members, terms: &Terms<'_>) -> Answer<ClientMetadata> {
    if !terms.settings.metadata_documents {
        let description = "clients that publish their metadata are not taken";
        return Ok(Err(Refusal::new(ErrorCode::UnauthorizedClient, description)));
    }
    if !may_be_client(url) {
        return Ok(Err(malformed("a client_id that is a URL has a path")));
    }
    if document.value("client_id").and_then(Value::as_str) != Some(url) {
        return Ok(Err(malformed("the client_id of the document is not its URL")));
    }
    if document.value("client_secret").is_some() || document.value("client_secret_expires_at").is_some() {
        return Ok(Err(malformed("the document has a secret")));
    }
    let (mut members, mut method) = (document.clone(), None);
    match document.text("token_endpoint_auth_method") {
        Ok(Some(name)) => method = Some(name),
        Ok(None) => members.set("token_endpoint_auth_method", "none".into()),
        Err(refusal) => return Ok(Err(refusal)),
    }
    let taken = [AuthMethod::None, AuthMethod::PrivateKeyJwt].map(AuthMethod::as_str);
    if method.is_some_and(|name| !taken.contains(&name)) {
        return Ok(Err(not("token_endpoint_auth_method", "none or private_key_jwt")));
    }
    terms.read(&members)
}

/// Whether a client_id may be the URL of the client's metadata.
pub fn is_at(client_id: &str) -> bool {
    client_id::is_url(client_id) && may_be_client(client_id)
}

/// Whether a URL may be a client_id: one with a path, of which no part is left to the reader.
fn may_be_client(url: &str) -> bool {
    let parsed = Url::parse(url).ok();
    let dotted = url.split(['/', '?']).any(|segment| matches!(segment, "." | ".."));
    parsed.is_some_and(|url| !matches!(url.path(), "" | "/")) && !dotted
}

row! {
    struct Published in clients {
        tenant_id: String,
        origin: String,
    }
}

static LOCK: Statement<Published> =
    Statement::latest(c"SELECT {columns} FROM auth_store.clients WHERE id = $1 FOR NO KEY UPDATE");

static RENEW: Statement = Statement::write(
    c"UPDATE auth_store.clients SET document_expires_at = $2, client_type = $3 WHERE id = $1",
);

static BEGIN: Statement = Statement::write(
    c"UPDATE auth_store.clients SET document_expires_at = $2, registration_expires_at = $3 WHERE id = $1",
);

/// Makes the client of a document, or brings it up to date.
fn put(
    now: Timestamp,
    issuer: &Issuer,
    url: &str,
    client: ClientMetadata,
    until: Timestamp,
) -> Answer<String> {
    let tenant_id = issuer.tenant_id.as_str();
    loop {
        if let Some(known) = LOCK.one(&params![url])? {
            return renew(now, tenant_id, url, &known, client, until);
        }
        if !registered::has_room(issuer, Origin::Document)? {
            return Ok(Err(FULL));
        }
        let new = NewClient { tenant_id, client_id: Some(url), origin: Origin::Document, metadata: &client };
        if new.add(now)?.is_some() {
            let unused = now.plus_seconds(issuer.settings.registration_unused_ttl);
            BEGIN.exactly_one(&params![url, until, unused])?;
            return Ok(Ok(url.to_owned()));
        }
        // Another request has just stored the same document.
        pgrx::check_for_interrupts!();
    }
}

const FULL: Refusal =
    Refusal::new(ErrorCode::TemporarilyUnavailable, "the provider takes no more clients at present");

fn renew(
    now: Timestamp,
    tenant_id: &str,
    url: &str,
    known: &Published,
    client: ClientMetadata,
    until: Timestamp,
) -> Answer<String> {
    if known.tenant_id != tenant_id {
        let description = "another tenant has a client with this client_id";
        return Ok(Err(Refusal::new(ErrorCode::UnauthorizedClient, description)));
    }
    // What an administrator has registered under the URL stays as it is.
    if known.origin == Origin::Document.as_str() {
        let former = client::lock_metadata(url)?.metadata;
        let client = match with_kept(client, &former)? {
            Ok(client) => client,
            Err(refusal) => return Ok(Err(refusal)),
        };
        if former != client {
            client::replace(now, url, &client)?;
            client::record(now, "client.updated", tenant_id, url, json!({ "changed": "document" }))?;
        }
        RENEW.exactly_one(&params![url, until, client.client_type.as_str()])?;
    }
    Ok(Ok(url.to_owned()))
}

static STORE_KEYS: Statement<String> = Statement::latest(
    c"UPDATE auth_store.clients SET fetched_jwks = $3, fetched_jwks_expires_at = $4
       WHERE jwks_uri = $2 AND tenant_id = $1
      RETURNING id",
);

/// Stores the keys that were fetched from a URL for the clients that publish them there; returns one of these.
fn store_keys(tenant_id: &str, url: &str, members: &Members, until: Timestamp) -> Answer<String> {
    let set = Value::Object(members.object().clone());
    if !jwks::is_public_set(&set) {
        return refused(Err(jwks::refuse()));
    }
    let stored = STORE_KEYS.all(&params![tenant_id, url, Jsonb::of(&set), until])?;
    let unknown = Refusal::new(ErrorCode::UnauthorizedClient, "no client publishes its keys there");
    Ok(stored.into_iter().min().ok_or(unknown))
}

#[cfg(test)]
mod tests {
    use super::may_be_client;

    #[test]
    fn a_client_id_that_is_a_url_has_a_path() {
        for url in ["https://a.example/client", "https://a.example/c?v=1", "https://a.example:8443/c/d.json"]
        {
            assert!(may_be_client(url), "{url}");
        }
        for url in [
            "https://a.example",
            "https://a.example/",
            "https://a.example/?x",
            "https://a.example/a/../b",
            "x",
        ] {
            assert!(!may_be_client(url), "{url}");
        }
    }
}
