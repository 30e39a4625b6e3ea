//! Hashes made with the programs named in each row of tests/vectors/password_hashes.json: each is imported as
//! `password_import()` would be called, stored, and verified from what is stored.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use super::hash::Hash;
use super::import::{Imported, Request, recognize};
use super::{Cost, Password};
use super::{Needed, Pepper, Typed, Verdict, decoy, is_obsolete, make, needed_pepper, verify};
use crate::kernel::outcome::Mistake;

const TEXT: &str = include_str!("../../../../tests/vectors/password_hashes.json");

/// What a new hash costs where no setting says another.
const COST: Cost = Cost { memory: 19 * 1024, passes: 2, lanes: 1 };

fn rows() -> &'static [Value] {
    static ROWS: LazyLock<Vec<Value>> = LazyLock::new(|| serde_json::from_str(TEXT).unwrap());
    &ROWS
}

fn request(row: &Value) -> Request<'_> {
    let arguments = &row["import"];
    Request {
        hash: row["hash"].as_str().unwrap(),
        format: arguments["format"].as_str(),
        normalization: arguments["normalization"].as_str(),
        pepper: arguments["pepper"].as_str(),
        parameters: arguments.get("parameters"),
    }
}

fn stored(imported: Imported) -> (String, Option<Vec<u8>>) {
    let pepper = imported.pepper().map(<[u8]>::to_vec);
    let text = imported.into_text(pepper.as_ref().map(|_| "of-the-test")).unwrap();
    (text, pepper)
}

/// What must come of a row: a refusal, or a verdict.
#[derive(PartialEq, Eq, Debug)]
enum Outcome {
    Refused,
    Verdict(Verdict),
}

fn expected(row: &Value) -> Outcome {
    let verifies = match row["expect"].as_str() {
        Some(expect) if expect.starts_with("refuse import") => return Outcome::Refused,
        Some(expect) if expect.starts_with("true") => true,
        Some(expect) if expect.starts_with("false") => false,
        // What is optional is in.
        Some("optional") | None => row["verifies"].as_bool().unwrap(),
        Some(other) => panic!("{other}"),
    };
    let is_trimmed = row["expect"].as_str().is_some_and(|expect| expect.contains("trimmed"));
    let is_long = row["password"].as_str().unwrap().len() > 72;
    let is_cut = is_trimmed || row["import"]["format"] == "bcrypt" && is_long;
    Outcome::Verdict(match verifies {
        false => Verdict::Wrong,
        true if is_cut => Verdict::Cut,
        true => Verdict::Right,
    })
}

fn outcome(row: &Value) -> Outcome {
    let imported = match recognize(request(row)) {
        Ok(imported) => imported,
        Err(Mistake::InvalidArgument { argument: "password_hash", .. }) => return Outcome::Refused,
        Err(other) => panic!("{other:?} of {row}"),
    };
    let (text, pepper) = stored(imported);
    assert!(is_obsolete(&text, COST, None), "{text}");
    assert_eq!(Hash::from_text(&text).map(|hash| hash.to_text()), Some(text.clone()));
    let typed = Typed::new(row["password"].as_str().unwrap()).unwrap();
    Outcome::Verdict(verify(&typed, &text, pepper.as_deref()).unwrap())
}

/// Two at a time, because a third of them takes long.
#[test]
fn every_hash_verifies_as_it_should() {
    let (rows, next) = (rows(), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(row) = rows.get(next.fetch_add(1, Ordering::Relaxed)) {
                    assert_eq!(outcome(row), expected(row), "{row}");
                }
            });
        }
    });
    assert!(next.into_inner() >= 222);
}

#[test]
fn every_format_has_a_hash_that_verifies() {
    let mut formats: BTreeMap<String, bool> = BTreeMap::new();
    for row in rows() {
        let verifies = matches!(expected(row), Outcome::Verdict(Verdict::Right | Verdict::Cut));
        *formats.entry(row["import"]["format"].as_str().unwrap().to_owned()).or_default() |= verifies;
    }
    assert_eq!((formats.len(), formats.values().all(|verifies| *verifies)), (27, true), "{formats:?}");
    let unknown = recognize(Request { format: Some("unknown"), ..request(&rows()[0]) });
    let Err(Mistake::InvalidArgument { argument: "format", accepted }) = unknown else { panic!() };
    assert!(formats.keys().all(|name| accepted.contains(name.as_str())), "{accepted}");
}

/// Without a format a hash is read as with the right one, or refused with that one among the choices.
#[test]
fn auto_is_right_or_names_the_choices() {
    for row in rows().iter().filter(|row| expected(row) != Outcome::Refused) {
        let named = request(row);
        match recognize(Request { format: Some("auto"), ..named }) {
            Ok(imported) => {
                let functions = [imported, recognize(named).ok().unwrap()].map(|imported| {
                    let hash = Hash::from_text(&stored(imported).0).unwrap();
                    (hash.function, hash.salt, hash.digest)
                });
                assert_eq!(functions[0], functions[1], "{row}");
            }
            Err(Mistake::InvalidArgument { argument: "format", accepted }) => {
                assert!(accepted.contains(named.format.unwrap()), "{accepted} for {row}");
            }
            Err(other) => panic!("{other:?} of {row}"),
        }
    }
}

fn refused(request: Request<'_>) -> (&'static str, String) {
    match recognize(request) {
        Err(Mistake::InvalidArgument { argument, accepted }) => (argument, accepted.into_owned()),
        Ok(imported) => panic!("{} is accepted", stored(imported).0),
        Err(other) => panic!("{other:?}"),
    }
}

const BCRYPT: &str = "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";
const NOTHING: Request<'_> =
    Request { hash: BCRYPT, format: None, normalization: None, pepper: None, parameters: None };

#[test]
fn costs_beyond_the_bounds_are_refused_before_any_work() {
    let key = "0".repeat(128);
    let (salt, digest) = ("MDEyMzQ1Njc4OWFiY2RlZg", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY");
    for hash in [
        format!("$argon2id$v=19$m=262145,t=1,p=1${salt}${digest}"),
        format!("$argon2id$v=19$m=4294967295,t=1,p=1${salt}${digest}"),
        format!("$argon2id$v=19$m=262144,t=5,p=1${salt}${digest}"),
        format!("$argon2i$v=19$m=64,t=17,p=1${salt}${digest}"),
        format!("$argon2d$v=19$m=512,t=1,p=17${salt}${digest}"),
        format!("$argon2id$v=19$m=8,t=1,p=2${salt}${digest}"),
        format!("$argon2id$v=19$m=64,t=0,p=1${salt}${digest}"),
        BCRYPT.replace("$05$", "$16$"),
        BCRYPT.replace("$05$", "$03$"),
        format!("scrypt:4194304:8:1$salt${key}"),
        format!("scrypt:2097152:8:1$salt${key}"),
        format!("scrypt:2:1:4194304$salt${key}"),
        format!("scrypt:16384:8:65536$salt${key}"),
        format!("scrypt:16384:4294967295:4294967295$salt${key}"),
        format!("scrypt:16384:0:1$salt${key}"),
        format!("$scrypt$ln=63,r=8,p=1${salt}${digest}"),
        format!("$scrypt$ln=16,r=1,p=1${salt}${digest}"),
        format!("$fbscrypt$v=1,n=40,r=8,p=1,ss=Bw==,sk={digest}=${salt}==${digest}="),
        format!("pbkdf2:sha256:10000001$salt${}", &key[..64]),
        format!("pbkdf2:sha256:5000001$salt${key}"),
        format!("pbkdf2:sha256:0$salt${}", &key[..64]),
        format!("pbkdf2:sha256:1000$${}", &key[..64]),
        format!("pbkdf2:sha256:1000$salt${}", &key[..30]),
        "$P$J12345678rdOUjDvdDtBu6Ii5jCP5t0".to_owned(),
        format!("$5$rounds=1000001$salt${}", "a".repeat(43)),
        format!("$6$rounds=999$salt${}", "a".repeat(86)),
        format!("SCRAM-SHA-256$10000001:{salt}==${digest}=:{digest}="),
    ] {
        assert_eq!(refused(Request { hash: &hash, ..NOTHING }).0, "password_hash", "{hash}");
    }
}

#[test]
fn arguments_that_mean_nothing_are_refused() {
    let object = serde_json::json!({ "rounds": 8 });
    let array = serde_json::json!([]);
    assert!(recognize(NOTHING).is_ok());
    assert_eq!(refused(Request { parameters: Some(&object), ..NOTHING }).0, "parameters");
    assert_eq!(refused(Request { parameters: Some(&array), ..NOTHING }).0, "parameters");
    assert_eq!(refused(Request { normalization: Some("NFD"), ..NOTHING }).0, "normalization");
    assert_eq!(refused(Request { format: Some("Bcrypt"), ..NOTHING }).0, "format");
    assert_eq!(refused(Request { format: Some(""), ..NOTHING }).0, "format");
    assert_eq!(
        refused(Request { hash: "$P$BBRmgUak0TBy4vVhFKcJiNRcRy2VPU.", pepper: Some("x"), ..NOTHING }).0,
        "pepper"
    );
    assert!(recognize(Request { pepper: Some(""), parameters: Some(&Value::Null), ..NOTHING }).is_ok());
    let long = format!("$6${}", "a".repeat(20_000));
    assert_eq!(refused(Request { hash: &long, ..NOTHING }).0, "password_hash");
}

#[test]
fn weak_kinds_are_told_what_to_do() {
    for hash in [
        "5f4dcc3b5aa765d61d8327deb882cf99",
        "{SSHA}U3PPKf0ngOrl6V0Ov7yboTU52O3BWItx",
        "$1$salt$hash",
        "{noop}secret",
        "$2x$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        "sha1$salt$00",
    ] {
        let (argument, accepted) = refused(Request { hash, ..NOTHING });
        assert!(
            argument == "password_hash" && accepted.contains("reset") && accepted.contains("wrap"),
            "{hash}"
        );
    }
    for hash in ["", "!", "secret", "$", "$$", "$9$a$b", "{", "{}", "{\"salt\": 1}x", ":", "é"] {
        refused(Request { hash, ..NOTHING });
    }
}

#[test]
fn a_salt_keeps_bits_that_no_program_reads() {
    let (text, _) = stored(recognize(NOTHING).ok().unwrap());
    let odd = BCRYPT.replace("CCC.E5", "CCC/E5");
    assert_eq!(stored(recognize(Request { hash: &odd, ..NOTHING }).ok().unwrap()).0, text);
}

#[test]
fn an_own_password_verifies_and_is_new() {
    let cheap = Cost { memory: 64, passes: 1, lanes: 1 };
    let typed = |text| Typed::new(text).unwrap();
    let password = Password::new(&typed("pa\u{308}ss\u{a0}word")).unwrap();
    let stored = make(&password, cheap, None).unwrap();
    assert!(stored.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{stored}");
    assert_ne!(make(&password, cheap, None).unwrap(), stored);
    for (text, verdict) in [
        ("pa\u{308}ss\u{a0}word", Verdict::Right),
        ("p\u{e4}ss word", Verdict::Right),
        ("p\u{e4}ss word ", Verdict::Wrong),
        ("P\u{e4}ss word", Verdict::Wrong),
        ("", Verdict::Wrong),
        ("p\u{e4}ss word\0", Verdict::Wrong),
    ] {
        assert_eq!(verify(&typed(text), &stored, None).unwrap(), verdict, "{text:?}");
    }
    assert!(!is_obsolete(&stored, cheap, None));
    assert!(is_obsolete(&stored, COST, None));
    assert!(is_obsolete(&stored, cheap, Some("a")));
    assert!(is_obsolete("garbage", cheap, None));
    assert!(make(&password, Cost { memory: 1 << 20, ..cheap }, None).is_err());
}

#[test]
fn a_pepper_is_needed_and_not_stored() {
    let cheap = Cost { memory: 64, passes: 1, lanes: 1 };
    let typed = Typed::new("password").unwrap();
    let password = Password::new(&typed).unwrap();
    let stored = make(&password, cheap, Some(Pepper { name: "a.1", secret: b"needle" })).unwrap();
    assert!(!stored.contains("needle"));
    assert_eq!(needed_pepper(&stored).unwrap(), Needed::Own("a.1".into()));
    assert_eq!(verify(&typed, &stored, Some(b"needle")).unwrap(), Verdict::Right);
    assert_eq!(verify(&typed, &stored, Some(b"another")).unwrap(), Verdict::Wrong);
    assert!(verify(&typed, &stored, None).is_err());
    assert!(make(&password, cheap, Some(Pepper { name: "a 1", secret: b"needle" })).is_err());
    assert!(!is_obsolete(&stored, cheap, Some("a.1")));
}

#[test]
fn nobody_has_the_decoy() {
    let cheap = Cost { memory: 64, passes: 1, lanes: 1 };
    assert_eq!(verify(&Typed::new("password").unwrap(), &decoy(cheap), None).unwrap(), Verdict::Wrong);
    assert!(!is_obsolete(&decoy(cheap), cheap, None));
}

mod properties {
    use proptest::prelude::*;

    use super::{NOTHING, Request, Value, recognize, rows, stored};
    use crate::kernel::crypto::password::hash::Hash;

    fn formats() -> impl Strategy<Value = Option<String>> {
        let mut names: Vec<_> =
            rows().iter().map(|row| row["import"]["format"].as_str().map(str::to_owned)).collect();
        names.push(None);
        names.dedup();
        prop::sample::select(names)
    }

    fn read(hash: &str, format: Option<&str>, parameters: Option<&Value>) {
        let Ok(imported) = recognize(Request { hash, format, parameters, ..NOTHING }) else { return };
        let (text, _) = stored(imported);
        assert!(Hash::from_text(&text).is_some_and(|hash| hash.fits()), "{text}");
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(hash in "\\PC{0,120}", format in formats()) {
            read(&hash, format.as_deref(), None);
        }

        /// A real hash with a piece put in another place, so that the parsers get far.
        #[test]
        fn a_damaged_hash_is_read_or_refused(
            row in 0..222usize, at in 0..200usize, cut in 0..6usize, piece in "[$,:=|0-9a-zé{}\"]{0,3}",
        ) {
            let row = &rows()[row];
            let mut characters: Vec<char> = row["hash"].as_str().unwrap_or_default().chars().collect();
            let at = at.min(characters.len());
            let end = (at + cut).min(characters.len());
            characters.splice(at..end, piece.chars());
            let hash: String = characters.into_iter().collect();
            read(&hash, row["import"]["format"].as_str(), row["import"].get("parameters"));
            read(&hash, None, None);
        }

        #[test]
        fn any_parameters_are_read_or_refused(
            name in "(salt|memCost|rounds|signerKey|iterations|salt_length|algorithm|encoding|secret|other)",
            number in any::<i64>(), text in "\\PC{0,12}", is_number: bool, format in formats(),
        ) {
            let value = if is_number { Value::from(number) } else { Value::from(text) };
            let parameters = serde_json::json!({ name: value, "algorithm": "PBKDF2WithHmacSHA256", "salt": "AAAA" });
            read(&"0".repeat(96), format.as_deref(), Some(&parameters));
        }
    }
}
