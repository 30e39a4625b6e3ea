//! Which format a text has, where it says so.

use serde_json::Value;

/// In place of a format's name: the text has none that is known.
pub const NONE: &str = "";

/// Beginnings that only one format has.
const PREFIXES: [(&str, &str); 29] = [
    ("$argon2", "argon2"),
    ("$2a$", "bcrypt"),
    ("$2b$", "bcrypt"),
    ("$2y$", "bcrypt"),
    ("$scrypt$", "phc-scrypt"),
    ("$5$", "crypt"),
    ("$6$", "crypt"),
    ("$pbkdf2-sha256$i=", "kratos"),
    ("$pbkdf2-sha512$i=", "kratos"),
    ("$pbkdf2-sha1$i=", "kratos"),
    ("$pbkdf2$f=", "mattermost"),
    ("$pbkdf2", "passlib"),
    ("$bcrypt-sha256$", "passlib"),
    ("pbkdf2_sha", "django"),
    ("scrypt$", "django"),
    ("bcrypt$", "django"),
    ("bcrypt_sha256$", "django"),
    ("argon2$", "django"),
    ("scrypt:", "werkzeug"),
    ("pbkdf2:", "werkzeug"),
    ("s2:", "lucia-legacy"),
    ("$wp", "wordpress"),
    ("$P$", "wordpress"),
    ("$H$", "phpass"),
    ("$fbscrypt$", "firebase"),
    ("$firescrypt$", "firebase"),
    ("1|$", "nextcloud"),
    ("SCRAM-SHA-256$", "scram-sha-256"),
    ("{", "spring"),
];

/// The name of the format, or [`NONE`]; the choices where the text fits several.
pub fn detect(text: &str) -> Result<&'static str, &'static str> {
    if let Ok(Value::Object(row)) = serde_json::from_str(text) {
        let has = |key| row.contains_key(key);
        return match () {
            () if has("credentialData") => Ok("keycloak"),
            () if has("passwd_hash_algo") => Ok("gitea"),
            () if has("password_algorithm") => Ok("discourse"),
            () if has("salt") => {
                Err("grafana or passport-local-mongoose for a salt and a digest, whose costs are in \
                                      neither")
            }
            () => Ok(NONE),
        };
    }
    if text.starts_with("2|$") || text.starts_with("3|$") {
        return Ok("nextcloud");
    }
    if let Some((_, format)) = PREFIXES.iter().find(|(prefix, _)| text.starts_with(prefix)) {
        return Ok(format);
    }
    let is_hex = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_hexdigit());
    let is_base64 = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/=-_".contains(&b));
    match text.split_once(':') {
        Some((salt, key)) if is_hex(salt) && is_hex(key) => Err(
            "better-auth (also of Lucia 3 and oslo) or lucia-legacy for salt:key, which differ in their cost",
        ),
        None if text
            .strip_prefix('$')
            .and_then(|rest| rest.split_once('$'))
            .is_some_and(|(costs, _)| is_hex(costs)) =>
        {
            spring_or_none(text)
        }
        None if matches!(text.len(), 32 | 40 | 64) && is_hex(text) => Ok(NONE),
        None if is_hex(text) => {
            Err("spring-pbkdf2-v5_8, spring-pbkdf2-v5_5 or spring-pbkdf2 for hexadecimal digits \
                                     alone, whose costs are not in the text")
        }
        None if text.len() >= 40 && is_base64(text) => {
            Err("aspnet, firebase or spring-pbkdf2 for base64 alone, which does not say what it is")
        }
        _ => Ok(NONE),
    }
}

/// Spring's costs are at least five hexadecimal digits; fewer name a kind of crypt().
fn spring_or_none(text: &str) -> Result<&'static str, &'static str> {
    let costs = text.split('$').nth(1).unwrap_or_default();
    Ok(if costs.len() >= 5 { "spring-scrypt" } else { NONE })
}
