//! Texts of crypt(), of phpass, and of PostgreSQL.

use super::super::fields::{number, padded};
use super::super::hash::{Digest, Form, Function, Hash};
use super::bcrypt;
use super::found::{parts, typed};

const ALPHABET: &str = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

fn is_crypt_text(text: &str) -> bool {
    text.chars().all(|c| ALPHABET.contains(c))
}

/// What PHP's password_verify() takes from crypt(), and is not weak.
pub fn crypt(text: &str) -> Option<Hash> {
    sha_crypt(text).or_else(|| bcrypt::plain(text))
}

/// `$5$rounds=…$salt$digest`, and `$6$`; without rounds 5000.
pub fn sha_crypt(text: &str) -> Option<Hash> {
    let (digest, rest) = match text.get(..3)? {
        "$5$" => (Digest::Sha256, &text[3..]),
        "$6$" => (Digest::Sha512, &text[3..]),
        _ => return None,
    };
    let (rounds, rest) = match rest.strip_prefix("rounds=") {
        Some(rest) => rest.split_once('$')?,
        None => ("5000", rest),
    };
    let [salt, key] = parts(rest, '$')?;
    is_crypt_text(key).then(|| {
        Some(typed(Function::ShaCrypt { digest, rounds: number(rounds)? }, salt.into(), key.into()))
    })?
}

/// `$P$` or phpBB's `$H$`, the logarithm of the rounds in one character, the salt as 8 characters, the digest.
pub fn phpass(text: &str) -> Option<Hash> {
    let rest = text.strip_prefix("$P$").or_else(|| text.strip_prefix("$H$"))?;
    let rounds = ALPHABET.find(rest.chars().next()?)?;
    let (salt, digest) = rest.get(1..)?.split_at_checked(8)?;
    let function = Function::Phpass { log_rounds: u32::try_from(rounds).ok()? };
    (digest.len() == 22 && is_crypt_text(digest)).then(|| typed(function, salt.into(), digest.into()))
}

/// `SCRAM-SHA-256$rounds:salt$StoredKey:ServerKey`, as in pg_authid.
pub fn scram(text: &str) -> Option<Hash> {
    let [costs, keys] = parts(text.strip_prefix("SCRAM-SHA-256$")?, '$')?;
    let [rounds, salt] = parts(costs, ':')?;
    let [stored, server] = parts(keys, ':')?;
    padded(server).filter(|key| key.len() == 32)?;
    let function = Function::Scram { rounds: number(rounds)? };
    Some(Hash { form: Form::Saslprep, ..typed(function, padded(salt)?, padded(stored)?) })
}
