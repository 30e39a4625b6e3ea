//! Stores that keep a hash in several columns, which come as one JSON object.

use std::borrow::Cow;

use argon2::{Algorithm, Version};
use serde_json::Value;

use super::super::fields::{hex, number, padded};
use super::super::hash::{Digest, Function, Hash};
use super::found::{Found, Given, parts, typed};
use super::pbkdf2;

fn object(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok().filter(Value::is_object)
}

fn text<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object.get(key)?.as_str()
}

/// A member that is JSON in a text, or the JSON itself.
fn nested<'a>(object: &'a Value, key: &str) -> Option<Cow<'a, Value>> {
    match object.get(key)? {
        Value::String(text) => self::object(text).map(Cow::Owned),
        value => Some(Cow::Borrowed(value)),
    }
}

/// Keycloak: `credentialData` has the costs, each in a list of one text, and `secretData` salt and digest.
pub fn keycloak(credential: &str) -> Option<Hash> {
    let credential = object(credential)?;
    let (data, secret) = (nested(&credential, "credentialData")?, nested(&credential, "secretData")?);
    let (salt, digest) = (padded(text(&secret, "salt")?)?, padded(text(&secret, "value")?)?);
    let rounds = u32::try_from(data.get("hashIterations")?.as_u64()?).ok()?;
    let hash = match text(&data, "algorithm")? {
        "argon2" => typed(argon2(data.get("additionalParameters")?, rounds)?, salt, digest),
        "pbkdf2" => pbkdf2::hash(Digest::Sha1, rounds, salt, digest),
        "pbkdf2-sha256" => pbkdf2::hash(Digest::Sha256, rounds, salt, digest),
        "pbkdf2-sha512" => pbkdf2::hash(Digest::Sha512, rounds, salt, digest),
        _ => return None,
    };
    Some(hash)
}

fn argon2(parameters: &Value, passes: u32) -> Option<Function> {
    let parameter = |name: &str| match parameters.get(name)?.as_array()?.as_slice() {
        [one] => one.as_str(),
        _ => None,
    };
    Some(Function::Argon2 {
        algorithm: match parameter("type")? {
            "id" => Algorithm::Argon2id,
            "i" => Algorithm::Argon2i,
            "d" => Algorithm::Argon2d,
            _ => return None,
        },
        version: match parameter("version")? {
            "1.3" => Version::V0x13,
            "1.0" => Version::V0x10,
            _ => return None,
        },
        memory: number(parameter("memory")?)?,
        passes,
        lanes: number(parameter("parallelism")?)?,
        data: Vec::new(),
    })
}

/// Gitea: a salt of 32 hexadecimal digits is decoded, another is text.
pub fn gitea(row: &str) -> Option<Hash> {
    let row = object(row)?;
    let ["pbkdf2", rounds, length] = parts(text(&row, "passwd_hash_algo")?, '$')? else { return None };
    let (salt, key) = (text(&row, "salt")?, hex(text(&row, "passwd")?)?);
    let salt = hex(salt).filter(|salt| salt.len() == 16).unwrap_or_else(|| salt.into());
    let is_whole = usize::try_from(number(length)?).ok()? == key.len();
    is_whole.then(|| Some(pbkdf2::hash(Digest::Sha256, number(rounds)?, salt, key)))?
}

/// Grafana, whose costs are fixed.
pub fn grafana(row: &str) -> Option<Hash> {
    let row = object(row)?;
    let key = hex(text(&row, "password")?).filter(|key| key.len() == 50)?;
    Some(pbkdf2::hash(Digest::Sha256, 10_000, text(&row, "salt")?.into(), key))
}

/// Discourse: the salt is text, though its characters are hexadecimal digits.
pub fn discourse(row: &str) -> Option<Hash> {
    let row = object(row)?;
    let ["", name, parameters, ""] = parts(text(&row, "password_algorithm")?, '$')? else { return None };
    let (digest, rounds, length) = pbkdf2::named_parameters(name, parameters)?;
    let key = hex(text(&row, "password_hash")?).filter(|key| key.len() == length)?;
    Some(pbkdf2::hash(digest, rounds, text(&row, "salt")?.into(), key))
}

/// passport-local-mongoose: the salt is text, though its characters are hexadecimal digits.
pub fn passport(row: &str, given: &Given<'_>) -> Option<Found> {
    if given.pepper.is_some() || !given.has_only(&["iterations", "digestAlgorithm"]) {
        return None;
    }
    let row = object(row)?;
    let digest = match given.get(&["digestAlgorithm"]) {
        None => Digest::Sha256,
        Some(name) => pbkdf2::digest(name.as_str()?)?,
    };
    let rounds = given.number(&["iterations"], 25_000)?;
    let hash = pbkdf2::hash(digest, rounds, text(&row, "salt")?.into(), hex(text(&row, "hash")?)?);
    Some(Found { hash, pepper: None })
}
