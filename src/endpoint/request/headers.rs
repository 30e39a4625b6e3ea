//! The headers of a request as a front passes them: a JSON object of texts, or of arrays of texts where a header came
//! several times. Only those that an endpoint reads are looked at.

use crate::kernel::value::jsonb::Jsonb;

/// The largest object of headers, in bytes.
const MAX_HEADERS: usize = 65_536;

/// The headers that are read.
#[derive(Default, Debug, PartialEq, Eq)]
pub struct Headers<'a> {
    /// RFC 9110 section 11.6.2
    pub authorization: Option<&'a str>,
    /// RFC 9449 section 4.1
    pub dpop: Option<&'a str>,
    /// RFC 9110 section 8.3
    pub content_type: Option<&'a str>,
    /// RFC 9110 section 12.5.1
    pub accept: Option<&'a str>,
    /// RFC 6454 section 7
    pub origin: Option<&'a str>,
    /// RFC 9110 section 13.1.2
    pub if_none_match: Option<&'a str>,
    /// RFC 9110 section 10.1.5
    pub user_agent: Option<&'a str>,
    /// `auth-store-pages`: the front answers itself what a browser asks.
    pub has_pages: bool,
}

impl<'a> Headers<'a> {
    /// Reads them; the error is for the developer of the client.
    pub fn read(headers: &'a Jsonb) -> Result<Self, &'static str> {
        if headers.size() > MAX_HEADERS {
            return Err("the headers have more than 64 kB");
        }
        let mut found = Self::default();
        for (name, value) in headers.members().ok_or("the headers are no JSON object")? {
            let name = name.to_ascii_lowercase();
            found.has_pages |= name == "auth-store-pages";
            let alone = matches!(name.as_str(), "authorization" | "dpop");
            let place = match name.as_str() {
                "authorization" => &mut found.authorization,
                "dpop" => &mut found.dpop,
                "content-type" => &mut found.content_type,
                "accept" => &mut found.accept,
                "origin" => &mut found.origin,
                "if-none-match" => &mut found.if_none_match,
                "user-agent" => &mut found.user_agent,
                _ => continue,
            };
            let mut values = match value.elements() {
                Some(elements) => elements,
                None => vec![value],
            };
            // RFC 9449 section 4.3: one proof; RFC 9110 section 5.3: of the others a recipient may take the first.
            if alone && (values.len() > 1 || place.is_some()) {
                return Err("Authorization and DPoP come once");
            }
            values.truncate(1);
            let text = values.first().and_then(|value| value.text());
            if alone && text.is_none() && !values.iter().all(|value| value.is_null()) {
                return Err("a header is no text");
            }
            *place = text.or(*place);
        }
        Ok(found)
    }

    /// The media type of the body without its parameters, in lower case.
    pub fn media_type(&self) -> Option<String> {
        let (media_type, _) = self.content_type?.split_once(';').unwrap_or((self.content_type?, ""));
        Some(media_type.trim().to_ascii_lowercase())
    }
}

/// Whether the header `Accept` names this media type itself, not by a wildcard alone.
pub fn accepts(accept: Option<&str>, media_type: &str) -> bool {
    let named = |range: &str| {
        range.split(';').next().is_some_and(|name| name.trim().eq_ignore_ascii_case(media_type))
    };
    accept.is_some_and(|accept| accept.split(',').take(64).any(named))
}
