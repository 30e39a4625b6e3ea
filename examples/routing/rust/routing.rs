//! Which of several databases with auth_store has what a call is about: its bucket, 0 to 4095, and the map.

use base64::{engine::general_purpose::URL_SAFE_NO_PAD, Engine};
use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// The first 12 bits of SHA-256.
pub fn hashed(parts: &[&str]) -> u16 {
    let sum = Sha256::digest(parts.join("\0"));
    u16::from_be_bytes([sum[0], sum[1]]) >> 4
}

/// 01b8dac5-b422-8abc-8a33-1fdde7032f33: abc
pub fn id_bucket(id: Uuid) -> u16 {
    u16::from_be_bytes([id.as_bytes()[6], id.as_bytes()[7]]) & 0xfff
}

/// A secret of the store begins with its id, behind a prefix; another's has its digest.
pub fn token_bucket(text: &str) -> u16 {
    let end = if text.starts_with("asrt_") { 86 } else { 64 };
    let body = text.len().checked_sub(end).and_then(|at| text.split_at_checked(at));
    let body = body.filter(|(prefix, _)| prefix.ends_with('_') && (1..=32).contains(&prefix.len()));
    let bytes = body.and_then(|(_, body)| URL_SAFE_NO_PAD.decode(body).ok());
    let id = bytes.and_then(|bytes| Uuid::from_slice(&bytes[..16]).ok()).filter(is_own);
    id.or_else(|| jwt_id(text)).map_or_else(|| hashed(&[text]), id_bucket)
}

/// Version 8 and the variant of RFC 9562.
fn is_own(id: &Uuid) -> bool {
    id.as_bytes()[6] >> 4 == 8 && id.as_bytes()[8] >> 6 == 2
}

/// The id that the middle of a JWT says, whoever signed it.
fn jti(text: &str) -> Option<String> {
    let [_, body, _] = text.split('.').collect::<Vec<_>>().try_into().ok()?;
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode::<&str>(body).ok()?).ok()?;
    Some(claims.get("jti")?.as_str()?.to_owned())
}

/// An access token that is a JWT of the store has its id as jti.
fn jwt_id(text: &str) -> Option<Uuid> {
    own(&jti(text)?)
}

fn own(text: &str) -> Option<Uuid> {
    let id = if text.len() == 36 { Uuid::try_parse(text).ok() } else { None };
    id.filter(is_own)
}

/// Names beyond ASCII are folded by Unicode's rules: SELECT auth_store.user_bucket(…) on any shard says the bucket.
#[derive(Debug)]
pub struct AskTheStore;

pub fn user_bucket(tenant_id: &str, name: &str, kind: Option<&str>) -> Result<u16, AskTheStore> {
    let kind = kind.unwrap_or(match name {
        name if name.contains('@') => "email",
        name if name.trim_start().starts_with('+') => "phone",
        _ => "username",
    });
    let key = match kind {
        "email" if !name.contains('@') => return Ok(0),
        "email" | "username" if !name.is_ascii() => return Err(AskTheStore),
        "email" | "username" => name.to_ascii_lowercase(),
        "external" => name.to_owned(),
        // A provider and the user's name there.
        "identity" => name.replacen(' ', "\0", 1),
        "phone" => name.chars().filter(char::is_ascii_digit).collect(),
        _ => return Ok(0),
    };
    Ok(hashed(&[tenant_id, &key]))
}

/// A user of the store, else an id of the application's own.
pub fn actor_bucket(tenant_id: &str, actor_id: &str) -> u16 {
    own(actor_id).map_or_else(|| hashed(&[tenant_id, actor_id]), id_bucket)
}

/// The first three of eleven letters, as digits.
pub fn user_code_bucket(user_code: &str) -> u16 {
    let letters = user_code.to_ascii_uppercase();
    let digits =
        letters.chars().filter(|c| c.is_alphanumeric()).map(|letter| "BCDFGHJKLMNPQRSTVWXZ".find(letter));
    match digits.collect::<Option<Vec<_>>>().as_deref() {
        Some([a, b, c, rest @ ..]) if rest.len() == 8 => Some(a * 400 + b * 20 + c),
        _ => None,
    }
    .filter(|number| *number < 4096)
    .map_or(0, |number| number as u16)
}

pub fn dpop_bucket(proof: &str) -> u16 {
    jti(proof).map_or(0, |jti| hashed(&[&jti]))
}

/// As the store says it: 0 where what decides is missing, and no tenant is the tenant default.
pub fn bucket(function: &str, values: &[Option<&str>]) -> Result<u16, AskTheStore> {
    let at = |place: usize| values.get(place).copied().flatten().unwrap_or_default();
    let tenant = values[0].unwrap_or("default");
    let needed = if matches!(function, "user_bucket" | "actor_bucket") { &values[1..2] } else { values };
    if needed.iter().any(|value| value.unwrap_or_default().is_empty()) {
        return Ok(0);
    }
    Ok(match function {
        "token_bucket" | "key_bucket" => token_bucket(at(0)),
        "id_bucket" => Uuid::try_parse(at(0)).map_or(0, id_bucket),
        "user_bucket" => return user_bucket(tenant, at(1), values[2]),
        "actor_bucket" => actor_bucket(tenant, at(1)),
        "user_code_bucket" => user_code_bucket(at(0)),
        "dpop_bucket" => dpop_bucket(at(0)),
        "claim_bucket" => hashed(&[at(0), at(1)]),
        _ => hashed(&[at(0)]),
    })
}

/// The map, a JSON file [[first bucket of a range, name of its shard], …].
pub struct Shards(Vec<(u16, String)>);

impl Shards {
    pub fn read(file: &str) -> Result<Self, Box<dyn std::error::Error>> {
        Ok(Self(serde_json::from_reader(std::fs::File::open(file)?)?))
    }

    pub fn name(&self, bucket: u16) -> &str {
        &self.0[self.0.partition_point(|(first, _)| *first <= bucket) - 1].1
    }
}

/// Compares the functions here with what the store says.
pub fn compare(file: &str) -> Result<(), Box<dyn std::error::Error>> {
    let vectors: Vec<Value> = serde_json::from_reader(std::fs::File::open(file)?)?;
    let (mut alike, mut asked) = (0, 0);
    for vector in &vectors {
        let values: Vec<_> =
            vector["arguments"].as_array().into_iter().flatten().map(Value::as_str).collect();
        match bucket(vector["function"].as_str().unwrap_or_default(), &values) {
            Ok(found) => assert_eq!(Some(u64::from(found)), vector["bucket"].as_u64(), "{vector}"),
            Err(AskTheStore) => asked += 1,
        }
        alike += 1;
    }
    println!("vectors: {} alike, {asked} for the store to answer", alike - asked);
    Ok(())
}
