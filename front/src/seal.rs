//! What the front gives a browser to bring back: sealed, so that nobody can make or read it, and for a time.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, Salt};
use ring::rand::{SecureRandom, SystemRandom};
use serde_json::{Value, json};

/// Seals and opens.
pub struct Seal {
    key: LessSafeKey,
    mac: ring::hmac::Key,
    random: SystemRandom,
}

/// How long a form is good for.
const FORM_LIFE: Duration = Duration::from_secs(12 * 3600);

impl Seal {
    /// With the operator's key, or one of this process alone: then what it gave away ends with it.
    pub fn new(key: Option<[u8; 32]>) -> Result<Self, String> {
        let broken = |_| "the operating system gives no random numbers".to_owned();
        let random = SystemRandom::new();
        let mut secret = [0; 32];
        match key {
            Some(key) => secret = key,
            None => random.fill(&mut secret).map_err(broken)?,
        }
        let derived = Salt::new(HKDF_SHA256, b"auth_store_front").extract(&secret);
        let (mut sealing, mut signing) = ([0; 32], [0; 32]);
        derived.expand(&[b"seal"], HKDF_SHA256).and_then(|key| key.fill(&mut sealing)).map_err(broken)?;
        derived.expand(&[b"form"], HKDF_SHA256).and_then(|key| key.fill(&mut signing)).map_err(broken)?;
        Ok(Self {
            key: LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &sealing).map_err(broken)?),
            mac: ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &signing),
            random,
        })
    }

    /// A text that nobody can guess.
    pub fn random(&self) -> Option<String> {
        let mut bytes = [0; 16];
        self.random.fill(&mut bytes).ok()?;
        Some(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// A value for one purpose and so long. Under one key 2³² of them may be made with random nonces.
    pub fn seal(&self, purpose: &str, value: &Value, life: Duration) -> Option<String> {
        let mut nonce = [0; 12];
        self.random.fill(&mut nonce).ok()?;
        let mut text = json!({ "until": now() + life.as_secs(), "value": value }).to_string().into_bytes();
        let aad = Aad::from(purpose.as_bytes());
        self.key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut text).ok()?;
        Some(URL_SAFE_NO_PAD.encode([nonce.as_slice(), &text].concat()))
    }

    /// The value that was sealed for this purpose, if its time has not come.
    pub fn open(&self, purpose: &str, text: &str) -> Option<Value> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (nonce, sealed) = bytes.split_at_checked(12)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut sealed = sealed.to_vec();
        let opened = self.key.open_in_place(nonce, Aad::from(purpose.as_bytes()), &mut sealed).ok()?;
        let mut opened: Value = serde_json::from_slice(opened).ok()?;
        let is_good = opened.get("until").and_then(Value::as_u64).is_some_and(|until| until > now());
        is_good.then(|| opened.get_mut("value").map(Value::take)).flatten()
    }

    /// The token of a form for a browser, known by a cookie that only this site can have set, and its session.
    pub fn form_token(&self, browser: &str, session: &str) -> String {
        self.form_token_at(browser, session, now())
    }

    fn form_token_at(&self, browser: &str, session: &str, time: u64) -> String {
        let message = format!("{time}.{browser}.{session}");
        let tag = ring::hmac::sign(&self.mac, message.as_bytes());
        format!("{time}.{}", URL_SAFE_NO_PAD.encode(tag))
    }

    /// Whether a form was given to this browser in this session, not long ago.
    pub fn is_form_of(&self, browser: &str, session: &str, token: &str) -> bool {
        let Some((time, tag)) = token.split_once('.') else { return false };
        let (Ok(time), Ok(tag)) = (time.parse::<u64>(), URL_SAFE_NO_PAD.decode(tag)) else { return false };
        let message = format!("{time}.{browser}.{session}");
        ring::hmac::verify(&self.mac, message.as_bytes(), &tag).is_ok()
            && now().saturating_sub(time) < FORM_LIFE.as_secs()
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map(|since| since.as_secs()).unwrap_or_default()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::{FORM_LIFE, Seal, now};

    #[test]
    fn what_is_sealed_is_opened_for_its_purpose_and_in_its_time() {
        let seal = Seal::new(Some([1; 32])).unwrap();
        let text = seal.seal("log-in", &json!({"user": "ada"}), Duration::from_secs(60)).unwrap();
        assert_eq!(seal.open("log-in", &text), Some(json!({"user": "ada"})));
        assert_eq!(Seal::new(Some([1; 32])).unwrap().open("log-in", &text), Some(json!({"user": "ada"})));
        assert_eq!(Seal::new(Some([2; 32])).unwrap().open("log-in", &text), None, "another key");
        assert_eq!(Seal::new(None).unwrap().open("log-in", &text), None, "a key of its own");
        assert_eq!(seal.open("other", &text), None, "another purpose");
        let changed = format!("A{}", text.get(1..).unwrap());
        assert!(changed == text || seal.open("log-in", &changed).is_none(), "changed");
        for wrong in ["", "AAAA", "no base64!"] {
            assert_eq!(seal.open("log-in", wrong), None, "{wrong}");
        }
        let past = seal.seal("log-in", &json!({}), Duration::ZERO).unwrap();
        assert_eq!(seal.open("log-in", &past), None, "its time has come");
    }

    #[test]
    fn a_form_is_of_one_browser_and_session() {
        let seal = Seal::new(None).unwrap();
        let token = seal.form_token("b", "s");
        assert!(seal.is_form_of("b", "s", &token));
        for (browser, session, token) in [
            ("c", "s", token.as_str()),
            ("b", "t", &token),
            ("b", "s", ""),
            ("b", "s", "1.AAAA"),
            ("b.s", "", &token),
        ] {
            assert!(!seal.is_form_of(browser, session, token), "{browser} {session} {token}");
        }
        let old = seal.form_token_at("b", "s", now() - FORM_LIFE.as_secs());
        assert!(!seal.is_form_of("b", "s", &old));
    }
}
