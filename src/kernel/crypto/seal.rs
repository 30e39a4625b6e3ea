//! Sealing a short secret under a key that only the holder of another secret can derive:
//! HKDF-SHA256 (RFC 5869) and AES-256-GCM (NIST SP 800-38D) with a random nonce.

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Key, Nonce};
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::kernel::outcome::Mistake;
use crate::kernel::value::id::random;

const NONCE_LEN: usize = 12;

/// Seals `plain` so that it opens only with `key_material` and in the same `context`. The result is nonce(12) ‖
/// ciphertext ‖ tag(16).
pub fn seal(key_material: &[u8], context: &[u8], plain: &[u8]) -> Result<Vec<u8>, Mistake> {
    let mut sealed = vec![0; NONCE_LEN];
    random(&mut sealed)?;
    let body = cipher(key_material, context)
        .and_then(|cipher| {
            cipher.encrypt(Nonce::from_slice(&sealed), Payload { msg: plain, aad: context }).ok()
        })
        .ok_or(Mistake::invalid("secret", "a secret of at most 64 GiB"))?;
    sealed.extend_from_slice(&body);
    Ok(sealed)
}

/// Opens what [`seal`] made; None for another key, context or text.
pub fn open(key_material: &[u8], context: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, body) = sealed.split_at_checked(NONCE_LEN)?;
    let payload = Payload { msg: body, aad: context };
    cipher(key_material, context)?.decrypt(Nonce::from_slice(nonce), payload).ok().map(Zeroizing::new)
}

/// A key for one purpose, from the holder's key.
pub fn derive(key_material: &[u8], purpose: &[u8]) -> Option<Zeroizing<[u8; 32]>> {
    let mut key = Zeroizing::new([0; 32]);
    Hkdf::<Sha256>::new(None, key_material).expand(purpose, key.as_mut()).ok()?;
    Some(key)
}

fn cipher(key_material: &[u8], context: &[u8]) -> Option<Aes256Gcm> {
    let key = derive(key_material, context)?;
    Some(Aes256Gcm::new(Key::<Aes256Gcm>::from_slice(key.as_slice())))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{open, seal};
    use hkdf::Hkdf;
    use proptest::prelude::*;
    use sha2::Sha256;

    /// RFC 5869 appendix A.1.
    #[test]
    fn hkdf_is_the_rfcs() {
        let salt: Vec<u8> = (0..=0x0c).collect();
        let info: Vec<u8> = (0xf0..=0xf9).collect();
        let mut okm = [0; 42];
        Hkdf::<Sha256>::new(Some(&salt), &[0x0b; 22]).expand(&info, &mut okm).unwrap();
        assert_eq!(okm[..8], [0x3c, 0xb2, 0x5f, 0x25, 0xfa, 0xac, 0xd5, 0x7a]);
    }

    #[test]
    fn two_seals_of_one_secret_differ() {
        assert_ne!(seal(b"key", b"ctx", b"plain").unwrap(), seal(b"key", b"ctx", b"plain").unwrap());
    }

    proptest! {
        #[test]
        fn opens_only_with_its_key_context_and_text(key: [u8; 64], plain: [u8; 32], at in 0usize..60, bit in 0u8..8) {
            let sealed = seal(&key, b"grant", &plain).unwrap();
            prop_assert_eq!(sealed.len(), 60);
            let opened = open(&key, b"grant", &sealed).unwrap();
            prop_assert_eq!(opened.as_slice(), &plain[..]);
            prop_assert!(open(&key, b"other", &sealed).is_none());
            let mut other_key = key;
            other_key[at] ^= 1 << bit;
            prop_assert!(open(&other_key, b"grant", &sealed).is_none());
            let mut changed = sealed;
            changed[at] ^= 1 << bit;
            prop_assert!(open(&key, b"grant", &changed).is_none());
        }

        #[test]
        fn garbage_never_opens(garbage: Vec<u8>) {
            prop_assert!(open(b"key", b"ctx", &garbage).is_none());
        }
    }
}
