//! The well-known places of the metadata documents (RFC 8414 section 3.1, OpenID Connect Discovery section 4, RFC 9728
//! section 3.1).

use std::rc::Rc;

use crate::endpoint::metadata::{DOCUMENTS, of_issuer, of_resource};
use crate::endpoint::response::Response;
use crate::kernel::outcome::Mistake;
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::value::clock::Timestamp;
use crate::oauth::issuer::{self, Issuer};

const WELL_KNOWN: &str = "/.well-known/";

/// The document at this path; None where there is none.
pub fn at(now: Timestamp, snapshot: &Snapshot, path: &str) -> Result<Option<Response>, Mistake> {
    if let Some(issuer) = issuer_at(snapshot, path)? {
        return of_issuer(now, snapshot, &issuer).map(Some);
    }
    if let Some(path) = resource_path(path) {
        let Some(issuer) = issuer_of_resource(snapshot, path)? else { return Ok(None) };
        let origin = issuer.issuer.strip_suffix(issuer.path.as_str()).unwrap_or_default();
        return of_resource(snapshot, &issuer, &format!("{origin}{path}")).map(Some);
    }
    Ok(None)
}

/// The issuer whose metadata are at this path: before the issuer's own path, where both MCP and RFC 8414 look, or
/// behind it, where OpenID does.
fn issuer_at(snapshot: &Snapshot, path: &str) -> Result<Option<Rc<Issuer>>, Mistake> {
    let Some((before, rest)) = path.split_once(WELL_KNOWN) else { return Ok(None) };
    let (document, behind) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    if !DOCUMENTS.contains(&document) || !before.is_empty() && !behind.is_empty() {
        return Ok(None);
    }
    issuer::with_path(snapshot, if before.is_empty() { behind } else { before })
}

/// The path of the resource whose metadata are at this path.
fn resource_path(path: &str) -> Option<&str> {
    let rest = path.strip_prefix(WELL_KNOWN)?.strip_prefix("oauth-protected-resource")?;
    (rest.is_empty() || rest.starts_with('/')).then_some(rest)
}

/// The issuer for a resource on its own host: the one whose path the resource's begins with.
fn issuer_of_resource(snapshot: &Snapshot, path: &str) -> Result<Option<Rc<Issuer>>, Mistake> {
    if let Some(issuer) = issuer::with_path(snapshot, path)? {
        return Ok(Some(issuer));
    }
    match issuer::of_path(snapshot, path)? {
        Some((issuer, _)) => Ok(Some(issuer)),
        None => issuer::with_path(snapshot, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::resource_path;

    #[test]
    fn a_resource_has_its_document_before_its_path() {
        assert_eq!(resource_path("/.well-known/oauth-protected-resource"), Some(""));
        assert_eq!(resource_path("/.well-known/oauth-protected-resource/mcp"), Some("/mcp"));
        for path in ["/", "/.well-known/oauth-protected-resources", "/x/.well-known/oauth-protected-resource"]
        {
            assert_eq!(resource_path(path), None, "{path}");
        }
    }
}
