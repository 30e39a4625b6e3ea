//! User codes (RFC 8628 section 6.1): what a user reads on one screen and types on another. Eight letters
//! without vowels, so that no word comes out, and without the ones that are easily confused: 34.5 bits. Where the store
//! is spread over several databases, three more in front say which bucket the device code is in, because nothing else
//! that the user has leads to it.
//!
//! Pure, except for the operating system's randomness. The store keeps a digest and finds the code by it.

use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::kernel::crypto::token_text::Digest;
use crate::kernel::outcome::Mistake;
use crate::kernel::value::id::{Bucket, random};

const ALPHABET: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
/// How many letters are drawn.
const DRAWN: usize = 8;
/// How many carry a bucket: 20 to the third is more than 4096.
const CARRYING: usize = 3;

/// The longest text that is looked at, in bytes.
const MAX_TEXT: usize = 64;

/// A user code in its normal form: the letters alone.
pub struct UserCode(Zeroizing<String>);

impl UserCode {
    /// Draws a code, which carries the bucket if there is one.
    pub fn draw(bucket: Option<Bucket>) -> Result<Self, Mistake> {
        // A multiple of the number of letters: with the bytes below it each letter is equally likely.
        const FAIR: u8 = 240;
        let mut letters = Zeroizing::new(String::with_capacity(CARRYING + DRAWN));
        if let Some(bucket) = bucket {
            letters.push_str(&carried(bucket));
        }
        let length = letters.len() + DRAWN;
        while letters.len() < length {
            let mut bytes = Zeroizing::new([0; 16]);
            random(bytes.as_mut())?;
            let fair = bytes.iter().filter(|byte| **byte < FAIR);
            for byte in fair.take(length - letters.len()) {
                letters.push(letter(*byte));
            }
        }
        Ok(Self(letters))
    }

    /// Reads what a user typed: any case, with or without dashes, spaces and other marks. None if that cannot be a
    /// code. One that carries its bucket is one only where `sharded` says so.
    pub fn parse(text: Option<&str>, sharded: bool) -> Option<Self> {
        let text = text.filter(|text| text.len() <= MAX_TEXT)?;
        let longest = if sharded { CARRYING + DRAWN } else { DRAWN };
        let mut letters = Zeroizing::new(String::with_capacity(longest));
        for letter in text.chars().filter(|c| c.is_alphanumeric()) {
            let letter = letter.to_ascii_uppercase();
            let known = u8::try_from(letter).is_ok_and(|byte| ALPHABET.contains(&byte));
            if !known || letters.len() == longest {
                return None;
            }
            letters.push(letter);
        }
        let code = Self(letters);
        (code.0.len() == DRAWN || code.bucket().is_some()).then_some(code)
    }

    /// The bucket that the code carries, if it does.
    pub fn bucket(&self) -> Option<Bucket> {
        let carrying = self.0.get(..CARRYING).filter(|_| self.0.len() == CARRYING + DRAWN)?;
        let digit = |byte| ALPHABET.iter().position(|letter| *letter == byte);
        let number =
            carrying.bytes().try_fold(0, |number, byte| Some(number * ALPHABET.len() + digit(byte)?))?;
        Bucket::numbered(u16::try_from(number).ok()?)
    }

    /// What the user is shown: XXXX-XXXX, or XXX-XXXX-XXXX.
    pub fn text(&self) -> String {
        let (rest, right) = self.0.split_at(self.0.len() - DRAWN / 2);
        let (front, left) = rest.split_at(rest.len() - DRAWN / 2);
        if front.is_empty() { format!("{left}-{right}") } else { format!("{front}-{left}-{right}") }
    }

    /// The digest that the store keeps and finds the code by: two tenants may have the same code.
    pub fn digest(&self, tenant_id: &str) -> Digest {
        let mut hash = Sha256::new();
        hash.update(tenant_id.as_bytes());
        hash.update([0]);
        hash.update(self.0.as_bytes());
        hash.finalize().into()
    }
}

fn letter(number: u8) -> char {
    char::from(ALPHABET[usize::from(number) % ALPHABET.len()])
}

/// A bucket as letters: its digits in base 20, the highest first.
fn carried(bucket: Bucket) -> String {
    let number = bucket.number().unsigned_abs();
    [400, 20, 1].into_iter().map(|place| letter((number / place % 20).to_le_bytes()[0])).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{ALPHABET, UserCode};
    use crate::kernel::value::id::Bucket;
    use proptest::prelude::*;

    fn read(text: &str) -> Option<String> {
        UserCode::parse(Some(text), false).map(|code| code.text())
    }

    fn read_sharded(text: &str) -> Option<String> {
        UserCode::parse(Some(text), true).map(|code| code.text())
    }

    /// RFC 8628 section 6.1: the server ignores case and punctuation.
    #[test]
    fn any_case_dashes_and_spaces_are_the_same_code() {
        for text in [
            "WDJB-MJHT",
            "wdjb-mjht",
            "WDJBMJHT",
            " wdjb mjht\n",
            "W-D-J-B-M-J-H-T",
            "wDjB\u{2013}mJhT",
            "(WDJB.MJHT)",
        ] {
            assert_eq!(read(text).unwrap(), "WDJB-MJHT", "{text:?}");
        }
    }

    #[test]
    fn other_letters_digits_and_lengths_are_no_code() {
        for text in [
            "",
            "-",
            "WDJB-MJH",
            "WDJB-MJHTT",
            "WDJA-MJHT",
            "WDJ1-MJHT",
            "WDJÄ-MJHT",
            "WDJY-MJHT",
            "ｗＤＪＢ-MJHT",
        ] {
            assert!(read(text).is_none(), "{text:?}");
        }
        assert!(read(&format!("{}WDJBMJHT", " ".repeat(57))).is_none());
        assert!(UserCode::parse(None, true).is_none());
    }

    #[test]
    fn a_digest_is_of_the_tenant_and_the_letters() {
        let code = |text| UserCode::parse(Some(text), true).unwrap();
        assert!(code("wdjb mjht").digest("a") == code("WDJB-MJHT").digest("a"));
        assert!(code("WDJBMJHT").digest("a") != code("WDJBMJHT").digest("b"));
        assert!(code("WDJBMJHT").digest("a") != code("WDJBMJHS").digest("a"));
        assert!(code("WDJBMJHT").digest("a") != code("BBBWDJBMJHT").digest("a"));
    }

    #[test]
    fn three_letters_more_carry_a_bucket() {
        for (number, letters) in [(0, "BBB"), (1, "BBC"), (20, "BCB"), (4095, "NGT")] {
            let bucket = Bucket::numbered(number).unwrap();
            let code = UserCode::draw(Some(bucket)).unwrap();
            assert!(code.text().starts_with(letters), "{number}");
            assert!(code.bucket() == Some(bucket));
            let typed = code.text().to_lowercase().replace('-', " ");
            assert_eq!(read_sharded(&typed).unwrap(), code.text());
            assert!(read(&typed).is_none());
        }
        // 4096 and more are no buckets; eight letters carry none, and are a code everywhere.
        for text in ["NGV-WDJB-MJHT", "ZZZ-WDJB-MJHT", "BB-WDJB-MJHT", "BBBB-WDJB-MJHT"] {
            assert!(read_sharded(text).is_none(), "{text}");
        }
        assert_eq!(read_sharded("wdjb mjht").unwrap(), "WDJB-MJHT");
        assert!(UserCode::parse(Some("WDJBMJHT"), true).unwrap().bucket().is_none());
    }

    #[test]
    fn drawn_codes_have_every_letter() {
        let drawn: String = (0..200).map(|_| UserCode::draw(None).unwrap().text()).collect();
        assert!(ALPHABET.iter().all(|letter| drawn.contains(char::from(*letter))));
        assert_eq!(drawn.len(), 200 * 9);
    }

    proptest! {
        #[test]
        fn what_is_shown_is_read(_n in 0..50) {
            let code = UserCode::draw(None).unwrap();
            prop_assert_eq!(read(&code.text()).unwrap(), code.text());
            prop_assert_eq!(read(&code.text().to_lowercase().replace('-', "")).unwrap(), code.text());
        }

        #[test]
        fn garbage_never_panics(text in "\\PC{0,80}") {
            let _ = (read(&text), read_sharded(&text));
        }
    }
}
