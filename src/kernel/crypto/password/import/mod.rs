//! Reading the hashes of other stores. Each format has a name, because the text of some does not say what it is.

pub mod argon2;
mod auto;
pub mod bcrypt;
mod columns;
mod crypt;
mod found;
mod pbkdf2;
mod products;
mod scrypt;
mod spring;

use std::borrow::Cow;

use serde_json::Value;
use zeroize::Zeroizing;

use self::found::{Found, Given};
use super::hash::{BOUNDS, Form, Hash};
use super::text;
use crate::kernel::outcome::Mistake;

/// The longest text of a hash: Keycloak's JSON and passport-local-mongoose's 512 bytes are the longest there are.
const MAX_TEXT: usize = 16_384;

/// What is imported: the arguments of `password_import()`, NULL for one that is not given.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The hash as the other store keeps it; where it keeps several columns, a JSON object of them.
    pub hash: &'a str,
    /// The name of a format, or `auto`.
    pub format: Option<&'a str>,
    /// The normal form in which the other store hashes; by default the one that programs with this format use.
    pub normalization: Option<&'a str>,
    /// A secret of the other store that goes into the hash and is not in its text.
    pub pepper: Option<&'a str>,
    /// What else is not in the text, by name.
    pub parameters: Option<&'a Value>,
}

/// A hash that can be stored.
pub struct Imported {
    hash: Hash,
    pepper: Option<Zeroizing<Vec<u8>>>,
}

impl Imported {
    /// The secret that [`super::verify`] must be given again. It is for all users of the other store.
    pub fn pepper(&self) -> Option<&[u8]> {
        self.pepper.as_ref().map(|pepper| pepper.as_slice())
    }

    /// The text to store. Where there is a pepper it needs the name under which it is kept.
    pub fn into_text(mut self, pepper_name: Option<&str>) -> Result<String, Mistake> {
        if pepper_name.is_some() != self.pepper.is_some() || !pepper_name.is_none_or(text::is_pepper_name) {
            return Err(Mistake::invalid(
                "pepper",
                "a pepper with a name of letters, digits, hyphens, underscores and dots",
            ));
        }
        self.hash.pepper = pepper_name.map(str::to_owned);
        Ok(self.hash.to_text())
    }
}

/// How a format is read.
enum Read {
    /// The text says all.
    Text(fn(&str) -> Option<Hash>),
    /// The text, and a pepper where the other store has one.
    Peppered(fn(&str) -> Option<Hash>),
    /// The text, and parameters or a pepper that only some texts have.
    With(fn(&str, &Given<'_>) -> Option<Found>),
}

/// A format of another store.
struct Format {
    name: &'static str,
    read: Read,
    /// What it accepts, for the hint.
    accepted: &'static str,
}

const fn format(name: &'static str, read: Read, accepted: &'static str) -> Format {
    Format { name, read, accepted }
}

static FORMATS: [Format; 27] = [
    format(
        "argon2",
        Read::Peppered(argon2::phc),
        "$argon2id$, $argon2i$ or $argon2d$ with m, t, p, data; no padding",
    ),
    format("bcrypt", Read::Peppered(bcrypt::plain), "$2a$, $2b$ or $2y$, cost 4 to 15"),
    format("phc-scrypt", Read::Text(scrypt::phc), "$scrypt$ with ln or n, r and p"),
    format("crypt", Read::Text(crypt::crypt), "$5$ or $6$, or bcrypt"),
    format(
        "passlib",
        Read::Text(products::passlib),
        "$pbkdf2$, $pbkdf2-sha256$, $pbkdf2-sha512$, $scrypt$, \
        $bcrypt-sha256$, $argon2…$, $2b$, $5$, $6$ or $P$, as passlib writes them",
    ),
    format(
        "django",
        Read::Text(products::django),
        "pbkdf2_sha256$, pbkdf2_sha1$, scrypt$, bcrypt_sha256$, bcrypt$ \
        or argon2$, as Django writes them",
    ),
    format(
        "werkzeug",
        Read::Text(products::werkzeug),
        "scrypt:N:r:p$salt$hex or pbkdf2:digest:rounds$salt$hex, the \
        rounds given: without them they are the default of a version",
    ),
    format("better-auth", Read::Text(scrypt::better_auth), "salt:key, the key 64 bytes in hexadecimal"),
    format(
        "lucia-legacy",
        Read::Text(scrypt::lucia_legacy),
        "s2:salt:key or salt:key, the key 64 bytes in hexadecimal",
    ),
    format("wordpress", Read::Text(products::wordpress), "$wp$2y$, $P$, $H$ or $2y$"),
    format("phpass", Read::Text(crypt::phpass), "$P$ or $H$ with 31 characters, at most 2^20 rounds"),
    format("aspnet", Read::Text(pbkdf2::aspnet), "base64 of a hash of ASP.NET Core Identity, version 2 or 3"),
    format(
        "firebase",
        Read::With(scrypt::firebase),
        "$fbscrypt$, $firescrypt$, or the passwordHash of an export with \
        the parameters salt, saltSeparator, memCost, rounds and signerKey",
    ),
    format(
        "spring",
        Read::With(spring::delegating),
        "{bcrypt}, {pbkdf2}, {scrypt} or {argon2}, with \
        @SpringSecurity_v5_8 or without, before the hash",
    ),
    format("spring-pbkdf2-v5_8", Read::With(spring::pbkdf2_v5_8), "48 bytes in hexadecimal"),
    format("spring-pbkdf2-v5_5", Read::With(spring::pbkdf2_v5_5), "40 bytes in hexadecimal"),
    format(
        "spring-pbkdf2",
        Read::With(spring::pbkdf2),
        "salt and key in one text with the parameters iterations, \
        salt_length, algorithm (PBKDF2WithHmacSHA1, …SHA256 or …SHA512), encoding (hex or base64) and secret",
    ),
    format("spring-scrypt", Read::Text(spring::scrypt), "$costs$salt$key as Spring Security writes it"),
    format(
        "keycloak",
        Read::Text(columns::keycloak),
        "a credential of Keycloak's export: JSON with credentialData and \
        secretData, of argon2 or pbkdf2",
    ),
    format(
        "kratos",
        Read::With(products::kratos),
        "$argon2id$, $argon2i$, $2a$, $pbkdf2-sha256$i=…,l=…$, \
        $scrypt$ln=N,…$ or $firescrypt$, as Kratos writes them",
    ),
    format("mattermost", Read::Text(products::mattermost), "$pbkdf2$f=…,w=…,l=…$salt$key or bcrypt"),
    format(
        "gitea",
        Read::Text(columns::gitea),
        "{\"passwd\": hexadecimal, \"salt\": text, \"passwd_hash_algo\": \
        \"pbkdf2$rounds$length\"}",
    ),
    format("grafana", Read::Text(columns::grafana), "{\"password\": hexadecimal, \"salt\": text}"),
    format(
        "discourse",
        Read::Text(columns::discourse),
        "{\"password_hash\": hexadecimal, \"salt\": text, \
        \"password_algorithm\": \"$pbkdf2-sha256$i=…,l=…$\"}",
    ),
    format(
        "nextcloud",
        Read::With(products::nextcloud),
        "3|argon2id, 2|argon2i, 1|bcrypt, or bcrypt with the \
        passwordsalt as pepper",
    ),
    format(
        "passport-local-mongoose",
        Read::With(columns::passport),
        "{\"salt\": text, \"hash\": hexadecimal}, with \
        the parameters iterations and digestAlgorithm where they are not 25000 and sha256",
    ),
    format("scram-sha-256", Read::Text(crypt::scram), "SCRAM-SHA-256$rounds:salt$StoredKey:ServerKey"),
];

/// Why a hash is refused that the other store accepts.
const WEAK: &str = "a hash that takes an attacker time; this one is of a kind that does not, or was made by a faulty \
                    program: let its user reset the password, or wrap it: verify the old hash in the application, and \
                    call password_set() with what was typed when it is right";

/// Reads the hash of another store.
pub fn recognize(request: Request<'_>) -> Result<Imported, Mistake> {
    let format = chosen(request.hash, request.format)?;
    let parameters = match request.parameters {
        None | Some(Value::Null) => None,
        Some(Value::Object(parameters)) => Some(parameters),
        Some(_) => return Err(Mistake::invalid("parameters", "a JSON object")),
    };
    let pepper = request.pepper.filter(|pepper| !pepper.is_empty()).map(str::as_bytes);
    let given = Given { pepper, parameters: parameters.filter(|parameters| !parameters.is_empty()) };
    let found = match format.read {
        _ if request.hash.len() > MAX_TEXT => None,
        Read::With(read) => read(request.hash, &given),
        _ if given.parameters.is_some() => {
            return Err(Mistake::invalid("parameters", "none with this format, whose text says all"));
        }
        Read::Peppered(read) => read(request.hash).map(|hash| Found { hash, pepper: given.pepper() }),
        Read::Text(_) if pepper.is_some() => {
            return Err(Mistake::invalid("pepper", "none with this format, which has no pepper"));
        }
        Read::Text(read) => read(request.hash).map(|hash| Found { hash, pepper: None }),
    };
    let Some(Found { mut hash, pepper }) = found else {
        let accepted = if is_weak(request.hash) { WEAK } else { format.accepted };
        return Err(Mistake::invalid("password_hash", accepted));
    };
    if let Some(name) = request.normalization {
        hash.form = normal_form(name, hash.form)?;
    }
    if !hash.fits() {
        return Err(Mistake::invalid("password_hash", BOUNDS));
    }
    Ok(Imported { hash, pepper })
}

fn chosen(text: &str, name: Option<&str>) -> Result<&'static Format, Mistake> {
    let name = match name {
        None | Some("auto") => auto::detect(text).map_err(|accepted| Mistake::invalid("format", accepted))?,
        Some(name) => name,
    };
    match FORMATS.iter().find(|format| format.name == name) {
        Some(format) => Ok(format),
        None if name == auto::NONE && is_weak(text) => Err(Mistake::invalid("password_hash", WEAK)),
        None => Err(Mistake::InvalidArgument { argument: "format", accepted: Cow::Owned(names()) }),
    }
}

fn names() -> String {
    let names: Vec<&str> = FORMATS.iter().map(|format| format.name).collect();
    format!("auto for a text that says what it is, {}", names.join(", "))
}

/// The form for the name of a normal form. What is hashed as typed is tried in NFC too, whichever of both it was.
fn normal_form(name: &str, default: Form) -> Result<Form, Mistake> {
    let unchanged = if default == Form::Trimmed { default } else { Form::Typed };
    match name.to_ascii_lowercase().as_str() {
        "none" | "nfc" => Ok(unchanged),
        "nfkc" => Ok(Form::Nfkc),
        "saslprep" => Ok(Form::Saslprep),
        _ => Err(Mistake::invalid("normalization", "none, NFC, NFKC or SASLprep")),
    }
}

/// Whether the text is no mere slip: a fast digest, a text that is no hash, or bcrypt of a faulty program.
fn is_weak(text: &str) -> bool {
    const PREFIXES: [&str; 15] = [
        "$1$",
        "$2$",
        "$2x$",
        "md5$",
        "sha1$",
        "unsalted_",
        "{noop}",
        "{MD4}",
        "{MD5}",
        "{SHA",
        "{SMD5}",
        "{SSHA",
        "{sha256}",
        "{ldap}",
        "$md5",
    ];
    let is_digest = matches!(text.len(), 32 | 40 | 64) && text.bytes().all(|b| b.is_ascii_hexdigit());
    is_digest || PREFIXES.iter().any(|prefix| text.starts_with(prefix))
}
