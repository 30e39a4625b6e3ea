//! How a client authenticates, and whether it can keep a secret at all.

use crate::kernel::server::datum::Word;

/// How a client authenticates at the token endpoint.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum AuthMethod {
    /// Not at all: a public client
    None,
    /// RFC 6749 section 2.3.1, in the header
    ClientSecretBasic,
    /// RFC 6749 section 2.3.1, in the body
    ClientSecretPost,
    /// OpenID Connect Core section 9: an assertion that the client signs with its key
    PrivateKeyJwt,
    /// OpenID Connect Core section 9: an assertion that the client signs with its secret, of which the vault keeps a
    /// sealed copy
    ClientSecretJwt,
    /// RFC 8705 section 2.1: a certificate of an authority
    TlsClientAuth,
    /// RFC 8705 section 2.2: a certificate with a key of the client's
    SelfSignedTlsClientAuth,
}

impl AuthMethod {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::None,
        Self::ClientSecretBasic,
        Self::ClientSecretPost,
        Self::PrivateKeyJwt,
        Self::ClientSecretJwt,
        Self::TlsClientAuth,
        Self::SelfSignedTlsClientAuth,
    ];

    /// The registered name (RFC 7591 section 4.2).
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::ClientSecretBasic => "client_secret_basic",
            Self::ClientSecretPost => "client_secret_post",
            Self::PrivateKeyJwt => "private_key_jwt",
            Self::ClientSecretJwt => "client_secret_jwt",
            Self::TlsClientAuth => "tls_client_auth",
            Self::SelfSignedTlsClientAuth => "self_signed_tls_client_auth",
        }
    }

    /// The method of a client that names none (RFC 7591 section 2).
    pub fn default_of(confidential: bool) -> Self {
        if confidential { Self::ClientSecretBasic } else { Self::None }
    }

    /// Whether a secret that is sent authenticates the client.
    pub fn uses_secret(self) -> bool {
        matches!(self, Self::ClientSecretBasic | Self::ClientSecretPost)
    }

    /// Whether the client has a secret.
    pub fn has_secret(self) -> bool {
        self.uses_secret() || self.is_sealed()
    }

    /// Whether the vault keeps a copy of the client's secret.
    pub fn is_sealed(self) -> bool {
        self == Self::ClientSecretJwt
    }
}

impl Word for AuthMethod {
    fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.as_str() == name)
    }
}

/// RFC 6749 section 2.1
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ClientType {
    /// It can keep a secret.
    Confidential,
    /// It can't.
    Public,
}

impl ClientType {
    /// The type as the column `client_type` has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Confidential => "confidential",
            Self::Public => "public",
        }
    }
}

impl Word for ClientType {
    fn of(name: &str) -> Option<Self> {
        [Self::Confidential, Self::Public].into_iter().find(|client_type| client_type.as_str() == name)
    }
}
