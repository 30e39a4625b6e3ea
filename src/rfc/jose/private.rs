//! Private keys as they come from other programs: PEM (RFC 7468) or DER, in PKCS #8 (RFC 5208) or, of RSA, PKCS #1
//! (RFC 8017 appendix A.1.2), which `openssl genpkey -outform DER` of OpenSSL 3.0 writes too.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::signature::RsaKeyPair;
use zeroize::Zeroizing;

/// The longest text that is read, in bytes: that of a key of 4096 bits has some 3300.
const MAX_TEXT: usize = 16 * 1024;

/// rsaEncryption with its NULL, as PKCS #8 names the kind of a key.
const RSA_ENCRYPTION: [u8; 15] =
    [0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];

/// The key of a text, in PKCS #8: of PEM, or of DER in base64. None if it is neither.
pub fn read(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    if text.len() > MAX_TEXT {
        return None;
    }
    let encoded = match text.split_once("-----BEGIN ") {
        None => text,
        Some((_, rest)) => {
            let (label, rest) = rest.split_once("-----")?;
            // An encrypted key has another label, and is not opened.
            if !matches!(label, "PRIVATE KEY" | "RSA PRIVATE KEY") {
                return None;
            }
            rest.split_once("-----END ")?.0
        }
    };
    let mut compact = Zeroizing::new(String::with_capacity(encoded.len()));
    compact.extend(encoded.chars().filter(|c| !c.is_ascii_whitespace()));
    let mut der = Zeroizing::new(vec![0; compact.len()]);
    let length = STANDARD.decode_slice(compact.as_bytes(), &mut der).ok()?;
    der.truncate(length);
    Some(if RsaKeyPair::from_der(&der).is_ok() { wrapped(&der) } else { der })
}

/// A key of RSA in PKCS #8.
fn wrapped(pkcs1: &[u8]) -> Zeroizing<Vec<u8>> {
    const VERSION: [u8; 3] = [0x02, 0x01, 0x00];
    let key = element(0x04, &[pkcs1]);
    element(0x30, &[&VERSION, &RSA_ENCRYPTION, &key])
}

/// A value of DER (X.690 section 8.1) with these contents.
fn element(tag: u8, contents: &[&[u8]]) -> Zeroizing<Vec<u8>> {
    let length: usize = contents.iter().map(|part| part.len()).sum();
    // Room for all of it, so that no copy is left behind.
    let mut element = Zeroizing::new(Vec::with_capacity(length + 10));
    element.push(tag);
    if let Ok(short @ 0..=0x7f) = u8::try_from(length) {
        element.push(short);
    } else {
        let bytes = length.to_be_bytes();
        let bytes = bytes.get(bytes.iter().take_while(|byte| **byte == 0).count()..).unwrap_or_default();
        element.push(0x80 | u8::try_from(bytes.len()).unwrap_or(0));
        element.extend_from_slice(bytes);
    }
    contents.iter().for_each(|part| element.extend_from_slice(part));
    element
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{element, read};
    use crate::rfc::jose::alg::Alg;
    use crate::rfc::jose::sign::tests::RSA;
    use crate::rfc::jose::sign::{SigningKey, generate};
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;

    fn pem(label: &str, base64: &str) -> String {
        let lines: Vec<_> =
            base64.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
        format!("-----BEGIN {label}-----\r\n{}\n-----END {label}-----\n", lines.join("\n"))
    }

    #[test]
    fn every_form_of_a_key_is_the_same_key() {
        let pkcs8 = read(RSA).unwrap();
        let key = SigningKey::open(Alg::Rs256, &pkcs8).unwrap();
        for text in [
            pem("RSA PRIVATE KEY", RSA),
            pem("PRIVATE KEY", &STANDARD.encode(&pkcs8)),
            format!("Bag Attributes\n{}", pem("PRIVATE KEY", &STANDARD.encode(&pkcs8))),
            STANDARD.encode(&pkcs8),
        ] {
            let same = SigningKey::of(&read(&text).unwrap()).unwrap();
            assert_eq!((same.alg(), same.kid()), (Alg::Rs256, key.kid()));
        }
    }

    #[test]
    fn the_kind_of_a_key_is_found_out() {
        for alg in [Alg::Es256, Alg::EdDsa] {
            let pkcs8 = generate(alg).unwrap().unwrap();
            let key = SigningKey::of(&read(&pem("PRIVATE KEY", &STANDARD.encode(&pkcs8))).unwrap()).unwrap();
            assert_eq!(key.alg(), alg);
        }
        // RFC 8410 section 10.3, without its public key.
        let key = SigningKey::of(
            &read("MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC").unwrap(),
        );
        assert_eq!(key.unwrap().alg(), Alg::EdDsa);
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let pkcs8 = STANDARD.encode(read(RSA).unwrap());
        for text in [
            "",
            "-----BEGIN PRIVATE KEY-----",
            "é",
            "AAAA",
            &RSA[4..],
            &pem("PUBLIC KEY", &pkcs8),
            &pem("ENCRYPTED PRIVATE KEY", &pkcs8),
            &"A".repeat(20_000),
        ] {
            assert!(read(text).is_none_or(|der| SigningKey::of(&der).is_none()), "{text}");
        }
    }

    #[test]
    fn lengths_are_those_of_der() {
        assert_eq!(element(4, &[&[0; 127]])[..2], [4, 127]);
        assert_eq!(element(4, &[&[0; 128]])[..3], [4, 0x81, 128]);
        assert_eq!(element(4, &[&[0; 300], &[0; 300]])[..4], [4, 0x82, 2, 88]);
    }

    proptest! {
        #[test]
        fn garbage_is_no_key(text in ".*", bytes: Vec<u8>) {
            for text in [text.clone(), STANDARD.encode(&bytes), pem("PRIVATE KEY", &STANDARD.encode(&bytes))] {
                prop_assert!(read(&text).is_none_or(|der| SigningKey::of(&der).is_none()));
            }
        }
    }
}
