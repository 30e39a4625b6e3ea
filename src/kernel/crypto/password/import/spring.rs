//! Spring Security's encoders, whose PBKDF2 writes no costs.

use zeroize::Zeroizing;

use super::super::fields::{any_base64, hex, padded};
use super::super::hash::{Digest, Function, Hash, Scrypt};
use super::found::{Found, Given, parts, typed};
use super::{argon2, bcrypt, pbkdf2 as kdf};

/// `{id}` before a hash, as the delegating encoder has it.
pub fn delegating(text: &str, given: &Given<'_>) -> Option<Found> {
    let (id, rest) = text.strip_prefix('{')?.split_once('}')?;
    let hash = match id {
        "pbkdf2" => return pbkdf2_v5_5(rest, given),
        "pbkdf2@SpringSecurity_v5_8" => return pbkdf2_v5_8(rest, given),
        _ if given.pepper.is_some() || given.parameters.is_some() => return None,
        "bcrypt" => bcrypt::plain(rest),
        "scrypt" | "scrypt@SpringSecurity_v5_8" => scrypt(rest),
        "argon2" | "argon2@SpringSecurity_v5_8" => argon2::phc(rest),
        _ => None,
    };
    Some(Found { hash: hash?, pepper: None })
}

/// The defaults since version 5.8.
pub fn pbkdf2_v5_8(text: &str, given: &Given<'_>) -> Option<Found> {
    given.parameters.is_none().then(|| joined(hex(text)?, 16, 48, Digest::Sha256, 310_000, given.pepper()))?
}

/// The defaults up to version 5.5.
pub fn pbkdf2_v5_5(text: &str, given: &Given<'_>) -> Option<Found> {
    given.parameters.is_none().then(|| joined(hex(text)?, 8, 40, Digest::Sha1, 185_000, given.pepper()))?
}

/// With costs of one's own. The secret may be given as the pepper.
pub fn pbkdf2(text: &str, given: &Given<'_>) -> Option<Found> {
    if !given.has_only(&["secret", "iterations", "salt_length", "algorithm", "encoding"]) {
        return None;
    }
    let bytes = match given.text(&["encoding"]) {
        None | Some("hex") => hex(text)?,
        Some("base64") => any_base64(text)?,
        Some(_) => return None,
    };
    let digest = kdf::digest(given.text(&["algorithm"])?.strip_prefix("PBKDF2WithHmac")?)?;
    // The rounds have no default: it is a version's.
    let rounds = given.number(&["iterations"], 0)?;
    let salt_length = usize::try_from(given.number(&["salt_length"], 16)?).ok()?;
    let secret = match given.get(&["secret"]) {
        None => given.pepper(),
        Some(secret) if given.pepper.is_none() => Some(secret.as_str()?)
            .filter(|secret| !secret.is_empty())
            .map(|secret| Zeroizing::new(secret.into())),
        Some(_) => return None,
    };
    let length = bytes.len();
    joined(bytes, salt_length, length, digest, rounds, secret)
}

fn joined(
    bytes: Vec<u8>,
    salt_length: usize,
    length: usize,
    digest: Digest,
    rounds: u32,
    pepper: Option<Zeroizing<Vec<u8>>>,
) -> Option<Found> {
    let (salt, key) = bytes.split_at_checked(salt_length).filter(|_| bytes.len() == length)?;
    Some(Found { hash: kdf::hash(digest, rounds, salt.into(), key.into()), pepper })
}

/// `$costs$salt$key`: the costs are a hexadecimal number of log2(N), r and p, 16 bits and twice 8.
pub fn scrypt(text: &str) -> Option<Hash> {
    let ["", costs, salt, key] = parts(text, '$')? else { return None };
    let is_number = (5..=8).contains(&costs.len()) && costs.bytes().all(|b| b.is_ascii_hexdigit());
    let costs = u32::from_str_radix(costs, 16).ok().filter(|_| is_number)?;
    let costs = Scrypt { log_n: costs >> 16, r: costs >> 8 & 0xff, p: costs & 0xff };
    Some(typed(Function::Scrypt(costs), padded(salt)?, padded(key)?))
}
