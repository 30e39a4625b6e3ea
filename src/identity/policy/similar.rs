//! Whether a password is made of the user's own names: whoever attacks one user tries those first.
//!
//! A character of the password counts as a name's where four in a row around it stand in a name, forwards or backwards,
//! whatever their case, with digits and signs read as the letters they are typed for. If the names have half of the
//! password, it is theirs. So a long phrase may have a name in it, and a name with a year behind it is refused.

use std::collections::HashSet;

/// How many characters in a row are something of a name.
const RUN: usize = 4;

/// The most names that are looked at, and the most characters of one.
const MAX_NAMES: usize = 50;
const MAX_NAME: usize = 255;

type Run = [char; RUN];

/// Whether the names have half of the password or more.
pub fn is_of_names<S: AsRef<str>>(names: &[S], password: &str) -> bool {
    let password: Vec<_> = folded(password).collect();
    let mut known = HashSet::new();
    for name in names.iter().take(MAX_NAMES) {
        let mut name: Vec<_> = folded(name.as_ref()).take(MAX_NAME).collect();
        known.extend(runs(&name));
        name.reverse();
        known.extend(runs(&name));
    }
    let (mut of_names, mut end) = (0, 0);
    for (start, run) in runs(&password).enumerate() {
        if known.contains(&run) {
            // From the end of the former run on: what two runs share counts once.
            of_names += start + RUN - end.max(start);
            end = start + RUN;
        }
    }
    of_names > 0 && of_names * 2 >= password.len()
}

fn runs(text: &[char]) -> impl Iterator<Item = Run> {
    text.windows(RUN).filter_map(|run| run.try_into().ok())
}

/// Without case, and with letters for the signs that are typed in their place.
fn folded(text: &str) -> impl Iterator<Item = char> {
    text.chars().flat_map(char::to_lowercase).map(|letter| match letter {
        '@' | '4' => 'a',
        '3' => 'e',
        '1' | '!' | 'l' | '|' => 'i',
        '0' => 'o',
        '5' | '$' => 's',
        '7' | '+' => 't',
        other => other,
    })
}

#[cfg(test)]
mod tests {
    use super::is_of_names;

    #[test]
    fn names_in_other_clothes_are_known() {
        let names = ["Annalena.Berger@example.com", "+49 170 1234567", "Jürgen"];
        for password in [
            "annalena",
            "ANNALENA",
            "annalena99",
            "4nn4l3n4!",
            "anelanna1",
            "berger2024",
            "exampleexample",
            "1701234567",
            "7654321071",
            "annalenaberger",
            "jürgen-1",
            "nnalen",
            "example.com1",
            "xxannalenaxx",
        ] {
            assert!(is_of_names(&names, password), "{password}");
        }
    }

    #[test]
    fn a_name_within_a_phrase_is_fine() {
        let names = ["Annalena.Berger@example.com", "Bo", ""];
        for password in [
            "",
            "ann",
            "berger and the four horses",
            "correct horse battery staple",
            "xkcd-berger-936-q",
            "example of a good phrase",
        ] {
            assert!(!is_of_names(&names, password), "{password}");
        }
        assert!(!is_of_names::<&str>(&[], "annalena"));
    }

    #[test]
    fn runs_that_overlap_count_once() {
        // Six of thirteen characters, in three runs.
        assert!(!is_of_names(&["berger"], "berger-123456"));
        assert!(is_of_names(&["berger"], "berger-12345"));
    }
}
