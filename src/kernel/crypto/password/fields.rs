//! The pieces of hashes' texts: numbers, lists of parameters, and the spellings of bytes.

use base64::Engine;
use base64::alphabet::{self, Alphabet};
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD, STANDARD_NO_PAD};

/// Standard base64, padded.
pub fn padded(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// Standard base64 without padding.
pub fn unpadded(text: &str) -> Option<Vec<u8>> {
    STANDARD_NO_PAD.decode(text).ok()
}

/// Standard base64 with or without padding.
pub fn base64(text: &str) -> Option<Vec<u8>> {
    unpadded(text.trim_end_matches('='))
}

/// Base64 of either alphabet, with or without padding.
pub fn any_base64(text: &str) -> Option<Vec<u8>> {
    base64(&text.replace('-', "+").replace('_', "/"))
}

/// passlib's base64: a dot for the plus, no padding.
pub fn passlib_base64(text: &str) -> Option<Vec<u8>> {
    if text.contains('+') { None } else { unpadded(&text.replace('.', "+")) }
}

/// bcrypt's base64. Programs have left bits in the last character of a salt, which no program reads.
pub fn bcrypt_base64(text: &str) -> Option<Vec<u8>> {
    const ALPHABET: &Alphabet = &alphabet::BCRYPT;
    const CONFIG: GeneralPurposeConfig = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(true);
    GeneralPurpose::new(ALPHABET, CONFIG).decode(text).ok()
}

/// Hexadecimal digits, small or capital.
pub fn hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.bytes().map(|b| char::from(b).to_digit(16)).collect::<Option<Vec<_>>>()?;
    let (pairs, rest) = digits.as_chunks::<2>();
    rest.is_empty()
        .then(|| pairs.iter().filter_map(|[high, low]| u8::try_from(high << 4 | low).ok()).collect())
}

/// A decimal number: digits only.
pub fn number(text: &str) -> Option<u32> {
    if text.bytes().all(|b| b.is_ascii_digit()) { text.parse().ok() } else { None }
}

/// The logarithm of a power of two above 1.
pub fn log2(n: u32) -> Option<u32> {
    (n > 1 && n.is_power_of_two()).then(|| n.ilog2())
}

/// A list `name=value,name=value`, each name once.
pub struct Fields<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Fields<'a> {
    /// None for another shape, or a name that is not among these.
    pub fn new(text: &'a str, names: &[&str]) -> Option<Self> {
        let mut fields: Vec<(&str, &str)> = Vec::new();
        for field in text.split(',') {
            let (name, value) = field.split_once('=')?;
            if !names.contains(&name) || fields.iter().any(|(known, _)| *known == name) {
                return None;
            }
            fields.push((name, value));
        }
        Some(Self(fields))
    }

    /// The value of that name.
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }

    /// The number of that name.
    pub fn number(&self, name: &str) -> Option<u32> {
        self.get(name).and_then(number)
    }
}

#[cfg(test)]
mod tests {
    use super::{Fields, bcrypt_base64, hex, log2, number, passlib_base64};

    #[test]
    fn pieces_are_read_strictly() {
        assert_eq!(hex("00fFa0"), Some(vec![0, 255, 160]));
        assert_eq!((hex("0"), hex("0g"), hex("é")), (None, None, None));
        assert_eq!(
            (number("010"), number("+1"), number("4294967296"), number("")),
            (Some(10), None, None, None)
        );
        assert_eq!((log2(16384), log2(1), log2(0), log2(12)), (Some(14), None, None, None));
        assert_eq!((passlib_base64("./G."), passlib_base64("+/G.")), (Some(vec![0xfb, 0xf1, 0xbe]), None));
        assert_eq!(bcrypt_base64("CCCCCCCCCCCCCCCCCCCCC.").map(|salt| salt.len()), Some(16));
        assert_eq!(bcrypt_base64("CCCCCCCCCCCCCCCCCCCCCC").map(|salt| salt.len()), Some(16));
    }

    #[test]
    fn a_list_has_each_known_name_once() {
        let names = ["m", "t"];
        assert_eq!(Fields::new("m=1,t=2", &names).and_then(|fields| fields.number("t")), Some(2));
        for text in ["", "m", "m=1,m=2", "m=1,x=2", "m=1,", ",m=1", "M=1"] {
            assert!(Fields::new(text, &names).is_none(), "{text:?}");
        }
    }
}
