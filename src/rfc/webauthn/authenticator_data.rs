//! What an authenticator says (Web Authentication level 3 section 6.1), and how it comes in a registration (section
//! 6.5.4).

use minicbor::Decoder;

use super::cbor::{self, Malformed};
use super::cose::Key;
use super::problem::Problem;

/// The longest credential id, in bytes (section 7.1).
pub const MAX_CREDENTIAL_ID: usize = 1023;
/// The longest name of an attestation statement format, in bytes (section 8.1).
const MAX_FORMAT: usize = 32;

/// The flags (section 6.1).
const USER_PRESENT: u8 = 1;
const USER_VERIFIED: u8 = 1 << 2;
const BACKUP_ELIGIBLE: u8 = 1 << 3;
const BACKED_UP: u8 = 1 << 4;
const ATTESTED: u8 = 1 << 6;
const EXTENSIONS: u8 = 1 << 7;

/// The fixed part: hash, flags, counter.
const FIXED: usize = 37;

/// Authenticator data without its extensions, of which none is asked for.
pub struct AuthenticatorData {
    /// SHA-256 of the relying party's id.
    pub rp_id_hash: [u8; 32],
    flags: u8,
    /// The signature counter; 0: the authenticator has none.
    pub sign_count: u32,
    /// The new credential of a registration.
    pub attested: Option<Attested>,
}

/// The attested credential data (section 6.5.2).
pub struct Attested {
    /// The model of the authenticator, as it says.
    pub aaguid: [u8; 16],
    pub credential_id: Vec<u8>,
    pub key: Key,
    /// The key as it came.
    pub public_key: Vec<u8>,
}

/// An attestation object (section 6.5.4) without its statement, which says nothing that is relied on.
pub struct Attestation {
    /// The statement's format.
    pub format: String,
    pub data: AuthenticatorData,
}

impl AuthenticatorData {
    /// Reads authenticator data; nothing may follow it.
    pub fn read(bytes: &[u8]) -> Result<Self, Problem> {
        const MALFORMED: Problem = Problem::Malformed("authenticatorData");
        let (rp_id_hash, rest) = bytes.split_first_chunk::<32>().ok_or(MALFORMED)?;
        let (flags, rest) = rest.split_first().ok_or(MALFORMED)?;
        let (counter, rest) = rest.split_first_chunk::<4>().ok_or(MALFORMED)?;
        let mut data = Self {
            rp_id_hash: *rp_id_hash,
            flags: *flags,
            sign_count: u32::from_be_bytes(*counter),
            attested: None,
        };
        let mut read = FIXED;
        if data.has(ATTESTED) {
            let (attested, length) = Attested::read(rest)?;
            data.attested = Some(attested);
            read += length;
        }
        let mut rest = Decoder::new(bytes.get(read..).unwrap_or_default());
        if data.has(EXTENSIONS) {
            let is_map = matches!(rest.datatype(), Ok(minicbor::data::Type::Map));
            if !is_map || cbor::skip(&mut rest).is_err() {
                return Err(MALFORMED);
            }
        }
        if cbor::is_at_end(&rest) { Ok(data) } else { Err(MALFORMED) }
    }

    fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// Whether somebody was there.
    pub fn is_user_present(&self) -> bool {
        self.has(USER_PRESENT)
    }

    /// Whether the authenticator has verified who it was.
    pub fn is_user_verified(&self) -> bool {
        self.has(USER_VERIFIED)
    }

    /// Whether the credential may leave the authenticator.
    pub fn is_backup_eligible(&self) -> bool {
        self.has(BACKUP_ELIGIBLE)
    }

    /// Whether the credential has a copy elsewhere.
    pub fn is_backed_up(&self) -> bool {
        self.has(BACKED_UP)
    }
}

impl Attested {
    /// Reads the credential; returns how many bytes it took.
    fn read(bytes: &[u8]) -> Result<(Self, usize), Problem> {
        const MALFORMED: Problem = Problem::Malformed("the attested credential data");
        let (aaguid, rest) = bytes.split_first_chunk::<16>().ok_or(MALFORMED)?;
        let (length, rest) = rest.split_first_chunk::<2>().ok_or(MALFORMED)?;
        let length = usize::from(u16::from_be_bytes(*length));
        if !(1..=MAX_CREDENTIAL_ID).contains(&length) {
            return Err(Problem::Malformed("the credential id"));
        }
        let (credential_id, rest) = rest.split_at_checked(length).ok_or(MALFORMED)?;
        let mut decoder = Decoder::new(rest);
        let key = Key::read(&mut decoder)?;
        let end = decoder.position();
        let attested = Self {
            aaguid: *aaguid,
            credential_id: credential_id.to_vec(),
            key,
            public_key: rest.get(..end).unwrap_or_default().to_vec(),
        };
        Ok((attested, 18 + length + end))
    }
}

impl Attestation {
    /// Reads an attestation object; nothing may follow it.
    pub fn read(bytes: &[u8]) -> Result<Self, Problem> {
        const MALFORMED: Problem = Problem::Malformed("attestationObject");
        let (format, data) = members(bytes).map_err(|Malformed| MALFORMED)?;
        if !(1..=MAX_FORMAT).contains(&format.len()) {
            return Err(MALFORMED);
        }
        Ok(Self { format: format.to_owned(), data: AuthenticatorData::read(data)? })
    }
}

/// The format and the authenticator data of an attestation object.
fn members(bytes: &[u8]) -> Result<(&str, &[u8]), Malformed> {
    let mut decoder = Decoder::new(bytes);
    let (mut format, mut data, mut statement) = (None, None, None);
    for _ in 0..cbor::map(&mut decoder)? {
        let is_new = match decoder.str()? {
            "fmt" => format.replace(decoder.str()?).is_none(),
            "authData" => data.replace(decoder.bytes()?).is_none(),
            "attStmt" => {
                let is_map = decoder.datatype()? == minicbor::data::Type::Map;
                cbor::skip(&mut decoder)?;
                is_map && statement.replace(()).is_none()
            }
            _ => {
                cbor::skip(&mut decoder)?;
                true
            }
        };
        if !is_new {
            return Err(Malformed);
        }
    }
    match (format, data, statement) {
        (Some(format), Some(data), Some(())) if cbor::is_at_end(&decoder) => Ok((format, data)),
        _ => Err(Malformed),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
pub mod tests {
    use super::{Attestation, AuthenticatorData, MAX_CREDENTIAL_ID, Problem};
    use proptest::prelude::*;

    /// An Ed25519 key.
    pub fn key() -> Vec<u8> {
        [&[0xa4, 1, 1, 3, 0x27, 0x20, 6, 0x21, 0x58, 32][..], &[9; 32]].concat()
    }

    /// Authenticator data with a credential of such an id.
    pub fn data(flags: u8, credential_id: &[u8]) -> Vec<u8> {
        let length = u16::try_from(credential_id.len()).unwrap().to_be_bytes();
        [&[7; 32][..], &[flags], &[0, 0, 1, 2], &[3; 16], &length, credential_id, &key()].concat()
    }

    /// An attestation object of such members.
    fn object(format: &str, data: &[u8]) -> Vec<u8> {
        let length = u16::try_from(data.len()).unwrap().to_be_bytes();
        let format = [&[0x60 | format.len() as u8][..], format.as_bytes()].concat();
        [
            &[0xa3, 0x63][..],
            b"fmt",
            &format,
            &[0x67],
            b"attStmt",
            &[0xa0, 0x68],
            b"authData",
            &[0x59],
            &length,
            data,
        ]
        .concat()
    }

    fn is_malformed<T>(found: Result<T, Problem>) -> bool {
        matches!(found, Err(Problem::Malformed(_)))
    }

    #[test]
    fn the_parts_of_section_6_1_are_read() {
        let read = AuthenticatorData::read(&data(0x41, b"id")).unwrap();
        let attested = read.attested.as_ref().unwrap();
        assert_eq!((read.rp_id_hash, read.sign_count), ([7; 32], 258));
        assert_eq!((attested.aaguid, &attested.credential_id[..]), ([3; 16], &b"id"[..]));
        assert_eq!(attested.public_key, key());
        let flags = |flags: u8| {
            let read = AuthenticatorData::read(&[&[0; 32][..], &[flags, 0, 0, 0, 0]].concat()).unwrap();
            [read.is_user_present(), read.is_user_verified(), read.is_backup_eligible(), read.is_backed_up()]
        };
        assert_eq!(flags(0x01), [true, false, false, false]);
        assert_eq!(flags(0x04), [false, true, false, false]);
        assert_eq!(flags(0x08), [false, false, true, false]);
        assert_eq!(flags(0x10), [false, false, false, true]);
        // Bits that are reserved for future use.
        assert_eq!(flags(0x22), [false; 4]);
    }

    #[test]
    fn what_the_flags_say_is_there_and_nothing_else() {
        let plain = data(0x01, b"id");
        // Without the flag the credential is something after the end.
        assert!(is_malformed(AuthenticatorData::read(&plain)));
        assert!(AuthenticatorData::read(&plain[..37]).is_ok());
        for end in 0..37 {
            assert!(is_malformed(AuthenticatorData::read(&plain[..end])), "{end}");
        }
        let attested = data(0x41, b"id");
        for end in 37..attested.len() {
            assert!(is_malformed(AuthenticatorData::read(&attested[..end])), "{end}");
        }
        let extended = |flags: u8, extensions: &[u8]| {
            AuthenticatorData::read(&[&data(flags, b"id")[..], extensions].concat())
        };
        assert!(extended(0xc1, &[0xa1, 0x61, b'a', 0xf5]).is_ok());
        for extensions in
            [&[][..], &[0xa1, 0x61, b'a'], &[0x80], &[0xbf, 0xff], &[0xa1, 0x61, b'a', 0xf5, 0x00]]
        {
            assert!(is_malformed(extended(0xc1, extensions)), "{extensions:x?}");
        }
        assert!(is_malformed(extended(0x41, &[0xa0])));
    }

    /// Section 7.1: "Verify that the credentialId is <= 1023 bytes".
    #[test]
    fn a_credential_id_has_1_to_1023_bytes() {
        for (length, taken) in [(0, false), (1, true), (MAX_CREDENTIAL_ID, true), (1024, false)] {
            assert_eq!(AuthenticatorData::read(&data(0x41, &vec![1; length])).is_ok(), taken, "{length}");
        }
    }

    /// Section 6.5.4.
    #[test]
    fn an_attestation_object_has_three_members() {
        let data = data(0x41, b"id");
        let good = object("none", &data);
        let read = Attestation::read(&good).unwrap();
        assert_eq!(read.format, "none");
        assert_eq!(read.data.sign_count, 258);
        for end in 0..good.len() {
            assert!(is_malformed(Attestation::read(&good[..end])), "{end}");
        }
        assert!(is_malformed(Attestation::read(&[&good[..], &[0]].concat())));
        assert!(is_malformed(Attestation::read(&object("", &data))));
        let indefinite = [&[0xbf], &good[1..], &[0xff]].concat();
        assert!(is_malformed(Attestation::read(&indefinite)));
        let twice = [&[0xa4], &good[1..], &[0x63], b"fmt", &[0x61, b'x']].concat();
        assert!(is_malformed(Attestation::read(&twice)));
        let more = [&[0xa4], &good[1..], &[0x61, b'x', 0xf5]].concat();
        assert!(Attestation::read(&more).is_ok());
        let without = [&[0xa2], &good[1..5], &good[5..10], &good[19..]].concat();
        assert!(is_malformed(Attestation::read(&without)));
    }

    proptest! {
        #[test]
        fn any_bytes_are_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            let _ = AuthenticatorData::read(&bytes);
            let _ = Attestation::read(&bytes);
        }

        /// Bytes that are nearly right, so that every part is reached.
        #[test]
        fn altered_bytes_are_an_answer(at in 0_usize..200, byte: u8, flags: u8, cut in 0_usize..200) {
            let mut bytes = object("none", &data(flags, b"credential"));
            let _ = Attestation::read(bytes.get(..cut).unwrap_or(&bytes));
            if let Some(place) = bytes.get_mut(at) {
                *place = byte;
            }
            let _ = Attestation::read(&bytes);
        }
    }
}
