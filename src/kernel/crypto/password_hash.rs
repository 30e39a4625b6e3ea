//! Hashes of secrets that another store made: argon2id as a PHC string, and bcrypt. Pure.

use argon2::password_hash::PasswordHash;
use argon2::{Algorithm, Argon2, Block, Params, Version};
use subtle::ConstantTimeEq;

use crate::kernel::outcome::Mistake;

// A verification must end in seconds and fit a backend's memory: otherwise a role that may import a hash could choose
// one that takes minutes at each log-in.
const MAX_BCRYPT_COST: u32 = 15;
const MAX_ARGON2_MEMORY_KIB: u32 = 256 * 1024;
const MAX_ARGON2_PASSES: u32 = 16;
const MAX_ARGON2_LANES: u32 = 16;
/// Memory times passes, which determines the time.
const MAX_ARGON2_WORK_KIB: u64 = 1024 * 1024;

const ACCEPTED: &str = "an argon2id hash in PHC form ($argon2id$v=19$m=…,t=…,p=…$salt$hash; m at most 262144, t and p \
                        at most 16, m times t at most 1048576), or a bcrypt hash ($2a$, $2b$ or $2y$; cost 4 to 15)";

/// Refuses what cannot be verified in reasonable time.
pub fn check(hash: &str) -> Result<(), Mistake> {
    if argon2id(hash).is_some() || is_bcrypt(hash) {
        Ok(())
    } else {
        Err(Mistake::invalid("secret_hash", ACCEPTED))
    }
}

/// Whether the secret has this hash. Compares in constant time.
pub fn verify(secret: &str, hash: &str) -> Result<bool, Mistake> {
    match argon2id(hash) {
        Some((hash, params)) => verify_argon2id(secret, &hash, params),
        None => Ok(is_bcrypt(hash) && bcrypt::verify(secret, hash).unwrap_or(false)),
    }
}

fn verify_argon2id(secret: &str, hash: &PasswordHash<'_>, params: Params) -> Result<bool, Mistake> {
    let (Some(salt), Some(expected)) = (hash.salt, hash.hash) else { return Ok(false) };
    let mut salt_bytes = [0; 64];
    let Ok(salt) = salt.decode_b64(&mut salt_bytes) else { return Ok(false) };
    // Up to 256 MiB: if the machine has less, this is an error and does not end the server.
    let mut memory: Vec<Block> = Vec::new();
    memory.try_reserve_exact(params.block_count()).map_err(|_| Mistake::OutOfMemory)?;
    memory.resize(params.block_count(), Block::default());
    let mut output = vec![0; expected.len()];
    let computed = Argon2::new(Algorithm::Argon2id, Version::V0x13, params).hash_password_into_with_memory(
        secret.as_bytes(),
        salt,
        &mut output,
        &mut memory,
    );
    Ok(computed.is_ok() && output.as_slice().ct_eq(expected.as_bytes()).into())
}

/// The parts of a PHC string within the bounds.
fn argon2id(text: &str) -> Option<(PasswordHash<'_>, Params)> {
    if !text.starts_with("$argon2id$") {
        return None;
    }
    let hash = PasswordHash::new(text).ok()?;
    let params = Params::try_from(&hash).ok()?;
    let fits = hash.version == Some(Version::V0x13.into())
        && params.m_cost() <= MAX_ARGON2_MEMORY_KIB
        && params.t_cost() <= MAX_ARGON2_PASSES
        && params.p_cost() <= MAX_ARGON2_LANES
        && u64::from(params.m_cost()) * u64::from(params.t_cost()) <= MAX_ARGON2_WORK_KIB;
    let long_enough = hash.hash?.len() >= 16 && hash.salt?.as_str().len() >= 11;
    (fits && long_enough).then_some((hash, params))
}

/// `$2b$` + two digits of cost + `$` + 53 characters of bcrypt's own base64.
fn is_bcrypt(text: &str) -> bool {
    let body = ["$2a$", "$2b$", "$2y$"].into_iter().find_map(|prefix| text.strip_prefix(prefix));
    let Some((cost, body)) = body.and_then(|rest| rest.split_once('$')) else { return false };
    cost.len() == 2
        && cost.bytes().all(|b| b.is_ascii_digit())
        && cost.parse().is_ok_and(|cost: u32| (4..=MAX_BCRYPT_COST).contains(&cost))
        && body.len() == 53
        && body.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'/')
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
