//! scrypt, in the spellings of seven stores.

use zeroize::Zeroizing;

use super::super::fields::{Fields, any_base64, base64, hex, log2, number, padded, unpadded};
use super::super::hash::{Form, Function, Hash, Scrypt};
use super::found::{Found, Given, parts, typed};

/// The largest value of a field ln that is a logarithm. In Kratos' texts it is N itself, which is larger.
const MAX_LOGARITHM: u32 = 63;

/// `$scrypt$ln=…,r=…,p=…$salt$key`: ln is a logarithm, or with Kratos N itself; n, of AdonisJS, is N.
pub fn phc(text: &str) -> Option<Hash> {
    let (fields, salt, key) = pieces(text, &["ln", "n", "r", "p"])?;
    let log_n = match (fields.get("ln"), fields.get("n")) {
        (Some(ln), None) => Some(number(ln)?).filter(|ln| *ln <= MAX_LOGARITHM).or_else(|| log2(number(ln)?)),
        (None, Some(n)) => log2(number(n)?),
        _ => None,
    };
    Some(typed(Function::Scrypt(costs(log_n?, &fields)?), base64(salt)?, base64(key)?))
}

/// The same of passlib, where ln is the logarithm.
pub fn passlib(text: &str) -> Option<Hash> {
    let (fields, salt, key) = pieces(text, &["ln", "r", "p"])?;
    let log_n = fields.number("ln").filter(|ln| *ln <= MAX_LOGARITHM)?;
    Some(typed(Function::Scrypt(costs(log_n, &fields)?), unpadded(salt)?, unpadded(key)?))
}

/// The same of Kratos, where ln is N.
pub fn kratos(text: &str) -> Option<Hash> {
    let (fields, salt, key) = pieces(text, &["ln", "r", "p"])?;
    let log_n = fields.number("ln").and_then(log2)?;
    Some(typed(Function::Scrypt(costs(log_n, &fields)?), padded(salt)?, padded(key)?))
}

fn pieces<'a>(text: &'a str, names: &[&str]) -> Option<(Fields<'a>, &'a str, &'a str)> {
    let [parameters, salt, key] = parts(text.strip_prefix("$scrypt$")?, '$')?;
    Some((Fields::new(parameters, names)?, salt, key))
}

fn costs(log_n: u32, fields: &Fields<'_>) -> Option<Scrypt> {
    Some(Scrypt { log_n, r: fields.number("r")?, p: fields.number("p")? })
}

/// `scrypt$N$salt$r$p$key`, the salt as text.
pub fn django(text: &str) -> Option<Hash> {
    let [n, salt, r, p, key] = parts(text.strip_prefix("scrypt$")?, '$')?;
    let costs = Scrypt { log_n: log2(number(n)?)?, r: number(r)?, p: number(p)? };
    Some(typed(Function::Scrypt(costs), salt.into(), padded(key)?))
}

/// `salt:key` with r = 16, the salt as its hexadecimal text.
pub fn better_auth(text: &str) -> Option<Hash> {
    hexadecimal(16, text)
}

/// `s2:salt:key` with r = 16, and the older `salt:key` with r = 8.
pub fn lucia_legacy(text: &str) -> Option<Hash> {
    text.strip_prefix("s2:").map_or_else(|| hexadecimal(8, text), |text| hexadecimal(16, text))
}

fn hexadecimal(r: u32, text: &str) -> Option<Hash> {
    let [salt, key] = parts(text, ':')?;
    let key = hex(key).filter(|key| key.len() == 64)?;
    let function = Function::Scrypt(Scrypt { log_n: 14, r, p: 1 });
    Some(Hash { form: Form::Nfkc, ..typed(function, salt.into(), key) })
}

const FIREBASE: [&str; 8] =
    ["salt", "saltSeparator", "salt_separator", "memCost", "mem_cost", "rounds", "signerKey", "signer_key"];

/// `$fbscrypt$…` of GoTrue, `$firescrypt$…` of Kratos, or the bare passwordHash of Firebase's export, whose parameters
/// are given. The signer key may be given as the pepper, in base64.
pub fn firebase(text: &str, given: &Given<'_>) -> Option<Found> {
    if !given.has_only(&FIREBASE) {
        return None;
    }
    let given_key = || {
        let pepper = given.pepper.and_then(|pepper| std::str::from_utf8(pepper).ok());
        given.text(&["signerKey", "signer_key"]).or(pepper)
    };
    if let Some(rest) = text.strip_prefix("$fbscrypt$") {
        let [parameters, salt, digest] = parts(rest, '$')?;
        let fields = Fields::new(parameters, &["v", "n", "r", "p", "ss", "sk"])?;
        let costs = costs(fields.number("n")?, &fields)?;
        let key = fields.get("sk").or_else(given_key)?;
        let is_known = fields.get("v") == Some("1");
        return is_known.then(|| signed(costs, [salt, fields.get("ss").unwrap_or_default(), digest, key]))?;
    }
    if let Some(found) = firescrypt(text) {
        return Some(found);
    }
    let separator = given.text(&["saltSeparator", "salt_separator"]).unwrap_or("Bw==");
    let log_n = given.number(&["memCost", "mem_cost"], 14)?;
    let costs = Scrypt { log_n, r: given.number(&["rounds"], 8)?, p: 1 };
    signed(costs, [given.text(&["salt"])?, separator, text, given_key()?])
}

/// `$firescrypt$ln=…,r=…,p=…$salt$digest$separator$signer key`
pub fn firescrypt(text: &str) -> Option<Found> {
    let [parameters, salt, digest, separator, key] = parts(text.strip_prefix("$firescrypt$")?, '$')?;
    let fields = Fields::new(parameters, &["ln", "r", "p"])?;
    signed(costs(fields.number("ln")?, &fields)?, [salt, separator, digest, key])
}

fn signed(costs: Scrypt, [salt, separator, digest, key]: [&str; 4]) -> Option<Found> {
    let salt = [any_base64(salt)?, any_base64(separator)?].concat();
    let (digest, key) = (any_base64(digest)?, Zeroizing::new(any_base64(key)?));
    // The digest is the key, encrypted.
    (digest.len() == key.len())
        .then(|| Found { hash: typed(Function::Firebase(costs), salt, digest), pepper: Some(key) })
}
