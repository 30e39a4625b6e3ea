//! What a provider and its resource servers say of themselves: the metadata documents (RFC 8414, OpenID Connect
//! Discovery, RFC 9728) and the keys. They are public, and a backend keeps their texts.

pub mod document;
pub mod place;
pub mod resource;

use std::cell::RefCell;
use std::rc::Rc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pgrx::prelude::*;
use sha2::{Digest, Sha256};

use crate::endpoint::response::{HttpResponse, Response};
use crate::identity::tenant;
use crate::kernel::outcome::{Mistake, OrRaise, given};
use crate::kernel::server::cell::BackendCell;
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::oauth::issuer::{self, Issuer};
use crate::oauth::signing_key::{self, published, sign};
use crate::rfc::jose::alg::Alg;

#[pg_extern(stable, parallel_safe)]
fn http_metadata(
    document: default!(Option<&str>, "NULL"),
    tenant_id: default!(Option<&str>, "NULL"),
) -> HttpResponse {
    let snapshot = Snapshot::reading();
    let document = document.unwrap_or(DOCUMENTS[0]);
    let found = of_tenant(&snapshot, tenant_id).and_then(|issuer| {
        if DOCUMENTS.contains(&document) {
            of_issuer(clock::now(), &snapshot, &issuer)
        } else {
            Ok(unknown())
        }
    });
    found.or_raise().into()
}

#[pg_extern(stable, parallel_safe)]
fn http_jwks(tenant_id: default!(Option<&str>, "NULL")) -> HttpResponse {
    let snapshot = Snapshot::reading();
    of_tenant(&snapshot, tenant_id)
        .and_then(|issuer| jwks(clock::now(), &snapshot, &issuer))
        .or_raise()
        .into()
}

#[pg_extern(stable, parallel_safe)]
fn http_resource_metadata(resource: Option<&str>, tenant_id: default!(Option<&str>, "NULL")) -> HttpResponse {
    let snapshot = Snapshot::reading();
    let found = given(resource, "resource").and_then(|resource| {
        let issuer = of_tenant(&snapshot, tenant_id)?;
        of_resource(&snapshot, &issuer, resource)
    });
    found.or_raise().into()
}

/// The names of the provider's document below `/.well-known/`. Both are the same document: clients read OpenID's
/// members in the other one too.
pub const DOCUMENTS: [&str; 2] = ["oauth-authorization-server", "openid-configuration"];

fn of_tenant(snapshot: &Snapshot, tenant_id: Option<&str>) -> Result<Rc<Issuer>, Mistake> {
    let tenant_id = tenant::resolve(snapshot, tenant_id)?;
    issuer::of_tenant(snapshot, &tenant_id)?.ok_or_else(issuer::missing)
}

/// A document with its entity-tag.
struct Text {
    text: String,
    etag: String,
}

impl Text {
    fn of(text: String) -> Self {
        let mut etag = URL_SAFE_NO_PAD.encode(Sha256::digest(text.as_bytes()));
        etag.truncate(22);
        Self { text, etag }
    }
}

/// The document of an issuer, of a revision and with these algorithms.
struct Kept {
    tenant_id: String,
    revision: Id,
    algs: Vec<Alg>,
    text: Text,
}

static KEPT: BackendCell<RefCell<Vec<Kept>>> = BackendCell::new(RefCell::new(Vec::new()));

/// The documents of so many issuers are kept.
const MAX_KEPT: usize = 32;

/// The metadata of an issuer (RFC 8414 section 3.2).
pub fn of_issuer(now: Timestamp, snapshot: &Snapshot, issuer: &Issuer) -> Result<Response, Mistake> {
    let algs = sign::algs(now, snapshot, &issuer.tenant_id)?;
    let mut kept = KEPT.borrow_mut();
    let known = |kept: &Kept| kept.revision == issuer.revision && kept.algs == algs;
    if let Some(kept) = kept.iter().find(|kept| known(kept)) {
        return Ok(public(&kept.text.text, &kept.text.etag));
    }
    let text = Text::of(document::of(issuer, &algs));
    let response = public(&text.text, &text.etag);
    kept.retain(|kept| kept.tenant_id != issuer.tenant_id);
    if kept.len() >= MAX_KEPT {
        kept.remove(0);
    }
    kept.push(Kept { tenant_id: issuer.tenant_id.clone(), revision: issuer.revision, algs, text });
    Ok(response)
}

/// The keys of an issuer (RFC 7517 section 5).
pub fn jwks(now: Timestamp, snapshot: &Snapshot, issuer: &Issuer) -> Result<Response, Mistake> {
    let keys = published::jwks(now, snapshot, &issuer.tenant_id)?;
    Ok(public(&keys.text, &keys.etag))
}

/// The metadata of a registered resource server (RFC 9728 section 3.2); 404 of any other.
pub fn of_resource(snapshot: &Snapshot, issuer: &Issuer, uri: &str) -> Result<Response, Mistake> {
    let Some(server) = issuer::resource_server::describe(snapshot, &issuer.tenant_id, uri)? else {
        return Ok(unknown());
    };
    let text = Text::of(resource::of(issuer, &server));
    Ok(public(&text.text, &text.etag))
}

/// A document that anybody may keep for a while.
fn public(text: &str, etag: &str) -> Response {
    let max_age = format!("public, max-age={}", signing_key::JWKS_MAX_AGE.in_seconds());
    Response::json(200, text.to_owned())
        .without_header("pragma")
        .with_header("cache-control", max_age)
        .with_header("etag", format!("\"{etag}\""))
}

fn unknown() -> Response {
    Response::error(404, "not_found", "there is no such document")
}
