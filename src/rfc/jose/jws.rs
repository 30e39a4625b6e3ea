//! A JWS in compact form (RFC 7515 section 3.1) whose payload are JSON claims: reading it, and who has signed it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use serde_json::{Map, Value};

use crate::rfc::jose::Problem;
use crate::rfc::jose::alg::Alg;
use crate::rfc::jose::jwk::Jwk;
use crate::rfc::json;

/// How many keys are tried at one signature: a stranger decides how often that is.
const MAX_TRIED: usize = 8;

/// The algorithm of client_secret_jwt (OpenID Connect Core section 9).
pub const HS256: &str = "HS256";

/// A token that is read. Nothing in it counts before a signature has been verified.
pub struct Jws<'a> {
    pub header: Map<String, Value>,
    pub claims: Map<String, Value>,
    signed: &'a str,
    signature: Vec<u8>,
}

/// Reads a token of at most so many bytes. No two readers may see different claims in it, so a member that occurs twice
/// is refused; so are extensions that the header says to be critical, an unencoded payload (RFC 7797) and `none`.
pub fn parse(token: &str, max_bytes: usize) -> Result<Jws<'_>, Problem> {
    if token.len() > max_bytes {
        return Err(Problem::Malformed);
    }
    let jws = split(token).ok_or(Problem::Malformed)?;
    if jws.header.contains_key("crit") || jws.header.contains_key("b64") {
        return Err(Problem::Critical);
    }
    if jws.alg().is_empty() || jws.alg().eq_ignore_ascii_case("none") {
        return Err(Problem::Algorithm);
    }
    Ok(jws)
}

fn split(token: &str) -> Option<Jws<'_>> {
    let (signed, signature) = token.rsplit_once('.')?;
    let (header, claims) = signed.split_once('.')?;
    let object = |part: &str| json::object(&URL_SAFE_NO_PAD.decode(part).ok()?);
    Some(Jws {
        header: object(header)?,
        claims: object(claims)?,
        signed,
        signature: URL_SAFE_NO_PAD.decode(signature).ok()?,
    })
}

impl Jws<'_> {
    /// Its `alg`; empty where that is no text.
    pub fn alg(&self) -> &str {
        self.header.get("alg").and_then(Value::as_str).unwrap_or_default()
    }

    /// Whether its `typ` is this one: letters of either case, with `application/` before it or without (RFC 7515
    /// section 4.1.9).
    pub fn is_of_type(&self, typ: &str) -> bool {
        let own = self.header.get("typ").and_then(Value::as_str).unwrap_or_default();
        let own = match own.split_at_checked("application/".len()) {
            Some((first, rest)) if first.eq_ignore_ascii_case("application/") => rest,
            _ => own,
        };
        own.eq_ignore_ascii_case(typ)
    }

    /// A claim that is a text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.claims.get(name).and_then(Value::as_str)
    }

    /// Whether one of the keys has signed it. Of a key only its own algorithms count. `kid` tells keys that have one
    /// apart, and nothing else: it is compared, never looked up. Without it at most 8 keys are tried.
    pub fn verify(&self, keys: &[Jwk]) -> Result<(), Problem> {
        let alg = Alg::parse(self.alg()).ok_or(Problem::Algorithm)?;
        let kid = match self.header.get("kid") {
            None => None,
            Some(Value::String(kid)) => Some(kid.as_str()),
            Some(_) => return Err(Problem::Malformed),
        };
        let mut fitting = keys.iter().filter(|key| key.fits(kid, alg)).take(MAX_TRIED).peekable();
        fitting.peek().ok_or(Problem::UnknownKey)?;
        if fitting.any(|key| key.key.verify(alg, self.signed.as_bytes(), &self.signature)) {
            return Ok(());
        }
        Err(Problem::Signature)
    }

    /// Whether the holder of a secret has signed it with HS256 (RFC 7518 section 3.2).
    pub fn verify_secret(&self, secret: &[u8]) -> Result<(), Problem> {
        if self.alg() != HS256 {
            return Err(Problem::Algorithm);
        }
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
        hmac::verify(&key, self.signed.as_bytes(), &self.signature).map_err(|_| Problem::Signature)
    }

    /// The text that is signed, and the signature, for a key that is no [`Jwk`].
    pub fn signed(&self) -> (&[u8], &[u8]) {
        (self.signed.as_bytes(), &self.signature)
    }
}
