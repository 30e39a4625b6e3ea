//! The metadata of a client (RFC 7591 section 2) and the rules between its members.

pub mod jwks;
pub mod method;
pub mod owner;
pub mod protocol;

use std::ops::RangeInclusive;

use pgrx::prelude::*;

use crate::kernel::outcome::Mistake;
use crate::kernel::server::datum::Word;
use crate::kernel::server::row::row;
use crate::kernel::value::jsonb::Jsonb;
use crate::kernel::value::{argument, interval};
use crate::oauth::client::metadata::protocol::{MAX_URIS, Protocol};
use crate::rfc::choice::SubjectType;
use crate::rfc::{redirect_uri, resource, scope};

pub use method::{AuthMethod, ClientType};

/// The grant types that can be registered.
pub const GRANT_TYPES: [&str; 5] = [
    "authorization_code",
    "refresh_token",
    "client_credentials",
    "urn:ietf:params:oauth:grant-type:device_code",
    "urn:ietf:params:oauth:grant-type:token-exchange",
];

const ACCESS_TOKEN_TTL: RangeInclusive<i64> = 1..=86_400;
const REFRESH_TOKEN_TTL: RangeInclusive<i64> = 60..=3650 * 86_400;
const REFRESH_IDLE_TTL: RangeInclusive<i64> = 1..=3650 * 86_400;
const REFRESH_GRACE: RangeInclusive<i64> = 0..=300;

const ACCESS_TOKEN_TTL_ACCEPTED: &str = "1 second to 24 hours";
const REFRESH_TOKEN_TTL_ACCEPTED: &str = "1 minute to 3650 days";
const REFRESH_IDLE_TTL_ACCEPTED: &str = "1 second to refresh_token_ttl";
const REFRESH_GRACE_ACCEPTED: &str = "0 to 300 seconds";

const DEFAULT_ACCESS_TOKEN_TTL: i64 = 3600;
const DEFAULT_REFRESH_TOKEN_TTL: i64 = 90 * 86_400;
const DEFAULT_REFRESH_IDLE_TTL: i64 = 30 * 86_400;

row! {
    /// The members of a client that its owner chooses; times in seconds.
    #[derive(PartialEq)]
    pub struct ClientMetadata {
        pub client_type: ClientType,
        /// For people.
        pub name: String,
        /// How it authenticates.
        pub token_endpoint_auth_method: AuthMethod,
        /// Whether a code needs a challenge (RFC 7636).
        pub require_pkce: bool,
        /// Whether a refresh token is replaced at each use.
        pub refresh_rotation: bool,
        /// Life of an access token.
        pub access_token_ttl: i32,
        /// Absolute life of a refresh token family.
        pub refresh_token_ttl: i32,
        /// Life of an unused refresh token family.
        pub refresh_idle_ttl: i32,
        /// Grace of the previous refresh token; None: the setting's.
        pub refresh_grace: Option<i32>,
        /// Requests an hour that the application allows it.
        pub rate_limit_per_hour: Option<i32>,
        /// What it may be granted.
        pub scope: String,
        /// What it may use at the token endpoint.
        pub grant_types: Vec<String>,
        /// Where codes may be sent.
        pub redirect_uris: Vec<String>,
        /// Resource indicators it may name (RFC 8707); none: any.
        pub resources: Vec<String>,
        /// What the application keeps with it.
        pub metadata: Jsonb,
        /// What OpenID Connect, JWTs, bound tokens and log-outs brought.
        pub protocol: Protocol,
    }
}

/// The optional arguments of client_create().
#[derive(Default)]
#[allow(missing_docs)]
pub struct GivenClient<'a> {
    pub redirect_uris: Option<Vec<Option<String>>>,
    pub client_type: Option<&'a str>,
    pub grant_types: Option<Vec<Option<String>>>,
    pub scope: Option<&'a str>,
    pub token_endpoint_auth_method: Option<&'a str>,
    pub require_pkce: Option<bool>,
    pub access_token_ttl: Option<Interval>,
    pub refresh_token_ttl: Option<Interval>,
    pub refresh_idle_ttl: Option<Interval>,
    pub rate_limit_per_hour: Option<i32>,
    pub resources: Option<Vec<Option<String>>>,
    pub metadata: Option<Jsonb>,
    pub refresh_rotation: Option<bool>,
    pub refresh_grace: Option<Interval>,
    pub protocol: Protocol,
}

impl ClientMetadata {
    /// A new client from the given members and the defaults of the others; `schemes` as for [`Self::check`].
    pub fn new(name: &str, given: GivenClient<'_>, schemes: &[String]) -> Result<Self, Mistake> {
        let client_type = ClientType::of(given.client_type.unwrap_or("confidential"))
            .ok_or(Mistake::invalid("client_type", "confidential, public"))?;
        let confidential = client_type == ClientType::Confidential;
        let token_endpoint_auth_method = match given.token_endpoint_auth_method {
            None => AuthMethod::default_of(confidential),
            Some(name) => auth_method(name)?,
        };
        let redirect_uris = argument::list(given.redirect_uris, "redirect_uris")?.unwrap_or_default();
        let grant_types = match argument::list(given.grant_types, "grant_types")? {
            Some(types) => types,
            None => default_grant_types(confidential, &redirect_uris)?,
        };
        let refresh_token_ttl = refresh_token_ttl(given.refresh_token_ttl)?;
        let client = Self {
            name: name.to_owned(),
            client_type,
            token_endpoint_auth_method,
            redirect_uris,
            grant_types,
            scope: normal_scope(given.scope.unwrap_or_default())?,
            require_pkce: given.require_pkce.unwrap_or(true),
            refresh_rotation: given.refresh_rotation.unwrap_or(!given.protocol.is_fapi2()),
            access_token_ttl: access_token_ttl(given.access_token_ttl)?,
            refresh_token_ttl,
            refresh_idle_ttl: refresh_idle_ttl(given.refresh_idle_ttl, refresh_token_ttl)?,
            refresh_grace: given.refresh_grace.map(refresh_grace).transpose()?,
            rate_limit_per_hour: given.rate_limit_per_hour,
            resources: argument::list(given.resources, "resources")?.unwrap_or_default(),
            metadata: argument::document(given.metadata, "metadata")?,
            protocol: given.protocol,
        };
        client.check(schemes)?;
        Ok(client)
    }

    /// Whether it can keep a secret.
    pub fn is_confidential(&self) -> bool {
        self.client_type == ClientType::Confidential
    }

    /// Refuses metadata that break a rule; `schemes` are the schemes of redirect URIs that the tenant allows.
    pub fn check(&self, schemes: &[String]) -> Result<(), Mistake> {
        argument::line(&self.name, "name")?;
        self.check_redirect_uris(schemes)?;
        self.check_grant_types()?;
        match (self.is_confidential(), self.token_endpoint_auth_method) {
            (true, AuthMethod::None) => {
                return Err(Mistake::invalid(
                    "token_endpoint_auth_method",
                    "client_secret_basic, client_secret_post, private_key_jwt, client_secret_jwt, tls_client_auth or \
                     self_signed_tls_client_auth for a confidential client",
                ));
            }
            (false, method) if method != AuthMethod::None => {
                return Err(Mistake::invalid(
                    "token_endpoint_auth_method",
                    "none for a public client (RFC 6749 section 2.1)",
                ));
            }
            _ => {}
        }
        if !self.is_confidential() && !self.require_pkce {
            return Err(Mistake::invalid(
                "require_pkce",
                "true for a public client (RFC 9700 section 2.1.1)",
            ));
        }
        if !self.is_confidential() && !self.refresh_rotation {
            return Err(Mistake::invalid(
                "refresh_rotation",
                "true for a public client (RFC 9700 section 4.14.2)",
            ));
        }
        if self.refresh_idle_ttl > self.refresh_token_ttl {
            return Err(Mistake::invalid("refresh_idle_ttl", REFRESH_IDLE_TTL_ACCEPTED));
        }
        if self.rate_limit_per_hour.is_some_and(|limit| limit < 1) {
            return Err(Mistake::invalid("rate_limit_per_hour", "1 or more"));
        }
        if self.resources.len() > MAX_URIS || !self.resources.iter().all(|uri| resource::is_indicator(uri)) {
            return Err(Mistake::invalid(
                "resources",
                "at most 50 absolute URIs without a fragment (RFC 8707 section 2)",
            ));
        }
        self.protocol.check(self.token_endpoint_auth_method, schemes)?;
        let pairwise = self.protocol.subject_type == SubjectType::Pairwise;
        if pairwise
            && !self.redirect_uris.is_empty()
            && redirect_uri::host_of_all(&self.redirect_uris).is_none()
        {
            return Err(Mistake::invalid(
                "subject_type",
                "pairwise for a client whose redirect URIs have one host (OpenID Connect Core section 8.1)",
            ));
        }
        if self.protocol.is_fapi2() { self.check_fapi2() } else { Ok(()) }
    }

    /// The rules of the FAPI 2.0 security profile for clients (section 5.3.2).
    pub fn check_fapi2(&self) -> Result<(), Mistake> {
        let by_key = matches!(
            self.token_endpoint_auth_method,
            AuthMethod::PrivateKeyJwt | AuthMethod::TlsClientAuth | AuthMethod::SelfSignedTlsClientAuth
        );
        if !by_key {
            return Err(Mistake::invalid(
                "token_endpoint_auth_method",
                "private_key_jwt, tls_client_auth or self_signed_tls_client_auth for the profile fapi2",
            ));
        }
        if !self.protocol.dpop_bound && !self.protocol.certificate_bound {
            return Err(Mistake::invalid(
                "dpop_bound",
                "dpop_bound or certificate_bound for the profile fapi2",
            ));
        }
        if !self.require_pkce {
            return Err(Mistake::invalid("require_pkce", "true for the profile fapi2"));
        }
        if self.refresh_rotation {
            return Err(Mistake::invalid("refresh_rotation", "false for the profile fapi2"));
        }
        if !self.redirect_uris.iter().all(|uri| uri.starts_with("https://")) {
            return Err(Mistake::invalid("redirect_uris", "https alone for the profile fapi2"));
        }
        Ok(())
    }

    fn check_redirect_uris(&self, schemes: &[String]) -> Result<(), Mistake> {
        if self.redirect_uris.len() > MAX_URIS {
            return Err(Mistake::invalid("redirect_uris", "at most 50 redirect URIs"));
        }
        self.redirect_uris.iter().try_for_each(|uri| redirect_uri::check(uri, schemes))
    }

    fn check_grant_types(&self) -> Result<(), Mistake> {
        let has = |wanted: &str| self.grant_types.iter().any(|grant_type| grant_type == wanted);
        let known = self.grant_types.iter().all(|grant_type| GRANT_TYPES.contains(&grant_type.as_str()));
        let distinct = GRANT_TYPES.into_iter().filter(|grant_type| has(grant_type)).count();
        if !known || distinct == 0 || distinct != self.grant_types.len() {
            let accepted = format!("one or more, each once, of {}", GRANT_TYPES.join(", "));
            return Err(Mistake::InvalidArgument { argument: "grant_types", accepted: accepted.into() });
        }
        if has("client_credentials") && !self.is_confidential() {
            return Err(Mistake::invalid(
                "grant_types",
                "client_credentials for confidential clients only (RFC 6749 section 4.4)",
            ));
        }
        if has("urn:ietf:params:oauth:grant-type:token-exchange") && !self.is_confidential() {
            return Err(Mistake::invalid(
                "grant_types",
                "token-exchange for confidential clients only (RFC 8693 section 2.1)",
            ));
        }
        if has("authorization_code") && self.redirect_uris.is_empty() {
            return Err(Mistake::invalid(
                "redirect_uris",
                "at least one redirect URI where grant_types has authorization_code (RFC 6749 section 3.1.2.2)",
            ));
        }
        Ok(())
    }
}

/// The method of this name, or what is accepted.
pub fn auth_method(name: &str) -> Result<AuthMethod, Mistake> {
    AuthMethod::of(name).ok_or_else(|| {
        let accepted = AuthMethod::ALL.map(AuthMethod::as_str).join(", ");
        Mistake::InvalidArgument { argument: "token_endpoint_auth_method", accepted: accepted.into() }
    })
}

/// The grant types of a client that names none.
pub fn default_grant_types(confidential: bool, redirect_uris: &[String]) -> Result<Vec<String>, Mistake> {
    match (redirect_uris.is_empty(), confidential) {
        (false, _) => Ok(vec!["authorization_code".to_owned(), "refresh_token".to_owned()]),
        (true, true) => Ok(vec!["client_credentials".to_owned()]),
        (true, false) => Err(Mistake::invalid(
            "redirect_uris",
            "at least one redirect URI for a public client, or grant_types",
        )),
    }
}

/// The scope as it is stored.
pub fn normal_scope(text: &str) -> Result<String, Mistake> {
    scope::normalize(text).ok_or(Mistake::invalid(
        "scope",
        "space-separated scope tokens of RFC 6749 section 3.3, together at most 4096 bytes",
    ))
}

/// Seconds, NULL being the default.
pub fn access_token_ttl(value: Option<Interval>) -> Result<i32, Mistake> {
    let (argument, accepted) = ("access_token_ttl", ACCESS_TOKEN_TTL_ACCEPTED);
    seconds(value, DEFAULT_ACCESS_TOKEN_TTL, ACCESS_TOKEN_TTL, argument, accepted)
}

/// Seconds, NULL being the default.
pub fn refresh_token_ttl(value: Option<Interval>) -> Result<i32, Mistake> {
    let (argument, accepted) = ("refresh_token_ttl", REFRESH_TOKEN_TTL_ACCEPTED);
    seconds(value, DEFAULT_REFRESH_TOKEN_TTL, REFRESH_TOKEN_TTL, argument, accepted)
}

/// Seconds, NULL being the default, at most the absolute life.
pub fn refresh_idle_ttl(value: Option<Interval>, absolute: i32) -> Result<i32, Mistake> {
    let default = DEFAULT_REFRESH_IDLE_TTL.min(absolute.into());
    seconds(value, default, REFRESH_IDLE_TTL, "refresh_idle_ttl", REFRESH_IDLE_TTL_ACCEPTED)
}

/// Seconds.
pub fn refresh_grace(value: Interval) -> Result<i32, Mistake> {
    seconds(Some(value), 0, REFRESH_GRACE, "refresh_grace", REFRESH_GRACE_ACCEPTED)
}

fn seconds(
    value: Option<Interval>,
    default: i64,
    bounds: RangeInclusive<i64>,
    argument: &'static str,
    accepted: &'static str,
) -> Result<i32, Mistake> {
    interval::seconds(value, default, bounds, argument, accepted)
        .map(|seconds| i32::try_from(seconds).unwrap_or(i32::MAX))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{AuthMethod, ClientMetadata, GivenClient};
    use crate::kernel::outcome::Mistake;

    fn texts(texts: &[&str]) -> Option<Vec<Option<String>>> {
        Some(texts.iter().map(|text| Some((*text).to_owned())).collect())
    }

    fn refused(given: GivenClient<'_>) -> &'static str {
        match ClientMetadata::new("app", given, &[]) {
            Err(Mistake::InvalidArgument { argument, .. }) => argument,
            _ => "nothing",
        }
    }

    const CALLBACK: &[&str] = &["https://app.example/cb"];

    #[test]
    fn a_confidential_client_with_redirect_uris_is_a_web_application() {
        let given = GivenClient { redirect_uris: texts(CALLBACK), ..GivenClient::default() };
        let client = ClientMetadata::new("app", given, &[]).unwrap();
        assert!(client.is_confidential() && client.require_pkce && client.refresh_rotation);
        assert!(client.token_endpoint_auth_method == AuthMethod::ClientSecretBasic);
        assert_eq!(client.grant_types, ["authorization_code", "refresh_token"]);
        assert_eq!(client.access_token_ttl, 3600);
        assert_eq!(client.refresh_token_ttl, 90 * 86_400);
        assert_eq!(client.refresh_idle_ttl, 30 * 86_400);
    }

    #[test]
    fn a_confidential_client_without_redirect_uris_is_a_service() {
        let client = ClientMetadata::new("app", GivenClient::default(), &[]).unwrap();
        assert_eq!(client.grant_types, ["client_credentials"]);
    }

    /// RFC 6749 sections 2.1 and 4.4, RFC 9700 sections 2.1.1 and 4.14.2.
    #[test]
    fn a_public_client_has_no_secret_and_needs_pkce_and_rotation() {
        let public = || GivenClient {
            client_type: Some("public"),
            redirect_uris: texts(CALLBACK),
            ..GivenClient::default()
        };
        assert!(
            ClientMetadata::new("app", public(), &[]).unwrap().token_endpoint_auth_method == AuthMethod::None
        );
        assert_eq!(refused(GivenClient { require_pkce: Some(false), ..public() }), "require_pkce");
        assert_eq!(refused(GivenClient { refresh_rotation: Some(false), ..public() }), "refresh_rotation");
        let basic = Some("client_secret_basic");
        assert_eq!(
            refused(GivenClient { token_endpoint_auth_method: basic, ..public() }),
            "token_endpoint_auth_method"
        );
        assert_eq!(
            refused(GivenClient { grant_types: texts(&["client_credentials"]), ..public() }),
            "grant_types"
        );
        assert_eq!(refused(GivenClient { redirect_uris: None, ..public() }), "redirect_uris");
    }

    #[test]
    fn members_that_do_not_fit_are_refused_by_name() {
        let none = Some("none");
        assert_eq!(
            refused(GivenClient { token_endpoint_auth_method: none, ..GivenClient::default() }),
            "token_endpoint_auth_method"
        );
        assert_eq!(
            refused(GivenClient { token_endpoint_auth_method: Some("x"), ..GivenClient::default() }),
            "token_endpoint_auth_method"
        );
        assert_eq!(
            refused(GivenClient { client_type: Some("Public"), ..GivenClient::default() }),
            "client_type"
        );
        assert_eq!(
            refused(GivenClient { grant_types: texts(&["password"]), ..GivenClient::default() }),
            "grant_types"
        );
        assert_eq!(refused(GivenClient { grant_types: texts(&[]), ..GivenClient::default() }), "grant_types");
        assert_eq!(
            refused(GivenClient { grant_types: texts(&["authorization_code"]), ..GivenClient::default() }),
            "redirect_uris"
        );
        assert_eq!(
            refused(GivenClient { redirect_uris: Some(vec![None]), ..GivenClient::default() }),
            "redirect_uris"
        );
        assert_eq!(refused(GivenClient { scope: Some("a\"b"), ..GivenClient::default() }), "scope");
        assert_eq!(
            refused(GivenClient { rate_limit_per_hour: Some(0), ..GivenClient::default() }),
            "rate_limit_per_hour"
        );
        assert_eq!(
            refused(GivenClient { resources: texts(&["relative"]), ..GivenClient::default() }),
            "resources"
        );
        assert_eq!(
            refused(GivenClient {
                redirect_uris: texts(&["https://a.example/"; 51]),
                ..GivenClient::default()
            }),
            "redirect_uris"
        );
    }
}
