//! What somebody typed, and the password that it is: RFC 8265 section 4, the profile OpaqueString.

use std::borrow::Cow;

use icu_normalizer::ComposingNormalizerBorrowed;
use icu_properties::props::{
    DefaultIgnorableCodePoint, GeneralCategory, JoinControl, NoncharacterCodePoint, VariationSelector,
};
use icu_properties::{CodePointMapData, CodePointSetData};
use zeroize::Zeroizing;

/// The shortest own password, in characters.
pub const MIN_CHARACTERS: usize = 8;
/// The longest own password, in characters.
pub const MAX_CHARACTERS: usize = 1_024;
/// The longest own password, in bytes of UTF-8.
pub const MAX_BYTES: usize = 4_096;
/// The longest text that is looked at, in bytes: an own password may be typed decomposed, which is longer.
pub const MAX_TYPED: usize = 4 * MAX_BYTES;

/// A password as it was typed. Wiped when dropped; nothing prints it.
pub struct Typed(Zeroizing<String>);

impl Typed {
    /// None for a text longer than any password.
    pub fn new(text: &str) -> Option<Self> {
        (text.len() <= MAX_TYPED).then(|| Self(Zeroizing::new(text.to_owned())))
    }

    /// The text, for a rule that looks at it. What is kept of it must be wiped.
    pub fn text(&self) -> &str {
        &self.0
    }
}

/// Why a text is no password of this store.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unfit {
    /// It has fewer characters than [`MIN_CHARACTERS`].
    TooShort,
    /// It has more characters than [`MAX_CHARACTERS`], or more bytes than [`MAX_BYTES`].
    TooLong,
    /// It has a character that two devices may not type alike: a control, an invisible or an unassigned one.
    Character,
}

/// A password of this store. Wiped when dropped; nothing prints it.
pub struct Password(Zeroizing<String>);

impl Password {
    /// Prepares what was typed: other spaces become U+0020, then NFC. Nothing is trimmed or folded.
    pub fn new(typed: &Typed) -> Result<Self, Unfit> {
        if typed.text().is_empty() {
            return Err(Unfit::TooShort);
        }
        let password = opaque(typed.text()).ok_or(Unfit::Character)?;
        // Each mark counts, so that the length does not depend on a font.
        match password.chars().count() {
            ..MIN_CHARACTERS => Err(Unfit::TooShort),
            count if count > MAX_CHARACTERS || password.len() > MAX_BYTES => Err(Unfit::TooLong),
            _ => Ok(Self(password)),
        }
    }

    /// The same for a password that another store accepted, however short it is.
    pub fn kept(typed: &Typed) -> Option<Self> {
        opaque(typed.text()).filter(|password| password.len() <= MAX_BYTES).map(Self)
    }

    /// The text, for a rule that looks at it. What is kept of it must be wiped.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// What is hashed.
    pub(super) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// The text in the profile OpaqueString; None if a character is not in it, or the text is empty.
pub(super) fn opaque(text: &str) -> Option<Zeroizing<String>> {
    let categories = CodePointMapData::<GeneralCategory>::new();
    let is_space = |c| categories.get(c) == GeneralCategory::SpaceSeparator;
    let spaced = Zeroizing::new(text.chars().map(|c| if is_space(c) { ' ' } else { c }).collect::<String>());
    let password = nfc(&spaced);
    (!password.is_empty() && password.chars().all(is_allowed)).then_some(password)
}

/// The FreeformClass of RFC 8264 section 4.3, wider in one point: a joiner and a variation selector may stand
/// anywhere, because keyboards make emoji and Persian words with them.
fn is_allowed(c: char) -> bool {
    if c.is_ascii() {
        return !c.is_ascii_control();
    }
    let is_old_jamo =
        matches!(c, '\u{1100}'..='\u{11ff}' | '\u{a960}'..='\u{a97c}' | '\u{d7b0}'..='\u{d7fb}');
    let is_assigned = !matches!(
        CodePointMapData::<GeneralCategory>::new().get(c),
        GeneralCategory::Control | GeneralCategory::Unassigned | GeneralCategory::PrivateUse
    );
    let is_visible = !CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
        || CodePointSetData::new::<JoinControl>().contains(c)
        || CodePointSetData::new::<VariationSelector>().contains(c);
    is_assigned && is_visible && !is_old_jamo && !CodePointSetData::new::<NoncharacterCodePoint>().contains(c)
}

/// The text composed, as Unicode has it (NFC).
pub(super) fn nfc(text: &str) -> Zeroizing<String> {
    Zeroizing::new(ComposingNormalizerBorrowed::new_nfc().normalize(text).into_owned())
}

/// The same, with compatible characters made one (NFKC).
pub(super) fn nfkc(text: &str) -> Zeroizing<String> {
    Zeroizing::new(ComposingNormalizerBorrowed::new_nfkc().normalize(text).into_owned())
}

/// RFC 4013; what it refuses stays as it was typed, as PostgreSQL has it.
pub(super) fn saslprep(text: &str) -> Zeroizing<String> {
    Zeroizing::new(stringprep::saslprep(text).map_or_else(|_| text.to_owned(), Cow::into_owned))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{Password, Typed, Unfit};
    use proptest::prelude::*;

    fn prepared(text: &str) -> Result<String, Unfit> {
        Password::new(&Typed::new(text).unwrap()).map(|password| password.0.to_string())
    }

    #[test]
    fn spaces_are_mapped_and_kept_and_marks_are_composed() {
        for (typed, password) in [
            ("  eight  ", "  eight  "),
            ("        ", "        "),
            ("a\u{a0}b\u{2003}c\u{3000}defg", "a b c defg"),
            ("pa\u{308}ssword", "p\u{e4}ssword"),
            ("PASSword", "PASSword"),
            ("ﬁancée Ⅷ", "ﬁancée Ⅷ"),
            ("\u{1112}\u{1161}\u{11ab}1234567", "한1234567"),
            ("👩\u{200d}🚀 ❤\u{fe0f} 1234", "👩\u{200d}🚀 ❤\u{fe0f} 1234"),
            ("Ａ２３４５６７８", "Ａ２３４５６７８"),
        ] {
            assert_eq!(prepared(typed), Ok(password.to_owned()), "{typed:?}");
        }
    }

    #[test]
    fn characters_that_devices_type_differently_are_refused() {
        for c in [
            '\0',
            '\n',
            '\t',
            '\u{7f}',
            '\u{85}',
            '\u{ad}',
            '\u{200b}',
            '\u{202e}',
            '\u{feff}',
            '\u{e000}',
            '\u{fdd0}',
            '\u{378}',
            '\u{1100}',
            '\u{10ffff}',
        ] {
            assert_eq!(prepared(&format!("password{c}")), Err(Unfit::Character), "{c:?}");
        }
    }

    #[test]
    fn lengths_are_of_characters_and_of_bytes() {
        assert_eq!(prepared("1234567"), Err(Unfit::TooShort));
        assert_eq!(prepared("éééééé1"), Err(Unfit::TooShort));
        assert!(prepared("éééééé12").is_ok());
        assert!(prepared(&"a".repeat(1024)).is_ok());
        assert!(prepared(&"🔑".repeat(1024)).is_ok());
        assert!(prepared(&"e\u{301}".repeat(1024)).is_ok());
        assert_eq!(prepared(&"a".repeat(1025)), Err(Unfit::TooLong));
        assert_eq!(prepared(""), Err(Unfit::TooShort));
        assert!(Typed::new(&"a".repeat(16_384)).is_some());
        assert!(Typed::new(&"a".repeat(16_385)).is_none());
    }

    proptest! {
        #[test]
        fn any_text_is_a_password_or_not_and_stays_what_it_is(text in "\\PC{0,30}") {
            if let Ok(password) = prepared(&text) {
                prop_assert_eq!(prepared(&password), Ok(password));
            }
        }
    }
}
