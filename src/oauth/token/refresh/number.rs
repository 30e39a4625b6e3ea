//! The number of a refresh token in its family, and when it was made, under a MAC of a key that is made from the master
//! key: what lets the store tell a token that it made in commits that are lost from one that was replaced long ago.
//!
//! The rotation secret of 32 bytes is random(12) ‖ seconds since 1970 (4) ‖ number (4) ‖ MAC (12). The MAC is the
//! beginning of HMAC-SHA256 (RFC 2104) over all that is before it, the grant's id and the family secret too, so that
//! nothing of it says anything of another family. Where there is no master key all 32 bytes are random, as in tokens of
//! before. Nothing marks which form a token has but the MAC, and nobody but the store can tell.

use hmac::{Hmac, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::kernel::crypto::token_text::{MAC_LEN, RefreshToken};
use crate::kernel::outcome::Mistake;
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::id::Id;
use crate::vault::key::master;

/// The first refresh token of a family, with this number.
pub fn mint(now: Timestamp, grant: Id, number: i32) -> Result<RefreshToken, Mistake> {
    Ok(numbered(now, RefreshToken::mint(grant)?, number))
}

/// The token after this one, with this number.
pub fn successor(now: Timestamp, token: &RefreshToken, number: i32) -> Result<RefreshToken, Mistake> {
    Ok(numbered(now, token.successor()?, number))
}

fn numbered(now: Timestamp, token: RefreshToken, number: i32) -> RefreshToken {
    match master::newest_readable(now) {
        Some(master) => token.marked(&said(now, number), |under| mac(master.numbering(), under)),
        None => token,
    }
}

/// What a refresh token proves of itself.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Number {
    /// How often its family had been refreshed when it was made: `grants.rotation_count` then.
    pub number: i32,
    pub made_at: Timestamp,
}

/// The number of a token that the store has made under a key that it still has; None for every other.
pub fn of(now: Timestamp, token: &RefreshToken) -> Option<Number> {
    let keys = master::every(now);
    proven(token, keys.iter().map(|master| master.numbering()))
}

fn proven<'a>(token: &RefreshToken, keys: impl Iterator<Item = &'a [u8; 32]>) -> Option<Number> {
    let (said, under, found) = token.mark();
    // Every key is tried, so that the time says nothing of which one it was.
    let made = keys.fold(false, |made, key| made | bool::from(mac(key, under).ct_eq(&found)));
    let [a, b, c, d, e, f, g, h] = said;
    let seconds = u32::from_be_bytes([a, b, c, d]);
    made.then(|| Number {
        number: i32::from_be_bytes([e, f, g, h]),
        made_at: Timestamp::from_unix_millis(u64::from(seconds) * 1000),
    })
}

/// Until the year 2106.
fn said(now: Timestamp, number: i32) -> [u8; 8] {
    let seconds = u32::try_from(now.unix_seconds()).unwrap_or(u32::MAX).to_be_bytes();
    let number = number.to_be_bytes();
    let mut said = [0; 8];
    said[..4].copy_from_slice(&seconds);
    said[4..].copy_from_slice(&number);
    said
}

fn mac(key: &[u8; 32], under: &[u8]) -> [u8; MAC_LEN] {
    let mut mac = [0; MAC_LEN];
    // HMAC takes a key of any length.
    if let Ok(hmac) = <Hmac<Sha256> as Mac>::new_from_slice(key) {
        let whole = hmac.chain_update(under).finalize().into_bytes();
        mac.copy_from_slice(&whole[..MAC_LEN]);
    }
    mac
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{Number, mac, proven, said};
    use crate::kernel::crypto::token_text::RefreshToken;
    use crate::kernel::value::clock::Timestamp;
    use crate::kernel::value::id::Id;
    use proptest::prelude::*;

    const KEY: [u8; 32] = [1; 32];
    const OTHER: [u8; 32] = [2; 32];

    fn at() -> Timestamp {
        Timestamp::from_unix_millis(1_800_000_000_000)
    }

    fn token(number: i32) -> RefreshToken {
        let plain = RefreshToken::of(Id::from_bytes([3; 16]), &[4; 48]);
        plain.marked(&said(at(), number), |under| mac(&KEY, under))
    }

    #[test]
    fn a_number_is_proven_by_the_key_that_made_it_also_behind_newer_ones() {
        let made = Number { number: 7, made_at: at() };
        assert!(proven(&token(7), [&KEY].into_iter()) == Some(made));
        assert!(proven(&token(7), [&KEY, &OTHER].into_iter()) == Some(made));
        assert!(proven(&token(7), [&OTHER].into_iter()).is_none());
        assert!(proven(&token(7), [].into_iter()).is_none());
        assert_eq!(proven(&token(i32::MAX), [&KEY].into_iter()).unwrap().number, i32::MAX);
    }

    #[test]
    fn the_text_stays_as_long_as_it_was() {
        assert_eq!(token(1).text().len(), 91);
        let read = RefreshToken::parse(Some(&token(1).text())).unwrap();
        assert_eq!(proven(&read, [&KEY].into_iter()).unwrap().number, 1);
        let plain = RefreshToken::of(Id::from_bytes([3; 16]), &[4; 48]);
        assert!(proven(&plain, [&KEY].into_iter()).is_none());
    }

    proptest! {
        /// Of the family, of the random part, of what it says, of the MAC.
        #[test]
        fn no_other_byte_is_proven(byte in 0usize..64, bit in 0u8..8) {
            let mut bytes = [0; 64];
            bytes.copy_from_slice(token(7).key_material());
            bytes[byte] ^= 1 << bit;
            let (mut id, mut secrets) = ([0; 16], [0; 48]);
            id.copy_from_slice(&bytes[..16]);
            secrets.copy_from_slice(&bytes[16..]);
            prop_assert!(proven(&RefreshToken::of(Id::from_bytes(id), &secrets), [&KEY].into_iter()).is_none());
        }
    }
}
