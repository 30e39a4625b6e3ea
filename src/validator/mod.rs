//! The store's tokens as log-ins to the database itself: PostgreSQL 18 asks this library, as one of its
//! oauth_validator_libraries, about the access token that libpq brings (`oauth` in pg_hba.conf). No database is open by
//! then, so the keys come from a file that signing_keys_export() fills.

pub mod export;
#[cfg(any(feature = "pg18", test))]
pub mod keys;
#[cfg(any(feature = "pg18", test))]
pub mod token;

use std::ffi::CString;

use crate::kernel::server::settings::Setting;

/// The path of the file with the keys.
pub static KEYS_FILE: Setting<Option<CString>> = Setting::text(
    c"auth_store.oauth_keys_file",
    c"The file with the keys of those whose tokens log in to the server (PostgreSQL 18, oauth in pg_hba.conf).",
    c"What signing_keys_export() returns. Writable by nobody but its owner, who is the server's user or root.",
)
.of_configuration();

/// What a token must be for.
pub static AUDIENCE: Setting<Option<CString>> = Setting::text(
    c"auth_store.oauth_audience",
    c"The resource (RFC 8707) that a token must be for to log in to the server.",
    c"Not set: the issuer, for which tokens are that name no resource; auth_store.oauth_scope must be set then.",
)
.of_configuration();

/// What a token must be good for.
pub static SCOPE: Setting<Option<CString>> = Setting::text(
    c"auth_store.oauth_scope",
    c"The scope that a token must have to log in to the server, of one word or several.",
    c"Not set: any will do, as long as the token is for the audience.",
)
.of_configuration();

/// Which claim names the user.
pub static CLAIM: Setting<Option<CString>> = Setting::text(
    c"auth_store.oauth_claim",
    c"The claim of a token that pg_ident.conf maps to a role: sub, client_id, or another that is a text.",
    c"Not set: sub.",
)
.of_configuration();

/// What the server asks about each token.
#[cfg(feature = "pg18")]
pub fn decide(token: &str) -> Result<(bool, Option<String>), String> {
    use crate::kernel::outcome;
    use crate::kernel::value::clock;

    let text = |setting: &Setting<Option<CString>>| {
        setting.get().map(|text| text.to_str().map(str::to_owned).unwrap_or_default())
    };
    let keys = keys::read(KEYS_FILE.get().ok_or("auth_store.oauth_keys_file is not set")?)
        .map_err(|why| format!("the file that auth_store.oauth_keys_file names is unusable: {why}"))?;
    let (audience, scope, claim) = (text(&AUDIENCE), text(&SCOPE), text(&CLAIM));
    if audience.is_none() && scope.is_none() {
        return Err("neither auth_store.oauth_audience nor auth_store.oauth_scope is set".into());
    }
    let rules = token::Rules {
        audience: audience.as_deref().unwrap_or(&keys.issuer),
        scope: scope.as_deref().unwrap_or_default(),
        claim: claim.as_deref().unwrap_or("sub"),
    };
    let judged = token::judge(clock::now(), token, &keys, &rules);
    if let Some(why) = judged.refused {
        outcome::log(format!("auth_store refuses an OAuth token: {why}"));
    }
    Ok((judged.verdict.authorized, judged.verdict.name))
}
