//! The algorithms of signatures (RFC 7518 section 3, RFC 8037, RFC 9864).

use crate::kernel::server::datum::Word;

/// How a key signs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Alg {
    /// RFC 7518 section 3.4
    Es256,
    /// RFC 7518 section 3.4; in DPoP proofs alone
    Es384,
    /// By two names: `EdDSA` of RFC 8037, which stands for another curve as well and is therefore deprecated, and
    /// `Ed25519`, which RFC 9864 section 2.2 put in its place. Few libraries know the newer one.
    EdDsa,
    /// RFC 7518 section 3.3
    Rs256,
    /// RFC 7518 section 3.5; to verify alone
    Ps256,
}

impl Alg {
    /// Those by which clients may sign assertions and request objects, as metadata lists them.
    pub const VERIFIED: [&'static str; 5] = ["ES256", "EdDSA", "Ed25519", "RS256", "PS256"];

    /// Those by which the store signs, the preferred one first.
    pub const SIGNING: [Self; 3] = [Self::Es256, Self::EdDsa, Self::Rs256];

    /// The algorithm of this `alg` in a JWT; None for any other.
    pub fn parse(alg: &str) -> Option<Self> {
        Self::of_proof(alg).filter(|alg| *alg != Self::Es384)
    }

    /// The same in a DPoP proof.
    pub fn of_proof(alg: &str) -> Option<Self> {
        match alg {
            "ES256" => Some(Self::Es256),
            "ES384" => Some(Self::Es384),
            "PS256" => Some(Self::Ps256),
            "RS256" => Some(Self::Rs256),
            "Ed25519" | "EdDSA" => Some(Self::EdDsa),
            _ => None,
        }
    }

    /// As headers, keys and metadata have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::EdDsa => "EdDSA",
            Self::Rs256 => "RS256",
            Self::Ps256 => "PS256",
        }
    }
}

/// Of a column that says by what the store's own key signs.
impl Word for Alg {
    fn of(word: &str) -> Option<Self> {
        Self::parse(word)
    }
}

#[cfg(test)]
mod tests {
    use super::Alg;

    #[test]
    fn names_are_those_of_the_registry() {
        for name in Alg::VERIFIED {
            let alg = Alg::parse(name);
            assert!(alg.is_some_and(|alg| alg.as_str() == name || name == "Ed25519"), "{name}");
        }
        for name in ["none", "None", "NONE", "", "HS256", "ES384", "es256", "RS512", "Ed448", " ES256"] {
            assert_eq!(Alg::parse(name), None, "{name}");
        }
        assert_eq!(Alg::of_proof("ES384"), Some(Alg::Es384));
    }
}
