//! Computing a hash, and comparing in constant time.

use aes::cipher::{KeyIvInit, StreamCipher};
use argon2::{Argon2, AssociatedData, Block, ParamsBuilder};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use md5::Md5;
use sha2::{Digest as _, Sha256, Sha384, Sha512};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::hash::{Before, Digest, Function, Hash, Scrypt};
use super::memory::Memory;
use crate::kernel::outcome::Mistake;
use crate::kernel::value::hex::hex;

/// How much of a password bcrypt reads.
pub const BCRYPT_BYTES: usize = 72;

/// Blocks of 64 bytes that a function may read whose rounds each read the password again: some seconds.
const MAX_REREAD: u64 = 1 << 24;

type Bytes = Zeroizing<Vec<u8>>;

impl Hash {
    /// Whether this is the hash of these bytes. The caller has asked [`Hash::fits`] before.
    pub fn matches(&self, password: &[u8], pepper: Option<&[u8]>) -> Result<bool, Mistake> {
        let computed = self.compute(password, pepper.unwrap_or_default())?;
        Ok(computed.is_some_and(|computed| computed.as_slice().ct_eq(&self.digest).into()))
    }

    /// What the function gives, as long as the digest; None where it can give nothing.
    pub fn compute(&self, password: &[u8], pepper: &[u8]) -> Result<Option<Bytes>, Mistake> {
        let mut output = Zeroizing::new(vec![0; self.digest.len()]);
        let done = match self.function {
            Function::Argon2 { .. } => return self.argon2(password, pepper),
            Function::Scrypt(costs) => scrypt(password, &self.salt, costs, &mut output)?,
            Function::Firebase(costs) => return self.firebase(password, pepper, costs),
            Function::Bcrypt { cost, before } => {
                let input = self.before(before, password, pepper);
                self.bcrypt(cost, &input, &mut output)
            }
            Function::Pbkdf2 { digest, rounds } => {
                let salt = [&self.salt, pepper].concat();
                pbkdf2(digest, password, &salt, rounds, &mut output)
            }
            Function::Phpass { log_rounds } => return Ok(self.phpass(log_rounds, password)),
            Function::ShaCrypt { digest, rounds } => return Ok(self.sha_crypt(digest, rounds, password)),
            Function::Scram { rounds } => {
                let mut salted = Zeroizing::new([0; 32]);
                let done = pbkdf2(Digest::Sha256, password, &self.salt, rounds, salted.as_mut());
                *output = Sha256::digest(hmac::<Hmac<Sha256>>(salted.as_ref(), b"Client Key")).to_vec();
                done
            }
        };
        Ok(done.then_some(output))
    }

    fn argon2(&self, password: &[u8], pepper: &[u8]) -> Result<Option<Bytes>, Mistake> {
        let Function::Argon2 { algorithm, version, memory, passes, lanes, data } = &self.function else {
            return Ok(None);
        };
        let mut builder = ParamsBuilder::new();
        builder.m_cost(*memory).t_cost(*passes).p_cost(*lanes).output_len(self.digest.len());
        if let Ok(data) = AssociatedData::new(data) {
            builder.data(data);
        }
        let Ok(params) = builder.build() else { return Ok(None) };
        let mut memory = Memory::new(params.block_count())?;
        let mut output = Zeroizing::new(vec![0; self.digest.len()]);
        let done = Argon2::new_with_secret(pepper, *algorithm, *version, params).and_then(|argon2| {
            argon2.hash_password_into_with_memory(password, &self.salt, &mut output, &mut memory)
        });
        Ok(done.is_ok().then_some(output))
    }

    fn bcrypt(&self, cost: u32, input: &[u8], output: &mut [u8]) -> bool {
        // bcrypt reads a NUL after the password, if there is room.
        let mut key = Zeroizing::new([0; BCRYPT_BYTES]);
        let read = input.len().min(BCRYPT_BYTES);
        key[..read].copy_from_slice(&input[..read]);
        let Ok(salt) = <[u8; 16]>::try_from(self.salt.as_slice()) else { return false };
        let computed = bcrypt::bcrypt(cost, salt, &key[..(read + 1).min(BCRYPT_BYTES)]);
        // Its last byte is in no text.
        output.copy_from_slice(&computed[..output.len()]);
        true
    }

    fn before(&self, before: Before, password: &[u8], pepper: &[u8]) -> Bytes {
        let password = Zeroizing::new([password, pepper].concat());
        Zeroizing::new(
            match before {
                Before::Nothing => return password,
                Before::Sha256Hex => hex(&Sha256::digest(&*password)),
                Before::Sha256Base64 => STANDARD.encode(Sha256::digest(&*password)),
                Before::SaltedSha256Base64 => {
                    let salt = bcrypt::BASE_64.encode(&self.salt);
                    STANDARD.encode(hmac::<Hmac<Sha256>>(salt.as_bytes(), &password))
                }
                Before::WordPress => STANDARD.encode(hmac::<Hmac<Sha384>>(b"wp-sha384", &password)),
            }
            .into_bytes(),
        )
    }

    fn firebase(&self, password: &[u8], signer: &[u8], costs: Scrypt) -> Result<Option<Bytes>, Mistake> {
        let mut key = Zeroizing::new([0; 64]);
        if !scrypt(password, &self.salt, costs, key.as_mut())? {
            return Ok(None);
        }
        let mut output = Zeroizing::new(signer.to_vec());
        let cipher = ctr::Ctr128BE::<aes::Aes256>::new_from_slices(&key[..32], &[0; 16]);
        Ok(cipher.ok().map(|mut cipher| {
            cipher.apply_keystream(&mut output);
            output
        }))
    }

    fn phpass(&self, log_rounds: u32, password: &[u8]) -> Option<Bytes> {
        rereads(1 << log_rounds, password).then(|| {
            let mut digest = Md5::new().chain_update(&self.salt).chain_update(password).finalize();
            for _ in 0..1u32 << log_rounds {
                digest = Md5::new().chain_update(digest).chain_update(password).finalize();
            }
            Zeroizing::new(crypt_text(&digest))
        })
    }

    fn sha_crypt(&self, digest: Digest, rounds: u32, password: &[u8]) -> Option<Bytes> {
        use sha_crypt::{Sha256Params, Sha512Params, sha256_crypt_b64, sha512_crypt_b64};
        if !rereads(rounds, password) {
            return None;
        }
        let rounds = usize::try_from(rounds).ok()?;
        let text = match digest {
            Digest::Sha1 => return None,
            Digest::Sha256 => {
                sha256_crypt_b64(password, &self.salt, &Sha256Params::new(rounds).ok()?).ok()?
            }
            Digest::Sha512 => {
                sha512_crypt_b64(password, &self.salt, &Sha512Params::new(rounds).ok()?).ok()?
            }
        };
        Some(Zeroizing::new(text.into_bytes()))
    }
}

/// Whether so many rounds over this password end in seconds. Not so for some kilobytes at the highest costs.
fn rereads(rounds: u32, password: &[u8]) -> bool {
    u64::from(rounds) * (password.len() as u64 / 64 + 1) <= MAX_REREAD
}

/// False where the crate accepts no such costs.
fn scrypt(password: &[u8], salt: &[u8], costs: Scrypt, output: &mut [u8]) -> Result<bool, Mistake> {
    let Scrypt { log_n, r, p } = costs;
    // The crate takes its memory in a way that ends the session if there is none; ask for as much before.
    let bytes = (1u64 << log_n).saturating_add(u64::from(p)).saturating_mul(u64::from(r)).saturating_mul(128);
    let bytes = usize::try_from(bytes).map_err(|_| Mistake::OutOfMemory)?;
    drop(Memory::new(bytes.div_ceil(Block::SIZE).max(1))?);
    let params = u8::try_from(log_n)
        .ok()
        .and_then(|log_n| scrypt::Params::new(log_n, r, p, scrypt::Params::RECOMMENDED_LEN).ok());
    Ok(params.is_some_and(|params| scrypt::scrypt(password, salt, &params, output).is_ok()))
}

fn pbkdf2(digest: Digest, password: &[u8], salt: &[u8], rounds: u32, output: &mut [u8]) -> bool {
    match digest {
        Digest::Sha256 => ::pbkdf2::pbkdf2_hmac::<Sha256>(password, salt, rounds, output),
        Digest::Sha512 => ::pbkdf2::pbkdf2_hmac::<Sha512>(password, salt, rounds, output),
        Digest::Sha1 => {
            let Some(rounds) = std::num::NonZeroU32::new(rounds) else { return false };
            ring::pbkdf2::derive(ring::pbkdf2::PBKDF2_HMAC_SHA1, rounds, salt, password, output);
        }
    }
    true
}

/// A key of any length has an HMAC, so the empty text is for nothing.
fn hmac<M: Mac + hmac::digest::KeyInit>(key: &[u8], data: &[u8]) -> Vec<u8> {
    <M as Mac>::new_from_slice(key)
        .map(|mac| mac.chain_update(data).finalize().into_bytes().to_vec())
        .unwrap_or_default()
}

/// crypt()'s base64: least significant bits first.
fn crypt_text(bytes: &[u8]) -> Vec<u8> {
    const ALPHABET: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut text = Vec::new();
    for group in bytes.chunks(3) {
        let bits = group.iter().rev().fold(0usize, |bits, &byte| bits << 8 | usize::from(byte));
        text.extend((0..=group.len()).map(|place| ALPHABET[bits >> (6 * place) & 63]));
    }
    text
}
