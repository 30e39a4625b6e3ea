//! How an issuer answers: the members of the argument `settings` of provider_set(), with their defaults and bounds.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::kernel::outcome::Mistake;
use crate::kernel::value::{argument, interval, member};
use crate::oauth::issuer::url;
use crate::rfc::choice::{Registration, SecurityProfile, TokenFormat};
use crate::rfc::jose::alg::Alg;
use crate::rfc::{redirect_uri, scope};

/// Where the endpoints are, below the issuer.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs)]
pub struct Paths {
    pub authorization: String,
    pub token: String,
    pub introspection: String,
    pub revocation: String,
    pub pushed_authorization_request: String,
    pub device_authorization: String,
    pub userinfo: String,
    pub registration: String,
    pub jwks: String,
    pub end_session: String,
    pub device_verification: String,
}

impl Default for Paths {
    fn default() -> Self {
        let path = str::to_owned;
        Self {
            authorization: path("/authorize"),
            token: path("/token"),
            introspection: path("/introspect"),
            revocation: path("/revoke"),
            pushed_authorization_request: path("/par"),
            device_authorization: path("/device_authorization"),
            userinfo: path("/userinfo"),
            registration: path("/register"),
            jwks: path("/jwks"),
            end_session: path("/logout"),
            device_verification: path("/device"),
        }
    }
}

/// The settings of an issuer; times in seconds.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Where the endpoints are.
    pub paths: Paths,
    /// The application's own pages; None: the front's.
    pub login_url: Option<String>,
    /// Where an account is made; None: on the page of the log-in, if that is the application's.
    pub create_url: Option<String>,
    /// Where the user is asked for consent.
    pub consent_url: Option<String>,
    /// Where a user code is entered; None: the path `device_verification` below the issuer.
    pub device_url: Option<String>,
    /// Where a log-out is confirmed.
    pub logout_url: Option<String>,
    /// Where an error is shown that must not go to the client.
    pub error_url: Option<String>,
    /// What developers read (RFC 8414 section 2).
    pub service_documentation: Option<String>,
    /// How data are used.
    pub op_policy_uri: Option<String>,
    /// The terms of service.
    pub op_tos_uri: Option<String>,
    /// What signs where nothing else is said; None: the first of ES256, EdDSA and RS256 that the tenant has a key for.
    pub default_alg: Option<String>,
    /// What access tokens are where neither the resource nor the client says it.
    pub access_token_format: TokenFormat,
    /// How long a JWT access token lives at most: it cannot be taken back offline.
    pub access_token_ttl: i32,
    /// How long an ID token lives.
    pub id_token_ttl: i32,
    /// The scope tokens that the metadata name.
    pub scope: String,
    /// The scope of a client that registers without one.
    pub default_scope: String,
    /// How many authorization requests an hour from one network may begin to wait for their user.
    pub authorization_max_per_network: i32,
    /// Who may register a client.
    pub registration: Registration,
    /// How many registered clients the tenant has at most.
    pub registration_max_clients: i32,
    /// How many registrations an hour the tenant takes.
    pub registration_max_per_hour: i32,
    /// The same from one network.
    pub registration_max_per_network: i32,
    /// After how long a registration that was never used ends.
    pub registration_unused_ttl: i32,
    /// Whether a client that names no grant types gets refresh tokens.
    pub registration_refresh: bool,
    /// The schemes of redirect URIs that registrations may have beside https and http of the loopback; None: any that
    /// client_create() takes.
    pub registration_schemes: Option<Vec<String>>,
    /// Whether a client id may be the URL of a metadata document.
    pub metadata_documents: bool,
    /// The stricter rules; None: OAuth 2.1's.
    pub profile: Option<SecurityProfile>,
    /// Whether authorization requests are pushed (RFC 9126).
    pub require_par: bool,
    /// Whether a DPoP proof needs a nonce of the store (RFC 9449 section 8).
    pub dpop_nonce: bool,
    /// Whether request objects are taken (RFC 9101).
    pub request_objects: bool,
    /// Whether a client may authenticate by client_secret_jwt, for which its secret is kept sealed.
    pub client_secret_jwt: bool,
    /// The base of the endpoints at which a client shows its certificate (RFC 8705 section 5); None: no mutual TLS.
    pub mtls_url: Option<String>,
    /// The authentication contexts that the metadata name.
    pub acr_values: Vec<String>,
    /// The languages that the metadata name.
    pub ui_locales: Vec<String>,
    /// The types of authorization details (RFC 9396); others are refused.
    pub authorization_details_types: Vec<String>,
    /// More members of the metadata documents.
    pub metadata: Map<String, Value>,
}

const DAY: i32 = 86_400;

impl Default for Settings {
    fn default() -> Self {
        Self {
            paths: Paths::default(),
            login_url: None,
            create_url: None,
            consent_url: None,
            device_url: None,
            logout_url: None,
            error_url: None,
            service_documentation: None,
            op_policy_uri: None,
            op_tos_uri: None,
            default_alg: None,
            access_token_format: TokenFormat::Opaque,
            access_token_ttl: 600,
            id_token_ttl: 3600,
            scope: "openid profile email phone offline_access".to_owned(),
            default_scope: String::new(),
            authorization_max_per_network: 3600,
            registration: Registration::Off,
            registration_max_clients: 10_000,
            registration_max_per_hour: 1000,
            registration_max_per_network: 20,
            registration_unused_ttl: 7 * DAY,
            registration_refresh: false,
            registration_schemes: None,
            metadata_documents: false,
            profile: None,
            require_par: false,
            dpop_nonce: false,
            request_objects: true,
            client_secret_jwt: false,
            mtls_url: None,
            acr_values: Vec::new(),
            ui_locales: Vec::new(),
            authorization_details_types: Vec::new(),
            metadata: Map::new(),
        }
    }
}

/// What a member is.
enum Rule {
    Paths,
    Url,
    Word(&'static [&'static str]),
    Seconds(RangeInclusive<i64>),
    Number(RangeInclusive<i64>),
    Switch,
    Scope,
    Schemes,
    Texts,
    Metadata,
}

/// The algorithms that sign: what `default_alg` and a resource's `alg` are.
pub const ALGS: [&str; 3] = ["ES256", "EdDSA", "RS256"];

/// The members.
static MEMBERS: [(&str, Rule); 35] = [
    ("paths", Rule::Paths),
    ("login_url", Rule::Url),
    ("create_url", Rule::Url),
    ("consent_url", Rule::Url),
    ("device_url", Rule::Url),
    ("logout_url", Rule::Url),
    ("error_url", Rule::Url),
    ("service_documentation", Rule::Url),
    ("op_policy_uri", Rule::Url),
    ("op_tos_uri", Rule::Url),
    ("default_alg", Rule::Word(&ALGS)),
    ("access_token_format", Rule::Word(TokenFormat::WORDS)),
    ("access_token_ttl", Rule::Seconds(30..=86_400)),
    ("id_token_ttl", Rule::Seconds(30..=86_400)),
    ("scope", Rule::Scope),
    ("default_scope", Rule::Scope),
    ("authorization_max_per_network", Rule::Number(1..=1_000_000)),
    ("registration", Rule::Word(&["off", "token", "open"])),
    ("registration_max_clients", Rule::Number(0..=1_000_000)),
    ("registration_max_per_hour", Rule::Number(1..=1_000_000)),
    ("registration_max_per_network", Rule::Number(1..=1_000_000)),
    ("registration_unused_ttl", Rule::Seconds(3600..=365 * 86_400)),
    ("registration_refresh", Rule::Switch),
    ("registration_schemes", Rule::Schemes),
    ("metadata_documents", Rule::Switch),
    ("profile", Rule::Word(SecurityProfile::WORDS)),
    ("require_par", Rule::Switch),
    ("dpop_nonce", Rule::Switch),
    ("request_objects", Rule::Switch),
    ("client_secret_jwt", Rule::Switch),
    ("mtls_url", Rule::Url),
    ("acr_values", Rule::Texts),
    ("ui_locales", Rule::Texts),
    ("authorization_details_types", Rule::Texts),
    ("metadata", Rule::Metadata),
];

/// The stored settings with these changes; null puts back the default.
pub fn changed(
    mut stored: Map<String, Value>,
    changes: Map<String, Value>,
) -> Result<Map<String, Value>, Mistake> {
    for (name, value) in changes {
        let Some((name, rule)) = MEMBERS.iter().find(|(known, _)| *known == name) else {
            return Err(refuse());
        };
        if value.is_null() {
            stored.remove(*name);
        } else {
            stored.insert((*name).to_owned(), rule.read(name, &value)?);
        }
    }
    Ok(stored)
}

/// What `settings` must be.
pub fn refuse() -> Mistake {
    let names: Vec<_> = MEMBERS.iter().map(|(name, _)| *name).collect();
    let accepted = format!("an object with the keys {}", names.join(", "));
    Mistake::InvalidArgument { argument: "settings", accepted: accepted.into() }
}

impl Settings {
    /// What these stored members and the defaults of the others make.
    pub fn of(stored: Map<String, Value>) -> Result<Self, Mistake> {
        serde_json::from_value(Value::Object(stored)).map_err(|_| {
            Mistake::TypeDiffers("issuers.settings has a member that provider_set() would refuse".into())
        })
    }

    /// All members, the defaults among them.
    pub fn shown(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    /// What signs where nothing else is said; None: any algorithm that the tenant has a key for.
    pub fn default_alg(&self) -> Option<Alg> {
        self.default_alg.as_deref().and_then(Alg::parse)
    }

    /// The application's page where an account is made (`prompt=create`); None: the front's, which makes none.
    pub fn create_page(&self) -> Option<&str> {
        self.create_url.as_deref().or(self.login_url.as_deref())
    }

    /// Whether the rules of FAPI 2.0 hold for every client.
    pub fn is_fapi2(&self) -> bool {
        self.profile == Some(SecurityProfile::Fapi2)
    }
}

impl Rule {
    /// A value as the table has it.
    fn read(&self, name: &'static str, value: &Value) -> Result<Value, Mistake> {
        match self {
            Self::Paths => paths(value),
            Self::Url => match member::text(value, name)? {
                Some(text) if url::is_web(text) => Ok(value.clone()),
                _ => Err(Mistake::invalid(name, url::ACCEPTED)),
            },
            Self::Word(words) if value.as_str().is_some_and(|word| words.contains(&word)) => {
                Ok(value.clone())
            }
            Self::Word(words) => Err(Mistake::one_of(name, words)),
            Self::Seconds(bounds) => {
                let accepted = || bounded(name, bounds, "seconds, as a number or the text of an interval");
                let duration = member::duration(value, name).map_err(|_| accepted())?;
                let seconds = interval::seconds(duration, 0, bounds.clone(), name, "");
                Ok(seconds.map_err(|_| accepted())?.into())
            }
            Self::Number(bounds) => match value.as_i64() {
                Some(number) if bounds.contains(&number) => Ok(number.into()),
                _ => Err(bounded(name, bounds, "")),
            },
            Self::Switch if value.is_boolean() => Ok(value.clone()),
            Self::Switch => Err(Mistake::invalid(name, "a JSON boolean")),
            Self::Scope => {
                let scope = member::text(value, name)?.and_then(scope::normalize);
                scope.map(Value::from).ok_or(Mistake::invalid(
                    name,
                    "space-separated scope tokens of RFC 6749 section 3.3, together at most 4096 bytes",
                ))
            }
            Self::Schemes => {
                let schemes = member::texts(value, name)?.unwrap_or_default();
                match redirect_uri::check_schemes(&schemes) {
                    Err(Mistake::InvalidArgument { accepted, .. }) => {
                        Err(Mistake::InvalidArgument { argument: name, accepted })
                    }
                    checked => checked.map(|()| value.clone()),
                }
            }
            Self::Texts => {
                let texts = member::texts(value, name)?.unwrap_or_default();
                argument::texts(Some(texts.into_iter().map(Some).collect()), name)?;
                Ok(value.clone())
            }
            Self::Metadata => match value {
                Value::Object(_) if value.to_string().len() <= argument::MAX_DOCUMENT => Ok(value.clone()),
                _ => Err(Mistake::invalid(name, "a JSON object of at most 64 kB")),
            },
        }
    }
}

fn bounded(argument: &'static str, bounds: &RangeInclusive<i64>, unit: &str) -> Mistake {
    let accepted = format!("{} to {} {unit}", bounds.start(), bounds.end());
    Mistake::InvalidArgument { argument, accepted: accepted.trim_end().to_owned().into() }
}

/// Paths that differ, in an object with the names of the endpoints.
fn paths(value: &Value) -> Result<Value, Mistake> {
    let refuse = || {
        let known = serde_json::to_value(Paths::default()).unwrap_or_default();
        let names: Vec<_> = known.as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
        let accepted = format!(
            "an object with the keys {}, and as values paths that differ, as in /oauth/token, of at most 128 letters, \
             digits and ./_~-",
            names.join(", ")
        );
        Mistake::InvalidArgument { argument: "paths", accepted: accepted.into() }
    };
    let known = serde_json::to_value(Paths::default()).unwrap_or_default();
    let (Some(given), Some(known)) = (value.as_object(), known.as_object()) else { return Err(refuse()) };
    let mut all = known.clone();
    for (name, path) in given {
        if !known.contains_key(name) || !path.as_str().is_some_and(url::is_path) {
            return Err(refuse());
        }
        all.insert(name.clone(), path.clone());
    }
    let mut distinct: Vec<_> = all.values().filter_map(Value::as_str).collect();
    distinct.sort_unstable();
    distinct.dedup();
    if distinct.len() == all.len() { Ok(value.clone()) } else { Err(refuse()) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::BTreeSet;

    use super::{MEMBERS, Settings, paths};
    use serde_json::json;

    #[test]
    fn every_member_has_a_rule() {
        let shown = Settings::default().shown();
        let members: BTreeSet<_> = shown.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(members, MEMBERS.iter().map(|(name, _)| *name).collect());
    }

    #[test]
    fn what_is_stored_is_read_back() {
        let stored = json!({
            "paths": {"token": "/oauth/token"}, "registration": "open", "access_token_format": "jwt",
            "access_token_ttl": 300, "profile": "fapi2", "registration_schemes": ["vscode"], "of_a_later_version": 1,
        });
        let settings = Settings::of(stored.as_object().unwrap().clone()).unwrap();
        assert_eq!((settings.paths.token.as_str(), settings.paths.jwks.as_str()), ("/oauth/token", "/jwks"));
        assert_eq!((settings.access_token_ttl, settings.id_token_ttl), (300, 3600));
        assert!(settings.is_fapi2());
        assert!(Settings::of(json!({"profile": "fapi1"}).as_object().unwrap().clone()).is_err());
    }

    #[test]
    fn paths_are_known_plain_and_distinct() {
        assert!(paths(&json!({"token": "/oauth/token", "jwks": "/keys"})).is_ok());
        for refused in [
            json!("/token"),
            json!({"tokens": "/x"}),
            json!({"token": "x"}),
            json!({"token": 7}),
            json!({"token": "/jwks"}),
            json!({"token": "/a/../b"}),
        ] {
            assert!(paths(&refused).is_err(), "{refused}");
        }
    }
}
