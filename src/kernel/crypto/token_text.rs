//! The text of tokens: minting, parsing, digesting, comparing. Pure, except for the operating system's randomness.
//!
//! A token is `as??_` + base64url(id(16) ‖ secret(32)), 69 characters; the store keeps the id as key and SHA-256 of the
//! whole text. An API key may begin with another prefix, of its issuer's choice. A refresh token is `asrt_` +
//! base64url(id(16) ‖ family secret(16) ‖ rotation secret(32)), 91 characters.
//!
//! A type here that holds a secret implements neither Debug nor Display, and is wiped when dropped.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::kernel::outcome::Mistake;
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::id::{Bucket, Id, random};

/// The longest text that is read; a longer one is an unusable secret.
pub const MAX_TEXT: usize = 512;

/// The use of a token; each kind has its prefix, so that a leaked token is recognised.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `asat_`, an access token
    AccessToken,
    /// `asac_`, an authorization code
    AuthorizationCode,
    /// `ascs_`, a client secret
    ClientSecret,
    /// `asdc_`, a device code
    DeviceCode,
    /// `aspr_`, a pushed authorization request
    PushedRequest,
    /// `asst_`, a session
    Session,
    /// `asak_`, an API key
    ApiKey,
    /// `asdt_`, a browser that a user has logged in with
    Device,
    /// `asot_`, a one-time token
    OneTime,
    /// `asrg_`, a registration access token (RFC 7592 section 3)
    Registration,
}

impl Kind {
    const ALL: [Self; 10] = [
        Self::AccessToken,
        Self::AuthorizationCode,
        Self::ClientSecret,
        Self::DeviceCode,
        Self::PushedRequest,
        Self::Session,
        Self::ApiKey,
        Self::Device,
        Self::OneTime,
        Self::Registration,
    ];

    /// What its texts begin with.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::AccessToken => "asat_",
            Self::AuthorizationCode => "asac_",
            Self::ClientSecret => "ascs_",
            Self::DeviceCode => "asdc_",
            Self::PushedRequest => "aspr_",
            Self::Session => "asst_",
            Self::ApiKey => "asak_",
            Self::Device => "asdt_",
            Self::OneTime => "asot_",
            Self::Registration => "asrg_",
        }
    }
}

const REFRESH_PREFIX: &str = "asrt_";
const FAMILY_LEN: usize = 16;
const ROTATION_LEN: usize = 32;
/// What a refresh token says of itself at the end of its rotation secret, and the MAC behind it, where the store has a
/// key for that: see `oauth/token/number.rs`. 12 random bytes are left before them.
pub const SAID_LEN: usize = 8;
/// The bytes of that MAC.
pub const MAC_LEN: usize = 12;

/// SHA-256 of a secret text: what the store keeps.
pub type Digest = [u8; 32];

/// A freshly made token.
pub struct Minted {
    /// Key of its row.
    pub id: Id,
    /// What the holder gets, once.
    pub text: Zeroizing<String>,
    /// What the store keeps.
    pub digest: Digest,
}

/// A presented token, of which only the form is checked.
pub struct Presented {
    /// Key of the row it claims.
    pub id: Id,
    /// SHA-256 of its text.
    pub digest: Digest,
}

/// SHA-256 of a text.
pub fn digest(text: &str) -> Digest {
    Sha256::digest(text.as_bytes()).into()
}

/// Compares a digest with a stored one in constant time.
pub fn digest_matches(presented: &Digest, stored: &[u8]) -> bool {
    presented.as_slice().ct_eq(stored).into()
}

/// Whether a digest begins with these bytes, in constant time.
pub fn digest_begins(presented: &Digest, start: &[u8]) -> bool {
    presented.get(..start.len()).is_some_and(|begin| begin.ct_eq(start).into())
}

/// Reads a SHA-256 digest as other stores keep it: 64 hexadecimal digits, as PostgreSQL shows a bytea too, or
/// base64 or base64url, padded or not.
pub fn read_digest(text: &str) -> Option<Digest> {
    let hex = text.strip_prefix("\\x").unwrap_or(text);
    if hex.len() == 64 {
        let mut digest = [0; 32];
        for (byte, pair) in digest.iter_mut().zip(hex.as_bytes().chunks(2)) {
            let digit = |n: usize| pair.get(n).and_then(|b| char::from(*b).to_digit(16));
            *byte = u8::try_from(digit(0)? * 16 + digit(1)?).ok()?;
        }
        return Some(digest);
    }
    let body = text.strip_suffix('=').unwrap_or(text);
    if body.len() != 43 {
        return None;
    }
    let bytes = STANDARD_NO_PAD.decode(body).or_else(|_| URL_SAFE_NO_PAD.decode(body)).ok()?;
    bytes.try_into().ok()
}

/// Makes a token of `kind` and the id of its row, from one draw of randomness.
pub fn mint(kind: Kind, now: Timestamp, bucket: Bucket) -> Result<Minted, Mistake> {
    let mut entropy = Zeroizing::new([0; 40]);
    random(entropy.as_mut())?;
    let (mut for_id, mut secret) = ([0; 8], Zeroizing::new([0; 32]));
    for_id.copy_from_slice(&entropy[..8]);
    secret.copy_from_slice(&entropy[8..]);
    Ok(encode(kind.prefix(), Id::from_parts(now, bucket, for_id), &secret))
}

/// Makes a token of the row `id`, with a new secret. The prefix is a kind's, or an API key's own.
pub fn mint_for(prefix: &str, id: Id) -> Result<Minted, Mistake> {
    let mut secret = Zeroizing::new([0; 32]);
    random(secret.as_mut())?;
    Ok(encode(prefix, id, &secret))
}

fn encode(prefix: &str, id: Id, secret: &[u8; 32]) -> Minted {
    let mut bytes = Zeroizing::new([0; 48]);
    bytes[..16].copy_from_slice(id.bytes());
    bytes[16..].copy_from_slice(secret);
    let text = armour(prefix, bytes.as_slice());
    let digest = digest(&text);
    Minted { id, text, digest }
}

/// Characters behind the prefix of an API key.
const API_KEY_BODY: usize = 64;
/// How many of its characters come from the row's id alone: its first nine bytes.
const API_KEY_START: usize = 12;

/// True if API keys may begin with this: 1 to 32 letters, digits, _ and -, the last of them _, and not the prefix of
/// another kind of token.
pub fn is_api_key_prefix(prefix: &str) -> bool {
    let legal = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    let kind = prefix.strip_prefix("as").and_then(|rest| rest.split_once('_')).map(|(kind, _)| kind);
    let reserved = kind
        .is_some_and(|kind| kind.len() == 2 && kind != "ak" && kind.bytes().all(|b| b.is_ascii_lowercase()));
    prefix.len() <= 32 && prefix.ends_with('_') && prefix.bytes().all(legal) && !reserved
}

/// Reads an API key with any prefix; None if it is malformed, or if the store would not make its id.
pub fn parse_api_key(text: &str) -> Option<Presented> {
    let (prefix, _) = text.split_at_checked(text.len().checked_sub(API_KEY_BODY)?)?;
    if !is_api_key_prefix(prefix) {
        return None;
    }
    let bytes = unarmour::<48>(prefix, text)?;
    let mut id = [0; 16];
    id.copy_from_slice(&bytes[..16]);
    let id = Id::from_bytes(id);
    id.is_own().then(|| Presented { id, digest: digest(text) })
}

/// The first characters of an API key, to recognise it by. They hold no part of its secret.
pub fn api_key_start<'a>(prefix: &str, text: &'a str) -> &'a str {
    text.get(..prefix.len() + API_KEY_START).unwrap_or_default()
}

/// Reads a token of `kind`; None where it is NULL, empty, too long or malformed.
pub fn parse(kind: Kind, text: Option<&str>) -> Option<Presented> {
    let text = text?;
    let bytes = unarmour::<48>(kind.prefix(), text)?;
    let mut id = [0; 16];
    id.copy_from_slice(&bytes[..16]);
    Some(Presented { id: Id::from_bytes(id), digest: digest(text) })
}

/// The row id in a token of any kind, for a router; None if the text is not a token.
pub fn id_of(text: &str) -> Option<Id> {
    Kind::ALL
        .into_iter()
        .find_map(|kind| parse(kind, Some(text)).map(|token| token.id))
        .or_else(|| RefreshToken::parse(Some(text)).map(|token| token.id()))
        .or_else(|| parse_api_key(text).map(|key| key.id))
        .filter(Id::is_own)
}

/// A refresh token: the row of its family, the secret the family keeps and the one that rotates.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct RefreshToken {
    bytes: [u8; 16 + FAMILY_LEN + ROTATION_LEN],
}

impl RefreshToken {
    /// Makes the first token of the family `grant`.
    pub fn mint(grant: Id) -> Result<Self, Mistake> {
        let mut token = Self { bytes: [0; 64] };
        token.bytes[..16].copy_from_slice(grant.bytes());
        random(&mut token.bytes[16..])?;
        Ok(token)
    }

    /// Reads a refresh token; None where it is NULL, empty, too long or malformed.
    pub fn parse(text: Option<&str>) -> Option<Self> {
        let bytes = unarmour::<64>(REFRESH_PREFIX, text?)?;
        Some(Self { bytes: *bytes })
    }

    /// The same family's token with a new rotation secret.
    pub fn successor(&self) -> Result<Self, Mistake> {
        let mut next = Self { bytes: self.bytes };
        random(&mut next.bytes[16 + FAMILY_LEN..])?;
        Ok(next)
    }

    /// The same family's token with this rotation secret.
    pub fn with_rotation(&self, rotation: &[u8; ROTATION_LEN]) -> Self {
        let mut next = Self { bytes: self.bytes };
        next.bytes[16 + FAMILY_LEN..].copy_from_slice(rotation);
        next
    }

    /// The token of the family `grant` with these secrets: family ‖ rotation.
    pub fn of(grant: Id, secrets: &[u8; FAMILY_LEN + ROTATION_LEN]) -> Self {
        let mut token = Self { bytes: [0; 64] };
        token.bytes[..16].copy_from_slice(grant.bytes());
        token.bytes[16..].copy_from_slice(secrets);
        token
    }

    /// All but the last bytes of the rotation secret, which are replaced by what `mark` makes of the others: the MAC
    /// of what the store has written into it.
    pub fn marked(mut self, said: &[u8; SAID_LEN], mark: impl FnOnce(&[u8]) -> [u8; MAC_LEN]) -> Self {
        let mac_at = self.bytes.len() - MAC_LEN;
        self.bytes[mac_at - SAID_LEN..mac_at].copy_from_slice(said);
        let mac = mark(&self.bytes[..mac_at]);
        self.bytes[mac_at..].copy_from_slice(&mac);
        self
    }

    /// What [`Self::marked`] has written, if that made the token: what it says, the bytes under the MAC, and the MAC.
    pub fn mark(&self) -> ([u8; SAID_LEN], &[u8], [u8; MAC_LEN]) {
        let (under, mac) = self.bytes.split_at(self.bytes.len() - MAC_LEN);
        let (mut said, mut found) = ([0; SAID_LEN], [0; MAC_LEN]);
        said.copy_from_slice(&under[under.len() - SAID_LEN..]);
        found.copy_from_slice(mac);
        (said, under, found)
    }

    /// Both secrets: family ‖ rotation.
    pub fn secrets(&self) -> &[u8] {
        &self.bytes[16..]
    }

    /// The grant that is the family.
    pub fn id(&self) -> Id {
        let mut id = [0; 16];
        id.copy_from_slice(&self.bytes[..16]);
        Id::from_bytes(id)
    }

    /// SHA-256 of the secret that the whole family shares.
    pub fn family_digest(&self) -> Digest {
        Sha256::digest(&self.bytes[16..16 + FAMILY_LEN]).into()
    }

    /// The secret that rotates.
    pub fn rotation(&self) -> &[u8] {
        &self.bytes[16 + FAMILY_LEN..]
    }

    /// All bytes: the key material that seals the successor.
    pub fn key_material(&self) -> &[u8] {
        &self.bytes
    }

    /// What the holder gets.
    pub fn text(&self) -> Zeroizing<String> {
        armour(REFRESH_PREFIX, &self.bytes)
    }
}

fn armour(prefix: &str, bytes: &[u8]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(prefix.len() + bytes.len() * 4 / 3 + 4));
    text.push_str(prefix);
    URL_SAFE_NO_PAD.encode_string(bytes, &mut text);
    text
}

fn unarmour<const N: usize>(prefix: &str, text: &str) -> Option<Zeroizing<[u8; N]>> {
    if text.len() > MAX_TEXT {
        return None;
    }
    let body = text.strip_prefix(prefix)?;
    let mut bytes = Zeroizing::new([0; N]);
    // decode_slice refuses a text that is not canonical, so that a token has one text.
    let length = URL_SAFE_NO_PAD.decode_slice(body, bytes.as_mut_slice()).ok()?;
    (length == N).then_some(bytes)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lengths_and_prefixes_are_the_documented_ones() {
        let minted = encode("asat_", Id::from_bytes([1; 16]), &[2; 32]);
        assert!(minted.text.starts_with("asat_"));
        assert_eq!(minted.text.len(), 69);
        assert_eq!(RefreshToken { bytes: [3; 64] }.text().len(), 91);
    }

    /// FIPS 180-4: SHA-256("abc").
    #[test]
    fn digest_is_sha256() {
        assert_eq!(digest("abc")[..4], [0xba, 0x78, 0x16, 0xbf]);
    }

    /// SHA-256("abc"), FIPS 180-4.
    #[test]
    fn a_digest_is_read_in_the_forms_other_stores_keep_it() {
        let hex = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        for text in [
            hex,
            &hex.to_uppercase(),
            &format!("\\x{hex}"),
            "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=",
            "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0",
            "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0",
            "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0=",
        ] {
            assert!(read_digest(text) == Some(digest("abc")), "{text}");
        }
        for text in [
            "",
            "abc",
            &hex[1..],
            &format!("{hex}0"),
            &hex.replace('b', "g"),
            &"é".repeat(32),
            &"=".repeat(44),
        ] {
            assert!(read_digest(text).is_none(), "{text}");
        }
    }

    #[test]
    fn other_kinds_null_empty_and_cut_texts_are_not_tokens() {
        let minted = encode("asat_", Id::from_bytes([1; 16]), &[2; 32]);
        assert!(parse(Kind::AccessToken, Some(&minted.text)).is_some());
        assert!(parse(Kind::AuthorizationCode, Some(&minted.text)).is_none());
        assert!(parse(Kind::AccessToken, None).is_none());
        assert!(parse(Kind::AccessToken, Some("")).is_none());
        assert!(parse(Kind::AccessToken, Some(&minted.text[..68])).is_none());
        assert!(parse(Kind::AccessToken, Some(&format!("{}A", &*minted.text))).is_none());
        assert!(parse(Kind::AccessToken, Some(&format!("{}=", &*minted.text))).is_none());
        assert!(RefreshToken::parse(Some(&minted.text)).is_none());
    }

    #[test]
    fn an_api_key_has_a_prefix_of_its_issuer_that_no_other_token_has() {
        for prefix in
            ["asak_", "sk_live_", "_", "a-b_", "as_", "asx_", "asabc_", "assets_", &("a".repeat(31) + "_")]
        {
            assert!(is_api_key_prefix(prefix), "{prefix}");
        }
        for prefix in ["", "sk", "sk-", "s k_", "é_", "sk_\n", "sk.live_", &("a".repeat(32) + "_")] {
            assert!(!is_api_key_prefix(prefix), "{prefix:?}");
        }
        for kind in Kind::ALL.into_iter().filter(|kind| *kind != Kind::ApiKey) {
            assert!(!is_api_key_prefix(kind.prefix()));
            assert!(!is_api_key_prefix(&format!("{}live_", kind.prefix())));
        }
        assert!(!is_api_key_prefix(REFRESH_PREFIX));
    }

    #[test]
    fn what_has_no_id_of_the_store_is_no_api_key() {
        // 64 hexadecimal digits, as other stores make keys, are base64url too.
        assert!(parse_api_key(&format!("sk_live_{}", "0123456789abcdef".repeat(4))).is_none());
        assert!(parse_api_key("").is_none());
        assert!(parse_api_key(&"é".repeat(40)).is_none());
        let minted = encode(
            "asat_",
            Id::from_parts(Timestamp::from_unix_millis(1), Bucket::of(&["a"]), [7; 8]),
            &[2; 32],
        );
        assert!(parse_api_key(&minted.text).is_none());
        assert!(parse_api_key(&minted.text[5..]).is_none());
        assert!(parse_api_key(&format!("sk_{}", &minted.text[5..])).is_some());
    }

    #[test]
    fn a_refresh_token_has_one_text_only() {
        let text = RefreshToken { bytes: [3; 64] }.text();
        // 64 bytes leave four unused bits in the last character; a text with another value there is not a token.
        let mut other = text[..90].to_string();
        other.push(if text.ends_with('w') { 'x' } else { 'B' });
        assert_ne!(*text, other);
        assert!(RefreshToken::parse(Some(&other)).is_none());
    }

    #[test]
    fn digests_compare_by_value_and_length() {
        assert!(digest_matches(&[7; 32], &[7; 32]));
        assert!(!digest_matches(&[7; 32], &[7; 31]));
        assert!(!digest_matches(&[7; 32], &[8; 32]));
        assert!(!digest_matches(&[7; 32], &[]));
    }

    proptest! {
        #[test]
        fn tokens_round_trip(id: [u8; 16], secret: [u8; 32]) {
            let is_own = Id::from_bytes(id).is_own();
            for kind in [Kind::AccessToken, Kind::AuthorizationCode, Kind::ClientSecret] {
                let minted = encode(kind.prefix(), Id::from_bytes(id), &secret);
                let presented = parse(kind, Some(&minted.text)).unwrap();
                prop_assert_eq!(presented.id.bytes(), &id);
                prop_assert!(digest_matches(&presented.digest, &minted.digest));
                let named = id_of(&minted.text);
                prop_assert!(named.map(|named| *named.bytes()) == is_own.then_some(id));
            }
        }

        #[test]
        fn api_keys_round_trip(
            millis in 0u64..(1 << 47), entropy: [u8; 8], secret: [u8; 32], other: [u8; 32],
            prefix in "(sk_|[a-z]{3}-[0-9]{0,4}_|asak_)"
        ) {
            let id = Id::from_parts(Timestamp::from_unix_millis(millis), Bucket::of(&["a"]), entropy);
            let minted = encode(&prefix, id, &secret);
            let presented = parse_api_key(&minted.text).unwrap();
            prop_assert!(presented.id == id && digest_matches(&presented.digest, &minted.digest));
            let named = id_of(&minted.text).unwrap();
            prop_assert!(named == id);
            // Another prefix makes another key, and the start tells nothing about the secret.
            let elsewhere = parse_api_key(&format!("x{}", &*minted.text)).unwrap();
            prop_assert!(!digest_matches(&elsewhere.digest, &minted.digest));
            let start = api_key_start(&prefix, &minted.text);
            prop_assert_eq!(start.len(), prefix.len() + 12);
            let rotated = encode(&prefix, id, &other);
            prop_assert_eq!(start, api_key_start(&prefix, &rotated.text));
        }

        #[test]
        fn refresh_tokens_round_trip(bytes: [u8; 32], rest: [u8; 32]) {
            let mut all = [0; 64];
            all[..32].copy_from_slice(&bytes);
            all[32..].copy_from_slice(&rest);
            let token = RefreshToken { bytes: all };
            let back = RefreshToken::parse(Some(&token.text())).unwrap();
            prop_assert_eq!(back.key_material(), &all[..]);
            prop_assert_eq!(back.with_rotation(&rest).text(), token.text());
            let secrets: &[u8; 48] = back.secrets().try_into().unwrap();
            prop_assert_eq!(RefreshToken::of(back.id(), secrets).text(), token.text());
        }

        #[test]
        fn garbage_is_never_a_token(text in "\\PC*") {
            prop_assert!(parse(Kind::AccessToken, Some(&text)).is_none());
            prop_assert!(RefreshToken::parse(Some(&text)).is_none());
        }

        #[test]
        fn garbage_behind_a_prefix_is_parsed_only_at_its_exact_length(body in "[A-Za-z0-9_-]{0,200}") {
            let text = format!("asat_{body}");
            prop_assert_eq!(parse(Kind::AccessToken, Some(&text)).is_some(), body.len() == 64);
        }

        #[test]
        fn one_changed_character_is_another_secret(id: [u8; 16], secret: [u8; 32], at in 27usize..69) {
            let minted = encode("asat_", Id::from_bytes(id), &secret);
            let mut text: Vec<u8> = minted.text.bytes().collect();
            text[at] = if text[at] == b'A' { b'B' } else { b'A' };
            let text = String::from_utf8(text).unwrap();
            let presented = parse(Kind::AccessToken, Some(&text)).unwrap();
            prop_assert!(!digest_matches(&presented.digest, &minted.digest));
        }
    }
}
