//! The members of a client that OpenID Connect, JWTs, bound tokens and log-outs brought.

use crate::identity::tenant::salt;
use crate::kernel::outcome::Mistake;
use crate::kernel::server::datum::Word;
use crate::kernel::server::row::row;
use crate::kernel::server::spi::{Param, params};
use crate::kernel::value::id::Id;
use crate::kernel::value::jsonb::Jsonb;
use crate::oauth::client::metadata::jwks;
use crate::oauth::client::metadata::method::AuthMethod;
use crate::rfc::choice::{SecurityProfile, SubjectType, TokenFormat};
use crate::rfc::{client_id, redirect_uri};

row! {
    /// Members of a client that its owner chooses, as they are stored.
    #[derive(PartialEq)]
    pub struct Protocol {
        /// The user who manages it.
        pub owner_id: Option<Id>,
        /// Its public keys.
        pub jwks: Option<Jsonb>,
        /// Where it publishes them.
        pub jwks_uri: Option<String>,
        /// The form of its access tokens; None: the issuer's.
        pub access_token_format: Option<TokenFormat>,
        /// The rules that bind it; None: the issuer's.
        pub profile: Option<SecurityProfile>,
        /// Whether it must push its authorization requests.
        pub require_par: bool,
        /// Whether its tokens must be bound to a key.
        pub dpop_bound: bool,
        /// Whether its tokens are bound to its certificate.
        pub certificate_bound: bool,
        /// Whom its certificate must name.
        pub certificate_subject: Option<Jsonb>,
        /// What it knows users by.
        pub subject_type: SubjectType,
        /// The algorithm of its ID tokens; None: the issuer's.
        pub id_token_signed_response_alg: Option<String>,
        /// The algorithm of its userinfo answers; None: they are not signed.
        pub userinfo_signed_response_alg: Option<String>,
        /// Seconds since the log-in, at most; None: any number.
        pub default_max_age: Option<i32>,
        /// The types of authorization details that it may ask for.
        pub authorization_details_types: Vec<String>,
        /// Where a browser may be sent after a log-out.
        pub post_logout_redirect_uris: Vec<String>,
        /// Where logout tokens go.
        pub backchannel_logout_uri: Option<String>,
        /// Whether a logout token must name the session.
        pub backchannel_logout_session_required: bool,
    }
}

impl Default for Protocol {
    fn default() -> Self {
        Self {
            owner_id: None,
            jwks: None,
            jwks_uri: None,
            access_token_format: None,
            profile: None,
            require_par: false,
            dpop_bound: false,
            certificate_bound: false,
            certificate_subject: None,
            subject_type: SubjectType::Public,
            id_token_signed_response_alg: None,
            userinfo_signed_response_alg: None,
            default_max_age: None,
            authorization_details_types: Vec::new(),
            post_logout_redirect_uris: Vec::new(),
            backchannel_logout_uri: None,
            backchannel_logout_session_required: false,
        }
    }
}

/// The algorithms that the store signs with (RFC 7518 section 3.1, RFC 8037 section 3.1).
const SIGNED_WITH: [&str; 3] = ["ES256", "EdDSA", "RS256"];

/// The members of RFC 8705 section 2.1.2, of which a client has one.
pub const SUBJECTS: [&str; 5] = [
    "tls_client_auth_subject_dn",
    "tls_client_auth_san_dns",
    "tls_client_auth_san_uri",
    "tls_client_auth_san_ip",
    "tls_client_auth_san_email",
];

/// How many URIs of a kind a client may have.
pub const MAX_URIS: usize = 50;
const MAX_SUBJECT: usize = 1024;
const MAX_DETAILS_TYPES: usize = 50;
const MAX_DETAILS_TYPE: usize = 128;

impl Protocol {
    /// The values of the columns, in the order of the fields.
    pub fn columns(&self) -> [Param; 17] {
        params![
            self.owner_id,
            self.jwks.clone(),
            self.jwks_uri.as_deref(),
            self.access_token_format.map(TokenFormat::as_str),
            self.profile.map(SecurityProfile::as_str),
            self.require_par,
            self.dpop_bound,
            self.certificate_bound,
            self.certificate_subject.clone(),
            self.subject_type.as_str(),
            self.id_token_signed_response_alg.as_deref(),
            self.userinfo_signed_response_alg.as_deref(),
            self.default_max_age,
            self.authorization_details_types.clone(),
            self.post_logout_redirect_uris.clone(),
            self.backchannel_logout_uri.as_deref(),
            self.backchannel_logout_session_required,
        ]
    }

    /// Makes what the tenant of such a client needs. Call it before rows are locked.
    pub fn prepare(&self, tenant_id: &str) -> Result<(), Mistake> {
        if self.subject_type == SubjectType::Pairwise { salt::ensure(tenant_id) } else { Ok(()) }
    }

    /// Whether the rules of FAPI 2.0 bind it.
    pub fn is_fapi2(&self) -> bool {
        self.profile == Some(SecurityProfile::Fapi2)
    }

    /// Refuses members that break a rule of their own; `schemes` are the schemes of redirect URIs that the tenant
    /// allows.
    pub fn check(&self, method: AuthMethod, schemes: &[String]) -> Result<(), Mistake> {
        self.check_keys(method)?;
        self.check_log_out(schemes)?;
        for (argument, alg) in [
            ("id_token_signed_response_alg", &self.id_token_signed_response_alg),
            ("userinfo_signed_response_alg", &self.userinfo_signed_response_alg),
        ] {
            if alg.as_deref().is_some_and(|alg| !SIGNED_WITH.contains(&alg)) {
                return Err(Mistake::one_of(argument, &SIGNED_WITH));
            }
        }
        if self.default_max_age.is_some_and(|seconds| seconds < 0) {
            return Err(Mistake::invalid("default_max_age", "0 or more seconds"));
        }
        let types = &self.authorization_details_types;
        if types.len() > MAX_DETAILS_TYPES || !types.iter().all(|name| is_details_type(name)) {
            return Err(Mistake::invalid(
                "authorization_details_types",
                "at most 50 types of 1 to 128 printable ASCII characters",
            ));
        }
        Ok(())
    }

    /// Refuses a set that is not one of public keys: apart from [`Self::check`], because the server reads it.
    pub fn check_jwks(&self) -> Result<(), Mistake> {
        self.jwks.as_ref().map_or(Ok(()), jwks::check)
    }

    fn check_keys(&self, method: AuthMethod) -> Result<(), Mistake> {
        if self.jwks.is_some() && self.jwks_uri.is_some() {
            return Err(Mistake::invalid("jwks_uri", "either jwks or jwks_uri (RFC 7591 section 2)"));
        }
        if self.jwks_uri.as_deref().is_some_and(|uri| !client_id::is_url(uri)) {
            return Err(Mistake::invalid("jwks_uri", HTTPS_URL));
        }
        let Some(subject) = &self.certificate_subject else { return Ok(()) };
        let named = subject.members().is_some_and(|members| {
            members.len() == 1
                && members.iter().all(|(name, value)| {
                    let length = value.text().map_or(0, str::len);
                    SUBJECTS.contains(name) && (1..=MAX_SUBJECT).contains(&length)
                })
        });
        if !named || method != AuthMethod::TlsClientAuth {
            return Err(Mistake::invalid(
                "certificate_subject",
                "for tls_client_auth, a JSON object with one of tls_client_auth_subject_dn, tls_client_auth_san_dns, \
                 _uri, _ip and _email, a text of 1 to 1024 bytes (RFC 8705 section 2.1.2)",
            ));
        }
        Ok(())
    }

    fn check_log_out(&self, schemes: &[String]) -> Result<(), Mistake> {
        if self.post_logout_redirect_uris.len() > MAX_URIS {
            return Err(Mistake::invalid("post_logout_redirect_uris", "at most 50 URIs"));
        }
        for uri in &self.post_logout_redirect_uris {
            redirect_uri::check(uri, schemes)
                .map_err(|mistake| named(mistake, "post_logout_redirect_uris"))?;
        }
        if self.backchannel_logout_uri.as_deref().is_some_and(|uri| !client_id::is_url(uri)) {
            return Err(Mistake::invalid("backchannel_logout_uri", HTTPS_URL));
        }
        Ok(())
    }
}

const HTTPS_URL: &str = "an https URL of at most 2048 bytes without fragment, user name or password";

/// The same mistake in another argument.
fn named(mistake: Mistake, argument: &'static str) -> Mistake {
    match mistake {
        Mistake::InvalidArgument { accepted, .. } => Mistake::InvalidArgument { argument, accepted },
        other => other,
    }
}

fn is_details_type(name: &str) -> bool {
    (1..=MAX_DETAILS_TYPE).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The word of an argument; None for NULL.
fn word<T: Word>(word: Option<&str>, argument: &'static str, words: &[&str]) -> Result<Option<T>, Mistake> {
    word.map(|word| T::of(word).ok_or_else(|| Mistake::one_of(argument, words))).transpose()
}

/// The argument `access_token_format`; NULL is the issuer's.
pub fn token_format(format: Option<&str>) -> Result<Option<TokenFormat>, Mistake> {
    word(format, "access_token_format", TokenFormat::WORDS)
}

/// The argument `profile`; NULL is the issuer's.
pub fn profile(profile: Option<&str>) -> Result<Option<SecurityProfile>, Mistake> {
    word(profile, "profile", SecurityProfile::WORDS)
}

/// The argument `subject_type`; NULL is public.
pub fn subject_type(subject_type: Option<&str>) -> Result<SubjectType, Mistake> {
    Ok(word(subject_type, "subject_type", SubjectType::WORDS)?.unwrap_or(SubjectType::Public))
}
