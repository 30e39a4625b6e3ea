//! A hash of a password: what is computed, from what, within which bounds.

use argon2::{Algorithm, Version};
use zeroize::Zeroizing;

use super::typed::{self, Typed};

/// One hash, wherever its text came from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hash {
    /// What is done to what was typed.
    pub form: Form,
    /// The name of the pepper that goes in too.
    pub pepper: Option<String>,
    /// The function and its costs.
    pub function: Function,
    /// The salt's bytes.
    pub salt: Vec<u8>,
    /// What the function gives for the password.
    pub digest: Vec<u8>,
}

/// What becomes of a typed password before it is hashed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// A password of this store: OpaqueString of RFC 8265.
    Own,
    /// As it was typed, and if that does not match, in NFC.
    Typed,
    /// The same, and between the two without the white space around it: forms of log-in have trimmed it.
    Trimmed,
    /// In NFKC.
    Nfkc,
    /// By SASLprep (RFC 4013).
    Saslprep,
}

impl Form {
    /// The names in a stored text. That of [`Form::Own`] is never written.
    pub const NAMES: [(Self, &'static str); 4] = [
        (Self::Typed, "typed"),
        (Self::Trimmed, "trimmed"),
        (Self::Nfkc, "nfkc"),
        (Self::Saslprep, "saslprep"),
    ];

    /// Whether an input lacks white space that was typed.
    pub fn trims(self, typed: &Typed, input: &str) -> bool {
        let text = typed.text();
        self == Self::Trimmed && input != text && input != typed::nfc(text).as_str()
    }

    /// What to try, in this order.
    pub fn inputs(self, typed: &Typed) -> Vec<Zeroizing<String>> {
        // What PHP's trim() takes away.
        const WHITE: [char; 6] = [' ', '\t', '\n', '\r', '\0', '\x0b'];
        let text = typed.text();
        let as_typed = || Zeroizing::new(text.to_owned());
        let mut inputs = match self {
            Self::Own => typed::opaque(text).into_iter().collect(),
            Self::Typed => vec![as_typed(), typed::nfc(text)],
            Self::Trimmed => {
                vec![as_typed(), Zeroizing::new(text.trim_matches(WHITE).to_owned()), typed::nfc(text)]
            }
            Self::Nfkc => vec![typed::nfkc(text)],
            Self::Saslprep => vec![typed::saslprep(text)],
        };
        // Equal ones are neighbours, but for a text that is trimmed and has nothing to compose.
        if inputs.last().is_some_and(|last| inputs.len() == 3 && *last == inputs[0]) {
            inputs.pop();
        }
        inputs.dedup();
        inputs
    }
}

/// A function that hashes, with its costs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Function {
    /// RFC 9106. A pepper is its secret K.
    Argon2 {
        /// d, i or id
        algorithm: Algorithm,
        /// 0x10 or 0x13
        version: Version,
        /// in KiB
        memory: u32,
        /// the t of a text
        passes: u32,
        /// the p of a text
        lanes: u32,
        /// the associated data X
        data: Vec<u8>,
    },
    /// bcrypt of 72 bytes. A pepper is appended to the password.
    Bcrypt {
        /// the logarithm of the rounds
        cost: u32,
        /// what comes before
        before: Before,
    },
    /// RFC 8018. A pepper is appended to the salt.
    Pbkdf2 {
        /// of its HMAC
        digest: Digest,
        /// its iterations
        rounds: u32,
    },
    /// RFC 7914
    Scrypt(Scrypt),
    /// scrypt gives a key, and AES-256 in counter mode encrypts the pepper, which here is the project's signer key.
    Firebase(Scrypt),
    /// Repeated MD5, as WordPress up to 6.7 and phpBB have it.
    Phpass {
        /// the logarithm of the rounds
        log_rounds: u32,
    },
    /// The crypt() texts `$5$` and `$6$`. The digest is their text.
    ShaCrypt {
        /// SHA-256 or SHA-512
        digest: Digest,
        /// its rounds
        rounds: u32,
    },
    /// RFC 5802 with SHA-256; the digest is the StoredKey.
    Scram {
        /// its iterations
        rounds: u32,
    },
}

/// The costs of scrypt.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Scrypt {
    /// the logarithm of N
    pub log_n: u32,
    /// the size of its blocks
    pub r: u32,
    /// how often it runs
    pub p: u32,
}

/// A function of the SHA family.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Digest {
    /// 20 bytes
    Sha1,
    /// 32 bytes
    Sha256,
    /// 64 bytes
    Sha512,
}

impl Digest {
    fn len(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }
}

/// What bcrypt gets in place of the password, so that more than 72 bytes count.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Before {
    /// The password itself.
    Nothing,
    /// Django: SHA-256 in hexadecimal.
    Sha256Hex,
    /// passlib, first version: SHA-256 in base64.
    Sha256Base64,
    /// passlib, second version: HMAC-SHA256 in base64, whose key is the salt as bcrypt writes it.
    SaltedSha256Base64,
    /// WordPress: HMAC-SHA384 in base64 with a fixed key.
    WordPress,
}

impl Before {
    /// The names in a stored text.
    pub const NAMES: [(Self, &'static str); 5] = [
        (Self::Nothing, "nothing"),
        (Self::Sha256Hex, "sha256-hex"),
        (Self::Sha256Base64, "sha256-base64"),
        (Self::SaltedSha256Base64, "salted-sha256-base64"),
        (Self::WordPress, "wp-sha384-base64"),
    ];
}

// A verification must end in seconds and fit a backend's memory: otherwise a role that may import a hash could choose
// one that takes minutes at each log-in.
const MAX_BCRYPT_COST: u32 = 15;
const MAX_ARGON2_PASSES: u32 = 16;
const MAX_ARGON2_LANES: u32 = 16;
/// Memory times passes, which determines the time.
const MAX_ARGON2_WORK_KIB: u64 = 1024 * 1024;
/// Of argon2 and scrypt.
const MAX_MEMORY_KIB: u64 = 256 * 1024;
/// N times r times p, which determines the time of scrypt: eight times what 1 GiB-second costs at p = 1.
const MAX_SCRYPT_WORK: u64 = 1 << 23;
/// Iterations times the blocks of the result.
const MAX_PBKDF2_ROUNDS: u64 = 10_000_000;
const MAX_PHPASS_LOG_ROUNDS: u32 = 20;
const MAX_SHA_CRYPT_ROUNDS: u32 = 1_000_000;

/// What [`Hash::fits`] accepts, for a hint.
pub const BOUNDS: &str = "a hash within the bounds: argon2 m at most 262144, t and p at most 16, m times t at most \
                          1048576; bcrypt cost 4 to 15; scrypt of at most 256 MiB and N times r times p at most \
                          8388608; PBKDF2 of at most 10 million rounds; phpass of at most 2^20 and sha-crypt of at \
                          most 1 million rounds; a digest of at least 16 bytes";

impl Hash {
    /// Whether a verification ends in seconds, and the lengths are those of the function.
    pub fn fits(&self) -> bool {
        let (salt, digest) = (self.salt.len(), self.digest.len());
        match &self.function {
            &Function::Argon2 { memory, passes, lanes, ref data, .. } => {
                let work = u64::from(memory) * u64::from(passes);
                u64::from(memory) <= MAX_MEMORY_KIB
                    && (1..=MAX_ARGON2_PASSES).contains(&passes)
                    && (1..=MAX_ARGON2_LANES).contains(&lanes)
                    && memory >= 8 * lanes
                    && work <= MAX_ARGON2_WORK_KIB
                    && data.len() <= 32
                    && (8..=64).contains(&salt)
                    && (16..=64).contains(&digest)
            }
            Function::Bcrypt { cost, .. } => {
                (4..=MAX_BCRYPT_COST).contains(cost) && salt == 16 && digest == 23
            }
            &Function::Pbkdf2 { digest: hash, rounds } => {
                let blocks = digest.div_ceil(hash.len()) as u64;
                rounds >= 1
                    && u64::from(rounds) * blocks <= MAX_PBKDF2_ROUNDS
                    && (1..=1024).contains(&salt)
                    && (16..=1024).contains(&digest)
            }
            Function::Scrypt(costs) => {
                costs.fit() && (1..=1024).contains(&salt) && (16..=128).contains(&digest)
            }
            Function::Firebase(costs) => {
                costs.fit() && (1..=1024).contains(&salt) && (16..=1024).contains(&digest)
            }
            Function::Phpass { log_rounds } => {
                (7..=MAX_PHPASS_LOG_ROUNDS).contains(log_rounds) && salt == 8 && digest == 22
            }
            &Function::ShaCrypt { digest: hash, rounds } => {
                let text = match hash {
                    Digest::Sha256 => 43,
                    Digest::Sha512 => 86,
                    Digest::Sha1 => return false,
                };
                (1_000..=MAX_SHA_CRYPT_ROUNDS).contains(&rounds) && (1..=16).contains(&salt) && digest == text
            }
            &Function::Scram { rounds } => {
                rounds >= 1
                    && u64::from(rounds) <= MAX_PBKDF2_ROUNDS
                    && (1..=1024).contains(&salt)
                    && digest == 32
            }
        }
    }
}

impl Scrypt {
    fn fit(self) -> bool {
        let Self { log_n, r, p } = self;
        let (n, r, p) = (1 << log_n.min(63), u64::from(r), u64::from(p));
        let kib = |blocks: u64| blocks.checked_mul(r).map_or(u64::MAX, |size| size.div_ceil(8));
        (1..=24).contains(&log_n)
            && r >= 1
            && p >= 1
            && u64::from(log_n) < r * 16
            && kib(n).saturating_add(kib(p)) <= MAX_MEMORY_KIB
            && (n * r).checked_mul(p).is_some_and(|work| work <= MAX_SCRYPT_WORK)
    }
}
