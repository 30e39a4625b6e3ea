//! PBKDF2, in the spellings of six stores.

use super::super::fields::{Fields, number, padded, passlib_base64, unpadded};
use super::super::hash::{Digest, Function, Hash};
use super::found::{parts, typed};

/// A hash by PBKDF2.
pub fn hash(digest: Digest, rounds: u32, salt: Vec<u8>, key: Vec<u8>) -> Hash {
    typed(Function::Pbkdf2 { digest, rounds }, salt, key)
}

/// The function that a text means by `sha256` or `SHA256`.
pub fn digest(name: &str) -> Option<Digest> {
    match name.to_ascii_lowercase().as_str() {
        "sha1" => Some(Digest::Sha1),
        "sha256" => Some(Digest::Sha256),
        "sha512" => Some(Digest::Sha512),
        _ => None,
    }
}

/// `$pbkdf2-sha256$rounds$salt$key`; `$pbkdf2$` is SHA-1.
pub fn passlib(text: &str) -> Option<Hash> {
    let ["", name, rounds, salt, key] = parts(text, '$')? else { return None };
    let digest = match name {
        "pbkdf2" => Digest::Sha1,
        "pbkdf2-sha256" => Digest::Sha256,
        "pbkdf2-sha512" => Digest::Sha512,
        _ => return None,
    };
    Some(hash(digest, number(rounds)?, passlib_base64(salt)?, passlib_base64(key)?))
}

/// `pbkdf2_sha256$rounds$salt$key`, the salt as text.
pub fn django(text: &str) -> Option<Hash> {
    let [name, rounds, salt, key] = parts(text, '$')?;
    let digest = match name {
        "pbkdf2_sha256" => Digest::Sha256,
        "pbkdf2_sha1" => Digest::Sha1,
        _ => return None,
    };
    Some(hash(digest, number(rounds)?, salt.into(), padded(key)?))
}

/// `$pbkdf2-sha256$i=…,l=…$salt$key`
pub fn kratos(text: &str) -> Option<Hash> {
    let ["", name, parameters, salt, key] = parts(text, '$')? else { return None };
    let (digest, rounds, length) = named_parameters(name, parameters)?;
    let key = unpadded(key)?;
    (key.len() == length).then(|| Some(hash(digest, rounds, unpadded(salt)?, key)))?
}

/// `pbkdf2-sha256` and `i=…,l=…`: the function, the rounds and the length of the key.
pub fn named_parameters(name: &str, parameters: &str) -> Option<(Digest, u32, usize)> {
    let fields = Fields::new(parameters, &["i", "l"])?;
    let length = usize::try_from(fields.number("l")?).ok()?;
    Some((digest(name.strip_prefix("pbkdf2-")?)?, fields.number("i")?, length))
}

/// `$pbkdf2$f=SHA256,w=…,l=…$salt$key`
pub fn mattermost(text: &str) -> Option<Hash> {
    let [parameters, salt, key] = parts(text.strip_prefix("$pbkdf2$")?, '$')?;
    let fields = Fields::new(parameters, &["f", "w", "l"])?;
    let key = unpadded(key)?;
    let is_whole = usize::try_from(fields.number("l")?).ok()? == key.len();
    is_whole.then(|| Some(hash(digest(fields.get("f")?)?, fields.number("w")?, unpadded(salt)?, key)))?
}

/// Base64 of version 3, `1 ‖ function ‖ rounds ‖ length of the salt ‖ salt ‖ key` with numbers of 32 bits, high byte
/// first, or of version 2, `0 ‖ salt of 16 bytes ‖ key of 32 bytes` with SHA-1 and 1000 rounds.
pub fn aspnet(text: &str) -> Option<Hash> {
    let bytes = padded(text)?;
    match bytes.split_first()? {
        (0, rest) if rest.len() == 48 => {
            let (salt, key) = rest.split_at(16);
            Some(hash(Digest::Sha1, 1_000, salt.into(), key.into()))
        }
        (1, rest) => {
            let (numbers, rest) = rest.split_first_chunk::<12>()?;
            let (numbers, _) = numbers.as_chunks::<4>();
            let [function, rounds, length] = *numbers else { return None };
            let digest = match u32::from_be_bytes(function) {
                0 => Digest::Sha1,
                1 => Digest::Sha256,
                2 => Digest::Sha512,
                _ => return None,
            };
            let length = usize::try_from(u32::from_be_bytes(length)).ok()?;
            let (salt, key) = rest.split_at_checked(length)?;
            // ASP.NET accepts no shorter ones.
            (salt.len() >= 16 && key.len() >= 16)
                .then(|| hash(digest, u32::from_be_bytes(rounds), salt.into(), key.into()))
        }
        _ => None,
    }
}
