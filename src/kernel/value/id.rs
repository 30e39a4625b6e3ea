//! Ids: UUIDv8 (RFC 9562 section 5.8) = 48-bit unix milliseconds ‖ 12-bit bucket ‖ 62 random bits.
//!
//! Time order keeps inserts on the right edge of their index. The bucket lets a router find a row's database where the
//! store is spread over several; on one database nothing depends on it.

use pgrx::{FromDatum, IntoDatum, pg_sys};
use rand::TryRngCore;
use rand::rngs::OsRng;
use sha2::{Digest, Sha256};

use crate::kernel::outcome::Mistake;
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::memory;

/// A 128-bit id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id([u8; 16]);

/// How many buckets there are.
const BUCKETS: u16 = 4096;

/// A 12-bit bucket.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Bucket(u16);

impl Bucket {
    /// The bucket that `parts` name: the first 12 bits of SHA-256 over the parts, joined by 0x00.
    pub fn of(parts: &[&str]) -> Self {
        let mut hash = Sha256::new();
        for (n, part) in parts.iter().enumerate() {
            if n > 0 {
                hash.update([0]);
            }
            hash.update(part.as_bytes());
        }
        let digest = hash.finalize();
        Self((u16::from(digest[0]) << 4) | (u16::from(digest[1]) >> 4))
    }

    /// The bucket of an actor of a tenant: of a user's id that the store has made, the bucket in it; of any other text
    /// that which the tenant and the text name, as of a user with this external id.
    pub fn of_actor(tenant_id: &str, actor_id: &str) -> Self {
        // One text for one id, as clients in other languages read it: 36 characters with hyphens.
        let id = if actor_id.len() == 36 { Id::parse(actor_id) } else { None };
        match id.filter(Id::is_own) {
            Some(id) => id.bucket(),
            None => Self::of(&[tenant_id, actor_id]),
        }
    }

    /// The bucket with this number; None from 4096 on.
    pub fn numbered(number: u16) -> Option<Self> {
        (number < BUCKETS).then_some(Self(number))
    }

    /// The bucket as a number, 0 to 4095.
    pub fn number(self) -> i32 {
        i32::from(self.0)
    }
}

/// Fills `bytes` from the operating system's generator. Never a thread-local generator: forked
/// backends would draw the same values.
pub fn random(bytes: &mut [u8]) -> Result<(), Mistake> {
    OsRng.try_fill_bytes(bytes).map_err(|_| Mistake::NoRandomness)
}

impl Id {
    /// Makes an id of this moment in `bucket`.
    pub fn mint(now: Timestamp, bucket: Bucket) -> Result<Self, Mistake> {
        let mut entropy = [0; 8];
        random(&mut entropy)?;
        Ok(Self::from_parts(now, bucket, entropy))
    }

    /// The same with the microseconds in it: of two ids of a bucket, the one of a later microsecond is the greater.
    pub fn mint_ordered(now: Timestamp, bucket: Bucket) -> Result<Self, Mistake> {
        let mut entropy = [0; 8];
        random(&mut entropy)?;
        Ok(Self::from_parts(now, bucket, ordered(now, entropy)))
    }

    /// The id of this moment, bucket and entropy, of which 62 bits are used.
    pub fn from_parts(now: Timestamp, bucket: Bucket, entropy: [u8; 8]) -> Self {
        let mut bytes = [0; 16];
        bytes[..6].copy_from_slice(&now.unix_millis().to_be_bytes()[2..]);
        bytes[6..8].copy_from_slice(&(0x8000 | bucket.0).to_be_bytes());
        bytes[8..].copy_from_slice(&entropy);
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        Self(bytes)
    }

    /// The id that `parts` name, in this bucket: the same for the same parts. It has no time.
    pub fn of_parts(bucket: Bucket, parts: &[&str]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update(part.as_bytes());
            hash.update([0]);
        }
        let digest: [u8; 32] = hash.finalize().into();
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        bytes[6..8].copy_from_slice(&(0x8000 | bucket.0).to_be_bytes());
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        Self(bytes)
    }

    /// The smallest id of this moment: a bound for a walk in time order.
    pub fn lower_bound(at: Timestamp) -> Self {
        let mut bytes = [0; 16];
        bytes[..6].copy_from_slice(&at.unix_millis().to_be_bytes()[2..]);
        Self(bytes)
    }

    /// An id from its 16 bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// An id as it is written; None for a text that is none.
    pub fn parse(text: &str) -> Option<Self> {
        uuid::Uuid::try_parse(text).ok().map(|id| Self(id.into_bytes()))
    }

    /// The 16 bytes.
    pub fn bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Whether it has the form of the ids made here: version 8, variant of RFC 9562.
    pub fn is_own(&self) -> bool {
        self.0[6] >> 4 == 8 && self.0[8] >> 6 == 2
    }

    /// The 12 bits after the version nibble, of any uuid.
    pub fn bucket(&self) -> Bucket {
        Bucket(u16::from_be_bytes([self.0[6], self.0[7]]) & 0x0fff)
    }

    /// When the id was made, to the millisecond. Meaningless for an id that the store did not make.
    pub fn time(&self) -> Timestamp {
        let mut millis = [0; 8];
        millis[2..].copy_from_slice(&self.0[..6]);
        Timestamp::from_unix_millis(u64::from_be_bytes(millis))
    }
}

/// Entropy that begins with the microseconds of the millisecond: 10 bits, behind the two that the variant takes.
fn ordered(now: Timestamp, entropy: [u8; 8]) -> [u8; 8] {
    const RANDOM: u64 = (1 << 52) - 1;
    let micros = u64::try_from(now.micros().rem_euclid(1000)).unwrap_or(0);
    ((micros << 52) | (u64::from_be_bytes(entropy) & RANDOM)).to_be_bytes()
}

impl std::fmt::Display for Id {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        uuid::Uuid::from_bytes(self.0).fmt(f)
    }
}

impl From<pgrx::Uuid> for Id {
    fn from(value: pgrx::Uuid) -> Self {
        Self(*value.as_bytes())
    }
}

impl From<Id> for pgrx::Uuid {
    fn from(value: Id) -> Self {
        Self::from_bytes(value.0)
    }
}

impl IntoDatum for Id {
    fn into_datum(self) -> Option<pg_sys::Datum> {
        memory::fixed(&self.0).or_else(|| pgrx::Uuid::from(self).into_datum())
    }

    fn type_oid() -> pg_sys::Oid {
        pg_sys::UUIDOID
    }
}

impl FromDatum for Id {
    #[allow(unsafe_code)]
    unsafe fn from_polymorphic_datum(datum: pg_sys::Datum, is_null: bool, oid: pg_sys::Oid) -> Option<Self> {
        // SAFETY: the caller passes a datum of type uuid, as this trait demands.
        unsafe { pgrx::Uuid::from_polymorphic_datum(datum, is_null, oid) }.map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::{Bucket, Id, ordered};
    use crate::kernel::value::clock::Timestamp;
    use proptest::prelude::*;

    #[test]
    fn an_id_is_a_uuid_version_8_of_the_rfc_variant() {
        let id = Id::from_parts(Timestamp::from_unix_millis(1), Bucket(0xfff), [0xff; 8]);
        let uuid = uuid::Uuid::from_bytes(*id.bytes());
        assert_eq!(uuid.get_version_num(), 8);
        assert_eq!(uuid.get_variant(), uuid::Variant::RFC4122);
        assert!(id.is_own() && !Id::from_bytes([0x77; 16]).is_own());
    }

    #[test]
    fn a_bucket_is_the_first_12_bits_of_sha256() {
        // SHA-256("abc") = ba7816bf… (FIPS 180-4 appendix)
        assert_eq!(Bucket::of(&["abc"]).number(), 0xba7);
        assert_ne!(Bucket::of(&["ab", "c"]).number(), Bucket::of(&["abc"]).number());
    }

    #[test]
    fn an_actor_is_a_user_by_id_or_any_text() {
        let own = Id::from_parts(Timestamp::from_unix_millis(1), Bucket(0xabc), [7; 8]).to_string();
        assert_eq!(Bucket::of_actor("t", &own).number(), 0xabc);
        assert_eq!(Bucket::of_actor("t", &own.to_uppercase()).number(), 0xabc);
        let foreign = "018f6f2c-0000-4abc-8000-000000000001";
        for text in ["7", foreign, &own.replace('-', ""), &format!("{{{own}}}")] {
            assert_eq!(Bucket::of_actor("t", text).number(), Bucket::of(&["t", text]).number(), "{text}");
        }
        assert!(Bucket::numbered(4095).is_some() && Bucket::numbered(4096).is_none());
    }

    proptest! {
        #[test]
        fn time_and_bucket_come_back(millis in 0u64..(1 << 47), bucket in 0u16..4096, entropy: [u8; 8]) {
            let at = Timestamp::from_unix_millis(millis);
            let id = Id::from_parts(at, Bucket(bucket), entropy);
            prop_assert_eq!(id.time().unix_millis(), millis);
            prop_assert_eq!(id.bucket().number(), i32::from(bucket));
            prop_assert!(Id::lower_bound(at) <= id);
        }

        #[test]
        fn ordered_ids_sort_by_the_microsecond(a in 0i64..(1 << 52), b in 0i64..(1 << 52), x: [u8; 8], y: [u8; 8]) {
            let id = |micros, entropy| {
                let at = Timestamp::from_micros(micros);
                Id::from_parts(at, Bucket(7), ordered(at, entropy))
            };
            prop_assert_eq!(a < b, id(a, x) < id(b, y) && a != b);
            prop_assert_eq!(id(a, x).time().unix_millis(), Timestamp::from_micros(a).unix_millis());
        }

        #[test]
        fn ids_sort_by_time(a in 0u64..(1 << 47), b in 0u64..(1 << 47), x: [u8; 8], y: [u8; 8]) {
            let id = |ms, e| Id::from_parts(Timestamp::from_unix_millis(ms), Bucket(7), e);
            prop_assert_eq!(a < b, id(a, x) < id(b, y) && a != b);
        }
    }
}
