//! The names of users, as they are given and as they are compared: one text for all spellings of one name. This key is
//! made here and stored, and not by the database's lower(), which follows the collation of whatever database a dump is
//! loaded into.
//!
//! A key is for comparing only. Mail goes to the address as it was given: what folds to one key may be two
//! mailboxes at a provider that tells them apart.

use std::borrow::Cow;

use icu_normalizer::ComposingNormalizerBorrowed;
use idna::AsciiDenyList;

/// The longest domain, in bytes (RFC 1035 section 3.1, without its end).
const MAX_DOMAIN: usize = 253;
/// The longest external id, in bytes.
const MAX_EXTERNAL: usize = 255;
/// The longest user name, in characters.
const MAX_USERNAME: usize = 64;

/// What a name is. The order is that in which several names of one user are written, the same everywhere.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Kind {
    /// An e-mail address.
    Email,
    /// The user's key in the application's own table.
    External,
    /// A telephone number.
    Phone,
    /// A name that the user has chosen.
    Username,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Email, Self::External, Self::Phone, Self::Username];

    /// The kind as the column `kind` has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::External => "external",
            Self::Phone => "phone",
            Self::Username => "username",
        }
    }

    /// The kind of this text.
    pub fn read(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// The kind that a person's own name has, which no two kinds share: only an address has an @, only a number a +
    /// in front. An external key is the program's and not typed by anybody.
    pub fn of_typed(text: &str) -> Self {
        match text {
            text if text.contains('@') => Self::Email,
            text if text.trim_start().starts_with('+') => Self::Phone,
            _ => Self::Username,
        }
    }

    /// What a name of the kind is.
    pub fn accepted(self) -> &'static str {
        match self {
            Self::Email => "not an e-mail address",
            Self::External => "1 to 255 bytes, no control characters",
            Self::Phone => "not a telephone number: + and 7 to 15 digits (E.164)",
            Self::Username => {
                "not a user name: 1 to 64 letters and digits, and within it single dots, underscores and hyphens"
            }
        }
    }
}

/// A name that is well formed.
pub struct Name<'a> {
    /// What it is.
    pub kind: Kind,
    /// What it is compared by.
    pub key: Cow<'a, str>,
    /// As it was given.
    pub text: &'a str,
}

impl<'a> Name<'a> {
    /// The name of this kind; None where the text is none.
    pub fn read(kind: Kind, text: &'a str) -> Option<Self> {
        let key = match kind {
            Kind::Email => is_email(text).then(|| email_key(text).into()),
            Kind::External => is_external(text).then_some(Cow::Borrowed(text)),
            Kind::Phone => phone_key(text).map(Cow::Owned),
            Kind::Username => username_key(text).map(Cow::Owned),
        };
        key.map(|key| Self { kind, key, text })
    }
}

/// True if mail could be sent to the text, judged by its form: local part and domain of RFC 5321 section 4.1.2 with the
/// lengths of section 4.5.3.1, or their internationalized forms (RFC 6531).
fn is_email(email: &str) -> bool {
    let Some((local, domain)) = email.rsplit_once('@') else { return false };
    email.len() <= 254
        && (1..=64).contains(&local.len())
        && !local.contains('@')
        && !domain.is_empty()
        && domain.split('.').all(|label| !label.is_empty())
        && !email.chars().any(|c| c.is_control() || c.is_whitespace())
}

fn is_external(text: &str) -> bool {
    (1..=MAX_EXTERNAL).contains(&text.len()) && !text.chars().any(char::is_control)
}

/// The digits of an international number (E.164), which begins with a country's code after a plus. Spaces, hyphens,
/// dots, slashes and parentheses between them do not count. A number without a plus is another in each country.
fn phone_key(text: &str) -> Option<String> {
    // The separators of a number may be as many as its digits; a megabyte is not read.
    if text.len() > 64 {
        return None;
    }
    let digits: String = text
        .trim()
        .strip_prefix('+')?
        .chars()
        .filter(|c| !matches!(c, ' ' | '\u{a0}' | '-' | '.' | '/' | '(' | ')'))
        .collect();
    let well_formed = (7..=15).contains(&digits.len())
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && !digits.starts_with('0');
    well_formed.then_some(digits)
}

/// A user name in NFC and full case folding. Letters and digits are those of any script; a dot, underscore or hyphen
/// stands between two of them. So no user name has an @, as addresses have, nor a + in front, as numbers have, nor what
/// cannot be seen.
fn username_key(text: &str) -> Option<String> {
    // Four bytes are the longest character.
    if text.len() > MAX_USERNAME * 4 {
        return None;
    }
    let nfc = ComposingNormalizerBorrowed::new_nfc();
    let text = nfc.normalize(text);
    let well_formed = text.chars().count() <= MAX_USERNAME
        && text
            .split(['.', '_', '-'])
            .all(|part| part.chars().next().is_some() && part.chars().all(char::is_alphanumeric));
    well_formed.then(|| nfc.normalize(&text.chars().flat_map(case_folded).collect::<String>()).into_owned())
}

/// Full case folding (Unicode section 3.13): the lower case of the upper case, but for ẞ, which has an upper case only
/// by way of ß, and ı, whose upper case is I and which no case folding but that of Turkic languages makes an i.
fn case_folded(character: char) -> impl Iterator<Item = char> {
    let kept = (character == '\u{131}').then_some(character);
    let folded = character.to_lowercase().flat_map(char::to_uppercase).flat_map(char::to_lowercase);
    kept.into_iter().chain(folded.filter(move |_| kept.is_none()))
}

/// The key of an e-mail address: the local part in NFC and full lower case of Unicode, the domain in the ASCII
/// form of UTS 46. Full lower case is the same in every locale: İ is i with a dot above and no i, ı is itself.
pub fn email_key(email: &str) -> String {
    match email.rsplit_once('@') {
        Some((local, domain)) => format!("{}@{}", folded(local), domain_key(domain)),
        None => folded(email),
    }
}

/// A domain that IDNA refuses gets a key too, so that every address that was accepted has one.
fn domain_key(domain: &str) -> String {
    // No character of ASCII is denied: names with an underscore and address literals are in use.
    match idna::domain_to_ascii_cow(domain.as_bytes(), AsciiDenyList::EMPTY).map(Cow::into_owned) {
        Ok(ascii) if (1..=MAX_DOMAIN).contains(&ascii.len()) => ascii,
        _ => folded(domain),
    }
}

fn folded(text: &str) -> String {
    let nfc = ComposingNormalizerBorrowed::new_nfc();
    // Lower case may be decomposed again: for some letters with a mark only the capital has a composed form.
    nfc.normalize(&nfc.normalize(text).to_lowercase()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::{Kind, Name, email_key, is_email};
    use proptest::prelude::*;

    fn key(kind: Kind, text: &str) -> Option<String> {
        Name::read(kind, text).map(|name| name.key.into_owned())
    }

    #[test]
    fn a_kind_is_known_by_its_name() {
        for kind in Kind::ALL {
            assert_eq!(Kind::read(kind.as_str()), Some(kind));
        }
        assert_eq!(Kind::read("Email"), None);
        assert!(Kind::ALL.is_sorted_by_key(|kind| kind.as_str()));
    }

    #[test]
    fn a_number_is_its_digits() {
        for text in ["+49 30 1234567", "+49 (30) 123-45.67", "+49/30/1234567", " +49301234567 "] {
            assert_eq!(key(Kind::Phone, text).as_deref(), Some("49301234567"), "{text}");
        }
        for text in [
            "",
            "+",
            "49301234567",
            "0049301234567",
            "+0301234567",
            "+123456",
            "+1234567890123456",
            "+49 30 12345a",
            "+\u{ff11}234567",
            "++4930123456",
            "+49\n301234567",
        ] {
            assert_eq!(key(Kind::Phone, text), None, "{text:?}");
        }
        assert_eq!(key(Kind::Phone, &"+1".repeat(1_000_000)), None);
    }

    #[test]
    fn one_user_name_has_one_key() {
        for (folded, written) in [
            ("ann.lee", &["Ann.Lee", "ANN.LEE"][..]),
            ("ren\u{e9}", &["RENE\u{301}", "Ren\u{c9}"]),
            ("strasse", &["Stra\u{df}e", "STRA\u{1e9e}E", "STRASSE"]),
            ("k1", &["\u{212a}1"]),
            ("i\u{307}x", &["\u{130}x"]),
            ("\u{3bf}\u{3c3}", &["\u{39f}\u{3a3}", "\u{3bf}\u{3c2}"]),
        ] {
            for written in written {
                assert_eq!(key(Kind::Username, written).as_deref(), Some(folded), "{written}");
            }
        }
        assert_ne!(key(Kind::Username, "\u{131}x"), key(Kind::Username, "ix"));
        assert_eq!(key(Kind::Username, &"\u{10400}".repeat(64)).map(|key| key.chars().count()), Some(64));
        assert_eq!(key(Kind::Username, "007").as_deref(), Some("007"));
    }

    #[test]
    fn a_user_name_has_no_sign_of_another_kind() {
        let long = "a".repeat(65);
        for text in [
            "",
            ".",
            "a.",
            "-a",
            "a..b",
            "a b",
            "a@b",
            "+1",
            "a\u{200d}b",
            "a\u{0}",
            "a/b",
            "\u{202e}a",
            "\u{301}",
            &long,
        ] {
            assert_eq!(key(Kind::Username, text), None, "{text:?}");
        }
        assert_eq!(key(Kind::Username, &"a".repeat(1_000_000)), None);
    }

    #[test]
    fn what_is_typed_has_one_kind() {
        assert_eq!(Kind::of_typed("ann@example.com"), Kind::Email);
        assert_eq!(Kind::of_typed(" +49 30 1234567"), Kind::Phone);
        assert_eq!(Kind::of_typed("ann"), Kind::Username);
        assert_eq!(Kind::of_typed("49301234567"), Kind::Username);
    }

    #[test]
    fn an_address_has_a_local_part_and_a_domain() {
        for email in [
            "a@b",
            "ann@example.com",
            "ann+tag@mail.example.com",
            "\u{e4}@ex\u{e4}mple.com",
            "o'neil@example.com",
        ] {
            assert!(is_email(email), "{email}");
        }
        let long_local = format!("{}@example.com", "a".repeat(65));
        let long = format!("a@{}", "b.".repeat(127) + "c");
        for email in [
            "",
            "@",
            "a",
            "a@",
            "@b",
            "a@b@c",
            "a b@c",
            "a@b c",
            "a\n@b",
            "a@b..c",
            "a@.b",
            &long_local,
            &long,
        ] {
            assert!(!is_email(email), "{email:?}");
        }
    }

    #[test]
    fn one_mailbox_has_one_key() {
        for (key, written) in [
            (
                "ann@example.com",
                &["Ann@Example.com", "ANN@EXAMPLE.COM", "ann@ｅｘａｍｐｌｅ.com", "ann@example。com"][..],
            ),
            ("k@example.com", &["K@example.com", "\u{212a}@example.com"]),
            ("\u{e9}@example.com", &["e\u{301}@example.com", "E\u{301}@example.com", "\u{c9}@example.com"]),
            ("\u{e5}@example.com", &["\u{212b}@example.com", "A\u{30a}@example.com"]),
            ("\u{3c9}@example.com", &["\u{2126}@example.com", "\u{3a9}@example.com"]),
            ("οδυσσευς@example.com", &["ΟΔΥΣΣΕΥΣ@example.com", "Οδυσσευς@Example.com"]),
            ("i\u{307}x@example.com", &["\u{130}x@example.com", "I\u{307}x@example.com"]),
            ("\u{ff41}@example.com", &["\u{ff21}@example.com"]),
            (
                "a@xn--bcher-kva.example",
                &["a@b\u{fc}cher.example", "a@BU\u{308}CHER.example", "A@XN--BCHER-KVA.EXAMPLE"],
            ),
            ("a@_dmarc.example", &["a@_DMARC.example"]),
            ("a@[192.0.2.1]", &["A@[192.0.2.1]"]),
        ] {
            assert_eq!(email_key(key), key);
            for written in written {
                assert_eq!(email_key(written), key, "{written}");
            }
        }
    }

    #[test]
    fn two_mailboxes_have_two() {
        let apart = [
            "ix@example.com",
            "\u{130}x@example.com",
            "\u{131}x@example.com",
            "strasse@example.com",
            "stra\u{df}e@example.com",
            "a@strasse.example",
            "a@stra\u{df}e.example",
            "a@example.com",
            "\u{ff21}@example.com",
        ];
        for (n, one) in apart.iter().enumerate() {
            for other in apart.iter().skip(n + 1) {
                assert_ne!(email_key(one), email_key(other));
            }
        }
    }

    #[test]
    fn every_text_has_a_key_of_bounded_size() {
        for text in ["", "@", "a@", "@b", "a@xn--a", "a@\u{ad}", "a@-b-.c", "a@b..c"] {
            assert_eq!(email_key(&email_key(text)), email_key(text), "{text:?}");
        }
        // One character of this domain stands for eighteen.
        assert!(email_key(&format!("a@{}", "\u{fdfa}".repeat(80))).len() < 1000);
    }

    proptest! {
        #[test]
        fn a_name_in_its_own_key_is_the_same(text in "\\PC{0,20}", kind in 0usize..4) {
            let kind = Kind::ALL[kind];
            if let Some(first) = key(kind, &text) {
                let shown = if kind == Kind::Phone { format!("+{first}") } else { first.clone() };
                // A mark that folding has taken off a letter is none by itself: i with a dot above of İ.
                let again = key(kind, &shown);
                prop_assert!(again.is_none_or(|again| again == first));
            }
        }

        #[test]
        fn a_key_is_its_own_key(local in "\\PC{0,20}", domain in "\\PC{0,20}") {
            let key = email_key(&format!("{local}@{domain}"));
            prop_assert_eq!(email_key(&key), key);
        }

        #[test]
        fn composed_or_not_and_in_capitals_or_not(email in "[a-zäöüéñçåøæðþœšž]{1,20}@[a-zäöüé]{1,10}[.]example") {
            let decomposed: String = icu_normalizer::DecomposingNormalizerBorrowed::new_nfd().normalize(&email).into_owned();
            prop_assert_eq!(email_key(&decomposed), email_key(&email));
            prop_assert_eq!(email_key(&email.to_uppercase()), email_key(&email));
        }
    }
}
