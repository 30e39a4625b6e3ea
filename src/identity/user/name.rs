//! The keys of names: one text for all spellings of one mailbox. The key is made here and stored, and not by the
//! database's lower(), which follows the collation of whatever database a dump is loaded into.
//!
//! A key is for comparing only. Mail goes to the address as it was given: what folds to one key may be two
//! mailboxes at a provider that tells them apart.

use std::borrow::Cow;

use icu_normalizer::ComposingNormalizerBorrowed;
use idna::AsciiDenyList;

/// The longest domain, in bytes (RFC 1035 section 3.1, without its end).
const MAX_DOMAIN: usize = 253;

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
    use super::email_key;
    use proptest::prelude::*;

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
