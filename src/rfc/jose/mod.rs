//! Signed JSON: JWS in compact form (RFC 7515) with JSON claims in it (RFC 7519), and its keys (RFC 7517, RFC 7518,
//! RFC 8037). Pure: who may sign what, and until when, its users say.
//!
//! What decides over a signature is the key, never the token: a key signs by the algorithms of its kind alone, `none`
//! is no algorithm, and a secret of HS256 is never a public key (RFC 8725 section 3.1).

pub mod alg;
pub mod jwk;
pub mod jws;
pub mod private;
pub mod sign;

/// Why a text is no token that counts, or a document no key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Problem {
    /// It is no JWS in compact form with an object in each of the first two parts, or too long.
    Malformed,
    /// It asks for an extension: none is understood (RFC 7515 section 4.1.11, RFC 7797).
    Critical,
    /// Its `alg` is missing, `none`, or none of those that count here.
    Algorithm,
    /// No key fits its `kid` and `alg`.
    UnknownKey,
    /// No key that fits has made its signature.
    Signature,
    /// A key is malformed, or of a kind that is not supported.
    Key,
    /// A key comes with its private members.
    PrivateKey,
    /// A set has more keys than are looked at.
    TooManyKeys,
}

impl Problem {
    /// What is wrong, for the developer of a client.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "it is no signed JWT",
            Self::Critical => "crit names an extension that is not supported",
            Self::Algorithm => "alg is not supported",
            Self::UnknownKey => "no key fits kid and alg",
            Self::Signature => "the signature is wrong",
            Self::Key => "a key must be EC with P-256, OKP with Ed25519, or RSA of 2048 to 4096 bits",
            Self::PrivateKey => "a key must be without its private members",
            Self::TooManyKeys => "there must be at most 32 keys",
        }
    }
}
