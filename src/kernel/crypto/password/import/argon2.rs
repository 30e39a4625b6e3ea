//! argon2: PHC strings, whose parameters stand in any order.

use argon2::{Algorithm, Version};

use super::super::fields::{Fields, number, unpadded};
use super::super::hash::{Function, Hash};
use super::found::typed;

/// `$argon2id$v=19$m=…,t=…,p=…,data=…$salt$digest`. Without v it is version 0x10, as in the reference implementation.
pub fn phc(text: &str) -> Option<Hash> {
    let mut parts = text.split('$');
    let ("", name) = (parts.next()?, parts.next()?) else { return None };
    let algorithm = Algorithm::new(name).ok()?;
    let first = parts.next()?;
    let (version, parameters) = match first.strip_prefix("v=") {
        Some(version) => (Version::try_from(number(version)?).ok()?, parts.next()?),
        None => (Version::V0x10, first),
    };
    let fields = Fields::new(parameters, &["m", "t", "p", "data"])?;
    let (salt, digest) = (unpadded(parts.next()?)?, unpadded(parts.next()?)?);
    let function = Function::Argon2 {
        algorithm,
        version,
        memory: fields.number("m")?,
        passes: fields.number("t")?,
        lanes: fields.number("p")?,
        data: fields.get("data").map_or(Some(Vec::new()), unpadded)?,
    };
    parts.next().is_none().then(|| typed(function, salt, digest))
}
