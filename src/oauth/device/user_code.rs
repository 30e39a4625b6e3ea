//! User codes (RFC 8628 section 6.1): what a user reads on one screen and types on another. Eight letters
//! without vowels, so that no word comes out, and without the ones that are easily confused: 34.5 bits.
//!
//! Pure, except for the operating system's randomness. The store keeps a digest and finds the code by it.

use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::kernel::crypto::token_text::Digest;
use crate::kernel::outcome::Mistake;
use crate::kernel::value::id::random;

const ALPHABET: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
const LENGTH: usize = 8;

/// The longest text that is looked at, in bytes.
const MAX_TEXT: usize = 64;

/// A user code in its normal form: the eight letters alone.
pub struct UserCode(Zeroizing<String>);

impl UserCode {
    /// Draws a code.
    pub fn draw() -> Result<Self, Mistake> {
        // A multiple of the number of letters: with the bytes below it each letter is equally likely.
        const FAIR: u8 = 240;
        let mut letters = Zeroizing::new(String::with_capacity(LENGTH));
        while letters.len() < LENGTH {
            let mut bytes = Zeroizing::new([0; 16]);
            random(bytes.as_mut())?;
            let fair = bytes.iter().filter(|byte| **byte < FAIR);
            for byte in fair.take(LENGTH - letters.len()) {
                letters.push(char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()]));
            }
        }
        Ok(Self(letters))
    }

    /// Reads what a user typed: any case, with or without dashes, spaces and other marks. None if that cannot be a
    /// code.
    pub fn parse(text: Option<&str>) -> Option<Self> {
        let text = text.filter(|text| text.len() <= MAX_TEXT)?;
        let mut letters = Zeroizing::new(String::with_capacity(LENGTH));
        for letter in text.chars().filter(|c| c.is_alphanumeric()) {
            let letter = letter.to_ascii_uppercase();
            let known = u8::try_from(letter).is_ok_and(|byte| ALPHABET.contains(&byte));
            if !known || letters.len() == LENGTH {
                return None;
            }
            letters.push(letter);
        }
        (letters.len() == LENGTH).then_some(Self(letters))
    }

    /// What the user is shown: XXXX-XXXX.
    pub fn text(&self) -> String {
        let (left, right) = self.0.split_at(LENGTH / 2);
        format!("{left}-{right}")
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{ALPHABET, UserCode};
    use proptest::prelude::*;

    fn read(text: &str) -> Option<String> {
        UserCode::parse(Some(text)).map(|code| code.text())
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
        assert!(UserCode::parse(None).is_none());
    }

    #[test]
    fn a_digest_is_of_the_tenant_and_the_letters() {
        let code = |text| UserCode::parse(Some(text)).unwrap();
        assert!(code("wdjb mjht").digest("a") == code("WDJB-MJHT").digest("a"));
        assert!(code("WDJBMJHT").digest("a") != code("WDJBMJHT").digest("b"));
        assert!(code("WDJBMJHT").digest("a") != code("WDJBMJHS").digest("a"));
    }

    #[test]
    fn drawn_codes_have_every_letter() {
        let drawn: String = (0..200).map(|_| UserCode::draw().unwrap().text()).collect();
        assert!(ALPHABET.iter().all(|letter| drawn.contains(char::from(*letter))));
        assert_eq!(drawn.len(), 200 * 9);
    }

    proptest! {
        #[test]
        fn what_is_shown_is_read(_n in 0..50) {
            let code = UserCode::draw().unwrap();
            prop_assert_eq!(read(&code.text()).unwrap(), code.text());
            prop_assert_eq!(read(&code.text().to_lowercase().replace('-', "")).unwrap(), code.text());
        }

        #[test]
        fn garbage_never_panics(text in "\\PC{0,80}") {
            let _ = read(&text);
        }
    }
}
