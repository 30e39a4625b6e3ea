//! Client metadata as they are registered (RFC 7591 section 2, OpenID Connect Dynamic Client Registration section 2),
//! and what a tenant makes of them. A member that the store does not know is dropped, as is a grant type; what it knows
//! and cannot take is refused, and what is missing has the RFC's default.

use ::url::Url;
use serde_json::{Map, Value};

use crate::kernel::outcome::{Answer, Mistake, Refusal};
use crate::kernel::server::datum::Word;
use crate::kernel::value::argument;
use crate::kernel::value::jsonb::Jsonb;
use crate::oauth::client::metadata::protocol::{Protocol, SUBJECTS};
use crate::oauth::client::metadata::{AuthMethod, ClientMetadata, GRANT_TYPES, GivenClient};
use crate::oauth::client::registered::members::{Members, not};
use crate::oauth::issuer::settings::Settings;
use crate::oauth::issuer::url::is_web;
use crate::rfc::choice::{SecurityProfile, SubjectType};
use crate::rfc::{redirect_uri, scope};

/// What a tenant takes of whoever registers a client.
pub struct Terms<'a> {
    pub settings: &'a Settings,
    /// The private-use schemes that the tenant allows.
    pub schemes: &'a [String],
    /// Whether somebody answers for the client: a developer who has logged in, or who has an initial access token. Only
    /// then may it get tokens for itself.
    pub trusted: bool,
}

/// What people read of a client; the store keeps it as it is.
pub const SHOWN: [&str; 8] = [
    "client_uri",
    "logo_uri",
    "tos_uri",
    "policy_uri",
    "contacts",
    "software_id",
    "software_version",
    "application_type",
];

const MAX_CONTACTS: usize = 10;
const MAX_TEXT: usize = 256;

impl Terms<'_> {
    /// The client of this document.
    pub fn read(&self, document: &Members) -> Answer<ClientMetadata> {
        let asked = match self.asked(document) {
            Ok(asked) => asked,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let all = |texts: Vec<String>| Some(texts.into_iter().map(Some).collect());
        let given = GivenClient {
            redirect_uris: all(asked.redirect_uris),
            client_type: Some(if asked.method == AuthMethod::None { "public" } else { "confidential" }),
            grant_types: all(asked.grant_types),
            scope: Some(&asked.scope),
            token_endpoint_auth_method: Some(asked.method.as_str()),
            metadata: Jsonb::of(&Value::Object(asked.shown)),
            protocol: asked.protocol,
            ..GivenClient::default()
        };
        let client = ClientMetadata::new(&asked.name, given, &self.all_schemes());
        refused(client.and_then(|client| client.protocol.check_jwks().map(|()| client)))
    }

    /// The schemes that redirect URIs may have beside https, those of the loopback, and those with a dot.
    pub fn all_schemes(&self) -> Vec<String> {
        let more = self.settings.registration_schemes.as_deref().unwrap_or_default();
        self.schemes.iter().chain(more).cloned().collect()
    }

    fn asked(&self, document: &Members) -> Result<Asked, Refusal> {
        if document.value("sector_identifier_uri").is_some() {
            return Err(not("sector_identifier_uri", "absent: the host of the redirect URIs is the sector"));
        }
        let redirect_uris = self.redirect_uris(document)?;
        let method = self.method(document)?;
        let grant_types = self.grant_types(document)?;
        let types = document.texts("response_types")?;
        let by_code = grant_types.iter().any(|name| name == "authorization_code");
        if by_code && types.is_some_and(|types| !types.iter().any(|name| name == "code")) {
            return Err(not("response_types", "code"));
        }
        let name = match document.text("client_name")? {
            Some(name) => name.to_owned(),
            None => name_of(&redirect_uris),
        };
        let scope = self.scope(document)?;
        let protocol = self.protocol(document, method)?;
        Ok(Asked { name, redirect_uris, method, grant_types, scope, shown: shown(document)?, protocol })
    }

    fn redirect_uris(&self, document: &Members) -> Result<Vec<String>, Refusal> {
        let uris = document.texts("redirect_uris")?.unwrap_or_default();
        let Some(schemes) = &self.settings.registration_schemes else { return Ok(uris) };
        let allowed = |uri: &String| {
            redirect_uri::scheme(uri).is_some_and(|scheme| {
                matches!(scheme, "https" | "http") || schemes.iter().any(|one| one == scheme)
            })
        };
        if uris.iter().all(allowed) {
            Ok(uris)
        } else {
            Err(not("redirect_uris", "of a scheme that is allowed here"))
        }
    }

    fn method(&self, document: &Members) -> Result<AuthMethod, Refusal> {
        const NAME: &str = "token_endpoint_auth_method";
        let fapi2 = self.settings.is_fapi2();
        let default = if fapi2 { AuthMethod::PrivateKeyJwt } else { AuthMethod::ClientSecretBasic };
        let method = match document.text(NAME)? {
            None => default,
            Some(name) => {
                AuthMethod::of(name).ok_or_else(|| not(NAME, "a method of the provider's metadata"))?
            }
        };
        let by_key = matches!(method, AuthMethod::PrivateKeyJwt | AuthMethod::SelfSignedTlsClientAuth);
        if by_key && document.value("jwks").is_none() && document.value("jwks_uri").is_none() {
            return Err(not(NAME, "of another kind where there is neither jwks nor jwks_uri"));
        }
        if method == AuthMethod::TlsClientAuth && !SUBJECTS.iter().any(|name| document.value(name).is_some())
        {
            return Err(not(NAME, "of another kind where no member says whom the certificate names"));
        }
        if method == AuthMethod::ClientSecretJwt && !self.settings.client_secret_jwt {
            return Err(not(NAME, "a method of the provider's metadata"));
        }
        Ok(method)
    }

    /// Without the member, RFC 7591 section 2 has the code alone. An MCP client that wants to stay logged in says so by
    /// its scope.
    fn grant_types(&self, document: &Members) -> Result<Vec<String>, Refusal> {
        const NAME: &str = "grant_types";
        let Some(named) = document.texts(NAME)? else {
            let wanted = document
                .text("scope")?
                .is_some_and(|scope| scope.split(' ').any(|one| one == "offline_access"));
            let mut types = vec!["authorization_code".to_owned()];
            if wanted || self.settings.registration_refresh {
                types.push("refresh_token".to_owned());
            }
            return Ok(types);
        };
        let types: Vec<String> = GRANT_TYPES
            .into_iter()
            .filter(|known| named.iter().any(|name| name == known))
            .map(str::to_owned)
            .collect();
        let for_itself = |name: &String| {
            matches!(name.as_str(), "client_credentials" | "urn:ietf:params:oauth:grant-type:token-exchange")
        };
        if !self.trusted && types.iter().any(for_itself) {
            return Err(not(NAME, "of users alone without an initial access token"));
        }
        if types.is_empty() { Err(not(NAME, "grant types of the provider's metadata")) } else { Ok(types) }
    }

    /// Of what is asked for the part that the tenant gives to clients; without the member its default.
    fn scope(&self, document: &Members) -> Result<String, Refusal> {
        let Settings { scope: offered, default_scope, .. } = self.settings;
        let Some(wanted) = document.text("scope")? else {
            return Ok(if default_scope.is_empty() { offered } else { default_scope }.clone());
        };
        let wanted =
            scope::normalize(wanted).ok_or_else(|| not("scope", "scope tokens of RFC 6749 section 3.3"))?;
        let left = scope::common(&wanted, &format!("{offered} {default_scope}"));
        if left.is_empty() && !wanted.is_empty() {
            Err(not("scope", "of the provider's metadata"))
        } else {
            Ok(left)
        }
    }

    fn protocol(&self, document: &Members, method: AuthMethod) -> Result<Protocol, Refusal> {
        let owned = |name| Ok::<_, Refusal>(document.text(name)?.map(str::to_owned));
        let subject_type = match document.text("subject_type")? {
            None => SubjectType::Public,
            Some(word) => SubjectType::of(word).ok_or_else(|| not("subject_type", "public or pairwise"))?,
        };
        let details = document.texts("authorization_details_types")?.unwrap_or_default();
        if !details.iter().all(|name| self.settings.authorization_details_types.contains(name)) {
            return Err(not("authorization_details_types", "types of the provider's metadata"));
        }
        let fapi2 = self.settings.is_fapi2();
        let certificate_bound = document.flag("tls_client_certificate_bound_access_tokens")?;
        Ok(Protocol {
            jwks: document.value("jwks").and_then(Jsonb::of),
            jwks_uri: owned("jwks_uri")?,
            profile: fapi2.then_some(SecurityProfile::Fapi2),
            require_par: document.flag("require_pushed_authorization_requests")?,
            dpop_bound: document.flag("dpop_bound_access_tokens")? || (fapi2 && !certificate_bound),
            certificate_bound,
            certificate_subject: certificate_subject(document, method)?,
            subject_type,
            id_token_signed_response_alg: owned("id_token_signed_response_alg")?,
            userinfo_signed_response_alg: owned("userinfo_signed_response_alg")?,
            default_max_age: document.seconds("default_max_age")?,
            authorization_details_types: details,
            post_logout_redirect_uris: document.texts("post_logout_redirect_uris")?.unwrap_or_default(),
            backchannel_logout_uri: owned("backchannel_logout_uri")?,
            backchannel_logout_session_required: document.flag("backchannel_logout_session_required")?,
            ..Protocol::default()
        })
    }
}

/// What a document asks for, with what the tenant makes of it.
struct Asked {
    name: String,
    redirect_uris: Vec<String>,
    method: AuthMethod,
    grant_types: Vec<String>,
    scope: String,
    shown: Map<String, Value>,
    protocol: Protocol,
}

/// A client without a name is called as the host that it redirects to.
fn name_of(redirect_uris: &[String]) -> String {
    let host = redirect_uris.first().and_then(|uri| Url::parse(uri).ok()?.host_str().map(str::to_owned));
    host.filter(|host| host.len() <= 200).unwrap_or_else(|| "Unnamed client".to_owned())
}

/// RFC 8705 section 2.1.2: one member says whom the certificate names.
fn certificate_subject(document: &Members, method: AuthMethod) -> Result<Option<Jsonb>, Refusal> {
    if method != AuthMethod::TlsClientAuth {
        return Ok(None);
    }
    let mut subject = Map::new();
    for name in SUBJECTS {
        if let Some(text) = document.text(name)? {
            subject.insert(name.to_owned(), text.into());
        }
    }
    Ok(Jsonb::of(&Value::Object(subject)))
}

fn shown(document: &Members) -> Result<Map<String, Value>, Refusal> {
    let mut shown = Map::new();
    for name in SHOWN {
        let value = match name {
            "contacts" => {
                let contacts = document.texts(name)?;
                if contacts
                    .as_ref()
                    .is_some_and(|all| all.len() > MAX_CONTACTS || !all.iter().all(|one| is_line(one)))
                {
                    return Err(not(name, "at most 10 lines of at most 256 bytes"));
                }
                contacts.map(Value::from)
            }
            _ => document.text(name)?.map(Value::from),
        };
        let Some(value) = value else { continue };
        let fits = match name {
            "contacts" => true,
            "application_type" => matches!(value.as_str(), Some("web" | "native")),
            name if name.ends_with("_uri") => value.as_str().is_some_and(is_web),
            _ => value.as_str().is_some_and(is_line),
        };
        if !fits {
            return Err(not(
                name,
                if name.ends_with("_uri") { "an https URL" } else { "a text of its kind" },
            ));
        }
        shown.insert(name.to_owned(), value);
    }
    Ok(shown)
}

fn is_line(text: &str) -> bool {
    text.len() <= MAX_TEXT && !text.chars().any(char::is_control)
}

/// The members that have another name where they are registered.
const NAMES: [(&str, &str); 4] = [
    ("name", "client_name"),
    ("require_par", "require_pushed_authorization_requests"),
    ("dpop_bound", "dpop_bound_access_tokens"),
    ("certificate_bound", "tls_client_certificate_bound_access_tokens"),
];

/// A mistake in an argument as the refusal of the member that it came from.
pub fn refused<T>(checked: Result<T, Mistake>) -> Answer<T> {
    match checked {
        Ok(value) => Ok(Ok(value)),
        Err(Mistake::InvalidArgument { argument, accepted }) => {
            let name = NAMES.into_iter().find(|(own, _)| *own == argument).map_or(argument, |(_, name)| name);
            Ok(Err(not(name, &accepted)))
        }
        Err(other) => Err(other),
    }
}

/// A client that registered anew, with what it does not register itself: what an administrator has set for the former
/// one stays.
pub fn with_kept(new: ClientMetadata, former: &ClientMetadata) -> Answer<ClientMetadata> {
    let shown = former.metadata.without_all(&SHOWN).and_then(|kept| kept.overlaid(&new.metadata));
    let metadata = match refused(argument::document(shown, "metadata"))? {
        Ok(metadata) => metadata,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let protocol = Protocol {
        owner_id: former.protocol.owner_id,
        access_token_format: former.protocol.access_token_format,
        profile: former.protocol.profile,
        ..new.protocol
    };
    let client = ClientMetadata {
        require_pkce: former.require_pkce,
        refresh_rotation: former.refresh_rotation,
        access_token_ttl: former.access_token_ttl,
        refresh_token_ttl: former.refresh_token_ttl,
        refresh_idle_ttl: former.refresh_idle_ttl,
        refresh_grace: former.refresh_grace,
        rate_limit_per_hour: former.rate_limit_per_hour,
        resources: former.resources.clone(),
        metadata,
        protocol,
        ..new
    };
    let checked = if client.protocol.is_fapi2() { client.check_fapi2() } else { Ok(()) };
    Ok(refused(checked)?.map(|()| client))
}
