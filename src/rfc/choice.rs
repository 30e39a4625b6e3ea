//! Choices that the metadata of clients, the settings of issuers and those of resource servers share.

use serde::{Deserialize, Serialize};

use crate::kernel::server::datum::Word;

/// Declares an enum of words.
macro_rules! choice {
    ($(#[$meta:meta])* $name:ident { $($(#[$word_meta:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$word_meta])* #[serde(rename = $word)] $variant,)+
        }

        impl $name {
            /// The words.
            pub const WORDS: &'static [&'static str] = &[$($word),+];

            /// The word.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }

        impl Word for $name {
            fn of(word: &str) -> Option<Self> {
                match word {
                    $($word => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }
    };
}

choice! {
    /// The form of an access token.
    TokenFormat {
        /// A random text, of which the store keeps a digest.
        Opaque = "opaque",
        /// A signed JWT (RFC 9068).
        Jwt = "jwt",
    }
}

choice! {
    /// Rules beyond those of OAuth 2.1.
    SecurityProfile {
        /// The FAPI 2.0 security profile.
        Fapi2 = "fapi2",
    }
}

choice! {
    /// What a client knows a user by (OpenID Connect Core section 8).
    SubjectType {
        /// The same for all clients.
        Public = "public",
        /// Another for each sector.
        Pairwise = "pairwise",
    }
}

/// Who may register a client (RFC 7591 section 3).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Registration {
    /// Nobody.
    Off,
    /// Who has an access token with the scope `client:register`.
    Token,
    /// Anybody, within the limits.
    Open,
}
