//! The answers of a real browser (`tests/vectors/webauthn.json`), as they are and altered, and what each rule of Web
//! Authentication level 3 sections 7.1 and 7.2 refuses.
#![allow(clippy::unwrap_used)]

use base64::Engine;
use proptest::prelude::*;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::authenticator_data::tests::data;
use super::cose::Key;
use super::{Answer, Assertion, BASE64URL, Expected, Problem, Registration, is_localhost};
use crate::kernel::value::hex::hex;

const VECTORS: &str = include_str!("../../../tests/vectors/webauthn.json");

fn bytes(value: &Value) -> Option<Vec<u8>> {
    value.as_str().and_then(|text| BASE64URL.decode(text).ok())
}

/// What is wrong with a vector, by the steps that the domain takes; None: it is good.
fn judged(vector: &Value) -> Option<String> {
    let origins = [vector["origin"].as_str().unwrap().to_owned()];
    let expected = Expected {
        rp_id: vector["rpId"].as_str().unwrap(),
        origins: &origins,
        localhost: false,
        cross_origin: false,
        user_verification: vector["user_verification"] == "required",
    };
    let answer = match Answer::read(vector["response"].clone()) {
        Ok(answer) => answer,
        Err(problem) => return Some(format!("{problem:?}")),
    };
    if answer.challenge().map(Vec::from) != bytes(&vector["challenge"]) {
        return Some("challenge".to_owned());
    }
    let due = &vector["expected"];
    if vector["kind"] == "registration" {
        match answer.registration(&expected) {
            Ok(found) => {
                // The altered vectors say a reason and nothing else.
                if due["ok"] == true {
                    agrees(&found, due);
                }
                None
            }
            Err(problem) => Some(format!("{problem:?}")),
        }
    } else {
        match answer.assertion(&expected) {
            Ok(found) => unsigned(&found, vector),
            Err(problem) => Some(format!("{problem:?}")),
        }
    }
}

fn agrees(found: &Registration, due: &Value) {
    assert_eq!(json!(found.algorithm), due["alg"]);
    assert_eq!(json!(found.format), due["fmt"]);
    assert_eq!(json!(found.sign_count), due["sign_count"]);
    assert_eq!(json!(found.transports), due["transports"]);
    assert_eq!(Some(&found.credential_id), bytes(&due["credential_id"]).as_ref());
    assert_eq!(Some(&found.public_key), bytes(&due["public_key_cose"]).as_ref());
    assert_eq!(json!(hex(&found.aaguid)), due["aaguid"]);
    assert_eq!(
        json!([found.user_verified, found.backup_eligible, found.backed_up]),
        json!([due["uv"], due["be"], due["bs"]])
    );
}

fn unsigned(found: &Assertion, vector: &Value) -> Option<String> {
    let (credential, due) = (&vector["credential"], &vector["expected"]);
    let key = Key::of(&bytes(&credential["public_key_cose"]).unwrap()).unwrap();
    assert_eq!(json!(key.algorithm()), credential["alg"]);
    if !found.is_signed_by(&key) {
        return Some("signature".to_owned());
    }
    if u64::from(found.sign_count) <= credential["sign_count"].as_u64().unwrap() {
        return Some("counter".to_owned());
    }
    if due["ok"] == true {
        assert_eq!(json!(found.sign_count), due["sign_count"]);
        assert_eq!(found.user_handle, bytes(&due["user_handle"]));
        assert_eq!(
            json!([found.user_verified, found.backup_eligible, found.backed_up]),
            json!([due["uv"], due["be"], due["bs"]])
        );
    }
    None
}

/// The reasons of the vectors that must be refused, as they are found here.
#[test]
fn every_vector_is_judged_as_it_says() {
    let vectors: Vec<Value> = serde_json::from_str(VECTORS).unwrap();
    assert_eq!(vectors.len(), 47);
    let mut refused = 0;
    for vector in &vectors {
        let (name, found) = (&vector["name"], judged(vector));
        let due = &vector["expected"];
        assert_eq!(found.is_none(), due["ok"] == true, "{name}: {found:?}");
        if let (Some(found), Some(reason)) = (found, due["reason"].as_str()) {
            refused += 1;
            let reason = match reason {
                "challenge differs" => "challenge",
                "origin differs" => "Origin",
                "rpIdHash differs" => "RelyingParty",
                "signature" => "signature",
                "sign count" => "counter",
                "type" => "Type",
                "UV" => "User",
                "id" => "Malformed(\"rawId\")|Malformed(\"id\")",
                "CBOR" => "Malformed(\"attestationObject\")",
                "shape" => "Malformed|Type|challenge",
                _ => "Algorithm",
            };
            assert!(reason.split('|').any(|reason| found.contains(reason)), "{name}: {found}, not {reason}");
        }
    }
    assert_eq!(refused, 21);
}

const RP: &str = "example.com";
const ORIGIN: &str = "https://login.example.com";

/// An answer of such a type, flags and further client data; registrations and log-ins have the same members here.
fn answer(r#type: &str, flags: u8, more: Value) -> Answer {
    let mut client = json!({ "type": r#type, "challenge": BASE64URL.encode([5; 32]), "origin": ORIGIN });
    for (name, value) in more.as_object().unwrap() {
        client[name] = value.clone();
    }
    let hash = Sha256::digest(RP.as_bytes());
    let attested = [&hash[..], &data(flags | 0x40, b"id")[32..]].concat();
    let length = u16::try_from(attested.len()).unwrap().to_be_bytes();
    let object = [
        &[0xa3, 0x63][..],
        b"fmt",
        &[0x64],
        b"none",
        &[0x67],
        b"attStmt",
        &[0xa0, 0x68],
        b"authData",
        &[0x59],
        &length,
        &attested,
    ]
    .concat();
    let text = |bytes: &[u8]| BASE64URL.encode(bytes);
    Answer::read(json!({
        "id": text(b"id"), "rawId": text(b"id"), "type": "public-key",
        "response": {
            "clientDataJSON": text(client.to_string().as_bytes()),
            "attestationObject": text(&object),
            "authenticatorData": text(&[&hash[..], &[flags, 0, 0, 0, 0]].concat()),
            "signature": text(&[1; 64]),
        },
    }))
    .unwrap()
}

fn expected(origins: &[String]) -> Expected<'_> {
    Expected { rp_id: RP, origins, localhost: false, cross_origin: false, user_verification: false }
}

/// What both ceremonies find wrong.
fn problem(flags: u8, more: Value, expected: &Expected<'_>) -> Option<Problem> {
    let registration = answer("webauthn.create", flags, more.clone()).registration(expected).err();
    assert_eq!(registration, answer("webauthn.get", flags, more).assertion(expected).err());
    registration
}

/// Sections 7.1 and 7.2: "Verify that the value of C.type is …".
#[test]
fn each_ceremony_has_its_type() {
    let origins = [ORIGIN.to_owned()];
    let expected = expected(&origins);
    assert_eq!(problem(1, json!({}), &expected), None);
    assert_eq!(answer("webauthn.get", 1, json!({})).registration(&expected).err(), Some(Problem::Type));
    assert_eq!(answer("webauthn.create", 1, json!({})).assertion(&expected).err(), Some(Problem::Type));
}

/// Sections 7.1, 7.2 and 13.4.9: the origin is one of those expected, without any matching of suffixes.
#[test]
fn the_origin_is_compared_as_it_is() {
    let origins = ["https://a.example".to_owned(), ORIGIN.to_owned()];
    let expected = expected(&origins);
    for origin in [
        "https://example.com",
        "https://login.example.com.",
        "https://login.example.com:443",
        "https://LOGIN.example.com",
        "http://login.example.com",
        "https://x.login.example.com",
        "https://login.example.com/",
        "https://login.example.com.evil.example",
        "",
        "null",
        "http://localhost",
    ] {
        assert_eq!(problem(1, json!({ "origin": origin }), &expected), Some(Problem::Origin), "{origin}");
    }
    assert_eq!(problem(1, json!({ "origin": "https://a.example" }), &expected), None);
}

#[test]
fn localhost_has_any_port_and_is_taken_by_a_setting() {
    for origin in ["http://localhost", "http://localhost:1", "http://localhost:65535"] {
        assert!(is_localhost(origin), "{origin}");
        let local = Expected { localhost: true, ..expected(&[]) };
        assert_eq!(problem(1, json!({ "origin": origin }), &local), None);
        assert_eq!(problem(1, json!({ "origin": origin }), &expected(&[])), Some(Problem::Origin));
    }
    for origin in [
        "https://localhost",
        "http://localhost:",
        "http://localhost:0x1",
        "http://localhost:65536",
        "http://localhost.example",
        "http://localhost:1/",
        "http://localhost:+1",
        "http://localhost0",
        "http://localhost:01",
        "http://127.0.0.1",
        "http://a.localhost",
    ] {
        assert!(!is_localhost(origin), "{origin}");
    }
}

/// Sections 7.1 and 7.2: crossOrigin and topOrigin, where the relying party expects to be framed and by whom.
#[test]
fn a_frame_of_another_origin_is_refused_unless_expected() {
    let origins = [ORIGIN.to_owned(), "https://top.example".to_owned()];
    let plain = expected(&origins);
    let framed = Expected { cross_origin: true, ..expected(&origins) };
    for (more, by_framed) in [
        (json!({ "crossOrigin": true }), None),
        (json!({ "crossOrigin": true, "topOrigin": "https://top.example" }), None),
        (json!({ "topOrigin": "https://top.example" }), None),
        (json!({ "crossOrigin": true, "topOrigin": "https://evil.example" }), Some(Problem::Origin)),
    ] {
        assert_eq!(problem(1, more.clone(), &plain), Some(Problem::Origin), "{more}");
        assert_eq!(problem(1, more.clone(), &framed), by_framed, "{more}");
    }
    assert_eq!(problem(1, json!({ "crossOrigin": false }), &plain), None);
}

/// Sections 7.1 and 7.2: rpIdHash is the SHA-256 of the RP ID, not of a suffix or a domain below.
#[test]
fn the_relying_party_is_the_tenants() {
    let origins = [ORIGIN.to_owned()];
    for rp_id in ["com", "login.example.com", "example.org", "EXAMPLE.com", ""] {
        let other = Expected { rp_id, ..expected(&origins) };
        assert_eq!(problem(1, json!({}), &other), Some(Problem::RelyingParty), "{rp_id}");
    }
}

/// Sections 7.1 and 7.2: UP always, UV where it is required, BS only with BE.
#[test]
fn the_flags_are_those_demanded() {
    let origins = [ORIGIN.to_owned()];
    let lax = expected(&origins);
    let strict = Expected { user_verification: true, ..expected(&origins) };
    for (flags, by_lax, by_strict) in [
        (0x00, Some(Problem::User), Some(Problem::User)),
        (0x04, Some(Problem::User), Some(Problem::User)),
        (0x01, None, Some(Problem::User)),
        (0x05, None, None),
        (0x15, Some(Problem::Backup), Some(Problem::Backup)),
        (0x0d, None, None),
        (0x1d, None, None),
    ] {
        assert_eq!(problem(flags, json!({}), &lax), by_lax, "{flags:x}");
        assert_eq!(problem(flags, json!({}), &strict), by_strict, "{flags:x}");
    }
}

/// An answer that is read with one member put in place of another, or with none.
fn altered(path: &str, value: Option<Value>) -> Result<Answer, Problem> {
    let vectors: Vec<Value> = serde_json::from_str(VECTORS).unwrap();
    let mut response = vectors[0]["response"].clone();
    let (parent, name) = path.rsplit_once('/').unwrap();
    let members = response.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    match value {
        Some(value) => members.insert(name.to_owned(), value),
        None => members.remove(name),
    };
    Answer::read(response)
}

/// Section 5.1: what the three members say must agree; padding is let pass, standard base64 is not.
#[test]
fn the_members_of_the_json_agree() {
    for path in ["/id", "/rawId", "/type", "/response", "/response/clientDataJSON"] {
        for value in [None, Some(json!(null)), Some(json!(7)), Some(json!("")), Some(json!({}))] {
            assert!(matches!(altered(path, value), Err(Problem::Malformed(_))), "{path}");
        }
    }
    for path in ["/clientExtensionResults", "/response/transports", "/authenticatorAttachment"] {
        assert!(altered(path, None).is_ok(), "{path}");
    }
    assert!(altered("/response/unknown", Some(json!([1]))).is_ok());
    assert!(altered("/type", Some(json!("password"))).is_err());
    let id = BASE64URL.encode([9; 32]);
    assert!(altered("/id", Some(json!(id))).is_err() && altered("/rawId", Some(json!(id))).is_err());
    let vectors: Vec<Value> = serde_json::from_str(VECTORS).unwrap();
    let id = vectors[0]["response"]["id"].as_str().unwrap();
    assert!(altered("/id", Some(json!(format!("{id}=")))).is_ok());
    let synced = vectors[13]["response"]["id"].as_str().unwrap();
    assert!(synced.contains('_'));
    let mut response = vectors[13]["response"].clone();
    response["id"] = json!(synced.replace('_', "/"));
    response["rawId"] = response["id"].clone();
    assert!(Answer::read(response).is_err());
    for transports in [json!(null), json!([]), json!(["usb", "nfc", 7, "Ü", "x".repeat(33), "smart-card"])] {
        assert!(altered("/response/transports", Some(transports)).is_ok());
    }
    assert!(altered("/response/transports", Some(json!("usb"))).is_err());
}

#[test]
fn the_parts_have_bounds() {
    let large = |bytes: usize| Some(json!(BASE64URL.encode(vec![0xa0; bytes])));
    let found = |answer: Result<Answer, Problem>| {
        let origins = ["http://localhost:40953".to_owned()];
        let expected = Expected { rp_id: "localhost", ..expected(&origins) };
        answer.and_then(|answer| answer.registration(&expected)).err()
    };
    assert_eq!(
        found(altered("/response/attestationObject", large(16_385))),
        Some(Problem::Malformed("attestationObject"))
    );
    assert_eq!(
        found(altered("/response/attestationObject", None)),
        Some(Problem::Malformed("attestationObject"))
    );
    assert_eq!(altered("/id", large(1024)).err(), Some(Problem::Malformed("id")));
    let many = json!(vec!["usb"; 100]);
    let origins = ["http://localhost:40953".to_owned()];
    let expected = Expected { rp_id: "localhost", ..expected(&origins) };
    let read = altered("/response/transports", Some(many)).unwrap().registration(&expected).unwrap();
    assert_eq!(read.transports.len(), super::MAX_TRANSPORTS);
}

proptest! {
    /// A browser's answer with any bytes in one of its members.
    #[test]
    fn any_member_is_an_answer(member in 0_usize..4, any: Vec<u8>, text: String, plain: bool) {
        let vectors: Vec<Value> = serde_json::from_str(VECTORS).unwrap();
        let origins = ["http://localhost:40953".to_owned()];
        let expected = Expected { rp_id: "localhost", ..expected(&origins) };
        let value = if plain { text } else { BASE64URL.encode(&any) };
        for vector in &vectors[..2] {
            let mut response = vector["response"].clone();
            let name = ["clientDataJSON", "attestationObject", "authenticatorData", "signature"][member];
            response["response"][name] = json!(value);
            let read = Answer::read(response.clone());
            let _ = read.and_then(|answer| answer.registration(&expected).map(|_| ()));
            if let Ok(assertion) = Answer::read(response).and_then(|answer| answer.assertion(&expected)) {
                let key = Key::of(&bytes(&vectors[1]["credential"]["public_key_cose"]).unwrap()).unwrap();
                // What no registration holds is signed by nobody.
                prop_assert!(member == 1 || !assertion.is_signed_by(&key));
            }
        }
    }

    /// One bit of what is signed changes, and it is not signed any more.
    #[test]
    fn any_altered_bit_is_found(at in 0_usize..2000, bit in 0_u8..8) {
        let vectors: Vec<Value> = serde_json::from_str(VECTORS).unwrap();
        for name in ["es256 1", "eddsa 1", "rs256 1"] {
            let mut vector = vectors.iter().find(|vector| vector["name"] == name).unwrap().clone();
            for member in ["clientDataJSON", "authenticatorData", "signature"] {
                let mut part = bytes(&vector["response"]["response"][member]).unwrap();
                let place = at % part.len();
                part[place] ^= 1 << bit;
                let altered = json!(BASE64URL.encode(&part));
                let whole = std::mem::replace(&mut vector["response"]["response"][member], altered);
                prop_assert!(judged(&vector).is_some(), "{} {} {}", name, member, place);
                vector["response"]["response"][member] = whole;
            }
        }
    }
}
