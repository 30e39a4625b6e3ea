//! What a browser says (Web Authentication level 3 section 5.8.1).

use base64::Engine;
use serde::Deserialize;

use super::problem::{BASE64URL, Problem};

/// The longest document, in bytes; browsers write some 150 and may add to it.
const MAX_SIZE: usize = 8 * 1024;

/// What is read of `clientDataJSON`; unknown members do not count.
#[derive(Deserialize)]
pub struct ClientData {
    /// `webauthn.create` or `webauthn.get`.
    pub r#type: String,
    challenge: String,
    /// The origin of the page.
    pub origin: String,
    /// Whether the page was in a frame of another origin.
    #[serde(rename = "crossOrigin", default)]
    pub cross_origin: Option<bool>,
    /// The origin of the outermost page, if that is another one.
    #[serde(rename = "topOrigin", default)]
    pub top_origin: Option<String>,
}

impl ClientData {
    /// Reads the bytes of `clientDataJSON`.
    pub fn read(bytes: &[u8]) -> Result<Self, Problem> {
        const MALFORMED: Problem = Problem::Malformed("clientDataJSON");
        // Section 7.1 has them decoded as the Encoding Standard's "UTF-8 decode" does, which drops a byte order mark.
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        if bytes.len() > MAX_SIZE {
            return Err(MALFORMED);
        }
        serde_json::from_slice(bytes).map_err(|_| MALFORMED)
    }

    /// The challenge that it answers, if it has the length of one.
    pub fn challenge(&self) -> Option<[u8; 32]> {
        BASE64URL.decode(&self.challenge).ok()?.try_into().ok()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::ClientData;
    use proptest::prelude::*;

    const CHALLENGE: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE";

    fn with(more: &str) -> Option<ClientData> {
        let head =
            format!(r#"{{"type":"webauthn.get","challenge":"{CHALLENGE}","origin":"https://a.example""#);
        ClientData::read(format!("{head}{more}}}").as_bytes()).ok()
    }

    /// Section 5.8.1 says that members may be added, and browsers do add one to find who compares texts.
    #[test]
    fn unknown_members_do_not_count() {
        let read =
            with(r#","other_keys_can_be_added_here":"do not compare","crossOrigin":null,"a":{"b":[1]}"#);
        let read = read.unwrap();
        assert_eq!(read.challenge(), Some([1; 32]));
        assert_eq!((read.cross_origin, read.top_origin), (None, None));
        let framed = with(r#","crossOrigin":true,"topOrigin":"https://b.example""#).unwrap();
        assert_eq!(
            (framed.cross_origin, framed.top_origin.as_deref()),
            (Some(true), Some("https://b.example"))
        );
        let marked = format!("\u{feff}{}", r#"{"type":"t","challenge":"AA","origin":"o"}"#);
        assert!(ClientData::read(marked.as_bytes()).is_ok_and(|read| read.challenge().is_none()));
    }

    #[test]
    fn what_is_no_client_data_is_refused() {
        for more in
            [r#","type":"webauthn.create""#, r#","crossOrigin":"false""#, r#","topOrigin":7"#, ",", r#"}{"#]
        {
            assert!(with(more).is_none(), "{more}");
        }
        assert!(with(&format!(r#","a":"{}""#, "x".repeat(8192))).is_none());
        assert!(with(&format!(r#","a":{}"#, "[".repeat(2000))).is_none());
        for text in ["", "null", "[]", "{}", r#"{"type":"t","challenge":"AA"}"#, "\u{0}"] {
            assert!(ClientData::read(text.as_bytes()).is_err(), "{text}");
        }
        assert!(ClientData::read(b"\xff").is_err());
    }

    /// Section 5.8.1: base64url of the challenge. Padding is let pass, the letters of standard base64 are not.
    #[test]
    fn a_challenge_is_base64url() {
        let challenge = |text: &str| {
            let json = format!(r#"{{"type":"t","challenge":"{text}","origin":"o"}}"#);
            ClientData::read(json.as_bytes()).unwrap().challenge()
        };
        let (url, plain) = ("_-8".repeat(14), "/+8".repeat(14));
        assert!(challenge(&format!("{url}A")).is_some() && challenge(&format!("{plain}A")).is_none());
        assert_eq!(challenge(&format!("{CHALLENGE}=")), Some([1; 32]));
        assert!(challenge("").is_none() && challenge(&"A".repeat(44)).is_none());
    }

    proptest! {
        #[test]
        fn any_bytes_are_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..300), text: String) {
            let read = [ClientData::read(&bytes), ClientData::read(text.as_bytes())];
            for read in read.into_iter().flatten() {
                let _ = read.challenge();
            }
        }
    }
}
