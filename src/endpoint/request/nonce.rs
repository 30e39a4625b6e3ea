//! The nonces of DPoP proofs (RFC 9449 section 8). Nothing is stored for them: a nonce is a MAC of the time, under a
//! key derived from the vault's newest master key, so that every backend and every standby makes the same.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;

use crate::kernel::crypto::seal;
use crate::kernel::outcome::Mistake;
use crate::kernel::value::clock::Timestamp;
use crate::vault::key::master;

/// Seconds until a nonce is replaced. It is taken for as long again.
const PERIOD: i64 = 150;

/// Bytes of a nonce.
const LENGTH: usize = 16;

/// The nonces that a proof may have now: the current one, and its predecessor.
pub fn accepted(now: Timestamp, tenant_id: &str) -> Result<[String; 2], Mistake> {
    let purpose = ["auth_store DPoP nonce of ", tenant_id].concat();
    let key = seal::derive(master::newest()?.bytes(), purpose.as_bytes()).ok_or_else(master::none)?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_slice());
    let period = now.unix_seconds() / PERIOD;
    Ok([period, period - 1].map(|period| of(&key, period)))
}

fn of(key: &hmac::Key, period: i64) -> String {
    let tag = hmac::sign(key, &period.to_be_bytes());
    URL_SAFE_NO_PAD.encode(tag.as_ref().get(..LENGTH).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::of;
    use ring::hmac;

    #[test]
    fn a_nonce_is_of_its_key_and_period() {
        let key = |byte: u8| hmac::Key::new(hmac::HMAC_SHA256, &[byte; 32]);
        let nonce = of(&key(1), 7);
        assert_eq!(nonce.len(), 22);
        assert_eq!(nonce, of(&key(1), 7));
        assert!(nonce != of(&key(1), 8) && nonce != of(&key(2), 7));
    }
}
