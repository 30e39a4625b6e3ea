//! bcrypt, alone and after another function.

use base64::Engine;

use super::super::fields::{Fields, bcrypt_base64, number};
use super::super::hash::{Before, Form, Function, Hash};
use super::found::{parts, typed};

/// `$2b$` + two digits of cost + `$` + 53 characters of bcrypt's own base64. 2a, 2b and 2y differ in no program of
/// today; 2x is of a faulty one.
pub fn plain(text: &str) -> Option<Hash> {
    let ["", "2a" | "2b" | "2y", cost, body] = parts(text, '$')? else { return None };
    if cost.len() != 2 || !body.is_ascii() {
        return None;
    }
    let (salt, digest) = body.split_at_checked(22)?;
    hash(number(cost)?, Before::Nothing, salt, digest)
}

/// `$wp` before a bcrypt hash.
pub fn wordpress(text: &str) -> Option<Hash> {
    Some(Hash { form: Form::Trimmed, ..after(Before::WordPress, text.strip_prefix("$wp")?)? })
}

/// `bcrypt_sha256$` before a bcrypt hash.
pub fn django(text: &str) -> Option<Hash> {
    after(Before::Sha256Hex, text.strip_prefix("bcrypt_sha256$")?)
}

/// `$bcrypt-sha256$v=2,t=2b,r=12$salt$digest`, and `$bcrypt-sha256$2b,12$salt$digest` of the first version.
pub fn passlib(text: &str) -> Option<Hash> {
    let [parameters, salt, digest] = parts(text.strip_prefix("$bcrypt-sha256$")?, '$')?;
    if let Some((kind, cost)) = parameters.split_once(',').filter(|(kind, _)| !kind.contains('=')) {
        return matches!(kind, "2a" | "2b")
            .then(|| hash(number(cost)?, Before::Sha256Base64, salt, digest))?;
    }
    let fields = Fields::new(parameters, &["v", "t", "r"])?;
    let hash = hash(fields.number("r")?, Before::SaltedSha256Base64, salt, digest)?;
    // The salt's text is a key, so it must be the one that its bytes have.
    let is_known = fields.get("v") == Some("2") && matches!(fields.get("t"), Some("2a" | "2b"));
    (is_known && bcrypt::BASE_64.encode(&hash.salt) == salt).then_some(hash)
}

fn after(before: Before, text: &str) -> Option<Hash> {
    let mut hash = plain(text)?;
    if let Function::Bcrypt { before: slot, .. } = &mut hash.function {
        *slot = before;
    }
    Some(hash)
}

fn hash(cost: u32, before: Before, salt: &str, digest: &str) -> Option<Hash> {
    Some(typed(Function::Bcrypt { cost, before }, bcrypt_base64(salt)?, bcrypt_base64(digest)?))
}
