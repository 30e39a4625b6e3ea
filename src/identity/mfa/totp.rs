//! Time-based one-time passwords: RFC 6238 over RFC 4226. Pure.

use ring::hmac;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::kernel::server::datum::Word;
use crate::kernel::value::clock::Timestamp;

/// The hash of the HMAC (RFC 6238 section 1.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Algorithm {
    Sha1,
    Sha256,
    Sha512,
}

impl Algorithm {
    /// As an otpauth URI spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
            Self::Sha512 => "SHA512",
        }
    }

    fn hmac(self) -> hmac::Algorithm {
        match self {
            Self::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => hmac::HMAC_SHA256,
            Self::Sha512 => hmac::HMAC_SHA512,
        }
    }
}

impl Word for Algorithm {
    fn of(word: &str) -> Option<Self> {
        [Self::Sha1, Self::Sha256, Self::Sha512].into_iter().find(|known| known.as_str() == word)
    }
}

/// How codes are made of a secret.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Scheme {
    pub algorithm: Algorithm,
    /// 6 or 8.
    pub digits: i32,
    /// Seconds of a step.
    pub period: i32,
}

/// What every authenticator app can do, and some alone.
pub const USUAL: Scheme = Scheme { algorithm: Algorithm::Sha1, digits: 6, period: 30 };

/// A code as it was typed: its digits, as many as there were.
pub struct Code(Zeroizing<String>);

/// The longest text that is looked at, in bytes.
const MAX_TEXT: usize = 64;

impl Code {
    /// Reads what a user typed: spaces and hyphens do not count. None if it is not 6 or 8 digits of ASCII.
    pub fn read(text: Option<&str>) -> Option<Self> {
        let text = text.filter(|text| text.len() <= MAX_TEXT)?;
        let mut digits = Zeroizing::new(String::with_capacity(MAX_TEXT));
        for letter in text.chars().filter(|letter| !letter.is_whitespace() && *letter != '-') {
            if !letter.is_ascii_digit() {
                return None;
            }
            digits.push(letter);
        }
        matches!(digits.len(), 6 | 8).then_some(Self(digits))
    }
}

impl Scheme {
    /// The step that a time is in (RFC 6238 section 4.2).
    pub fn step(self, at: Timestamp) -> i64 {
        at.unix_seconds().div_euclid(i64::from(self.period.max(1)))
    }

    /// The step of a code: of now, of the step before or of the one behind (RFC 6238 section 5.2, for a clock that is
    /// off). None if it is no code of those. One compares as long as another.
    pub fn step_of(self, secret: &[u8], code: &Code, now: Timestamp) -> Option<i64> {
        let current = self.step(now);
        let mut found = None;
        for step in [current - 1, current, current + 1] {
            let expected = self.code(secret, u64::try_from(step).unwrap_or(0));
            if bool::from(expected.as_bytes().ct_eq(code.0.as_bytes())) {
                found = Some(step);
            }
        }
        found
    }

    /// The code of a counter (RFC 4226 section 5.3).
    fn code(self, secret: &[u8], counter: u64) -> Zeroizing<String> {
        let key = hmac::Key::new(self.algorithm.hmac(), secret);
        let tag = hmac::sign(&key, &counter.to_be_bytes());
        let tag = tag.as_ref();
        let offset = tag.last().map_or(0, |last| usize::from(last & 0x0f));
        let word = tag.get(offset..).and_then(|rest| rest.first_chunk()).copied().unwrap_or_default();
        let number = u32::from_be_bytes(word) & 0x7fff_ffff;
        let digits = u32::try_from(self.digits).unwrap_or(0).min(9);
        let width = usize::try_from(digits).unwrap_or(0);
        Zeroizing::new(format!("{:0width$}", number % 10_u32.pow(digits)))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{Algorithm, Code, Scheme, USUAL};
    use crate::kernel::value::clock::Timestamp;
    use proptest::prelude::*;

    const SEED: &[u8] = b"12345678901234567890";

    fn at(unix_seconds: u64) -> Timestamp {
        Timestamp::from_unix_millis(unix_seconds * 1000)
    }

    fn code(text: &str) -> Code {
        Code::read(Some(text)).unwrap()
    }

    /// RFC 6238 appendix B: eight digits of 30 s, the seed repeated to the length of the hash (errata 2866).
    #[test]
    fn the_vectors_of_rfc_6238() {
        let seed = |length| SEED.iter().copied().cycle().take(length).collect::<Vec<_>>();
        for (time, sha1, sha256, sha512) in [
            (59, "94287082", "46119246", "90693936"),
            (1_111_111_109, "07081804", "68084774", "25091201"),
            (1_111_111_111, "14050471", "67062674", "99943326"),
            (1_234_567_890, "89005924", "91819424", "93441116"),
            (2_000_000_000, "69279037", "90698825", "38618901"),
            (20_000_000_000, "65353130", "77737706", "47863826"),
        ] {
            for (algorithm, length, expected) in [
                (Algorithm::Sha1, 20, sha1),
                (Algorithm::Sha256, 32, sha256),
                (Algorithm::Sha512, 64, sha512),
            ] {
                let scheme = Scheme { algorithm, digits: 8, period: 30 };
                let step = scheme.step(at(time));
                let made = scheme.code(&seed(length), u64::try_from(step).unwrap());
                assert_eq!(*made, expected, "{algorithm:?} at {time}");
                assert_eq!(scheme.step_of(&seed(length), &code(expected), at(time)), Some(step));
            }
        }
    }

    /// RFC 4226 appendix D.
    #[test]
    fn the_vectors_of_rfc_4226() {
        let expected = [
            "755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871",
            "520489",
        ];
        for (counter, expected) in (0..).zip(expected) {
            assert_eq!(*USUAL.code(SEED, counter), expected);
        }
    }

    /// RFC 6238 section 5.2: a step more or less is accepted, two are not.
    #[test]
    fn a_clock_may_be_off_by_a_step() {
        let of = |step| USUAL.code(SEED, step);
        let now = at(100 * 30 + 29);
        for (step, accepted) in [(98, false), (99, true), (100, true), (101, true), (102, false)] {
            let found = USUAL.step_of(SEED, &code(&of(step)), now);
            assert_eq!(found, accepted.then(|| i64::try_from(step).unwrap()), "{step}");
        }
        // Before 1970 there is no step, and the one of 1970 is no earlier one's.
        assert!(USUAL.step(Timestamp::from_micros(i64::MIN)) < 0);
    }

    #[test]
    fn a_code_is_of_six_or_eight_ascii_digits() {
        for text in ["123456", "123 456", "123-456", " 12 34-56\n", "12\u{a0}34\u{2009}56"] {
            assert_eq!(*code(text).0, "123456", "{text:?}");
        }
        assert_eq!(*code("1234 5678").0, "12345678");
        for text in [
            "",
            " ",
            "12345",
            "1234567",
            "123456789",
            "12345a",
            "１２３４５６",
            "١٢٣٤٥٦",
            "123.456",
            "+12345",
            "-12345",
            "0x1234",
        ] {
            assert!(Code::read(Some(text)).is_none(), "{text:?}");
        }
        assert!(Code::read(None).is_none());
        assert!(Code::read(Some(&format!("{}123456", " ".repeat(59)))).is_none());
    }

    #[test]
    fn a_code_of_another_length_is_none() {
        let eight = Scheme { digits: 8, ..USUAL };
        let now = at(59);
        assert_eq!(eight.step_of(SEED, &code("94287082"), now), Some(1));
        assert_eq!(USUAL.step_of(SEED, &code("287082"), now), Some(1));
        assert_eq!(eight.step_of(SEED, &code("287082"), now), None);
        assert_eq!(USUAL.step_of(SEED, &code("94287082"), now), None);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(text in "\\PC{0,80}", secret: Vec<u8>, micros: i64) {
            let scheme = Scheme { algorithm: Algorithm::Sha512, digits: 8, period: 15 };
            if let Some(code) = Code::read(Some(&text)) {
                let _ = scheme.step_of(&secret, &code, Timestamp::from_micros(micros));
            }
        }
    }
}
