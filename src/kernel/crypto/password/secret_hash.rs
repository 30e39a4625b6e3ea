//! Hashes of client secrets that another store made, argon2id as a PHC string and bcrypt, stored as they came.

use ::argon2::{Algorithm, Version};

use super::hash::{Before, Function, Hash};
use super::import::{argon2, bcrypt};
use crate::kernel::outcome::Mistake;

const ACCEPTED: &str = "an argon2id hash in PHC form ($argon2id$v=19$m=…,t=…,p=…$salt$hash; m at most 262144, t and p \
                        at most 16, m times t at most 1048576), a bcrypt hash ($2a$, $2b$ or $2y$; cost 4 to 15), or \
                        SHA-256 of a random secret (64 hexadecimal digits, or base64 or base64url of 32 bytes)";

/// Refuses what cannot be verified in reasonable time.
pub fn check(hash: &str) -> Result<(), Mistake> {
    parsed(hash).map(|_| ()).ok_or(Mistake::invalid("secret_hash", ACCEPTED))
}

/// Whether the secret has this hash. Compares in constant time.
pub fn verify(secret: &str, hash: &str) -> Result<bool, Mistake> {
    parsed(hash).map_or(Ok(false), |hash| hash.matches(secret.as_bytes(), None))
}

fn parsed(text: &str) -> Option<Hash> {
    let hash = argon2::phc(text).or_else(|| bcrypt::plain(text)).filter(Hash::fits)?;
    let accepted = match &hash.function {
        Function::Argon2 { algorithm, version, .. } => {
            *algorithm == Algorithm::Argon2id && *version == Version::V0x13
        }
        function => matches!(function, Function::Bcrypt { before: Before::Nothing, .. }),
    };
    accepted.then_some(hash)
}
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{check, verify};
    use proptest::prelude::*;

    const ARGON2ID: &str = "$argon2id$v=19$m=65536,t=3,p=4$MDEyMzQ1Njc4OWFiY2RlZg$";
    const BODY: &str = "KBfDEIuBMRAu8H0uBMXG3QmEG3Rdk5LhLbYmx4v5PdI";
    const BCRYPT: &str = "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";

    #[test]
    fn argon2id_and_bcrypt_are_accepted() {
        assert!(check(&format!("{ARGON2ID}{BODY}")).is_ok());
        for prefix in ["$2a$", "$2b$", "$2y$"] {
            assert!(check(&BCRYPT.replace("$2b$", prefix)).is_ok(), "{prefix}");
        }
    }

    #[test]
    fn other_forms_and_costs_are_refused() {
        let argon2 = format!("{ARGON2ID}{BODY}");
        for hash in [
            "".to_owned(),
            "plain".to_owned(),
            "$1$salt$hash".to_owned(),
            ARGON2ID.to_owned(),
            argon2.replace("argon2id", "argon2i"),
            argon2.replace("argon2id", "argon2d"),
            argon2.replace("v=19", "v=16"),
            argon2.replace("v=19$", ""),
            argon2.replace("m=65536", "m=262145"),
            argon2.replace("m=65536", "m=4294967295"),
            argon2.replace("m=65536", "m=1"),
            argon2.replace("t=3", "t=17"),
            argon2.replace("t=3", "t=0"),
            argon2.replace("p=4", "p=17"),
            argon2.replace("m=65536,t=3", "m=262144,t=5"),
            argon2.replace("MDEyMzQ1Njc4OWFiY2RlZg", "MDEy"),
            argon2.replace(BODY, "AAAAAAAA"),
            format!("{argon2}$more"),
            BCRYPT.replace("$2b$", "$2x$"),
            BCRYPT.replace("$2b$", "$2$"),
            BCRYPT.replace("$05$", "$03$"),
            BCRYPT.replace("$05$", "$16$"),
            BCRYPT.replace("$05$", "$31$"),
            BCRYPT.replace("$05$", "$5$"),
            BCRYPT.replace("$05$", "$+5$"),
            BCRYPT.replace('W', ""),
            BCRYPT.replace('W', "é"),
            format!("{BCRYPT}W"),
            format!(" {BCRYPT}"),
        ] {
            assert!(check(&hash).is_err(), "{hash:?}");
        }
    }

    /// OpenBSD's and John the Ripper's test vector: "U*U" at cost 5.
    #[test]
    fn bcrypt_verifies_a_published_vector() {
        assert!(verify("U*U", BCRYPT).unwrap());
        assert!(!verify("U*V", BCRYPT).unwrap());
    }

    /// The reference implementation's test.c: version 0x13, t=2, m=2^16, p=1, "password", "somesalt".
    #[test]
    fn argon2id_verifies_a_published_vector() {
        let hash = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        assert!(verify("password", hash).unwrap());
        assert!(!verify("differentpassword", hash).unwrap());
    }

    proptest! {
        #[test]
        fn garbage_is_refused_without_a_panic(hash in "\\$?(argon2id|2b|)\\$\\PC{0,80}") {
            prop_assert!(check(&hash).is_err());
        }

        #[test]
        fn bcrypt_costs_are_bounded(cost in 0u32..100) {
            let hash = BCRYPT.replace("$05$", &format!("${cost:02}$"));
            prop_assert_eq!(check(&hash).is_ok(), (4..=15).contains(&cost));
        }
    }
}
