//! Sender constraints: the confirmation (`cnf`, RFC 7800) of a grant against what the sender proved.

use serde_json::{Map, Value};
use subtle::ConstantTimeEq;

use crate::kernel::outcome::Mistake;
use crate::kernel::value::argument;
use crate::kernel::value::jsonb::Jsonb;
use crate::rfc::{parameter, pkce};

/// What the sender of a request proved to hold, as the application verified it.
#[derive(Clone, Copy, Default)]
pub struct Proof<'a> {
    /// JWK thumbprint of the key of a DPoP proof (RFC 9449 section 6.1).
    pub dpop_jkt: Option<&'a str>,
    /// Thumbprint of the client's certificate (RFC 8705 section 3.1).
    pub x5t_s256: Option<&'a str>,
}

/// What the access token of a refresh is bound to.
pub enum Renewed {
    /// What the grant is bound to.
    AsIs,
    /// A key that the client has changed to.
    WithKey(Jsonb),
}

impl<'a> Proof<'a> {
    /// The arguments `dpop_jkt` and `x5t_s256` of a function that takes a client's request. An empty key counts as left
    /// out and proves nothing. A certificate does not come from a parameter of the request, so an empty one is
    /// malformed.
    pub fn new(dpop_jkt: Option<&'a str>, x5t_s256: Option<&'a str>) -> Self {
        Self { dpop_jkt: parameter::value(dpop_jkt), x5t_s256 }
    }

    /// True if the given members are SHA-256 thumbprints in base64url.
    pub fn is_well_formed(&self) -> bool {
        [self.dpop_jkt, self.x5t_s256].into_iter().flatten().all(pkce::is_sha256_base64url)
    }

    /// The confirmation of a token for this sender: bound to what the sender proved (RFC 9449 section 6, RFC 8705
    /// section 3.1). None if it proved nothing.
    pub fn confirmation(&self) -> Option<Jsonb> {
        let members = [("jkt", self.dpop_jkt), ("x5t#S256", self.x5t_s256)];
        let bound: Map<_, _> = members
            .into_iter()
            .filter_map(|(name, thumbprint)| Some((name.to_owned(), Value::from(thumbprint?))))
            .collect();
        if bound.is_empty() { None } else { Jsonb::of(&Value::Object(bound)) }
    }

    /// Whether the proof satisfies the confirmation. Fails closed: nothing satisfies an unknown member or one that is
    /// not a text, and a DPoP proof does not fit a token that is not bound (RFC 9449 section 7.1).
    pub fn satisfies(&self, cnf: Option<&Jsonb>) -> bool {
        match cnf {
            None => self.fits_bearer(),
            Some(cnf) => cnf.parse().is_some_and(|cnf| self.fits(&cnf)),
        }
    }

    /// The confirmation that a refresh with this proof issues for a refresh token of that confirmation; None if the
    /// refresh is refused. The refresh token of a public client is bound to the client's key. That of a confidential
    /// client is bound to its authentication (RFC 9449 section 5), so the client may have changed its key since: the
    /// new access token is bound to the new key. A confidential client must still bring a key, and the same
    /// certificate.
    pub fn renewed(&self, cnf: Option<&Jsonb>, confidential: bool) -> Option<Renewed> {
        if self.satisfies(cnf) {
            return Some(Renewed::AsIs);
        }
        let key = self.dpop_jkt.filter(|key| confidential && has_form_of_thumbprint(key))?;
        let Value::Object(mut members) = cnf?.parse()? else { return None };
        let former = members.insert("jkt".to_owned(), key.into())?;
        let same_otherwise = former.is_string() && self.covers_members(&Value::Object(members.clone()));
        same_otherwise.then(|| Jsonb::of(&Value::Object(members))).flatten().map(Renewed::WithKey)
    }

    /// True if the proof satisfies every member of the confirmation. The proof may say more, where a new token is bound
    /// to it too.
    pub fn covers(&self, cnf: Option<&Jsonb>) -> bool {
        cnf.is_none_or(|cnf| cnf.parse().is_some_and(|cnf| self.covers_members(&cnf)))
    }

    fn fits_bearer(&self) -> bool {
        self.dpop_jkt.is_none()
    }

    fn fits(&self, cnf: &Value) -> bool {
        (self.dpop_jkt.is_none() || cnf.get("jkt").is_some()) && self.covers_members(cnf)
    }

    fn covers_members(&self, cnf: &Value) -> bool {
        let Some(members) = cnf.as_object() else { return false };
        members.iter().all(|(name, expected)| {
            let actual = match name.as_str() {
                "jkt" => self.dpop_jkt,
                "x5t#S256" => self.x5t_s256,
                _ => None,
            };
            match (actual, expected.as_str()) {
                // Nobody proves an empty one.
                (Some(actual), Some(expected)) if !expected.is_empty() => {
                    actual.as_bytes().ct_eq(expected.as_bytes()).into()
                }
                _ => false,
            }
        })
    }
}

/// The argument `cnf` of functions that issue: a member that names a thumbprint must have the form of one, or nobody
/// could prove it. Other members are kept.
pub fn check_confirmation(cnf: Option<&Jsonb>) -> Result<(), Mistake> {
    argument::object(cnf, "cnf")?;
    let Some(members) = cnf.and_then(Jsonb::parse) else { return Ok(()) };
    let is_thumbprint = |value: &Value| value.as_str().is_some_and(has_form_of_thumbprint);
    if ["jkt", "x5t#S256"].into_iter().filter_map(|name| members.get(name)).all(is_thumbprint) {
        return Ok(());
    }
    Err(Mistake::invalid("cnf", "an object whose jkt and x5t#S256 are SHA-256 thumbprints in base64url"))
}

/// Has the length and the characters of a SHA-256 in base64url. Unused bits at the end may be set, as in the example of
/// RFC 8705; no proof can then match.
fn has_form_of_thumbprint(text: &str) -> bool {
    text.len() == 43 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::Proof;
    use serde_json::json;

    fn fits(cnf: Option<serde_json::Value>, dpop_jkt: Option<&str>, x5t_s256: Option<&str>) -> bool {
        let proof = Proof { dpop_jkt, x5t_s256 };
        cnf.map_or_else(|| proof.fits_bearer(), |cnf| proof.fits(&cnf))
    }

    /// RFC 9449 section 7.1 and RFC 8705 section 3.
    #[test]
    fn a_bound_token_needs_its_key() {
        let jkt = || Some(json!({"jkt": "k"}));
        assert!(fits(jkt(), Some("k"), None));
        assert!(!fits(jkt(), Some("other"), None));
        assert!(!fits(Some(json!({"jkt": ""})), Some(""), None));
        assert!(!fits(Some(json!({"x5t#S256": ""})), None, Some("")));
        assert!(!fits(jkt(), None, None));
        let both = || Some(json!({"jkt": "k", "x5t#S256": "c"}));
        assert!(fits(both(), Some("k"), Some("c")));
        assert!(!fits(both(), Some("k"), None));
    }

    #[test]
    fn a_bearer_token_refuses_a_dpop_proof_and_ignores_a_certificate() {
        assert!(fits(None, None, None));
        assert!(fits(None, None, Some("c")));
        assert!(!fits(None, Some("k"), None));
    }

    #[test]
    fn a_proof_covers_what_it_says_more_than() {
        let proof = Proof { dpop_jkt: Some("k"), x5t_s256: Some("c") };
        assert!(proof.covers_members(&json!({"jkt": "k"})));
        assert!(proof.covers_members(&json!({"x5t#S256": "c"})));
        assert!(!proof.covers_members(&json!({"jkt": "other"})));
        assert!(!proof.covers_members(&json!({"jkt": "k", "kid": "1"})));
        assert!(!Proof::default().covers_members(&json!({"jkt": "k"})));
    }

    #[test]
    fn what_is_not_understood_is_never_satisfied() {
        assert!(!fits(Some(json!({"kid": "1"})), None, None));
        assert!(!fits(Some(json!({"jkt": 7})), Some("7"), None));
        assert!(!fits(Some(json!("k")), Some("k"), None));
    }
}
