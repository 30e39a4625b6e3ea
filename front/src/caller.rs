//! Who sends a request: the address behind the proxies that are believed, the client's certificate, and cookies.

use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::header::{COOKIE, HeaderMap, USER_AGENT};

use crate::settings::Settings;

/// What is known of who sends a request.
pub struct Caller {
    /// The address; IPv4 in its own form.
    pub ip: IpAddr,
    /// The address as a text.
    pub ip_text: String,
    /// The program, cut where it is long.
    pub user_agent: Option<String>,
    /// The certificate in DER, which a proxy has verified.
    pub certificate: Option<Vec<u8>>,
}

/// Most characters of a User-Agent; the store keeps 512.
const USER_AGENT_LENGTH: usize = 512;

impl Caller {
    /// Of a request that came over a connection from this peer.
    pub fn of(settings: &Settings, peer: IpAddr, headers: &HeaderMap) -> Self {
        let is_proxy = settings.proxies.contain(peer);
        let ip = if is_proxy { behind(settings, peer, headers) } else { peer }.to_canonical();
        let certificate = settings.certificate_header.as_ref().filter(|_| is_proxy);
        Self {
            ip,
            ip_text: ip.to_string(),
            user_agent: headers.get(USER_AGENT).map(|value| {
                String::from_utf8_lossy(value.as_bytes()).chars().take(USER_AGENT_LENGTH).collect()
            }),
            certificate: certificate
                .and_then(|name| single(headers, name))
                .and_then(|value| certificate_in(value.as_bytes())),
        }
    }
}

/// From the right the first address that is not a proxy's: what stands left of it the client wrote. What is no address
/// ends the way, and the last proxy counts.
fn behind(settings: &Settings, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
    let texts = headers.get_all("x-forwarded-for").into_iter().map(|value| value.to_str().unwrap_or(""));
    let named: Vec<&str> = texts.flat_map(|text| text.split(',')).collect();
    let mut last = peer;
    for text in named.into_iter().rev() {
        match text.trim().parse::<IpAddr>() {
            Ok(address) if settings.proxies.contain(address) => last = address,
            Ok(address) => return address,
            Err(_) => return last,
        }
    }
    last
}

/// The value of a header that came once. Of two, one may be the client's own.
fn single<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a hyper::header::HeaderValue> {
    let mut values = headers.get_all(name).into_iter();
    values.next().filter(|_| values.next().is_none())
}

/// A certificate as proxies pass it: PEM with percent escapes (nginx, ssl_client_escaped_cert), base64 between colons
/// (RFC 9440), or plain base64 (HAProxy).
fn certificate_in(value: &[u8]) -> Option<Vec<u8>> {
    let text = percent_decoded(value);
    let text = std::str::from_utf8(&text).ok()?.trim();
    let body = match text.strip_prefix("-----BEGIN CERTIFICATE-----") {
        Some(rest) => rest.split("-----END").next()?,
        None => text.trim_matches(':'),
    };
    let body: String = body.split_ascii_whitespace().collect();
    STANDARD.decode(body).ok().filter(|der| !der.is_empty())
}

/// Without percent escapes; a plus sign is itself, as base64 has it.
fn percent_decoded(value: &[u8]) -> Vec<u8> {
    let digit = |place: usize| value.get(place).and_then(|byte| char::from(*byte).to_digit(16));
    let (mut decoded, mut place) = (Vec::with_capacity(value.len()), 0);
    while let Some(byte) = value.get(place) {
        match (byte, digit(place + 1), digit(place + 2)) {
            (b'%', Some(high), Some(low)) => {
                decoded.push((high * 16 + low) as u8);
                place += 3;
            }
            _ => {
                decoded.push(*byte);
                place += 1;
            }
        }
    }
    decoded
}

/// The value of a cookie. Of several with its name the first counts.
pub fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let texts = headers.get_all(COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let pairs = texts.flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.filter(|(found, _)| *found == name).map(|(_, value)| value).next()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::net::IpAddr;

    use auth_store_common::address::Networks;
    use hyper::header::{HeaderMap, HeaderValue};

    use super::{Caller, certificate_in, cookie};
    use crate::settings::{Settings, for_tests};

    fn settings() -> Settings {
        Settings {
            proxies: Networks::parse("10.0.0.0/8").unwrap(),
            certificate_header: Some("ssl-client-cert".to_owned()),
            ..for_tests()
        }
    }

    fn ip(peer: &str, forwarded: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for text in forwarded {
            headers.append("x-forwarded-for", HeaderValue::from_str(text).unwrap());
        }
        Caller::of(&settings(), peer.parse::<IpAddr>().unwrap(), &headers).ip_text
    }

    #[test]
    fn an_address_is_that_before_the_proxies() {
        assert_eq!(ip("203.0.113.9", &["198.51.100.7"]), "203.0.113.9", "who is no proxy is not believed");
        assert_eq!(ip("10.0.0.1", &["6.6.6.6, 198.51.100.7, 10.2.2.2"]), "198.51.100.7");
        assert_eq!(ip("10.0.0.1", &["6.6.6.6", "198.51.100.7"]), "198.51.100.7", "headers are one list");
        assert_eq!(ip("10.0.0.1", &["2001:db8::1"]), "2001:db8::1");
        assert_eq!(ip("::ffff:10.0.0.1", &["::ffff:198.51.100.7"]), "198.51.100.7");
        assert_eq!(ip("10.0.0.1", &["6.6.6.6, unknown"]), "10.0.0.1");
        assert_eq!(ip("10.0.0.1", &["6.6.6.6, unknown, 10.3.3.3"]), "10.3.3.3");
        assert_eq!(ip("10.0.0.1", &[]), "10.0.0.1");
    }

    #[test]
    fn a_certificate_is_a_proxys_alone() {
        let mut headers = HeaderMap::new();
        headers.append("ssl-client-cert", HeaderValue::from_static(":AQID:"));
        let of = |peer: &str, headers: &HeaderMap| {
            Caller::of(&settings(), peer.parse().unwrap(), headers).certificate
        };
        assert_eq!(of("10.0.0.1", &headers), Some(vec![1, 2, 3]));
        assert_eq!(of("203.0.113.9", &headers), None);
        headers.append("ssl-client-cert", HeaderValue::from_static(":BBBB:"));
        assert_eq!(of("10.0.0.1", &headers), None, "two are none");
    }

    #[test]
    fn a_certificate_comes_as_proxies_write_it() {
        let escaped = b"-----BEGIN%20CERTIFICATE-----%0A+/%2B%0A%3D%3D%0A-----END%20CERTIFICATE-----%0A";
        assert_eq!(certificate_in(b"+/+="), certificate_in(b":+/%2B%3D:"));
        assert_eq!(certificate_in(escaped), None, "padding too much");
        let escaped = b"-----BEGIN%20CERTIFICATE-----%0AAQ%0AID%0A-----END%20CERTIFICATE-----%0A";
        assert_eq!(certificate_in(escaped), Some(vec![1, 2, 3]));
        assert_eq!(certificate_in(b""), None);
        assert_eq!(certificate_in(b"%GG"), None);
    }

    #[test]
    fn a_cookie_has_its_whole_name() {
        let mut headers = HeaderMap::new();
        headers.append("cookie", HeaderValue::from_static("a=1; __Host-session=x=y;  b=2"));
        assert_eq!(cookie(&headers, "__Host-session"), Some("x=y"));
        assert_eq!(cookie(&headers, "session"), None);
        assert_eq!(cookie(&headers, "b"), Some("2"));
    }
}
