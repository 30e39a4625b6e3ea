//! Fernet (github.com/fernet/spec): what many an application keeps other providers' tokens in, so that they can move.
//!
//! A token is the base64url of version(1) ‖ seconds since 1970(8) ‖ iv(16) ‖ ciphertext ‖ mac(32): AES-128 in CBC mode
//! with the padding of PKCS #7, and HMAC-SHA256 over all that comes before. Nothing is decrypted before the mac has
//! matched.

use aes::Aes128;
use base64::Engine;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockDecryptMut, BlockEncryptMut, KeyIvInit};
use cbc::{Decryptor, Encryptor};
use hmac::{Hmac, Mac};
use pgrx::prelude::*;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::kernel::outcome::{Mistake, OrRaise, given};
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::random;
use crate::kernel::value::interval;

const VERSION: u8 = 0x80;
const KEY_LEN: usize = 32;
const IV_LEN: usize = 16;
const BLOCK_LEN: usize = 16;
const HEADER_LEN: usize = 1 + 8 + IV_LEN;
const MAC_LEN: usize = 32;
/// Seconds that the maker's clock may be ahead; the specification's.
const MAX_CLOCK_SKEW: i64 = 60;

const MAX_KEYS: usize = 100;
const MAX_PLAINTEXT: usize = 16 * 1024 * 1024;
/// More than the longest plaintext takes.
const MAX_TOKEN: usize = MAX_PLAINTEXT / 3 * 4 + 256;

const ACCEPTED_KEYS: &str =
    "a Fernet key: 32 bytes in base64url; or up to 100, separated by commas, the one to encrypt with first";

/// Written with its padding, as the specification says; read without it, too.
const BASE64URL: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Writes no row, so it works on a standby.
#[pg_extern(volatile, parallel_safe)]
fn fernet_encrypt(plaintext: Option<&str>, fernet_key: Option<&str>) -> String {
    let now = clock::now();
    let encrypt = || {
        let plaintext = given(plaintext, "plaintext")?;
        KeyRing::given(fernet_key)?.encrypt(now, plaintext.as_bytes())
    };
    encrypt().or_raise()
}

/// A token that does not open is not an error: WHERE … IS NULL finds such rows of a table.
#[pg_extern(stable, parallel_safe)]
fn fernet_decrypt(
    token: Option<&str>,
    fernet_key: Option<&str>,
    ttl: default!(Option<Interval>, "NULL"),
) -> Option<String> {
    let now = clock::now();
    let decrypt = || {
        let keys = KeyRing::given(fernet_key)?;
        let ttl = ttl.map(ttl_seconds).transpose()?;
        let opened = token.and_then(|token| keys.open(token, now, ttl));
        Ok(opened.and_then(|opened| opened.text().map(str::to_owned)))
    };
    decrypt().or_raise()
}

fn ttl_seconds(ttl: Interval) -> Result<i64, Mistake> {
    interval::seconds(Some(ttl), 0, 0..=i64::MAX, "ttl", "an interval that is not negative")
}

/// One key, or several while they are rotated: the first encrypts, any opens.
///
/// Each has room for the 33 bytes that 44 characters may decode to, so that it can be decoded in place.
pub struct KeyRing(Zeroizing<Vec<[u8; KEY_LEN + 1]>>);

/// What a token held.
pub struct Opened {
    /// The bytes that were encrypted.
    pub plaintext: Zeroizing<Vec<u8>>,
    /// When the token says it was made, in whole seconds.
    pub created_at: Timestamp,
}

impl KeyRing {
    /// The keys of an argument `fernet_key`. Errors: [`Mistake::NullArgument`], and [`Mistake::InvalidArgument`] where
    /// [`KeyRing::parse`] gives none.
    pub fn given(fernet_key: Option<&str>) -> Result<Self, Mistake> {
        Self::parse(given(fernet_key, "fernet_key")?).ok_or(Mistake::invalid("fernet_key", ACCEPTED_KEYS))
    }

    /// Keys in base64url, with or without padding, separated by commas; white space around them does not count, as a
    /// key from a file ends in a newline. None if a key is malformed, or if there is no key or more than 100.
    pub fn parse(text: &str) -> Option<Self> {
        let texts: Vec<&str> = text.split(',').take(MAX_KEYS + 1).collect();
        if texts.len() > MAX_KEYS {
            return None;
        }
        let mut keys = Zeroizing::new(vec![[0; KEY_LEN + 1]; texts.len()]);
        for (key, text) in keys.iter_mut().zip(texts) {
            if BASE64URL.decode_slice(text.trim_ascii(), key).ok()? != KEY_LEN {
                return None;
            }
        }
        Some(Self(keys))
    }

    /// A token of this moment. Errors: [`Mistake::InvalidArgument`] for a plaintext of more than 16 MiB, and
    /// [`Mistake::NoRandomness`].
    pub fn encrypt(&self, now: Timestamp, plaintext: &[u8]) -> Result<String, Mistake> {
        let mut iv = [0; IV_LEN];
        random(&mut iv)?;
        self.encrypt_with(now, &iv, plaintext)
            .ok_or(Mistake::invalid("plaintext", "a text of at most 16 MiB"))
    }

    fn encrypt_with(&self, now: Timestamp, iv: &[u8; IV_LEN], plaintext: &[u8]) -> Option<String> {
        if plaintext.len() > MAX_PLAINTEXT {
            return None;
        }
        let (signing, encryption) = halves(self.0.first()?);
        // A whole block of padding if the text fills its last block.
        let ciphertext_len = (plaintext.len() / BLOCK_LEN + 1) * BLOCK_LEN;
        // Allocated once: the plaintext is encrypted where it stands, and no copy of it stays behind.
        let mut token = Vec::with_capacity(HEADER_LEN + ciphertext_len + MAC_LEN);
        token.push(VERSION);
        token.extend_from_slice(&u64::try_from(now.unix_seconds()).unwrap_or(0).to_be_bytes());
        token.extend_from_slice(iv);
        token.extend_from_slice(plaintext);
        token.resize(HEADER_LEN + ciphertext_len, 0);
        Encryptor::<Aes128>::new_from_slices(encryption, iv)
            .ok()?
            .encrypt_padded_mut::<Pkcs7>(&mut token[HEADER_LEN..], plaintext.len())
            .ok()?;
        let mac = mac(signing, &token)?.finalize().into_bytes();
        token.extend_from_slice(&mac);
        Some(BASE64URL.encode(token))
    }

    /// Opens a token that one of the keys made; None for any other, and for one of more than 16 MiB of plaintext.
    ///
    /// With `ttl_seconds` also None for a token that is older, or more than 60 s in the future. Without it the age is
    /// not checked, as in Python's cryptography: a table may hold tokens of any age, made by any clock.
    pub fn open(&self, token: &str, now: Timestamp, ttl_seconds: Option<i64>) -> Option<Opened> {
        if token.len() > MAX_TOKEN {
            return None;
        }
        let token = BASE64URL.decode(token).ok()?;
        let (signed, mac_of_it) = token.split_last_chunk::<MAC_LEN>()?;
        let (version, rest) = signed.split_first()?;
        let (seconds, rest) = rest.split_first_chunk::<8>()?;
        let (iv, ciphertext) = rest.split_first_chunk::<IV_LEN>()?;
        if *version != VERSION {
            return None;
        }
        let plaintext = self.0.iter().find_map(|key| {
            let (signing, encryption) = halves(key);
            // In constant time.
            mac(signing, signed)?.verify_slice(mac_of_it).ok()?;
            decrypt(encryption, iv, ciphertext)
        })?;
        let seconds = u64::from_be_bytes(*seconds);
        let created_at = Timestamp::from_unix_millis(seconds.saturating_mul(1000));
        let opened = Opened { plaintext, created_at };
        ttl_seconds.is_none_or(|ttl| opened.is_live(now, ttl)).then_some(opened)
    }
}

impl Opened {
    /// The plaintext as the server can hold it: UTF-8 without NUL.
    pub fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.plaintext).ok().filter(|text| !text.contains('\0'))
    }

    fn is_live(&self, now: Timestamp, ttl_seconds: i64) -> bool {
        let (made, now) = (self.created_at.unix_seconds(), now.unix_seconds());
        made.saturating_add(ttl_seconds) >= now && made <= now.saturating_add(MAX_CLOCK_SKEW)
    }
}

/// The halves of a key: to sign with, and to encrypt with.
fn halves(key: &[u8; KEY_LEN + 1]) -> (&[u8], &[u8]) {
    key[..KEY_LEN].split_at(KEY_LEN / 2)
}

fn mac(signing: &[u8], signed: &[u8]) -> Option<Hmac<Sha256>> {
    Some(<Hmac<Sha256> as Mac>::new_from_slice(signing).ok()?.chain_update(signed))
}

fn decrypt(encryption: &[u8], iv: &[u8; IV_LEN], ciphertext: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut plaintext = Zeroizing::new(ciphertext.to_vec());
    let decryptor = Decryptor::<Aes128>::new_from_slices(encryption, iv).ok()?;
    let len = decryptor.decrypt_padded_mut::<Pkcs7>(&mut plaintext).ok()?.len();
    plaintext.truncate(len);
    Some(plaintext)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{BASE64URL, IV_LEN, KeyRing, MAX_PLAINTEXT, Opened};
    use crate::kernel::value::clock::Timestamp;
    use base64::Engine;
    use proptest::prelude::*;

    /// Of the specification: generate.json, verify.json, invalid.json.
    const KEY: &str = "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=";
    const HELLO: &str = "gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ_eEwCGM4BLLF_5CV9dOPmrhuVUPgJobwOz7JcbmrR64jVmpU4IwqDA==";
    /// 1985-10-26T01:20:00-07:00.
    const MADE: u64 = 499_162_800;
    const IV: [u8; IV_LEN] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
    /// Seconds later, token, what is wrong with it; all with a ttl of 60 s.
    const INVALID: &str = "
        1 gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPAl1-szkFVzXTuGb4hR8AKtwcaX1YdykQUFBQUFBQUFBQQ== mac
        1 gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPA== too short
        1 %%%%%%%%%%%%%AECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPAl1-szkFVzXTuGb4hR8AKtwcaX1YdykRtfsH-p1YsUD2Q== base64
        1 gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPOm73QeoCk9uGib28Xe5vz6oxq5nmxbx_v7mrfyudzUm block size
        1 gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0ODz4LEpdELGQAad7aNEHbf-JkLPIpuiYRLQ3RtXatOYREu2FWke6CnJNYIbkuKNqOhw== padding
        1 gAAAAAAdwStRAAECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPAnja1xKYyhd-Y6mSkTOyTGJmw2Xc2a6kBd-iX9b_qXQcw== time: future
        91 gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPAl1-szkFVzXTuGb4hR8AKtwcaX1YdykRtfsH-p1YsUD2Q== time: ttl
        1 gAAAAAAdwJ6xBQECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPAkLhFLHpGtDBRLRTZeUfWgHSv49TF2AUEZ1TIvcZjK1zQ== iv";

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_unix_millis(seconds * 1000)
    }

    fn ring(text: &str) -> KeyRing {
        KeyRing::parse(text).unwrap()
    }

    fn key(bytes: &[u8; 32]) -> String {
        BASE64URL.encode(bytes)
    }

    fn open(token: &str, now: u64, ttl: Option<i64>) -> Option<Opened> {
        ring(KEY).open(token, at(now), ttl)
    }

    #[test]
    fn the_specifications_token_is_generated() {
        assert_eq!(ring(KEY).encrypt_with(at(MADE), &IV, b"hello").unwrap(), HELLO);
    }

    #[test]
    fn the_specifications_token_is_verified() {
        let opened = open(HELLO, MADE + 1, Some(60)).unwrap();
        assert_eq!(opened.text(), Some("hello"));
        assert_eq!(opened.created_at.unix_seconds(), 499_162_800);
    }

    #[test]
    fn the_specifications_invalid_tokens_do_not_open() {
        for line in INVALID.trim().lines() {
            let (now, rest) = line.trim().split_once(' ').unwrap();
            let (token, case) = rest.split_once(' ').unwrap();
            let now = MADE + now.parse::<u64>().unwrap();
            assert!(open(token, now, Some(60)).is_none(), "{case}");
            // The times do not matter to who names no ttl.
            assert_eq!(open(token, now, None).is_some(), case.starts_with("time: "), "{case}, without ttl");
        }
    }

    #[test]
    fn a_ttl_bounds_past_and_future_to_the_second() {
        let opens = |now, ttl| open(HELLO, now, ttl).is_some();
        assert!(opens(MADE + 60, Some(60)) && !opens(MADE + 61, Some(60)));
        assert!(opens(MADE, Some(0)) && !opens(MADE + 1, Some(0)));
        assert!(opens(MADE - 60, Some(60)) && !opens(MADE - 61, Some(60)));
        assert!(!opens(MADE - 61, Some(i64::MAX)) && opens(MADE + 61, Some(i64::MAX)));
        assert!(opens(0, None) && opens(u64::from(u32::MAX), None));
        // The end of time saturates.
        let last = ring(KEY).encrypt_with(Timestamp::from_micros(i64::MAX), &IV, b"").unwrap();
        assert!(open(&last, MADE, None).is_some() && open(&last, MADE, Some(i64::MAX)).is_none());
    }

    #[test]
    fn keys_are_32_bytes_of_base64url() {
        let bare = KEY.trim_end_matches('=');
        for text in [KEY, bare, &format!(" {KEY}\n"), &format!("{KEY},{bare} , {KEY}"), &[KEY; 100].join(",")]
        {
            assert!(KeyRing::parse(text).is_some(), "{text:?}");
        }
        for text in [
            "",
            ",",
            "hello",
            &KEY.replace('_', "/"),
            &KEY.replace('-', "+"),
            &KEY[1..],
            &format!("{KEY}="),
            &format!("{bare}A"),
            &format!("{KEY}{KEY}"),
            &format!("{KEY},"),
            &format!("{KEY};{KEY}"),
            &BASE64URL.encode([7; 31]),
            &BASE64URL.encode([7; 33]),
            &[KEY; 101].join(","),
            &",".repeat(1_000_000),
        ] {
            assert!(KeyRing::parse(text).is_none(), "{text:.80?}");
        }
    }

    #[test]
    fn the_first_key_encrypts_and_any_opens() {
        let (one, two, three) = (key(&[1; 32]), key(&[2; 32]), key(&[3; 32]));
        let token = ring(&format!("{two},{one}")).encrypt_with(at(MADE), &IV, b"hello").unwrap();
        let opens = |keys: &str| ring(keys).open(&token, at(MADE), None).is_some();
        assert!(opens(&two) && opens(&format!("{one},{two}")) && opens(&format!("{three},{one},{two}")));
        assert!(!opens(&one) && !opens(&format!("{one},{three}")));
    }

    #[test]
    fn text_is_what_the_server_can_hold() {
        for (plaintext, text) in [
            ("".as_bytes(), Some("")),
            ("é🔑".as_bytes(), Some("é🔑")),
            (b"\xff", None),
            (b"\xc3", None),
            (b"a\0b", None),
        ] {
            let token = ring(KEY).encrypt_with(at(MADE), &IV, plaintext).unwrap();
            assert_eq!(open(&token, MADE, None).unwrap().text(), text, "{plaintext:?}");
        }
    }

    #[test]
    fn the_longest_text_comes_back() {
        let longest = vec![b'x'; MAX_PLAINTEXT];
        let token = ring(KEY).encrypt_with(at(MADE), &IV, &longest).unwrap();
        assert!(*open(&token, MADE, None).unwrap().plaintext == longest);
        assert!(ring(KEY).encrypt_with(at(MADE), &IV, &vec![b'x'; MAX_PLAINTEXT + 1]).is_none());
    }

    proptest! {
        #[test]
        fn opens_only_with_its_key_and_text(
            bytes: [u8; 32], plaintext: Vec<u8>, now in 0u64..1 << 40, place: prop::sample::Index, bit in 0u8..8
        ) {
            let keys = ring(&key(&bytes));
            let token = keys.encrypt(at(now), &plaintext).unwrap();
            let opened = keys.open(&token, at(now), Some(0)).unwrap();
            prop_assert_eq!(&*opened.plaintext, &plaintext);
            prop_assert!(opened.created_at == at(now));
            // Without its padding it is the same token.
            prop_assert!(keys.open(token.trim_end_matches('='), at(now), Some(0)).is_some());

            let mut raw = BASE64URL.decode(&token).unwrap();
            let changed = place.index(raw.len());
            raw[changed] ^= 1 << bit;
            prop_assert!(keys.open(&BASE64URL.encode(&raw), at(now), None).is_none());
            let mut other = bytes;
            // Half of the key signs; a change in the other half alone leaves the mac as it is.
            other[place.index(16)] ^= 1 << bit;
            prop_assert!(ring(&key(&other)).open(&token, at(now), None).is_none());
            prop_assert!(keys.open(&token[..place.index(token.trim_end_matches('=').len())], at(now), None).is_none());
        }

        #[test]
        fn garbage_never_opens(text: String, bytes: Vec<u8>, token in "gAAAA[A-Za-z0-9_-]{0,200}={0,2}") {
            let keys = ring(KEY);
            let versioned = BASE64URL.encode([&[0x80], bytes.as_slice()].concat());
            for garbage in [text, BASE64URL.encode(&bytes), versioned, token] {
                prop_assert!(keys.open(&garbage, at(MADE), None).is_none());
            }
        }
    }
}
