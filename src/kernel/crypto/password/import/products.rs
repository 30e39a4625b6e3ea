//! Stores that write several kinds of hashes.

use super::super::fields::{hex, log2, number};
use super::super::hash::{Form, Function, Hash, Scrypt};
use super::found::{Found, Given, parts, typed};
use super::{argon2, bcrypt, crypt, pbkdf2, scrypt};

/// passlib, and Odoo with it.
pub fn passlib(text: &str) -> Option<Hash> {
    [
        pbkdf2::passlib,
        scrypt::passlib,
        bcrypt::passlib,
        bcrypt::plain,
        argon2::phc,
        crypt::sha_crypt,
        crypt::phpass,
    ]
    .into_iter()
    .find_map(|read| read(text))
}

/// Django.
pub fn django(text: &str) -> Option<Hash> {
    match text.split_once('$')? {
        ("argon2", _) => argon2::phc(&text["argon2".len()..]),
        ("bcrypt", rest) => bcrypt::plain(rest),
        ("bcrypt_sha256", _) => bcrypt::django(text),
        ("scrypt", _) => scrypt::django(text),
        _ => pbkdf2::django(text),
    }
}

/// Werkzeug, and Flask with it: `scrypt:N:r:p$salt$key` or `pbkdf2:digest:rounds$salt$key`, the salt as text.
pub fn werkzeug(text: &str) -> Option<Hash> {
    let [method, salt, key] = parts(text, '$')?;
    let function = match method.split_once(':')? {
        ("scrypt", costs) => {
            let [n, r, p] = parts(costs, ':')?;
            Function::Scrypt(Scrypt { log_n: log2(number(n)?)?, r: number(r)?, p: number(p)? })
        }
        ("pbkdf2", rest) => {
            let [digest, rounds] = parts(rest, ':')?;
            Function::Pbkdf2 { digest: pbkdf2::digest(digest)?, rounds: number(rounds)? }
        }
        _ => return None,
    };
    let bytes = hex(key)?;
    // Werkzeug compares the text, which it writes in small letters: capitals match no password, and neither does their
    // text as a digest.
    let is_small = !key.bytes().any(|b| b.is_ascii_uppercase());
    Some(typed(function, salt.into(), if is_small { bytes } else { key.into() }))
}

/// WordPress, which trims a password when it sets it, and at its form of log-in.
pub fn wordpress(text: &str) -> Option<Hash> {
    if text.starts_with("$wp") {
        return bcrypt::wordpress(text);
    }
    let hash = crypt::phpass(text).or_else(|| bcrypt::plain(text))?;
    Some(Hash { form: Form::Trimmed, ..hash })
}

/// Kratos.
pub fn kratos(text: &str, given: &Given<'_>) -> Option<Found> {
    if given.pepper.is_some() || given.parameters.is_some() {
        return None;
    }
    if text.starts_with("$firescrypt$") {
        return scrypt::firescrypt(text);
    }
    let hash = [argon2::phc, bcrypt::plain, pbkdf2::kratos, scrypt::kratos, crypt::sha_crypt]
        .into_iter()
        .find_map(|read| read(text))?;
    Some(Found { hash, pepper: None })
}

/// Mattermost: PBKDF2, before version 11 bcrypt.
pub fn mattermost(text: &str) -> Option<Hash> {
    pbkdf2::mattermost(text).or_else(|| bcrypt::plain(text))
}

/// Nextcloud: a number before the hash, or bcrypt of the password and the passwordsalt of its configuration. That one
/// may be given with all hashes, though it is only in the oldest.
pub fn nextcloud(text: &str, given: &Given<'_>) -> Option<Found> {
    if given.parameters.is_some() {
        return None;
    }
    let (hash, pepper) = match text.split_once('|') {
        Some(("1", rest)) => (bcrypt::plain(rest)?, None),
        Some(("2" | "3", rest)) => (argon2::phc(rest)?, None),
        _ => (bcrypt::plain(text)?, given.pepper()),
    };
    Some(Found { hash, pepper })
}
