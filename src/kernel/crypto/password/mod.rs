//! Passwords and their hashes. Pure: nothing here reads a row.
//!
//! [`make`] hashes a password of this store with argon2id. [`import`] reads the hash of another store, in whatever
//! spelling it has there, and gives it the one spelling that is stored; [`verify`] reads that alone. So a log-in runs
//! no parser of foreign texts, and what a hash needs stands in one column: the function and its costs, the form in
//! which a typed password goes in, and which pepper. `text.rs` has that text's grammar.
//!
//! A pepper is never in the stored text, only its name, which the caller gives: it keeps the pepper sealed under that
//! name, once for all users of an import, and hands it to [`verify`]. What another store keeps aside for all its users
//! is a pepper too: Spring's secret, and Firebase's signer key.

mod compute;
mod fields;
mod hash;
pub mod import;
mod memory;
pub mod secret_hash;
mod text;
mod typed;
#[cfg(test)]
mod vectors;

use argon2::{Algorithm, Version};

pub use self::typed::{Password, Typed, Unfit};

use self::compute::BCRYPT_BYTES;
use self::hash::{Before, Form, Function, Hash};
use crate::kernel::outcome::Mistake;
use crate::kernel::value::id::random;

/// The costs of argon2id.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cost {
    /// In KiB.
    pub memory: u32,
    /// How often it goes over the memory.
    pub passes: u32,
    /// How much of it could run at a time.
    pub lanes: u32,
}

/// A secret that goes into a hash and is not kept with it.
#[derive(Clone, Copy)]
pub struct Pepper<'a> {
    /// Its name in the stored text: at most 64 letters, digits, hyphens, underscores and dots.
    pub name: &'a str,
    /// Its bytes.
    pub secret: &'a [u8],
}

const SALT_LEN: usize = 16;
const DIGEST_LEN: usize = 32;

/// The text to store for a password of this store.
pub fn make(password: &Password, cost: Cost, pepper: Option<Pepper<'_>>) -> Result<String, Mistake> {
    let mut salt = vec![0; SALT_LEN];
    random(&mut salt)?;
    let mut hash = own(cost, pepper.map(|pepper| pepper.name), salt);
    let secret = pepper.map_or(&[][..], |pepper| pepper.secret);
    match hash.compute(password.as_bytes(), secret)? {
        Some(digest) if hash.fits() && hash.pepper.as_deref().is_none_or(text::is_pepper_name) => {
            hash.digest = digest.to_vec();
            Ok(hash.to_text())
        }
        _ => Err(Mistake::invalid("cost", hash::BOUNDS)),
    }
}

/// A stored text that no password has, for a user who has none: it takes as long to verify.
pub fn decoy(cost: Cost) -> String {
    own(cost, None, vec![0; SALT_LEN]).to_text()
}

fn own(cost: Cost, pepper: Option<&str>, salt: Vec<u8>) -> Hash {
    let Cost { memory, passes, lanes } = cost;
    Hash {
        form: Form::Own,
        pepper: pepper.map(str::to_owned),
        function: Function::Argon2 {
            algorithm: Algorithm::Argon2id,
            version: Version::V0x13,
            memory,
            passes,
            lanes,
            data: Vec::new(),
        },
        salt,
        digest: vec![0; DIGEST_LEN],
    }
}

/// What a verification says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It is another password.
    Wrong,
    /// It is the password.
    Right,
    /// It is the password for the other store, but not all of what was typed was proved, so no new hash may be made of
    /// it: bcrypt saw the first 72 bytes alone, or white space around the password was left out.
    Cut,
}

/// Whether this was typed for the password with this stored text. `pepper` is the one that [`needed_pepper`] names.
pub fn verify(typed: &Typed, stored: &str, pepper: Option<&[u8]>) -> Result<Verdict, Mistake> {
    let hash = Hash::from_text(stored).ok_or_else(unreadable)?;
    if hash.pepper.is_some() != pepper.is_some() {
        return Err(Mistake::WrongState {
            message: "the pepper of a password's hash is not at hand".into(),
            hint: "Restore the key of that name.".into(),
        });
    }
    for input in hash.form.inputs(typed) {
        if hash.matches(input.as_bytes(), pepper)? {
            let reads_all = !matches!(hash.function, Function::Bcrypt { before: Before::Nothing, .. });
            let is_whole = reads_all || input.len() <= BCRYPT_BYTES;
            return Ok(if is_whole && !hash.form.trims(typed, &input) {
                Verdict::Right
            } else {
                Verdict::Cut
            });
        }
    }
    Ok(Verdict::Wrong)
}

/// The pepper that goes into a stored hash.
#[derive(PartialEq, Eq, Debug)]
pub enum Needed {
    /// None.
    Nothing,
    /// That of this store, by its name.
    Own(String),
    /// That of another store, by the name that its import gave it.
    Imported(String),
}

/// Which pepper goes into a stored hash.
pub fn needed_pepper(stored: &str) -> Result<Needed, Mistake> {
    let hash = Hash::from_text(stored).ok_or_else(unreadable)?;
    Ok(match hash.pepper {
        None => Needed::Nothing,
        Some(name) if hash.form == Form::Own => Needed::Own(name),
        Some(name) => Needed::Imported(name),
    })
}

/// Whether the hash of a right password should give way to a new one, with this cost and pepper.
pub fn is_obsolete(stored: &str, cost: Cost, pepper_name: Option<&str>) -> bool {
    Hash::from_text(stored).is_none_or(|hash| {
        let new = own(cost, pepper_name, Vec::new());
        let lengths = (hash.salt.len(), hash.digest.len());
        hash.form != new.form
            || hash.pepper != new.pepper
            || hash.function != new.function
            || lengths != (SALT_LEN, DIGEST_LEN)
    })
}

fn unreadable() -> Mistake {
    Mistake::WrongState {
        message: "the stored hash of a password was changed by hand".into(),
        hint: "Set the password anew, or import its hash again.".into(),
    }
}
