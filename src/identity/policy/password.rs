//! What a new password must be like, and when an old one has to be changed.

use std::borrow::Cow;

use zxcvbn::feedback::Warning;
use zxcvbn::{Entropy, Score, zxcvbn};

use crate::identity::policy::{Policy, breached, common, similar};
use crate::kernel::crypto::password::{Password, Typed, Unfit};
use crate::kernel::outcome::{Answer, ErrorCode, Mistake, Refusal};
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::value::clock::Timestamp;

/// What is wrong with a password.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// It has more characters or bytes than a password may have.
    TooLong,
    /// It has a control or an invisible character.
    Character,
    /// It has too few characters.
    TooShort,
    /// It is made of the user's names.
    Similar,
    /// It is in a list of common passwords.
    Common,
    /// It is known from a breach.
    Breached,
    /// Its score is too low.
    Guessable,
}

impl Fault {
    /// The word for programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TooLong => "too_long",
            Self::Character => "character",
            Self::TooShort => "too_short",
            Self::Similar => "similar",
            Self::Common => "common",
            Self::Breached => "breached",
            Self::Guessable => "guessable",
        }
    }

    /// What to do.
    fn advice(self, policy: &Policy) -> Cow<'static, str> {
        match self {
            Self::TooLong => "use at most 1024 characters and 4096 bytes".into(),
            Self::Character => "leave out control characters and invisible ones".into(),
            Self::TooShort => format!("use at least {} characters", policy.password_min_length).into(),
            Self::Similar => "use something else than your own names and addresses".into(),
            Self::Common => "choose one that is not in everybody's list of common passwords".into(),
            Self::Breached => "choose one that is not known from a breach of another site".into(),
            Self::Guessable => "make it harder to guess, with another word or two".into(),
        }
    }
}

/// What there is to say of a password.
pub struct Verdict {
    /// What is wrong with it, in the order in which one would say so.
    pub faults: Vec<Fault>,
    /// How hard it is to guess; None where it is none.
    pub entropy: Option<Entropy>,
    /// As it was typed and as it is hashed, where nothing is wrong with it.
    pub accepted: Option<(Typed, Password)>,
}

impl Verdict {
    /// Of what is no password.
    fn unfit(fault: Fault) -> Self {
        Self { faults: vec![fault], entropy: None, accepted: None }
    }

    /// The refusal that the faults come to.
    pub fn refusal(&self, policy: &Policy) -> Refusal {
        let advice: Vec<_> = self.faults.iter().map(|fault| fault.advice(policy)).collect();
        Refusal { description: advice.join("; ").into(), ..Refusal::new(ErrorCode::PasswordRejected, "") }
    }
}

/// Judges what was typed as a new password. `names` are all that the user is called, as they are stored.
pub fn judge<S: AsRef<str>>(
    snapshot: &Snapshot,
    policy: &Policy,
    names: &[S],
    password: &str,
) -> Result<Verdict, Mistake> {
    let Some(typed) = Typed::new(password) else { return Ok(Verdict::unfit(Fault::TooLong)) };
    let prepared = match Password::new(&typed) {
        Err(Unfit::TooLong) => return Ok(Verdict::unfit(Fault::TooLong)),
        Err(Unfit::Character) if !password.is_empty() => return Ok(Verdict::unfit(Fault::Character)),
        prepared => prepared.ok(),
    };
    let text = prepared.as_ref().map_or(typed.text(), Password::text);
    let entropy = zxcvbn(affordable(text), &words(names));
    let least = usize::try_from(policy.password_min_length).unwrap_or(usize::MAX);
    let is_common = policy.password_check_common && (is_listed(&entropy) || common::has(snapshot, text)?);
    let is_breached = policy.password_check_breached && breached::has(snapshot, text)?;
    let faults = [
        (Fault::TooShort, prepared.is_none() || text.chars().count() < least),
        (Fault::Similar, policy.password_check_similarity && similar::is_of_names(names, text)),
        (Fault::Common, is_common),
        (Fault::Breached, is_breached),
        (Fault::Guessable, score(&entropy) < policy.password_min_score),
    ];
    let faults: Vec<_> = faults.into_iter().filter_map(|(fault, is_so)| is_so.then_some(fault)).collect();
    let accepted = prepared.filter(|_| faults.is_empty()).map(|password| (typed, password));
    Ok(Verdict { faults, entropy: Some(entropy), accepted })
}

/// The score, 0 to 4.
pub fn score(entropy: &Entropy) -> i32 {
    u8::from(entropy.score()).into()
}

/// What was typed and the password that it is, or the refusal of one that breaks a rule of the tenant, with what to do
/// about each: see [`judge`].
pub fn check<S: AsRef<str>>(
    snapshot: &Snapshot,
    policy: &Policy,
    names: &[S],
    password: &str,
) -> Answer<(Typed, Password)> {
    let mut verdict = judge(snapshot, policy, names, password)?;
    Ok(verdict.accepted.take().ok_or_else(|| verdict.refusal(policy)))
}

/// Whether a password has to be changed before it is good for anything else: because somebody has said so, or because
/// it is older than the tenant allows.
pub fn must_change(now: Timestamp, policy: &Policy, said: bool, changed_at: Timestamp) -> bool {
    let age = policy.password_max_age;
    said || age > 0 && changed_at.plus_seconds(age) <= now
}

/// The words of the names, which a guesser would begin with. zxcvbn takes their ranks from their order, and costs more
/// with each.
fn words<S: AsRef<str>>(names: &[S]) -> Vec<&str> {
    let whole = names.iter().map(AsRef::as_ref);
    let parts = whole.clone().flat_map(|name| name.split(|letter: char| !letter.is_alphanumeric()));
    let known = |text: &&str| (3..=100).contains(&text.len());
    whole.chain(parts).filter(known).take(50).collect()
}

/// The signs that zxcvbn takes for each of twelve letters; twice where it takes one sign for a second letter.
const SIGNS: [&str; 12] = ["4@", "8", "({[<", "3", "69", "1!|", "11||7", "0", "$5", "+77", "%", "2"];

/// How often zxcvbn may look into a password: twice as often as into a hundred letters, the most that it reads.
const MAX_LOOKS: usize = 20_000;

/// As much of the beginning of a password as can be judged in milliseconds: zxcvbn looks at each part of it with each
/// choice of letters that its signs may stand for, a thousand of them where it has them all, which takes seconds. The
/// beginning is guessed no later than the whole.
fn affordable(text: &str) -> &str {
    let mut signs = String::new();
    let mut choices = 1;
    for (n, (at, letter)) in (1_usize..).zip(text.char_indices()) {
        if SIGNS.iter().any(|of_letter| of_letter.contains(letter)) && !signs.contains(letter) {
            signs.push(letter);
            let found =
                |of_letter: &&str| of_letter.chars().filter(|sign| signs.contains(*sign)).count().max(1);
            choices = SIGNS.iter().map(found).product();
        }
        if n * n * choices > MAX_LOOKS {
            return text.get(..at).unwrap_or(text);
        }
    }
    text
}

/// Whether the whole password is one of the 30,000 most common that zxcvbn knows, backwards and with signs for letters
/// too.
fn is_listed(entropy: &Entropy) -> bool {
    let warning = entropy.feedback().and_then(|feedback| feedback.warning());
    entropy.sequence().len() == 1
        && entropy.score() < Score::Three
        && matches!(
            warning,
            Some(
                Warning::ThisIsATop10Password
                    | Warning::ThisIsATop100Password
                    | Warning::ThisIsACommonPassword
                    | Warning::ThisIsSimilarToACommonlyUsedPassword
            )
        )
}

#[cfg(test)]
mod tests {
    use super::{affordable, is_listed, must_change, words};
    use crate::identity::policy::Policy;
    use crate::kernel::value::clock::Timestamp;
    use zxcvbn::zxcvbn;

    #[test]
    fn common_passwords_are_known_without_a_list() {
        for password in
            ["password", "Password", "P@ssw0rd", "drowssap", "qwertyuiop", "iloveyou", "baseball1"]
        {
            assert!(is_listed(&zxcvbn(password, &[])), "{password}");
        }
        for password in ["", "correct horse battery staple", "password and a horse", "Tr0ub4dour&3x"] {
            assert!(!is_listed(&zxcvbn(password, &[])), "{password}");
        }
    }

    #[test]
    fn what_takes_long_to_judge_is_judged_by_its_beginning() {
        for whole in
            ["", "P@ssw0rd", "Tr0ub4dour&3x", "1234567890123456789012345678901234567890", "J\u{fc}rgen"]
        {
            assert_eq!(affordable(whole), whole);
        }
        let every_sign = "4@8({[<369&1!7|0$5+7%2";
        assert!((12..20).contains(&affordable(every_sign).len()));
        assert_eq!(affordable(&every_sign.repeat(50)), affordable(every_sign));
        assert_eq!(affordable(&"\u{fc}".repeat(1000)).chars().count(), 141);
    }

    #[test]
    fn a_name_comes_whole_and_in_words() {
        let names = ["ann.smith@example.com", "J\u{fc}rgen"];
        let found = words(&names);
        assert_eq!(
            found,
            ["ann.smith@example.com", "J\u{fc}rgen", "ann", "smith", "example", "com", "J\u{fc}rgen"]
        );
        assert_eq!(words(&vec!["abc"; 1000]).len(), 50);
    }

    #[test]
    fn an_age_counts_from_the_change() {
        let aged = |age| Policy { password_max_age: age, ..Policy::default() };
        let changed = Timestamp::from_unix_millis(1_000_000);
        let after = |seconds: i32| changed.plus_seconds(seconds);
        assert!(!must_change(after(59), &aged(60), false, changed));
        assert!(must_change(after(60), &aged(60), false, changed));
        assert!(!must_change(after(1_000_000), &aged(0), false, changed));
        assert!(must_change(after(0), &aged(0), true, changed));
    }
}
