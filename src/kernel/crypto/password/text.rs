//! The stored text of a hash: `$function$parameters$salt$digest`, a PHC string whose functions are more than PHC's.
//!
//! | function | parameters |
//! |---|---|
//! | `argon2id`, `argon2i`, `argon2d` | `v=19` or `v=16` in a part of its own, `m` in KiB, `t`, `p`, `data` |
//! | `bcrypt` | `c`: the cost; `before`: what bcrypt gets in place of the password |
//! | `pbkdf2-sha1`, `-sha256`, `-sha512` | `i`: the rounds |
//! | `scrypt`, `firebase-scrypt` | `ln`: the logarithm of N, `r`, `p` |
//! | `phpass` | `ln`: the logarithm of the rounds |
//! | `sha256-crypt`, `sha512-crypt` | `i`: the rounds |
//! | `scram-sha-256` | `i`: the rounds |
//!
//! Each may have `in`, the form in which a typed password goes in, and `pepper`, the name of the pepper that goes in.
//! A text without `in` is of a password of this store. Salt, digest and data are base64 without padding.

use std::fmt::Write;

use argon2::{Algorithm, Version};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::fields::{Fields, unpadded};
use super::hash::{Before, Digest, Form, Function, Hash, Scrypt};

/// The longest name of a pepper.
const MAX_PEPPER_NAME: usize = 64;

/// Whether a pepper may be named so: characters that a PHC string may hold.
pub fn is_pepper_name(name: &str) -> bool {
    (1..=MAX_PEPPER_NAME).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
}

impl Hash {
    /// The text to store.
    pub fn to_text(&self) -> String {
        let (name, parameters) = self.function.describe();
        let mut text = format!("${name}${parameters}");
        if let Some((_, form)) = Form::NAMES.iter().find(|(form, _)| *form == self.form) {
            // Writing to a String gives no error.
            let _ = write!(text, ",in={form}");
        }
        if let Some(pepper) = &self.pepper {
            let _ = write!(text, ",pepper={pepper}");
        }
        format!("{text}${}${}", STANDARD_NO_PAD.encode(&self.salt), STANDARD_NO_PAD.encode(&self.digest))
    }

    /// None for a text that [`Hash::to_text`] did not write, or one out of bounds.
    pub fn from_text(text: &str) -> Option<Self> {
        const NAMES: [&str; 11] = ["m", "t", "p", "data", "c", "before", "i", "ln", "r", "in", "pepper"];
        let (name, rest) = text.strip_prefix('$')?.split_once('$')?;
        let (version, rest) = match rest.strip_prefix("v=") {
            Some(rest) => rest.split_once('$').map(|(version, rest)| (Some(version), rest))?,
            None => (None, rest),
        };
        let (parameters, rest) = rest.split_once('$')?;
        let (salt, digest) = rest.split_once('$')?;
        let fields = Fields::new(parameters, &NAMES)?;
        let form = match fields.get("in") {
            Some(name) => named(&Form::NAMES, name)?,
            None => Form::Own,
        };
        let hash = Self {
            form,
            pepper: fields.get("pepper").map(str::to_owned),
            function: Function::read(name, version, &fields)?,
            salt: unpadded(salt)?,
            digest: unpadded(digest)?,
        };
        // One text a hash: what is written otherwise was changed by hand.
        (hash.fits() && hash.pepper.as_deref().is_none_or(is_pepper_name) && hash.to_text() == text)
            .then_some(hash)
    }
}

fn named<T: Copy>(names: &[(T, &str)], name: &str) -> Option<T> {
    names.iter().find(|(_, known)| *known == name).map(|(value, _)| *value)
}

const VERSIONS: [(Version, &str); 2] = [(Version::V0x10, "16"), (Version::V0x13, "19")];

const PBKDF2: [(Digest, &str); 3] =
    [(Digest::Sha1, "pbkdf2-sha1"), (Digest::Sha256, "pbkdf2-sha256"), (Digest::Sha512, "pbkdf2-sha512")];

const SHA_CRYPT: [(Digest, &str); 2] = [(Digest::Sha256, "sha256-crypt"), (Digest::Sha512, "sha512-crypt")];

impl Function {
    /// Its name and its parameters.
    fn describe(&self) -> (&'static str, String) {
        fn name<T: PartialEq>(names: &[(T, &'static str)], value: &T) -> &'static str {
            names.iter().find(|(known, _)| known == value).map_or("", |(_, name)| name)
        }
        let scrypt = |Scrypt { log_n, r, p }: &Scrypt| format!("ln={log_n},r={r},p={p}");
        match self {
            Self::Argon2 { algorithm, version, memory, passes, lanes, data } => {
                let version = name(&VERSIONS, version);
                let mut parameters = format!("v={version}$m={memory},t={passes},p={lanes}");
                if !data.is_empty() {
                    let _ = write!(parameters, ",data={}", STANDARD_NO_PAD.encode(data));
                }
                (algorithm.as_str(), parameters)
            }
            Self::Bcrypt { cost, before: Before::Nothing } => ("bcrypt", format!("c={cost}")),
            Self::Bcrypt { cost, before } => {
                ("bcrypt", format!("c={cost},before={}", name(&Before::NAMES, before)))
            }
            Self::Pbkdf2 { digest, rounds } => (name(&PBKDF2, digest), format!("i={rounds}")),
            Self::Scrypt(costs) => ("scrypt", scrypt(costs)),
            Self::Firebase(costs) => ("firebase-scrypt", scrypt(costs)),
            Self::Phpass { log_rounds } => ("phpass", format!("ln={log_rounds}")),
            Self::ShaCrypt { digest, rounds } => (name(&SHA_CRYPT, digest), format!("i={rounds}")),
            Self::Scram { rounds } => ("scram-sha-256", format!("i={rounds}")),
        }
    }

    fn read(name: &str, version: Option<&str>, fields: &Fields<'_>) -> Option<Self> {
        let number = |name| fields.number(name);
        let scrypt = || Some(Scrypt { log_n: number("ln")?, r: number("r")?, p: number("p")? });
        Some(match name {
            "argon2id" | "argon2i" | "argon2d" => Self::Argon2 {
                algorithm: Algorithm::new(name).ok()?,
                version: named(&VERSIONS, version?)?,
                memory: number("m")?,
                passes: number("t")?,
                lanes: number("p")?,
                data: fields.get("data").map_or(Some(Vec::new()), unpadded)?,
            },
            "bcrypt" => Self::Bcrypt {
                cost: number("c")?,
                before: fields
                    .get("before")
                    .map_or(Some(Before::Nothing), |name| named(&Before::NAMES, name))?,
            },
            "scrypt" => Self::Scrypt(scrypt()?),
            "firebase-scrypt" => Self::Firebase(scrypt()?),
            "phpass" => Self::Phpass { log_rounds: number("ln")? },
            "scram-sha-256" => Self::Scram { rounds: number("i")? },
            _ => match named(&PBKDF2, name) {
                Some(digest) => Self::Pbkdf2 { digest, rounds: number("i")? },
                None => Self::ShaCrypt { digest: named(&SHA_CRYPT, name)?, rounds: number("i")? },
            },
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::hash::Hash;
    use proptest::prelude::*;

    #[test]
    fn each_function_has_one_text() {
        let (salt, digest) = ("MDEyMzQ1Njc4OWFiY2RlZg", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY");
        for (text, digest) in [
            ("$argon2id$v=19$m=19456,t=2,p=1", digest),
            ("$argon2id$v=19$m=19456,t=2,p=1,pepper=2026-11.a", digest),
            ("$argon2i$v=16$m=64,t=2,p=1,data=Y3R4,in=typed", digest),
            ("$argon2d$v=19$m=64,t=2,p=1,in=nfkc", digest),
            ("$bcrypt$c=10,in=typed", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY"),
            ("$bcrypt$c=10,before=wp-sha384-base64,in=trimmed", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY"),
            ("$pbkdf2-sha1$i=1,in=typed", digest),
            ("$pbkdf2-sha256$i=1,in=typed,pepper=x", digest),
            ("$pbkdf2-sha512$i=10000000,in=typed", digest),
            ("$scrypt$ln=14,r=16,p=1,in=nfkc", digest),
            ("$firebase-scrypt$ln=14,r=8,p=1,in=typed,pepper=x", digest),
            ("$sha256-crypt$i=5000,in=typed", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWYwMTIzNDU2Nzg5YQ"),
            ("$scram-sha-256$i=4096,in=saslprep", digest),
        ] {
            let text = format!("{text}${salt}${digest}");
            let hash = Hash::from_text(&text);
            assert_eq!(hash.map(|hash| hash.to_text()), Some(text));
        }
    }

    #[test]
    fn another_spelling_is_no_stored_text() {
        let text = "$argon2id$v=19$m=19456,t=2,p=1,in=typed$MDEyMzQ1Njc4OWFiY2RlZg$MDEyMzQ1Njc4OWFiY2RlZg";
        assert!(Hash::from_text(text).is_some());
        for (from, to) in [
            ("t=2,p=1", "p=1,t=2"),
            ("m=19456", "m=019456"),
            ("in=typed", "in=own"),
            ("in=typed", "r=8"),
            ("v=19$", ""),
            ("v=19", "v=20"),
            ("in=typed", "pepper="),
            ("in=typed", "pepper=a+b"),
            ("m=19456", "m=262145"),
            ("RlZg$", "RlZg=$"),
            ("argon2id", "argon2x"),
            ("$m", "$m=1,m"),
            ("in=typed", "data="),
            ("$MDE", "$more$MDE"),
        ] {
            assert!(Hash::from_text(&text.replacen(from, to, 1)).is_none(), "{from} {to}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_hash_or_none(
            text in "\\$?(argon2id\\$v=19|scrypt|bcrypt|phpass|)\\$[a-z=0-9,]{0,20}\\PC{0,60}",
        ) {
            if let Some(hash) = Hash::from_text(&text) {
                prop_assert_eq!(hash.to_text(), text);
            }
        }
    }
}
