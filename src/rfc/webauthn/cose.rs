//! A credential's public key as authenticators write it (RFC 9052 section 7, RFC 9053 section 7, RFC 8230 section 4),
//! and what it has signed.

use minicbor::Decoder;
use ring::signature::{self, RsaPublicKeyComponents, UnparsedPublicKey};

use super::cbor::{self, Malformed};
use super::problem::Problem;

/// The algorithms that are offered, the best first: EdDSA, ES256, RS256 (IANA COSE Algorithms; Web Authentication level
/// 3 section 5.8.5).
pub const ALGORITHMS: [i64; 3] = [EDDSA, ES256, RS256];

const EDDSA: i64 = -8;
const ES256: i64 = -7;
const RS256: i64 = -257;

/// A key, of one of [`ALGORITHMS`].
pub enum Key {
    /// P-256, uncompressed point
    Es256([u8; 65]),
    /// Ed25519
    EdDsa([u8; 32]),
    /// RSA of 2048 to 4096 bits
    Rs256 {
        /// modulus
        n: Vec<u8>,
        /// exponent
        e: Vec<u8>,
    },
}

/// The members of a key, by the labels of RFC 9052 section 7.1. Labels below 0 mean what the kind of key says.
#[derive(Default)]
struct Members<'a> {
    kty: Option<i64>,
    alg: Option<i64>,
    /// -1 as a number: the curve.
    crv: Option<i64>,
    /// -1 as bytes: the modulus.
    n: Option<&'a [u8]>,
    /// -2: the x-coordinate, the public key, or the exponent.
    x: Option<&'a [u8]>,
    /// -3: the y-coordinate.
    y: Option<&'a [u8]>,
}

impl Key {
    /// Reads the key that the decoder stands at, and leaves it behind the key.
    pub fn read(decoder: &mut Decoder<'_>) -> Result<Self, Problem> {
        let members = Members::read(decoder).map_err(|Malformed| MALFORMED)?;
        members.key()
    }

    /// The key that is all of these bytes.
    pub fn of(bytes: &[u8]) -> Result<Self, Problem> {
        let mut decoder = Decoder::new(bytes);
        let key = Self::read(&mut decoder)?;
        if cbor::is_at_end(&decoder) { Ok(key) } else { Err(MALFORMED) }
    }

    /// Its algorithm's number.
    pub fn algorithm(&self) -> i64 {
        match self {
            Self::Es256(_) => ES256,
            Self::EdDsa(_) => EDDSA,
            Self::Rs256 { .. } => RS256,
        }
    }

    /// Whether it has signed the message, in the form of Web Authentication level 3 section 6.5.5: ES256 as the DER of
    /// an `Ecdsa-Sig-Value`.
    pub fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Es256(point) => UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_ASN1, point)
                .verify(message, signature)
                .is_ok(),
            Self::EdDsa(key) => {
                UnparsedPublicKey::new(&signature::ED25519, key).verify(message, signature).is_ok()
            }
            Self::Rs256 { n, e } => RsaPublicKeyComponents { n, e }
                .verify(&signature::RSA_PKCS1_2048_8192_SHA256, message, signature)
                .is_ok(),
        }
    }
}

const MALFORMED: Problem = Problem::Malformed("the credential's public key");

/// Takes a member's first value; a second one makes the key malformed.
fn once<T>(member: &mut Option<T>, value: T) -> Result<(), Malformed> {
    if member.replace(value).is_none() { Ok(()) } else { Err(Malformed) }
}

impl<'a> Members<'a> {
    fn read(decoder: &mut Decoder<'a>) -> Result<Self, Malformed> {
        use minicbor::data::Type;
        let mut members = Self::default();
        for _ in 0..cbor::map(decoder)? {
            match (decoder.i64()?, decoder.datatype()?) {
                (1, _) => once(&mut members.kty, decoder.i64()?)?,
                (3, _) => once(&mut members.alg, decoder.i64()?)?,
                (-1, Type::Bytes) => once(&mut members.n, decoder.bytes()?)?,
                (-1, _) => once(&mut members.crv, decoder.i64()?)?,
                (-2, Type::Bytes) => once(&mut members.x, decoder.bytes()?)?,
                (-3, Type::Bytes) => once(&mut members.y, decoder.bytes()?)?,
                // The keys of algorithms that are not offered have others.
                _ => cbor::skip(decoder)?,
            }
        }
        Ok(members)
    }

    /// Web Authentication level 3 section 5.8.5 fixes the curve of each algorithm.
    fn key(self) -> Result<Key, Problem> {
        let Self { kty, alg, crv, n, x, y } = self;
        let alg = alg.ok_or(MALFORMED)?;
        let key = match (alg, kty, crv, n, x, y) {
            (ES256, Some(2), Some(1), None, Some(x), Some(y)) => point(x, y).map(Key::Es256),
            (EDDSA, Some(1), Some(6), None, Some(x), None) => x.try_into().ok().map(Key::EdDsa),
            (RS256, Some(3), None, Some(n), Some(e), None) => ((256..=512).contains(&n.len())
                && (1..=4).contains(&e.len()))
            .then(|| Key::Rs256 { n: n.to_vec(), e: e.to_vec() }),
            _ if ALGORITHMS.contains(&alg) => None,
            _ => return Err(Problem::Algorithm),
        };
        key.ok_or(MALFORMED)
    }
}

/// The uncompressed form of a point of P-256 (SEC 1 section 2.3.3).
fn point(x: &[u8], y: &[u8]) -> Option<[u8; 65]> {
    if x.len() != 32 || y.len() != 32 {
        return None;
    }
    [&[4], x, y].concat().try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::{Key, Problem};
    use proptest::prelude::*;

    /// A map of these labels and values, the values as CBOR.
    fn key(members: &[(i64, &[u8])]) -> Vec<u8> {
        let mut bytes = vec![0xa0 | members.len() as u8];
        for (label, value) in members {
            bytes.push(if *label < 0 { 0x20 | (-1 - label) as u8 } else { *label as u8 });
            bytes.extend_from_slice(value);
        }
        bytes
    }

    /// These bytes as CBOR.
    fn bytes(length: u16) -> Vec<u8> {
        let head = length.to_be_bytes();
        [vec![0x59, head[0], head[1]], vec![0xff; usize::from(length)]].concat()
    }

    const RS256: &[u8] = &[0x39, 0x01, 0x00];

    /// RFC 9053 section 7.1 and 7.2, RFC 8230 section 4, Web Authentication level 3 section 5.8.5.
    #[test]
    fn a_key_has_the_members_of_its_kind() {
        let (half, whole) = (&bytes(32)[..], &bytes(256)[..]);
        let es256: [(i64, &[u8]); 5] = [(1, &[2]), (3, &[0x26]), (-1, &[1]), (-2, half), (-3, half)];
        let eddsa: [(i64, &[u8]); 4] = [(1, &[1]), (3, &[0x27]), (-1, &[6]), (-2, half)];
        let rs256: [(i64, &[u8]); 4] = [(1, &[3]), (3, RS256), (-1, whole), (-2, &[0x43, 1, 0, 1])];
        for (members, algorithm) in [(&es256[..], -7), (&eddsa, -8), (&rs256, -257)] {
            assert_eq!(Key::of(&key(members)).ok().map(|key| key.algorithm()), Some(algorithm));
            // Every member is needed, and the kind and the curve must be those of the algorithm.
            for (n, (label, _)) in members.iter().enumerate() {
                let mut without = members.to_vec();
                without.remove(n);
                assert!(matches!(Key::of(&key(&without)), Err(Problem::Malformed(_))), "{algorithm} {label}");
                let mut other = members.to_vec();
                other[n].1 = &[0x0a];
                assert!(Key::of(&key(&other)).is_err(), "{algorithm} {label}");
                let twice = [members, &members[n..=n]].concat();
                assert!(matches!(Key::of(&key(&twice)), Err(Problem::Malformed(_))), "{algorithm} {label}");
            }
            let longer = [key(members), vec![0]].concat();
            assert!(matches!(Key::of(&longer), Err(Problem::Malformed(_))));
        }
        // Coordinates of another size, a compressed point (RFC 9053 section 7.1.1), moduli of other sizes.
        for (n, value) in [(3, &bytes(31)[..]), (4, &bytes(33)), (4, &[0xf5])] {
            let mut other = es256;
            other[n].1 = value;
            assert!(Key::of(&key(&other)).is_err());
        }
        for (length, taken) in [(255, false), (256, true), (512, true), (513, false)] {
            let mut other = rs256;
            let modulus = bytes(length);
            other[2].1 = &modulus;
            assert_eq!(Key::of(&key(&other)).is_ok(), taken, "{length}");
        }
    }

    #[test]
    fn another_algorithm_is_told_apart_from_a_broken_key() {
        // ES384, ML-DSA-87 with the kind AKP (7), and one that does not exist.
        for alg in [&[0x38, 0x22][..], &[0x38, 0x31], &[0x00]] {
            let found = Key::of(&key(&[(1, &[7]), (3, alg), (-1, &bytes(100))]));
            assert!(matches!(found, Err(Problem::Algorithm)));
        }
        assert!(matches!(Key::of(&key(&[(1, &[2])])), Err(Problem::Malformed(_))));
    }

    proptest! {
        #[test]
        fn any_bytes_are_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = Key::of(&bytes);
        }

        #[test]
        fn garbage_is_not_signed(
            x: [u8; 32], y: [u8; 32], n in prop::collection::vec(any::<u8>(), 256..512),
            e in prop::collection::vec(any::<u8>(), 1..4), message: Vec<u8>, signature: Vec<u8>
        ) {
            let point = super::point(&x, &y).map(Key::Es256);
            for key in point.into_iter().chain([Key::EdDsa(x), Key::Rs256 { n, e }]) {
                prop_assert!(!key.has_signed(&message, &signature));
                prop_assert!(!key.has_signed(&message, &[x, y].concat()));
            }
        }
    }
}
