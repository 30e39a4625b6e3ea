//! The arguments that describe a connection: who is connected to whom, the tokens, the account at the provider.

use crate::identity::tenant;
use crate::kernel::outcome::{Mistake, given};
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::value::argument;
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::jsonb::Jsonb;
use crate::vault::connection::status::Life;
/// The longest token of a provider, in bytes.
const MAX_TOKEN: usize = 65_536;
const MAX_SCOPE: usize = 4096;
const MAX_ID: usize = 255;
/// What the name of a provider is.
pub const PROVIDER: &str = "1 to 63 lower-case letters, digits, dots, underscores and hyphens, the first a letter or \
                            digit, such as github";

/// The actor and the provider: the key of a connection within its tenant.
#[derive(Clone, Copy)]
pub struct Actor<'a> {
    /// The provider's short name: github, google.
    pub provider: &'a str,
    /// user or api_key
    pub actor_type: &'a str,
    /// The actor's id, as the application knows it.
    pub actor_id: &'a str,
}

impl<'a> Actor<'a> {
    /// The arguments that name a connection.
    pub fn check(
        provider: Option<&'a str>,
        actor_type: Option<&'a str>,
        actor_id: Option<&'a str>,
    ) -> Result<Self, Mistake> {
        let provider = given(provider, "provider")?;
        if !is_provider(provider) {
            return Err(Mistake::invalid("provider", PROVIDER));
        }
        let (actor_type, actor_id) = check_actor(actor_type, actor_id)?;
        Ok(Self { provider, actor_type, actor_id })
    }
}

/// The arguments that name an actor.
pub fn check_actor<'a>(
    actor_type: Option<&'a str>,
    actor_id: Option<&'a str>,
) -> Result<(&'a str, &'a str), Mistake> {
    let actor_id = given(actor_id, "actor_id")?;
    let actor_type = actor_type.unwrap_or("user");
    if !matches!(actor_type, "user" | "api_key") {
        return Err(Mistake::invalid("actor_type", "user, api_key"));
    }
    Ok((actor_type, identifier(actor_id, "actor_id")?))
}

/// The owner that a connection named by an argument must have: an actor of a tenant.
pub struct Owner<'a> {
    /// user or api_key
    pub actor_type: &'a str,
    /// The actor's id, as the application knows it.
    pub actor_id: &'a str,
    /// In which that id is one's.
    pub tenant_id: String,
}

impl<'a> Owner<'a> {
    /// The owner that the arguments name; None: any owner. Half an owner is a mistake of the program and does not mean
    /// any owner.
    pub fn check(
        snapshot: &Snapshot,
        actor_id: Option<&'a str>,
        actor_type: Option<&'a str>,
        tenant_id: Option<&'a str>,
    ) -> Result<Option<Self>, Mistake> {
        if actor_id.is_none() && actor_type.is_none() && tenant_id.is_none() {
            return Ok(None);
        }
        let (actor_type, actor_id) = check_actor(actor_type.or(Some("user")), actor_id)?;
        Ok(Some(Self { actor_type, actor_id, tenant_id: tenant::resolve(snapshot, tenant_id)? }))
    }
}

/// Whether a text can be the name of a provider.
pub fn is_provider(provider: &str) -> bool {
    let head = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    (1..=63).contains(&provider.len())
        && provider.bytes().take(1).all(head)
        && provider.bytes().all(|byte| head(byte) || b"._-".contains(&byte))
}

fn identifier<'a>(text: &'a str, argument: &'static str) -> Result<&'a str, Mistake> {
    if (1..=MAX_ID).contains(&text.len()) && !text.chars().any(char::is_control) {
        return Ok(text);
    }
    Err(Mistake::invalid(argument, "1 to 255 bytes, no control characters"))
}

/// The members of a provider's token response (RFC 6749 section 5.1) that can be stored.
#[derive(Clone, Copy)]
pub struct Tokens<'a> {
    /// The access token.
    pub access_token: &'a str,
    /// None: the present one stays (RFC 6749 section 6).
    pub refresh_token: Option<&'a str>,
    /// None: as before.
    pub scope: Option<&'a str>,
    /// The end of the access token; None: it has none, or the end is unknown.
    pub expires_at: Option<Timestamp>,
    /// When the provider gave it.
    pub since: Timestamp,
}

impl<'a> Tokens<'a> {
    /// The arguments that say it.
    pub fn check(
        access_token: Option<&'a str>,
        refresh_token: Option<&'a str>,
        scope: Option<&'a str>,
        (expires_at, end_argument): (Option<Timestamp>, &'static str),
        since: Timestamp,
    ) -> Result<Self, Mistake> {
        let access_token = given(access_token, "access_token")?;
        for (token, argument) in [(Some(access_token), "access_token"), (refresh_token, "refresh_token")] {
            if token.is_some_and(|token| token.is_empty() || token.len() > MAX_TOKEN) {
                return Err(Mistake::invalid(argument, "1 to 65536 bytes"));
            }
        }
        if scope.is_some_and(|scope| scope.len() > MAX_SCOPE || scope.chars().any(char::is_control)) {
            return Err(Mistake::invalid("scope", "at most 4096 bytes, no control characters"));
        }
        if expires_at.is_some_and(|end| !end.is_finite()) {
            return Err(Mistake::invalid(end_argument, "a finite time, or NULL where it has no end"));
        }
        Ok(Self { access_token, refresh_token, scope, expires_at, since })
    }

    /// The life of the access token.
    pub fn life(&self) -> Life {
        Life { refreshed_at: self.since, access_token_expires_at: self.expires_at }
    }
}

/// What is known of the account at the provider.
#[derive(Clone, Default)]
pub struct Account<'a> {
    /// The account's id there.
    pub provider_account_id: Option<&'a str>,
    /// The team or organisation there.
    pub team_id: Option<&'a str>,
    /// The provider's own tenant.
    pub provider_tenant_id: Option<&'a str>,
    /// What the application keeps with it.
    pub metadata: Option<Jsonb>,
}

impl<'a> Account<'a> {
    /// The arguments that describe the account; NULL: nothing new.
    pub fn check(
        provider_account_id: Option<&'a str>,
        team_id: Option<&'a str>,
        provider_tenant_id: Option<&'a str>,
        metadata: Option<Jsonb>,
    ) -> Result<Self, Mistake> {
        for (text, argument) in [
            (provider_account_id, "provider_account_id"),
            (team_id, "team_id"),
            (provider_tenant_id, "provider_tenant_id"),
        ] {
            text.map(|text| identifier(text, argument)).transpose()?;
        }
        let metadata = metadata.map(|metadata| argument::document(Some(metadata), "metadata")).transpose()?;
        Ok(Self { provider_account_id, team_id, provider_tenant_id, metadata })
    }
}

#[cfg(test)]
mod tests {
    use super::{Tokens, check_actor, is_provider};
    use crate::kernel::value::clock::Timestamp;

    #[test]
    fn a_provider_is_a_short_plain_name() {
        for name in [
            "vercel",
            "netlify",
            "aws",
            "gcp",
            "azure",
            "cloudflare",
            "zapier",
            "github",
            "google",
            "microsoft",
            "0x",
            "a.b_c-d",
        ] {
            assert!(is_provider(name), "{name}");
        }
        for name in ["", "GitHub", "-a", ".a", "_a", "a b", "a/b", "é", "a\n", &"a".repeat(64)] {
            assert!(!is_provider(name), "{name:?}");
        }
    }

    #[test]
    fn an_actor_is_a_user_or_an_api_key() {
        assert!(check_actor(Some("user"), Some("1")).is_ok());
        assert!(check_actor(Some("api_key"), Some(&"é".repeat(127))).is_ok());
        for (kind, id) in
            [("team", "1"), ("", "1"), ("user", ""), ("user", "a\0"), ("user", &"a".repeat(256))]
        {
            assert!(check_actor(Some(kind), Some(id)).is_err(), "{kind} {id}");
        }
        assert!(check_actor(None, Some("1")).is_ok_and(|(kind, _)| kind == "user"));
        assert!(check_actor(Some("user"), None).is_err());
    }

    #[test]
    fn tokens_have_a_length() {
        let now = Timestamp::from_micros(0);
        let (long, longer) = ("a".repeat(65_536), "a".repeat(65_537));
        let check = |access, refresh| Tokens::check(access, refresh, None, (None, "expires_at"), now).is_ok();
        assert!(check(Some("a"), None) && check(Some(&long), Some("b")));
        assert!(!check(None, Some("b")) && !check(Some(""), None) && !check(Some("a"), Some("")));
        assert!(!check(Some(&longer), None));
    }
}
