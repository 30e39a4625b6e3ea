//! The part of CBOR (RFC 8949) that authenticators write: definite lengths, and nothing after the end (CTAP 2.2 section
//! 8, "Message Encoding").

use minicbor::data::Type;
use minicbor::decode::{Decoder, Error};

/// How deep arrays and maps may lie in each other; CTAP 2.2 section 8 allows 4.
const MAX_DEPTH: u8 = 4;

/// Not CBOR, or CBOR that no authenticator writes.
#[derive(Debug)]
pub struct Malformed;

impl From<Error> for Malformed {
    fn from(_: Error) -> Self {
        Self
    }
}

/// The number of a map's entries.
pub fn map(decoder: &mut Decoder<'_>) -> Result<u64, Malformed> {
    decoder.map()?.ok_or(Malformed)
}

/// Passes over one item.
pub fn skip(decoder: &mut Decoder<'_>) -> Result<(), Malformed> {
    skip_within(decoder, MAX_DEPTH)
}

fn skip_within(decoder: &mut Decoder<'_>, depth: u8) -> Result<(), Malformed> {
    let inner = || depth.checked_sub(1).ok_or(Malformed);
    let items = match decoder.datatype()? {
        Type::Array => decoder.array()?.ok_or(Malformed)?,
        Type::Map => map(decoder)?.checked_mul(2).ok_or(Malformed)?,
        Type::Bytes => return Ok(decoder.bytes().map(|_| ())?),
        Type::String => return Ok(decoder.str().map(|_| ())?),
        Type::BytesIndef | Type::StringIndef | Type::ArrayIndef | Type::MapIndef => return Err(Malformed),
        Type::Tag | Type::Break | Type::Unknown(_) => return Err(Malformed),
        _ => return Ok(decoder.skip()?),
    };
    let depth = inner()?;
    (0..items).try_for_each(|_| skip_within(decoder, depth))
}

/// Whether everything was read.
pub fn is_at_end(decoder: &Decoder<'_>) -> bool {
    decoder.position() == decoder.input().len()
}

#[cfg(test)]
mod tests {
    use super::{is_at_end, skip};
    use minicbor::Decoder;
    use proptest::prelude::*;

    fn is_passed(bytes: &[u8]) -> bool {
        let mut decoder = Decoder::new(bytes);
        skip(&mut decoder).is_ok() && is_at_end(&decoder)
    }

    /// The examples of RFC 8949 appendix A, and what CTAP forbids of it.
    #[test]
    fn definite_items_of_four_levels_are_passed() {
        for hex in [
            &[0x00][..],
            &[0x3b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            &[0xf5],
            &[0xf6],
            &[0xfb, 0x3f, 0xf1, 0x99, 0x99, 0x99, 0x99, 0x99, 0x9a],
            &[0x44, 1, 2, 3, 4],
            &[0x64, b'I', b'E', b'T', b'F'],
            &[0x83, 1, 0x82, 2, 3, 0x82, 4, 5],
            &[0xa2, 0x61, b'a', 1, 0x61, b'b', 0x82, 2, 3],
            &[0x81, 0x81, 0x81, 0x81, 0],
        ] {
            assert!(is_passed(hex), "{hex:x?}");
        }
        for hex in [
            // Indefinite lengths: bytes, text, array, map.
            &[0x5f, 0x42, 1, 2, 0xff][..],
            &[0x7f, 0x61, b'a', 0xff],
            &[0x9f, 0xff],
            &[0xbf, 0xff],
            // A tag, a break, a reserved additional information.
            &[0xc1, 0],
            &[0xff],
            &[0x1c],
            // Five levels.
            &[0x81, 0x81, 0x81, 0x81, 0x81, 0],
            // Cut, and longer than the input.
            &[],
            &[0x82, 0],
            &[0x5b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            &[0xbb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            // Text that is not UTF-8.
            &[0x61, 0xff],
            // Something after the end.
            &[0x00, 0x00],
        ] {
            assert!(!is_passed(hex), "{hex:x?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_end(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            is_passed(&bytes);
        }
    }
}
